//! Writes of a table some of whose columns only another table holds: what they share.
//!
//! The rows are worked out first, in one query over the client's view of the table, which locks them in both
//! tables: `WITH segue_row_0 (…) AS MATERIALIZED (SELECT … FOR UPDATE OF u)`. Then each table gets its part
//! of them, the old one first. What the client's RETURNING shows is put together from what both have stored.
//!
//! Sound: a locked row is read again as it is once the lock is there, so a condition or an expression over
//! columns of both tables sees one state of them.

use super::carried::Place;
use super::joined::relation;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Beside, Lens, LogicalColumn};
use crate::name::quoted;
use crate::refusal::{Construct, Refusal};

/// What a table that is written is called inside our own statements.
const TARGET: &str = "segue_target";

/// A statement that is taken apart.
#[derive(Clone)]
pub(super) struct Apart<'a> {
    pub(super) lens: &'a Lens,
    /// Number of the statement among those of the text.
    pub(super) number: usize,
    /// How the client's text refers to the table.
    pub(super) reference: String,
    /// Whether the client wants rows back.
    pub(super) returns: bool,
    /// What a table is called where it is written.
    pub(super) target: String,
}

/// What one table gets.
pub(super) struct Part<'a> {
    /// The table beside, by its place; `None`: the table itself.
    pub(super) beside: Option<usize>,
    /// Physical column and the text of what it gets.
    pub(super) values: Vec<(&'a str, String)>,
    /// Columns of which only a part is set, with what stands behind their names: `[1]`.
    pub(super) within: Vec<(&'a str, String)>,
    /// Which of the rows have a row there, if not all.
    pub(super) when: Option<String>,
}

impl Part<'_> {
    /// What stands behind the name of a column that is set.
    fn place(&self, column: &str) -> &str {
        let mut within = self.within.iter();
        within.find(|(its, _)| *its == column).map_or("", |(_, place)| place.as_str())
    }
}

impl<'a> Apart<'a> {
    /// The CTE that holds the rows.
    pub(super) fn row(&self) -> String {
        format!("segue_row_{}", self.number)
    }

    /// Name of the n-th column of a key.
    pub(super) fn key(at: usize) -> String {
        format!("segue_key_{at}")
    }

    /// Name of the n-th shown column as it was before.
    pub(super) fn was(at: usize) -> String {
        format!("segue_was_{at}")
    }

    /// Name of the n-th value.
    pub(super) fn value(at: usize) -> String {
        format!("segue_new_{at}")
    }

