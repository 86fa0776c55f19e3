//! Roles that may use the old table and not the new one, as the rewriting has them use both.
//!
//! What a write carries is read back where it was stored, and ON CONFLICT reads what it finds: so who may
//! only write must be able to read what moves. Whoever reads a moved column through the join reads the old
//! table's columns by name. Rows follow a DELETE with the privileges of the table's owner.

use std::collections::BTreeMap;

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::queries;
use super::step::{Step, Table, list};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;

/// The whole table.
const TABLE: i16 = 0;

/// Whichever of its columns.
const ANY: i16 = -1;

/// What changes rows, DELETE last.
const WRITES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// An UPDATE of columns that stay, of rows that what moved picks out.
const OTHERS: &str = "UPDATE of other columns";

/// Who may do something with one table needs a privilege on a column, or on a table.
#[derive(Default)]
struct Needs {
    may: Vec<&'static str>,
    tables: Vec<u32>,
    columns: Vec<i16>,
    privileges: Vec<&'static str>,
    /// The column that a GRANT names.
    shown: Vec<i16>,
}

/// What a role lacks on one of the tables.
struct Lack {
    role: String,
    /// On the table that it may use.
    at_home: bool,
    /// What it may do there.
    may: Vec<String>,
    lacks: Vec<String>,
}

impl Needs {
    fn add(
        &mut self,
        may: &'static str,
        table: &Table<'_>,
        privilege: &'static str,
        columns: &[i16],
    ) {
        for column in columns {
            self.push(may, table, privilege, (*column, *column));
        }
    }

    /// On whichever column; a GRANT names those that move.
    fn add_any(
        &mut self,
        may: &'static str,
        table: &Table<'_>,
        privilege: &'static str,
        moved: &[i16],
    ) {
        for column in moved {
            self.push(may, table, privilege, (ANY, *column));
        }
    }

    fn push(
        &mut self,
        may: &'static str,
        table: &Table<'_>,
        privilege: &'static str,
        (column, shown): (i16, i16),
    ) {
        self.may.push(may);
        self.tables.push(table.oid);
        self.columns.push(column);
        self.privileges.push(privilege);
        self.shown.push(shown);
    }
}

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let old = &step.old;
    let own = old.numbers(step.left().map(|(from, _)| from));
    let its = new.numbers(step.moved().map(|(_, to)| to));
    let of_old = Asked { home: old, away: new, moved: &own, alone: false };
    let of_new = |alone| Asked { home: new, away: old, moved: &its, alone };
    match step.way() {
        Move::WriteBoth | Move::ReadNew | Move::WriteBothAgain => {
            let mut findings = lacking(transaction, step, of_old, needs(step, new)).await?;
            let needs = of_new_clients(step, new);
            findings.extend(lacking(transaction, step, of_new(true), needs).await?);
            Ok(findings)
        }
        Move::LeaveOld | Move::KeepNew => {
            lacking(transaction, step, of_old, needs(step, new)).await
        }
        Move::ReadOldAgain => {
            lacking(transaction, step, of_new(false), of_readers_again(step, old)).await
        }
        Move::LeaveNew | Move::Stay => Ok(Vec::new()),
    }
}

/// Whose privileges are looked at.
struct Asked<'a> {
    /// Who may use this table …
    home: &'a Table<'a>,
    /// … may need privileges on this one.
    away: &'a Table<'a>,
    /// The columns that move, there.
    moved: &'a [i16],
    /// Only those that may do nothing with the other table by themselves.
    alone: bool,
}

async fn lacking(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    Asked { home, away, moved, alone }: Asked<'_>,
    needs: Needs,
) -> Result<Vec<Finding>, Error> {
    let is_part = step.part.is_some();
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
        &home.oid,
        &moved,
        &needs.may,
        &needs.tables,
        &needs.columns,
        &needs.privileges,
        &needs.shown,
        &away.oid,
        &alone,
        &is_part,
    ];
    // What one role lacks on one table is one finding; the rows are in that order.
    let mut lacking: Vec<Lack> = Vec::new();
    for row in transaction.query(queries::PRIVILEGES, &parameters).await? {
        let (role, oid): (Option<String>, u32) = (row.try_get(0)?, row.try_get(1)?);
        let role = role.unwrap_or_else(|| "PUBLIC".to_owned());
        let at_home = oid == home.oid;
        let table = if at_home { home } else { away };
        let (privilege, columns): (String, Vec<i16>) = (row.try_get(3)?, row.try_get(4)?);
        let names: Vec<&str> = columns.iter().filter_map(|number| table.column(*number)).collect();
        let lacks = match names.is_empty() {
            true => privilege,
            false => format!("{privilege} ({})", list(names)),
        };
        match lacking.last_mut() {
            Some(last) if (&last.role, last.at_home) == (&role, at_home) => last.lacks.push(lacks),
            _other => {
                lacking.push(Lack { role, at_home, may: row.try_get(2)?, lacks: vec![lacks] });
            }
        }
    }
    let mut findings = Vec::new();
    for row in transaction.query(queries::SCHEMA, &[&home.oid, &away.oid]).await? {
        let role: Option<String> = row.try_get(0)?;
        let (role, schema): (String, String) =
            (role.unwrap_or_else(|| "PUBLIC".to_owned()), row.try_get(1)?);
        let message = format!(
            "{role} may use \"{}\", and not schema {schema} of \"{}\"",
            home.name, away.name
        );
        let grant = format!("GRANT USAGE ON SCHEMA {schema} TO {role};");
        findings.push(step.finding(Severity::Risky, About::Privilege, message, [grant]));
    }
    for Lack { role, at_home, may, lacks } in lacking {
        let (table, lacks) = (if at_home { home } else { away }, lacks.join(", "));
        let message = format!(
            "{role} has {} on \"{}\", for which phase \"{}\" needs {lacks} on \"{}\"",
            may.join(", "),
            home.name,
            step.to,
            table.name
        );
        let grant = format!("GRANT {lacks} ON {} TO {role};", table.sql);
        findings.push(step.finding(Severity::Risky, About::Privilege, message, [grant]));
    }
    Ok(findings)
}

