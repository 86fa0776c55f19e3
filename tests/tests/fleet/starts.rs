//! A start beside the journal: what it follows, and what it refuses.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, Replica, forget_the_fleet, rename_username};
use segue_tests::server::Database;

use super::{DDL, alone, journal};

/// A journal in which the rename is in `phase`.
fn with_journal(phase: Phase) -> Database {
    let database = Database::create("starts", DDL);
    Proxy::start(&database, &rename_username(phase)).stop();
    database
}

#[track_caller]
fn refused(database: &Database, migrations: &str, expected: &[&str]) {
    let error = Proxy::try_join(database, migrations, Replica::default());
    let error = error.err().map(|error| error.to_string()).unwrap_or_default();
    for text in expected {
        assert!(error.contains(text), "{text}: {error}");
    }
}

#[test]
fn a_file_one_step_away_follows_the_journal() {
    let _alone = alone();
    for (journal, file) in [
        (Phase::DualWrite, Phase::Expand),
        (Phase::DualWrite, Phase::SwitchReads),
        (Phase::Contract, Phase::StopDualWrite),
    ] {
        let database = with_journal(journal);
        let proxy = Proxy::join(&database, &rename_username(file), Replica::default());
        assert_eq!(proxy.phase(), Some(journal));
        proxy.stop();
    }
}

#[test]
fn a_file_further_away_is_refused() {
    let _alone = alone();
    let database = with_journal(Phase::SwitchReads);
    refused(
        &database,
        &rename_username(Phase::Expand),
        &[
            "the journal says \"switch-reads\", which is more than one step from it",
            "set phase = \"switch-reads\"",
        ],
    );
    refused(
        &database,
        "",
        &["is in phase \"switch-reads\" in the journal, and the file does not have it"],
    );
    let other = rename_username(Phase::SwitchReads).replace("\"handle\"", "\"nick\"");
    refused(&database, &other, &["the journal describes this migration differently"]);
}

#[test]
fn what_the_journal_does_not_know_begins_in_expand() {
    let _alone = alone();
    let database = Database::create("starts", DDL);
    forget_the_fleet(&database);
    let file = rename_username(Phase::DualWrite);
    refused(&database, &file, &["the journal does not know it", "segue serve --adopt"]);
    let adopt = Replica { adopt: true, ..Replica::default() };
    let proxy = Proxy::join(&database, &file, adopt);
    assert_eq!(proxy.phase(), Some(Phase::DualWrite));
    proxy.stop();
}

#[test]
fn migrations_need_a_journal_that_is_there_and_may_be_used() {
    let _alone = alone();
    let database = Database::create("starts", DDL);
    let file = rename_username(Phase::Expand);
    let missing = format!("database \"{}\" has no journal", database.name);
    refused(&database, &file, &[&missing, "segue init"]);
    // Without a migration there is nothing to agree on; the first one is refused then.
    let proxy = Proxy::join(&database, "", Replica::default());
    let error = proxy.reload(&file).expect_err("no journal").to_string();
    assert!(error.contains(&missing), "{error}");
    forget_the_fleet(&database);
    proxy.reload(&file).expect("it begins");
    assert_eq!(
        journal(&database, "SELECT name, phase, epoch FROM segue.migration"),
        ["rename-username|expand|1"]
    );
    proxy.flip(Phase::DualWrite);
    proxy.stop();

    database.connect().script("REVOKE INSERT ON segue.replica FROM segue");
    let denied =
        "the journal in schema \"segue\" may not be used: permission denied for table replica";
    refused(&database, &file, &[denied, "run segue init again"]);
    database.connect().script("GRANT INSERT ON segue.replica TO segue");
    database.connect().script("UPDATE segue.fleet SET version = 99");
    refused(&database, &file, &["the journal has version 99", "a newer segue has been here"]);
}

#[test]
fn a_file_that_was_left_behind_begins_nothing_again() {
    let _alone = alone();
    let database = Database::create("starts", DDL);
    forget_the_fleet(&database);
    let file = rename_username(Phase::Expand);
    let first = Proxy::join(&database, &file, Replica::default());
    let second = Proxy::join(&database, &file, Replica::default());
    super::all_have_drained(&first);
    first.reload("").expect("it ends");
    super::all_have_drained(&first);
    // The second one's file still has it, and nobody has changed that file.
    let again = second.restart();
    assert_eq!(again.phase(), None);
    assert_eq!(journal(&database, "SELECT count(*) FROM segue.migration"), ["0"]);
    again.stop();
    first.stop();
}

/// Without a migration a proxy is nobody's concern; with its first one it is as at its start.
#[test]
fn a_proxy_that_had_nothing_to_do_comes_to_where_the_fleet_is() {
    let _alone = alone();
    let database = Database::create("starts", DDL);
    forget_the_fleet(&database);
    let idle = Proxy::join(&database, "", Replica::default());
    let mut wire = idle.connect();
    wire.rows("SELECT username FROM users WHERE id = 1");
    let first = Proxy::join(&database, &rename_username(Phase::Expand), Replica::default());
    super::all_have_drained(&first);
    first.flip(Phase::DualWrite);
    super::all_have_drained(&first);
    first.flip(Phase::SwitchReads);
    assert_eq!(journal(&database, "SELECT count(*) FROM segue.replica"), ["1"]);

    let error = idle.reload(&rename_username(Phase::Expand)).expect_err("too far").to_string();
    assert!(error.contains("the journal says \"switch-reads\""), "{error}");
    idle.reload(&rename_username(Phase::SwitchReads)).expect("it joins");
    assert_eq!(idle.phase(), Some(Phase::SwitchReads));
    assert_eq!(journal(&database, "SELECT count(*) FROM segue.replica"), ["2"]);
    wire.script("UPDATE users SET username = 'both' WHERE id = 1");
    assert_eq!(
        database.connect().rows("SELECT username, handle FROM users WHERE id = 1"),
        ["both|both"]
    );
    super::all_have_drained(&first);
    super::step_of_all(&first, &[&first, &idle], Phase::StopDualWrite);
    first.stop();
    idle.stop();
}

/// Where columns stood that are gone is told when that is needed, which may be at a start.
#[test]
fn places_of_columns_are_told_at_any_time_and_kept() {
    let _alone = alone();
    let database = Database::create(
        "starts",
        "CREATE TABLE users (id int PRIMARY KEY, b text, a text);
         CREATE TABLE halves (user_id int PRIMARY KEY REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE, a text, b text);",
    );
    let file = "[[migration]]\nname = \"m\"\nkind = \"split-table\"\ntable = \"users\"\ninto = \"halves\"\n\
                key = { from = \"id\", to = \"user_id\" }\ncolumns = [\"a\", \"b\"]\nphase = \"dual-write\"\n";
    let told = format!("{file}positions = {{ a = 3, b = 2 }}\n");
    let places = || {
        journal(
            &database,
            "SELECT phase, definition -> 'positions', epoch > 1 FROM segue.migration",
        )
    };
    Proxy::start(&database, file).stop();
    assert_eq!(places(), ["dual-write|NULL|f"]);
    Proxy::join(&database, &told, Replica::default()).stop();
    let known = [r#"dual-write|{"a": 3, "b": 2}|t"#];
    assert_eq!(places(), known);
    // A file that was left behind takes none of it back.
    Proxy::join(&database, file, Replica::default()).stop();
    assert_eq!(places(), known);
    let other = told.replace("[\"a\", \"b\"]", "[\"b\", \"a\"]");
    refused(&database, &other, &["the journal describes this migration differently"]);
}
