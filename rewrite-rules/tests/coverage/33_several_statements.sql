-- Several statements in one text

SELECT username FROM users WHERE id = 1; SELECT title FROM posts WHERE id = 10

UPDATE users SET username = 'x' WHERE id = 1; UPDATE posts SET title = 'y' WHERE id = 10;

SAVEPOINT s; DELETE FROM users WHERE username = 'bob'; ROLLBACK TO s; RELEASE s

SET LOCAL work_mem = '1MB'; SELECT username FROM users; RESET work_mem

CREATE TEMP TABLE t (a int); INSERT INTO t SELECT length(username) FROM users; SELECT * FROM t ORDER BY a

CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1; SELECT username, one() FROM users

CREATE FUNCTION two() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT username, two() FROM users

DO $$ BEGIN PERFORM 1; END $$; SELECT username FROM users

CREATE TEMP TABLE t (a int GENERATED ALWAYS AS IDENTITY, b text COLLATE "C" CHECK (b > '')); SELECT username FROM users

LISTEN x; NOTIFY x, 'y'; UNLISTEN *; SELECT username FROM users

SHOW server_version; SELECT username FROM users; DISCARD PLANS

SELECT FROM users; VALUES (1); TABLE posts; (SELECT title FROM posts)
