-- DELETE and TRUNCATE.

DELETE FROM mail WHERE uid = 2

DELETE FROM push WHERE user_id = 4

DELETE FROM push WHERE user_id = 1

DELETE FROM mail WHERE body = 'none'

DELETE FROM mail

DELETE FROM push RETURNING user_id, body

DELETE FROM mail WHERE body = 'likes tea' AND score > 10 AND often = 'daily'

--$ Bob
DELETE FROM mail WHERE sender = $1

--$ bob
DELETE FROM mail WHERE handle = $1 RETURNING *

DELETE FROM push WHERE user_id = 4 RETURNING *

DELETE FROM mail WHERE uid IN (2, 4, 6) RETURNING uid, sender

DELETE FROM mail m WHERE m.handle = 'dave' RETURNING m.uid, m.body || m.handle, (SELECT count(*) FROM letters l WHERE l.user_id = m.uid)

DELETE FROM mail WHERE uid = 2 RETURNING row_to_json(mail)

--~ contract: the table's row type is gone
DELETE FROM push WHERE user_id = 3 RETURNING push

DELETE FROM mail USING letters l WHERE l.user_id = mail.uid AND l.title = mail.body

DELETE FROM push p USING users u WHERE u.id = p.user_id AND u.name = 'Cem'

DELETE FROM push p USING users u WHERE u.id = p.user_id AND u.name IN ('Cem', 'Fay') RETURNING u.name, p.body

DELETE FROM push p USING users u WHERE u.id = p.user_id AND u.name IN ('Cem', 'Fay') RETURNING *

DELETE FROM mail m USING push p WHERE p.user_id = m.uid AND p.sound RETURNING m.*, p.devices

DELETE FROM mail m USING mail n WHERE n.body = m.body AND n.uid < m.uid

DELETE FROM mail m USING mail n WHERE n.uid = 1 AND m.handle = 'bob' RETURNING m.body, n.body, n.sender

WITH d AS (DELETE FROM mail m USING letters l WHERE l.user_id = m.uid AND l.id = 3 RETURNING m.handle, l.title) SELECT * FROM d

DELETE FROM mail WHERE body IN (SELECT title FROM letters)

DELETE FROM push WHERE user_id IN (SELECT uid FROM mail)

DELETE FROM mail WHERE NOT EXISTS (SELECT FROM push WHERE user_id = uid) AND quota < 60

DELETE FROM letters USING mail m WHERE m.uid = letters.user_id AND m.body = 'likes tea' RETURNING letters.id, m.sender

DELETE FROM letters WHERE body IN (SELECT body FROM push)

DELETE FROM users WHERE id = 4

DELETE FROM users WHERE id IN (SELECT uid FROM mail WHERE body = 'none') RETURNING id, name

DELETE FROM users u USING push p WHERE p.user_id = u.id AND p.body = 'pong' RETURNING u.name, p.sound

WITH d AS (DELETE FROM mail WHERE body = 'none' RETURNING uid, body, handle) SELECT * FROM d

WITH d AS (DELETE FROM push WHERE score > 6 RETURNING *) SELECT sum(score), count(*) FROM d

WITH d AS (DELETE FROM mail WHERE uid = 2 RETURNING sender, body) INSERT INTO imports (uid, sender, body) SELECT 99, sender, body FROM d RETURNING *

--! dual-write switch-reads stop-dual-write contract: a write of several merged tables in one statement
WITH d AS (DELETE FROM mail WHERE uid = 2 RETURNING uid) INSERT INTO push (user_id) SELECT uid FROM d

WITH d AS (DELETE FROM letters WHERE id < 3 RETURNING user_id) DELETE FROM mail WHERE uid IN (SELECT user_id FROM d) RETURNING uid, handle

--! dual-write switch-reads stop-dual-write contract: a write of several merged tables in one statement
WITH a AS (DELETE FROM mail WHERE uid = 3), b AS (DELETE FROM push WHERE user_id = 3) SELECT 1

DELETE FROM ONLY mail WHERE handle = 'bob'

DELETE FROM shop.stock WHERE shelf IS NULL

DELETE FROM shop.stock WHERE (house, item) = ('north', 1) RETURNING *

DELETE FROM shop."Price List" WHERE "order" = 7 RETURNING "Größe", "House"

DELETE FROM shop."Price List" p USING shop.stock s WHERE s.house = p."House" AND s.item = p."Item No" AND s.amount > 5 RETURNING s.shelf, p.shelf

TRUNCATE mail

TRUNCATE TABLE ONLY push

TRUNCATE shop."Price List" CONTINUE IDENTITY RESTRICT

--! dual-write switch-reads stop-dual-write contract: this command on a merged table
TRUNCATE mail, push

--! dual-write switch-reads stop-dual-write contract: this command on a merged table
TRUNCATE mail, letters

--! dual-write switch-reads stop-dual-write contract: this command on a merged table
TRUNCATE push CASCADE

--! dual-write switch-reads stop-dual-write contract: this command on a merged table
TRUNCATE mail RESTART IDENTITY

TRUNCATE letters

TRUNCATE users CASCADE

--? fails
TRUNCATE users

DELETE FROM push p WHERE user_id = 3 RETURNING (p).*
