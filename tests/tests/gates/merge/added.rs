//! A column that somebody adds to one of the tables, past `expand`, and that no part of the new one takes: no step forward
//! is open, and each step back is, so that it can be listed.

use rewrite_rules::Phase::{Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
use segue::gate::is_open;
use segue_tests::server::Database;

use super::{CLEAN, preferences};
use crate::{check, told};

#[test]
fn a_column_that_moves_nowhere_closes_the_steps_forward_alone() {
    let database =
        Database::create("gates_merge", &format!("{CLEAN} ALTER TABLE emails ADD phone text;"));
    let nowhere = r#"not-ready definition: key "columns" of migration "m": column "phone" of "public.emails" moves nowhere; "#;
    let early = format!("{nowhere}list it, or drop it first");
    let late = format!(
        "{nowhere}go back to phase \"expand\", add it to the new table and list it, or drop it"
    );
    for (from, to, expected) in [
        (Expand, DualWrite, &early),
        (DualWrite, SwitchReads, &late),
        (SwitchReads, StopDualWrite, &late),
        (StopDualWrite, Contract, &late),
    ] {
        let findings = check(&database, &preferences(from), to);
        assert_eq!(told(&findings), [expected.as_str()], "{from} -> {to}");
        assert!(findings.iter().all(|finding| !finding.forcible));
    }
    for (from, to) in [
        (Contract, StopDualWrite),
        (StopDualWrite, SwitchReads),
        (SwitchReads, DualWrite),
        (DualWrite, Expand),
    ] {
        let findings = check(&database, &preferences(from), to);
        assert!(is_open(&findings), "{from} -> {to}: {:?}", told(&findings));
    }
}

/// Its columns are those of clients that know it by then.
#[test]
fn a_column_that_the_new_table_must_have_does_not_close_the_way_back() {
    let made = "ALTER TABLE preferences ADD made int NOT NULL DEFAULT 1;
        ALTER TABLE preferences ALTER made DROP DEFAULT;";
    let database = Database::create("gates_merge", &format!("{CLEAN} {made}"));
    assert!(!is_open(&check(&database, &preferences(Expand), DualWrite)));
    assert!(is_open(&check(&database, &preferences(DualWrite), Expand)));
}
