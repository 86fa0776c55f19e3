//! The step that is judged: the migration, its two columns in each of its tables, and the way.

use rewrite_rules::catalog::{Catalog, Column, Relation, RelationKind, RelationName};
use rewrite_rules::name::quoted;
use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Phase, Rule};

use super::finding::{About, Finding, Severity};
use crate::config::parse_relation_name;

/// A step of one migration.
pub(super) struct Step<'a> {
    pub(super) rule: &'a Rule,
    pub(super) from: Phase,
    pub(super) to: Phase,
    pub(super) pair: &'a ColumnPair,
    /// The table that the migration names, and every table that inherits from it.
    pub(super) members: Vec<Member<'a>>,
}

/// One of its tables.
pub(super) struct Member<'a> {
    pub(super) oid: u32,
    pub(super) name: RelationName,
    pub(super) table: &'a Relation,
    /// The name as SQL writes it.
    pub(super) sql: String,
    pub(super) old: Option<&'a Column>,
    pub(super) new: Option<&'a Column>,
}

/// The moves between neighbouring phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// To `dual-write`, forward.
    WriteBoth,
    /// To `switch-reads`, forward.
    ReadNew,
    /// To `stop-dual-write` or `contract`, forward.
    LeaveOld,
    /// Back to `stop-dual-write`, which changes nothing.
    KeepNew,
    /// Back to `switch-reads`.
    WriteBothAgain,
    /// Back to `dual-write`.
    ReadOldAgain,
    /// Back to `expand`.
    LeaveNew,
    /// None.
    Stay,
}

impl Move {
    /// Whether the new side is not written any more, so that it may become stale, or nothing moves.
    pub(super) fn is_leaving(self) -> bool {
        match self {
            Self::LeaveNew | Self::Stay => true,
            Self::WriteBoth
            | Self::ReadNew
            | Self::LeaveOld
            | Self::KeepNew
            | Self::WriteBothAgain
            | Self::ReadOldAgain => false,
        }
    }

    pub(super) fn between(from: Phase, to: Phase) -> Self {
        let forward = to > from;
        match to {
            _same if to == from => Self::Stay,
            // No migration of two sides goes there.
            Phase::Backfill | Phase::Enforce => Self::Stay,
            Phase::Expand => Self::LeaveNew,
            Phase::DualWrite if forward => Self::WriteBoth,
            Phase::DualWrite => Self::ReadOldAgain,
            Phase::SwitchReads if forward => Self::ReadNew,
            Phase::SwitchReads => Self::WriteBothAgain,
            Phase::StopDualWrite if !forward => Self::KeepNew,
            Phase::StopDualWrite | Phase::Contract => Self::LeaveOld,
        }
    }
}

impl<'a> Step<'a> {
    /// `None` if the table does not exist, or the migration is not one of two columns.
    pub(super) fn new(rule: &'a Rule, to: Phase, catalog: &'a Catalog) -> Option<Self> {
        let pair = rule.change.pair()?;
        let root = parse_relation_name(&pair.table)?;
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut open = vec![root];
        while let Some(name) = open.pop() {
            if members.iter().any(|member| member.name == name) {
                continue;
            }
            let Some(table) = catalog.relation(&name) else { continue };
            open.extend(table.children.iter().rev().cloned());
            members.push(Member {
                oid: table.oids.relation,
                sql: sql(&name),
                name,
                table,
                old: table.column(&pair.from),
                new: table.column(&pair.to),
            });
        }
        (!members.is_empty()).then_some(Self { rule, from: rule.phase, to, pair, members })
    }

    pub(super) fn way(&self) -> Move {
        Move::between(self.from, self.to)
    }

    /// Whether a value of one column is a value of the other one as it is.
    pub(super) fn keeps_values(&self) -> bool {
        let keeps = match &self.rule.change {
            Change::RenameColumn(_) | Change::RenameInPlace(_) => true,
            Change::ChangeColumn { up, down, .. } => up.is_none() && down.is_none(),
            Change::BackfillColumn(_) | Change::SplitTable(_) | Change::MergeTables(_) => false,
        };
        keeps && self.members.first().is_some_and(Member::has_one_type)
    }

    /// The oids of all members, for queries.
    pub(super) fn oids(&self) -> Vec<u32> {
        self.members.iter().map(|member| member.oid).collect()
    }

