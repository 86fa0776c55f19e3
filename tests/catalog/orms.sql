What ORMs and schema dumpers ask, the way they ask it.

-- fields with defaults and comments, as for ActiveRecord
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull,
       a.atttypid, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) AS comment,
       attidentity AS identity, attgenerated AS attgenerated
FROM pg_attribute a
LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
LEFT JOIN pg_type t ON a.atttypid = t.oid
LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation
WHERE a.attrelid = '"users"'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- indexes by name, as for a schema dump
SELECT distinct i.relname, d.indisunique, d.indkey, pg_get_indexdef(d.indexrelid), t.oid,
       pg_catalog.obj_description(i.oid, 'pg_class') AS comment, d.indisvalid
FROM pg_class t
INNER JOIN pg_index d ON t.oid = d.indrelid
INNER JOIN pg_class i ON d.indexrelid = i.oid
LEFT JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE i.relkind IN ('i', 'I') AND d.indisprimary = 'f' AND t.relname = 'users' AND n.nspname = ANY (current_schemas(false))
ORDER BY i.relname;

-- the names of numbered columns
SELECT i.relname, a.attnum, a.attname
FROM pg_index d JOIN pg_class i ON i.oid = d.indexrelid
JOIN pg_attribute a ON a.attrelid = d.indrelid AND a.attnum = ANY (d.indkey)
WHERE d.indrelid = '"users"'::regclass
ORDER BY i.relname, a.attnum;

-- primary key columns (same)
SELECT a.attname FROM (
  SELECT indrelid, indkey, generate_subscripts(indkey, 1) idx FROM pg_index
  WHERE indrelid = '"users"'::regclass AND indisprimary
) i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[i.idx]
ORDER BY i.idx;

-- foreign keys with both sides' columns
SELECT t2.oid::regclass::text AS to_table, a1.attname AS column, a2.attname AS primary_key, c.conname AS name,
       c.confupdtype AS on_update, c.confdeltype AS on_delete, c.convalidated AS valid,
       c.condeferrable AS deferrable, c.condeferred AS deferred, c.conkey, c.confkey
FROM pg_constraint c
JOIN pg_class t1 ON c.conrelid = t1.oid
JOIN pg_class t2 ON c.confrelid = t2.oid
JOIN pg_attribute a1 ON a1.attnum = c.conkey[1] AND a1.attrelid = t1.oid
JOIN pg_attribute a2 ON a2.attnum = c.confkey[1] AND a2.attrelid = t2.oid
JOIN pg_namespace t3 ON c.connamespace = t3.oid
WHERE c.contype = 'f' AND t1.relname = 'posts' AND t3.nspname = 'public'
ORDER BY c.conname;

-- check constraints with their expressions
SELECT conname, pg_get_constraintdef(c.oid, true) AS constraintdef, c.convalidated AS valid, pg_get_expr(conbin, conrelid)
FROM pg_constraint c
JOIN pg_class t ON c.conrelid = t.oid
JOIN pg_namespace n ON n.oid = c.connamespace
WHERE c.contype = 'c' AND t.relname = 'users' AND n.nspname = 'public'
ORDER BY 1;

-- unique constraints with the columns they have
SELECT c.conname, c.conkey, c.condeferrable, c.condeferred, c.conrelid::regclass, pg_get_constraintdef(c.oid)
FROM pg_constraint c
WHERE c.contype IN ('u', 'p') AND c.connamespace = 'public'::regnamespace
ORDER BY 1;

-- the sequence behind the primary key (same)
SELECT attr.attname, nsp.nspname, seq.relname
FROM pg_class seq, pg_attribute attr, pg_depend dep, pg_constraint cons, pg_namespace nsp
WHERE seq.oid = dep.objid AND seq.relkind = 'S' AND attr.attrelid = dep.refobjid
  AND attr.attnum = dep.refobjsubid AND attr.attrelid = cons.conrelid AND attr.attnum = cons.conkey[1]
  AND seq.relnamespace = nsp.oid AND cons.contype IN ('p', 'u') AND dep.classid = 'pg_class'::regclass
  AND dep.refobjid = 'users'::regclass;

