-- MERGE.

MERGE INTO users u USING (VALUES (1, 'merged'), (10, 'fresh')) AS v(id, name) ON u.id = v.id WHEN MATCHED THEN UPDATE SET username = v.name WHEN NOT MATCHED THEN INSERT (id, username) VALUES (v.id, v.name)

MERGE INTO users USING posts ON posts.user_id = users.id AND posts.id = 3 WHEN MATCHED THEN UPDATE SET username = posts.title

MERGE INTO users u USING posts p ON p.username = u.username WHEN MATCHED AND u.username = 'bob' THEN DELETE WHEN MATCHED THEN UPDATE SET username = upper(u.username), age = 1

MERGE INTO users u USING posts p ON p.username = u.username WHEN NOT MATCHED AND p.username IS NOT NULL THEN INSERT (id, username) VALUES (p.id + 100, p.username) WHEN NOT MATCHED THEN DO NOTHING

MERGE INTO posts p USING users u ON u.id = p.user_id WHEN MATCHED THEN UPDATE SET username = u.username

MERGE INTO posts p USING users u ON u.username = p.username WHEN MATCHED THEN UPDATE SET title = u.username WHEN NOT MATCHED THEN INSERT (id, title, username) VALUES (u.id + 100, u.username, u.email)

MERGE INTO posts p USING (SELECT id, username FROM users WHERE username < 'c') u ON u.id = p.id WHEN MATCHED THEN UPDATE SET (title, username) = (u.username, DEFAULT)

MERGE INTO notes n USING archive.users a ON a.id = n.id WHEN MATCHED THEN UPDATE SET handle = a.handle

MERGE INTO stock s USING order_items i ON i.sku = s.item AND s.warehouse = 'east' AND i.order_id = 1 WHEN MATCHED THEN UPDATE SET on_hand = s.on_hand - i.quantity

MERGE INTO stock AS s USING (SELECT sku, sum(quantity) AS n FROM order_items GROUP BY sku) AS i ON s.item = i.sku AND s.warehouse = 'west' WHEN MATCHED AND s.on_hand - i.n <= 0 THEN DELETE WHEN MATCHED THEN UPDATE SET on_hand = s.on_hand - i.n WHEN NOT MATCHED THEN INSERT VALUES ('west', i.sku, i.n)

MERGE INTO tasks t USING (VALUES (1), (50)) v(id) ON v.id = t.id WHEN MATCHED THEN UPDATE SET label = DEFAULT WHEN NOT MATCHED THEN INSERT DEFAULT VALUES

--! dual-write switch-reads: a volatile value in MERGE's INSERT
MERGE INTO tokens t USING (VALUES (1, 'a'), (50, 'b')) v(id, note) ON v.id = t.id WHEN MATCHED THEN UPDATE SET code = t.code + 1 WHEN NOT MATCHED THEN INSERT (id, note) VALUES (v.id, v.note)

MERGE INTO customers c USING (SELECT 'ada@example.com' AS contact, 'Ada' AS name UNION ALL SELECT 'z@example.com', 'Zed') s ON s.contact = c.contact WHEN MATCHED THEN UPDATE SET full_name = s.name, tags = c.tags || 'merged'::text WHEN NOT MATCHED THEN INSERT (full_name, contact) VALUES (s.name, s.contact)

MERGE INTO orders o USING customers c ON c.id = o.customer_id WHEN MATCHED AND o.status = 'new' THEN UPDATE SET status = 'cancelled', note = c.full_name WHEN NOT MATCHED THEN INSERT (customer_id, status) VALUES (c.id, 'paid')

MERGE INTO "Account" a USING (VALUES (1, 'x')) v(id, n) ON v.id = a.id WHEN MATCHED THEN UPDATE SET "userName" = v.n || a.username

MERGE INTO "odd ""name""" o USING (SELECT 1 AS id) s ON s.id = o.id WHEN MATCHED THEN UPDATE SET "a b" = o."select"

MERGE INTO sales.invoices i USING invoices p ON p.id = i.id WHEN MATCHED THEN UPDATE SET number = p.number

WITH src AS (SELECT id, username FROM users) MERGE INTO users u USING src s ON s.id = u.id + 1 WHEN MATCHED THEN UPDATE SET username = s.username || u.id

MERGE INTO ONLY users u USING (SELECT 1::bigint AS id) s ON s.id = u.id WHEN MATCHED THEN UPDATE SET username = 'only'

MERGE INTO users u USING users s ON s.id = u.id AND s.username LIKE '%o%' WHEN MATCHED THEN UPDATE SET username = s.username || tick()

--! dual-write switch-reads: a volatile value in MERGE's INSERT
MERGE INTO users u USING (SELECT 10 AS id) s ON s.id = u.id WHEN NOT MATCHED THEN INSERT (id, username) VALUES (s.id, tick())

--$ 1;given
MERGE INTO users u USING (SELECT $1::bigint AS id) s ON s.id = u.id WHEN MATCHED THEN UPDATE SET username = $2 WHEN NOT MATCHED THEN INSERT (id, username) VALUES (s.id, $2)

--$ 12;given
MERGE INTO users u USING (VALUES ($1::bigint, $2::text)) s(id, n) ON s.id = u.id WHEN MATCHED THEN UPDATE SET username = s.n WHEN NOT MATCHED THEN INSERT (id, username, email) VALUES (s.id, s.n, s.n)

--? fails
MERGE INTO users u USING posts p ON p.user_id = u.id WHEN MATCHED THEN UPDATE SET username = p.title

--? fails
MERGE INTO users u USING posts p ON p.user_id = u.id WHEN MATCHED THEN UPDATE SET nonsense = p.title

--? fails
MERGE INTO users u USING (SELECT 2 AS id) s ON s.id = u.id WHEN MATCHED THEN UPDATE SET username = 'alice'
