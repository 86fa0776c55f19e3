-- COPY both ways.

COPY mail TO STDOUT

COPY push TO STDOUT

COPY mail (uid, body, score, tags) TO STDOUT

COPY push (devices, user_id) TO STDOUT (FORMAT csv, HEADER)

COPY mail TO STDOUT WITH CSV HEADER

COPY mail (sender, quota) TO STDOUT (FORMAT csv, DELIMITER ';', NULL '-', FORCE_QUOTE (sender))

COPY mail TO STDOUT (FORMAT binary)

COPY push (token, user_id) TO STDOUT (FORMAT binary)

COPY (SELECT * FROM mail ORDER BY uid) TO STDOUT

COPY (SELECT body, count(*) FROM push GROUP BY body ORDER BY body) TO STDOUT CSV

COPY (UPDATE mail SET body = 'x' WHERE uid = 1 RETURNING *) TO STDOUT

COPY (INSERT INTO mail (uid, body) VALUES (8, 'b') RETURNING uid, body) TO STDOUT

COPY (DELETE FROM mail WHERE handle = 'bob' RETURNING body) TO STDOUT

COPY shop.stock TO STDOUT

COPY shop."Price List" ("Größe", "Item No") TO STDOUT

COPY letters TO STDOUT

--< 8⇥A⇥first
--< 6⇥\N⇥\N
COPY mail (uid, sender, body) FROM STDIN

--< 8
--< 9
COPY push (user_id) FROM STDIN

--< 8⇥A⇥body⇥{"a": 1}⇥{x,y}⇥a@x⇥s⇥1.239⇥2024-01-01 00:00+00⇥never⇥3
--< 7⇥\N⇥\N⇥{}⇥\N⇥\N⇥\N⇥\N⇥\N⇥daily⇥\N
COPY mail FROM STDIN

--< 4⇥1⇥f⇥b⇥{p}⇥\N
COPY push FROM STDIN

--< sender,uid,quota
--< "A, b",8,1.5
--< ,9,
COPY mail (sender, uid, quota) FROM STDIN (FORMAT csv, HEADER)

--< 8;x
--< 9;-
COPY mail (uid, handle) FROM STDIN (DELIMITER ';', NULL '-')

--< 8⇥{"b": [1, 2]}⇥{p,"q r"}⇥never
COPY mail (uid, settings, tags, often) FROM STDIN

--< 8⇥1
--< 9⇥2
COPY push (user_id, score) FROM STDIN WHERE score > 1

--< west⇥5⇥5
--< south⇥2⇥6
COPY shop.stock (house, item, amount) FROM STDIN

--< north⇥2⇥1.5
COPY shop."Price List" ("House", "Item No", "Größe") FROM STDIN

--< 60⇥1⇥t
COPY letters (id, user_id, title) FROM STDIN

COPY mail (uid, body) FROM STDIN

--? fails
--< 8⇥x
--< 1⇥dup
COPY mail (uid, body) FROM STDIN

--? fails
--< 8⇥x
--< 8⇥dup
COPY mail (uid, body) FROM STDIN

--? fails
--< 8⇥-5
COPY mail (uid, quota) FROM STDIN

--? fails
--< 8⇥ann
COPY mail (uid, handle) FROM STDIN

--? fails
--< 8⇥much too long a name
COPY mail (uid, sender) FROM STDIN

--? fails
--< 77⇥nobody
COPY mail (uid, body) FROM STDIN

--? fails
--< 8⇥not json
COPY mail (uid, settings) FROM STDIN

--? fails
--< 8⇥\N
COPY push (user_id, devices) FROM STDIN

--? fails
--< x
COPY push (body) FROM STDIN

--? fails
--< 8⇥x
--<!
COPY mail (uid, body) FROM STDIN
