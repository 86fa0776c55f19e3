//! The queries about two tables. All run under `search_path = ''`.

/// Foreign keys of the table `$1` to `$2`: name, columns, those referred to, whether it cascades both ways,
/// deferrable, validated, what puts its triggers in force that do not fire.
pub(in crate::gate) const FOREIGN_KEYS: &str = "
    SELECT k.conname::text, k.conkey, k.confkey, k.confdeltype = 'c' AND k.confupdtype = 'c',
           k.condeferrable, k.convalidated,
           ARRAY(SELECT format('ALTER TABLE %s ENABLE TRIGGER %I;', g.tgrelid::regclass, g.tgname)
                 FROM pg_trigger g
                 WHERE g.tgconstraint = k.oid AND g.tgenabled NOT IN ('O', 'A') ORDER BY g.oid)
    FROM pg_constraint k
    WHERE k.conrelid = $1 AND k.confrelid = $2 AND k.contype = 'f'
    ORDER BY k.oid";

/// Unique indexes of the table `$1` over plain columns: name, schema, key columns, valid, immediate,
/// partial, whether it has the columns' collations, its constraint, whether that is the primary key.
pub(in crate::gate) const UNIQUE: &str = "
    SELECT x.relname::text, n.nspname::text,
           (i.indkey::int2[])[0:i.indnkeyatts - 1], i.indisvalid, i.indimmediate,
           i.indpred IS NOT NULL,
           NOT EXISTS (SELECT FROM unnest(i.indcollation::oid[]) WITH ORDINALITY AS c (oid, place)
                       JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place) USING (place)
                       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                       WHERE c.oid <> a.attcollation),
           (SELECT k.conname::text FROM pg_constraint k
            WHERE k.conindid = x.oid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')),
           i.indisprimary
    FROM pg_index i
         JOIN pg_class x ON x.oid = i.indexrelid
         JOIN pg_namespace n ON n.oid = x.relnamespace
    WHERE i.indrelid = $1 AND i.indisunique AND i.indexprs IS NULL
    ORDER BY x.oid";

/// role (none: everybody), table, what it may do with the table `$1`, which privileges it lacks for that,
/// and on which columns (none: on the table).
///
/// `$2` are the moved columns there; DELETE, and UPDATE of other columns, count where it may read one of
/// them, and so pick rows by it. `$10`: each DELETE counts, and an INSERT of one of them. `$9`: only of those that may do nothing with the table `$8`. A need: what one may do, on which table (`$4`), column (`$5`; 0: the
/// table, -1: any column) privilege (`$6`) is needed for that, the column to name (`$7`), and which that is in the other
/// table (`$11`; 0: the table, -2: none). Then, which of the columns it has no such privilege on in either table, and
/// whether there is anything like that.
pub(in crate::gate) const PRIVILEGES: &str = "
    WITH who AS MATERIALIZED (
        SELECT a.grantee FROM pg_class c,
               aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a WHERE c.oid = $1
        UNION
        SELECT a.grantee FROM pg_attribute f, aclexplode(f.attacl) a WHERE f.attrelid = $1),
    can AS MATERIALIZED (
        SELECT w.grantee, m.name
        FROM who w CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'SELECT', 'DELETE', 'TRUNCATE',
                                                      'UPDATE of other columns'])
                              AS m (name)
        WHERE CASE m.name
              WHEN 'INSERT' THEN has_any_column_privilege(w.grantee, $1, 'INSERT')
                   AND (NOT $10::bool OR EXISTS (SELECT FROM unnest($2::int2[]) AS c (number)
                                                 WHERE has_column_privilege(w.grantee, $1, c.number, 'INSERT')))
              WHEN 'TRUNCATE' THEN has_table_privilege(w.grantee, $1, 'TRUNCATE')
              WHEN 'DELETE' THEN has_table_privilege(w.grantee, $1, 'DELETE')
                   AND ($10 OR EXISTS (SELECT FROM unnest($2::int2[]) AS c (number)
                                       WHERE has_column_privilege(w.grantee, $1, c.number, 'SELECT')))
              WHEN 'UPDATE of other columns' THEN has_any_column_privilege(w.grantee, $1, 'UPDATE')
                   AND EXISTS (SELECT FROM unnest($2::int2[]) AS c (number)
                               WHERE has_column_privilege(w.grantee, $1, c.number, 'SELECT'))
                   AND NOT EXISTS (SELECT FROM unnest($2::int2[]) AS c (number)
                                   WHERE has_column_privilege(w.grantee, $1, c.number, 'UPDATE'))
              ELSE EXISTS (SELECT FROM unnest($2::int2[]) AS c (number)
                           WHERE has_column_privilege(w.grantee, $1, c.number, m.name)) END
          AND NOT ($9 AND EXISTS (SELECT FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS o (name)
                                  WHERE has_any_column_privilege(w.grantee, $8::oid, o.name)))),
    -- What everybody may do is told once.
    may AS (
        SELECT * FROM can
        WHERE grantee = 0
           OR NOT EXISTS (SELECT FROM can e WHERE e.grantee = 0 AND e.name = can.name)),
    lack AS (
        SELECT may.grantee, may.name, n.relation, n.privilege,
               CASE n.number WHEN 0 THEN NULL ELSE n.shown END AS number, n.place,
               NOT CASE n.counterpart
                   WHEN 0 THEN has_table_privilege(may.grantee, n.other, n.privilege)
                   WHEN -2 THEN false
                   ELSE has_column_privilege(may.grantee, n.other, n.counterpart, n.privilege) END AS is_more
        FROM may JOIN (SELECT *, CASE relation WHEN $1 THEN $8 ELSE $1 END AS other
                       FROM unnest($3::text[], $4::oid[], $5::int2[], $6::text[], $7::int2[], $11::int2[])
                            WITH ORDINALITY AS n (name, relation, number, privilege, shown, counterpart, place)) n
             ON n.name = may.name
        WHERE NOT CASE n.number
              WHEN 0 THEN has_table_privilege(may.grantee, n.relation, n.privilege)
              WHEN -1 THEN has_any_column_privilege(may.grantee, n.relation, n.privilege)
              ELSE has_column_privilege(may.grantee, n.relation, n.number, n.privilege) END)
    SELECT quote_ident(r.rolname), l.relation,
           (SELECT array_agg(DISTINCT b.name ORDER BY b.name) FROM lack b
            WHERE b.grantee = l.grantee AND b.relation = l.relation),
           l.privilege,
           coalesce(array_agg(DISTINCT l.number) FILTER (WHERE l.number IS NOT NULL), '{}'),
           coalesce(array_agg(DISTINCT l.number) FILTER (WHERE l.number IS NOT NULL AND l.is_more), '{}'),
           bool_or(l.is_more)
    FROM lack l LEFT JOIN pg_roles r ON r.oid = l.grantee
    WHERE l.grantee = 0 OR r.oid IS NOT NULL
    GROUP BY l.grantee, r.rolname, l.relation, l.privilege
    ORDER BY l.grantee <> 0, r.rolname, l.relation = $1, l.privilege";

