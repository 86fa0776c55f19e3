-- Columns of every kind of type: arrays, jsonb, composites, enums, domains, identity, generated.

SELECT tags[1], tags[1:2], array_length(tags, 1), cardinality(tags) FROM customers ORDER BY id

SELECT full_name FROM customers WHERE 'vip' = ANY (tags) ORDER BY id

SELECT full_name FROM customers WHERE tags @> '{vip}' AND NOT tags && ARRAY['early'] ORDER BY id

SELECT full_name, unnest(tags) AS tag FROM customers ORDER BY full_name, tag

SELECT tags || 'new'::text, array_append(tags, 'x'), array_remove(tags, 'vip'), array_to_string(tags, ',', '?') FROM customers ORDER BY id

SELECT array_cat(tags, ARRAY[full_name]) FROM customers ORDER BY id

SELECT DISTINCT unnest(tags) AS tags FROM customers ORDER BY tags NULLS LAST

SELECT tags FROM customers GROUP BY tags ORDER BY tags

SELECT tags = '{}' AS empty, tags IS NULL FROM customers ORDER BY id

SELECT array_agg(t ORDER BY t) FROM customers, unnest(tags) t

SELECT attributes -> 'tier', attributes ->> 'tier', attributes #>> '{langs,0}' FROM customers ORDER BY id

SELECT full_name FROM customers WHERE attributes @> '{"tier": "gold"}' ORDER BY id

SELECT full_name FROM customers WHERE attributes ? 'langs' ORDER BY id

SELECT full_name FROM customers WHERE attributes ?| ARRAY['langs', 'tier'] ORDER BY id

SELECT full_name FROM customers WHERE (attributes ->> 'visits')::integer > 2 ORDER BY id

SELECT attributes || '{"seen": true}', attributes - 'tier', jsonb_set(attributes, '{tier}', '"new"') FROM customers ORDER BY id

SELECT attributes['tier'], attributes['langs'][0] FROM customers ORDER BY id

SELECT jsonb_path_query_first(attributes, '$.langs[1]'), attributes @? '$.tier', attributes @@ '$.visits > 2' FROM customers ORDER BY id

SELECT c.id, a.key FROM customers c, jsonb_each(c.attributes) a WHERE a.key <> 'visits' ORDER BY 1, 2

SELECT jsonb_typeof(attributes), jsonb_array_length(attributes -> 'langs') FROM customers WHERE attributes ? 'langs'

SELECT attributes FROM customers ORDER BY attributes

SELECT (address).city, (address).street FROM customers ORDER BY id

SELECT (c.address).city FROM customers c WHERE (c.address).zip = 'W1'

SELECT (c.address).* FROM customers c ORDER BY c.id

SELECT (customers.address).zip AS zip, full_name FROM customers ORDER BY zip NULLS FIRST, id

SELECT address FROM customers ORDER BY id

SELECT address IS NULL, address IS NOT NULL, address = ROW ('1 Mill St', 'London', 'W1')::postal_address FROM customers ORDER BY id

SELECT row_to_json(address), to_jsonb(address) -> 'city' FROM customers ORDER BY id

SELECT (address).city AS city, count(*) FROM customers GROUP BY (address).city ORDER BY 1

SELECT contact, contact::text, upper(contact) FROM customers ORDER BY id

SELECT split_part(contact, '@', 2) AS host, count(*) FROM customers GROUP BY host ORDER BY host

SELECT full_name FROM customers WHERE contact LIKE 'b%'

SELECT contact IS NULL, pg_typeof(contact) FROM customers ORDER BY id

SELECT status, status::text, status > 'new', enum_range(status) FROM orders ORDER BY id

SELECT enum_first(status), enum_last(status) FROM orders WHERE id = 1

SELECT min(status), max(status) FROM orders

SELECT status = 'paid' AS status FROM orders ORDER BY id

SELECT status FROM orders WHERE status IN ('new', 'cancelled') ORDER BY status

SELECT array_agg(status ORDER BY status) FROM orders

SELECT array_agg(DISTINCT status ORDER BY status DESC) FROM orders

SELECT CASE status WHEN 'new' THEN 1 WHEN 'paid' THEN 2 ELSE 3 END, status FROM orders ORDER BY id

