-- INSERT … ON CONFLICT.

INSERT INTO mail (uid, body) VALUES (1, 'lost'), (8, 'kept') ON CONFLICT (uid) DO NOTHING

INSERT INTO mail (uid, body) VALUES (1, 'lost'), (6, 'kept') ON CONFLICT (uid) DO NOTHING RETURNING uid, body

INSERT INTO push (user_id, body) VALUES (1, 'kept'), (3, 'lost') ON CONFLICT DO NOTHING

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid, body) VALUES (1, 'lost') ON CONFLICT DO NOTHING

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid, handle) VALUES (8, 'ann') ON CONFLICT (handle) DO NOTHING

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid, handle) VALUES (8, 'ann') ON CONFLICT DO NOTHING

INSERT INTO mail (uid, body) VALUES (1, 'again') ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body

INSERT INTO mail (uid, body) VALUES (1, 'again'), (6, 'first') ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body, score = EXCLUDED.score

INSERT INTO push (user_id, score) VALUES (1, 9), (3, 9) ON CONFLICT (user_id) DO UPDATE SET score = push.score + 1

INSERT INTO push (user_id, score) VALUES (1, 9), (3, 9), (5, 1) ON CONFLICT (user_id) DO UPDATE SET score = push.score + EXCLUDED.score, sound = NOT push.sound RETURNING *

INSERT INTO mail AS m (uid, quota) VALUES (1, 5), (7, 6) ON CONFLICT (uid) DO UPDATE SET quota = m.quota + EXCLUDED.quota RETURNING m.uid, m.quota, m.body

INSERT INTO mail AS m (uid, score) VALUES (2, 100), (3, 200), (9, 300) ON CONFLICT (uid) DO UPDATE SET score = m.score + 1 WHERE m.score > 15 RETURNING m.uid, m.score

INSERT INTO mail (uid, body, sender) VALUES (1, 'b', 'f') ON CONFLICT (uid) DO UPDATE SET body = 'set', sender = EXCLUDED.sender RETURNING uid, body, sender

--$ 1;param
INSERT INTO mail (uid, body) VALUES ($1, $2) ON CONFLICT (uid) DO UPDATE SET body = $2

--$ 6;param
INSERT INTO mail (uid, body) VALUES ($1, $2) ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body RETURNING uid, body

INSERT INTO mail (uid, tags, settings) VALUES (1, '{new}', '{"n": 1}') ON CONFLICT (uid) DO UPDATE SET tags = mail.tags || EXCLUDED.tags, settings = mail.settings || EXCLUDED.settings

INSERT INTO push (user_id, body) SELECT user_id, 'upserted' FROM push ON CONFLICT (user_id) DO UPDATE SET body = EXCLUDED.body

INSERT INTO mail (uid, body) SELECT uid, body FROM imports ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body RETURNING uid, body

INSERT INTO push (user_id, score) SELECT uid, score FROM mail ON CONFLICT DO NOTHING

INSERT INTO push (user_id, score) SELECT uid, score FROM mail ON CONFLICT (user_id) DO UPDATE SET score = EXCLUDED.score RETURNING user_id, score

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid) VALUES (1) ON CONFLICT (uid) DO UPDATE SET body = DEFAULT, settings = DEFAULT

INSERT INTO mail (uid, body) VALUES (1, 'r') ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body WHERE mail.score > 100

INSERT INTO mail (uid, body) VALUES (1, 'r'), (8, 's') ON CONFLICT ON CONSTRAINT mail_pkey DO NOTHING

INSERT INTO push (user_id, body) VALUES (3, 'r'), (2, 's') ON CONFLICT ON CONSTRAINT push_pkey DO UPDATE SET body = EXCLUDED.body

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid, handle) VALUES (8, 'ann') ON CONFLICT (handle) DO UPDATE SET body = 'by handle'

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid, handle) VALUES (8, 'ann') ON CONFLICT ON CONSTRAINT mail_handle_key DO NOTHING

INSERT INTO mail (uid, body) VALUES (1, 'r') ON CONFLICT (uid) DO UPDATE SET body = mail.sender || EXCLUDED.body, handle = NULL

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid, body) VALUES (1, 'r'), (8, 'r') ON CONFLICT (uid) DO UPDATE SET (body, sender) = (EXCLUDED.body, EXCLUDED.sender)

INSERT INTO mail (uid, body) VALUES (1, 'r') ON CONFLICT (uid) DO UPDATE SET body = (SELECT title FROM letters WHERE id = 1)

INSERT INTO push (user_id) VALUES (3) ON CONFLICT (user_id) DO UPDATE SET body = tick() RETURNING body

WITH n AS (INSERT INTO mail (uid, body) VALUES (1, 'r'), (8, 's') ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body RETURNING uid, body) SELECT * FROM n ORDER BY uid

INSERT INTO shop.stock (house, item, amount) VALUES ('north', 1, 5), ('south', 2, 6) ON CONFLICT (house, item) DO UPDATE SET amount = stock.amount + EXCLUDED.amount RETURNING *

INSERT INTO shop.stock VALUES ('north', 1), ('south', 2) ON CONFLICT DO NOTHING RETURNING house, item

INSERT INTO shop."Price List" VALUES (1, 'north', 1, 5), (2, 'north', 2, 6) ON CONFLICT ("House", "Item No") DO UPDATE SET "order" = EXCLUDED."order" + 1, "Größe" = EXCLUDED."Größe" RETURNING *

INSERT INTO shop."Price List" AS p VALUES (1, 'north', 1, 5) ON CONFLICT ("Item No", "House") DO UPDATE SET "Größe" = p."Größe" * 2 WHERE p."order" < EXCLUDED."order" RETURNING p.*

--? fails
INSERT INTO mail (uid, body) VALUES (1, 'r'), (1, 's') ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body

--? fails
INSERT INTO mail (uid, body) VALUES (8, 'r'), (8, 's') ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body

INSERT INTO mail (uid, body) VALUES (8, 'r'), (8, 's') ON CONFLICT (uid) DO NOTHING RETURNING uid

--? fails
INSERT INTO mail (uid, body) VALUES (1, 'r') ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.nonsense

--? fails
INSERT INTO mail (uid, quota) VALUES (1, 1) ON CONFLICT (uid) DO UPDATE SET quota = -5

--? fails
INSERT INTO mail (uid, body) VALUES (77, 'nobody') ON CONFLICT (uid) DO UPDATE SET body = EXCLUDED.body

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
--? fails
INSERT INTO mail (uid, body) VALUES (1, 'r') ON CONFLICT (body) DO NOTHING

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid, tags) VALUES (1, '{new}') ON CONFLICT (uid) DO UPDATE SET tags[1] = 'part'

--! switch-reads stop-dual-write contract: this ON CONFLICT on a merged table
INSERT INTO mail (uid, settings) VALUES (1, '{}'), (8, '{}') ON CONFLICT (uid) DO UPDATE SET settings['size'] = '4'
