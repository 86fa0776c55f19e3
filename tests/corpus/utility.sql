-- Everything else that names a table: CREATE … AS, views, TRUNCATE, LOCK, EXPLAIN, definitions beside.

CREATE TABLE copied AS SELECT * FROM users
--;
SELECT * FROM copied ORDER BY id

CREATE TABLE copied AS SELECT username, username || '!' AS loud FROM users WHERE id < 4
--;
SELECT username, loud FROM copied ORDER BY 1

CREATE TABLE copied (a, b) AS SELECT id, username FROM users WITH NO DATA
--;
INSERT INTO copied VALUES (1, 'x') RETURNING b

CREATE UNLOGGED TABLE IF NOT EXISTS copied AS TABLE posts
--;
SELECT count(username) FROM copied

CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT u.* FROM users u
--;
SELECT username FROM copied ORDER BY id
--;
SELECT attname FROM pg_attribute WHERE attrelid = 'copied'::regclass AND attnum > 0 ORDER BY attnum

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
CREATE TABLE copied AS SELECT u FROM users u
--;
SELECT (u).id FROM copied ORDER BY 1

CREATE TABLE copied AS WITH u AS (SELECT * FROM users) SELECT username AS handle FROM u
--;
SELECT handle FROM copied ORDER BY 1

CREATE TABLE copied AS SELECT status, tags, address, "Länge" FROM orders, customers, "Größe" WHERE orders.id = customers.id AND "Größe".id = customers.id
--;
SELECT pg_typeof(status), pg_typeof(tags), pg_typeof(address), pg_typeof("Länge") FROM copied ORDER BY 1

SELECT username, age INTO copied FROM users WHERE username > 'b'
--;
SELECT username FROM copied ORDER BY 1

SELECT * INTO TEMP copied FROM users
--;
SELECT username, age FROM copied ORDER BY 1

SELECT u.*, 1 AS one INTO TEMPORARY TABLE copied FROM users u
--;
SELECT * FROM copied ORDER BY 1

CREATE MATERIALIZED VIEW copied AS SELECT username FROM users
--;
SELECT username FROM copied ORDER BY 1
--;
REFRESH MATERIALIZED VIEW copied

CREATE VIEW copied AS SELECT id, username FROM users
--;
SELECT username FROM copied ORDER BY 1

CREATE VIEW copied (a, b) AS SELECT id, username FROM users WHERE username <> 'bob'
--;
SELECT b FROM copied ORDER BY 1

CREATE TEMP VIEW copied AS SELECT * FROM users
--;
SELECT * FROM copied ORDER BY id

CREATE OR REPLACE VIEW copied AS SELECT title AS username FROM posts
--;
SELECT username FROM copied ORDER BY 1

CREATE TEMP VIEW copied AS SELECT age FROM users
--;
SELECT age FROM copied ORDER BY 1

TRUNCATE users CASCADE

TRUNCATE TABLE order_items, orders RESTART IDENTITY
--;
SELECT count(*) FROM orders

TRUNCATE ONLY stock CONTINUE IDENTITY
--;
SELECT item FROM stock

--? fails
TRUNCATE users

LOCK TABLE users

LOCK TABLE users, orders IN SHARE ROW EXCLUSIVE MODE NOWAIT
--;
SELECT username FROM users ORDER BY id

LOCK ONLY users IN ACCESS SHARE MODE

ANALYZE posts (title)

ANALYZE users

EXPLAIN (COSTS OFF) SELECT id FROM users

EXPLAIN (COSTS OFF) SELECT count(*) FROM orders

EXPLAIN (COSTS OFF, FORMAT json) SELECT 1 FROM users

EXPLAIN (COSTS OFF) UPDATE posts SET title = 'x'

EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT title FROM posts

COMMENT ON TABLE posts IS 'username'

CREATE INDEX ON posts (username)
--;
SELECT username FROM posts ORDER BY id

CREATE TABLE fresh (id integer, username text, handle text)
--;
INSERT INTO fresh SELECT id, username, email FROM users
--;
SELECT username, handle FROM fresh ORDER BY id
--;
DROP TABLE fresh

CREATE TABLE fresh (LIKE posts INCLUDING ALL)
--;
INSERT INTO fresh (id, title, username) SELECT id, 't', username FROM users RETURNING username

ALTER TABLE posts ADD COLUMN extra text DEFAULT 'e'
--;
SELECT * FROM posts ORDER BY id
--;
SELECT u.username, p.* FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS 'SELECT title FROM posts ORDER BY id LIMIT 1'
--;
SELECT pg_temp.f(), username FROM users WHERE id = 1

SELECT count(*) FROM information_schema.columns WHERE table_name = 'posts'

SELECT relname FROM pg_class WHERE oid = 'users'::regclass

SELECT 'users'::regclass::oid > 0, 'public.users'::regclass::text, to_regclass('users') IS NOT NULL, to_regclass('no_users') IS NULL

SELECT has_table_privilege('users', 'select'), pg_relation_size('users') > 0

SELECT nextval('tasks_id_seq'), currval('tasks_id_seq'), pg_get_serial_sequence('tasks', 'id')

SELECT obj_description('users'::regclass), col_description('users'::regclass, 1)

SELECT query_to_xml('SELECT 1', true, false, '') IS NOT NULL

ALTER SEQUENCE code_seq RESTART WITH 5000
--;
INSERT INTO tokens (id) VALUES (10) RETURNING code

VALUES (1), (2)

SELECT 1

SHOW server_encoding

SELECT pg_advisory_xact_lock(1), username FROM users WHERE id = 1
