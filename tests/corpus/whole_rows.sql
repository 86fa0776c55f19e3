-- Whole rows: as values, compared, expanded, counted, given to functions.

SELECT row_to_json(c) FROM customers c ORDER BY c.id

SELECT to_jsonb(o) FROM orders o ORDER BY o.id

SELECT to_json(employees) FROM employees ORDER BY id

SELECT jsonb_agg(e ORDER BY e.id) FROM employees e

SELECT json_agg(row_to_json(s) ORDER BY s.warehouse, s.item) FROM stock s

SELECT json_agg(t) FROM (SELECT * FROM tasks ORDER BY id) t

SELECT to_jsonb(c) - 'id' FROM customers c ORDER BY c.id

SELECT to_jsonb(c) ->> 'full_name' FROM customers c ORDER BY c.id

SELECT jsonb_pretty(to_jsonb(a)) FROM "Account" a ORDER BY a.id

SELECT row_to_json(a) FROM "Account" a WHERE a."userName" IS NOT NULL ORDER BY a.id

SELECT jsonb_build_object('order', to_jsonb(o), 'items', (SELECT jsonb_agg(to_jsonb(i) ORDER BY i.line_no) FROM order_items i WHERE i.order_id = o.id)) FROM orders o ORDER BY o.id

SELECT count(c), count(DISTINCT c) FROM customers c

SELECT count(e.*) FROM employees e

SELECT e IS NULL, e IS NOT NULL FROM employees e ORDER BY e.id

SELECT c.id FROM customers c WHERE c IS NOT NULL ORDER BY 1

SELECT o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o IS NULL

SELECT c.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.* IS NULL

SELECT a.id FROM stock s JOIN stock t ON s = t JOIN tasks a ON a.id = s.on_hand ORDER BY 1

SELECT count(*) FROM stock s JOIN stock t ON s < t

SELECT s.item FROM stock s ORDER BY s DESC

SELECT DISTINCT ON (s) s.item, s.warehouse FROM stock s ORDER BY s

SELECT DISTINCT s FROM stock s ORDER BY s

SELECT s FROM stock s ORDER BY s.warehouse, s.item

SELECT users FROM users ORDER BY id

SELECT u.username, u FROM users u ORDER BY u.id

SELECT u::text FROM users u ORDER BY u.id

SELECT u.*::text FROM users u ORDER BY id

SELECT (u).* FROM users u ORDER BY id

--? old names
SELECT (u).id, (u).username, (u).email FROM users u ORDER BY 1

--? old names
SELECT (users).username FROM users ORDER BY 1

--? old names
SELECT (x.u).username FROM (SELECT u FROM users u) x ORDER BY 1

SELECT (x.u).* FROM (SELECT u FROM users u) x ORDER BY 1

SELECT x.u FROM (SELECT u FROM users u WHERE id < 3) x ORDER BY (x.u).id

SELECT r.username FROM (SELECT (u).* FROM users u) r ORDER BY 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT (array_agg(u ORDER BY u.id))[1] FROM users u

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT ((array_agg(u ORDER BY u.id))[2]).username FROM users u

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT array_agg(u ORDER BY u.id) FROM users u

SELECT ROW (u.*) FROM users u ORDER BY u.id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT ROW (u, 1) FROM users u ORDER BY u.id

SELECT ROW (u.*, 'more') FROM users u ORDER BY u.id

--? fails
SELECT u = ROW (1, 'alice', 'alice@example.com', 30) FROM users u ORDER BY u.id

SELECT u.id FROM users u WHERE u = (SELECT x FROM users x WHERE x.id = 2)

SELECT u.id FROM users u WHERE u IN (SELECT x FROM users x WHERE x.age = 30) ORDER BY 1

SELECT coalesce(u, NULL) FROM users u ORDER BY u.id

SELECT CASE WHEN u.id = 1 THEN u END FROM users u ORDER BY u.id

SELECT max(to_jsonb(u) ->> 'username') FROM users u

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT pg_typeof(u), pg_typeof(u.username) FROM users u WHERE id = 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT json_populate_record(u, '{"username": "patched"}') FROM users u WHERE id = 1

--! dual-write switch-reads stop-dual-write contract: a governed name in this place
SELECT (json_populate_record(NULL::users, '{"username": "made", "id": 77}')).username

--! dual-write switch-reads stop-dual-write contract: a governed name in this place
SELECT username FROM json_populate_recordset(NULL::users, '[{"username": "a"}, {"username": "b"}]') ORDER BY 1

SELECT row_to_json(x) FROM (SELECT username, id FROM users) x ORDER BY x.id

