-- Columns that change on the way: an integer that grows, a text that is normalised, a timestamp with a zone,
-- a number as text.

SELECT total_cents FROM orders ORDER BY total_cents, id

SELECT id, total_cents + 1, total_cents::text, total_cents / 2 FROM orders WHERE total_cents > 200 ORDER BY id

SELECT sum(total_cents), avg(total_cents), max(total_cents), count(DISTINCT total_cents) FROM orders

SELECT total_cents, count(*) FROM orders GROUP BY total_cents HAVING total_cents > 0 ORDER BY 1

SELECT o.id, o.total_cents = x.total_cents FROM orders o JOIN orders x USING (total_cents) WHERE o.id <= x.id ORDER BY 1, 2

SELECT * FROM orders NATURAL JOIN (SELECT 1500 AS total_cents) x ORDER BY id

--! expand dual-write switch-reads stop-dual-write contract: a whole row of the table's own type
SELECT pg_typeof(total_cents), pg_typeof(o.*) FROM orders o WHERE id = 1

SELECT email, upper(email), length(email) FROM appointments ORDER BY id

SELECT id FROM appointments WHERE email = 'x@y' OR email LIKE 'ada@%' ORDER BY id

SELECT id FROM appointments WHERE email IN (SELECT email FROM users) ORDER BY id

SELECT a.id, u.username FROM appointments a JOIN users u ON u.email = a.email ORDER BY 1

SELECT u.username, a.topic FROM users u LEFT JOIN appointments a USING (email) ORDER BY u.id

SELECT email, count(*), min(fee) FROM appointments GROUP BY email ORDER BY email

SELECT DISTINCT ON (email) email, id FROM appointments ORDER BY email, id DESC

--? fails
SELECT starts, starts::date, date_trunc('month', starts), extract(hour FROM starts) FROM appointments ORDER BY starts

SELECT starts, date_trunc('month', starts), extract(hour FROM starts) FROM appointments ORDER BY starts

SELECT id FROM appointments WHERE starts BETWEEN '2024-04-01' AND '2024-04-02' OR starts IS NULL ORDER BY id

SELECT age(starts, '2024-01-01'), starts - interval '1 day', starts AT TIME ZONE 'UTC' FROM appointments ORDER BY id

--? fails
SELECT fee, fee * 2, round(fee), fee::text FROM appointments WHERE fee IS NOT NULL ORDER BY fee

SELECT fee, fee * 2, round(fee), fee::text FROM appointments WHERE fee IS NOT NULL ORDER BY 1

SELECT sum(fee), avg(fee), min(fee) FROM appointments

SELECT to_jsonb(a), a.fee FROM appointments a ORDER BY a.id

SELECT a FROM appointments a ORDER BY a.id

SELECT a.* FROM appointments a ORDER BY a.email DESC

SELECT (a).email, (a).fee FROM appointments a ORDER BY 1

SELECT email AS contact, topic AS email FROM appointments ORDER BY contact

SELECT rank() OVER (ORDER BY fee NULLS LAST), lag(email) OVER (ORDER BY id) FROM appointments ORDER BY id

SELECT coalesce(email, 'none'), nullif(fee, 0), CASE WHEN starts > '2024-04-01 12:00' THEN email END FROM appointments ORDER BY id

SELECT email FROM appointments UNION SELECT email FROM users WHERE email IS NOT NULL ORDER BY 1

WITH a AS (SELECT email, fee FROM appointments) SELECT * FROM a WHERE fee > 0 ORDER BY email

WITH a AS (UPDATE appointments SET fee = fee + 1 RETURNING id, email, fee) SELECT * FROM a ORDER BY id

SELECT email FROM appointments WHERE id = 1 FOR UPDATE

SELECT tableoid::regclass::text, email, fee FROM appointments ORDER BY ctid

SELECT id, total_cents FROM orders GROUP BY id ORDER BY id

INSERT INTO appointments (id, email) VALUES (9, 'new@x') RETURNING *

INSERT INTO appointments VALUES (9, 'new@x', '2024-05-05 10:00', 3.456, 't') RETURNING *

INSERT INTO appointments (id, email, starts) VALUES (9, 'a' || '@b', now()::date), (10, lower('UP@X'), NULL) RETURNING id, email

INSERT INTO appointments (id, email, fee) VALUES (9, tick(), DEFAULT), (10, 'x', 99.999) RETURNING email, fee

INSERT INTO appointments (id, email, fee) SELECT id + 100, email, fee * 2 FROM appointments RETURNING email, fee

INSERT INTO appointments (id, email, fee) SELECT id + 100, username, age FROM users WHERE age IS NOT NULL RETURNING *

INSERT INTO appointments (id, email) VALUES (1, 'upsert@x') ON CONFLICT (id) DO UPDATE SET email = EXCLUDED.email, fee = appointments.fee + 1 RETURNING *

