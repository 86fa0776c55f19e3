-- Joins of every kind, aggregates, windows, WITH, set operations, LATERAL.

SELECT u.first_name, p.title FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT u.first_name, p.title FROM users u LEFT JOIN posts p ON p.user_id = u.id AND p.bio = u.bio ORDER BY u.id, p.id

SELECT u.bio, p.title FROM users u RIGHT JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT u.slug, p.title FROM users u FULL JOIN posts p ON p.user_id = u.id ORDER BY u.id, p.id

SELECT u.bio, p.bio FROM users u FULL JOIN posts p ON p.bio = u.bio ORDER BY u.id, p.id

SELECT count(*) FROM users u CROSS JOIN posts p WHERE u.bio = p.bio

SELECT u.id, p.id FROM users u, posts p WHERE u.bio = p.bio ORDER BY 1, 2

SELECT id, title, email FROM users JOIN posts USING (id) ORDER BY id

SELECT id, bio, title FROM users JOIN posts USING (id, bio) ORDER BY id

SELECT * FROM users JOIN posts USING (bio) ORDER BY users.id, posts.id

SELECT j.bio, u.id FROM users u JOIN posts p USING (bio) AS j ORDER BY u.id, p.id

SELECT * FROM users NATURAL JOIN countries ORDER BY id

SELECT id, bio FROM users NATURAL JOIN posts ORDER BY id

SELECT * FROM posts NATURAL LEFT JOIN users ORDER BY id

SELECT u.*, p.* FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT * FROM users u JOIN posts p ON p.user_id = u.id ORDER BY p.id

SELECT * FROM posts p JOIN users u ON p.user_id = u.id ORDER BY p.id

SELECT a.first_name, b.first_name FROM follows f JOIN users a ON a.id = f.follower JOIN users b ON b.id = f.followed ORDER BY 1, 2

SELECT a.email, b.bio FROM users a JOIN users b ON a.bio = b.bio AND a.id < b.id ORDER BY 1

SELECT a.id, b.id FROM users a LEFT JOIN users b ON b.balance > a.balance ORDER BY 1, 2

SELECT u.id, c.name FROM users u LEFT JOIN countries c ON c.code = u.country ORDER BY u.id

SELECT c.name, count(u.id), sum(u.balance) FROM countries c LEFT JOIN users u ON u.country = c.code GROUP BY c.name ORDER BY c.name

SELECT u.id, b.label FROM users u JOIN badges b ON b.user_id = u.id WHERE u.feels = 'happy' ORDER BY 1, 2

SELECT (u).email, p.title FROM users u JOIN posts p ON p.user_id = u.id WHERE (u).bio = 'none'

SELECT j.first_name, j.title FROM (users JOIN posts ON posts.user_id = users.id) AS j (id, email, first_name, a, b, c, d, e, f, g, h, i, k, l, pid, uid, title) ORDER BY j.pid

SELECT u.first_name, x.title FROM users u, LATERAL (SELECT title FROM posts WHERE user_id = u.id ORDER BY id LIMIT 1) x ORDER BY u.id

SELECT u.id, x.n FROM users u LEFT JOIN LATERAL (SELECT count(*) AS n FROM posts p WHERE p.bio = u.bio) x ON true ORDER BY u.id

SELECT p.title, x.first_name FROM posts p CROSS JOIN LATERAL (SELECT u.first_name FROM users u WHERE u.id = p.user_id) x ORDER BY p.id

SELECT u.id, t.tag, t.place FROM users u, unnest(u.tags) WITH ORDINALITY AS t (tag, place) ORDER BY u.id, t.place

SELECT u.id, e.key, e.value FROM users u, jsonb_each_text(CASE jsonb_typeof(u.settings) WHEN 'object' THEN u.settings END) e ORDER BY 1, 2

SELECT u.slug, p.title FROM users u, posts_of(u.id) p ORDER BY p.id

