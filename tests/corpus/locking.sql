-- Row locks, in every strength.

SELECT username FROM users WHERE id = 1 FOR UPDATE

SELECT username FROM users WHERE id = 1 FOR NO KEY UPDATE

SELECT username FROM users WHERE id = 1 FOR SHARE

SELECT username FROM users WHERE id = 1 FOR KEY SHARE

SELECT username FROM users WHERE username = 'bob' FOR UPDATE NOWAIT

SELECT u.username FROM users u WHERE u.username = 'bob' FOR NO KEY UPDATE OF u SKIP LOCKED

SELECT u.username, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE OF u FOR SHARE OF p

SELECT u.username, p.username FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id FOR UPDATE OF p

SELECT users.username FROM users, posts WHERE posts.user_id = users.id ORDER BY posts.id FOR UPDATE OF users, posts NOWAIT

SELECT u.username, p.title FROM users u LEFT JOIN posts p ON p.user_id = u.id ORDER BY u.id, p.id FOR UPDATE OF u

--? fails
SELECT u.username, p.title FROM users u LEFT JOIN posts p ON p.user_id = u.id FOR UPDATE

--? fails
SELECT u.username, p.title FROM posts p LEFT JOIN users u ON p.user_id = u.id FOR UPDATE OF u

SELECT * FROM users WHERE age = 30 ORDER BY id FOR UPDATE

SELECT * FROM users u ORDER BY username LIMIT 2 FOR UPDATE SKIP LOCKED

SELECT username FROM (SELECT * FROM users WHERE id = 1 FOR UPDATE) s

SELECT (SELECT username FROM users WHERE id = p.user_id FOR SHARE) FROM posts p ORDER BY p.id

WITH locked AS (SELECT id FROM users WHERE username = 'bob' FOR UPDATE) UPDATE users SET username = 'robert' FROM locked WHERE locked.id = users.id RETURNING username

WITH next AS (SELECT id FROM jobs WHERE queue = 'mail' AND state = 'ready' ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE jobs SET state = 'running', locked_by = 'me', attempts = attempts + 1 FROM next WHERE jobs.id = next.id RETURNING jobs.*

UPDATE jobs SET state = 'running' WHERE id = (SELECT id FROM jobs WHERE state = 'ready' AND queue IN ('mail', 'index') ORDER BY attempts DESC, run_at FOR NO KEY UPDATE SKIP LOCKED LIMIT 1) RETURNING id, queue, payload

DELETE FROM jobs USING (SELECT id FROM jobs WHERE state IN ('done', 'failed') AND queue <> 'mail' ORDER BY id FOR UPDATE SKIP LOCKED) old WHERE old.id = jobs.id RETURNING jobs.id, queue

SELECT j.* FROM jobs j WHERE j.queue = 'mail' ORDER BY j.id LIMIT 2 FOR UPDATE OF j SKIP LOCKED

--$ mail;2
SELECT id, payload FROM jobs WHERE queue = $1 AND state = 'ready' ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED

--? fails
SELECT DISTINCT username FROM users FOR UPDATE

--? fails
SELECT username, count(*) FROM users GROUP BY username FOR UPDATE

--? fails
SELECT username FROM users UNION SELECT title FROM posts FOR UPDATE

SELECT a.username FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1 FOR UPDATE OF b

SELECT c.full_name, o.status FROM customers c, orders o WHERE o.customer_id = c.id AND o.id = 1 FOR NO KEY UPDATE OF c FOR KEY SHARE OF o

SELECT title FROM posts ORDER BY id FOR UPDATE

SELECT s.item FROM stock s WHERE s.warehouse = 'east' ORDER BY s.item FOR UPDATE

SELECT tableoid::regclass::text, xmin IS NOT NULL, cmin IS NOT NULL, ctid IS NOT NULL, username FROM users WHERE id = 1 FOR UPDATE

SELECT u.xmin IS NOT NULL, u.xmax IS NOT NULL, u.cmax IS NOT NULL, u.* FROM users u ORDER BY u.id

SELECT ctid FROM posts ORDER BY id

SELECT tableoid = 'users'::regclass, count(*) FROM users GROUP BY tableoid

UPDATE users SET username = 'x' WHERE ctid = (SELECT min(ctid) FROM users) RETURNING id, username

DELETE FROM users a USING users b WHERE a.ctid > b.ctid AND a.age = b.age RETURNING a.username

SELECT u.ctid = v.ctid, u.username FROM users u JOIN users v ON v.username = u.username ORDER BY u.id

INSERT INTO users (id, username) VALUES (10, 'x') RETURNING xmax::text::bigint = 0 AS inserted, username

INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username RETURNING xmax::text::bigint = 0 AS inserted, username

SELECT to_jsonb(u), u.tableoid::regclass::text FROM users u ORDER BY u.id
