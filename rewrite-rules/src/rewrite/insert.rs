//! INSERT: the target's columns, ON CONFLICT and RETURNING. Rows are in [`super::insert_rows`].

use sqlparser::ast::{
    AssignmentTarget, Ident, Insert, ObjectName, OnConflictAction, OnInsert, TableObject,
};
use sqlparser::tokenizer::Token;

use super::passed_row::Audience;
use super::query::{Output, columns_of};
use super::{Occurrence, Relation, Rewriter, Walk};
use crate::lens::{Access, Lens, LogicalColumn};
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::scope::{Columns, Level, Source};
use crate::statement::{end_byte, start_byte};

/// A governed INSERT, as far as its rows must know it.
pub(super) struct Target<'l> {
    pub(super) lens: &'l Lens,
    /// The logical columns that the client's values are for, in order; `None` for a name that
    /// the catalog did not know when it was read.
    pub(super) columns: Vec<Option<&'l LogicalColumn>>,
    /// Columns written besides, in order, and where their values come from.
    pub(super) extras: Vec<Extra<'l>>,
    /// Whether the client wrote a column list; without one, a short row means fewer columns.
    pub(super) listed: bool,
    /// Index of the token that opens the column list, if there is one.
    pub(super) open_list: Option<usize>,
    /// Index of the token behind the column list, or behind the table without one.
    pub(super) behind_list: usize,
    /// Index of the token at which the rows begin.
    pub(super) rows: usize,
}

/// A physical column that the rewriting adds.
#[derive(Clone)]
pub(super) struct Extra<'l> {
    pub(super) access: &'l Access,
    pub(super) value: Value<'l>,
}

/// Where an added column's value comes from.
#[derive(Clone, Copy)]
pub(super) enum Value<'l> {
    /// A copy of the client's n-th value, counted from 0.
    Copy(usize, &'l LogicalColumn),
    /// What the logical column would have defaulted to.
    Default(&'l LogicalColumn),
}

impl Target<'_> {
    /// Whether each column that the client's values are written to gets them unchanged.
    pub(super) fn only_copies(&self, width: usize) -> bool {
        let own = self.columns.iter().take(width).flatten();
        own.flat_map(|column| &column.put).all(|access| access.through.is_none())
    }

    /// Whether the client's first `width` values, and no others, are stored as they are.
    pub(super) fn is_plain(&self, width: usize) -> bool {
        let own = self.columns.iter().take(width).flatten();
        self.extras.is_empty()
            && own.filter_map(|column| column.put.first()).all(|main| main.through.is_none())
    }
}

impl<'a> Rewriter<'a> {
    pub(super) fn insert(&mut self, insert: &Insert, outermost: bool) -> Walk<Columns> {
        let table = self.insert_target(insert)?;
        if let Some(source) = &insert.source {
            self.query(source)?;
        }
        self.no_halving_view(table)?;
        let parts = name::parts(table).unwrap_or_default();
        parts.iter().for_each(|part| self.account(part));
        if let Some(alias) = &insert.table_alias {
            self.account(&alias.alias);
        }
        let mut level = Level::default();
        let lens = match self.written_relation(&parts) {
            Relation::Governed(lens) => {
                let start = start_byte(insert.insert_token.0.span);
                let lens = self.note_write(lens, start)?;
                if lens.is_merged() || lens.over.is_some() {
                    self.inserted.push((self.statement, lens, start));
                }
                if let Some(over) = &lens.over {
                    return self.insert_half(insert, &parts, (lens, over), outermost);
                }
                if lens.is_gathered() {
                    return self.insert_gathered(insert, &parts, lens, outermost);
                }
                if let Some(itself) = &lens.inserts {
                    return self.insert_merged(insert, &parts, itself, outermost);
                }
                level.sources.push(self.target_source(insert, &parts, lens));
                let target = self.insert_columns(insert, &parts, lens)?;
                if is_taken_apart(insert, lens) {
                    let at = level.sources.first().and_then(|source| source.occurrence);
                    let Some(at) = at else { return self.refuse(Construct::Unreadable) };
                    self.levels.push(level);
                    let columns = self.insert_apart(insert, (target, at), outermost);
                    self.levels.pop();
                    return columns;
                }
                self.insert_rows(insert, target)?;
                Some(lens)
            }
            Relation::Known(schema, columns) => {
                self.account_columns(insert);
                if let Some(&last) = parts.last() {
                    let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
                    let qualifier = alias.unwrap_or(last);
                    self.note_bystander((&schema, last, qualifier), &columns, true);
                }
                level.sources.push(self.plain_target(insert, &parts, schema, columns));
                None
            }
            Relation::Absent => return self.no_relation(&parts),
            Relation::Unknown => {
                self.account_columns(insert);
                let target = self.plain_target(insert, &parts, String::new(), Vec::new());
                level.sources.push(Source { columns: Columns::Unknown, ..target });
                None
            }
        };
        self.levels.push(level);
        let columns = self.behind_rows(insert, lens, outermost);
        self.levels.pop();
        columns
    }

