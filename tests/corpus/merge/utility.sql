-- EXPLAIN, definitions, settings, maintenance.

--? plan
EXPLAIN SELECT body FROM mail

--? plan
EXPLAIN (COSTS OFF, VERBOSE) SELECT m.sender, p.body FROM mail m JOIN push p ON p.user_id = m.uid

--? plan
EXPLAIN (FORMAT json) UPDATE mail SET body = 'x' WHERE sender = 'Ann' RETURNING *

--? plan
EXPLAIN INSERT INTO mail (uid, body) VALUES (8, 'b')

--? plan
EXPLAIN INSERT INTO push (user_id) VALUES (3) ON CONFLICT (user_id) DO UPDATE SET score = EXCLUDED.score

--? plan
EXPLAIN DELETE FROM mail WHERE body = 'none'

--? plan
EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM push FOR UPDATE

--? plan
EXPLAIN (ANALYZE, COSTS OFF) UPDATE mail SET body = 'x', score = 2 WHERE sender = 'Ann'

--? plan
EXPLAIN ANALYZE INSERT INTO mail (uid, body) SELECT id, name FROM users WHERE id > 7

--? plan
EXPLAIN ANALYZE DELETE FROM mail WHERE handle = 'bob' RETURNING body

--? plan
--$ Ann
EXPLAIN SELECT body FROM mail WHERE sender = $1

--? plan
PREPARE p (text) AS UPDATE mail SET body = $1 WHERE handle = 'ann'
--;
EXPLAIN ANALYZE EXECUTE p ('explained')

--? plan
--? fails
EXPLAIN SELECT body, nonsense FROM mail

CREATE TABLE copied AS SELECT * FROM mail
--;
SELECT * FROM copied ORDER BY uid

CREATE TEMP TABLE copied AS SELECT user_id, body FROM push WHERE sound
--;
SELECT * FROM copied ORDER BY user_id

CREATE TABLE copied AS TABLE shop."Price List" WITH NO DATA
--;
SELECT * FROM copied

SELECT uid, sender INTO copied FROM mail WHERE body = 'likes tea'
--;
SELECT * FROM copied ORDER BY uid

CREATE TEMP TABLE scratch (id integer, body text)
--;
INSERT INTO scratch SELECT uid, body FROM mail
--;
UPDATE scratch SET body = p.body FROM push p WHERE p.user_id = scratch.id
--;
SELECT * FROM scratch ORDER BY id

CREATE VIEW copied AS SELECT uid, body FROM mail WHERE handle IS NOT NULL
--;
SELECT * FROM copied ORDER BY uid

CREATE VIEW copied AS SELECT * FROM push
--;
INSERT INTO push (user_id, body) VALUES (8, 'seen')
--;
SELECT * FROM copied ORDER BY user_id

CREATE VIEW copied AS SELECT user_id, score FROM push
--;
UPDATE push SET score = c.score + 1 FROM copied c WHERE c.user_id = push.user_id
--;
SELECT user_id, score FROM copied ORDER BY user_id

SELECT * FROM quiet ORDER BY user_id

SELECT q.score, p.body, m.body FROM quiet q JOIN push p USING (user_id) LEFT JOIN mail m ON m.uid = user_id ORDER BY user_id

--! dual-write switch-reads contract: a write through a view
UPDATE quiet SET score = 3 WHERE user_id = 4 RETURNING *

CREATE TEMP VIEW copied (a, b, c) AS SELECT m.uid, m.sender, p.body FROM mail m LEFT JOIN push p ON p.user_id = m.uid
--;
SELECT a, b, c FROM copied ORDER BY a

--! switch-reads stop-dual-write contract: WITH CHECK OPTION is supported only on automatically updatable views
CREATE VIEW copied AS SELECT uid, body FROM mail WITH CHECK OPTION
--;
SELECT uid, body FROM copied ORDER BY uid

CREATE MATERIALIZED VIEW copied AS SELECT body, count(*) FROM mail GROUP BY body
--;
REFRESH MATERIALIZED VIEW copied
--;
SELECT * FROM copied ORDER BY body

ANALYZE mail

ANALYZE mail (body, score)

ANALYZE VERBOSE letters, public.push (body, score), mail

ANALYZE (SKIP_LOCKED) shop."Price List" ("order", "House"), shop.stock

COMMENT ON TABLE letters IS 'x'

SELECT nextval('code_seq'), (SELECT body FROM mail WHERE uid = 1)

SHOW search_path
