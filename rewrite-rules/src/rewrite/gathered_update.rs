//! UPDATE and DELETE of a table whose rows are gathered from the tables beside.
//!
//! `UPDATE prefs SET digest = $1 WHERE user_id = $2` becomes `WITH segue_row_0 AS (…, locked in all tables),
//! segue_next_0 AS (…, as they shall be), segue_beside_0_0 AS (UPDATE email_preferences …) INSERT INTO prefs SELECT …
//! ON CONFLICT (user_id) DO UPDATE SET …`.

use sqlparser::ast::{Delete, Update};
use sqlparser::tokenizer::Token;

use super::apart::Apart;
use super::apart_from::carried;
use super::apart_key::moved;
use super::apart_update::{Source, locked, one_of_each, rows_of};
use super::gathered::{Belongs, there};
use super::gathered_key::{moved_rows, taken};
use super::gathered_next::{Gathering, Rows};
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::outcome::Raised;
use crate::refusal::{Construct, Refusal};
use crate::scope::Columns;
use crate::statement::start_byte;

impl<'a> Rewriter<'a> {
    /// The level holds the target, which is occurrence `at`, and what stands in FROM; SET is token `set`.
    pub(super) fn update_gathered(
        &mut self,
        update: &Update,
        (at, set): (usize, usize),
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(update.update_token.0.span);
        let apart = self.take_apart(at, update.returning.is_some())?;
        let from = self.keyword_behind(set, "from").filter(|_| update.from.is_some());
        let beside = match apart.returns && from.is_some() {
            true => self.items_beside(at, start)?,
            false => Vec::new(),
        };
        let rows = rows_of(&apart, from.is_some());
        let moves = self.writes_key(apart.lens, &update.assignments);
        let assigned = self.set_apart(update, set, (&apart, &rows))?;
        self.condition(update.selection.as_ref(), start)?;
        self.no_row_of_parts(at, set, "a whole row of the target of UPDATE")?;
        let columns: Vec<&LogicalColumn> = assigned.values.iter().map(|(.., it)| *it).collect();
        self.are_held(&apart, &columns)?;
        let places = columns.iter().map(|column| shown_at(apart.lens, column)).collect();
        let mut more = tells(&apart);
        more.extend(carried(&beside));
        let lock = locked(&apart, !moves);
        let mut text = self.updated_rows(
            (at, &apart, Source::Arms),
            &assigned,
            (&more, &lock),
            (start, set, from),
        )?;
        text.push(one_of_each(&apart, from.is_some()).into());
        let rows = match moves {
            true => {
                text.push(moved_rows(&apart, &assigned, &more, &rows).into());
                moved(apart.number)
            }
            false => rows,
        };
        let values = (0..apart.lens.shown().count()).map(|at| {
            let new = columns.iter().position(|column| shown_at(apart.lens, column) == at);
            new.map_or_else(|| Apart::was(at), Apart::value)
        });
        let source = of_rows(&apart, &rows, values.collect());
        let catalog = self.generation.catalog();
        let gathering = Gathering {
            apart: &apart,
            assigned: places,
            given: Vec::new(),
            makes: false,
            moves,
            catalog,
        };
        text.extend(gathering.next_rows(&source));
        let mut statements = gathering.parts();
        statements.extend(if moves { gathering.moved_own() } else { gathering.upserts() });
        statements.push((apart.stored(None), gathering.insert(false)));
        statements.push((String::new(), format!("SELECT FROM {}", gathering.next())));
        let makes_part = |place: &usize| !moves || gathering.makes_part(*place);
        let made: Vec<usize> = (0..apart.lens.beside.len()).filter(makes_part).collect();
        if moves {
            let taken = taken(apart.lens, catalog).map(Raised::taken);
            self.replies.entry(self.statement).or_default().raised.extend(taken);
        }
        let shown =
            apart.returns.then(|| gathering.shown() + &apart.beside_target(&beside, &rows, false));
        let end = (start, text, shown);
        self.end_gathered((&apart, &made, statements), end, "UPDATE", outermost)?;
        self.returned(update.returning.as_deref(), start, outermost)
    }

    /// Refuses whole rows of occurrence `at` between token `first` and RETURNING: those that are found have more to
    /// them than the client knows.
    fn no_row_of_parts(&self, at: usize, first: usize, reason: &'static str) -> Walk<()> {
        let sources = self.levels.last().map_or(&[][..], |level| &level.sources);
        let target = sources.iter().find(|source| source.occurrence == Some(at));
        let (Some(target), Some(found)) = (target, self.occurrences.get(at)) else { return Ok(()) };
        let is_sign = |at: Option<usize>, sign: &Token| {
            at.and_then(|at| self.lexeme(at)).is_some_and(|it| it.token == *sign)
        };
        let is_as = |at: usize| self.lexeme(at).is_some_and(|it| it.is_word("as"));
        let is_row = |at: usize| {
            let before = at.checked_sub(1);
            let is_name =
                self.lexeme(at).is_some_and(|it| it.name().as_ref() == Some(&target.name));
            let is_other = before.is_some_and(is_as) || is_sign(before, &Token::Period);
            is_name
                && !is_other
                && !self.lexeme(at).is_some_and(|it| self.names_a_table(it.start))
                && match is_sign(Some(at + 1), &Token::Period) {
                    true => is_sign(Some(at + 2), &Token::Mul),
                    false => found.lens.column(&target.name).is_none(),
                }
        };
        let behind = self.keyword_behind(first, "returning");
        let behind = behind.unwrap_or_else(|| self.statement_end(first));
        match (first..behind).any(is_row) {
            true => Err(Box::new(Refusal::no_derived_table(reason, found.lens))),
            false => Ok(()),
        }
    }

