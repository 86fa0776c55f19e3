-- Row locks, and LOCK TABLE.

SELECT uid, body FROM mail WHERE uid = 1 FOR UPDATE

SELECT * FROM mail ORDER BY uid FOR UPDATE

SELECT * FROM push WHERE body = 'ping' ORDER BY user_id FOR NO KEY UPDATE

SELECT user_id, body FROM push ORDER BY user_id FOR SHARE

SELECT uid, body FROM mail ORDER BY uid FOR KEY SHARE

SELECT uid, body FROM mail WHERE uid = 2 FOR UPDATE NOWAIT

SELECT uid, body FROM mail WHERE score > 10 ORDER BY uid FOR UPDATE SKIP LOCKED

SELECT user_id FROM push WHERE body = 'x' FOR UPDATE SKIP LOCKED

SELECT uid, body FROM mail ORDER BY score, uid LIMIT 1 FOR UPDATE SKIP LOCKED

SELECT uid, handle FROM mail ORDER BY handle NULLS LAST, uid LIMIT 2 FOR UPDATE

SELECT user_id, body FROM push ORDER BY user_id LIMIT 2 OFFSET 1 FOR SHARE

SELECT m.uid, m.body FROM mail m WHERE m.handle = 'ann' FOR UPDATE OF m

SELECT u.name, m.body FROM users u JOIN mail m ON m.uid = u.id ORDER BY u.id FOR UPDATE

SELECT u.name, m.body FROM users u JOIN mail m ON m.uid = u.id ORDER BY u.id FOR UPDATE OF m

SELECT u.name, m.body FROM users u JOIN mail m ON m.uid = u.id ORDER BY u.id FOR UPDATE OF u

SELECT m.body, p.body FROM mail m JOIN push p ON p.user_id = m.uid ORDER BY m.uid FOR SHARE OF m FOR UPDATE OF p

SELECT name FROM users WHERE id IN (SELECT uid FROM mail WHERE body = 'likes tea') ORDER BY id FOR UPDATE

SELECT uid, body FROM mail WHERE uid IN (SELECT user_id FROM letters) ORDER BY uid FOR UPDATE

SELECT uid, body FROM mail WHERE EXISTS (SELECT FROM push p WHERE p.user_id = uid) ORDER BY uid FOR UPDATE

SELECT q.body FROM (SELECT uid, body FROM mail WHERE often = 'daily' FOR UPDATE) q ORDER BY q.uid

WITH l AS (SELECT user_id, body FROM push WHERE user_id < 5 FOR UPDATE) SELECT * FROM l ORDER BY user_id

--$ 1
SELECT body, quota, score FROM mail WHERE uid = $1 FOR UPDATE

UPDATE letters SET title = 'locked' WHERE user_id IN (SELECT uid FROM mail WHERE body = 'likes tea' ORDER BY uid LIMIT 1 FOR UPDATE)

UPDATE mail SET score = 0 WHERE uid IN (SELECT uid FROM mail WHERE body = 'likes tea' ORDER BY uid LIMIT 1 FOR UPDATE)

