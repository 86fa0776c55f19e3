-- DELETE

DELETE FROM users WHERE username = 'bob'

DELETE FROM users

DELETE FROM ONLY users WHERE username = 'bob'

DELETE FROM ONLY (public.users) AS u WHERE u.username = 'bob'

DELETE FROM users * WHERE username = 'bob'

DELETE FROM users * AS u WHERE u.username = 'bob'

DELETE FROM users u USING posts p WHERE p.user_id = u.id AND p.title > u.username

DELETE FROM users USING posts p JOIN orders o ON o.user_id = p.user_id WHERE p.user_id = users.id AND o.note = p.title

DELETE FROM users USING ONLY posts, (SELECT note FROM orders) o WHERE posts.title = users.username OR o.note = username

DELETE FROM posts USING users * u WHERE u.id = posts.user_id AND u.username = 'bob'

DELETE FROM users WHERE id IN (SELECT user_id FROM posts WHERE title = 'First')

DELETE FROM users WHERE username = ANY ($1)

DELETE FROM users WHERE username = 'bob' RETURNING *

DELETE FROM users AS u WHERE u.username = 'bob' RETURNING u.username, u.tags[1], (u.home).city

DELETE FROM users USING posts WHERE posts.user_id = users.id AND title = 'Third' RETURNING users.username, title

WITH gone AS (SELECT id FROM users WHERE username = 'bob') DELETE FROM users WHERE id IN (SELECT id FROM gone)

DELETE FROM posts WHERE title IS NULL OR (title, body) IN (SELECT username, email FROM users)

DELETE FROM users USING XMLTABLE('/o/l' PASSING '<o><l>bob</l></o>' COLUMNS l text PATH '.') x WHERE x.l = username