    /// The physical columns of the key that rows of the other tables refer to.
    pub(super) fn key_columns(&self) -> Vec<&'a str> {
        if let Some(among) = &self.lens.among {
            return among.key.iter().map(String::as_str).collect();
        }
        let besides = || self.lens.beside.iter();
        let beside = besides().find(|beside| self.lens.over.is_some() || self.holds(beside));
        let beside = beside.or_else(|| besides().find(|beside| !beside.copies.is_empty()));
        beside.into_iter().flat_map(|beside| &beside.key).map(|(own, _)| own.as_str()).collect()
    }

    fn holds(&self, beside: &Beside) -> bool {
        let place = self.lens.beside.iter().position(|it| std::ptr::eq(it, beside));
        let mut columns = self.lens.columns.iter().flat_map(|column| &column.put);
        place.is_some() && columns.any(|access| access.beside == place)
    }

    pub(super) fn table(&self, beside: Option<usize>) -> String {
        let other = beside.and_then(|place| self.lens.beside.get(place));
        relation(other.map_or(self.lens.physical(), |beside| &beside.relation))
    }

    /// The columns of a table that belong to the row's key, in its order.
    pub(super) fn key_of(&self, beside: Option<usize>) -> Vec<&'a str> {
        let lens: &'a Lens = self.lens;
        let Some(beside) = beside.and_then(|place| lens.beside.get(place)) else {
            return self.key_columns();
        };
        let its = |own: &&str| {
            let mut pairs = beside.key.iter();
            pairs.find(|(known, _)| known == own).map(|(_, its)| its.as_str())
        };
        self.key_columns().iter().filter_map(its).collect()
    }

    /// The CTE of what a part has stored.
    pub(super) fn stored(&self, beside: Option<usize>) -> String {
        match beside {
            None => format!("segue_own_{}", self.number),
            Some(place) => format!("segue_beside_{}_{place}", self.number),
        }
    }

    /// `key = key AND …` between a table and a CTE with the row's key.
    pub(super) fn same_key(&self, beside: Option<usize>, rows: &str) -> String {
        let keys = self.key_of(beside).into_iter().enumerate();
        let equal = keys
            .map(|(at, own)| format!("{}.{} = {rows}.{}", self.target, quoted(own), Self::key(at)));
        equal.collect::<Vec<String>>().join(" AND ")
    }

    /// The shown columns that a part holds, with their places.
    fn shown_in(&self, beside: Option<usize>) -> Vec<(usize, &'a LogicalColumn)> {
        let lens: &'a Lens = self.lens;
        let shown = lens.shown().enumerate();
        shown.filter(|(_, column)| column.own().beside == beside).collect()
    }

    /// What a part gives back: the row's key, whose columns `key` spells out, and its shown columns.
    pub(super) fn returning(&self, beside: Option<usize>, key: Vec<String>) -> String {
        let keys = key.into_iter();
        let columns = self.shown_in(beside).into_iter();
        let columns = columns.map(|(at, column)| {
            format!("{} AS {}", column.own().read(&format!("{}.", self.target)), Self::was(at))
        });
        format!(" RETURNING {}", keys.chain(columns).collect::<Vec<String>>().join(", "))
    }

    /// The row's key, as it stands in the CTE `rows`.
    pub(super) fn key_in(&self, rows: &str) -> Vec<String> {
        (0..self.key_columns().len()).map(|at| format!("{rows}.{}", Self::key(at))).collect()
    }

    /// The row's key, as a table that is written has it.
    pub(super) fn key_stored(&self, beside: Option<usize>) -> Vec<String> {
        let keys = self.key_of(beside).into_iter().enumerate();
        let key = |(at, own)| format!("{}.{} AS {}", self.target, quoted(own), Self::key(at));
        keys.map(key).collect()
    }

    /// The UPDATE of one part, from rows of the CTE `rows`. `told`: what else it gives back, with the rows' key.
    pub(super) fn update(&self, part: &Part<'_>, rows: &str, told: Option<&[String]>) -> String {
        let set = part
            .values
            .iter()
            .map(|(column, value)| format!("{}{} = {value}", quoted(column), part.place(column)));
        let key = || [self.key_in(rows), told.unwrap_or_default().to_vec()].concat();
        let returning = match (self.returns, told) {
            (true, _) => self.returning(part.beside, key()),
            (false, Some(_)) => format!(" RETURNING {}", key().join(", ")),
            (false, None) => String::new(),
        };
        format!(
            "UPDATE {} AS {} SET {} FROM {rows} WHERE {}{returning}",
            self.table(part.beside),
            self.target,
            set.collect::<Vec<String>>().join(", "),
            self.same_key(part.beside, rows)
        )
    }

    /// The same where the row may not be there yet. `more` stands in one that is made; `unless` stands behind what is
    /// set of one that is there.
    pub(super) fn upsert(
        &self,
        part: &Part<'_>,
        rows: &str,
        (more, unless): (&[(&str, String)], &str),
    ) -> String {
        let list = |columns: Vec<String>| columns.join(", ");
        let key = self.key_names(part.beside);
        let values = || part.values.iter().chain(more);
        let named =
            |(column, _): &(&str, String)| format!("{}{}", quoted(column), part.place(column));
        let into = key.iter().cloned().chain(values().map(named));
        let from = self.key_in(rows).into_iter().chain(values().map(|(_, value)| value.clone()));
        let set = |(column, _): &(&str, String)| match (quoted(column), part.place(column)) {
            (name, "") => format!("{name} = excluded.{name}"),
            (name, place) => format!("{name}{place} = (excluded.{name}){place}"),
        };
        let returning = match self.returns {
            true => self.returning(part.beside, self.key_stored(part.beside)),
            false => String::new(),
        };
        let when = part.when.as_ref().map(|when| format!(" WHERE {when}")).unwrap_or_default();
        format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {}{unless}{returning}",
            self.insert(
                part.beside,
                &into.collect::<Vec<String>>(),
                &format!("SELECT {} FROM {rows}{when}", list(from.collect()))
            ),
            list(key),
            list(part.values.iter().map(set).collect())
        )
    }

    /// The DELETE from one of the tables of the rows of the CTE `rows`.
    pub(super) fn delete(&self, beside: Option<usize>, rows: &str) -> String {
        let returning = match self.returns {
            true => self.returning(beside, self.key_in(rows)),
            false => String::new(),
        };
        format!(
            "DELETE FROM {} AS {} USING {rows} WHERE {}{returning}",
            self.table(beside),
            self.target,
            self.same_key(beside, rows)
        )
    }

    /// The names that the columns of the key have in one of the tables.
    pub(super) fn key_names(&self, beside: Option<usize>) -> Vec<String> {
        self.key_of(beside).into_iter().map(quoted).collect()
    }

    /// The INSERT into one part, of `from`, without what it gives back.
    pub(super) fn insert(&self, beside: Option<usize>, columns: &[String], from: &str) -> String {
        let (table, target) = (self.table(beside), &self.target);
        format!("INSERT INTO {table} AS {target} ({}) {from}", columns.join(", "))
    }

    /// `, CTE AS (statement), …` of all parts but the last, what stands before that one, and that one. Where
    /// rows are wanted it is one more CTE.
    pub(super) fn all(
        &self,
        mut statements: Vec<(Option<usize>, Vec<Piece>)>,
        before_last: String,
    ) -> Vec<Piece> {
        let last = if self.returns { None } else { statements.pop() };
        let mut pieces = Vec::new();
        for (beside, statement) in statements {
            pieces.push(format!(", {} AS (", self.stored(beside)).into());
            pieces.extend(statement);
            pieces.push(")".into());
        }
        pieces.push(before_last.into());
        pieces.extend(last.into_iter().flat_map(|(_, statement)| statement));
        pieces
    }

    /// The client's view of the rows as `written` parts have stored them; the others are as `rows` has them.
    pub(super) fn composed(&self, written: &[Option<usize>], rows: Option<&str>) -> String {
        let lens: &'a Lens = self.lens;
        let of = |beside: Option<usize>| match written.contains(&beside) {
            true => self.stored(beside),
            false => rows.unwrap_or_default().to_owned(),
        };
        let items = lens.shown().enumerate().map(|(at, column)| {
            let from = of(column.own().beside);
            format!("{from}.{} AS {}", Self::was(at), quoted(&column.name))
        });
        let items: Vec<String> = items.collect();
        let all: Vec<String> = rows
            .map(str::to_owned)
            .into_iter()
            .chain(written.iter().map(|it| self.stored(*it)))
            .collect();
        let mut from = String::new();
        for (at, relation) in all.iter().enumerate() {
            match (at, all.first()) {
                (0, _) | (_, None) => from.push_str(relation),
                (_, Some(first)) => {
                    let key = |at: usize| format!("{relation}.{0} = {first}.{0}", Self::key(at));
                    let on: Vec<String> = (0..self.key_columns().len()).map(key).collect();
                    from.push_str(&format!(" JOIN {relation} ON {}", on.join(" AND ")));
                }
            }
        }
        format!(" FROM (SELECT {} FROM {from}) AS {}", items.join(", "), self.reference)
    }
}

