//! Row locks of a query whose rows may lie in several tables: each row is locked by itself.
//!
//! PostgreSQL locks nothing on the nullable side of an outer join, and a lock in FROM is taken before rows are
//! sorted. So the rows are found first, as the statement sees them, in their order (`segue_found_0`). Then each is
//! locked where it is stored, by its key and in the order of FROM (`segue_lock_0_0`), as long as the client's LIMIT
//! asks for another. Of what the locks hold the client's own query is asked again (`segue_shown_0`).
//!
//! Sound: what is shown is as it is stored once it is locked, and so the condition is true of it, as PostgreSQL has it
//! after it waited. Nothing is locked ahead: the loops go from row to row, and no condition behind them could join
//! them in another way. A row that has got another key meanwhile is not found by it.

use super::Rewriter;
use super::halves::LockClause;
use super::joined::relation;
use super::occurrence::Occurrence;
use super::row_lock::RowLock;
use super::row_lock_from::Item;
use crate::edit::Piece;
use crate::lens::Lens;
use crate::name::quoted;

/// So many rows are asked for that none is left out; but PostgreSQL, which does not know, plans for the first of them.
const FIRST_OF_ALL: &str = " LIMIT (SELECT 9223372036854775807)";
/// Keeps PostgreSQL from making one query of this and the one around it.
const APART: &str = " OFFSET 0";

impl Occurrence<'_> {
    /// The names of the columns that tell its rows apart, as the client knows them.
    fn key(&self, primary: Option<&[String]>) -> Option<Vec<String>> {
        let lens: &Lens = self.lens;
        let among = lens.among.as_ref().map(|among| among.key.clone());
        let of_beside = || {
            let beside = lens.beside.first().filter(|_| lens.over.is_none())?;
            Some(beside.key.iter().map(|(own, _)| own.clone()).collect())
        };
        let key: Vec<String> =
            among.or_else(of_beside).or_else(|| primary.map(<[String]>::to_vec))?;
        if lens.is_gathered() {
            return Some(key);
        }
        let known = |own: &String| {
            let mut shown = lens.shown();
            let found = shown.find(|column| self.access(column).is(own))?;
            Some(found.name.clone())
        };
        key.iter().map(known).collect()
    }
}

