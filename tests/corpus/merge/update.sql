-- UPDATE.

UPDATE mail SET body = 'x' WHERE uid = 1

UPDATE push SET score = 1 WHERE user_id = 3

UPDATE push SET score = 1 WHERE user_id = 1

UPDATE mail SET body = handle, sender = left(body, 12) WHERE sender IS NOT NULL

UPDATE mail SET body = upper(body), score = score + 1 WHERE body LIKE 'l%'

UPDATE mail SET body = sender, sender = left(body, 12)

UPDATE mail SET score = score + 1

UPDATE push SET score = score + 1, sound = NOT sound

UPDATE mail SET body = NULL, sender = NULL WHERE handle = 'eve'

UPDATE mail SET body = DEFAULT, settings = DEFAULT, score = DEFAULT WHERE uid < 3

UPDATE push SET score = DEFAULT, devices = DEFAULT RETURNING *

UPDATE mail SET body = 'nobody' WHERE false

UPDATE mail SET body = body

UPDATE push SET body = 'all'

--$ changed;2
UPDATE mail SET body = $1 WHERE uid = $2

--$ changed;2;7
UPDATE mail SET body = $1, score = $3 WHERE uid = $2 RETURNING *

--$ 1.5;Ann
UPDATE mail SET quota = quota + $1 WHERE sender = $2 RETURNING uid, quota

--$ {"n": 1};{z,NULL}
UPDATE mail SET settings = settings || $1, tags = $2 WHERE jsonb_typeof(settings) = 'object' RETURNING settings, tags

--$ \N;3
UPDATE mail SET handle = $1, body = $1 WHERE uid = $2 RETURNING handle, body

--$ weekly;20
UPDATE mail SET often = $1 WHERE score = $2 AND often <> $1 RETURNING often

--$ 00000000-0000-0000-0000-000000000009;x
UPDATE push SET token = $1 WHERE body = $2 RETURNING user_id, token

UPDATE mail SET body = 'x' WHERE uid = 1 RETURNING *

UPDATE push SET body = 'x' WHERE user_id < 5 RETURNING user_id, body, sound

UPDATE push SET body = body || score RETURNING body || score

UPDATE mail m SET body = m.handle || m.uid WHERE m.often = 'daily' RETURNING m.uid, m.body, m.*

UPDATE mail AS m SET score = 1 WHERE m.handle = 'ann' RETURNING m.handle, (SELECT count(*) FROM letters l WHERE l.user_id = m.uid)

UPDATE mail SET body = 'x' WHERE uid = 2 RETURNING row_to_json(mail)

--~ contract: the table's row type is gone
UPDATE push SET body = 'x' WHERE user_id = 4 RETURNING push

UPDATE mail SET (body, score) = ('p', 2) WHERE uid = 1

UPDATE mail SET (body, sender) = ROW (sender, left(body, 12)) WHERE uid = 1 RETURNING body, sender

UPDATE mail SET (body, handle) = (SELECT title, l.body FROM letters l WHERE l.id = 1) WHERE uid = 1

UPDATE mail SET (body, settings) = (DEFAULT, DEFAULT) WHERE uid = 1

UPDATE mail SET body = (SELECT title FROM letters WHERE user_id = mail.uid ORDER BY id LIMIT 1) WHERE uid IN (1, 2)

UPDATE mail SET quota = (SELECT sum(quota) FROM mail) WHERE handle IS NOT NULL

UPDATE push SET score = (SELECT count(*) FROM letters l WHERE l.body = push.body)

UPDATE mail SET score = (SELECT max(score) FROM push) WHERE uid = 4 RETURNING score

UPDATE mail SET body = 'x' WHERE uid IN (SELECT user_id FROM letters WHERE body IS NOT NULL)

UPDATE push SET body = 'x' WHERE user_id IN (SELECT uid FROM mail)

UPDATE mail SET body = 'x' WHERE EXISTS (SELECT FROM letters l WHERE l.user_id = mail.uid AND l.body IS DISTINCT FROM mail.body)

UPDATE mail SET quota = 1 WHERE quota = (SELECT max(quota) FROM mail)

UPDATE mail SET body = l.title FROM letters l WHERE l.user_id = mail.uid AND l.id <> 2

UPDATE push p SET body = u.name FROM users u WHERE u.id = p.user_id AND u.id > 4

UPDATE mail m SET score = p.score FROM push p WHERE p.user_id = m.uid

