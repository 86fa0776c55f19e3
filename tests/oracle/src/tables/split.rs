//! A split: columns of a table that are read in another one.

use rewrite_rules::Phase;
use rewrite_rules::catalog::Catalog;
use rewrite_rules::rule::SplitTable;
use rewrite_rules::shape::Shape as Speaks;

use super::{Joint, Slot, Use, arms, elsewhere, joined, query, quoted, range};
use crate::shape::{Governed, Logical, Write};

/// A split, for one of its tables.
pub(super) struct Split<'r> {
    pub(super) split: &'r SplitTable,
    pub(super) joint: &'r Joint,
    pub(super) catalog: &'r Catalog,
    pub(super) speaks: Speaks,
}

impl Split<'_> {
    pub(super) fn apply(&self, governed: &mut Governed, old: bool) -> Result<(), String> {
        match old {
            true => self.moved_away(governed),
            false => self.moved_here(governed),
        }
    }

    /// The table that columns move away from.
    fn moved_away(&self, governed: &mut Governed) -> Result<(), String> {
        let read_apart = self.joint.phase >= Phase::SwitchReads;
        let [_own, new] = self.joint.members.as_slice() else { return Err("two tables".into()) };
        let known = self.catalog.relation(&new.relation);
        for (place, (from, to)) in self.split.columns.pairs().enumerate() {
            let at = governed.columns.iter().position(|column| column.name == from);
            let mut column = match at {
                Some(at) => governed.columns.get(at).cloned().ok_or("no column")?,
                None => {
                    let other = known.and_then(|known| known.column(to)).ok_or("no column")?;
                    Logical { name: from.to_owned(), ..Logical::plain(other)? }
                }
            };
            if read_apart {
                column.read = elsewhere();
            }
            column.writes = vec![Write::plain(from)?];
            column.default_of = from.to_owned();
            // A client of the new shape knows it by the other table only.
            column.shown = self.speaks == Speaks::Old;
            match at {
                Some(at) => {
                    if let Some(slot) = governed.columns.get_mut(at) {
                        *slot = column;
                    }
                }
                None => {
                    let gap = governed.gaps().get(place).copied();
                    let position = self.split.positions.get(from).map(|at| usize::from(*at) - 1);
                    let place = position.or(gap).unwrap_or(governed.columns.len());
                    governed.columns.insert(place.min(governed.columns.len()), column);
                }
            }
        }
        if self.speaks == Speaks::New {
            governed.columns.sort_by_key(|column| !column.shown);
        }
        if read_apart { self.places(governed) } else { Ok(()) }
    }

    /// What may stand in the table's place.
    fn places(&self, governed: &mut Governed) -> Result<(), String> {
        let [own, new] = self.joint.members.as_slice() else { return Err("two tables".into()) };
        let known = self.catalog.relation(&new.relation);
        let shown = |absent: bool| -> Result<String, String> {
            let columns = governed.columns.iter().filter(|column| column.shown);
            let mut list = Vec::new();
            for column in columns {
                let slot = Slot::Value(0, column.name.clone());
                let name = quoted(&column.name);
                list.push(match (own.column(&slot), new.column(&slot)) {
                    (Some(_), Some(to)) if !absent => {
                        format!("segue_0.{} AS {name}", quoted(to))
                    }
                    (Some(_), Some(to)) => {
                        let other = known.and_then(|known| known.column(to)).ok_or("no column")?;
                        format!("NULL::{} AS {name}", other.type_name)
                    }
                    _ => format!("segue_own.{name}"),
                });
            }
            Ok(list.join(", "))
        };
        // To a client of the new shape that is all of it.
        let whole = if self.speaks == Speaks::New { Use::Both } else { Use::Stays };
        let stays = governed.columns.iter().filter(|column| {
            column.shown && !matches!(own.slot(&column.name), Some(Slot::Value(..)))
        });
        let stays: Vec<String> = stays.map(|column| quoted(&column.name)).collect();
        let on = joined(("segue_0", &new.key()), ("segue_own", &own.key()));
        let (its, own) = (range(&new.relation), range(&own.relation));
        let both = |join: &str| {
            Ok::<_, String>(format!(
                "SELECT {} FROM {own} AS segue_own {join} {its} AS segue_0 ON {on}",
                shown(false)?
            ))
        };
        let alone = format!(
            "SELECT {} FROM {own} AS segue_own WHERE NOT EXISTS (SELECT 1 FROM {its} AS segue_0 WHERE {on})",
            shown(true)?
        );
        governed.place.queries = vec![
            query(&both("LEFT JOIN")?, Use::Read)?,
            query(&arms(&[both("JOIN")?, alone.clone()]), Use::Inside)?,
            query(&both("JOIN")?, Use::Arm)?,
            query(&alone, Use::Arm)?,
            query(&format!("SELECT {} FROM {own}", stays.join(", ")), whole)?,
        ];
        Ok(())
    }

    /// The table that they move to.
    fn moved_here(&self, governed: &mut Governed) -> Result<(), String> {
        let [own, new] = self.joint.members.as_slice() else { return Err("two tables".into()) };
        if self.joint.phase < Phase::SwitchReads {
            let known = self.catalog.relation(&own.relation).ok_or("no such table")?;
            for (column, slot) in &new.slots {
                let held = own.column(slot).ok_or("no column")?;
                let read = crate::conversion::column_reference(held)?;
                match governed.columns.iter_mut().find(|it| it.name == *column) {
                    Some(logical) => {
                        logical.read = read;
                        logical.writes = vec![Write::plain(held)?];
                        logical.default_of = held.to_owned();
                    }
                    // It is not there yet.
                    None => {
                        let other = known.column(held).ok_or("no column")?;
                        let plain = Logical::plain(other)?;
                        governed.columns.push(Logical { name: column.clone(), read, ..plain });
                    }
                }
            }
            let list: Vec<String> = governed
                .shown()
                .filter(|column| new.slot(&column.name).is_some())
                .map(|column| {
                    let read = column.read_column().unwrap_or_default();
                    format!("{} AS {}", quoted(&read), quoted(&column.name))
                })
                .collect();
            let text = format!("SELECT {} FROM {}", list.join(", "), range(&own.relation));
            governed.place.queries = vec![query(&text, Use::Both)?];
            governed.place.other = Some(own.relation.clone());
            return Ok(());
        }
        if self.joint.phase == Phase::SwitchReads {
            let list: Vec<String> = governed
                .shown()
                .map(|column| match new.slot(&column.name) {
                    Some(slot @ Slot::Key(_)) => {
                        let held = own.column(slot).unwrap_or_default();
                        format!("segue_own.{} AS {}", quoted(held), quoted(&column.name))
                    }
                    _ => format!("segue_0.{}", quoted(&column.name)),
                })
                .collect();
            let on = joined(("segue_0", &new.key()), ("segue_own", &own.key()));
            let (its, own) = (range(&new.relation), range(&own.relation));
            let text = format!(
                "SELECT {} FROM {own} AS segue_own JOIN {its} AS segue_0 ON {on}",
                list.join(", ")
            );
            governed.place.queries = vec![query(&text, Use::Outside)?];
            governed.place.itself = Use::Read;
        }
        Ok(())
    }
}