    /// Oids of the members that have the column, and its number in each.
    pub(super) fn numbers(
        &self,
        column: impl Fn(&Member<'a>) -> Option<&'a Column>,
    ) -> (Vec<u32>, Vec<i16>) {
        let found = self
            .members
            .iter()
            .filter_map(|member| Some((member.oid, i16::try_from(column(member)?.number).ok()?)));
        found.unzip()
    }

    /// Oids of the members that have both columns, and the numbers of the old and of the new one.
    pub(super) fn both_numbers(&self) -> (Vec<u32>, Vec<i16>, Vec<i16>) {
        let (mut oids, mut old_numbers, mut new_numbers) = (Vec::new(), Vec::new(), Vec::new());
        for member in &self.members {
            let (Some(old), Some(new)) = (member.old, member.new) else { continue };
            // An `attnum` is an int2.
            oids.push(member.oid);
            old_numbers.push(i16::try_from(old.number).unwrap_or_default());
            new_numbers.push(i16::try_from(new.number).unwrap_or_default());
        }
        (oids, old_numbers, new_numbers)
    }

    pub(super) fn member(&self, oid: u32) -> Option<&Member<'a>> {
        self.members.iter().find(|member| member.oid == oid)
    }

    pub(super) fn finding(
        &self,
        severity: Severity,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        Finding::new(self.rule, self.to, severity, about, message, remedy)
    }

    /// A finding that also keeps the target phase from being compiled.
    pub(super) fn fault(
        &self,
        severity: Severity,
        about: About,
        message: String,
        remedy: impl IntoIterator<Item = String>,
    ) -> Finding {
        Finding { forcible: false, ..self.finding(severity, about, message, remedy) }
    }
}

impl Member<'_> {
    pub(super) fn is_partitioned(&self) -> bool {
        match self.table.kind {
            RelationKind::PartitionedTable => true,
            RelationKind::Table
            | RelationKind::View
            | RelationKind::MaterializedView
            | RelationKind::ForeignTable => false,
        }
    }

    /// Whether both columns have the same type, as far as both exist.
    pub(super) fn has_one_type(&self) -> bool {
        match (self.old, self.new) {
            (Some(old), Some(new)) => {
                old.type_name == new.type_name && old.collation == new.collation
            }
            (Some(_) | None, _) => true,
        }
    }
}

/// A relation's name as SQL writes it.
pub(crate) fn sql(name: &RelationName) -> String {
    format!("{}.{}", quoted(&name.schema), quoted(&name.name))
}

/// Longest identifier. Unit: bytes. (`NAMEDATALEN - 1`.)
const NAME_BYTES: usize = 63;

/// A name for a new object that nothing in `taken` has: `wanted`, cut and numbered as need be.
pub(super) fn free_name(wanted: &str, taken: &[&str]) -> String {
    let cut = |limit: usize| -> &str {
        let end = (0..=limit.min(wanted.len())).rev().find(|&at| wanted.is_char_boundary(at));
        wanted.get(..end.unwrap_or(0)).unwrap_or_default()
    };
    let numbered = (1_u32..).map(|number| match number {
        1 => cut(NAME_BYTES).to_owned(),
        number => {
            let number = format!("_{number}");
            format!("{}{number}", cut(NAME_BYTES - number.len()))
        }
    });
    let mut free = numbered.skip_while(|name| taken.contains(&name.as_str()));
    free.next().unwrap_or_else(|| wanted.to_owned())
}

/// What the counterpart of `name`, an object of the old column, is best called.
pub(super) fn counterpart_name(name: &str, pair: &ColumnPair, table: &str, kind: &str) -> String {
    if name.contains(&pair.from) {
        return name.replacen(&pair.from, &pair.to, 1);
    }
    format!("{table}_{}_{kind}", pair.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_names_are_free_and_short_enough() {
        assert_eq!(free_name("a", &[]), "a");
        assert_eq!(free_name("a", &["a", "a_2"]), "a_3");
        let long = "é".repeat(40);
        let cut = "é".repeat(31);
        assert_eq!(free_name(&long, &[]), cut);
        assert_eq!(free_name(&long, &[&cut]), format!("{}_2", "é".repeat(30)));
    }
}
