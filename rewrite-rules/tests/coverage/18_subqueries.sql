-- Sub-selects

SELECT (SELECT username FROM users WHERE id = 1)

SELECT (SELECT username FROM users WHERE id = p.user_id) AS author, title FROM posts p

SELECT title FROM posts WHERE user_id = (SELECT id FROM users WHERE username = 'bob')

SELECT title FROM posts WHERE (SELECT username FROM users WHERE id = user_id) = 'bob'

SELECT title FROM posts p WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = p.user_id AND u.username < p.title)

SELECT title FROM posts WHERE user_id IN (SELECT id FROM users WHERE username IN (SELECT username FROM users WHERE age = 30))

SELECT (SELECT count(*) FROM posts WHERE title > username) FROM users

SELECT (SELECT max(x.title) FROM (SELECT title, username FROM posts WHERE user_id = users.id) x WHERE x.username = users.username) FROM users

SELECT ((SELECT max(username) FROM users)), ((SELECT 1) + 2), (((SELECT min(title) FROM posts)) || 'x')

SELECT (SELECT ROW(username, age) FROM users WHERE id = 1)::text

SELECT (SELECT u.home FROM users u WHERE id = 1), ((SELECT u.home FROM users u WHERE id = 1)).city

SELECT ARRAY(SELECT username FROM users ORDER BY username), ARRAY(SELECT ROW(username, age)::text FROM users)

SELECT username FROM users WHERE (SELECT true) AND (SELECT username) = 'bob'

SELECT username FROM users WHERE age > ALL (SELECT length(title) FROM posts) AND username <> SOME (SELECT title FROM posts)

SELECT CASE WHEN (SELECT count(*) FROM users WHERE username > 'b') > 1 THEN 'many' ELSE (SELECT min(username) FROM users) END

SELECT username, (SELECT string_agg(title, ',' ORDER BY title) FROM posts WHERE user_id = u.id) AS titles FROM users u ORDER BY titles NULLS FIRST, username

SELECT coalesce((SELECT title FROM posts WHERE user_id = u.id ORDER BY title LIMIT 1), u.username) FROM users u

SELECT (VALUES ((SELECT max(username) FROM users)))

SELECT username FROM users WHERE id = (SELECT user_id FROM orders WHERE note = 'gift') OR username = (SELECT note FROM orders WHERE id = 100)

SELECT (WITH x AS (SELECT username FROM users) SELECT max(username) FROM x)

SELECT username FROM users u WHERE NOT (id, username) IN (SELECT user_id, title FROM posts WHERE user_id IS NOT NULL)

SELECT f.username FROM (SELECT * FROM (SELECT * FROM users) inner_users) f

SELECT username FROM users WHERE ((SELECT 1) UNION (SELECT 1)) = 1

SELECT x FROM (SELECT username AS x, username AS y FROM users WHERE username > 'a') q WHERE x = y