UPDATE mail m SET body = p.body, score = p.score + m.score FROM push p JOIN users u ON u.id = p.user_id WHERE p.user_id = m.uid AND u.score > 5

UPDATE mail a SET body = b.body FROM mail b WHERE b.uid = a.uid + 1

UPDATE mail SET body = v.b FROM (VALUES (1, 'one'), (2, 'two'), (6, 'six')) v (id, b) WHERE v.id = mail.uid

UPDATE mail SET sender = i.sender, body = i.body FROM imports i WHERE i.uid = mail.uid

UPDATE mail SET body = l.title FROM letters l WHERE l.user_id = mail.uid AND l.id = 1 RETURNING mail.uid, mail.body, l.title

UPDATE push p SET body = u.name FROM users u WHERE u.id = p.user_id AND u.id > 5 RETURNING u.*, p.*

UPDATE push p SET body = u.name FROM users u WHERE u.id = p.user_id AND u.id > 5 RETURNING *

UPDATE mail a SET quota = b.quota FROM mail b WHERE b.uid = 1 AND a.uid = 2 RETURNING a.*, b.sender

UPDATE mail m SET body = p.body FROM push p WHERE p.user_id = m.uid RETURNING m.uid, m.body, p.score

UPDATE letters SET body = m.body FROM mail m WHERE m.uid = letters.user_id

UPDATE letters SET title = m.handle, body = coalesce(m.sender, '?') FROM mail m WHERE m.uid = letters.user_id RETURNING letters.*, m.score

UPDATE letters SET body = (SELECT body FROM push p WHERE p.user_id = letters.user_id) WHERE user_id IS NOT NULL RETURNING id, body

UPDATE users SET score = 1, body = 'own' WHERE body = 'x'

UPDATE mail SET tags = tags || 'new'::text, settings = jsonb_set(settings, '{size}', '9') WHERE jsonb_typeof(settings) = 'object'

UPDATE mail SET tags = array_remove(tags, 'b'), sent_at = sent_at + interval '1 day', often = 'never' RETURNING uid, tags, sent_at AT TIME ZONE 'UTC', often

--! switch-reads stop-dual-write contract: an assignment to a part of a column
UPDATE mail SET tags[1] = 'first' WHERE uid = 1

--! switch-reads stop-dual-write contract: an assignment to a part of a column
UPDATE mail SET settings['theme'] = '"blue"' WHERE uid = 1

UPDATE mail SET body = tick() WHERE uid = 4

UPDATE mail SET body = tick(), handle = tick() WHERE uid = 1 RETURNING body, handle

UPDATE mail SET quota = 1.005 WHERE uid = 1 RETURNING quota

UPDATE mail SET sender = 'exactly 12ch   ' WHERE uid = 1 RETURNING sender

UPDATE mail SET quota = 5, sender = 'x' || 5, tags = ARRAY['a', NULL], sent_at = date '2024-01-01' WHERE uid = 1 RETURNING quota, sender, tags, sent_at AT TIME ZONE 'UTC'

--$ 7;x
UPDATE mail SET quota = $1 + 1, sender = ($2) WHERE uid = 1 RETURNING quota, sender

UPDATE mail SET uid = 8 WHERE uid = 1

UPDATE mail SET uid = uid WHERE uid = 1

UPDATE push SET user_id = 9, body = 'moved' WHERE user_id = 3 RETURNING *

UPDATE mail SET uid = 9 WHERE handle = 'eve' RETURNING *

UPDATE mail SET uid = 6, handle = upper(handle), quota = 7 WHERE uid = 1 RETURNING uid, handle, quota

--~ contract: the table's row type is gone
UPDATE mail SET uid = uid + 4 WHERE uid > 1 AND handle IS DISTINCT FROM 'bob' RETURNING mail

UPDATE mail m SET uid = u.id, body = u.name FROM users u WHERE u.name = 'Hal' AND m.uid = 4 RETURNING m.*, u.name

UPDATE push p SET user_id = 1 FROM letters l WHERE l.user_id = 1 AND p.user_id = 4

--$ 8;2
UPDATE mail SET uid = $1 WHERE uid = $2

--$ 8;2;x
UPDATE mail SET uid = $1, body = $3 WHERE uid = $2 RETURNING body, uid

WITH w AS (UPDATE push SET user_id = 8 WHERE user_id = 4 RETURNING user_id, body) SELECT * FROM w