UPDATE push SET body = 'taken' WHERE user_id = (SELECT user_id FROM push WHERE sound ORDER BY score, user_id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING user_id, body

DELETE FROM mail WHERE uid = (SELECT uid FROM mail ORDER BY uid LIMIT 1 FOR UPDATE) RETURNING body

SELECT s.amount FROM shop.stock s WHERE s.house = 'north' ORDER BY s.item FOR UPDATE

SELECT "Größe" FROM shop."Price List" ORDER BY "House", "Item No" FOR SHARE OF "Price List"

SELECT uid, body FROM mail WHERE often <> 'never' ORDER BY score DESC NULLS LAST, uid FOR UPDATE SKIP LOCKED LIMIT 2 OFFSET 1

SELECT uid, upper(body) AS loud FROM mail ORDER BY loud NULLS LAST, 1 LIMIT 3 FOR UPDATE

SELECT *, score AS n FROM push ORDER BY n DESC NULLS LAST, user_id FETCH FIRST 2 ROWS ONLY FOR UPDATE

SELECT u.name, m.* FROM users u JOIN mail m ON m.uid = u.id AND m.body IS NOT NULL ORDER BY u.id FOR UPDATE OF m, u

SELECT m.body, l.title FROM mail m LEFT JOIN letters l ON l.user_id = m.uid ORDER BY m.uid, l.id FOR UPDATE OF m

SELECT * FROM push p JOIN letters l USING (user_id) ORDER BY l.id FOR NO KEY UPDATE

SELECT l.title, m.* FROM letters l RIGHT JOIN mail m ON m.uid = l.user_id WHERE l.id IS NULL ORDER BY m.handle NULLS LAST FOR UPDATE OF m

SELECT a.body, b.handle FROM mail a JOIN mail b ON b.uid = a.uid + 1 ORDER BY a.uid FOR UPDATE

SELECT m.body, p.* FROM mail m JOIN push p ON p.user_id = m.uid ORDER BY m.uid FOR UPDATE

SELECT m.body FROM mail m LEFT JOIN push p ON p.user_id = m.uid WHERE p.sound IS NOT FALSE ORDER BY m.uid FOR UPDATE OF m

SELECT mail.body FROM mail JOIN (SELECT user_id, count(*) AS n FROM letters GROUP BY user_id) q ON q.user_id = uid ORDER BY n DESC, uid FOR UPDATE OF mail

SELECT m.body, x FROM mail m CROSS JOIN generate_series(1, 2) AS x ORDER BY m.uid, x LIMIT 3 FOR UPDATE

WITH w AS (SELECT user_id FROM letters WHERE body IS NOT NULL) SELECT uid, body FROM mail JOIN w ON w.user_id = uid ORDER BY uid FOR UPDATE

SELECT body, (SELECT count(*) FROM letters WHERE user_id = uid) FROM mail WHERE body IN (SELECT body FROM letters) FOR NO KEY UPDATE

SELECT q.body FROM (SELECT user_id, body FROM push WHERE user_id IN (SELECT user_id FROM letters) ORDER BY user_id LIMIT 1 FOR UPDATE) q

SELECT row_to_json(m) FROM mail m WHERE uid IN (SELECT user_id FROM letters) ORDER BY m.uid FOR UPDATE

--$ 10;2
SELECT uid, body, reply_to FROM mail WHERE score >= $1 AND uid NOT IN (SELECT user_id FROM push) ORDER BY score, uid LIMIT $2 FOR UPDATE SKIP LOCKED

WITH next AS (SELECT user_id FROM push WHERE body IS NOT NULL ORDER BY score NULLS LAST, user_id LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE push SET body = 'taken', score = score + 1 FROM next WHERE next.user_id = push.user_id RETURNING push.user_id, body, push.score

DELETE FROM mail WHERE uid = (SELECT uid FROM mail WHERE settings <> '{}' ORDER BY quota NULLS FIRST, uid LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING uid, body

SELECT s.amount, p."Größe" FROM shop.stock s JOIN shop."Price List" p ON p."House" = s.house AND p."Item No" = s.item ORDER BY s.item DESC LIMIT 1 FOR UPDATE

--? fails
--! switch-reads: this row lock of a merged table
SELECT m.body, l.title FROM letters l LEFT JOIN mail m ON m.uid = l.user_id FOR UPDATE

--! switch-reads: this row lock of a merged table
SELECT q.body FROM (SELECT uid, body FROM mail) q ORDER BY q.uid FOR UPDATE

--? fails
SELECT max(body) FROM mail WHERE uid IN (SELECT user_id FROM letters) FOR UPDATE

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

-- Cursors of which PostgreSQL says that they lock nothing.

--? fails
DECLARE c SCROLL CURSOR FOR SELECT * FROM push FOR UPDATE

--? fails
DECLARE c CURSOR WITH HOLD FOR SELECT user_id FROM push FOR SHARE

--? fails
DECLARE c INSENSITIVE CURSOR FOR SELECT user_id FROM push FOR NO KEY UPDATE

--? fails
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT user_id FROM push ORDER BY 1 FOR KEY SHARE NOWAIT

--? fails
DECLARE c SCROLL CURSOR FOR SELECT x.user_id FROM push x JOIN users u ON u.id = x.user_id FOR UPDATE OF x

DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR SELECT user_id FROM push FOR UPDATE
--;
FETCH 1 FROM c

DECLARE c SCROLL CURSOR FOR SELECT * FROM (SELECT user_id FROM push ORDER BY 1 FOR UPDATE) x
--;
FETCH 2 FROM c
