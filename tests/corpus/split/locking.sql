-- Row locks, and LOCK TABLE.

SELECT id, role FROM users WHERE id = 1 FOR UPDATE

SELECT id, bio FROM users WHERE id = 1 FOR UPDATE

SELECT * FROM users ORDER BY id FOR UPDATE

SELECT * FROM users WHERE bio = 'likes tea' ORDER BY id FOR NO KEY UPDATE

SELECT id, bio FROM users ORDER BY id FOR SHARE

SELECT id, bio FROM users ORDER BY id FOR KEY SHARE

SELECT id, bio FROM users WHERE id = 2 FOR UPDATE NOWAIT

SELECT id, bio FROM users WHERE score > 10 ORDER BY id FOR UPDATE SKIP LOCKED

SELECT id FROM users WHERE bio = 'none' FOR UPDATE SKIP LOCKED

SELECT id FROM users ORDER BY score, id LIMIT 1 FOR UPDATE SKIP LOCKED

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT id, bio FROM users ORDER BY score, id LIMIT 1 FOR UPDATE SKIP LOCKED

SELECT id, slug FROM users ORDER BY slug NULLS LAST, id LIMIT 2 FOR UPDATE

SELECT id, bio FROM users ORDER BY id LIMIT 2 OFFSET 1 FOR SHARE

SELECT u.id, u.bio FROM users u WHERE u.slug = 'ann' FOR UPDATE OF u

SELECT u.id, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE OF u

SELECT u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE OF p

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR SHARE OF u FOR UPDATE OF p

SELECT title FROM posts WHERE user_id IN (SELECT id FROM users WHERE bio = 'likes tea') ORDER BY id FOR UPDATE

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT id, bio FROM users WHERE id IN (SELECT user_id FROM posts) ORDER BY id FOR UPDATE

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT id, bio FROM users WHERE EXISTS (SELECT FROM posts p WHERE p.bio = users.bio) ORDER BY id FOR UPDATE

SELECT q.bio FROM (SELECT id, bio FROM users WHERE role = 'guest' FOR UPDATE) q ORDER BY q.id

WITH l AS (SELECT id, bio FROM users WHERE id < 3 FOR UPDATE) SELECT * FROM l ORDER BY id

--$ 1
SELECT bio, balance, score FROM users WHERE id = $1 FOR UPDATE

UPDATE users SET score = 0 WHERE id IN (SELECT id FROM users WHERE bio = 'likes tea' ORDER BY id LIMIT 1 FOR UPDATE)

UPDATE users SET bio = 'taken' WHERE id = (SELECT id FROM users WHERE role = 'guest' ORDER BY score LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, bio

SELECT s.note FROM seats s WHERE s.hall = 'red' ORDER BY s.number FOR UPDATE

SELECT "Größe" FROM "Person" ORDER BY "Id" FOR UPDATE

LOCK TABLE users

LOCK TABLE users, posts IN SHARE ROW EXCLUSIVE MODE

LOCK TABLE ONLY seats IN ACCESS SHARE MODE NOWAIT

--? fails
--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT bio, count(*) FROM users GROUP BY bio FOR UPDATE

--? fails
--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT DISTINCT bio FROM users FOR UPDATE

--? fails
SELECT bio FROM users FOR UPDATE OF posts
