//! What is too long for a column is an error in every phase, however the value gets there.

use rewrite_rules::Phase;
use segue_tests::proxy::Proxy;
use segue_tests::server::Database;

use super::alone;

const DDL: &str = "
    CREATE DOMAIN short AS varchar(3);
    CREATE DOMAIN shorter AS short CHECK (VALUE <> 'no');
    CREATE FUNCTION same(text) RETURNS text VOLATILE LANGUAGE sql AS 'SELECT $1';
    CREATE TABLE renamed (id int PRIMARY KEY, old shorter, new shorter);
    CREATE TABLE changed (id int PRIMARY KEY, old shorter, new text);
    CREATE TABLE lists (id int PRIMARY KEY, old varchar(3)[], new text[]);";

/// Statements whose value is too long for a `short`, or forbidden for a `shorter`.
const WRONG: [(&str, &str); 10] = [
    ("INSERT INTO t (id, old) VALUES (2, 'abcdef')", "22001"),
    ("INSERT INTO t (id, old) VALUES (2, same('abcdef'))", "22001"),
    ("INSERT INTO t (id, old) VALUES (2, same('a')), (3, 'abcdef')", "22001"),
    ("INSERT INTO t (id, old) SELECT 2, same('abcdef')", "22001"),
    ("INSERT INTO t (id, old) SELECT same('2')::int, 'abcdef'", "22001"),
    ("UPDATE t SET old = same('abcdef')", "22001"),
    ("UPDATE t SET (old, id) = (same('abcdef'), 1)", "22001"),
    ("UPDATE t SET old = 'abcdef'", "22001"),
    ("UPDATE t SET old = same('no')", "23514"),
    ("INSERT INTO t (id, old) VALUES (2, same('no'))", "23514"),
];

fn migration(table: &str, kind: &str, phase: Phase) -> String {
    format!(
        "[[migration]]\nname = \"{table}\"\nkind = \"{kind}\"\ntable = \"{table}\"\nfrom = \"old\"\n\
         to = \"new\"\nphase = \"{phase}\"\n"
    )
}

fn migrations(phase: Phase) -> String {
    migration("renamed", "rename-column", phase) + &migration("changed", "change-column", phase)
}

#[test]
fn a_domain_cuts_nothing() {
    let _alone = alone();
    let database = Database::create("lengths", DDL);
    let proxy = Proxy::start(&database, &migrations(Phase::Expand));
    let mut wire = proxy.connect();
    wire.script("INSERT INTO renamed (id, old) VALUES (1, 'a'); INSERT INTO changed (id, old) VALUES (1, 'a')");
    for phase in
        [Phase::Expand, Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite, Phase::Contract]
    {
        if phase == Phase::SwitchReads {
            database.connect().script("UPDATE renamed SET new = old; UPDATE changed SET new = old");
        }
        if phase != Phase::Expand
            && let Err(error) = proxy.reload(&migrations(phase))
        {
            panic!("{error}");
        }
        for table in ["renamed", "changed"] {
            for (sql, code) in WRONG {
                let sql = sql.replace(" t ", &format!(" {table} "));
                for reply in [wire.simple(&sql), wire.extended(&sql, &[], false)] {
                    assert_eq!(reply.code(), code, "{phase}: {sql} {reply:?}");
                }
            }
            let insert = format!("INSERT INTO {table} (id, old) VALUES ($1, $2)");
            let reply = wire.extended(&insert, &[Some("2"), Some("abcdef")], false);
            assert_eq!(reply.code(), "22001", "{phase}: {insert} {reply:?}");
            assert_eq!(wire.rows(&format!("SELECT id, old FROM {table}")), ["1|a"], "{phase}");
        }
    }
    proxy.stop();
}

/// No expression refuses an element that is too long as an assignment does.
#[test]
fn an_array_of_short_elements_is_refused_at_load() {
    let _alone = alone();
    let database = Database::create("lengths", DDL);
    match Proxy::try_start(&database, &migration("lists", "change-column", Phase::Expand)) {
        Err(error) => {
            let error = error.to_string();
            for part in ["array of a type with a length", "CHECK constraint"] {
                assert!(error.contains(part), "no {part:?} in {error}");
            }
        }
        Ok(_) => panic!("not refused"),
    }
}
