-- Several messages in a row: cursors, prepared statements, savepoints, and several statements in one.

PREPARE p (integer) AS SELECT bio, role FROM users WHERE id = $1
--;
EXECUTE p (1)
--;
EXECUTE p (2)
--;
DEALLOCATE p

PREPARE p AS SELECT * FROM users ORDER BY id
--;
EXECUTE p
--;
UPDATE users SET bio = 'seen' WHERE id = 1
--;
EXECUTE p

PREPARE i (text, text) AS INSERT INTO users (email, bio) VALUES ($1, $2) RETURNING *
--;
EXECUTE i ('a@x', 'one')
--;
EXECUTE i ('b@x', NULL)

PREPARE u (text, integer) AS UPDATE users SET bio = $1, score = score + $2 WHERE bio = 'likes tea'
--;
EXECUTE u ('once', 1)
--;
EXECUTE u ('twice', 1)

PREPARE u (text) AS UPDATE users SET bio = $1 WHERE first_name = 'Ann' RETURNING id, bio
--;
EXECUTE u ('x')

PREPARE d AS DELETE FROM users WHERE slug = $1 RETURNING bio, email
--;
EXECUTE d ('dave')
--;
EXECUTE d ('dave')

PREPARE s AS SELECT count(*) FROM users WHERE bio = $1
--;
EXECUTE s ('likes' || ' tea')

PREPARE c AS SELECT id, slug FROM users ORDER BY id
--;
CREATE TEMP TABLE copied AS EXECUTE c
--;
SELECT * FROM copied ORDER BY id

DECLARE c CURSOR FOR SELECT id, bio FROM users ORDER BY id
--;
FETCH 2 FROM c
--;
FETCH ALL FROM c
--;
CLOSE c

DECLARE c SCROLL CURSOR FOR SELECT * FROM users ORDER BY id
--;
FETCH LAST FROM c
--;
FETCH PRIOR FROM c
--;
MOVE ABSOLUTE 1 FROM c
--;
FETCH NEXT FROM c
--;
FETCH BACKWARD 1 FROM c

DECLARE c BINARY CURSOR FOR SELECT slug, balance FROM users WHERE bio IS NOT NULL ORDER BY id
--;
FETCH FORWARD 3 FROM c

DECLARE c CURSOR FOR SELECT id, role FROM users ORDER BY id FOR UPDATE
--;
FETCH 1 FROM c
--;
UPDATE users SET role = 'current' WHERE CURRENT OF c
--;
SELECT id, role FROM users ORDER BY id

--! switch-reads stop-dual-write contract: WHERE CURRENT OF with a column that has moved
DECLARE c CURSOR FOR SELECT id, role FROM users WHERE id = 2 FOR UPDATE
--;
FETCH 1 FROM c
--;
UPDATE users SET bio = 'current' WHERE CURRENT OF c

DECLARE c CURSOR FOR SELECT id, role FROM users WHERE id = 2 FOR UPDATE
--;
FETCH 1 FROM c
--;
DELETE FROM users WHERE CURRENT OF c

--~ switch-reads stop-dual-write contract: the cursor is over a join (24000)
DECLARE c CURSOR FOR SELECT id, bio FROM users WHERE id = 2
--;
FETCH 1 FROM c
--;
DELETE FROM users WHERE CURRENT OF c

DECLARE c CURSOR WITH HOLD FOR SELECT id, slug FROM users ORDER BY slug NULLS LAST, id
--;
FETCH 3 FROM c
--;
CLOSE ALL

DECLARE c INSENSITIVE CURSOR FOR SELECT bio FROM users ORDER BY id
--;
UPDATE users SET bio = 'after'
--;
FETCH ALL FROM c

SAVEPOINT a
--;
UPDATE users SET bio = 'in a', role = 'in a' WHERE id = 1
--;
ROLLBACK TO a
--;
SELECT bio, role FROM users WHERE id = 1

