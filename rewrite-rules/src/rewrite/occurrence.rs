//! A place where a governed table is used, and how it stands in the rewritten text.
//!
//! Three ways there are, the first that will do is taken:
//!
//! 1. **As it is**, each governed name replaced where it stands. Changes nothing else.
//! 2. **A derived table**, `(SELECT id, handle AS username FROM users) AS users`: shows just the
//!    shape that the client knows. PostgreSQL flattens it to the same plan. Not where it would
//!    change a meaning: system columns, functional dependency on the primary key, TABLESAMPLE.
//! 3. **A list of column aliases**, `users AS users(id, segue_0_2, email, username)`: keeps all of
//!    that, and costs nothing, but cannot convert a value. It names every column, so that a column
//!    dropped behind our back makes it fail instead of shifting silently.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rewriter, Walk};
use crate::lens::{Access, Lens, LogicalColumn, Rows};
use crate::name;
use crate::refusal::Refusal;

/// One place where a governed table is used.
#[derive(Debug)]
pub(crate) struct Occurrence<'a> {
    pub(super) lens: &'a Lens,
    /// Bytes of the table's name, `ONLY` included; `None` for a statement's target and EXCLUDED.
    pub(super) span: Option<(usize, usize)>,
    /// The same, of a statement's target too.
    pub(super) written: Option<(usize, usize)>,
    /// The client's alias, if it gave one.
    pub(super) alias: Option<Alias>,
    /// How SQL text refers to it.
    pub(super) reference: String,
    /// What the table as it is would get wrong, and a word for it.
    pub(super) needs: Option<(Need, &'static str)>,
    /// Whether a derived table is better although the table as it is will do.
    pub(super) prefers_derived: bool,
    /// Why it cannot become a derived table.
    pub(super) fixed: Option<&'static str>,
    /// Whether only its schema tells it from another table of its name, so that it can take no
    /// alias.
    pub(super) needs_its_schema: bool,
    /// Whether it may be missing from a joined row, so that its whole row is NULL.
    pub(super) may_be_missing: bool,
    /// System columns of a catalog that are named.
    pub(super) system: BTreeSet<String>,
    /// Whether its rows may be locked or written.
    pub(super) is_held: bool,
    /// Whether they are.
    pub(super) is_locked: bool,
    /// The client's clause that locks them and nothing else.
    pub(super) lock: Option<super::halves::LockClause>,
    /// Whether its query finds its rows before it locks them.
    pub(super) is_staged: bool,
    /// Whether anything is read of it that another table holds.
    pub(super) is_joined: bool,
    /// Whether it is a statement's target that a derived table stands for, which we spell out.
    pub(super) is_apart: bool,
    /// Whether each name stands where the table is written that holds it.
    pub(super) is_in_place: bool,
    /// How it stands; decided once all is known.
    pub(super) stance: Stance,
}

/// A FROM item's alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alias {
    /// Byte behind the alias itself.
    pub(super) end: usize,
    /// Byte behind the list of column aliases, if there is one.
    pub(super) list_end: Option<usize>,
    /// The column aliases as they are written.
    pub(super) columns: Vec<String>,
}

/// What the table as it is would get wrong, from the easiest to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// A physical column that the client does not know must be out of sight.
    Hidden,
    /// Columns must have the names that the client knows, for a NATURAL join or USING.
    Named,
    /// The client's own list of column aliases counts logical columns.
    Counted,
    /// The table must have the logical columns and no others.
    Shaped,
}

/// How an occurrence stands in the rewritten text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stance {
    AsItIs,
    Derived,
    Listed,
}

impl<'a> Occurrence<'a> {
    /// One that no FROM spells out, of which nothing is known yet.
    pub(super) fn new(lens: &'a Lens, reference: String) -> Self {
        Self {
            lens,
            span: None,
            written: None,
            alias: None,
            reference,
            needs: None,
            prefers_derived: false,
            fixed: None,
            needs_its_schema: false,
            may_be_missing: false,
            system: BTreeSet::new(),
            is_held: false,
            is_locked: false,
            lock: None,
            is_staged: false,
            is_joined: false,
            is_apart: false,
            is_in_place: false,
            stance: Stance::AsItIs,
        }
    }
}

