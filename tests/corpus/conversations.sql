-- Several messages in a row: prepared statements, cursors, savepoints, settings. And several statements in one.

PREPARE by_name (text) AS SELECT id, username FROM users WHERE username = $1
--;
EXECUTE by_name ('alice')
--;
EXECUTE by_name ('nobody')
--;
DEALLOCATE by_name

PREPARE everything AS SELECT * FROM users ORDER BY id
--;
EXECUTE everything
--;
EXECUTE everything

PREPARE ins (bigint, text) AS INSERT INTO users (id, username) VALUES ($1, $2) RETURNING *
--;
EXECUTE ins (10, 'ten')
--;
EXECUTE ins (11, 'eleven')
--;
SELECT username FROM users WHERE id > 9 ORDER BY id

PREPARE up (text, bigint) AS UPDATE users SET username = $1 WHERE id = $2
--;
EXECUTE up ('up', 1)
--;
EXECUTE up (upper('up'), 2)
--;
SELECT username FROM users ORDER BY id

PREPARE del AS DELETE FROM users WHERE username = $1 RETURNING username
--;
EXECUTE del ('carol')

PREPARE vals AS VALUES ((SELECT username FROM users WHERE id = 1))
--;
EXECUTE vals

PREPARE plain AS SELECT title, username FROM posts ORDER BY id
--;
EXECUTE plain

PREPARE "Mixed" (order_state) AS SELECT id FROM orders WHERE status = $1 ORDER BY id
--;
EXECUTE "Mixed" ('paid')
--;
DEALLOCATE PREPARE "Mixed"
--;
SELECT status FROM orders ORDER BY id

--? fails
PREPARE twice AS SELECT username FROM users
--;
PREPARE twice AS SELECT username FROM users

--? fails
EXECUTE never_prepared ('x')

PREPARE p AS SELECT username FROM users ORDER BY id
--;
CREATE TEMP TABLE copied AS EXECUTE p
--;
SELECT * FROM copied ORDER BY 1

PREPARE p AS SELECT username FROM users ORDER BY id
--;
DEALLOCATE ALL
--;
SELECT count(*) FROM pg_prepared_statements WHERE from_sql

PREPARE p AS SELECT username FROM users
--;
SELECT name, parameter_types FROM pg_prepared_statements WHERE from_sql

DECLARE c CURSOR FOR SELECT username, age FROM users ORDER BY id
--;
FETCH 2 FROM c
--;
FETCH NEXT FROM c
--;
FETCH ALL FROM c
--;
CLOSE c

DECLARE c SCROLL CURSOR FOR SELECT * FROM users ORDER BY id
--;
FETCH LAST FROM c
--;
FETCH PRIOR FROM c
--;
FETCH ABSOLUTE 2 FROM c
--;
FETCH RELATIVE -1 FROM c
--;
FETCH BACKWARD ALL IN c
--;
MOVE FORWARD 3 IN c
--;
FETCH c

DECLARE "C" INSENSITIVE NO SCROLL CURSOR WITHOUT HOLD FOR SELECT u.username FROM users u WHERE u.username LIKE '%o%' ORDER BY 1
--;
FETCH FORWARD 10 FROM "C"

DECLARE c BINARY CURSOR FOR SELECT id, username FROM users ORDER BY id
--;
FETCH ALL c

DECLARE c CURSOR FOR SELECT id, username FROM users WHERE id = 2 FOR UPDATE
--;
FETCH c
--;
UPDATE users SET username = 'current' WHERE CURRENT OF c
--;
SELECT username FROM users ORDER BY id

DECLARE c CURSOR FOR SELECT * FROM users WHERE username = 'bob' FOR UPDATE
--;
FETCH c
--;
UPDATE users SET username = username || '2', age = age + 1 WHERE CURRENT OF c RETURNING *

DECLARE c CURSOR FOR SELECT * FROM users WHERE username = 'carol'
--;
MOVE NEXT FROM c
--;
DELETE FROM users WHERE CURRENT OF c RETURNING username
--;
SELECT count(*) FROM users WHERE username = 'carol'

DECLARE c CURSOR FOR SELECT o.id, c.full_name FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY o.id FOR UPDATE OF o
--;
FETCH 1 FROM c
--;
UPDATE orders SET status = 'cancelled' WHERE CURRENT OF c RETURNING id, status

