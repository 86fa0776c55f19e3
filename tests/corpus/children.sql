-- Partitioned tables and tables with inheritance children: through the parent, and through a child by name.

SELECT * FROM events ORDER BY id

SELECT kind, count(*) FROM events GROUP BY kind ORDER BY kind

SELECT e.kind, e.detail FROM events e WHERE e.occurred_on >= '2024-01-01' AND e.kind = 'click' ORDER BY 1

SELECT kind FROM events_2024 ORDER BY id

SELECT * FROM events_2023

SELECT tableoid::regclass::text AS part, kind FROM events ORDER BY id

SELECT id, kind FROM ONLY events

SELECT row_to_json(e) FROM events e ORDER BY e.id

SELECT a.kind, b.kind FROM events a JOIN events_2024 b ON b.id = a.id ORDER BY a.id

SELECT u.username, e.kind FROM users u LEFT JOIN events e ON e.id = u.id ORDER BY u.id

INSERT INTO events (id, occurred_on, kind) VALUES (10, '2023-01-01', 'new'), (11, '2050-01-01', 'far') RETURNING *

INSERT INTO events (id, occurred_on) VALUES (10, '2024-02-02') RETURNING kind

INSERT INTO events VALUES (10, '2024-02-02', 'pos', 'x') RETURNING tableoid::regclass::text, kind

INSERT INTO events_2024 (id, occurred_on, kind) VALUES (10, '2024-02-02', 'direct') RETURNING kind

INSERT INTO events (id, occurred_on, kind) VALUES (1, '2023-05-05', 'again') ON CONFLICT (id, occurred_on) DO UPDATE SET kind = events.kind || EXCLUDED.kind RETURNING kind

UPDATE events SET kind = upper(kind) WHERE occurred_on < '2024-06-01' RETURNING id, kind

UPDATE events SET occurred_on = '2024-12-31' WHERE kind = 'buy' RETURNING tableoid::regclass::text, kind

UPDATE events_2024 SET kind = kind || '!' RETURNING kind

UPDATE events e SET kind = u.username FROM users u WHERE u.id = e.id RETURNING e.kind, u.username

DELETE FROM events WHERE kind = 'click' RETURNING id, kind

DELETE FROM events_2023 RETURNING kind

--< 10⇥2023-02-02⇥copied⇥\N
--< 11⇥2024-02-02⇥copied⇥d
COPY events FROM STDIN

--? fails
COPY events TO STDOUT

COPY events_2024 (kind, id) TO STDOUT

--? fails
INSERT INTO events_2024 (id, occurred_on, kind) VALUES (10, '2023-02-02', 'wrong part')

SELECT kind FROM events FOR UPDATE

MERGE INTO events e USING users u ON u.id = e.id WHEN MATCHED THEN UPDATE SET kind = u.username

--$ click
SELECT id FROM events WHERE kind = $1 ORDER BY id

SELECT region, sensor, value FROM readings ORDER BY 1, 2

SELECT region, avg(value) FROM readings GROUP BY region ORDER BY region

SELECT value, remark FROM readings_north ORDER BY value

SELECT max(value) OVER (PARTITION BY region), * FROM readings ORDER BY region, sensor

INSERT INTO readings VALUES ('s', 9, 4.5), ('n', 9, NULL) RETURNING region, value

--? fails
INSERT INTO readings (region, sensor, value) VALUES ('nowhere', 1, 1)

UPDATE readings SET value = coalesce(value, 0) + 1, region = 'nw' WHERE region = 's' RETURNING *

UPDATE readings_south SET value = value * 2 RETURNING value

DELETE FROM readings WHERE value < 0 RETURNING *

SELECT title, pages FROM documents ORDER BY id

SELECT title FROM ONLY documents ORDER BY id

SELECT title, signed_on FROM contracts

SELECT * FROM contracts

SELECT * FROM letters_sent

SELECT d.title, tableoid::regclass::text FROM documents d ORDER BY d.id

SELECT d.title, l.recipient FROM documents d LEFT JOIN letters_sent l ON l.title = d.title ORDER BY d.id

SELECT to_jsonb(d) FROM documents d ORDER BY d.id

SELECT * FROM documents * ORDER BY id

INSERT INTO documents (id, title) VALUES (10, 'new') RETURNING *

INSERT INTO contracts (id, title, signed_on) VALUES (10, 'new', '2024-05-05') RETURNING *

INSERT INTO letters_sent VALUES (10, 'hi', 1, 'Bob') RETURNING title

UPDATE documents SET title = upper(title) RETURNING id, title

UPDATE ONLY documents SET title = upper(title) RETURNING id, title

UPDATE contracts SET title = title || '!' RETURNING title, signed_on

DELETE FROM documents WHERE title = 'deal' RETURNING title

DELETE FROM ONLY documents RETURNING title

COPY documents TO STDOUT

COPY contracts (title) TO STDOUT

TRUNCATE documents

SELECT title FROM contracts UNION ALL SELECT title FROM letters_sent ORDER BY 1
