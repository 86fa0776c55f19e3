-- Joins

SELECT u.username, p.title FROM users u JOIN posts p ON p.user_id = u.id

SELECT u.username, p.title FROM users u INNER JOIN posts p ON (p.user_id = u.id AND p.title > u.username)

SELECT u.username, p.title FROM users u LEFT JOIN posts p ON p.user_id = u.id

SELECT u.username, p.title FROM users u RIGHT OUTER JOIN posts p ON p.user_id = u.id

SELECT u.username, p.title FROM users u FULL JOIN posts p ON p.user_id = u.id

SELECT u.username, p.title FROM users u CROSS JOIN posts p

SELECT u.username, p.title FROM users u, posts p WHERE p.user_id = u.id

SELECT username, title FROM users NATURAL JOIN posts

SELECT username FROM users NATURAL LEFT OUTER JOIN staging

SELECT username FROM users u NATURAL FULL JOIN staging s

SELECT * FROM users NATURAL JOIN staging

SELECT username FROM users JOIN staging USING (username)

SELECT u.email, s.email FROM users u LEFT JOIN staging s USING (username, age)

SELECT username, title FROM users JOIN posts USING (id)

SELECT j.id, username, title FROM users JOIN posts USING (id) AS j

SELECT j.username, j.* FROM users JOIN staging USING (username, age) AS j

SELECT j FROM users u JOIN posts p USING (id) AS j WHERE u.username > p.title OR j.id > 0

SELECT * FROM users JOIN staging USING (username)

SELECT u.*, s.id FROM users u JOIN staging s USING (username)

SELECT u.username, p.title, o.note FROM users u JOIN posts p ON p.user_id = u.id JOIN orders o ON o.user_id = u.id

SELECT u.username, p.title, o.note FROM users u LEFT JOIN (posts p JOIN orders o ON o.user_id = p.user_id) ON p.user_id = u.id

SELECT u.username, p.title FROM users u JOIN posts p JOIN orders o ON o.user_id = p.user_id ON p.user_id = u.id

SELECT j.username FROM (users u JOIN posts p ON p.user_id = u.id) AS j

SELECT j.a, j.b FROM (users CROSS JOIN posts) AS j(a, b)

SELECT a.username, b.username FROM users a JOIN users b ON a.username < b.username

SELECT a.username FROM users a, users b WHERE a.username = b.username AND a.id <> b.id

SELECT username FROM users LEFT JOIN posts ON users.id = posts.user_id WHERE title IS NULL

SELECT username FROM users JOIN (SELECT user_id, max(title) AS t FROM posts GROUP BY user_id) x ON x.user_id = id AND x.t > username

SELECT u.username FROM users u LEFT JOIN LATERAL (SELECT 1 FROM posts WHERE title = u.username) x ON true

SELECT u.username, g FROM users u LEFT JOIN generate_series(1, 2) g ON g = length(u.username)

SELECT u.username, p.title FROM (users u LEFT JOIN posts p ON p.user_id = u.id) JOIN orders o ON o.user_id = u.id AND o.note > p.title

SELECT u.username FROM users u JOIN posts p ON p.title = ANY (u.tags) OR p.title ~ u.username

SELECT username, x.n FROM users JOIN (VALUES (1, 'one')) AS x(id, n) USING (id)

SELECT u.username, v.username FROM users u JOIN LATERAL (SELECT username FROM users w WHERE w.age = u.age AND w.username <> u.username) v ON true
