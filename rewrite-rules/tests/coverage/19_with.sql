-- WITH

WITH u AS (SELECT username FROM users) SELECT username FROM u

WITH u(name) AS (SELECT username FROM users) SELECT name FROM u

WITH u AS MATERIALIZED (SELECT username, age FROM users) SELECT max(username) FROM u

WITH u AS NOT MATERIALIZED (SELECT * FROM users) SELECT u.username FROM u

WITH users AS (SELECT title AS username FROM posts) SELECT username FROM users

WITH a AS (SELECT username FROM users), b AS (SELECT username FROM a WHERE username > 'b') SELECT * FROM b

WITH a AS (WITH b AS (SELECT username FROM users) SELECT username AS name FROM b) SELECT name FROM a

WITH RECURSIVE t(n, username) AS (SELECT 1, username FROM users WHERE id = 1 UNION ALL SELECT n + 1, username FROM t WHERE n < 3) SELECT * FROM t

WITH RECURSIVE t AS (SELECT id, username FROM users WHERE id = 1 UNION SELECT u.id, u.username FROM users u JOIN t ON u.id = t.id + 1) SELECT id, username FROM t ORDER BY id

WITH RECURSIVE t(id, username) AS (SELECT id, username FROM users WHERE id = 1 UNION ALL SELECT u.id, u.username FROM users u JOIN t ON u.id = t.id + 1) SEARCH DEPTH FIRST BY id, username SET o SELECT username FROM t ORDER BY o

WITH RECURSIVE t AS (SELECT id, username FROM users WHERE id = 1 UNION ALL SELECT u.id, u.username FROM users u JOIN t ON u.id = t.id + 1) SEARCH BREADTH FIRST BY username SET ord SELECT username, ord FROM t ORDER BY ord

WITH RECURSIVE t AS (SELECT id, username FROM users WHERE id = 1 UNION ALL SELECT u.id, u.username FROM users u, t WHERE u.id = t.id % 4 + 1) CYCLE id SET looped USING path SELECT username, looped FROM t

WITH RECURSIVE t AS (SELECT id, username FROM users WHERE id = 1 UNION ALL SELECT u.id, u.username FROM users u, t WHERE u.id = t.id % 4 + 1) CYCLE id, username SET c TO 'Y' DEFAULT 'N' USING p SELECT username, c, p FROM t

WITH RECURSIVE t AS (SELECT id, username FROM users WHERE id = 1 UNION ALL SELECT u.id, u.username FROM users u, t WHERE u.id = t.id % 4 + 1) SEARCH DEPTH FIRST BY id SET s CYCLE id SET c USING p SELECT username, s, c FROM t

WITH u AS (SELECT username FROM users), p AS (SELECT title FROM posts) SELECT u.username, p.title FROM u, p

WITH n AS (INSERT INTO posts (id, title) VALUES (50, 'new') RETURNING id, title) SELECT title FROM n

WITH n AS (UPDATE users SET username = upper(username) WHERE id = 1 RETURNING *) SELECT username FROM n

WITH n AS (DELETE FROM posts WHERE title = 'Orphan' RETURNING title) SELECT n.title, u.username FROM n, users u

WITH u AS (SELECT id, username FROM users) INSERT INTO posts (id, title) SELECT id + 100, username FROM u

WITH u AS (SELECT max(username) AS m FROM users) UPDATE posts SET title = u.m FROM u WHERE posts.title = 'First'

WITH u AS (SELECT id FROM users WHERE username = 'alice') DELETE FROM posts USING u WHERE posts.user_id = u.id AND title = 'Second'

WITH moved AS (DELETE FROM posts WHERE title = 'Orphan' RETURNING *) INSERT INTO posts SELECT id + 1, user_id, title FROM moved

WITH a AS (SELECT username FROM users) (SELECT username FROM a) UNION ALL (SELECT title FROM posts)

WITH a AS (VALUES (1, 'x')) SELECT column2, username FROM a, users

WITH a AS (SELECT 1) SELECT username FROM users, a

SELECT username FROM (WITH u AS (SELECT * FROM users) SELECT username FROM u) x

WITH search AS (SELECT username FROM users), cycle AS (SELECT title FROM posts) SELECT username, title FROM search, cycle