impl Rewriter<'_> {
    /// Decides which queries find their rows before they lock them.
    pub(super) fn settle_row_locks(&mut self) {
        let mut locks = std::mem::take(&mut self.row_locks);
        for lock in &mut locks {
            lock.is_staged = self.must_be_staged(lock) && self.can_be_staged(lock);
            for at in lock.items.iter().filter_map(|item| item.occurrence) {
                if let Some(found) = self.occurrences.get_mut(at).filter(|_| lock.is_staged) {
                    found.prefers_derived = true;
                    found.is_staged = true;
                    found.lock = None;
                }
            }
        }
        self.row_locks = locks;
    }

    /// Whether rows of an occurrence that are locked have halves in several tables.
    fn is_halved(&self, at: usize) -> bool {
        self.occurrences.get(at).is_some_and(|found| {
            let is_gone = found.lens.read_as.is_some() && !found.lens.is_gathered();
            found.is_locked && !found.is_apart && found.lens.over.is_none() && !is_gone
        })
    }

    /// Whether rows of an occurrence are several queries where they are locked.
    fn is_in_arms(&self, at: usize) -> bool {
        self.is_halved(at) && (self.reads_beside(at) || self.locks_parts(at))
    }

    /// The same where all its columns are given, whether or not they are read.
    fn gives_arms(&self, at: usize) -> bool {
        self.is_in_arms(at) || (self.is_halved(at) && self.may_be_joined(at))
    }

    fn must_be_staged(&self, lock: &RowLock) -> bool {
        let locked = lock.items.iter().filter(|item| item.lock.is_some());
        locked.filter_map(|item| item.occurrence).any(|at| {
            let has_clause = self.occurrences.get(at).is_some_and(|found| found.lock.is_some());
            self.is_in_arms(at) && (lock.is_sorted || !has_clause)
        })
    }

    fn can_be_staged(&self, lock: &RowLock) -> bool {
        lock.items.iter().all(|item| {
            let Some(found) = item.occurrence.and_then(|at| self.occurrences.get(at)) else {
                return true;
            };
            let is_much = self.gives_arms(item.occurrence.unwrap_or(usize::MAX))
                && found.lens.has_too_many_parts();
            let is_free = !is_much
                && found.fixed.is_none()
                && !found.needs_its_schema
                && found.span.is_some();
            is_free && found.lens.stands_as.is_none() && self.lock_key(item).is_some()
        })
    }

    /// The columns by which a locked row is found again.
    fn lock_key(&self, item: &Item) -> Option<Vec<String>> {
        let found = item.occurrence.and_then(|at| self.occurrences.get(at));
        let Some(found) = found.filter(|_| item.lock.is_some()) else {
            return Some(item.key.clone());
        };
        let relation = self.generation.catalog().relation(&found.lens.relation);
        let mut keys = relation.into_iter().flat_map(|relation| &relation.keys);
        let primary = keys.find(|key| key.primary).map(|key| key.columns.as_slice());
        found.key(primary)
    }

    /// Puts the queries that find and lock the rows around the client's own.
    pub(super) fn emit_row_locks(&mut self) {
        let mut number = 0;
        for lock in std::mem::take(&mut self.row_locks) {
            if !lock.is_staged {
                continue;
            }
            let is_said = |number: usize| {
                let ours = ["found", "first", "lock", "shown"];
                ours.iter().any(|it| self.text.contains(&format!("segue_{it}_{number}")))
            };
            number = (number..).find(|number| !is_said(*number)).unwrap_or(number);
            let before = self.finding(&lock, number);
            let behind = self.asking(&lock, number);
            self.edits.replace(lock.select.0, lock.select.1, before);
            self.edits.leave_out(lock.found.0, lock.found.1);
            self.edits.insert(lock.found.1, behind);
            for clause in &lock.clauses {
                self.edits.replace(clause.span.0, clause.span.1, Vec::new());
            }
            number += 1;
        }
    }

    /// What stands before the client's select list: the rows that are found, and the locks.
    fn finding(&self, lock: &RowLock, number: usize) -> Vec<Piece> {
        let items: Vec<String> =
            lock.items.iter().enumerate().flat_map(|(at, item)| self.carried(at, item)).collect();
        let mut pieces: Vec<Piece> = vec![
            format!("SELECT segue_shown_{number}.* FROM (SELECT {} ", items.join(", ")).into(),
        ];
        let mut at = lock.found.0;
        for ((start, end), meaning) in &lock.keys {
            pieces.extend([Piece::Copy(at, *start), meaning.clone()]);
            at = *end;
        }
        pieces.push(Piece::Copy(at, lock.found.1));
        let limit = if lock.is_limited { FIRST_OF_ALL } else { APART };
        pieces.push(format!("{limit}) AS segue_found_{number}").into());
        let (first, mut before) = self.locking_parts(lock, number);
        pieces.extend(first);
        for (at, item) in lock.items.iter().enumerate() {
            if let Some(clause) = &item.lock {
                pieces.extend(self.locking(number, (at, item), clause, before));
                before = Some(format!("segue_lock_{number}_{at}.segue_here"));
            }
        }
        pieces.push(" CROSS JOIN LATERAL (SELECT".into());
        pieces
    }

    /// What must be known of a relation's rows once they are found.
    fn carried(&self, at: usize, item: &Item) -> Vec<String> {
        let reference = &item.reference;
        let carry = |names: &[String]| -> Vec<String> {
            let names = names.iter().enumerate();
            names
                .map(|(place, name)| format!("{reference}.{} AS segue_{at}_{place}", quoted(name)))
                .collect()
        };
        if item.lock.is_some() {
            return carry(&self.lock_key(item).unwrap_or_default());
        }
        let mut items = carry(&item.columns);
        if item.may_be_missing {
            items.push(format!("num_nonnulls({reference}.*) = 1 AS segue_here_{at}"));
        }
        items
    }

    /// Where parts of one row are locked under several names, their rows in the old tables, in the order in which whoever
    /// writes that row locks them. Behind it, what holds once they are locked.
    fn locking_parts(&self, lock: &RowLock, number: usize) -> (Vec<Piece>, Option<String>) {
        let lens = |item: &Item| {
            let found = self.occurrences.get(item.occurrence.filter(|_| item.lock.is_some())?)?;
            Some(found.lens)
        };
        let shares = |own: &Lens, item: &Item| {
            let other = lens(item);
            other.is_some_and(|it| it.physical() == own.physical() && it.relation != own.relation)
        };
        let mut parts: Vec<(usize, &Item, &Lens)> = Vec::new();
        for (at, item) in lock.items.iter().enumerate() {
            let own = lens(item).filter(|own| own.among.is_some() && own.is_apart());
            parts.extend(own.map(|own| (at, item, own)));
        }
        parts.retain(|(_, _, own)| lock.items.iter().any(|item| shares(own, item)));
        parts.sort_by_key(|(_, _, own)| self.lenses().iter().position(|it| std::ptr::eq(it, *own)));
        let (mut text, mut before) = (String::new(), None);
        for (at, item, own) in parts {
            let (Some(among), Some(beside), Some(clause)) =
                (&own.among, own.beside.first(), &item.lock)
            else {
                continue;
            };
            let same = among.key.iter().enumerate().filter_map(|(place, key)| {
                let (_, its) = beside.key.iter().find(|(own, _)| own == key)?;
                Some(format!("segue_row.{} = segue_found_{number}.segue_{at}_{place}", quoted(its)))
            });
            let conditions = same.chain(before).collect::<Vec<String>>().join(" AND ");
            text.push_str(&format!(
                " LEFT JOIN LATERAL (SELECT true AS segue_here FROM {} AS segue_row WHERE {conditions} \
                 {clause}{APART}) AS segue_first_{number}_{at} ON true",
                relation(&beside.relation)
            ));
            before = Some(format!("segue_first_{number}_{at}.segue_here IS NOT FALSE"));
        }
        (vec![text.into()], before)
    }

    /// The row of one relation, locked. `before` holds once another one has been.
    fn locking(
        &self,
        number: usize,
        (at, item): (usize, &Item),
        clause: &str,
        before: Option<String>,
    ) -> Vec<Piece> {
        let columns: Vec<String> =
            item.columns.iter().map(|name| format!("segue_row.{}", quoted(name))).collect();
        let same = self.lock_key(item).unwrap_or_default();
        let same = same.iter().enumerate().map(|(place, key)| {
            format!("segue_row.{} = segue_found_{number}.segue_{at}_{place}", quoted(key))
        });
        let conditions = same.chain(before).collect::<Vec<String>>().join(" AND ");
        let (table, clause) = match item.occurrence {
            Some(at) => self.locked_rows(at, clause),
            None => (Piece::Copy(item.factor.0, item.factor.1), format!(" {clause}")),
        };
        vec![
            format!(" CROSS JOIN LATERAL (SELECT {}, true AS segue_here FROM ", columns.join(", "))
                .into(),
            table,
            format!(" AS segue_row WHERE {conditions}{clause}{APART}) AS segue_lock_{number}_{at}")
                .into(),
        ]
    }

    /// A query that gives the rows of an occurrence, and the clause that locks them if it does not do so itself.
    fn locked_rows(&self, at: usize, clause: &str) -> (Piece, String) {
        let Some(found) = self.occurrences.get(at) else { return ("".into(), String::new()) };
        let table = match &found.lens.among {
            Some(among) => relation(&among.relation),
            None => self.slice(found.span.unwrap_or_default()).to_owned(),
        };
        if !self.gives_arms(at) {
            return (format!("({})", found.derived(&table)).into(), format!(" {clause}"));
        }
        let clause = LockClause { text: clause.to_owned(), span: (0, 0) };
        (format!("({})", found.locked(&table, &clause, self)).into(), String::new())
    }

    /// What stands behind the client's select list: its FROM and its condition, of the one row. Its clauses stand there
    /// for what PostgreSQL refuses of a query with one; there is nothing left to lock.
    fn asking(&self, lock: &RowLock, number: usize) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = vec!["FROM".into()];
        let mut behind = lock.from.1;
        for (at, item) in lock.items.iter().enumerate() {
            let columns = item.columns.iter().enumerate().map(|(place, name)| {
                let name = quoted(name);
                match item.lock.is_some() {
                    true => format!("segue_lock_{number}_{at}.{name} AS {name}"),
                    false => format!("segue_found_{number}.segue_{at}_{place} AS {name}"),
                }
            });
            let columns = columns.collect::<Vec<String>>().join(", ");
            let here = match item.may_be_missing && item.lock.is_none() {
                true => format!(" WHERE segue_found_{number}.segue_here_{at}"),
                false => String::new(),
            };
            let alias = match item.alias {
                Some(_) => String::new(),
                None => format!(" AS {}", item.reference),
            };
            pieces.push(Piece::Copy(behind, item.factor.0));
            pieces.push(format!("(SELECT {columns}{here}){alias}").into());
            behind = item.factor.1;
        }
        pieces.push(Piece::Copy(behind, lock.relations_end));
        if let Some((start, end)) = lock.condition {
            pieces.extend([" WHERE (".into(), Piece::Copy(start, end), ") IS TRUE".into()]);
        }
        for clause in &lock.clauses {
            pieces.push(format!(" {}", self.slice(clause.span)).into());
        }
        pieces.push(format!(") AS segue_shown_{number}").into());
        pieces
    }
}
