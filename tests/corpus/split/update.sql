-- UPDATE of columns that stay, that move, and both.

UPDATE users SET role = 'x' WHERE id = 1

UPDATE users SET bio = 'x' WHERE id = 1

UPDATE users SET bio = 'x', role = 'y' WHERE id = 1

UPDATE users SET bio = email, role = first_name WHERE first_name IS NOT NULL

UPDATE users SET bio = upper(bio), score = score + 1 WHERE bio LIKE 'l%'

UPDATE users SET role = bio WHERE bio IS NOT NULL

UPDATE users SET first_name = left(email, 3), balance = score

UPDATE users SET bio = first_name, first_name = left(bio, 12)

UPDATE users SET score = score + 1

UPDATE users SET balance = balance + 1

UPDATE users SET bio = NULL, first_name = NULL WHERE slug = 'eve'

UPDATE users SET bio = DEFAULT, settings = DEFAULT, score = DEFAULT WHERE id < 3

UPDATE users SET bio = 'nobody' WHERE false

UPDATE users SET bio = bio

--$ changed;2
UPDATE users SET bio = $1 WHERE id = $2

--$ changed;2;role
UPDATE users SET bio = $1, role = $3 WHERE id = $2 RETURNING *

--$ 1.5;Ann
UPDATE users SET balance = balance + $1 WHERE first_name = $2 RETURNING id, balance

--$ {"n": 1};{z,NULL}
UPDATE users SET settings = settings || $1, tags = $2 WHERE jsonb_typeof(settings) = 'object' RETURNING settings, tags

--$ \N;3
UPDATE users SET slug = $1, bio = $1 WHERE id = $2 RETURNING slug, bio

--$ sad;fr
UPDATE users SET feels = $1 WHERE country = $2 AND feels = $1 RETURNING feels

UPDATE users SET bio = 'x' WHERE id = 1 RETURNING *

UPDATE users SET bio = 'x' WHERE id = 1 RETURNING id, bio, email

UPDATE users SET role = 'x' WHERE bio = 'likes tea' RETURNING id, role

UPDATE users SET role = 'x' WHERE id < 3 RETURNING id, bio, role

UPDATE users SET role = 'x' RETURNING bio || role

UPDATE users u SET bio = u.email || u.id WHERE u.role = 'guest' RETURNING u.id, u.bio, u.*

UPDATE users AS u SET score = 1 WHERE u.slug = 'ann' RETURNING u.slug, (SELECT count(*) FROM posts p WHERE p.user_id = u.id)

UPDATE users SET bio = 'x' WHERE id = 2 RETURNING row_to_json(users)

UPDATE users SET bio = 'x' WHERE id = 2 RETURNING users

UPDATE users SET (bio, role) = ('p', 'q') WHERE id = 1

UPDATE users SET (bio, first_name) = ROW (first_name, left(bio, 12)) WHERE id = 1 RETURNING bio, first_name

UPDATE users SET (bio, role) = (SELECT title, p.bio FROM posts p WHERE p.id = 1) WHERE id = 1

UPDATE users SET (bio, role) = (DEFAULT, DEFAULT) WHERE id = 1

UPDATE users SET (email, role) = (SELECT 'e-' || id, 'r') WHERE id = 4

UPDATE users SET bio = (SELECT title FROM posts WHERE user_id = users.id ORDER BY id LIMIT 1) WHERE id IN (1, 2)

UPDATE users SET balance = (SELECT sum(balance) FROM users) WHERE slug IS NOT NULL

UPDATE users SET score = (SELECT count(*) FROM posts p WHERE p.bio = users.bio)

UPDATE users SET bio = 'x' WHERE id IN (SELECT user_id FROM posts WHERE bio IS NOT NULL)

UPDATE users SET role = 'x' WHERE bio IN (SELECT bio FROM posts)

UPDATE users SET bio = 'x' WHERE EXISTS (SELECT FROM posts p WHERE p.user_id = users.id AND p.bio IS DISTINCT FROM users.bio)

UPDATE users SET balance = 1 WHERE balance = (SELECT max(balance) FROM users)

UPDATE users SET bio = p.title FROM posts p WHERE p.user_id = users.id AND p.id <> 2

UPDATE users u SET bio = p.bio, role = p.title FROM posts p WHERE p.user_id = u.id AND p.id IN (1, 3, 5)

