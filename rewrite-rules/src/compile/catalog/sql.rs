//! Pieces of SQL text that mean the same in every session.

use std::fmt::Write as _;

pub(super) use crate::name::literal;

/// A literal of a name.
pub(super) fn name_literal(name: &str) -> String {
    format!("{}::pg_catalog.name", literal(name))
}

/// Whether `value` is one of these oids.
pub(super) fn is_one_of(value: &str, oids: &[u32]) -> String {
    match oids {
        [only] => format!("{value} = {only}::pg_catalog.oid"),
        several => {
            let list: Vec<String> = several.iter().map(u32::to_string).collect();
            format!("{value} = ANY ('{{{}}}'::pg_catalog.oid[])", list.join(","))
        }
    }
}

/// A number of a column.
pub(super) fn number(number: u16) -> String {
    format!("{number}::pg_catalog.int2")
}

/// A choice by conditions, the first that holds; without any, `otherwise`.
#[derive(Debug, Default)]
pub(super) struct Choice {
    arms: String,
}

impl Choice {
    pub(super) fn when(&mut self, condition: &str, value: &str) {
        let _ = write!(self.arms, " WHEN {condition} THEN {value}");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.arms.is_empty()
    }

    pub(super) fn otherwise(&self, otherwise: &str) -> String {
        match self.arms.as_str() {
            "" => otherwise.to_owned(),
            arms => format!("CASE{arms} ELSE {otherwise} END"),
        }
    }
}

/// A choice by the value of `subject`.
pub(super) fn choice_of<'i>(
    subject: &str,
    arms: impl Iterator<Item = (String, String)> + 'i,
    otherwise: &str,
) -> String {
    let mut text = String::new();
    for (value, result) in arms {
        let _ = write!(text, " WHEN {value} THEN {result}");
    }
    match text.as_str() {
        "" => otherwise.to_owned(),
        arms => format!("CASE {subject}{arms} ELSE {otherwise} END"),
    }
}
