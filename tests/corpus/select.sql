-- Reads. One statement per paragraph; `--$` gives the values of $1, $2, … separated by `;`.

SELECT username FROM users ORDER BY id

SELECT id, username, email FROM users WHERE username = 'alice'

--$ alice
SELECT id, username FROM users WHERE username = $1

--$ 1
SELECT username FROM users WHERE id = $1

--$ a%;1
SELECT id FROM users WHERE username LIKE $1 AND id >= $2 ORDER BY id

SELECT u.username FROM users u WHERE lower(username) = 'dave' ORDER BY username

SELECT users.username FROM users ORDER BY users.id

SELECT public.users.username FROM public.users ORDER BY 1

SELECT u.username AS name FROM users AS u ORDER BY name

SELECT username name FROM users ORDER BY name

SELECT u.username, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT u.username, p.username FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT p.username FROM posts p JOIN users u ON u.username = p.username ORDER BY p.id

SELECT u.username, count(p.id) FROM users u LEFT JOIN posts p ON p.user_id = u.id GROUP BY u.username ORDER BY u.username

SELECT u.username, count(*) AS n FROM users u, posts p WHERE p.user_id = u.id GROUP BY 1 ORDER BY n DESC, 1

SELECT u.id, u.username, count(p.id) FROM users u LEFT JOIN posts p ON p.user_id = u.id GROUP BY u.id ORDER BY u.id

SELECT username FROM users GROUP BY username HAVING length(username) > 3 ORDER BY username

SELECT length(username) AS l, count(*) FROM users GROUP BY l ORDER BY l, 2

SELECT upper(username) FROM users ORDER BY upper(username)

SELECT upper(username) AS username FROM users ORDER BY username

SELECT username || '!' AS shouted FROM users ORDER BY shouted DESC

SELECT 'x' AS username FROM users ORDER BY username

SELECT id AS username FROM users ORDER BY username DESC

SELECT age AS username, username AS age FROM users ORDER BY username NULLS FIRST, age

SELECT DISTINCT username FROM users ORDER BY username

SELECT DISTINCT ON (u.age) u.age, u.username FROM users u ORDER BY u.age, u.username

SELECT * FROM users ORDER BY id

SELECT u.* FROM users u ORDER BY u.id

SELECT users.* FROM users ORDER BY id

SELECT *, 1 AS one FROM users ORDER BY id

SELECT u.*, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT p.*, u.* FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT * FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT * FROM posts ORDER BY id

SELECT count(*) FROM users

SELECT count(username) FROM users

SELECT count(DISTINCT username) FROM users WHERE username IS NOT NULL

SELECT max(username), min(u.username) FROM users u

SELECT string_agg(username, ',' ORDER BY username) FROM users

SELECT string_agg(u.username, ',' ORDER BY u.id) FILTER (WHERE u.username <> 'bob') FROM users u

SELECT array_agg(username ORDER BY id) FROM users

SELECT CASE username WHEN 'alice' THEN 'A' ELSE username END FROM users ORDER BY id

SELECT CASE WHEN username = 'bob' THEN 1 ELSE 0 END AS is_bob FROM users ORDER BY id

SELECT coalesce(username, email) FROM users ORDER BY id

SELECT username::text FROM users ORDER BY id

SELECT CAST(username AS text) FROM users ORDER BY id

SELECT username::varchar(3) FROM users ORDER BY id

SELECT substring(username FROM 1 FOR 2) FROM users ORDER BY id

SELECT position('a' IN username) FROM users ORDER BY id

SELECT username COLLATE "C" FROM users ORDER BY username COLLATE "C"

SELECT shout(username) FROM users ORDER BY id

SELECT username IN ('alice', 'bob') FROM users ORDER BY id

SELECT id FROM users WHERE username IN ('alice', 'bob') ORDER BY id

SELECT id FROM users WHERE username NOT IN ('alice') ORDER BY id

SELECT id FROM users WHERE username BETWEEN 'a' AND 'c' ORDER BY id

SELECT id FROM users WHERE username IS NULL

SELECT id FROM users WHERE username ILIKE 'D%'

SELECT id FROM users WHERE username ~ '^[a-c]' ORDER BY id

SELECT id FROM users WHERE (username, age) = ('alice', 30)

SELECT id FROM users WHERE username = ANY (ARRAY['alice', 'carol']) ORDER BY id

--$ {alice,bob}
SELECT id FROM users WHERE username = ANY ($1) ORDER BY id

SELECT id FROM users WHERE NOT (username = 'alice' OR username = 'bob') ORDER BY id

SELECT title FROM posts WHERE user_id IN (SELECT id FROM users WHERE username = 'alice') ORDER BY id

SELECT title FROM posts p WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = p.user_id AND u.username = 'bob')

