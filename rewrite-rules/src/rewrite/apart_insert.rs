//! INSERT into a table some of whose columns only another table holds.
//!
//! The client's rows are worked out once, with the key that a default would have given them; then each table
//! gets its columns of them.

use sqlparser::ast::{Insert, OnConflictAction, OnInsert, Query, Select, SetExpr};

use super::apart::Apart;
use super::apart_upsert::{Settled, Upsert, default_text_of};
use super::apart_upsert_beside::Half;
use super::apart_upsert_both::{PLACE, Writing};
use super::apart_values::is_one_row_of;
use super::extent::Range;
use super::insert::Target;
use super::insert_rows::is_volatile_default;
use super::insert_select::{arms_of, is_star};
use super::query::columns_of;
use super::upsert_refused::is_taken;
use super::{Rewriter, Walk};
use crate::catalog::{ColumnDefault, RelationName};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name::{self, quoted};
use crate::refusal::{Construct, Refusal};
use crate::scope::Columns;
use crate::statement::start_byte;

/// What a row of the client's is called while its key is added.
const GIVEN: &str = "segue_given";

impl<'a> Rewriter<'a> {
    /// The level holds the target, which is occurrence `at`.
    pub(super) fn insert_apart(
        &mut self,
        insert: &Insert,
        (target, at): (Target<'a>, usize),
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(insert.insert_token.0.span);
        let mut apart = self.take_apart(at, insert.returning.is_some())?;
        self.inserted.push((self.statement, apart.lens, start));
        let mut overrides = self.overrides(&target, start)?;
        let Some((from, to)) = self.source_extent(target.rows) else {
            return self.refuse_at(Construct::InsertSource, start);
        };
        let source = insert.source.as_deref();
        let computed = self.says_default(source, &target, |column| column.generated)?;
        overrides |= !self.says_default(source, &target, |column| column.identity)?.is_empty();
        let query = source.filter(|query| !is_one_row_of(query, computed.len()));
        let columns = query.map(|query| self.rows_apart(query, &target, &computed)).transpose()?;
        // DEFAULT VALUES is a row without columns.
        let (mut columns, from) = (columns.unwrap_or_default(), query.map_or(to, |_| from));
        let width = columns.len();
        columns.extend(self.drawn_once(&apart, &columns));
        let settled = self.conflict_apart(insert, (at, &apart), &columns)?;
        if let Some(Settled::Each(_)) = &settled {
            apart.target.clone_from(&apart.reference);
        }
        // Of rows with one key ON CONFLICT DO NOTHING stores the first.
        let takes_first = settled.is_none() && insert.on.is_some();
        let is_numbered = match &settled {
            Some(Settled::Both(both)) => both.is_several,
            Some(Settled::Each(_)) | None => takes_first,
        };
        let is_list = query.is_some_and(|it| matches!(it.body.as_ref(), SetExpr::Values(_)));
        let keys = self.keys_apart(&apart, (&columns, is_list))?;
        let given = columns.split_at_checked(width).unwrap_or_default();
        let (head, mut given_end) = given_rows(&apart, &keys, (given, is_numbered), query);
        let moved = given.0.iter().enumerate().filter(|(_, it)| it.is_apart());
        let taken = insert.on.as_ref().and_then(|_| is_taken(moved, GIVEN));
        given_end.extend(taken.map(|taken| format!(" WHERE {taken}")));
        given_end.push(')');
        if insert.on.is_some() {
            given_end.push_str(&self.refused_apart(&apart, &columns));
        }
        self.begin_with(start, from, vec![head.into()])?;
        let (behind, composed) = match settled {
            Some(Settled::Both(both)) => {
                let catalog = self.generation.catalog();
                let columns = columns.as_slice();
                let writing = Writing { apart: &apart, both: &both, columns, catalog };
                self.write_both(&writing, (&keys, overrides), (start, to, given_end), outermost)
            }
            Some(Settled::Each(upsert)) => {
                let place = (start, to, given_end);
                self.stored_apart(
                    &apart,
                    Some(&upsert),
                    (&columns, &keys, overrides),
                    (place, false),
                )
            }
            None => {
                let place = (start, to, given_end);
                self.stored_apart(&apart, None, (&columns, &keys, overrides), (place, takes_first))
            }
        };
        self.finish_apart(start, (behind, composed), "INSERT", outermost)?;
        let outputs = self.returning(start, insert.returning.as_deref(), outermost)?;
        Ok(columns_of(outputs.unwrap_or_default()))
    }

    /// Puts the old table's INSERT behind the client's rows, which end at byte `to`; gives what stands behind that one.
    fn stored_apart(
        &mut self,
        apart: &Apart<'a>,
        upsert: Option<&Upsert<'a, '_>>,
        (columns, keys, overrides): (&[&'a LogicalColumn], &[(&'a str, String)], bool),
        ((start, to, given_end), takes_first): ((usize, usize, String), bool),
    ) -> (Vec<Piece>, Option<String>) {
        let rows = apart.row();
        let half = |place| Some(Half { apart, upsert: upsert?, columns, place });
        let places = apart.lens.places_apart();
        let first = places.first().and_then(|place| half(*place));
        let (next, from) = first.as_ref().map(Half::next_values).unwrap_or_default();
        let own =
            self.own_insert(apart, (columns, &next), (keys, overrides), &(rows.clone() + &from));
        let mut text: Vec<Piece> = vec![given_end.into()];
        text.extend(first.iter().flat_map(|half| self.computed_first(half)));
        text.push(format!(", {} AS ({own}", apart.stored(None)).into());
        self.edits.insert(to, text);
        let carried = apart.carried();
        let mut key = [apart.key_stored(None), apart.told_of_copies(&carried)].concat();
        key.extend(upsert.iter().flat_map(|upsert| apart.told(upsert)));
        let given_back = match apart.returns {
            true => apart.returning(None, key),
            false => format!(" RETURNING {}", key.join(", ")),
        };
        let mut behind: Vec<Piece> = vec![format!("{given_back})").into()];
        let mut statements = Vec::new();
        let mut written = vec![None];
        for place in places {
            written.push(Some(place));
            let statement = match half(place) {
                Some(half) => {
                    let (held, statement) = self.upsert_beside(&half);
                    behind.push(held.into());
                    statement
                }
                None => vec![apart.beside_insert(place, columns, takes_first).into()],
            };
            statements.push((Some(place), statement));
        }
        let copies = apart.copies(&carried).into_iter();
        statements.extend(copies.map(|(place, statement)| (place, vec![statement.into()])));
        behind.extend(apart.all(statements, self.before_last(start)));
        (behind, apart.returns.then(|| apart.composed(&written, None)))
    }