/// Roles (none: everybody) that may do something with the table `$1` and may not use the schema of `$2`,
/// and that schema.
pub(in crate::gate) const SCHEMA: &str = "
    SELECT DISTINCT quote_ident(r.rolname), quote_ident(n.nspname)
    FROM (SELECT a.grantee FROM pg_class c,
                 aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a WHERE c.oid = $1
          UNION
          SELECT a.grantee FROM pg_attribute f, aclexplode(f.attacl) a WHERE f.attrelid = $1) w
         CROSS JOIN pg_class d JOIN pg_namespace n ON n.oid = d.relnamespace
         LEFT JOIN pg_roles r ON r.oid = w.grantee
    WHERE d.oid = $2 AND NOT has_schema_privilege(w.grantee, n.oid, 'USAGE')
      AND CASE w.grantee WHEN 0 THEN has_schema_privilege(0::oid, (SELECT relnamespace FROM pg_class
                                                                   WHERE oid = $1), 'USAGE')
          ELSE r.oid IS NOT NULL END
    ORDER BY 1 NULLS FIRST";

/// What the old table `$1` grants, but to its owner: role (none: everybody), privilege, column (none: the
/// table), with the right to pass it on.
pub(in crate::gate) const GRANTS: &str = "
    SELECT quote_ident(r.rolname), a.privilege_type, a.attname, a.is_grantable
    FROM (SELECT e.*, NULL::text AS attname, 0 AS place FROM pg_class c, aclexplode(c.relacl) e
          WHERE c.oid = $1
          UNION ALL
          SELECT e.*, f.attname::text, f.attnum FROM pg_attribute f, aclexplode(f.attacl) e
          WHERE f.attrelid = $1 AND NOT f.attisdropped) a
         LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE (a.grantee = 0 OR r.oid IS NOT NULL)
      AND a.grantee <> (SELECT relowner FROM pg_class WHERE oid = $1)
    ORDER BY a.grantee <> 0, r.rolname, a.is_grantable, a.place, a.privilege_type";

/// Of the tables `$1`: table, whether row security is on, whether for its owner too.
pub(in crate::gate) const ROW_SECURITY: &str = "
    SELECT oid, relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = ANY ($1)";

/// Who the tables `$1` belong to.
pub(in crate::gate) const OWNERS: &str = "
    SELECT DISTINCT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = ANY ($1) ORDER BY 1";