-- constraints with columns and the columns they refer to, as for Django
SELECT c.conname,
  array(SELECT attname FROM unnest(c.conkey) WITH ORDINALITY cols(colid, arridx)
        JOIN pg_attribute AS ca ON cols.colid = ca.attnum
        WHERE ca.attrelid = c.conrelid ORDER BY cols.arridx),
  c.contype,
  (SELECT fkc.relname || '.' || fka.attname FROM pg_attribute AS fka
   JOIN pg_class AS fkc ON fka.attrelid = fkc.oid
   WHERE fka.attrelid = c.confrelid AND fka.attnum = c.confkey[1]),
  cl.reloptions
FROM pg_constraint AS c
JOIN pg_class AS cl ON c.conrelid = cl.oid
WHERE cl.relname IN ('users', 'posts') AND pg_catalog.pg_table_is_visible(cl.oid)
ORDER BY c.conname;

-- indexes with the order of their columns, as for Django
SELECT indexname, array_agg(attname ORDER BY arridx), indisunique, indisprimary,
  array_agg(ordering ORDER BY arridx), amname, exprdef, s2.attoptions
FROM (
  SELECT c2.relname as indexname, idx.*, attr.attname, am.amname,
    CASE WHEN idx.indexprs IS NOT NULL THEN pg_get_indexdef(idx.indexrelid) END AS exprdef,
    CASE am.amname WHEN 'btree' THEN CASE (option & 1) WHEN 1 THEN 'DESC' ELSE 'ASC' END END as ordering,
    c2.reloptions as attoptions
  FROM (SELECT * FROM pg_index i, unnest(i.indkey, i.indoption) WITH ORDINALITY koi(key, option, arridx)) idx
  LEFT JOIN pg_class c ON idx.indrelid = c.oid
  LEFT JOIN pg_class c2 ON idx.indexrelid = c2.oid
  LEFT JOIN pg_am am ON c2.relam = am.oid
  LEFT JOIN pg_attribute attr ON attr.attrelid = c.oid AND attr.attnum = idx.key
  WHERE c.relname = 'users' AND pg_catalog.pg_table_is_visible(c.oid)
) s2
GROUP BY indexname, indisunique, indisprimary, amname, exprdef, attoptions
ORDER BY indexname;

-- what is said of columns, as for Django
SELECT a.attname AS column_name, NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)) AS is_nullable,
  pg_get_expr(ad.adbin, ad.adrelid) AS column_default,
  CASE WHEN collname = 'default' THEN NULL ELSE collname END AS collation,
  a.attidentity != '' AS is_autofield, col_description(a.attrelid, a.attnum) AS column_comment
FROM pg_attribute a
LEFT JOIN pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum
LEFT JOIN pg_collation co ON a.attcollation = co.oid
JOIN pg_type t ON a.atttypid = t.oid
JOIN pg_class c ON a.attrelid = c.oid
JOIN pg_namespace n ON c.relnamespace = n.oid
WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v') AND c.relname = 'accounts' AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
  AND pg_catalog.pg_table_is_visible(c.oid);

-- columns as one JSON value each, as for Prisma
SELECT jsonb_agg(jsonb_build_object('name', att.attname, 'type', format_type(att.atttypid, att.atttypmod),
         'notnull', att.attnotnull, 'default', pg_get_expr(def.adbin, def.adrelid)) ORDER BY att.attnum)
FROM pg_attribute att
  JOIN pg_class tbl ON tbl.oid = att.attrelid AND tbl.relkind IN ('r', 'p', 'v')
  JOIN pg_namespace ns ON ns.oid = tbl.relnamespace
  LEFT JOIN pg_attrdef def ON def.adrelid = att.attrelid AND def.adnum = att.attnum
