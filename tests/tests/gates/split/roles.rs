//! Roles that may use one table and not the other, and the rows that they see.

use std::path::Path;
use std::sync::Arc;

use rewrite_rules::Phase::{self, Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
use rewrite_rules::{Outcome, Rule, SearchPath, SessionView, Shape, compile};
use segue::config::Draft;
use segue::phase::prepare;
use segue_tests::server::{Database, run};

use super::{CLEAN, planted, profiles};
use crate::{check, mend, told};

#[test]
fn who_writes_must_read_and_write_both() {
    planted(
        "GRANT SELECT, INSERT ON users TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege (by hand): app has INSERT on "public.users", for which phase "dual-write" needs INSERT (user_id, given_name, bio), SELECT (user_id, given_name, bio), UPDATE (given_name, bio) on "public.user_profiles"; it has UPDATE (given_name, bio) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT INSERT (user_id, given_name, bio), SELECT (user_id, given_name, bio), UPDATE (given_name, bio) ON public.user_profiles TO app;",
        ],
    );
    planted("GRANT SELECT ON users TO app", Expand, DualWrite, &[]);
    planted(
        "GRANT INSERT (id, email) ON users TO app;
         GRANT INSERT, UPDATE, SELECT ON user_profiles TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege: app has INSERT on "public.users", for which phase "dual-write" needs SELECT (id, first_name, bio) on "public.users""#,
            "  GRANT SELECT (id, first_name, bio) ON public.users TO app;",
        ],
    );
    planted(
        "GRANT UPDATE (bio) ON users TO PUBLIC, app; GRANT SELECT ON users TO PUBLIC",
        Expand,
        DualWrite,
        &[
            r#"risky privilege (by hand): PUBLIC has UPDATE on "public.users", for which phase "dual-write" needs INSERT (user_id, given_name, bio), SELECT (user_id, given_name, bio), UPDATE (given_name, bio) on "public.user_profiles"; it has INSERT (user_id, given_name, bio), UPDATE (given_name) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT INSERT (user_id, given_name, bio), SELECT (user_id, given_name, bio), UPDATE (given_name, bio) ON public.user_profiles TO PUBLIC;",
        ],
    );
    planted("GRANT UPDATE (score), DELETE ON users TO app", Expand, DualWrite, &[]);
    planted(
        "GRANT TRUNCATE ON users TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege: app has TRUNCATE on "public.users", for which phase "dual-write" needs TRUNCATE on "public.user_profiles""#,
            "  GRANT TRUNCATE ON public.user_profiles TO app;",
        ],
    );
}

#[test]
fn who_may_use_some_columns_is_given_no_more_unasked() {
    // As much as it has on the same columns.
    planted(
        "GRANT SELECT (id, first_name, bio), INSERT (id, first_name, bio), UPDATE (first_name, bio) ON users TO app;
         GRANT SELECT ON user_profiles TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege: app has INSERT, UPDATE on "public.users", for which phase "dual-write" needs INSERT (user_id, given_name, bio), UPDATE (given_name, bio) on "public.user_profiles""#,
            "  GRANT INSERT (user_id, given_name, bio), UPDATE (given_name, bio) ON public.user_profiles TO app;",
        ],
    );
    planted(
        "GRANT SELECT (id, bio), UPDATE (bio) ON users TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege (by hand): app has UPDATE on "public.users", for which phase "dual-write" needs INSERT (user_id, given_name, bio), SELECT (user_id, given_name, bio), UPDATE (given_name, bio) on "public.user_profiles"; it has INSERT (user_id, given_name, bio), SELECT (given_name), UPDATE (given_name) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT INSERT (user_id, given_name, bio), SELECT (user_id, given_name, bio), UPDATE (given_name, bio) ON public.user_profiles TO app;",
            r#"risky privilege (by hand): app has UPDATE on "public.users", for which phase "dual-write" needs SELECT (first_name) on "public.users"; it has SELECT (first_name) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT SELECT (first_name) ON public.users TO app;",
        ],
    );
}