SELECT row_to_json(x) FROM (SELECT * FROM users) x ORDER BY x.id

SELECT row_to_json(x) FROM (SELECT u.*, 1 AS one FROM users u) x ORDER BY x.id

SELECT row_to_json(ROW (username, age)) FROM users ORDER BY id

SELECT to_jsonb(x) FROM (SELECT username AS handle FROM users) x ORDER BY 1

WITH x AS (SELECT * FROM users) SELECT row_to_json(x) FROM x ORDER BY x.id

WITH x AS (SELECT * FROM users) SELECT x FROM x ORDER BY x.id

SELECT label_of(p) FROM posts p ORDER BY p.id

SELECT p.label_of, u.username FROM posts p JOIN users u ON u.id = p.user_id ORDER BY p.id

SELECT label_of(posts.*) FROM posts, users WHERE posts.user_id = users.id AND users.username = 'bob'

SELECT p, u.username FROM posts p JOIN users u ON u.id = p.user_id ORDER BY p.id

--? fails
SELECT p.title.text FROM posts p

SELECT u.username, to_jsonb(p) FROM users u LEFT JOIN posts p ON p.user_id = u.id ORDER BY u.id, p.id

SELECT row_to_json(u), row_to_json(p) FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT u, p FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT hashtext(u::text) IS NOT NULL FROM users u ORDER BY u.id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT u.id FROM users u GROUP BY u.id, u ORDER BY 1

SELECT to_jsonb(u), count(*) FROM users u JOIN posts p ON p.user_id = u.id GROUP BY u.id ORDER BY u.id

SELECT to_jsonb(u) FROM users u FOR UPDATE

SELECT to_jsonb(u), u.ctid IS NOT NULL FROM users u ORDER BY u.id

INSERT INTO users (id, username) VALUES (10, 'frank') RETURNING to_jsonb(users)

INSERT INTO users AS u (id, username) VALUES (10, 'frank') RETURNING u

INSERT INTO users AS u (id, username) VALUES (10, 'frank') RETURNING row_to_json(u), u.username

--! dual-write switch-reads stop-dual-write contract: INSERT from a source whose columns are not known
INSERT INTO users SELECT (json_populate_record(NULL::users, '{"id": 10, "username": "doc", "age": 7}')).*

--! dual-write switch-reads stop-dual-write contract: INSERT from a source whose columns are not known
INSERT INTO users SELECT * FROM json_populate_recordset(NULL::users, '[{"id": 10, "username": "a", "age": 1}, {"id": 11, "username": "b"}]')

--? old names
INSERT INTO users SELECT (u).id + 100, (u).username || '2', (u).email FROM users u

INSERT INTO users SELECT u.* FROM (SELECT id + 100, username || '!', email, age FROM users) u

UPDATE users u SET age = 1 WHERE id = 1 RETURNING to_jsonb(u)

UPDATE users u SET username = 'x' WHERE id = 1 RETURNING u

--? old names
UPDATE users SET username = (x.u).username || '2' FROM (SELECT u FROM users u) x WHERE (x.u).id = users.id RETURNING users.username

DELETE FROM users u WHERE id = 6 RETURNING row_to_json(u)

DELETE FROM users WHERE id = 6 RETURNING users

DELETE FROM users u WHERE u = (SELECT x FROM users x WHERE id = 6) RETURNING id

SELECT * FROM users u, LATERAL (SELECT u.*) x ORDER BY u.id

SELECT x.* FROM users u, LATERAL (SELECT u.username, u.age) x ORDER BY u.id

SELECT x.b FROM users u, LATERAL (SELECT u.*) x(a, b) ORDER BY x.a

SELECT EXISTS (SELECT u.* FROM users u), EXISTS (SELECT * FROM users)

SELECT u.* FROM users u, users v WHERE u.id = v.id ORDER BY u.id

SELECT u.*, u.* FROM users u ORDER BY u.id

SELECT *, * FROM users ORDER BY users.id

SELECT username, *, age + 1 FROM users ORDER BY id

SELECT 1, u.*, 'x', p.*, u.username FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT public.users.* FROM public.users ORDER BY 1

SELECT archive.users.*, public.users.* FROM archive.users JOIN public.users USING (id) ORDER BY 1

--? old names
SELECT (SELECT (x).username FROM (SELECT u) AS s(x)) FROM users u ORDER BY u.id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT ((SELECT u)).username FROM users u ORDER BY u.id

SELECT row_to_json((SELECT x FROM (SELECT u.username, u.age) x)) FROM users u ORDER BY u.id

