//! Indexes: what the old column has and the new one has not; what the new one has too early or
//! half built.

use std::collections::BTreeSet;

use rewrite_rules::Phase;
use rewrite_rules::compile::renamed;
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Row, Transaction};

use super::finding::{About, Finding, Severity};
use super::queries;
use super::step::{Member, Move, Step, counterpart_name, free_name};
use crate::ddl::statement::is_leftover;

/// One index. Texts are SQL.
pub(super) struct Index {
    pub(super) table: u32,
    pub(super) name: String,
    pub(super) schema: String,
    pub(super) unique: bool,
    pub(super) valid: bool,
    /// Of an index of the table above.
    pub(super) partition: bool,
    pub(super) replica_identity: bool,
    /// Whether it enforces something else than that keys are unique.
    pub(super) exclusion: bool,
    pub(super) constraint: Option<String>,
    pub(super) builder: Option<i32>,
    /// Access method, order of the keys, and whether NULLs are distinct.
    pub(super) form: String,
    pub(super) keys: usize,
    pub(super) columns: Vec<String>,
    pub(super) classes: String,
    pub(super) predicate: Option<String>,
    /// What stands behind USING.
    pub(super) definition: String,
    /// Of an exclusion constraint: by which operator its keys are compared.
    pub(super) operators: Vec<String>,
    /// Of a key that may be checked as late as when a transaction ends: when, as SQL says it.
    pub(super) deferrable: Option<String>,
}

pub(super) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    let indexes = of_tables(transaction, &step.oids()).await?;
    let mut findings = Vec::new();
    // Every new index gets a name of its own.
    let mut taken: Vec<String> = indexes.iter().map(|index| index.name.clone()).collect();
    for member in &step.members {
        if member.old.is_none() || member.new.is_none() {
            continue;
        }
        let own: Vec<&Index> = indexes.iter().filter(|index| index.table == member.oid).collect();
        findings.extend(missing(step, member, &own, &mut taken));
        findings.extend(missing_on_old(step, member, &own));
        findings.extend(half_built(step, member, &own));
        findings.extend(too_early(step, member, &own));
        findings.extend(stale(step, member, &own));
        findings.extend(replica_identity(step, member, &own));
    }
    Ok(findings)
}

/// The indexes of these tables.
pub(super) async fn of_tables(
    transaction: &Transaction<'_>,
    oids: &[u32],
) -> Result<Vec<Index>, Error> {
    let rows = transaction.query(queries::INDEXES, &[&oids]).await?;
    rows.iter().map(index).collect()
}

fn index(row: &Row) -> Result<Index, Error> {
    let keys: i32 = row.try_get(11)?;
    Ok(Index {
        table: row.try_get(0)?,
        name: row.try_get(1)?,
        schema: row.try_get(2)?,
        unique: row.try_get(3)?,
        valid: row.try_get(4)?,
        partition: row.try_get(5)?,
        replica_identity: row.try_get(6)?,
        exclusion: row.try_get(7)?,
        constraint: row.try_get(8)?,
        builder: row.try_get(9)?,
        form: row.try_get(10)?,
        keys: usize::try_from(keys).unwrap_or_default(),
        columns: row.try_get(12)?,
        classes: row.try_get(13)?,
        predicate: row.try_get(14)?,
        definition: row.try_get(15)?,
        operators: row.try_get(16)?,
        deferrable: row.try_get(17)?,
    })
}

