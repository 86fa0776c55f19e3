//! Tables whose rows become parts of the rows of one.

mod added;
mod alike;
mod back;
mod drawn;
mod leaving;
mod making;
mod mended;
mod reading;
mod roles;
mod writing;

use rewrite_rules::Phase::{self, Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
use segue::gate::Finding;
use segue_tests::server::Database;

use super::{check, mend, told};

/// Two tables and the one that they become, ready for each phase. Of the first one there is a column that tells
/// which rows are there; of the second one all count.
const CLEAN: &str = "CREATE TABLE users (id int PRIMARY KEY);
    CREATE TABLE emails (uid int PRIMARY KEY, news boolean NOT NULL DEFAULT true, digest text);
    CREATE TABLE notices (user_id int PRIMARY KEY, push boolean DEFAULT true, sms text DEFAULT 'no');
    CREATE TABLE preferences (
        user_id int PRIMARY KEY, news boolean NOT NULL DEFAULT true, email_digest text,
        has_email boolean NOT NULL DEFAULT false, push boolean DEFAULT true, sms text DEFAULT 'no');
    INSERT INTO users SELECT generate_series(1, 200);
    INSERT INTO emails SELECT g, g % 2 = 0, 'digest' || g FROM generate_series(1, 100) g;
    INSERT INTO notices SELECT g, g % 2 = 0, 'sms' || g FROM generate_series(51, 150) g;
    INSERT INTO preferences SELECT uid, news, digest, true FROM emails;
    INSERT INTO preferences (user_id, push, sms) SELECT user_id, push, sms FROM notices
        ON CONFLICT (user_id) DO UPDATE SET push = excluded.push, sms = excluded.sms;
    ANALYZE emails, notices, preferences;";

/// A migration of [`CLEAN`]'s tables.
fn preferences(phase: Phase) -> String {
    merge("preferences", phase)
}

fn merge(into: &str, phase: Phase) -> String {
    format!(
        "[[migration]]\nname = \"m\"\nkind = \"merge-tables\"\ninto = \"{into}\"\nkey = \"user_id\"\n\
         phase = \"{phase}\"\n\
         [[migration.source]]\ntable = \"emails\"\nkey = \"uid\"\npresent = \"has_email\"\n\
         columns = {{ news = \"news\", digest = \"email_digest\" }}\n\
         [[migration.source]]\ntable = \"notices\"\ncolumns = [\"push\", \"sms\"]\n"
    )
}

/// Plants a fault, and wants just these lines of the step; what is said to mend it must.
#[track_caller]
fn planted(fault: &str, from: Phase, to: Phase, expected: &[&str]) {
    let database = Database::create("gates_merge", &format!("{CLEAN} {fault}"));
    let into = if fault.contains("SET SCHEMA away") { "away.preferences" } else { "preferences" };
    let findings = check(&database, &merge(into, from), to);
    assert_eq!(told(&findings), expected, "{fault}");
    // Whatever is only shown is for somebody to judge.
    let is_mended = |finding: &Finding| finding.remedy.iter().any(|it| !it.starts_with("SELECT "));
    let kept: Vec<Finding> = findings.iter().filter(|it| !is_mended(it)).cloned().collect();
    let mut left = findings;
    // What one remedy makes possible another check may have to look at.
    for _ in 0..2 {
        left.retain(is_mended);
        mend(&database, &left);
        left = check(&database, &merge(into, from), to);
    }
    assert_eq!(told(&left), told(&kept), "mended: {fault}");
}

#[test]
fn a_clean_database_has_no_findings_on_any_step() {
    let database = Database::create("gates_merge", CLEAN);
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
        assert_eq!(told(&check(&database, &preferences(from), to)), [""; 0], "{from} -> {to}");
    }
}
