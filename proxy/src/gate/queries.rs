//! The gates' queries. All run under `search_path = ''`, so every name they show is qualified.
//! `$1` are the oids of the governed tables, `$2` the number of a column in each of them.

/// The control role and the table's schema, quoted; whether the role may use the schema, read the
/// table, and see every row of it.
pub(super) const ACCESS: &str = "
    SELECT quote_ident(current_user), quote_ident(n.nspname),
           has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'),
           NOT row_security_active(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1";

/// table, index, its schema, unique, valid, partition of another index, replica identity, for a
/// constraint that needs more than the index, its constraint, pid of who builds it, what it
/// consists of, key columns, all columns, operator classes with collations, predicate, what stands
/// behind USING, operators of an exclusion constraint, when a key that may wait is checked.
///
/// Columns are as SQL writes them, expressions included.
pub(super) const INDEXES: &str = "
    SELECT i.indrelid, x.relname::text, n.nspname::text, i.indisunique, i.indisvalid,
           x.relispartition, i.indisreplident, i.indisexclusion,
           (SELECT k.conname::text FROM pg_constraint k
            WHERE k.conindid = x.oid AND k.conrelid = i.indrelid
              AND k.contype IN ('p', 'u', 'x')),
           p.pid,
           concat_ws(' ', am.amname, i.indoption::text,
                     coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)),
           i.indnkeyatts::int4,
           ARRAY(SELECT pg_get_indexdef(x.oid, place, false)
                 FROM generate_series(1, i.indnatts::int4) place ORDER BY place),
           concat_ws(' ', i.indclass::text, i.indcollation::text),
           pg_get_expr(i.indpred, i.indrelid),
           replace(replace(pg_get_indexdef(x.oid), format(' INDEX %I ON ', x.relname), ' INDEX ON '),
                   format('CREATE %sINDEX ON %s%I.%I USING ',
                          CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,
                          CASE WHEN x.relkind = 'I' THEN 'ONLY ' ELSE '' END,
                          n.nspname, t.relname), ''),
           ARRAY(SELECT format('OPERATOR(%I.%s)', o.nspname, o.oprname)
                 FROM pg_constraint k
                      CROSS JOIN unnest(k.conexclop) WITH ORDINALITY AS e (oid, place)
                      JOIN (SELECT o.oid, o.oprname, n.nspname FROM pg_operator o
                            JOIN pg_namespace n ON n.oid = o.oprnamespace) o ON o.oid = e.oid
                 WHERE k.conindid = x.oid AND k.conrelid = i.indrelid AND k.contype = 'x'
                 ORDER BY e.place),
           (SELECT CASE WHEN k.condeferred THEN 'DEFERRABLE INITIALLY DEFERRED' ELSE 'DEFERRABLE' END
            FROM pg_constraint k
            WHERE k.conindid = x.oid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
              AND k.condeferrable)
    FROM pg_index i
         JOIN pg_class x ON x.oid = i.indexrelid
         JOIN pg_class t ON t.oid = i.indrelid
         JOIN pg_namespace n ON n.oid = x.relnamespace
         JOIN pg_am am ON am.oid = x.relam
         LEFT JOIN pg_stat_progress_create_index p ON p.index_relid = i.indexrelid
    WHERE i.indrelid = ANY ($1)
    ORDER BY array_position($1, i.indrelid), x.oid";

/// table, constraint, kind, validated, inherited, columns, referenced table, its columns, what a
/// foreign key does, the columns that it sets, definition, predicate of an exclusion constraint.
pub(super) const CONSTRAINTS: &str = "
    SELECT k.conrelid, k.conname::text, k.contype::text, k.convalidated,
           k.coninhcount > 0 OR k.conparentid <> 0, coalesce(k.conkey, '{}'),
           k.confrelid, coalesce(k.confkey, '{}'),
           concat_ws(' ', k.confupdtype, k.confdeltype, k.confmatchtype, k.condeferrable,
                     k.condeferred),
           ARRAY(SELECT number::int2
                 FROM jsonb_array_elements_text(nullif(to_jsonb(k) -> 'confdelsetcols', 'null'))
                      number),
           replace(pg_get_constraintdef(k.oid), ' NOT VALID', ''),
           (SELECT pg_get_expr(i.indpred, i.indrelid) FROM pg_index i
            WHERE i.indexrelid = k.conindid AND k.contype = 'x')
    FROM pg_constraint k
    WHERE k.conrelid = ANY ($1) AND k.contype IN ('c', 'f', 'x')
    ORDER BY array_position($1, k.conrelid), k.contype, k.oid";

