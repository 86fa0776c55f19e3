-- What fails on the unmigrated database fails in the same way, in the same words, at the same place.

INSERT INTO mail (uid, body) VALUES (1, 'dup')

INSERT INTO push (user_id) VALUES (3)

INSERT INTO mail (uid, body) VALUES (8, 'a'), (1, 'dup')

INSERT INTO mail (uid, body) VALUES (8, 'a'), (8, 'dup')

INSERT INTO mail (uid, body) SELECT user_id, body FROM push

INSERT INTO mail (uid) VALUES (1) RETURNING *

WITH n AS (INSERT INTO push (user_id) VALUES (3) RETURNING *) SELECT * FROM n

INSERT INTO mail (uid, handle) VALUES (8, 'ann')

INSERT INTO mail (uid, handle) VALUES (8, 'same'), (9, 'same')

INSERT INTO mail (body) VALUES ('no key')

INSERT INTO mail (uid) VALUES (NULL)

INSERT INTO mail (uid, settings) VALUES (8, NULL)

INSERT INTO mail (uid, often) VALUES (1, NULL)

INSERT INTO push (user_id, devices) VALUES (8, NULL)

INSERT INTO mail (uid, quota) VALUES (8, -1)

INSERT INTO push (user_id, score) VALUES (1, 1001)

INSERT INTO mail (uid, body) VALUES (99, 'nobody')

INSERT INTO mail (uid, sender) VALUES (8, 'much too long a name')

INSERT INTO mail (uid, reply_to) VALUES (8, 'no sign')

INSERT INTO mail (uid, quota) VALUES (8, 1234567.5)

INSERT INTO mail (uid, often) VALUES (8, 'hourly')

INSERT INTO mail (uid, settings) VALUES (8, '{broken')

INSERT INTO mail (uid, sent_at) VALUES (8, 'yesterday-ish')

INSERT INTO mail (uid, tags) VALUES (8, '{open')

INSERT INTO push (user_id, token) VALUES (8, 'no uuid')

INSERT INTO push (user_id, score) VALUES ('x', 1)

INSERT INTO mail (uid, body, body) VALUES (8, 'a', 'b')

INSERT INTO mail (uid, body) VALUES (8)

INSERT INTO mail (uid, body) VALUES (8, 'a', 'b')

INSERT INTO mail (uid, nonsense) VALUES (8, 'a')

INSERT INTO mail (uid, sound) VALUES (8, true)

INSERT INTO mail (uid, body) VALUES (8, nonsense)

INSERT INTO mail (uid, quota) VALUES (8, 1 / 0)

INSERT INTO mail (uid, body) VALUES (8, 'a') RETURNING nonsense

--~ switch-reads: the value is cast
INSERT INTO mail (uid, tags) VALUES (8, 5)

--~ switch-reads: the place of the error is another
INSERT INTO push (user_id, score) SELECT 8, body FROM mail

INSERT INTO push VALUES (5, 8, true, 'b', '{}', NULL, 'one too many')

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO push (user_id, body) VALUES (8, 'b') ON CONFLICT (nonsense) DO NOTHING

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO push (user_id, body) VALUES (8, 'b') ON CONFLICT ON CONSTRAINT nonsense DO NOTHING

--$ 8;ann
INSERT INTO mail (uid, handle) VALUES ($1, $2)

--$ 1;dup
INSERT INTO mail (uid, body) VALUES ($1, $2)

--$ 8;much too long a name
INSERT INTO mail (uid, sender) VALUES ($1, $2)

--$ 8;no sign
INSERT INTO mail (uid, reply_to) VALUES ($1, $2)

--$ 8;minus
INSERT INTO mail (uid, quota) VALUES ($1, $2)

INSERT INTO shop.stock (house, item) VALUES ('north', 1)

INSERT INTO shop.stock (house, item, amount) VALUES ('west', 1, -1)

INSERT INTO shop.stock (house, item, amount) VALUES ('west', 1, NULL)

INSERT INTO shop.stock (item) VALUES (1)

--~ switch-reads stop-dual-write contract: a CHECK stands for the NOT NULL
INSERT INTO shop."Price List" ("House", "Item No") VALUES ('north', 2)

INSERT INTO shop."Price List" VALUES (1, 'north', 1)

UPDATE mail SET handle = 'ann' WHERE uid = 2

UPDATE mail SET handle = 'same'

UPDATE mail SET settings = NULL WHERE uid = 1

UPDATE push SET devices = NULL WHERE user_id = 3

UPDATE mail SET quota = quota - 50

UPDATE push SET score = 5000, body = 'x' WHERE user_id = 3

--~ switch-reads stop-dual-write contract: the value fails at Execute, not at Bind
UPDATE mail SET sender = repeat('x', 13) WHERE uid = 1

UPDATE mail SET reply_to = body WHERE uid = 1

--~ switch-reads stop-dual-write contract: the value fails at Execute, not at Bind
UPDATE mail SET quota = 10000000 WHERE uid = 1

UPDATE mail SET body = 'a', body = 'b'

UPDATE mail SET body = nonsense

UPDATE mail SET nonsense = body

