-- Subqueries, CTEs, set operations, VALUES, sampling, limits.

SELECT (SELECT full_name FROM customers c WHERE c.id = o.customer_id) AS buyer, o.id FROM orders o ORDER BY o.id

SELECT full_name FROM customers WHERE id = ANY (SELECT customer_id FROM orders WHERE status = 'paid') ORDER BY full_name

SELECT full_name FROM customers WHERE id <> ALL (SELECT customer_id FROM orders) ORDER BY 1

SELECT id FROM orders WHERE (customer_id, status) = ANY (SELECT customer_id, status FROM orders WHERE note = 'gift') ORDER BY id

SELECT id FROM orders WHERE (status, customer_id) IN (('paid', 1), ('new', 1)) ORDER BY id

SELECT id FROM orders WHERE ROW (customer_id, status) > ROW (1, 'paid'::order_state) ORDER BY id

SELECT status, (SELECT count(*) FROM orders x WHERE x.status = o.status) FROM orders o ORDER BY o.id

SELECT o.id, EXISTS (SELECT 1 FROM order_items WHERE order_id = o.id AND sku = 'TEA-01') AS has_tea FROM orders o ORDER BY o.id

SELECT ARRAY (SELECT sku FROM order_items i WHERE i.order_id = o.id ORDER BY line_no) AS skus FROM orders o ORDER BY o.id

SELECT full_name, (SELECT max(status) FROM orders WHERE customer_id = customers.id) FROM customers ORDER BY id

SELECT name, (WITH RECURSIVE up AS (SELECT manager_id FROM employees x WHERE x.id = e.id UNION ALL SELECT m.manager_id FROM employees m JOIN up ON m.id = up.manager_id) SELECT count(*) FROM up) AS depth FROM employees e ORDER BY id

SELECT * FROM (SELECT full_name AS name FROM customers UNION SELECT name FROM employees) both_of_them ORDER BY name

SELECT x.name FROM (SELECT id, full_name AS name FROM customers) x JOIN employees e ON e.id = x.id ORDER BY x.name

SELECT inner_q.username FROM (SELECT username FROM (SELECT username, id FROM users WHERE username < 'd') innermost ORDER BY id) inner_q ORDER BY 1

SELECT s.* FROM (SELECT * FROM (SELECT * FROM orders) o) s ORDER BY s.id

WITH o AS (SELECT * FROM orders), c AS (SELECT * FROM customers) SELECT c.full_name, o.status FROM o JOIN c ON c.id = o.customer_id ORDER BY o.id

WITH o AS NOT MATERIALIZED (SELECT id, status FROM orders) SELECT a.status, b.status FROM o a JOIN o b ON a.id = b.id ORDER BY a.id

WITH o AS MATERIALIZED (SELECT * FROM orders WHERE status = 'paid') SELECT * FROM o ORDER BY id

WITH a AS (SELECT name FROM employees), b AS (SELECT name FROM a WHERE name > 'B'), c AS (SELECT count(name) AS n FROM b) SELECT * FROM c

WITH orders AS (SELECT id, state AS status FROM archive.orders) SELECT status FROM orders ORDER BY id

WITH orders(id, state) AS (SELECT id, status FROM orders) SELECT state FROM orders ORDER BY id

--? old names
WITH customers AS (SELECT 1 AS id, 'cte' AS full_name) SELECT full_name, (SELECT full_name FROM public.customers c WHERE c.id = customers.id) FROM customers

WITH x AS (WITH users AS (SELECT 'inner' AS username) SELECT username FROM users) SELECT x.username, users.username FROM x, users ORDER BY users.id

WITH RECURSIVE chain AS (SELECT id, name, manager_id, 1 AS depth FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, e.manager_id, c.depth + 1 FROM employees e JOIN chain c ON e.manager_id = c.id) SELECT depth, name FROM chain ORDER BY depth, name

WITH RECURSIVE chain(id, path) AS (SELECT id, ARRAY[name] FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, c.path || e.name FROM employees e, chain c WHERE e.manager_id = c.id) SELECT array_to_string(path, ' > ') FROM chain ORDER BY path

WITH RECURSIVE employees AS (SELECT 1 AS id, 'hidden'::text AS name UNION ALL SELECT id + 1, name FROM employees WHERE id < 3) SELECT name, id FROM employees ORDER BY id

WITH RECURSIVE t AS (SELECT * FROM employees WHERE id = 6 UNION SELECT e.* FROM employees e JOIN t ON e.id = t.manager_id) SELECT name FROM t ORDER BY id