SELECT title, (SELECT username FROM users u WHERE u.id = p.user_id) FROM posts p ORDER BY p.id

SELECT title, (SELECT u.username FROM users u WHERE u.id = p.user_id) AS author FROM posts p ORDER BY author NULLS LAST, p.id

SELECT (SELECT p.username FROM posts p WHERE p.id = u.id) FROM users u ORDER BY u.id

SELECT (SELECT username FROM posts p WHERE p.id = 4) FROM users u WHERE u.id = 1

SELECT id FROM users WHERE username = (SELECT username FROM posts WHERE id = 3)

SELECT s.username FROM (SELECT username FROM users) s ORDER BY s.username

SELECT s.n FROM (SELECT username AS n, id FROM users WHERE id < 4) AS s ORDER BY s.id

SELECT * FROM (SELECT * FROM users) s ORDER BY id

SELECT username FROM (SELECT * FROM users WHERE age = 30) s ORDER BY username

SELECT s.username FROM (SELECT u.username, u.id FROM users u JOIN posts p ON p.user_id = u.id) s ORDER BY s.id, 1

SELECT x.a FROM (SELECT username FROM users) AS x(a) ORDER BY x.a

SELECT u.b FROM users AS u(a, b, c, d) ORDER BY u.a

SELECT u.b FROM users AS u(a, b) ORDER BY u.a

WITH u AS (SELECT id, username FROM users) SELECT username FROM u ORDER BY id

WITH u AS (SELECT * FROM users) SELECT * FROM u ORDER BY id

WITH u(i, n) AS (SELECT id, username FROM users) SELECT n FROM u ORDER BY i

WITH a AS (SELECT id, username FROM users WHERE age = 30), b AS (SELECT username FROM a) SELECT * FROM b ORDER BY 1

WITH users AS (SELECT 1 AS id, 'shadow' AS username) SELECT username FROM users

WITH users AS (SELECT 1 AS id, 'shadow' AS handle) SELECT handle FROM users

WITH users AS (SELECT id, username AS name FROM users) SELECT name FROM users ORDER BY id

WITH RECURSIVE n(i, name) AS (SELECT id, username::text FROM users WHERE id = 1 UNION ALL SELECT u.id, u.username::text FROM users u JOIN n ON u.id = n.i + 1) SELECT name FROM n ORDER BY i

WITH u AS MATERIALIZED (SELECT username FROM users) SELECT count(*) FROM u WHERE username > 'b'

SELECT username FROM users UNION SELECT title FROM posts ORDER BY 1

SELECT username FROM users UNION ALL SELECT username FROM posts ORDER BY username

SELECT username FROM users EXCEPT SELECT username FROM posts ORDER BY 1

SELECT username FROM users INTERSECT SELECT username FROM posts ORDER BY 1

(SELECT username FROM users WHERE id = 1) UNION ALL (SELECT username FROM users WHERE id = 2) ORDER BY 1

SELECT username FROM users ORDER BY id LIMIT 2 OFFSET 1

--$ 2;1
SELECT username FROM users ORDER BY id LIMIT $1 OFFSET $2

SELECT username FROM users ORDER BY id FETCH FIRST 2 ROWS ONLY

SELECT username, row_number() OVER (ORDER BY username) FROM users ORDER BY 2

SELECT username, rank() OVER w FROM users WINDOW w AS (PARTITION BY age ORDER BY username) ORDER BY id

SELECT username, lag(username) OVER (ORDER BY id) FROM users ORDER BY id

SELECT u.username, l.title FROM users u CROSS JOIN LATERAL (SELECT title FROM posts p WHERE p.user_id = u.id ORDER BY p.id LIMIT 1) l ORDER BY u.id

SELECT u.username, l.n FROM users u, LATERAL (SELECT u.username || '-' AS n) l ORDER BY u.id

SELECT a.username, b.username FROM users a JOIN users b ON a.age = b.age AND a.id < b.id ORDER BY a.id

SELECT a.username FROM users a JOIN users b ON a.username < b.username AND b.id = a.id + 1 ORDER BY a.id

SELECT u.username FROM users u LEFT JOIN posts p ON p.username = u.username WHERE p.id IS NULL ORDER BY u.id

SELECT u.username, p.id FROM users u RIGHT JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT u.username, p.id FROM users u FULL JOIN posts p ON p.user_id = u.id ORDER BY u.id, p.id

SELECT id, username FROM users JOIN (SELECT user_id AS id, title FROM posts) p USING (id) ORDER BY title

SELECT username, u.id FROM users u JOIN posts p USING (username) ORDER BY u.id

SELECT * FROM users JOIN (SELECT 1::bigint AS id, 'extra' AS extra) e USING (id)

SELECT username FROM users NATURAL JOIN (SELECT 2::bigint AS id) e

