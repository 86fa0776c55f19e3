-- CREATE TABLE AS, SELECT INTO, CREATE VIEW

CREATE TABLE made AS SELECT username FROM users

CREATE TABLE made (a, b) AS SELECT username, email FROM users

CREATE TEMP TABLE made AS SELECT * FROM users

CREATE TEMPORARY TABLE made ON COMMIT DROP AS SELECT username FROM users

CREATE UNLOGGED TABLE made AS SELECT username FROM users WITH NO DATA

CREATE TABLE IF NOT EXISTS made AS SELECT username FROM users WITH DATA

CREATE TABLE public.made (name) USING heap WITH (fillfactor = 70) TABLESPACE pg_default AS SELECT username FROM users WITH NO DATA

CREATE TABLE made AS TABLE users

CREATE TABLE made AS VALUES (1, (SELECT max(username) FROM users))

CREATE TABLE made AS WITH u AS (SELECT username FROM users) SELECT * FROM u ORDER BY username LIMIT 1

CREATE TABLE made AS (SELECT username FROM users) UNION (SELECT title FROM posts)

CREATE LOCAL TEMPORARY TABLE made AS SELECT username AS a FROM users

SELECT username INTO made FROM users

SELECT * INTO TABLE made FROM users WHERE username > 'a'

SELECT username INTO TEMP made FROM users

SELECT username, email INTO TEMPORARY TABLE made FROM users ORDER BY username

SELECT username INTO UNLOGGED public.made FROM users

SELECT username INTO LOCAL TEMP made FROM users

WITH u AS (SELECT username FROM users) SELECT * INTO made FROM u

CREATE VIEW names AS SELECT username FROM users

CREATE OR REPLACE VIEW names (n) AS SELECT username FROM users

CREATE TEMP VIEW names WITH (security_barrier) AS SELECT username FROM users

CREATE VIEW names WITH (security_barrier = true, check_option = local) AS SELECT * FROM users WHERE username > 'a'

CREATE VIEW names AS SELECT id, username FROM users WHERE username > 'a' WITH CHECK OPTION

CREATE VIEW names AS SELECT id, username FROM users WITH CASCADED CHECK OPTION

CREATE VIEW names AS TABLE users

CREATE RECURSIVE VIEW names (n, name) AS SELECT 1, username FROM users UNION ALL SELECT n + 1, name FROM names WHERE n < 2

CREATE MATERIALIZED VIEW names AS SELECT username FROM users

CREATE MATERIALIZED VIEW IF NOT EXISTS names (a) USING heap WITH (fillfactor = 70) AS SELECT username FROM users WITH NO DATA
