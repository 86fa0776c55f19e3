-- DELETE.

DELETE FROM users WHERE id = 2

DELETE FROM users WHERE bio = 'none'

DELETE FROM users WHERE bio = 'likes tea' AND score > 10 AND role = 'admin'

DELETE FROM users WHERE first_name = 'nobody'

--? simple
DELETE FROM badges; DELETE FROM users RETURNING id, bio

--$ Bob
DELETE FROM users WHERE first_name = $1

--$ bob
DELETE FROM users WHERE slug = $1 RETURNING *

DELETE FROM users WHERE id = 4 RETURNING *

DELETE FROM users WHERE id IN (2, 4) RETURNING id, first_name

DELETE FROM users WHERE balance = 0 RETURNING email

DELETE FROM users u WHERE u.slug = 'dave' RETURNING u.id, u.bio || u.email, (SELECT count(*) FROM posts p WHERE p.user_id = u.id)

DELETE FROM users WHERE id = 2 RETURNING row_to_json(users)

DELETE FROM users USING posts p WHERE p.user_id = users.id AND p.title = users.bio

DELETE FROM users USING posts p WHERE p.user_id = users.id AND p.id = 3

DELETE FROM users u USING posts p WHERE p.user_id = u.id AND p.id = 3 RETURNING u.id, p.title

DELETE FROM users u USING posts p WHERE p.user_id = u.id AND p.id = 3 RETURNING u.bio, p.title

DELETE FROM users u USING posts p WHERE p.user_id = u.id AND p.id IN (3, 5) RETURNING *

DELETE FROM users u USING posts p, badges b WHERE p.user_id = u.id AND p.id = 3 AND b.label = 'gold' RETURNING u.email, u.settings, p.*, b.label

DELETE FROM users u USING users v WHERE v.id = 1 AND u.slug = 'bob' RETURNING u.bio, v.bio, v.first_name

DELETE FROM seats s USING users u WHERE u.slug = s.holder RETURNING s.note, u.bio

WITH d AS (DELETE FROM users u USING posts p WHERE p.user_id = u.id AND p.id = 3 RETURNING u.email, p.title) SELECT * FROM d

DELETE FROM users u USING users v WHERE v.bio = u.bio AND v.id < u.id

DELETE FROM users WHERE bio IN (SELECT title FROM posts)

DELETE FROM users WHERE NOT EXISTS (SELECT FROM badges WHERE user_id = users.id) AND balance < 6

DELETE FROM posts USING users u WHERE u.id = posts.user_id AND u.bio = 'likes tea' RETURNING posts.id, u.first_name

DELETE FROM posts WHERE bio IN (SELECT bio FROM users)

DELETE FROM posts WHERE bio = 'x' RETURNING *

DELETE FROM follows WHERE followed = (SELECT id FROM users WHERE slug = 'ann') RETURNING *

WITH d AS (DELETE FROM users WHERE bio = 'none' RETURNING id, bio, email) SELECT * FROM d

WITH d AS (DELETE FROM users WHERE id = 2 RETURNING email, first_name, bio) INSERT INTO imports (id, email, first_name, bio) SELECT 99, email, first_name, bio FROM d RETURNING *

WITH d AS (DELETE FROM posts WHERE id < 3 RETURNING user_id) DELETE FROM users WHERE id IN (SELECT user_id FROM d) RETURNING id, slug

DELETE FROM ONLY users WHERE slug = 'bob'

DELETE FROM seats WHERE note IS NULL

DELETE FROM seats WHERE price > 10 RETURNING *

DELETE FROM seats WHERE hall = 'red'

DELETE FROM "Person" WHERE "order" = 7 RETURNING "Größe", "Full Name"

DELETE FROM members WHERE id = 2

TRUNCATE users CASCADE

TRUNCATE seats

TRUNCATE TABLE seats, "Person" RESTART IDENTITY

TRUNCATE posts

--? fails
TRUNCATE users

--? fails
DELETE FROM users WHERE bio = 'x'

--? fails
DELETE FROM users

DELETE FROM users u WHERE id = 4 RETURNING 1, (u).*
