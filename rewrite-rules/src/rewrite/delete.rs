//! DELETE: target, USING, WHERE, RETURNING.

use sqlparser::ast::{Delete, FromTable, TableFactor};

use super::query::columns_of;
use super::{Rewriter, Walk};
use crate::lens::{End, Lens};
use crate::refusal::Construct;
use crate::scope::{Columns, Level};
use crate::statement::{end_byte, start_byte};

impl Rewriter<'_> {
    pub(super) fn delete(&mut self, delete: &Delete, outermost: bool) -> Walk<Columns> {
        let foreign = !delete.tables.is_empty()
            || delete.output.is_some()
            || !delete.order_by.is_empty()
            || delete.limit.is_some();
        let FromTable::WithFromKeyword(from) = &delete.from else {
            return self.refuse(Construct::NotPostgres("DELETE without FROM"));
        };
        let [item] = from.as_slice() else {
            return self.refuse(Construct::NotPostgres("DELETE from several tables"));
        };
        let TableFactor::Table { name, alias, args: None, .. } = &item.relation else {
            return self.refuse(Construct::NotPostgres("this form of DELETE"));
        };
        if foreign || !item.joins.is_empty() {
            return self.refuse(Construct::NotPostgres("this form of DELETE"));
        }
        self.no_view_of_half(name)?;
        self.levels.push(Level::default());
        let target = self.target(name, alias.as_ref(), "a whole row of the target of DELETE")?;
        if let Some(found) = target.and_then(|at| self.occurrences.get(at)) {
            self.free_keys(found.lens);
        }
        self.relations(delete.using.as_deref().unwrap_or_default())?;
        let start = start_byte(delete.delete_token.0.span);
        let lens = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens);
        let lens = lens.map(|lens| self.note_write(lens, start)).transpose()?;
        if let (Some(at), Some(lens)) = (target, lens)
            && (lens.over.is_some()
                || lens.among.is_some()
                || self.may_be_apart(lens, self.lexeme_at(start)))
        {
            // With the brackets, or the star, that may stand around or behind the name.
            let written = self.occurrences.get(at).and_then(|found| found.written);
            let alias = alias.as_ref().map(|alias| end_byte(alias.name.span));
            let behind = alias.or(written.map(|written| written.1)).unwrap_or(start);
            let columns = match &lens.over {
                Some(over) => self.delete_half(delete, (at, behind), over, outermost),
                None if lens.is_gathered() => self.delete_gathered(delete, (at, behind), outermost),
                None => self.delete_apart(delete, (at, behind), outermost),
            };
            self.levels.pop();
            return columns;
        }
        if let Some(condition) = &delete.selection {
            self.expression(condition)?;
        }
        let outputs = self.returning(start, delete.returning.as_deref(), outermost)?;
        self.levels.pop();
        let resets = |lens: &Lens| lens.beside.iter().any(|beside| beside.end == End::IsReset);
        if let Some(at) = target.filter(|_| lens.is_some_and(resets)) {
            self.carry(at, start, outputs.as_deref(), ("DELETE", outermost, None))?;
        }
        Ok(columns_of(outputs.unwrap_or_default()))
    }
}
