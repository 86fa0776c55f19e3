-- What fails on the unmigrated database fails in the same way, in the same words, at the same place.

INSERT INTO users (id, email) VALUES (1, 'x@x')

INSERT INTO users (email, bio) VALUES ('ann@example.com', 'x')

INSERT INTO users (email, slug) VALUES ('x@x', 'ann')

INSERT INTO users (email, slug) VALUES ('x@x', 'same'), ('y@x', 'same')

INSERT INTO users (bio) VALUES ('no mail')

INSERT INTO users (email, settings) VALUES ('x@x', NULL)

INSERT INTO users (email, balance) VALUES ('x@x', -1)

INSERT INTO users (email, score) VALUES ('x@x', 1001)

INSERT INTO users (email, country) VALUES ('x@x', 'xx')

--~ switch-reads stop-dual-write contract: the value fails when it is stored, after the key was drawn
INSERT INTO users (email, first_name) VALUES ('x@x', 'much too long a name')

INSERT INTO users (email, phone) VALUES ('x@x', 'letters')

--~ switch-reads stop-dual-write contract: the value fails when it is stored, after the key was drawn
INSERT INTO users (email, balance) VALUES ('x@x', 1234567.5)

INSERT INTO users (email, feels) VALUES ('x@x', 'angry')

INSERT INTO users (email, settings) VALUES ('x@x', '{broken')

INSERT INTO users (email, seen_at) VALUES ('x@x', 'yesterday-ish')

INSERT INTO users (email, tags) VALUES ('x@x', '{open')

INSERT INTO users (email, bio, bio) VALUES ('x@x', 'a', 'b')

INSERT INTO users (email, bio) VALUES ('x@x')

INSERT INTO users (email, bio) VALUES ('x@x', 'a', 'b')

INSERT INTO users (email, nonsense) VALUES ('x@x', 'a')

INSERT INTO users (email, bio) VALUES ('x@x', nonsense)

INSERT INTO users (email, balance) VALUES ('x@x', 1 / 0)

INSERT INTO users (email, bio) VALUES ('x@x', 'a') RETURNING nonsense

--~ switch-reads stop-dual-write contract: the place of the error is another
INSERT INTO users (email, tags) VALUES ('x@x', 5)

--~ switch-reads stop-dual-write contract: the place of the error is another
INSERT INTO users (email, balance) SELECT 'x@x', bio FROM users

INSERT INTO users VALUES (50, 'e', 'f', 'b', 'r', '{}', NULL, NULL, NULL, 0, 0, NULL, NULL, 'sad', 'one too many')

--$ x@x;ann
INSERT INTO users (email, slug) VALUES ($1, $2)

--~ switch-reads stop-dual-write contract: the value fails when it is stored, after the key was drawn
--$ x@x;much too long a name
INSERT INTO users (email, first_name) VALUES ($1, $2)

--$ x@x;letters
INSERT INTO users (email, phone) VALUES ($1, $2)

--$ x@x;minus
INSERT INTO users (email, balance) VALUES ($1, $2)

INSERT INTO seats (hall, number) VALUES ('red', 50)

--! switch-reads stop-dual-write contract: INSERT without the key, which has no default
INSERT INTO seats (number, price) VALUES (50, 1)

INSERT INTO seats (hall, number, price) VALUES ('red', 1, 1)

INSERT INTO "Person" ("Id") VALUES (1)

INSERT INTO posts (id, user_id, title) VALUES (50, 999, 't')

INSERT INTO posts (id, title) SELECT id, bio FROM users

UPDATE users SET slug = 'ann' WHERE id = 2

UPDATE users SET slug = 'same'

UPDATE users SET email = 'ann@example.com' WHERE slug = 'bob'

UPDATE users SET settings = NULL WHERE id = 1

UPDATE users SET email = NULL, bio = 'x' WHERE id = 1

UPDATE users SET balance = balance - 50

UPDATE users SET score = 5000, bio = 'x' WHERE id = 1

UPDATE users SET country = 'xx' WHERE first_name = 'Ann'

--~ switch-reads stop-dual-write contract: the value fails at Execute, not at Bind
UPDATE users SET first_name = repeat('x', 13) WHERE id = 1

UPDATE users SET phone = bio WHERE id = 1

--~ switch-reads stop-dual-write contract: the value fails at Execute, not at Bind
UPDATE users SET balance = 10000000 WHERE id = 1

UPDATE users SET bio = 'a', bio = 'b'

UPDATE users SET bio = nonsense

UPDATE users SET nonsense = bio

UPDATE users SET users.bio = 'x'

