//! Whether columns keep their places in `SELECT *`, and in INSERT without a list, when the old table is dropped, or
//! what has moved from it: the catalog shows them no longer then, and only the rule tells where they stood.

use std::sync::Arc;

use rewrite_rules::catalog::RelationName;
use rewrite_rules::rule::{Change, MovedColumns};
use rewrite_rules::{Catalog, Fault, Phase, Rule, Shape};

use super::finding::{About, Finding, Severity};
use crate::aside::aside;
use crate::config::parse_relation_name;

/// What goes away in the end.
struct Going<'a> {
    /// The table, as the migration names it.
    name: RelationName,
    /// The columns whose places the rule may tell.
    columns: Vec<&'a str>,
    /// Whether the table goes as a whole.
    is_whole: bool,
}

/// What keeps `rules[index]` from doing without what it leaves behind, as a step to `contract` would find it.
/// Nothing of the server is looked at but its catalog.
#[must_use]
pub fn before_drop(catalog: &Arc<Catalog>, rules: &[Rule], index: usize) -> Vec<Finding> {
    let Some(rule) = rules.get(index) else { return Vec::new() };
    let going = going(&rule.change);
    // Of what is gone already nobody knows how it was.
    let is_there = |going: &&Going<'_>| {
        let table = catalog.relation(&going.name);
        table.is_some_and(|table| going.columns.iter().all(|it| table.column(it).is_some()))
    };
    going.iter().filter(is_there).flat_map(|it| of_table(catalog, rules, rule, it)).collect()
}

fn going(change: &Change) -> Vec<Going<'_>> {
    match change {
        Change::RenameColumn(pair) | Change::ChangeColumn { columns: pair, .. } => {
            let name = parse_relation_name(&pair.table);
            let columns = vec![pair.from.as_str()];
            let going = name.map(|name| Going { name, columns, is_whole: false });
            going.into_iter().collect()
        }
        Change::RenameInPlace(_) | Change::BackfillColumn(_) => Vec::new(),
        Change::SplitTable(split) => {
            let name = parse_relation_name(&split.table);
            let columns = moved(&split.columns);
            let going = name.map(|name| Going { name, columns, is_whole: false });
            going.into_iter().collect()
        }
        Change::MergeTables(merge) => {
            let going = merge.sources.iter().filter_map(|source| {
                let columns = merge.pairs_of(source).map(|(own, _)| own).collect();
                Some(Going { name: parse_relation_name(&source.table)?, columns, is_whole: true })
            });
            going.collect()
        }
    }
}

fn moved(columns: &MovedColumns) -> Vec<&str> {
    columns.pairs().map(|(from, _)| from).collect()
}

/// What is told of one table.
fn of_table(
    catalog: &Arc<Catalog>,
    rules: &[Rule],
    rule: &Rule,
    going: &Going<'_>,
) -> Vec<Finding> {
    let beside = |other: &&Rule| {
        let mut tables = other.change.tables().into_iter().filter_map(parse_relation_name);
        other.name != rule.name && tables.any(|table| table == going.name)
    };
    let mut rules: Vec<Rule> = rules.iter().filter(beside).cloned().collect();
    rules.insert(0, Rule { phase: Phase::Contract, ..rule.clone() });
    let shown = |rules: &[Rule], catalog: &Arc<Catalog>| {
        let compiled = aside(|| rewrite_rules::compile(0, rules, Arc::clone(catalog)));
        compiled.map(|generation| {
            let mut lenses = generation.lenses(Shape::Old).iter();
            let lens = lenses.find(|lens| lens.relation == going.name);
            let columns = lens.into_iter().flat_map(|lens| &lens.columns);
            let shown = columns.filter(|it| it.shown).map(|column| column.name.clone());
            shown.collect::<Vec<String>>()
        })
    };
    // As it was before anybody has told anything of it. Who could not write both now may be in the last phase. Where a
    // table goes as a whole that is all that it shows by then.
    let phases = match going.is_whole {
        true => [Phase::Contract, Phase::DualWrite],
        false => [Phase::DualWrite, Phase::Contract],
    };
    let unsaid = |phase| Rule { phase, change: rule.change.without_places(), ..rule.clone() };
    let mut now = phases.into_iter().filter_map(|phase| {
        let beside = rules.iter().skip(1).cloned();
        let rules: Vec<Rule> = std::iter::once(unsaid(phase)).chain(beside).collect();
        shown(&rules, catalog).ok()
    });
    let Some(now) = now.next() else { return Vec::new() };
    match shown(&rules, &Arc::new(without(catalog, going))) {
        Ok(then) if then == now => Vec::new(),
        Ok(then) => vec![finding((rule, rule), going, &now, Some(&then))],
        // What else is wrong other checks tell.
        Err(faults) => {
            let is_untold = |it: &Fault| matches!(it.key, "position" | "positions");
            let mut untold: Vec<usize> =
                faults.iter().filter(|it| is_untold(it)).map(|it| it.rule).collect();
            untold.dedup();
            let untold = untold.into_iter().filter_map(|index| rules.get(index));
            untold.map(|of| finding((rule, of), going, &now, None)).collect()
        }
    }
}