impl Index {
    /// Its name as SQL writes it.
    pub(super) fn sql(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    /// Columns and predicate with other names in them.
    fn with(&self, names: &dyn Fn(&str) -> String) -> (Vec<String>, Option<String>) {
        let columns = self.columns.iter().map(|column| names(column)).collect();
        (columns, self.predicate.as_deref().map(names))
    }

    pub(super) fn uses(&self, column: &str) -> bool {
        // No column's name is empty.
        self.with(&|text| renamed(text, column, ""))
            != (self.columns.clone(), self.predicate.clone())
    }

    /// Whether `new`, an index on the new column, does for it all that this does for the old one.
    fn is_matched_by(&self, new: &Self, step: &Step<'_>, member: &Member<'_>) -> bool {
        let names = |text: &str| renamed(text, &step.pair.from, &step.pair.to);
        self.does_as(new, &names, member.has_one_type())
    }

    /// Whether `new` does for columns of other names all that this does. `one_type`: of the same types.
    pub(super) fn does_as(
        &self,
        new: &Self,
        names: &dyn Fn(&str) -> String,
        one_type: bool,
    ) -> bool {
        let (columns, predicate) = self.with(names);
        predicate == new.predicate && self.is_over_the_same(&columns, new, one_type)
    }

    /// Whether `new` does it for the rows alone in which a column is true.
    pub(super) fn does_where(
        &self,
        column: &str,
        new: &Self,
        names: &dyn Fn(&str) -> String,
    ) -> bool {
        let (columns, predicate) = self.with(names);
        let wanted = narrowed(column, predicate.as_deref());
        new.predicate == Some(wanted) && self.is_over_the_same(&columns, new, true)
    }

    /// What stands behind USING where it is for those rows alone.
    pub(super) fn definition_where(&self, column: &str, names: &dyn Fn(&str) -> String) -> String {
        let whole = self.predicate.as_ref().map(|predicate| format!(" WHERE {predicate}"));
        let body = whole.and_then(|whole| self.definition.strip_suffix(whole.as_str()));
        let predicate = narrowed(column, self.predicate.as_deref().map(names).as_deref());
        format!("{} WHERE {predicate}", names(body.unwrap_or(&self.definition)))
    }

    pub(super) fn nulls_are_distinct(&self) -> bool {
        self.form.ends_with(" f")
    }

    fn is_over_the_same(&self, columns: &[String], new: &Self, one_type: bool) -> bool {
        let keys = |columns: &[String], count: usize| -> Vec<String> {
            columns.iter().take(count).cloned().collect()
        };
        let (own, others) = (keys(columns, self.keys), keys(&new.columns, new.keys));
        if self.unique {
            // The order of the columns does not matter for what may be stored.
            let set = |keys: Vec<String>| keys.into_iter().collect::<BTreeSet<_>>();
            let nulls = self.nulls_are_distinct() == new.nulls_are_distinct();
            return new.unique && set(own) == set(others) && nulls;
        }
        own == others && self.form == new.form && (!one_type || self.classes == new.classes)
    }
}

/// A predicate, as the server shows it, for the rows alone in which a column is true.
pub(super) fn narrowed(column: &str, predicate: Option<&str>) -> String {
    match predicate {
        None => quoted(column),
        Some(predicate) => format!("({} AND {predicate})", quoted(column)),
    }
}

fn missing(
    step: &Step<'_>,
    member: &Member<'_>,
    own: &[&Index],
    taken: &mut Vec<String>,
) -> Vec<Finding> {
    if step.to < Phase::SwitchReads {
        return Vec::new();
    }
    let pair = step.pair;
    let mut findings = Vec::new();
    let of_old = own.iter().filter(|index| {
        index.valid && !index.partition && !index.exclusion && index.uses(&pair.from)
    });
    for old in of_old {
        let declared = pair.constraints.get(&old.name);
        let is_declared = |new: &&&Index| {
            !step.keeps_values() && declared == Some(&new.name) && new.uses(&pair.to)
        };
        let matching = |new: &&&Index| is_declared(new) || old.is_matched_by(new, step, member);
        // One that is there and not valid is told of on its own.
        if own.iter().any(|new| matching(&new)) {
            continue;
        }
        let plain =
            old.predicate.is_none() && old.columns.iter().any(|it| it == &quoted(&pair.from));
        let kind = if old.unique { "unique index" } else { "index" };
        let severity = if old.unique { Severity::LosesData } else { Severity::Risky };
        let message = format!(
            "column \"{}\" of \"{}\" has no equivalent of {kind} \"{}\"",
            pair.to, member.name, old.name
        );
        let remedy = creation(step, member, old, taken);
        findings.push(match old.unique && plain {
            true => step.fault(severity, About::MissingIndex, message, remedy),
            false => step.finding(severity, About::MissingIndex, message, remedy),
        });
    }
    findings
}

/// The same index on the new column, without keeping anybody from writing.
fn creation(
    step: &Step<'_>,
    member: &Member<'_>,
    old: &Index,
    taken: &mut Vec<String>,
) -> Vec<String> {
    let pair = step.pair;
    let unique = if old.unique { "UNIQUE " } else { "" };
    let definition = renamed(&old.definition, &pair.from, &pair.to);
    let kind = if old.unique { "key" } else { "idx" };
    let mut new_name = |table: &Member<'_>| {
        let wanted = match table.oid == member.oid {
            true => counterpart_name(&old.name, pair, &table.name.name, kind),
            false => format!("{}_{}_{kind}", table.name.name, pair.to),
        };
        let known: Vec<&str> = taken.iter().map(String::as_str).collect();
        let name = free_name(&wanted, &known);
        taken.push(name.clone());
        quoted(&name)
    };
    if !member.is_partitioned() {
        return vec![format!(
            "CREATE {unique}INDEX CONCURRENTLY {} ON {} USING {definition};",
            new_name(member),
            member.sql
        )];
    }
    // A partitioned table's index is made of its partitions' indexes, one after the other.
    let mut parts: Vec<(&Member<'_>, String)> = vec![(member, new_name(member))];
    parts.extend(partitions(step, member).into_iter().map(|table| (table, new_name(table))));
    let mut statements = Vec::new();
    for (table, name) in &parts {
        let (how, only) = match table.is_partitioned() {
            true => ("", "ONLY "),
            false => ("CONCURRENTLY ", ""),
        };
        statements.push(format!(
            "CREATE {unique}INDEX {how}{name} ON {only}{} USING {definition};",
            table.sql
        ));
    }
    for (table, name) in parts.iter().rev() {
        let above = parts.iter().find(|(above, _)| above.table.children.contains(&table.name));
        statements.extend(above.map(|(above, of_above)| {
            format!(
                "ALTER INDEX {}.{of_above} ATTACH PARTITION {}.{name};",
                quoted(&above.name.schema),
                quoted(&table.name.schema)
            )
        }));
    }
    statements
}

/// Every table below a partitioned one, from the top down.
fn partitions<'s, 'a>(step: &'s Step<'a>, top: &Member<'a>) -> Vec<&'s Member<'a>> {
    let mut found: Vec<&Member<'a>> = Vec::new();
    let mut open = top.table.children.clone();
    while let Some(name) = open.pop() {
        if let Some(member) = step.members.iter().find(|member| member.name == name) {
            open.extend(member.table.children.iter().cloned());
            found.push(member);
        }
    }
    found
}

/// An index on the new column that a failed build left behind, or that is being built.
fn half_built(step: &Step<'_>, member: &Member<'_>, own: &[&Index]) -> Vec<Finding> {
    match step.way() {
        Move::WriteBoth | Move::ReadNew | Move::LeaveOld | Move::WriteBothAgain => {}
        Move::KeepNew | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => return Vec::new(),
    }
    let mut findings = Vec::new();
    for index in own.iter().filter(|index| !index.valid && index.uses(&step.pair.to)) {
        let wanted = own.iter().find(|old| {
            old.uses(&step.pair.from) && old.valid && old.is_matched_by(index, step, member)
        });
        let another = own.iter().any(|other| {
            other.valid && wanted.is_some_and(|old| old.is_matched_by(other, step, member))
        });
        let needed = wanted.filter(|_| !another && step.to >= Phase::SwitchReads);
        let severity = match needed {
            Some(old) if old.unique => Severity::LosesData,
            Some(_) | None => Severity::Risky,
        };
        let (state, remedy) = match (index.builder, needed) {
            (Some(pid), _) => (
                format!("is being built by process {pid}"),
                format!(
                    "SELECT phase, blocks_done, blocks_total FROM pg_stat_progress_create_index \
                     WHERE pid = {pid};"
                ),
            ),
            (None, Some(_)) if member.is_partitioned() => (
                "is not valid: not every partition has its part of it".to_owned(),
                format!("SELECT * FROM pg_partition_tree('{}');", index.sql().replace('\'', "''")),
            ),
            (None, _) if is_leftover(&index.name) => (
                "is not valid: a REINDEX has left it behind".to_owned(),
                format!("DROP INDEX CONCURRENTLY {};", index.sql()),
            ),
            (None, Some(_)) => (
                "is not valid, and nobody is building it".to_owned(),
                format!("REINDEX INDEX CONCURRENTLY {};", index.sql()),
            ),
            (None, None) => (
                "is not valid, and nobody is building it".to_owned(),
                format!("DROP INDEX CONCURRENTLY {};", index.sql()),
            ),
        };
        let message = format!(
            "index \"{}\" on column \"{}\" of \"{}\" {state}",
            index.name, step.pair.to, member.name
        );
        let is_fault = needed.is_some_and(|old| old.unique && old.predicate.is_none());
        findings.push(match is_fault {
            true => step.fault(severity, About::InvalidIndex, message, [remedy]),
            false => step.finding(severity, About::InvalidIndex, message, [remedy]),
        });
    }
    findings
}

/// A second unique index makes concurrent upserts of one value fail on it: only the index that
/// ON CONFLICT names is looked at with care.
fn too_early(step: &Step<'_>, member: &Member<'_>, own: &[&Index]) -> Vec<Finding> {
    if step.way() != Move::WriteBoth {
        return Vec::new();
    }
    let unique = own.iter().filter(|index| {
        index.unique && index.valid && !index.partition && index.uses(&step.pair.to)
    });
    unique
        .map(|index| {
            let message = format!(
                "unique index \"{}\" on column \"{}\" of \"{}\" is there before the reads switch: concurrent INSERT … ON CONFLICT fails on it and must be sent again",
                index.name, step.pair.to, member.name
            );
            let remedy = removal(member, index);
            step.finding(Severity::Risky, About::UniqueIndex, message, [remedy])
        })
        .collect()
}

/// While the old column was not written its keys stayed with the rows that had them.
fn stale(step: &Step<'_>, member: &Member<'_>, own: &[&Index]) -> Vec<Finding> {
    if step.way() != Move::WriteBothAgain {
        return Vec::new();
    }
    let keys = own.iter().filter(|index| {
        (index.unique || index.exclusion) && !index.partition && index.uses(&step.pair.from)
    });
    keys.map(|index| {
        let message = format!(
            "unique index \"{}\" on column \"{}\" of \"{}\" has values from before \"stop-dual-write\": INSERT and UPDATE would fail on what another row has now, and ON CONFLICT find the wrong row; build it again before \"dual-write\"",
            index.name, step.pair.from, member.name
        );
        let remedy = removal(member, index);
        step.finding(Severity::LosesData, About::UniqueIndex, message, [remedy])
    })
    .collect()
}

fn removal(member: &Member<'_>, index: &Index) -> String {
    match &index.constraint {
        Some(name) => format!("ALTER TABLE {} DROP CONSTRAINT {};", member.sql, quoted(name)),
        None if member.is_partitioned() => format!("DROP INDEX {};", index.sql()),
        None => format!("DROP INDEX CONCURRENTLY {};", index.sql()),
    }
}

/// A unique index that was dropped on the way back and must be there before the old column is read:
/// ON CONFLICT finds none without it, and duplicates would come in once the new one goes.
fn missing_on_old(step: &Step<'_>, member: &Member<'_>, own: &[&Index]) -> Vec<Finding> {
    if step.way() != Move::ReadOldAgain {
        return Vec::new();
    }
    let pair = step.pair;
    let is_there = |new: &Index| {
        own.iter()
            .any(|old| old.valid && old.uses(&pair.from) && old.is_matched_by(new, step, member))
    };
    let plain = |new: &Index| new.columns.iter().any(|column| column == &quoted(&pair.to));
    let keys = own.iter().filter(|new| new.unique && new.valid && !new.partition && plain(new));
    keys.filter(|new| !is_there(new))
        .map(|new| {
            let message = format!(
                "column \"{}\" of \"{}\" has no equivalent of unique index \"{}\"",
                pair.from, member.name, new.name
            );
            let definition = renamed(&new.definition, &pair.to, &pair.from);
            let taken: Vec<&str> = own.iter().map(|index| index.name.as_str()).collect();
            let name = new.name.replacen(&pair.to, &pair.from, 1);
            let remedy = format!(
                "CREATE UNIQUE INDEX CONCURRENTLY {} ON {} USING {definition};",
                quoted(&free_name(&name, &taken)),
                member.sql
            );
            step.finding(Severity::Risky, About::MissingIndex, message, [remedy])
        })
        .collect()
}

/// Subscribers find rows by the values of an index, which are about to be NULL.
fn replica_identity(step: &Step<'_>, member: &Member<'_>, own: &[&Index]) -> Vec<Finding> {
    if step.way() != Move::LeaveOld {
        return Vec::new();
    }
    let identity = own.iter().find(|index| index.replica_identity && index.uses(&step.pair.from));
    let found = identity.map(|old| {
        let new = own.iter().find(|new| new.valid && old.is_matched_by(new, step, member));
        let remedy = new.map(|new| {
            format!(
                "ALTER TABLE {} REPLICA IDENTITY USING INDEX {};",
                member.sql,
                quoted(&new.name)
            )
        });
        let message = format!(
            "the replica identity of \"{}\" is index \"{}\" on column \"{}\"",
            member.name, old.name, step.pair.from
        );
        step.finding(Severity::LosesData, About::ReplicaIdentity, message, remedy)
    });
    found.into_iter().collect()
}
