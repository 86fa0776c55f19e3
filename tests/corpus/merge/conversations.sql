-- Several messages in a row: cursors, prepared statements, savepoints, and several statements in one.

PREPARE p (integer) AS SELECT body, score FROM mail WHERE uid = $1
--;
EXECUTE p (1)
--;
EXECUTE p (6)
--;
DEALLOCATE p

PREPARE p AS SELECT * FROM push ORDER BY user_id
--;
EXECUTE p
--;
UPDATE push SET body = 'seen' WHERE user_id = 3
--;
EXECUTE p

PREPARE i (integer, text) AS INSERT INTO mail (uid, body) VALUES ($1, $2) RETURNING *
--;
EXECUTE i (8, 'one')
--;
EXECUTE i (6, NULL)

--? fails
PREPARE i (integer) AS INSERT INTO push (user_id) VALUES ($1)
--;
EXECUTE i (8)
--;
EXECUTE i (8)

PREPARE o (integer, integer) AS INSERT INTO push (user_id, score) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET score = push.score + EXCLUDED.score RETURNING *
--;
EXECUTE o (8, 1)
--;
EXECUTE o (8, 2)
--;
EXECUTE o (3, 3)

PREPARE u (text, integer) AS UPDATE mail SET body = $1, score = score + $2 WHERE body = 'likes tea'
--;
EXECUTE u ('once', 1)
--;
EXECUTE u ('twice', 1)

PREPARE d AS DELETE FROM mail WHERE handle = $1 RETURNING body, uid
--;
EXECUTE d ('dave')
--;
EXECUTE d ('dave')

PREPARE s AS SELECT count(*) FROM mail WHERE body = $1
--;
EXECUTE s ('likes' || ' tea')

PREPARE c AS SELECT uid, handle FROM mail ORDER BY uid
--;
CREATE TEMP TABLE copied AS EXECUTE c
--;
SELECT * FROM copied ORDER BY uid

DECLARE c CURSOR FOR SELECT uid, body FROM mail ORDER BY uid
--;
FETCH 2 FROM c
--;
FETCH ALL FROM c
--;
CLOSE c

DECLARE c SCROLL CURSOR FOR SELECT * FROM push ORDER BY user_id
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

DECLARE c BINARY CURSOR FOR SELECT handle, quota FROM mail WHERE body IS NOT NULL ORDER BY uid
--;
FETCH FORWARD 3 FROM c

--! switch-reads stop-dual-write contract: WHERE CURRENT OF with a column that has moved
DECLARE c CURSOR FOR SELECT uid, body FROM mail ORDER BY uid FOR UPDATE
--;
FETCH 1 FROM c
--;
UPDATE mail SET body = 'current' WHERE CURRENT OF c

--! switch-reads stop-dual-write contract: WHERE CURRENT OF with a column that has moved
DECLARE c CURSOR FOR SELECT user_id FROM push WHERE user_id = 4
--;
FETCH 1 FROM c
--;
DELETE FROM push WHERE CURRENT OF c

DECLARE c CURSOR WITH HOLD FOR SELECT uid, handle FROM mail ORDER BY handle NULLS LAST, uid
--;
FETCH 3 FROM c
--;
CLOSE ALL

DECLARE c INSENSITIVE CURSOR FOR SELECT body FROM push ORDER BY user_id
--;
UPDATE push SET body = 'after'
--;
FETCH ALL FROM c

SAVEPOINT a
--;
UPDATE mail SET body = 'in a' WHERE uid = 1
--;
ROLLBACK TO a
--;
SELECT body FROM mail WHERE uid = 1

--? fails
SAVEPOINT a
--;
INSERT INTO mail (uid, body) VALUES (8, 'kept')
--;
SAVEPOINT b
--;
INSERT INTO mail (uid, body) VALUES (8, 'dup')
--;
ROLLBACK TO b
--;
INSERT INTO mail (uid, handle) VALUES (9, 'other')
--;
RELEASE a
--;
SELECT uid, body, handle FROM mail WHERE uid > 5 ORDER BY uid

--? fails
SAVEPOINT a
--;
DELETE FROM push WHERE body = 'x'
--;
SAVEPOINT b
--;
UPDATE push SET score = 1001 WHERE user_id = 3
--;
ROLLBACK TO b
--;
SELECT user_id, score FROM push ORDER BY user_id

SAVEPOINT a
--;
UPDATE mail SET body = 'x' WHERE uid = 1
--;
SAVEPOINT b
--;
UPDATE mail SET body = body || 'y' WHERE uid = 1 RETURNING body
--;
RELEASE b
--;
ROLLBACK TO a
--;
UPDATE mail SET body = body || 'z' WHERE uid = 1 RETURNING body

INSERT INTO mail (uid, body) VALUES (8, 'one')
--;
UPDATE mail SET body = body || ' two', handle = body WHERE uid = 8 RETURNING body, handle
--;
DELETE FROM mail WHERE uid = 8 RETURNING body, handle
--;
INSERT INTO mail (uid) VALUES (8) RETURNING body, handle

