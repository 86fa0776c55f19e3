-- ON CONFLICT

INSERT INTO users (id, username) VALUES (1, 'alice') ON CONFLICT DO NOTHING

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (username) DO NOTHING

INSERT INTO users (id, username) VALUES (1, 'al') ON CONFLICT (id) DO UPDATE SET username = excluded.username

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (username) DO UPDATE SET username = excluded.username || '2', age = users.age + 1

INSERT INTO users AS u (id, username) VALUES (20, 'alice') ON CONFLICT (username) DO UPDATE SET email = u.username || excluded.username WHERE u.username <> 'bob' AND excluded.id > 1

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT ON CONSTRAINT users_username_key DO NOTHING

INSERT INTO users (id, username) VALUES (1, 'x') ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET username = excluded.username

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (lower(username)) DO NOTHING

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (lower(username)) DO UPDATE SET email = 'x' WHERE users.username = 'alice'

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (username) WHERE active DO NOTHING

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (username) WHERE active DO UPDATE SET age = 1 RETURNING username

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (username text_ops) DO NOTHING

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT (username COLLATE "default" text_ops) DO NOTHING

INSERT INTO users (id, username) VALUES (20, 'alice') ON CONFLICT ((lower(username)) text_ops) DO NOTHING

INSERT INTO users (id, username) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET (username, age) = (excluded.username, 9)

INSERT INTO users (id, username) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET (username, age) = ROW (excluded.username, 9)

INSERT INTO users (id, username) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET (username, age) = (SELECT title, words FROM posts WHERE posts.id = 10)

INSERT INTO users (id, username) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET score = DEFAULT, username = (SELECT max(title) FROM posts)

INSERT INTO users (id, username, tags) VALUES (1, 'a', '{q}') ON CONFLICT (id) DO UPDATE SET tags = users.tags || excluded.tags RETURNING tags

INSERT INTO users (id, username) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET tags[1] = 'z', home.city = 'Hull'

INSERT INTO users (id, username) SELECT id, username FROM staging ON CONFLICT (username) DO UPDATE SET email = excluded.username

INSERT INTO users (id, username, email, age) TABLE staging ON CONFLICT DO NOTHING

INSERT INTO users (id, username) VALUES ($1, $2) ON CONFLICT (username) DO UPDATE SET username = excluded.username RETURNING id, username

WITH s AS (SELECT * FROM staging) INSERT INTO users (id, username) SELECT id, username FROM s ON CONFLICT (id) DO UPDATE SET username = excluded.username WHERE users.username IS DISTINCT FROM excluded.username
