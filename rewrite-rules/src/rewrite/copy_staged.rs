//! COPY FROM by way of a temporary table, where the server must work on the rows before they are
//! stored, or where no stream passes that could be changed.
//!
//! Four statements stand for the client's: make the table, COPY to it, INSERT from it, drop it. The
//! table has the columns and types that the client knows, so the COPY itself stays the client's
//! own; and the INSERT is one that a client could have sent, so it is rewritten as such. What the
//! client left out and only one of the physical columns has a default for is computed on the way
//! in, once for each row.

use std::fmt::Write as _;

use sqlparser::tokenizer::Token;

use super::copy::CopiedTable;
use super::copy_from::{Field, WHOLE_ROW};
use super::{Rewriter, Walk};
use crate::copy_syntax::{Argument, Source as Copied};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name;
use crate::outcome::{CopyIn, Outcome, Reply, STAGING_TABLE};
use crate::refusal::{Construct, Refusal};
use crate::scope::Columns;

impl<'a> Rewriter<'a> {
    pub(super) fn stage(
        &mut self,
        copied: &CopiedTable<'_, 'a>,
        fields: &[Field<'a>],
        left_out: &[&'a LogicalColumn],
    ) -> Walk<()> {
        let (syntax, lens) = (copied.syntax, copied.lens);
        if syntax.option("freeze").is_some_and(|argument| !is_off(argument)) {
            return self.refuse(Construct::CopyFreeze);
        }
        let mut columns = Vec::new();
        for field in fields {
            let column = field.column.ok_or_else(|| Refusal::no_column(&field.name, lens))?;
            if column.generated {
                return Err(Box::new(Refusal::generated(&field.name)));
            }
            columns.push((field.name.as_str(), column));
        }
        let own = columns.len();
        for column in self.named_in_condition(copied).into_iter().chain(left_out.iter().copied()) {
            let overlaps = |other: &LogicalColumn| {
                let written = other.put.iter().map(|access| &access.column);
                written.into_iter().any(|put| column.put.iter().any(|own| own.column == *put))
            };
            if !columns.iter().any(|(_, other)| overlaps(other)) {
                columns.push((column.name.as_str(), column));
            }
        }
        let marked = syntax.option("default").is_some();
        let table = self.staging_table(copied, &columns, if marked { 0 } else { own })?;
        let insert = self.staged_insert(copied, &columns)?;
        self.redirect(copied, &columns, own)?;
        self.account_for_staging(copied, table, &insert);
        Ok(())
    }

    /// Logical columns that the condition names. (A function's name may be among them.)
    fn named_in_condition(&self, copied: &CopiedTable<'_, 'a>) -> Vec<&'a LogicalColumn> {
        let Some(condition) = copied.syntax.condition else { return Vec::new() };
        let lexemes = self.lexemes.get(condition..copied.syntax.end).unwrap_or_default();
        let names: Vec<String> = lexemes.iter().filter_map(super::Lexeme::name).collect();
        copied.lens.columns.iter().filter(|column| names.contains(&column.name)).collect()
    }

    /// The statement that makes the table. Columns from the `defaulted`-th on need their defaults.
    fn staging_table(
        &self,
        copied: &CopiedTable<'_, 'a>,
        columns: &[(&str, &LogicalColumn)],
        defaulted: usize,
    ) -> Walk<String> {
        let mut items = Vec::new();
        for (index, (name, column)) in columns.iter().enumerate() {
            let mut item = format!("{} {}", name::quoted(name), column.type_name);
            if copied.condition.is_some() {
                item.push_str(&self.declared_collation(copied, column));
            }
            if index >= defaulted {
                if column.generated || column.identity {
                    return self.refuse(Construct::CopyDefault);
                }
                if let Some(default) = &column.default {
                    let _ = write!(item, " DEFAULT {}", default.expression);
                }
            }
            items.push(item);
        }
        let items = items.join(", ");
        Ok(format!("CREATE TEMP TABLE pg_temp.{STAGING_TABLE} ({items}) ON COMMIT DROP"))
    }

    /// A condition compares by the column's collation.
    fn declared_collation(&self, copied: &CopiedTable<'_, 'a>, column: &LogicalColumn) -> String {
        let relation = self.generation.catalog().relation(copied.lens.physical());
        let physical = relation.and_then(|relation| relation.column(&column.own().column));
        let collation = physical.and_then(|physical| physical.collation.as_deref());
        collation.map(|collation| format!(" COLLATE {collation}")).unwrap_or_default()
    }

    /// The INSERT that moves the rows on, as the client would have written it, rewritten.
    fn staged_insert(
        &mut self,
        copied: &CopiedTable<'_, 'a>,
        columns: &[(&str, &LogicalColumn)],
    ) -> Walk<String> {
        let relation = &copied.lens.relation;
        let (schema, table) = (name::quoted(&relation.schema), name::quoted(&relation.name));
        let names: Vec<String> = columns.iter().map(|(name, _)| name::quoted(name)).collect();
        let names = names.join(", ");
        // COPY stores what it is given in an identity column.
        let identity = columns.iter().any(|(_, column)| column.identity);
        let overriding = if identity { " OVERRIDING SYSTEM VALUE" } else { "" };
        let text = format!(
            "INSERT INTO {schema}.{table} ({names}){overriding} \
             SELECT {names} FROM pg_temp.{STAGING_TABLE}"
        );
        match super::rewrite(self.generation, &text, self.session) {
            Outcome::Forward | Outcome::ForwardOpaque => Ok(text),
            Outcome::Rewritten(rewritten) => {
                let reply = self.replies.entry(self.statement).or_default();
                for made in rewritten.replies {
                    reply.doubled = made.doubled.or(reply.doubled.take());
                    reply.raised.extend(made.raised);
                }
                Ok(rewritten.sql)
            }
            Outcome::Refused(refusal) => Err(Box::new(Refusal { position: None, ..refusal })),
        }
    }

    /// Makes the client's COPY one to the temporary table. Of `columns`, the first `own` are listed.
    fn redirect(
        &mut self,
        copied: &CopiedTable<'_, 'a>,
        columns: &[(&str, &LogicalColumn)],
        own: usize,
    ) -> Walk<()> {
        let mut target = format!("pg_temp.{STAGING_TABLE}");
        if copied.close.is_none() {
            let listed = columns.iter().take(own).map(|(name, _)| name::quoted(name));
            let _ = write!(target, " ({})", listed.collect::<Vec<_>>().join(", "));
        }
        self.edits.replace(copied.name.0, copied.name.1, vec![target.into()]);
        let Copied::Table { name: table, .. } = &copied.syntax.source else { return Ok(()) };
        let (Some(last), Some(condition)) = (table.last(), copied.syntax.condition) else {
            return Ok(());
        };
        let known = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let schema = copied.lens.relation.schema.clone();
        let source = self.copied_source(last, schema, Columns::Known(known), None);
        self.copy_condition(copied.condition, source)?;
        self.requalify(&name::folded(last), copied.lens, condition + 1, copied.syntax.end)
    }

    /// `table.column` and `schema.table.column` in the condition.
    fn requalify(&mut self, table: &str, lens: &Lens, first: usize, end: usize) -> Walk<()> {
        let sign = |at: usize, sign: &Token| self.lexeme(at).is_some_and(|l| l.token == *sign);
        let mut ranges = Vec::new();
        for at in first..end {
            let Some(lexeme) = self.lexeme(at).filter(|l| l.name().as_deref() == Some(table))
            else {
                continue;
            };
            let dotted = at.checked_sub(1).is_some_and(|before| sign(before, &Token::Period));
            if !sign(at + 1, &Token::Period) {
                if dotted {
                    continue;
                }
                return Err(Box::new(Refusal::no_derived_table(WHOLE_ROW, lens)));
            }
            let called = sign(at + 3, &Token::LParen) || sign(at + 3, &Token::Period);
            let schema = at.checked_sub(2).filter(|_| dotted).and_then(|at| self.lexeme(at));
            if !called {
                ranges.push((schema.map_or(lexeme.start, |schema| schema.start), lexeme.end));
            }
        }
        for (start, end) in ranges {
            self.edits.replace(start, end, vec![STAGING_TABLE.into()]);
        }
        Ok(())
    }

    /// Puts the other statements around the client's, and says what their answers mean.
    fn account_for_staging(&mut self, copied: &CopiedTable<'_, 'a>, table: String, insert: &str) {
        let syntax = copied.syntax;
        let first = self.lexeme(syntax.first).map(|first| first.start);
        let last = syntax.end.checked_sub(1).and_then(|last| self.lexeme(last)).map(|l| l.end);
        let (Some(first), Some(last)) = (first, last) else { return };
        self.edits.insert(first, vec![Piece::Hidden(format!("{table}; "))]);
        let behind = format!("; {insert}; DROP TABLE pg_temp.{STAGING_TABLE}");
        self.edits.insert(last, vec![Piece::Hidden(behind)]);
        let copy_in = syntax.stream.then_some(CopyIn::Verbatim);
        let staged_for = Some(copied.lens.relation.name.clone());
        let reply = self.replies.entry(self.statement).or_default();
        (reply.silent, reply.copy_in) = (true, copy_in);
        reply.staged_for.clone_from(&staged_for);
        let injected = Reply { injected: true, staged_for, ..Reply::default() };
        let answers = Reply { command: Some("COPY"), ..injected.clone() };
        self.around.insert(self.statement, (vec![injected.clone()], vec![answers, injected]));
    }
}

/// Whether an option says no (PostgreSQL's `defGetBoolean`).
fn is_off(argument: &Argument) -> bool {
    match argument {
        Argument::Text(Some(text)) => {
            ["false", "off", "0"].iter().any(|off| text.eq_ignore_ascii_case(off))
        }
        Argument::Absent | Argument::Text(None) | Argument::Star | Argument::Columns(_) => false,
    }
}
