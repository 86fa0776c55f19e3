//! Every statement that is not SELECT, INSERT, UPDATE or DELETE: rewritten inside, harmless, or
//! refused where it names a governed table.

use sqlparser::ast::{CreateTable, CreateView, Ident, ObjectName, Query, Statement, TableAlias};
use sqlparser::tokenizer::{Span, Token};

use super::joined::relation;
use super::whole_tables::Deed;
use super::{Relation, Rewriter, Walk};
use crate::lens::{Lens, LogicalColumn};
use crate::name;
use crate::outcome::Notice;
use crate::refusal::Construct;
use crate::scope::Columns;
use crate::statement::{Lexeme, end_byte};

impl<'a> Rewriter<'a> {
    #[expect(clippy::too_many_lines, reason = "one list of every kind of statement there is")]
    pub(super) fn utility(&mut self, statement: &Statement) -> Walk<()> {
        match statement {
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_) => self.statement(statement).map(|_| ()),
            Statement::Explain { statement, .. } => self.statement(statement).map(|_| ()),
            Statement::Prepare { name, statement, .. } => self.prepare(name, statement),
            Statement::Declare { stmts } => stmts.iter().try_for_each(|declare| {
                declare.names.iter().for_each(|cursor| self.account(cursor));
                let before = self.occurrences.len();
                declare.for_query.iter().try_for_each(|query| self.cursor(query))?;
                self.note_cursor(declare, before);
                Ok(())
            }),
            Statement::CreateTable(table) => self.create_table(table),
            Statement::CreateView(view) => self.create_view(view),
            // What our own reading of COPY did not understand.
            Statement::Copy { .. } => {
                self.refuse_if_named(Construct::NotPostgres("this form of COPY"))
            }
            Statement::Analyze(_) => {
                self.analyzed_columns();
                self.account_statement();
                Ok(())
            }
            Statement::Truncate(truncate) => {
                self.account_statement();
                if let Some(lens) = self.truncates_merged(truncate) {
                    return self.empty_merged(lens);
                }
                self.whole_tables(
                    Deed::Truncate,
                    truncate.table_names.iter().map(|table| &table.name),
                )
            }
            Statement::Lock(lock) => {
                self.account_statement();
                self.whole_tables(Deed::Lock, lock.tables.iter().map(|table| &table.name))
            }
            // They name whole tables, cursors, channels or settings, never a column's meaning.
            Statement::Set(_)
            | Statement::Call(_)
            | Statement::Open(_)
            | Statement::Close { .. }
            | Statement::Fetch { .. }
            | Statement::Discard { .. }
            | Statement::ShowFunctions { .. }
            | Statement::ShowVariable { .. }
            | Statement::ShowStatus { .. }
            | Statement::ShowVariables { .. }
            | Statement::ShowCreate { .. }
            | Statement::ShowColumns { .. }
            | Statement::ShowCatalogs { .. }
            | Statement::ShowDatabases { .. }
            | Statement::ShowProcessList { .. }
            | Statement::ShowSchemas { .. }
            | Statement::ShowCharset(_)
            | Statement::ShowObjects(_)
            | Statement::ShowTables { .. }
            | Statement::ShowViews { .. }
            | Statement::ShowCollation { .. }
            | Statement::Use(_)
            | Statement::StartTransaction { .. }
            | Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::Deallocate { .. }
            | Statement::Execute { .. }
            | Statement::Kill { .. }
            | Statement::Savepoint { .. }
            | Statement::ReleaseSavepoint { .. }
            | Statement::LISTEN { .. }
            | Statement::UNLISTEN { .. }
            | Statement::NOTIFY { .. }
            | Statement::Vacuum(_)
            | Statement::Reset(_) => {
                self.account_statement();
                Ok(())
            }
            // Definitions: they would change what was compiled, or see physical names.
            Statement::Msck(_)
            | Statement::Install { .. }
            | Statement::Load { .. }
            | Statement::Directory { .. }
            | Statement::Case(_)
            | Statement::If(_)
            | Statement::While(_)
            | Statement::Raise(_)
            | Statement::CopyIntoSnowflake { .. }
            | Statement::CreateVirtualTable { .. }
            | Statement::CreateIndex(_)
            | Statement::CreateRole(_)
            | Statement::CreateSecret { .. }
            | Statement::CreateServer(_)
            | Statement::CreatePolicy(_)
            | Statement::CreateConnector(_)
            | Statement::CreateOperator(_)
            | Statement::CreateOperatorFamily(_)
            | Statement::CreateOperatorClass(_)
            | Statement::CreateTextSearch(_)
            | Statement::AlterTable(_)
            | Statement::AlterSchema(_)
            | Statement::AlterIndex { .. }
            | Statement::AlterView { .. }
            | Statement::AlterFunction(_)
            | Statement::AlterType(_)
            | Statement::AlterCollation(_)
            | Statement::AlterOperator(_)
            | Statement::AlterOperatorFamily(_)
            | Statement::AlterOperatorClass(_)
            | Statement::AlterTextSearch(_)
            | Statement::AlterRole { .. }
            | Statement::AlterPolicy(_)
            | Statement::AlterConnector { .. }
            | Statement::AlterSession { .. }
            | Statement::AttachDatabase { .. }
            | Statement::AttachDuckDBDatabase { .. }
            | Statement::DetachDuckDBDatabase { .. }
            | Statement::Drop { .. }
            | Statement::DropFunction(_)
            | Statement::DropDomain(_)
            | Statement::DropProcedure { .. }
            | Statement::DropSecret { .. }
            | Statement::DropPolicy(_)
            | Statement::DropConnector { .. }
            | Statement::CreateExtension(_)
            | Statement::CreateCollation(_)
            | Statement::DropExtension(_)
            | Statement::DropOperator(_)
            | Statement::DropOperatorFamily(_)
            | Statement::DropOperatorClass(_)
            | Statement::Flush { .. }
            | Statement::Comment { .. }
            | Statement::CreateSchema { .. }
            | Statement::CreateDatabase { .. }
            | Statement::CreateFunction(_)
            | Statement::CreateTrigger(_)
            | Statement::DropTrigger(_)
            | Statement::CreateProcedure { .. }
            | Statement::CreateMacro { .. }
            | Statement::CreateStage { .. }
            | Statement::CreateFileFormat { .. }
            | Statement::CreateWarehouse(_)
            | Statement::Assert { .. }
            | Statement::Grant(_)
            | Statement::Deny(_)
            | Statement::Revoke(_)
            | Statement::ExplainTable { .. }
            | Statement::Cache { .. }
            | Statement::UNCache { .. }
            | Statement::CreateSequence { .. }
            | Statement::CreateDomain(_)
            | Statement::CreateType { .. }
            | Statement::Pragma { .. }
            | Statement::LockTables { .. }
            | Statement::UnlockTables
            | Statement::Unload { .. }
            | Statement::OptimizeTable { .. }
            | Statement::LoadData { .. }
            | Statement::RenameTable(_)
            | Statement::List(_)
            | Statement::Put { .. }
            | Statement::Remove(_)
            | Statement::RaisError { .. }
            | Statement::Throw(_)
            | Statement::Print(_)
            | Statement::WaitFor(_)
            | Statement::Return(_)
            | Statement::ExportData(_)
            | Statement::CreateUser(_)
            | Statement::AlterUser(_) => self.refuse_if_named(Construct::Utility),
        }
    }

    /// The statement's own table: no CTE can stand for it, nor a derived table.
    pub(super) fn target(
        &mut self,
        written: &ObjectName,
        alias: Option<&TableAlias>,
        fixed: &'static str,
    ) -> Walk<Option<usize>> {
        let ctes = std::mem::take(&mut self.ctes);
        let catalogs = self.catalogs.take();
        let occurrence = self.table(written, alias);
        self.ctes = ctes;
        self.catalogs = catalogs;
        let occurrence = occurrence?;
        if let Some(occurrence) = occurrence {
            self.fix(occurrence, fixed);
            // Nor can its columns have aliases.
            if let Some(found) = self.occurrences.get_mut(occurrence) {
                found.is_held = true;
                found.is_locked = true;
                found.span = None;
            }
        }
        Ok(occurrence)
    }

    /// Index of the token behind the statement, or behind the brackets, that `from` stands in.
    pub(super) fn statement_end(&self, from: usize) -> usize {
        let mut depth = 0_usize;
        for (index, lexeme) in self.lexemes.iter().enumerate().skip(from) {
            match lexeme.token {
                Token::LParen => depth += 1,
                Token::RParen if depth == 0 => return index,
                Token::RParen => depth -= 1,
                Token::SemiColon if depth == 0 => return index,
                _ => {}
            }
        }
        self.lexemes.len()
    }

    /// Rewritten inside. The statement's name and its parameters' types name no relation, unless a
    /// type is a governed table's row type: its columns would be the physical ones.
    fn prepare(&mut self, name: &Ident, statement: &Statement) -> Walk<()> {
        self.account(name);
        let types = self.lexeme_at(end_byte(name.span));
        if self.lexeme(types).is_some_and(|lexeme| lexeme.token == Token::LParen) {
            let behind = self.behind_brackets(types);
            let lexemes = self.lexemes.get(types..behind).unwrap_or_default();
            let lenses = self.lenses();
            let is_type = |lexeme: &&Lexeme| {
                let name = lexeme.name();
                name.is_some_and(|name| lenses.iter().all(|lens| lens.relation.name != name))
            };
            self.accounted.extend(lexemes.iter().filter(is_type).map(|lexeme| lexeme.start));
        }
        // What its answers need is noted for the PREPARE: it is meant for what executes it.
        self.outermost = true;
        self.statement(statement).map(|_: Columns| ())
    }

    /// Any row of a cursor may be written by WHERE CURRENT OF, which takes no join.
    fn cursor(&mut self, query: &Query) -> Walk<()> {
        let before = self.occurrences.len();
        self.query(query)?;
        self.hold(before);
        Ok(())
    }

    /// CREATE [MATERIALIZED] VIEW is rewritten inside. It will not follow the next flip.
    fn create_view(&mut self, view: &CreateView) -> Walk<()> {
        for part in name::parts(&view.name).unwrap_or_default() {
            self.account(part);
        }
        view.columns.iter().for_each(|column| self.account(&column.name));
        let before = self.occurrences.len();
        // A view over a catalog outlives every phase: it reads what is in it.
        let catalogs = self.catalogs.take();
        self.query(&view.query)?;
        self.catalogs = catalogs;
        let Some(lens) = self.occurrences.get(before).map(|found| found.lens) else {
            return Ok(());
        };
        let view =
            name::parts(&view.name).and_then(|parts| parts.last().map(|it| name::folded(it)));
        let migrations: Vec<String> =
            lens.migrations.iter().map(|migration| format!("\"{migration}\"")).collect();
        self.replies.entry(self.statement).or_default().notice = Some(Notice {
            message: format!(
                "view \"{}\" keeps to the columns of table \"{}\" that are read today",
                view.unwrap_or_default(),
                lens.relation
            ),
            hint: format!(
                "It does not follow migration {} to another phase: create it again after a flip.",
                migrations.join(", ")
            ),
        });
        Ok(())
    }

    /// CREATE TABLE … AS is rewritten inside; anything else is a definition.
    fn create_table(&mut self, table: &CreateTable) -> Walk<()> {
        let Some(query) = table.query.as_ref().filter(|_| table.columns.is_empty()) else {
            return self.refuse_if_named(Construct::Utility);
        };
        for part in name::parts(&table.name).unwrap_or_default() {
            self.account(part);
        }
        self.query(query).map(|_: Columns| ())
    }

    pub(super) fn refuse_if_named(&self, construct: Construct) -> Walk<()> {
        for lexeme in self.lexemes.get(self.current.0..self.current.1).unwrap_or_default() {
            let Some(word) = lexeme.name() else { continue };
            if self.lenses().iter().any(|lens| lens.relation.name == word) {
                return self.refuse_at(construct, lexeme.start);
            }
        }
        Ok(())
    }

    /// `ANALYZE t (a, b), u`: the tree does not hold the names.
    fn analyzed_columns(&mut self) {
        let lexemes = self.lexemes.get(self.current.0..self.current.1).unwrap_or_default();
        let mut table: Vec<(Ident, (usize, usize))> = Vec::new();
        let mut lens = None;
        // Where the list begins, and what its names become.
        let (mut open, mut renamed, mut apart) = (0, Vec::new(), false);
        // Options, and columns of a table that is not governed, are no tables.
        let mut is_other_list = false;
        let mut changed: Vec<((usize, usize), String)> = Vec::new();
        for lexeme in lexemes {
            match (&lexeme.token, lens) {
                (Token::Word(word), Some(lens)) => {
                    let column = name::folded(&word.to_ident(Span::empty()));
                    let known = Lens::column(lens, &column).map(LogicalColumn::own);
                    apart |= known.is_some_and(|access| access.beside.is_some());
                    if let Some(access) = known.filter(|access| access.column != column) {
                        renamed.push(((lexeme.start, lexeme.end), name::quoted(&access.column)));
                    }
                }
                (Token::Word(word), None) => {
                    table.push((word.to_ident(Span::empty()), (lexeme.start, lexeme.end)));
                }
                (Token::Period, _) => {}
                (Token::LParen, None) => {
                    let found = self.analyzed_table(&table);
                    changed.extend(found.and_then(elsewhere));
                    // What is analyzed is the table itself.
                    lens = found.map(|(lens, _)| lens).filter(|lens| lens.over.is_none());
                    open = lexeme.start;
                    is_other_list = lens.is_none();
                }
                (Token::RParen | Token::Comma, None) => {
                    let found = self.analyzed_table(&table).filter(|_| !is_other_list);
                    changed.extend(found.and_then(elsewhere));
                    is_other_list &= lexeme.token != Token::RParen;
                    table.clear();
                }
                (Token::RParen, Some(_)) => {
                    let renamed = std::mem::take(&mut renamed);
                    // The other table is analyzed by itself, as any table is.
                    match std::mem::take(&mut apart) {
                        true => changed.push(((open, lexeme.end), String::new())),
                        false => changed.extend(renamed),
                    }
                    lens = None;
                    table.clear();
                }
                _ => {}
            }
        }
        changed.extend(self.analyzed_table(&table).and_then(elsewhere));
        for ((start, end), text) in changed {
            let text = Some(text).filter(|text| !text.is_empty());
            self.edits.replace(start, end, text.into_iter().map(Into::into).collect());
        }
    }

    /// The governed table that ANALYZE names, and where. Words that are not parts of its name stand before it.
    fn analyzed_table(
        &self,
        words: &[(Ident, (usize, usize))],
    ) -> Option<(&'a Lens, (usize, usize))> {
        let parts: Vec<&Ident> = words.iter().map(|(ident, _)| ident).collect();
        let end = words.last().map(|(_, (_, end))| *end)?;
        words.iter().enumerate().find_map(|(from, (_, (start, _)))| {
            match self.relation(parts.get(from..).unwrap_or_default()) {
                Relation::Governed(lens) => Some((lens, (*start, end))),
                Relation::Absent | Relation::Known(..) | Relation::Unknown => None,
            }
        })
    }

    /// Accounts for every identifier of the present statement.
    fn account_statement(&mut self) {
        self.account_tokens(self.current.0, self.current.1);
    }

    /// Accounts for every identifier among some tokens.
    pub(super) fn account_tokens(&mut self, first: usize, end: usize) {
        let lexemes = self.lexemes.get(first..end).unwrap_or_default();
        self.accounted.extend(lexemes.iter().map(|lexeme| lexeme.start));
    }
}

/// Of a table whose rows are another one's that one is analyzed.
fn elsewhere((lens, place): (&Lens, (usize, usize))) -> Option<((usize, usize), String)> {
    lens.among.is_some().then(|| (place, relation(lens.physical())))
}
