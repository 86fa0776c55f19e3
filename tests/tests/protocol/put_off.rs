//! Constraints that are checked late: by the name that a client knows each one is put off wherever its values are
//! written, and what is wrong at the end is told by that name, in every phase of a split.

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, ColumnPair, MergeSource, MergeTables, OneOrMore};
use rewrite_rules::{Phase, Rule};
use segue_tests::message::Fields;
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::splitting;
use segue_tests::wire::{Login, Wire};

const PLAIN: &str = "
    CREATE TABLE items (id int PRIMARY KEY, sku text, name text,
        CONSTRAINT items_sku_key UNIQUE (sku) DEFERRABLE, CONSTRAINT items_name_key UNIQUE (name) DEFERRABLE);
    INSERT INTO items VALUES (1, 'a', 'n1'), (2, 'b', 'n2');";

const BESIDE: &str = "
    CREATE TABLE item_details (item_id int PRIMARY KEY REFERENCES items ON DELETE CASCADE ON UPDATE CASCADE,
        sku text, CONSTRAINT item_details_sku_key UNIQUE (sku) DEFERRABLE);
    INSERT INTO item_details SELECT id, sku FROM items;";

fn rule(phase: Phase) -> Rule {
    let mut rule = splitting::rule(
        ["items", "item_details"],
        ["id", "item_id"],
        &[("sku", "sku")],
        None,
        phase,
    );
    if let Change::SplitTable(split) = &mut rule.change {
        split.constraints.insert("items_sku_key".to_owned(), "item_details_sku_key".to_owned());
    }
    rule
}

/// Two rows exchange what must be unique.
const EXCHANGE: [&str; 2] =
    ["UPDATE items SET sku = 'b' WHERE id = 1", "UPDATE items SET sku = 'a' WHERE id = 2"];

/// What is said before, and how it ends.
const PUT_OFF: [(&[&str], &str); 9] = [
    (&["SET CONSTRAINTS items_sku_key DEFERRED"], "COMMIT"),
    (&["set constraints public.items_sku_key, \"items_name_key\" deferred"], "END;"),
    (&["SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS items_name_key IMMEDIATE"], "COMMIT"),
    (&["SET CONSTRAINTS ALL DEFERRED"], "COMMIT AND CHAIN"),
    (&["SET CONSTRAINTS items_sku_key DEFERRED"], "SET CONSTRAINTS items_sku_key IMMEDIATE"),
    (&["SET CONSTRAINTS items_sku_key DEFERRED"], "SET CONSTRAINTS ALL IMMEDIATE"),
    (&["SET CONSTRAINTS items_pkey DEFERRED"], "COMMIT"),
    (&["SET CONSTRAINTS no_such_key DEFERRED"], "COMMIT"),
    (&[], "COMMIT"),
];

/// What each statement comes to, by Query and with its end prepared.
fn said(wire: &mut Wire, statements: &[&str], end: &str) -> Vec<(String, Option<Fields>)> {
    let mut said = Vec::new();
    for is_prepared in [false, true] {
        wire.script("BEGIN");
        for sql in statements {
            let reply = wire.simple(sql);
            said.push((reply.tags().concat(), reply.error().cloned()));
        }
        let reply = if is_prepared { wire.extended(end, &[], false) } else { wire.simple(end) };
        said.push((reply.tags().concat(), reply.error().cloned()));
        wire.simple("ROLLBACK");
        said.push((wire.rows("SELECT id, sku FROM items ORDER BY id").join(" "), None));
        wire.script("BEGIN; SET CONSTRAINTS ALL DEFERRED; UPDATE items SET sku = 'a' WHERE id = 1; UPDATE items SET sku = 'b' WHERE id = 2; COMMIT");
    }
    for fields in said.iter_mut().filter_map(|(_, fields)| fields.as_mut()) {
        fields.0.remove(&'P');
    }
    said
}

/// Holds all of that against the table that was never touched. `rest` is what has come about by a phase, on top of
/// `beside`.
#[track_caller]
fn check(
    about: &str,
    beside: &str,
    rule: impl Fn(Phase) -> Rule,
    rest: impl Fn(Phase) -> &'static str,
) {
    let mut direct = Database::create("put_off", PLAIN).connect();
    for phase in Phase::TWO_SIDED {
        let database = Database::create("put_off", &format!("{PLAIN}{beside}{}", rest(phase)));
        let relay = Relay::governing(&database, &[rule(phase)]);
        let mut client = Login::at(relay.port, database.superuser(), &database.name).connect();
        for (before, end) in PUT_OFF {
            // Both rows, and one alone, which is wrong in the end.
            for exchange in [&EXCHANGE[..], &EXCHANGE[..1]] {
                // The new table is written first then, and a client may know it by itself (docs/limits.md).
                if exchange.len() == 1 && (about, phase) == ("merge", Phase::SwitchReads) {
                    continue;
                }
                let statements = [before, exchange].concat();
                let [expected, found] =
                    [&mut direct, &mut client].map(|wire| said(wire, &statements, end));
                assert_eq!(found, expected, "{about}, {phase}: {statements:?} {end}");
            }
        }
        drop(client);
        relay.stop();
    }
}

