-- EXPLAIN, definitions, settings, maintenance.

EXPLAIN (COSTS OFF) SELECT title FROM posts

EXPLAIN (COSTS OFF) SELECT id, role FROM users WHERE id = 1

--? plan
EXPLAIN SELECT bio FROM users

--? plan
EXPLAIN (COSTS OFF, VERBOSE) SELECT u.first_name, p.title FROM users u JOIN posts p ON p.user_id = u.id

--? plan
EXPLAIN (FORMAT json) UPDATE users SET bio = 'x', role = 'y' WHERE first_name = 'Ann' RETURNING *

--? plan
EXPLAIN INSERT INTO users (email, bio) VALUES ('a@x', 'b')

--? plan
EXPLAIN DELETE FROM users WHERE bio = 'none'

--? plan
EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM users FOR UPDATE

--? plan
EXPLAIN (ANALYZE, COSTS OFF) UPDATE users SET bio = 'x', role = 'y' WHERE first_name = 'Ann'

--? plan
EXPLAIN ANALYZE INSERT INTO users (email, bio) SELECT 'n' || id, bio FROM posts ORDER BY id

--? plan
EXPLAIN ANALYZE DELETE FROM users WHERE slug = 'bob' RETURNING bio

--? plan
--$ Ann
EXPLAIN SELECT bio FROM users WHERE first_name = $1

--? plan
PREPARE p (text) AS UPDATE users SET bio = $1 WHERE slug = 'ann'
--;
EXPLAIN ANALYZE EXECUTE p ('explained')

--? plan
--? fails
EXPLAIN SELECT bio, nonsense FROM users

CREATE TABLE copied AS SELECT * FROM users
--;
SELECT * FROM copied ORDER BY id

CREATE TEMP TABLE copied AS SELECT id, bio FROM users WHERE slug IS NOT NULL
--;
SELECT * FROM copied ORDER BY id

CREATE TABLE copied AS TABLE seats WITH NO DATA
--;
SELECT * FROM copied

SELECT id, first_name INTO copied FROM users WHERE bio = 'likes tea'
--;
SELECT * FROM copied ORDER BY id

SELECT * INTO TEMP copied FROM users
--;
SELECT * FROM copied ORDER BY id

CREATE TEMP TABLE scratch (id integer, bio text)
--;
INSERT INTO scratch SELECT id, bio FROM users
--;
UPDATE scratch SET bio = u.first_name FROM users u WHERE u.id = scratch.id
--;
SELECT * FROM scratch ORDER BY id

CREATE VIEW copied AS SELECT id, email FROM users
--;
SELECT * FROM copied ORDER BY id

CREATE VIEW copied AS SELECT id, bio FROM users WHERE slug IS NOT NULL
--;
SELECT * FROM copied ORDER BY id

--! switch-reads stop-dual-write contract: WITH CHECK OPTION is supported only on automatically updatable views
CREATE VIEW copied AS SELECT id, email, bio FROM users WITH CHECK OPTION
--;
SELECT id, email, bio FROM copied ORDER BY id

CREATE VIEW copied AS SELECT id, role FROM users WHERE role <> 'admin' WITH LOCAL CHECK OPTION
--;
UPDATE copied SET role = 'x' WHERE id = 2
--;
SELECT id, role FROM copied ORDER BY id

CREATE TEMP VIEW copied (a, b, c) AS SELECT u.email, u.first_name, p.title FROM users u LEFT JOIN posts p ON p.user_id = u.id
--;
SELECT a, b, c FROM copied ORDER BY a, c

CREATE MATERIALIZED VIEW copied AS SELECT bio, count(*) FROM users GROUP BY bio
--;
REFRESH MATERIALIZED VIEW copied
--;
SELECT * FROM copied ORDER BY bio

ANALYZE users

ANALYZE users (bio, role)

COMMENT ON TABLE posts IS 'x'

SHOW search_path

DO $$ BEGIN PERFORM 1; END $$

SELECT nextval('users_id_seq'), (SELECT bio FROM users WHERE id = 1)

SELECT count(*) FROM pg_class WHERE relname = 'users'
