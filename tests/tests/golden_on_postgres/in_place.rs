//! The books are of renames by a second column; the same statements after a rename in place.

use std::sync::Arc;

use rewrite_rules::rule::Change;
use rewrite_rules::{Outcome, Phase, SearchPath, SessionView, Shape as ClientShape};
use segue::config::parse_relation_name;
use segue_tests::golden::book::Case;
use segue_tests::golden::read_books;
use segue_tests::golden::schema::catalog_of;
use segue_tests::server::Database;

use super::{Schema, enter, meaning};

/// What the client's text becomes if its columns are renamed themselves (`strategy = "metadata"`), and
/// have been. `None` where the case is of something else, or the text is refused.
fn in_place(case: &Case) -> Option<String> {
    let mut catalog = catalog_of(&case.schema).ok()?;
    let mut rules = case.rules_in(Phase::Contract).ok()?;
    for rule in &mut rules {
        let Change::RenameColumn(pair) = rule.change.clone() else { return None };
        let table = parse_relation_name(&pair.table)?;
        let relation = catalog.relations.get_mut(&table)?;
        relation.columns.retain(|column| column.name != pair.to);
        relation.keys.retain(|key| !key.columns.contains(&pair.to));
        catalog = catalog.with_column_renamed(&table, &pair.from, &pair.to);
        rule.change = Change::RenameInPlace(pair);
        rule.phase = Phase::Contract;
    }
    let generation = rewrite_rules::compile(1, &rules, Arc::new(catalog)).ok()?;
    let session = SessionView {
        search_path: &Arc::new(SearchPath::default()),
        standard_conforming_strings: true,
        shape: case.shape,
    };
    match generation.rewrite(&case.client, session) {
        Outcome::Forward => Some(case.client.clone()),
        Outcome::Rewritten(rewritten) => Some(rewritten.sql),
        Outcome::ForwardOpaque | Outcome::Refused(_) => None,
    }
}

#[test]
fn every_text_means_the_same_after_its_column_was_renamed() {
    let database = Database::create("in_place", "");
    let mut wire = database.connect();
    let (mut compared, mut report) = (0, Vec::new());
    for book in read_books().expect("the books can be read") {
        for case in &book.cases {
            let Some(sql) = in_place(case) else { continue };
            let client = match case.shape {
                ClientShape::Old => Schema::Old,
                ClientShape::New => Schema::Renamed,
            };
            let mut of = |sql: &str, schema| {
                enter(&mut wire, case, schema);
                let meaning = meaning(&mut wire, case, sql, schema);
                wire.script("ROLLBACK");
                meaning
            };
            let wanted = of(&case.client, client);
            // A client of the old shape may have said the new name, which only exists afterwards.
            if wanted.shape.is_err() {
                continue;
            }
            let found = of(&sql, Schema::Renamed);
            compared += 1;
            if found != wanted {
                let place = format!("{}:{}: {}", book.file_name(), case.line, case.name);
                report.push(format!("{place}\n  {sql}\n  {wanted:?}\n  {found:?}"));
            }
        }
    }
    assert!(compared > 200, "only {compared} texts were compared");
    assert!(report.is_empty(), "{} of {compared}\n\n{}\n", report.len(), report.join("\n\n"));
}
