//! `rename-column`: one value under two names; type, constraints and values stay.

use std::collections::BTreeSet;

use super::{ColumnChange, Fault, Place};
use crate::catalog::{Catalog, Column, Key, Relation, RelationKind, RelationName};
use crate::lens::{LogicalColumn, OpaquePolicy};
use crate::name;
use crate::phase::Phase;
use crate::rule::Rule;

/// The rule's own keys.
pub(super) struct RenameColumn<'a> {
    pub(super) table: &'a str,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) position: Option<u16>,
}

/// Names end where they are no better than nothing. Unit: edits.
const FARTHEST_SPELLING: usize = 3;

pub(super) fn compile(
    change: &RenameColumn<'_>,
    rule: &Rule,
    catalog: &Catalog,
) -> Result<(RelationName, ColumnChange), Vec<Fault>> {
    let (relation, table) = find_table(change.table, catalog).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    let subject = Subject {
        relation: &relation,
        table,
        change,
        phase: rule.phase,
        from: table.column(change.from),
        to: table.column(change.to),
    };
    subject.check_columns(&mut faults);
    subject.check_types(&mut faults);
    subject.check_new_side(&mut faults);
    subject.check_old_side(&mut faults);
    let place = subject.place(&mut faults);
    match (faults.is_empty(), subject.from.or(subject.to), place) {
        (true, Some(column), Some(place)) => {
            let change = subject.lens(column, place);
            Ok((relation, change))
        }
        _ => Err(faults),
    }
}

/// `users` or `schema.table`, as SQL would write it.
pub(super) fn relation_name(text: &str) -> Option<RelationName> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut()?.push(c);
    }
    let names: Vec<String> = parts.iter().map(|part| name::folded_source(part)).collect();
    match names.as_slice() {
        _ if quoted || names.iter().any(String::is_empty) => None,
        [table] => Some(RelationName::new("public", table)),
        [schema, table] => Some(RelationName::new(schema, table)),
        _ => None,
    }
}

fn find_table<'c>(
    written: &str,
    catalog: &'c Catalog,
) -> Result<(RelationName, &'c Relation), Fault> {
    let fault =
        |message: String, hint: Option<String>| Fault { rule: 0, key: "table", message, hint };
    let Some(relation) = relation_name(written) else {
        return Err(fault(
            format!("\"{written}\" is not a table name"),
            Some("write table or schema.table, quoted as in SQL".to_owned()),
        ));
    };
    let Some(table) = catalog.relation(&relation) else {
        let same_name = catalog.relations.keys().find(|known| known.name == relation.name).cloned();
        let near = same_name.or_else(|| {
            let known = catalog.relations.keys().filter(|known| known.schema == relation.schema);
            nearest(&relation.name, known.map(|known| known.name.as_str()))
                .map(|name| RelationName::new(relation.schema.clone(), name))
        });
        return Err(fault(
            format!("table \"{relation}\" does not exist"),
            near.map(|near| format!("did you mean \"{near}\"?")),
        ));
    };
    let of_kind = match table.kind {
        RelationKind::Table => None,
        RelationKind::PartitionedTable => Some("a partitioned table"),
        RelationKind::View => Some("a view"),
        RelationKind::MaterializedView => Some("a materialized view"),
        RelationKind::ForeignTable => Some("a foreign table"),
    };
    let of_kind = of_kind.or(table.has_children.then_some("a table with inheritance children"));
    match of_kind {
        None => Ok((relation, table)),
        Some(of_kind) => Err(fault(
            format!("\"{relation}\" is {of_kind}"),
            Some("only a column of an ordinary table without children can be renamed".to_owned()),
        )),
    }
}

/// The nearest of the known names, if one is near enough to be what was meant.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= FARTHEST_SPELLING.min(name.chars().count() / 2))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, &above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != *y)).min(left + 1).min(above + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// The rule beside what the catalog says of it.
struct Subject<'a> {
    relation: &'a RelationName,
    table: &'a Relation,
    change: &'a RenameColumn<'a>,
    phase: Phase,
    from: Option<&'a Column>,
    to: Option<&'a Column>,
}

