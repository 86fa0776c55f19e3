//! Before only the new table is written: what uses rows of the old one as a whole, of which no catalog says that it uses
//! what has moved.

use rewrite_rules::Phase::{StopDualWrite, SwitchReads};
use segue_tests::server::Database;

use super::{CLEAN, check, mend, planted, profiles, told};

#[test]
fn views() {
    planted(
        "CREATE VIEW api AS SELECT u.id, to_jsonb(u) AS doc FROM users u",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data view: view public.api uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  CREATE OR REPLACE VIEW public.api (id, doc) AS SELECT u.id,\n    to_jsonb(u.*) AS doc\n   FROM (SELECT segue_own.id, segue_own.email, segue_0.given_name AS first_name, segue_0.bio, segue_own.score FROM public.users AS segue_own LEFT JOIN public.user_profiles AS segue_0 ON segue_0.user_id = segue_own.id) u;",
        ],
    );
    // What has the type of the table's rows loses columns with the table.
    for query in ["SELECT u AS doc FROM users u", "SELECT u.id, score_of(u) AS score FROM users u"]
    {
        planted(
            &format!(
                "CREATE FUNCTION score_of(users) RETURNS int LANGUAGE sql AS 'SELECT $1.score';
                 CREATE VIEW api AS {query}"
            ),
            SwitchReads,
            StopDualWrite,
            &[
                r#"loses-data view: view public.api uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
                "  SELECT pg_get_viewdef('public.api'::regclass);",
            ],
        );
    }
}

/// What is to mend them is over both halves, and shows what they showed.
#[test]
fn views_show_the_same_when_they_are_mended() {
    for query in [
        "SELECT u.id, to_jsonb(u) AS doc FROM users u",
        "SELECT row_to_json(u)::text AS doc FROM users u",
        "SELECT u::text AS doc FROM users u",
        "SELECT u.score / 3 AS score, jsonb_agg(u ORDER BY u.id) AS docs FROM users u GROUP BY u.score / 3",
        "SELECT jsonb_agg(u ORDER BY u.id) AS doc FROM (SELECT * FROM users) u",
        "SELECT id FROM users u WHERE u IS NOT NULL",
        "SELECT e.id, (SELECT to_jsonb(u) FROM users u WHERE u.id = e.id) AS doc FROM generate_series(1, 9) e (id)",
    ] {
        let database = Database::create(
            "gates_split",
            &format!(
                "{CLEAN} UPDATE users SET score = id;
                 CREATE VIEW api AS {query}; CREATE MATERIALIZED VIEW copy AS {query}"
            ),
        );
        let mut wire = database.connect();
        let mut shown = || {
            wire.script("REFRESH MATERIALIZED VIEW copy");
            let rows = |wire: &mut segue_tests::wire::Wire, from: &str| {
                wire.rows(&format!("SELECT v::text FROM {from} v ORDER BY 1"))
            };
            [rows(&mut wire, "api"), rows(&mut wire, "copy")]
        };
        let before = shown();
        let step = || check(&database, &profiles(SwitchReads), StopDualWrite);
        let findings = step();
        assert_eq!(findings.len(), 2, "{query}: {findings:?}");
        mend(&database, &findings);
        assert_eq!(told(&step()), [""; 0], "{query}");
        database.connect().script("UPDATE users SET first_name = 'stale', bio = NULL");
        assert_eq!(shown(), before, "{query}");
    }
}

#[test]
fn what_else_takes_rows() {
    planted(
        "CREATE FUNCTION doc() RETURNS jsonb LANGUAGE sql
         BEGIN ATOMIC SELECT to_jsonb(u) FROM users u WHERE u.id = 7; END",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data function: function public.doc() uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.doc()'::regprocedure);",
        ],
    );
    planted(
        "CREATE POLICY own ON users USING (to_jsonb(users) ? CURRENT_USER)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data policy: policy own on table public.users uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polrelid = 'public.users'::regclass AND quote_ident(polname) = 'own';",
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER f AFTER UPDATE OF email ON users FOR EACH ROW WHEN (NEW IS DISTINCT FROM OLD)
         EXECUTE FUNCTION f()",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data trigger: trigger f on table public.users uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  DROP TRIGGER f ON public.users;",
        ],
    );
    planted(
        "CREATE TABLE inbox (x int);
         CREATE RULE r AS ON INSERT TO inbox DO ALSO UPDATE users u SET email = to_jsonb(u)::text WHERE id = NEW.x",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data rule: rule r on table public.inbox uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  DROP RULE r ON public.inbox;",
        ],
    );
    planted(
        "ALTER TABLE users ADD CONSTRAINT small CHECK (octet_length(users::text) < 1000);
         CREATE UNIQUE INDEX whole ON users (email) WHERE users IS NOT NULL",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data dependent: constraint small on table public.users uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  ALTER TABLE public.users DROP CONSTRAINT small;",
            r#"loses-data dependent: index public.whole uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  DROP INDEX CONCURRENTLY public.whole;",
        ],
    );
    for source in ["SELECT u.* FROM users u LIMIT 1", "SELECT u FROM users u LIMIT 1"] {
        planted(
            &format!("CREATE FUNCTION one() RETURNS users LANGUAGE sql AS '{source}'"),
            SwitchReads,
            StopDualWrite,
            &[
                r#"risky function: function public.one() names "users" and takes rows as a whole: of "public.users" phase "stop-dual-write" does not write "first_name", "bio""#,
                "  SELECT pg_get_functiondef('public.one()'::regprocedure);",
            ],
        );
    }
    planted(
        "CREATE FUNCTION n() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM users'",
        SwitchReads,
        StopDualWrite,
        &[],
    );
}