/// Whoever reads what moved reads it from the old table again.
fn of_readers_again(step: &Step<'_>, old: &Table<'_>) -> Needs {
    let mut needs = Needs::default();
    let columns = step.key().chain(step.moved()).map(|(from, _)| from);
    needs.add("SELECT", old, "SELECT", &old.numbers(columns));
    needs
}

/// Whoever writes the new table alone writes the old one with it, and reads that as long as it is read.
fn of_new_clients(step: &Step<'_>, new: &Table<'_>) -> Needs {
    let old = &step.old;
    let own_moved = old.numbers(step.moved().map(|(from, _)| from));
    let own_all = old.numbers(step.key().chain(step.moved()).map(|(from, _)| from));
    let its_moved = new.numbers(step.moved().map(|(_, to)| to));
    let its_all = new.numbers(step.key().chain(step.moved()).map(|(_, to)| to));
    let mut needs = Needs::default();
    if step.way() == Move::WriteBoth {
        needs.add("SELECT", old, "SELECT", &own_all);
    }
    if step.part.is_some() {
        if step.way() != Move::WriteBoth {
            of_writers_beside(step, new, &mut needs);
        }
        return needs;
    }
    for may in WRITES {
        needs.add(may, old, "SELECT", &own_all);
        needs.add(may, old, "UPDATE", &own_moved);
        needs.add(may, new, "SELECT", &its_all);
    }
    for may in ["UPDATE", "DELETE"] {
        needs.add(may, new, "INSERT", &its_all);
        needs.add(may, new, "UPDATE", &its_moved);
    }
    needs
}

fn needs(step: &Step<'_>, new: &Table<'_>) -> Needs {
    if step.part.is_some() {
        return of_part(step, new);
    }
    let (writes_both, reads_new, writes_new) = match step.way() {
        Move::WriteBoth => (true, false, false),
        Move::ReadNew | Move::WriteBothAgain => (true, true, false),
        Move::LeaveOld | Move::KeepNew => (false, true, true),
        Move::ReadOldAgain | Move::LeaveNew | Move::Stay => (false, false, false),
    };
    let old = &step.old;
    let of_old = |names: &[&str]| old.numbers(names.iter().copied());
    let (key, moved): (Vec<&str>, Vec<&str>) =
        (step.key().map(|it| it.0).collect(), step.moved().map(|it| it.0).collect());
    let (own_key, own_moved) = (of_old(&key), of_old(&moved));
    let own_all: Vec<i16> =
        old.numbers(old.relation.columns.iter().map(|column| column.name.as_str()));
    let its_moved = new.numbers(step.moved().map(|it| it.1));
    let its_key = new.numbers(step.key().map(|it| it.1));
    let its_all = [its_key.clone(), its_moved.clone()].concat();
    let mut needs = Needs::default();
    needs.add("TRUNCATE", new, "TRUNCATE", &[TABLE]);
    if writes_both {
        for may in ["INSERT", "UPDATE"] {
            needs.add(may, old, "SELECT", &[own_key.clone(), own_moved.clone()].concat());
            needs.add(may, new, "SELECT", &its_all);
            needs.add(may, new, "INSERT", &its_all);
            needs.add(may, new, "UPDATE", &its_moved);
        }
    }
    if reads_new {
        needs.add("SELECT", old, "SELECT", &own_all);
        needs.add("SELECT", new, "SELECT", &its_all);
        needs.add("UPDATE", old, "SELECT", &own_all);
        // Both halves are locked where what moved says which rows.
        needs.add_any(OTHERS, new, "UPDATE", &its_moved);
        needs.add_any("DELETE", old, "UPDATE", &own_moved);
        needs.add_any("DELETE", new, "UPDATE", &its_moved);
    }
    if writes_new {
        needs.add("INSERT", old, "SELECT", &own_key);
        needs.add("INSERT", new, "INSERT", &its_all);
        needs.add("UPDATE", new, "SELECT", &its_all);
        needs.add("UPDATE", new, "INSERT", &its_all);
        needs.add("UPDATE", new, "UPDATE", &its_moved);
    }
    needs
}

