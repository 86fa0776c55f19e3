//! Row security: whether both tables show a role the halves of the same rows.
//!
//! The join begins at the old table, so what its policies hide stays hidden through the proxy, whatever the
//! new table's are. What the new table hides of a row that the old one shows reads as NULL, and a write of it
//! is refused, or is none at all once only the new table is written.

use std::collections::BTreeSet;

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::queries;
use super::step::{Over, Step, Table};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;

/// A policy, with the names that columns have in the new table.
struct Policy {
    table: u32,
    name: String,
    over: Over,
    /// Whether it is over what moves, so that the old table has to let go of it.
    moves: bool,
    /// Whether it looks at other relations, whose columns may have the same names.
    looks_away: bool,
    /// What it is, and its conditions.
    body: String,
}

/// Whether it is on, and for the owner too.
type Security = (bool, bool);

/// `is_same`: whether other tables whose rows become part of the new one's have the same.
pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    is_same: bool,
) -> Result<Vec<Finding>, Error> {
    let reads_new = match step.way() {
        Move::WriteBoth => false,
        Move::ReadNew | Move::LeaveOld | Move::WriteBothAgain => true,
        Move::KeepNew | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => return Ok(Vec::new()),
    };
    let old = &step.old;
    let (own, its) = (security(transaction, old.oid).await?, security(transaction, new.oid).await?);
    let finding = |severity, message, remedy: Vec<String>| {
        // What suits one of several tables does not suit the next.
        let remedy = if is_same { remedy } else { Vec::new() };
        Ok(vec![step.finding(severity, About::Policy, message, remedy)])
    };
    if !own.0 && !its.0 {
        return Ok(Vec::new());
    }
    let policies = policies(transaction, step, &[old.oid, new.oid]).await?;
    let of = |oid: u32| policies.iter().filter(move |policy| policy.table == oid);
    let kept: Vec<&Policy> = of(new.oid).filter(|policy| policy.moves).collect();
    if !own.0 && leaves(step) && !kept.is_empty() {
        return Ok(vec![let_go(step, new, &kept)]);
    }
    if !own.0 {
        let severity = if reads_new { Severity::LosesData } else { Severity::Risky };
        let message = format!(
            "row security is on for \"{}\" and not for \"{}\": what it hides reads as NULL, and a write \
             of it is refused",
            new.name, old.name
        );
        let off = format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY;", new.sql);
        return finding(severity, message, vec![off]);
    }
    let there = |policy: &&Policy| {
        let mut same = of(new.oid);
        same.any(|its| its.body == policy.body)
    };
    let lacking: Vec<&Policy> = of(old.oid).filter(|policy| !there(policy)).collect();
    if !its.0 {
        let message = format!(
            "row security is on for \"{}\" and not for \"{}\": whoever may read that table itself sees \
             what moved of all rows",
            old.name, new.name
        );
        let carried = lacking.iter().all(|policy| policy.is_carried());
        let remedy = match carried {
            true => turned_on(&new.sql, own, &lacking),
            // Without all of them writes would be refused.
            false => Vec::new(),
        };
        // A table that is not joined hides nothing any more.
        let severity = match reads_new && step.part.is_some() {
            true => Severity::LosesData,
            false => Severity::Risky,
        };
        return finding(severity, message, remedy);
    }
    let beyond = of(new.oid).filter(|policy| !of(old.oid).any(|own| own.body == policy.body));
    // What the old table has let go of so that its columns can be left.
    let (alone, beyond): (Vec<&Policy>, Vec<&Policy>) =
        beyond.partition(|policy| leaves(step) && policy.moves);
    if lacking.is_empty() && beyond.is_empty() && own == its {
        let told = (!alone.is_empty()).then(|| let_go(step, new, &alone));
        return Ok(told.into_iter().collect());
    }
    let message = format!(
        "row security of \"{}\" and \"{}\" differs (policies of the one alone: {}; of the other alone: \
         {}): what only the second hides reads as NULL, and a write of it is refused",
        old.name,
        new.name,
        names(&lacking),
        names(&beyond)
    );
    finding(Severity::Risky, message, made_alike(&new.sql, (own, &lacking), (its, &beyond)))
}

/// Whether the old table's columns are no longer written, before the step or behind it.
fn leaves(step: &Step<'_>) -> bool {
    match step.way() {
        Move::LeaveOld | Move::WriteBothAgain => true,
        Move::WriteBoth
        | Move::ReadNew
        | Move::KeepNew
        | Move::ReadOldAgain
        | Move::LeaveNew
        | Move::Stay => false,
    }
}

/// Policies that only the new table has left: to take them away would show what has moved to all.
fn let_go(step: &Step<'_>, new: &Table<'_>, policies: &[&Policy]) -> Finding {
    let rest = match step.part {
        Some(_) => "",
        None => ", and the rest of such a row is shown",
    };
    let message = format!(
        "\"{}\" has no such policies as \"{}\" any more ({}): keep them; what they hide reads as NULL{rest}",
        step.old.name,
        new.name,
        names(policies)
    );
    step.finding(Severity::Note, About::Policy, message, None)
}

/// The names of policies, for a message.
fn names(policies: &[&Policy]) -> String {
    match policies {
        [] => "none".to_owned(),
        some => some.iter().map(|policy| &*policy.name).collect::<Vec<&str>>().join(", "),
    }
}

