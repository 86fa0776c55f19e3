-- INSERT … ON CONFLICT.

--! switch-reads stop-dual-write contract: ON CONFLICT with columns that have moved
INSERT INTO users (id, email, bio) VALUES (1, 'other@x', 'lost') ON CONFLICT DO NOTHING

INSERT INTO users (id, email, bio) VALUES (1, 'other@x', 'lost'), (70, 'seventy@x', 'kept') ON CONFLICT (id) DO NOTHING RETURNING id, bio

INSERT INTO users (email, bio) VALUES ('ann@example.com', 'lost'), ('new@x', 'kept') ON CONFLICT (email) DO NOTHING

--! switch-reads stop-dual-write contract: ON CONFLICT with columns that have moved
INSERT INTO users (email, slug) VALUES ('new@x', 'ann') ON CONFLICT (slug) DO NOTHING

INSERT INTO users (id, email, bio) VALUES (1, 'ann@example.com', 'again') ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio

INSERT INTO users (id, email, bio) VALUES (1, 'ann@example.com', 'again'), (71, 'x@x', 'first') ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio, role = EXCLUDED.role

INSERT INTO users (id, email, role) VALUES (1, 'ann@example.com', 'boss') ON CONFLICT (id) DO UPDATE SET role = EXCLUDED.role

INSERT INTO users (id, email, role) VALUES (1, 'a', 'boss'), (72, 'b', 'b') ON CONFLICT (id) DO UPDATE SET score = users.score + 1

INSERT INTO users AS u (id, email, first_name) VALUES (2, 'b@x', 'Robert') ON CONFLICT (id) DO UPDATE SET first_name = EXCLUDED.first_name, email = EXCLUDED.email

INSERT INTO users AS u (id, email, balance) VALUES (1, 'a@x', 5) ON CONFLICT (id) DO UPDATE SET balance = u.balance + EXCLUDED.balance

INSERT INTO users AS u (id, email, balance, score) VALUES (1, 'a@x', 5, 3) ON CONFLICT (id) DO UPDATE SET balance = u.balance + EXCLUDED.balance, score = u.score + EXCLUDED.score RETURNING *

INSERT INTO users (id, email, bio, first_name) VALUES (1, 'a@x', 'b', 'f') ON CONFLICT (id) DO UPDATE SET bio = 'set', first_name = EXCLUDED.first_name RETURNING id, bio, first_name, email

--$ 1;p@x;param
INSERT INTO users (id, email, bio) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET bio = $3, email = $2

--$ 80;p@x;param
INSERT INTO users (id, email, bio) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio RETURNING id, bio

INSERT INTO users (id, email, tags, settings) VALUES (1, 'a@x', '{new}', '{"n": 1}') ON CONFLICT (id) DO UPDATE SET tags = users.tags || EXCLUDED.tags, settings = users.settings || EXCLUDED.settings

INSERT INTO users (id, email, bio) SELECT id, email, 'upserted' FROM users ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio

INSERT INTO users (id, email, bio) SELECT id, email, bio FROM imports ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio RETURNING id, bio

INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET bio = DEFAULT, settings = DEFAULT

INSERT INTO users (id, email, role) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET role = EXCLUDED.role WHERE users.score > 100

INSERT INTO users (id, email, role) VALUES (1, 'a@x', 'r') ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET bio = EXCLUDED.bio

INSERT INTO users (email, bio) VALUES ('ann@example.com', 'by mail') ON CONFLICT (email) DO UPDATE SET bio = EXCLUDED.bio

INSERT INTO users (email, role) VALUES ('ann@example.com', 'by mail') ON CONFLICT (email) DO UPDATE SET role = EXCLUDED.role

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = users.email

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.bio

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio WHERE users.bio = 'likes tea'

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET (bio, email) = (EXCLUDED.bio, EXCLUDED.email)

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET (bio, first_name) = ROW (EXCLUDED.bio, 'row')

