What psql asks for \d and its like. "(nothing)" marks queries that show no row, "(same)" those that show the same in both shapes.

-- tables that match a pattern (same)
SELECT c.oid, n.nspname, c.relname
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname OPERATOR(pg_catalog.~) '^(users|accounts)$' COLLATE pg_catalog.default
  AND pg_catalog.pg_table_is_visible(c.oid)
ORDER BY 2, 3;

-- a table's properties (same)
SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.relhastriggers, c.relrowsecurity,
  c.relforcerowsecurity, false AS relhasoids, c.relispartition,
  pg_catalog.array_to_string(c.reloptions || array(SELECT 'toast.' || x FROM pg_catalog.unnest(tc.reloptions) x), ', '),
  c.reltablespace, CASE WHEN c.reloftype = 0 THEN '' ELSE c.reloftype::pg_catalog.regtype::pg_catalog.text END,
  c.relpersistence, c.relreplident, am.amname, c.relnatts
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid)
     LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid)
WHERE c.oid = 'posts'::pg_catalog.regclass;

-- checks and attributes are counted
SELECT relname, relchecks, relnatts FROM pg_class
WHERE relkind IN ('r', 'p', 'i', 'I') AND relnamespace = 'public'::regnamespace
ORDER BY relname;

-- the columns of a table
SELECT a.attname,
  pg_catalog.format_type(a.atttypid, a.atttypmod),
  (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true)
   FROM pg_catalog.pg_attrdef d
   WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef),
  a.attnotnull,
  (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t
   WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation,
  a.attidentity, a.attgenerated, a.attstorage, a.attcompression AS attcompression,
  CASE WHEN a.attstattarget = -1 THEN NULL ELSE a.attstattarget END AS attstattarget,
  pg_catalog.col_description(a.attrelid, a.attnum)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = 'users'::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- the columns of a table whose column has another type
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef, a.attlen,
  a.attndims, a.atttypmod, a.attbyval, a.attalign, a.attstorage, a.attcollation
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = 'accounts'::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- the indexes of a table
SELECT c2.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid,
  pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
  pg_catalog.pg_get_constraintdef(con.oid, true), contype, condeferrable, condeferred,
  i.indisreplident, c2.reltablespace
FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i
     LEFT JOIN pg_catalog.pg_constraint con
       ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x'))
WHERE c.oid = 'users'::regclass AND c.oid = i.indrelid AND i.indexrelid = c2.oid
ORDER BY i.indisprimary DESC, c2.relname;

-- the columns of an index
SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
  CASE WHEN a.attnum <= (SELECT i.indnkeyatts FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid) THEN 'yes' ELSE 'no' END AS is_key,
  pg_catalog.pg_get_indexdef(a.attrelid, a.attnum, TRUE) AS indexdef
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
WHERE c.relkind IN ('i', 'I') AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0
ORDER BY c.relname, a.attnum;

-- check constraints
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true)
FROM pg_catalog.pg_constraint r
WHERE r.conrelid = 'users'::regclass AND r.contype = 'c'
ORDER BY 1;

-- foreign keys of a table
SELECT true AS sametable, conname, pg_catalog.pg_get_constraintdef(r.oid, true) AS condef,
  conrelid::pg_catalog.regclass AS ontable
FROM pg_catalog.pg_constraint r
WHERE r.conrelid = 'posts'::regclass AND r.contype = 'f' AND conparentid = 0
ORDER BY conname;

-- foreign keys that refer to a table
SELECT conname, conrelid::pg_catalog.regclass AS ontable, pg_catalog.pg_get_constraintdef(oid, true) AS condef
FROM pg_catalog.pg_constraint c
WHERE confrelid IN (SELECT pg_catalog.pg_partition_ancestors('users')
                    UNION ALL VALUES ('users'::pg_catalog.regclass))
  AND contype = 'f' AND conparentid = 0
ORDER BY conname;

