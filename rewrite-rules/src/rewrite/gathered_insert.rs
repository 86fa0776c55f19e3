//! INSERT into a table whose rows are gathered from the tables beside.
//!
//! The client's rows are worked out once, the rows beside of the same keys are locked, in the order of the tables,
//! and what is then new is made in each of them that shall have it, and in the table itself. A row of which any of
//! them has a part is there.

use sqlparser::ast::{Ident, Insert, SetExpr};

use super::apart::Apart;
use super::gathered::Belongs;
use super::gathered_conflict::{Clash, Conflict};
use super::gathered_next::{Gathering, Rows};
use super::gathered_update::{shown_at, unheld};
use super::joined::relation;
use super::query::columns_of;
use super::{Rewriter, Walk};
use crate::catalog::Catalog;
use crate::edit::Piece;
use crate::lens::{Beside, Lens, LogicalColumn};
use crate::name::quoted;
use crate::refusal::Construct;
use crate::scope::{Columns, Level};
use crate::statement::start_byte;

/// The client's rows.
const GIVEN: &str = "segue_given";
/// Where each stands among them.
pub(super) const PLACE: &str = "segue_place";
/// How many of its key there are up to it.
const NTH: &str = "segue_nth";

impl<'a> Rewriter<'a> {
    pub(super) fn insert_gathered(
        &mut self,
        insert: &Insert,
        parts: &[&Ident],
        lens: &'a Lens,
        outermost: bool,
    ) -> Walk<Columns> {
        let mut level = Level::default();
        level.sources.push(self.target_source(insert, parts, lens));
        let at = level.sources.first().and_then(|source| source.occurrence);
        let Some(at) = at else { return self.refuse(Construct::Unreadable) };
        self.levels.push(level);
        let columns = self.rows_gathered(insert, parts, (lens, at), outermost);
        self.levels.pop();
        columns
    }