/// table, role (none: everybody), privileges on the column `$2` that it has not on the column `$3`,
/// with the right to pass them on.
///
/// A privilege on the whole table is one on both columns, and needs no look.
pub(super) const PRIVILEGES: &str = "
    SELECT g.relation, quote_ident(r.rolname),
           array_agg(DISTINCT a.privilege_type ORDER BY a.privilege_type), a.is_grantable
    FROM unnest($1::oid[], $2::int2[], $3::int2[]) WITH ORDINALITY
             AS g (relation, has, lacks, place)
         JOIN pg_class c ON c.oid = g.relation
         JOIN pg_attribute f ON f.attrelid = g.relation AND f.attnum = g.has
         JOIN pg_attribute t ON t.attrelid = g.relation AND t.attnum = g.lacks
         CROSS JOIN LATERAL aclexplode(f.attacl) a
         LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE (a.grantee = 0 OR r.oid IS NOT NULL)
      AND NOT CASE a.grantee
              WHEN 0 THEN EXISTS (
                  SELECT FROM aclexplode(t.attacl || c.relacl) b
                  WHERE b.grantee = 0 AND b.privilege_type = a.privilege_type)
              ELSE has_column_privilege(
                  a.grantee, g.relation, g.lacks,
                  a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
              END
    GROUP BY g.place, g.relation, a.grantee, r.rolname, a.is_grantable
    ORDER BY g.place, a.grantee <> 0, r.rolname, a.is_grantable";

/// table, trigger, `tgtype`, language, source and name of its function, its arguments, whether it names columns, whether
/// it is given transition tables.
///
/// Those that do not fire in an ordinary session are left out, and copies of a partitioned table's
/// trigger on its partitions.
pub(super) const TRIGGERS: &str = "
    SELECT g.tgrelid, g.tgname::text, g.tgtype::int4, l.lanname::text, p.prosrc,
           p.oid::regprocedure::text, encode(g.tgargs, 'escape'), cardinality(g.tgattr::int2[]) > 0,
           coalesce(g.tgoldtable, g.tgnewtable) IS NOT NULL
    FROM pg_trigger g
         JOIN pg_proc p ON p.oid = g.tgfoid
         JOIN pg_language l ON l.oid = p.prolang
    WHERE g.tgrelid = ANY ($1) AND NOT g.tgisinternal AND g.tgparentid = 0
      AND g.tgenabled IN ('O', 'A')
    ORDER BY array_position($1, g.tgrelid), g.tgname";

/// table, rule, definition.
pub(super) const RULES: &str = "
    SELECT r.ev_class, r.rulename::text, pg_get_ruledef(r.oid)
    FROM pg_rewrite r
    WHERE r.ev_class = ANY ($1) AND r.rulename <> '_RETURN' AND r.ev_enabled IN ('O', 'A')
    ORDER BY array_position($1, r.ev_class), r.rulename";

/// table, kind, its description, name, name of the table that has it, definition, a second one, a
/// list, whether a relation that is not governed has a column `$3` and is named in it.
///
/// Left out is what belongs to the table itself and goes with the column. Number 0 is the table itself; -32768 its rows
/// as a whole, of which `pg_depend` knows no more than of the table: the stored trees tell.
pub(super) const DEPENDENTS: &str = "
    WITH d AS MATERIALIZED (
        SELECT DISTINCT g.relation, g.number, d.classid, d.objid,
               EXISTS (SELECT FROM pg_depend o
                       JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attname = $3
                            AND NOT a.attisdropped
                       WHERE o.classid = d.classid AND o.objid = d.objid
                         AND o.refclassid = 'pg_class'::regclass
                         AND o.refobjid <> ALL ($1)
                         AND o.deptype = 'n'
                         -- A view's columns have names of their own.
                         AND NOT EXISTS (SELECT FROM pg_rewrite v
                                         WHERE v.oid = o.objid AND v.ev_class = o.refobjid
                                           AND v.rulename = '_RETURN'
                                           AND o.classid = 'pg_rewrite'::regclass)) AS other
        FROM unnest($1::oid[], $2::int2[]) AS g (relation, number)
             JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass
                  AND d.refobjid = g.relation
        WHERE CASE g.number
              WHEN -32768 THEN concat(
                       (SELECT concat(r.ev_action, r.ev_qual) FROM pg_rewrite r
                        WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid),
                       (SELECT to_jsonb(p) ->> 'prosqlbody' FROM pg_proc p
                        WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid),
                       (SELECT concat(p.polqual, p.polwithcheck) FROM pg_policy p
                        WHERE d.classid = 'pg_policy'::regclass AND p.oid = d.objid),
                       (SELECT g.tgqual FROM pg_trigger g
                        WHERE d.classid = 'pg_trigger'::regclass AND g.oid = d.objid),
                       (SELECT k.conbin FROM pg_constraint k
                        WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid),
                       (SELECT concat(i.indexprs, i.indpred) FROM pg_index i
                        WHERE d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid))
                   ~ (SELECT format('\\{VAR [^{}]*:varattno 0 [^{}]*:vartype %s ', c.reltype)
                      FROM pg_class c WHERE c.oid = g.relation)
              ELSE d.refobjsubid = g.number END)
    SELECT d.relation,
           CASE WHEN r.rulename = '_RETURN' THEN v.relkind::text ELSE 'rule' END,
           CASE WHEN r.rulename = '_RETURN' THEN pg_describe_object('pg_class'::regclass, v.oid, 0)
                ELSE pg_describe_object(d.classid, d.objid, 0) END,
           CASE WHEN r.rulename = '_RETURN' THEN format('%I.%I', n.nspname, v.relname)
                ELSE format('%I', r.rulename) END,
           format('%I.%I', n.nspname, v.relname),
           CASE WHEN r.rulename = '_RETURN' THEN pg_get_viewdef(v.oid)
                ELSE pg_get_ruledef(r.oid) END,
           CASE v.relkind
               WHEN 'm' THEN (
                   SELECT string_agg(s.statement, E'\\x1e' ORDER BY s.place, s.statement)
                   FROM (SELECT 1 AS place, pg_get_indexdef(i.indexrelid) || ';' AS statement
                         FROM pg_index i WHERE i.indrelid = v.oid
                         UNION ALL
                         SELECT 2, CASE c.objsubid
                                   WHEN 0 THEN format('COMMENT ON MATERIALIZED VIEW %I.%I IS %L;',
                                                      n.nspname, v.relname, c.description)
                                   ELSE format('COMMENT ON COLUMN %I.%I.%I IS %L;', n.nspname, v.relname,
                                               (SELECT a.attname FROM pg_attribute a
                                                WHERE a.attrelid = v.oid AND a.attnum = c.objsubid),
                                               c.description) END
                         FROM pg_description c
                         WHERE c.classoid = 'pg_class'::regclass AND c.objoid = v.oid
                         UNION ALL
                         SELECT 3, format('GRANT %s ON %I.%I TO %s%s;', a.privilege_type || a.columns, n.nspname,
                                          v.relname, CASE WHEN a.grantee = 0 THEN 'PUBLIC'
                                                     ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                                          CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END)
                         FROM (SELECT e.*, '' AS columns FROM aclexplode(v.relacl) e
                               UNION ALL
                               SELECT e.*, format(' (%I)', f.attname)
                               FROM pg_attribute f CROSS JOIN LATERAL aclexplode(f.attacl) e
                               WHERE f.attrelid = v.oid AND NOT f.attisdropped) a
                         WHERE a.grantee <> v.relowner
                         UNION ALL
                         -- Last, after what only who made it may do.
                         SELECT 4, format('ALTER MATERIALIZED VIEW %I.%I OWNER TO %I;', n.nspname, v.relname,
                                          pg_get_userbyid(v.relowner))) s)
               ELSE (SELECT string_agg(option, ', ') FROM unnest(v.reloptions) option) END,
           CASE WHEN r.rulename <> '_RETURN' THEN '{}'
                ELSE ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
                           WHERE a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped
                           ORDER BY a.attnum) END,
           d.other
    FROM d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
         JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
    UNION ALL
    SELECT d.relation, 'generated', pg_describe_object('pg_class'::regclass, e.adrelid, e.adnum),
           quote_ident(a.attname), e.adrelid::regclass::text, pg_get_expr(e.adbin, e.adrelid),
           format_type(a.atttypid, a.atttypmod), '{}', d.other
    FROM d JOIN pg_attrdef e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid
         JOIN pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum
              AND a.attgenerated <> ''
    UNION ALL
    SELECT d.relation, 'foreign-key', pg_describe_object(d.classid, d.objid, 0),
           quote_ident(k.conname), k.conrelid::regclass::text, pg_get_constraintdef(k.oid),
           NULL, '{}', d.other
    FROM d JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
         AND k.contype = 'f' AND k.conparentid = 0
         AND k.confrelid = d.relation
         AND EXISTS (SELECT FROM unnest($1::oid[], $2::int2[]) AS g (relation, number)
                     WHERE g.relation = d.relation AND g.number = ANY (k.confkey))
    UNION ALL
    SELECT d.relation, 'policy', pg_describe_object(d.classid, d.objid, 0),
           quote_ident(p.polname), p.polrelid::regclass::text,
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), '{}', d.other
    FROM d JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
    UNION ALL
    SELECT d.relation, 'trigger', pg_describe_object(d.classid, d.objid, 0),
           quote_ident(g.tgname), g.tgrelid::regclass::text, pg_get_triggerdef(g.oid),
           CASE WHEN g.tgconstraint <> 0 THEN 'constraint' END, '{}', d.other
    FROM d JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
         AND NOT g.tgisinternal AND g.tgparentid = 0
    UNION ALL
    SELECT d.relation, 'publication', pg_describe_object(d.classid, d.objid, 0),
           quote_ident(b.pubname), r.prrelid::regclass::text,
           to_jsonb(l) ->> 'rowfilter', NULL,
           CASE WHEN to_jsonb(r) ->> 'prattrs' IS NULL THEN '{}'
                ELSE ARRAY(SELECT quote_ident(name)
                           FROM jsonb_array_elements_text(to_jsonb(l) -> 'attnames') name) END,
           d.other
    FROM d JOIN pg_publication_rel r ON d.classid = 'pg_publication_rel'::regclass
              AND r.oid = d.objid
         JOIN pg_publication b ON b.oid = r.prpubid
         JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_publication_tables l ON l.pubname = b.pubname
              AND l.schemaname = n.nspname AND l.tablename = c.relname
    UNION ALL
    SELECT d.relation, 'function', pg_describe_object(d.classid, d.objid, 0),
           p.oid::regprocedure::text, '', pg_get_functiondef(p.oid), NULL, '{}', d.other
    FROM d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
         AND p.prokind <> 'a'
    UNION ALL
    SELECT d.relation, 'row', pg_describe_object(d.classid, d.objid, 0), quote_ident(k.conname),
           k.conrelid::regclass::text,
           format('ALTER TABLE %s DROP CONSTRAINT %I;', k.conrelid::regclass, k.conname), NULL, '{}', d.other
    FROM d JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    WHERE d.number = -32768
    UNION ALL
    SELECT d.relation, 'row', pg_describe_object(d.classid, d.objid, 0), quote_ident(x.relname),
           i.indrelid::regclass::text, format('DROP INDEX CONCURRENTLY %s;', x.oid::regclass), NULL, '{}', d.other
    FROM d JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
         JOIN pg_class x ON x.oid = i.indexrelid
    WHERE d.number = -32768 AND i.indisunique
    UNION ALL
    SELECT d.relation, 'other', pg_describe_object(d.classid, d.objid, 0), '', '', NULL, NULL,
           '{}', d.other
    FROM d WHERE d.classid NOT IN (
        'pg_rewrite'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass,
        'pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_publication_rel'::regclass,
        'pg_proc'::regclass, 'pg_class'::regclass, 'pg_statistic_ext'::regclass)
    ORDER BY 2, 3";

