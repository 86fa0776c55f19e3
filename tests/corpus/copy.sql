-- COPY both ways, in every format.

COPY users TO STDOUT

COPY users (username, id) TO STDOUT

COPY users (id, username) TO STDOUT WITH (FORMAT csv, HEADER)

COPY users TO STDOUT WITH (FORMAT csv, HEADER true, QUOTE '''', FORCE_QUOTE *)

COPY users TO STDOUT (FORMAT csv, DELIMITER ';', NULL '\N')

COPY users TO STDOUT WITH CSV HEADER

COPY users TO STDOUT DELIMITER '|' NULL 'none'

COPY users TO STDOUT (FORMAT binary)

COPY users (username) TO STDOUT WITH BINARY

COPY public.users (username) TO STDOUT

COPY (SELECT * FROM users ORDER BY id) TO STDOUT

COPY (SELECT username, upper(username) AS handle FROM users WHERE username > 'b' ORDER BY 1) TO STDOUT WITH (FORMAT csv, HEADER)

COPY (SELECT u.* FROM users u ORDER BY u.username) TO STDOUT (FORMAT binary)

COPY (TABLE posts) TO STDOUT

COPY (VALUES ((SELECT username FROM users WHERE id = 1))) TO STDOUT

COPY (WITH u AS (SELECT username FROM users) SELECT * FROM u ORDER BY 1) TO STDOUT

COPY (UPDATE users SET username = 'x' WHERE id = 1 RETURNING *) TO STDOUT

COPY (INSERT INTO users (id, username) VALUES (10, 'ten') RETURNING username) TO STDOUT

COPY (DELETE FROM users WHERE username = 'carol' RETURNING id) TO STDOUT

COPY "Account" TO STDOUT (FORMAT csv, HEADER)

COPY "Account" ("userName") TO STDOUT

COPY customers TO STDOUT

COPY customers (full_name, tags, address) TO STDOUT CSV

COPY order_items TO STDOUT (FORMAT csv, HEADER)

COPY orders (id, status, customer_id) TO STDOUT

COPY "Größe" TO STDOUT

COPY "odd ""name""" ("a b", id) TO STDOUT CSV HEADER

COPY sales.invoices TO STDOUT

COPY posts TO STDOUT

COPY archive.users TO STDOUT

--? fails
--~ expand dual-write switch-reads stop-dual-write contract: segue finds the fault at Parse already
COPY users (nonsense) TO STDOUT

--? fails
--~ expand dual-write switch-reads stop-dual-write contract: segue finds the fault at Parse already
COPY users (username, username) TO STDOUT

--? fails
COPY adult_ids TO STDOUT

--< 10⇥frank⇥f@example.com⇥50
--< 11⇥grace⇥\N⇥\N
COPY users FROM STDIN

--< 10⇥frank
--< 11⇥grace
COPY users (id, username) FROM STDIN

--< frank⇥10
--< grace⇥11
COPY users (username, id) FROM STDIN

--< 10,frank,f@example.com,50
--< 11,"grace, ""g""",,
COPY users FROM STDIN WITH (FORMAT csv)

--< id;name;mail
--< 10;'fr;ank';none
--< 11;'line
--< break';x
COPY users (id, username, email) FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';', QUOTE '''', NULL 'none')

--< 10|frank|none
--< 11|a\|b|\N
COPY users (id, username, email) FROM STDIN DELIMITER '|' NULL 'none'

--< 10⇥tab\there⇥back\\slash
--< 11⇥new\nline⇥\x41\102
--< 12⇥ends with a cr\r⇥ü
--< \.
COPY users (id, username, email) FROM STDIN

--<x 5047434f50590aff0d0a00000000000000000000020000000800000000000000630000000462696e61
--<x ffff
COPY users (id, username) FROM STDIN (FORMAT binary)

--<x 5047434f50590aff0d0a000000000000000000000200000008000000000000006300000003 62696e ffff
COPY users (id, username) FROM STDIN WITH BINARY

COPY users (id, username) FROM STDIN

--? fails
--<!
COPY users (id, username) FROM STDIN

--? fails
--< 10⇥frank
--<!
COPY users (id, username) FROM STDIN

--? fails
--< 10⇥alice
COPY users (id, username) FROM STDIN

--? fails
--< 10⇥frank
--< 11
COPY users (id, username) FROM STDIN

--? fails
--< 10⇥frank⇥more
COPY users (id, username) FROM STDIN

--? fails
--< ten⇥frank
COPY users (id, username) FROM STDIN

--? fails
--< 10⇥\N
COPY users (id, username) FROM STDIN

--? fails
--< 10⇥frank
COPY users (id, nonsense) FROM STDIN

--? fails
--< 10⇥12345678901234567890123456789012345678901234567890X
COPY users (id, username) FROM STDIN

--< 10⇥frank
COPY users (id, username) FROM STDIN
--;
SELECT * FROM users WHERE username = 'frank'
--;
--< 11⇥grace
COPY users (id, username) FROM STDIN
--;
UPDATE users SET username = username || '!' WHERE id > 9 RETURNING username

--? simple
--< 10⇥frank
COPY users (id, username) FROM STDIN; SELECT username FROM users ORDER BY id

--? simple
--< 10⇥frank
SELECT count(*) FROM users; COPY users (id, username) FROM STDIN; SELECT count(*) FROM users

--? simple
COPY users (username) TO STDOUT; COPY posts (username) TO STDOUT; SELECT username FROM users ORDER BY id

--< 10⇥Zed⇥bio⇥low
COPY "Account" FROM STDIN

--< 10⇥Zed
COPY "Account" (id, "userName") FROM STDIN

--< 10⇥x
--< 11⇥\N
COPY tasks (id, label) FROM STDIN

--< 10
--< 11
COPY tasks (id) FROM STDIN

--< 10
--< 11
COPY tokens (id) FROM STDIN

--< 10⇥77
COPY tokens (id, code) FROM STDIN

--< 10⇥note
COPY tokens (id, note) FROM STDIN

--< 10⇥New One⇥n@example.com⇥("1 A",B,C)⇥{a,b}⇥{"k": 1}⇥2024-06-06
COPY customers FROM STDIN

--< New One⇥{x}
COPY customers (full_name, tags) FROM STDIN

--< "New One","{""a,b"",c}","(,Oslo,)"
COPY customers (full_name, tags, address) FROM STDIN CSV

--< 1⇥paid
--< 2⇥new
COPY orders (customer_id, status) FROM STDIN

--< 1⇥9⇥SKU-1⇥2⇥1.25
COPY order_items FROM STDIN

--< 1⇥9⇥SKU-1⇥2
COPY order_items (order_id, line_no, sku, quantity) FROM STDIN

--< 9⇥INV-9⇥\N
COPY sales.invoices FROM STDIN

--< 9⇥1.25⇥ö
COPY "Größe" FROM STDIN

--< x⇥9
COPY "odd ""name""" ("a b", id) FROM STDIN

--< 10⇥\N⇥t⇥u
COPY posts FROM STDIN

--< 50⇥old⇥h⇥n
COPY archive.users FROM STDIN

--< 10⇥frank⇥t
COPY users (id, username, email) FROM STDIN WHERE username <> 'grace'

--< 10⇥frank
--< 11⇥grace
COPY users (id, username) FROM STDIN WHERE id > 10

--< 9⇥a@b⇥2024-01-01 10:00:00⇥5⇥t
COPY appointments FROM STDIN

COPY appointments (email, fee) TO STDOUT

SET LOCAL search_path = archive
--;
COPY users TO STDOUT
--;
--< 60⇥n⇥h⇥x
COPY users FROM STDIN

CREATE TEMP TABLE staging (LIKE posts)
--;
--< 10⇥1⇥title⇥name
COPY staging FROM STDIN
--;
INSERT INTO users (id, username) SELECT id, username FROM staging RETURNING username