    /// Whether the client's own values override those of identity columns. That they do not, which leaves them
    /// out, is refused.
    fn overrides(&self, target: &Target<'_>, start: usize) -> Walk<bool> {
        let is = |steps: usize, word: &str| {
            self.lexeme(target.behind_list + steps).is_some_and(|it| it.is_word(word))
        };
        match is(0, "overriding") {
            true if is(1, "system") => Ok(true),
            true => self.refuse_at(Construct::InsertSource, start),
            false => Ok(false),
        }
    }

    /// ON CONFLICT stands where it stood, with what stays of its SET list.
    fn conflict_apart<'q>(
        &mut self,
        insert: &'q Insert,
        (at, apart): (usize, &Apart<'a>),
        columns: &[&'a LogicalColumn],
    ) -> Walk<Option<Settled<'a, 'q>>> {
        let Some(OnInsert::OnConflict(conflict)) = &insert.on else { return Ok(None) };
        match &conflict.action {
            // What another key of the other table would reject is not known when the row is stored.
            OnConflictAction::DoNothing
                if (conflict.conflict_target.is_none() && self.has_other_keys())
                    || self.arbiter_apart(insert) =>
            {
                let start = start_byte(insert.insert_token.0.span);
                self.refuse_at(Construct::MovedUpsert, start)
            }
            OnConflictAction::DoNothing => {
                self.on_conflict(insert, conflict, Some(apart.lens))?;
                Ok(None)
            }
            OnConflictAction::DoUpdate(update) => {
                self.upsert_apart(insert, (conflict, update), (at, apart), columns).map(Some)
            }
        }
    }

    /// Whether what must not conflict is held by another table.
    fn arbiter_apart(&self, insert: &Insert) -> bool {
        let target = self.levels.last().and_then(|level| level.sources.first()?.occurrence);
        let Some(lens) = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens)
        else {
            return false;
        };
        let is_apart = |name: &str| lens.column(name).is_some_and(LogicalColumn::is_apart);
        let first = self.lexeme_at(start_byte(insert.insert_token.0.span)) + 1;
        let Some(conflict) = self.on_conflict_behind(first) else { return false };
        let action = self.keyword_behind(conflict, "do").unwrap_or(conflict);
        let table = self.generation.catalog().relation(&lens.relation);
        let mut names = self
            .lexemes
            .get(conflict..action)
            .unwrap_or_default()
            .iter()
            .filter_map(|it| it.name());
        names.any(|name| {
            let mut keys = table.into_iter().flat_map(|table| &table.keys);
            let key = keys.find(|key| key.name == name);
            is_apart(&name) || key.is_some_and(|key| key.columns.iter().any(|it| is_apart(it)))
        })
    }

