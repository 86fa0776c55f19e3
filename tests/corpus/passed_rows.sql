-- Whole rows that a query passes on to the one around it, and rows in comparisons.

SELECT x.a FROM (SELECT u AS a, u AS b FROM users u) x ORDER BY (x.b).id

--? old names
SELECT (x.a).username, (x.b).id FROM (SELECT u AS a, v AS b FROM users u JOIN users v ON v.id = u.id + 1) x ORDER BY 2

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT x FROM (SELECT u FROM users u) x ORDER BY 1

SELECT count(*) FROM (SELECT u FROM users u) x WHERE x.u IS NOT NULL

SELECT count(*) FROM (SELECT u FROM posts p LEFT JOIN users u ON u.id = p.user_id) x WHERE x.u IS NULL

--? old names
SELECT (x.u).username FROM (SELECT u FROM posts p LEFT JOIN users u ON u.id = p.user_id) x ORDER BY 1

SELECT x.u FROM posts p LEFT JOIN (SELECT u, u.id FROM users u) x ON x.id = p.user_id ORDER BY p.id

SELECT DISTINCT x.u FROM (SELECT u FROM users u, posts p) x ORDER BY x.u

SELECT x.u, count(*) FROM (SELECT u FROM users u JOIN posts p ON p.user_id = u.id) x GROUP BY x.u ORDER BY 2, 1

SELECT to_jsonb(x) FROM (SELECT u, 1 AS n FROM users u) x ORDER BY (x.u).id

SELECT to_jsonb(x.u) FROM (SELECT u FROM users u) x ORDER BY (x.u).id

SELECT x.u::text FROM (SELECT u FROM users u) x ORDER BY 1

--? old names
WITH c AS (SELECT u FROM users u) SELECT (c.u).username FROM c ORDER BY 1

--? old names
WITH c AS MATERIALIZED (SELECT u FROM users u) SELECT (c.u).username, c.u FROM c ORDER BY (c.u).id

--? old names
WITH c(r) AS (SELECT u FROM users u), d AS (SELECT r FROM c) SELECT (d.r).email, (r).username FROM d ORDER BY (r).id

WITH c AS (SELECT u FROM users u) SELECT a.u = b.u FROM c a JOIN c b ON (a.u).id = (b.u).id ORDER BY (a.u).id

--? old names
--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
WITH RECURSIVE c AS (SELECT u, 1 AS n FROM users u WHERE u.id = 1 UNION ALL SELECT c.u, n + 1 FROM c WHERE n < 3) SELECT (c.u).username FROM c

--? old names
SELECT (x.u).username FROM (SELECT u FROM users u WHERE id < 3 UNION ALL SELECT v FROM users v WHERE id > 4) x ORDER BY 1

SELECT u FROM users u UNION SELECT v FROM users v ORDER BY 1

SELECT u FROM users u EXCEPT SELECT v FROM users v WHERE id = 2 ORDER BY 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT x.u FROM (SELECT u FROM users u UNION SELECT NULL) x ORDER BY 1

--? fails
--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT u FROM users u UNION ALL SELECT p FROM posts p

--? old names
SELECT (x.u).username FROM (SELECT u FROM users u LIMIT 3) x ORDER BY 1

SELECT (SELECT u FROM users u WHERE u.id = p.user_id) FROM posts p ORDER BY p.id

SELECT (SELECT u FROM users u WHERE u.id = p.user_id) IS NULL FROM posts p ORDER BY p.id

SELECT p.id FROM posts p WHERE (SELECT u FROM users u WHERE u.id = p.user_id) = (SELECT v FROM users v WHERE v.id = 1) ORDER BY 1

SELECT u.id FROM users u WHERE u > (SELECT v FROM users v WHERE v.id = 3) ORDER BY 1

SELECT u.id FROM users u WHERE u >= ALL (SELECT v FROM users v) ORDER BY 1

SELECT u.id FROM users u WHERE u = ANY (SELECT v FROM users v WHERE age = 30) ORDER BY 1

SELECT u.id FROM users u WHERE u NOT IN (SELECT v FROM users v WHERE v.id > 2) ORDER BY 1

SELECT u.id FROM users u WHERE u BETWEEN (SELECT v FROM users v WHERE id = 2) AND (SELECT v FROM users v WHERE id = 4) ORDER BY 1

SELECT u.id FROM users u WHERE u IS DISTINCT FROM (SELECT v FROM users v WHERE id = 2) ORDER BY 1

SELECT u.id FROM users u WHERE EXISTS (SELECT v FROM users v WHERE v.id = u.id + 1) ORDER BY 1

--~ expand dual-write switch-reads stop-dual-write contract: records are not hashed, so rows of two tables are compared
SELECT u.id FROM users u WHERE u IN (SELECT p FROM posts p)

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT u.id FROM users u WHERE (u, 1) = ((SELECT v FROM users v WHERE id = 2), 1)

SELECT coalesce(u, v) FROM users u FULL JOIN users v ON u.id = v.id + 1 ORDER BY 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT coalesce((SELECT u FROM users u WHERE id = 99), (SELECT v FROM users v WHERE id = 2))

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT nullif(u, v) FROM users u JOIN users v ON v.id = u.id ORDER BY u.id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT greatest(u, v) FROM users u JOIN users v ON v.id = 7 - u.id ORDER BY u.id

