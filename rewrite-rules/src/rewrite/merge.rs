//! MERGE: target, source, ON, and each WHEN clause, which is an UPDATE, INSERT or DELETE of one row.
//!
//! A NOT MATCHED clause sees the source alone. Its INSERT takes one row of VALUES and nothing else,
//! so a value that must be evaluated once and stored twice has no place to stand: refused.

use sqlparser::ast::{
    Merge, MergeAction, MergeClause, MergeClauseKind, MergeInsertExpr, MergeInsertKind,
    MergeUpdateKind, TableFactor,
};

use super::insert::Target;
use super::insert_rows::is_volatile_default;
use super::{Rewriter, Walk};
use crate::lens::Lens;
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::scope::{Columns, Level, Source};
use crate::statement::start_byte;

impl<'a> Rewriter<'a> {
    pub(super) fn merge(&mut self, merge: &Merge) -> Walk<Columns> {
        let TableFactor::Table { name, alias, args: None, .. } = &merge.table else {
            return self.refuse(Construct::NotPostgres("this form of MERGE"));
        };
        self.no_halving_view(name)?;
        self.levels.push(Level::default());
        let target = self.target(name, alias.as_ref(), "a whole row of the target of MERGE")?;
        if merge.output.is_some() && target.is_some() {
            return self.refuse(Construct::MergeReturning);
        }
        if let Some(lens) = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens)
            && (lens.over.is_some()
                || lens.is_merged()
                || lens.is_apart()
                || lens.beside.iter().any(|beside| !beside.copies.is_empty()))
        {
            return Err(Box::new(Refusal::construct(Construct::MergeCarried, lens)));
        }
        self.table_factor(&merge.source)?;
        self.expression(&merge.on)?;
        for clause in &merge.clauses {
            self.merge_clause(clause, target)?;
        }
        self.levels.pop();
        // What RETURNING gives is not known.
        Ok(Columns::Unknown)
    }

    fn merge_clause(&mut self, clause: &MergeClause, target: Option<usize>) -> Walk<()> {
        let sees_target = match clause.clause_kind {
            MergeClauseKind::Matched | MergeClauseKind::NotMatchedBySource => true,
            MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => false,
        };
        let sees_source = clause.clause_kind != MergeClauseKind::NotMatchedBySource;
        let hidden = self.hide_sources(sees_target, sees_source);
        let walked = self.merge_action(clause, target);
        if let (Some(level), Some(sources)) = (self.levels.last_mut(), hidden) {
            level.sources = sources;
        }
        walked
    }

    /// Takes out of sight what a clause does not see; gives all that were in sight.
    fn hide_sources(&mut self, sees_target: bool, sees_source: bool) -> Option<Vec<Source>> {
        let level = self.levels.last_mut()?;
        let all = level.sources.clone();
        if !sees_source {
            level.sources.truncate(1);
        }
        if !sees_target && !level.sources.is_empty() {
            level.sources.remove(0);
        }
        Some(all)
    }

    fn merge_action(&mut self, clause: &MergeClause, target: Option<usize>) -> Walk<()> {
        if let Some(condition) = &clause.predicate {
            self.expression(condition)?;
        }
        match &clause.action {
            MergeAction::Delete { .. } | MergeAction::DoNothing { .. } => Ok(()),
            MergeAction::Update(update) => {
                let MergeUpdateKind::Set(assignments) = &update.kind else {
                    return self.refuse(Construct::NotPostgres("UPDATE SET *"));
                };
                if update.update_predicate.is_some() || update.delete_predicate.is_some() {
                    return self.refuse(Construct::NotPostgres("this form of MERGE"));
                }
                // UPDATE, SET, and then the list.
                let first = self.lexeme_at(start_byte(update.update_token.0.span)) + 2;
                self.assignments(assignments, first, target)
            }
            MergeAction::Insert(insert) => {
                if insert.insert_predicate.is_some() {
                    return self.refuse(Construct::NotPostgres("this form of MERGE"));
                }
                self.merge_insert(insert, target)
            }
        }
    }

    fn merge_insert(&mut self, insert: &MergeInsertExpr, target: Option<usize>) -> Walk<()> {
        let values = match &insert.kind {
            MergeInsertKind::Values(values) => values,
            // The pre-pass has this for DEFAULT VALUES.
            MergeInsertKind::Wildcard => return self.merge_defaults(insert, target),
            MergeInsertKind::Row => {
                return self.refuse(Construct::NotPostgres("this form of MERGE"));
            }
        };
        for cell in values.rows.iter().flat_map(|row| &row.content) {
            self.expression(cell)?;
        }
        for column in &insert.columns {
            for part in name::parts(column).unwrap_or_default() {
                self.account(part);
            }
        }
        let lens = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens);
        let Some(lens) = lens else { return Ok(()) };
        let mut target = self.merge_target(insert, lens)?;
        let rows = self.value_extents(values)?;
        let width = rows.first().map_or(0, |(_, cells)| cells.len());
        if width > target.columns.len() || (target.listed && width < target.columns.len()) {
            self.emit_insert_columns(&target, width);
            return Ok(());
        }
        Self::add_extras(&mut target, width)?;
        self.emit_insert_columns(&target, width);
        if target.is_plain(width) {
            return Ok(());
        }
        if !self.may_repeat_rows(values, &rows, &target) {
            return self.refuse(Construct::MergeVolatile);
        }
        self.repeat_cells(&rows, &target);
        Ok(())
    }

    /// `INSERT DEFAULT VALUES`.
    fn merge_defaults(&mut self, insert: &MergeInsertExpr, target: Option<usize>) -> Walk<()> {
        let lens = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens);
        let Some(lens) = lens else { return Ok(()) };
        let mut target = self.merge_target(insert, lens)?;
        if defaulted_volatile(lens) {
            return self.refuse(Construct::MergeVolatile);
        }
        self.default_values(&mut target)
    }

    /// Which columns the INSERT of a clause writes.
    fn merge_target(&mut self, insert: &MergeInsertExpr, lens: &'a Lens) -> Walk<Target<'a>> {
        let behind_insert = self.lexeme_at(start_byte(insert.insert_token.0.span)) + 1;
        let listed = !insert.columns.is_empty();
        let columns = if listed {
            self.listed_columns(&insert.columns, lens, false)?
        } else {
            lens.shown().map(Some).collect()
        };
        let behind_list = if listed { self.behind_brackets(behind_insert) } else { behind_insert };
        let rows = self.lexeme_at(start_byte(insert.kind_token.0.span));
        let open_list = listed.then_some(behind_insert);
        Ok(Target { lens, columns, extras: Vec::new(), listed, open_list, behind_list, rows })
    }
}

/// Whether a column that is stored twice has a default that must be computed once.
fn defaulted_volatile(lens: &Lens) -> bool {
    lens.shown().any(|column| !column.default_is_shared && is_volatile_default(column))
}