SELECT u.id, s.* FROM users u, ROWS FROM (unnest(u.tags), generate_series(1, 2)) s ORDER BY 1, 2, 3

SELECT id, x.* FROM users, LATERAL (VALUES (bio, role), (slug, email)) x (a, b) ORDER BY id, a, b

SELECT count(*), count(bio), count(DISTINCT bio), min(first_name), max(slug), sum(balance), avg(balance) FROM users

SELECT role, count(*), string_agg(first_name, ',' ORDER BY first_name) FROM users GROUP BY role ORDER BY role

SELECT bio, array_agg(id ORDER BY id) FROM users GROUP BY bio ORDER BY bio

SELECT country, role, count(*) FROM users GROUP BY country, role HAVING count(*) > 0 AND max(balance) IS NOT NULL ORDER BY 1, 2

SELECT bio, role, count(*) FROM users GROUP BY GROUPING SETS ((bio), (role), ()) ORDER BY bio, role, 3

SELECT country, role, sum(balance), grouping(country, role) FROM users GROUP BY ROLLUP (country, role) ORDER BY 1, 2, 4

SELECT feels, role, count(*) FROM users GROUP BY CUBE (feels, role) ORDER BY 1, 2, 3

SELECT id, bio, email FROM users GROUP BY id ORDER BY id

SELECT u.id, u.first_name, count(p.id) FROM users u LEFT JOIN posts p ON p.user_id = u.id GROUP BY u.id ORDER BY u.id

SELECT u.email, u.slug, count(p.id) FROM users u LEFT JOIN posts p ON p.user_id = u.id GROUP BY u.id, u.email ORDER BY u.id

SELECT upper(bio), count(*) FROM users GROUP BY upper(bio) ORDER BY 1

SELECT length(bio) AS n, count(*) FROM users GROUP BY n ORDER BY n

SELECT bio, count(*) FROM users GROUP BY 1 HAVING bio <> 'x' ORDER BY 2 DESC, 1

SELECT count(*) FILTER (WHERE bio = 'none'), sum(balance) FILTER (WHERE role = 'guest') FROM users

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY balance), mode() WITHIN GROUP (ORDER BY bio) FROM users

SELECT jsonb_agg(settings ORDER BY id), jsonb_object_agg(email, first_name ORDER BY id) FROM users

SELECT json_agg(json_build_object('id', id, 'bio', bio) ORDER BY id) FROM users

SELECT bool_and(balance >= 0), bool_or(first_name IS NULL) FROM users

SELECT id, row_number() OVER (ORDER BY first_name NULLS LAST, id), rank() OVER (PARTITION BY bio ORDER BY balance) FROM users ORDER BY id

SELECT id, sum(balance) OVER w, lag(first_name) OVER w FROM users WINDOW w AS (PARTITION BY role ORDER BY id) ORDER BY id

