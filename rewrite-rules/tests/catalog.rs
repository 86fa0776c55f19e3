//! Statements that look at the schema: whole texts, without a server.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what is given here compiles and is rewritten; where it is not the test must fail there"
)]

use std::sync::Arc;

use rewrite_rules::catalog::{Catalog, Column, Oids, Relation, RelationKind, RelationName};
use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::system_catalog::{ObjectKind, SystemCatalog, SystemRelation, TableObject};
use rewrite_rules::{Generation, Outcome, Phase, Rule, SearchPath, SessionView, Shape};

/// `users(id, [username,] handle)` without its old column, with a unique index on the new one.
fn generation(phase: Phase, dropped: bool, oid: u32) -> Generation {
    let column = |name: &str, number| Column::new(name, number, "text");
    let mut columns = vec![column("id", 1), column("username", 2), column("handle", 3)];
    columns.retain(|column| !dropped || column.name != "username");
    let users = Relation {
        kind: RelationKind::Table,
        attribute_count: 3,
        columns,
        keys: Vec::new(),
        building: Vec::new(),
        conditional: Vec::new(),
        before_row_triggers: Vec::new(),
        children: Vec::new(),
        oids: Oids { relation: oid, row_type: 0, row_array_type: 0 },
    };
    let index = |oid, name: &str, number| TableObject {
        kind: ObjectKind::Index,
        oid,
        name: name.to_owned(),
        index: None,
        carrier: 100,
        refers_to: None,
        columns: vec![number],
        deferrable: false,
        definition: String::new(),
    };
    let mut indexes = vec![index(199, "by_name", 2), index(200, "by_handle", 3)];
    indexes.retain(|index| !dropped || index.oid == 200);
    let name = RelationName::new("public", "users");
    let system = |columns: &[&str], key: &[&str], definition: Option<&str>| SystemRelation {
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        key: key.iter().map(|column| (*column).to_owned()).collect(),
        definition: definition.map(str::to_owned),
    };
    let attribute = system(&["attrelid", "attname", "attnum"], &["attrelid", "attnum"], None);
    let class = system(&["oid", "relname", "relnatts"], &["oid"], None);
    let view = system(
        &["column_name"],
        &[],
        Some(
            " SELECT a.attname AS column_name\n   FROM (pg_attribute a\n     \
             JOIN pg_namespace n ON (true)), pg_authid;",
        ),
    );
    let catalogs = [
        (RelationName::new("pg_catalog", "pg_attribute"), attribute),
        (RelationName::new("pg_catalog", "pg_class"), class),
        (RelationName::new("pg_catalog", "pg_namespace"), system(&["oid"], &["oid"], None)),
        (RelationName::new("pg_catalog", "pg_authid"), system(&["oid"], &["oid"], None)),
        (RelationName::new("information_schema", "columns"), view),
    ];
    let catalog = Catalog {
        relations: [(name.clone(), users)].into(),
        system: SystemCatalog { relations: catalogs.into(), objects: [(name, indexes)].into() },
        ..Catalog::default()
    };
    let pair = ColumnPair {
        constraints: [("by_name".to_owned(), "by_handle".to_owned())].into(),
        ..ColumnPair::new("users", "username", "handle")
    };
    let rule = Rule { name: "m".to_owned(), change: Change::RenameColumn(pair), phase };
    rewrite_rules::compile(1, &[rule], Arc::new(catalog)).expect("a rule without fault")
}

fn rewrite(generation: &Generation, text: &str) -> Outcome {
    let path = SearchPath::default();
    generation.rewrite(text, SessionView::usual(&path))
}

fn sql(generation: &Generation, text: &str) -> String {
    assert!(generation.scan(text.as_bytes()).catalog, "{text}");
    match rewrite(generation, text) {
        Outcome::Rewritten(rewritten) => rewritten.sql,
        other => panic!("{text}: {other:?}"),
    }
}

/// What stands for `pg_attribute` while both columns exist.
const HIDDEN: &str = "(SELECT c.attrelid, c.attname, c.attnum FROM pg_catalog.pg_attribute AS c \
    WHERE NOT (c.attrelid = 100::pg_catalog.oid AND c.attnum IN (3)) \
    AND NOT (c.attrelid = 200::pg_catalog.oid))";

