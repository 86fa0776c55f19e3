//! COPY: of a query, and TO. What COPY FROM does is in [`super::copy_from`].
//!
//! COPY of a governed table TO becomes COPY of a query, whose labels are the client's names: so
//! header lines and FORCE_QUOTE lists mean what they did. ONLY, since COPY of a table copies no
//! children.

use std::collections::BTreeSet;

use sqlparser::ast::{Expr, GroupByExpr, Ident, Query, SetExpr, Statement};

use super::extent::Range;
use super::{Occurrence, Relation, Rewriter, Walk, joined};
use crate::catalog::RelationKind;
use crate::copy_syntax::{CopySyntax, Source as Copied};
use crate::lens::{Lens, LogicalColumn, Rows};
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::scope::{Columns, Level, Source};
use crate::statement::{end_byte, start_byte};

/// A COPY of a governed table.
pub(super) struct CopiedTable<'s, 'l> {
    pub(super) syntax: &'s CopySyntax,
    pub(super) lens: &'l Lens,
    /// The table's name as it is written.
    pub(super) name: Range,
    /// The listed columns; none for all that are shown.
    pub(super) listed: &'s [Ident],
    /// The bytes of the bracket that closes their list.
    pub(super) close: Option<Range>,
    pub(super) condition: Option<&'s Expr>,
    /// Its place among the governed tables in use.
    pub(super) occurrence: usize,
}