SELECT coalesce(status, 'new') FROM orders ORDER BY id

SELECT order_id, quantity, unit_price, amount, sku FROM order_items ORDER BY 1, line_no

SELECT * FROM order_items ORDER BY order_id, line_no

SELECT sum(amount) FROM order_items WHERE sku LIKE 'TEA%'

SELECT pg_typeof(quantity), pg_typeof(sku), pg_typeof(amount) FROM order_items LIMIT 1

SELECT sku::varchar(3), sku::char(3), length(sku) FROM order_items ORDER BY order_id, line_no

SELECT code, code::text, code + 1, code::bit(12), to_char(code, '9999') FROM tokens ORDER BY id

SELECT sum(code), avg(code), max(code) FROM tokens

SELECT code % 2 = 0 AS even, -code, @ (-code), |/ code FROM tokens ORDER BY id

SELECT "Länge", "Länge" * 2, "Länge"::integer, round("Länge", 1) FROM "Größe" ORDER BY id

SELECT starts, starts::date, starts + interval '1 day', fee, fee * 2, email FROM appointments ORDER BY id

SELECT * FROM appointments ORDER BY starts NULLS LAST

SELECT email FROM appointments WHERE lower(email) = 'carl@example.com'

SELECT date_trunc('day', starts) AS day, sum(fee) FROM appointments GROUP BY day ORDER BY day NULLS FIRST

SELECT total_cents, total_cents / 100.0, total_cents * 1000000::bigint FROM orders ORDER BY id

SELECT sum(total_cents), avg(total_cents), pg_typeof(sum(total_cents)) FROM orders

INSERT INTO customers (full_name) VALUES ('New One') RETURNING *

INSERT INTO customers (full_name, tags) VALUES ('New One', '{a,b}') RETURNING tags, id

INSERT INTO customers (full_name, tags) VALUES ('New One', ARRAY['a', NULL, 'c']) RETURNING tags[1]

INSERT INTO customers (full_name, tags, attributes) VALUES ('New One', DEFAULT, DEFAULT) RETURNING *

INSERT INTO customers (full_name, tags[1], tags[3]) VALUES ('New One', 'first', 'third') RETURNING tags

INSERT INTO customers (full_name, address) VALUES ('New One', ROW ('9 Z St', 'Oslo', NULL)) RETURNING address

INSERT INTO customers (full_name, address.city, address.zip) VALUES ('New One', 'Oslo', '0150') RETURNING address

INSERT INTO customers (full_name, attributes) VALUES ('New One', '{"a": [1, 2]}') RETURNING attributes -> 'a'

INSERT INTO customers (full_name, attributes) VALUES ('New One', jsonb_build_object('at', 1, 'name', 'x')) RETURNING attributes

INSERT INTO customers (id, full_name) VALUES (50, 'New One') RETURNING id, full_name

INSERT INTO customers (id, full_name) OVERRIDING USER VALUE VALUES (50, 'New One') RETURNING id

INSERT INTO customers VALUES (50, 'New One', 'n@example.com')

INSERT INTO customers VALUES (DEFAULT, 'New One', DEFAULT, DEFAULT, '{x}') RETURNING *

INSERT INTO orders (customer_id) VALUES (1) RETURNING *

INSERT INTO orders (customer_id, status) VALUES (1, 'paid'), (2, DEFAULT) RETURNING id, status

INSERT INTO orders (id, customer_id) OVERRIDING SYSTEM VALUE VALUES (500, 1) RETURNING id, customer_id

