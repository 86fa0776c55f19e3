//! The step that is judged: the migration, its two tables, and what is called how in each.

use rewrite_rules::catalog::{Catalog, Column, Relation, RelationName};
use rewrite_rules::compile::renamed_by;
use rewrite_rules::name::quoted;
use rewrite_rules::rule::SplitTable;
use rewrite_rules::{Phase, Rule};

use crate::config::parse_relation_name;
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::indexes::Index;
use crate::gate::step::{Move, sql};

/// A step of one splitting.
pub(super) struct Step<'a> {
    pub(super) rule: &'a Rule,
    pub(super) to: Phase,
    pub(super) split: &'a SplitTable,
    /// The table that is split.
    pub(super) old: Table<'a>,
}

/// One of its tables.
pub(super) struct Table<'a> {
    pub(super) oid: u32,
    pub(super) name: RelationName,
    /// The name as SQL writes it.
    pub(super) sql: String,
    pub(super) relation: &'a Relation,
}

/// Which of the old table's columns something is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// None that moves.
    Kept,
    /// Columns that move, and at most the key besides.
    Moved,
    /// Columns that move and such as stay: nothing is over both tables.
    Both,
}

impl<'a> Table<'a> {
    pub(super) fn find(written: &str, catalog: &'a Catalog) -> Option<Self> {
        let name = parse_relation_name(written)?;
        let relation = catalog.relation(&name)?;
        Some(Self { oid: relation.oids.relation, sql: sql(&name), name, relation })
    }

    /// Whether the server has it: where a way is only told, what one step makes is supposed in the next.
    pub(super) fn is_there(&self) -> bool {
        self.oid != 0
    }

    /// The numbers of its columns of those names.
    pub(super) fn numbers<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<i16> {
        let known = names.into_iter().filter_map(|name| self.relation.column(name));
        known.filter_map(number).collect()
    }

    /// The name of its column of that number.
    pub(super) fn column(&self, wanted: i16) -> Option<&'a str> {
        let mut columns = self.relation.columns.iter();
        columns.find(|column| number(column) == Some(wanted)).map(|column| column.name.as_str())
    }

    /// The names of the columns that an index of it is over.
    pub(super) fn columns_of(&self, index: &Index) -> Vec<&'a str> {
        let names = self.relation.columns.iter().map(|column| column.name.as_str());
        names.filter(|name| index.uses(name)).collect()
    }
}

/// An `attnum` is an int2.
fn number(column: &Column) -> Option<i16> {
    i16::try_from(column.number).ok()
}

impl<'a> Step<'a> {
    /// `None` if the table does not exist.
    pub(super) fn new(
        rule: &'a Rule,
        split: &'a SplitTable,
        to: Phase,
        catalog: &'a Catalog,
    ) -> Option<Self> {
        Some(Self { rule, to, split, old: Table::find(&split.table, catalog)? })
    }

    pub(super) fn way(&self) -> Move {
        Move::between(self.rule.phase, self.to)
    }

    /// Each moved column with its name in the new table.
    pub(super) fn moved(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.split.columns.pairs()
    }

    /// Each column of the key with its name in the new table.
    pub(super) fn key(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.split.key.pairs()
    }

    /// What a column of the old table is called in the new one, if it is there.
    pub(super) fn name_there(&self, name: &str) -> Option<&'a str> {
        self.key().chain(self.moved()).find(|(from, _)| *from == name).map(|(_, to)| to)
    }

    fn name_here(&self, name: &str) -> Option<&'a str> {
        self.key().chain(self.moved()).find(|(_, to)| *to == name).map(|(from, _)| from)
    }

    /// The server's text about the old table, with the names that the columns have in the new one.
    pub(super) fn there(&self, text: &str) -> String {
        renamed_by(text, &|name| self.name_there(name))
    }

    /// The other way round.
    pub(super) fn here(&self, text: &str) -> String {
        renamed_by(text, &|name| self.name_here(name))
    }

    /// The number that a column of the old table has in the new one.
    pub(super) fn number_there(&self, new: &Table<'_>, number: i16) -> i16 {
        let there = self.old.column(number).and_then(|name| self.name_there(name));
        new.numbers(there).first().copied().unwrap_or(0)
    }

    /// What columns of the old table are, taken together.
    pub(super) fn over<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Over {
        let (mut moves, mut stays) = (false, false);
        for name in names {
            moves |= self.moved().any(|(from, _)| from == name);
            stays |= self.name_there(name).is_none();
        }
        match (moves, stays) {
            (false, _) => Over::Kept,
            (true, false) => Over::Moved,
            (true, true) => Over::Both,
        }
    }

    /// What the counterpart of an object of the old table is best called.
    pub(super) fn counterpart_name(&self, new: &RelationName, name: &str) -> String {
        let (old, new) = (&self.old.name.name, &new.name);
        let mut wanted = match name.contains(old.as_str()) {
            true => name.replacen(old.as_str(), new, 1),
            false => format!("{new}_{name}"),
        };
        for (from, to) in self.moved().filter(|(from, to)| from != to) {
            wanted = wanted.replacen(from, to, 1);
        }
        wanted
    }

    pub(super) fn finding(
        &self,
        severity: Severity,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        Finding::new(self.rule, self.to, severity, about, message, remedy)
    }

    /// A finding that nobody may overrule: the phase would not be what it is called.
    pub(super) fn not_ready(
        &self,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        Finding { forcible: false, ..self.finding(Severity::Risky, about, message, remedy) }
    }
}

/// Names as SQL lists them.
pub(super) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<String>>().join(", ")
}