SELECT count(*) FROM users u NATURAL JOIN (SELECT 'bob'::varchar AS username) e

SELECT u FROM users u ORDER BY u.id

SELECT row_to_json(u) FROM users u ORDER BY u.id

SELECT to_jsonb(users) FROM users ORDER BY id

--? old names
SELECT (u).username FROM users u ORDER BY u.id

SELECT (u.*)::text FROM users u ORDER BY u.id

SELECT count(u) FROM users u

SELECT username FROM users FOR UPDATE

SELECT u.username FROM users u WHERE u.username = 'alice' FOR UPDATE OF u

SELECT username FROM users WHERE id = 1 FOR SHARE

SELECT username FROM users WHERE id = 2 FOR NO KEY UPDATE SKIP LOCKED

SELECT username FROM ONLY users ORDER BY id

TABLE users

SELECT username FROM users TABLESAMPLE BERNOULLI (100) ORDER BY id

SELECT tableoid::regclass::text, username FROM users ORDER BY id

SELECT username FROM users WHERE ctid IS NOT NULL ORDER BY id

SELECT id, username FROM users WHERE id = 1; 

/* username in a comment */ SELECT username /* here too: handle */ FROM users -- username
ORDER BY id

SELECT 'username' AS literal, $$username$$ AS dollar, E'user\x6eame' AS escaped FROM users WHERE id = 1

SELECT "username" FROM "users" ORDER BY "id"

SELECT USERNAME, UserName FROM USERS ORDER BY ID

SELECT u.USERNAME FROM "users" U WHERE U."username" = 'bob'

SELECT "u"."username" AS "User Name" FROM users "u" ORDER BY "User Name"

SELECT "userName" FROM "Account" ORDER BY id

SELECT a."userName" AS username, a.username AS "userName" FROM "Account" a ORDER BY a.id

SELECT * FROM "Account" ORDER BY id

SELECT username FROM "Account" ORDER BY id

SELECT a."userName", u.username FROM "Account" a JOIN users u ON u.id = a.id ORDER BY a.id

SELECT label FROM tasks WHERE NOT done ORDER BY id

SELECT label, t.* FROM tasks t ORDER BY t.id

SELECT code, note FROM tokens ORDER BY id

SELECT handle FROM notes ORDER BY id

SELECT n.handle, u.username FROM notes n JOIN users u ON u.id = n.id ORDER BY n.id

SELECT username FROM users WHERE username = 'nobody'

SELECT DISTINCT u.username FROM users u JOIN posts p ON p.user_id = u.id ORDER BY u.username

SELECT EXISTS (SELECT FROM users WHERE username = 'alice')

SELECT grouping(username), username, count(*) FROM users GROUP BY ROLLUP (username) ORDER BY username NULLS LAST

VALUES ((SELECT username FROM users WHERE id = 1)), ((SELECT username FROM users WHERE id = 2))

SELECT username FROM users ORDER BY length(username) DESC, username ASC NULLS LAST

SELECT username, email FROM users ORDER BY 2 NULLS FIRST, 1

SELECT extract(year FROM now()) > 2000, username FROM users WHERE id = 1

SELECT username AT FROM (SELECT 1) AS username(username)

--$ bob
SELECT $1::text = username FROM users ORDER BY id

--$ ab
SELECT username || $1 FROM users ORDER BY id

EXPLAIN (COSTS OFF) SELECT email FROM users

SELECT ARRAY(SELECT username FROM users ORDER BY id)

SELECT (SELECT array_agg(username ORDER BY username) FROM users WHERE age = u.age) FROM users u WHERE u.id = 1

SELECT u.username FROM users u, (VALUES ('alice'), ('bob')) v(username) WHERE v.username = u.username ORDER BY 1

SELECT v.username FROM users u, (VALUES ('alice'), ('bob')) v(username) WHERE v.username = u.username ORDER BY 1

SELECT username FROM (VALUES ('zed')) users(username)

SELECT handle FROM notes n WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = n.id AND handle = 'h1')

SELECT n.id FROM notes n WHERE handle IN (SELECT handle FROM users u WHERE u.id = n.id) ORDER BY 1

SELECT (SELECT username FROM users u2 WHERE u2.id = u.id + 1) AS next, username FROM users u ORDER BY u.id

SELECT username FROM users u WHERE username > ALL (SELECT username FROM users WHERE id IN (1, 2)) ORDER BY 1

SELECT username, (SELECT max(username) FROM users x WHERE x.age = u.age) FROM users u ORDER BY id

WITH RECURSIVE users_cte AS (SELECT * FROM users WHERE id = 1 UNION ALL SELECT u.* FROM users u JOIN users_cte c ON u.id = c.id + 1 WHERE u.id < 4) SELECT username FROM users_cte ORDER BY id

