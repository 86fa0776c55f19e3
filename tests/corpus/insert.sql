-- Inserts.

INSERT INTO users (id, username) VALUES (10, 'frank')

INSERT INTO users (id, username, email) VALUES (10, 'frank', 'f@example.com'), (11, 'grace', NULL)

--$ 10;frank
INSERT INTO users (id, username) VALUES ($1, $2)

--$ 10;frank;f@example.com;11;grace
INSERT INTO users (id, username, email) VALUES ($1, $2, $3), ($4, $5, $3)

--$ frank;10
INSERT INTO users (username, id) VALUES ($1, $2)

--$ 10;fr
INSERT INTO users (id, username) VALUES ($1, $2 || 'ank')

--$ 10;FRANK
INSERT INTO users (id, username) VALUES ($1, lower($2))

--$ 10;frank
INSERT INTO users (id, username) VALUES ($1, $2::text)

INSERT INTO users VALUES (10, 'frank', 'f@example.com', 50)

INSERT INTO users VALUES (10, 'frank')

--$ 10;frank
INSERT INTO users VALUES ($1, $2)

INSERT INTO users (id, username, age) VALUES (10, 'frank', DEFAULT)

INSERT INTO users (id, username) VALUES (10, 'frank') RETURNING *

INSERT INTO users (id, username) VALUES (10, 'frank') RETURNING username

INSERT INTO users (id, username) VALUES (10, 'frank') RETURNING users.username AS name, id, age

INSERT INTO users AS u (id, username) VALUES (10, 'frank') RETURNING u.username, u.*

--$ 10;frank
INSERT INTO users (id, username) VALUES ($1, $2) RETURNING id, username, email

INSERT INTO users (id, username) SELECT id + 100, username || '2' FROM users

INSERT INTO users (id, username) SELECT u.id + 100, upper(u.username) FROM users u WHERE u.username LIKE '%o%' RETURNING username

INSERT INTO users (id, username, email) SELECT 100 + p.id, p.title, 't' FROM posts p

INSERT INTO users SELECT id + 100, username || 'x', email, age FROM users

INSERT INTO users (id, username) SELECT id + 100, title FROM posts ORDER BY id DESC LIMIT 2 RETURNING id, username

--$ 100;-copy
INSERT INTO users (id, username) SELECT id + $1, username || $2 FROM users WHERE id = 1

INSERT INTO users (id, username) WITH s AS (SELECT 10 AS i, 'frank' AS n) SELECT i, n FROM s

WITH s AS (SELECT 10 AS i, 'frank' AS n) INSERT INTO users (id, username) SELECT i, n FROM s RETURNING *

INSERT INTO users (id, username) VALUES (10, 'frank') ON CONFLICT DO NOTHING

INSERT INTO users (id, username) VALUES (1, 'frank') ON CONFLICT DO NOTHING

INSERT INTO users (id, username) VALUES (10, 'alice') ON CONFLICT DO NOTHING RETURNING id

INSERT INTO users (id, username) VALUES (10, 'alice') ON CONFLICT (username) DO NOTHING

INSERT INTO users (id, username) VALUES (1, 'frank') ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username

INSERT INTO users (id, username) VALUES (1, 'frank') ON CONFLICT (id) DO UPDATE SET username = excluded.username || '!' RETURNING *

INSERT INTO users (id, username, email) VALUES (10, 'alice', 'new') ON CONFLICT (username) DO UPDATE SET email = EXCLUDED.email

INSERT INTO users (id, username, email) VALUES (10, 'alice', 'new') ON CONFLICT (username) DO UPDATE SET email = EXCLUDED.username || users.username

INSERT INTO users AS u (id, username) VALUES (10, 'bob') ON CONFLICT (username) DO UPDATE SET username = u.username || '-' || EXCLUDED.id RETURNING u.username

INSERT INTO users (id, username) VALUES (2, 'bobby') ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username WHERE users.username <> EXCLUDED.username

INSERT INTO users (id, username) VALUES (2, 'bob') ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username WHERE users.username <> EXCLUDED.username

INSERT INTO users (id, username) VALUES (10, 'alice') ON CONFLICT ON CONSTRAINT users_username_key DO NOTHING

INSERT INTO users (id, username) VALUES (10, 'alice') ON CONFLICT ON CONSTRAINT users_username_key DO UPDATE SET age = 99

INSERT INTO users (id, username) VALUES (1, 'anna') ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET username = EXCLUDED.username

--$ 1;anna
INSERT INTO users (id, username) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET username = $2

--$ 10;alice;e
INSERT INTO users (id, username, email) VALUES ($1, $2, $3) ON CONFLICT (username) DO UPDATE SET email = $3, age = users.age + 1 RETURNING id, username, email, age

INSERT INTO users (id, username) VALUES (1, 'a'), (10, 'b') ON CONFLICT (id) DO UPDATE SET (username, email) = (EXCLUDED.username, 'both')

INSERT INTO tasks DEFAULT VALUES

INSERT INTO tasks DEFAULT VALUES RETURNING label

INSERT INTO tasks (done) VALUES (true) RETURNING *

INSERT INTO tasks (label) VALUES (DEFAULT), ('x'), (NULL) RETURNING label

INSERT INTO tasks (label, done) VALUES ('a', true), (DEFAULT, DEFAULT)