/// Owner of the table `$1`, owner of `$2`, and for whom the policies of `$2` alone are in force, because of that.
/// Superusers have every role's privileges.
pub(in crate::gate) const HIDDEN: &str = "
    SELECT quote_ident(pg_get_userbyid(c.relowner)), quote_ident(pg_get_userbyid(d.relowner)), array_agg(
               quote_ident(r.rolname) ORDER BY r.oid <> c.relowner, r.rolname)
    FROM pg_class c
         JOIN pg_class d ON d.oid = $2 AND d.relrowsecurity AND d.relowner <> c.relowner
         JOIN pg_roles r ON NOT r.rolbypassrls AND pg_has_role(r.oid, c.relowner, 'USAGE')
                            AND NOT pg_has_role(r.oid, d.relowner, 'USAGE')
    WHERE c.oid = $1 AND c.relrowsecurity AND NOT c.relforcerowsecurity
    GROUP BY c.relowner, d.relowner";

/// Whether the tables `$1` are all UNLOGGED, whether their storage parameters differ, and those.
pub(in crate::gate) const MANNER: &str = "
    SELECT bool_and(c.relpersistence = 'u'), count(DISTINCT coalesce(o.text, '')) > 1, min(o.text)
    FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
         CROSS JOIN LATERAL (
             SELECT string_agg(format('%s = %L', split_part(p.option, '=', 1),
                                      substr(p.option, strpos(p.option, '=') + 1)), ', ' ORDER BY p.option) AS text
             FROM (SELECT unnest(c.reloptions) AS option UNION ALL
                   SELECT 'toast.' || unnest(t.reloptions)) p) o
    WHERE c.oid = ANY ($1)";

/// What is set of the table `$1` and its columns, and said of what belongs to it, that no statement here sets: the
/// column, if it is of one, and what it is.
pub(in crate::gate) const SETTINGS: &str = "
    SELECT s.name, s.what
    FROM (SELECT 1 AS place, NULL::text AS name, 'its comment' AS what, 0::int8 AS number
          WHERE obj_description($1, 'pg_class') IS NOT NULL
          UNION ALL
          SELECT 2, NULL, 'the comment on ' || pg_describe_object(d.classoid, d.objoid, 0), d.objoid::int8
          FROM pg_description d
          WHERE d.classoid = 'pg_constraint'::regclass
                AND d.objoid IN (SELECT oid FROM pg_constraint WHERE conrelid = $1)
             OR d.classoid = 'pg_class'::regclass AND d.objsubid = 0
                AND d.objoid IN (SELECT indexrelid FROM pg_index WHERE indrelid = $1)
          UNION ALL
          SELECT 3, a.attname::text, format('%s of column %I', concat_ws(', ',
                     CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE' END,
                     CASE WHEN coalesce(to_jsonb(a) ->> 'attcompression', '') <> '' THEN 'COMPRESSION' END,
                     CASE WHEN coalesce(a.attstattarget, -1) >= 0 THEN 'STATISTICS' END,
                     array_to_string(a.attoptions, ', ')), a.attname), a.attnum
          FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
          WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
            AND (a.attstorage <> t.typstorage OR coalesce(to_jsonb(a) ->> 'attcompression', '') <> ''
                 OR coalesce(a.attstattarget, -1) >= 0 OR a.attoptions IS NOT NULL)) s
    ORDER BY s.place, s.number";

/// Policies of the tables `$1`: table, name, columns of its own table, whether it looks at another
/// relation, what stands between the table's name and the conditions, USING, WITH CHECK.
pub(in crate::gate) const POLICIES: &str = "
    SELECT p.polrelid, p.polname::text,
           ARRAY(SELECT a.attname::text FROM pg_depend d
                 JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                 WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid
                   AND d.refobjsubid > 0 ORDER BY a.attnum),
           EXISTS (SELECT FROM pg_depend d
                   WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                     AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> p.polrelid),
           format('AS %s FOR %s TO %s',
                  CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                  (SELECT string_agg(CASE WHEN role = 0 THEN 'PUBLIC'
                                          ELSE quote_ident(pg_get_userbyid(role)) END, ', '
                                     ORDER BY role) FROM unnest(p.polroles) AS role)),
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
    FROM pg_policy p WHERE p.polrelid = ANY ($1)
    ORDER BY array_position($1, p.polrelid), p.polname";

