//! What is stored of rows that are gathered from the tables beside: first in those, then, as they have stored it, in
//! the table itself.
//!
//! All statements begin with the rows as they shall be, in a CTE: `segue_next_0`, with the key, for each table beside
//! whether it has a row (`segue_there_0`) and whether it shall have one (`segue_will_0`), and each column's value. A
//! value that no table could hold, since it belongs to a row that shall not be there, ends the statement there.
//!
//! Sound: a row beside that is there is locked by then, and one that is made is made before the table itself is
//! written, as by every client of the tables beside. Where it has been made meanwhile its key is taken, which is the
//! answer to an INSERT; any other statement is sent again, and sees it. In the table itself only those parts are
//! written that are written beside.

use super::apart::Apart;
use super::apart_key::old;
use super::gathered::{Belongs, blank, there};
use super::gathered_insert::PLACE;
use crate::catalog::Catalog;
use crate::edit::Piece;
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;
use crate::outcome::{AGAIN, TWICE, UNHELD};

/// What a statement writes of its rows.
pub(super) struct Gathering<'p, 'a> {
    pub(super) apart: &'p Apart<'a>,
    /// The shown columns, by their places, to which rows that are there get new values.
    pub(super) assigned: Vec<usize>,
    /// Those that the client gives rows that it makes.
    pub(super) given: Vec<usize>,
    /// Whether it makes rows.
    pub(super) makes: bool,
    /// Whether it gives rows that are there new keys.
    pub(super) moves: bool,
    pub(super) catalog: &'p Catalog,
}

/// Where the rows come from, and the texts of what is known of them.
pub(super) struct Rows {
    pub(super) from: Vec<Piece>,
    pub(super) keys: Vec<String>,
    /// Where each stands among those that the client gives.
    pub(super) place: Option<String>,
    /// For each table beside, whether it has a row.
    pub(super) there: Vec<String>,
    /// For each shown column, what it shall have.
    pub(super) values: Vec<String>,
    /// Which of them, if not all.
    pub(super) when: Option<String>,
    /// What must not be.
    pub(super) twice: Option<String>,
}

/// Whether the table at that place shall have a row of a key.
pub(super) fn will(place: usize) -> String {
    format!("segue_will_{place}")
}