WHERE ns.nspname = ANY (ARRAY['public']) AND att.attnum > 0 AND NOT att.attisdropped
GROUP BY tbl.relname
ORDER BY tbl.relname;

-- indexes with each column, as for Prisma
WITH rawindex AS (
  SELECT indrelid, indexrelid, indisunique, indisprimary, unnest(indkey) AS indkeyid,
    generate_subscripts(indkey, 1) AS indkeyidx, unnest(indclass) AS indclass, unnest(indoption) AS indoption
  FROM pg_index
  WHERE indpred IS NULL AND NOT indisexclusion
)
SELECT schemainfo.nspname AS namespace, indexinfo.relname AS index_name, tableinfo.relname AS table_name,
  columninfo.attname AS column_name, rawindex.indisunique AS is_unique, rawindex.indisprimary AS is_primary_key,
  rawindex.indkeyidx AS column_index
FROM rawindex
  INNER JOIN pg_class AS tableinfo ON tableinfo.oid = rawindex.indrelid
  INNER JOIN pg_class AS indexinfo ON indexinfo.oid = rawindex.indexrelid
  INNER JOIN pg_namespace AS schemainfo ON schemainfo.oid = tableinfo.relnamespace
  LEFT JOIN pg_attribute AS columninfo ON columninfo.attrelid = tableinfo.oid AND columninfo.attnum = rawindex.indkeyid
WHERE schemainfo.nspname = 'public'
ORDER BY namespace, table_name, index_name, column_index;

-- columns from the information schema, as for TypeORM
SELECT columns.*, pg_catalog.col_description(('"' || table_catalog || '"."' || table_schema || '"."' || table_name || '"')::regclass::oid, ordinal_position) AS description,
  ('"' || "udt_schema" || '"."' || "udt_name" || '"')::"regtype" AS "regtype",
  pg_catalog.format_type("col_attr"."atttypid", "col_attr"."atttypmod") AS "format_type"
FROM "information_schema"."columns"
LEFT JOIN "pg_catalog"."pg_attribute" AS "col_attr"
  ON "col_attr"."attname" = "columns"."column_name"
 AND "col_attr"."attrelid" = ('"' || table_schema || '"."' || table_name || '"')::regclass
WHERE table_schema = 'public' AND table_name IN ('posts', 'accounts')
ORDER BY table_name, ordinal_position;

-- constraints with columns, as for TypeORM
SELECT ns.nspname AS table_schema, t.relname AS table_name, cnst.conname AS constraint_name,
  pg_get_constraintdef(cnst.oid) AS expression,
  CASE cnst.contype WHEN 'p' THEN 'PRIMARY' WHEN 'u' THEN 'UNIQUE' WHEN 'c' THEN 'CHECK' WHEN 'x' THEN 'EXCLUDE' END AS constraint_type,
  a.attname AS column_name
FROM pg_constraint cnst
  INNER JOIN pg_class t ON t.oid = cnst.conrelid
  INNER JOIN pg_namespace ns ON ns.oid = cnst.connamespace
  LEFT JOIN pg_attribute a ON a.attrelid = cnst.conrelid AND a.attnum = ANY (cnst.conkey)
WHERE t.relkind IN ('r', 'p') AND ns.nspname = 'public'
ORDER BY 1, 2, 3, 6;

-- columns of one table, as for Hibernate
SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable, column_default
FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = 'accounts'
ORDER BY ordinal_position;

-- columns with sizes in one pass, as for a code generator
SELECT c.table_name, c.column_name, c.udt_name, c.is_nullable = 'YES', tc.constraint_type
FROM information_schema.columns c
LEFT JOIN information_schema.key_column_usage kcu
  ON kcu.table_schema = c.table_schema AND kcu.table_name = c.table_name AND kcu.column_name = c.column_name
LEFT JOIN information_schema.table_constraints tc
  ON tc.constraint_name = kcu.constraint_name AND tc.table_schema = kcu.table_schema
WHERE c.table_schema = 'public'
ORDER BY c.table_name, c.ordinal_position, tc.constraint_type;