/// Rows of a table that is merged come and go with those of the new one, whoever writes that.
fn of_writers_beside(step: &Step<'_>, new: &Table<'_>, needs: &mut Needs) {
    let old = &step.old;
    let own_moved = old.numbers(step.moved().map(|it| it.0));
    let own_all = old.numbers(step.left().map(|it| it.0));
    let its_part = new.numbers(step.moved().map(|it| it.1).chain(step.present()));
    let its_all = [new.numbers(step.key().map(|it| it.1)), its_part.clone()].concat();
    for may in WRITES {
        needs.add(may, old, "SELECT", &own_all);
        needs.add(may, old, "UPDATE", &own_moved);
        needs.add(may, new, "SELECT", &its_all);
    }
    for may in ["INSERT", "UPDATE"] {
        needs.add(may, old, "INSERT", &own_all);
        if step.present().is_some() {
            needs.add(may, old, "DELETE", &[TABLE]);
        }
    }
    needs.add("DELETE", old, "DELETE", &[TABLE]);
    needs.add_any("DELETE", new, "UPDATE", &its_part);
}

/// What a role needs whose table is merged. What it writes of the new table it writes by an upsert, a DELETE
/// as well; and from `switch-reads` on the old table by another.
fn of_part(step: &Step<'_>, new: &Table<'_>) -> Needs {
    let (writes_old, reads_new) = match step.way() {
        Move::WriteBoth => (false, false),
        Move::ReadNew | Move::WriteBothAgain => (true, true),
        Move::LeaveOld | Move::KeepNew => (false, true),
        Move::ReadOldAgain | Move::LeaveNew | Move::Stay => return Needs::default(),
    };
    let old = &step.old;
    let own_key = old.numbers(step.key().map(|it| it.0));
    let own_moved = old.numbers(step.moved().map(|it| it.0));
    let own_all = [own_key.clone(), own_moved.clone()].concat();
    let its_part = new.numbers(step.moved().map(|it| it.1).chain(step.present()));
    let its_key = new.numbers(step.key().map(|it| it.1));
    let its_all = [its_key.clone(), its_part.clone()].concat();
    let mut needs = Needs::default();
    if reads_new {
        needs.add("SELECT", new, "SELECT", &its_all);
    }
    // The new table has rows of others, so that a TRUNCATE is a DELETE of all rows.
    let removes = ["DELETE", "TRUNCATE"];
    for may in WRITES.into_iter().chain(["TRUNCATE"]) {
        needs.add(may, new, "SELECT", &its_all);
        needs.add(may, new, "UPDATE", &its_part);
    }
    needs.add("INSERT", new, "INSERT", &its_all);
    if !reads_new {
        // What is carried is what the old table has stored.
        needs.add("INSERT", old, "SELECT", &own_all);
        needs.add("UPDATE", old, "SELECT", &own_all);
        needs.add("UPDATE", new, "INSERT", &its_all);
        for may in removes {
            needs.add(may, old, "SELECT", &own_key);
            needs.add(may, new, "INSERT", &its_key);
        }
        needs.add("TRUNCATE", old, "DELETE", &[TABLE]);
    }
    if writes_old {
        for may in ["INSERT", "UPDATE"] {
            needs.add(may, old, "SELECT", &own_all);
            needs.add(may, old, "INSERT", &own_all);
            needs.add(may, old, "UPDATE", &own_moved);
        }
        // Its rows are locked first.
        for may in removes {
            needs.add(may, old, "SELECT", &own_key);
            needs.add_any(may, old, "UPDATE", &own_moved);
        }
        needs.add("TRUNCATE", old, "DELETE", &[TABLE]);
    }
    needs
}

/// What gives a role the same on the new table as on the old one.
pub(in crate::gate) async fn grants(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    table: &str,
) -> Result<Vec<String>, Error> {
    let mut grants: BTreeMap<(usize, Option<String>, bool), Vec<String>> = BTreeMap::new();
    let mut order: Vec<Option<String>> = Vec::new();
    for row in transaction.query(queries::GRANTS, &[&step.old.oid]).await? {
        let (role, privilege): (Option<String>, String) = (row.try_get(0)?, row.try_get(1)?);
        let (column, passed_on): (Option<String>, bool) = (row.try_get(2)?, row.try_get(3)?);
        let privilege = match column {
            None => privilege,
            Some(column) => match step.name_there(&column) {
                Some(name) => format!("{privilege} ({})", quoted(name)),
                None => continue,
            },
        };
        if !order.contains(&role) {
            order.push(role.clone());
        }
        let place = order.iter().position(|known| *known == role).unwrap_or_default();
        grants.entry((place, role, passed_on)).or_default().push(privilege);
    }
    let grant =
        |((_, role, passed_on), privileges): ((usize, Option<String>, bool), Vec<String>)| {
            let role = role.unwrap_or_else(|| "PUBLIC".to_owned());
            let pass_on = if passed_on { " WITH GRANT OPTION" } else { "" };
            format!("GRANT {} ON {table} TO {role}{pass_on};", privileges.join(", "))
        };
    Ok(grants.into_iter().map(grant).collect())
}
