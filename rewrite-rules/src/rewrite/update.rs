//! UPDATE: target, FROM, SET, WHERE, RETURNING.

use sqlparser::ast::{TableFactor, Update, UpdateTableFromKind};

use super::query::columns_of;
use super::{Rewriter, Walk};
use crate::refusal::Construct;
use crate::scope::{Columns, Level};
use crate::statement::start_byte;

impl Rewriter<'_> {
    pub(super) fn update(&mut self, update: &Update, outermost: bool) -> Walk<Columns> {
        let foreign = update.output.is_some()
            || update.or.is_some()
            || !update.order_by.is_empty()
            || update.limit.is_some()
            || !update.table.joins.is_empty();
        let TableFactor::Table { name, alias, args: None, .. } = &update.table.relation else {
            return self.refuse(Construct::NotPostgres("this form of UPDATE"));
        };
        let from = match &update.from {
            None => [].as_slice(),
            Some(UpdateTableFromKind::AfterSet(items)) => items,
            Some(UpdateTableFromKind::BeforeSet(_)) => {
                return self.refuse(Construct::NotPostgres("UPDATE … FROM … SET"));
            }
        };
        if foreign {
            return self.refuse(Construct::NotPostgres("this form of UPDATE"));
        }
        self.no_view(name)?;
        self.levels.push(Level::default());
        let target = self.target(name, alias.as_ref(), "a whole row of the target of UPDATE")?;
        self.relations(from)?;
        let start = start_byte(update.update_token.0.span);
        if let Some(lens) = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens) {
            self.note_write(lens, start)?;
            self.no_new_half_key(lens, &update.assignments)?;
            if lens.is_merged() && self.writes_key(lens, &update.assignments) {
                self.moved.push((self.statement, lens, start));
            }
        }
        let Some(set) = self.keyword_behind(self.lexeme_at(start) + 1, "set") else {
            return self.refuse(Construct::Unreadable);
        };
        let lens = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens);
        if let (Some(at), Some(lens)) = (target, lens)
            && (self.may_be_apart(lens, self.lexeme_at(start))
                || (lens.among.is_some() && self.writes_key(lens, &update.assignments))
                || self.moves_half(lens, &update.assignments))
        {
            let columns = match lens.is_gathered() {
                true => self.update_gathered(update, (at, set), outermost),
                false => self.update_apart(update, (at, set), outermost),
            };
            self.levels.pop();
            return columns;
        }
        self.assignments(&update.assignments, set + 1, target)?;
        if let Some(condition) = &update.selection {
            self.expression(condition)?;
        }
        let outputs = self.returning(start, update.returning.as_deref(), outermost)?;
        self.levels.pop();
        let lens = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens);
        if let (Some(target), Some(lens)) = (target, lens) {
            if self.writes_key(lens, &update.assignments) {
                self.free_keys(lens);
            }
            if self.writes_beside(lens, &update.assignments) {
                let moves = match self.moves_part(lens, &update.assignments) {
                    true => Some(self.moves_of(update, lens, set)?),
                    false => None,
                };
                self.carry(target, start, outputs.as_deref(), ("UPDATE", outermost, moves))?;
            }
        }
        Ok(columns_of(outputs.unwrap_or_default()))
    }
}
