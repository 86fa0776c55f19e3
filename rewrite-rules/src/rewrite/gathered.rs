//! A table whose rows are as yet those of the tables beside, taken together: how they are locked.
//!
//! PostgreSQL locks nothing on the nullable side of an outer join. So the rows are as many queries as there are
//! ways to be in some of the tables and not in the others, and each locks what it has, in the order in which every
//! client of those tables locks them.
//!
//! Sound: a row that is locked is read again as it is then. A part that another session makes meanwhile, in a table
//! that had none, no statement sees there that began before. But whoever makes it writes the row of the table itself
//! too, and that one is seen as it is once it is locked.

use super::apart::Apart;
use super::joined::{alias, relation};
use super::occurrence::Occurrence;
use crate::catalog::Volatility;
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;

/// What a column of such a table belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belongs {
    /// The key, which all have.
    Key,
    /// The table beside at that place.
    To(usize),
    /// The table itself: it tells whether the one at that place has a row.
    Tells(usize),
    /// The table itself alone.
    Here,
}

impl Lens {
    /// What a column belongs to.
    pub(super) fn belongs(&self, column: &LogicalColumn) -> Belongs {
        let mut keys = self.beside.iter().flat_map(|beside| &beside.key);
        if keys.any(|(own, _)| *own == column.name) {
            return Belongs::Key;
        }
        let tells = |present: Option<&String>| present == Some(&column.name);
        if let Some(place) = self.beside.iter().position(|it| tells(it.present.as_ref())) {
            return Belongs::Tells(place);
        }
        let place = column.put.iter().find_map(|access| access.beside);
        place.map_or(Belongs::Here, Belongs::To)
    }

    /// The row of the table itself of a key, twice: as the statement saw it (`segue_seen`), and as it is once it is
    /// locked by `clause` (`segue_fresh`). Whoever makes a part that is lacking waits for that lock, or has been waited for.
    /// `keys` are texts of the key; `with`: what else to tell of it.
    pub(super) fn looks(&self, keys: &[String], clause: &str, with: &[&LogicalColumn]) -> String {
        let own = self.beside.first().into_iter().flat_map(|beside| &beside.key);
        let same =
            own.zip(keys).map(|((own, _), key)| format!("segue_own.{} = {key}", quoted(own)));
        let same: Vec<String> = same.collect();
        let told = self.beside.iter().enumerate().filter_map(|(place, beside)| {
            Some(format!(", segue_own.{} AS {}", quoted(beside.present.as_ref()?), told(place)))
        });
        let told: String = told.collect();
        let with = with.iter().map(|column| format!(", segue_own.{}", quoted(&column.name)));
        let look = |items: &str, clause: &str, name: &str| {
            format!(
                " LEFT JOIN LATERAL (SELECT segue_own.xmin AS segue_version{items} FROM {} AS segue_own \
                 WHERE {}{clause}) AS {name} ON true",
                relation(&self.relation),
                same.join(" AND ")
            )
        };
        look(&told, "", "segue_seen")
            + &look(&(told.clone() + &with.collect::<String>()), clause, "segue_fresh")
    }

    /// What stands for the rows that some table beside lacks, where their locks are the client's own: a part that
    /// has come meanwhile shows. `at`: number of the query `arm`.
    pub(super) fn locked_arm(&self, at: usize, arm: &str, clause: &str) -> String {
        let name = format!("segue_arm_{at}");
        if !self.is_gathered() || at == 0 {
            return format!("SELECT * FROM ({arm} {clause}) AS {name}");
        }
        let lacks = |place: usize| at & (1 << place) != 0;
        let mut with = Vec::new();
        let item = |column: &LogicalColumn| {
            let own = format!("{name}.{}", quoted(&column.name));
            let (place, come) = match self.belongs(column) {
                Belongs::To(place) => (place, format!("segue_fresh.{}", quoted(&column.name))),
                Belongs::Tells(place) => (place, "true".to_owned()),
                Belongs::Key | Belongs::Here => return own,
            };
            match self.come(place).filter(|_| lacks(place)) {
                Some(is_come) => {
                    format!(
                        "CASE WHEN {is_come} THEN {come} ELSE {own} END AS {}",
                        quoted(&column.name)
                    )
                }
                None => own,
            }
        };
        let items: Vec<String> = self.shown().map(item).collect();
        with.extend(self.shown().filter(|column| matches!(self.belongs(column), Belongs::To(_))));
        let own = self.beside.first().into_iter().flat_map(|beside| &beside.key);
        let keys: Vec<String> = own.map(|(own, _)| format!("{name}.{}", quoted(own))).collect();
        let looks = self.looks(&keys, &format!(" {clause}"), &with);
        format!("SELECT {} FROM ({arm} {clause}) AS {name}{looks}", items.join(", "))
    }

