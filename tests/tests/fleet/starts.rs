//! A start beside the journal: what it follows, and what it refuses.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, Replica, forget_the_fleet, rename_username};
use segue_tests::server::{Database, eventually};

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

/// Ready for all phases, but that each table has a column that no migration knows.
const ADDED: &str = "
    CREATE TABLE users (id int PRIMARY KEY, name text, bio text);
    CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE, bio text);
    CREATE TABLE emails (user_id int PRIMARY KEY, news boolean);
    CREATE TABLE notices (user_id int PRIMARY KEY, push boolean);
    CREATE TABLE preferences (user_id int PRIMARY KEY, news boolean, push boolean,
        has_emails boolean NOT NULL DEFAULT false, has_notices boolean NOT NULL DEFAULT false);
    INSERT INTO users VALUES (1, 'ann', 'tea'); INSERT INTO profiles VALUES (1, 'tea');
    INSERT INTO emails VALUES (1, true); INSERT INTO preferences VALUES (1, true, NULL, true);
    ALTER TABLE users ADD phone text;
    ALTER TABLE profiles ADD phone text, ADD made int NOT NULL DEFAULT 1;
    ALTER TABLE profiles ALTER made DROP DEFAULT;
    ALTER TABLE emails ADD phone text, ADD made int NOT NULL DEFAULT 1;
    ALTER TABLE preferences ADD other text, ADD made int NOT NULL DEFAULT 1;
    ALTER TABLE preferences ALTER made DROP DEFAULT;
    ANALYZE;";

fn split_and_merge(phase: Phase, emails: &str) -> String {
    format!(
        "[[migration]]\nname = \"split\"\nkind = \"split-table\"\ntable = \"users\"\ninto = \"profiles\"\n\
         key = {{ from = \"id\", to = \"user_id\" }}\ncolumns = [\"bio\"]\nphase = \"{phase}\"\n\
         [[migration]]\nname = \"merge\"\nkind = \"merge-tables\"\ninto = \"preferences\"\nkey = \"user_id\"\n\
         phase = \"{phase}\"\n\
         [[migration.source]]\ntable = \"emails\"\ncolumns = {emails}\npresent = \"has_emails\"\n\
         [[migration.source]]\ntable = \"notices\"\ncolumns = [\"push\"]\npresent = \"has_notices\"\n"
    )
}

#[test]
fn columns_that_somebody_added_keep_no_proxy_from_starting() {
    let _alone = alone();
    for phase in Phase::TWO_SIDED {
        let database = Database::create("starts", ADDED);
        let proxy = Proxy::start(&database, &split_and_merge(phase, "[\"news\"]"));
        assert_eq!(proxy.connect().rows("SELECT name, bio FROM users"), ["ann|tea"], "{phase}");
        assert_eq!(proxy.connect().rows("SELECT user_id, news FROM emails"), ["1|t"], "{phase}");
        proxy.stop();
    }
}

/// The way to make it move: back to `expand`, where it is listed.
#[test]
fn a_column_that_somebody_added_is_listed_in_expand() {
    let _alone = alone();
    let database = Database::create("starts", ADDED);
    let proxy = Proxy::start(&database, &split_and_merge(Phase::DualWrite, "[\"news\"]"));
    let forward = proxy.reload(&split_and_merge(Phase::SwitchReads, "[\"news\"]"));
    let message = forward.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(message.contains("column \"phone\" of \"public.emails\" moves nowhere"), "{message}");
    let taken = |phase, columns: &str| {
        let mut last = String::new();
        eventually("a step", || match proxy.reload(&split_and_merge(phase, columns)) {
            Ok(_) => true,
            Err(error) => {
                let error = error.to_string();
                if error != last {
                    eprintln!("{error}");
                    last = error;
                }
                false
            }
        });
    };
    taken(Phase::Expand, "[\"news\"]");
    database.connect().script(
        "ALTER TABLE preferences DROP made, ADD phone text, ADD emails_made int NOT NULL DEFAULT 1;
         ALTER TABLE emails ALTER made SET DEFAULT 1; ALTER TABLE profiles DROP made; ANALYZE",
    );
    let listed = "{ news = \"news\", phone = \"phone\", made = \"emails_made\" }";
    taken(Phase::Expand, listed);
    taken(Phase::DualWrite, listed);
    let mut client = proxy.connect();
    client.script("INSERT INTO emails (user_id, phone) VALUES (2, '02')");
    assert_eq!(client.rows("SELECT * FROM emails WHERE user_id = 2"), ["2|NULL|02|1"]);
    let stored = "SELECT phone, emails_made FROM preferences WHERE user_id = 2";
    assert_eq!(database.connect().rows(stored), ["02|1"]);
    drop(client);
    proxy.stop();
}
