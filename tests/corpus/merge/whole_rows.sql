-- A row as a value.

--~ contract: the table's row type is gone
SELECT mail FROM mail ORDER BY uid

--~ contract: the table's row type is gone
SELECT p FROM push p WHERE p.sound

SELECT row_to_json(p) FROM push p ORDER BY p.user_id

SELECT to_jsonb(m) - 'settings' FROM mail m ORDER BY m.uid

SELECT to_jsonb(mail.*) FROM mail WHERE sender = 'Bob'

SELECT json_agg(p ORDER BY p.user_id) FROM push p

SELECT (m).body, (m).handle FROM mail m ORDER BY (m).uid

SELECT (p.*).devices FROM push p WHERE p.user_id = 4

SELECT count(m), count(mail.*) FROM mail m, mail WHERE m.uid = mail.uid

SELECT p IS NULL, p IS NOT NULL FROM push p ORDER BY p.user_id

SELECT a.uid FROM mail a JOIN mail b ON a = b ORDER BY 1

SELECT p::text FROM push p ORDER BY p.user_id

SELECT ROW (m.*) FROM mail m ORDER BY m.uid

SELECT ROW (p.user_id, p.body) FROM push p ORDER BY p.user_id

--~ contract: the table's row type is gone
SELECT (SELECT m FROM mail m WHERE m.sender = 'Ann')

--~ contract: the table's row type is gone
SELECT u.name, p FROM users u LEFT JOIN push p ON p.user_id = u.id ORDER BY u.id

SELECT u.name, row_to_json(m) FROM users u LEFT JOIN mail m ON m.uid = u.id AND m.body IS NOT NULL ORDER BY u.id

--~ contract: the table's row type is gone
SELECT DISTINCT p FROM push p ORDER BY p

--~ contract: the table's row type is gone
SELECT x.m FROM (SELECT m FROM mail m) x ORDER BY (x.m).uid

SELECT (x.m).sender FROM (SELECT m FROM mail m WHERE m.score > 10) x ORDER BY (x.m).uid

WITH w AS (SELECT p FROM push p) SELECT (w.p).body FROM w ORDER BY 1

SELECT sound, max(p::text) FROM push p GROUP BY sound ORDER BY sound

--! switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT body(m) FROM mail m WHERE m.uid = 1

--~ contract: the table's row type is gone
SELECT s FROM shop.stock s ORDER BY s.house, s.item

SELECT row_to_json(p) FROM shop."Price List" p ORDER BY p."House", p."Item No"

SELECT jsonb_agg(to_jsonb(s) ORDER BY s.house, s.item) FROM shop.stock s

--~ contract: the table's row type is gone
SELECT "Price List" FROM shop."Price List" WHERE shelf IS NOT NULL ORDER BY 1

--~ contract: the table's row type is gone
SELECT m, p FROM mail m JOIN push p ON p.user_id = m.uid ORDER BY m.uid