#[test]
fn a_derived_table_stands_for_a_catalog() {
    let generation = generation(Phase::DualWrite, false, 100);
    for (text, expected) in [
        (
            "SELECT attname FROM pg_attribute",
            format!("SELECT attname FROM {HIDDEN} AS pg_attribute"),
        ),
        (
            "SELECT a.attname /* x */ FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1",
            format!("SELECT a.attname /* x */ FROM {HIDDEN} a WHERE a.attrelid = $1"),
        ),
        (
            "COPY (SELECT attname FROM pg_attribute) TO STDOUT",
            format!("COPY (SELECT attname FROM {HIDDEN} AS pg_attribute) TO STDOUT"),
        ),
        (
            "PREPARE p AS SELECT attname FROM pg_attribute",
            format!("PREPARE p AS SELECT attname FROM {HIDDEN} AS pg_attribute"),
        ),
        (
            "MERGE INTO t USING pg_attribute a ON t.n = a.attnum WHEN MATCHED THEN DO NOTHING",
            format!("MERGE INTO t USING {HIDDEN} a ON t.n = a.attnum WHEN MATCHED THEN DO NOTHING"),
        ),
        ("SELECT * FROM ONLY (pg_attribute)", format!("SELECT * FROM {HIDDEN} AS pg_attribute")),
        (
            "SELECT pg_catalog.pg_attribute.attnum FROM pg_catalog.pg_attribute",
            format!("SELECT pg_attribute.attnum FROM {HIDDEN} AS pg_attribute"),
        ),
        (
            "SELECT a FROM pg_attribute a",
            format!("SELECT a::pg_catalog.pg_attribute FROM {HIDDEN} a"),
        ),
        (
            "SELECT a.*, a.xmin FROM pg_attribute a",
            format!(
                "SELECT a.attrelid, a.attname, a.attnum, a.xmin FROM {} a",
                HIDDEN.replace("c.attnum FROM", "c.attnum, c.xmin FROM")
            ),
        ),
        (
            "SELECT a.attname FROM pg_attribute a GROUP BY a.attrelid, a.attnum HAVING true",
            format!(
                "SELECT a.attname FROM {HIDDEN} a GROUP BY a.attrelid, a.attnum, a.attname HAVING true"
            ),
        ),
        (
            "SELECT a.attname FROM pg_attribute a GROUP BY a.attname",
            format!("SELECT a.attname FROM {HIDDEN} a GROUP BY a.attname"),
        ),
    ] {
        assert_eq!(sql(&generation, text), expected, "{text}");
    }
}

#[test]
fn the_new_column_stands_for_the_one_that_is_gone() {
    let generation = generation(Phase::Contract, true, 100);
    assert_eq!(
        sql(&generation, "SELECT attnum FROM pg_attribute"),
        "SELECT attnum FROM (SELECT c.attrelid, \
         CASE WHEN c.attrelid = 100::pg_catalog.oid THEN CASE c.attnum WHEN 3 THEN \
         'username'::pg_catalog.name ELSE c.attname END \
         WHEN c.attrelid = 200::pg_catalog.oid AND c.attname = 'handle'::pg_catalog.name THEN \
         'username'::pg_catalog.name ELSE c.attname END AS attname, \
         CASE WHEN c.attrelid = 100::pg_catalog.oid THEN CASE c.attnum WHEN 3 THEN \
         2::pg_catalog.int2 ELSE c.attnum END ELSE c.attnum END AS attnum \
         FROM pg_catalog.pg_attribute AS c \
         WHERE NOT (c.attrelid = 100::pg_catalog.oid AND c.attnum IN (2))) AS pg_attribute"
    );
    // The index is read apart, so that others are found by their names as before.
    assert_eq!(
        sql(&generation, "SELECT FROM pg_class"),
        "SELECT FROM (SELECT c.oid, c.relname, CASE WHEN c.oid = 100::pg_catalog.oid THEN \
         2::pg_catalog.int2 ELSE c.relnatts END AS relnatts FROM pg_catalog.pg_class AS c \
         WHERE NOT (c.oid = 200::pg_catalog.oid) UNION ALL SELECT c.oid, CASE c.oid WHEN 200 THEN \
         'by_name'::pg_catalog.name ELSE c.relname END AS relname, \
         CASE WHEN c.oid = 100::pg_catalog.oid THEN 2::pg_catalog.int2 ELSE c.relnatts END \
         AS relnatts FROM pg_catalog.pg_class AS c WHERE c.oid = 200::pg_catalog.oid) AS pg_class"
    );
}

