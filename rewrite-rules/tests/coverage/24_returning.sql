-- RETURNING

INSERT INTO users (id, username) VALUES (20, 'zoe') RETURNING username

INSERT INTO users (id, username) VALUES (20, 'zoe') RETURNING *

INSERT INTO users (id, username) VALUES (20, 'zoe') RETURNING users.*, username AS name, (SELECT max(title) FROM posts)

INSERT INTO users (id, username, home) VALUES (20, 'zoe', ROW('a', 'b')) RETURNING (home).*, (home).city

UPDATE users SET username = 'x' WHERE id = 1 RETURNING lower(username), username ISNULL, id

UPDATE users SET username = 'x' WHERE id = 1 RETURNING row_to_json(users)

UPDATE posts SET title = title WHERE title = 'First' RETURNING title, posts.title AS t, title || '!' AS "T!"

DELETE FROM users WHERE id = 3 RETURNING username, CASE WHEN username > 'b' THEN 1 END

DELETE FROM users WHERE id = 3 RETURNING id, xmlforest(username)

INSERT INTO posts (id, title) SELECT 60, username FROM users WHERE id = 1 RETURNING title, (SELECT username FROM users WHERE id = 1)

UPDATE users SET email = 'e' WHERE username = 'bob' RETURNING (users).username

UPDATE users u SET tags = '{}' WHERE id = 1 RETURNING u.tags, u.tags[1], ARRAY(SELECT unnest(u.tags))

INSERT INTO users (id, username) VALUES (20, 'zoe') RETURNING ctid IS NULL, tableoid::regclass, username