WITH a AS (SELECT username FROM users), users AS (SELECT 'inner' AS username) SELECT a.username, users.username FROM a, users ORDER BY 1

WITH users AS (SELECT username FROM users WHERE id < 3) SELECT username FROM users ORDER BY 1

SELECT x.username FROM (WITH users AS (SELECT 'w' AS username) SELECT * FROM users) x, users u WHERE u.id = 1

SELECT username FROM users WHERE id = 1 UNION ALL SELECT 'x' ORDER BY username

SELECT 'x' AS a UNION ALL SELECT username FROM users ORDER BY a

SELECT username AS email, email AS username FROM users ORDER BY email

SELECT lower(username) AS id, count(*) FROM users GROUP BY lower(username) ORDER BY id

SELECT username AS x FROM users GROUP BY x ORDER BY x

SELECT DISTINCT upper(username) AS username FROM users ORDER BY username

SELECT age, array_agg(username ORDER BY username DESC) FROM users GROUP BY age ORDER BY age

SELECT count(*) FILTER (WHERE username LIKE '%o%'), sum(CASE WHEN username = 'bob' THEN 1 ELSE 0 END) FROM users

SELECT username, sum(age) OVER (PARTITION BY left(username, 1) ORDER BY username ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM users ORDER BY id

SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY username) FROM users

SELECT u.username, p.title FROM (users u JOIN posts p ON p.user_id = u.id) ORDER BY p.id

SELECT * FROM (users u JOIN posts p ON p.user_id = u.id) ORDER BY p.id

SELECT j.username FROM (SELECT u.username, p.id AS pid FROM users u LEFT JOIN posts p ON p.username = u.username) AS j ORDER BY j.username, j.pid

SELECT u1.*, u2.username FROM users u1 LEFT JOIN users u2 ON u2.id = u1.id + 1 ORDER BY u1.id

SELECT u.username FROM users u JOIN posts p USING (id) ORDER BY 1

SELECT id, users.username, posts.username FROM users JOIN posts USING (id) ORDER BY id

SELECT * FROM users JOIN posts USING (id) ORDER BY id

SELECT * FROM users NATURAL LEFT JOIN posts ORDER BY id

SELECT username FROM users u JOIN LATERAL (SELECT u.username AS n) l ON l.n = u.username ORDER BY 1

SELECT g, username FROM users, generate_series(1, 2) g WHERE id < 3 ORDER BY username, g

SELECT username.username FROM users username ORDER BY 1

--? old names
SELECT username FROM users username WHERE username.id = 1

SELECT handle.username FROM users handle ORDER BY handle.username

SELECT u.username handle FROM users u ORDER BY handle

SELECT email AS handle FROM users ORDER BY handle NULLS FIRST

SELECT username = 'bob' AS username FROM users ORDER BY username, id

SELECT username IS NULL, username IS NOT DISTINCT FROM 'bob', NOT username LIKE 'b%' FROM users ORDER BY id

SELECT (username || '/' || email)::varchar(9) FROM users ORDER BY id

SELECT username COLLATE "C" < 'b' FROM users ORDER BY id

SELECT trim(BOTH 'a' FROM username), overlay(username PLACING 'X' FROM 1 FOR 1), extract(epoch FROM interval '1 s') FROM users ORDER BY id

SELECT nullif(username, 'bob'), greatest(username, 'c'), least(username, 'c') FROM users ORDER BY id

SELECT ROW (username, id) FROM users ORDER BY id

SELECT (ROW (username, id)).f1 FROM users WHERE id = 1

SELECT (SELECT row_to_json(x) FROM (SELECT username, id) x) FROM users ORDER BY id

SELECT json_build_object('username', username, 'handle', email) FROM users ORDER BY id

SELECT json_agg(u ORDER BY u.id) FROM users u

SELECT jsonb_agg(to_jsonb(s)) FROM (SELECT username, id FROM users ORDER BY id) s

SELECT username FROM users WHERE (id, username) IN (SELECT id, username FROM users WHERE age = 30) ORDER BY id

SELECT username FROM users WHERE (username) IN (('alice'), ('bob')) ORDER BY ((username))

--$ alice;30
SELECT username FROM users WHERE (username = $1 OR $1 IS NULL) AND age = $2

--$ 3
SELECT username FROM users ORDER BY CASE WHEN $1 = 1 THEN username ELSE email END NULLS LAST, id

SELECT count(*) FROM users u WHERE u IS NOT NULL

SELECT u.* IS NULL FROM users u ORDER BY id

SELECT username FROM users WHERE username SIMILAR TO '(a|b)%' ORDER BY 1

SELECT username AS "username" , username AS "Username" FROM users WHERE id = 1

SELECT U&"username" FROM users WHERE id = 1

--? old names
SELECT username FROM pg_catalog.pg_class c, users WHERE c.relname = 'users' AND users.id = 1
