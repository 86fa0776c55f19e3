-- Window functions

SELECT username, row_number() OVER (ORDER BY username) FROM users

SELECT username, rank() OVER (PARTITION BY active ORDER BY username DESC NULLS LAST) FROM users

SELECT username, lag(username) OVER w, lead(username, 1, 'none') OVER w FROM users WINDOW w AS (ORDER BY username)

SELECT username, count(*) OVER (), sum(age) OVER (PARTITION BY (home).city) FROM users

SELECT username, first_value(username) OVER (w ORDER BY age, username), count(*) OVER (w) FROM users WINDOW w AS (PARTITION BY active)

SELECT username, sum(age) OVER w2 FROM users WINDOW w1 AS (PARTITION BY active), w2 AS (w1 ORDER BY username)

SELECT username, sum(age) OVER (ORDER BY username ROWS UNBOUNDED PRECEDING) FROM users

SELECT username, sum(age) OVER (ORDER BY username ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM users

SELECT username, sum(age) OVER (ORDER BY username ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) FROM users

SELECT username, sum(age) OVER (ORDER BY username ROWS BETWEEN 1 + 1 PRECEDING AND length('x') FOLLOWING EXCLUDE TIES) FROM users

SELECT username, sum(age) OVER (ORDER BY age RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING EXCLUDE GROUP) FROM users

SELECT username, sum(age) OVER (ORDER BY age GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING EXCLUDE NO OTHERS) FROM users

SELECT username, count(*) OVER (ORDER BY seen RANGE BETWEEN '1 day' PRECEDING AND '1 mon'::interval FOLLOWING) FROM users

SELECT username, count(*) OVER (ORDER BY seen RANGE BETWEEN interval '1 day' PRECEDING AND interval '1' month FOLLOWING) FROM users

SELECT username, nth_value(username, 2) OVER (ORDER BY username ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM users

SELECT username, string_agg(username, ',') FILTER (WHERE active) OVER (ORDER BY username) FROM users

SELECT username, ntile(2) OVER (ORDER BY lower(username)), percent_rank() OVER (ORDER BY username COLLATE "C") FROM users

SELECT x.username FROM (SELECT username, row_number() OVER (PARTITION BY age ORDER BY username) AS n FROM users) x WHERE n = 1

SELECT count(*), sum(count(*)) OVER (ORDER BY age), rank() OVER (ORDER BY max(username)) FROM users GROUP BY age

SELECT username AS u, rank() OVER (ORDER BY username) AS r FROM users ORDER BY rank() OVER (ORDER BY username DESC), u

SELECT title, sum(words) OVER win FROM posts WINDOW win AS (PARTITION BY user_id ORDER BY title ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING)

SELECT username, sum(age) OVER first FROM users WINDOW first AS (ORDER BY username)

SELECT username, sum(age) OVER (first ORDER BY username) FROM users WINDOW first AS (PARTITION BY active)

SELECT username, sum(age) OVER "order" FROM users WINDOW "order" AS (ORDER BY username USING <)