#[test]
fn who_reads_must_read_both() {
    planted(
        "GRANT SELECT ON users TO app",
        DualWrite,
        SwitchReads,
        &[
            r#"risky privilege: app has SELECT on "public.users", for which phase "switch-reads" needs SELECT (user_id, given_name, bio) on "public.user_profiles""#,
            "  GRANT SELECT (user_id, given_name, bio) ON public.user_profiles TO app;",
        ],
    );
    planted(
        "GRANT SELECT (bio) ON users TO app; GRANT SELECT ON user_profiles TO app",
        DualWrite,
        SwitchReads,
        &[
            r#"risky privilege (by hand): app has SELECT on "public.users", for which phase "switch-reads" needs SELECT (id, email, first_name, score) on "public.users"; it has SELECT (email, score) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT SELECT (id, email, first_name, score) ON public.users TO app;",
        ],
    );
    planted("GRANT SELECT (email) ON users TO app", DualWrite, SwitchReads, &[]);
    planted(
        "GRANT SELECT ON user_profiles TO app",
        SwitchReads,
        DualWrite,
        &[
            r#"risky privilege: app has SELECT on "public.user_profiles", for which phase "dual-write" needs SELECT (id, first_name, bio) on "public.users""#,
            "  GRANT SELECT (id, first_name, bio) ON public.users TO app;",
        ],
    );
}

#[test]
fn who_writes_one_must_write_the_other() {
    planted(
        "GRANT INSERT ON users TO app",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky privilege: app has INSERT on "public.users", for which phase "stop-dual-write" needs INSERT (user_id, given_name, bio) on "public.user_profiles""#,
            "  GRANT INSERT (user_id, given_name, bio) ON public.user_profiles TO app;",
            r#"risky privilege (by hand): app has INSERT on "public.users", for which phase "stop-dual-write" needs SELECT (id) on "public.users"; it has SELECT (id) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT SELECT (id) ON public.users TO app;",
        ],
    );
    planted(
        "GRANT SELECT, UPDATE ON users TO app; GRANT SELECT ON user_profiles TO app",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky privilege (by hand): app has UPDATE on "public.users", for which phase "stop-dual-write" needs INSERT (user_id, given_name, bio), UPDATE (given_name, bio) on "public.user_profiles"; it has INSERT (user_id, given_name, bio) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT INSERT (user_id, given_name, bio), UPDATE (given_name, bio) ON public.user_profiles TO app;",
        ],
    );
    planted(
        "GRANT SELECT, DELETE ON users TO app; GRANT SELECT ON user_profiles TO app",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky privilege (by hand): app has DELETE on "public.users", for which phase "stop-dual-write" needs UPDATE (given_name, bio) on "public.user_profiles"; it has UPDATE (given_name, bio) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT UPDATE (given_name, bio) ON public.user_profiles TO app;",
            r#"risky privilege (by hand): app has DELETE on "public.users", for which phase "stop-dual-write" needs UPDATE (first_name, bio) on "public.users"; it has UPDATE (first_name, bio) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT UPDATE (first_name, bio) ON public.users TO app;",
        ],
    );
}

#[test]
fn who_knows_only_the_new_table_writes_the_old_one_too() {
    planted(
        "GRANT SELECT ON user_profiles TO app",
        Expand,
        DualWrite,
        &[
            r#"risky privilege: app has SELECT on "public.user_profiles", for which phase "dual-write" needs SELECT (id, first_name, bio) on "public.users""#,
            "  GRANT SELECT (id, first_name, bio) ON public.users TO app;",
        ],
    );
    planted("GRANT SELECT ON user_profiles TO app", DualWrite, SwitchReads, &[]);
    planted(
        "GRANT INSERT, SELECT ON user_profiles TO app",
        DualWrite,
        SwitchReads,
        &[
            r#"risky privilege (by hand): app has INSERT on "public.user_profiles", for which phase "switch-reads" needs SELECT (id, first_name, bio), UPDATE (first_name, bio) on "public.users"; it has UPDATE (first_name, bio) on neither table now, so that is for you to grant, and without it such statements fail with 42501"#,
            "  GRANT SELECT (id, first_name, bio), UPDATE (first_name, bio) ON public.users TO app;",
        ],
    );
}

#[test]
fn another_schema() {
    planted(
        "CREATE SCHEMA away; GRANT SELECT ON users, user_profiles TO app;
         ALTER TABLE user_profiles SET SCHEMA away",
        DualWrite,
        SwitchReads,
        &[
            r#"risky privilege: app may use "public.users", and not schema away of "away.user_profiles""#,
            "  GRANT USAGE ON SCHEMA away TO app;",
        ],
    );
}