#[test]
fn a_constraint_that_moved_is_put_off_by_its_old_name() {
    check("split", BESIDE, rule, |phase| match phase {
        Phase::Contract => "ALTER TABLE items DROP COLUMN sku;",
        Phase::StopDualWrite => "UPDATE items SET sku = NULL;",
        _earlier => "",
    });
}

#[test]
fn a_constraint_of_a_column_that_is_renamed_is_put_off_by_its_old_name() {
    let rename = |phase| {
        let mut pair = ColumnPair::new("items", "sku", "code");
        pair.constraints.insert("items_sku_key".to_owned(), "items_code_key".to_owned());
        Rule { name: "rename".to_owned(), change: Change::RenameColumn(pair), phase }
    };
    let beside = "ALTER TABLE items ADD COLUMN code text; UPDATE items SET code = sku;
        ALTER TABLE items ADD CONSTRAINT items_code_key UNIQUE (code) DEFERRABLE;";
    check("rename", beside, rename, |phase| match phase {
        Phase::Contract => "ALTER TABLE items DROP COLUMN sku;",
        Phase::StopDualWrite => "UPDATE items SET sku = NULL;",
        _earlier => "",
    });
}

#[test]
fn a_constraint_of_a_table_that_is_merged_is_put_off_by_its_old_name() {
    let merge = |phase| {
        let named = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(own, its)| ((*own).to_owned(), (*its).to_owned())).collect()
        };
        let source =
            |table: &str, columns: &[(&str, &str)], constraints: &[(&str, &str)]| MergeSource {
                table: table.to_owned(),
                key: None,
                columns: named(columns).into_iter().collect(),
                present: Some(format!("has_{table}")),
                positions: BTreeMap::new(),
                constraints: named(constraints).into_iter().collect(),
            };
        let constraints = [("items_sku_key", "all_sku_key"), ("items_name_key", "all_name_key")];
        let merge = MergeTables {
            into: "all_items".to_owned(),
            key: OneOrMore::One("id".to_owned()),
            sources: vec![
                source("items", &[("sku", "sku"), ("name", "name")], &constraints),
                source("others", &[("other", "other")], &[]),
            ],
        };
        Rule { name: "merge".to_owned(), change: Change::MergeTables(merge), phase }
    };
    let beside = "CREATE TABLE others (id int PRIMARY KEY, other text);
        CREATE TABLE all_items (id int PRIMARY KEY, sku text, name text, has_items boolean NOT NULL DEFAULT false,
            other text, has_others boolean NOT NULL DEFAULT false,
            CONSTRAINT all_sku_key UNIQUE (sku) DEFERRABLE, CONSTRAINT all_name_key UNIQUE (name) DEFERRABLE);
        INSERT INTO all_items SELECT *, true FROM items;";
    check("merge", beside, merge, |phase| match phase {
        Phase::Contract => "DROP TABLE items, others;",
        _earlier => "",
    });
}

/// A client that knows the new table writes the old one by way of it, as long as both are written.
#[test]
fn a_constraint_of_the_new_table_is_put_off_in_both() {
    for phase in [Phase::DualWrite, Phase::SwitchReads, Phase::StopDualWrite] {
        let database = Database::create("put_off", &format!("{PLAIN}{BESIDE}"));
        let relay = Relay::governing(&database, &[rule(phase)]);
        let login = Login::at(relay.port, database.superuser(), &database.name);
        let mut client = login.with("segue.shape", "new").connect();
        for sql in [
            "BEGIN",
            "SET CONSTRAINTS item_details_sku_key DEFERRED",
            "UPDATE item_details SET sku = 'b' WHERE item_id = 1",
            "UPDATE item_details SET sku = 'a' WHERE item_id = 2",
            "COMMIT",
        ] {
            let reply = client.simple(sql);
            assert_eq!(reply.code(), "", "{phase}: {sql}");
        }
        drop(client);
        relay.stop();
    }
}