impl Occurrence<'_> {
    /// Whether every shown column is a physical one under another name.
    fn only_renames(&self) -> bool {
        let is_own = |access: &Access| access.through.is_none() && access.beside.is_none();
        self.lens.shown().all(|column| is_own(self.access(column)))
    }

    fn decide(&self) -> Option<Stance> {
        if self.lens.stands_as.is_some() {
            return Some(self.catalog_stance());
        }
        if self.is_apart {
            return self.fixed.is_none().then_some(Stance::Derived);
        }
        if self.is_in_place {
            return Some(Stance::AsItIs);
        }
        let can_derive = self.fixed.is_none() && self.span.is_some();
        if self.lens.is_elsewhere() {
            let is_derived = self.lens.is_filtered()
                || self.is_joined
                || self.needs.is_some()
                || self.prefers_derived;
            return match is_derived {
                _ if self.needs_its_schema => None,
                true => can_derive.then_some(Stance::Derived),
                false => Some(Stance::AsItIs),
            };
        }
        if let Some(over) = self.over() {
            let is_derived =
                over.rows == Rows::Both || self.needs.is_some() || self.prefers_derived;
            return match is_derived {
                _ if self.needs_its_schema => None,
                true => can_derive.then_some(Stance::Derived),
                false => Some(Stance::AsItIs),
            };
        }
        // The table as it is is what the client knows.
        if self.lens.over.is_some() {
            return Some(Stance::AsItIs);
        }
        if self.is_joined {
            return (can_derive && !self.needs_its_schema).then_some(Stance::Derived);
        }
        if self.needs_its_schema {
            return self.needs.is_none().then_some(Stance::AsItIs);
        }
        match self.needs {
            None if self.prefers_derived && can_derive => Some(Stance::Derived),
            None => Some(Stance::AsItIs),
            Some(_) if can_derive => Some(Stance::Derived),
            Some((need, _)) if self.span.is_some() => match need {
                Need::Hidden => Some(Stance::Listed),
                Need::Named | Need::Counted if self.only_renames() => Some(Stance::Listed),
                Need::Named | Need::Counted | Need::Shaped => None,
            },
            Some(_) => None,
        }
    }
}

impl<'a> Rewriter<'a> {
    /// Notes what the table as it is would get wrong.
    pub(super) fn need(&mut self, occurrence: usize, need: Need, reason: &'static str) {
        if let Some(found) = self.occurrences.get_mut(occurrence)
            && found.needs.is_none_or(|(known, _)| known < need)
        {
            found.needs = Some((need, reason));
        }
    }

    /// Marks an occurrence as one that cannot become a derived table.
    pub(super) fn fix(&mut self, occurrence: usize, reason: &'static str) {
        if let Some(found) = self.occurrences.get_mut(occurrence) {
            found.fixed.get_or_insert(reason);
        }
    }

    /// Decides how each occurrence stands, or refuses where it cannot.
    pub(super) fn settle(&mut self) -> Walk<()> {
        self.settle_row_locks();
        self.settle_joined()?;
        self.check_cursors()?;
        self.settle_halves()?;
        for occurrence in &mut self.occurrences {
            let Some(stance) = occurrence.decide() else {
                let schema =
                    occurrence.needs_its_schema.then_some("a table of the same name beside it");
                let reason = occurrence.fixed.or(occurrence.needs.map(|(_, reason)| reason));
                let reason = schema.or(reason);
                let reason = reason.unwrap_or_default();
                return Err(Box::new(Refusal::no_derived_table(reason, occurrence.lens)));
            };
            occurrence.stance = stance;
        }
        Ok(())
    }

    /// How an occurrence stands.
    pub(super) fn stance(&self, occurrence: usize) -> Stance {
        self.occurrences.get(occurrence).map_or(Stance::AsItIs, |found| found.stance)
    }