INSERT INTO orders (customer_id, total_cents) VALUES (1, 5), (2, 2147483647) RETURNING id, total_cents

INSERT INTO orders (customer_id, total_cents) SELECT customer_id, total_cents * 2 FROM orders RETURNING total_cents

UPDATE appointments SET email = 'to-' || email RETURNING id, email

UPDATE appointments SET email = tick() RETURNING id, email

UPDATE appointments SET email = topic, topic = email WHERE topic IS NOT NULL RETURNING *

UPDATE appointments SET starts = starts + interval '1 day', fee = DEFAULT RETURNING starts, fee

UPDATE appointments SET (email, fee) = ('both@x', fee / 3) RETURNING email, fee

UPDATE appointments SET (email, fee, starts) = (SELECT username, age, '2000-01-01'::timestamp FROM users WHERE users.id = appointments.id) RETURNING *

UPDATE appointments a SET email = u.email FROM users u WHERE u.id = a.id AND u.email IS NOT NULL RETURNING a.email, u.username

UPDATE orders SET total_cents = total_cents * 2 WHERE total_cents < 2000 RETURNING id, total_cents

UPDATE orders SET total_cents = (SELECT sum(quantity) FROM order_items WHERE order_id = orders.id) WHERE id = 1 RETURNING total_cents

DELETE FROM appointments WHERE fee = 0 OR email = 'Carl@Example.com' RETURNING *

DELETE FROM orders WHERE total_cents = 0 RETURNING total_cents

MERGE INTO appointments a USING users u ON u.email = a.email WHEN MATCHED THEN UPDATE SET fee = a.fee + u.age WHEN NOT MATCHED AND u.email IS NOT NULL THEN INSERT (id, email, fee) VALUES (u.id + 100, u.email, u.age)

--$ ada@example.com
SELECT id, fee FROM appointments WHERE email = $1

--$ 2024-04-01 09:00:00
SELECT id FROM appointments WHERE starts = $1

--$ 12.5
SELECT id FROM appointments WHERE fee = $1

--$ 1500
SELECT id FROM orders WHERE total_cents = $1 ORDER BY id

--$ 9;p@x;2024-06-06 06:06:06;6.666
INSERT INTO appointments (id, email, starts, fee) VALUES ($1, $2, $3, $4) RETURNING *

--$ new@x;7.5;1
UPDATE appointments SET email = $1, fee = $2 WHERE id = $3 RETURNING email, fee

--$ 77;1
UPDATE orders SET total_cents = $1 WHERE id = $2 RETURNING total_cents

--$ 1;100
INSERT INTO orders (customer_id, total_cents) VALUES ($1, $2) RETURNING total_cents

COPY appointments (email, starts, fee) TO STDOUT

COPY appointments TO STDOUT CSV HEADER

COPY orders (id, total_cents) TO STDOUT (FORMAT binary)

--< 9⇥c@x⇥2024-01-01 10:00:00⇥5
COPY appointments (id, email, starts, fee) FROM STDIN

CREATE TABLE copied AS SELECT email, starts, fee, total_cents FROM appointments JOIN orders USING (id)
--;
SELECT pg_typeof(email), pg_typeof(starts), pg_typeof(fee), pg_typeof(total_cents) FROM copied LIMIT 1

PREPARE p (text) AS SELECT id, fee FROM appointments WHERE email = $1
--;
EXECUTE p ('x@y')

DECLARE c CURSOR FOR SELECT email, fee FROM appointments ORDER BY id
--;
FETCH 2 FROM c

SET LOCAL timezone = 'Asia/Tokyo'
--;
SELECT starts, starts::date FROM appointments ORDER BY id
--;
UPDATE appointments SET starts = '2024-04-01 23:30:00' WHERE id = 1 RETURNING starts

--? fails
INSERT INTO orders (customer_id, total_cents) VALUES (1, 2147483648)

--? fails
UPDATE orders SET total_cents = total_cents + 2147483647

--? fails
UPDATE orders SET total_cents = 'x'

--? fails
UPDATE appointments SET starts = 'no time'

--? fails
UPDATE appointments SET fee = 123456789.12

--? fails
INSERT INTO appointments (id, fee) VALUES (9, 1)

--? fails
SELECT id FROM appointments WHERE email = 5

--? fails
SELECT fee + email FROM appointments

--? fails
--$ 2147483648
INSERT INTO orders (customer_id, total_cents) VALUES (1, $1)

SELECT fee, count(*) FROM appointments GROUP BY ROLLUP (fee) ORDER BY 1

SELECT fee, topic, count(*) FROM appointments GROUP BY GROUPING SETS ((fee, topic), (topic), ()) ORDER BY 1, 2, 3

SELECT total_cents, count(*) FROM orders GROUP BY CUBE (total_cents, customer_id) ORDER BY 1, 2
