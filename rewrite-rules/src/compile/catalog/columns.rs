//! `pg_attribute` and `pg_attrdef`: the columns themselves, with their types and defaults.

use std::collections::BTreeSet;

use super::Picture;
use super::bodies::{Body, CATALOG, by_table, hide_numbers};
use super::look::ShownType;
use super::objects::Renaming;
use super::sql::{choice_of, is_one_of, literal, name_literal, number};
use crate::system_catalog::ObjectKind;

pub(super) fn attribute(picture: &Picture) -> Body {
    let mut body = Body::default();
    let by_number = |arms: Vec<(String, String)>, column: &str| {
        let otherwise = format!("{CATALOG}.{column}");
        (!arms.is_empty())
            .then(|| choice_of(&format!("{CATALOG}.attnum"), arms.into_iter(), &otherwise))
    };
    let mut names = by_table(picture, "attrelid", |look| {
        let arms = look.names.iter();
        let arms = arms.map(|(at, name)| (at.to_string(), name_literal(name)));
        by_number(arms.collect(), "attname")
    });
    let of_indexes = columns_of_indexes(picture);
    for (condition, renaming) in &of_indexes {
        names.when(condition, &name_literal(&renaming.to));
    }
    body.column("attname", &names);
    for (column, value) in TYPE_COLUMNS {
        let mut choice = by_table(picture, "attrelid", |look| {
            let arms = look.types.iter().map(|(at, shown)| (at.to_string(), value(shown)));
            by_number(arms.collect(), column)
        });
        for (condition, renaming) in &of_indexes {
            if let Some(shown) = &renaming.shown_type {
                choice.when(condition, &value(shown));
            }
        }
        body.column(column, &choice);
    }
    let numbers = by_table(picture, "attrelid", |look| {
        // A column that does not show lends its number's meaning to others, but has no row.
        let shown = look.numbers.iter().filter(|(from, _)| !look.hidden.contains(from));
        let arms = shown.map(|(from, to)| (from.to_string(), number(*to)));
        by_number(arms.collect(), "attnum")
    });
    body.column("attnum", &numbers);
    let not_null = by_table(picture, "attrelid", |look| {
        let arms = look.not_null.iter().map(|(at, value)| (at.to_string(), value.to_string()));
        by_number(arms.collect(), "attnotnull")
    });
    body.column("attnotnull", &not_null);
    let has_default = by_table(picture, "attrelid", |look| {
        let arms = look.default_of.iter().map(|(at, from)| (at.to_string(), has_default(*from)));
        by_number(arms.collect(), "atthasdef")
    });
    body.column("atthasdef", &has_default);
    hide_numbers(picture, &mut body, "attrelid", "attnum", "", |look| {
        look.hidden.iter().copied().collect()
    });
    body.hide_oids("attrelid", &picture.objects.hidden(ObjectKind::Index));
    body
}

/// Which rows are about columns of indexes that show otherwise: an index has columns of its own,
/// with the names and types of the table's.
fn columns_of_indexes(picture: &Picture) -> Vec<(String, &Renaming)> {
    let texts = picture.objects.texts.get(&ObjectKind::Index);
    let condition = |(renaming, indexes): (&'_ Renaming, &BTreeSet<u32>)| {
        let indexes: Vec<u32> = indexes.iter().copied().collect();
        let index = is_one_of(&format!("{CATALOG}.attrelid"), &indexes);
        format!("{index} AND {CATALOG}.attname = {}", name_literal(&renaming.from))
    };
    texts.into_iter().flatten().map(|found| (condition(found), found.0)).collect()
}

fn has_default(number: u16) -> String {
    format!(
        "EXISTS (SELECT FROM pg_catalog.pg_attrdef AS d WHERE d.adrelid = {CATALOG}.attrelid \
         AND d.adnum = {number})"
    )
}

/// The value of a column of `pg_attribute`, of a type.
type TypeValue = fn(&ShownType) -> String;

/// Columns of `pg_attribute` that repeat what `pg_type` says of the type.
const TYPE_COLUMNS: [(&str, TypeValue); 8] = [
    ("atttypid", |shown| of_type(shown, "oid", "atttypid")),
    ("attlen", |shown| of_type(shown, "typlen", "attlen")),
    // Its own type is not the same in all releases; a literal takes that of the other values.
    ("attndims", |shown| literal(if shown.base.ends_with("[]") { "1" } else { "0" })),
    ("atttypmod", |shown| shown.modifier.to_string()),
    ("attbyval", |shown| of_type(shown, "typbyval", "attbyval")),
    ("attalign", |shown| of_type(shown, "typalign", "attalign")),
    ("attstorage", |shown| of_type(shown, "typstorage", "attstorage")),
    ("attcollation", |shown| of_type(shown, "typcollation", "attcollation")),
];

/// What `pg_type` says of a type, or if the server does not know it, the column as it is.
fn of_type(shown: &ShownType, column: &str, otherwise: &str) -> String {
    format!(
        "coalesce((SELECT t.{column} FROM pg_catalog.pg_type AS t \
         WHERE t.oid = pg_catalog.to_regtype({})), {CATALOG}.{otherwise})",
        literal(&shown.base)
    )
}

pub(super) fn attrdef(picture: &Picture) -> Body {
    let mut body = Body::default();
    let numbers = by_table(picture, "adrelid", |look| {
        let shown = look.numbers.iter().filter(|(from, _)| !look.hidden_defaults.contains(from));
        let mut arms = shown.map(|(from, to)| (from.to_string(), number(*to))).peekable();
        let otherwise = format!("{CATALOG}.adnum");
        arms.peek().is_some().then(|| choice_of(&otherwise, arms, &otherwise))
    });
    body.column("adnum", &numbers);
    hide_numbers(picture, &mut body, "adrelid", "adnum", "", |look| {
        look.hidden_defaults.iter().copied().collect()
    });
    body
}
