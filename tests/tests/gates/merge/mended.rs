//! A database with a fault of every kind: all are found, and after their remedies none is.

use std::collections::BTreeSet;

use rewrite_rules::Phase::{Contract, DualWrite, Expand, StopDualWrite, SwitchReads};
use segue::gate::{About, is_open};
use segue_tests::server::Database;

use super::preferences;
use crate::{check, mend, told};

/// Everything about these tables is in the way of some step.
const BAD: &str = "CREATE TABLE users (id int PRIMARY KEY);
    CREATE TABLE emails (
        uid int PRIMARY KEY REFERENCES users ON DELETE CASCADE, news boolean NOT NULL DEFAULT true,
        digest text NOT NULL CHECK (digest <> ''));
    CREATE TABLE notices (
        user_id int PRIMARY KEY REFERENCES users, push boolean DEFAULT true, sms text DEFAULT 'no', CHECK (sms <> 'x'));
    CREATE TABLE preferences (
        user_id int, news boolean NOT NULL, email_digest text UNIQUE, has_email boolean,
        sms text CHECK (sms <> 'odd'), PRIMARY KEY (user_id) DEFERRABLE);
    INSERT INTO users SELECT generate_series(1, 50);
    INSERT INTO emails SELECT g, g % 2 = 0, 'digest' || g FROM generate_series(1, 40) g;
    INSERT INTO notices SELECT g, g % 2 = 0, 'sms' || g FROM generate_series(21, 50) g;
    CREATE INDEX emails_low_idx ON emails (lower(digest));
    CREATE STATISTICS together ON push, sms FROM notices;
    ANALYZE emails, notices;
    GRANT SELECT (digest), INSERT (uid, digest) ON emails TO app;
    CREATE VIEW shown AS SELECT uid, digest FROM emails ORDER BY digest;
    CREATE MATERIALIZED VIEW copies AS SELECT sms FROM notices;
    CREATE PUBLICATION some_emails FOR TABLE emails (uid, digest) WHERE (uid > 0);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER note AFTER UPDATE OF digest ON emails FOR EACH ROW EXECUTE FUNCTION note();
    CREATE RULE moves AS ON UPDATE TO preferences DO ALSO NOTHING;
    CREATE TABLE sent (uid int REFERENCES emails);
    CREATE SEQUENCE numbers OWNED BY emails.uid;";

#[test]
fn the_remedies_open_every_gate_of_a_bad_database() {
    let database = Database::create("gates_merge_bad", BAD);
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for (from, to) in [
        (Expand, DualWrite),
        (DualWrite, SwitchReads),
        (SwitchReads, StopDualWrite),
        (StopDualWrite, Contract),
    ] {
        // What one remedy makes possible another check may have to look at.
        for _ in 0..4 {
            let findings = check(&database, &preferences(from), to);
            found.extend(findings.iter().map(|finding| finding.about.code()));
            let closing: Vec<_> =
                findings.into_iter().filter(|it| !is_open(std::slice::from_ref(it))).collect();
            mend(&database, &closing);
        }
        let left = check(&database, &preferences(from), to);
        assert!(is_open(&left), "{from} -> {to}\n{}", told(&left).join("\n"));
    }
    let wanted = [
        About::MissingColumn,
        About::RowsDiffer,
        About::MissingIndex,
        About::UniqueIndex,
        About::MissingConstraint,
        About::NotNull,
        About::Default,
        About::Statistics,
        About::NotAnalyzed,
        About::Privilege,
        About::ForeignKey,
        About::View,
        About::MaterializedView,
        About::Publication,
        About::Trigger,
        About::Rule,
        About::Dependent,
    ];
    assert_eq!(found, wanted.map(About::code).into());
    let mut wire = database.connect();
    assert_eq!(wire.rows("SELECT digest FROM shown WHERE uid = 7"), ["digest7"]);
    wire.script("DROP TABLE emails, notices");
    assert_eq!(wire.rows("SELECT digest FROM shown WHERE uid = 7"), ["digest7"]);
}
