-- UPDATE

UPDATE users SET username = 'x' WHERE id = 1

UPDATE users SET username = upper(username), age = age + 1

UPDATE users AS u SET username = u.username || '!' WHERE u.username = 'bob'

UPDATE users u SET username = lower(u.email) WHERE u.email IS NOT NULL

UPDATE ONLY users SET username = 'x' WHERE id = 1

UPDATE ONLY (users) AS u SET username = 'x' WHERE u.id = 1

UPDATE users * SET username = 'x' WHERE id = 1

UPDATE users * AS u SET username = 'x' WHERE u.id = 1

UPDATE public.users SET email = username WHERE users.username = 'bob'

UPDATE users SET (username, age) = ('x', 1) WHERE id = 1

UPDATE users SET (username, age) = ROW ('x', 1) WHERE id = 1

UPDATE users SET (username, age) = (SELECT title, words FROM posts WHERE posts.id = 10) WHERE id = 1

UPDATE users SET (username) = ROW ('x') WHERE id = 1

UPDATE users SET username = p.title FROM posts p WHERE p.user_id = users.id AND p.title = 'Third'

UPDATE users u SET username = p.title || o.note FROM posts p JOIN orders o ON o.user_id = p.user_id WHERE p.user_id = u.id AND p.title = 'First' AND o.note = 'urgent'

UPDATE users SET username = v.name FROM (VALUES (1, 'one'), (2, 'two')) AS v(id, name) WHERE v.id = users.id

UPDATE users SET username = s.username FROM (SELECT id - 4 AS id, username FROM staging) s WHERE s.id = users.id

UPDATE users SET score = DEFAULT, username = username WHERE username IN (SELECT title FROM posts) OR id = 1

UPDATE users SET tags[1] = 'z' WHERE username = 'alice'

UPDATE users SET tags[2:3] = '{y,z}' WHERE username = 'alice'

UPDATE users SET tags[array_length(tags, 1) + 1] = username WHERE id = 1

UPDATE users SET home.city = 'Hull', home.street = username WHERE id = 1

UPDATE users SET home = ROW('a', 'b')::address, tags = array_append(tags, username) WHERE id = 1

UPDATE users SET profile['lang'] = to_jsonb(username) WHERE id = 1

UPDATE posts SET labels[1] = title, title = labels[1] WHERE id = 10

UPDATE users SET username = CASE WHEN age > 29 THEN 'old' || id ELSE username END

UPDATE users SET username = md5(random()::text) WHERE id = 1

UPDATE users SET username = 'x' WHERE id = 1 RETURNING username, users.username AS u, *

UPDATE users SET username = 'x' FROM posts WHERE posts.user_id = users.id AND posts.title = 'Third' RETURNING users.*, posts.title

UPDATE users SET username = $1 WHERE username = $2

UPDATE users SET username = 'x' WHERE EXISTS (SELECT 1 FROM posts WHERE posts.user_id = users.id AND title = 'Third')

UPDATE users SET email = (SELECT title FROM posts WHERE user_id = users.id ORDER BY title LIMIT 1) WHERE username < 'c'

UPDATE posts SET title = u.username FROM ONLY users u WHERE u.id = posts.user_id

UPDATE posts p SET title = u.username FROM users * u WHERE u.id = p.user_id

UPDATE posts SET title = u.username FROM users u TABLESAMPLE bernoulli (100) WHERE u.id = posts.user_id

UPDATE posts SET title = x.a FROM ROWS FROM (generate_series(1, 1), unnest(ARRAY['q'])) AS x(n, a) WHERE posts.id = 10

UPDATE users SET username = 'x' WHERE ctid = (SELECT min(ctid) FROM users)

WITH x AS (SELECT 'w' AS w) UPDATE users SET username = x.w FROM x WHERE id = 1

UPDATE users SET username = trim(BOTH 'a' FROM username), age = extract(day FROM born) WHERE id = 1

UPDATE users AS set SET username = set.email WHERE set.id = 1
