-- Queries over columns that stay, that move, and both.

SELECT * FROM users ORDER BY id

TABLE users

SELECT users.* FROM users WHERE id < 3 ORDER BY id

SELECT u.*, u.id AS again FROM users u ORDER BY id DESC LIMIT 2

SELECT id, email, role, score FROM users ORDER BY id

SELECT first_name, bio, settings, tags, phone, slug, balance, seen_at, country, feels FROM users ORDER BY id

SELECT id, first_name FROM users WHERE email = 'bob@example.com'

SELECT email FROM users WHERE first_name = 'Ann'

SELECT u.email, u.bio AS about FROM users AS u WHERE u.bio LIKE 'l%' AND u.role = 'admin'

--$ 2
SELECT first_name, bio FROM users WHERE id = $1

--$ Ann;0
SELECT id, balance FROM users WHERE first_name = $1 AND balance > $2

--$ {"theme": "dark"}
SELECT id FROM users WHERE settings @> $1

--$ {1,3,4}
SELECT first_name, slug FROM users WHERE id = ANY ($1) ORDER BY id

--$ likes tea
SELECT count(*) FROM users WHERE bio = $1

--$ happy
SELECT id, feels FROM users WHERE feels = $1 ORDER BY id

--$ x
SELECT id, $1 || bio AS joined FROM users ORDER BY id

--$ 2024-01-15;de
SELECT id FROM users WHERE seen_at > $1::timestamptz OR country = $2 ORDER BY id

SELECT id, upper(first_name) || ' <' || email || '>' FROM users ORDER BY id

SELECT id, balance * 2 AS twice, balance + score, coalesce(balance, score) FROM users ORDER BY id

SELECT id, settings->>'theme' AS theme, (settings->>'size')::int + 1, settings ? 'theme' FROM users ORDER BY id

SELECT id, tags[1], array_length(tags, 1), 'b' = ANY (tags), tags || 'z'::text FROM users ORDER BY id

SELECT id, tags[1:2], cardinality(tags) FROM users WHERE tags IS NOT NULL ORDER BY id

SELECT id, unnest(tags) AS tag FROM users ORDER BY id, tag

SELECT DISTINCT bio FROM users ORDER BY bio

SELECT DISTINCT ON (role) role, first_name FROM users ORDER BY role, first_name DESC NULLS LAST

SELECT DISTINCT country, role FROM users ORDER BY 1, 2

SELECT first_name FROM users ORDER BY length(bio) NULLS FIRST, id

SELECT id, bio AS slug FROM users ORDER BY slug, id

SELECT bio AS id FROM users ORDER BY id

SELECT id FROM users ORDER BY slug NULLS LAST, id LIMIT 3 OFFSET 1

SELECT id FROM users ORDER BY balance DESC NULLS LAST FETCH FIRST 2 ROWS ONLY

SELECT id, first_name FROM users ORDER BY feels NULLS FIRST, id FETCH FIRST 2 ROWS WITH TIES

SELECT id FROM users WHERE bio IS NULL OR first_name IS NULL ORDER BY id

SELECT id FROM users WHERE bio IS DISTINCT FROM 'none' ORDER BY id

SELECT id FROM users WHERE (first_name, role) = ('Ann', 'admin')

SELECT id FROM users WHERE (id, bio) IN ((1, 'likes tea'), (4, 'none'), (5, 'x')) ORDER BY id

SELECT id FROM users WHERE ROW (balance, id) > ROW (5, 1) ORDER BY id

SELECT id FROM users WHERE balance BETWEEN 1 AND 100 AND NOT first_name ILIKE 'a%' ORDER BY id

SELECT id, CASE WHEN bio = 'none' THEN email WHEN first_name IS NULL THEN 'nameless' ELSE first_name END FROM users ORDER BY id

SELECT id, CASE feels WHEN 'happy' THEN score ELSE balance END AS one FROM users ORDER BY id

SELECT seen_at AT TIME ZONE 'UTC', extract(year FROM seen_at) FROM users ORDER BY id

SELECT date_trunc('month', seen_at AT TIME ZONE 'UTC') AS month, count(*) FROM users GROUP BY 1 ORDER BY 1

SELECT phone, pg_typeof(phone), pg_typeof(first_name), pg_typeof(balance), pg_typeof(tags), pg_typeof(settings) FROM users WHERE id = 1

SELECT id, first_name COLLATE "C" FROM users ORDER BY first_name COLLATE "C", id

SELECT nullif(bio, 'none'), greatest(first_name, slug), least(balance, score) FROM users ORDER BY id

SELECT shout(first_name), shout(email) FROM users ORDER BY id

SELECT id, (SELECT title FROM posts p WHERE p.user_id = users.id ORDER BY p.id LIMIT 1), slug FROM users ORDER BY id

