//! FROM: which relations a query level sees, and which of them are governed.

use sqlparser::ast::{
    Join, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Token;

use super::extent::Range;
use super::occurrence::{Alias, Need};
use super::{Occurrence, Relation, Rewriter, Walk};
use crate::lens::Lens;
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::scope::{Columns, Level, PassedRow, Source};
use crate::statement::{end_byte, start_byte};

impl<'a> Rewriter<'a> {
    fn level(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    /// Adds a comma-separated list of FROM items to the innermost level.
    pub(super) fn relations(&mut self, items: &[TableWithJoins]) -> Walk<()> {
        items.iter().try_for_each(|item| self.join_tree(item))
    }

    fn join_tree(&mut self, tree: &TableWithJoins) -> Walk<()> {
        let start = self.levels.last().map_or(0, |level| level.sources.len());
        self.table_factor(&tree.relation)?;
        for join in &tree.joins {
            let right = self.levels.last().map_or(0, |level| level.sources.len());
            self.table_factor(&join.relation)?;
            if !matches!(
                join.join_operator,
                JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
            ) {
                self.may_be_missing(start);
            }
            self.join_condition(join, start, right)?;
        }
        Ok(())
    }

    /// An outer join may leave out any of its relations; to say which is not worth the while.
    fn may_be_missing(&mut self, start: usize) {
        let sources = self.levels.last().into_iter().flat_map(|level| &level.sources).skip(start);
        let found: Vec<usize> = sources.filter_map(|source| source.occurrence).collect();
        for occurrence in found {
            if let Some(found) = self.occurrences.get_mut(occurrence) {
                found.may_be_missing = true;
            }
        }
    }

    fn join_condition(&mut self, join: &Join, start: usize, right: usize) -> Walk<()> {
        let constraint = match &join.join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) => constraint,
            JoinOperator::Semi(_)
            | JoinOperator::LeftSemi(_)
            | JoinOperator::RightSemi(_)
            | JoinOperator::Anti(_)
            | JoinOperator::LeftAnti(_)
            | JoinOperator::RightAnti(_)
            | JoinOperator::CrossApply
            | JoinOperator::OuterApply
            | JoinOperator::AsOf { .. }
            | JoinOperator::StraightJoin(_)
            | JoinOperator::ArrayJoin
            | JoinOperator::LeftArrayJoin
            | JoinOperator::InnerArrayJoin => {
                return self.refuse(Construct::NotPostgres("this kind of join"));
            }
        };
        match constraint {
            JoinConstraint::On(condition) => {
                let outer =
                    self.level().map(|level| std::mem::replace(&mut level.visible_from, start));
                let walked = self.expression(condition);
                if let (Some(level), Some(outer)) = (self.level(), outer) {
                    level.visible_from = outer;
                }
                walked
            }
            JoinConstraint::Using(columns) => {
                self.using(columns, start, right)?;
                self.merged_alias(columns);
                Ok(())
            }
            JoinConstraint::Natural => {
                self.need_sources(start, Need::Named, "NATURAL JOIN", |_| true);
                self.no_rows_from(start, None)?;
                if let Some(level) = self.level() {
                    level.merges_unknown = true;
                }
                Ok(())
            }
            JoinConstraint::None => Ok(()),
        }
    }

    fn using(&mut self, columns: &[ObjectName], start: usize, right: usize) -> Walk<()> {
        for column in columns {
            let Some(ident) = name::single(column) else {
                return self.refuse(Construct::NotPostgres("a qualified name in USING"));
            };
            self.account(ident);
            let merged = name::folded(ident);
            self.need_sources(start, Need::Named, "JOIN … USING a governed column", |lens| {
                // One that is hidden would be there twice.
                lens.column(&merged).is_some_and(|column| !column.is_plain() || !column.shown)
                    || lens.hidden.contains(&merged)
            });
            self.refuse_other_name(start, right, &merged)?;
            self.no_rows_from(start, Some(&merged))?;
            if let Some(level) = self.level() {
                level.merged.push(merged);
            }
        }
        Ok(())
    }

    /// One relation on each side has the merged column. Where only a governed one could, by its
    /// name in the other shape, nothing that shows the client's shape would do.
    fn refuse_other_name(&self, start: usize, right: usize, name: &str) -> Walk<()> {
        let sources = self.levels.last().map_or(&[][..], |level| &level.sources);
        let sides = [sources.get(start..right), sources.get(right..)];
        for side in sides.into_iter().flatten() {
            let known = |source: &Source| match &source.columns {
                Columns::Known(columns) => columns.iter().any(|column| column == name),
                Columns::Unknown => true,
            };
            if side.iter().any(known) {
                continue;
            }
            for at in side.iter().filter_map(|source| source.occurrence) {
                let Some(lens) = self.occurrences.get(at).map(|found| found.lens) else { continue };
                if lens.column(name).is_some() {
                    let reason = "JOIN … USING a column's name in the other shape";
                    return Err(Box::new(Refusal::no_derived_table(reason, lens)));
                }
            }
        }
        Ok(())
    }

    /// `JOIN … USING (a) AS b`: the merged columns are a relation of their own.
    fn merged_alias(&mut self, columns: &[ObjectName]) {
        let Some(last) = columns.last().and_then(name::single) else { return };
        let close = self.lexeme_at(end_byte(last.span));
        let is_as = self.lexeme(close + 1).is_some_and(|word| word.is_word("as"));
        let alias = self.lexeme(close + 2).filter(|_| is_as);
        let Some((alias, start, end)) =
            alias.and_then(|alias| Some((alias.name()?, alias.start, alias.end)))
        else {
            return;
        };
        let names = columns.iter().filter_map(name::single).map(name::folded).collect();
        let source = Source {
            name: alias,
            schema: None,
            columns: Columns::Known(names),
            occurrence: None,
            reference: self.slice((start, end)).to_owned(),
            renamed: false,
            rows: Vec::new(),
        };
        if let Some(level) = self.level() {
            level.sources.push(source);
        }
    }

    /// Notes what the innermost level's governed sources from `start` on need.
    fn need_sources(
        &mut self,
        start: usize,
        need: Need,
        reason: &'static str,
        wanted: impl Fn(&Lens) -> bool,
    ) {
        let found: Vec<usize> = self.levels.last().map_or_else(Vec::new, |level| {
            level.sources.iter().skip(start).filter_map(|source| source.occurrence).collect()
        });
        for occurrence in found {
            if self.occurrences.get(occurrence).is_some_and(|found| wanted(found.lens)) {
                self.need(occurrence, need, reason);
            }
        }
    }

    pub(super) fn table_factor(&mut self, factor: &TableFactor) -> Walk<()> {
        match factor {
            TableFactor::Table { name, alias, args: None, sample, .. } => {
                let occurrence = self.table(name, alias.as_ref())?;
                if let (Some(_), Some(occurrence)) = (sample, occurrence) {
                    self.fix(occurrence, "TABLESAMPLE");
                }
                Ok(())
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                self.function(name, &args.args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Function { name, alias, args, with_ordinality, .. } => {
                self.function(name, args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                array_exprs.iter().try_for_each(|array| self.expression(array))?;
                let scalar = !with_ordinality
                    && matches!(array_exprs.as_slice(), [array] if self.has_scalars(array));
                self.function_source("unnest", "unnest", alias.as_ref(), scalar);
                Ok(())
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let before = self.occurrences.len();
                let (columns, rows) = self.read_as_relation(|rewriter| match lateral {
                    true => rewriter.query(subquery),
                    false => rewriter.outside_level(|rewriter| rewriter.query(subquery)),
                })?;
                self.derived_source(alias.as_ref(), columns, rows);
                let inside = before..self.occurrences.len();
                if let Some(level) = self.level() {
                    let name = level.sources.last().map(|source| source.name.clone());
                    level.inside.extend(name.map(|name| (name, inside)));
                }
                Ok(())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                self.nested_join(table_with_joins, alias.as_ref())
            }
            TableFactor::TableFunction { .. }
            | TableFactor::JsonTable { .. }
            | TableFactor::OpenJsonTable { .. }
            | TableFactor::XmlTable { .. }
            | TableFactor::Pivot { .. }
            | TableFactor::Unpivot { .. }
            | TableFactor::UnpivotExpr { .. }
            | TableFactor::MatchRecognize { .. }
            | TableFactor::SemanticView { .. } => {
                self.refuse(Construct::NotPostgres("this kind of table in FROM"))
            }
        }
    }

    /// A plain table name: a CTE, a governed table, a known relation, or neither.
    /// Returns the occurrence if it is governed.
    pub(super) fn table(
        &mut self,
        written: &ObjectName,
        alias: Option<&TableAlias>,
    ) -> Walk<Option<usize>> {
        let Some(parts) = name::parts(written) else {
            return self.refuse(Construct::NotPostgres("a computed table name"));
        };
        let Some(&last) = parts.last() else { return Ok(None) };
        parts.iter().for_each(|part| self.account(part));
        let unaliased = Source {
            name: name::folded(last),
            schema: None,
            columns: Columns::Unknown,
            occurrence: None,
            reference: self.source_of(last),
            renamed: false,
            rows: Vec::new(),
        };
        if let ([_], Some(cte)) = (parts.as_slice(), self.cte(&unaliased.name)) {
            let (columns, rows) = (cte.columns.clone(), cte.rows.clone());
            self.source(Source { columns, rows, ..unaliased }, alias);
            return Ok(None);
        }
        match self.relation(&parts) {
            Relation::Governed(lens) => {
                let end = end_byte(last.span);
                let start = parts.first().map_or(end, |first| start_byte(first.span));
                let reference = alias.map_or_else(
                    || unaliased.reference.clone(),
                    |alias| self.source_of(&alias.name),
                );
                let occurrence = self.occurrences.len();
                let span = self.with_only(start, end);
                self.occurrences.push(Occurrence {
                    span: Some(span),
                    written: Some(span),
                    alias: alias.map(|alias| self.alias(alias)),
                    ..Occurrence::new(lens, reference)
                });
                if alias.is_some_and(|alias| !alias.columns.is_empty()) {
                    self.need(occurrence, Need::Counted, "a list of column aliases");
                }
                let columns = lens.shown().map(|column| column.name.clone()).collect();
                let source = Source {
                    schema: Some(lens.relation.schema.clone()),
                    columns: Columns::Known(columns),
                    occurrence: Some(occurrence),
                    ..unaliased
                };
                self.source(source, alias);
                Ok(Some(occurrence))
            }
            Relation::Known(schema, columns) => {
                self.qualify_in_view(&parts, alias, &schema);
                let qualifier = alias.map_or(last, |alias| &alias.name);
                self.note_bystander((&schema, last, qualifier), &columns, false);
                let columns = Columns::Known(columns);
                self.source(Source { schema: Some(schema), columns, ..unaliased }, alias);
                Ok(None)
            }
            Relation::Absent => self.no_relation(&parts),
            Relation::Unknown => {
                self.source(unaliased, alias);
                Ok(None)
            }
        }
    }

    /// Where an alias and its list of column aliases end.
    fn alias(&self, alias: &TableAlias) -> Alias {
        let end = end_byte(alias.name.span);
        let columns: Vec<String> =
            alias.columns.iter().map(|column| self.source_of(&column.name)).collect();
        let list_end = (!columns.is_empty())
            .then(|| self.behind_brackets(self.lexeme_at(end)).checked_sub(1))
            .flatten()
            .and_then(|close| self.lexeme(close))
            .map(|close| close.end);
        Alias { end, list_end, columns }
    }

    /// Bytes of a table's name, with the `ONLY` before it and the brackets that may be around it, or
    /// the `*` behind it.
    pub(super) fn with_only(&self, start: usize, end: usize) -> Range {
        if !self.only.contains(&start) {
            let star = self.lexeme(self.lexeme_at(end));
            let star = star.filter(|star| star.token == Token::Mul);
            return (start, star.map_or(end, |star| star.end));
        }
        let name = self.lexeme_at(start);
        let before = |steps: usize| name.checked_sub(steps).and_then(|index| self.lexeme(index));
        let bracket = before(1).is_some_and(|open| open.token == Token::LParen);
        let only = before(1 + usize::from(bracket)).map_or(start, |only| only.start);
        let close = self.lexeme(self.lexeme_at(end)).filter(|_| bracket);
        (only, close.map_or(end, |close| close.end))
    }

    /// Adds a relation to the innermost level, under its alias if it has one.
    pub(super) fn source(&mut self, source: Source, alias: Option<&TableAlias>) {
        let source = match alias {
            None => source,
            Some(alias) => {
                self.account(&alias.name);
                Source {
                    name: name::folded(&alias.name),
                    schema: None,
                    columns: self.aliased_columns(alias, source.columns),
                    occurrence: source.occurrence,
                    reference: self.source_of(&alias.name),
                    renamed: !alias.columns.is_empty(),
                    rows: source.rows,
                }
            }
        };
        let source = self.told_apart(source);
        if let Some(level) = self.level() {
            level.sources.push(source);
        }
    }

    /// Two tables of one name stand side by side only if their schemas tell them apart, which an
    /// alias would not.
    fn told_apart(&mut self, mut new: Source) -> Source {
        let Some(mut level) = self.levels.pop() else { return new };
        let same = |old: &&mut Source| old.name == new.name && old.schema.is_some();
        if new.schema.is_some()
            && let Some(old) = level.sources.iter_mut().find(same)
        {
            for source in [old, &mut new] {
                let schema = source.schema.as_deref().unwrap_or_default();
                source.reference = format!("{}.{}", name::quoted(schema), source.reference);
                let Some(at) = source.occurrence else { continue };
                if let Some(occurrence) = self.occurrences.get_mut(at) {
                    occurrence.needs_its_schema = true;
                    occurrence.reference.clone_from(&source.reference);
                }
            }
        }
        self.levels.push(level);
        new
    }

    /// A list of column aliases renames the first columns.
    pub(super) fn aliased_columns(&mut self, alias: &TableAlias, columns: Columns) -> Columns {
        for column in &alias.columns {
            self.account(&column.name);
        }
        let names = alias.columns.iter().map(|column| name::folded(&column.name));
        match columns {
            Columns::Unknown => Columns::Unknown,
            Columns::Known(known) => {
                let rest = known.into_iter().skip(alias.columns.len());
                Columns::Known(names.chain(rest).collect())
            }
        }
    }

    /// A relation that has only an alias; PostgreSQL 16 allows it to have none.
    fn derived_source(
        &mut self,
        alias: Option<&TableAlias>,
        columns: Columns,
        rows: Vec<PassedRow>,
    ) {
        let nameless = Source {
            name: String::new(),
            schema: None,
            columns,
            occurrence: None,
            reference: String::new(),
            renamed: false,
            rows,
        };
        self.source(nameless, alias);
    }

    /// `(a JOIN b …) AS alias` hides a and b; without an alias they stay visible.
    fn nested_join(&mut self, tree: &TableWithJoins, alias: Option<&TableAlias>) -> Walk<()> {
        let start = self.levels.last().map_or(0, |level| level.sources.len());
        self.join_tree(tree)?;
        let Some(alias) = alias else { return Ok(()) };
        self.need_sources(start, Need::Shaped, "an alias for a join", |_| true);
        self.no_rows_from(start, None)?;
        if let Some(level) = self.level() {
            level.sources.truncate(start);
        }
        self.derived_source(Some(alias), Columns::Unknown, Vec::new());
        Ok(())
    }

    /// Runs `work` with the innermost level out of sight: a derived table that is not LATERAL
    /// does not see its neighbours.
    pub(super) fn outside_level<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let level = self.levels.pop();
        let result = work(self);
        self.levels.extend(level);
        result
    }
}
