-- Grouping

SELECT username, count(*) FROM users GROUP BY username

SELECT username, count(*) FROM users GROUP BY 1 ORDER BY 1

SELECT username AS name, count(*) FROM users GROUP BY name

SELECT lower(username), count(*) FROM users GROUP BY lower(username) HAVING count(*) > 0 AND max(username) > 'a'

SELECT lower(username) AS username, count(*) FROM users GROUP BY username

SELECT upper(username) AS l, count(*) FROM users GROUP BY l ORDER BY l DESC

SELECT (home).city, count(username) FROM users GROUP BY (home).city

SELECT age, count(*) FROM users GROUP BY (age)

SELECT age, active, count(username) FROM users GROUP BY (age, active)

SELECT users.age, username FROM users GROUP BY users.age, users.username

SELECT username, email, count(*) FROM users GROUP BY id

SELECT u.id, u.username, count(p.title) FROM users u LEFT JOIN posts p ON p.user_id = u.id GROUP BY u.id

SELECT username, active, count(*) FROM users GROUP BY ROLLUP (username, active)

SELECT username, active, count(*) FROM users GROUP BY ROLLUP ((username, active), age)

SELECT username, active, count(*) FROM users GROUP BY CUBE (username, active)

SELECT username, active, count(*) FROM users GROUP BY GROUPING SETS ((username, active), (username), active, ())

SELECT username, active, count(*), grouping(username), GROUPING(username, active) FROM users GROUP BY GROUPING SETS (ROLLUP (username, active), CUBE (age), ())

SELECT username, count(*) FROM users GROUP BY GROUPING SETS (username, GROUPING SETS ((username), GROUPING SETS (age, ())))

SELECT username, active, count(*) FROM users GROUP BY username, ROLLUP (active), GROUPING SETS ((age), ())

SELECT username, active, count(*) FROM users GROUP BY DISTINCT ROLLUP (username, active), ROLLUP (username)

SELECT username, active, count(*) FROM users GROUP BY ALL ROLLUP (username, active), ROLLUP (username)

SELECT username, count(*) FROM users GROUP BY DISTINCT username

SELECT count(*) FROM users GROUP BY ()

SELECT count(*) FROM users GROUP BY (), username

SELECT age + 1 AS a, max(username) FROM users GROUP BY age + 1 HAVING age + 1 > 1

SELECT CASE WHEN username < 'c' THEN 'x' ELSE 'y' END AS half, count(*) FROM users GROUP BY 1

SELECT tags[1], count(*) FROM users GROUP BY tags[1]

SELECT username COLLATE "C", count(*) FROM users GROUP BY username COLLATE "C"

SELECT p.title, u.username, count(*) FROM posts p, users u GROUP BY p.title, u.username HAVING p.title > u.username OR true

SELECT count(*) FROM users HAVING count(username) > 1

SELECT 1 FROM users HAVING true

SELECT username || '!' FROM users GROUP BY username
