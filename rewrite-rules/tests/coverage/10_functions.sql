-- Function calls

SELECT lower(username), pg_catalog.lower(username), lower(u.username) FROM users u

SELECT make_interval(days => age, hours := 2), username FROM users

SELECT concat(username, email), concat(VARIADIC tags), num_nulls(username, email), num_nonnulls(VARIADIC tags) FROM users

SELECT coalesce((SELECT title FROM posts WHERE user_id = users.id ORDER BY title LIMIT 1), username) FROM users

SELECT nullif(username, email), greatest(age, 1, 2), least(age, 1) FROM users

SELECT ceil(score), floor(score), round(score, 1), abs(-score), mod(age, 7), power(age, 2), username FROM users

SELECT @ (-age), |/ age::float8, ||/ 27, age # 1, ~ age, age & 1, age | 1, age << 1, age >> 1, age % 7, age ^ 2, username FROM users

SELECT age OPERATOR(pg_catalog.+) 1, username OPERATOR(pg_catalog.||) 'x', OPERATOR(pg_catalog.-) age FROM users

SELECT id FROM users WHERE username OPERATOR(pg_catalog.=) 'bob' AND username OPERATOR(pg_catalog.~) ANY (ARRAY['b'])

SELECT id FROM users WHERE age + 1 = 31 AND age - -1 = 31 AND age*-1<0 AND age<-1 IS FALSE AND age=-1 IS FALSE

SELECT point(age, 1) <-> point '(0,0)', point(age, 1) ~= point '(1,1)', box '((0,0),(1,1))' && box '((0,0),(2,2))', username FROM users

SELECT box '((0,0),(1,1))' &> box '((0,0),(2,2))', box '((0,0),(1,1))' &< box '((0,0),(2,2))', lseg '[(0,0),(1,1)]' ?# box '((0,0),(2,2))', ?| lseg '[(0,0),(0,1)]', @-@ lseg '[(0,0),(0,1)]', username FROM users

SELECT int4range(1, age) @> 5, int4range(1, age) * int4range(5, 10), int4range(1, 5) -|- int4range(5, 6), username FROM users

SELECT generate_series(1, age / 10), username FROM users

SELECT username, random() >= 0, clock_timestamp() IS NULL, gen_random_uuid() IS NULL FROM users

SELECT username, txid_current() IS NULL, pg_typeof(username), pg_column_size(username) > 0 FROM users

SELECT current_setting('server_encoding'), version() IS NULL, username FROM users

SELECT length(username) + length(email) * (age - 1) / 2 FROM users

SELECT width_bucket(score, 0, 100, 10), sign(score), trunc(score), username FROM users

SELECT to_char(score, '999D99'), to_number('1', '9'), to_date('2024', 'YYYY'), username FROM users

SELECT "lower"(username), "pg_catalog"."upper"(username) FROM users

SELECT "isnull" FROM (SELECT username ISNULL AS isnull FROM users) x

SELECT substring(upper(trim(username)) FROM position('L' IN upper(username)) FOR 2) FROM users
