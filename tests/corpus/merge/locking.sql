-- Row locks, and LOCK TABLE.

SELECT uid, body FROM mail WHERE uid = 1 FOR UPDATE

SELECT * FROM mail ORDER BY uid FOR UPDATE

SELECT * FROM push WHERE body = 'ping' ORDER BY user_id FOR NO KEY UPDATE

SELECT user_id, body FROM push ORDER BY user_id FOR SHARE

SELECT uid, body FROM mail ORDER BY uid FOR KEY SHARE

SELECT uid, body FROM mail WHERE uid = 2 FOR UPDATE NOWAIT

SELECT uid, body FROM mail WHERE score > 10 ORDER BY uid FOR UPDATE SKIP LOCKED

SELECT user_id FROM push WHERE body = 'x' FOR UPDATE SKIP LOCKED

--! switch-reads: this row lock of a merged table
SELECT uid, body FROM mail ORDER BY score, uid LIMIT 1 FOR UPDATE SKIP LOCKED

SELECT uid, handle FROM mail ORDER BY handle NULLS LAST, uid LIMIT 2 FOR UPDATE

SELECT user_id, body FROM push ORDER BY user_id LIMIT 2 OFFSET 1 FOR SHARE

SELECT m.uid, m.body FROM mail m WHERE m.handle = 'ann' FOR UPDATE OF m

--! switch-reads: this row lock of a merged table
SELECT u.name, m.body FROM users u JOIN mail m ON m.uid = u.id ORDER BY u.id FOR UPDATE

--! switch-reads: this row lock of a merged table
SELECT u.name, m.body FROM users u JOIN mail m ON m.uid = u.id ORDER BY u.id FOR UPDATE OF m

SELECT u.name, m.body FROM users u JOIN mail m ON m.uid = u.id ORDER BY u.id FOR UPDATE OF u

--! switch-reads: this row lock of a merged table
SELECT m.body, p.body FROM mail m JOIN push p ON p.user_id = m.uid ORDER BY m.uid FOR SHARE OF m FOR UPDATE OF p

SELECT name FROM users WHERE id IN (SELECT uid FROM mail WHERE body = 'likes tea') ORDER BY id FOR UPDATE

--! switch-reads: this row lock of a merged table
SELECT uid, body FROM mail WHERE uid IN (SELECT user_id FROM letters) ORDER BY uid FOR UPDATE

--! switch-reads: this row lock of a merged table
SELECT uid, body FROM mail WHERE EXISTS (SELECT FROM push p WHERE p.user_id = uid) ORDER BY uid FOR UPDATE

SELECT q.body FROM (SELECT uid, body FROM mail WHERE often = 'daily' FOR UPDATE) q ORDER BY q.uid

WITH l AS (SELECT user_id, body FROM push WHERE user_id < 5 FOR UPDATE) SELECT * FROM l ORDER BY user_id

--$ 1
SELECT body, quota, score FROM mail WHERE uid = $1 FOR UPDATE

UPDATE letters SET title = 'locked' WHERE user_id IN (SELECT uid FROM mail WHERE body = 'likes tea' ORDER BY uid LIMIT 1 FOR UPDATE)

UPDATE mail SET score = 0 WHERE uid IN (SELECT uid FROM mail WHERE body = 'likes tea' ORDER BY uid LIMIT 1 FOR UPDATE)

--! switch-reads: this row lock of a merged table
UPDATE push SET body = 'taken' WHERE user_id = (SELECT user_id FROM push WHERE sound ORDER BY score, user_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING user_id, body

DELETE FROM mail WHERE uid = (SELECT uid FROM mail ORDER BY uid LIMIT 1 FOR UPDATE) RETURNING body

SELECT s.amount FROM shop.stock s WHERE s.house = 'north' ORDER BY s.item FOR UPDATE

SELECT "Größe" FROM shop."Price List" ORDER BY "House", "Item No" FOR SHARE OF "Price List"

LOCK TABLE mail

LOCK TABLE mail, letters IN SHARE ROW EXCLUSIVE MODE

LOCK TABLE mail, push IN ROW EXCLUSIVE MODE

LOCK TABLE ONLY shop.stock IN ACCESS SHARE MODE NOWAIT

--! switch-reads: this row lock of a merged table
--? fails
SELECT body, count(*) FROM mail GROUP BY body FOR UPDATE

--! switch-reads: this row lock of a merged table
--? fails
SELECT DISTINCT body FROM push FOR UPDATE

--? fails
SELECT body FROM mail FOR UPDATE OF letters

--? fails
SELECT body FROM mail UNION SELECT body FROM push FOR UPDATE