impl<'a> Rewriter<'a> {
    /// Whether the statement whose first word is token `first` may touch what only another table holds:
    /// it names such a column, or wants rows back.
    pub(super) fn may_be_apart(&self, lens: &Lens, first: usize) -> bool {
        let end = self.statement_end(first);
        let mut words = self.lexemes.get(first..end).unwrap_or_default().iter();
        let shows = lens.shown().any(LogicalColumn::is_apart);
        // Its rows must be told from others before they are written, or locked in several tables.
        let is_part = lens.among.as_ref().is_some_and(|among| among.present.is_some());
        if is_part || (lens.is_merged() && lens.is_apart()) {
            return true;
        }
        lens.is_apart()
            && words.any(|lexeme| {
                (shows && lexeme.is_word("returning"))
                    || lexeme
                        .name()
                        .is_some_and(|name| lens.column(&name).is_some_and(LogicalColumn::is_apart))
            })
    }

    /// Takes the statement's target for a relation that the client reads; gives what all parts need.
    pub(super) fn take_apart(&mut self, at: usize, returns: bool) -> Walk<Apart<'a>> {
        // The client may call something so itself.
        let is_said = |number: usize| {
            let ours = [
                "row", "one", "own", "beside", "held", "next", "moved", "stale", "gone", "made",
                "changed", "found", "left", "free", "emptied", "asked",
            ];
            let names = ours.map(|it| format!("segue_{it}_{number}"));
            names.iter().any(|name| self.text.contains(name))
        };
        let number = (self.apart..).find(|number| !is_said(*number)).unwrap_or(self.apart);
        self.apart = number + 1;
        let Some(found) = self.occurrences.get_mut(at) else {
            return self.refuse(Construct::Unreadable);
        };
        found.fixed = None;
        found.is_apart = true;
        let (lens, reference): (&'a Lens, String) = (found.lens, found.reference.clone());
        // Their rows are told apart by one key: other rules do not compile.
        if lens.over.is_none() && lens.has_too_many_parts() {
            let construct = match lens.is_merged() {
                true => Construct::ManySources,
                false => Construct::ManyTables,
            };
            return Err(Box::new(Refusal::construct(construct, lens)));
        }
        Ok(Apart { lens, number, reference, returns, target: TARGET.to_owned() })
    }