--? fails
SAVEPOINT a
--;
INSERT INTO users (email, bio) VALUES ('a@x', 'kept')
--;
SAVEPOINT b
--;
INSERT INTO users (email, slug) VALUES ('b@x', 'ann')
--;
ROLLBACK TO b
--;
INSERT INTO users (email, slug) VALUES ('b@x', 'other')
--;
RELEASE a
--;
SELECT id, email, bio, slug FROM users WHERE id > 99 ORDER BY id

--? fails
SAVEPOINT a
--;
DELETE FROM users WHERE bio = 'none'
--;
SAVEPOINT b
--;
UPDATE users SET balance = -1 WHERE id = 1
--;
ROLLBACK TO b
--;
SELECT id, balance FROM users ORDER BY id

SAVEPOINT a
--;
UPDATE users SET bio = 'x' WHERE id = 1
--;
SAVEPOINT b
--;
UPDATE users SET bio = bio || 'y' WHERE id = 1 RETURNING bio
--;
RELEASE b
--;
ROLLBACK TO a
--;
UPDATE users SET bio = bio || 'z' WHERE id = 1 RETURNING bio

INSERT INTO users (id, email, bio) VALUES (300, 'a@x', 'one')
--;
UPDATE users SET bio = bio || ' two', role = bio WHERE id = 300 RETURNING bio, role
--;
DELETE FROM users WHERE id = 300 RETURNING bio, role
--;
INSERT INTO users (id, email) VALUES (300, 'a@x') RETURNING bio, role

UPDATE users SET id = 400 WHERE id = 1
--;
UPDATE users SET bio = 'after the key' WHERE id = 400
--;
SELECT u.id, u.bio, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

--? simple
UPDATE users SET bio = 'a' WHERE id = 1; SELECT bio FROM users WHERE id = 1; UPDATE users SET bio = bio || 'b', role = 'r' WHERE id = 1; SELECT bio, role FROM users WHERE id = 1

--? simple
INSERT INTO users (email, bio) VALUES ('a@x', 'm'); SELECT id, bio FROM users WHERE email = 'a@x'; DELETE FROM users WHERE email = 'a@x' RETURNING bio

--? simple
--? fails
UPDATE users SET bio = 'a' WHERE id = 1; SELECT 1 / 0; SELECT bio FROM users

--? autocommit
--? simple
BEGIN; UPDATE users SET bio = 'gone', score = 1; ROLLBACK

--? autocommit
BEGIN
--;
INSERT INTO users (id, email, bio) VALUES (99, 'a@x', 'gone') RETURNING bio
--;
ROLLBACK

--? autocommit
--? fails
UPDATE users SET balance = -1 WHERE first_name = 'Ann'

--? autocommit
BEGIN ISOLATION LEVEL REPEATABLE READ
--;
SELECT bio FROM users ORDER BY id
--;
UPDATE users SET bio = 'x' WHERE first_name = 'Ann' RETURNING bio
--;
ROLLBACK

--? autocommit
BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE
--;
UPDATE users SET bio = 'x', role = 'y' WHERE slug = 'eve' RETURNING *
--;
ROLLBACK

--? autocommit
--? fails
--~ dual-write switch-reads stop-dual-write contract: the message names the command that the server was sent
BEGIN READ ONLY
--;
SELECT first_name, role FROM users ORDER BY id
--;
UPDATE users SET bio = 'x'
--;
ROLLBACK

SET LOCAL search_path = pg_catalog, public
--;
SELECT bio FROM users WHERE id = 1

--? fails
SET LOCAL search_path = pg_catalog
--;
SELECT bio FROM public.users WHERE id = 1
--;
UPDATE public.users SET bio = 'x', role = 'y' WHERE id = 1 RETURNING *
--;
SELECT bio FROM users

SET LOCAL TIME ZONE 'Asia/Tokyo'
--;
SELECT seen_at FROM users ORDER BY id
--;
UPDATE users SET seen_at = '2024-06-01 12:00' WHERE id = 1 RETURNING seen_at

SET LOCAL role = app
--;
SELECT 1

SET CONSTRAINTS ALL DEFERRED
--;
UPDATE users SET country = 'se' WHERE id = 1 RETURNING country
