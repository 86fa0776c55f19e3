//! A write of a table whose columns another table holds too: what it stores is carried there by the same
//! statement, so it is atomic, and one round trip.
//!
//! `UPDATE users SET bio = $1 WHERE id = $2` becomes `WITH segue_written_0 AS (UPDATE users SET bio = $1
//! WHERE id = $2 RETURNING users.id, users.bio) INSERT INTO profiles (user_id, bio) SELECT * FROM
//! segue_written_0 ON CONFLICT (user_id) DO UPDATE SET bio = excluded.bio`.
//!
//! Sound: RETURNING gives the rows as they were stored, after any wait for a lock; ON CONFLICT sees rows
//! there that the statement's snapshot does not; and a row there belongs to a row here that this statement
//! holds locked, so no two writers carry at once what they stored in another order.

use sqlparser::ast::{Assignment, AssignmentTarget};

use super::carried_key::{Moves, moved};
use super::joined::relation;
use super::query::Output;
use super::star::Star;
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::{Beside, Lens};
use crate::name::{self, quoted};
use crate::refusal::Construct;

/// A statement that is carried further.
pub(super) struct Carried<'a> {
    lens: &'a Lens,
    /// How SQL text refers to its target.
    target: String,
    /// Bytes of the statement.
    span: (usize, usize),
    /// The byte behind the client's RETURNING and the names of what it gives, if it has one.
    returning: Option<(usize, Vec<String>)>,
    /// The first byte of the CTE that it is, or whether it stands behind a WITH of the client's.
    place: Place,
    /// Whether the statement deletes its rows.
    deletes: bool,
    /// Where the statement gives its rows new keys: the rows as they were.
    moves: Option<Moves>,
}

/// Where a data-modifying statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// Alone.
    #[default]
    Alone,
    /// Behind the client's own WITH list.
    BehindWith,
    /// In a WITH list, in the CTE that begins at that byte.
    InWith(usize),
    /// In such a CTE, behind a WITH list of its own.
    BehindWithInWith,
}

impl Place {
    /// The place behind a WITH list that stands there.
    pub(super) fn behind_with(self) -> Self {
        match self {
            Self::Alone | Self::BehindWith => Self::BehindWith,
            Self::InWith(_) | Self::BehindWithInWith => Self::BehindWithInWith,
        }
    }
}

