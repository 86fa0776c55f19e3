-- Order, limit and row locks

SELECT id FROM users ORDER BY username

SELECT id FROM users ORDER BY username DESC, age ASC NULLS FIRST, id NULLS LAST

SELECT username FROM users ORDER BY 1

SELECT username AS u FROM users ORDER BY u

SELECT email AS username FROM users ORDER BY username

SELECT email AS username FROM users u ORDER BY u.username

SELECT id FROM users ORDER BY lower(username) DESC, username || email

SELECT id FROM users ORDER BY username USING <, email USING OPERATOR(pg_catalog.>)

SELECT username FROM users ORDER BY username USING ~<~ NULLS FIRST

SELECT username FROM users ORDER BY username LIMIT 2

SELECT username FROM users ORDER BY username LIMIT ALL

SELECT username FROM users ORDER BY username LIMIT NULL OFFSET 1

SELECT username FROM users ORDER BY username OFFSET 1

SELECT username FROM users ORDER BY username OFFSET 1 ROW

SELECT username FROM users ORDER BY username OFFSET 1 LIMIT 2

SELECT username FROM users ORDER BY username LIMIT 1 + 1 OFFSET (SELECT min(words) FROM posts)

SELECT username FROM users ORDER BY username FETCH FIRST ROW ONLY

SELECT username FROM users ORDER BY username FETCH NEXT 2 ROWS ONLY

SELECT username FROM users ORDER BY username OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY

SELECT username FROM users ORDER BY username FETCH FIRST 1 ROW ONLY OFFSET 1

SELECT age, username FROM users ORDER BY age FETCH FIRST 1 ROWS WITH TIES

SELECT username FROM users ORDER BY username FETCH FIRST (1 + 1) ROWS ONLY

SELECT username FROM users ORDER BY username FETCH FIRST (SELECT count(*) FROM posts WHERE title < 'S') ROWS ONLY

SELECT username FROM users ORDER BY username FETCH FIRST +2 ROWS ONLY

SELECT username FROM users ORDER BY username LIMIT $1 OFFSET $2

SELECT username FROM users ORDER BY username FETCH FIRST $1 ROWS ONLY

SELECT username FROM users WHERE id = 1 FOR UPDATE

SELECT username FROM users WHERE id = 1 FOR SHARE

SELECT username FROM users WHERE id = 1 FOR NO KEY UPDATE

SELECT username FROM users WHERE id = 1 FOR KEY SHARE

SELECT username FROM users u WHERE id = 1 FOR UPDATE OF u NOWAIT

SELECT username FROM users ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED

SELECT username FROM users ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1

SELECT username FROM users ORDER BY id FOR NO KEY UPDATE LIMIT 1 OFFSET 1

SELECT username FROM users ORDER BY id FOR UPDATE FETCH FIRST 1 ROW ONLY

SELECT u.username, p.title FROM users u JOIN posts p ON p.user_id = u.id FOR UPDATE OF u, p

SELECT u.username, p.title FROM users u JOIN posts p ON p.user_id = u.id FOR UPDATE OF u FOR SHARE OF p NOWAIT

SELECT u.username FROM users u, posts p WHERE p.user_id = u.id FOR NO KEY UPDATE OF u SKIP LOCKED FOR KEY SHARE OF p, u

SELECT username FROM users FOR READ ONLY

SELECT username FROM (SELECT username FROM users FOR UPDATE) x

SELECT username FROM users WHERE id IN (SELECT user_id FROM posts WHERE title > 'A' ORDER BY title LIMIT 2 FOR SHARE)

SELECT DISTINCT username, age FROM users ORDER BY age, username DESC

SELECT username FROM users ORDER BY random() < 2, username

SELECT username FROM users ORDER BY (SELECT max(title) FROM posts WHERE user_id = users.id) NULLS FIRST, username

SELECT username FROM users ORDER BY tags[1] NULLS FIRST, (home).city, profile->>'lang', id
