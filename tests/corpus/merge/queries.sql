-- Joins of every kind, aggregates, windows, WITH, set operations, LATERAL.

SELECT m.sender, l.title FROM mail m JOIN letters l ON l.user_id = m.uid ORDER BY l.id

SELECT u.id, m.score, p.score FROM users u LEFT JOIN mail m ON m.uid = u.id LEFT JOIN push p ON p.user_id = u.id ORDER BY 1

SELECT m.*, p.* FROM mail m JOIN push p ON p.user_id = m.uid ORDER BY m.uid

SELECT * FROM mail JOIN push ON user_id = uid ORDER BY uid

SELECT m.uid, p.user_id, m.body, p.body FROM mail m FULL JOIN push p ON p.user_id = m.uid ORDER BY 1, 2

SELECT m.body, p.body FROM mail m FULL JOIN push p ON p.body = m.body ORDER BY m.uid, p.user_id

SELECT m.body, l.title FROM mail m RIGHT JOIN letters l ON l.user_id = m.uid ORDER BY l.id

SELECT count(*) FROM mail m CROSS JOIN push p WHERE m.body = p.body

SELECT m.uid, p.user_id FROM mail m, push p WHERE m.body = p.body ORDER BY 1, 2

SELECT user_id, title, sound FROM push JOIN letters USING (user_id) ORDER BY user_id

SELECT user_id, body, title FROM push JOIN letters USING (user_id, body) ORDER BY user_id

SELECT * FROM push JOIN letters USING (user_id) ORDER BY letters.id

SELECT * FROM mail JOIN push USING (body) ORDER BY uid, user_id

SELECT j.body, m.uid FROM mail m JOIN push p USING (body) AS j ORDER BY m.uid, p.user_id

SELECT * FROM mail NATURAL JOIN push ORDER BY uid

SELECT * FROM mail NATURAL JOIN letters ORDER BY uid

SELECT body, score FROM push NATURAL LEFT JOIN mail ORDER BY user_id

SELECT * FROM users NATURAL JOIN push ORDER BY id

SELECT u.*, p.*, m.* FROM users u JOIN push p ON p.user_id = u.id LEFT JOIN mail m ON m.uid = u.id ORDER BY u.id

SELECT a.sender, b.body FROM mail a JOIN mail b ON a.body = b.body AND a.uid < b.uid ORDER BY 1

SELECT a.uid, b.uid FROM mail a LEFT JOIN mail b ON b.quota > a.quota ORDER BY 1, 2

SELECT a.user_id, b.user_id FROM push a JOIN push b USING (score) ORDER BY 1, 2

SELECT j.sender, j.title FROM (mail JOIN letters ON letters.user_id = mail.uid) AS j (uid, sender, a, b, c, d, e, f, g, h, i, lid, luid, title) ORDER BY j.lid

SELECT m.sender, x.title FROM mail m, LATERAL (SELECT title FROM letters WHERE user_id = m.uid ORDER BY id LIMIT 1) x ORDER BY m.uid

SELECT u.id, x.n FROM users u LEFT JOIN LATERAL (SELECT count(*) AS n FROM push p WHERE p.score > u.score) x ON true ORDER BY u.id

SELECT u.name, x.sender FROM users u CROSS JOIN LATERAL (SELECT m.sender FROM mail m WHERE m.uid = u.id) x ORDER BY u.id

SELECT m.uid, t.tag, t.place FROM mail m, unnest(m.tags) WITH ORDINALITY AS t (tag, place) ORDER BY m.uid, t.place

SELECT m.uid, e.key, e.value FROM mail m, jsonb_each_text(CASE jsonb_typeof(m.settings) WHEN 'object' THEN m.settings END) e ORDER BY 1, 2

SELECT m.handle, l.title FROM mail m, letters_of(m.uid) l ORDER BY l.id

SELECT p.user_id, s.* FROM push p, ROWS FROM (unnest(p.devices), generate_series(1, 2)) s ORDER BY 1, 2, 3

SELECT uid, x.* FROM mail, LATERAL (VALUES (body, sender), (handle, reply_to)) x (a, b) ORDER BY uid, a, b

SELECT count(*), count(body), count(DISTINCT body), min(sender), max(handle), sum(quota), avg(quota) FROM mail

SELECT count(*), sum(score), bool_and(sound) FROM push

SELECT often, count(*), string_agg(sender, ',' ORDER BY sender) FROM mail GROUP BY often ORDER BY often

SELECT sound, array_agg(user_id ORDER BY user_id) FROM push GROUP BY sound ORDER BY sound

SELECT body, often, count(*) FROM mail GROUP BY body, often HAVING count(*) > 0 AND max(quota) IS NOT NULL ORDER BY 1, 2

SELECT body, often, count(*) FROM mail GROUP BY GROUPING SETS ((body), (often), ()) ORDER BY body, often, 3

SELECT sound, score, count(*), grouping(sound, score) FROM push GROUP BY ROLLUP (sound, score) ORDER BY 1, 2, 4

SELECT uid, body, handle FROM mail GROUP BY uid ORDER BY uid

