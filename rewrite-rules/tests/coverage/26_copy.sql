-- COPY

COPY users TO STDOUT

COPY users (id, username) TO STDOUT

COPY public.users (username) TO STDOUT WITH (FORMAT csv, HEADER)

COPY users (username, email) TO STDOUT (FORMAT csv, HEADER true, DELIMITER ';', QUOTE '''', ESCAPE E'\\', NULL 'none', ENCODING 'UTF8')

COPY users (id, username) TO STDOUT WITH (FORMAT 'csv', FORCE_QUOTE (username))

COPY users (id, username) TO STDOUT (FORMAT csv, FORCE_QUOTE *)

COPY users (id, username) TO STDOUT (FORMAT binary)

COPY users (id, username) TO STDOUT CSV HEADER

COPY users (id, username) TO STDOUT WITH CSV HEADER DELIMITER AS ';' NULL AS '' QUOTE AS '"' ESCAPE AS '"' FORCE QUOTE username

COPY users (id, username) TO STDOUT WITH DELIMITER E'\t' NULL '-' ENCODING 'UTF8'

COPY BINARY users (id, username) TO STDOUT

COPY users (id, username) TO STDOUT WITH BINARY

COPY users (id, username) TO STDOUT USING DELIMITERS ';' WITH NULL AS 'x'

COPY (SELECT username FROM users WHERE username > 'a') TO STDOUT

COPY (SELECT * FROM users ORDER BY username) TO STDOUT WITH (FORMAT csv, HEADER)

COPY (TABLE users) TO STDOUT

COPY (WITH u AS (SELECT username FROM users) SELECT * FROM u) TO STDOUT CSV

COPY (UPDATE users SET username = upper(username) WHERE id = 1 RETURNING username) TO STDOUT

COPY (INSERT INTO users (id, username) VALUES (20, 'zoe') RETURNING *) TO STDOUT

COPY (DELETE FROM posts WHERE title = 'Orphan' RETURNING title) TO STDOUT

COPY (VALUES ((SELECT max(username) FROM users))) TO STDOUT

COPY users (id, username) FROM STDIN

COPY users FROM STDIN WITH (FORMAT csv, HEADER match, NULL '')

COPY users (id, username) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (username), FORCE_NULL (username))

COPY users (id, username) FROM STDIN CSV QUOTE AS '"' FORCE NOT NULL username

COPY users (id, username) FROM STDIN WHERE username > 'a' AND id IN (1, 2)

COPY users (id, username) FROM STDIN WITH (FORMAT text, FREEZE off) WHERE length(username) < 10

COPY posts (id, labels) FROM STDIN (FORMAT binary)
