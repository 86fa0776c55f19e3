//! ON CONFLICT: its target, and the assignments that see EXCLUDED.
//!
//! `ON CONFLICT ON CONSTRAINT name` takes the one constraint of that name. Where that went with a
//! column, or is not there yet, the migration may say which other stands for it; where it does not,
//! the statement is refused as long as the name could be meant for one that is left without a pair.

use std::collections::BTreeSet;

use sqlparser::ast::{ConflictTarget, Insert, ObjectName, OnConflict, OnConflictAction};

use super::{Occurrence, Rewriter, Walk};
use crate::catalog::{Key, Relation};
use crate::lens::{Lens, LogicalColumn};
use crate::name;
use crate::refusal::Construct;
use crate::scope::{Columns, Source};
use crate::statement::{end_byte, start_byte};

/// What a constraint's name stands for.
enum Arbiter<'k> {
    /// Whatever PostgreSQL finds under it.
    AsItIs,
    /// A constraint of another name.
    Constraint(&'k str),
    /// A key that is no constraint, or not over the columns that are written.
    Key(&'k Key),
    /// It may be one that is gone, and nothing says which took its place.
    Lost,
}

impl<'a> Rewriter<'a> {
    pub(super) fn on_conflict(
        &mut self,
        insert: &Insert,
        conflict: &OnConflict,
        lens: Option<&'a Lens>,
    ) -> Walk<()> {
        self.conflict_target(insert, conflict, lens)?;
        let OnConflictAction::DoUpdate(update) = &conflict.action else { return Ok(()) };
        let target = self.levels.last().and_then(|level| level.sources.first());
        let target = target.and_then(|source| source.occurrence);
        let excluded = self.excluded(lens);
        if let Some(level) = self.levels.last_mut() {
            level.sources.push(excluded);
        }
        let set = self.set_of_conflict(start_byte(insert.insert_token.0.span))?;
        self.assignments(&update.assignments, set, target)?;
        if let Some(condition) = &update.selection {
            self.expression(condition)?;
        }
        if let Some(level) = self.levels.last_mut() {
            level.sources.pop();
        }
        Ok(())
    }

    /// What stands between ON CONFLICT and DO.
    pub(super) fn conflict_target(
        &mut self,
        insert: &Insert,
        conflict: &OnConflict,
        lens: Option<&'a Lens>,
    ) -> Walk<()> {
        match &conflict.conflict_target {
            Some(ConflictTarget::Columns(columns)) => {
                let mut arbiter = Vec::new();
                for ident in columns {
                    self.account(ident);
                    let wanted = name::folded(ident);
                    let Some((lens, column)) =
                        lens.and_then(|lens| Some((lens, lens.column(&wanted)?)))
                    else {
                        arbiter.push(None);
                        continue;
                    };
                    arbiter.push(self.arbiter_column(lens, column));
                    if !column.own().is(&wanted) {
                        let (start, end) = (start_byte(ident.span), end_byte(ident.span));
                        let text = self.conflict_column(lens, column);
                        self.edits.replace(start, end, vec![text.into()]);
                    }
                }
                let arbiter: Option<Vec<&str>> = arbiter.into_iter().collect();
                if let (Some(lens), Some(arbiter)) = (lens, arbiter) {
                    self.note_mirrors(lens, arbiter);
                }
            }
            Some(ConflictTarget::OnConstraint(constraint)) => {
                self.conflict_constraint(constraint, lens)?;
            }
            None => self.conflict_expressions(insert)?,
        }
        Ok(())
    }

    /// Index of the token behind SET of the INSERT that begins at a byte.
    pub(super) fn set_of_conflict(&self, start: usize) -> Walk<usize> {
        let conflict = self.on_conflict_behind(self.lexeme_at(start) + 1);
        let set = conflict.and_then(|conflict| self.keyword_behind(conflict + 1, "set"));
        set.map_or_else(|| self.refuse(Construct::Unreadable), |set| Ok(set + 1))
    }

    /// The element of a conflict target that a unique index holds for a logical column: a physical
    /// column that is written and has one, or the expression that is read.
    fn conflict_column(&self, lens: &Lens, column: &LogicalColumn) -> String {
        match self.arbiter_column(lens, column) {
            Some(physical) => name::quoted(physical),
            None => format!("({})", column.own().read("")),
        }
    }

    /// The physical column among them, if there is one.
    fn arbiter_column<'l>(&self, lens: &Lens, column: &'l LogicalColumn) -> Option<&'l str> {
        if column.own().through.is_none() {
            return Some(&column.own().column);
        }
        let relation = self.generation.catalog().relation(lens.physical());
        let keys = || relation.into_iter().flat_map(|relation| &relation.keys);
        let written = column.put.iter().map(|access| access.column.as_str());
        written.into_iter().find(|name| keys().any(|key| key.columns.iter().any(|it| it == name)))
    }

    /// A target that is more than a list of columns.
    fn conflict_expressions(&mut self, insert: &Insert) -> Walk<()> {
        let start = self.lexeme_at(start_byte(insert.insert_token.0.span)) + 1;
        let Some(conflict) = self.on_conflict_behind(start) else { return Ok(()) };
        let action = self.keyword_behind(conflict, "do");
        let byte = |at: Option<usize>| {
            at.and_then(|at| self.lexeme(at)).map_or(self.text.len(), |lexeme| lexeme.start)
        };
        self.walk_pieces(byte(Some(conflict)), byte(action))
    }

    pub(super) fn excluded(&mut self, lens: Option<&'a Lens>) -> Source {
        let reference = "excluded".to_owned();
        let columns = match lens {
            Some(lens) => Columns::Known(lens.shown().map(|column| column.name.clone()).collect()),
            None => Columns::Unknown,
        };
        let occurrence = lens.map(|lens| {
            self.occurrences.push(Occurrence {
                fixed: Some("a whole row of EXCLUDED"),
                is_held: true,
                is_in_place: lens.among.is_some() || lens.is_gathered(),
                ..Occurrence::new(lens, reference.clone())
            });
            self.occurrences.len() - 1
        });
        Source {
            name: reference.clone(),
            schema: None,
            columns,
            occurrence,
            reference,
            renamed: false,
            rows: Vec::new(),
        }
    }

    /// `ON CONFLICT ON CONSTRAINT`: a constraint over a column that is no longer written would
    /// never conflict, so its columns are named instead.
    fn conflict_constraint(&mut self, constraint: &ObjectName, lens: Option<&Lens>) -> Walk<()> {
        let parts = name::parts(constraint).unwrap_or_default();
        parts.iter().for_each(|part| self.account(part));
        let (Some(lens), Some(ident)) = (lens, parts.last()) else { return Ok(()) };
        let Some(table) = self.generation.catalog().relation(lens.physical()) else {
            return Ok(());
        };
        let wanted = name::folded(ident);
        let named = |name: &str| table.keys.iter().find(|key| key.name == name);
        match arbiter(lens, table, &wanted) {
            Arbiter::AsItIs => {
                let own = named(&wanted).into_iter().flat_map(|key| &key.columns);
                self.note_mirrors(lens, own.map(String::as_str));
            }
            Arbiter::Constraint(physical) => {
                let own = named(physical).into_iter().flat_map(|key| &key.columns);
                self.note_mirrors(lens, own.map(String::as_str));
                let (start, end) = (start_byte(ident.span), end_byte(ident.span));
                self.edits.replace(start, end, vec![name::quoted(physical).into()]);
            }
            Arbiter::Key(key) => {
                let own = key.columns.iter().map(|column| match lens.column(column) {
                    Some(logical) => self.arbiter_column(lens, logical),
                    None => Some(column.as_str()),
                });
                if let Some(own) = own.collect::<Option<Vec<&str>>>() {
                    self.note_mirrors(lens, own);
                }
                let columns = key.columns.iter().map(|column| match lens.column(column) {
                    Some(logical) => self.conflict_column(lens, logical),
                    None => name::quoted(column),
                });
                let list = format!("({})", columns.collect::<Vec<_>>().join(", "));
                let at = self.lexeme_at(start_byte(ident.span));
                let on = at.checked_sub(2).and_then(|on| self.lexeme(on)).map(|on| on.start);
                let Some(on) = on else { return self.refuse(Construct::ConflictConstraint) };
                self.edits.replace(on, end_byte(ident.span), vec![list.into()]);
            }
            Arbiter::Lost => return self.refuse(Construct::ConflictConstraint),
        }
        Ok(())
    }
}