DELETE FROM mail WHERE uid = 3
--;
SELECT uid, user_id FROM mail FULL JOIN push ON user_id = uid ORDER BY 1, 2
--;
INSERT INTO mail (uid, sender) VALUES (3, 'back') RETURNING *
--;
DELETE FROM push WHERE user_id = 3 RETURNING body
--;
INSERT INTO push (user_id) VALUES (3) RETURNING *

DELETE FROM mail
--;
DELETE FROM push
--;
INSERT INTO push (user_id, body) VALUES (1, 'anew') RETURNING *
--;
SELECT count(*) FROM mail

DELETE FROM users WHERE id = 3
--;
SELECT count(*) FROM mail WHERE uid = 3
--;
INSERT INTO users (id, name) VALUES (3, 'Cem again')
--;
INSERT INTO push (user_id) VALUES (3) RETURNING *

UPDATE users SET id = 40 WHERE id = 4
--;
UPDATE mail SET body = 'after the key' WHERE uid = 40
--;
SELECT m.uid, m.body, p.devices FROM mail m JOIN push p ON p.user_id = m.uid ORDER BY m.uid

TRUNCATE mail
--;
INSERT INTO mail (uid) VALUES (1), (2)
--;
SELECT uid, body FROM mail ORDER BY uid

--? simple
UPDATE mail SET body = 'a' WHERE uid = 1; SELECT body FROM mail WHERE uid = 1; UPDATE mail SET body = body || 'b', score = 2 WHERE uid = 1; SELECT body, score FROM mail WHERE uid = 1

--? simple
INSERT INTO push (user_id, body) VALUES (8, 'm'); SELECT user_id, body FROM push WHERE body = 'm'; DELETE FROM push WHERE user_id = 8 RETURNING body

--? simple
INSERT INTO mail (uid) VALUES (8); INSERT INTO push (user_id) VALUES (8); SELECT * FROM mail JOIN push ON uid = user_id WHERE uid = 8

--? simple
--? fails
UPDATE mail SET body = 'a' WHERE uid = 1; SELECT 1 / 0; SELECT body FROM mail

--? autocommit
--? simple
BEGIN; UPDATE mail SET body = 'gone', score = 1; UPDATE push SET body = 'gone'; ROLLBACK

--? autocommit
BEGIN
--;
INSERT INTO mail (uid, body) VALUES (8, 'gone') RETURNING uid
--;
ROLLBACK

--? autocommit
--? fails
UPDATE mail SET quota = -1 WHERE sender = 'Ann'

--? autocommit
--? fails
INSERT INTO push (user_id) VALUES (8), (3)

--? autocommit
BEGIN ISOLATION LEVEL REPEATABLE READ
--;
SELECT body FROM mail ORDER BY uid
--;
UPDATE mail SET body = 'x' WHERE sender = 'Ann' RETURNING body
--;
INSERT INTO mail (uid) VALUES (8) RETURNING *
--;
ROLLBACK

--? autocommit
BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE
--;
UPDATE mail SET body = 'x' WHERE handle = 'eve' RETURNING *
--;
DELETE FROM push WHERE user_id = 5
--;
ROLLBACK

--~ dual-write: the message names the command that the server was sent
--? autocommit
--? fails
BEGIN READ ONLY
--;
SELECT sender, score FROM mail ORDER BY uid
--;
UPDATE mail SET body = 'x'
--;
ROLLBACK

--? autocommit
--? fails
BEGIN READ ONLY
--;
INSERT INTO mail (uid) VALUES (8)
--;
ROLLBACK

--? fails
SET LOCAL search_path = pg_catalog
--;
SELECT body FROM public.mail WHERE uid = 1
--;
UPDATE public.mail SET body = 'x', score = 1 WHERE uid = 1 RETURNING *
--;
SELECT body FROM mail

SET LOCAL search_path = shop, public
--;
SELECT * FROM stock ORDER BY house, item
--;
INSERT INTO "Price List" VALUES (9, 'west', 1) RETURNING *
--;
UPDATE mail SET score = amount FROM stock WHERE item = uid AND house = 'north'

SET LOCAL TIME ZONE 'Asia/Tokyo'
--;
SELECT sent_at FROM mail ORDER BY uid
--;
UPDATE mail SET sent_at = '2024-06-01 12:00' WHERE uid = 1 RETURNING sent_at

--! dual-write switch-reads stop-dual-write contract: this statement
CREATE TEMP TABLE mail (uid integer, body text)
--;
INSERT INTO mail VALUES (1, 'hidden') RETURNING *
--;
SELECT m.body, q.body FROM mail m JOIN public.mail q USING (uid)
--;
DELETE FROM mail RETURNING *
--;
SELECT count(*) FROM public.mail