UPDATE mail SET body = tick(), uid = 8 WHERE uid = 2 RETURNING body

UPDATE shop.stock SET (house, item) = ('west', item + 1) WHERE house = 'north' RETURNING *

UPDATE shop."Price List" p SET "House" = 'east', shelf = p."House" WHERE "Item No" = 1 AND shelf = 'top'

--! dual-write: a new key for rows that may be others when they are looked for again
UPDATE push SET user_id = 2 WHERE user_id = (SELECT uid FROM mail ORDER BY uid DESC LIMIT 1)

--! dual-write switch-reads stop-dual-write contract: a new key beside another write of the same table
WITH w AS (UPDATE mail SET score = 1 WHERE uid = 1) UPDATE mail SET uid = 8 WHERE uid = 2

UPDATE users SET id = 30 WHERE id = 3

UPDATE users SET id = 30 WHERE id = 1 RETURNING id, (SELECT count(*) FROM letters)

WITH w AS (SELECT uid, 'from with' AS b FROM mail WHERE body = 'likes tea') UPDATE mail SET body = w.b FROM w WHERE w.uid = mail.uid

WITH w AS (UPDATE mail SET body = 'w', score = 7 WHERE uid < 3 RETURNING uid, body, score) SELECT * FROM w ORDER BY uid

WITH w AS (UPDATE push SET body = 'w' WHERE user_id < 5) SELECT count(*) FROM letters

WITH w AS (UPDATE mail SET body = body || '!' WHERE body IS NOT NULL RETURNING uid, body) UPDATE letters SET body = w.body FROM w WHERE w.uid = letters.user_id RETURNING letters.id, letters.body

--! dual-write switch-reads stop-dual-write contract: a write of several merged tables in one statement
WITH w AS (UPDATE mail SET score = 3 RETURNING uid) UPDATE push SET score = 4 FROM w WHERE w.uid = user_id

WITH l AS (UPDATE letters SET title = title || '!' WHERE id = 1 RETURNING user_id, title) UPDATE mail SET body = (SELECT title FROM l) WHERE uid IN (SELECT user_id FROM l) RETURNING uid, body

UPDATE ONLY mail SET body = 'only' WHERE uid = 1

UPDATE public.mail SET body = 'schema' WHERE public.mail.uid = 1

--! switch-reads stop-dual-write contract: a query that names a system column
UPDATE mail SET body = 'x' WHERE ctid = (SELECT ctid FROM mail WHERE uid = 1)

UPDATE shop.stock SET amount = amount + 1, shelf = 'x' WHERE house = 'north' RETURNING *

UPDATE shop.stock SET amount = p."order" FROM shop."Price List" p WHERE (p."House", p."Item No") = (house, item) AND p."order" IS NOT NULL

UPDATE shop."Price List" SET "order" = "order" + 1, shelf = shelf || "Größe" WHERE "Größe" > 7 RETURNING *

UPDATE shop."Price List" AS p SET "Größe" = p."Größe" / 2 FROM shop.stock s WHERE s.house = p."House" AND s.item = p."Item No" RETURNING p."House", p."Größe", s.amount

UPDATE shop."Price List" SET "order" = DEFAULT, shelf = DEFAULT

UPDATE loud SET name = 'x' WHERE id = 1

UPDATE push SET body = CASE WHEN score > 5 THEN 'high' ELSE 'low' END, sound = true WHERE user_id IN (3, 4) RETURNING body, sound

--! switch-reads stop-dual-write contract: an assignment to a part of a column
UPDATE mail SET body = CASE WHEN score > 10 THEN 'high' ELSE 'low' END, tags[1] = 'one' WHERE uid = 1 RETURNING body, tags

-- What PostgreSQL calls the columns.

UPDATE mail SET body = 'x' WHERE uid = 1 RETURNING CASE WHEN score > 1 THEN 'a' ELSE coalesce(body, 'b') END, CASE WHEN true THEN 'a' ELSE (SELECT 'b' AS one) END, CASE WHEN true THEN 'a' END::text

UPDATE mail SET body = 'x' WHERE uid = 1 RETURNING NOT EXISTS (SELECT 1), EXISTS (SELECT 1), CASE WHEN true THEN 1 ELSE 2::bigint END, (SELECT 1)::text

UPDATE push p SET body = 'x' WHERE user_id = 3 RETURNING (p).*, p.score