#[test]
fn row_security() {
    planted(
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON users USING (first_name = CURRENT_USER)",
        Expand,
        DualWrite,
        &[
            r#"risky policy: row security is on for "public.users" and not for "public.user_profiles": whoever may read that table itself sees what moved of all rows"#,
            "  CREATE POLICY own ON public.user_profiles AS PERMISSIVE FOR ALL TO PUBLIC USING ((given_name = CURRENT_USER));",
            "  ALTER TABLE public.user_profiles ENABLE ROW LEVEL SECURITY;",
        ],
    );
    planted(
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;
         CREATE POLICY rich ON users USING (score > 0)",
        Expand,
        DualWrite,
        &[
            r#"risky policy: row security is on for "public.users" and not for "public.user_profiles": whoever may read that table itself sees what moved of all rows"#,
        ],
    );
    planted(
        "ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY",
        Expand,
        DualWrite,
        &[
            r#"risky policy: row security is on for "public.user_profiles" and not for "public.users": what it hides reads as NULL, and a write of it is refused"#,
            "  ALTER TABLE public.user_profiles DISABLE ROW LEVEL SECURITY;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data policy: row security is on for "public.user_profiles" and not for "public.users": what it hides reads as NULL, and a write of it is refused"#,
            "  ALTER TABLE public.user_profiles DISABLE ROW LEVEL SECURITY;",
        ],
    );
    planted(
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;
         ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE POLICY own ON users USING (first_name = CURRENT_USER);
         CREATE POLICY other ON user_profiles FOR SELECT USING (user_id > 7)",
        Expand,
        DualWrite,
        &[
            r#"risky policy: row security of "public.users" and "public.user_profiles" differs (policies of the one alone: own; of the other alone: other): what only the second hides reads as NULL, and a write of it is refused"#,
            "  CREATE POLICY own ON public.user_profiles AS PERMISSIVE FOR ALL TO PUBLIC USING ((given_name = CURRENT_USER));",
            "  DROP POLICY other ON public.user_profiles;",
            "  ALTER TABLE public.user_profiles NO FORCE ROW LEVEL SECURITY;",
        ],
    );
    planted(
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;
         ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON users USING (first_name = CURRENT_USER);
         CREATE POLICY own ON user_profiles USING (true);
         CREATE POLICY other ON user_profiles FOR SELECT USING (user_id > 7)",
        Expand,
        DualWrite,
        &[
            r#"risky policy: row security of "public.users" and "public.user_profiles" differs (policies of the one alone: own; of the other alone: other, own): what only the second hides reads as NULL, and a write of it is refused"#,
            "  BEGIN; DROP POLICY own ON public.user_profiles; CREATE POLICY own ON public.user_profiles AS PERMISSIVE FOR ALL TO PUBLIC USING ((given_name = CURRENT_USER)); COMMIT;",
            "  DROP POLICY other ON public.user_profiles;",
        ],
    );
    planted(
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;
         ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON users USING (first_name = CURRENT_USER);
         CREATE POLICY other ON user_profiles USING (given_name = CURRENT_USER)",
        Expand,
        DualWrite,
        &[],
    );
}

#[test]
fn whom_the_policies_of_one_table_are_nothing_to() {
    let secured = "ALTER TABLE users ENABLE ROW LEVEL SECURITY;
        ALTER TABLE user_profiles ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON users USING (id > 0);
        CREATE POLICY own ON user_profiles USING (user_id > 0);
        GRANT ALL ON user_profiles TO \"the owner\";";
    let owned = format!("{secured} ALTER TABLE users OWNER TO \"the owner\";");
    let message = r#"policy: "public.user_profiles" belongs to postgres, and "public.users" to "the owner": the policies of the first are in force for "the owner", those of the second are not, and what is hidden reads as NULL, and a write of it is refused"#;
    let remedy = "  ALTER TABLE public.user_profiles OWNER TO \"the owner\";";
    for (from, to, severity) in
        [(Expand, DualWrite, "risky"), (SwitchReads, StopDualWrite, "loses-data")]
    {
        planted(&owned, from, to, &[&format!("{severity} {message}"), remedy]);
    }
    // A superuser sees everything, and whoever policies are forced on sees no more of one table than of the other.
    let for_one =
        "GRANT ALL ON users TO \"the owner\"; ALTER TABLE user_profiles OWNER TO \"the owner\"";
    planted(&format!("{secured} {for_one}"), Expand, DualWrite, &[]);
    let forced = "ALTER TABLE users FORCE ROW LEVEL SECURITY; ALTER TABLE user_profiles FORCE ROW LEVEL SECURITY";
    planted(&format!("{owned} {forced}"), Expand, DualWrite, &[]);
    let member = "CREATE ROLE \"the others\"; GRANT \"the others\" TO \"the owner\";
        GRANT ALL ON users TO \"the others\"; ALTER TABLE user_profiles OWNER TO \"the others\"";
    planted(&format!("{owned} {member}"), Expand, DualWrite, &[]);
}

