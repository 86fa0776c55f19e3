//! Roles that may use one table and not the other, and the rows that they see.

use std::path::Path;
use std::sync::Arc;

use rewrite_rules::Phase::{self, Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
use rewrite_rules::{Outcome, Rule, SearchPath, SessionView, Shape, compile};
use segue::config::Draft;
use segue::phase::prepare;
use segue_tests::server::{Database, run};

use super::{CLEAN, planted, preferences};
use crate::{check, mend, told};

#[test]
fn who_writes_a_table_must_write_its_part() {
    planted(
        "GRANT SELECT, INSERT ON emails TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege (by hand): app has INSERT on "public.emails", for which phase "dual-write" needs INSERT (user_id, news, email_digest, has_email), SELECT (user_id, news, email_digest, has_email), UPDATE (news, email_digest, has_email) on "public.preferences"; it has UPDATE (news, email_digest, has_email) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT INSERT (user_id, news, email_digest, has_email), SELECT (user_id, news, email_digest, has_email), UPDATE (news, email_digest, has_email) ON public.preferences TO app;",
        ],
    );
    planted("GRANT SELECT ON emails TO app", Expand, DualWrite, &[]);
    planted(
        "GRANT DELETE ON notices TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege (by hand): app has DELETE on "public.notices", for which phase "dual-write" needs INSERT (user_id), SELECT (user_id, push, sms), UPDATE (push, sms) on "public.preferences"; it has INSERT (user_id), SELECT (user_id, push, sms), UPDATE (push, sms) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT INSERT (user_id), SELECT (user_id, push, sms), UPDATE (push, sms) ON public.preferences TO app;",
            r#"risky privilege (by hand): app has DELETE on "public.notices", for which phase "dual-write" needs SELECT (user_id) on "public.notices"; it has SELECT (user_id) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT SELECT (user_id) ON public.notices TO app;",
        ],
    );
    planted(
        "GRANT UPDATE (sms) ON notices TO PUBLIC, app; GRANT SELECT ON notices TO PUBLIC",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky privilege (by hand): PUBLIC has SELECT, UPDATE on "public.notices", for which phase "stop-dual-write" needs SELECT (user_id, push, sms), UPDATE (push, sms) on "public.preferences"; it has UPDATE (push) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT SELECT (user_id, push, sms), UPDATE (push, sms) ON public.preferences TO PUBLIC;",
        ],
    );
}

#[test]
fn who_knows_only_the_new_table_writes_the_old_ones_too() {
    planted(
        "GRANT SELECT ON preferences TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege: app has SELECT on "public.preferences", for which phase "dual-write" needs SELECT (uid, news, digest) on "public.emails""#,
            "  GRANT SELECT (uid, news, digest) ON public.emails TO app;",
            r#"risky privilege: app has SELECT on "public.preferences", for which phase "dual-write" needs SELECT (user_id, push, sms) on "public.notices""#,
            "  GRANT SELECT (user_id, push, sms) ON public.notices TO app;",
        ],
    );
    // What is there of the other table alone is nothing to this one.
    planted(
        "GRANT SELECT (user_id, news, email_digest, has_email), INSERT (user_id, news, email_digest, has_email) ON preferences TO app;
         GRANT SELECT, INSERT, UPDATE ON emails TO app",
        DualWrite,
        SwitchReads,
        &[r#"risky privilege: app has INSERT, UPDATE on "public.emails", for which phase "switch-reads" needs UPDATE (news, email_digest, has_email) on "public.preferences""#, "  GRANT UPDATE (news, email_digest, has_email) ON public.preferences TO app;"],
    );
}

#[test]
fn another_schema() {
    planted(
        "CREATE SCHEMA away; GRANT SELECT ON emails, preferences TO app;
         ALTER TABLE preferences SET SCHEMA away",
        DualWrite,
        SwitchReads,
        &[
            r#"risky privilege: app may use "public.emails", and not schema away of "away.preferences""#,
            "  GRANT USAGE ON SCHEMA away TO app;",
        ],
    );
}

#[test]
fn row_security() {
    planted(
        "ALTER TABLE emails ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON emails USING (uid > 0)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data policy: row security is on for "public.emails" and not for "public.preferences": whoever may read that table itself sees what moved of all rows"#,
        ],
    );
    planted(
        "ALTER TABLE emails ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON emails USING (uid > 0);
         ALTER TABLE notices ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON notices USING (user_id > 0);
         ALTER TABLE preferences ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON preferences USING (user_id > 0)",
        SwitchReads,
        StopDualWrite,
        &[],
    );
}

#[test]
fn whom_the_policies_of_one_table_are_nothing_to() {
    let secured = "ALTER TABLE emails ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON emails USING (uid > 0);
        ALTER TABLE notices ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON notices USING (user_id > 0);
        ALTER TABLE preferences ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON preferences USING (user_id > 0);
        GRANT ALL ON preferences TO \"the owner\"; ALTER TABLE emails OWNER TO \"the owner\"";
    let told = |table: &str| {
        format!(
            r#"loses-data policy: "public.preferences" belongs to postgres, and "public.{table}" to "the owner": the policies of the first are in force for "the owner", those of the second are not, and what is hidden reads as NULL, and a write of it is refused"#
        )
    };
    let (emails, notices) = (told("emails"), told("notices"));
    // The other one belongs to somebody else.
    planted(secured, SwitchReads, StopDualWrite, &[&emails]);
    let remedy = "  ALTER TABLE public.preferences OWNER TO \"the owner\";";
    planted(
        &format!("{secured}; ALTER TABLE notices OWNER TO \"the owner\""),
        SwitchReads,
        StopDualWrite,
        &[&emails, remedy, &notices, remedy],
    );
}

