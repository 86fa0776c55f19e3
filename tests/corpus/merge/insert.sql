-- INSERT of every form: of keys that no table has (8, 9), and of those that only the other one has.

INSERT INTO mail (uid) VALUES (8)

INSERT INTO mail (uid) VALUES (6)

INSERT INTO push (user_id) VALUES (8)

INSERT INTO push (user_id) VALUES (1) RETURNING *

INSERT INTO mail (uid, sender, body) VALUES (8, 'Hal', 'fresh')

INSERT INTO mail VALUES (6, 'Fay', 'fresh', '{"a": 1}', '{x,y}', 'f@x', 'fay', 12.345, '2024-05-05 05:05+00', 'never', 5)

INSERT INTO mail VALUES (6, 'Fay', 'fresh')

INSERT INTO mail VALUES (8, DEFAULT, DEFAULT, DEFAULT, DEFAULT)

INSERT INTO push VALUES (4, 1, false, 'b', '{p}', '00000000-0000-0000-0000-000000000001')

INSERT INTO push VALUES (DEFAULT, 2), (3, 8) RETURNING user_id, score

INSERT INTO mail (handle, uid, quota) VALUES ('h', 7, 3)

INSERT INTO mail (uid, sender, handle) VALUES (6, 'F', 'f'), (8, NULL, 'h'), (9, 'I', NULL)

INSERT INTO mail (uid, body, settings) VALUES (6, DEFAULT, DEFAULT), (7, NULL, '{"k": [1]}'), (8, 'given', DEFAULT)

INSERT INTO mail (uid, often) VALUES (6, DEFAULT), (9, 'never') RETURNING uid, often, body

--$ 8;New;{"a": null}
INSERT INTO mail (uid, sender, settings) VALUES ($1, $2, $3)

--$ 6;\N;\N
INSERT INTO mail (uid, sender, tags) VALUES ($1, $2, $3) RETURNING *

--$ 9;{one,"two three",NULL};7.5;weekly;i@x
INSERT INTO mail (uid, tags, quota, often, reply_to) VALUES ($1, $2, $3, $4, $5) RETURNING uid, tags, quota, often, reply_to

--$ 1;b;{p,q}
INSERT INTO push (user_id, body, devices) VALUES ($1, $2, $3)

--$ 8;x
INSERT INTO mail (uid, body, handle) VALUES ($1, $2, upper($2)) RETURNING body, handle

--$ 8;9;both
INSERT INTO push (user_id, body) VALUES ($1, $3), ($2, $3) RETURNING user_id, body

INSERT INTO mail (uid, sender) VALUES (7, 'New') RETURNING *

INSERT INTO mail (uid, body) VALUES (8, 'b') RETURNING mail.body || '!' AS loud, mail.*, length(handle)

INSERT INTO mail AS m (uid, sender) VALUES (8, 'New') RETURNING m.uid, m.sender, m.*

INSERT INTO push (user_id, body) VALUES (8, 'b') RETURNING (SELECT count(*) FROM letters), body

INSERT INTO push (user_id, body) VALUES (8, 'b') RETURNING (SELECT count(*) FROM push), body

INSERT INTO mail (uid, body) VALUES (8, 'b') RETURNING row_to_json(mail)

--~ contract: the table's row type is gone
INSERT INTO push (user_id) VALUES (2) RETURNING push

INSERT INTO push (user_id) SELECT g FROM generate_series(8, 9) g

INSERT INTO mail (uid, sender, body, quota) SELECT uid, sender, body, quota FROM imports WHERE uid > 7

INSERT INTO mail (uid, sender, body, quota) SELECT uid, sender, body, quota FROM imports WHERE uid > 7 ORDER BY uid DESC RETURNING uid, sender, body, quota

INSERT INTO push (user_id, score, body) SELECT uid, score, body FROM mail WHERE uid < 3

INSERT INTO mail (uid, body) SELECT user_id, body FROM push WHERE user_id > 5 RETURNING *

INSERT INTO mail (uid, body) SELECT id, name FROM users u WHERE NOT EXISTS (SELECT FROM mail WHERE uid = u.id) RETURNING uid, body

INSERT INTO push (user_id, score) SELECT user_id + 2, score FROM push WHERE user_id > 5 RETURNING *

--! stop-dual-write contract: INSERT from a source whose columns are not known
INSERT INTO push SELECT * FROM (VALUES (1, 1), (2, 2)) v (s, u) RETURNING *

INSERT INTO mail (uid, body) (SELECT 8, body FROM letters WHERE id = 1)

INSERT INTO mail (uid, body) SELECT 8, body FROM letters WHERE id = 1 UNION ALL SELECT 9, 'last'

INSERT INTO mail (uid, handle) SELECT 8, max(handle) || '2' FROM mail

