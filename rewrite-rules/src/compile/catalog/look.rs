//! How one governed table looks in the catalog: which of its columns show, under which names and
//! numbers, and what they promise.
//!
//! Where the shown column exists, everything of the other one is out of sight. Where it does not,
//! or no longer promises what it did, the other one stands for it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Pair, Place};
use crate::catalog::{Column, Relation};
use crate::lens::Lens;

/// What the catalog shows of a table's columns. Numbers are `attnum`s.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Columns that do not show, dropped ones included.
    pub(super) hidden: BTreeSet<u16>,
    /// What physical numbers are to the client.
    pub(super) numbers: BTreeMap<u16, u16>,
    /// What the client's numbers are physically.
    pub(super) physical: BTreeMap<u16, u16>,
    /// The names of columns that show under another one.
    pub(super) names: BTreeMap<u16, String>,
    /// For each pair the name of the other column, and the one that it has for the client.
    pub(super) renames: Vec<(String, String)>,
    /// Names that the client may use although no column has them, and the physical ones.
    pub(super) stand_ins: Vec<(String, String)>,
    /// The types of columns that show with another one.
    pub(super) types: BTreeMap<u16, ShownType>,
    /// Columns that show another's NOT NULL.
    pub(super) not_null: BTreeMap<u16, bool>,
    /// Columns that show another's default, if it has one.
    pub(super) default_of: BTreeMap<u16, u16>,
    /// Columns whose defaults do not show.
    pub(super) hidden_defaults: BTreeSet<u16>,
    /// `relnatts`, where it is another.
    pub(super) attributes: Option<u16>,
    /// CHECK constraints that do not show.
    pub(super) hidden_checks: usize,
    /// Columns that another table holds, and their numbers to the client.
    pub(super) lent: BTreeMap<String, u16>,
}

/// A column that only another table holds.
pub(super) struct Apart<'a> {
    pub(super) name: &'a str,
    /// Where it stood, or stands still.
    pub(super) place: Option<Place>,
}

/// A type as `format_type` gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ShownType {
    /// Without its modifier.
    pub(super) base: String,
    /// `atttypmod`.
    pub(super) modifier: i32,
}

impl ShownType {
    /// The type of a pair's shown column, if the other one has another.
    pub(super) fn of(pair: &Pair<'_>) -> Option<Self> {
        (pair.shown.type_name != pair.other.type_name).then(|| Self {
            base: pair.shown.base_type.clone(),
            modifier: modifier(&pair.shown.type_name),
        })
    }
}

