//! Columns that move to a table of their own.

mod alike;
mod back;
mod leaving;
mod making;
mod mended;
mod reading;
mod roles;
mod whole;
mod writing;

use rewrite_rules::Phase::{self, Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
use segue::gate::Finding;
use segue_tests::server::Database;

use super::{check, mend, told};

/// A table and the one that its columns move to, ready for each phase.
const CLEAN: &str = "CREATE TABLE users (
        id int PRIMARY KEY, email text NOT NULL UNIQUE, first_name text, bio text DEFAULT 'none', score int);
    CREATE TABLE user_profiles (
        user_id int PRIMARY KEY REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        given_name text, bio text DEFAULT 'none');
    INSERT INTO users SELECT g, 'mail' || g, 'user' || g, 'bio' || g FROM generate_series(1, 100) g;
    INSERT INTO user_profiles SELECT id, first_name, bio FROM users;
    ANALYZE users, user_profiles;";

/// A migration of [`CLEAN`]'s tables.
fn profiles(phase: Phase) -> String {
    split("user_profiles", phase)
}

fn split(into: &str, phase: Phase) -> String {
    format!(
        "[[migration]]\nname = \"m\"\nkind = \"split-table\"\ntable = \"users\"\ninto = \"{into}\"\n\
         key = {{ from = \"id\", to = \"user_id\" }}\n\
         columns = {{ first_name = \"given_name\", bio = \"bio\" }}\nphase = \"{phase}\"\n"
    )
}

/// Plants a fault, and wants just these lines of the step; what is said to mend it must.
#[track_caller]
fn planted(fault: &str, from: Phase, to: Phase, expected: &[&str]) {
    let database = Database::create("gates_split", &format!("{CLEAN} {fault}"));
    let into =
        if fault.contains("SET SCHEMA away") { "away.user_profiles" } else { "user_profiles" };
    let findings = check(&database, &split(into, from), to);
    assert_eq!(told(&findings), expected, "{fault}");
    // Whatever is only shown is for somebody to judge.
    let is_mended = |finding: &Finding| finding.remedy.iter().any(|it| !it.starts_with("SELECT "));
    let kept: Vec<Finding> = findings.iter().filter(|it| !is_mended(it)).cloned().collect();
    let mut left = findings;
    // What one remedy makes possible another check may have to look at.
    for _ in 0..2 {
        left.retain(is_mended);
        mend(&database, &left);
        left = check(&database, &split(into, from), to);
    }
    assert_eq!(told(&left), told(&kept), "mended: {fault}");
}

#[test]
fn a_clean_database_has_no_findings_on_any_step() {
    let database = Database::create("gates_split", CLEAN);
    for (from, to) in [
        (Expand, DualWrite),
        (DualWrite, Expand),
        (DualWrite, SwitchReads),
        (SwitchReads, DualWrite),
        (SwitchReads, StopDualWrite),
        (StopDualWrite, SwitchReads),
        (StopDualWrite, Contract),
        (Contract, StopDualWrite),
    ] {
        assert_eq!(told(&check(&database, &profiles(from), to)), [""; 0], "{from} -> {to}");
    }
    database.connect().script("ALTER TABLE users DROP COLUMN first_name, DROP COLUMN bio");
    assert_eq!(told(&check(&database, &profiles(StopDualWrite), Contract)), [""; 0]);
}

#[test]
fn disabled_triggers_of_the_foreign_key() {
    let disable =
        "ALTER TABLE users DISABLE TRIGGER ALL; ALTER TABLE user_profiles DISABLE TRIGGER ALL";
    let database = Database::create("gates_split", &format!("{CLEAN} {disable}"));
    let step = || check(&database, &profiles(Expand), DualWrite);
    let findings = step();
    let message = r#"loses-data foreign-key: triggers of foreign key "user_profiles_user_id_fkey" of "public.user_profiles" are disabled: a DELETE and a new key would not reach it"#;
    assert_eq!(told(&findings).first().map(String::as_str), Some(message));
    assert_eq!(findings.iter().map(|it| it.remedy.len()).collect::<Vec<_>>(), [4]);
    mend(&database, &findings);
    assert_eq!(told(&step()), [""; 0]);
}

/// A client that knows it fills it by then, and no proxy is kept from going back.
#[test]
fn a_column_that_the_new_table_must_have_closes_the_steps_forward_alone() {
    let made = "ALTER TABLE user_profiles ADD made int NOT NULL DEFAULT 1;
        ALTER TABLE user_profiles ALTER made DROP DEFAULT; ALTER TABLE users ADD other int;";
    let database = Database::create("gates_split", &format!("{CLEAN} {made}"));
    let forward = [(Expand, DualWrite), (DualWrite, SwitchReads), (SwitchReads, StopDualWrite)];
    for (from, to) in forward {
        let found = told(&check(&database, &profiles(from), to));
        let is_told = found.iter().any(|line| line.contains("\"made\""));
        assert!(is_told, "{from} -> {to}: {found:?}");
        assert_eq!(told(&check(&database, &profiles(to), from)), [""; 0], "{to} -> {from}");
    }
}