    /// Puts derived tables and lists of column aliases where they are needed.
    pub(super) fn emit_occurrences(&mut self) {
        for at in 0..self.occurrences.len() {
            let Some(occurrence) = self.occurrences.get(at) else { continue };
            if let (Some(other), Stance::AsItIs) = (occurrence.elsewhere(), occurrence.stance) {
                let Some((start, end)) = occurrence.written else { continue };
                let mut text = super::joined::relation(other);
                if occurrence.alias.is_none() {
                    text.push_str(&format!(" AS {}", occurrence.reference));
                }
                self.edits.replace(start, end, vec![text.into()]);
                continue;
            }
            let Some((start, end)) = occurrence.span else { continue };
            match occurrence.stance {
                Stance::AsItIs => {}
                Stance::Derived => {
                    let table = match &occurrence.lens.among {
                        Some(among) => super::joined::relation(&among.relation),
                        None => self.slice((start, end)).to_owned(),
                    };
                    let table = table.as_str();
                    let lock = occurrence.lock.clone();
                    let lock =
                        lock.filter(|_| occurrence.is_joined && occurrence.lens.over.is_none());
                    let shown = match &lock {
                        Some(clause) => format!("({})", occurrence.locked(table, clause, self)),
                        None => format!("({})", occurrence.derived(table)),
                    };
                    let mut text = occurrence.stand_in().unwrap_or(shown);
                    if occurrence.alias.is_none() {
                        text.push_str(&format!(" AS {}", occurrence.reference));
                    }
                    self.edits.replace(start, end, vec![text.into()]);
                    if let Some(clause) = lock {
                        self.edits.replace(clause.span.0, clause.span.1, Vec::new());
                    }
                }
                Stance::Listed => self.emit_list(at, end),
            }
        }
    }

    /// `users AS users(id, segue_0_2, email, username)`.
    fn emit_list(&mut self, at: usize, end: usize) {
        let Some(occurrence) = self.occurrences.get(at) else { return };
        let names = self.listed_names(at);
        let relation = self.generation.catalog().relation(&occurrence.lens.relation);
        let columns = relation.into_iter().flat_map(|relation| &relation.columns);
        let list: Vec<String> = columns
            .map(|column| names.get(column.name.as_str()).cloned().unwrap_or_default())
            .collect();
        let list = format!("({})", list.join(", "));
        match &occurrence.alias {
            None => {
                let text = format!(" AS {}{list}", occurrence.reference);
                self.edits.insert(end, vec![text.into()]);
            }
            Some(Alias { end, list_end: None, .. }) => {
                self.edits.insert(*end, vec![list.into()]);
            }
            Some(Alias { end, list_end: Some(list_end), .. }) => {
                self.edits.replace(*end, *list_end, vec![list.into()]);
            }
        }
    }

    /// The alias of each physical column in a list: the name by which the client knows it, or one
    /// that nobody uses.
    fn listed_names(&self, at: usize) -> BTreeMap<&'a str, String> {
        let Some(occurrence) = self.occurrences.get(at) else { return BTreeMap::new() };
        let lens: &'a Lens = occurrence.lens;
        let own = occurrence.alias.iter().flat_map(|alias| &alias.columns);
        let own = own.map(Some).chain(std::iter::repeat(None));
        let mut names = BTreeMap::new();
        for (column, own) in lens.shown().zip(own) {
            let access = occurrence.access(column);
            if access.through.is_none() {
                let name = own.cloned().unwrap_or_else(|| name::quoted(&column.name));
                names.insert(access.column.as_str(), name);
            }
        }
        let relation = self.generation.catalog().relation(&lens.relation);
        for column in relation.into_iter().flat_map(|relation| &relation.columns) {
            names
                .entry(column.name.as_str())
                .or_insert_with(|| format!("segue_{at}_{}", column.number));
        }
        names
    }

    /// SQL text that reads a logical column of an occurrence; `qualifier` ends with a dot or is
    /// empty.
    pub(super) fn read(&self, at: usize, column: &LogicalColumn, qualifier: &str) -> String {
        let access = self.occurrences.get(at).map_or(&column.get, |found| found.access(column));
        match self.stance(at) {
            Stance::AsItIs => access.read(qualifier),
            Stance::Derived => {
                format!("{qualifier}{}", name::quoted(&self.derived_name(at, column)))
            }
            Stance::Listed => {
                let names = self.listed_names(at);
                let listed = names.get(access.column.as_str()).cloned().unwrap_or_default();
                let value = format!("{qualifier}{listed}");
                match &access.through {
                    Some(through) => through.around(&value),
                    None => value,
                }
            }
        }
    }

    /// The name of a logical column of a derived table, which shows the client's shape: a name of
    /// the other shape has the same value under the name that is shown.
    fn derived_name(&self, at: usize, column: &LogicalColumn) -> String {
        let lens = self.occurrences.get(at).map(|found| found.lens).filter(|_| !column.shown);
        let same = lens.and_then(|lens| lens.shown().find(|shown| shown.get == column.get));
        same.unwrap_or(column).name.clone()
    }

    /// Whether a derived table would have the column's value.
    pub(super) fn derivable(lens: &Lens, column: &LogicalColumn) -> bool {
        column.shown || lens.shown().any(|shown| shown.get == column.get)
    }
}