DECLARE c CURSOR FOR WITH t AS (SELECT username FROM users) SELECT * FROM t ORDER BY 1
--;
FETCH ALL FROM c

DECLARE a CURSOR FOR SELECT username FROM users ORDER BY id
--;
DECLARE b CURSOR FOR SELECT name FROM employees ORDER BY id
--;
FETCH 1 FROM a
--;
FETCH 2 FROM b
--;
FETCH 1 FROM a
--;
CLOSE ALL

--? fails
FETCH 1 FROM no_such_cursor

SAVEPOINT a
--;
UPDATE users SET username = 'gone' WHERE id = 1
--;
ROLLBACK TO a
--;
SELECT username FROM users WHERE id = 1
--;
RELEASE a

--? fails
SAVEPOINT a
--;
INSERT INTO users (id, username) VALUES (1, 'clash')
--;
ROLLBACK TO SAVEPOINT a
--;
SELECT username FROM users ORDER BY id

--? fails
SELECT nonsense FROM users
--;
SELECT username FROM users

UPDATE users SET username = 'a' WHERE id = 1
--;
SELECT username FROM users WHERE id = 1
--;
UPDATE users SET username = username || 'b' WHERE username = 'a'
--;
SELECT * FROM users WHERE id = 1
--;
DELETE FROM users WHERE username = 'ab'
--;
SELECT count(*) FROM users

INSERT INTO orders (customer_id) VALUES (1)
--;
INSERT INTO order_items (order_id, line_no, sku) VALUES (currval('orders_id_seq'), 1, 'X')
--;
SELECT o.status, i.sku FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.id = lastval()
--;
UPDATE orders SET status = 'paid' WHERE id = 100
--;
DELETE FROM customers WHERE id = 4
--;
SELECT full_name FROM customers ORDER BY id

--? simple
SELECT username FROM users ORDER BY id; SELECT name FROM employees ORDER BY id

--? simple
UPDATE users SET username = 'x' WHERE id = 1; SELECT username FROM users ORDER BY id; UPDATE users SET username = 'y' WHERE id = 1

--? simple
SELECT 1; SELECT username FROM users WHERE id = 1; SELECT 2;

--? simple
INSERT INTO users (id, username) VALUES (10, 'a'); INSERT INTO posts (id, title) VALUES (10, 'a'); SELECT count(*) FROM users JOIN posts USING (id) ORDER BY 1;

--? simple
; ; SELECT username FROM users WHERE id = 1 ; ;

--? simple
BEGIN; SELECT username FROM users WHERE id = 1

--? simple
--! expand dual-write switch-reads stop-dual-write contract: cannot know which tables this text names: an earlier statement in it may change that
SAVEPOINT s; DELETE FROM users WHERE username = 'bob'; ROLLBACK TO s; SELECT count(*) FROM users

--? simple
SELECT username FROM users WHERE id = 1; /* nothing */ ; -- username

--? simple
--? fails
SELECT username FROM users WHERE id = 1; SELECT nonsense FROM users; SELECT username FROM users

--? simple
--? fails
SELECT username FROM users WHERE id = 1; SELECT username FROM

--? extended
--? fails
SELECT username FROM users; SELECT 1

--? simple
--? autocommit
SELECT username FROM users ORDER BY id; SELECT full_name FROM customers ORDER BY id

--? autocommit
SELECT username FROM users ORDER BY id

--? autocommit
UPDATE users SET username = username WHERE false

--? simple
--? autocommit
--? fails
UPDATE users SET username = 'lost' WHERE id = 1; SELECT username FROM users ORDER BY id; SELECT 1 / 0

--? simple
--? autocommit
BEGIN; UPDATE users SET username = 'lost' WHERE id = 1; SELECT username FROM users ORDER BY id; ROLLBACK; SELECT username FROM users ORDER BY id

--? autocommit
BEGIN
--;
UPDATE orders SET status = 'cancelled' WHERE status = 'paid'
--;
SELECT status FROM orders ORDER BY id
--;
ROLLBACK
--;
SELECT status FROM orders ORDER BY id