SELECT p.user_id, p.body, count(l.id) FROM push p LEFT JOIN letters l ON l.user_id = p.user_id GROUP BY p.user_id ORDER BY 1

SELECT m.body, p.body, count(*) FROM mail m JOIN push p ON p.user_id = m.uid GROUP BY m.uid, p.user_id ORDER BY m.uid

SELECT upper(body), count(*) FROM mail GROUP BY upper(body) ORDER BY 1

SELECT length(body) AS n, count(*) FROM mail GROUP BY n ORDER BY n

SELECT count(*) FILTER (WHERE body = 'none'), sum(quota) FILTER (WHERE often = 'daily') FROM mail

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY quota), mode() WITHIN GROUP (ORDER BY body) FROM mail

SELECT jsonb_agg(settings ORDER BY uid), jsonb_object_agg(uid, sender ORDER BY uid) FROM mail

SELECT uid, row_number() OVER (ORDER BY sender NULLS LAST, uid), rank() OVER (PARTITION BY body ORDER BY quota) FROM mail ORDER BY uid

SELECT user_id, sum(score) OVER w, lag(body) OVER w FROM push WINDOW w AS (PARTITION BY sound ORDER BY user_id) ORDER BY user_id

SELECT often, sum(sum(quota)) OVER (ORDER BY often) FROM mail GROUP BY often ORDER BY often

WITH m AS (SELECT uid, body FROM mail) SELECT body FROM m ORDER BY uid

WITH m AS (SELECT * FROM mail WHERE score > 10) SELECT m.sender, p.devices FROM m LEFT JOIN push p ON p.user_id = m.uid ORDER BY m.uid

WITH mail AS (SELECT 1 AS uid, 'hidden' AS body) SELECT body FROM mail

WITH push AS (SELECT * FROM push WHERE sound) SELECT * FROM push ORDER BY user_id

WITH m AS MATERIALIZED (SELECT uid, handle FROM mail), n AS NOT MATERIALIZED (SELECT uid, quota FROM mail) SELECT m.handle, n.quota FROM m JOIN n USING (uid) ORDER BY uid

WITH RECURSIVE up (uid, name, depth) AS (SELECT uid, sender::text, 0 FROM mail WHERE uid = 1 UNION SELECT m.uid, u.name || '>' || coalesce(m.sender, '?'), depth + 1 FROM up u JOIN mail m ON m.uid = u.uid + 1 WHERE depth < 4) SELECT * FROM up ORDER BY depth

SELECT body FROM mail UNION SELECT body FROM push ORDER BY body

SELECT uid, body FROM mail UNION ALL SELECT user_id, body FROM push ORDER BY 1, 2

SELECT uid FROM mail INTERSECT SELECT user_id FROM push ORDER BY 1

SELECT uid FROM mail EXCEPT SELECT user_id FROM push ORDER BY 1

(SELECT uid, handle FROM mail ORDER BY quota DESC NULLS LAST LIMIT 2) UNION ALL (SELECT user_id, body FROM push ORDER BY user_id LIMIT 1) ORDER BY 1, 2

SELECT * FROM mail WHERE uid = 1 UNION ALL SELECT * FROM mail WHERE uid = 2 ORDER BY 1

TABLE push EXCEPT SELECT * FROM push WHERE body = 'x' ORDER BY user_id

VALUES ((SELECT body FROM mail WHERE uid = 1), 1), ('b', 2)

SELECT m.uid FROM mail m WHERE m.quota > ALL (SELECT n.score FROM push n WHERE n.score IS NOT NULL) ORDER BY 1

SELECT m.uid FROM mail m WHERE m.body = ANY (SELECT p.body FROM push p) ORDER BY 1

SELECT id FROM letters WHERE (user_id, body) IN (SELECT uid, body FROM mail) ORDER BY id

SELECT s.house, s.amount, p."Größe" FROM shop.stock s JOIN shop."Price List" p ON (p."House", p."Item No") = (s.house, s.item) ORDER BY 1

SELECT * FROM shop.stock s FULL JOIN shop."Price List" p ON p."House" = s.house AND p."Item No" = s.item ORDER BY s.house, s.item, p."House", p."Item No"

SELECT * FROM shop.stock NATURAL JOIN shop."Price List" ORDER BY 1, 2, 3, 6

SELECT shelf, s.item, p."order" FROM shop.stock s JOIN shop."Price List" p USING (shelf) ORDER BY 1

SELECT house, item, amount, shelf FROM shop.stock GROUP BY house, item ORDER BY 1, 2

SELECT house FROM shop.stock UNION ALL SELECT "House" FROM shop."Price List" ORDER BY 1

SELECT s.item, m.body FROM shop.stock s JOIN mail m ON m.uid = s.item ORDER BY 1, 2

SELECT * FROM loud LEFT JOIN push ON user_id = id ORDER BY id

SELECT body, count(*) FROM mail GROUP BY ROLLUP ((SELECT 1), body) ORDER BY 1, 2

SELECT sound, count(*) FROM push GROUP BY GROUPING SETS ((SELECT 1), (sound), CUBE ((SELECT max(id) FROM letters), score)) ORDER BY 1, 2
