//! The catalog's queries. All run under `search_path = ''`, so every name they show is qualified.

/// Which `pg_class c JOIN pg_namespace n` rows are loaded: everything that can stand in FROM and
/// is not the system's or a session's own.
macro_rules! loaded {
    () => {
        "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
         AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
         AND n.nspname !~ '^pg_(toast_)?temp_'"
    };
}

/// oid, schema, name, kind, relnatts, children's schemas, children's names, row type, its array.
pub(super) const RELATIONS: &str = concat!(
    "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relnatts,
            coalesce(i.schemas, '{}'), coalesce(i.names, '{}'), c.reltype,
            coalesce((SELECT t.typarray FROM pg_type t WHERE t.oid = c.reltype), 0)
     FROM ",
    loaded!(),
    " LEFT JOIN LATERAL (
          SELECT array_agg(cn.nspname::text ORDER BY h.inhrelid) AS schemas,
                 array_agg(cc.relname::text ORDER BY h.inhrelid) AS names
          FROM pg_inherits h JOIN pg_class cc ON cc.oid = h.inhrelid
               JOIN pg_namespace cn ON cn.oid = cc.relnamespace
          WHERE h.inhparent = c.oid AND cc.relkind IN ('r', 'p', 'f')) i ON true"
);

/// relation, attnum, name, type, base type, collation, not null, generated, identity,
/// default's expression, default's volatility (0 immutable, 1 stable, 2 volatile), the type behind
/// a domain.
///
/// A column without a default of its own takes that of its type. The volatility comes from the
/// stored expression tree: every function and operator is in it by oid, the built-in ones too,
/// which pg_depend leaves out. `CURRENT_USER` and its like, and casts through text, whose
/// functions are not in the tree, count as stable.
pub(super) const COLUMNS: &str = concat!(
    "SELECT a.attrelid, a.attnum, a.attname::text,
            format_type(a.atttypid, a.atttypmod), format_type(a.atttypid, -1),
            CASE WHEN a.attcollation <> t.typcollation THEN (
                SELECT CASE cn.nspname WHEN 'pg_catalog' THEN ''
                                       ELSE quote_ident(cn.nspname) || '.' END
                       || quote_ident(co.collname)
                FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                WHERE co.oid = a.attcollation) END,
            a.attnotnull, a.attgenerated <> '', a.attidentity::text,
            e.expression, e.volatility,
            CASE WHEN t.typtype = 'd' THEN (
                WITH RECURSIVE d (oid, modifier) AS (
                    SELECT a.atttypid, a.atttypmod
                    UNION ALL
                    SELECT b.typbasetype, CASE WHEN d.modifier < 0 THEN b.typtypmod ELSE d.modifier END
                    FROM d JOIN pg_type b ON b.oid = d.oid AND b.typtype = 'd')
                SELECT format_type(d.oid, d.modifier)
                FROM d JOIN pg_type b ON b.oid = d.oid AND b.typtype <> 'd') END
     FROM ",
    loaded!(),
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      LEFT JOIN LATERAL (
          SELECT coalesce(pg_get_expr(d.adbin, d.adrelid), pg_get_expr(t.typdefaultbin, 0),
                          quote_literal(t.typdefault) || '::' || format_type(t.oid, -1))
                     AS expression,
                 greatest(
                     CASE WHEN tree.text ~ '\\{NEXTVALUEEXPR ' THEN 2
                          WHEN tree.text ~ '\\{(SQLVALUEFUNCTION|COERCEVIAIO) ' THEN 1 ELSE 0 END,
                     (SELECT max(CASE p.provolatile WHEN 'v' THEN 2 WHEN 's' THEN 1 ELSE 0 END)
                      FROM regexp_matches(tree.text, ':(?:funcid|opfuncid) (\\d+)', 'g') m
                      JOIN pg_proc p ON p.oid = m[1]::oid)) AS volatility
          FROM (SELECT coalesce(d.adbin, t.typdefaultbin)::text) AS tree (text)
      ) e ON (d.oid IS NOT NULL OR t.typdefault IS NOT NULL) AND a.attgenerated = ''
     ORDER BY a.attrelid, a.attnum"
);

/// relation, index, primary, has a constraint, key columns in order, whether it is complete, whether it is more than
/// those columns say.
pub(super) const KEYS: &str = concat!(
    "SELECT i.indrelid, x.relname::text, i.indisprimary,
            EXISTS (SELECT FROM pg_constraint k
                    WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid
                      AND k.contype IN ('p', 'u')),
            ARRAY(SELECT a.attname::text
                  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key (number, place)
                  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
                  WHERE key.place <= i.indnkeyatts ORDER BY key.place),
            i.indisvalid, i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
     FROM ",
    loaded!(),
    " JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique AND i.indislive
      JOIN pg_class x ON x.oid = i.indexrelid
     ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid"
);

