-- Relations in FROM

SELECT username FROM ONLY users

SELECT u.username FROM ONLY (users) AS u

SELECT username FROM ONLY (public.users)

SELECT username FROM users *

SELECT u.username FROM users * AS u

SELECT u.username FROM users* u WHERE u.username > 'a'

SELECT username, title FROM users *, posts * WHERE user_id = users.id

SELECT u.username, p.title FROM ONLY users u, ONLY posts p

SELECT u.username FROM (users * u JOIN ONLY posts p ON p.user_id = u.id)

SELECT users.username FROM public.users

SELECT public.users.username FROM public.users

SELECT u.a, u.b FROM users AS u(a, b)

SELECT u.n, u.email FROM users u(i, n)

SELECT row_to_json(u) FROM users AS u(a, b)

SELECT username FROM users TABLESAMPLE system (100)

SELECT u.username FROM users AS u TABLESAMPLE BERNOULLI (100) REPEATABLE (1)

SELECT username FROM users TABLESAMPLE bernoulli (50 + 50) REPEATABLE (1 + 2)

SELECT username FROM users TABLESAMPLE pg_catalog.system (100) REPEATABLE (0)

SELECT username FROM users, generate_series(1, 2)

SELECT u.username, g FROM users u, generate_series(1, u.age / 20) g

SELECT u.username, g.n FROM users u, generate_series(1, 2) AS g(n)

SELECT u.username, g.n, g.o FROM users u, generate_series(1, 2) WITH ORDINALITY AS g(n, o)

SELECT u.username, f.* FROM users u, LATERAL regexp_split_to_table(u.username, 'l') WITH ORDINALITY f

SELECT u.username, r.a, r.b FROM users u, ROWS FROM (generate_series(1, 2), unnest(u.tags)) AS r(a, b)

SELECT u.username, r.* FROM users u, ROWS FROM (generate_series(1, 2), generate_series(1, 3)) WITH ORDINALITY AS r(a, b, n)

SELECT u.username, r.a, r.c FROM users u, LATERAL ROWS FROM (json_to_record('{"a": 1}') AS (a int, b text), unnest(u.tags)) AS r(a, b, c)

SELECT u.username, j.a FROM users u, json_to_record('{"a": 1}') AS j(a int, b text)

SELECT u.username, a, b FROM users u, json_to_record('{"a": 1}') AS (a int, b text COLLATE "C")

SELECT u.username, a FROM users u LEFT JOIN LATERAL jsonb_to_record(u.profile) AS (a numeric(10, 2), lang text) ON lang > 'a'

SELECT username, c, d FROM users, coalesce(1, 2) AS c, current_date AS d

SELECT username, t, x FROM users, cast('x' AS text) AS t, extract(year FROM date '2024-01-01') x

SELECT u.username, s FROM users u, substring(u.username FROM 1 FOR 2) s

SELECT u.username, l.title FROM users u, LATERAL (SELECT title FROM posts p WHERE p.user_id = u.id AND title > username) l

SELECT u.username, l.t FROM users u LEFT JOIN LATERAL (SELECT max(p.title) AS t FROM posts p WHERE p.user_id = u.id) l ON true

SELECT x.username FROM (SELECT username FROM users) AS x

SELECT x.n FROM (SELECT username FROM users) AS x(n)

SELECT x.* FROM (SELECT * FROM users) x

SELECT x.username FROM (SELECT u.* FROM users u) x WHERE x.username > 'a'

SELECT * FROM (SELECT username, title FROM users, posts) x

SELECT username FROM (((SELECT username FROM users))) x

SELECT v.a, u.username FROM (VALUES (1, 2)) v(a, b), users u

SELECT u.username FROM users u, pg_catalog.pg_class c WHERE c.relname = 'users' AND u.username > 'a'

SELECT username, relname FROM users, pg_class WHERE relname = 'users'

SELECT global.username FROM users global JOIN posts ON posts.user_id = global.id

SELECT sample.username FROM users sample

SELECT view.username, cluster.title FROM users view, posts cluster

SELECT "only".username FROM users "only"

SELECT semi.username, asof.title FROM users semi JOIN posts asof ON asof.user_id = semi.id

SELECT u.username FROM users u, (posts p CROSS JOIN orders o)

SELECT lateral_.username FROM users lateral_, unnest(ARRAY[1]) n

SELECT u.ctid IS NULL, u.tableoid::regclass, u.username FROM users u
