//! Tables that are merged and gone, whose names are unlike most.

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, MergeSource, MergeTables, OneOrMore};
use rewrite_rules::{Phase, Rule, Shape};
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::Wire;

use super::queries::{Query, difference, seen};
use super::stages::generation;
use super::tables::{connect, map};

/// Names that need quotes, another schema, a key that is called otherwise, and no column that tells which rows are
/// there.
#[test]
fn odd_names_show_as_they_were() {
    let old = "CREATE SCHEMA \"Old one\"; CREATE TABLE \"Old one\".\"The mail\" (
            \"Id\" int CONSTRAINT \"Key 1\" PRIMARY KEY, a text DEFAULT 'a', b text,
            CONSTRAINT \"A b\" UNIQUE (a, b));
        COMMENT ON COLUMN \"Old one\".\"The mail\".b IS 'b';";
    // Two columns exchange their names.
    let new =
        "CREATE TABLE \"All of it\" (k int PRIMARY KEY, b text DEFAULT 'a', a text, more text,
            CONSTRAINT \"B a\" UNIQUE (b, a));
        COMMENT ON COLUMN \"All of it\".a IS 'b';";
    let rule = |phase| {
        let source = |table: &str, columns: &[(&str, &str)]| MergeSource {
            table: table.to_owned(),
            key: Some(OneOrMore::One("Id".to_owned())),
            columns: columns.iter().map(|(o, n)| ((*o).to_owned(), (*n).to_owned())).collect(),
            present: None,
            positions: BTreeMap::new(),
            constraints: map(&[("Key 1", "All of it_pkey"), ("A b", "B a")]),
        };
        let mut other = source("other", &[("more", "more")]);
        other.constraints = BTreeMap::new();
        let sources = vec![source("\"Old one\".\"The mail\"", &[("a", "b"), ("b", "a")]), other];
        let key = OneOrMore::One("k".to_owned());
        let into = "\"All of it\"".to_owned();
        let change = Change::MergeTables(MergeTables { into, key, sources });
        vec![Rule { name: "m".to_owned(), change, phase }]
    };
    let look = |wire: &mut Wire| -> Vec<String> {
        let queries = [
            "SELECT c.relname, n.nspname, pg_table_is_visible(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = 'Old one' ORDER BY 1",
            "SELECT attname, attnum, col_description(attrelid, attnum) FROM pg_attribute \
             WHERE attrelid = '\"Old one\".\"The mail\"'::regclass AND attnum > 0 ORDER BY 2",
            "SELECT pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid, 2, true), indkey FROM pg_index \
             WHERE indrelid = '\"Old one\".\"The mail\"'::regclass ORDER BY 1",
            "SELECT conname, pg_get_constraintdef(oid), conkey, connamespace::regnamespace FROM pg_constraint \
             WHERE conrelid = format('%I.%I', 'Old one', 'The mail')::regclass ORDER BY 1",
            "SELECT * FROM information_schema.columns WHERE table_schema = 'Old one' ORDER BY ordinal_position",
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'Old one' ORDER BY 1",
        ];
        let lines = queries.into_iter().flat_map(|sql| {
            seen(wire, &Query { title: String::new(), sql: sql.to_owned() }, false)
        });
        lines.collect()
    };
    let expected = look(&mut Database::create("catalog", old).connect());
    let database = Database::create("catalog", &format!("CREATE SCHEMA \"Old one\"; {new}"));
    let relay = Relay::start(&database, generation(1, &database, &rule(Phase::Contract)));
    let found = look(&mut connect(&relay, &database, Shape::Old));
    assert!(found == expected, "{}", difference(&expected, &found));
    relay.stop();
}