/// relation, trigger. `tgtype`: 1 is ROW, 2 BEFORE, 4 INSERT, 16 UPDATE; `D` and `R` do not fire
/// in an ordinary session.
pub(super) const TRIGGERS: &str = concat!(
    "SELECT g.tgrelid, g.tgname::text FROM ",
    loaded!(),
    " JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal
          AND g.tgenabled IN ('O', 'A') AND g.tgtype & 3 = 3 AND g.tgtype & 20 <> 0
     ORDER BY g.tgrelid, g.tgname"
);

/// name, volatility of the wildest overload. A call that leaves an argument out is as wild as the
/// argument's default.
pub(super) const FUNCTIONS: &str = "
    SELECT f.name, max(CASE f.volatility WHEN 'v' THEN 2 WHEN 's' THEN 1 ELSE 0 END)
    FROM (SELECT proname::text AS name, provolatile AS volatility FROM pg_proc
          UNION ALL
          SELECT p.proname::text, d.provolatile
          FROM pg_proc p,
               regexp_matches(p.proargdefaults::text, ':(?:funcid|opfuncid) (\\d+)', 'g') m
               JOIN pg_proc d ON d.oid = m[1]::oid
          WHERE p.proargdefaults IS NOT NULL) f
    GROUP BY f.name";

/// name.
pub(super) const VOLATILE_OPERATORS: &str = "
    SELECT DISTINCT o.oprname::text
    FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode AND p.provolatile = 'v'";

/// relation, attnum, what depends on the column.
///
/// Left out: what belongs to the table itself and goes with the column (its indexes, constraints,
/// default, owned sequence, statistics). A view is shown instead of its rewrite rule, a generated
/// column instead of its expression.
pub(super) const DEPENDENTS: &str = concat!(
    "SELECT DISTINCT d.refobjid, d.refobjsubid,
            CASE WHEN r.rulename = '_RETURN'
                     THEN pg_describe_object('pg_class'::regclass, r.ev_class, 0)
                 WHEN e.oid IS NOT NULL
                     THEN pg_describe_object('pg_class'::regclass, e.adrelid, e.adnum)
                 ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END
     FROM ",
    loaded!(),
    " JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
          AND d.refobjsubid > 0
      LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
      LEFT JOIN pg_attrdef e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid
      LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
      LEFT JOIN pg_class o ON d.classid = 'pg_class'::regclass AND o.oid = d.objid
     WHERE d.classid <> 'pg_statistic_ext'::regclass
       AND (e.oid IS NULL OR (e.adrelid, e.adnum) <> (d.refobjid, d.refobjsubid))
       AND (k.oid IS NULL OR k.conrelid <> d.refobjid)
       AND (o.oid IS NULL OR o.relkind NOT IN ('i', 'I', 'S'))"
);

/// relation, kind, oid, name, its index, table that has it, table it refers to, columns, definition
/// of what hangs on columns.
///
/// Of an index and of a constraint with one, the definition is the index's without its name, so
/// that the two are equal where they enforce the same.
pub(super) const OBJECTS: &str = concat!(
    "WITH d AS MATERIALIZED (
         SELECT d.classid, d.objid, d.refobjid,
                array_agg(DISTINCT d.refobjsubid::int2 ORDER BY d.refobjsubid::int2) AS columns
         FROM ",
    loaded!(),
    "    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
             AND d.refobjsubid > 0
         WHERE d.classid IN ('pg_class'::regclass, 'pg_constraint'::regclass,
                             'pg_trigger'::regclass, 'pg_statistic_ext'::regclass)
         GROUP BY d.classid, d.objid, d.refobjid)
     SELECT d.refobjid, 'i', x.oid, x.relname::text, NULL::oid, i.indrelid, NULL::oid, d.columns,
            replace(pg_get_indexdef(x.oid), format(' INDEX %I ON ', x.relname), ' INDEX ON '), false
     FROM d JOIN pg_class x ON d.classid = 'pg_class'::regclass AND x.oid = d.objid
          JOIN pg_index i ON i.indexrelid = x.oid
     UNION ALL
     SELECT d.refobjid, k.contype::text, k.oid, k.conname::text, x.oid, k.conrelid,
            nullif(k.confrelid, 0), d.columns,
            CASE WHEN x.oid IS NULL THEN pg_get_constraintdef(k.oid) ELSE
                 replace(pg_get_indexdef(x.oid), format(' INDEX %I ON ', x.relname), ' INDEX ON ')
            END, k.condeferrable
     FROM d JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
              AND k.contype IN ('p', 'u', 'x', 'c', 'n', 'f')
          LEFT JOIN pg_class x ON x.oid = k.conindid AND k.contype IN ('p', 'u', 'x')
     UNION ALL
     SELECT d.refobjid, 't', g.oid, g.tgname::text, NULL, g.tgrelid, NULL, d.columns,
            pg_get_triggerdef(g.oid), false
     FROM d JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
              AND NOT g.tgisinternal
     UNION ALL
     SELECT d.refobjid, 's', s.oid, s.stxname::text, NULL, s.stxrelid, NULL, d.columns,
            pg_get_statisticsobjdef(s.oid), false
     FROM d JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
     ORDER BY 1, 2, 3"
);