UPDATE users SET role = p.title FROM posts p WHERE p.bio = users.bio AND p.id = 3

UPDATE users a SET bio = b.bio FROM users b WHERE b.id = a.id + 1

UPDATE users a SET balance = a.balance + b.balance, score = b.score FROM users b JOIN follows f ON f.followed = b.id WHERE f.follower = a.id AND f.followed <> 3

UPDATE users SET bio = v.b FROM (VALUES (1, 'one'), (2, 'two')) v (id, b) WHERE v.id = users.id

UPDATE users SET first_name = i.first_name, bio = i.bio FROM imports i WHERE i.email = users.email

UPDATE users SET slug = slug || '-' || c.name FROM countries c WHERE c.code = users.country

UPDATE users SET bio = p.title FROM posts p WHERE p.user_id = users.id AND p.id = 1 RETURNING users.id, users.bio, p.title

UPDATE users SET role = p.title FROM posts p WHERE p.user_id = users.id AND p.id = 1 RETURNING users.id, users.role, p.title

UPDATE users SET role = p.title FROM posts p WHERE p.user_id = users.id AND p.id = 1 RETURNING users.*, p.*

UPDATE users u SET score = 7 FROM posts p WHERE p.user_id = u.id AND p.bio = u.bio RETURNING u.bio, p.id

UPDATE users a SET balance = b.balance FROM users b WHERE b.id = 1 AND a.id = 2 RETURNING a.*, b.first_name

UPDATE users SET bio = p.title FROM posts p WHERE p.user_id = users.id AND p.id IN (2, 3) RETURNING *

UPDATE users SET bio = p.title FROM posts p WHERE p.user_id = users.id AND p.id IN (2, 3) RETURNING title, users.bio, p.bio, p.tags, settings, p.*

UPDATE users u SET bio = 'x' FROM posts p LEFT JOIN badges b ON b.user_id = p.user_id WHERE p.user_id = u.id AND p.id = 3 RETURNING u.bio, p.title, b.label, b.user_id

UPDATE users u SET score = 1 FROM posts p, follows f WHERE p.user_id = u.id AND f.follower = u.id AND p.id = 1 AND f.followed = 2 RETURNING u.first_name, f.followed, p.title || u.email AS both, upper(u.slug)

UPDATE users u SET bio = v.b, role = v.b FROM (VALUES (1, 'one'), (2, 'two')) v (id, b) WHERE v.id = u.id RETURNING u.id, u.bio, v.b, v.id AS vid

UPDATE users u SET first_name = i.first_name, bio = i.bio FROM (SELECT email AS mail, first_name, bio FROM imports) i WHERE i.mail = u.email RETURNING i.mail, u.*

UPDATE users u SET bio = w.n::text FROM (SELECT user_id, count(*) AS n FROM posts GROUP BY user_id) w WHERE w.user_id = u.id RETURNING u.id, u.bio, w.n

UPDATE users a SET bio = b.bio FROM users b WHERE b.id = a.id + 1 AND a.id = 4 RETURNING a.bio, b.bio, a.email, b.email, b.settings

UPDATE users a SET role = b.first_name FROM users b WHERE b.id = a.id + 1 AND a.slug IS NOT NULL AND b.first_name IS NOT NULL RETURNING *

UPDATE users u SET bio = s.note FROM seats s WHERE s.holder = u.slug RETURNING u.bio, s.hall, s.note, s.price

UPDATE users u SET bio = p."Größe"::text FROM "Person" p WHERE p."Id" = u.id RETURNING u.id, p.*

UPDATE users u SET bio = p.title FROM posts p WHERE p.user_id = u.id AND p.id = 1 RETURNING row_to_json(u), (SELECT count(*) FROM posts q WHERE q.id < p.id)

--! switch-reads stop-dual-write contract: RETURNING over several relations, with columns that have moved
UPDATE users u SET bio = p.title FROM posts p WHERE p.user_id = u.id AND p.id = 1 RETURNING row_to_json(p)

--! switch-reads stop-dual-write contract: RETURNING over several relations, with columns that have moved
UPDATE users u SET bio = p.title FROM posts p WHERE p.user_id = u.id AND p.id = 1 RETURNING p