    /// Whether the name of a table under migration stands there.
    fn names_a_table(&self, byte: usize) -> bool {
        let spans = self.occurrences.iter().filter_map(|found| found.span);
        spans.into_iter().any(|(start, end)| start <= byte && byte < end)
    }

    /// The same for DELETE; `behind` is the byte behind the target.
    pub(super) fn delete_gathered(
        &mut self,
        delete: &Delete,
        (at, behind): (usize, usize),
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(delete.delete_token.0.span);
        let apart = self.take_apart(at, delete.returning.is_some())?;
        let first = self.lexeme_at(start) + 1;
        let using = self.keyword_behind(first, "using").filter(|_| delete.using.is_some());
        let beside = match apart.returns && using.is_some() {
            true => self.items_beside(at, start)?,
            false => Vec::new(),
        };
        let mut more = tells(&apart);
        more.extend(carried(&beside));
        self.condition(delete.selection.as_ref(), start)?;
        self.no_row_of_parts(at, self.lexeme_at(behind), "a whole row of the target of DELETE")?;
        let texts: Vec<String> = more.iter().map(|(_, text)| text.clone()).collect();
        let names = more.into_iter().map(|(name, _)| name).collect();
        let clauses = [Some("using").filter(|_| using.is_some()), Some("where")];
        let clauses = self.clauses(first, clauses.into_iter().flatten());
        let (mut head, items) = self.row_head(&apart, names, Source::Arms, clauses.as_slice());
        let derived = self.derived_from(at, Source::Arms);
        head.push(format!("{}{derived}", texts.join(", ")).into());
        self.begin_with(start, behind, head)?;
        let items = format!("{items}, {}", texts.join(", "));
        if let Some(using) = using.and_then(|using| self.lexeme(using)) {
            let (start, end) = (using.start, using.end);
            self.edits.replace(start, end, vec![",".into()]);
        }
        let rows = rows_of(&apart, using.is_some());
        let mut text = self.other_arms(at, &locked(&apart, false), &[items.into()], clauses);
        text.push(one_of_each(&apart, using.is_some()).into());
        let gathering = Gathering {
            apart: &apart,
            assigned: Vec::new(),
            given: Vec::new(),
            makes: false,
            moves: false,
            catalog: self.generation.catalog(),
        };
        let values = (0..apart.lens.shown().count()).map(Apart::was);
        let source = of_rows(&apart, &rows, values.collect());
        text.extend(gathering.next_rows(&source));
        let next = gathering.next();
        let mut statements = deletions(&apart, &next);
        statements.push((String::new(), format!("SELECT FROM {next}")));
        let shown =
            apart.returns.then(|| gathering.shown() + &apart.beside_target(&beside, &rows, false));
        let end = (start, text, shown);
        self.end_gathered((&apart, &apart.places(), statements), end, "DELETE", outermost)?;
        self.returned(delete.returning.as_deref(), start, outermost)
    }

