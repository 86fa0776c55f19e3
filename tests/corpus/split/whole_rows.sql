-- A row as a value.

SELECT users FROM users ORDER BY id

SELECT u FROM users u WHERE u.bio = 'none'

SELECT row_to_json(u) FROM users u ORDER BY u.id

SELECT to_jsonb(u) - 'settings' FROM users u ORDER BY u.id

SELECT to_jsonb(users.*) FROM users WHERE first_name = 'Bob'

SELECT json_agg(u ORDER BY u.id) FROM users u

SELECT (u).bio, (u).email FROM users u ORDER BY (u).id

SELECT (u.*).slug FROM users u WHERE u.id = 1

SELECT count(u), count(users.*) FROM users u, users WHERE u.id = users.id

SELECT u IS NULL, u IS NOT NULL FROM users u ORDER BY u.id

SELECT a.id FROM users a JOIN users b ON a = b ORDER BY 1

SELECT u::text FROM users u ORDER BY u.id

SELECT ROW (u.*) FROM users u ORDER BY u.id

SELECT ROW (u.id, u.bio, u.role) FROM users u ORDER BY u.id

SELECT (SELECT u FROM users u WHERE u.first_name = 'Ann')

SELECT p.title, u FROM posts p LEFT JOIN users u ON u.id = p.user_id ORDER BY p.id

SELECT p.title, row_to_json(u) FROM posts p LEFT JOIN users u ON u.id = p.user_id AND u.bio IS NOT NULL ORDER BY p.id

SELECT DISTINCT s FROM seats s ORDER BY s

SELECT s FROM seats s WHERE s.note IS NOT NULL ORDER BY s.price

SELECT row_to_json(p) FROM "Person" p ORDER BY p."Id"

SELECT x.u FROM (SELECT u FROM users u) x ORDER BY (x.u).id

SELECT (x.u).first_name FROM (SELECT u FROM users u WHERE u.score > 10) x ORDER BY (x.u).id

WITH w AS (SELECT s FROM seats s) SELECT (w.s).note FROM w ORDER BY 1

SELECT jsonb_agg(to_jsonb(s) ORDER BY s.hall, s.number) FROM seats s

SELECT hall, max(s::text) FROM seats s GROUP BY hall ORDER BY hall

--! switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT bio(u) FROM users u WHERE u.id = 1

SELECT u.email, u.bio, users_again.* FROM users u, (SELECT first_name, slug FROM users WHERE id = 2) users_again ORDER BY u.id
