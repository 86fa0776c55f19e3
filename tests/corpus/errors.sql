-- What fails on the unmigrated database fails in the same way, at the same place.

INSERT INTO users (id, username) VALUES (10, 'alice')

--$ 10;alice
INSERT INTO users (id, username) VALUES ($1, $2)

INSERT INTO users (id, username) VALUES (1, 'frank')

INSERT INTO users (id, username) VALUES (10, NULL)

INSERT INTO users (id) VALUES (10)

INSERT INTO users VALUES (10)

INSERT INTO users (id, username) VALUES (10, repeat('x', 51))

INSERT INTO users (id, username, age) VALUES (10, 'frank', -1)

INSERT INTO users (id, username, username) VALUES (10, 'a', 'b')

INSERT INTO users (id, username) VALUES (10)

INSERT INTO users (id, username) VALUES (10, 'a', 'b')

INSERT INTO users (id, username, nonsense) VALUES (10, 'a', 'b')

INSERT INTO users VALUES (10, 'a', 'b', 1, 'one too many')

INSERT INTO users (id, username) VALUES ('ten', 'frank')

INSERT INTO users (id, username) VALUES (1, 'x'), (1, 'y') ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username

INSERT INTO users (id, username) VALUES (10, 'x') ON CONFLICT (email) DO NOTHING

INSERT INTO users (id, username) VALUES (10, 'x') ON CONFLICT ON CONSTRAINT no_such_key DO NOTHING

UPDATE users SET username = 'alice' WHERE id = 2

UPDATE users SET username = NULL WHERE id = 2

UPDATE users SET username = 'a', username = 'b'

UPDATE users SET username = nonsense

UPDATE users SET nonsense = username

UPDATE users SET username = 1 / 0 WHERE username = 'bob'

UPDATE users SET username = repeat('y', 60) WHERE username = 'bob'

SELECT username FROM users WHERE nonsense = 1

SELECT username, nonsense FROM users

SELECT nonsense.username FROM users

SELECT u.username FROM users

SELECT username FROM users u JOIN posts p ON p.user_id = u.id

SELECT username FROM users ORDER BY nonsense

SELECT username, count(*) FROM users

SELECT username FROM users GROUP BY age

SELECT username + 1 FROM users

SELECT username / 0 FROM users

SELECT id / 0, username FROM users

SELECT no_such_function(username) FROM users

SELECT username FROM users WHERE username = 5

SELECT username::integer FROM users

SELECT username FROM users LIMIT -1

SELECT username FROM no_such_table

SELECT username FROM users WHERE id = (SELECT id FROM users)

SELECT username FROM users UNION SELECT id FROM users

SELECT usrname FROM users

DELETE FROM users WHERE nonsense = username

DELETE FROM users WHERE username = 'alice' RETURNING nonsense

SELECT DISTINCT username FROM users ORDER BY age

SELECT max(username) FROM users WHERE max(username) = 'x'

SELECT username FROM users FOR UPDATE OF nonsense

SELECT handle FROM users u JOIN notes n ON n.id = u.id WHERE n.nonsense = 1

SELECT id FROM users u JOIN posts p ON p.user_id = u.id

UPDATE users SET username = 'x' FROM posts WHERE username = 'y'

INSERT INTO users (id, username) VALUES (10, username)

INSERT INTO users (id, username) SELECT 10

SELECT username FROM users GROUP BY id HAVING username

SELECT username, sum(username) FROM users GROUP BY username

SELECT username FROM users WHERE username = ANY ('not an array')

SELECT * FROM users u WHERE u.username = 1::bit

UPDATE users SET username = (SELECT username FROM users)

DELETE FROM users USING posts WHERE username = 'x'

SELECT username FROM users AS OF SYSTEM TIME 'now'

SELECT username FROM users WHERE id = 1 AND (

SELECT u.username.more FROM users u

SELECT length(username, 1) FROM users

--$ 10
INSERT INTO users (id, username) VALUES ($1, 'user-' || $1)

--$ 10;x
INSERT INTO users (id, username, email) VALUES ($1, $2, upper($2))
