-- What applications send: JSON interfaces, reports, search, trees, pages, queues.

-- PostgREST
WITH pgrst_source AS (SELECT "public"."users".* FROM "public"."users" ORDER BY "public"."users"."id") SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), '[]') AS body FROM (SELECT * FROM pgrst_source) _postgrest_t

WITH pgrst_source AS (SELECT "public"."users"."username", "public"."users"."age" FROM "public"."users" WHERE "public"."users"."username" = ANY ('{alice,bob}') ORDER BY "public"."users"."username" LIMIT 10 OFFSET 0) SELECT pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), '[]')::character varying AS body FROM (SELECT * FROM pgrst_source) _postgrest_t

WITH pgrst_source AS (SELECT "public"."customers"."full_name", coalesce("customers_orders_1"."customers_orders_1", '[]') AS "orders" FROM "public"."customers" LEFT JOIN LATERAL (SELECT json_agg("customers_orders_1") AS "customers_orders_1" FROM (SELECT "orders_1"."id", "orders_1"."status" FROM "public"."orders" AS "orders_1" WHERE "orders_1"."customer_id" = "public"."customers"."id" ORDER BY "orders_1"."id") AS "customers_orders_1") AS "customers_orders_1" ON TRUE ORDER BY "public"."customers"."id") SELECT json_agg(t) FROM (SELECT * FROM pgrst_source) t

WITH pgrst_source AS (SELECT "orders".*, row_to_json("orders_customers_1".*) AS "customers" FROM "public"."orders" LEFT JOIN LATERAL (SELECT "customers_1"."full_name", "customers_1"."contact" FROM "public"."customers" AS "customers_1" WHERE "customers_1"."id" = "public"."orders"."customer_id") AS "orders_customers_1" ON TRUE) SELECT json_agg(t ORDER BY t.id) FROM (SELECT * FROM pgrst_source) t

--! dual-write switch-reads stop-dual-write contract: a governed name in this place
--~ expand: forwarded unread, so an added column shows
--$ {"id": 20, "username": "rest", "age": 5}
WITH pgrst_source AS (WITH pgrst_payload AS (SELECT $1::json AS json_data), pgrst_body AS (SELECT CASE WHEN json_typeof(json_data) = 'array' THEN json_data ELSE json_build_array(json_data) END AS val FROM pgrst_payload) INSERT INTO "public"."users"("id", "username", "age") SELECT "id", "username", "age" FROM json_populate_recordset(null::"public"."users", (SELECT val FROM pgrst_body)) _ RETURNING "public"."users".*) SELECT json_agg(t) FROM (SELECT * FROM pgrst_source) t

--$ {"id": 20, "username": "rest", "age": 5}
WITH pgrst_source AS (INSERT INTO "public"."users"("id", "username", "age") SELECT pgrst_body."id", pgrst_body."username", pgrst_body."age" FROM (SELECT $1::json AS json_data) pgrst_payload, LATERAL (SELECT "id", "username", "age" FROM json_to_record(pgrst_payload.json_data) AS _("id" bigint, "username" character varying(50), "age" integer)) pgrst_body RETURNING "public"."users"."id", "public"."users"."username") SELECT json_agg(t) FROM (SELECT * FROM pgrst_source) t

--$ {"username": "patched"}
WITH pgrst_source AS (UPDATE "public"."users" SET "username" = pgrst_body."username" FROM (SELECT $1::json AS json_data) pgrst_payload, LATERAL (SELECT "username" FROM json_to_record(pgrst_payload.json_data) AS _("username" character varying(50))) pgrst_body WHERE "public"."users"."id" = 1 RETURNING "public"."users".*) SELECT json_agg(t) FROM (SELECT * FROM pgrst_source) t

-- Hasura
SELECT coalesce(json_agg("root"), '[]') AS "root" FROM (SELECT row_to_json((SELECT "_e" FROM (SELECT "_0_root.base"."id" AS "id", "_0_root.base"."username" AS "username") AS "_e")) AS "root" FROM (SELECT * FROM "public"."users" WHERE (("public"."users"."username") = (('alice')::varchar))) AS "_0_root.base") AS "_1_root"

SELECT coalesce(json_agg("root" ORDER BY "root.pg.id" ASC NULLS LAST), '[]') AS "root" FROM (SELECT row_to_json((SELECT "_4_e" FROM (SELECT "_0_root.base"."full_name" AS "full_name", "_3_root.ar.root.orders"."orders" AS "orders") AS "_4_e")) AS "root", "_0_root.base"."id" AS "root.pg.id" FROM (SELECT * FROM "public"."customers" WHERE ('true') ORDER BY "id" ASC NULLS LAST) AS "_0_root.base" LEFT OUTER JOIN LATERAL (SELECT coalesce(json_agg("orders"), '[]') AS "orders" FROM (SELECT row_to_json((SELECT "_2_e" FROM (SELECT "_1_root.ar.root.orders.base"."status" AS "status") AS "_2_e")) AS "orders" FROM (SELECT * FROM "public"."orders" WHERE (("_0_root.base"."id") = ("customer_id")) ORDER BY "id") AS "_1_root.ar.root.orders.base") AS "_1") AS "_3_root.ar.root.orders" ON ('true') ORDER BY "root.pg.id" ASC NULLS LAST) AS "_5_root"

