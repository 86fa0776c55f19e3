-- Conditions and comparisons

SELECT id FROM users WHERE username = 'alice'

SELECT id FROM users WHERE username <> 'alice' AND username != 'bob'

SELECT id FROM users WHERE NOT username > 'b' OR username <= 'a' OR username >= 'c' OR username < 'b'

SELECT id FROM users WHERE username BETWEEN 'a' AND 'c'

SELECT id FROM users WHERE username NOT BETWEEN 'a' AND 'c'

SELECT id FROM users WHERE username BETWEEN SYMMETRIC 'c' AND 'a'

SELECT id FROM users WHERE username NOT BETWEEN SYMMETRIC 'c' AND 'a'

SELECT id FROM users WHERE username BETWEEN ASYMMETRIC 'a' AND 'c'

SELECT id FROM users WHERE age BETWEEN 1 + 2 AND length(username) * 10 AND active

SELECT id FROM users WHERE username IN ('alice', 'bob')

SELECT id FROM users WHERE username NOT IN ('alice', 'bob')

SELECT id FROM users WHERE (username, age) IN (('alice', 30), ('bob', 1))

SELECT id FROM users WHERE username IN (SELECT username FROM staging)

SELECT id FROM users WHERE username IN ((SELECT min(title) FROM posts), 'bob')

SELECT id FROM users WHERE username IN ((SELECT min(username) FROM users) || '', 'bob')

SELECT id FROM users WHERE username IN (VALUES ('alice'), ('bob'))

SELECT id FROM users WHERE username IN ((VALUES ('alice')))

SELECT id FROM users WHERE username IN ((SELECT 'alice') UNION (SELECT 'bob'))

SELECT id FROM users WHERE username IN (WITH s AS (SELECT username FROM staging) SELECT username FROM s)

SELECT id FROM users WHERE username = ANY (ARRAY['alice', 'bob'])

SELECT id FROM users WHERE username = ANY ('{alice,bob}')

SELECT id FROM users WHERE username = SOME (SELECT username FROM staging)

SELECT id FROM users WHERE username <> ALL (SELECT username FROM staging)

SELECT id FROM users WHERE username = ANY (VALUES ('alice'), ('bob'))

SELECT id FROM users WHERE username >= ALL (ARRAY(SELECT s.username FROM staging s WHERE s.id < 0))

SELECT id FROM users WHERE 'a' = ANY (tags)

SELECT id FROM users WHERE 'a' <> ALL (tags || '{z}')

SELECT id FROM users WHERE username LIKE ANY (ARRAY['a%', '%b'])

SELECT id FROM users WHERE username NOT ILIKE ALL ('{A%,B%}')

SELECT id FROM users WHERE age * 2 > ANY (SELECT words FROM posts)

SELECT id FROM users WHERE (username, age) = ('alice', 30)

SELECT id FROM users WHERE (username, age) < ('bob', 30)

SELECT id FROM users WHERE ROW(username, age) >= ROW('bob', 30)

SELECT id FROM users WHERE (username, age) = (SELECT 'alice', 30)

SELECT id FROM users WHERE (username, age) <> ALL (SELECT username, age FROM staging)

SELECT id FROM users WHERE (username, age) IS DISTINCT FROM ('alice', 30)

SELECT id FROM users WHERE ROW(username, age) IS NOT DISTINCT FROM ROW('alice', 30)

SELECT id FROM users WHERE username IS DISTINCT FROM 'alice'

SELECT id FROM users WHERE username IS NOT DISTINCT FROM email

SELECT id FROM users WHERE username IS NULL

SELECT id FROM users WHERE username IS NOT NULL

SELECT id FROM users WHERE username ISNULL

SELECT id FROM users WHERE username NOTNULL

SELECT id FROM users WHERE home ISNULL OR (email) NOTNULL

SELECT id, username ISNULL, email NOTNULL FROM users

SELECT id, username ISNULL AS missing FROM users

SELECT id FROM users WHERE ROW(username, email) IS NULL

SELECT id FROM users WHERE (username, email) IS NOT NULL

SELECT id FROM users WHERE (username = 'bob') IS TRUE

SELECT id FROM users WHERE (username = email) IS NOT FALSE

SELECT id FROM users WHERE (username = email) IS UNKNOWN

SELECT id FROM users WHERE (username = email) IS NOT UNKNOWN

SELECT id FROM users WHERE active IS NOT TRUE

SELECT id FROM users WHERE username IS NORMALIZED

SELECT id FROM users WHERE username IS NOT NFKC NORMALIZED

SELECT id FROM users WHERE username IS NFD NORMALIZED

SELECT id FROM users WHERE EXISTS (SELECT 1 FROM posts WHERE posts.user_id = users.id AND title > username)

SELECT id FROM users WHERE NOT EXISTS (SELECT FROM posts p WHERE p.title = username)

SELECT id FROM users WHERE EXISTS ((SELECT 1 FROM posts WHERE title = 'First'))

SELECT id FROM users WHERE EXISTS (VALUES (username))

SELECT id FROM users WHERE (born, born + 10) OVERLAPS (date '1999-12-01', date '2000-01-01')

SELECT id FROM users WHERE (seen, interval '1 day') OVERLAPS (timestamptz '2024-01-01', interval '2 days')

SELECT id FROM users WHERE age = 30 AND (username = 'alice' OR (username = 'dave' AND NOT active) OR id IN (1, 2))

SELECT id FROM users WHERE CASE WHEN username = 'bob' THEN true ELSE false END

SELECT id FROM users WHERE (username = 'alice') = true

SELECT id FROM users WHERE active

SELECT id FROM users WHERE NOT NOT active AND - - age > - 100

SELECT id FROM users WHERE username::text = 'bob'::text

SELECT id FROM users WHERE username COLLATE "C" < 'b' COLLATE "C"

SELECT id FROM users WHERE username::text COLLATE "C" > 'b'

SELECT id FROM users WHERE lower(username) COLLATE pg_catalog."C" = 'bob'

SELECT id FROM users WHERE username COLLATE "C" LIKE 'b%' COLLATE "C"
