-- Queries over one table that is merged.

SELECT * FROM mail ORDER BY uid

SELECT * FROM push ORDER BY user_id

TABLE mail

TABLE push ORDER BY score, user_id

SELECT mail.* FROM mail WHERE uid < 3 ORDER BY uid

SELECT p.*, p.user_id AS again FROM push p ORDER BY user_id DESC LIMIT 2

SELECT uid, sender, body, score FROM mail ORDER BY uid

SELECT sender, body, settings, tags, reply_to, handle, quota, sent_at, often FROM mail ORDER BY uid

SELECT score, sound, body, devices, token FROM push ORDER BY user_id

SELECT uid, sender FROM mail WHERE handle = 'bob'

SELECT user_id FROM push WHERE body = 'ping'

SELECT m.handle, m.body AS about FROM mail AS m WHERE m.body LIKE 'l%' AND m.often = 'daily' ORDER BY m.uid

--$ 2
SELECT sender, body FROM mail WHERE uid = $1

--$ Ann;0
SELECT uid, quota FROM mail WHERE sender = $1 AND quota > $2

--$ {"theme": "dark"}
SELECT uid FROM mail WHERE settings @> $1

--$ {1,3,4}
SELECT sender, handle FROM mail WHERE uid = ANY ($1) ORDER BY uid

--$ likes tea
SELECT count(*) FROM push WHERE body = $1

--$ daily
SELECT uid, often FROM mail WHERE often = $1 ORDER BY uid

--$ x
SELECT user_id, $1 || body AS joined FROM push ORDER BY user_id

--$ 2024-01-15;7
SELECT uid FROM mail WHERE sent_at > $1::timestamptz OR score < $2 ORDER BY uid

--$ phone
SELECT user_id FROM push WHERE $1 = ANY (devices) ORDER BY 1

--$ 00000000-0000-0000-0000-000000000005
SELECT user_id, token FROM push WHERE token = $1

SELECT uid, upper(sender) || ' <' || reply_to || '>' FROM mail ORDER BY uid

SELECT uid, quota * 2 AS twice, quota + score, coalesce(quota, score) FROM mail ORDER BY uid

SELECT uid, settings->>'theme' AS theme, (settings->>'size')::int + 1, settings ? 'theme' FROM mail ORDER BY uid

SELECT uid, tags[1], array_length(tags, 1), 'b' = ANY (tags), tags || 'z'::text FROM mail ORDER BY uid

SELECT user_id, devices[1:2], cardinality(devices) FROM push WHERE devices <> '{}' ORDER BY user_id

SELECT uid, unnest(tags) AS tag FROM mail ORDER BY uid, tag

SELECT DISTINCT body FROM mail ORDER BY body

SELECT DISTINCT ON (often) often, sender FROM mail ORDER BY often, sender DESC NULLS LAST

SELECT DISTINCT sound, score FROM push ORDER BY 1, 2

SELECT sender FROM mail ORDER BY length(body) NULLS FIRST, uid

SELECT uid, body AS handle FROM mail ORDER BY handle, uid

SELECT body AS uid FROM mail ORDER BY uid

SELECT uid FROM mail ORDER BY handle NULLS LAST, uid LIMIT 3 OFFSET 1

SELECT uid FROM mail ORDER BY quota DESC NULLS LAST FETCH FIRST 2 ROWS ONLY

SELECT user_id, sound FROM push ORDER BY sound NULLS FIRST FETCH FIRST 2 ROWS WITH TIES

SELECT uid FROM mail WHERE body IS NULL OR sender IS NULL ORDER BY uid

SELECT user_id FROM push WHERE body IS DISTINCT FROM 'ping' ORDER BY user_id

SELECT uid FROM mail WHERE (sender, score) = ('Ann', 30)

SELECT uid FROM mail WHERE (uid, body) IN ((1, 'likes tea'), (4, 'none'), (5, 'x')) ORDER BY uid

SELECT user_id FROM push WHERE ROW (score, user_id) > ROW (5, 3) ORDER BY user_id

SELECT uid FROM mail WHERE quota BETWEEN 1 AND 100 AND NOT sender ILIKE 'a%' ORDER BY uid

SELECT uid, CASE WHEN body = 'none' THEN handle WHEN sender IS NULL THEN 'nameless' ELSE sender END FROM mail ORDER BY uid

SELECT user_id, CASE sound WHEN true THEN score ELSE user_id END AS one FROM push ORDER BY user_id

SELECT sent_at AT TIME ZONE 'UTC', extract(year FROM sent_at) FROM mail ORDER BY uid

SELECT date_trunc('month', sent_at AT TIME ZONE 'UTC') AS month, count(*) FROM mail GROUP BY 1 ORDER BY 1

SELECT reply_to, pg_typeof(reply_to), pg_typeof(sender), pg_typeof(quota), pg_typeof(tags), pg_typeof(settings), pg_typeof(often) FROM mail WHERE uid = 1