/// What gives a table the policies that the old one has alone, and takes away those that it has alone.
fn made_alike(
    table: &str,
    (own, lacking): (Security, &[&Policy]),
    (its, beyond): (Security, &[&Policy]),
) -> Vec<String> {
    let drop = |policy: &Policy| format!("DROP POLICY {} ON {table};", quoted(&policy.name));
    // Where another one stands for it nobody knows which.
    let is_whole = lacking.iter().all(|policy| policy.is_carried());
    let is_named = |name: &str, policies: &[&Policy]| policies.iter().any(|it| it.name == name);
    let mut remedy = Vec::new();
    for policy in lacking.iter().filter(|policy| policy.is_carried()) {
        match is_named(&policy.name, beyond) {
            false => remedy.push(policy.create(table)),
            // The name is free only when the other one is gone, and nobody is to see the table without either.
            true if is_whole => {
                remedy.push(format!("BEGIN; {} {} COMMIT;", drop(policy), policy.create(table)));
            }
            true => {}
        }
    }
    if is_whole {
        let alone = beyond.iter().filter(|policy| !is_named(&policy.name, lacking));
        remedy.extend(alone.map(|policy| drop(policy)));
    }
    if own.1 != its.1 {
        let force = if own.1 { "FORCE" } else { "NO FORCE" };
        remedy.push(format!("ALTER TABLE {table} {force} ROW LEVEL SECURITY;"));
    }
    remedy
}

async fn security(transaction: &Transaction<'_>, oid: u32) -> Result<Security, Error> {
    let rows = transaction.query(queries::ROW_SECURITY, &[&vec![oid]]).await?;
    let Some(row) = rows.first() else { return Ok((false, false)) };
    Ok((row.try_get(1)?, row.try_get(2)?))
}

async fn policies(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    oids: &[u32],
) -> Result<Vec<Policy>, Error> {
    let mut policies = Vec::new();
    for row in transaction.query(queries::POLICIES, &[&oids]).await? {
        let (table, columns): (u32, Vec<String>) = (row.try_get(0)?, row.try_get(2)?);
        let (kind, using): (String, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
        let check: Option<String> = row.try_get(6)?;
        let names = |text: String| match table == step.old.oid {
            true => step.there(&text),
            false => text,
        };
        let using = using.map(|it| format!(" USING ({})", names(it))).unwrap_or_default();
        let check = check.map(|it| format!(" WITH CHECK ({})", names(it))).unwrap_or_default();
        let moves = |name: &String| match table == step.old.oid {
            true => step.left().any(|(from, _)| from == name),
            false => step.left().any(|(_, to)| to == name),
        };
        // The key has another name there, so it is taken for one that moves.
        let stays = columns.iter().any(|name| step.name_there(name).is_none());
        policies.push(Policy {
            table,
            name: row.try_get(1)?,
            over: if stays { Over::Both } else { Over::Moved },
            moves: step.part.is_some() || columns.iter().any(moves),
            looks_away: row.try_get(3)?,
            body: format!("{kind}{using}{check}"),
        });
    }
    Ok(policies)
}

impl Policy {
    /// Whether its conditions mean the same on the new table.
    fn is_carried(&self) -> bool {
        self.over == Over::Moved && !self.looks_away
    }

    fn create(&self, table: &str) -> String {
        format!("CREATE POLICY {} ON {table} {};", quoted(&self.name), self.body)
    }
}

/// What turns it on as it is for the old table.
fn turned_on(table: &str, own: Security, policies: &[&Policy]) -> Vec<String> {
    let mut statements: Vec<String> = policies.iter().map(|policy| policy.create(table)).collect();
    if own.1 {
        statements.push(format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"));
    }
    statements.push(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"));
    statements
}

/// What gives a new table the old one's row security, and the names of the policies that it cannot have.
pub(in crate::gate) async fn carried(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    table: &str,
) -> Result<(Vec<String>, Vec<String>), Error> {
    let own = security(transaction, step.old.oid).await?;
    if own == (false, false) {
        return Ok((Vec::new(), Vec::new()));
    }
    let policies = policies(transaction, step, &[step.old.oid]).await?;
    let (carried, left): (Vec<&Policy>, Vec<&Policy>) =
        policies.iter().partition(|policy| policy.is_carried());
    let statements = match own.0 {
        true => turned_on(table, own, &carried),
        false => Vec::new(),
    };
    Ok((statements, left.iter().map(|policy| policy.name.clone()).collect()))
}

/// What gives a new table the row security that all the old ones have; `None`: they have not the same.
pub(in crate::gate) async fn carried_by_all(
    transaction: &Transaction<'_>,
    steps: &[Step<'_>],
    table: &str,
) -> Result<Option<Vec<String>>, Error> {
    let mut found = Vec::new();
    for step in steps {
        let own = security(transaction, step.old.oid).await?;
        let policies = policies(transaction, step, &[step.old.oid]).await?;
        found.push((own, policies));
    }
    let Some(((own, first), others)) = found.split_first() else { return Ok(Some(Vec::new())) };
    if found.iter().all(|(security, _)| !security.0) {
        return Ok(Some(Vec::new()));
    }
    let bodies = |policies: &[Policy]| -> BTreeSet<String> {
        policies.iter().map(|policy| policy.body.clone()).collect()
    };
    let is_same = |it: &(Security, Vec<Policy>)| it.0 == *own && bodies(&it.1) == bodies(first);
    if !others.iter().all(is_same) || !first.iter().all(Policy::is_carried) {
        return Ok(None);
    }
    Ok(Some(turned_on(table, *own, &first.iter().collect::<Vec<_>>())))
}
