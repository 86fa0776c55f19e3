What drivers ask of tables, keys and types.

-- columns of tables, as for a JDBC driver
SELECT * FROM (
  SELECT current_database() IS NOT NULL AS current_database, n.nspname, c.relname, a.attname, a.atttypid,
    a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS attnotnull, a.atttypmod, a.attlen, t.typtypmod,
    row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS attnum,
    nullif(a.attidentity, '') AS attidentity, nullif(a.attgenerated, '') AS attgenerated,
    pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc, dsc.description, t.typbasetype, t.typtype
  FROM pg_catalog.pg_namespace n
    JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid)
    JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid)
    JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid)
    LEFT JOIN pg_catalog.pg_attrdef def ON (a.attrelid = def.adrelid AND a.attnum = def.adnum)
    LEFT JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid)
    LEFT JOIN pg_catalog.pg_class dc ON (dc.oid = dsc.classoid AND dc.relname = 'pg_class')
    LEFT JOIN pg_catalog.pg_namespace dn ON (dc.relnamespace = dn.oid AND dn.nspname = 'pg_catalog')
  WHERE c.relkind IN ('r', 'p', 'v', 'f', 'm') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname LIKE 'public'
) c WHERE true
ORDER BY nspname, c.relname, attnum;

-- index columns, as for a JDBC driver
SELECT tmp.TABLE_NAME, tmp.NON_UNIQUE, tmp.INDEX_NAME, tmp.TYPE, tmp.ORDINAL_POSITION,
  trim(both '"' from pg_catalog.pg_get_indexdef(tmp.CI_OID, tmp.ORDINAL_POSITION, false)) AS COLUMN_NAME,
  tmp.FILTER_CONDITION
FROM (
  SELECT ct.relname AS TABLE_NAME, NOT i.indisunique AS NON_UNIQUE, ci.relname AS INDEX_NAME,
    CASE i.indisclustered WHEN true THEN 1 ELSE 3 END AS TYPE,
    (information_schema._pg_expandarray(i.indkey)).n AS ORDINAL_POSITION, ci.reltuples AS CARDINALITY,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS FILTER_CONDITION, ci.oid AS CI_OID
  FROM pg_catalog.pg_class ct
    JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid)
    JOIN pg_catalog.pg_index i ON (ct.oid = i.indrelid)
    JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid)
    JOIN pg_catalog.pg_am am ON (ci.relam = am.oid)
  WHERE n.nspname = 'public'
) AS tmp
ORDER BY NON_UNIQUE, TYPE, INDEX_NAME, ORDINAL_POSITION;

-- primary keys, as for a JDBC driver (same)
SELECT result.TABLE_NAME, result.COLUMN_NAME, result.KEY_SEQ, result.PK_NAME
FROM (
  SELECT n.nspname AS TABLE_SCHEM, ct.relname AS TABLE_NAME, a.attname AS COLUMN_NAME,
    (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ, ci.relname AS PK_NAME,
    information_schema._pg_expandarray(i.indkey) AS KEYS, a.attnum AS A_ATTNUM
  FROM pg_catalog.pg_class ct
    JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid)
    JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid)
    JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid)
    JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid)
  WHERE true AND n.nspname = 'public' AND i.indisprimary
) result
WHERE result.A_ATTNUM = (result.KEYS).x
ORDER BY result.TABLE_NAME, result.PK_NAME, result.KEY_SEQ;

-- imported keys, as for a JDBC driver
SELECT pkic.relname AS pk_name, pkc.relname AS pktable, pka.attname AS pkcolumn, fkc.relname AS fktable,
  fka.attname AS fkcolumn, pos.n AS key_seq, con.confupdtype, con.conname AS fk_name
FROM pg_catalog.pg_namespace pkn, pg_catalog.pg_class pkc, pg_catalog.pg_attribute pka,
  pg_catalog.pg_namespace fkn, pg_catalog.pg_class fkc, pg_catalog.pg_attribute fka,
  pg_catalog.pg_constraint con, pg_catalog.generate_series(1, 32) pos(n), pg_catalog.pg_class pkic
WHERE pkn.oid = pkc.relnamespace AND pkc.oid = pka.attrelid AND pka.attnum = con.confkey[pos.n] AND con.confrelid = pkc.oid
  AND fkn.oid = fkc.relnamespace AND fkc.oid = fka.attrelid AND fka.attnum = con.conkey[pos.n] AND con.conrelid = fkc.oid
  AND con.contype = 'f' AND pkic.relkind = 'i' AND pkic.oid = con.conindid AND fkc.relname = 'posts'
ORDER BY pkc.relname, con.conname, pos.n;

-- the index behind a foreign key by its dependencies
SELECT con.conname, pkic.relname
FROM pg_catalog.pg_constraint con
  LEFT JOIN pg_catalog.pg_depend dep ON (dep.objid = con.oid AND dep.refclassid = 'pg_class'::regclass AND dep.refobjsubid = 0)
  LEFT JOIN pg_catalog.pg_class pkic ON (pkic.oid = dep.refobjid AND pkic.relkind = 'i')
