-- EXPLAIN and PREPARE

EXPLAIN SELECT username FROM users

EXPLAIN ANALYZE SELECT username FROM users

EXPLAIN ANALYZE VERBOSE UPDATE users SET username = 'x' WHERE id = 1

EXPLAIN VERBOSE DELETE FROM users WHERE username = 'x'

EXPLAIN (COSTS off) SELECT username FROM users

EXPLAIN (ANALYZE, BUFFERS off, FORMAT json, TIMING false) SELECT * FROM users WHERE username = 'x'

EXPLAIN (FORMAT yaml) INSERT INTO users (id, username) VALUES (20, 'zoe') ON CONFLICT (username) DO NOTHING

EXPLAIN (COSTS false) TABLE users

EXPLAIN (COSTS off) VALUES ((SELECT max(username) FROM users))

EXPLAIN (COSTS off) WITH u AS (SELECT username FROM users) SELECT * FROM u

EXPLAIN (COSTS off) (SELECT username FROM users) UNION (SELECT title FROM posts)

EXPLAIN (COSTS off) DECLARE c CURSOR FOR SELECT username FROM users

EXPLAIN (COSTS off) CREATE TABLE copy_of AS SELECT username FROM users

EXPLAIN (COSTS off) CREATE MATERIALIZED VIEW seen AS SELECT username FROM users WITH NO DATA

PREPARE p AS SELECT username FROM users

PREPARE p (int, text) AS SELECT username FROM users WHERE id = $1 AND username = $2

PREPARE p (bigint) AS UPDATE users SET username = 'x' WHERE id = $1 RETURNING *

PREPARE p (numeric(10, 2), text[]) AS INSERT INTO users (id, score, tags, username) VALUES (20, $1, $2, 'zoe')

PREPARE p AS DELETE FROM users WHERE username = $1

PREPARE p AS VALUES ((SELECT max(username) FROM users))

PREPARE p AS TABLE users