/// What the client's name of a constraint stands for.
fn arbiter<'k>(lens: &'k Lens, table: &'k Relation, wanted: &str) -> Arbiter<'k> {
    let puts = || lens.columns.iter().flat_map(|column| &column.put);
    let written: BTreeSet<&String> = puts().map(|access| &access.column).collect();
    let is_written = |key: &Key| key.columns.iter().all(|column| written.contains(column));
    let named = |name: &str| table.keys.iter().find(|key| key.name == name);
    if let Some(own) = named(wanted) {
        return match is_written(own) {
            true => Arbiter::AsItIs,
            false => Arbiter::Key(own),
        };
    }
    let mut pairs = lens.names.constraints();
    let Some((physical, _)) = pairs.find(|(_, client)| client == wanted) else {
        return match has_unpaired_key(lens, table) {
            true => Arbiter::Lost,
            false => Arbiter::AsItIs,
        };
    };
    match named(physical) {
        // A unique index took its place.
        Some(key) if !key.constraint || !is_written(key) => Arbiter::Key(key),
        // What excludes, or checks, is no key: PostgreSQL knows it, or says so.
        Some(_) | None => Arbiter::Constraint(physical),
    }
}

/// Whether a key over a column that is read under another name has neither a pair nor its like over
/// the column of the client's own name: then that one may be gone, and nobody knows what it was
/// called.
fn has_unpaired_key(lens: &Lens, table: &Relation) -> bool {
    let moved = || lens.shown().filter(|column| column.own().column != column.name);
    let is_moved = |key: &&Key| moved().any(|column| key.columns.contains(&column.own().column));
    let own_name = |physical: &String| {
        let column = moved().find(|column| column.own().column == *physical);
        column.map_or_else(|| physical.clone(), |column| column.name.clone())
    };
    table.keys.iter().filter(is_moved).any(|key| {
        let own: BTreeSet<String> = key.columns.iter().map(own_name).collect();
        let has_like = table
            .keys
            .iter()
            .any(|other| other.columns.iter().cloned().collect::<BTreeSet<_>>() == own);
        let has_pair = lens.names.constraints().any(|(physical, _)| *physical == key.name);
        !has_like && !has_pair
    })
}