/// schema, name, columns, primary key, definition of each of the system's tables and views.
///
/// Definitions are those of the views that tell of columns or of what hangs on them. Left out are
/// views over catalogs that not all may read.
pub(super) const SYSTEM: &str = "
    SELECT n.nspname::text, c.relname::text,
           (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
           ARRAY(SELECT a.attname::text
                 FROM pg_constraint k JOIN pg_attribute a
                      ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
                 WHERE k.conrelid = c.oid AND k.contype = 'p'),
           CASE WHEN c.relkind = 'v' AND (n.nspname, c.relname) IN (
                    ('pg_catalog', 'pg_indexes'),
                    ('pg_catalog', 'pg_tables'),
                    ('pg_catalog', 'pg_stat_all_indexes'),
                    ('pg_catalog', 'pg_stat_sys_indexes'),
                    ('pg_catalog', 'pg_stat_user_indexes'),
                    ('pg_catalog', 'pg_statio_all_indexes'),
                    ('pg_catalog', 'pg_statio_sys_indexes'),
                    ('pg_catalog', 'pg_statio_user_indexes'),
                    ('information_schema', 'check_constraints'),
                    ('information_schema', 'column_column_usage'),
                    ('information_schema', 'column_domain_usage'),
                    ('information_schema', 'column_privileges'),
                    ('information_schema', 'column_udt_usage'),
                    ('information_schema', 'columns'),
                    ('information_schema', 'constraint_column_usage'),
                    ('information_schema', 'constraint_table_usage'),
                    ('information_schema', 'data_type_privileges'),
                    ('information_schema', 'element_types'),
                    ('information_schema', 'key_column_usage'),
                    ('information_schema', 'referential_constraints'),
                    ('information_schema', 'role_column_grants'),
                    ('information_schema', 'role_table_grants'),
                    ('information_schema', 'table_constraints'),
                    ('information_schema', 'table_privileges'),
                    ('information_schema', 'tables'),
                    ('information_schema', 'triggered_update_columns'),
                    ('information_schema', 'view_column_usage'))
                THEN pg_get_viewdef(c.oid) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v')";

/// relation, attnum, schema and name of a view through which PostgreSQL writes the column: the view
/// or one of its rules depends on it. `is_updatable` counts rules; of its bits 4 is UPDATE and 8
/// INSERT. Where an INSTEAD OF trigger (64 of `tgtype`) stands, a function decides what is written.
pub(super) const VIEWS: &str = concat!(
    "SELECT DISTINCT d.refobjid, d.refobjsubid, vn.nspname::text, v.relname::text
     FROM ",
    loaded!(),
    " JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
          AND d.refobjsubid > 0 AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite r ON r.oid = d.objid
      JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
      JOIN pg_namespace vn ON vn.oid = v.relnamespace
     WHERE pg_relation_is_updatable(v.oid, false) & 12 <> 0
       AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = v.oid AND g.tgtype & 64 <> 0)"
);

/// One text that changes whenever one of the above may have changed.
///
/// A changed catalog row is a new version of it in a new place, so a sum over the places of all
/// rows tells of a change without reading their contents: about 10 ms for a thousand tables.
/// (ANALYZE changes pg_class in place.) A row that moves without changing only causes a load that
/// finds nothing new. Temporary tables come and go and are left out.
pub(super) const FINGERPRINT: &str = concat!(
    "WITH c AS MATERIALIZED (SELECT c.oid, c.ctid AS place, n.ctid AS schema FROM ",
    loaded!(),
    ")
     SELECT concat_ws(' ',
         (SELECT concat(count(*), ':', sum(hashtid(place)::int8 + hashtid(schema))) FROM c),
         (SELECT concat(count(*), ':', sum(hashtid(a.ctid)::int8))
          FROM c JOIN pg_attribute a ON a.attrelid = c.oid),
         (SELECT concat(count(*), ':', sum(hashtid(d.ctid)::int8))
          FROM c JOIN pg_attrdef d ON d.adrelid = c.oid),
         (SELECT concat(count(*), ':', sum(hashtid(i.ctid)::int8 + hashtid(x.ctid)))
          FROM c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid),
         (SELECT concat(count(*), ':', sum(hashtid(k.ctid)::int8))
          FROM c JOIN pg_constraint k ON k.conrelid = c.oid),
         (SELECT concat(count(*), ':', sum(hashtid(s.ctid)::int8))
          FROM c JOIN pg_statistic_ext s ON s.stxrelid = c.oid),
         (SELECT concat(count(*), ':', sum(hashtid(g.ctid)::int8))
          FROM c JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal),
         (SELECT concat(count(*), ':', sum(hashtid(h.ctid)::int8)) FROM pg_inherits h),
         (SELECT concat(count(*), ':', sum(hashtid(d.ctid)::int8))
          FROM c JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
              AND d.refobjsubid > 0),
         (SELECT concat(count(*), ':', sum(hashtid(o.ctid)::int8)) FROM pg_operator o),
         (SELECT concat(count(*), ':', sum(hashtid(p.ctid)::int8)) FROM pg_proc p))"
);