    fn has_other_keys(&self) -> bool {
        let target = self.levels.last().and_then(|level| level.sources.first()?.occurrence);
        let lens = target.and_then(|at| self.occurrences.get(at)).map(|found| found.lens);
        lens.into_iter().flat_map(|lens| &lens.beside).any(|beside| {
            let table = self.generation.catalog().relation(&beside.relation);
            table.is_none_or(|table| table.keys.len() > 1)
        })
    }

    /// Gives each value its column's type; the columns of the client's rows, but for those at the places `computed`, of
    /// which all rows say DEFAULT.
    pub(super) fn rows_apart(
        &mut self,
        query: &Query,
        target: &Target<'a>,
        computed: &[usize],
    ) -> Walk<Vec<&'a LogicalColumn>> {
        // What writes stands in the outermost WITH alone, and a list of rows is counted from its first word.
        let mut ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        let is_list = matches!(query.body.as_ref(), SetExpr::Values(_));
        if ctes.any(|cte| is_list || writes(&cte.query.body)) {
            return self.refuse(Construct::InsertSource);
        }
        if let SetExpr::Values(values) = query.body.as_ref() {
            let rows = self.value_extents(values)?;
            let first = rows.first().map_or(&[][..], |(_, cells)| cells);
            let width = first.len();
            self.fits(target, width, first)?;
            let columns = self.known_columns(target, width)?;
            for (row, (_, cells)) in values.rows.iter().zip(&rows) {
                let cells = self.without(cells, computed)?;
                for ((expression, cell), column) in row.content.iter().zip(cells).zip(&columns) {
                    let Some(cell) = cell else { continue };
                    let is_only = rows.len() == 1;
                    self.value_apart(expression, cell, (column, target.lens), is_only)?;
                }
            }
            let columns = columns.into_iter().enumerate();
            let given = columns.filter(|(at, _)| !computed.contains(at));
            return Ok(given.map(|(_, column)| column).collect());
        }
        let mut arms = Vec::new();
        let plain = arms_of(&query.body, &mut arms);
        let lists: Vec<(&Select, Vec<Range>)> = arms
            .into_iter()
            .map(|select| {
                let start = self.select_list_start(start_byte(select.select_token.0.span));
                (select, self.list(start))
            })
            .collect();
        let has_star = lists.iter().any(|(select, _)| select.projection.iter().any(is_star));
        let width = match (self.known_width(query), lists.first()) {
            (Some(width), _) => width,
            (None, Some((_, list))) if plain && !has_star => list.len(),
            (None, _) => return self.refuse(Construct::InsertSource),
        };
        self.fits(target, width, lists.first().map_or(&[], |(_, list)| list))?;
        let columns = self.known_columns(target, width)?;
        for (select, list) in &lists {
            self.cast_untyped(select, list, &columns)?;
        }
        Ok(columns)
    }

    /// Whether there are as many values as columns. `values`: where those of the first row stand.
    fn fits(&self, target: &Target<'_>, width: usize, values: &[Range]) -> Walk<()> {
        let columns = target.columns.len();
        if width <= columns && (width == columns || !target.listed) {
            return Ok(());
        }
        let refusal = Refusal::values_and_columns(width > columns);
        let listed = || target.open_list.map(|open| self.list(open + 1)).unwrap_or_default();
        let place = match width > columns {
            true => values.get(columns).filter(|_| values.len() == width).copied(),
            false => listed().get(width).copied(),
        };
        Err(Box::new(match place {
            Some(place) => refusal.at(self.position(place.0)),
            None => refusal,
        }))
    }

    /// Columns that the client's rows leave out and that several tables or columns hold, where each would have a value
    /// of its own, or none.
    fn drawn_once(&self, apart: &Apart<'a>, given: &[&LogicalColumn]) -> Vec<&'a LogicalColumn> {
        let lens: &'a Lens = apart.lens;
        let is_given = |column: &LogicalColumn| given.iter().any(|it| it.is_one_with(column));
        let is_of_several = |column: &LogicalColumn| {
            column.put.iter().any(|access| access.beside.is_none()) && column.is_apart()
        };
        let text =
            |default: &Option<ColumnDefault>| default.as_ref().map(|it| it.expression.clone());
        let is_alike = |column: &LogicalColumn| {
            let its = self.column_beside(lens, column);
            its.is_none_or(|its| {
                // It cannot hold the NULL that the old one would have.
                let takes_its_own = column.default.is_none() && its.not_null;
                takes_its_own || text(&its.default) == text(&column.default)
            })
        };
        let differs = |column: &LogicalColumn| is_volatile_default(column) || !is_alike(column);
        let left_out = lens.shown().filter(|it| !is_given(it) && is_of_several(it));
        let drawn = left_out.filter(|it| !it.generated && !it.identity && differs(it));
        let own = lens.defaulted().filter(|it| !is_given(it) && !it.is_apart());
        drawn.chain(own).collect()
    }

    /// The columns of the key that the client's rows lack, each with what gives it a value. For those that
    /// they have, their value.
    fn keys_apart(
        &self,
        apart: &Apart<'a>,
        (columns, is_list): (&[&LogicalColumn], bool),
    ) -> Walk<Vec<(&'a str, String)>> {
        let mut keys = Vec::new();
        for own in apart.key_columns() {
            let listed = columns.iter().position(|column| column.put.iter().any(|it| it.is(own)));
            let text = match listed {
                // As it is stored: what comes back from there is compared with it.
                Some(at) => {
                    let value = format!("{GIVEN}.{}", Apart::value(at));
                    match columns.get(at) {
                        Some(LogicalColumn { fitted: Some(fitted), .. }) => fitted.around(&value),
                        Some(column) if !is_list => format!("{value}::{}", column.uncut_type),
                        _ => value,
                    }
                }
                None => {
                    let shown = apart.lens.shown().find(|column| column.get.is(own));
                    match shown.and_then(|column| default_of(apart, column)) {
                        Some(text) => text,
                        None => return self.refuse(Construct::KeyWithoutDefault),
                    }
                }
            };
            keys.push((own, text));
        }
        Ok(keys)
    }

    pub(super) fn own_insert(
        &self,
        apart: &Apart<'a>,
        (columns, next): (&[&LogicalColumn], &[(String, String)]),
        (keys, overrides): (&[(&'a str, String)], bool),
        rows: &str,
    ) -> String {
        let mut into: Vec<String> = keys.iter().map(|(own, _)| quoted(own)).collect();
        let mut from: Vec<String> = (0..keys.len()).map(Apart::key).collect();
        let own = columns.iter().enumerate().flat_map(|(at, column)| {
            column.put.iter().filter(|access| access.beside.is_none()).map(move |it| (at, it))
        });
        let is_next = |column: &String| next.iter().any(|(name, _)| name == column);
        let own = own.filter(|(_, it)| keys.iter().all(|(key, _)| !it.is(key)));
        for (at, access) in own.filter(|(_, it)| !is_next(&it.column)) {
            into.push(quoted(&access.column));
            from.push(access.written(&Apart::value(at)));
        }
        into.extend(next.iter().map(|(column, _)| quoted(column)));
        from.extend(next.iter().map(|(_, value)| value.clone()));
        // A key that was drawn for an identity column; the client's own is for PostgreSQL to judge.
        let is_listed =
            |key: &str| columns.iter().any(|column| column.put.iter().any(|access| access.is(key)));
        let is_drawn = |column: &LogicalColumn| {
            let mut keys = keys.iter().filter(|(key, _)| column.get.is(key));
            column.identity && keys.any(|(key, _)| !is_listed(key))
        };
        let identity = overrides || apart.lens.shown().any(is_drawn);
        let overriding = if identity { "OVERRIDING SYSTEM VALUE " } else { "" };
        let from = format!("{overriding}SELECT {} FROM {rows}", from.join(", "));
        apart.insert(None, &into, &from)
    }
}

impl Apart<'_> {
    /// The other half of the rows that came to be stored.
    fn beside_insert(&self, place: usize, columns: &[&LogicalColumn], takes_first: bool) -> String {
        let (own, rows) = (self.stored(None), self.row());
        let mut into: Vec<String> = self.key_names(Some(place));
        let mut from: Vec<String> =
            (0..into.len()).map(|at| format!("{own}.{}", Self::key(at))).collect();
        for (at, column) in columns.iter().enumerate() {
            for access in column.put.iter().filter(|access| access.beside == Some(place)) {
                into.push(quoted(&access.column));
                from.push(access.written(&format!("{rows}.{}", Self::value(at))));
            }
        }
        let keys: Vec<String> = (0..self.key_columns().len()).map(Self::key).collect();
        let on: Vec<String> =
            keys.iter().map(|key| format!("{rows}.{key} = {own}.{key}")).collect();
        let keys = keys.join(", ");
        let given = match takes_first {
            true => format!(
                "(SELECT DISTINCT ON ({keys}) * FROM {rows} ORDER BY {keys}, {PLACE}) AS {rows}"
            ),
            false => rows,
        };
        let from =
            format!("SELECT {} FROM {own} JOIN {given} ON {}", from.join(", "), on.join(" AND "));
        let insert = self.insert(Some(place), &into, &from);
        match self.returns {
            true => insert + &self.returning(Some(place), self.key_stored(Some(place))),
            false => insert,
        }
    }
}

/// What stands before and behind the client's rows, which have those columns, and those that are drawn besides.
/// `is_numbered`: their order counts.
fn given_rows(
    apart: &Apart<'_>,
    keys: &[(&str, String)],
    ((given, drawn), is_numbered): ((&[&LogicalColumn], &[&LogicalColumn]), bool),
    query: Option<&Query>,
) -> (String, String) {
    let values: Vec<String> = (0..given.len()).map(Apart::value).collect();
    let mut names: Vec<String> = (0..keys.len()).map(Apart::key).collect();
    names.extend((0..given.len() + drawn.len()).map(Apart::value));
    let mut items: Vec<String> = keys.iter().map(|(_, text)| text.clone()).collect();
    items.extend(query.map(|_| format!("{GIVEN}.*")));
    let default =
        |column: &&LogicalColumn| format!("({})::{}", default_text_of(column), column.uncut_type);
    items.extend(drawn.iter().map(default));
    if is_numbered {
        names.push(PLACE.to_owned());
        items.push("pg_catalog.row_number() OVER ()".to_owned());
    }
    let from = if query.is_some() { " FROM (" } else { "" };
    let head = format!(
        "{} ({}) AS MATERIALIZED (SELECT {}{from}",
        apart.row(),
        names.join(", "),
        items.join(", ")
    );
    let end = match query {
        Some(_) => format!(") {GIVEN} ({})", values.join(", ")),
        None => String::new(),
    };
    (head, end)
}

/// Whether a WITH query is no SELECT.
fn writes(body: &SetExpr) -> bool {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => true,
        SetExpr::Select(_)
        | SetExpr::Query(_)
        | SetExpr::SetOperation { .. }
        | SetExpr::Values(_)
        | SetExpr::Table(_) => false,
    }
}

/// What gives a column of the key its value where the client does not.
fn default_of(apart: &Apart<'_>, column: &LogicalColumn) -> Option<String> {
    if column.identity {
        return Some(identity_value(&apart.lens.relation, column));
    }
    let default = column.default.as_ref()?;
    Some(format!("({})::{}", default.expression, column.type_name))
}

/// What an identity column gives itself.
pub(super) fn identity_value(relation: &RelationName, column: &LogicalColumn) -> String {
    let table = name::literal(&super::joined::relation(relation));
    let name = name::literal(&column.get.column);
    format!(
        "pg_catalog.nextval(pg_catalog.pg_get_serial_sequence({table}, {name}))::{}",
        column.type_name
    )
}
