The catalogs in every part of the language.

-- a star (same)
SELECT * FROM pg_attribute WHERE attrelid = 'posts'::regclass
ORDER BY attrelid, attnum;

-- a qualified star beside another relation
SELECT x.one, a.* FROM (SELECT 1 AS one) AS x, pg_attribute AS a WHERE a.attrelid = 'users'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- a star and a system column
SELECT d.*, d.tableoid::regclass FROM pg_description d WHERE objoid = 'users'::regclass AND objsubid > 1;

-- a system column without its relation's name
SELECT attname, tableoid::regclass, xmin IS NULL FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum;

-- a whole row of the catalog's type
SELECT (a).attname, pg_typeof(a), information_schema._pg_truetypid(a, t) FROM pg_attribute a, pg_type t
WHERE a.attrelid = 'accounts'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND t.oid = a.atttypid
ORDER BY a.attnum;

-- a whole row as JSON
SELECT to_jsonb(a) ->> 'attname', row_to_json(a.*) ->> 'attnum' FROM pg_catalog.pg_attribute a
WHERE a.attrelid = 'users'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- NATURAL JOIN of two catalogs
SELECT attname, attnum FROM pg_attribute NATURAL JOIN (SELECT 'users'::regclass::oid AS attrelid) AS x
WHERE attnum > 0 AND NOT attisdropped
ORDER BY attnum;

-- USING
SELECT * FROM (SELECT attrelid, attname, attnum FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped) AS a JOIN (SELECT 'users'::regclass::oid AS attrelid) AS x USING (attrelid)
ORDER BY attnum;

-- GROUP BY the catalog's key
SELECT c.relname, c.relkind, count(a.attname) AS n, string_agg(a.attname, ',' ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
GROUP BY c.oid
ORDER BY c.relname;

-- GROUP BY with HAVING and an expression of a determined column
SELECT upper(c.relname) FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_attribute a ON a.attrelid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace
GROUP BY c.oid, (c.relkind)
HAVING c.relkind = 'r' AND bool_or(a.attname IN ('username', 'balance'));

-- EXISTS, IN and a scalar sub-select
SELECT c.relname FROM pg_class c
WHERE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('username', 'kind'))
  AND c.oid IN (SELECT attrelid FROM pg_attribute WHERE attnum = 2)
  AND (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 2) <> 'email' AND c.relkind IN ('r', 'p')
ORDER BY 1;

-- LATERAL and a set operation
SELECT t.name, l.attname FROM (VALUES ('users'), ('accounts')) AS t(name),
  LATERAL (SELECT attname, attnum FROM pg_attribute WHERE attrelid = t.name::regclass AND attnum BETWEEN 1 AND 9 AND NOT attisdropped) AS l
UNION ALL
SELECT 'events', attname FROM pg_attribute WHERE attrelid = 'events'::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY 1, 2;

-- WITH, and a name that it takes from the catalog (same)
WITH pg_attribute AS (SELECT 'handle'::name AS attname UNION SELECT 'username') SELECT attname FROM pg_attribute
ORDER BY 1;

-- a list of column aliases
SELECT k.b FROM pg_attribute AS k(a, b) WHERE k.a = 'users'::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum;

-- names in every case
SELECT PG_ATTRIBUTE.ATTNAME, "pg_catalog".Pg_Attribute."attnum" FROM Pg_Catalog.PG_ATTRIBUTE WHERE AttRelID = 'users'::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY 2;

-- ONLY, and a star behind the name
SELECT attname FROM ONLY pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum;

-- beside a governed table
SELECT a.attname, count(u.id) FROM pg_attribute a LEFT JOIN users u ON u.email = a.attname
WHERE a.attrelid = 'users'::regclass AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY a.attname, a.attnum
ORDER BY a.attnum;

-- an unlabelled call keeps its name
SELECT pg_get_indexdef(indexrelid), pg_get_expr(indpred, indrelid), (pg_get_indexdef(indexrelid, 1, true))::text
FROM pg_index WHERE indrelid = 'users'::regclass
ORDER BY 1;

-- a call inside others
SELECT length(split_part(pg_get_constraintdef(oid), 'CHECK', 2)) > 0, upper(pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid = 'users'::regclass
ORDER BY 2;

-- a call in ORDER BY and DISTINCT ON
SELECT DISTINCT ON (pg_get_constraintdef(oid)) conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
ORDER BY pg_get_constraintdef(oid), conname;

-- a call and nothing else (same)
SELECT pg_get_serial_sequence('users', 'id'), pg_get_partkeydef('events'::regclass);

-- privileges by name and by number
SELECT a.attname, has_column_privilege('app', 'accounts', a.attname, 'SELECT'), has_column_privilege('app', 'accounts'::regclass, a.attnum, 'UPDATE'),
  has_column_privilege(a.attrelid, a.attnum, 'INSERT')
FROM pg_attribute a WHERE a.attrelid = 'accounts'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;
