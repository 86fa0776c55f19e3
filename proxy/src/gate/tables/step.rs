//! The step that is judged: the migration, its two tables, and what is called how in each.

use rewrite_rules::catalog::{Catalog, Column, Relation, RelationName};
use rewrite_rules::compile::renamed_by;
use rewrite_rules::name::quoted;
use rewrite_rules::rule::{MergeSource, MergeTables, SplitTable};
use rewrite_rules::{Phase, Rule};

use crate::config::parse_relation_name;
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::indexes::Index;
use crate::gate::step::{Move, sql};

/// A step of a migration by which columns of one table move to another.
pub(in crate::gate) struct Step<'a> {
    pub(in crate::gate) rule: &'a Rule,
    pub(in crate::gate) to: Phase,
    /// The table that they move to, for a message.
    pub(in crate::gate) into: String,
    /// The table that they come from.
    pub(in crate::gate) old: Table<'a>,
    key: Vec<(&'a str, &'a str)>,
    moved: Vec<(&'a str, &'a str)>,
    /// Where the old table goes away as a whole: what its rows are in the new one.
    pub(in crate::gate) part: Option<Part<'a>>,
}

/// What the rows of a table that is merged are in the new one.
pub(in crate::gate) struct Part<'a> {
    /// The column that tells whether there is one.
    pub(in crate::gate) present: Option<&'a str>,
    /// All columns that rows of any of the tables fill, but for the key.
    filled: Vec<&'a str>,
}

/// One of its tables.
pub(in crate::gate) struct Table<'a> {
    pub(in crate::gate) oid: u32,
    pub(in crate::gate) name: RelationName,
    /// The name as SQL writes it.
    pub(in crate::gate) sql: String,
    pub(in crate::gate) relation: &'a Relation,
}

/// Which of the old table's columns something is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gate) enum Over {
    /// None that moves.
    Kept,
    /// Columns that move, and at most the key besides.
    Moved,
    /// Columns that move and such as stay: nothing is over both tables.
    Both,
}

impl<'a> Table<'a> {
    pub(in crate::gate) fn find(written: &str, catalog: &'a Catalog) -> Option<Self> {
        let name = parse_relation_name(written)?;
        let relation = catalog.relation(&name)?;
        Some(Self { oid: relation.oids.relation, sql: sql(&name), name, relation })
    }

    /// Whether the server has it: where a way is only told, what one step makes is supposed in the next.
    pub(in crate::gate) fn is_there(&self) -> bool {
        self.oid != 0
    }

    /// The numbers of its columns of those names.
    pub(in crate::gate) fn numbers<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Vec<i16> {
        let known = names.into_iter().filter_map(|name| self.relation.column(name));
        known.filter_map(number).collect()
    }