--? autocommit
--? simple
START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY
--;
SELECT username FROM users ORDER BY id
--;
COMMIT

--? autocommit
--? fails
BEGIN READ ONLY
--;
UPDATE users SET username = 'x'
--;
ROLLBACK

--? autocommit
--? fails
UPDATE users SET username = 'bob' WHERE id = 1

--? autocommit
--? fails
INSERT INTO users (id, username) VALUES (20, 'twenty'), (1, 'clash')

SET LOCAL statement_timeout = 10000
--;
SELECT username FROM users WHERE id = 1

SET LOCAL search_path = archive, public
--;
SELECT username, handle FROM users ORDER BY id
--;
SELECT username FROM public.users ORDER BY id
--;
SELECT status, state FROM orders ORDER BY id
--;
SELECT full_name FROM customers ORDER BY id

SET LOCAL search_path = public, archive
--;
SELECT username FROM users ORDER BY id
--;
SELECT u.username, a.handle FROM users u JOIN archive.users a USING (id) ORDER BY id

SET LOCAL search_path = sales
--;
SELECT number FROM invoices ORDER BY id
--;
UPDATE invoices SET number = 'N-' || number RETURNING number
--;
SELECT username FROM public.users ORDER BY id

--? fails
SET LOCAL search_path = sales
--;
SELECT username FROM users

SELECT set_config('search_path', 'archive', true)
--;
SELECT username FROM users ORDER BY id
--;
INSERT INTO users (id, username) VALUES (50, 'in the archive')
--;
RESET search_path
--;
SELECT username FROM users ORDER BY id

SET search_path TO "$user", sales, public
--;
SELECT number FROM invoices ORDER BY id
--;
SELECT number, reference FROM public.invoices ORDER BY id

UPDATE pg_settings SET setting = 'archive' WHERE name = 'search_path'
--;
SELECT handle FROM users ORDER BY id

SAVEPOINT s
--;
SET LOCAL search_path = archive
--;
SELECT count(*), max(handle) FROM users
--;
ROLLBACK TO s
--;
SELECT count(*), max(username) FROM users

--! expand dual-write switch-reads stop-dual-write contract: this statement
CREATE TEMP TABLE users (id integer, username text, handle text)
--;
INSERT INTO users VALUES (1, 'temporary', 'h')
--;
SELECT * FROM users
--;
SELECT username, handle FROM users
--;
UPDATE users SET handle = username RETURNING handle
--;
SELECT u.username, t.username FROM public.users u JOIN users t USING (id)
--;
DROP TABLE users
--;
SELECT username FROM users WHERE id = 1

--! dual-write switch-reads stop-dual-write contract: a whole row of the target of UPDATE
CREATE TEMP TABLE scratch ON COMMIT DROP AS SELECT username AS handle, id FROM users
--;
SELECT handle FROM scratch ORDER BY id
--;
UPDATE users SET username = s.handle || '!' FROM scratch s WHERE s.id = users.id RETURNING username

--! expand dual-write switch-reads stop-dual-write contract: this statement
CREATE TEMPORARY TABLE orders (id integer, state text)
--;
INSERT INTO orders VALUES (1, 'temp')
--;
SELECT state FROM orders
--;
SELECT o.status, t.state FROM public.orders o JOIN orders t ON t.id = o.id
--;
SELECT state FROM pg_temp.orders

CREATE TEMP VIEW users AS SELECT 1 AS id, 'viewed' AS username
--;
SELECT username FROM users

SET LOCAL standard_conforming_strings = off
--;
SELECT username FROM users WHERE username = 'alice'

SET LOCAL client_encoding = 'LATIN1'
--;
SELECT username FROM users WHERE username = 'alice'

SET LOCAL role = app
--;
SELECT current_user, username FROM users WHERE id = 1
--;
RESET ROLE

SET LOCAL timezone = 'UTC'
--;
SELECT run_at, queue FROM jobs ORDER BY id

LISTEN changes
--;
UPDATE users SET username = 'n' WHERE id = 1
--;
NOTIFY changes, 'users'

DO $$ BEGIN PERFORM 1; END $$
--;
SELECT username FROM users WHERE id = 1

SHOW search_path
--;
SELECT username FROM users WHERE id = 1