#[test]
fn calls_take_and_give_what_the_client_knows() {
    let generation = generation(Phase::Contract, true, 100);
    let is_users = |argument: &str| format!("({argument})::pg_catalog.oid = 100::pg_catalog.oid");
    for (text, expected) in [
        (
            "SELECT col_description($1, $2)",
            format!(
                "SELECT col_description($1, coalesce(CASE  WHEN {} THEN CASE ($2)::pg_catalog.int4 \
                 WHEN 2 THEN 3::pg_catalog.int4 END END, $2))",
                is_users("$1")
            ),
        ),
        // Nobody can tell what type these parameters have.
        ("SELECT has_column_privilege($1, $2, 'SELECT')", String::new()),
        // Who knows how often it may be called.
        ("SELECT col_description(f(), 2)", String::new()),
        ("SELECT app.col_description(1, 2)", String::new()),
    ] {
        let found = match rewrite(&generation, text) {
            Outcome::Rewritten(rewritten) => rewritten.sql,
            Outcome::Forward => String::new(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(found, expected, "{text}");
    }
    let found = sql(&generation, "SELECT pg_get_indexdef(oid) FROM pg_class");
    assert!(found.starts_with("SELECT pg_catalog.regexp_replace("), "{found}");
    assert!(found.contains("200::pg_catalog.oid"), "{found}");
    assert!(found.contains(", 'g') AS pg_get_indexdef FROM ("), "{found}");
}

#[test]
fn a_view_is_its_query_over_what_stands_for_the_catalogs() {
    let generation = generation(Phase::DualWrite, false, 100);
    assert_eq!(
        sql(&generation, "SELECT c.column_name FROM information_schema.columns AS c"),
        format!(
            "SELECT c.column_name FROM (SELECT a.attname AS column_name\n   FROM ({HIDDEN} a\n     \
             JOIN pg_catalog.pg_namespace n ON (true)), pg_catalog.pg_roles AS pg_authid) AS c"
        )
    );
}

#[test]
fn nothing_else_is_touched() {
    let generation = generation(Phase::DualWrite, false, 100);
    for text in [
        "UPDATE pg_attribute SET attname = 'x'",
        "DELETE FROM pg_attribute",
        "INSERT INTO pg_attribute VALUES (1)",
        "COPY pg_attribute TO STDOUT",
        "SELECT * FROM pg_attribute TABLESAMPLE SYSTEM (1)",
        "SELECT * FROM pg_attribute FOR SHARE",
        "SELECT * FROM pg_attribute a, pg_namespace FOR UPDATE OF a",
        "SELECT * FROM app.pg_attribute",
        "WITH pg_attribute AS (SELECT 1) SELECT * FROM pg_attribute",
        "CREATE VIEW v AS SELECT * FROM pg_attribute",
        "SELECT columns FROM t",
        "SELECT oid FROM pg_namespace",
    ] {
        assert_eq!(rewrite(&generation, text), Outcome::Forward, "{text}");
    }
    let mut path = SearchPath::default();
    path.temporary.push("pg_attribute".to_owned());
    let session = SessionView::usual(&path);
    let text = "SELECT * FROM pg_attribute";
    assert_eq!(generation.rewrite(text, session), Outcome::Forward);
    // What cannot be read, or is wrong, is not refused by us.
    for text in ["SELECT FROM WHERE (pg_attribute", "SELECT '\u{0}\u{1}' $$ pg_attribute"] {
        assert_eq!(rewrite(&generation, text), Outcome::ForwardOpaque, "{text}");
    }
    let odd = SessionView { standard_conforming_strings: false, ..SessionView::usual(&path) };
    let text = "SELECT '\\' FROM pg_attribute";
    assert_eq!(generation.rewrite(text, odd), Outcome::ForwardOpaque);
}

#[test]
fn a_statement_costs_nothing_where_the_catalog_shows_what_is_known() {
    let text = "SELECT * FROM pg_attribute";
    let scan = |generation: &Generation| generation.scan(text.as_bytes()).catalog;
    let of = |generation: &Generation| {
        Shape::ALL.map(|shape| generation.catalogs(shape).relations.len())
    };
    // Without oids, as in the books, nothing can be told apart.
    let unknown = generation(Phase::DualWrite, false, 0);
    assert_eq!((scan(&unknown), of(&unknown)), (false, [0, 0]));
    // The new shape is all there is.
    let done = generation(Phase::Contract, true, 100);
    assert_eq!((scan(&done), of(&done)), (true, [3, 0]));
    assert!(!done.scan(b"SELECT relation FROM pg_database").catalog);
}