    /// The name of its column of that number.
    pub(in crate::gate) fn column(&self, wanted: i16) -> Option<&'a str> {
        let mut columns = self.relation.columns.iter();
        columns.find(|column| number(column) == Some(wanted)).map(|column| column.name.as_str())
    }

    /// The names of the columns that an index of it is over.
    pub(in crate::gate) fn columns_of(&self, index: &Index) -> Vec<&'a str> {
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
    pub(in crate::gate) fn of_split(
        rule: &'a Rule,
        split: &'a SplitTable,
        to: Phase,
        catalog: &'a Catalog,
    ) -> Option<Self> {
        Some(Self {
            rule,
            to,
            into: shown(&split.into),
            old: Table::find(&split.table, catalog)?,
            key: split.key.pairs().collect(),
            moved: split.columns.pairs().collect(),
            part: None,
        })
    }

    /// `None` if the table does not exist.
    pub(in crate::gate) fn of_source(
        rule: &'a Rule,
        merge: &'a MergeTables,
        source: &'a MergeSource,
        to: Phase,
        catalog: &'a Catalog,
    ) -> Option<Self> {
        let columns = merge.sources.iter().flat_map(|it| it.columns.pairs().map(|(_, to)| to));
        let present = merge.sources.iter().filter_map(|it| it.present.as_deref());
        Some(Self {
            rule,
            to,
            into: shown(&merge.into),
            old: Table::find(&source.table, catalog)?,
            key: merge.key_of(source).collect(),
            moved: source.columns.pairs().collect(),
            part: Some(Part {
                present: source.present.as_deref(),
                filled: columns.chain(present).collect(),
            }),
        })
    }

    pub(in crate::gate) fn way(&self) -> Move {
        Move::between(self.rule.phase, self.to)
    }

    /// Each moved column with its name in the new table.
    pub(in crate::gate) fn moved(&self) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.moved.iter().copied()
    }

    /// Each column of the key with its name in the new table.
    pub(in crate::gate) fn key(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.key.iter().copied()
    }

    /// Each column of the old table that is left behind, with its name in the new one.
    pub(in crate::gate) fn left(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.key().filter(|_| self.part.is_some()).chain(self.moved())
    }

    /// The columns of the new table that writers of any old one fill, but for the key.
    pub(in crate::gate) fn filled(&self) -> Vec<&'a str> {
        match &self.part {
            Some(part) => part.filled.clone(),
            None => self.moved().map(|(_, to)| to).collect(),
        }
    }

    /// The column of the new table that tells whether there is a row of the old one.
    pub(in crate::gate) fn present(&self) -> Option<&'a str> {
        self.part.as_ref().and_then(|part| part.present)
    }

    /// Whether something over these columns of the new table is for this old one to say anything of.
    pub(in crate::gate) fn concerns<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        let is_own = |name: &str| self.name_here(name).is_some() || self.present() == Some(name);
        self.part.is_none() || names.into_iter().all(is_own)
    }

    /// What a column of the old table is called in the new one, if it is there.
    pub(in crate::gate) fn name_there(&self, name: &str) -> Option<&'a str> {
        self.key().chain(self.moved()).find(|(from, _)| *from == name).map(|(_, to)| to)
    }

    pub(in crate::gate) fn name_here(&self, name: &str) -> Option<&'a str> {
        self.key().chain(self.moved()).find(|(_, to)| *to == name).map(|(from, _)| from)
    }

    /// The server's text about the old table, with the names that the columns have in the new one.
    pub(in crate::gate) fn there(&self, text: &str) -> String {
        renamed_by(text, &|name| self.name_there(name))
    }

    /// The other way round.
    pub(in crate::gate) fn here(&self, text: &str) -> String {
        renamed_by(text, &|name| self.name_here(name))
    }

    /// The number that a column of the old table has in the new one.
    pub(in crate::gate) fn number_there(&self, new: &Table<'_>, number: i16) -> i16 {
        let there = self.old.column(number).and_then(|name| self.name_there(name));
        new.numbers(there).first().copied().unwrap_or(0)
    }

    /// What columns of the old table are, taken together.
    pub(in crate::gate) fn over<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Over {
        if self.part.is_some() {
            return Over::Moved;
        }
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
    pub(in crate::gate) fn counterpart_name(&self, new: &RelationName, name: &str) -> String {
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

    pub(in crate::gate) fn finding(
        &self,
        severity: Severity,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        Finding::new(self.rule, self.to, severity, about, message, remedy)
    }

    /// A finding that nobody may overrule: the phase would not be what it is called.
    pub(in crate::gate) fn not_ready(
        &self,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        Finding { forcible: false, ..self.finding(Severity::Risky, about, message, remedy) }
    }
}

/// A table as a message names it between quotes: of quotes of its own there would be too many.
pub(in crate::gate) fn shown(written: &str) -> String {
    let name = parse_relation_name(written).filter(|_| written.contains('"'));
    name.map_or_else(|| written.to_owned(), |name| name.to_string())
}

/// Names as SQL lists them.
pub(in crate::gate) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<String>>().join(", ")
}