SELECT id, first_value(bio) OVER (ORDER BY balance NULLS FIRST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM users ORDER BY id

SELECT id, avg(score) OVER (PARTITION BY country), count(*) OVER () FROM users WHERE bio IS NOT NULL ORDER BY id

SELECT role, sum(sum(balance)) OVER (ORDER BY role) FROM users GROUP BY role ORDER BY role

WITH u AS (SELECT id, bio FROM users) SELECT bio FROM u ORDER BY id

WITH u AS (SELECT * FROM users WHERE score > 10) SELECT u.first_name, p.title FROM u JOIN posts p ON p.user_id = u.id ORDER BY p.id

WITH users AS (SELECT 1 AS id, 'hidden' AS bio) SELECT bio FROM users

WITH u AS MATERIALIZED (SELECT id, slug FROM users), v AS NOT MATERIALIZED (SELECT id, balance FROM users) SELECT u.slug, v.balance FROM u JOIN v USING (id) ORDER BY id

WITH RECURSIVE reach (id, name, depth) AS (SELECT id, first_name::text, 0 FROM users WHERE id = 5 UNION SELECT u.id, r.name || '>' || coalesce(u.first_name, '?'), depth + 1 FROM reach r JOIN follows f ON f.follower = r.id JOIN users u ON u.id = f.followed WHERE depth < 3) SELECT * FROM reach ORDER BY depth, id, name

WITH RECURSIVE t (n, bio) AS (SELECT 1, bio FROM users WHERE id = 1 UNION ALL SELECT n + 1, bio || n FROM t WHERE n < 3) SELECT * FROM t ORDER BY n

WITH RECURSIVE walk (id) AS (SELECT id FROM users WHERE first_name = 'Ann' UNION ALL SELECT f.followed FROM walk JOIN follows f ON f.follower = walk.id) SEARCH DEPTH FIRST BY id SET place CYCLE id SET is_cycle USING path SELECT DISTINCT walk.id, u.bio FROM walk JOIN users u ON u.id = walk.id ORDER BY 1

SELECT bio FROM users UNION SELECT bio FROM posts ORDER BY bio

SELECT id, bio FROM users UNION ALL SELECT id, bio FROM posts ORDER BY id, bio

SELECT bio FROM users INTERSECT SELECT bio FROM posts ORDER BY 1

SELECT first_name FROM users EXCEPT SELECT title FROM posts ORDER BY 1

(SELECT id, slug FROM users ORDER BY balance DESC NULLS LAST LIMIT 2) UNION ALL (SELECT id, email FROM users ORDER BY id LIMIT 1) ORDER BY 1, 2

SELECT * FROM users WHERE id = 1 UNION ALL SELECT * FROM users WHERE id = 2 ORDER BY 1

TABLE users EXCEPT SELECT * FROM users WHERE bio = 'none' ORDER BY id

SELECT first_name FROM users WHERE id = 1 UNION SELECT 'x' ORDER BY 1

VALUES ((SELECT bio FROM users WHERE id = 1), 1), ('b', 2)

SELECT x.v FROM (VALUES (1), (2)) x (v) JOIN users u ON u.id = x.v AND u.bio IS NULL

SELECT u.id FROM users u WHERE u.balance > ALL (SELECT v.balance FROM users v WHERE v.role = 'member' AND v.balance IS NOT NULL) ORDER BY 1

SELECT u.id FROM users u WHERE u.bio = ANY (SELECT p.bio FROM posts p) ORDER BY 1

SELECT u.email FROM users u WHERE (SELECT count(*) FROM posts p WHERE p.user_id = u.id AND u.slug IS NOT NULL) > 1

SELECT s.hall, s.note, t.note FROM seats s JOIN seats t ON t.hall = s.hall AND t.number > s.number ORDER BY 1, s.number

SELECT s.hall, s.number, u.bio, s.note FROM seats s LEFT JOIN users u ON u.slug = s.holder ORDER BY 1, 2

SELECT s.price + u.balance, p."Größe" FROM seats s JOIN users u ON u.slug = s.holder JOIN "Person" p ON p."Id" = u.id ORDER BY 1

SELECT hall, number, note, price FROM seats GROUP BY hall, number ORDER BY 1, 2

SELECT * FROM seats NATURAL JOIN (SELECT 'red' AS hall, 20 AS price) x

SELECT * FROM "Person" p JOIN users u ON u.id = p."Id" ORDER BY 1

SELECT role, count(*) FROM users GROUP BY ROLLUP ((SELECT 1), role) ORDER BY 1, 2

SELECT bio, count(*) FROM users GROUP BY CUBE (bio, (SELECT max(id) FROM posts)) ORDER BY 1, 2

SELECT bio, count(*) FROM users GROUP BY GROUPING SETS ((SELECT 1), (bio), ROLLUP ((WITH w AS (SELECT 2) SELECT * FROM w), first_name)) ORDER BY 1, 2
