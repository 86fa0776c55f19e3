-- INSERT … ON CONFLICT, in all forms.

INSERT INTO stock (warehouse, item, on_hand) VALUES ('east', 'TEA-01', 5) ON CONFLICT (warehouse, item) DO UPDATE SET on_hand = stock.on_hand + EXCLUDED.on_hand RETURNING *

INSERT INTO stock (warehouse, item, on_hand) VALUES ('east', 'TEA-01', 5), ('north', 'TEA-01', 1) ON CONFLICT (item, warehouse) DO UPDATE SET item = EXCLUDED.item || '*', on_hand = EXCLUDED.on_hand RETURNING item, on_hand

INSERT INTO stock VALUES ('east', 'TEA-01', 5) ON CONFLICT DO NOTHING RETURNING *

INSERT INTO stock AS s VALUES ('east', 'TEA-01', 5) ON CONFLICT ON CONSTRAINT stock_pkey DO UPDATE SET on_hand = s.on_hand + 1 WHERE s.item = EXCLUDED.item RETURNING s.item, s.on_hand

INSERT INTO customers (full_name, contact) VALUES ('Ada B', 'ada@example.com') ON CONFLICT (contact) DO UPDATE SET full_name = EXCLUDED.full_name RETURNING id, full_name, contact

INSERT INTO customers (full_name, contact, tags) VALUES ('Ada B', 'ada@example.com', '{n}'), ('New', 'n@example.com', '{m}') ON CONFLICT (contact) DO UPDATE SET tags = customers.tags || EXCLUDED.tags, attributes = EXCLUDED.attributes RETURNING contact, tags, attributes

INSERT INTO customers AS c (full_name, contact) VALUES ('x', 'ada@example.com') ON CONFLICT (contact) DO UPDATE SET full_name = c.full_name || '/' || EXCLUDED.full_name, tags = DEFAULT WHERE c.full_name <> EXCLUDED.full_name RETURNING c.*

INSERT INTO customers (full_name, contact) SELECT username, email FROM users WHERE email IS NOT NULL ON CONFLICT (contact) DO NOTHING RETURNING full_name

INSERT INTO sales.invoices (id, number) VALUES (9, 'INV-1') ON CONFLICT (number) DO UPDATE SET customer = 7 RETURNING *

INSERT INTO sales.invoices AS i (id, number) VALUES (9, 'INV-1') ON CONFLICT (number) DO UPDATE SET number = i.number || '-' || EXCLUDED.id RETURNING i.number

INSERT INTO sales.invoices (id, number) VALUES (1, 'INV-9') ON CONFLICT (id) DO UPDATE SET number = EXCLUDED.number, customer = length(invoices.number)

INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET username = (SELECT name FROM employees WHERE id = EXCLUDED.id) RETURNING username

INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET username = DEFAULT, age = DEFAULT WHERE false RETURNING username

INSERT INTO users (id, username, age) VALUES (1, 'x', 5) ON CONFLICT (id) DO UPDATE SET (username, age) = ROW (EXCLUDED.username || users.username, EXCLUDED.age) RETURNING *

INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET username = EXCLUDED."username" || "users"."username" RETURNING "username"

INSERT INTO users (id, username) VALUES (1, 'x'), (2, 'y'), (30, 'z') ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username, email = users.username RETURNING id, username, email

INSERT INTO users (id, username) VALUES (20, 'alice'), (21, 'brand new') ON CONFLICT (username) DO NOTHING RETURNING id, username

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (username) DO UPDATE SET username = EXCLUDED.username RETURNING xmax::text <> '0', username

INSERT INTO users SELECT * FROM users ON CONFLICT (id) DO UPDATE SET username = upper(EXCLUDED.username) RETURNING username

INSERT INTO users (id, username) SELECT id, title FROM posts ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username RETURNING id, username

INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET username = row_to_json(EXCLUDED)::text RETURNING username

WITH up AS (INSERT INTO users (id, username) VALUES (1, 'x'), (30, 'y') ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username RETURNING *) SELECT username, age FROM up ORDER BY id

INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) WHERE id > 0 DO NOTHING

INSERT INTO users (id, username) VALUES (10, 'alice') ON CONFLICT (username COLLATE "default") DO NOTHING RETURNING id

INSERT INTO users (id, username) VALUES (10, 'x') ON CONFLICT ("username") DO NOTHING RETURNING id

INSERT INTO tasks (id, label) VALUES (1, 'upserted') ON CONFLICT (id) DO UPDATE SET label = EXCLUDED.label, done = true RETURNING *

INSERT INTO tasks (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET label = EXCLUDED.label RETURNING label

INSERT INTO tasks (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET label = DEFAULT RETURNING label

INSERT INTO tokens (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET code = EXCLUDED.code RETURNING code

INSERT INTO tokens (id) VALUES (1), (50) ON CONFLICT (id) DO UPDATE SET code = DEFAULT RETURNING id, code

INSERT INTO order_items (order_id, line_no, sku) VALUES (1, 1, 'NEW') ON CONFLICT (order_id, line_no) DO UPDATE SET sku = order_items.sku || '>' || EXCLUDED.sku, quantity = order_items.quantity + EXCLUDED.quantity RETURNING sku, quantity, amount

INSERT INTO orders (id, customer_id, status) OVERRIDING SYSTEM VALUE VALUES (1, 2, 'shipped') ON CONFLICT (id) DO UPDATE SET customer_id = EXCLUDED.customer_id, status = EXCLUDED.status RETURNING *

INSERT INTO "Account" AS a (id, "userName") VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET "userName" = a."userName" || EXCLUDED."userName" RETURNING "userName"

INSERT INTO "Größe" AS g VALUES (1, 5, 'x') ON CONFLICT (id) DO UPDATE SET "Länge" = g."Länge" + EXCLUDED."Länge" RETURNING *

INSERT INTO "odd ""name""" AS o (id, "a b") VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET "a b" = concat(o."a b", EXCLUDED."a b", o."select") RETURNING "a b"

INSERT INTO employees (id, name) VALUES (2, 'Anne') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, title = employees.name RETURNING name, title

INSERT INTO posts (id, title, username) SELECT id, username, username FROM users ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username || '/' || posts.title RETURNING username

--$ 1;x;y
INSERT INTO users (id, username) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username || $3 RETURNING username

--$ east;TEA-01;3
INSERT INTO stock (warehouse, item, on_hand) VALUES ($1, $2, $3) ON CONFLICT (warehouse, item) DO UPDATE SET on_hand = stock.on_hand + $3 RETURNING on_hand

--$ Ada;ada@example.com;{t}
INSERT INTO customers (full_name, contact, tags) VALUES ($1, $2, $3) ON CONFLICT (contact) DO UPDATE SET full_name = $1, tags = $3 RETURNING full_name, tags

--$ {10,11};{ten,eleven}
INSERT INTO users (id, username) SELECT * FROM unnest($1::bigint[], $2::text[]) RETURNING *

--$ {1,11};{ten,eleven}
INSERT INTO users (id, username) SELECT id, name FROM unnest($1::bigint[], $2::text[]) AS t(id, name) ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username RETURNING id, username

--? fails
INSERT INTO stock VALUES ('east', 'TEA-01', 5) ON CONFLICT (item) DO NOTHING

--? fails
INSERT INTO users (id, username) VALUES (10, 'alice') ON CONFLICT (id) DO UPDATE SET username = 'z'

--? fails
INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET username = 'bob'

--? fails
INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT DO UPDATE SET username = 'z'

--? fails
INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET username = username || 'z'
