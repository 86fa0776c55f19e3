//! GROUP BY a key: PostgreSQL takes a table's other columns as determined by its key, but not a derived
//! table's. So they are grouped by as well, which changes no group.

use std::collections::BTreeSet;

use sqlparser::ast::{Expr, GroupByExpr, Select, Value};

use super::Rewriter;
use super::query::Output;
use super::star::Element;
use crate::catalog::RelationName;
use crate::lens::Lens;
use crate::name;
use crate::statement::start_byte;

/// Columns of catalogs whose values cannot be compared, so that nothing can be grouped by them.
const NOT_GROUPABLE: [&str; 12] = [
    "adbin",
    "attmissingval",
    "conbin",
    "ev_action",
    "ev_qual",
    "indexprs",
    "indpred",
    "partexprs",
    "polqual",
    "polwithcheck",
    "stxexprs",
    "tgqual",
];

/// Types of which the same is true.
const NOT_COMPARABLE: [&str; 7] = ["json", "xml", "point", "polygon", "line", "path", "box"];

impl Rewriter<'_> {
    /// Extends GROUP BY the key of what becomes a derived table by the columns that the innermost level
    /// names.
    ///
    /// `from` is the level's first reference, `outputs` are its columns.
    pub(super) fn group_by_determined_columns(
        &mut self,
        select: &Select,
        from: usize,
        outputs: &[Option<Output<'_>>],
    ) {
        let GroupByExpr::Expressions(items, _) = &select.group_by else { return };
        if items.is_empty() {
            return;
        }
        let own: BTreeSet<usize> = self.levels.last().map_or_else(BTreeSet::new, |level| {
            level.sources.iter().filter_map(|source| source.occurrence).collect()
        });
        let start = start_byte(select.select_token.0.span);
        let named = self.named_of_groups(start, from);
        for at in own {
            let is_elsewhere =
                self.occurrences.get(at).is_some_and(|found| found.lens.is_elsewhere());
            if !self.is_catalog(at) && !self.reads_beside(at) && !is_elsewhere {
                self.fix(at, "a query with GROUP BY");
                continue;
            }
            let Some(missing) = self.determined(at, items, &named, outputs) else {
                self.fix(at, "GROUP BY the key");
                continue;
            };
            let Some(found) = self.occurrences.get(at) else { continue };
            let reference = &found.reference;
            let column = |column: &String| format!(", {reference}.{}", name::quoted(column));
            let text: String = missing.iter().map(column).collect();
            // The names are those of the table that the client knows.
            let is_named = is_elsewhere && !text.is_empty();
            if let Some(found) = self.occurrences.get_mut(at).filter(|_| is_named) {
                found.prefers_derived = true;
            }
            if let Some(end) = self.group_by_end(start)
                && !text.is_empty()
            {
                self.edits.insert(end, vec![text.into()]);
            }
        }
    }

    /// The columns that the query names and its groups have one value of, but only because the key
    /// determines them. `None`: they cannot be told, or nothing can be grouped by one of them.
    fn determined(
        &self,
        at: usize,
        items: &[Expr],
        names: &BTreeSet<(usize, String)>,
        outputs: &[Option<Output<'_>>],
    ) -> Option<BTreeSet<String>> {
        let (mut by, mut is_known, mut is_plain) = (BTreeSet::new(), true, true);
        for item in items {
            let (Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets)) = item else {
                is_known &= self.grouped_by(at, item, outputs, &mut by);
                continue;
            };
            is_plain = false;
            for element in sets.iter().flatten() {
                is_known &= self.grouped_by(at, element, outputs, &mut by);
            }
        }
        let lens = self.occurrences.get(at)?.lens;
        let own = names.iter().filter(|(occurrence, _)| *occurrence == at);
        let mut named: BTreeSet<String> = own.map(|(_, column)| column.clone()).collect();
        let starred = |element: &Element| matches!(element, Element::Governed(it) if *it == at);
        if self.stars.iter().any(|star| star.elements.iter().any(starred)) {
            named.extend(lens.shown().map(|column| column.name.clone()));
        }
        let missing: BTreeSet<String> = named.difference(&by).cloned().collect();
        if missing.is_empty() {
            return Some(missing);
        }
        if !self.is_determined(at, &by) {
            return is_known.then(BTreeSet::new);
        }
        // Not every one of several sets may have the key.
        let is_catalog = self.is_catalog(at);
        let can_be_added = |column: &String| is_comparable(lens, column, is_catalog);
        (is_plain && missing.iter().all(can_be_added)).then_some(missing)
    }

    /// Adds the columns of an occurrence that an item of GROUP BY is. Whether it can be told.
    fn grouped_by(
        &self,
        at: usize,
        item: &Expr,
        outputs: &[Option<Output<'_>>],
        by: &mut BTreeSet<String>,
    ) -> bool {
        match item {
            Expr::Nested(inner) => self.grouped_by(at, inner, outputs, by),
            Expr::Tuple(items) => items.iter().all(|item| self.grouped_by(at, item, outputs, by)),
            Expr::Value(value) => {
                let Value::Number(number, _) = &value.value else { return true };
                let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let mut before = outputs.iter().map_while(Option::as_ref);
                let output = place.and_then(|place| before.nth(place));
                output.is_some_and(|output| self.grouped_by_output(at, output, by))
            }
            // A name that is no column is a label.
            Expr::Identifier(ident) if !self.is_input_column(&name::folded(ident)) => {
                let label = name::folded(ident);
                let output = outputs.iter().flatten().find(|output| output.name == label);
                output.is_none_or(|output| self.grouped_by_output(at, output, by))
            }
            _ => {
                by.extend(self.referenced(at, item));
                true
            }
        }
    }

    /// Adds the column of an occurrence that an output is. Whether it can be told.
    fn grouped_by_output(&self, at: usize, output: &Output<'_>, by: &mut BTreeSet<String>) -> bool {
        if let Some(expression) = output.expression {
            by.extend(self.referenced(at, expression));
            return true;
        }
        // Out of a star: whose it is is known where there is but one relation.
        let is_alone = self.levels.last().is_some_and(|level| level.sources.len() == 1);
        by.extend(is_alone.then(|| output.name.clone()));
        is_alone
    }

    /// The column of an occurrence that an expression is.
    fn referenced(&self, at: usize, expression: &Expr) -> Option<String> {
        let ident = match expression {
            Expr::Nested(inner) => return self.referenced(at, inner),
            Expr::Identifier(ident) => ident,
            Expr::CompoundIdentifier(parts) => parts.last()?,
            _ => return None,
        };
        let start = start_byte(ident.span);
        let mut own = self.references.iter().filter(|reference| reference.occurrence == at);
        own.find(|reference| reference.span.0 == start).map(|found| found.column.clone())
    }

    /// The columns, each with its occurrence, that are named of groups: not in FROM, WHERE and GROUP BY, which are about
    /// rows. The SELECT stands at `byte`, and `from` is the level's first reference.
    fn named_of_groups(&self, byte: usize, from: usize) -> BTreeSet<(usize, String)> {
        let rows = self.keyword_behind(self.lexeme_at(byte), "from");
        let rows = rows.and_then(|at| self.lexeme(at)).map(|word| word.start);
        let groups = self.group_by_end(byte);
        let of_rows =
            |at: usize| rows.is_some_and(|it| it < at) && groups.is_some_and(|it| at < it);
        let references = self.references.get(from..).unwrap_or_default().iter();
        let of_groups = references.filter(|reference| !of_rows(reference.span.0));
        of_groups.map(|reference| (reference.occurrence, reference.column.clone())).collect()
    }

    /// Whether PostgreSQL takes these for all of the table's primary key.
    fn is_determined(&self, at: usize, columns: &BTreeSet<String>) -> bool {
        let Some(found) = self.occurrences.get(at) else { return false };
        let (catalog, relation) = (self.generation.catalog(), &found.lens.relation);
        let of_catalog = catalog.system.relations.get(relation).map(|it| it.key.as_slice());
        let primary = |relation: &RelationName| {
            let keys = catalog.relation(relation).into_iter().flat_map(|table| &table.keys);
            keys.filter(|key| key.primary).map(|key| key.columns.as_slice()).next()
        };
        let is_whole = |key: &[String], is_named: &dyn Fn(&String) -> bool| {
            !key.is_empty() && key.iter().all(is_named)
        };
        let by_name = |column: &String| columns.contains(column);
        // One that is gone had the key of the table that has its rows, under names of its own.
        let by_place = |its: &String| {
            let mut named = columns.iter().filter_map(|name| found.lens.column(name));
            named.any(|column| column.in_table(None) == Some(its))
        };
        match (self.is_catalog(at), catalog.relation(relation)) {
            (true, _) => of_catalog.is_some_and(|key| is_whole(key, &by_name)),
            (false, Some(_)) => primary(relation).is_some_and(|key| is_whole(key, &by_name)),
            (false, None) => {
                primary(found.lens.physical()).is_some_and(|key| is_whole(key, &by_place))
            }
        }
    }

    /// Where the GROUP BY list ends of the SELECT that stands at `byte`.
    fn group_by_end(&self, byte: usize) -> Option<usize> {
        let mut at = self.keyword_behind(self.lexeme_at(byte), "group")?;
        // WITHIN GROUP (…) is no clause.
        while self.lexeme(at + 1).is_some_and(|next| !next.is_word("by")) {
            at = self.keyword_behind(at + 1, "group")?;
        }
        self.list(at + 2).last().map(|(_, end)| *end)
    }
}

/// Whether something can be grouped by a column.
fn is_comparable(lens: &Lens, column: &str, is_catalog: bool) -> bool {
    match is_catalog {
        true => !NOT_GROUPABLE.contains(&column),
        false => {
            let known = lens.column(column);
            known.is_some_and(|known| !NOT_COMPARABLE.contains(&known.base_type.as_str()))
        }
    }
}