/// Publications of one of the tables `$1` and `$2` alone: name, whether it is the first, which of its rows and (none: all)
/// columns it has, if not all.
pub(in crate::gate) const PUBLICATIONS: &str = "
    SELECT t.name, t.is_first, t.filter, ARRAY(SELECT jsonb_array_elements_text(t.names::jsonb))
    FROM (SELECT quote_ident(b.pubname) AS name, bool_or(c.oid = $1) AS is_first,
                 max(to_jsonb(b) ->> 'rowfilter') AS filter,
                 max(to_jsonb(b) ->> 'attnames') FILTER (WHERE to_jsonb(r) ->> 'prattrs' IS NOT NULL) AS names
          FROM pg_publication_tables b
               JOIN pg_publication p ON p.pubname = b.pubname
               JOIN pg_namespace n ON n.nspname = b.schemaname
               JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = b.tablename
               LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
          WHERE c.oid IN ($1, $2)
          GROUP BY b.pubname HAVING count(*) = 1) t
    ORDER BY 1";

/// For the table `$1`, if it is published and its rows cannot be told: an index that could tell them.
pub(in crate::gate) const NO_IDENTITY: &str = "
    SELECT (SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
              AND i.indpred IS NULL AND i.indexprs IS NULL
              AND NOT EXISTS (SELECT FROM pg_attribute a
                              WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
                                AND NOT a.attnotnull)
            ORDER BY x.oid LIMIT 1)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1
      AND EXISTS (SELECT FROM pg_publication_tables b
                  JOIN pg_publication p ON p.pubname = b.pubname AND p.pubupdate
                  WHERE b.schemaname = n.nspname AND b.tablename = c.relname)
      AND (c.relreplident = 'n'
           OR c.relreplident = 'd'
              AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))";

/// Foreign keys of other tables that refer to the table `$1`: table, name, its table's name, definition, whether
/// its rows go or change by it.
pub(in crate::gate) const REFERRING: &str = "
    SELECT k.conrelid, quote_ident(k.conname), k.conrelid::regclass::text, pg_get_constraintdef(k.oid),
           k.confdeltype NOT IN ('a', 'r') OR k.confupdtype NOT IN ('a', 'r')
    FROM pg_constraint k
    WHERE k.confrelid = $1 AND k.conrelid <> $1 AND k.contype = 'f' AND k.conparentid = 0
    ORDER BY k.oid";

/// Sequences that belong to columns of the table `$1`: sequence, column.
pub(in crate::gate) const SEQUENCES: &str = "
    SELECT d.objid::regclass::text, a.attname::text
    FROM pg_depend d
         JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
         JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = $1 AND d.deptype = 'a'
    ORDER BY 1";

/// Identity columns of the table `$1`, each with its sequence.
pub(in crate::gate) const IDENTITIES: &str = "
    SELECT a.attname::text AS \"column\", s.oid AS sequence, n.nspname::text AS schema, s.relname::text AS name,
           quote_ident(pg_get_userbyid(s.relowner)) AS owner,
           format('AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s',
                  format_type(q.seqtypid, NULL), q.seqincrement, q.seqmin, q.seqmax, q.seqstart, q.seqcache,
                  CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END) AS options
    FROM pg_attribute a
         JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                             AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
         JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
         JOIN pg_namespace n ON n.oid = s.relnamespace
         JOIN pg_sequence q ON q.seqrelid = s.oid
    WHERE a.attrelid = $1 AND a.attidentity <> '' AND NOT a.attisdropped
    ORDER BY a.attnum";

/// Roles that have a privilege on the sequence `$1`, or insert rows into the table `$2`, for which a default that draws
/// from it asks USAGE: role, privileges.
pub(in crate::gate) const SEQUENCE_GRANTS: &str = "
    SELECT role, string_agg(privilege, ', ' ORDER BY privilege)
    FROM (SELECT CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.grantee)) END AS role, p.privilege
          FROM (SELECT a.grantee, a.privilege_type AS privilege
                FROM pg_class s, aclexplode(s.relacl) a WHERE s.oid = $1
                UNION
                SELECT a.grantee, 'USAGE'
                FROM pg_class t, aclexplode(t.relacl) a WHERE t.oid = $2 AND a.privilege_type = 'INSERT'
                UNION
                SELECT a.grantee, 'USAGE'
                FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = $2 AND a.privilege_type = 'INSERT') p
          WHERE p.grantee <> (SELECT relowner FROM pg_class WHERE oid = $1)) granted
    GROUP BY role
    ORDER BY role";

/// Comments on columns of the table `$1`: column, comment as SQL writes it.
pub(in crate::gate) const COMMENTS: &str = "
    SELECT a.attname::text, quote_literal(d.description)
    FROM pg_description d JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
    WHERE d.classoid = 'pg_class'::regclass AND d.objoid = $1 AND d.objsubid > 0
    ORDER BY a.attnum";

/// Names of relations and types in the schema `$1`, which no new index may have.
pub(in crate::gate) const NAMES: &str = "
    SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1";