WITH RECURSIVE t(id, name) AS (SELECT id, name FROM employees WHERE id = 1 UNION ALL SELECT e.id, e.name FROM employees e JOIN t ON e.manager_id = t.id) SEARCH DEPTH FIRST BY name SET ordering SELECT name FROM t ORDER BY ordering

WITH RECURSIVE t(id, name) AS (SELECT id, name FROM employees WHERE id = 1 UNION ALL SELECT e.id, e.name FROM employees e JOIN t ON e.manager_id = t.id) CYCLE id SET looped USING path SELECT name, looped FROM t ORDER BY id

WITH up AS (UPDATE orders SET status = 'shipped' WHERE status = 'paid' RETURNING id, status) SELECT * FROM up ORDER BY id

WITH up AS (UPDATE orders SET status = 'shipped' WHERE status = 'paid' RETURNING *) INSERT INTO notes SELECT id + 100, status, note FROM up

WITH gone AS (DELETE FROM order_items WHERE sku = 'TEA-01' RETURNING order_id, sku, amount) SELECT o.status, g.sku, g.amount FROM gone g JOIN orders o ON o.id = g.order_id ORDER BY o.id

WITH fresh AS (INSERT INTO employees (id, name) VALUES (10, 'Fay'), (11, 'Gus') RETURNING id, name), old AS (SELECT id, name FROM employees) SELECT * FROM fresh UNION ALL SELECT * FROM old ORDER BY 1

WITH a AS (UPDATE users SET username = 'first' WHERE id = 1 RETURNING username), b AS (UPDATE employees SET name = (SELECT username FROM a) WHERE id = 1 RETURNING name) SELECT * FROM a, b

WITH moved AS (DELETE FROM archive.users RETURNING id, username, handle) INSERT INTO users (id, username, email) SELECT id + 1000, username, handle FROM moved RETURNING id, username

SELECT username FROM users UNION ALL (SELECT name FROM employees ORDER BY name LIMIT 2) ORDER BY 1

(SELECT name FROM employees ORDER BY name DESC LIMIT 1) UNION ALL (SELECT username FROM users ORDER BY username LIMIT 1)

SELECT name FROM employees INTERSECT ALL SELECT full_name FROM customers

SELECT username FROM users EXCEPT ALL SELECT username FROM archive.users ORDER BY 1

SELECT username AS who FROM users UNION SELECT name FROM employees EXCEPT SELECT 'Dan' ORDER BY who

SELECT name FROM employees UNION SELECT username FROM users UNION SELECT full_name FROM customers ORDER BY name

SELECT name, 1 AS kind FROM employees UNION ALL SELECT username, 2 FROM users ORDER BY kind, name

SELECT status::text FROM orders UNION SELECT state FROM jobs ORDER BY 1

SELECT * FROM stock UNION SELECT warehouse, 'none', 0 FROM stock ORDER BY 1, 2

SELECT * FROM stock WHERE warehouse = 'east' UNION ALL SELECT * FROM stock WHERE warehouse = 'west' ORDER BY 2, 1

SELECT * FROM tasks EXCEPT SELECT id, label, done FROM tasks WHERE done ORDER BY 1

VALUES (1, (SELECT name FROM employees WHERE id = 1)), (2, (SELECT username FROM users WHERE id = 2)) ORDER BY 1

SELECT column1, username FROM (VALUES (1), (2)) v JOIN users ON id = column1 ORDER BY 1

SELECT v.id, u.username FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, username) JOIN users u ON u.id = v.id ORDER BY v.username

SELECT username FROM users WHERE (id, username) IN (VALUES (1, 'alice'), (2, 'nobody'))

SELECT name FROM employees TABLESAMPLE SYSTEM (100) REPEATABLE (7) ORDER BY name

SELECT e.name FROM employees AS e TABLESAMPLE BERNOULLI (100) WHERE e.name > 'B' ORDER BY e.name

SELECT name FROM employees ORDER BY name OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY

SELECT salary > 150 AS rich, name FROM employees ORDER BY salary > 150 FETCH FIRST 2 ROWS WITH TIES

SELECT name FROM employees ORDER BY name LIMIT (SELECT count(*) / 2 FROM employees)

SELECT name FROM employees ORDER BY name LIMIT ALL OFFSET 4

SELECT name FROM employees ORDER BY name USING >

SELECT name FROM employees ORDER BY name COLLATE "C" DESC

SELECT name FROM employees ORDER BY (name), (id)

SELECT name AS title, title AS name FROM employees ORDER BY title, name

SELECT name AS title FROM employees ORDER BY employees.title NULLS LAST, title

SELECT name || '' AS name FROM employees ORDER BY name DESC

SELECT -id AS id, name FROM employees ORDER BY id

SELECT name AS full_name FROM employees ORDER BY full_name

