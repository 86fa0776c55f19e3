//! ON CONFLICT of an INSERT into a table whose rows are gathered from the tables beside.
//!
//! What the SET list makes of a row that is there is worked out of what the tables beside have of it, which is locked
//! by then, under the names that the client's text knows: the row itself, and EXCLUDED.

use sqlparser::ast::{
    ConflictTarget, DoUpdate, Expr, Insert, OnConflict, OnConflictAction, OnInsert,
};

use super::apart::Apart;
use super::extent::Range;
use super::gathered::{Belongs, blank};
use super::gathered_insert::given_name;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name::{self, quoted};
use crate::refusal::{Construct, Refusal};
use crate::statement::start_byte;

/// What becomes of a row whose key is taken.
pub(super) enum Clash {
    Error,
    Nothing,
    Update { is_conditional: bool, condition: Option<Range> },
}

/// A value of the SET list.
pub(super) struct Set<'q, 'a> {
    pub(super) column: &'a LogicalColumn,
    value: &'q Expr,
    cell: Range,
}

pub(super) struct Conflict<'q, 'a> {
    pub(super) clash: Clash,
    pub(super) assigned: Vec<Set<'q, 'a>>,
}

impl Conflict<'_, '_> {
    /// The place of a column in the SET list.
    pub(super) fn place(&self, column: &LogicalColumn) -> Option<usize> {
        self.assigned.iter().position(|set| set.column.name == column.name)
    }
}