    /// The target table, once clauses of other databases are ruled out.
    fn insert_target<'i>(&self, insert: &'i Insert) -> Walk<&'i ObjectName> {
        let foreign = !insert.into
            || insert.or.is_some()
            || insert.ignore
            || insert.overwrite
            || !insert.assignments.is_empty()
            || insert.partitioned.is_some()
            || !insert.after_columns.is_empty()
            || insert.replace_into
            || insert.priority.is_some()
            || insert.insert_alias.is_some()
            || insert.settings.is_some()
            || insert.format_clause.is_some()
            || insert.output.is_some()
            || insert.multi_table_insert_type.is_some();
        match &insert.table {
            TableObject::TableName(name) if !foreign => Ok(name),
            TableObject::TableName(_)
            | TableObject::TableFunction(_)
            | TableObject::TableQuery(_) => {
                self.refuse(Construct::NotPostgres("this form of INSERT"))
            }
        }
    }

    fn account_columns(&mut self, insert: &Insert) {
        for column in &insert.columns {
            for part in name::parts(column).unwrap_or_default() {
                self.account(part);
            }
        }
    }

    /// The target as ON CONFLICT and RETURNING see it.
    pub(super) fn target_source(
        &mut self,
        insert: &Insert,
        parts: &[&Ident],
        lens: &'a Lens,
    ) -> Source {
        let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
        let named = alias.or(parts.last().copied());
        let reference = named.map(|ident| self.source_of(ident)).unwrap_or_default();
        let occurrence = self.occurrences.len();
        self.occurrences.push(Occurrence {
            fixed: Some("a whole row of the target of INSERT"),
            is_held: true,
            is_in_place: lens.among.is_some(),
            ..Occurrence::new(lens, reference.clone())
        });
        Source {
            name: named.map(name::folded).unwrap_or_default(),
            schema: alias.is_none().then(|| lens.relation.schema.clone()),
            columns: Columns::Known(lens.shown().map(|column| column.name.clone()).collect()),
            occurrence: Some(occurrence),
            reference,
            renamed: false,
            rows: Vec::new(),
        }
    }

    /// A target that is not governed as ON CONFLICT and RETURNING see it.
    fn plain_target(
        &self,
        insert: &Insert,
        parts: &[&Ident],
        schema: String,
        columns: Vec<String>,
    ) -> Source {
        let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
        let named = alias.or(parts.last().copied());
        Source {
            name: named.map(name::folded).unwrap_or_default(),
            schema: alias.is_none().then_some(schema),
            columns: Columns::Known(columns),
            occurrence: None,
            reference: named.map(|ident| self.source_of(ident)).unwrap_or_default(),
            renamed: false,
            rows: Vec::new(),
        }
    }

    /// Works out which columns are written, and edits or adds the column list.
    pub(super) fn insert_columns(
        &mut self,
        insert: &Insert,
        parts: &[&Ident],
        lens: &'a Lens,
    ) -> Walk<Target<'a>> {
        let last = match (&insert.table_alias, parts.last()) {
            (Some(alias), _) => end_byte(alias.alias.span),
            (None, Some(part)) => end_byte(part.span),
            (None, None) => return self.refuse(Construct::Unreadable),
        };
        let behind_name = self.lexeme_at(last);
        let listed = !insert.columns.is_empty();
        let columns = if listed {
            self.listed_columns(&insert.columns, lens, is_taken_apart(insert, lens))?
        } else {
            lens.shown().map(Some).collect()
        };
        let behind_list = if listed { self.behind_brackets(behind_name) } else { behind_name };
        let overriding = self.lexeme(behind_list).is_some_and(|word| word.is_word("overriding"));
        let rows = behind_list + if overriding { 3 } else { 0 };
        let rows = self.bracketed_values(rows);
        let open_list = listed.then_some(behind_name);
        Ok(Target { lens, columns, extras: Vec::new(), listed, open_list, behind_list, rows })
    }

    /// Index of VALUES where brackets stand around all of the rows, else the given one.
    fn bracketed_values(&self, rows: usize) -> usize {
        let is = |at: usize, token: &Token| self.lexeme(at).is_some_and(|l| l.token == *token);
        let mut inner = rows;
        while is(inner, &Token::LParen) {
            inner += 1;
        }
        let ends = self.lexeme(self.behind_brackets(rows)).is_none_or(|behind| {
            matches!(behind.token, Token::RParen | Token::SemiColon)
                || behind.is_word("on")
                || behind.is_word("returning")
        });
        let bracketed = self.lexeme(inner).is_some_and(|word| word.is_word("values"));
        if bracketed && ends { inner } else { rows }
    }

    /// What PostgreSQL would say of a column in the list.
    fn judge_listed(
        &self,
        (ident, lens): (&Ident, &Lens),
        before: &[Option<&LogicalColumn>],
    ) -> Walk<()> {
        let name = name::folded(ident);
        let refusal = match lens.column(&name) {
            None => return self.no_column_at(ident, lens),
            // Parts of one column may be listed one by one.
            Some(logical) if self.part_behind(ident).0 == self.part_behind(ident).1 => {
                let mut before = before.iter().flatten();
                if !before.any(|known| std::ptr::eq(*known, logical)) {
                    return Ok(());
                }
                Refusal::listed_twice(&name)
            }
            Some(_) => return Ok(()),
        };
        Err(Box::new(refusal.at(self.position(start_byte(ident.span)))))
    }

    pub(super) fn listed_columns(
        &mut self,
        columns: &[ObjectName],
        lens: &'a Lens,
        goes: bool,
    ) -> Walk<Vec<Option<&'a LogicalColumn>>> {
        let mut found = Vec::new();
        for column in columns {
            let parts = name::parts(column).unwrap_or_default();
            parts.iter().for_each(|part| self.account(part));
            let Some(&ident) = parts.first() else { return self.refuse(Construct::Unreadable) };
            let wanted = name::folded(ident);
            // A name that is not known is PostgreSQL's to judge: the catalog may be behind. But a list that
            // goes it never sees.
            let logical = lens.column(&wanted);
            // Nor may the table that is written have a column of that name, which is another one.
            if goes || lens.among.is_some() {
                self.judge_listed((ident, lens), &found)?;
            }
            logical.map_or(Ok(()), |logical| self.listed_part(ident, logical))?;
            // The list of a table that is taken apart goes.
            let main = logical.filter(|_| !goes).and_then(|it| it.put.first());
            if let Some(main) = main {
                self.rename(ident, main);
            }
            found.push(logical);
        }
        Ok(found)
    }

    /// ON CONFLICT and RETURNING; the innermost level holds the target.
    pub(super) fn behind_rows(
        &mut self,
        insert: &Insert,
        lens: Option<&'a Lens>,
        outermost: bool,
    ) -> Walk<Columns> {
        match &insert.on {
            Some(OnInsert::OnConflict(conflict)) => self.on_conflict(insert, conflict, lens)?,
            Some(_) => {
                return self.refuse(Construct::NotPostgres("ON DUPLICATE KEY UPDATE"));
            }
            None => {}
        }
        let start = start_byte(insert.insert_token.0.span);
        let outputs = self.returning(start, insert.returning.as_deref(), outermost)?;
        let target = self.levels.last().and_then(|level| level.sources.first()?.occurrence);
        if let (Some(lens), Some(target)) = (lens, target)
            && writes_any(insert, lens, |column| lens.is_copied(column))
        {
            self.no_key_in_conflict(insert, lens)?;
            self.carry(target, start, outputs.as_deref(), ("INSERT", outermost, None))?;
        }
        Ok(columns_of(outputs.unwrap_or_default()))
    }

    /// A row that ON CONFLICT gives another key would leave its old one behind in the other table.
    fn no_key_in_conflict(&self, insert: &Insert, lens: &Lens) -> Walk<()> {
        let Some(OnInsert::OnConflict(conflict)) = &insert.on else { return Ok(()) };
        let OnConflictAction::DoUpdate(update) = &conflict.action else { return Ok(()) };
        match self.writes_key(lens, &update.assignments) {
            true => self.refuse(Construct::ConflictKey),
            false => Ok(()),
        }
    }

    /// RETURNING of the statement whose first word stands at `byte`; gives its columns, if there is one.
    pub(super) fn returning<'q>(
        &mut self,
        byte: usize,
        items: Option<&'q [sqlparser::ast::SelectItem]>,
        outermost: bool,
    ) -> Walk<Option<Vec<Option<Output<'q>>>>> {
        let Some(items) = items else { return Ok(None) };
        let Some(returning) = self.keyword_behind(self.lexeme_at(byte) + 1, "returning") else {
            return self.refuse(Construct::Unreadable);
        };
        let extents = self.list(returning + 1);
        let audience = if outermost { Audience::Operand } else { Audience::Any };
        let outputs = self.select_list(items, &extents, audience)?;
        if outermost {
            self.show_rows();
        }
        Ok(Some(outputs))
    }

    /// Writes the final column list: the client's own with the added columns, or a new one.
    pub(super) fn emit_insert_columns(&mut self, target: &Target<'_>, width: usize) {
        if target.listed {
            let close = target.behind_list.checked_sub(1).and_then(|close| self.lexeme(close));
            let close = close.filter(|close| close.token == Token::RParen).map(|close| close.start);
            if let Some(at) = close.filter(|_| !target.extras.is_empty()) {
                let pieces = self.added_columns(target);
                self.edits.insert(at, pieces);
            }
            return;
        }
        let extras = target.extras.iter().map(|extra| name::quoted(&extra.access.column));
        let own =
            target.columns.iter().take(width).flatten().filter_map(|column| column.put.first());
        let all: Vec<String> =
            own.map(|access| name::quoted(&access.column)).chain(extras).collect();
        let before = target.behind_list.checked_sub(1).and_then(|before| self.lexeme(before));
        if let Some(at) = before.map(|before| before.end)
            && !all.is_empty()
        {
            self.edits.insert(at, vec![format!(" ({})", all.join(", ")).into()]);
        }
    }
}

/// Whether an INSERT writes what only another table holds.
fn is_taken_apart(insert: &Insert, lens: &Lens) -> bool {
    writes_any(insert, lens, LogicalColumn::is_apart)
}

/// Whether an INSERT writes some such column: one that every row of the client's has, or that it names.
fn writes_any(insert: &Insert, lens: &Lens, such: impl Fn(&LogicalColumn) -> bool) -> bool {
    let is_such = |column: &ObjectName| {
        let parts = name::parts(column).unwrap_or_default();
        let logical = parts.first().and_then(|part| lens.column(&name::folded(part)));
        logical.is_some_and(&such)
    };
    let assigned = match &insert.on {
        Some(OnInsert::OnConflict(conflict)) => match &conflict.action {
            OnConflictAction::DoUpdate(update) => update.assignments.as_slice(),
            OnConflictAction::DoNothing => &[],
        },
        Some(_) | None => &[],
    };
    let mut assigned = assigned.iter().flat_map(|assignment| match &assignment.target {
        AssignmentTarget::ColumnName(column) => std::slice::from_ref(column),
        AssignmentTarget::Tuple(columns) => columns.as_slice(),
    });
    lens.shown().any(&such) || insert.columns.iter().any(is_such) || assigned.any(is_such)
}