impl<'a> Rewriter<'a> {
    /// Rewrites a COPY statement. `shown` is what the parser was shown of it.
    pub(super) fn copy(&mut self, syntax: &CopySyntax, shown: &Statement) -> Walk<()> {
        let (name, listed, close) = match &syntax.source {
            Copied::Query { close } => {
                self.account_tokens(close + 1, syntax.end);
                return match shown {
                    Statement::Query(query) => self.query(query).map(|_: Columns| ()),
                    _ => self.refuse(Construct::Unreadable),
                };
            }
            Copied::Table { name, columns, close } => (name, columns, *close),
        };
        self.account_tokens(syntax.first, syntax.condition.unwrap_or(syntax.end));
        let Some(condition) = condition(syntax, shown) else {
            return self.refuse(Construct::Unreadable);
        };
        let parts: Vec<&Ident> = name.iter().collect();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(()) };
        let (schema, columns) = match self.written_relation(&parts) {
            Relation::Governed(lens) => {
                let name = (start_byte(first.span), end_byte(last.span));
                let close = close.and_then(|close| self.lexeme(close));
                let close = close.map(|close| (close.start, close.end));
                let occurrence = self.copied_occurrence(lens, self.source_of(last));
                let copied =
                    CopiedTable { syntax, lens, name, listed, close, condition, occurrence };
                if syntax.to {
                    return self.copy_to(&copied);
                }
                self.note_write(lens, name.0)?;
                return self.copy_from(&copied);
            }
            Relation::Known(schema, columns) => (schema, Columns::Known(columns)),
            Relation::Absent => return self.no_relation(&parts),
            Relation::Unknown => (String::new(), Columns::Unknown),
        };
        let source = self.copied_source(last, schema, columns, None);
        self.copy_condition(condition, source)
    }

    /// The table as the condition sees it.
    pub(super) fn copied_source(
        &self,
        table: &Ident,
        schema: String,
        columns: Columns,
        occurrence: Option<usize>,
    ) -> Source {
        let reference = self.source_of(table);
        let name = name::folded(table);
        Source {
            name,
            schema: Some(schema),
            columns,
            occurrence,
            reference,
            renamed: false,
            rows: Vec::new(),
        }
    }

    /// WHERE of a COPY FROM sees one relation.
    pub(super) fn copy_condition(&mut self, condition: Option<&Expr>, source: Source) -> Walk<()> {
        let Some(condition) = condition else { return Ok(()) };
        self.levels.push(Level { sources: vec![source], ..Level::default() });
        let walked = self.expression(condition);
        self.levels.pop();
        walked
    }

    /// Notes that the table is used, so that its names are looked for.
    fn copied_occurrence(&mut self, lens: &'a Lens, reference: String) -> usize {
        self.occurrences.push(Occurrence {
            fixed: Some("a whole row of the target of COPY"),
            is_in_place: lens.is_merged(),
            ..Occurrence::new(lens, reference)
        });
        self.occurrences.len() - 1
    }

    fn copy_to(&mut self, copied: &CopiedTable<'_, 'a>) -> Walk<()> {
        let CopiedTable { syntax, name, .. } = copied;
        if let Some(condition) = syntax.condition {
            // PostgreSQL refuses it.
            self.account_tokens(condition, syntax.end);
        }
        let relation = self.generation.catalog().relation(copied.lens.physical());
        if relation.is_some_and(|relation| relation.kind == RelationKind::PartitionedTable) {
            // ONLY would find no rows there.
            return Err(Box::new(Refusal::partitioned(copied.lens)));
        }
        let columns = self.copied_columns(copied)?;
        let lens: &'a Lens = copied.lens;
        let is_own =
            !lens.is_elsewhere() && lens.over.as_ref().is_none_or(|over| over.rows == Rows::Both);
        let plain = is_own && columns.iter().all(|column| column.get.is(&column.name));
        if !copied.listed.is_empty() && plain {
            return Ok(());
        }
        // What comes behind is an alias then, and no parser takes `ONLY users AS u`.
        let joined = columns.iter().any(|column| column.get.beside.is_some());
        let columns = columns.into_iter().map(|column| (column, &column.get));
        let over = copied.lens.over.as_ref().filter(|over| over.rows != Rows::Both);
        if over.is_some_and(|over| copied.listed.is_empty() && !over.others.is_empty()) {
            return Err(Box::new(Refusal::construct(Construct::OtherColumn, copied.lens)));
        }
        let written = self.slice(*name);
        let table = match over.map(|over| &over.relation) {
            // It has no children.
            Some(other) => joined::relation(other),
            None if lens.among.is_some() => joined::relation(lens.physical()),
            None if let Some(query) = &lens.read_as => format!("({query}) AS segue_read"),
            None if joined => format!("ONLY ({written})"),
            None => format!("ONLY {written}"),
        };
        let query =
            joined::select(lens, columns, &table, joined::Join::Outer) + &lens.only_present("");
        let query = format!("({query})");
        let binary = syntax.binary.and_then(|binary| self.lexeme(binary));
        let start = binary.map_or(name.0, |binary| binary.start);
        let end = copied.close.map_or(name.1, |close| close.1);
        self.edits.replace(start, end, vec![query.into()]);
        self.move_old_options(syntax);
        Ok(())
    }

    /// The columns that a COPY TO shows.
    fn copied_columns(&self, copied: &CopiedTable<'_, 'a>) -> Walk<Vec<&'a LogicalColumn>> {
        let lens = copied.lens;
        if copied.listed.is_empty() {
            return Ok(lens.shown().filter(|column| !column.generated).collect());
        }
        let mut seen = BTreeSet::new();
        let mut columns = Vec::new();
        for ident in copied.listed {
            let wanted = name::folded(ident);
            let refusal = match lens.column(&wanted) {
                None => Refusal::no_column(&wanted, lens),
                Some(column) if column.generated => Refusal::generated(&wanted),
                Some(_) if seen.contains(&wanted) => Refusal::listed_twice(&wanted),
                Some(column) => {
                    columns.push(column);
                    seen.insert(wanted);
                    continue;
                }
            };
            return Err(Box::new(refusal));
        }
        Ok(columns)
    }

    /// COPY of a query knows neither `COPY BINARY` nor `[USING] DELIMITERS`.
    fn move_old_options(&mut self, syntax: &CopySyntax) {
        let mut moved = Vec::new();
        let bracketed = syntax.bracket.is_some();
        if syntax.binary.is_some() {
            moved.push(if bracketed { "FORMAT binary" } else { "BINARY" }.to_owned());
        }
        if let Some((first, literal)) = syntax.delimiters
            && let (Some(from), Some(to)) = (self.lexeme(first), self.lexeme(literal))
        {
            let (start, end) = (from.start, to.end);
            moved.push(format!("DELIMITER {}", self.slice((to.start, to.end))));
            self.edits.replace(start, end, Vec::new());
        }
        if moved.is_empty() {
            return;
        }
        if let Some(bracket) = syntax.bracket.and_then(|bracket| self.lexeme(bracket)) {
            let text = format!("{}, ", moved.join(", "));
            self.edits.insert(bracket.end, vec![text.into()]);
            return;
        }
        // WITH, which is a word for the eye, would have to come before them.
        if let Some(with) = syntax.with.and_then(|with| self.lexeme(with)) {
            self.edits.replace(with.start, with.end, Vec::new());
        }
        if let Some(target) = self.lexeme(syntax.target) {
            let text = format!(" {}", moved.join(" "));
            self.edits.insert(target.end, vec![text.into()]);
        }
    }
}

/// The condition, from the SELECT that the parser was shown; the outer `None` if there is more.
fn condition<'s>(syntax: &CopySyntax, shown: &'s Statement) -> Option<Option<&'s Expr>> {
    if syntax.condition.is_none() {
        return Some(None);
    }
    let Statement::Query(query) = shown else { return None };
    let Query { body, order_by: None, limit_clause: None, fetch: None, locks, .. } = &**query
    else {
        return None;
    };
    let SetExpr::Select(select) = body.as_ref() else { return None };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let more = grouped || select.having.is_some() || !select.named_window.is_empty();
    (locks.is_empty() && !more).then_some(Some(select.selection.as_ref()?))
}