INSERT INTO orders (customer_id, status, tracking) VALUES (1, 'new', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11') RETURNING tracking

INSERT INTO orders (customer_id, status) SELECT id, 'cancelled' FROM customers WHERE full_name LIKE 'C%' RETURNING customer_id, status

INSERT INTO orders (customer_id, status) VALUES ((SELECT id FROM customers WHERE contact = 'ada@example.com'), 'paid'::order_state) RETURNING status

INSERT INTO order_items (order_id, line_no, sku) VALUES (1, 3, 'NEW-1') RETURNING *

INSERT INTO order_items (order_id, line_no, sku, quantity) VALUES (1, 3, 'NEW-1', DEFAULT), (1, 4, 'NEW-2', 7) RETURNING sku, quantity, amount

INSERT INTO order_items VALUES (1, 3, 'NEW-1', 2, 1.50) RETURNING amount

INSERT INTO order_items (order_id, line_no, sku) SELECT 5, 10 + row_number() OVER (ORDER BY sku), sku FROM order_items WHERE order_id = 3 RETURNING sku, line_no

INSERT INTO stock VALUES ('north', 'TEA-01', 3), ('north', 'CUP-07', DEFAULT) RETURNING *

INSERT INTO stock SELECT 'copy', item, on_hand FROM stock WHERE warehouse = 'east' RETURNING item

INSERT INTO employees VALUES (10, 1, 'Fay', 'Engineer', 100, '2024-01-01') RETURNING name

INSERT INTO employees (id, name, salary) VALUES (10, 'Fay', 100.129) RETURNING salary, name

INSERT INTO articles (title) VALUES ('A new one') RETURNING id, title, search

INSERT INTO articles (title, body) VALUES ('A new one', 'Databases and tea') RETURNING search, title

INSERT INTO articles (id, title) VALUES (DEFAULT, 'x'), (90, 'y') RETURNING *

INSERT INTO jobs DEFAULT VALUES RETURNING *

INSERT INTO jobs (queue, payload) VALUES ('mail', '{"to": "x"}'), (DEFAULT, '{}') RETURNING id, queue

INSERT INTO "Größe" VALUES (9, 9.99, 'ö') RETURNING *

INSERT INTO "Größe" (id) VALUES (9) RETURNING "naïve", "Länge"

INSERT INTO "odd ""name""" (id, "a b", "select") VALUES (9, 'x', 'y') RETURNING "a b", "select"

INSERT INTO sales.invoices (id, number) VALUES (9, 'INV-9') RETURNING number

INSERT INTO appointments (id, email, starts, fee) VALUES (9, 'N@Example.com', '2024-05-05 10:00', 3.456) RETURNING *

INSERT INTO appointments (id, email) VALUES (9, 'n') RETURNING fee, starts

UPDATE customers SET tags = tags || 'x'::text RETURNING id, tags

UPDATE customers SET tags[1] = 'first' WHERE id = 1 RETURNING tags

UPDATE customers SET tags[2:3] = '{b,c}' WHERE id = 1 RETURNING tags

UPDATE customers SET address.city = 'Bath' WHERE id = 1 RETURNING address

UPDATE customers SET address = ROW ((address).street, 'Rome', '00100') WHERE id = 2 RETURNING (address).city

UPDATE customers SET attributes = attributes || '{"x": 1}' WHERE attributes ? 'tier' RETURNING attributes

UPDATE customers SET attributes['tier'] = '"iron"' WHERE id = 1 RETURNING attributes

UPDATE customers SET attributes = jsonb_set(attributes, '{visits}', to_jsonb((attributes ->> 'visits')::int + 1)) WHERE id = 1 RETURNING attributes ->> 'visits'

UPDATE customers SET contact = NULL, full_name = upper(full_name), tags = DEFAULT WHERE id = 2 RETURNING *

UPDATE customers SET (full_name, contact, tags) = (SELECT c.full_name || '2', 'x@' || c.id, '{z}'::text[] FROM customers c WHERE c.id = customers.id) WHERE id < 3 RETURNING full_name, contact, tags

UPDATE customers SET (full_name, tags) = ('both', DEFAULT) WHERE id = 1 RETURNING full_name, tags

UPDATE customers SET full_name = contact, contact = full_name || '@' WHERE contact IS NOT NULL RETURNING full_name, contact

UPDATE orders SET status = 'shipped' WHERE status = 'paid' RETURNING id, status

UPDATE orders SET status = CASE status WHEN 'new' THEN 'paid'::order_state ELSE status END, note = status::text RETURNING id, status, note

UPDATE orders SET status = DEFAULT, customer_id = 2 WHERE id = 1 RETURNING *

UPDATE orders SET customer_id = c.id FROM customers c WHERE c.full_name = 'Carl Gauss' AND orders.status = 'new' RETURNING orders.id, c.full_name, customer_id

UPDATE order_items SET sku = lower(sku), quantity = quantity + 1 RETURNING sku, amount

UPDATE order_items i SET sku = s.item || '!' FROM stock s WHERE s.item = i.sku AND s.warehouse = 'east' RETURNING i.sku, s.item

UPDATE stock SET item = 'moved-' || item WHERE warehouse = 'west' RETURNING item

UPDATE stock SET on_hand = on_hand - 1 WHERE (warehouse, item) = ('east', 'TEA-01') RETURNING on_hand

UPDATE employees e SET name = upper(e.name), salary = e.salary * 1.1 FROM employees m WHERE m.id = e.manager_id AND m.name = 'Anna' RETURNING e.name, m.name, e.salary

UPDATE articles SET title = 'new ' || title WHERE NOT published RETURNING title, search

UPDATE jobs SET queue = DEFAULT, attempts = attempts + 1 WHERE state = 'failed' RETURNING queue, attempts

UPDATE "Größe" SET "Länge" = coalesce("Länge", 0) + 1, "naïve" = DEFAULT RETURNING *

UPDATE "odd ""name""" SET "a b" = "select", "select" = "a b" RETURNING id, "a b", "select"

UPDATE sales.invoices SET number = 'X-' || number WHERE customer = 1 RETURNING number

UPDATE appointments SET email = upper(email), starts = starts + interval '1 hour', fee = fee + 0.005 RETURNING *

UPDATE orders SET total_cents = total_cents + 1 RETURNING total_cents

DELETE FROM customers WHERE tags = '{early,NULL}' RETURNING *

--? old names
DELETE FROM order_items WHERE sku IN (SELECT item FROM stock WHERE on_hand = 0) RETURNING sku, order_id

DELETE FROM orders WHERE status = 'cancelled' RETURNING id, status, customer_id

DELETE FROM orders o USING customers c WHERE c.id = o.customer_id AND c.full_name = 'Blaise Pascal' RETURNING o.id, c.full_name

DELETE FROM stock s WHERE s.item = 'TEA-01' RETURNING s.*

DELETE FROM employees WHERE name = 'Eli' RETURNING title, name

DELETE FROM jobs WHERE queue = 'mail' AND state = 'ready' RETURNING payload

--$ {a,b};New One
INSERT INTO customers (tags, full_name) VALUES ($1, $2) RETURNING tags

--$ New One;("1 A",B,C)
INSERT INTO customers (full_name, address) VALUES ($1, $2) RETURNING address

--$ New One;{"k": 1};n@example.com
INSERT INTO customers (full_name, attributes, contact) VALUES ($1, $2, $3) RETURNING *

--$ 1;paid
INSERT INTO orders (customer_id, status) VALUES ($1, $2) RETURNING status

--$ shipped;paid
UPDATE orders SET status = $1 WHERE status = $2 RETURNING id

--$ shipped;1
UPDATE orders SET status = $1::order_state, note = $1::text WHERE id = $2 RETURNING status, note

--$ 1;3;SKU-$;2
INSERT INTO order_items (order_id, line_no, sku, quantity) VALUES ($1, $2, $3, $4) RETURNING amount

--$ 9;9.99
INSERT INTO "Größe" (id, "Länge") VALUES ($1, $2) RETURNING "Länge"

--$ x;1
UPDATE "odd ""name""" SET "a b" = $1 WHERE id = $2 RETURNING "a b"

--$ {"tier": "gold"}
SELECT full_name FROM customers WHERE attributes @> $1

--$ vip
SELECT id FROM customers WHERE $1 = ANY (tags) ORDER BY id

--$ {paid,new}
SELECT id FROM orders WHERE status = ANY ($1) ORDER BY id

--$ {paid,new}
SELECT id FROM orders WHERE status = ANY ($1::order_state[]) ORDER BY id

--$ w@example.com
UPDATE customers SET contact = $1 WHERE contact = 'ada@example.com' RETURNING contact

--? fails
--$ \N;1
UPDATE customers SET contact = $1, address = $1 WHERE id = 3 AND $2 = '1' RETURNING contact, address