#[test]
fn triggers_of_the_old_table() {
    let log = "CREATE TABLE log (doc jsonb);";
    let show = "  SELECT pg_get_functiondef('public.f()'::regprocedure);";
    for (body, event, said) in [
        (
            "INSERT INTO log VALUES (to_jsonb(NEW)); RETURN NEW;",
            "AFTER INSERT ON users FOR EACH ROW",
            "takes NEW or OLD as a whole",
        ),
        (
            "INSERT INTO log SELECT to_jsonb(o) FROM (SELECT OLD.*) o; RETURN OLD;",
            "BEFORE DELETE ON users FOR EACH ROW",
            "takes NEW or OLD as a whole",
        ),
        (
            "INSERT INTO log SELECT to_jsonb(n) FROM added n; RETURN NULL;",
            "AFTER INSERT ON users REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
            "is given rows as a whole, by transition tables",
        ),
        (
            "IF NEW IS DISTINCT FROM OLD THEN NULL; END IF; RETURN NEW;",
            "AFTER UPDATE ON users FOR EACH ROW",
            "takes NEW or OLD as a whole",
        ),
        (
            "INSERT INTO log SELECT to_jsonb(u) FROM users u WHERE id = NEW.id; RETURN NEW;",
            "AFTER INSERT ON users FOR EACH ROW",
            "names \"users\" and takes rows as a whole",
        ),
    ] {
        let said = format!(
            "risky trigger: trigger \"f\" of \"public.users\": its function public.f() {said}: of \"public.users\" phase \"stop-dual-write\" does not write \"first_name\", \"bio\""
        );
        planted(
            &format!(
                "{log} CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {body} END';
                 CREATE TRIGGER f {event} EXECUTE FUNCTION f()"
            ),
            SwitchReads,
            StopDualWrite,
            &[&said, show],
        );
    }
    planted(
        "CREATE TRIGGER f BEFORE UPDATE OF email ON users FOR EACH ROW
         EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky trigger: trigger "f" of "public.users": its function suppress_redundant_updates_trigger() is written in language internal: nobody can tell whether it takes rows as a whole: of "public.users" phase "stop-dual-write" does not write "first_name", "bio""#,
        ],
    );
    planted(
        &format!(
            "{log} CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO log VALUES (to_jsonb(NEW.email)); RETURN NEW; END';
             CREATE TRIGGER f AFTER INSERT OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION f()"
        ),
        SwitchReads,
        StopDualWrite,
        &[],
    );
}

#[test]
fn a_materialized_view_keeps_what_it_had() {
    let database = Database::create(
        "gates_split",
        &format!(
            "{CLEAN} CREATE MATERIALIZED VIEW copy AS SELECT id, bio FROM users;
             COMMENT ON MATERIALIZED VIEW copy IS E'two\\nlines'; COMMENT ON COLUMN copy.bio IS 'it''s';
             CREATE INDEX copy_id ON copy (id); CREATE UNIQUE INDEX copy_bio ON copy (bio);
             GRANT SELECT ON copy TO app WITH GRANT OPTION; GRANT SELECT (id) ON copy TO PUBLIC;
             ALTER MATERIALIZED VIEW copy OWNER TO segue"
        ),
    );
    let had = || {
        database.connect().rows(
            "SELECT concat_ws('; ', relowner::regrole, relacl,
                 (SELECT string_agg(concat(attname, attacl), ' ' ORDER BY attnum) FROM pg_attribute
                  WHERE attrelid = c.oid AND attnum > 0),
                 (SELECT string_agg(description, ' ' ORDER BY objsubid) FROM pg_description
                  WHERE objoid = c.oid),
                 (SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY 1) FROM pg_index
                  WHERE indrelid = c.oid))
             FROM pg_class c WHERE oid = 'copy'::regclass",
        )
    };
    let before = had();
    let findings = check(&database, &profiles(SwitchReads), StopDualWrite);
    assert_eq!(findings.len(), 1, "{findings:?}");
    mend(&database, &findings);
    assert_eq!(had(), before);
}
