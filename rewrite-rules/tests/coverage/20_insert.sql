-- INSERT

INSERT INTO users (id, username) VALUES (20, 'zoe')

INSERT INTO users (id, username, tags) VALUES (20, 'zoe', '{a}'), (21, 'yan', NULL)

INSERT INTO users VALUES (20, 'zoe', 'zoe@example.org')

INSERT INTO users AS u (id, username) VALUES (20, 'zoe') RETURNING u.username

INSERT INTO public.users (id, username, home) VALUES (20, 'zoe', ROW('a', 'b'))

INSERT INTO users (id, username, score) VALUES (20, 'zoe', DEFAULT)

INSERT INTO staging DEFAULT VALUES RETURNING (SELECT max(username) FROM users)

INSERT INTO posts (id, title) VALUES (50, DEFAULT)

INSERT INTO users (id, username) SELECT id, username FROM staging

INSERT INTO users (id, username) (SELECT id, username FROM staging)

INSERT INTO users (id, username) ((SELECT id, username FROM staging))

INSERT INTO users (SELECT id, username FROM staging)

INSERT INTO users (id, username) (VALUES (20, 'zoe'))

INSERT INTO users (VALUES (20, 'zoe'))

INSERT INTO users ((VALUES (20, 'zoe'), (21, 'yan')))

INSERT INTO users (id, username) (VALUES (20, md5(random()::text)))

INSERT INTO posts TABLE posts LIMIT 0

INSERT INTO staging (id, username) (SELECT id, title FROM posts)

INSERT INTO users (id, username, email, age) TABLE staging

INSERT INTO users (id, username, email, age) (TABLE staging)

INSERT INTO users (id, username) WITH s AS (SELECT * FROM staging) SELECT id, username FROM s

INSERT INTO users (id, username) (WITH s AS (SELECT * FROM staging) SELECT id, username FROM s)

INSERT INTO users (WITH s AS (SELECT * FROM staging) SELECT id, username FROM s)

INSERT INTO users (id, username) SELECT id, username FROM staging ORDER BY id LIMIT 1

INSERT INTO users (id, username) SELECT id, username FROM staging UNION ALL SELECT 22, 'xia'

INSERT INTO users (id, username) (SELECT id, username FROM staging) UNION (SELECT 22, 'xia')

INSERT INTO users (id, username) VALUES (20, 'zoe') ORDER BY 1 LIMIT 1

INSERT INTO users (id, username) OVERRIDING USER VALUE VALUES (20, 'zoe')

INSERT INTO users (id, username) OVERRIDING SYSTEM VALUE SELECT id, username FROM staging

INSERT INTO posts (id, title) SELECT id + 50, upper(username) FROM users

INSERT INTO posts (id, title) SELECT u.id + 50, (SELECT max(title) FROM posts p WHERE p.user_id = u.id) FROM users u

INSERT INTO users (id, username) VALUES (20, (SELECT max(title) FROM posts))

INSERT INTO users (id, username) VALUES (20, lower('ZOE') || now()::date)

INSERT INTO users (id, username) VALUES ($1, $2)

INSERT INTO users (id, username, email) VALUES ($1, $2, $3), ($4, $5, $6)

INSERT INTO users (id, username) SELECT x.id, x.name FROM json_to_recordset('[{"id": 30, "name": "j"}]') AS x(id int, name text)

INSERT INTO users (id, username) SELECT n, 'u' || n FROM generate_series(30, 32) n

INSERT INTO users (id, username) SELECT (r).id, (r).username FROM (SELECT s AS r FROM staging s) x

INSERT INTO staging (username, email) SELECT (home).* FROM users

INSERT INTO users (id, username, tags[1]) VALUES (20, 'zoe', 'x')

INSERT INTO users (id, username, home.city) VALUES (20, 'zoe', 'York')

INSERT INTO posts (id, labels[1], labels[2]) VALUES (50, 'a', 'b')

INSERT INTO users (id, username) SELECT 20, 'zoe' WHERE NOT EXISTS (SELECT FROM users WHERE username = 'zoe')

INSERT INTO users (id, username) VALUES (20, CASE WHEN true THEN 'a' ELSE 'b' END)

INSERT INTO "users" ("id", "username") VALUES (20, 'zoe')

INSERT INTO users (id, username) VALUES (20, E'z\'oe'), (21, $$it's$$), (22, U&'\0061')

INSERT INTO users (id, username, born) VALUES (20, 'zoe', date '2000-01-01'), (21, 'yan', current_date)

INSERT INTO orders (id, note, amount) SELECT 200, xmlserialize(CONTENT xmlelement(NAME a, note) AS text), amount FROM orders WHERE id = 100
