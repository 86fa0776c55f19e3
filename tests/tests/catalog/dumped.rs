//! pg_dump, of tables that are merged and gone: what it writes makes the old tables again, and their rows.

use std::process::Command;

use rewrite_rules::rule::{Change, MergeSource, MergeTables, OneOrMore};
use rewrite_rules::{Phase, Rule};
use segue_tests::programs::{missing, output, program};
use segue_tests::relay::Relay;
use segue_tests::server::{Database, cluster};

use super::stages::generation;

/// Tables that draw from a sequence which a dump that follows names alone would make after them.
const OLD: &str = "
    CREATE SEQUENCE zeta;
    CREATE TABLE mail (id bigint PRIMARY KEY DEFAULT nextval('zeta'), often text NOT NULL DEFAULT 'daily', n int DEFAULT 1 + 1);
    CREATE TABLE push (id bigint PRIMARY KEY DEFAULT nextval('zeta'), sound boolean DEFAULT true);
    INSERT INTO mail (often) VALUES ('a'), ('b'); INSERT INTO push DEFAULT VALUES;";

const NEW: &str = "
    CREATE TABLE prefs (id bigint PRIMARY KEY DEFAULT nextval('zeta'), often text NOT NULL DEFAULT 'daily', n int DEFAULT 1 + 1,
        has_mail boolean NOT NULL DEFAULT false, sound boolean DEFAULT true, has_push boolean NOT NULL DEFAULT false);
    INSERT INTO prefs (id, often, n, has_mail) SELECT id, often, n, true FROM mail;
    INSERT INTO prefs (id, sound, has_push) SELECT id, sound, true FROM push;
    DROP TABLE mail, push;";

/// What the restored database must not differ in.
const LOOK: &str = "
    SELECT to_jsonb(m)::text FROM mail m UNION ALL SELECT to_jsonb(p)::text FROM push p
    UNION ALL SELECT attname || ' ' || pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
        WHERE attrelid IN ('mail'::regclass, 'push'::regclass) ORDER BY 1";

#[test]
fn a_dump_of_tables_that_are_gone_makes_them_again() {
    let (Some(dump), Some(psql)) = (program("pg_dump"), program("psql")) else {
        return missing("pg_dump");
    };
    let database = Database::create("catalog_dumped", &format!("{OLD}{NEW}"));
    let source = |table: &str, columns: &[&str], present: &str| MergeSource {
        table: table.to_owned(),
        key: None,
        columns: columns.iter().map(|it| ((*it).to_owned(), (*it).to_owned())).collect(),
        present: Some(present.to_owned()),
        positions: ["id"].iter().chain(columns).map(|it| (*it).to_owned()).zip(1..).collect(),
        constraints: [(format!("{table}_pkey"), "prefs_pkey".to_owned())].into(),
    };
    let merge = MergeTables {
        into: "prefs".to_owned(),
        key: OneOrMore::One("id".to_owned()),
        sources: vec![
            source("mail", &["often", "n"], "has_mail"),
            source("push", &["sound"], "has_push"),
        ],
    };
    let rule = Rule {
        name: "merge".to_owned(),
        change: Change::MergeTables(merge),
        phase: Phase::Contract,
    };
    let relay = Relay::start(&database, generation(1, &database, &[rule]));
    let text = output(&mut Command::new(dump), relay.port, &database);
    relay.stop();
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("a temporary file");
    let restored = Database::create("catalog_restored", "");
    let mut command = Command::new(psql);
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file.path());
    output(&mut command, cluster().port(), &restored);
    let known = Database::create("catalog_known", OLD);
    assert_eq!(restored.connect().rows(LOOK), known.connect().rows(LOOK));
}