/// function, source, tables whose triggers call it: all that have the text `$1` in it, whatever its case. Functions of
/// extensions and of the system are left out, and those whose source is none.
pub(super) const FUNCTIONS: &str = "
    SELECT p.oid::regprocedure::text, p.prosrc,
           ARRAY(SELECT g.tgrelid FROM pg_trigger g
                 WHERE g.tgfoid = p.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A'))
    FROM pg_proc p
         JOIN pg_namespace n ON n.oid = p.pronamespace
         JOIN pg_language l ON l.oid = p.prolang
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND l.lanname NOT IN ('c', 'internal')
      AND position(lower($1) IN lower(p.prosrc)) > 0
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                        AND d.deptype = 'e')
    ORDER BY 1";

/// table, number of the new column, whether the old column (`$2` of the tables `$1`) has statistics that
/// the role may see, whether the new one (`$4` of `$3`) has, and whether their shares of NULLs are far
/// apart; of each table, and of all its children together.
pub(super) const STATISTICS: &str = "
    SELECT g.relation, g.new, o.attname IS NOT NULL, t.attname IS NOT NULL,
           coalesce(abs(o.null_frac - t.null_frac) > $5, false)
    FROM unnest($1::oid[], $2::int2[], $3::oid[], $4::int2[]) WITH ORDINALITY
             AS g (relation, old, other, new, place)
         JOIN pg_class c ON c.oid = g.relation
         JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute f ON f.attrelid = g.relation AND f.attnum = g.old
         JOIN pg_class d ON d.oid = g.other
         JOIN pg_namespace m ON m.oid = d.relnamespace
         JOIN pg_attribute a ON a.attrelid = g.other AND a.attnum = g.new
         CROSS JOIN (VALUES (false), (true)) k (inherited)
         LEFT JOIN pg_stats o ON o.schemaname = n.nspname AND o.tablename = c.relname
              AND o.attname = f.attname AND o.inherited = k.inherited
         LEFT JOIN pg_stats t ON t.schemaname = m.nspname AND t.tablename = d.relname
              AND t.attname = a.attname AND t.inherited = k.inherited
    ORDER BY g.place, k.inherited";