    fn rows_gathered(
        &mut self,
        insert: &Insert,
        parts: &[&Ident],
        (lens, at): (&'a Lens, usize),
        outermost: bool,
    ) -> Walk<Columns> {
        let start = start_byte(insert.insert_token.0.span);
        let target = self.insert_columns(insert, parts, lens)?;
        let apart = self.take_apart(at, insert.returning.is_some())?;
        let overrides =
            self.lexeme(target.behind_list).is_some_and(|word| word.is_word("overriding"));
        let query = insert.source.as_deref();
        let (Some(query), false) = (query, overrides) else {
            return self.refuse_at(Construct::InsertSource, start);
        };
        let Some((from, to)) = self.source_extent(target.rows) else {
            return self.refuse_at(Construct::InsertSource, start);
        };
        let columns = self.rows_apart(query, &target, &[])?;
        self.are_held(&apart, &columns)?;
        are_told(lens, &columns)?;
        let conflict = self.conflict_gathered(insert, &apart)?;
        let is_list = matches!(query.body.as_ref(), SetExpr::Values(_));
        let Some((items, drawn)) = given_rows(&apart, &columns, is_list) else {
            return self.refuse(Construct::KeyWithoutDefault);
        };
        let head = format!(
            "{} AS MATERIALIZED (SELECT {items} FROM (SELECT {GIVEN}.*, {drawn} FROM (",
            apart.row()
        );
        self.begin_with(start, from, vec![head.into()])?;
        let names: Vec<String> = (0..columns.len()).map(Apart::value).collect();
        let behind = format!(") {GIVEN} ({})) {GIVEN})", names.join(", "));
        self.edits.insert(to, vec![behind.into()]);
        let text = self.stored_gathered(&apart, &columns, &conflict, start);
        let catalog = self.generation.catalog();
        let gathering = gathering((&apart, catalog), &columns, &conflict);
        let composed = apart.returns.then(|| gathering.shown());
        if outermost {
            let reply = self.replies.entry(self.statement).or_default();
            if apart.returns || matches!(conflict.clash, Clash::Update { .. }) {
                reply.command = Some("INSERT");
            }
            reply.only_counts = !apart.returns && matches!(conflict.clash, Clash::Update { .. });
        }
        self.note_raised(&apart, matches!(conflict.clash, Clash::Update { .. }));
        if !matches!(conflict.clash, Clash::Error) {
            self.note_taken(&apart, &apart.places());
        }
        self.finish_apart(start, (text, composed), "INSERT", outermost)?;
        let outputs = self.returning(start, insert.returning.as_deref(), outermost)?;
        Ok(columns_of(outputs.unwrap_or_default()))
    }

    /// Everything behind the client's rows.
    fn stored_gathered(
        &self,
        apart: &Apart<'a>,
        columns: &[&LogicalColumn],
        conflict: &Conflict<'_, 'a>,
        start: usize,
    ) -> Vec<Piece> {
        let gathering = gathering((apart, self.generation.catalog()), columns, conflict);
        let keeps = matches!(conflict.clash, Clash::Update { .. });
        let mut pieces = gathering.next_rows(&self.rows_to_store(apart, conflict));
        let mut statements = gathering.parts();
        statements.extend(gathering.left());
        if !matches!(conflict.clash, Clash::Error) {
            statements.extend(self.refused_gathered(apart, columns));
        }
        let own = gathering.insert(matches!(conflict.clash, Clash::Error));
        if keeps {
            statements.extend(gathering.upserts());
            statements.push((apart.stored(None), own));
            statements.push((String::new(), format!("SELECT FROM {}", gathering.next())));
        } else {
            statements.push((apart.stored(None), own));
        }
        pieces.extend(self.gathered(apart, statements, start));
        pieces
    }

    /// The client's rows, each with the rows beside of its key, locked.
    fn rows_to_store(&self, apart: &Apart<'a>, conflict: &Conflict<'_, 'a>) -> Rows {
        let row = apart.row();
        let keeps = matches!(conflict.clash, Clash::Update { .. });
        let tells = 0..apart.lens.beside.len();
        let tells = tells.map(|place| format!("(segue_held_{place}.segue_is_there IS TRUE)"));
        let tells: Vec<String> = tells.collect();
        let taken = format!("({})", tells.join(" OR "));
        let given = |at: usize| format!("{row}.{}", given_name(at));
        let value = |(at, column): (usize, &LogicalColumn)| {
            let there = match conflict.place(column) {
                _ if !keeps => return given(at),
                Some(set) => format!("segue_set.{}", Apart::value(set)),
                None => format!("segue_was.{}", quoted(&column.name)),
            };
            format!("CASE WHEN {taken} THEN {there} ELSE {} END", given(at))
        };
        let key_at = |key: &str| apart.lens.shown().position(|column| column.name == key);
        let keys: Vec<usize> = apart.key_columns().into_iter().filter_map(key_at).collect();
        let same = |at: &usize| format!("segue_earlier.{} = {}", given_name(*at), given(*at));
        let same: Vec<String> = keys.iter().map(same).collect();
        let (when, twice) = match conflict.clash {
            Clash::Error => (None, None),
            Clash::Nothing => {
                let earlier = format!(
                    "EXISTS (SELECT 1 FROM {row} AS segue_earlier WHERE {} AND segue_earlier.{PLACE} < {row}.{PLACE})",
                    same.join(" AND ")
                );
                (Some(format!("NOT {taken} AND NOT {earlier}")), None)
            }
            Clash::Update { is_conditional, .. } => {
                let when = format!("(NOT {taken} OR segue_set.segue_when)");
                (is_conditional.then_some(when), Some(format!("{row}.{NTH} > 1")))
            }
        };
        let beside = apart.lens.beside.iter().enumerate();
        let held: String = beside.map(|one| held(apart, one, &row, keeps)).collect();
        let mut from: Vec<Piece> = vec![format!("{row}{held}").into()];
        if keeps {
            from.extend(self.set_gathered(apart, conflict, (&row, &taken)));
        }
        Rows {
            from,
            keys: keys.into_iter().map(given).collect(),
            place: Some(format!("{row}.{PLACE}")),
            there: tells,
            values: apart.lens.shown().enumerate().map(value).collect(),
            when,
            twice,
        }
    }
}

fn gathering<'p, 'a>(
    (apart, catalog): (&'p Apart<'a>, &'p Catalog),
    columns: &[&LogicalColumn],
    conflict: &Conflict<'_, 'a>,
) -> Gathering<'p, 'a> {
    let at = |column: &&LogicalColumn| shown_at(apart.lens, column);
    Gathering {
        apart,
        assigned: conflict.assigned.iter().map(|it| shown_at(apart.lens, it.column)).collect(),
        given: columns.iter().map(at).collect(),
        makes: true,
        moves: false,
        catalog,
    }
}

/// The name of a shown column among the client's rows.
pub(super) fn given_name(at: usize) -> String {
    format!("segue_given_{at}")
}

/// All columns of the client's rows, those that it leaves out with their defaults; and what is worked out before, once
/// for each row: where it stands, and keys that are drawn. `None`: it leaves out a key that has no default.
fn given_rows(
    apart: &Apart<'_>,
    columns: &[&LogicalColumn],
    is_list: bool,
) -> Option<(String, String)> {
    let (mut items, mut values) = (Vec::new(), Vec::new());
    let mut drawn = vec![format!("pg_catalog.row_number() OVER () AS {PLACE}")];
    for (at, column, belongs) in apart.belongings() {
        let given = columns.iter().position(|given| given.name == column.name);
        let given = given.map(|place| format!("{GIVEN}.{}", Apart::value(place)));
        // What is given takes its column's type when it is stored; here it is compared before.
        let fitted = column.fitted.as_ref().filter(|_| belongs == Belongs::Key);
        let value = match (given, fitted, belongs) {
            (Some(value), Some(fitted), _) => fitted.around(&value),
            (Some(value), None, _) if is_list => value,
            (Some(value), None, _) => format!("{value}::{}", column.uncut_type),
            (None, _, Belongs::Key) => {
                let (default, name) = (&column.default.as_ref()?.expression, Apart::key(at));
                drawn.push(format!("({default})::{} AS {name}", column.type_name));
                format!("{GIVEN}.{name}")
            }
            (None, _, Belongs::To(_) | Belongs::Tells(_) | Belongs::Here) => {
                let default = column.default.as_ref().map_or("NULL", |it| &it.expression);
                format!("({default})::{}", column.type_name)
            }
        };
        items.push(format!("{value} AS {}", given_name(at)));
        values.push(value);
    }
    let keys: Vec<&String> = (apart.belongings().zip(&values))
        .filter(|((.., belongs), _)| *belongs == Belongs::Key)
        .map(|(_, value)| value)
        .collect();
    let by = keys.iter().map(|key| key.as_str()).collect::<Vec<&str>>().join(", ");
    items.push(format!("{GIVEN}.{PLACE}"));
    items.push(format!(
        "pg_catalog.row_number() OVER (PARTITION BY {by} ORDER BY {GIVEN}.{PLACE}) AS {NTH}"
    ));
    Some((items.join(", "), drawn.join(", ")))
}

/// Locks the row of a table beside. `keeps`: what it has is needed.
fn held(apart: &Apart<'_>, (place, beside): (usize, &Beside), row: &str, keeps: bool) -> String {
    let same = |(own, its): &(String, String)| {
        let at = apart.lens.shown().position(|column| column.name == *own).unwrap_or_default();
        format!("segue_own.{} = {row}.{}", quoted(its), given_name(at))
    };
    let same: Vec<String> = beside.key.iter().map(same).collect();
    let part = apart.part(place).into_iter().filter(|_| keeps);
    let items =
        part.map(|(at, _, its)| format!(", segue_own.{} AS {}", quoted(its), Apart::was(at)));
    format!(
        " LEFT JOIN LATERAL (SELECT true AS segue_is_there{} FROM {} AS segue_own WHERE {} FOR NO KEY UPDATE) \
         AS segue_held_{place} ON true",
        items.collect::<String>(),
        relation(&beside.relation),
        same.join(" AND ")
    )
}

/// A part is only given to rows that are told to have it.
fn are_told(lens: &Lens, columns: &[&LogicalColumn]) -> Walk<()> {
    let is_given = |wanted: Belongs| columns.iter().any(|column| lens.belongs(column) == wanted);
    let lacks = |place: usize| is_given(Belongs::To(place)) && !is_given(Belongs::Tells(place));
    let mut told = lens.beside.iter().enumerate();
    let is_untold = told.any(|(place, beside)| beside.present.is_some() && lacks(place));
    let is_nothing = lens
        .beside
        .iter()
        .enumerate()
        .all(|(place, beside)| beside.present.is_some() && !is_given(Belongs::Tells(place)));
    match is_untold || is_nothing {
        true => Err(Box::new(unheld(lens))),
        false => Ok(()),
    }
}