SELECT row_to_json(f) FROM "Größe" f ORDER BY f.id

SELECT to_jsonb(o) FROM "odd ""name""" o ORDER BY o.id

SELECT i, to_jsonb(i) FROM sales.invoices i ORDER BY i.id

--? fails
SELECT sales.invoices FROM sales.invoices ORDER BY id

SELECT i.order_id, i.amount, to_jsonb(i) FROM order_items i ORDER BY 1, i.line_no

SELECT jsonb_set(to_jsonb(j), '{queue}', '"x"') FROM jobs j ORDER BY j.id

SELECT md5(string_agg(s::text, '|' ORDER BY s.warehouse, s.item)) FROM stock s

SELECT md5(string_agg(t::text, '|' ORDER BY t.id)) FROM (SELECT * FROM tokens) t

SELECT * FROM (SELECT u, id FROM users u) x ORDER BY x.id

SELECT x.*, (x.r).age FROM (SELECT p.id, u AS r FROM users u JOIN posts p ON p.user_id = u.id) x ORDER BY x.id

--? old names
WITH x AS (SELECT u, length(username) AS n FROM users u) SELECT (u).username, n FROM x ORDER BY 1

WITH x AS MATERIALIZED (SELECT u FROM users u) SELECT u FROM x ORDER BY x.u DESC

--? old names
SELECT (y.r).username FROM (SELECT x.u AS r FROM (SELECT u FROM users u) x) y ORDER BY 1

SELECT u FROM users u WHERE id = 1 UNION ALL SELECT u FROM users u WHERE id = 2 ORDER BY 1

--? old names
SELECT (x.u).username FROM (SELECT u FROM users u UNION SELECT v FROM users v) x ORDER BY 1

--? old names
SELECT p.id, (y.r).username FROM posts p LEFT JOIN (SELECT u AS r FROM users u) y ON (y.r).id = p.user_id AND p.id < 3 ORDER BY p.id

SELECT y.r, y.r IS NULL FROM posts p LEFT JOIN (SELECT u AS r FROM users u) y ON (y.r).id = p.user_id AND p.id < 3 ORDER BY p.id

SELECT x.u, count(*), count(x.u) FROM (SELECT u FROM users u) x GROUP BY x.u ORDER BY x.u

SELECT count(DISTINCT x.u) FROM (SELECT u FROM users u CROSS JOIN posts) x

SELECT row_to_json(x.u), to_jsonb(x), row_to_json((SELECT v FROM users v WHERE v.id = 2)) FROM (SELECT u FROM users u WHERE id = 1) x

SELECT (SELECT u FROM users u WHERE id = 1), (SELECT u FROM users u WHERE id = 1) IS NULL

SELECT u.id FROM users u WHERE u = ANY (SELECT x FROM users x WHERE x.age = 30) OR u <> ALL (SELECT x FROM users x) ORDER BY 1

SELECT u.id, u IN (v, u), u BETWEEN v AND v FROM users u JOIN users v ON v.id <= u.id ORDER BY u.id, v.id

SELECT EXISTS (SELECT u FROM users u WHERE username = 'alice'), NOT EXISTS (SELECT u FROM users u)

SELECT o.id FROM orders o WHERE o IN (SELECT (SELECT r FROM orders r WHERE r.id = x.id) FROM orders x WHERE x.id < 3) ORDER BY 1

SELECT x.o FROM (SELECT o FROM orders o) x ORDER BY (x.o).id

--? fails
--~ expand dual-write switch-reads stop-dual-write contract: the message says that the row is a record
SELECT (x.u).nothing FROM (SELECT u FROM users u) x

--? fails
--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT u FROM users u UNION ALL SELECT p FROM posts p

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT x FROM (SELECT u FROM users u) x

SELECT coalesce(x.u, NULL) FROM (SELECT u FROM users u) x ORDER BY x.u

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT (coalesce(x.u, NULL)).username FROM (SELECT u FROM users u) x

SELECT coalesce(CASE WHEN v.id > 2 THEN v END, u) FROM users u LEFT JOIN users v ON v.id = u.id ORDER BY u.id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT ((x).u).id FROM (SELECT u FROM users u) x ORDER BY 1

SELECT (SELECT x.u) FROM (SELECT u FROM users u) x ORDER BY 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT (x).* FROM (SELECT u FROM users u) x ORDER BY (x.u).id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT y.x FROM (SELECT x FROM (SELECT u FROM users u) x) y

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT id FROM (SELECT u, id FROM users u) x JOIN (SELECT u FROM users u) y USING (u) ORDER BY 1
