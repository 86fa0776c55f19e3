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

SELECT id, bio FROM users ORDER BY score, id LIMIT 1 FOR UPDATE SKIP LOCKED

SELECT id, slug FROM users ORDER BY slug NULLS LAST, id LIMIT 2 FOR UPDATE

SELECT id, bio FROM users ORDER BY id LIMIT 2 OFFSET 1 FOR SHARE

SELECT u.id, u.bio FROM users u WHERE u.slug = 'ann' FOR UPDATE OF u

SELECT u.id, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE

SELECT u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE

SELECT u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE OF u

SELECT u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE OF p

SELECT u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR SHARE OF u FOR UPDATE OF p

SELECT title FROM posts WHERE user_id IN (SELECT id FROM users WHERE bio = 'likes tea') ORDER BY id FOR UPDATE

SELECT id, bio FROM users WHERE id IN (SELECT user_id FROM posts) ORDER BY id FOR UPDATE

SELECT id, bio FROM users WHERE EXISTS (SELECT FROM posts p WHERE p.bio = users.bio) ORDER BY id FOR UPDATE

SELECT q.bio FROM (SELECT id, bio FROM users WHERE role = 'guest' FOR UPDATE) q ORDER BY q.id

WITH l AS (SELECT id, bio FROM users WHERE id < 3 FOR UPDATE) SELECT * FROM l ORDER BY id

--$ 1
SELECT bio, balance, score FROM users WHERE id = $1 FOR UPDATE

UPDATE users SET score = 0 WHERE id IN (SELECT id FROM users WHERE bio = 'likes tea' ORDER BY id LIMIT 1 FOR UPDATE)