/// The catalog when it is done.
fn without(catalog: &Catalog, going: &Going<'_>) -> Catalog {
    let mut catalog = catalog.clone();
    if going.is_whole {
        catalog.relations.remove(&going.name);
    } else if let Some(table) = catalog.relations.get_mut(&going.name) {
        let goes = |name: &String| going.columns.contains(&name.as_str());
        table.columns.retain(|column| !goes(&column.name));
        table.keys.retain(|key| !key.columns.iter().any(goes));
    }
    catalog
}

/// `of`: whose places nobody would know.
fn finding(
    (rule, of): (&Rule, &Rule),
    going: &Going<'_>,
    now: &[String],
    then: Option<&[String]>,
) -> Finding {
    let name = &going.name;
    let goes = match (going.is_whole, &rule.change) {
        (true, _) => format!("table \"{name}\" is dropped"),
        (false, Change::SplitTable(_)) => format!("what has moved is dropped from \"{name}\""),
        (
            false,
            Change::RenameColumn(_)
            | Change::RenameInPlace(_)
            | Change::ChangeColumn { .. }
            | Change::BackfillColumn(_)
            | Change::MergeTables(_),
        ) => {
            let column = going.columns.first().copied().unwrap_or_default();
            format!("column \"{column}\" is dropped from \"{name}\"")
        }
    };
    let order = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        names.join(", ")
    };
    let now_shown = order(now);
    let told = match then {
        Some(then) => format!("give {} and no longer {now_shown}", order(then)),
        None => format!("cannot be served, since nothing tells that they give {now_shown}"),
    };
    let entry = match (going.is_whole, of.name == rule.name) {
        (true, _) => "its [[migration.source]]".to_owned(),
        (false, true) => "the migration".to_owned(),
        (false, false) => format!("migration \"{}\"", of.name),
    };
    let message = format!(
        "once {goes}, SELECT * and INSERT without a list {told}: add to {entry} in the configuration, before that"
    );
    let remedy = told_by(of, name, now);
    let to = Phase::Contract;
    let found =
        Finding::new(rule, to, Severity::LosesData, About::Positions, message, Some(remedy));
    Finding { by_hand: true, ..found }
}

/// What tells where the columns of a migration stand, as its configuration says it.
fn told_by(rule: &Rule, table: &RelationName, now: &[String]) -> String {
    let mut all = going(&rule.change).into_iter();
    let columns = all.find(|it| it.name == *table).map(|it| it.columns).unwrap_or_default();
    let stands = now.iter().enumerate().filter(|(_, name)| columns.contains(&name.as_str()));
    let mut places = stands.map(|(at, name)| (name, at.saturating_add(1)));
    match &rule.change {
        Change::SplitTable(_) | Change::MergeTables(_) => {
            let places = places.map(|(name, place)| format!("{} = {place}", key(name)));
            format!("positions = {{ {} }}", places.collect::<Vec<String>>().join(", "))
        }
        Change::RenameColumn(_)
        | Change::RenameInPlace(_)
        | Change::ChangeColumn { .. }
        | Change::BackfillColumn(_) => {
            format!("position = {}", places.next().map_or(0, |(_, place)| place))
        }
    }
}

/// A key as TOML writes it.
fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    match name.chars().all(is_bare) {
        true => name.to_owned(),
        false => toml::Value::String(name.to_owned()).to_string(),
    }
}
