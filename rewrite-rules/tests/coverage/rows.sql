INSERT INTO users (id, username, email, age, score, tags, home, profile, born, seen, active) VALUES
    (1, 'alice', 'alice@example.org', 30, 12.50, '{a,b,c}', ROW('High Street', 'Leeds'), '{"lang": "en", "n": [1, 2]}', '1994-05-06', '2024-01-02 03:04:05+00', true),
    (2, 'bob', 'bob@example.org', 25, 3.00, '{b}', ROW('Mill Lane', 'York'), '{"lang": "de"}', '1999-12-31', '2024-02-03 04:05:06+00', true),
    (3, 'carol', NULL, 41, 0.75, '{}', NULL, NULL, NULL, NULL, false),
    (4, 'dave', 'dave@example.net', 30, 99.99, NULL, ROW('Hill Road', 'Leeds'), '{"lang": "fr", "n": []}', '1983-07-08', '2024-03-04 05:06:07+00', true);
INSERT INTO posts (id, user_id, title, body, labels, published, words) VALUES
    (10, 1, 'First', 'hello world', '{x,y}', '2024-01-10 00:00:00+00', 2),
    (11, 1, 'Second', 'more', '{y}', '2024-01-20 00:00:00+00', 1),
    (12, 2, 'Third', 'bob writes', NULL, '2024-02-10 00:00:00+00', 2),
    (13, NULL, 'Orphan', NULL, '{}', NULL, NULL);
INSERT INTO orders (id, user_id, note, amount, placed, paper) VALUES
    (100, 1, 'urgent', 10.00, '2024-01-15 10:00:00+00', '<o><l n="1">pen</l><l n="2">ink</l></o>'),
    (101, 1, 'later', 20.50, '2024-01-16 10:00:00+00', '<o><l n="1">cup</l></o>'),
    (102, 2, NULL, 5.25, '2024-02-15 10:00:00+00', '<o/>'),
    (103, 4, 'gift', 7.00, '2024-03-15 10:00:00+00', NULL);
INSERT INTO staging VALUES (5, 'erin', 'erin@example.org', 22), (6, 'frank', NULL, 33);
