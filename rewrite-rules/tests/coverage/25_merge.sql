-- MERGE

MERGE INTO users u USING staging s ON s.id = u.id WHEN MATCHED THEN UPDATE SET username = s.username

MERGE INTO users u USING staging s ON s.id = u.id WHEN NOT MATCHED THEN INSERT (id, username) VALUES (s.id, s.username)

MERGE INTO users u USING staging s ON s.username = u.username WHEN MATCHED AND u.age > 1 THEN DELETE WHEN NOT MATCHED AND s.id > 5 THEN DO NOTHING WHEN NOT MATCHED THEN INSERT (id, username) VALUES (s.id, s.username)

MERGE INTO ONLY users AS u USING (SELECT * FROM staging) AS s ON s.id = u.id WHEN MATCHED THEN UPDATE SET username = s.username, age = DEFAULT WHEN NOT MATCHED THEN INSERT (id, username) OVERRIDING SYSTEM VALUE VALUES (s.id, s.username)

MERGE INTO users u USING staging s ON s.id = u.id WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.username)

MERGE INTO posts USING users ON users.id = posts.id WHEN MATCHED THEN UPDATE SET title = users.username, labels[1] = 'm' WHEN NOT MATCHED AND username > 'z' THEN INSERT DEFAULT VALUES

MERGE INTO users u USING staging a JOIN staging b ON a.id = b.id ON a.id = u.id WHEN MATCHED THEN UPDATE SET (username, age) = (b.username, 1)

MERGE INTO users u USING (VALUES (1, 'one')) AS v(id, name) ON v.id = u.id WHEN MATCHED THEN UPDATE SET (username, age) = (SELECT max(title), 1 FROM posts)

WITH s AS (SELECT * FROM staging) MERGE INTO users u USING s ON s.id = u.id WHEN MATCHED THEN DELETE

MERGE INTO users * u USING staging s ON s.id = u.id AND u.username <> s.username WHEN NOT MATCHED THEN DO NOTHING