/// The text that is sent in the phase for what a client of that shape says.
fn rewritten(database: &Database, phase: Phase, shape: Shape, sql: &str) -> String {
    let url = database.control_url();
    let text = format!(
        "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:1\"\ncontrol = \"{url}\"\n{}",
        profiles(phase)
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

/// A client that may do just what it does is refused where the gate says so, and is not any more when
/// that is mended.
#[track_caller]
fn granted_is_enough_and_needed(table: &str, shape: Shape, cases: &[Case]) {
    for (grant, sql, refused) in cases {
        for (from, to) in [
            (Expand, DualWrite),
            (DualWrite, SwitchReads),
            (SwitchReads, StopDualWrite),
            (StopDualWrite, Contract),
        ] {
            let ddl = format!("{CLEAN} GRANT {grant} ON {table} TO app");
            let database = Database::create("gates_split", &ddl);
            let sent = rewritten(&database, to, shape, sql);
            let as_app = || {
                let mut wire = database.connect();
                wire.script(
                    "BEGIN; DELETE FROM user_profiles WHERE user_id = 9;
                     UPDATE users SET first_name = NULL, bio = NULL WHERE id = 9; SET ROLE app",
                );
                wire.simple(&sent).code().to_owned()
            };
            let step = || check(&database, &profiles(from), to);
            let expected = if refused.contains(&to) { "42501" } else { "" };
            let found = told(&step()).join("\n");
            assert_eq!(as_app(), expected, "{sql} in {to}\n{found}");
            for _ in 0..2 {
                mend(&database, &step());
            }
            assert_eq!(as_app(), "", "{sql} in {to}, mended\n{found}");
        }
    }
}

#[test]
fn what_clients_of_the_old_table_are_granted_is_enough_and_needed() {
    let always: &[Phase] = &[DualWrite, SwitchReads, StopDualWrite, Contract];
    let read_apart: &[Phase] = &[SwitchReads, StopDualWrite, Contract];
    granted_is_enough_and_needed(
        "users",
        Shape::Old,
        &[
            ("INSERT", "INSERT INTO users (id, email, bio) VALUES (900, 'x', 'y')", always),
            ("SELECT, UPDATE", "UPDATE users SET bio = 'new' WHERE id = 7", always),
            ("SELECT", "SELECT bio, first_name FROM users WHERE id = 7", read_apart),
            ("SELECT (bio)", "SELECT bio FROM users", read_apart),
            ("SELECT, DELETE", "DELETE FROM users WHERE bio = 'bio7'", read_apart),
            ("SELECT, UPDATE (score)", "UPDATE users SET score = 1 WHERE bio = 'b'", read_apart),
            ("SELECT, UPDATE (score)", "SELECT bio FROM users FOR UPDATE", read_apart),
            ("TRUNCATE", "TRUNCATE users", always),
        ],
    );
}

#[test]
fn what_clients_of_the_new_table_are_granted_is_enough_and_needed() {
    let both: &[Phase] = &[DualWrite, SwitchReads];
    granted_is_enough_and_needed(
        "user_profiles",
        Shape::New,
        &[
            ("SELECT", "SELECT bio FROM user_profiles WHERE user_id = 7", &[DualWrite]),
            ("SELECT, INSERT", "INSERT INTO user_profiles VALUES (9, 'a', 'b')", both),
            ("SELECT, UPDATE", "UPDATE user_profiles SET bio = 'b' WHERE user_id = 7", both),
            ("SELECT, DELETE", "DELETE FROM user_profiles WHERE user_id = 7", both),
        ],
    );
}

/// The old table has let go of them so that its columns can be left: nobody is to drop what took their place.
#[test]
fn policies_that_have_moved() {
    let moved =
        "CREATE POLICY own ON user_profiles AS RESTRICTIVE USING (given_name = CURRENT_USER)";
    for on in ["users, user_profiles", "user_profiles"] {
        for (from, to) in [(SwitchReads, StopDualWrite), (StopDualWrite, SwitchReads)] {
            let enable =
                on.split(", ").map(|it| format!("ALTER TABLE {it} ENABLE ROW LEVEL SECURITY;"));
            planted(
                &format!("{} {moved}", enable.collect::<String>()),
                from,
                to,
                &[
                    r#"note policy: "public.users" has no such policies as "public.user_profiles" any more (own): keep them; what they hide reads as NULL, and the rest of such a row is shown"#,
                ],
            );
        }
    }
}