impl<'a> Gathering<'_, 'a> {
    pub(super) fn lens(&self) -> &'a Lens {
        self.apart.lens
    }

    /// The CTE of the rows as they shall be.
    pub(super) fn next(&self) -> String {
        format!("segue_next_{}", self.apart.number)
    }

    fn is_assigned(&self, wanted: Belongs) -> bool {
        let mut all = self.apart.belongings();
        all.any(|(at, _, belongs)| belongs == wanted && self.assigned.contains(&at))
    }

    /// Whether rows of that table get other values.
    fn changes(&self, place: usize) -> bool {
        self.is_assigned(Belongs::To(place))
    }

    /// Whether rows of that table are written where they stay.
    fn sets(&self, place: usize) -> bool {
        self.moves || self.changes(place)
    }

    /// Whether rows of that table may go.
    pub(super) fn removes(&self, place: usize) -> bool {
        self.is_assigned(Belongs::Tells(place))
    }

    /// Whether rows of that table may be made.
    pub(super) fn makes_part(&self, place: usize) -> bool {
        let is_told = self.lens().beside.get(place).is_some_and(|it| it.present.is_some());
        self.makes || self.removes(place) || (!is_told && self.changes(place))
    }

    pub(super) fn touched(&self) -> Vec<usize> {
        let places = 0..self.lens().beside.len();
        places.filter(|place| self.sets(*place) || self.makes_part(*place)).collect()
    }

    /// `segue_there_0 OR segue_there_1`: whether there is a row of the key.
    pub(super) fn taken(&self) -> String {
        let all = (0..self.lens().beside.len()).map(there);
        format!("({})", all.collect::<Vec<String>>().join(" OR "))
    }

    /// The text of the CTE of the rows as they shall be.
    pub(super) fn next_rows(&self, rows: &Rows) -> Vec<Piece> {
        let mut items: Vec<String> = Vec::new();
        for (at, key) in rows.keys.iter().enumerate() {
            items.push(format!("{key} AS {}", Apart::key(at)));
        }
        items.extend(rows.place.iter().map(|place| format!("{place} AS {PLACE}")));
        if self.moves {
            items.extend(self.of_moved());
        }
        let of = |place: usize| rows.there.get(place).cloned().unwrap_or_default();
        let any = rows.there.join(" OR ");
        for (place, beside) in self.lens().beside.iter().enumerate() {
            items.push(format!("{} AS {}", of(place), there(place)));
            let mut all = self.apart.belongings();
            let tells = all.find(|(.., belongs)| *belongs == Belongs::Tells(place));
            let value = tells.and_then(|(at, ..)| rows.values.get(at).cloned());
            let will_be = match (value, &beside.present) {
                (Some(value), Some(_)) => value,
                _ if self.changes(place) => "true".to_owned(),
                _ if self.makes => format!("({} OR NOT ({any}))", of(place)),
                _ => of(place),
            };
            items.push(format!("{will_be} AS {}", will(place)));
        }
        for (at, value) in rows.values.iter().enumerate() {
            items.push(format!("{value} AS {}", Apart::value(at)));
        }
        items.extend(rows.twice.iter().map(|twice| format!("{twice} AS segue_is_twice")));
        let when = rows.when.as_ref().map(|when| format!(" WHERE {when}")).unwrap_or_default();
        let (bare, looks) = match self.looks() {
            true => (format!(", {} AS segue_is_bare", self.bare()), self.looks_at()),
            false => (String::new(), String::new()),
        };
        let head = format!(
            ", {} AS MATERIALIZED (SELECT segue_next.*{bare} FROM (SELECT {} FROM ",
            self.next(),
            items.join(", ")
        );
        let faults = match self.faults(rows.twice.is_some()).join(" ") {
            faults if faults.is_empty() => String::new(),
            faults => format!(" WHERE CASE {faults} ELSE true END"),
        };
        let behind = format!("{when} OFFSET 0) AS segue_next{looks}{faults})");
        let mut pieces = vec![head.into()];
        pieces.extend(rows.from.iter().cloned());
        pieces.push(behind.into());
        pieces
    }

    /// Whether rows that are there are written, of which some table beside may lack its part.
    pub(super) fn looks(&self) -> bool {
        !self.makes || !self.assigned.is_empty()
    }

    /// The rows of the table itself.
    fn looks_at(&self) -> String {
        let (lens, keys) = (self.lens(), 0..self.apart.key_columns().len());
        match self.moves {
            true => {
                let keys = keys.map(|at| format!("segue_next.{}", old(at)));
                lens.looks(&keys.collect::<Vec<String>>(), " FOR UPDATE", &[])
            }
            false => lens.looks(&self.apart.key_in("segue_next"), " FOR NO KEY UPDATE", &[]),
        }
    }

    /// Whether a row is there that the table itself has not got yet, and that some table beside lacks: nothing would
    /// tell of a part that has come to it. One that gets a new key is as well where none lacks it.
    fn bare(&self) -> String {
        if self.moves {
            return "(segue_seen.segue_version IS NULL)".to_owned();
        }
        let all = (0..self.lens().beside.len()).map(there);
        let all = all.collect::<Vec<String>>().join(" AND ");
        format!("(segue_seen.segue_version IS NULL AND {} AND NOT ({all}))", self.taken())
    }

    /// `WHEN … THEN …`: ends the statement where a row cannot be stored, or is no more what it was.
    fn faults(&self, may_be_twice: bool) -> Vec<String> {
        let fail = |word: &str| {
            format!("CAST(pg_catalog.concat('{word} ', {}) AS boolean)", Apart::key(0))
        };
        let mut faults = Vec::new();
        if self.looks() {
            let come = (0..self.lens().beside.len()).map(|place| {
                let come = self.lens().come(place).unwrap_or_else(|| {
                    format!(
                        "{} AND segue_fresh.segue_version <> segue_seen.segue_version",
                        self.taken()
                    )
                });
                format!("NOT {} AND {come}", there(place))
            });
            let come = match self.moves {
                true => self.has_moved_on(),
                false => come.collect::<Vec<String>>().join(" OR "),
            };
            faults.push(format!("WHEN {come} THEN {}", fail(AGAIN)));
        }
        if may_be_twice {
            faults.push(format!("WHEN segue_is_twice THEN {}", fail(TWICE)));
        }
        let mut unheld: Vec<String> = self.unheld();
        let removes = (0..self.lens().beside.len()).any(|place| self.removes(place));
        let are_told = self.lens().beside.iter().all(|beside| beside.present.is_some());
        if are_told && (self.makes || removes) {
            let all = (0..self.lens().beside.len()).map(will);
            unheld.push(format!("NOT ({})", all.collect::<Vec<String>>().join(" OR ")));
        }
        if !unheld.is_empty() {
            faults.push(format!("WHEN {} THEN {}", unheld.join(" OR "), fail(UNHELD)));
        }
        faults
    }

    /// Conditions, each true where a value belongs to a row that shall not be there.
    fn unheld(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (place, _) in
            self.lens().beside.iter().enumerate().filter(|(_, it)| it.present.is_some())
        {
            let is_new = |at: &usize| self.assigned.contains(at) || self.given.contains(at);
            let part = self.apart.part(place).into_iter();
            // Some types are compared by their texts alone, so both are as the column stores them.
            let stored = |at, column: &LogicalColumn| column.stores(&Apart::value(at));
            let differs =
                part.filter(|(at, ..)| self.removes(place) || is_new(at)).map(|(at, column, _)| {
                    format!(
                        "{}::text IS DISTINCT FROM ({})::text",
                        stored(at, column),
                        blank(column)
                    )
                });
            let differs: Vec<String> = differs.collect();
            if !differs.is_empty() {
                found.push(format!("NOT {} AND ({})", will(place), differs.join(" OR ")));
            }
        }
        found
    }

    /// The CTEs that write the tables beside: names and texts. What each has stored is then in one that is called as
    /// that of a part is.
    pub(super) fn parts(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let mut before = Vec::new();
        for place in self.touched() {
            let number = self.apart.number;
            let stored = self.apart.stored(Some(place));
            let (changed, made) =
                (format!("segue_changed_{number}_{place}"), format!("segue_made_{number}_{place}"));
            let gone = (format!("segue_gone_{number}_{place}"), self.gone(place));
            let gone = Some(gone).filter(|_| self.removes(place));
            if self.moves {
                all.extend(gone.clone());
            }
            match (self.sets(place), self.makes_part(place)) {
                (true, false) => all.push((stored.clone(), self.changed(place))),
                (false, _) => all.push((stored.clone(), self.made(place, &before))),
                (true, true) => {
                    all.push((changed.clone(), self.changed(place)));
                    // A key that is given up can be another row's.
                    let given_up = self.moves.then(|| changed.clone());
                    let after: Vec<String> = before.iter().cloned().chain(given_up).collect();
                    all.push((made.clone(), self.made(place, &after)));
                    let both = format!("SELECT * FROM {changed} UNION ALL SELECT * FROM {made}");
                    all.push((stored.clone(), both));
                }
            }
            if self.makes_part(place) {
                before.push(stored);
            }
            all.extend(gone.filter(|_| !self.moves));
        }
        all
    }

    /// What a part gives back: its key and its columns, as they are stored.
    fn told(&self, place: usize) -> String {
        let part = self.apart.part(place).into_iter();
        let columns = part.map(|(at, _, its)| {
            format!("{}.{} AS {}", self.apart.target, quoted(its), Apart::was(at))
        });
        let all = self.apart.key_stored(Some(place)).into_iter().chain(columns);
        all.collect::<Vec<String>>().join(", ")
    }

    /// The row of that table is there, and stays.
    fn changed(&self, place: usize) -> String {
        let next = self.next();
        let part = self.apart.part(place).into_iter().filter(|(at, ..)| self.assigned.contains(at));
        let set = part.map(|(at, _, its)| format!("{} = {next}.{}", quoted(its), Apart::value(at)));
        let keys = if self.moves { self.set_keys(Some(place)) } else { Vec::new() };
        let gone = format!("segue_gone_{}_{place}", self.apart.number);
        let gone = if self.moves && self.removes(place) { behind(&[gone]) } else { String::new() };
        format!(
            "UPDATE {} AS {} SET {} FROM {next} WHERE {} AND {next}.{} AND {next}.{}{gone} RETURNING {}",
            self.apart.table(Some(place)),
            self.apart.target,
            keys.into_iter().chain(set).collect::<Vec<String>>().join(", "),
            self.same_key(place),
            there(place),
            will(place),
            self.told(place)
        )
    }

    /// The row of that table is that of the key.
    fn same_key(&self, place: usize) -> String {
        match self.moves {
            true => self.same_old_key(Some(place)),
            false => self.apart.same_key(Some(place), &self.next()),
        }
    }

    /// It is not there, and shall be. Those of the tables `before` are made first.
    fn made(&self, place: usize, before: &[String]) -> String {
        let part = self.apart.part(place);
        let columns = part.iter().map(|(.., its)| quoted(its));
        let into: Vec<String> =
            self.apart.key_names(Some(place)).into_iter().chain(columns).collect();
        let next = self.next();
        let values = part.iter().map(|(at, ..)| format!("{next}.{}", Apart::value(*at)));
        let from: Vec<String> = self.apart.key_in(&next).into_iter().chain(values).collect();
        let is_taken = match self.makes {
            true if self.assigned.is_empty() => self.taken(),
            _ => there(place),
        };
        let select = format!(
            "SELECT {} FROM {next} WHERE NOT {is_taken} AND {}{}",
            from.join(", "),
            will(place),
            behind(before)
        );
        format!("{} RETURNING {}", self.apart.insert(Some(place), &into, &select), self.told(place))
    }

    /// It is there, and shall not be.
    fn gone(&self, place: usize) -> String {
        let next = self.next();
        format!(
            "DELETE FROM {} AS {} USING {next} WHERE {} AND {next}.{} AND NOT {next}.{}{}",
            self.apart.table(Some(place)),
            self.apart.target,
            self.same_key(place),
            there(place),
            will(place),
            if self.moves { " RETURNING 1" } else { "" }
        )
    }

    /// The rows, each with what the table beside has made of it.
    pub(super) fn joined(&self) -> String {
        let next = self.next();
        let mut from = next.clone();
        for place in self.touched() {
            let stored = self.apart.stored(Some(place));
            let same = |at: usize| format!("{stored}.{0} = {next}.{0}", Apart::key(at));
            let same: Vec<String> = (0..self.apart.key_columns().len()).map(same).collect();
            from.push_str(&format!(" LEFT JOIN {stored} ON {}", same.join(" AND ")));
        }
        from
    }

    /// `items` of the rows as they are stored.
    pub(super) fn select(&self, items: &[String]) -> String {
        format!("SELECT {} FROM {}", items.join(", "), self.joined())
    }

    pub(super) fn value(&self, at: usize, column: &LogicalColumn, belongs: Belongs) -> String {
        let next = self.next();
        match belongs {
            Belongs::Key => {
                let keys = self.apart.key_columns();
                let place = keys.iter().position(|key| *key == column.name).unwrap_or_default();
                format!("{next}.{}", Apart::key(place))
            }
            Belongs::Tells(place) => format!("{next}.{}", will(place)),
            Belongs::Here => blank(column),
            Belongs::To(place) if self.touched().contains(&place) => {
                let stored = self.apart.stored(Some(place));
                format!(
                    "CASE WHEN {stored}.{} IS NULL THEN {next}.{} ELSE {stored}.{} END",
                    Apart::key(0),
                    Apart::value(at),
                    Apart::was(at)
                )
            }
            Belongs::To(_) => format!("{next}.{}", Apart::value(at)),
        }
    }

    /// ` FROM (…) AS u`: the client's view of the rows.
    pub(super) fn shown(&self) -> String {
        let item = |(at, column, belongs): (usize, &LogicalColumn, Belongs)| {
            let value = self.value(at, column, belongs);
            // What was given may be of another type, and has no modifier yet: a cast before it was stored would have cut
            // it instead of refusing it.
            let value = match belongs {
                Belongs::To(_) => format!("({value})::{}", column.type_name),
                Belongs::Key | Belongs::Tells(_) | Belongs::Here => value,
            };
            format!("{value} AS {}", quoted(&column.name))
        };
        let items: Vec<String> = self.apart.belongings().map(item).collect();
        // As PostgreSQL shows them: in the client's order.
        let order = match self.makes {
            true => format!(" ORDER BY {}.{PLACE}", self.next()),
            false => String::new(),
        };
        format!(" FROM ({}{order}) AS {}", self.select(&items), self.apart.reference)
    }
}

/// ` AND (…)`: the CTEs are done first.
pub(super) fn behind(ctes: &[String]) -> String {
    let done = ctes.iter().map(|cte| format!(" AND (SELECT pg_catalog.count(*) FROM {cte}) >= 0"));
    done.collect()
}
