-- Aggregates

SELECT count(*), count(username), count(DISTINCT username), count(ALL username) FROM users

SELECT max(username), min(u.username), sum(length(username)), avg(score) FROM users u

SELECT string_agg(username, ', ' ORDER BY username DESC) FROM users

SELECT string_agg(DISTINCT username, ', ' ORDER BY username), array_agg(username ORDER BY age DESC NULLS LAST, username) FROM users

SELECT array_agg(username ORDER BY username USING >) FROM users

SELECT count(*) FILTER (WHERE username > 'b'), max(username) FILTER (WHERE active AND age > 1) FROM users

SELECT string_agg(username, ',' ORDER BY id) FILTER (WHERE username <> 'bob') FROM users

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY age), mode() WITHIN GROUP (ORDER BY username) FROM users

SELECT percentile_disc(ARRAY[0.25, 0.5]) WITHIN GROUP (ORDER BY username) FILTER (WHERE active) FROM users

SELECT rank('bob') WITHIN GROUP (ORDER BY username), dense_rank('bob', 30) WITHIN GROUP (ORDER BY username, age DESC) FROM users

SELECT bool_and(username > 'a'), bool_or(active), every(username IS NOT NULL) FROM users

SELECT max(length(username)) + min(age) FROM users HAVING max(username) > 'a'

SELECT corr(age, score), regr_count(score, age), stddev(age), count(username) FROM users

SELECT array_agg(DISTINCT ROW(username, age)::text) FROM users

SELECT jsonb_object_agg(username, tags ORDER BY username) FROM users

SELECT max(p.title), count(DISTINCT u.username) FROM users u JOIN posts p ON p.user_id = u.id

SELECT (SELECT max(username) FROM users), (SELECT count(title) FROM posts)

SELECT max(username)::varchar AS top, min(username) COLLATE "C" AS bottom FROM users

SELECT count((username, age)), count(DISTINCT (username, age)) FROM users

SELECT sum(words) FILTER (WHERE title LIKE 'F%') AS f, sum(words) AS words FROM posts