WITH n AS (INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r'), (73, 'b@x', 's') ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio RETURNING id, bio) SELECT * FROM n ORDER BY id

INSERT INTO seats (hall, number, note, price) VALUES ('red', 1, 'upserted', 1), ('red', 9, 'fresh', 2) ON CONFLICT (hall, number) DO UPDATE SET note = EXCLUDED.note, price = seats.price + EXCLUDED.price

INSERT INTO seats (hall, number, holder, price) VALUES ('red', 1, 'x', 1) ON CONFLICT (hall, number) DO UPDATE SET holder = EXCLUDED.holder RETURNING *

INSERT INTO seats (hall, number, holder, price) VALUES ('red', 1, 'x', 1) ON CONFLICT DO NOTHING RETURNING *

INSERT INTO "Person" ("Id", "Full Name", "order") VALUES (1, 'A', 5), (9, 'N', 6) ON CONFLICT ("Id") DO UPDATE SET "order" = EXCLUDED."order" + 1, "Full Name" = EXCLUDED."Full Name" RETURNING *

INSERT INTO follows VALUES (1, 2), (3, (SELECT id FROM users WHERE slug = 'eve')) ON CONFLICT DO NOTHING RETURNING *

--? fails
INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r'), (1, 'b@x', 's') ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio

--? fails
INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.nonsense

--? fails
INSERT INTO users (id, email, balance) VALUES (1, 'a@x', 1) ON CONFLICT (id) DO UPDATE SET balance = -5

-- Computed of both tables.

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r'), (74, 'n@x', 'new'), (2, 'b@x', NULL) ON CONFLICT (id) DO UPDATE SET bio = users.email || EXCLUDED.bio, score = length(users.bio), email = EXCLUDED.email RETURNING *

INSERT INTO users AS u (id, email, bio, score) VALUES (2, 'x@x', 'r', 3) ON CONFLICT (id) DO UPDATE SET first_name = left(u.email, 4), bio = coalesce(u.bio, EXCLUDED.email), score = u.score + EXCLUDED.score RETURNING u.*, u.score + 1

INSERT INTO users (id, email, bio) VALUES (75, 'x@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = users.email, score = 1 / (users.score - users.score) RETURNING id, bio, score

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r'), (3, 'c@x', 's'), (76, 'd@x', 't') ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.email WHERE users.bio = 'likes tea' OR EXCLUDED.bio = 't' RETURNING id, bio

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r'), (3, 'c@x', 's') ON CONFLICT (id) DO UPDATE SET score = 100 / (users.score - 30) WHERE length(users.bio) + users.score < 12

INSERT INTO users (id, email, bio, balance) VALUES (1, 'a@x', 'r', 7.128) ON CONFLICT (id) DO UPDATE SET role = users.bio || EXCLUDED.balance || EXCLUDED.bio RETURNING role, balance

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = DEFAULT, role = DEFAULT, tags = users.tags || users.email RETURNING bio, role, tags

INSERT INTO users (id, email, bio) VALUES (3, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = (SELECT string_agg(p.title || users.email || EXCLUDED.bio, ',' ORDER BY p.id) FROM posts p WHERE p.bio = users.bio OR p.user_id < users.id), settings = EXCLUDED.settings

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = users::text

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET settings = to_jsonb(users), bio = num_nulls(users.*)::text

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = tick() || users.email RETURNING bio

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = tick(), role = EXCLUDED.bio

INSERT INTO users (id, email, bio) VALUES (3, tick(), tick()) ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email || EXCLUDED.bio, bio = users.role RETURNING email, bio

INSERT INTO users (id, email, bio) SELECT id, 'i' || id, bio FROM imports ON CONFLICT (id) DO UPDATE SET bio = users.email || coalesce(users.bio, ''), email = coalesce(EXCLUDED.bio, 'none') RETURNING id, bio, email

INSERT INTO users (id, email, bio) SELECT id, email, bio FROM users ORDER BY id DESC ON CONFLICT (id) DO UPDATE SET bio = users.id || users.email WHERE users.bio IS NOT NULL

--$ 1;a@x;r;!
INSERT INTO users (id, email, bio) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET bio = users.email || $4 || EXCLUDED.bio, first_name = $3 RETURNING bio, first_name

--$ 1;x@x;likes tea
INSERT INTO users (id, email) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email WHERE users.bio = $3

INSERT INTO users (id, email, bio) VALUES (90, 'ann@example.com', 'by mail'), (91, 'bob@example.com', 'too'), (92, 'new@x', 'new') ON CONFLICT (email) DO UPDATE SET bio = users.id || EXCLUDED.bio || EXCLUDED.id RETURNING id, email, bio

INSERT INTO users (email, bio) VALUES ('ann@example.com', 'by mail') ON CONFLICT ON CONSTRAINT users_email_key DO UPDATE SET email = users.bio, bio = EXCLUDED.email RETURNING id, email, bio

INSERT INTO users (email, bio) VALUES ('ann@example.com', 'by mail'), ('new@x', 'new') ON CONFLICT (email) DO UPDATE SET email = EXCLUDED.email, bio = users.role

INSERT INTO users (id, email, slug) OVERRIDING SYSTEM VALUE VALUES (3, 'x@x', 'slug') ON CONFLICT (id) DO UPDATE SET slug = users.role, role = users.bio RETURNING slug, role

INSERT INTO seats (hall, number, note, price) VALUES ('red', 1, 'upserted', 1), ('red', 9, 'fresh', 2), ('blue', 1, NULL, 3) ON CONFLICT (hall, number) DO UPDATE SET note = seats.holder || EXCLUDED.price, price = length(seats.note), holder = seats.note || seats.price RETURNING *

INSERT INTO "Person" ("Id", "Full Name", "order") VALUES (1, 'A', 5), (3, 'B', NULL), (9, 'N', 6) ON CONFLICT ("Id") DO UPDATE SET "order" = length("Person"."Full Name"), "Full Name" = "Person"."order" || EXCLUDED."Full Name", "Größe" = EXCLUDED."order" RETURNING *

WITH n AS (INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r'), (77, 'b@x', 's') ON CONFLICT (id) DO UPDATE SET bio = users.email RETURNING id, bio) SELECT * FROM n ORDER BY id

WITH n AS (INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r'), (77, 'b@x', 's') ON CONFLICT (id) DO UPDATE SET bio = users.email) SELECT 1

WITH w AS (SELECT 'w' AS word) INSERT INTO users (id, email, bio) SELECT 1, word, word FROM w ON CONFLICT (id) DO UPDATE SET bio = users.email || EXCLUDED.bio

INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'skip'), (1, 'b@x', 'take') ON CONFLICT (id) DO UPDATE SET bio = users.email WHERE EXCLUDED.bio = 'take' RETURNING id, bio

--? fails
INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'take'), (1, 'b@x', 'skip') ON CONFLICT (id) DO UPDATE SET bio = users.email WHERE EXCLUDED.bio = 'take' RETURNING id, bio

--? fails
INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r'), (1, 'b@x', 's') ON CONFLICT (id) DO UPDATE SET bio = users.email

--? fails
INSERT INTO users (id, email, bio) VALUES (78, 'a@x', 'r'), (78, 'b@x', 's') ON CONFLICT (id) DO UPDATE SET bio = users.email

--? fails
INSERT INTO users (id, bio) VALUES (1, 'r') ON CONFLICT (id) DO UPDATE SET bio = users.email

--? fails
INSERT INTO users (id, email, role, bio) VALUES (1, 'a@x', NULL, 'r') ON CONFLICT (id) DO UPDATE SET bio = users.email, role = 'set'

--? fails
INSERT INTO users (id, email, settings) VALUES (1, 'a@x', NULL) ON CONFLICT (id) DO UPDATE SET bio = users.email, settings = '{}'

--? fails
INSERT INTO users (id, email, first_name) VALUES (1, 'a@x', 'much longer than twelve') ON CONFLICT (id) DO UPDATE SET bio = users.email, first_name = 'short'

--? fails
INSERT INTO users (id, email, balance) VALUES (1, 'a@x', -1) ON CONFLICT (id) DO UPDATE SET bio = users.email, balance = 1

--? fails
INSERT INTO users (id, email, balance) VALUES (1, 'a@x', 1) ON CONFLICT (id) DO UPDATE SET bio = users.email, balance = -1

--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET slug = users.email, email = 'bob@example.com'

--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET slug = left(users.email, 0) || 'bob'

--~ switch-reads stop-dual-write contract: the message names another clause
--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET bio = max(users.email)

--~ switch-reads stop-dual-write contract: the message names another clause
--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET bio = row_number() OVER () || users.email

--~ switch-reads stop-dual-write contract: the message names another clause
--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET bio = regexp_split_to_table(users.email, '@')

--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET bio = email

--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET bio = users.email, bio = users.role

--~ switch-reads stop-dual-write contract: the position of the error is another
--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (id) DO UPDATE SET score = users.bio

--? fails
INSERT INTO users (id, email) VALUES (1, 'a@x') ON CONFLICT (role) DO UPDATE SET bio = users.email

-- Parts of columns.

--! switch-reads stop-dual-write contract: an assignment to a part of a column
INSERT INTO users (id, email, tags) VALUES (1, 'a@x', '{new}') ON CONFLICT (id) DO UPDATE SET tags[1] = 'part' RETURNING tags

--! switch-reads stop-dual-write contract: an assignment to a part of a column
INSERT INTO users (id, email, settings) VALUES (1, 'a@x', '{}'), (71, 'b@x', '{}') ON CONFLICT (id) DO UPDATE SET role = CASE WHEN EXCLUDED.role = 'member' THEN 'same' ELSE 'other' END, settings['size'] = '4'