/// The text that is sent in the phase for what a client of that shape says.
fn rewritten(database: &Database, phase: Phase, shape: Shape, sql: &str) -> String {
    let url = database.control_url();
    let text = format!(
        "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:1\"\ncontrol = \"{url}\"\n{}",
        preferences(phase)
    );
    let mut draft = Draft::parse(Path::new("segue.toml"), &text);
    let (_client, loaded) = run(prepare::load(&mut draft)).expect("a connection");
    let rules: Vec<Rule> = draft.rules.iter().map(|(rule, _)| rule.clone()).collect();
    let generation = compile(0, &rules, Arc::clone(&loaded.catalog)).expect("a generation");
    let search_path = SearchPath::default();
    let session = SessionView { shape, ..SessionView::usual(&search_path) };
    match generation.rewrite(sql, session) {
        Outcome::Rewritten(rewritten) => rewritten.sql,
        Outcome::Forward | Outcome::ForwardOpaque => sql.to_owned(),
        // No SQL, so the test fails at that.
        Outcome::Refused(refusal) => refusal.message,
    }
}

/// The first words of what is granted, a statement that takes no more, and the phases in which it takes
/// more than that.
type Case = (&'static str, &'static str, &'static [Phase]);

/// Each step forward.
const STEPS: [(Phase, Phase); 4] = [
    (Expand, DualWrite),
    (DualWrite, SwitchReads),
    (SwitchReads, StopDualWrite),
    (StopDualWrite, Contract),
];

/// A client that may do just what it does is refused where the gate says so, and is not any more when
/// that is mended.
#[track_caller]
fn granted_is_enough_and_needed(
    table: &str,
    shape: Shape,
    steps: &[(Phase, Phase)],
    cases: &[Case],
) {
    for (grant, sql, refused) in cases {
        for (from, to) in steps.iter().copied() {
            let ddl = format!("{CLEAN} GRANT {grant} ON {table} TO app");
            let database = Database::create("gates_merge", &ddl);
            let sent = rewritten(&database, to, shape, sql);
            let as_app = || {
                let mut wire = database.connect();
                wire.script("BEGIN; SET ROLE app");
                wire.simple(&sent).code().to_owned()
            };
            let step = || check(&database, &preferences(from), to);
            let expected = if refused.contains(&to) { "42501" } else { "" };
            let found = told(&step()).join("\n");
            assert_eq!(as_app(), expected, "{sql} in {to}\n{found}\n{sent}");
            for _ in 0..2 {
                mend(&database, &step());
            }
            assert_eq!(as_app(), "", "{sql} in {to}, mended\n{found}\n{sent}");
        }
    }
}

#[test]
fn what_clients_of_the_old_tables_are_granted_is_enough_and_needed() {
    let always: &[Phase] = &[DualWrite, SwitchReads, StopDualWrite, Contract];
    let read_apart: &[Phase] = &[SwitchReads, StopDualWrite, Contract];
    granted_is_enough_and_needed(
        "emails",
        Shape::Old,
        &STEPS,
        &[
            ("INSERT", "INSERT INTO emails (uid, digest) VALUES (900, 'x')", always),
            ("SELECT, UPDATE", "UPDATE emails SET digest = 'new' WHERE uid = 7", always),
            ("SELECT", "SELECT digest FROM emails WHERE uid = 7", read_apart),
            ("SELECT, DELETE", "DELETE FROM emails WHERE digest = 'digest7'", always),
            ("DELETE", "DELETE FROM emails", always),
            ("TRUNCATE", "TRUNCATE emails", always),
            ("SELECT, UPDATE (news)", "SELECT digest FROM emails FOR UPDATE", read_apart),
        ],
    );
    granted_is_enough_and_needed(
        "notices",
        Shape::Old,
        &STEPS,
        &[
            ("INSERT", "INSERT INTO notices (user_id, sms) VALUES (900, 'x')", always),
            ("SELECT, UPDATE", "UPDATE notices SET sms = 'new' WHERE user_id = 77", always),
            ("SELECT, DELETE", "DELETE FROM notices WHERE user_id = 77", always),
        ],
    );
}

#[test]
fn what_clients_of_the_new_table_are_granted_is_enough_and_needed() {
    let both: &[Phase] = &[SwitchReads];
    let read: &[Case] =
        &[("SELECT", "SELECT sms FROM preferences WHERE user_id = 7", &[DualWrite])];
    granted_is_enough_and_needed("preferences", Shape::New, &STEPS, read);
    // Before that such a client writes nothing there.
    let [_, later @ ..] = &STEPS;
    granted_is_enough_and_needed(
        "preferences",
        Shape::New,
        later,
        &[
            ("SELECT, INSERT", "INSERT INTO preferences (user_id, sms) VALUES (900, 'b')", both),
            ("SELECT, UPDATE", "UPDATE preferences SET sms = 'b' WHERE user_id = 7", both),
            ("SELECT, DELETE", "DELETE FROM preferences WHERE user_id = 7", both),
        ],
    );
}
