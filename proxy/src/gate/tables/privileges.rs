//! Roles that may use the old table and not the new one, as the rewriting has them use both.
//!
//! What a write carries is read back where it was stored, and ON CONFLICT reads what it finds: so who may
//! only write must be able to read what moves. Whoever reads a moved column through the join reads the old
//! table's columns by name. Rows follow a DELETE with the privileges of the table's owner.
//!
//! Some of that a role may have on neither table, and could do more with than before: that is for a human to grant.

use tokio_postgres::{Error, Transaction};

use super::queries;
use super::step::{Step, Table, list};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;

/// The whole table.
const TABLE: i16 = 0;

/// Whichever of its columns.
const ANY: i16 = -1;

/// No column.
const NONE: i16 = -2;

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
    /// What of that it has on neither table.
    more: Vec<String>,
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
    asked: Asked<'_>,
    needs: Needs,
) -> Result<Vec<Finding>, Error> {
    let (home, away) = (asked.home, asked.away);
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
    for Lack { role, at_home, may, lacks, more } in lacks(transaction, step, asked, needs).await? {
        let (table, lacks) = (if at_home { home } else { away }, lacks.join(", "));
        let mut message = format!(
            "{role} has {} on \"{}\", for which phase \"{}\" needs {lacks} on \"{}\"",
            may.join(", "),
            home.name,
            step.to,
            table.name
        );
        if !more.is_empty() {
            message.push_str(&format!(
                "; it has {} on neither table now, so that is for you to grant, and without it such statements \
                 fail with 42501",
                more.join(", ")
            ));
        }
        let grant = format!("GRANT {lacks} ON {} TO {role};", table.sql);
        let finding = step.finding(Severity::Risky, About::Privilege, message, [grant]);
        findings.push(Finding { by_hand: !more.is_empty(), ..finding });
    }
    Ok(findings)
}

/// What roles lack. What one lacks on one table is one thing.
async fn lacks(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    Asked { home, away, moved, alone }: Asked<'_>,
    needs: Needs,
) -> Result<Vec<Lack>, Error> {
    let is_part = step.part.is_some();
    let new = if home.oid == step.old.oid { away } else { home };
    let named = needs.tables.iter().zip(&needs.shown);
    let counterparts: Vec<i16> =
        named.map(|(table, shown)| counterpart(step, new, *table, *shown)).collect();
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 11] = [
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
        &counterparts,
    ];
    let mut lacking: Vec<Lack> = Vec::new();
    for row in transaction.query(queries::PRIVILEGES, &parameters).await? {
        let (role, oid): (Option<String>, u32) = (row.try_get(0)?, row.try_get(1)?);
        let role = role.unwrap_or_else(|| "PUBLIC".to_owned());
        let at_home = oid == home.oid;
        let table = if at_home { home } else { away };
        let (privilege, columns): (String, Vec<i16>) = (row.try_get(3)?, row.try_get(4)?);
        let (beyond, is_more): (Vec<i16>, bool) = (row.try_get(5)?, row.try_get(6)?);
        let written = |columns: &[i16]| {
            let names = columns.iter().filter_map(|number| table.column(*number));
            match columns {
                [] => privilege.clone(),
                [..] => format!("{privilege} ({})", list(names)),
            }
        };
        let more = is_more.then(|| written(&beyond));
        let lacks = written(&columns);
        // The rows are in that order.
        match lacking.last_mut() {
            Some(last) if (&last.role, last.at_home) == (&role, at_home) => {
                last.lacks.push(lacks);
                last.more.extend(more);
            }
            Some(_) | None => {
                let (may, lacks, more) = (row.try_get(2)?, vec![lacks], more.into_iter().collect());
                lacking.push(Lack { role, at_home, may, lacks, more });
            }
        }
    }
    Ok(lacking)
}

/// Which column of the other table shows the same as that one of this. Whether there is a row its key tells.
fn counterpart(step: &Step<'_>, new: &Table<'_>, table: u32, shown: i16) -> i16 {
    if shown == TABLE {
        return TABLE;
    }
    let old = &step.old;
    let found = match table == old.oid {
        true => old.column(shown).and_then(|it| step.name_there(it)).map(|it| new.numbers([it])),
        false => {
            let name = new.column(shown);
            let key = step.key().next().map(|(from, _)| from);
            let here = match name.is_some() && name == step.present() {
                true => key,
                false => name.and_then(|it| step.name_here(it)),
            };
            here.map(|it| old.numbers([it]))
        }
    };
    found.and_then(|numbers| numbers.first().copied()).unwrap_or(NONE)
}

/// What roles will need that they have not on the old table, and so are not given on the new one when that is made.
pub(in crate::gate) async fn wanted(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Vec<Finding>, Error> {
    let old = &step.old;
    let own_key = old.numbers(step.key().map(|it| it.0));
    let own_moved = old.numbers(step.moved().map(|it| it.0));
    let own_both = [own_key.clone(), own_moved.clone()].concat();
    let own_all = match step.part {
        Some(_) => own_both.clone(),
        None => old.numbers(old.relation.columns.iter().map(|column| column.name.as_str())),
    };
    let mut needs = Needs::default();
    needs.add("SELECT", old, "SELECT", &own_all);
    needs.add("UPDATE", old, "SELECT", &own_all);
    needs.add("INSERT", old, "SELECT", &own_both);
    for may in ["INSERT", "UPDATE"] {
        needs.add(may, old, "INSERT", &own_both);
        needs.add(may, old, "UPDATE", &own_moved);
    }
    needs.add(OTHERS, old, "UPDATE", &own_moved);
    needs.add("DELETE", old, "UPDATE", &own_moved);
    if step.part.is_some() {
        for may in ["DELETE", "TRUNCATE"] {
            needs.add(may, old, "SELECT", &own_both);
            needs.add(may, old, "INSERT", &own_key);
        }
        needs.add("TRUNCATE", old, "UPDATE", &own_moved);
    }
    let left = old.numbers(step.left().map(|(from, _)| from));
    let asked = Asked { home: old, away: old, moved: &left, alone: false };
    let note = |Lack { role, may, lacks, .. }: Lack| {
        let message = format!(
            "{role} has {} on \"{}\" and not {}, which phases to come need for that, there or on \"{}\": that is \
             for you to grant, and without it such statements fail with 42501",
            may.join(", "),
            old.name,
            lacks.join(", "),
            step.into
        );
        let note = step.finding(Severity::Note, About::Privilege, message, None);
        Finding { by_hand: true, ..note }
    };
    Ok(lacks(transaction, step, asked, needs).await?.into_iter().map(note).collect())
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