UPDATE mail SET sound = true

UPDATE mail SET mail.body = 'x'

--~ switch-reads stop-dual-write contract: the place of the error is another
UPDATE mail SET quota = handle WHERE handle IS NULL

--~ switch-reads stop-dual-write contract: the place of the error is another
UPDATE push SET score = body, body = score WHERE user_id = 3

--~ switch-reads stop-dual-write contract: the place of the error is another
UPDATE mail SET tags = (SELECT '{a}') WHERE uid = 1

UPDATE mail SET tags = ARRAY[] WHERE uid = 1

UPDATE mail SET quota = 1 / 0 WHERE body = 'none'

UPDATE mail SET tags = 'no array' WHERE uid = 1

UPDATE mail SET body = (SELECT body FROM mail) WHERE uid = 1

UPDATE mail SET body = (SELECT uid, body FROM mail WHERE uid = 1)

--! switch-reads stop-dual-write contract: SET of several columns at once or of a part of one
UPDATE mail SET (body, handle) = ('one')

UPDATE mail SET body = 'x' WHERE nonsense = 1

UPDATE mail SET body = 'x' WHERE sender = 5

UPDATE mail SET body = 'x' RETURNING nonsense

UPDATE mail SET uid = 2 WHERE uid = 1

UPDATE mail SET uid = 99 WHERE uid = 1

UPDATE mail SET uid = NULL WHERE uid = 1

UPDATE mail SET uid = 8

UPDATE push SET user_id = 5, score = 2000 WHERE user_id = 3

UPDATE push SET user_id = 1, score = 2000 WHERE user_id = 3

UPDATE shop.stock SET item = 1

--! switch-reads stop-dual-write contract: FOR NO KEY UPDATE is not allowed with aggregate functions
UPDATE mail SET body = sum(quota)

UPDATE mail m SET body = 'x' WHERE mail.uid = 1

UPDATE mail SET body = l.title FROM letters l WHERE l.nonsense = mail.uid

UPDATE push SET body = body FROM letters

UPDATE shop.stock SET amount = -1

--~ switch-reads stop-dual-write contract: a CHECK stands for the NOT NULL
UPDATE shop."Price List" SET "Größe" = NULL WHERE "House" = 'north'

UPDATE users SET id = 2 WHERE id = 1

DELETE FROM mail WHERE nonsense = 'x'

DELETE FROM mail WHERE body

DELETE FROM mail USING push p WHERE body = 'x'

DELETE FROM mail RETURNING devices

SELECT nonsense FROM mail

SELECT body, nonsense FROM mail

SELECT m.nonsense, m.body FROM mail m

SELECT mail.body FROM mail m

SELECT nonsense.body FROM mail

SELECT body FROM mail JOIN push ON user_id = uid

SELECT user_id FROM push JOIN letters ON true

SELECT body FROM mail ORDER BY nonsense

SELECT body, count(*) FROM mail

SELECT sender FROM mail GROUP BY body

SELECT body + 1 FROM mail

SELECT quota / 0 FROM mail

SELECT no_such_function(body) FROM mail

SELECT body::integer FROM mail WHERE uid = 1

SELECT sender FROM mail WHERE quota = 'much'

SELECT body FROM mail WHERE uid = (SELECT uid FROM mail)

SELECT body FROM push LIMIT -1

SELECT body FROM mail WHERE max(quota) > 1

SELECT body FROM mail UNION SELECT uid, body FROM mail

SELECT body FROM mail UNION SELECT quota FROM mail

SELECT * FROM push p (a, b, c, d, e, f, g)

SELECT m.body FROM mail m JOIN mail m ON true

SELECT body FROM mail WHERE body = $1 AND

SELECT body FROM no_such_table JOIN mail ON true

SELECT body FROM mail FOR UPDATE OF nobody

SELECT body FROM mail WHERE often = 'hourly'

SELECT (m).nonsense FROM mail m

SELECT user_id FROM mail

SELECT push_body FROM push

SELECT has_mail FROM mail

SELECT m.sound, m.body FROM mail m

SELECT mail_score FROM mail

--$ x
SELECT body FROM mail WHERE uid = $1

--$ x
SELECT body FROM mail WHERE quota > $1

EXECUTE never_prepared

FETCH 1 FROM no_such_cursor

--! switch-reads stop-dual-write contract: WHERE CURRENT OF with a column that has moved
UPDATE mail SET body = 'x' WHERE CURRENT OF no_such_cursor

ROLLBACK TO never_made

--~ dual-write switch-reads stop-dual-write contract: segue finds the fault at Parse already
COPY mail (nonsense) TO STDOUT

--~ dual-write switch-reads stop-dual-write contract: segue finds the fault at Parse already
COPY mail (body, body) TO STDOUT

--~ dual-write switch-reads stop-dual-write contract: segue finds the fault at Parse already
COPY mail (body, nonsense) FROM STDIN

--! dual-write switch-reads stop-dual-write contract: this command on a merged table
TRUNCATE mail, nonsense

LOCK TABLE mail, nonsense

SELECT * FROM stock

SELECT * FROM shop.mail

SELECT body FROM mail WHERE
