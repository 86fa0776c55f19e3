//! A merge: tables whose rows are parts of another's.

use rewrite_rules::Phase;
use rewrite_rules::catalog::Catalog;
use rewrite_rules::rule::{MergeSource, MergeTables};

use super::{Joint, Member, Slot, Use, arms, elsewhere, joined, query, quoted, range};
use crate::shape::{Governed, Logical, Write};

/// A merge, for one of its tables.
pub(super) struct Merge<'r> {
    pub(super) merge: &'r MergeTables,
    pub(super) joint: &'r Joint,
    pub(super) catalog: &'r Catalog,
}

impl Merge<'_> {
    pub(super) fn apply(
        &self,
        governed: &mut Governed,
        source: Option<&MergeSource>,
        at: usize,
    ) -> Result<(), String> {
        let new = self.joint.new_table().ok_or("no table")?;
        let own = self.joint.members.get(at).ok_or("no table")?;
        match source {
            Some(source) => self.source(governed, source, (own, new)),
            None => self.into(governed, new),
        }
    }

    /// A table that is merged.
    fn source(
        &self,
        governed: &mut Governed,
        source: &MergeSource,
        (own, new): (&Member, &Member),
    ) -> Result<(), String> {
        if self.joint.phase < Phase::SwitchReads {
            return Ok(());
        }
        if governed.columns.is_empty() {
            let known = self.catalog.relation(&new.relation).ok_or("no such table")?;
            let mut names: Vec<&str> = own.slots.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_by_key(|name| source.positions.get(*name).copied().unwrap_or(0));
            for name in names {
                let its = own.slot(name).and_then(|slot| new.column(slot)).ok_or("no column")?;
                let column = known.column(its).ok_or("no column")?;
                governed.columns.push(Logical {
                    name: name.to_owned(),
                    writes: vec![Write::plain(name)?],
                    default_of: name.to_owned(),
                    ..Logical::plain(column)?
                });
            }
        }
        let list = |prefix: &str| -> Vec<String> {
            let shown = governed.columns.iter().filter(|column| column.shown);
            let named = shown.map(|column| {
                let its = own.slot(&column.name).and_then(|slot| new.column(slot));
                format!("{prefix}{} AS {}", quoted(its.unwrap_or_default()), quoted(&column.name))
            });
            named.collect()
        };
        let part = own.part.unwrap_or_default();
        let present = new.column(&Slot::Present(part)).map(quoted);
        let (its, plain) = (range(&new.relation), list("").join(", "));
        let for_ = match self.joint.phase {
            Phase::SwitchReads => Use::Read,
            _ => Use::Both,
        };
        let condition = present.as_ref().map(|it| format!(" WHERE {it}")).unwrap_or_default();
        governed.place.queries =
            vec![query(&format!("SELECT {plain} FROM {its}{condition}"), for_)?];
        if self.joint.phase == Phase::SwitchReads {
            let columns = list("segue_own.").join(", ");
            let there = present.map(|it| format!("segue_own.{it} AND ")).unwrap_or_default();
            let on = joined(("segue_0", &own.key()), ("segue_own", &new.key()));
            let own = range(&own.relation);
            let both = format!(
                "SELECT {columns} FROM {own} AS segue_0, {its} AS segue_own WHERE {there}{on}"
            );
            let alone = format!(
                "SELECT {columns} FROM {its} AS segue_own WHERE {there}NOT EXISTS \
                 (SELECT 1 FROM {own} AS segue_0 WHERE {on})"
            );
            governed.place.queries.push(query(&arms(&[both.clone(), alone.clone()]), Use::Inside)?);
            governed.place.queries.push(query(&both, Use::Arm)?);
            governed.place.queries.push(query(&alone, Use::Arm)?);
        }
        let direct = new.column(&Slot::Present(part)).is_none();
        for column in &mut governed.columns {
            let its = own.slot(&column.name).and_then(|slot| new.column(slot));
            match its.filter(|_| direct) {
                // Each row of the new table is one of this.
                Some(its) => {
                    column.read = crate::conversion::column_reference(its)?;
                    if self.joint.phase >= Phase::StopDualWrite {
                        column.writes = vec![Write::plain(its)?];
                        column.default_of = its.to_owned();
                    }
                }
                None => column.read = elsewhere(),
            }
        }
        governed.place.other = direct.then(|| new.relation.clone());
        Ok(())
    }

    /// The table that they are merged into.
    fn into(&self, governed: &mut Governed, new: &Member) -> Result<(), String> {
        if self.joint.phase < Phase::SwitchReads {
            governed.place.queries = vec![query(&self.gathered(governed, new)?, Use::Read)?];
            for column in &mut governed.columns {
                column.read = elsewhere();
            }
        } else if self.joint.phase == Phase::SwitchReads {
            let columns: Vec<String> = governed
                .shown()
                .map(|column| format!("segue_own.{}", quoted(&column.name)))
                .collect();
            let texts = self.locked(&columns.join(", "), new);
            for text in &texts {
                governed.place.queries.push(query(text, Use::Arm)?);
            }
            governed.place.queries.push(query(&arms(&texts), Use::Inside)?);
            governed.place.itself = Use::Read;
        }
        Ok(())
    }

    /// A row of the new table for each key that any source has.
    fn gathered(&self, governed: &Governed, new: &Member) -> Result<String, String> {
        let sources: Vec<&Member> = self.joint.members.iter().filter(|it| !it.new).collect();
        let there = |part: usize| -> Option<String> {
            let key = sources.get(part)?.key().first().map(|key| quoted(key))?;
            Some(format!("(segue_{part}.{key} IS NOT NULL)"))
        };
        let mut list = Vec::new();
        for column in governed.shown() {
            let name = quoted(&column.name);
            list.push(match new.slot(&column.name) {
                Some(Slot::Key(_)) => format!("segue_keys.{name}"),
                Some(slot @ Slot::Value(part, _)) => {
                    let held = sources.get(*part).and_then(|it| it.column(slot));
                    let there = there(*part).ok_or("no part")?;
                    let default = column.default_text.as_deref().unwrap_or("NULL");
                    format!(
                        "CASE WHEN {there} THEN segue_{part}.{} ELSE ({default})::{} END AS {name}",
                        quoted(held.unwrap_or_default()),
                        column.type_name
                    )
                }
                Some(Slot::Present(part)) => {
                    format!("{} AS {name}", there(*part).ok_or("no part")?)
                }
                None => return Err(format!("a column of no source: {name}")),
            });
        }
        let keys: Vec<String> = self.merge.key.iter().map(quoted).collect();
        let arms: Vec<String> = sources
            .iter()
            .map(|source| {
                let pairs = source.key().into_iter().zip(&keys);
                let pairs = pairs.map(|(own, key)| format!("{} AS {key}", quoted(own)));
                let list = pairs.collect::<Vec<_>>().join(", ");
                format!("SELECT {list} FROM {}", range(&source.relation))
            })
            .collect();
        let joins: Vec<String> = sources
            .iter()
            .enumerate()
            .map(|(part, source)| {
                let alias = format!("segue_{part}");
                let on = joined((&alias, &source.key()), ("segue_keys", &new.key()));
                format!("LEFT JOIN {} AS {alias} ON {on}", range(&source.relation))
            })
            .collect();
        Ok(format!(
            "SELECT {} FROM ({}) AS segue_keys ({}) {}",
            list.join(", "),
            arms.join(" UNION "),
            keys.join(", "),
            joins.join(" ")
        ))
    }

    /// The rows of the new table, those that each source has locked with it: one query for each set of
    /// sources, from all of them to none.
    fn locked(&self, columns: &str, new: &Member) -> Vec<String> {
        let sources: Vec<&Member> = self.joint.members.iter().filter(|it| !it.new).collect();
        let into = range(&new.relation);
        let arm = |missing: usize| {
            let mut from = Vec::new();
            let (mut without, mut with) = (Vec::new(), Vec::new());
            for (part, source) in sources.iter().enumerate() {
                let alias = format!("segue_{part}");
                let on = joined((&alias, &source.key()), ("segue_own", &new.key()));
                let own = range(&source.relation);
                if missing & (1 << part) == 0 {
                    from.push(format!("{own} AS {alias}"));
                    with.push(on);
                } else {
                    without.push(format!("NOT EXISTS (SELECT 1 FROM {own} AS {alias} WHERE {on})"));
                }
            }
            from.push(format!("{into} AS segue_own"));
            let conditions = [without, with].concat().join(" AND ");
            format!("SELECT {columns} FROM {} WHERE {conditions}", from.join(", "))
        };
        (0..1 << sources.len()).map(arm).collect()
    }
}
