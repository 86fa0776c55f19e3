-- MERGE into a table that is merged, and from it.

--! dual-write switch-reads stop-dual-write contract: MERGE into a table of which columns move to another
MERGE INTO mail m USING imports i ON m.uid = i.uid WHEN MATCHED THEN UPDATE SET body = i.body WHEN NOT MATCHED THEN INSERT (uid, sender) VALUES (i.uid, i.sender)

MERGE INTO letters l USING mail m ON m.uid = l.user_id WHEN MATCHED AND m.body IS NOT NULL THEN UPDATE SET body = m.body WHEN MATCHED THEN DELETE

MERGE INTO imports i USING (SELECT user_id, body FROM push) p ON p.user_id = i.uid WHEN MATCHED THEN UPDATE SET body = p.body WHEN NOT MATCHED THEN INSERT (uid, body) VALUES (p.user_id, p.body)