impl Subject<'_> {
    fn fault(&self, key: &'static str, message: String, hint: impl Into<Option<String>>) -> Fault {
        Fault { rule: 0, key, message, hint: hint.into() }
    }

    fn table_sql(&self) -> String {
        format!("{}.{}", name::quoted(&self.relation.schema), name::quoted(&self.relation.name))
    }

    fn writes_both(&self) -> bool {
        matches!(self.phase, Phase::DualWrite | Phase::SwitchReads)
    }

    fn check_columns(&self, faults: &mut Vec<Fault>) {
        let RenameColumn { from, to, .. } = self.change;
        if from == to {
            let hint = "give the new name".to_owned();
            faults.push(self.fault("to", format!("\"from\" and \"to\" are both \"{to}\""), hint));
            return;
        }
        if self.from.is_none() && self.phase != Phase::Contract {
            faults.push(self.missing("from", from));
        }
        if self.to.is_none() && self.phase != Phase::Expand {
            let mut fault = self.missing("to", to);
            if let Some(column) = self.from {
                let table = self.table_sql();
                fault.message = format!("{} yet phase \"{}\" needs it", fault.message, self.phase);
                fault.hint = Some(format!(
                    "{}run ALTER TABLE {table} ADD COLUMN {} {}; before this phase",
                    fault.hint.map(|hint| format!("{hint} or ")).unwrap_or_default(),
                    name::quoted(to),
                    column.type_name,
                ));
            }
            faults.push(fault);
        }
    }

    fn missing(&self, key: &'static str, column: &str) -> Fault {
        let candidates = self.table.columns.iter().map(|column| column.name.as_str());
        let candidates =
            candidates.filter(|name| *name != self.change.from && *name != self.change.to);
        self.fault(
            key,
            format!("column \"{column}\" does not exist in table \"{}\"", self.relation),
            nearest(column, candidates).map(|near| format!("did you mean \"{near}\"?")),
        )
    }

    /// A rename changes no type: both columns must hold exactly the same values.
    fn check_types(&self, faults: &mut Vec<Fault>) {
        for (key, column) in [("from", self.from), ("to", self.to)] {
            if let Some(column) = column
                && (column.generated || column.identity.is_some())
            {
                let message = format!("column \"{}\" is generated by the server", column.name);
                let hint = "rename-column needs two ordinary columns".to_owned();
                faults.push(self.fault(key, message, hint));
            }
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && (from.type_name != to.type_name || from.collation != to.collation)
        {
            let described = |column: &Column| match &column.collation {
                Some(collation) => format!("{} COLLATE \"{collation}\"", column.type_name),
                None => column.type_name.clone(),
            };
            faults.push(self.fault(
                "to",
                format!(
                    "column \"{}\" is {}, but \"{}\" is {}",
                    to.name,
                    described(to),
                    from.name,
                    described(from)
                ),
                format!(
                    "a rename keeps the type: run ALTER TABLE {} ALTER COLUMN {} TYPE {};",
                    self.table_sql(),
                    name::quoted(&to.name),
                    described(from)
                ),
            ));
        }
    }

    /// Before it is read, the new column must promise what the old one does; and while it is not
    /// written, it must promise nothing.
    fn check_new_side(&self, faults: &mut Vec<Fault>) {
        let (Some(from), Some(to)) = (self.from, self.to) else { return };
        if self.phase == Phase::Expand && to.not_null && to.default.is_none() {
            faults.push(self.fault(
                "phase",
                format!(
                    "phase \"{}\" does not write \"{}\", which is NOT NULL",
                    self.phase, to.name
                ),
                format!(
                    "run ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL;",
                    self.table_sql(),
                    name::quoted(&to.name)
                ),
            ));
        }
        if self.phase < Phase::SwitchReads {
            return;
        }
        for key in self.table.keys.iter().filter(|key| key.columns.contains(&from.name)) {
            let columns = self.with_new_name(key);
            let same = |other: &Key| {
                other.columns.iter().collect::<BTreeSet<_>>() == columns.iter().collect()
            };
            if !self.table.keys.iter().any(same) {
                let list: Vec<String> = columns.iter().map(|column| name::quoted(column)).collect();
                faults.push(self.fault(
                    "phase",
                    format!(
                        "phase \"{}\" reads \"{}\", which has no equivalent of unique index \"{}\"",
                        self.phase, to.name, key.name
                    ),
                    format!(
                        "run CREATE UNIQUE INDEX CONCURRENTLY ON {} ({});",
                        self.table_sql(),
                        list.join(", ")
                    ),
                ));
            }
        }
        if from.not_null && !to.not_null {
            faults.push(self.fault(
                "phase",
                format!(
                    "phase \"{}\" reads \"{}\", which may be NULL while \"{}\" may not",
                    self.phase, to.name, from.name
                ),
                format!(
                    "after the backfill run ALTER TABLE {} ALTER COLUMN {} SET NOT NULL; \
                     (add and validate a CHECK first, so that it need not scan)",
                    self.table_sql(),
                    name::quoted(&to.name)
                ),
            ));
        }
    }

    fn with_new_name(&self, key: &Key) -> Vec<String> {
        key.columns
            .iter()
            .map(|column| {
                if column == self.change.from { self.change.to } else { column.as_str() }.to_owned()
            })
            .collect()
    }

    /// Before it is no longer written, the old column must accept rows that do not name it.
    fn check_old_side(&self, faults: &mut Vec<Fault>) {
        let Some(from) = self.from else { return };
        if self.phase < Phase::StopDualWrite {
            return;
        }
        let table = self.table_sql();
        let old = name::quoted(&from.name);
        if from.not_null {
            faults.push(self.fault(
                "phase",
                format!(
                    "phase \"{}\" no longer writes \"{}\", which is NOT NULL",
                    self.phase, from.name
                ),
                format!("run ALTER TABLE {table} ALTER COLUMN {old} DROP NOT NULL;"),
            ));
        }
        if !from.dependents.is_empty() {
            let dependents: Vec<&str> = from.dependents.iter().map(String::as_str).collect();
            faults.push(self.fault(
                "phase",
                format!(
                    "phase \"{}\" no longer writes \"{}\", which is still used by {}",
                    self.phase,
                    from.name,
                    dependents.join(", ")
                ),
                "move each of them to the new column first".to_owned(),
            ));
        }
        // An old default that is still there is still computed for every new row, so an operator
        // may have dropped it (a sequence would go on twice as fast); then the new one counts.
        if let Some(to) = self.to
            && from.default.is_some()
            && expression(from) != expression(to)
        {
            faults.push(self.fault(
                "phase",
                format!("columns \"{}\" and \"{}\" have different defaults", from.name, to.name),
                match expression(from) {
                    Some(default) => format!(
                        "run ALTER TABLE {table} ALTER COLUMN {} SET DEFAULT {default};",
                        name::quoted(&to.name)
                    ),
                    None => format!(
                        "run ALTER TABLE {table} ALTER COLUMN {} DROP DEFAULT;",
                        name::quoted(&to.name)
                    ),
                },
            ));
        }
    }

    /// Where the old name stands in `*`, even after the column is gone.
    fn place(&self, faults: &mut Vec<Fault>) -> Option<Place> {
        if let Some(position) = self.change.position {
            return Some(Place::Shown(position));
        }
        if let Some(from) = self.from {
            return Some(Place::Number(from.number));
        }
        let taken: BTreeSet<u16> = self.table.columns.iter().map(|column| column.number).collect();
        let mut gaps = (1..=self.table.attribute_count).filter(|number| !taken.contains(number));
        match (gaps.next(), gaps.next()) {
            (Some(gap), None) => Some(Place::Number(gap)),
            _ => {
                faults.push(self.fault(
                    "position",
                    format!(
                        "column \"{}\" is gone and the catalog does not tell where it stood among \
                         the columns of \"{}\"",
                        self.change.from, self.relation
                    ),
                    "add position = N, its place in SELECT * counted from 1".to_owned(),
                ));
                None
            }
        }
    }

    /// The table of section 4 of the specification, one row per phase.
    fn lens(&self, column: &Column, place: Place) -> ColumnChange {
        let (old, new) = (self.change.from.to_owned(), self.change.to.to_owned());
        let (get, put, opaque) = match self.phase {
            Phase::Expand => (old.clone(), vec![old.clone()], OpaquePolicy::Forward),
            Phase::DualWrite => (old.clone(), vec![old.clone(), new.clone()], OpaquePolicy::Refuse),
            Phase::SwitchReads => {
                (new.clone(), vec![old.clone(), new.clone()], OpaquePolicy::Refuse)
            }
            Phase::StopDualWrite | Phase::Contract => {
                (new.clone(), vec![new.clone()], OpaquePolicy::Refuse)
            }
        };
        let defaults_agree = match (self.from.and_then(|c| c.default.as_ref()), self.to) {
            (None, Some(to)) => to.default.is_none(),
            (Some(default), Some(to)) => {
                Some(default) == to.default.as_ref()
                    && default.volatility < crate::catalog::Volatility::Volatile
            }
            (_, None) => true,
        };
        let shown = LogicalColumn {
            name: old,
            shown: true,
            get,
            put,
            base_type: column.base_type.clone(),
            default: column.default.clone(),
            default_is_shared: !self.writes_both() || defaults_agree,
            generated: false,
            identity: false,
            migration: None,
        };
        let also = LogicalColumn { name: new.clone(), shown: false, ..shown.clone() };
        ColumnChange { shown, also: vec![also], hidden: vec![new], place, opaque }
    }
}

fn expression(column: &Column) -> Option<&str> {
    column.default.as_ref().map(|default| default.expression.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_are_read_as_sql_reads_them() {
        let read = |text| relation_name(text).map(|name| name.to_string());
        assert_eq!(read("Users"), Some("public.users".to_owned()));
        assert_eq!(read("App.\"Mixed.Case\""), Some("app.Mixed.Case".to_owned()));
        for wrong in ["", "a.b.c", "a.", "\"a"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_nearest_spelling_is_offered_only_when_it_is_near() {
        let known = ["users", "orders", "handle"];
        assert_eq!(nearest("user", known.into_iter()), Some("users"));
        assert_eq!(nearest("handel", known.into_iter()), Some("handle"));
        assert_eq!(nearest("payments", known.into_iter()), None);
    }
}
