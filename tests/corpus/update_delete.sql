-- Updates and deletes.

UPDATE users SET username = 'ally' WHERE id = 1

UPDATE users SET username = 'ally' WHERE username = 'alice'

--$ ally;1
UPDATE users SET username = $1 WHERE id = $2

--$ ally;alice
UPDATE users SET username = $1 WHERE username = $2 RETURNING id, username

--$ ally;1
UPDATE users SET email = $1::text, username = $1::text WHERE id = $2 RETURNING email, username

UPDATE users SET username = upper(username)

UPDATE users SET username = username || '-' || id WHERE id < 4

UPDATE users SET username = username

UPDATE users SET username = email, email = username WHERE email IS NOT NULL

UPDATE users SET email = username WHERE id = 3 RETURNING *

UPDATE users SET username = 'x' || username RETURNING username, users.id

UPDATE users u SET username = 'u' || u.username WHERE u.username = 'bob' RETURNING u.*

UPDATE users AS u SET username = p.title FROM posts p WHERE p.id = u.id AND p.user_id IS NOT NULL

UPDATE users SET username = p.username FROM posts p WHERE p.user_id = users.id AND p.username = 'guest' RETURNING users.username, p.username

UPDATE users SET username = s.n FROM (SELECT id, reverse(username) AS n FROM users) s WHERE s.id = users.id

UPDATE users SET username = (SELECT title FROM posts WHERE posts.id = users.id) WHERE id <= 3

UPDATE users SET (username, email) = ('both', 'b@example.com') WHERE id = 1

UPDATE users SET (username, email) = ROW ('both', 'b@example.com') WHERE id = 1 RETURNING *

UPDATE users SET (email, username) = (SELECT title, title || '!' FROM posts WHERE posts.id = users.id) WHERE id = 2 RETURNING username

UPDATE users SET username = tick() WHERE id <= 3 RETURNING id, username

UPDATE users SET username = tick()

UPDATE users SET username = random()::text RETURNING username

UPDATE users SET username = left(username, 2) || tick() WHERE username > 'b'

UPDATE users SET email = tick() WHERE username = 'alice' RETURNING email

UPDATE users SET age = age + 1 WHERE username IN ('alice', 'bob') RETURNING username, age

UPDATE users SET age = 1 WHERE username IN (SELECT username FROM posts) RETURNING username

UPDATE users SET username = shout(username) WHERE EXISTS (SELECT 1 FROM posts p WHERE p.user_id = users.id)

UPDATE users SET username = 'nobody' WHERE id = 999

UPDATE posts SET username = u.username FROM users u WHERE u.id = posts.user_id RETURNING posts.username, u.username

UPDATE posts SET title = username, username = title WHERE username IS NOT NULL

UPDATE posts SET title = (SELECT username FROM users u WHERE u.id = posts.user_id) WHERE user_id IS NOT NULL

WITH t AS (SELECT id, username FROM users WHERE id = 1) UPDATE users SET username = t.username || '2' FROM t WHERE t.id = users.id RETURNING users.username

WITH moved AS (UPDATE users SET username = 'm' || username WHERE id < 3 RETURNING username) SELECT username FROM moved ORDER BY 1

UPDATE tasks SET label = DEFAULT

UPDATE tasks SET label = DEFAULT, done = DEFAULT WHERE id = 1 RETURNING *

UPDATE tasks SET label = NULL WHERE label = 'sweep' RETURNING label

UPDATE tokens SET code = DEFAULT RETURNING code

UPDATE tokens SET code = code + 1, note = code::text RETURNING code, note

UPDATE tokens SET code = nextval('code_seq')

UPDATE "Account" SET "userName" = username, username = "userName" RETURNING "userName", username

UPDATE "Account" SET username = 'only lower' WHERE "userName" IS NULL RETURNING *

UPDATE ONLY users SET username = 'only' WHERE id = 1

UPDATE users SET username = 'a' WHERE id = 1; 

UPDATE public.users SET username = 'q' WHERE public.users.username = 'bob'

UPDATE users SET "username" = 'quoted' WHERE "users"."username" = 'bob'

UPDATE users SET USERNAME = 'upper' WHERE UserName = 'bob' RETURNING UserNAME

