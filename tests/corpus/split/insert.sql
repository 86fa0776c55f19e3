-- INSERT of every form.

INSERT INTO users (email) VALUES ('new@example.com')

INSERT INTO users (email, first_name, bio) VALUES ('new@example.com', 'New', 'fresh')

INSERT INTO users (id, email, role) VALUES (50, 'new@example.com', 'guest')

INSERT INTO users VALUES (50, 'new@example.com', 'New', 'fresh', 'guest', '{"a": 1}', '{x,y}', '+1', 'new', 12.345, 5, '2024-05-05 05:05+00', 'fr', 'sad')

INSERT INTO users VALUES (50, 'new@example.com', 'New')

INSERT INTO users VALUES (DEFAULT, 'new@example.com', DEFAULT, DEFAULT, DEFAULT, DEFAULT)

INSERT INTO users (slug, email, balance, id) VALUES ('s', 'new@example.com', 3, 51)

INSERT INTO users (email, first_name, slug) VALUES ('a@x', 'A', 'a'), ('b@x', NULL, 'b'), ('c@x', 'C', NULL)

INSERT INTO users (email, bio, settings) VALUES ('a@x', DEFAULT, DEFAULT), ('b@x', NULL, '{"k": [1]}'), ('c@x', 'given', DEFAULT)

INSERT INTO users (email, role) VALUES ('a@x', DEFAULT), ('b@x', 'admin') RETURNING id, role, bio

--$ new@example.com;New;{"a": null}
INSERT INTO users (email, first_name, settings) VALUES ($1, $2, $3)

--$ new@example.com;\N;\N
INSERT INTO users (email, first_name, tags) VALUES ($1, $2, $3) RETURNING *

--$ 60;sixty@example.com;{one,"two three",NULL};7.5;happy;+49 30
INSERT INTO users (id, email, tags, balance, feels, phone) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id, tags, balance, feels, phone

--$ x@example.com
INSERT INTO users (email, bio, slug) VALUES ($1, $1, upper($1)) RETURNING bio, slug

--$ a@x;b@x;both
INSERT INTO users (email, bio) VALUES ($1, $3), ($2, $3) RETURNING id, email, bio

INSERT INTO users (email, first_name) VALUES ('new@example.com', 'New') RETURNING *

INSERT INTO users (email) VALUES ('new@example.com') RETURNING id

INSERT INTO users (email) VALUES ('new@example.com') RETURNING bio, settings, feels, balance

INSERT INTO users (email, bio) VALUES ('new@example.com', 'b') RETURNING users.bio || '!' AS loud, users.*, length(email)

INSERT INTO users AS u (email, first_name) VALUES ('new@example.com', 'New') RETURNING u.id, u.first_name, u.*

INSERT INTO users (email, bio) VALUES ('new@example.com', 'b') RETURNING (SELECT count(*) FROM users), bio

INSERT INTO users (email, bio) VALUES ('new@example.com', 'b') RETURNING row_to_json(users)

INSERT INTO users (email) SELECT 'gen' || g FROM generate_series(1, 3) g

INSERT INTO users (email, first_name, bio, balance) SELECT email, first_name, bio, balance FROM imports WHERE id > 20

INSERT INTO users (email, first_name, bio, balance) SELECT email, first_name, bio, balance FROM imports WHERE id > 20 ORDER BY id DESC RETURNING id, first_name, bio, balance

INSERT INTO users (email, bio, slug, settings) SELECT 'copy-' || email, bio, 'copy-' || slug, settings FROM users WHERE slug IS NOT NULL ORDER BY id

INSERT INTO users (email, bio) SELECT 'copy-' || email, role FROM users ORDER BY id RETURNING id, bio

INSERT INTO users (id, email, role) SELECT id + 100, 'copy-' || email, coalesce(bio, 'none') FROM users ORDER BY id

INSERT INTO users (email, first_name, bio) SELECT * FROM (VALUES ('a@x', 'A', 'a'), ('b@x', 'B', NULL)) v (e, f, b)

INSERT INTO users (email, bio) (SELECT title, bio FROM posts WHERE id < 3 ORDER BY id)

INSERT INTO users (email, bio) SELECT title, bio FROM posts UNION ALL SELECT 'last', 'one'

INSERT INTO users (email, bio) SELECT DISTINCT bio, bio FROM posts WHERE bio IS NOT NULL ORDER BY 1

INSERT INTO users (email, slug) SELECT 'n' || count(*), max(slug) || '2' FROM users

INSERT INTO users (email, bio) VALUES ('a@x', (SELECT bio FROM users WHERE id = 1)), ('b@x', (SELECT title FROM posts WHERE id = 2))

INSERT INTO users (email, first_name, slug) VALUES ('a@x', lower('ABC'), 'x' || 1 || 'y'), ('b@x', substr('long name', 1, 4), NULL) RETURNING first_name, slug

INSERT INTO users (email, bio) VALUES ('a@x', tick())

INSERT INTO users (email, bio) VALUES ('a@x', tick()), ('b@x', tick()) RETURNING email, bio