    /// Begins a WITH list, or goes on with the client's, in place of what stands before byte `behind`.
    pub(super) fn begin_with(
        &mut self,
        start: usize,
        behind: usize,
        mut text: Vec<Piece>,
    ) -> Walk<()> {
        let (from, before) = match self.place {
            Place::Alone => (start, "WITH "),
            Place::BehindWith => (start, ", "),
            Place::InWith(cte) => (cte, ""),
            Place::BehindWithInWith => return self.refuse_at(Construct::NestedWith, start),
        };
        text.insert(0, before.into());
        self.edits.replace(from, behind, text);
        Ok(())
    }

    /// What stands before the last statement: the beginning of the client's CTE, if the whole is one.
    pub(super) fn before_last(&self, start: usize) -> String {
        match self.place {
            Place::InWith(cte) => format!(", {}", self.slice((cte, start))),
            Place::Alone | Place::BehindWith | Place::BehindWithInWith => " ".to_owned(),
        }
    }

    /// Puts `text` before what the client's RETURNING gives, and `composed` behind it; or all of it at the
    /// statement's end.
    pub(super) fn finish_apart(
        &mut self,
        start: usize,
        (mut text, composed): (Vec<Piece>, Option<String>),
        command: &'static str,
        is_outermost: bool,
    ) -> Walk<()> {
        let first = self.lexeme_at(start) + 1;
        let last = self.statement_end(first).checked_sub(1).and_then(|last| self.lexeme(last));
        let Some(end) = last.map(|last| last.end) else {
            return self.refuse(Construct::Unreadable);
        };
        let Some(composed) = composed else {
            self.tails.push((end, text));
            return Ok(());
        };
        let Some(word) = self.keyword_behind(first, "returning").and_then(|at| self.lexeme(at))
        else {
            return self.refuse(Construct::Unreadable);
        };
        let (from, to) = (word.start, word.end);
        if let Some(Piece::Text(first)) = text.first_mut() {
            *first = first.trim_start().to_owned();
        }
        text.push("SELECT".into());
        self.edits.replace(from, to, text);
        self.tails.push((end, vec![composed.into()]));
        if is_outermost {
            self.replies.entry(self.statement).or_default().command = Some(command);
        }
        Ok(())
    }

    /// What stands at the ends of statements, behind every other edit.
    pub(super) fn emit_tails(&mut self) {
        for (end, text) in std::mem::take(&mut self.tails) {
            self.edits.insert(end, text);
        }
    }
}