SELECT CASE WHEN u.id < 3 THEN u ELSE v END FROM users u JOIN users v ON v.id = 7 - u.id ORDER BY u.id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT CASE u WHEN v THEN 'same' ELSE 'other' END FROM users u JOIN users v ON v.id = 2 ORDER BY u.id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT lag(u) OVER (ORDER BY u.id) FROM users u ORDER BY u.id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT first_value(x.u) OVER (ORDER BY (x.u).id) FROM (SELECT u FROM users u) x

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT row_number() OVER (ORDER BY x.u) FROM (SELECT u FROM users u) x ORDER BY 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT row_number() OVER (PARTITION BY u ORDER BY u) FROM users u ORDER BY 1

SELECT max(x.u::text) FROM (SELECT u FROM users u) x

SELECT x.* FROM (SELECT u, u.id FROM users u) x ORDER BY x.id

SELECT * FROM (SELECT u, u.username FROM users u) x ORDER BY 2

SELECT y.* FROM (SELECT x.* FROM (SELECT u, u.id FROM users u) x) y ORDER BY y.id

--? old names
--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT ((y.x).u).username FROM (SELECT x FROM (SELECT u FROM users u) x) y ORDER BY 1

--? old names
SELECT (x.r).username FROM (SELECT u FROM users u) AS x(r) ORDER BY 1

--? old names
SELECT (r).username, r FROM (SELECT u FROM users u) AS x(r) ORDER BY 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT users FROM (SELECT u FROM users u) AS users ORDER BY 1

--? old names
SELECT (users.username).username FROM (SELECT u AS username FROM users u) AS users ORDER BY 1

SELECT username FROM (SELECT u AS username FROM users u) x ORDER BY (username).id

SELECT x.u FROM users v, LATERAL (SELECT u FROM users u WHERE u.id = v.id) x ORDER BY v.id

--? old names
SELECT (x.w).username FROM users v, LATERAL (SELECT v AS w) x ORDER BY v.id

--? fails
--! expand dual-write switch-reads stop-dual-write contract: a column of the other shape
SELECT (x.u).handle FROM (SELECT u FROM users u) x ORDER BY 1

--? fails
--~ expand dual-write switch-reads stop-dual-write contract: the message says that the row is a record
SELECT (x.u).nothing FROM (SELECT u FROM users u) x

--? fails
SELECT x.u.username FROM (SELECT u FROM users u) x

--? fails
SELECT (x.u).username.y FROM (SELECT u FROM users u) x

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT u.id FROM users u ORDER BY (SELECT v FROM users v WHERE v.id = u.id) DESC

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT string_agg(x.u::text, ',' ORDER BY x.u) FROM (SELECT u FROM users u) x

SELECT jsonb_agg(x.u ORDER BY (x.u).id) FROM (SELECT u FROM users u) x

SELECT jsonb_agg(x ORDER BY (x.u).id) FROM (SELECT u FROM users u) x

SELECT x.u FROM (VALUES (1), (2)) n(i) JOIN (SELECT u, u.id FROM users u) x ON x.id = n.i ORDER BY 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
WITH d AS (DELETE FROM users u WHERE id = 6 RETURNING u) SELECT * FROM d

--? old names
--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
WITH d AS (DELETE FROM users u WHERE id = 6 RETURNING u) SELECT (d.u).username FROM d

--? old names
WITH i AS (INSERT INTO users (id, username) SELECT (x.u).id + 50, (x.u).username || '9' FROM (SELECT u FROM users u) x RETURNING id) SELECT count(*) FROM i

INSERT INTO notes (id, body) SELECT (x.u).id + 10, x.u::text FROM (SELECT u FROM users u) x

INSERT INTO notes (id, body) SELECT u.id + 10, row_to_json((SELECT v FROM users v WHERE v.id = u.id)) FROM users u

UPDATE users SET email = (SELECT v::text FROM users v WHERE v.id = users.id) WHERE id < 3 RETURNING email

UPDATE users u SET username = 'q' WHERE u = (SELECT v FROM users v WHERE v.id = 2) RETURNING u

--? old names
MERGE INTO notes n USING (SELECT u, u.id FROM users u) x ON x.id = n.id WHEN MATCHED THEN UPDATE SET body = (x.u).username

SELECT x.u FROM (SELECT u FROM users u FOR UPDATE) x ORDER BY 1

--? old names
--! expand dual-write switch-reads stop-dual-write contract: TABLESAMPLE
SELECT (x.u).username FROM (SELECT u FROM users u TABLESAMPLE SYSTEM (100)) x ORDER BY 1

--? old names
--! expand dual-write switch-reads stop-dual-write contract: a query that names a system column
SELECT (x.u).username, x.c IS NOT NULL FROM (SELECT u, u.ctid AS c FROM users u) x ORDER BY 1

--? old names
SELECT (x.u).username FROM (SELECT u FROM ONLY users u) x ORDER BY 1

--? old names
SELECT (x.a)."userName", (x.a)."Bio" FROM (SELECT a FROM "Account" a) x ORDER BY 1

SELECT x.a FROM (SELECT a FROM "Account" a) x ORDER BY (x.a).id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT x.u FROM (SELECT u FROM users u) x JOIN (SELECT u FROM users u) y USING (u) ORDER BY 1

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT y.u FROM (SELECT u FROM users u) x NATURAL JOIN (SELECT u FROM users u) y ORDER BY 1
