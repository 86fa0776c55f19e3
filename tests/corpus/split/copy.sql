-- COPY both ways.

COPY users TO STDOUT

COPY users (id, bio, role, tags) TO STDOUT

COPY users (email, role) TO STDOUT (FORMAT csv, HEADER)

COPY users TO STDOUT WITH CSV HEADER

COPY users (first_name, balance) TO STDOUT (FORMAT csv, DELIMITER ';', NULL '-', FORCE_QUOTE (first_name))

COPY users TO STDOUT (FORMAT binary)

COPY users (settings, id) TO STDOUT (FORMAT binary)

COPY (SELECT * FROM users ORDER BY id) TO STDOUT

COPY (SELECT bio, count(*) FROM users GROUP BY bio ORDER BY bio) TO STDOUT CSV

COPY (UPDATE users SET bio = 'x' WHERE id = 1 RETURNING *) TO STDOUT

COPY (INSERT INTO users (email, bio) VALUES ('a@x', 'b') RETURNING id, bio) TO STDOUT

COPY (DELETE FROM users WHERE slug = 'bob' RETURNING bio) TO STDOUT

COPY seats TO STDOUT

COPY "Person" ("Größe", "Id") TO STDOUT

COPY posts TO STDOUT

--< a@x⇥A⇥first
--< b@x⇥\N⇥\N
COPY users (email, first_name, bio) FROM STDIN

--< 200⇥a@x
--< 201⇥b@x
COPY users (id, email) FROM STDIN

--< 200⇥a@x⇥A⇥bio⇥r⇥{"a": 1}⇥{x,y}⇥+1⇥s⇥1.239⇥5⇥2024-01-01 00:00+00⇥de⇥sad
--< 201⇥b@x⇥\N⇥\N⇥r⇥{}⇥\N⇥\N⇥\N⇥\N⇥\N⇥\N⇥\N⇥\N
COPY users FROM STDIN

--< first_name,email,balance
--< "A, b",a@x,1.5
--< ,b@x,
COPY users (first_name, email, balance) FROM STDIN (FORMAT csv, HEADER)

--< a@x;x
--< b@x;-
COPY users (email, slug) FROM STDIN (DELIMITER ';', NULL '-')

--< a@x⇥guest
COPY users (email, role) FROM STDIN

--< a@x⇥{"b": [1, 2]}⇥{p,"q r"}⇥happy
COPY users (email, settings, tags, feels) FROM STDIN

--~ dual-write switch-reads stop-dual-write contract: a row that WHERE leaves out draws no key
--< 1⇥a
--< 2⇥b
COPY users (score, email) FROM STDIN WHERE score > 1

--< red⇥5⇥5
--< blue⇥5⇥6
COPY seats (hall, number, price) FROM STDIN

--< Zed⇥1.5
COPY "Person" ("Full Name", "Größe") FROM STDIN

--< 60⇥1⇥t
COPY posts (id, user_id, title) FROM STDIN

COPY users (email, bio) FROM STDIN

--? fails
--< 1⇥a@x⇥dup
COPY users (id, email, bio) FROM STDIN

--? fails
--< a@x⇥-5
COPY users (email, balance) FROM STDIN

--? fails
--< a@x⇥ann
COPY users (email, slug) FROM STDIN

--? fails
--< a@x⇥much too long a name
COPY users (email, first_name) FROM STDIN

--? fails
--< a@x⇥xx
COPY users (email, country) FROM STDIN

--? fails
--< a@x⇥not json
COPY users (email, settings) FROM STDIN

--? fails
--~ dual-write switch-reads stop-dual-write contract: keys are drawn once all rows are there
--< a@x⇥x
--<!
COPY users (email, bio) FROM STDIN

--? fails
COPY members TO STDOUT
