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

--! switch-reads: ON CONFLICT with columns that have moved
INSERT INTO users (email, bio) VALUES ('ann@example.com', 'by mail') ON CONFLICT (email) DO UPDATE SET bio = EXCLUDED.bio

--! switch-reads: ON CONFLICT with columns that have moved
INSERT INTO users (email, role) VALUES ('ann@example.com', 'by mail') ON CONFLICT (email) DO UPDATE SET role = EXCLUDED.role

--! switch-reads stop-dual-write contract: ON CONFLICT with columns that have moved
INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = users.email

--! switch-reads stop-dual-write contract: ON CONFLICT with columns that have moved
INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.bio

--! switch-reads stop-dual-write contract: ON CONFLICT with columns that have moved
INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET bio = EXCLUDED.bio WHERE users.bio = 'likes tea'

--! switch-reads stop-dual-write contract: SET of several columns at once or of a part of one
INSERT INTO users (id, email, bio) VALUES (1, 'a@x', 'r') ON CONFLICT (id) DO UPDATE SET (bio, email) = (EXCLUDED.bio, EXCLUDED.email)

--! switch-reads stop-dual-write contract: SET of several columns at once or of a part of one
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