-- extended statistics
SELECT oid, stxrelid::pg_catalog.regclass, stxnamespace::pg_catalog.regnamespace::pg_catalog.text AS nsp, stxname,
  pg_catalog.pg_get_statisticsobjdef_columns(oid) AS columns,
  'd' = any(stxkind) AS ndist_enabled, stxstattarget, stxkeys,
  pg_catalog.pg_get_statisticsobjdef(oid)
FROM pg_catalog.pg_statistic_ext
WHERE stxrelid = 'users'::regclass
ORDER BY nsp, stxname;

-- triggers of foreign keys (same)
SELECT t.tgrelid::regclass, count(*), array_agg(DISTINCT t.tgattr::text)
FROM pg_catalog.pg_trigger t
WHERE t.tgisinternal
GROUP BY 1
ORDER BY 1;

-- which constraint each trigger is of
SELECT t.tgrelid::regclass::text, r.conname, count(*)
FROM pg_catalog.pg_trigger t JOIN pg_constraint r ON r.oid = t.tgconstraint
WHERE t.tgisinternal
GROUP BY 1, 2
ORDER BY 1, 2;

-- all indexes
SELECT n.nspname AS "Schema", c.relname AS "Name", CASE c.relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'partitioned index' END AS "Type",
  pg_catalog.pg_get_userbyid(c.relowner) <> '' AS "Owned", c2.relname AS "Table",
  pg_catalog.obj_description(c.oid, 'pg_class') AS "Description"
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
     LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
     LEFT JOIN pg_catalog.pg_class c2 ON i.indrelid = c2.oid
WHERE c.relkind IN ('i','I','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast'
  AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid)
ORDER BY 1, 2;

-- the privileges on columns
SELECT n.nspname, c.relname, pg_catalog.array_to_string(ARRAY(
    SELECT attname || E':\n  ' || pg_catalog.array_to_string(attacl, E'\n  ')
    FROM pg_catalog.pg_attribute a
    WHERE attrelid = c.oid AND NOT attisdropped AND attnum > 0 AND attacl IS NOT NULL
  ), E'\n') AS "Column privileges",
  (SELECT pg_catalog.string_agg(attname, ', ' ORDER BY attnum) FROM pg_catalog.pg_attribute
   WHERE attrelid = c.oid AND NOT attisdropped AND attnum > 0) AS columns
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r','p') AND n.nspname = 'public'
ORDER BY 1, 2;

-- descriptions of objects
SELECT tt.nspname, tt.name, tt.object, d.description
FROM (
  SELECT pgc.oid AS oid, pgc.tableoid AS tableoid, n.nspname AS nspname, CAST(pgc.conname AS pg_catalog.text) AS name,
    CAST('table constraint' AS pg_catalog.text) AS object
  FROM pg_catalog.pg_constraint pgc
    JOIN pg_catalog.pg_class c ON c.oid = pgc.conrelid
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public'
UNION ALL
  SELECT c.oid AS oid, c.tableoid AS tableoid, n.nspname AS nspname, CAST(c.relname AS pg_catalog.text) AS name,
    CAST('index' AS pg_catalog.text) AS object
  FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('i', 'I')
) AS tt
JOIN pg_catalog.pg_description d ON (tt.oid = d.objoid AND tt.tableoid = d.classoid AND d.objsubid = 0)
ORDER BY 1, 2, 3;

-- the completion of column names
SELECT attname FROM pg_catalog.pg_attribute a, pg_catalog.pg_class c
WHERE c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
  AND substring(pg_catalog.quote_ident(attname), 1, 2) IN ('us', 'ha', 'ba', 'ce', 'ki', 'ca')
  AND pg_catalog.pg_table_is_visible(c.oid) AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
ORDER BY 1;

-- the owner of a sequence (same)
SELECT pg_catalog.quote_ident(nspname) || '.' || pg_catalog.quote_ident(relname) || '.' || pg_catalog.quote_ident(attname), d.deptype
FROM pg_catalog.pg_class c
INNER JOIN pg_catalog.pg_depend d ON c.oid = d.refobjid
INNER JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid AND a.attnum = d.refobjsubid)
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.objid = 'users_id_seq'::regclass AND d.deptype IN ('a', 'i');