impl<'a> Rewriter<'a> {
    /// Reads the clause, and leaves it out where it stands.
    pub(super) fn conflict_gathered<'q>(
        &mut self,
        insert: &'q Insert,
        apart: &Apart<'a>,
    ) -> Walk<Conflict<'q, 'a>> {
        let start = start_byte(insert.insert_token.0.span);
        let conflict = match &insert.on {
            Some(OnInsert::OnConflict(conflict)) => conflict,
            Some(_) => return self.refuse(Construct::NotPostgres("ON DUPLICATE KEY UPDATE")),
            None => return Ok(Conflict { clash: Clash::Error, assigned: Vec::new() }),
        };
        let first = self.lexeme_at(start) + 1;
        let Some(word) = self.on_conflict_behind(first) else {
            return self.refuse(Construct::Unreadable);
        };
        self.is_by_gathered_key(conflict, apart, (start, word))?;
        let returning = self.keyword_behind(word, "returning");
        let behind = returning.unwrap_or_else(|| self.statement_end(first));
        let on = word.checked_sub(1).and_then(|on| self.lexeme(on)).map(|on| on.start);
        let last = behind.checked_sub(1).and_then(|last| self.lexeme(last)).map(|it| it.end);
        let (Some(from), Some(to)) = (on, last) else {
            return self.refuse(Construct::Unreadable);
        };
        self.edits.leave_out(from, to);
        match &conflict.action {
            OnConflictAction::DoNothing => {
                Ok(Conflict { clash: Clash::Nothing, assigned: Vec::new() })
            }
            OnConflictAction::DoUpdate(update) => {
                self.sets_gathered(update, apart, (start, word, to))
            }
        }
    }

    fn sets_gathered<'q>(
        &mut self,
        update: &'q DoUpdate,
        apart: &Apart<'a>,
        (start, word, end): (usize, usize, usize),
    ) -> Walk<Conflict<'q, 'a>> {
        let lens: &'a Lens = apart.lens;
        if self.writes_key(lens, &update.assignments) {
            return Err(Box::new(Refusal::construct(Construct::MergedKey, lens)));
        }
        let excluded = self.excluded(Some(lens));
        if let Some(level) = self.levels.last_mut() {
            level.sources.push(excluded);
        }
        let set = self.set_of_conflict(start)?;
        let extents = self.list(set);
        let mut assigned: Vec<Set<'q, 'a>> = Vec::new();
        for (assignment, extent) in update.assignments.iter().zip(&extents) {
            self.walk_pieces(extent.0, extent.1)?;
            self.expression(&assignment.value)?;
            for (ident, value, cell) in self.cells(assignment, *extent, lens)? {
                self.account(ident);
                let name = name::folded(ident);
                let Some(column) = lens.column(&name) else {
                    return self.no_column_at(ident, lens);
                };
                if assigned.iter().any(|known| known.column.name == name) {
                    return Err(Box::new(Refusal::assigned_again(&name)));
                }
                let part = self.part_behind(ident);
                if part.0 < part.1 {
                    return self.refuse_at(Construct::ColumnPart, start_byte(ident.span));
                }
                // Elsewhere it is copied to, with its type.
                if self.is_default(cell) {
                    self.type_value(value, cell, column)?;
                }
                assigned.push(Set { column, value, cell });
            }
        }
        let columns: Vec<&LogicalColumn> = assigned.iter().map(|set| set.column).collect();
        self.are_held(apart, &columns)?;
        let mut condition = None;
        if let Some(selection) = &update.selection {
            self.expression(selection)?;
            let clause =
                self.keyword_behind(self.keyword_behind(word, "set").unwrap_or(word), "where");
            let first = clause.and_then(|at| self.lexeme(at + 1)).map(|it| it.start);
            let Some(first) = first else { return self.refuse(Construct::Unreadable) };
            condition = Some((first, end));
        }
        if let Some(level) = self.levels.last_mut() {
            level.sources.pop();
        }
        let clash = Clash::Update { is_conditional: condition.is_some(), condition };
        Ok(Conflict { clash, assigned })
    }

    /// Behind the client's rows: the row that is there, and what the SET list makes of it.
    pub(super) fn set_gathered(
        &self,
        apart: &Apart<'a>,
        conflict: &Conflict<'_, 'a>,
        (row, taken): (&str, &str),
    ) -> Vec<Piece> {
        let there = |place: usize| format!("(segue_held_{place}.segue_is_there IS TRUE)");
        let (mut was, mut given) = (Vec::new(), Vec::new());
        for (at, column, belongs) in apart.belongings() {
            let value = match belongs {
                Belongs::Key => format!("{row}.{}", given_name(at)),
                Belongs::To(place) => format!(
                    "CASE WHEN {} THEN segue_held_{place}.{} ELSE {} END",
                    there(place),
                    Apart::was(at),
                    blank(column)
                ),
                Belongs::Tells(place) => there(place),
                Belongs::Here => blank(column),
            };
            let name = quoted(&column.name);
            was.push(format!("{value} AS {name}"));
            given.push(format!("{row}.{} AS {name}", given_name(at)));
        }
        let mut pieces: Vec<Piece> = vec![
            format!(
                " CROSS JOIN LATERAL (SELECT {}) AS segue_was CROSS JOIN LATERAL (SELECT {}) AS excluded \
                 LEFT JOIN LATERAL (SELECT ",
                was.join(", "),
                given.join(", ")
            )
            .into(),
        ];
        for (at, set) in conflict.assigned.iter().enumerate() {
            pieces.extend(self.typed_pieces(set.value, set.cell, set.column));
            pieces.push(format!(" AS {}, ", Apart::value(at)).into());
        }
        match conflict.clash {
            Clash::Update { condition: Some((from, to)), .. } => {
                pieces.push("(".into());
                pieces.push(Piece::Copy(from, to));
                pieces.push(")".into());
            }
            Clash::Update { condition: None, .. } | Clash::Error | Clash::Nothing => {
                pieces.push("true".into());
            }
        }
        pieces.push(
            format!(
                " AS segue_when FROM (SELECT segue_was.*) AS {} WHERE {taken}) AS segue_set ON true",
                apart.reference
            )
            .into(),
        );
        pieces
    }

    /// Only by its key is a row found whose parts are in several tables.
    fn is_by_gathered_key(
        &mut self,
        conflict: &OnConflict,
        apart: &Apart<'a>,
        (start, word): (usize, usize),
    ) -> Walk<()> {
        let lens: &'a Lens = apart.lens;
        let catalog = self.generation.catalog();
        let keys = || catalog.relation(lens.physical()).into_iter().flat_map(|table| &table.keys);
        let mut key: Vec<String> = apart.key_columns().into_iter().map(str::to_owned).collect();
        key.sort_unstable();
        let mut arbiter: Vec<String> = match &conflict.conflict_target {
            None if self.lexeme(word + 1).is_some_and(|next| next.is_word("do")) => {
                // Any other key could be what conflicts.
                let own = std::iter::once(lens.physical());
                let tables = own.chain(lens.beside.iter().map(|beside| &beside.relation));
                let mut tables = tables.filter_map(|name| catalog.relation(name));
                match tables.all(|table| table.keys.len() == 1 && table.conditional.is_empty()) {
                    true => key.clone(),
                    false => Vec::new(),
                }
            }
            None => Vec::new(),
            Some(ConflictTarget::Columns(columns)) => columns.iter().map(name::folded).collect(),
            Some(ConflictTarget::OnConstraint(constraint)) => {
                let wanted =
                    name::parts(constraint).and_then(|it| it.last().map(|it| name::folded(it)));
                let found = keys().find(|key| Some(&key.name) == wanted.as_ref());
                found.map(|key| key.columns.clone()).unwrap_or_default()
            }
        };
        match &conflict.conflict_target {
            Some(ConflictTarget::Columns(columns)) => {
                columns.iter().for_each(|ident| self.account(ident));
            }
            Some(ConflictTarget::OnConstraint(constraint)) => {
                let parts = name::parts(constraint).unwrap_or_default();
                parts.into_iter().for_each(|ident| self.account(ident));
            }
            None => {}
        }
        arbiter.sort_unstable();
        match arbiter == key {
            true => Ok(()),
            false => self.refuse_half(Construct::MergedUpsert, lens, start),
        }
    }
}