    /// What follows the rows as they shall be: the statements that store them, of which some may make rows in the tables
    /// beside that are `made`, and what the client is told. `shown` is what RETURNING reads.
    fn end_gathered(
        &mut self,
        (apart, made, statements): (&Apart<'a>, &[usize], Vec<(String, String)>),
        (start, mut text, shown): (usize, Vec<Piece>, Option<String>),
        command: &'static str,
        outermost: bool,
    ) -> Walk<()> {
        text.extend(self.gathered(apart, statements, start));
        self.note_raised(apart, false);
        self.note_taken(apart, made);
        if outermost {
            let reply = self.replies.entry(self.statement).or_default();
            (reply.command, reply.only_counts) = (Some(command), !apart.returns);
        }
        self.finish_apart(start, (text, shown), command, outermost)
    }

    /// The CTEs, and behind them the last statement, which counts the rows; where the client wants them it is a CTE too,
    /// if it has a name.
    pub(super) fn gathered(
        &self,
        apart: &Apart<'_>,
        mut statements: Vec<(String, String)>,
        start: usize,
    ) -> Vec<Piece> {
        let last = statements.pop();
        let (shown, last) = match last {
            Some((name, text)) if apart.returns => (Some((name, text)), String::new()),
            Some((_, text)) => (None, text),
            None => (None, String::new()),
        };
        let all = statements.into_iter().chain(shown.filter(|(name, _)| !name.is_empty()));
        let mut pieces: Vec<Piece> = all
            .map(|(name, text)| match name.strip_suffix(" AS MATERIALIZED") {
                Some(name) => format!(", {name} AS MATERIALIZED ({text})"),
                None => format!(", {name} AS ({text})"),
            })
            .map(Piece::Text)
            .collect();
        pieces.push(self.before_last(start).into());
        pieces.push(last.into());
        pieces
    }

    /// Some of the tables beside must have what is written.
    pub(super) fn are_held(&self, apart: &Apart<'_>, columns: &[&LogicalColumn]) -> Walk<()> {
        let is_here = |column: &&&LogicalColumn| apart.lens.belongs(column) == Belongs::Here;
        match columns.iter().find(is_here) {
            Some(_) => Err(Box::new(Refusal::construct(Construct::MergedColumn, apart.lens))),
            None => Ok(()),
        }
    }

    /// What the client is told where the statement ends itself.
    pub(super) fn note_raised(&mut self, apart: &Apart<'_>, may_be_twice: bool) {
        let unheld = Raised::unheld(unheld(apart.lens));
        let reply = self.replies.entry(self.statement).or_default();
        reply.raised.extend([unheld, Raised::again()]);
        reply.raised.extend(may_be_twice.then(Raised::twice));
    }

    /// A part that turns out to be there already is seen when the statement is sent again: of the tables beside it may be
    /// in those at these places.
    pub(super) fn note_taken(&mut self, apart: &Apart<'_>, made: &[usize]) {
        let catalog = self.generation.catalog();
        let tables = made.iter().filter_map(|place| apart.lens.beside.get(*place));
        let tables = tables.map(|beside| {
            (&beside.relation, beside.key.iter().map(|(_, its)| its).collect::<Vec<_>>())
        });
        let own = apart.lens.beside.iter().take(1).map(|beside| {
            (&apart.lens.relation, beside.key.iter().map(|(own, _)| own).collect::<Vec<_>>())
        });
        let mut found = Vec::new();
        for (relation, key) in tables.chain(own) {
            let keys = catalog.relation(relation).into_iter().flat_map(|table| &table.keys);
            let same = keys.filter(|it| {
                it.columns.len() == key.len()
                    && it.columns.iter().all(|column| key.contains(&column))
            });
            found.extend(same.map(|key| crate::outcome::Mirror {
                relation: relation.clone(),
                name: key.name.clone(),
            }));
        }
        self.replies.entry(self.statement).or_default().mirrors.extend(found);
    }
}

/// The refusal of a value that belongs to a row that shall not be there.
pub(super) fn unheld(lens: &Lens) -> Refusal {
    let tells = lens.beside.iter().filter_map(|beside| beside.present.as_deref());
    let tells: Vec<String> = tells.map(|column| format!("\"{column}\"")).collect();
    let refusal = Refusal::construct(Construct::MergedPart, lens);
    match tells.is_empty() {
        true => refusal,
        false => Refusal {
            hint: Some(format!(
                "set the column that tells that the row has that part too: {}",
                tells.join(" or ")
            )),
            ..refusal
        },
    }
}

impl Apart<'_> {
    /// The places of the tables beside.
    pub(super) fn places(&self) -> Vec<usize> {
        (0..self.lens.beside.len()).collect()
    }
}

/// The place of a column among those shown.
pub(super) fn shown_at(lens: &Lens, column: &LogicalColumn) -> usize {
    lens.shown().position(|it| it.name == column.name).unwrap_or_default()
}

/// Which tables beside have the row: names among the rows, and texts.
fn tells(apart: &Apart<'_>) -> Vec<(String, String)> {
    let tells = (0..apart.lens.beside.len()).map(there);
    tells.map(|name| (name.clone(), format!("{}.{name}", apart.reference))).collect()
}

/// The rows of a CTE that tells which tables beside have them; `values` are names of columns there.
fn of_rows(apart: &Apart<'_>, rows: &str, values: Vec<String>) -> Rows {
    Rows {
        place: None,
        from: vec![rows.to_owned().into()],
        keys: apart.key_in(rows),
        there: (0..apart.lens.beside.len()).map(|at| format!("{rows}.{}", there(at))).collect(),
        values: values.into_iter().map(|value| format!("{rows}.{value}")).collect(),
        when: None,
        twice: None,
    }
}

/// What deletes the rows of the CTE `next`. All that there are of them are locked.
fn deletions(apart: &Apart<'_>, next: &str) -> Vec<(String, String)> {
    let own = Apart { returns: false, ..apart.clone() };
    let places = (0..apart.lens.beside.len()).map(Some).chain([None]);
    places.map(|place| (apart.stored(place), own.delete(place, next))).collect()
}