SELECT json_build_object('aggregate', (SELECT json_build_object('count', COUNT(*), 'max', json_build_object('username', MAX("_0_root.base"."username"))))) FROM (SELECT * FROM "public"."users" WHERE ('true')) AS "_0_root.base"

-- PostGraphile
SELECT to_json(json_build_object('username', __local_0__."username", 'posts', (SELECT json_agg(s.object) FROM (SELECT json_build_object('title', __local_1__."title") AS object FROM "public"."posts" AS __local_1__ WHERE __local_1__."user_id" = __local_0__."id" ORDER BY __local_1__."id") s))) AS "@user" FROM (SELECT __local_0__.* FROM "public"."users" AS __local_0__ WHERE (__local_0__."username" = 'alice') AND (TRUE) AND (TRUE)) __local_0__

-- JSON by hand
SELECT json_build_object('users', json_agg(json_build_object('id', id, 'username', username) ORDER BY id)) FROM users

SELECT jsonb_object_agg(username, jsonb_build_object('age', age, 'posts', (SELECT count(*) FROM posts p WHERE p.user_id = u.id))) FROM users u

SELECT json_object_agg(status, n ORDER BY status) FROM (SELECT status, count(*) AS n FROM orders GROUP BY status) s

SELECT o.id, json_agg(json_build_object('sku', i.sku, 'qty', i.quantity) ORDER BY i.line_no) AS items FROM orders o JOIN order_items i ON i.order_id = o.id GROUP BY o.id ORDER BY o.id

SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(e) - 'salary') ORDER BY e.name) FROM employees e

-- reports
SELECT c.full_name, count(DISTINCT o.id) AS orders, coalesce(sum(i.amount), 0) AS revenue, rank() OVER (ORDER BY coalesce(sum(i.amount), 0) DESC) AS place FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.status <> 'cancelled' LEFT JOIN order_items i ON i.order_id = o.id GROUP BY c.id, c.full_name ORDER BY place, c.full_name

WITH monthly AS (SELECT date_trunc('month', placed_at)::date AS month, status, sum(total_cents) AS cents FROM orders GROUP BY 1, 2) SELECT month, status, cents, sum(cents) OVER (PARTITION BY status ORDER BY month) AS running, lag(cents) OVER (PARTITION BY status ORDER BY month) AS before FROM monthly ORDER BY month, status

SELECT sku, sum(amount) AS revenue, round(100 * sum(amount) / sum(sum(amount)) OVER (), 2) AS share FROM order_items GROUP BY sku ORDER BY revenue DESC, sku

--? old names
SELECT coalesce(status::text, 'all') AS status, count(*), min(placed_at), max(placed_at) FROM orders GROUP BY ROLLUP (status) ORDER BY grouping(status), status

SELECT days.day::date, count(o.id) FILTER (WHERE o.status = 'paid') FROM generate_series(date '2024-03-01', date '2024-03-03', interval '1 day') AS days(day) LEFT JOIN orders o ON o.placed_at::date = days.day::date GROUP BY days.day ORDER BY days.day

SELECT width_bucket(total_cents, 0, 10000, 4) AS bucket, array_agg(status ORDER BY id) FROM orders GROUP BY bucket ORDER BY bucket

SELECT sum(CASE WHEN status = 'paid' THEN 1 ELSE 0 END) AS paid, sum(CASE WHEN status = 'new' THEN 1 ELSE 0 END) AS fresh, count(*) AS all_of_them FROM orders

SELECT e.title, count(*), avg(e.salary), percentile_cont(0.5) WITHIN GROUP (ORDER BY e.salary), string_agg(e.name, ', ' ORDER BY e.name) FROM employees e GROUP BY e.title HAVING count(*) >= 1 ORDER BY e.title NULLS FIRST

SELECT * FROM (SELECT sku, order_id, row_number() OVER (PARTITION BY sku ORDER BY amount DESC, order_id) AS n FROM order_items) t WHERE n = 1 ORDER BY sku

--? old names
SELECT x.warehouse, x.item, s.on_hand FROM (SELECT warehouse, item FROM (SELECT DISTINCT warehouse FROM stock) w CROSS JOIN (SELECT DISTINCT item FROM stock) i) x LEFT JOIN stock s USING (warehouse, item) ORDER BY 1, 2

-- search
SELECT id, title FROM articles WHERE to_tsvector('english', title || ' ' || body) @@ plainto_tsquery('english', 'database tea') ORDER BY id

--? old names
SELECT id, title, ts_rank(search, query) AS rank FROM articles, to_tsquery('english', 'tea | database') query WHERE search @@ query ORDER BY rank DESC, id

SELECT ts_headline('english', title, to_tsquery('english', 'tea')) FROM articles WHERE to_tsvector('english', title) @@ to_tsquery('english', 'tea')

SELECT title FROM articles WHERE lower(title) = lower('ON TEA')

--$ mig
SELECT title FROM articles WHERE title ILIKE '%' || $1 || '%' ORDER BY title