UPDATE users SET username = CASE WHEN username = 'bob' THEN 'robert' ELSE username END

UPDATE users SET username = coalesce(NULL, username, 'none') || '' RETURNING username

--$ 5;bob
UPDATE users SET age = $1 WHERE username = $2

--$ b%
UPDATE users SET age = age + 1 WHERE username LIKE $1 RETURNING *

DELETE FROM users WHERE username = 'carol'

DELETE FROM users WHERE username = 'carol' RETURNING *

DELETE FROM users WHERE username = 'carol' RETURNING username, upper(username)

--$ carol
DELETE FROM users WHERE username = $1

DELETE FROM users WHERE id = 6 RETURNING users.username

DELETE FROM users u WHERE u.username LIKE '%o%' RETURNING u.id, u.username

DELETE FROM users USING posts p WHERE p.user_id = users.id AND p.username = users.username RETURNING users.username, p.username

DELETE FROM users u USING users o WHERE o.username = 'alice' AND u.age = o.age AND u.id <> o.id RETURNING u.username, o.username

DELETE FROM posts USING users WHERE users.id = posts.user_id AND users.username = 'alice' RETURNING posts.*

DELETE FROM posts WHERE username IN (SELECT username FROM users) RETURNING username

DELETE FROM users

DELETE FROM users WHERE id = 1 RETURNING (SELECT count(*) FROM posts WHERE posts.username = users.username)

WITH gone AS (DELETE FROM users WHERE username = 'eve''s' RETURNING *) SELECT * FROM gone

WITH gone AS (DELETE FROM posts RETURNING username) SELECT count(username) FROM gone

DELETE FROM ONLY users WHERE username = 'carol'

DELETE FROM users WHERE username IS NULL

DELETE FROM tasks WHERE label IS NULL OR label = 'untitled' RETURNING label

DELETE FROM "Account" WHERE "userName" = 'Bob B' RETURNING *

UPDATE users SET username = DEFAULT, email = username WHERE false

UPDATE users SET (username) = ROW (upper(username)) WHERE id = 1

UPDATE users SET (username, age) = (upper(username), age + 1) RETURNING username, age

UPDATE users SET (username, email) = (tick(), 'x') WHERE id < 3 RETURNING username

UPDATE users SET username = username || tick(), email = username WHERE id = 1 RETURNING *

UPDATE users AS t SET username = s.username || t.id FROM users s WHERE s.id = t.id + 1 RETURNING t.username, s.username

UPDATE users SET username = v.n FROM (VALUES (1, 'v1'), (2, 'v2')) v(id, n) WHERE v.id = users.id RETURNING users.*

UPDATE users u SET username = (SELECT string_agg(username, '' ORDER BY id) FROM users x WHERE x.id < u.id) WHERE id = 3 RETURNING username

UPDATE users SET username = CASE WHEN random() < 2 THEN 'sure' || id ELSE 'never' END

--$ a;b
UPDATE users SET username = $1 || '-' || $2 WHERE id = 1 RETURNING username

--$ new;old
UPDATE users SET username = $1, email = $2 WHERE username = 'bob' AND $2 <> ''

WITH x AS (UPDATE users SET username = 'cte' WHERE id = 1 RETURNING *), y AS (SELECT username FROM users WHERE id = 1) SELECT x.username, y.username FROM x, y

WITH x AS (DELETE FROM users WHERE username = 'carol' RETURNING *) INSERT INTO users SELECT id + 100, username, email, age FROM x RETURNING username

DELETE FROM users WHERE ctid IN (SELECT ctid FROM users WHERE username = 'zoë') RETURNING username

DELETE FROM users WHERE username < (SELECT username FROM posts WHERE id = 3) RETURNING *

DELETE FROM users u USING (SELECT username FROM posts) p WHERE p.username = u.username RETURNING u.*

DELETE FROM order_items WHERE EXISTS (SELECT FROM posts_of(1) f WHERE f.id = 1 AND unit_price > 50) RETURNING sku

UPDATE users SET username = 'f' WHERE EXISTS (SELECT FROM posts_of(2) f WHERE f.user_id = users.id AND age < 99) RETURNING username
