//! On the way back: what has been turned to the new table.

use rewrite_rules::Phase::{DualWrite, Expand, StopDualWrite, SwitchReads};
use segue_tests::server::Database;

use super::{CLEAN, check, mend, planted, preferences, told};

#[test]
fn what_becomes_stale() {
    planted(
        "CREATE VIEW v AS SELECT user_id, news FROM preferences WHERE has_email;
         CREATE FUNCTION f() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM public.preferences);
         CREATE TABLE sent (uid int CONSTRAINT fk REFERENCES preferences)",
        DualWrite,
        Expand,
        &[
            r#"risky view: view public.v uses "public.preferences", which phase "expand" does not write: what is there becomes stale"#,
            "  SELECT pg_get_viewdef('public.v'::regclass);",
            r#"risky function: function public.f() uses "public.preferences", which phase "expand" does not write: what is there becomes stale"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
            r#"risky foreign-key: constraint fk on table public.sent refers to "public.preferences", which phase "expand" does not write: rows that clients store from then on are not found there"#,
        ],
    );
}

/// What takes rows of a table that goes is told of, and mended over the new one shows what it showed: of a table of which
/// nothing tells what rows are there, those that were there.
#[test]
fn views_of_whole_rows() {
    for query in [
        "SELECT e.uid, to_jsonb(e) AS doc FROM emails e",
        "SELECT row_to_json(n)::text AS doc FROM notices n WHERE user_id BETWEEN 51 AND 119",
        "SELECT e::text AS doc, n AS other FROM (SELECT to_jsonb(n) AS n, user_id FROM notices n WHERE user_id > 50) n JOIN emails e ON n.user_id = e.uid",
    ] {
        let database =
            Database::create("gates_merge", &format!("{CLEAN} CREATE VIEW api AS {query}"));
        let mut wire = database.connect();
        let mut shown = || wire.rows("SELECT v::text FROM api v ORDER BY 1");
        let before = shown();
        let step = || check(&database, &preferences(SwitchReads), StopDualWrite);
        let findings = step();
        assert!(!findings.is_empty(), "{query}");
        mend(&database, &findings);
        assert_eq!(told(&step()), [""; 0], "{query}");
        database
            .connect()
            .script("UPDATE emails SET digest = 'stale'; UPDATE notices SET sms = 'stale'");
        assert_eq!(shown(), before, "{query}");
    }
}