--! switch-reads stop-dual-write contract: RETURNING over several relations, with columns that have moved
UPDATE users u SET bio = p.title FROM posts p WHERE p.user_id = u.id AND p.id = 1 RETURNING p.ctid IS NOT NULL

--! switch-reads stop-dual-write contract: RETURNING over several relations, with columns that have moved
UPDATE users u SET bio = p.title FROM posts_of(1) p WHERE p.user_id = u.id AND p.id = 1 RETURNING u.bio, p.title

UPDATE users u SET bio = g::text FROM generate_series(1, 2) g WHERE g = u.id RETURNING u.bio, g

--! switch-reads stop-dual-write contract: RETURNING over several relations, with columns that have moved
UPDATE users u SET bio = p.title FROM posts p JOIN imports i USING (id) WHERE p.user_id = u.id RETURNING u.bio, i.email

--$ 1;from a parameter
UPDATE users u SET bio = $2 FROM posts p WHERE p.user_id = u.id AND p.id = $1 RETURNING u.bio, p.title

WITH w AS (UPDATE users u SET bio = p.title FROM posts p WHERE p.user_id = u.id AND p.id IN (1, 3) RETURNING u.id, u.bio, p.title) SELECT * FROM w ORDER BY id

WITH n AS (SELECT id, title FROM posts WHERE id IN (1, 3)) UPDATE users u SET bio = n.title FROM posts p JOIN n ON n.id = p.id WHERE p.user_id = u.id RETURNING u.id, n.title, p.bio

UPDATE seats s SET note = u.bio FROM users u WHERE u.slug = s.holder RETURNING s.*, u.first_name

UPDATE seats s SET holder = t.holder FROM seats t WHERE t.hall = s.hall AND t.number = s.number + 1 RETURNING s.hall, s.number, s.note, t.note AS other

UPDATE posts SET bio = u.bio FROM users u WHERE u.id = posts.user_id

UPDATE posts SET title = u.email, bio = coalesce(u.first_name, '?') FROM users u WHERE u.id = posts.user_id RETURNING posts.*, u.slug

UPDATE posts SET bio = (SELECT bio FROM users WHERE id = user_id) WHERE user_id IS NOT NULL RETURNING id, bio

UPDATE posts SET bio = 'own' WHERE bio = 'x'

UPDATE users SET tags = tags || 'new'::text, settings = jsonb_set(settings, '{size}', '9') WHERE jsonb_typeof(settings) = 'object'

UPDATE users SET tags = array_remove(tags, 'b'), seen_at = seen_at + interval '1 day', feels = 'sad' RETURNING id, tags, seen_at AT TIME ZONE 'UTC', feels

UPDATE users SET tags[1] = 'first' WHERE id = 1

UPDATE users SET settings['theme'] = '"blue"' WHERE id = 1

UPDATE users SET bio = tick() WHERE id < 4

UPDATE users SET bio = tick(), role = tick() WHERE id = 1 RETURNING bio, role

UPDATE users SET balance = 1.005 WHERE id = 1 RETURNING balance

UPDATE users SET first_name = 'exactly 12ch   ' WHERE id = 1 RETURNING first_name

UPDATE users SET balance = 5, first_name = 'x' || 5, tags = ARRAY['a', NULL], seen_at = date '2024-01-01' WHERE id = 1 RETURNING balance, first_name, tags, seen_at AT TIME ZONE 'UTC'

--$ 7;x
UPDATE users SET balance = $1 + 1, first_name = ($2) WHERE id = 1 RETURNING balance, first_name

UPDATE users SET id = 40 WHERE id = 1

UPDATE users SET id = id + 100 WHERE NOT id IN (3, 6)

UPDATE users SET id = 41 WHERE first_name = 'Bob' RETURNING id, first_name, bio

UPDATE users SET id = 41, role = 'moved' WHERE id = 4 RETURNING *

UPDATE users SET id = 41, bio = 'moved' WHERE id = 4

UPDATE users SET id = 41, bio = 'moved' WHERE id = 4 RETURNING *

UPDATE users SET id = id + 100, bio = upper(bio), role = first_name WHERE first_name IS NOT NULL AND id < 6

UPDATE users SET id = id + 100, bio = email || id, score = length(bio) WHERE bio IS NOT NULL AND id NOT IN (3, 6) RETURNING id, email, bio, score, balance