INSERT INTO mail (uid, body) VALUES (8, (SELECT body FROM mail WHERE uid = 1)), (9, (SELECT title FROM letters WHERE id = 2))

INSERT INTO mail (uid, sender, handle) VALUES (8, lower('ABC'), 'x' || 1 || 'y'), (9, substr('long name', 1, 4), NULL) RETURNING sender, handle

INSERT INTO mail (uid, body) VALUES (8, tick())

INSERT INTO mail (uid, body) VALUES (6, tick()), (9, tick()) RETURNING uid, body

INSERT INTO push (user_id, body) SELECT g, tick() FROM generate_series(8, 9) g

INSERT INTO mail (uid, tags) VALUES (8, ARRAY['p', 'q'] || 'r'::text) RETURNING tags

--! switch-reads: an assignment to a part of a column
INSERT INTO mail (uid, tags[1], tags[3]) VALUES (8, 'one', 'three') RETURNING tags

INSERT INTO mail (uid, sent_at) VALUES (8, '2024-01-01 00:00+02') RETURNING sent_at AT TIME ZONE 'UTC'

INSERT INTO mail (uid, quota) VALUES (8, 1.005), (9, '2.999') RETURNING quota

INSERT INTO mail (uid, sender) VALUES (8, 'twelve chars   ') RETURNING sender, length(sender)

INSERT INTO push (user_id, score) SELECT 8.4, 2.5

INSERT INTO push (user_id, score) VALUES (8.4, 2.5), (9.2, 1) RETURNING *

INSERT INTO mail (uid, quota, sender, tags, sent_at) VALUES (8, 5, 'x' || 5, ARRAY['a', NULL], date '2024-01-01') RETURNING quota, sender, tags, sent_at AT TIME ZONE 'UTC'

--$ 7;x
INSERT INTO mail (uid, quota, sender) VALUES (8, $1 + 1, ($2)) RETURNING quota, sender

WITH s AS (SELECT 8 AS u, 'from with' AS b) INSERT INTO mail (uid, body) SELECT u, b FROM s RETURNING uid, body

WITH n AS (INSERT INTO mail (uid, body) VALUES (8, 'in with'), (6, NULL) RETURNING uid, handle, body) SELECT * FROM n ORDER BY uid

WITH n AS (INSERT INTO mail (uid, body) VALUES (8, 'in with') RETURNING uid, body) INSERT INTO letters (id, user_id, title, body) SELECT 90, uid, 'by with', body FROM n RETURNING *

--! dual-write switch-reads stop-dual-write contract: a write of several merged tables in one statement
WITH n AS (INSERT INTO mail (uid) VALUES (8) RETURNING uid) INSERT INTO push (user_id) SELECT uid FROM n RETURNING *

WITH n AS (INSERT INTO push (user_id) VALUES (8)) SELECT count(*) FROM push

WITH u AS (INSERT INTO users (id, name) VALUES (10, 'Jan') RETURNING id) INSERT INTO mail (uid, body) SELECT id, 'new' FROM u RETURNING uid, body

WITH i AS (DELETE FROM imports WHERE uid > 7 RETURNING *) INSERT INTO mail (uid, sender, body) SELECT uid, sender, body FROM i RETURNING uid, body

INSERT INTO letters (id, title, body) SELECT 100 + uid, coalesce(sender, '?'), body FROM mail RETURNING *

INSERT INTO letters (id, user_id, title) SELECT 100 + user_id, user_id, devices[1] FROM push WHERE devices <> '{}' ORDER BY user_id

INSERT INTO imports SELECT user_id + 20, body, body, score FROM push RETURNING *

INSERT INTO shop.stock VALUES ('west', 1, 3, 's', NULL), ('south', 2, DEFAULT, DEFAULT, '2024-03-03') RETURNING *

INSERT INTO shop.stock (item, house) VALUES (9, 'north') RETURNING shelf, amount

INSERT INTO shop.stock (house, item, amount) SELECT "House", "Item No" + 10, "order" FROM shop."Price List" WHERE "order" IS NOT NULL RETURNING *

INSERT INTO shop."Price List" VALUES (2, 'north', 3, 1, DEFAULT), (7, 'west', 4, DEFAULT, 'x') RETURNING *

INSERT INTO shop."Price List" AS p ("House", "Item No", "Größe", "order") VALUES ('north', 2, 1.5, NULL) RETURNING p."Größe", p."order", p.*

--$ north;2;6.25
INSERT INTO shop."Price List" ("House", "Item No", "Größe") VALUES ($1, $2, $3)

--? fails
INSERT INTO mail DEFAULT VALUES

INSERT INTO loud VALUES (20, 'viewed')

INSERT INTO users (id, name, body) VALUES (20, 't', 'not merged') RETURNING body, score

INSERT INTO mail AS m (uid, body) VALUES (8, 'b') RETURNING (m).*