SELECT uid, sender COLLATE "C" FROM mail ORDER BY sender COLLATE "C", uid

SELECT nullif(body, 'none'), greatest(sender, handle), least(quota, score) FROM mail ORDER BY uid

SELECT shout(sender), shout(handle) FROM mail ORDER BY uid

SELECT uid, (SELECT title FROM letters l WHERE l.user_id = mail.uid ORDER BY l.id LIMIT 1), handle FROM mail ORDER BY uid

SELECT uid FROM mail WHERE EXISTS (SELECT FROM letters WHERE user_id = mail.uid AND letters.body = mail.body) ORDER BY uid

SELECT name FROM users WHERE NOT EXISTS (SELECT FROM push WHERE user_id = id) ORDER BY id

SELECT name FROM users WHERE id NOT IN (SELECT uid FROM mail) ORDER BY id

SELECT uid, handle FROM mail m WHERE body = (SELECT body FROM mail n WHERE n.uid = 1) ORDER BY uid

SELECT body, score FROM users ORDER BY id

SELECT title, tags, body FROM letters WHERE body = 'x' ORDER BY id

SELECT id, body FROM letters l WHERE EXISTS (SELECT FROM push WHERE body = l.body AND push.sound) ORDER BY id

SELECT (SELECT max(quota) FROM mail), (SELECT count(body) FROM push)

SELECT ARRAY (SELECT handle FROM mail ORDER BY uid), ARRAY (SELECT body FROM push ORDER BY 1)

SELECT q.body, q.n FROM (SELECT body, count(*) AS n FROM mail GROUP BY body) q ORDER BY n DESC, body

SELECT q.sender FROM (SELECT * FROM mail WHERE score > 10) AS q WHERE q.quota >= 0 ORDER BY q.uid

SELECT a FROM (SELECT uid, sender FROM mail) AS q (a, b) WHERE b IS NOT NULL ORDER BY a

SELECT m.a, m.c FROM mail AS m (a, b, c) ORDER BY a

SELECT p.a, p.body FROM push AS p (a, b) WHERE p.body = 'x'

SELECT p.b, p.a, p.f FROM push AS p (a, b, c, d, e, f) ORDER BY b

SELECT uid FROM ONLY mail WHERE body = 'none'

SELECT uid, body FROM public.mail WHERE public.mail.sender = 'Bob'

SELECT public.push.body, push.score FROM public.push ORDER BY user_id

--! switch-reads stop-dual-write contract: a query that names a system column
SELECT tableoid::regclass, uid, body FROM mail WHERE uid = 1

--! switch-reads stop-dual-write contract: a query that names a system column
SELECT ctid IS NOT NULL, xmin IS NOT NULL, body FROM push WHERE user_id = 3

SELECT "sender", "mail"."body" FROM "mail" WHERE "uid" = 1

SELECT Sender, MAIL.BODY FROM Mail WHERE Uid = 1

SELECT uid /* body */, body -- handle
FROM mail -- sender
WHERE uid = 1

SELECT 'mail.body' AS body, $$sender$$ AS sender FROM mail WHERE uid = 1

SELECT sender FROM mail WHERE quota IS NULL OR settings = '{}' ORDER BY sender

SELECT uid, xmlelement(name person, xmlattributes(sender AS name), body) FROM mail WHERE uid = 1

--! switch-reads stop-dual-write contract: TABLESAMPLE
SELECT count(*) FROM mail TABLESAMPLE BERNOULLI (100) WHERE body IS NOT NULL

SELECT 1 FROM push WHERE user_id = 3

SELECT FROM mail WHERE body = 'none'

SELECT tick() AS t, sender FROM mail WHERE sender IS NOT NULL ORDER BY uid

SELECT mail AS body FROM (SELECT handle AS mail FROM mail) mail ORDER BY 1 NULLS LAST

SELECT * FROM shop.stock ORDER BY house, item

SELECT * FROM shop."Price List" ORDER BY "House", "Item No"

SELECT house, item, shelf FROM shop.stock WHERE amount > 0 ORDER BY 1, 2

SELECT "Größe", "order", "Item No" FROM shop."Price List" WHERE "order" = 7

SELECT p."Größe" * 100 AS "group", p."House" FROM shop."Price List" p ORDER BY "group" NULLS FIRST

SELECT (house, item) = ('north', 1), shelf FROM shop.stock ORDER BY house, item

SELECT house, sum(amount), min(shelf) FROM shop.stock GROUP BY house ORDER BY house

SELECT shop.stock.amount, stock.shelf FROM shop.stock ORDER BY 1

SELECT "Price List"."order", shop."Price List".shelf FROM shop."Price List" ORDER BY 1

--$ south;1
SELECT "Größe" FROM shop."Price List" WHERE ("House", "Item No") = ($1, $2)

SELECT checked + 1, to_char(checked, 'YYYY') FROM shop.stock ORDER BY checked NULLS FIRST
