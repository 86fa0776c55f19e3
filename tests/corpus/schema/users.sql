-- The unmigrated database of the differential tests, first part: a small blog. `posts` and `notes`
-- are not governed, but have columns and aliases that look as if they were.
CREATE TABLE users (
    id bigint PRIMARY KEY,
    username varchar(50) NOT NULL UNIQUE,
    email text,
    age integer DEFAULT 18 CHECK (age >= 0)
);
CREATE TABLE posts (
    id integer PRIMARY KEY,
    user_id bigint REFERENCES users (id) ON DELETE CASCADE,
    title text NOT NULL,
    username text
);
CREATE TABLE "Account" (id integer PRIMARY KEY, "userName" text, "Bio" text, username text);
CREATE TABLE tasks (id serial PRIMARY KEY, label text DEFAULT 'untitled', done boolean NOT NULL DEFAULT false);
CREATE SEQUENCE code_seq START 1000;
CREATE TABLE tokens (id integer PRIMARY KEY, code bigint NOT NULL DEFAULT nextval('code_seq'), note text);
CREATE TABLE notes (id integer PRIMARY KEY, body text, handle text);
CREATE FUNCTION shout(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(t) || ''!''';
CREATE FUNCTION posts_of(wanted bigint) RETURNS SETOF posts LANGUAGE sql STABLE AS
    'SELECT * FROM posts WHERE user_id = wanted ORDER BY id';
CREATE FUNCTION label_of(p posts) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT p.id || '':'' || p.title';
CREATE FUNCTION letters(t text) RETURNS TABLE (username text, place integer) LANGUAGE sql IMMUTABLE AS
    'SELECT substr(t, i, 1), i FROM generate_series(1, length(t)) i ORDER BY i';
CREATE FUNCTION total_of(VARIADIC numbers integer[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    'SELECT sum(n) FROM unnest(numbers) n';
CREATE FUNCTION tick() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT ''tick-'' || nextval(''code_seq'')';

INSERT INTO users VALUES
    (1, 'alice', 'alice@example.com', 30), (2, 'bob', 'bob@example.com', 25), (3, 'carol', NULL, 41),
    (4, 'Dave', 'dave@example.com', 18), (5, 'eve''s', 'eve@example.com', NULL), (6, 'zoë', 'zoe@example.com', 30);
INSERT INTO posts VALUES
    (1, 1, 'first', 'guest'), (2, 1, 'second', NULL), (3, 2, 'third', 'bob'), (4, NULL, 'orphan', 'alice');
INSERT INTO "Account" VALUES (1, 'Alice A', 'bio a', 'x'), (2, 'Bob B', NULL, 'y'), (3, NULL, 'bio c', NULL);
INSERT INTO tasks (label, done) VALUES ('sweep', false), (NULL, true), (DEFAULT, false);
INSERT INTO tokens (id, note) VALUES (1, 'one'), (2, 'two');
INSERT INTO notes VALUES (1, 'n1', 'h1'), (2, 'n2', NULL);

CREATE VIEW adult_ids AS SELECT id, age FROM users WHERE age >= 18;
CREATE VIEW post_titles AS SELECT id, title AS username FROM posts;
CREATE MATERIALIZED VIEW title_lengths AS SELECT id, length(title) AS letters FROM posts;