--~ switch-reads stop-dual-write contract: the place of the error is another
UPDATE users SET balance = bio

--~ switch-reads stop-dual-write contract: the place of the error is another
UPDATE users SET balance = slug WHERE slug IS NULL

--~ switch-reads stop-dual-write contract: the place of the error is another
UPDATE users SET score = bio, bio = score WHERE id = 1

--~ switch-reads stop-dual-write contract: the place of the error is another
UPDATE users SET tags = (SELECT '{a}') WHERE id = 1

UPDATE users SET tags = ARRAY[] WHERE id = 1

UPDATE users SET balance = 1 / 0 WHERE bio = 'none'

UPDATE users SET tags = 'no array' WHERE id = 1

UPDATE users SET bio = (SELECT bio FROM users) WHERE id = 1

UPDATE users SET bio = (SELECT id, bio FROM users WHERE id = 1)

--! switch-reads stop-dual-write contract: SET of several columns at once or of a part of one
UPDATE users SET (bio, role) = ('one')

UPDATE users SET bio = 'x' WHERE nonsense = 1

UPDATE users SET bio = 'x' WHERE first_name = 5

UPDATE users SET bio = 'x' RETURNING nonsense

UPDATE users SET id = 2 WHERE id = 1

UPDATE users SET id = 60 WHERE id = 6

UPDATE users SET id = NULL WHERE bio = 'none'

--! switch-reads stop-dual-write contract: FOR NO KEY UPDATE is not allowed with aggregate functions
UPDATE users SET bio = sum(balance)

UPDATE users u SET bio = 'x' WHERE users.id = 1

UPDATE users SET bio = p.title FROM posts p WHERE p.nonsense = users.id

UPDATE users SET bio = bio FROM posts

UPDATE seats SET price = NULL WHERE hall = 'red'

UPDATE seats SET hall = 'blue' WHERE hall = 'red'

DELETE FROM users WHERE id = 6

DELETE FROM users WHERE nonsense = 'x'

DELETE FROM users WHERE bio

DELETE FROM users USING posts p WHERE bio = 'x'

SELECT nonsense FROM users

SELECT bio, nonsense FROM users

SELECT u.nonsense, u.bio FROM users u

SELECT users.bio FROM users u

SELECT nonsense.bio FROM users

SELECT id FROM users JOIN posts ON user_id = users.id

SELECT bio FROM users JOIN posts ON user_id = users.id

SELECT bio FROM users ORDER BY nonsense

SELECT bio, count(*) FROM users

SELECT bio FROM users GROUP BY role

SELECT role FROM users GROUP BY bio

SELECT bio + 1 FROM users

SELECT balance / 0 FROM users

SELECT score / 0, bio FROM users

SELECT no_such_function(bio) FROM users

SELECT bio::integer FROM users WHERE id = 1

SELECT first_name FROM users WHERE balance = 'much'

SELECT bio FROM users WHERE id = (SELECT id FROM users)

SELECT bio FROM users LIMIT -1

SELECT bio FROM users WHERE max(balance) > 1

SELECT bio FROM users UNION SELECT id, bio FROM users

SELECT bio FROM users UNION SELECT balance FROM users

SELECT settings->>'a'->>'b' FROM users

SELECT * FROM users u (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)

SELECT u.bio FROM users u JOIN users u ON true

SELECT bio FROM users WHERE bio = $1 AND

SELECT bio FROM no_such_table JOIN users ON true

SELECT bio FROM users FOR UPDATE OF nobody

SELECT bio FROM users WHERE feels = 'angry'

SELECT (u).nonsense FROM users u

SELECT user_id FROM users

SELECT given_name FROM users

SELECT u.labels, u.bio FROM users u

--$ x
SELECT bio FROM users WHERE id = $1

--$ x
SELECT bio FROM users WHERE balance > $1

EXECUTE never_prepared

FETCH 1 FROM no_such_cursor

--! switch-reads stop-dual-write contract: WHERE CURRENT OF with a column that has moved
UPDATE users SET bio = 'x' WHERE CURRENT OF no_such_cursor

ROLLBACK TO never_made

--~ expand dual-write switch-reads stop-dual-write contract: segue finds the fault at Parse already
COPY users (nonsense) TO STDOUT

--~ expand dual-write switch-reads stop-dual-write contract: segue finds the fault at Parse already
COPY users (bio, bio) TO STDOUT

--~ dual-write switch-reads stop-dual-write contract: segue finds the fault at Parse already
COPY users (bio, nonsense) FROM STDIN

TRUNCATE users, nonsense

LOCK TABLE users, nonsense

SELECT bio FROM users WHERE
