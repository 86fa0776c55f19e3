//! What must not happen does not happen, and what runs goes on.

use rewrite_rules::Phase;
use segue::phase::wish::ReloadError;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;

use super::{DDL, alone, prepare, started};

/// Reloads with a file that must be refused, and gives the report.
fn refused(proxy: &Proxy, migrations: &str) -> String {
    // A look at the catalog may come in between, and change the number but not the rules.
    let rules = || proxy.current().load().compiled().rules().to_vec();
    let before = rules();
    let answer = proxy.reload(migrations);
    assert_eq!(rules(), before, "the running rules stay");
    match answer {
        Err(error @ (ReloadError::Faults(_) | ReloadError::GateClosed(_))) => error.to_string(),
        other => panic!("not refused for its faults: {other:?}"),
    }
}

fn has(report: &str, parts: &[&str]) {
    for part in parts {
        assert!(report.contains(part), "no {part:?} in\n{report}");
    }
}

#[test]
fn no_phase_can_be_skipped_in_either_direction() {
    let _alone = alone();
    let (database, proxy) = started(Phase::SwitchReads);
    prepare(&database, Phase::StopDualWrite);
    for (target, next) in [(Phase::Expand, "dual-write"), (Phase::Contract, "stop-dual-write")] {
        let report = refused(&proxy, &rename_username(target));
        has(&report, &["phase", target.name(), next, "rename-username"]);
    }
    assert_eq!(proxy.connect().rows("SELECT username FROM users WHERE id = 1"), ["user1"]);
    proxy.flip(Phase::StopDualWrite);
    proxy.stop();
}

#[test]
fn a_phase_whose_preconditions_do_not_hold_is_not_entered() {
    let _alone = alone();
    let database = Database::create("phases", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let report = refused(&proxy, &rename_username(Phase::DualWrite));
    has(&report, &["handle", "ADD COLUMN"]);
    prepare(&database, Phase::DualWrite);
    proxy.flip(Phase::DualWrite);
    let report = refused(&proxy, &rename_username(Phase::SwitchReads));
    has(&report, &["UNIQUE INDEX", "NOT NULL"]);
    proxy.stop();
}

#[test]
fn a_faulty_file_keeps_what_runs_and_names_every_fault() {
    let _alone = alone();
    let (_database, proxy) = started(Phase::Expand);
    let good = rename_username(Phase::Expand);
    for (migrations, parts) in [
        (good.replace("[[migration]]", "[[migration]"), vec!["segue.toml:6:", "TOML"]),
        (good.replace("phase =", "phaze ="), vec!["phaze", "phase"]),
        (good.replace("\"expand\"", "\"dual-rite\""), vec!["dual-rite", "dual-write"]),
        (good.replace("\"users\"", "\"usres\""), vec!["usres", "users"]),
        (good.replace("\"username\"", "\"usernam\""), vec!["usernam", "username"]),
        (good.replace("rename-column", "rename-colum"), vec!["rename-colum", "rename-column"]),
        (format!("{good}{good}"), vec!["rename-username"]),
        (format!("{good}{}", good.replace("rename-username", "other")), vec!["other", "username"]),
        (
            good.replace("\"users\"", "\"usres\"").replace("\"expand\"", "\"dual-rite\""),
            vec!["usres", "dual-rite"],
        ),
    ] {
        let report = refused(&proxy, &migrations);
        has(&report, &parts);
        has(&report, &["segue.toml"]);
    }
    assert_eq!(proxy.connect().rows("SELECT username FROM users WHERE id = 1"), ["user1"]);
    proxy.stop();
}

#[test]
fn a_proxy_does_not_start_with_a_faulty_file() {
    let _alone = alone();
    let database = Database::create("phases", DDL);
    let wrong = rename_username(Phase::Expand).replace("\"users\"", "\"usres\"");
    let error = Proxy::try_start(&database, &wrong).expect_err("a table that is not there");
    has(&error.to_string(), &["usres", "users"]);
}

#[test]
fn a_refusal_is_an_error_like_any_other() {
    let _alone = alone();
    let (_database, proxy) = started(Phase::DualWrite);
    let mut wire = proxy.connect();
    let refused = "MERGE INTO users u USING (SELECT 1000 AS id) s ON s.id = u.id \
                   WHEN NOT MATCHED THEN INSERT (id, username) VALUES (s.id, random()::text)";
    let error = wire.simple(refused).error().cloned().expect("a refusal");
    assert_eq!(error.code(), "0A000");
    has(error.get('M'), &["MERGE", "volatile", "rename-username"]);
    assert!(!error.get('H').is_empty());
    // Outside of a transaction the session goes on; inside, the transaction has failed.
    assert_eq!(wire.rows("SELECT 1"), ["1"]);
    wire.script("BEGIN");
    assert_eq!(wire.simple(refused).code(), "0A000");
    assert_eq!(wire.simple("SELECT 1").code(), "25P02");
    assert_eq!(wire.script("COMMIT").tags(), ["ROLLBACK"]);
    // In a pipeline everything up to the next Sync is skipped.
    let reply = wire.extended(refused, &[], false);
    assert_eq!((reply.code(), reply.rows().len()), ("0A000", 0));
    assert_eq!(wire.extended("SELECT 2", &[], false).lines(), ["2"]);
    assert_eq!(proxy.connect().rows("SELECT username FROM users WHERE id = 1"), ["user1"]);
    proxy.stop();
}