impl Look {
    /// `unknown` are columns that have no counterpart in the client's shape.
    pub(super) fn new(
        lens: &Lens,
        table: &Relation,
        pairs: &[Pair<'_>],
        unknown: &[&str],
        apart: &[Apart<'_>],
    ) -> Self {
        let mut look = Self::default();
        look.place(lens, table, pairs, apart);
        for pair in pairs {
            look.pair(pair, table);
        }
        let apart = apart.iter().map(|column| &column.name);
        let unknown = unknown.iter().chain(apart).filter_map(|name| table.column(name));
        look.hidden_defaults.extend(unknown.map(|column| column.number));
        look
    }

    /// Whether the catalog shows the table as it is.
    pub(super) fn is_plain(&self) -> bool {
        self == &Self { renames: self.renames.clone(), ..Self::default() }
    }

    /// Gives each shown column its number.
    fn place(&mut self, lens: &Lens, table: &Relation, pairs: &[Pair<'_>], apart: &[Apart<'_>]) {
        let mut last = table.attribute_count;
        let shown: Vec<Shown<'_>> = lens
            .shown()
            .filter_map(|column| {
                let own = table.column(&column.name).map(|found| found.number);
                let name = column.name.as_str();
                if let Some(apart) = apart.iter().find(|it| it.name == name) {
                    let told = || match apart.place? {
                        Place::Shown(_) => None,
                        Place::Number(number) => Some(number),
                    };
                    return Some(Shown { name, source: None, wanted: own.or_else(told) });
                }
                let pair = pairs.iter().find(|pair| pair.shown.name == column.name);
                let source = own.or_else(|| table.column(&pair?.other.name).map(|it| it.number))?;
                let wanted = own.or_else(|| match pair?.place {
                    Place::Shown(_) => None,
                    Place::Number(number) if number <= table.attribute_count => Some(number),
                    Place::Number(_) => {
                        last = last.saturating_add(1);
                        Some(last)
                    }
                });
                Some(Shown { name, source: Some(source), wanted })
            })
            .collect();
        let sources: BTreeSet<u16> = shown.iter().filter_map(|column| column.source).collect();
        let live: BTreeSet<u16> = table.columns.iter().map(|column| column.number).collect();
        let dropped: BTreeSet<u16> =
            (1..=table.attribute_count).filter(|number| !live.contains(number)).collect();
        let given = numbers(&shown, &dropped, table.attribute_count);
        self.hidden.extend(live.difference(&sources));
        // A number that is given anew cannot also be that of a dropped column.
        let renumbered = shown.iter().zip(&given).any(|(column, given)| {
            column.source.is_some_and(|own| column.wanted == Some(own) && *given != own)
        });
        self.hidden.extend(dropped.iter().filter(|it| renumbered || given.contains(it)));
        for (column, given) in shown.iter().zip(&given) {
            match column.source {
                None => {
                    self.lent.insert(column.name.to_owned(), *given);
                }
                Some(source) if source != *given => {
                    self.numbers.insert(source, *given);
                    self.physical.insert(*given, source);
                }
                Some(_) => {}
            }
        }
        let last = dropped.difference(&self.hidden).chain(&given).copied().max().unwrap_or(0);
        self.attributes = (last != table.attribute_count).then_some(last);
    }

    /// What the other column of a pair lends to the shown one.
    fn pair(&mut self, pair: &Pair<'_>, table: &Relation) {
        self.renames.push((pair.other.name.clone(), pair.shown.name.clone()));
        let Some(other) = table.column(&pair.other.name) else { return };
        match table.column(&pair.shown.name) {
            Some(shown) => self.beside(pair, shown, other),
            None => {
                self.names.insert(other.number, pair.shown.name.clone());
                self.stand_ins.push((pair.shown.name.clone(), other.name.clone()));
                self.types.extend(ShownType::of(pair).map(|shown| (other.number, shown)));
            }
        }
    }

    fn beside(&mut self, pair: &Pair<'_>, shown: &Column, other: &Column) {
        // Whatever shows although it hangs on the other column hangs on the shown one.
        let number = self.numbers.get(&shown.number).copied().unwrap_or(shown.number);
        self.numbers.insert(other.number, number);
        let lends = !pair.is_complete && shown.default.is_none();
        if lends && other.default.is_some() {
            self.default_of.insert(shown.number, other.number);
        } else {
            self.hidden_defaults.insert(other.number);
        }
        if !pair.is_complete && shown.not_null != other.not_null {
            self.not_null.insert(shown.number, other.not_null);
        }
    }
}

/// A shown column: the physical one that it is, if it is one of the table's, and the number that it should have.
struct Shown<'a> {
    name: &'a str,
    source: Option<u16>,
    wanted: Option<u16>,
}

/// A number for each shown column, ascending.
///
/// A column that is gone takes the place of a dropped one; where the catalog has none at that
/// place, as after a restored dump, all are counted anew.
fn numbers(shown: &[Shown<'_>], dropped: &BTreeSet<u16>, attributes: u16) -> Vec<u16> {
    let mut given: Vec<u16> = Vec::new();
    for (at, column) in shown.iter().enumerate() {
        let before = given.last().copied().unwrap_or(0);
        let next = shown.iter().skip(at + 1).find_map(|later| later.wanted);
        let between = |number: &u16| *number > before && next.is_none_or(|next| *number < next);
        given.push(match column.wanted {
            Some(wanted) => wanted,
            None => dropped
                .iter()
                .copied()
                .chain(column.source)
                .filter(between)
                .min()
                .unwrap_or_else(|| attributes.max(before).saturating_add(1)),
        });
    }
    let ascending = given.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    match ascending {
        true => given,
        false => (1..).zip(shown).map(|(number, _)| number).collect(),
    }
}

/// `atttypmod` of a type with its modifier, as far as PostgreSQL's own types have one.
fn modifier(type_name: &str) -> i32 {
    /// Length word of a string, which is counted.
    const VARHDRSZ: i32 = 4;
    let inside = type_name.split_once('(').and_then(|(head, rest)| {
        let (numbers, _) = rest.split_once(')')?;
        let numbers: Option<Vec<i32>> = numbers.split(',').map(|n| n.trim().parse().ok()).collect();
        Some((head.trim().to_ascii_lowercase(), numbers?))
    });
    let Some((head, numbers)) = inside else {
        return match type_name.trim().to_ascii_lowercase().as_str() {
            "character" | "char" => 1 + VARHDRSZ,
            "bit" => 1,
            _ => -1,
        };
    };
    match (head.as_str(), numbers.as_slice()) {
        ("character varying" | "varchar" | "character" | "char" | "bpchar", [length]) => {
            length + VARHDRSZ
        }
        ("numeric" | "decimal", [precision, scale]) => {
            ((precision << 16) | (scale & 0x7ff)) + VARHDRSZ
        }
        ("numeric" | "decimal", [precision]) => (precision << 16) + VARHDRSZ,
        (
            "bit" | "bit varying" | "varbit" | "timestamp" | "timestamptz" | "time" | "timetz",
            [one],
        ) => *one,
        _ => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(shown: &[(u16, Option<u16>)], dropped: &[u16], attributes: u16) -> Vec<u16> {
        let of = |&(source, wanted)| Shown { name: "", source: Some(source), wanted };
        let shown: Vec<Shown<'_>> = shown.iter().map(of).collect();
        numbers(&shown, &dropped.iter().copied().collect(), attributes)
    }

    #[test]
    fn a_column_that_is_gone_takes_a_number_at_its_place() {
        // id, username (2, dropped), email, handle.
        assert_eq!(given(&[(1, Some(1)), (4, Some(2)), (3, Some(3))], &[2], 4), [1, 2, 3]);
        // Only the position is known, and two numbers are free there.
        assert_eq!(given(&[(1, Some(1)), (5, None), (4, Some(4))], &[2, 3], 5), [1, 2, 4]);
        // At the end, where the other column makes room.
        assert_eq!(given(&[(1, Some(1)), (2, Some(2)), (3, None)], &[], 3), [1, 2, 3]);
        // A restored dump: no number is free between the neighbours.
        assert_eq!(given(&[(1, Some(1)), (3, None), (2, Some(2))], &[], 3), [1, 2, 3]);
        // A column that is not there yet comes last.
        assert_eq!(given(&[(1, Some(1)), (3, Some(3)), (2, Some(4))], &[], 3), [1, 3, 4]);
    }

    #[test]
    fn modifiers_are_stored_as_postgresql_stores_them() {
        for (type_name, expected) in [
            ("text", -1),
            ("character varying(50)", 54),
            ("character(3)", 7),
            ("numeric(10,2)", 655_366),
            ("timestamp(3) with time zone", 3),
            ("bit(5)", 5),
            ("integer[]", -1),
        ] {
            assert_eq!(modifier(type_name), expected, "{type_name}");
        }
    }
}