WHERE con.contype = 'f' AND pkic.oid IS NOT NULL
ORDER BY con.conname;

-- the best identifier of a row (same)
SELECT a.attname, a.atttypid, atttypmod
FROM pg_catalog.pg_class ct
  JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid)
  JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid)
  JOIN (SELECT i.indexrelid, i.indrelid, i.indisprimary, information_schema._pg_expandarray(i.indkey) AS keys
        FROM pg_catalog.pg_index i) i ON (a.attnum = (i.keys).x AND a.attrelid = i.indrelid)
WHERE true AND n.nspname = 'public' AND ct.relname = 'users' AND i.indisprimary
ORDER BY a.attnum;

-- the fields of row types, as for a driver that loads types
SELECT typ.typname, att.attname, att.atttypid
FROM pg_type AS typ
JOIN pg_namespace AS ns ON (ns.oid = typ.typnamespace)
JOIN pg_class AS cls ON (cls.oid = typ.typrelid)
JOIN pg_attribute AS att ON (att.attrelid = typ.typrelid)
WHERE typ.typtype = 'c' AND cls.relkind IN ('r', 'p', 'c') AND att.attnum > 0 AND NOT attisdropped AND ns.nspname = 'public'
ORDER BY typ.typname, att.attnum;

-- type introspection by recursion
WITH RECURSIVE typeinfo_tree (oid, ns, name, kind, attrtypoids, attrnames, depth) AS (
    SELECT t.oid, ns.nspname::text, t.typname::text, t.typtype::text,
      (SELECT array_agg(ia.atttypid ORDER BY ia.attnum) FROM pg_attribute ia
        INNER JOIN pg_class c ON (ia.attrelid = c.oid)
        WHERE ia.attnum > 0 AND NOT ia.attisdropped AND c.reltype = t.oid),
      (SELECT array_agg(ia.attname::text ORDER BY ia.attnum) FROM pg_attribute ia
        INNER JOIN pg_class c ON (ia.attrelid = c.oid)
        WHERE ia.attnum > 0 AND NOT ia.attisdropped AND c.reltype = t.oid),
      0
    FROM pg_type t INNER JOIN pg_namespace ns ON ns.oid = t.typnamespace
    WHERE t.oid = 'users'::regtype
  UNION ALL
    SELECT t.oid, ns.nspname::text, t.typname::text, t.typtype::text, NULL::oid[], NULL::text[], tt.depth + 1
    FROM pg_type t INNER JOIN pg_namespace ns ON ns.oid = t.typnamespace, typeinfo_tree tt
    WHERE t.oid = ANY (tt.attrtypoids) AND tt.depth < 1
)
SELECT DISTINCT name, kind, attrtypoids, attrnames, depth FROM typeinfo_tree
ORDER BY depth, name;

-- column metadata of results, as for a .NET driver
SELECT typ.oid, nspname, relname, attname, attrelid, attnum, attnotnull, attidentity != '' AS isidentity,
  CASE WHEN typ.typtype = 'd' THEN typ.typtypmod ELSE atttypmod END AS typmod,
  CASE WHEN atthasdef THEN (SELECT pg_get_expr(adbin, cls.oid) FROM pg_attrdef WHERE adrelid = cls.oid AND adnum = attr.attnum) END AS default,
  pg_column_is_updatable(cls.oid, attnum, true) AS is_updatable,
  EXISTS (SELECT * FROM pg_index WHERE pg_index.indrelid = cls.oid AND pg_index.indisprimary AND attnum = ANY (indkey)) AS isprimarykey,
  EXISTS (SELECT * FROM pg_index WHERE pg_index.indrelid = cls.oid AND pg_index.indisunique AND pg_index.indnkeyatts = 1 AND attnum = pg_index.indkey[0]) AS isunique
FROM pg_attribute AS attr
JOIN pg_type AS typ ON attr.atttypid = typ.oid
JOIN pg_class AS cls ON cls.oid = attr.attrelid
JOIN pg_namespace AS ns ON ns.oid = cls.relnamespace
WHERE atttypid <> 0 AND relkind IN ('r', 'v', 'm', 'p') AND NOT attisdropped AND nspname = 'public' AND attnum > 0
ORDER BY attrelid, attnum;

-- state numbers of objects, as for an IDE
SELECT T.relname AS table_name, C.attname AS column_name, C.attnum AS column_position,
  C.xmin IS NOT NULL AS column_state_number, C.ctid IS NOT NULL, C.tableoid::regclass, T.tableoid::regclass
FROM pg_catalog.pg_class T
  JOIN pg_catalog.pg_attribute C ON T.oid = C.attrelid
WHERE T.relnamespace = 'public'::regnamespace AND T.relkind IN ('r', 'p') AND C.attnum > 0 AND NOT C.attisdropped
ORDER BY T.relname, C.attnum;