SELECT id FROM users WHERE EXISTS (SELECT FROM posts WHERE user_id = users.id AND posts.bio = users.bio) ORDER BY id

SELECT id, email FROM users u WHERE bio = (SELECT bio FROM users v WHERE v.id = 1) ORDER BY id

SELECT title FROM posts WHERE user_id IN (SELECT id FROM users WHERE first_name < 'B') ORDER BY id

SELECT title FROM posts WHERE bio NOT IN (SELECT bio FROM users WHERE bio IS NOT NULL) ORDER BY id

SELECT id FROM posts WHERE (user_id, bio) IN (SELECT id, bio FROM users) ORDER BY id

SELECT bio FROM posts ORDER BY id

SELECT title, tags, bio FROM posts WHERE bio = 'x'

SELECT id, bio FROM posts p WHERE EXISTS (SELECT FROM users WHERE bio = p.bio AND users.slug IS NOT NULL) ORDER BY id

SELECT (SELECT max(balance) FROM users), (SELECT count(first_name) FROM users)

SELECT ARRAY (SELECT slug FROM users ORDER BY id), ARRAY (SELECT email FROM users ORDER BY 1)

SELECT q.bio, q.n FROM (SELECT bio, count(*) AS n FROM users GROUP BY bio) q ORDER BY n DESC, bio

SELECT q.first_name FROM (SELECT * FROM users WHERE score > 10) AS q WHERE q.balance >= 0 ORDER BY q.id

SELECT a FROM (SELECT id, first_name FROM users) AS q (a, b) WHERE b IS NOT NULL ORDER BY a

SELECT x.* FROM (SELECT id, slug FROM users UNION SELECT id, title FROM posts) x ORDER BY 1, 2

SELECT u.a, u.c FROM users AS u (a, b, c) ORDER BY a

SELECT u.a, u.bio FROM users AS u (a) WHERE u.bio = 'none'

SELECT id FROM ONLY users WHERE bio = 'none'

SELECT id, bio FROM public.users WHERE public.users.first_name = 'Bob'

SELECT public.users.bio, users.slug FROM public.users ORDER BY id

--! switch-reads stop-dual-write contract: a query that names a system column
SELECT tableoid::regclass, id, bio FROM users WHERE id = 1

--! switch-reads stop-dual-write contract: a query that names a system column
SELECT ctid IS NOT NULL, xmin IS NOT NULL, bio FROM users WHERE id = 2

--! switch-reads stop-dual-write contract: a query that names a system column
SELECT id FROM users WHERE ctid = (SELECT ctid FROM users WHERE first_name = 'Dave')

SELECT "first_name", "users"."bio" FROM "users" WHERE "id" = 1

SELECT First_Name, USERS.BIO FROM Users WHERE Id = 1

SELECT id /* bio */, bio -- slug
FROM users -- first_name
WHERE id = 1

SELECT 'users.bio' AS bio, $$first_name$$ AS first_name FROM users WHERE id = 1

SELECT id FROM users WHERE bio ~ '^l' AND slug SIMILAR TO '(a|e)%' ORDER BY id

SELECT first_name FROM users WHERE balance IS NULL OR settings = '{}' ORDER BY first_name

SELECT VALUE FROM (SELECT bio AS value FROM users WHERE id = 1) q

SELECT id, xmlelement(name person, xmlattributes(first_name AS name), bio) FROM users WHERE id = 1

--! switch-reads stop-dual-write contract: TABLESAMPLE
SELECT count(*) FROM users TABLESAMPLE BERNOULLI (100) WHERE bio IS NOT NULL

SELECT * FROM members ORDER BY id

SELECT m.email, u.bio FROM members m JOIN users u ON u.id = m.id ORDER BY m.id

SELECT 1 FROM users WHERE id = 1

SELECT FROM users WHERE bio = 'none'

SELECT id, bio, now() IS NOT NULL FROM users WHERE first_name = 'Bob'

SELECT tick() AS t, first_name FROM users WHERE first_name IS NOT NULL ORDER BY id

SELECT hall, number, note, price FROM seats ORDER BY hall, number

SELECT * FROM seats ORDER BY price

SELECT number, holder FROM seats WHERE note = 'empty' OR price > 15 ORDER BY hall, number

SELECT (hall, number) = ('red', 1), note FROM seats ORDER BY hall, number

SELECT hall, sum(price), min(note) FROM seats GROUP BY hall ORDER BY hall

SELECT * FROM "Person" ORDER BY "Id"

SELECT "Größe", "order", "Full Name" FROM "Person" WHERE "order" = 7 ORDER BY "Id"

SELECT p."Größe" * 100 AS "group" FROM "Person" p ORDER BY "group" NULLS FIRST

SELECT "Full Name" FROM "Person" WHERE "Größe" > 1 ORDER BY "Größe"