    /// Whether a part that the table at that place lacked has come since the statement began, as far as a column tells.
    pub(super) fn come(&self, place: usize) -> Option<String> {
        self.beside.get(place)?.present.as_ref()?;
        let told = told(place);
        Some(format!("segue_fresh.{told} AND segue_seen.{told} IS NOT TRUE"))
    }
}

/// What the table itself tells of a part.
pub(super) fn told(place: usize) -> String {
    format!("segue_told_{place}")
}

/// What a column shows where nothing has a value for it.
pub(super) fn blank(column: &LogicalColumn) -> String {
    let default = column.default.as_ref().filter(|it| it.volatility != Volatility::Volatile);
    let text = default.map_or("NULL", |default| &default.expression);
    format!("({text})::{}", column.type_name)
}

/// Whether the table at that place has a row of a key.
pub(super) fn there(place: usize) -> String {
    format!("segue_there_{place}")
}

impl Occurrence<'_> {
    /// The queries that stand for it: one for each way to be in some of the tables. Where it is written they tell which.
    pub(super) fn gathered_arms(&self) -> Vec<String> {
        let count = self.lens.beside.len();
        let all = (1_usize << count).saturating_sub(1);
        let is_lacking = |lacking: usize, place: usize| lacking & (1 << place) != 0;
        (0..all).map(|lacking| self.gathered_arm(&|place| is_lacking(lacking, place))).collect()
    }

    fn gathered_arm(&self, lacks: &dyn Fn(usize) -> bool) -> String {
        let lens: &Lens = self.lens;
        let places = || 0..lens.beside.len();
        let first = places().find(|place| !lacks(*place)).unwrap_or_default();
        let own = |place: usize, column: &LogicalColumn| {
            let its = column.in_table(Some(place)).unwrap_or(&column.name);
            format!("{}.{}", alias(place), quoted(its))
        };
        let item = |column: &LogicalColumn| {
            let value = match lens.belongs(column) {
                Belongs::Key => own(first, column),
                Belongs::To(place) if !lacks(place) => own(place, column),
                Belongs::Tells(place) => (!lacks(place)).to_string(),
                Belongs::To(_) | Belongs::Here => blank(column),
            };
            format!("{value} AS {}", quoted(&column.name))
        };
        let tells = places().filter(|_| self.is_apart);
        let tells = tells.map(|place| format!("{} AS {}", !lacks(place), there(place)));
        let items: Vec<String> = lens.shown().map(item).chain(tells).collect();
        let (mut from, mut conditions) = (Vec::new(), Vec::new());
        for (place, beside) in lens.beside.iter().enumerate() {
            let table = format!("{} AS {}", relation(&beside.relation), alias(place));
            let of_first = |key: &String| {
                let mut pairs = lens.beside.get(first).into_iter().flat_map(|it| &it.key);
                pairs.find(|(own, _)| own == key).map(|(_, its)| quoted(its)).unwrap_or_default()
            };
            let same = |(key, its): &(String, String)| {
                format!("{}.{} = {}.{}", alias(place), quoted(its), alias(first), of_first(key))
            };
            let same = beside.key.iter().map(same).collect::<Vec<String>>().join(" AND ");
            match lacks(place) {
                true => conditions.push(format!("NOT EXISTS (SELECT 1 FROM {table} WHERE {same})")),
                false if place == first => from.push(table),
                false => {
                    from.push(table);
                    conditions.push(same);
                }
            }
        }
        let condition = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        format!("SELECT {} FROM {}{condition}", items.join(", "), from.join(", "))
    }
}

impl<'a> Apart<'a> {
    /// The shown columns, each with its place and what it belongs to.
    pub(super) fn belongings(&self) -> impl Iterator<Item = (usize, &'a LogicalColumn, Belongs)> {
        let lens: &'a Lens = self.lens;
        lens.shown().enumerate().map(move |(at, column)| (at, column, lens.belongs(column)))
    }

    /// Those of one table, each with its name there.
    pub(super) fn part(&self, place: usize) -> Vec<(usize, &'a LogicalColumn, &'a str)> {
        let its = self.belongings().filter(|(.., belongs)| *belongs == Belongs::To(place));
        its.filter_map(|(at, column, _)| Some((at, column, column.in_table(Some(place))?)))
            .collect()
    }
}