UPDATE users SET id = id * 10, balance = balance + 1 WHERE slug = 'ann' RETURNING id, balance, slug

UPDATE users SET id = id - 1, bio = 'back' WHERE id IN (1, 2)

--? fails
UPDATE users SET id = id + 1, bio = 'on' WHERE id IN (1, 2)

--? fails
UPDATE users SET id = 2, bio = 'taken' WHERE id = 1

--? fails
UPDATE users SET id = 3, bio = 'taken', role = 'x' WHERE id = 5 RETURNING id

--? fails
UPDATE users SET id = NULL, bio = 'none' WHERE id = 1

--? fails
UPDATE users SET id = 60, bio = 'referred' WHERE id = 6

UPDATE users SET id = 60, bio = 'nobody' WHERE false RETURNING id, bio

UPDATE users SET id = id, bio = 'same' WHERE id < 4 RETURNING id, bio

--? fails
UPDATE users SET id = 41, balance = -1 WHERE id = 4

--? fails
UPDATE users SET id = 41, slug = 'ann' WHERE id = 4

--? fails
UPDATE users SET id = 41, phone = 'not a number' WHERE id = 4

UPDATE users SET id = DEFAULT, bio = DEFAULT WHERE id = 4 RETURNING id > 5, bio

UPDATE users SET (id, bio) = (41, 'both') WHERE id = 4 RETURNING id, bio

UPDATE users SET id = 41.4, bio = tick() WHERE id = 4 RETURNING id, bio

UPDATE users SET bio = tick(), id = id + 100, role = tick() WHERE id = 1 RETURNING id, bio, role

--$ 41;moved;4
UPDATE users SET id = $1, bio = $2 WHERE id = $3

--$ 41;moved;Dave
UPDATE users SET id = $1, bio = $2 WHERE first_name = $3 RETURNING id, bio, email

UPDATE users u SET id = u.id + 100, bio = p.title FROM posts p WHERE p.user_id = u.id AND p.id IN (2, 3) RETURNING u.id, u.bio, p.title, p.id

UPDATE users u SET id = u.id + 100, bio = p.title || p.id FROM posts p WHERE p.user_id = u.id AND p.id IN (3, 5)

UPDATE users u SET id = 41 FROM posts p WHERE p.user_id = u.id AND p.id = 5 RETURNING u.id, u.bio, p.title

UPDATE users u SET id = u.id + 100, role = p.title FROM posts p WHERE p.user_id = u.id AND p.id IN (2, 3) RETURNING u.*, p.title

UPDATE users a SET id = a.id + 100, bio = b.bio, score = b.score FROM users b WHERE b.id = a.id + 1 AND a.id IN (1, 4) RETURNING a.id, a.bio, b.bio, b.id

WITH w AS (UPDATE users SET id = 41, bio = 'with' WHERE id = 4 RETURNING id, bio) SELECT * FROM w

WITH w AS (UPDATE users SET id = 41, bio = 'with' WHERE id = 4) SELECT count(*) FROM posts

WITH w AS (SELECT 41 AS n) UPDATE users SET id = w.n, bio = 'with' FROM w WHERE users.id = 4 RETURNING users.id, users.bio, w.n

UPDATE seats SET hall = 'green', note = 'moved' WHERE hall = 'red'

UPDATE seats SET number = number + 10, note = holder, price = price + 1 WHERE hall = 'red' RETURNING *

--? fails
UPDATE seats SET number = 7, note = 'taken' WHERE (hall, number) = ('blue', 1)

UPDATE "Person" SET "Id" = "Id" + 50, "Full Name" = "Full Name" || "order" WHERE "Größe" > 1 RETURNING *

UPDATE "Person" SET "Id" = 50, "Größe" = 1 WHERE "Id" = 2

UPDATE seats SET number = number + 10 WHERE hall = 'red'

UPDATE seats SET note = 'x' WHERE hall = 'red'

UPDATE seats SET note = holder, price = price * number WHERE (hall, number) = ('red', 1) RETURNING *

UPDATE seats SET holder = note WHERE price > 9 RETURNING hall, number, holder

UPDATE seats s SET note = t.note FROM seats t WHERE t.hall = s.hall AND t.number = s.number + 1