/// table, whether the role sees no statistics of it, rows, rows changed since the last ANALYZE,
/// whether there was one.
pub(super) const ANALYZED: &str = "
    SELECT c.oid,
           NOT has_table_privilege(c.oid, 'SELECT') OR row_security_active(c.oid),
           coalesce(s.n_live_tup, 0), coalesce(s.n_mod_since_analyze, 0),
           coalesce(s.last_analyze, s.last_autoanalyze) IS NOT NULL
    FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
    WHERE c.oid = ANY ($1) AND c.relkind = 'r'
    ORDER BY array_position($1, c.oid)";

/// table, statistics object, its schema, definition, what that begins and ends with.
pub(super) const EXTENDED: &str = "
    SELECT s.stxrelid, s.stxname::text, quote_ident(n.nspname), pg_get_statisticsobjdef(s.oid),
           format('CREATE STATISTICS %I.%I ', n.nspname, s.stxname),
           format(' FROM %I.%I', tn.nspname, t.relname)
    FROM pg_statistic_ext s
         JOIN pg_namespace n ON n.oid = s.stxnamespace
         JOIN pg_class t ON t.oid = s.stxrelid
         JOIN pg_namespace tn ON tn.oid = t.relnamespace
    WHERE s.stxrelid = ANY ($1)
    ORDER BY array_position($1, s.stxrelid), s.oid";
