//! The oracle itself: every small damage to what PostgreSQL receives must be reported.
//!
//! Each output of the books and the corpus is damaged at every place, one place at a time: a clause
//! or an item dropped, repeated or swapped, a name, constant, operator or flag changed.

use std::collections::BTreeMap;

use oracle::Texts;
use oracle::compare::compare_trees;
use oracle::tree::{self, Tree};
use rewrite_rules::Phase;
use serde_json::Value;

/// Damages that may leave the meaning as it is, so that the oracle may accept some of them.
const HARMLESS: [(&str, &str); 15] = [
    ("ColumnRef.fields dropped", "a qualifier that is not needed"),
    ("ColumnRef.fields repeated", "a qualifier with the column's name"),
    ("InsertStmt.cols swapped", "two columns that get the same value"),
    ("InsertStmt.cols dropped", "a list of the table's first column alone"),
    ("InsertStmt.cols lost", "a list that is all of the table's columns in their order"),
    ("UpdateStmt.target_list swapped", "two columns that get the same value"),
    ("OnConflictClause.target_list swapped", "two columns that get the same value"),
    ("MergeWhenClause.target_list swapped", "two columns that get the same value"),
    ("CopyStmt.attlist swapped", "two columns that get the same field"),
    ("CopyStmt.attlist lost", "a list that is all of the table's columns in their order"),
    ("List.items swapped", "an option's columns in another order"),
    ("CreateStmt.table_elts swapped", "columns that a COPY leaves out in another order"),
    ("SelectStmt.target_list swapped", "the same column twice"),
    ("ResTarget.name lost", "a label that is the name of the column, or that nobody sees"),
    ("ResTarget.name changed", "a label that nobody sees, in the rows of an INSERT"),
];

/// Names of what is not there: PostgreSQL refuses the statement, whatever else is damaged.
const NOTHING: [&str; 2] = ["nosuch", "unheard_of"];

/// A damaged part, and what was done to it.
type Damaged = (String, Tree);

/// Every single damage to a tree.
fn damages(tree: &Tree) -> Vec<Damaged> {
    match tree {
        Tree::Leaf(value) => {
            changed(value).into_iter().map(|it| ("changed".to_owned(), it)).collect()
        }
        Tree::List(items) => {
            let list = |items: Vec<Tree>| Tree::List(items);
            let mut found = Vec::new();
            for at in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(at);
                found.push(("dropped".to_owned(), list(fewer)));
                let mut more = items.clone();
                more.insert(at, items[at].clone());
                found.push(("repeated".to_owned(), list(more)));
                if at > 0 && items[at - 1] != items[at] {
                    let mut swapped = items.clone();
                    swapped.swap(at - 1, at);
                    found.push(("swapped".to_owned(), list(swapped)));
                }
                for (what, inner) in damages(&items[at]) {
                    let mut damaged = items.clone();
                    damaged[at] = inner;
                    found.push((what, list(damaged)));
                }
            }
            found
        }
        Tree::Node(tag, fields) => {
            let node = |fields: BTreeMap<String, Tree>| Tree::Node(tag.clone(), fields);
            let mut found = Vec::new();
            for (name, field) in fields {
                let mut fewer = fields.clone();
                fewer.remove(name);
                found.push((format!("{tag}.{name} lost"), node(fewer)));
                for (what, inner) in damages(field) {
                    let mut damaged = fields.clone();
                    damaged.insert(name.clone(), inner);
                    let what =
                        if what.contains('.') { what } else { format!("{tag}.{name} {what}") };
                    found.push((what, node(damaged)));
                }
            }
            found
        }
    }
}

fn changed(value: &Value) -> Option<Tree> {
    match value {
        Value::String(text) => Some(Tree::Leaf(Value::String(format!("{text}x")))),
        Value::Number(number) => {
            number.as_i64().map(|it| Tree::Leaf(Value::from(it.wrapping_add(1))))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[test]
fn every_damage_is_reported() {
    let texts = Texts::read().expect("the books and the corpus");
    let mut survivors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    let wrong = |text: &oracle::Text| {
        // Those of a split and of a merge have faults planted by hand (tests/planted.rs).
        text.is_joint()
            || text.place.starts_with("errors")
            || NOTHING.iter().any(|name| text.sql.contains(name))
    };
    for text in texts.texts.iter().filter(|text| !wrong(text)) {
        let stages = texts.databases[text.database].phases.iter().flatten();
        for stage in stages.filter(|stage| stage.phase == Phase::SwitchReads) {
            let Some(sent) = stage.send(&text.sql, text.speaks) else { continue };
            let (Ok(client), Ok(output)) = (tree::parse(&text.sql), tree::parse(&sent.sql)) else {
                continue;
            };
            let shape = stage.shape(text.speaks).expect("a shape");
            for (at, statement) in output.iter().enumerate() {
                // The corpus says much of the same again.
                let every = if text.place.contains(".sql") { 5 } else { 1 };
                for (what, damaged) in damages(statement).into_iter().step_by(every) {
                    let mut trees = output.clone();
                    trees[at] = damaged;
                    count += 1;
                    if compare_trees(shape, &client, &trees, sent.handling.clone()).is_ok() {
                        let shown = format!(
                            "{}: {}\n  {}\n    {}",
                            text.place, text.sql, sent.sql, trees[at]
                        );
                        survivors.entry(what).or_default().push(shown);
                    }
                }
            }
        }
    }
    let accepted: usize = survivors.values().map(Vec::len).sum();
    println!("{count} damages, {accepted} of them may be harmless");
    for (what, why) in HARMLESS {
        println!("{}: {why}: {}", what, survivors.remove(what).map_or(0, |list| list.len()));
    }
    let shown: Vec<String> = survivors
        .iter()
        .map(|(what, list)| format!("{} times {what}, first:\n{}", list.len(), list[0]))
        .collect();
    assert!(shown.is_empty(), "not reported:\n\n{}\n", shown.join("\n\n"));
    assert!(count > 20_000, "only {count} damages");
    assert!(accepted * 50 < count, "the oracle accepts {accepted} of {count} damages");
}