UPDATE seats SET note = u.bio, holder = u.email FROM users u WHERE u.slug = seats.holder

UPDATE "Person" SET "order" = "order" + 1, "Full Name" = "Full Name" || "order" WHERE "Größe" > 1 RETURNING *

UPDATE "Person" SET "Größe" = NULL

UPDATE "Person" p SET "Größe" = u.balance FROM users u WHERE u.id = p."Id"

WITH w AS (SELECT id, 'from with' AS b FROM users WHERE bio = 'likes tea') UPDATE users SET bio = w.b FROM w WHERE w.id = users.id

WITH w AS (UPDATE users SET bio = 'w', role = 'w' WHERE id < 3 RETURNING id, bio, role) SELECT * FROM w ORDER BY id

WITH w AS (UPDATE users SET bio = 'w' WHERE id < 3) SELECT count(*) FROM posts

WITH w AS (UPDATE users SET bio = bio || '!' WHERE bio IS NOT NULL RETURNING id, bio) UPDATE posts SET bio = w.bio FROM w WHERE w.id = posts.user_id RETURNING posts.id, posts.bio

WITH p AS (UPDATE posts SET title = title || '!' RETURNING user_id, title) UPDATE users SET role = 'author' WHERE id IN (SELECT user_id FROM p)

WITH p AS (UPDATE posts SET title = title || '!' WHERE id = 1 RETURNING user_id, title) UPDATE users SET bio = (SELECT title FROM p) WHERE id IN (SELECT user_id FROM p) RETURNING id, bio

UPDATE ONLY users SET bio = 'only' WHERE id = 1

UPDATE public.users SET bio = 'schema' WHERE public.users.id = 1

--! switch-reads stop-dual-write contract: a query that names a system column
UPDATE users SET bio = 'x' WHERE ctid = (SELECT ctid FROM users WHERE id = 1)

UPDATE members SET role = 'x' WHERE id = 2

UPDATE members SET role = u.bio FROM users u WHERE u.id = members.id AND u.bio IS NOT NULL

UPDATE users SET bio = CASE WHEN score > 10 THEN 'high' ELSE 'low' END, tags[1] = 'one', (role, slug) = ('r', 's') WHERE id = 1 RETURNING bio, tags, role, slug

UPDATE users SET role = CASE role WHEN 'admin' THEN 'boss' ELSE role END, settings['size'] = '4' WHERE id IN (1, 2) RETURNING role, settings

UPDATE users SET bio = 'x' FROM posts p JOIN badges b ON CASE WHEN b.user_id > 1 THEN true END, follows f WHERE p.user_id = users.id AND f.follower = users.id AND f.followed = 1 AND p.id = 3 AND b.label = 'gold' RETURNING users.bio, p.title, f.followed, b.label

-- What PostgreSQL calls the columns.

UPDATE users SET bio = 'x' WHERE id = 1 RETURNING CASE WHEN score > 1 THEN 'a' ELSE coalesce(bio, 'b') END, CASE WHEN true THEN 'a' ELSE (SELECT 'b' AS one) END, CASE WHEN true THEN 'a' ELSE bio END

UPDATE users SET bio = 'x' WHERE id = 1 RETURNING CASE WHEN true THEN 'a' END::text, CASE WHEN true THEN 1 ELSE 2::bigint END, (score + 1)::text::varchar, (SELECT 1)::text, (SELECT 1 AS one)::text

UPDATE users SET bio = 'x' WHERE id = 1 RETURNING NOT EXISTS (SELECT 1), EXISTS (SELECT 1), coalesce(bio, 'b')::varchar, CASE WHEN true THEN 1 ELSE CASE WHEN true THEN 2 ELSE score END END

INSERT INTO users (email, bio) VALUES ('a@x', 'b') RETURNING CASE WHEN true THEN 'a' ELSE upper(bio) END, (CASE WHEN true THEN 'a' END)::varchar, NOT EXISTS (SELECT 1)

DELETE FROM users WHERE id = 4 RETURNING CASE WHEN true THEN 'a' ELSE upper(bio) END, CASE WHEN true THEN 'a' END::varchar, NOT EXISTS (SELECT 1)

UPDATE users u SET bio = 'x' WHERE id = 1 RETURNING (u).*, u.id

UPDATE users SET role = 'x' WHERE id = 1 RETURNING (users).*
