-- Select lists and labels. One statement per paragraph, in all files of this folder; the first line names the class.

SELECT username FROM users

SELECT ALL username FROM users

SELECT DISTINCT username FROM users

SELECT DISTINCT ON (age) age, username FROM users ORDER BY age, username

SELECT DISTINCT ON (lower(username), (age)) username FROM users ORDER BY lower(username), age

SELECT FROM users

SELECT ALL FROM users WHERE username = 'bob'

SELECT WHERE EXISTS (SELECT FROM users WHERE username = 'bob')

SELECT username AS name FROM users

SELECT username name FROM users

SELECT username AS "Name" FROM users

SELECT username "Name" FROM users

SELECT username AS select FROM users

SELECT username value FROM users

SELECT username AS year FROM users

SELECT username AS isnull FROM users

SELECT username desc FROM users

SELECT username case FROM users

SELECT username top FROM users

SELECT username qualify FROM users

SELECT username pivot FROM users

SELECT * FROM users

SELECT users.* FROM users

SELECT public.users.* FROM public.users

SELECT u.*, u.username FROM users u

SELECT u.*, p.title FROM users u JOIN posts p ON p.user_id = u.id

SELECT *, username FROM users

SELECT u.username, p.*, o.note FROM users u, posts p, orders o WHERE p.user_id = u.id AND o.user_id = u.id

SELECT (home).city, username FROM users

SELECT (home).* FROM users

SELECT (u.home).*, u.username FROM users u

SELECT (u).username FROM users u

SELECT (u).* FROM users u

SELECT (regexp_match(username, '(.)(.)'))[2] FROM users

SELECT username, 1 AS username FROM users

SELECT 'x' AS username, email FROM users

SELECT (SELECT max(title) FROM posts) AS title, username FROM users

SELECT (username) FROM users

SELECT ((username)), (((email))) FROM users

SELECT username::varchar, username::text AS t, (username)::name FROM users

SELECT CASE WHEN age > 29 THEN username END, CASE username WHEN 'bob' THEN 1 ELSE 2 END FROM users

SELECT CASE WHEN age > 29 THEN 'x' ELSE username END FROM users

SELECT coalesce(username, email), nullif(username, 'bob'), greatest(username, 'b'), least(username, email) FROM users

SELECT 1 + 2, NULL, true, 'text', username IS NULL FROM users

SELECT username, current_date, current_user, session_user, current_catalog, current_schema, current_role, user FROM users

SELECT username FROM users AS users

SELECT username.username FROM users username

SELECT u.username AS a, u.username AS b, u.username AS c FROM users u