UPDATE users SET bio = 'taken' WHERE id = (SELECT id FROM users WHERE role = 'guest' ORDER BY score LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, bio

SELECT s.note FROM seats s WHERE s.hall = 'red' ORDER BY s.number FOR UPDATE

SELECT "Größe" FROM "Person" ORDER BY "Id" FOR UPDATE

SELECT id, bio FROM users WHERE role <> 'guest' ORDER BY score DESC NULLS LAST, id FOR UPDATE SKIP LOCKED LIMIT 2 OFFSET 1

SELECT id, upper(bio) AS loud FROM users ORDER BY loud NULLS LAST, 1 LIMIT 3 FOR UPDATE

SELECT *, score AS n FROM users ORDER BY n DESC NULLS LAST, 1 FETCH FIRST 2 ROWS ONLY FOR UPDATE

SELECT id, bio FROM users ORDER BY score NULLS LAST, id FETCH FIRST 2 ROWS WITH TIES FOR UPDATE

SELECT u.bio, p.* FROM users u LEFT JOIN posts p ON p.user_id = u.id AND p.bio IS NOT NULL ORDER BY u.id, p.id FOR UPDATE OF u

SELECT * FROM users u JOIN posts p USING (bio) ORDER BY u.id, p.id FOR NO KEY UPDATE

SELECT * FROM posts NATURAL JOIN users FOR SHARE

SELECT p.title, u.* FROM posts p RIGHT JOIN users u ON u.id = p.user_id WHERE p.id IS NULL ORDER BY u.slug NULLS LAST FOR UPDATE OF u

SELECT a.bio, b.slug FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY a.id FOR UPDATE

SELECT u.bio, s.note FROM users u, seats s WHERE s.holder = u.slug ORDER BY u.id, s.number FOR UPDATE

SELECT u.bio, s.note FROM users u, seats s WHERE s.holder = u.slug ORDER BY u.id, s.number FOR UPDATE OF s

SELECT users.bio FROM users JOIN (SELECT user_id, count(*) AS n FROM posts GROUP BY user_id) q ON q.user_id = users.id ORDER BY n DESC, users.id FOR UPDATE OF users

SELECT u.bio, x FROM users u CROSS JOIN generate_series(1, 2) AS x ORDER BY u.id, x LIMIT 3 FOR UPDATE

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT w.id, u.bio FROM unnest('{3,1}'::integer[]) WITH ORDINALITY AS w (id, n) JOIN users u ON u.id = w.id ORDER BY w.n FOR UPDATE

WITH w AS (SELECT user_id FROM posts WHERE bio IS NOT NULL) SELECT id, bio FROM users JOIN w ON w.user_id = id ORDER BY id FOR UPDATE

SELECT bio, (SELECT count(*) FROM posts WHERE user_id = users.id) FROM users WHERE bio IN (SELECT bio FROM posts) FOR NO KEY UPDATE

SELECT q.bio FROM (SELECT id, bio FROM users WHERE id IN (SELECT user_id FROM posts) ORDER BY id LIMIT 1 FOR UPDATE) q

SELECT (SELECT bio FROM users u WHERE u.id = p.user_id ORDER BY 1 LIMIT 1 FOR SHARE) FROM posts p ORDER BY p.id

SELECT row_to_json(u) FROM users u WHERE id IN (SELECT user_id FROM posts) ORDER BY u.id FOR UPDATE

SELECT u.bio, follower, label FROM users u JOIN (follows f JOIN badges b ON b.user_id = f.follower OR true) ON f.followed = u.id ORDER BY 1, 2, 3 FOR UPDATE OF u

--$ 20;2
SELECT id, bio, phone FROM users WHERE score >= $1 AND id NOT IN (SELECT user_id FROM badges) ORDER BY score, id LIMIT $2 FOR UPDATE SKIP LOCKED

WITH next AS (SELECT id FROM users WHERE bio IS NOT NULL ORDER BY score NULLS LAST, id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE users SET bio = 'taken', score = score + 1 FROM next WHERE next.id = users.id RETURNING users.id, bio, users.score

UPDATE posts SET title = 'done' FROM (SELECT id FROM users WHERE bio = 'likes tea' ORDER BY id DESC LIMIT 1 FOR UPDATE SKIP LOCKED) q WHERE posts.user_id = q.id RETURNING posts.id

DELETE FROM users WHERE id = (SELECT id FROM users WHERE settings <> '{}' ORDER BY balance NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, bio

SELECT s.note, s.price FROM seats s WHERE s.hall IN (SELECT hall FROM seats WHERE price > 18) ORDER BY s.number DESC LIMIT 1 FOR UPDATE

SELECT "Größe", "order" FROM "Person" p ORDER BY "order" DESC, "Id" LIMIT 1 FOR UPDATE OF p SKIP LOCKED

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT u.bio, b.label FROM users u JOIN badges b ON b.user_id = u.id ORDER BY b.label FOR UPDATE

SELECT u.bio, b.label FROM users u JOIN badges b ON b.user_id = u.id ORDER BY b.label FOR UPDATE OF u

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT q.bio FROM (SELECT id, bio FROM users) q ORDER BY q.id FOR UPDATE

--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT u.bio, row_to_json(p) FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE OF u

--? fails
--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT u.bio, p.title FROM users u LEFT JOIN posts p ON p.user_id = u.id FOR UPDATE

--? fails
--! switch-reads stop-dual-write contract: this row lock with columns that have moved
SELECT u.bio, p.title FROM posts p LEFT JOIN users u ON p.user_id = u.id FOR UPDATE OF u

--? fails
SELECT max(bio) FROM users WHERE id IN (SELECT user_id FROM posts) FOR UPDATE

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

-- Cursors of which PostgreSQL says that they lock nothing.

--? fails
DECLARE c SCROLL CURSOR FOR SELECT * FROM users FOR UPDATE

--? fails
DECLARE c CURSOR WITH HOLD FOR SELECT id, bio FROM users FOR SHARE

--? fails
DECLARE c INSENSITIVE CURSOR FOR SELECT bio FROM users FOR NO KEY UPDATE

--? fails
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT bio, id FROM users ORDER BY 1, 2 FOR KEY SHARE NOWAIT

--? fails
DECLARE c SCROLL CURSOR FOR SELECT x.bio FROM users x JOIN users u ON u.id = x.id FOR UPDATE OF x

DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR SELECT id FROM users FOR UPDATE
--;
FETCH 1 FROM c

DECLARE c SCROLL CURSOR FOR SELECT * FROM (SELECT id, bio FROM users ORDER BY 1 FOR UPDATE) x
--;
FETCH 2 FROM c