impl<'a> Rewriter<'a> {
    /// Notes that what the statement at `start` stores has to be carried, if it has to.
    /// `outputs`: what the client's RETURNING gives.
    pub(super) fn carry(
        &mut self,
        occurrence: usize,
        start: usize,
        outputs: Option<&[Option<Output<'_>>]>,
        (command, is_outermost, moves): (&'static str, bool, Option<Moves>),
    ) -> Walk<()> {
        let Some(found) = self.occurrences.get(occurrence) else { return Ok(()) };
        let (lens, target): (&'a Lens, String) = (found.lens, found.reference.clone());
        let names = |outputs: &[Option<Output<'_>>]| -> Option<Vec<String>> {
            outputs.iter().map(|output| output.as_ref().map(|output| output.name.clone())).collect()
        };
        let word = self.keyword_behind(self.lexeme_at(start) + 1, "returning");
        let items = word.map(|word| self.list(word + 1)).unwrap_or_default();
        let behind = word.and_then(|word| self.lexeme(word)).map_or(start, |word| word.end);
        let returning = match outputs.map(names) {
            Some(None) => return self.refuse_at(Construct::ReturningUnknown, start),
            Some(Some(names)) => Some((behind, names)),
            None => None,
        };
        let last = self.statement_end(self.lexeme_at(start)).checked_sub(1);
        let Some(end) = last.and_then(|last| self.lexeme(last)).map(|last| last.end) else {
            return self.refuse(Construct::Unreadable);
        };
        // Without rows to show, an INSERT there is what the client sees the tag of.
        let is_insert = command == "INSERT" && !lens.beside.iter().any(|beside| beside.is_parent);
        let is_counted = is_counted(lens, command == "DELETE") && returning.is_none();
        if is_outermost && (!is_insert || returning.is_some() || is_counted) {
            let reply = self.replies.entry(self.statement).or_default();
            (reply.command, reply.only_counts) = (Some(command), is_counted);
        }
        let place = self.place;
        if place == Place::BehindWithInWith {
            return self.refuse_at(Construct::NestedWith, start);
        }
        if command == "INSERT" {
            self.inserted.push((self.statement, lens, start));
        }
        // A column that has just been added would stand among those that are named.
        let is_item = |star: &&mut Star| items.iter().any(|item| item.0 == star.span.0);
        self.stars.iter_mut().filter(is_item).for_each(|star| star.spell(occurrence));
        let (span, deletes) = ((start, end), command == "DELETE");
        self.carried.push(Carried { lens, target, span, returning, place, deletes, moves });
        Ok(())
    }

    /// Notes that the present statement gives up keys of a table.
    pub(super) fn free_keys(&mut self, lens: &'a Lens) {
        self.freed.push((self.statement, lens));
    }

    /// A foreign key acts when the statement ends: it would take the row there of a key that was given up
    /// and is in use again. A part of a row that goes and comes again would be written twice.
    pub(super) fn check_freed(&self) -> Walk<()> {
        let found = self.inserted.iter().find(|(statement, lens, _)| {
            let mut freed = self.freed.iter();
            freed.any(|(other, freed)| other == statement && freed.relation == lens.relation)
        });
        found.map_or(Ok(()), |(_, _, start)| self.refuse_at(Construct::KeyFreed, *start))
    }

    /// Whether an UPDATE's SET list writes what has to be carried.
    pub(super) fn writes_beside(&self, lens: &Lens, assignments: &[Assignment]) -> bool {
        if self.moves_part(lens, assignments) {
            return true;
        }
        let copies = lens.beside.iter().flat_map(|beside| &beside.copies);
        writes(lens, assignments, copies.map(|(own, _)| own))
    }

    /// Whether a SET list writes what rows of another table refer to.
    pub(super) fn writes_key(&self, lens: &Lens, assignments: &[Assignment]) -> bool {
        let key = lens.beside.iter().flat_map(|beside| &beside.key).map(|(own, _)| own);
        let key = key.chain(lens.among.iter().flat_map(|among| &among.key));
        writes(lens, assignments, key)
    }

    /// Wraps every statement that is carried further; after all other edits, which are inside.
    pub(super) fn emit_carried(&mut self) {
        for (number, carried) in std::mem::take(&mut self.carried).into_iter().enumerate() {
            self.emit_one(number, &carried);
        }
    }

    /// That name, made longer until the client's text does not say it.
    pub(super) fn unsaid(&self, mut name: String) -> String {
        while self.lexemes.iter().any(|lexeme| lexeme.name().as_ref() == Some(&name)) {
            name.push('_');
        }
        name
    }

    /// Begins a WITH list with these CTEs, up to the statement; or goes on with the client's.
    fn begin_carried(&mut self, carried: &Carried<'_>, mut header: Vec<Piece>) {
        let start = carried.span.0;
        match carried.place {
            Place::InWith(cte) => return self.edits.replace(cte, start, header),
            Place::Alone => header.insert(0, "WITH ".into()),
            Place::BehindWith | Place::BehindWithInWith => header.insert(0, ", ".into()),
        }
        self.edits.insert(start, header);
    }

    fn emit_one(&mut self, number: usize, carried: &Carried<'_>) {
        let (start, end) = carried.span;
        let written = self.unsaid(format!("segue_written_{number}"));
        let beside: Vec<&Beside> =
            carried.lens.beside.iter().filter(|beside| !beside.copies.is_empty()).collect();
        let mut columns: Vec<&String> = Vec::new();
        for beside in &beside {
            let key = beside.key.iter().map(|(own, _)| own);
            let copies = beside.copies.iter().map(|(own, _)| own).chain(&beside.present);
            // What is gone has no more than its key.
            for own in key.chain(copies.filter(|_| !carried.deletes)) {
                if !columns.contains(&own) {
                    columns.push(own);
                }
            }
        }
        let given = carried.returning.as_ref().map_or(0, |(_, names)| names.len());
        let stored = |at: usize| format!("segue_stored_{at}");
        // What is carried stands first: what the client's own `t.*` gives of another table is for PostgreSQL to say.
        let given = (0..given).map(|at| format!("segue_given_{at}"));
        let names: Vec<String> = (0..columns.len()).map(stored).chain(given).collect();
        let target = &carried.target;
        let mut header: Vec<Piece> = Vec::new();
        let locked = self.unsaid(format!("segue_locked_{number}"));
        if let Some(moves) = &carried.moves {
            header = moves.locked(&locked, target);
            self.wait_for(moves, &locked);
        }
        header.push(format!("{written} ({}) AS (", names.join(", ")).into());
        let kept: Vec<String> =
            columns.iter().map(|column| format!("{target}.{}", quoted(column))).collect();
        let kept = kept.join(", ");
        let kept = match carried.returning {
            Some((behind, _)) => {
                self.edits.insert(behind, vec![format!(" {kept},").into()]);
                ")".to_owned()
            }
            None => format!(" RETURNING {kept})"),
        };
        let of = |own: &String| {
            columns.iter().position(|column| *column == own).map(stored).unwrap_or_default()
        };
        let name = |at: usize| self.unsaid(format!("segue_carried_{number}_{at}"));
        let mut upserts: Vec<String> = match (&carried.moves, carried.deletes) {
            (Some(_), _) => {
                let of_each = beside.iter().enumerate().flat_map(|(at, beside)| {
                    moved(beside, (&locked, &written), &name(2 * at), &of)
                });
                of_each.collect()
            }
            (None, true) => beside.iter().map(|beside| reset(beside, &written, &of)).collect(),
            (None, false) => {
                beside.iter().flat_map(|beside| store(beside, &written, &of)).collect()
            }
        };
        let is_counted = is_counted(carried.lens, carried.deletes);
        let shown = match &carried.returning {
            Some((_, names)) => Some(shown(names, &written)),
            None => is_counted.then(|| format!("SELECT FROM {written}")),
        };
        // The last of them gives the statement's answer, unless the client wants rows.
        let answer = shown.or_else(|| upserts.pop()).unwrap_or_default();
        let more: String = upserts
            .iter()
            .enumerate()
            .map(|(at, upsert)| (name(at), upsert))
            .map(|(name, upsert)| format!(", {name} AS ({upsert})"))
            .collect();
        self.begin_carried(carried, header);
        let behind = match carried.place {
            Place::Alone | Place::BehindWith | Place::BehindWithInWith => {
                format!("{kept}{more} {answer}")
            }
            Place::InWith(cte) => format!("{kept}{more}, {}{answer}", self.slice((cte, start))),
        };
        self.edits.insert(end, vec![Piece::Text(behind)]);
    }
}

/// Whether what is stored in the tables beside has another number of rows.
fn is_counted(lens: &Lens, deletes: bool) -> bool {
    !deletes && lens.beside.iter().any(|beside| beside.present.is_some())
}

/// What stores in the table beside what was written; the last gives as many rows. `of` names a physical
/// column among that.
fn store(beside: &Beside, written: &str, of: &dyn Fn(&String) -> String) -> Vec<String> {
    let table = relation(&beside.relation);
    let same = |(own, its): &(String, String)| {
        format!("segue_target.{} = {written}.{}", quoted(its), of(own))
    };
    let same = beside.key.iter().map(same).collect::<Vec<String>>().join(" AND ");
    if beside.is_parent {
        let set =
            |(own, its): &(String, String)| format!("{} = {written}.{}", quoted(its), of(own));
        let set = beside.copies.iter().map(set).collect::<Vec<String>>().join(", ");
        return vec![format!(
            "UPDATE {table} AS segue_target SET {set} FROM {written} WHERE {same}"
        )];
    }
    let gone = beside.present.as_ref().map(|present| {
        let there = of(present);
        format!(
            "DELETE FROM {table} AS segue_target USING {written} WHERE {same} AND NOT {written}.{there}"
        )
    });
    gone.into_iter().chain([upsert(beside, written, of)]).collect()
}

pub(super) fn upsert(beside: &Beside, written: &str, of: &dyn Fn(&String) -> String) -> String {
    let all = || beside.key.iter().chain(&beside.copies);
    let list = |columns: Vec<String>| columns.join(", ");
    let mark = || beside.mark.iter();
    let into = all().map(|(_, its)| quoted(its)).chain(mark().map(|it| quoted(it)));
    let from = all().map(|(own, _)| of(own)).chain(mark().map(|_| "true".to_owned()));
    let key = list(beside.key.iter().map(|(_, its)| quoted(its)).collect());
    let present = beside.present.as_ref();
    let present = present.map(|present| format!(" WHERE {}", of(present))).unwrap_or_default();
    format!(
        "INSERT INTO {} ({}) SELECT {} FROM {written}{present} ON CONFLICT ({key}) DO UPDATE SET {}",
        relation(&beside.relation),
        list(into.collect()),
        list(from.collect()),
        taken_over(beside)
    )
}

/// What puts the part of rows that are gone back to its defaults. It is an upsert for the sake of rows that
/// the statement does not see: left out of the list, a column's default stands in EXCLUDED.
fn reset(beside: &Beside, written: &str, of: &dyn Fn(&String) -> String) -> String {
    let list = |columns: Vec<String>| columns.join(", ");
    let key = list(beside.key.iter().map(|(_, its)| quoted(its)).collect());
    let from = list(beside.key.iter().map(|(own, _)| of(own)).collect());
    format!(
        "INSERT INTO {} ({key}) SELECT {from} FROM {written} ON CONFLICT ({key}) DO UPDATE SET {}",
        relation(&beside.relation),
        taken_over(beside)
    )
}

/// `bio = excluded.bio, …` of all that is stored there.
pub(super) fn taken_over(beside: &Beside) -> String {
    let columns = beside.copies.iter().map(|(_, its)| its).chain(&beside.mark);
    let set = columns.map(|its| format!("{0} = excluded.{0}", quoted(its)));
    set.collect::<Vec<String>>().join(", ")
}

/// What the client wants to see of it.
fn shown(names: &[String], written: &str) -> String {
    let item = |(at, name): (usize, &String)| format!("segue_given_{at} AS {}", quoted(name));
    let items: Vec<String> = names.iter().enumerate().map(item).collect();
    format!("SELECT {} FROM {written}", items.join(", "))
}

/// Whether a SET list writes one of these physical columns of the table itself.
pub(super) fn writes<'l>(
    lens: &Lens,
    assignments: &[Assignment],
    physical: impl Iterator<Item = &'l String>,
) -> bool {
    let wanted: Vec<&String> = physical.collect();
    let mut columns = assignments.iter().flat_map(|assignment| match &assignment.target {
        AssignmentTarget::ColumnName(column) => std::slice::from_ref(column),
        AssignmentTarget::Tuple(columns) => columns.as_slice(),
    });
    columns.any(|column| {
        let parts = name::parts(column).unwrap_or_default();
        let logical = parts.first().and_then(|part| lens.column(&name::folded(part)));
        let put = logical.into_iter().flat_map(|logical| &logical.put);
        let mut own = put.filter(|access| access.beside.is_none());
        own.any(|access| wanted.contains(&&access.column))
    })
}
