//! What is stored in the table itself of rows that are gathered from the tables beside, once those have theirs.

use super::apart::Apart;
use super::gathered::{Belongs, there};
use super::gathered_next::{Gathering, behind, will};
use super::joined::relation;
use crate::name::quoted;

impl Gathering<'_, '_> {
    /// The columns of the table itself that are written, and their values.
    pub(super) fn own(&self) -> (Vec<String>, Vec<String>) {
        let all = self.apart.belongings().filter(|(.., belongs)| *belongs != Belongs::Here);
        all.map(|(at, column, belongs)| (quoted(&column.name), self.value(at, column, belongs)))
            .unzip()
    }

    /// The INSERTs into the table itself of rows that are there, which it may have got with other parts. There is one for
    /// each way to lose parts.
    pub(super) fn upserts(&self) -> Vec<(String, String)> {
        let removable: Vec<usize> =
            (0..self.lens().beside.len()).filter(|place| self.removes(*place)).collect();
        let number = self.apart.number;
        let one = |way: usize| {
            let is_lost = |place: usize| {
                let at = removable.iter().position(|it| *it == place);
                at.is_some_and(|at| way & (1 << at) != 0)
            };
            let lost = removable.iter().map(|place| {
                let not = if is_lost(*place) { "" } else { "NOT " };
                // A column that tells of it and is set to NULL loses the row too, and PostgreSQL refuses it.
                format!(" AND {not}({} AND {} IS NOT TRUE)", there(*place), will(*place))
            });
            let when = format!(
                " WHERE {} AND NOT segue_is_bare{}",
                self.taken(),
                lost.collect::<String>()
            );
            (format!("segue_own_{number}_{way}"), self.upsert(&when, &is_lost))
        };
        (0..1_usize << removable.len()).map(one).collect()
    }

    fn upsert(&self, when: &str, is_lost: &dyn Fn(usize) -> bool) -> String {
        let (into, from) = self.own();
        let target = &self.apart.target;
        let mut set = Vec::new();
        for place in self.touched() {
            let Some(beside) = self.lens().beside.get(place) else { continue };
            let columns = self.apart.part(place).into_iter().map(|(_, column, _)| &column.name);
            for column in columns.chain(&beside.present) {
                let column = quoted(column);
                // Another session may make a part that is not this statement's.
                set.push(match beside.present.as_ref().filter(|_| !is_lost(place)) {
                    Some(present) => format!(
                        "{column} = CASE WHEN excluded.{} THEN excluded.{column} ELSE {target}.{column} END",
                        quoted(present)
                    ),
                    None => format!("{column} = excluded.{column}"),
                });
            }
        }
        format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {}",
            self.apart.insert(None, &into, &(self.select(&from) + when)),
            self.apart.key_names(None).join(", "),
            set.join(", ")
        )
    }

    /// The CTEs that take rows out of the table itself that no table beside has any more: they are of a time before
    /// this one. One that is written meanwhile is another row.
    pub(super) fn left(&self) -> Vec<(String, String)> {
        let number = self.apart.number;
        let (found, left) = (format!("segue_found_{number}"), format!("segue_left_{number}"));
        let (next, target) = (self.next(), &self.apart.target);
        let table = relation(self.lens().physical());
        let keys = || self.apart.key_columns().into_iter().enumerate();
        let items: Vec<String> = keys()
            .map(|(at, key)| format!("{target}.{} AS {}", quoted(key), Apart::key(at)))
            .collect();
        let on = |rows: &str| self.apart.same_key(None, rows);
        vec![
            (
                format!("{found} AS MATERIALIZED"),
                format!(
                    "SELECT {}, {target}.xmin AS segue_version FROM {table} AS {target} JOIN {next} ON {} WHERE {}",
                    items.join(", "),
                    on(&next),
                    match self.moves {
                        true => "segue_is_vacant".to_owned(),
                        false => format!("NOT {}", self.taken()),
                    }
                ),
            ),
            (
                left,
                format!(
                    "DELETE FROM {table} AS {target} USING {found} WHERE {} AND {target}.xmin = {found}.segue_version RETURNING 1",
                    on(&found)
                ),
            ),
        ]
    }

    /// The INSERT into the table itself of rows that it has not got: one that turns up there is one too many.
    /// `is_plain`: so is one of which any table beside has a part.
    pub(super) fn insert(&self, is_plain: bool) -> String {
        let (into, from) = self.own();
        let number = self.apart.number;
        let left = match (self.makes, self.moves) {
            (true, _) => behind(&[format!("segue_left_{number}")]),
            (false, true) => behind(&[0, 1].map(|way| format!("segue_own_{number}_{way}"))),
            (false, false) => String::new(),
        };
        let which = match (self.looks(), self.makes) {
            (true, true) => format!("(NOT {} OR segue_is_bare)", self.taken()),
            (true, false) => "segue_is_bare".to_owned(),
            (false, _) if is_plain => "true".to_owned(),
            (false, _) => format!("NOT {}", self.taken()),
        };
        let twice = match is_plain {
            // Two of one key make PostgreSQL find it taken.
            true => format!(
                " CROSS JOIN LATERAL pg_catalog.generate_series(1, CASE WHEN {} THEN 2 ELSE 1 END)",
                self.taken()
            ),
            false => String::new(),
        };
        let behind = format!("{twice} WHERE {which}{left}");
        self.apart.insert(None, &into, &(self.select(&from) + &behind))
    }
}