SELECT title, similarity FROM (SELECT title, length(title) AS similarity FROM articles) a WHERE similarity > 5 ORDER BY similarity DESC, title

SELECT a.title, u.username FROM articles a LEFT JOIN users u ON u.id = a.author_id WHERE a.search @@ websearch_to_tsquery('english', 'database -tea') ORDER BY a.id

UPDATE articles SET title = regexp_replace(title, '\mtea\M', 'coffee', 'i') WHERE title ~* 'tea' RETURNING title

-- trees
WITH RECURSIVE tree AS (SELECT id, name, ARRAY[id] AS path, 0 AS level FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, t.path || e.id, t.level + 1 FROM employees e JOIN tree t ON t.id = e.manager_id) SELECT repeat('  ', level) || name AS line FROM tree ORDER BY path

WITH RECURSIVE boss AS (SELECT e.* FROM employees e WHERE e.name = 'Eli' UNION ALL SELECT m.* FROM employees m JOIN boss b ON b.manager_id = m.id) SELECT string_agg(name, ' < ' ORDER BY id DESC) FROM boss

WITH RECURSIVE sub AS (SELECT id FROM employees WHERE name = 'Anna' UNION SELECT e.id FROM employees e, sub WHERE e.manager_id = sub.id) SELECT count(*), sum(salary) FROM employees WHERE id IN (SELECT id FROM sub)

WITH RECURSIVE sub AS (SELECT id FROM employees WHERE name = 'Cleo' UNION ALL SELECT e.id FROM employees e JOIN sub ON e.manager_id = sub.id) DELETE FROM employees USING sub WHERE employees.id = sub.id RETURNING name

WITH RECURSIVE t(n, name) AS (VALUES (1, 'start'::text) UNION ALL SELECT t.n + 1, t.name || '-' || e.name FROM t JOIN employees e ON e.id = t.n WHERE t.n < 4) SELECT name FROM t ORDER BY n

-- pages
SELECT id, username FROM users WHERE (username, id) > ('bob', 2) ORDER BY username, id LIMIT 2

--$ bob;2
SELECT id, username FROM users WHERE (username, id) > ($1, $2) ORDER BY username, id LIMIT 2

SELECT id, username FROM users WHERE username < 'e' OR (username = 'e' AND id < 5) ORDER BY username DESC, id DESC LIMIT 2

SELECT *, count(*) OVER () AS full_count FROM users ORDER BY username LIMIT 2 OFFSET 2

SELECT u.* FROM (SELECT id FROM users ORDER BY username LIMIT 2 OFFSET 1) page JOIN users u USING (id) ORDER BY u.username

WITH page AS (SELECT id FROM orders ORDER BY status, id LIMIT 2) SELECT o.id, o.status FROM orders o WHERE o.id IN (SELECT id FROM page) ORDER BY o.status, o.id

-- queues
UPDATE jobs SET state = 'running', locked_by = 'w' WHERE id IN (SELECT id FROM jobs WHERE queue = 'mail' AND state = 'ready' AND run_at <= '2024-06-01' ORDER BY run_at FOR UPDATE SKIP LOCKED LIMIT 10) RETURNING *

WITH dead AS (DELETE FROM jobs WHERE state = 'failed' RETURNING *), kept AS (INSERT INTO jobs (queue, payload, state) SELECT 'dead-' || queue, payload, 'done' FROM dead RETURNING queue) SELECT * FROM kept

INSERT INTO jobs (queue, payload) SELECT 'welcome', jsonb_build_object('user', username) FROM users WHERE age >= 30 RETURNING queue, payload

SELECT queue, count(*) FILTER (WHERE state = 'ready') AS ready, max(attempts) FROM jobs GROUP BY queue ORDER BY queue

SELECT queue FROM jobs GROUP BY queue HAVING count(*) > 1

-- audit trails, copies, cleaning up
WITH changed AS (UPDATE customers SET contact = lower(contact) WHERE contact IS NOT NULL RETURNING id, contact) INSERT INTO notes (id, body, handle) SELECT id + 100, 'changed', contact FROM changed

INSERT INTO archive.users (id, username, handle) SELECT id + 100, username, lower(username) FROM users WHERE username > 'c'

WITH old AS (DELETE FROM orders WHERE status = 'cancelled' RETURNING id, status) INSERT INTO archive.orders (id, status) SELECT id + 50, status::text FROM old

DELETE FROM customers c WHERE NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id) RETURNING c.full_name

UPDATE orders o SET total_cents = s.cents FROM (SELECT order_id, (sum(amount) * 100)::integer AS cents FROM order_items WHERE sku <> 'BULB-9' GROUP BY order_id) s WHERE s.order_id = o.id RETURNING o.id, o.status, o.total_cents

UPDATE users SET username = username || '-' || d.n FROM (SELECT id, row_number() OVER (PARTITION BY age ORDER BY username) AS n FROM users) d WHERE d.id = users.id AND d.n > 1 RETURNING username

DELETE FROM order_items a USING order_items b WHERE a.sku = b.sku AND (a.order_id, a.line_no) > (b.order_id, b.line_no) RETURNING a.order_id, a.sku