INSERT INTO tokens (id) VALUES (10)

INSERT INTO tokens (id) VALUES (10), (11) RETURNING id, code

INSERT INTO tokens (id, code) VALUES (10, DEFAULT) RETURNING *

INSERT INTO tokens (id, code) VALUES (10, 5), (11, DEFAULT) RETURNING *

--! dual-write switch-reads: INSERT from a source whose columns are not known
INSERT INTO tokens (id, note) SELECT id + 100, note FROM tokens ORDER BY id RETURNING code

INSERT INTO tokens (id, code) VALUES (10, nextval('code_seq')) RETURNING code

INSERT INTO tokens VALUES (10)

INSERT INTO "Account" (id, "userName") VALUES (10, 'Zed') RETURNING "userName"

INSERT INTO "Account" VALUES (10, 'Zed', 'bio', 'low') RETURNING *

INSERT INTO "Account" (id, username) VALUES (10, 'Zed')

INSERT INTO posts (id, title, username) SELECT id + 100, username, username FROM users

INSERT INTO posts (id, title, username) VALUES (10, (SELECT username FROM users WHERE id = 1), 'username') RETURNING title, username

INSERT INTO users (id, username) VALUES (10, (SELECT title FROM posts WHERE id = 1)) RETURNING username

INSERT INTO users (id, username) VALUES (10, 'a' || 'b' || 'c') RETURNING username

INSERT INTO users (id, username) VALUES (10, shout('frank')) RETURNING username

INSERT INTO users (id, username) VALUES (10, tick()) RETURNING username

INSERT INTO users (id, username) VALUES (10, tick()), (11, tick()) RETURNING id, username

INSERT INTO users (id, username) VALUES (10, random()::text) RETURNING username

INSERT INTO users (id, username) SELECT id + 100, tick() FROM users ORDER BY id RETURNING id, username

INSERT INTO users (id, username) SELECT g, 'bulk-' || g FROM generate_series(100, 120) g

INSERT INTO users (id, username) VALUES (nextval('code_seq'), 'seq') RETURNING id

INSERT INTO users (id, username) VALUES (10, CASE WHEN 1 = 1 THEN 'yes' ELSE 'no' END)

INSERT INTO users (id, username) VALUES (10, current_user)

INSERT INTO users (id, username, email, age) VALUES (10, '  spaced  ', '', 0) RETURNING username

INSERT INTO users (id, username) VALUES (10, 'it''s "quoted" \ back')

INSERT INTO users (id, username) VALUES (10, U&'\0061lpha')

WITH new AS (INSERT INTO users (id, username) VALUES (10, 'frank') RETURNING id, username) SELECT username FROM new

WITH new AS (INSERT INTO users (id, username) VALUES (10, 'frank') RETURNING *) INSERT INTO posts (id, user_id, title) SELECT 10, id, username FROM new RETURNING title

INSERT INTO users(id,username)VALUES(10,'tight')RETURNING username

INSERT INTO users (id, username) VALUES (10, 'frank');

INSERT INTO users (id, "username") VALUES (10, 'frank')

INSERT INTO public.users (id, username) VALUES (10, 'frank')

INSERT INTO notes (id, handle) VALUES (10, 'h') RETURNING handle

INSERT INTO users (id, username) VALUES (10, 'a'), (11, lower('B')), (12, tick()) RETURNING *

INSERT INTO users (id, username) SELECT 10, username FROM posts WHERE username IS NOT NULL ORDER BY id LIMIT 1

INSERT INTO users (id, username) SELECT DISTINCT 10, 'dist' FROM posts

INSERT INTO users (id, username) SELECT id + 100, username FROM posts WHERE username = 'guest' UNION ALL SELECT 200, 'union'

INSERT INTO users (id, username) SELECT max(id) + 1, min(username) || 'x' FROM users

INSERT INTO users (id, username) SELECT id + 100, username || count(*) OVER () FROM users

INSERT INTO users (id, username) (SELECT 10, 'bracketed')

INSERT INTO posts (id, title, username) TABLE notes ON CONFLICT DO NOTHING

INSERT INTO users (username, id, email) SELECT * FROM (VALUES ('star', 10, 'e')) v

INSERT INTO users AS target (id, username) VALUES (2, 'b2') ON CONFLICT (id) DO UPDATE SET (username, email) = (SELECT EXCLUDED.username, target.username)

INSERT INTO users (id, username) VALUES (1, tick()) ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username RETURNING username

INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET username = tick() RETURNING username

INSERT INTO users (id, username, age) VALUES (10, 'alice', 5) ON CONFLICT (username) DO UPDATE SET age = EXCLUDED.age + users.age, username = users.username || '+' RETURNING *

INSERT INTO users (id, username) VALUES (10, 'alice') ON CONFLICT (username) WHERE true DO NOTHING

--$ 10;x
INSERT INTO users (id, username) SELECT $1, $2

--$ 10;x
INSERT INTO users (id, username) SELECT $1, $2 || random()::text

INSERT INTO posts (id, title) SELECT 100 + id, username FROM users ON CONFLICT DO NOTHING

WITH a AS (INSERT INTO users (id, username) VALUES (10, 'one') RETURNING username), b AS (INSERT INTO users (id, username) VALUES (11, 'two') RETURNING username) SELECT a.username, b.username FROM a, b
