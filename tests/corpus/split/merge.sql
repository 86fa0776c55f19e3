-- MERGE into a table that is split, and from it.

--! dual-write switch-reads stop-dual-write contract: MERGE into a table of which columns move to another
MERGE INTO users u USING imports i ON u.email = i.email WHEN MATCHED THEN UPDATE SET bio = i.bio WHEN NOT MATCHED THEN INSERT (email, first_name) VALUES (i.email, i.first_name)

--! dual-write switch-reads stop-dual-write contract: MERGE into a table of which columns move to another
MERGE INTO users u USING posts p ON p.user_id = u.id AND p.id = 1 WHEN MATCHED THEN UPDATE SET role = p.title

MERGE INTO posts p USING users u ON u.id = p.user_id WHEN MATCHED AND u.bio IS NOT NULL THEN UPDATE SET bio = u.bio WHEN MATCHED THEN DELETE

MERGE INTO imports i USING (SELECT id, email, first_name FROM users) u ON u.id = i.id WHEN MATCHED THEN UPDATE SET first_name = u.first_name WHEN NOT MATCHED THEN INSERT (id, email, first_name) VALUES (u.id, u.email, u.first_name)