INSERT INTO users (email, bio) SELECT tick(), tick() FROM generate_series(1, 2)

INSERT INTO users (id, email, slug) VALUES (nextval('users_id_seq'), 'a@x', 'seq-' || currval('users_id_seq')) RETURNING id, slug

INSERT INTO users (email, tags) VALUES ('a@x', ARRAY['p', 'q'] || 'r'::text) RETURNING tags

--! switch-reads stop-dual-write contract: an assignment to a part of a column
INSERT INTO users (email, tags[1], tags[3]) VALUES ('a@x', 'one', 'three') RETURNING tags

INSERT INTO users (email, seen_at) VALUES ('a@x', '2024-01-01 00:00+02') RETURNING seen_at AT TIME ZONE 'UTC'

INSERT INTO users (email, balance) VALUES ('a@x', 1.005), ('b@x', '2.999') RETURNING balance

INSERT INTO users (email, first_name) VALUES ('a@x', 'twelve chars   ') RETURNING first_name, length(first_name)

--? fails
INSERT INTO users DEFAULT VALUES

INSERT INTO users (id, email, bio) SELECT 50.4, 'a@x', 'rounded'

INSERT INTO users (id, email, bio) VALUES (50.4, 'a@x', 'rounded'), (51.6, 'b@x', 'rounded')

INSERT INTO users (id, email, bio) VALUES (50.4, 'a@x', 'rounded') RETURNING *

INSERT INTO users (email, balance, first_name, tags, seen_at) VALUES ('a@x', 5, 'x' || 5, ARRAY['a', NULL], current_date - current_date + date '2024-01-01') RETURNING balance, first_name, tags, seen_at AT TIME ZONE 'UTC'

--$ 7;x
INSERT INTO users (email, balance, first_name) VALUES ('a@x', $1 + 1, ($2)) RETURNING balance, first_name

INSERT INTO "Person" DEFAULT VALUES

INSERT INTO "Person" DEFAULT VALUES RETURNING *

INSERT INTO "Person" ("Größe", "order") VALUES (1.8, NULL), (1.9, DEFAULT) RETURNING *

INSERT INTO "Person" OVERRIDING SYSTEM VALUE VALUES (50, 'Sys', 2, 3) RETURNING "Id", "Größe"

--! switch-reads stop-dual-write contract: INSERT from a source whose columns are not known
INSERT INTO "Person" ("Id", "Full Name", "Größe") OVERRIDING USER VALUE VALUES (50, 'User', 2) RETURNING *

INSERT INTO "Person" ("Full Name", "Größe") SELECT "Full Name" || '2', "Größe" + 1 FROM "Person" ORDER BY "Id" RETURNING "Id", "Größe", "order"

INSERT INTO seats (hall, number, price) VALUES ('red', 3, 9), ('green', 1, 8)

INSERT INTO seats VALUES ('green', 1, 'x', 'n', 4), ('green', 2, DEFAULT, DEFAULT, 3) RETURNING *

INSERT INTO seats (hall, number, note, price) SELECT 'copy', row_number() OVER (ORDER BY hall, number), note, price * 2 FROM seats RETURNING number, note, price

WITH s AS (SELECT 'w@x' AS e, 'from with' AS b) INSERT INTO users (email, bio) SELECT e, b FROM s RETURNING id, bio

WITH n AS (INSERT INTO users (email, bio) VALUES ('a@x', 'in with'), ('b@x', NULL) RETURNING id, email, bio) SELECT * FROM n ORDER BY id

WITH n AS (INSERT INTO users (email, bio) VALUES ('a@x', 'in with') RETURNING id, bio) INSERT INTO posts (id, user_id, title, bio) SELECT 90, id, 'by with', bio FROM n RETURNING *

WITH n AS (INSERT INTO users (email, first_name) VALUES ('a@x', 'A')) SELECT count(*) FROM users

WITH i AS (DELETE FROM imports WHERE id > 20 RETURNING *) INSERT INTO users (email, first_name, bio) SELECT email, first_name, bio FROM i ORDER BY id RETURNING id, email, bio

INSERT INTO posts (id, title, bio) SELECT 100 + id, coalesce(first_name, '?'), bio FROM users RETURNING *

INSERT INTO posts (id, user_id, title) SELECT 100 + id, id, slug FROM users WHERE slug IS NOT NULL ORDER BY id

INSERT INTO follows SELECT a.id, b.id FROM users a JOIN users b ON b.feels = a.feels AND b.id <> a.id AND a.id > 1 RETURNING *

INSERT INTO badges SELECT id, country FROM users WHERE country IS NOT NULL

INSERT INTO posts VALUES (50, 1, 't', 'no moved column', '{z}') RETURNING bio, tags

--! dual-write switch-reads stop-dual-write contract: a write through a view
INSERT INTO members (email, role) VALUES ('viewed@x', 'member')

INSERT INTO users AS u (email, bio) VALUES ('a@x', 'b') RETURNING (u).*

INSERT INTO users (email) VALUES ('a@x') RETURNING (users).*, (users).bio
