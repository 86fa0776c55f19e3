-- Set operations, VALUES and TABLE

SELECT username FROM users UNION SELECT title FROM posts

SELECT username FROM users UNION ALL SELECT title FROM posts ORDER BY username

SELECT username FROM users UNION DISTINCT SELECT title FROM posts ORDER BY 1 LIMIT 3

SELECT username FROM users EXCEPT SELECT username FROM staging

SELECT username FROM users INTERSECT ALL SELECT username FROM users EXCEPT ALL SELECT title FROM posts

(SELECT username FROM users ORDER BY username LIMIT 1) UNION ALL (SELECT title FROM posts ORDER BY title LIMIT 1)

(SELECT username FROM users) ORDER BY username

((SELECT username FROM users))

((SELECT username FROM users) UNION (SELECT title FROM posts)) EXCEPT (SELECT note FROM orders) ORDER BY 1

(SELECT username FROM users ORDER BY username) LIMIT 1

SELECT username FROM users UNION (SELECT title FROM posts INTERSECT SELECT note FROM orders) ORDER BY username DESC

SELECT username AS x FROM users UNION ALL SELECT title AS y FROM posts ORDER BY x

SELECT id, username FROM users UNION ALL VALUES (0, 'zero') ORDER BY id

VALUES ((SELECT max(username) FROM users), 1), ('x', 2) ORDER BY column1

VALUES (1, (SELECT username FROM users WHERE id = 1))

SELECT * FROM (VALUES (1, 'alice'), (2, 'bob')) AS v(id, username) JOIN users USING (id)

SELECT username FROM (SELECT username FROM users UNION SELECT title FROM posts) x WHERE username > 'b'

TABLE users

TABLE ONLY users

TABLE public.users ORDER BY username DESC LIMIT 2

TABLE users ORDER BY lower(username)

TABLE posts UNION ALL TABLE posts

TABLE users OFFSET 1

(TABLE users)

WITH t AS (TABLE users) SELECT username FROM t

SELECT * FROM (TABLE posts) p JOIN users u ON u.id = p.user_id

SELECT x.title FROM (TABLE ONLY posts) x ORDER BY x.title

SELECT EXISTS (TABLE users), (SELECT count(*) FROM (TABLE orders) o WHERE o.note > 'a')

SELECT FROM users UNION ALL SELECT FROM posts

SELECT username FROM users UNION SELECT NULL ORDER BY username NULLS FIRST

SELECT username FROM ((SELECT username FROM users) UNION (SELECT title FROM posts) ORDER BY 1 LIMIT 2) x