SELECT title AS full_name, name FROM employees ORDER BY full_name, name

SELECT salary AS handle, username FROM users JOIN employees USING (id) ORDER BY handle NULLS FIRST

SELECT CASE WHEN name LIKE 'A%' THEN name WHEN title IS NULL THEN '?' ELSE title END FROM employees ORDER BY id

SELECT name IS DISTINCT FROM title, name IS NOT NULL AND NOT (name = title) FROM employees ORDER BY id

SELECT name NOT LIKE '%a%', name !~ 'n', name SIMILAR TO '%(n|o)', name NOT ILIKE 'a%' ESCAPE '!' FROM employees ORDER BY id

SELECT name BETWEEN SYMMETRIC 'Z' AND 'B', name NOT BETWEEN 'A' AND 'B' FROM employees ORDER BY id

SELECT name ISNULL, title NOTNULL FROM employees ORDER BY id

SELECT substring(name, 2), substring(name FROM 2), substring(name FROM '[a-z]+'), substring(name SIMILAR '%#"n#"%' ESCAPE '#') FROM employees ORDER BY id

SELECT position('n' IN name), strpos(name, 'n'), overlay(name PLACING '--' FROM 2 FOR 1), trim(LEADING 'A' FROM name) FROM employees ORDER BY id

SELECT extract(year FROM hired), date_part('month', hired), name FROM employees ORDER BY hired

SELECT name::name, name::varchar(2), CAST(name AS char(3)), text 'x' || name FROM employees ORDER BY id

SELECT name::text COLLATE "C" > 'B' FROM employees ORDER BY id

SELECT format('%s: %L', name, title), concat_ws('/', name, title), quote_ident(name) FROM employees ORDER BY id

SELECT total_of(1, 2, 3), total_of(VARIADIC ARRAY[id, id]), name FROM employees ORDER BY id

SELECT make_interval(days => id) AS later, name FROM employees ORDER BY id

SELECT name FROM employees WHERE hired > date '2012-01-01' AND hired < '2020-01-01'::date + interval '1 month' ORDER BY name

SELECT name FROM employees WHERE (hired, hired) OVERLAPS (date '2012-01-01', date '2016-01-01') ORDER BY name

SELECT hired AT TIME ZONE 'UTC', name FROM employees WHERE id = 1

SELECT name FROM employees WHERE name OPERATOR(pg_catalog.~) '^A' OR id OPERATOR(pg_catalog.=) 2 ORDER BY name

--? old names
SELECT name FROM pg_catalog.pg_class, employees WHERE relname = 'employees' AND employees.id = 1

SELECT current_schema, current_user = user, name FROM employees WHERE id = 1

SELECT FROM employees WHERE name = 'Anna'

SELECT count(*) FROM employees WHERE NOT EXISTS (SELECT FROM users WHERE username = name)

SELECT 1 AS name, name FROM employees WHERE id = 1

SELECT coalesce(nullif(name, 'Root'), title, 'none') AS who FROM employees ORDER BY 1

SELECT DISTINCT name FROM employees WHERE name IS NOT NULL ORDER BY name LIMIT 2

SELECT x.name FROM employees x(id, boss, name) ORDER BY x.id

SELECT n FROM employees AS e(a, b, n) ORDER BY a

SELECT e.n, e.title FROM employees AS e(a, b, n) ORDER BY a

--! dual-write switch-reads stop-dual-write contract: a governed name in this place
SELECT xmlelement(name row, name) IS NOT NULL FROM employees ORDER BY id

--$ Anna
SELECT id FROM employees WHERE name = $1

--$ {Anna,Ben}
SELECT id FROM employees WHERE name = ANY ($1) ORDER BY id

--$ {Anna,Ben}
SELECT e.id FROM employees e JOIN unnest($1::text[]) AS wanted(name) ON wanted.name = e.name ORDER BY 1

--$ \N
SELECT id FROM employees WHERE name = coalesce($1, name) ORDER BY id

--$ A%;2
SELECT name, $2::integer + id FROM employees WHERE name LIKE $1 ORDER BY 1

--$ paid
SELECT id FROM orders WHERE status = $1 ORDER BY id

--$ paid;1
SELECT id, status FROM orders WHERE status <> $1 AND customer_id = $2 ORDER BY id

--$ 2;1
SELECT name FROM employees ORDER BY name LIMIT $1 OFFSET $2

--$ Ben
SELECT CASE WHEN name = $1 THEN name ELSE $1 END FROM employees ORDER BY id

--$ 1
WITH e AS (SELECT * FROM employees WHERE manager_id = $1) SELECT name FROM e ORDER BY name
