//! What hangs on the moved columns of the old table when only the new one is about to be written, and who
//! else is told of one table and not of the other.

use std::fmt;
use std::sync::Arc;

use rewrite_rules::compile::{renamed, renamed_by};
use rewrite_rules::{Catalog, Outcome, Phase, Rule, SearchPath, SessionView};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};

use super::queries;
use super::step::{Step, Table, list};
use super::triggers::in_words;
use crate::aside::aside;
use crate::gate::definitions::{foreign_key, made_anew, replaced_view, show, show_policy};
use crate::gate::dependents::{Dependent, Kind, ROW, of_column};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::functions::{Named, naming};
use crate::gate::step::Move;
use crate::gate::triggers::show_function;
use crate::gate::whole::takes_rows;
use crate::gate::words::mentions;

/// In the place of a column's number: the table as a whole.
const TABLE: i16 = 0;

pub(in crate::gate) async fn check(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    catalog: &Arc<Catalog>,
) -> Result<Vec<Finding>, Error> {
    let mut findings = published(transaction, step, new).await?;
    if step.way() != Move::LeaveOld {
        return Ok(findings);
    }
    findings.extend(dependents(transaction, step, new, catalog).await?);
    findings.extend(functions(transaction, step).await?);
    findings.extend(sequences(transaction, step, new).await?);
    Ok(findings)
}

/// Something and the moved columns that it uses.
async fn dependents(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    catalog: &Arc<Catalog>,
) -> Result<Vec<Finding>, Error> {
    let mut told = Vec::new();
    for user in users(transaction, step).await? {
        let Used { dependent, names, .. } = &user;
        let of = match names.is_empty() {
            true => String::new(),
            false => format!("{} of ", in_words(names)),
        };
        let mut message = format!(
            "{} uses {of}\"{}\", which phase \"{}\" does not write",
            dependent.description, step.old.name, step.to
        );
        let kind = dependent.kind;
        // What is read through a join takes no writes by itself.
        if step.part.is_none() && is_checked(dependent) {
            message.push_str(
                "; it is WITH CHECK OPTION, which no view over a join can be: what is written through it is for an \
                 INSTEAD OF trigger",
            );
        }
        let query = match kind {
            Kind::View | Kind::MaterializedView => {
                anew(transaction, step, new, catalog, &user).await?
            }
            Kind::Rule
            | Kind::GeneratedColumn
            | Kind::ForeignKey
            | Kind::Policy
            | Kind::Trigger
            | Kind::Publication
            | Kind::Function
            | Kind::Other => None,
        };
        let remedy = remedy(step, new, dependent, query.as_deref());
        told.push(step.finding(kind.severity(), kind.about(), message, remedy));
    }
    Ok(told)
}

/// Something, and which of the columns it uses.
struct Used<'a> {
    dependent: Dependent,
    /// None: no column, but the table.
    names: Vec<&'a str>,
    /// Whether it uses rows as a whole.
    whole: bool,
}

async fn users<'a>(transaction: &Transaction<'_>, step: &Step<'a>) -> Result<Vec<Used<'a>>, Error> {
    let mut found: Vec<Used<'a>> = Vec::new();
    let known = |found: &[Used<'_>], dependent: &Dependent| {
        let same =
            |it: &Dependent| (it.kind, &it.description) == (dependent.kind, &dependent.description);
        found.iter().position(|known| same(&known.dependent))
    };
    for (from, _) in step.left() {
        let numbers = step.old.numbers([from]);
        let oids = vec![step.old.oid; numbers.len()];
        for dependent in of_column(transaction, (&oids, &numbers), from).await? {
            match known(&found, &dependent).and_then(|at| found.get_mut(at)) {
                Some(Used { names, .. }) if names.contains(&from) => {}
                Some(Used { names, .. }) => names.push(from),
                None => found.push(Used { dependent, names: vec![from], whole: false }),
            }
        }
    }
    if step.part.is_some() {
        let name = &step.old.name.name;
        for dependent in of_column(transaction, (&[step.old.oid], &[TABLE]), name).await? {
            if !found.iter().any(|known| known.dependent.description == dependent.description) {
                found.push(Used { dependent, names: Vec::new(), whole: false });
            }
        }
        found.retain(|known| stays(step, &known.dependent));
    }
    for dependent in of_column(transaction, (&[step.old.oid], &[ROW]), "").await? {
        let all = || step.moved().map(|(from, _)| from).collect::<Vec<&str>>();
        match known(&found, &dependent).and_then(|at| found.get_mut(at)) {
            Some(used) => {
                used.whole = true;
                if step.part.is_none() {
                    used.names = all();
                }
            }
            // Whatever is left of what uses such a table is there by now.
            None if step.part.is_some() => {}
            None => found.push(Used { dependent, names: all(), whole: true }),
        }
    }
    Ok(found)
}

/// A view's query over the new table; `None`: nobody but a human can write it.
async fn anew(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
    catalog: &Arc<Catalog>,
    user: &Used<'_>,
) -> Result<Option<String>, Error> {
    let Used { dependent, whole, .. } = user;
    let definition = dependent.definition.as_deref().unwrap_or_default();
    let Some(query) = read_anew(step, catalog, definition) else { return Ok(None) };
    if !whole {
        return Ok(Some(query));
    }
    // The table's row type loses columns with the table, and is another one than that of what is read in its place.
    if definition.contains(&format!("::{}", step.old.sql)) {
        return Ok(None);
    }
    // Supposed to be as it is made here.
    if !new.is_there() {
        return Ok(Some(query));
    }
    let present = format!("SELECT * FROM {}", dependent.name);
    let (before, after) = (types(transaction, &present).await?, types(transaction, &query).await?);
    Ok((before.is_some() && before == after).then_some(query))
}

/// The types of a query's columns; `None`: it is refused.
async fn types(transaction: &Transaction<'_>, query: &str) -> Result<Option<Vec<Type>>, Error> {
    transaction.batch_execute("SAVEPOINT tried").await?;
    let prepared = transaction.prepare(query).await;
    transaction.batch_execute("ROLLBACK TO SAVEPOINT tried").await?;
    match prepared {
        Ok(statement) => {
            Ok(Some(statement.columns().iter().map(|it| it.type_().clone()).collect()))
        }
        Err(error) if error.as_db_error().is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether something would be left over from a table that goes away as a whole. Who refers to its rows is told
/// of elsewhere, and so are its rules; its policies and its place in publications go with it.
fn stays(step: &Step<'_>, dependent: &Dependent) -> bool {
    let is_own = dependent.owner == step.old.sql;
    match dependent.kind {
        Kind::ForeignKey | Kind::Publication => false,
        Kind::Policy | Kind::Rule | Kind::GeneratedColumn => !is_own,
        // Its own row type.
        Kind::Other => !dependent.description.starts_with("type "),
        Kind::View | Kind::MaterializedView | Kind::Trigger | Kind::Function => true,
    }
}

/// What moves a dependent to the new table, or takes it off the old one; where only a human can write
/// it, what shows it.
fn remedy(
    step: &Step<'_>,
    new: &Table<'_>,
    dependent: &Dependent,
    query: Option<&str>,
) -> Vec<String> {
    let Dependent { name, owner, definition, second, columns, .. } = dependent;
    let definition = definition.as_deref().unwrap_or_default();
    let second = match step.part.is_none() && is_checked(dependent) {
        true => {
            let options = second.iter().flat_map(|options| options.split(", "));
            let others: Vec<&str> = options.filter(|option| !is_check_option(option)).collect();
            (!others.is_empty()).then(|| others.join(", "))
        }
        false => second.clone(),
    };
    match dependent.kind {
        Kind::View | Kind::MaterializedView => match query {
            Some(query) if dependent.kind == Kind::View => {
                vec![replaced_view(name, columns, second.as_deref(), query)]
            }
            Some(query) => made_anew(name, columns, second.as_deref(), query),
            None => vec![show("pg_get_viewdef", "regclass", name)],
        },
        Kind::Policy => vec![show_policy(name, owner)],
        Kind::Trigger => vec![format!("DROP TRIGGER {name} ON {owner};")],
        Kind::Rule => vec![format!("DROP RULE {name} ON {owner};")],
        Kind::GeneratedColumn => vec![format!("ALTER TABLE {owner} DROP COLUMN {name};")],
        Kind::Function => vec![show_function(name)],
        Kind::Other => dependent.definition.clone().into_iter().collect(),
        // The columns referred to are named in the new table; the referring ones stay.
        Kind::ForeignKey => {
            foreign_key(name, owner, definition, Some(&new.sql), &|text| referred(step, text))
        }
        Kind::Publication => published_anew(step, dependent),
    }
}

/// An option of a view.
fn is_check_option(option: &str) -> bool {
    option.starts_with("check_option=")
}

/// Whether it is a view WITH CHECK OPTION.
fn is_checked(dependent: &Dependent) -> bool {
    let mut options = dependent.second.iter().flat_map(|options| options.split(", "));
    dependent.kind == Kind::View && options.any(is_check_option)
}

/// The old table in a publication without what moves; the new one is asked for on its own.
fn published_anew(step: &Step<'_>, dependent: &Dependent) -> Vec<String> {
    let Dependent { name, owner, definition, columns, .. } = dependent;
    let names = |text: &str, from: &str| renamed(text, from, "") != text;
    let of_key = |text: &str| step.key().any(|(from, _)| names(text, from));
    let of_moved = |text: &str| step.moved().any(|(from, _)| names(text, from));
    let kept = columns.iter().filter(|column| !of_key(column) && !of_moved(column));
    let key = list(step.key().map(|(from, _)| from));
    let kept: Vec<&str> = std::iter::once(&*key).chain(kept.map(String::as_str)).collect();
    let list = match columns.is_empty() {
        true => String::new(),
        false => format!(" ({})", kept.join(", ")),
    };
    // A filter over what moves cannot be kept.
    let filter = definition.as_ref().filter(|filter| !of_moved(filter));
    let filter = filter.map(|filter| format!(" WHERE ({filter})")).unwrap_or_default();
    vec![
        format!("ALTER PUBLICATION {name} DROP TABLE {owner};"),
        format!("ALTER PUBLICATION {name} ADD TABLE {owner}{list}{filter};"),
    ]
}

/// A view's query as it is sent for a client that reads the new table.
fn read_anew(step: &Step<'_>, catalog: &Arc<Catalog>, query: &str) -> Option<String> {
    // What keeps the old table from being left is told of on its own.
    let phase = match step.part {
        Some(_) => Phase::StopDualWrite,
        None => Phase::SwitchReads,
    };
    let rule = Rule { phase, ..step.rule.clone() };
    let mut catalog = Catalog::clone(catalog);
    // The view would depend on every column that the join shows.
    let is_used = |name: &str| {
        step.name_there(name).is_some() || query.contains(".*") || renamed(query, name, "") != query
    };
    let table = catalog.relations.get_mut(&step.old.name)?;
    table.columns.retain(|column| is_used(&column.name));
    let generation = aside(|| rewrite_rules::compile(0, &[rule], Arc::new(catalog))).ok()?;
    let search_path = SearchPath::default();
    let query = query.trim().trim_end_matches(';');
    match generation.rewrite(query, SessionView::usual(&search_path)) {
        Outcome::Rewritten(rewritten) if rewritten.replies.is_empty() => Some(rewritten.sql),
        Outcome::Rewritten(_) | Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => {
            None
        }
    }
}

/// Columns of the old table that a foreign key refers to, as the new one has them.
fn referred(step: &Step<'_>, text: &str) -> String {
    renamed_by(text, &|name| step.name_there(name))
}

/// Functions whose source names the table and such a column, or takes rows as a whole.
async fn functions(transaction: &Transaction<'_>, step: &Step<'_>) -> Result<Vec<Finding>, Error> {
    let table = &step.old.name.name;
    if step.part.is_some() {
        let mut found = naming(transaction, table).await?;
        found.retain(|named| !named.of_tables.contains(&step.old.oid));
        let told = |Named { function, .. }| {
            let message = format!(
                "function {function} names \"{table}\", which phase \"{}\" does not write",
                step.to
            );
            step.finding(Severity::Risky, About::Function, message, [show_function(&function)])
        };
        return Ok(found.into_iter().map(told).collect());
    }
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    for (from, _) in step.moved() {
        for Named { function, source, of_tables } in naming(transaction, from).await? {
            // Those of the table's own triggers are told of with the trigger.
            if of_tables.contains(&step.old.oid) || !mentions(&source, table) {
                continue;
            }
            match found.iter_mut().find(|(known, _)| *known == function) {
                Some((_, names)) => names.push(from),
                None => found.push((function, vec![from])),
            }
        }
    }
    let mut whole: Vec<Finding> = Vec::new();
    for Named { function, source, of_tables } in naming(transaction, table).await? {
        let is_known = found.iter().any(|(known, _)| *known == function);
        if is_known || of_tables.contains(&step.old.oid) || !takes_rows(&source, table) {
            continue;
        }
        let moved: Vec<&str> = step.moved().map(|(from, _)| from).collect();
        let message = format!(
            "function {function} names \"{table}\" and takes rows as a whole: of \"{}\" phase \"{}\" does not write {}",
            step.old.name,
            step.to,
            in_words(&moved)
        );
        let show = [show_function(&function)];
        whole.push(step.finding(Severity::Risky, About::Function, message, show));
    }
    let told = |(function, names): (String, Vec<&str>)| {
        let message = format!(
            "function {function} names \"{table}\" and {}, which phase \"{}\" does not write",
            in_words(&names),
            step.to
        );
        step.finding(Severity::Risky, About::Function, message, [show_function(&function)])
    };
    Ok(found.into_iter().map(told).chain(whole).collect())
}

/// A sequence goes with the column that it belongs to, and with it the new column's default.
async fn sequences(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for row in transaction.query(queries::SEQUENCES, &[&step.old.oid]).await? {
        let (sequence, column): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let Some((from, to)) = step.left().find(|(from, _)| *from == column) else { continue };
        let message = format!(
            "sequence {sequence} belongs to column \"{from}\" of \"{}\" and would go with it",
            step.old.name
        );
        let owned = format!("ALTER SEQUENCE {sequence} OWNED BY {}.{};", new.sql, list([to]));
        findings.push(step.finding(Severity::Risky, About::Dependent, message, [owned]));
    }
    Ok(findings)
}

/// What a publication has of a table.
struct Published {
    filter: Option<String>,
    /// None: all.
    columns: Vec<String>,
}

impl Published {
    fn is_all(&self) -> bool {
        self.filter.is_none() && self.columns.is_empty()
    }

    /// The same of the new table, behind its name; `None`: that cannot be said of its columns alone.
    fn there(&self, step: &Step<'_>) -> Option<String> {
        let is_key = |name: &str| step.key().any(|(key, _)| key == name);
        let mut own = step.old.relation.columns.iter().map(|column| column.name.as_str());
        let filter = match &self.filter {
            // An UPDATE would fail of a table that is told apart by its key, and filtered by more.
            Some(filter) if own.any(|it| !is_key(it) && renamed(filter, it, "") != *filter) => {
                return None;
            }
            Some(filter) => format!(" WHERE {}", step.there(filter)),
            None => String::new(),
        };
        let has = |name: &str| self.columns.iter().any(|it| it == name);
        let columns = match self.columns.is_empty() {
            true => String::new(),
            // Nothing of what moves is published.
            false if !step.moved().any(|(from, _)| has(from)) => return None,
            false => {
                let both = step.key().chain(step.moved()).filter(|(from, _)| has(from));
                format!(" ({})", list(both.map(|(_, to)| to).chain(step.present())))
            }
        };
        Some(format!("{columns}{filter}"))
    }
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = list(self.columns.iter().map(String::as_str));
        match (self.columns.is_empty(), &self.filter) {
            (true, None) => f.write_str("everything"),
            (true, Some(filter)) => write!(f, "rows WHERE {filter}"),
            (false, None) => write!(f, "columns {columns}"),
            (false, Some(filter)) => write!(f, "columns {columns} of rows WHERE {filter}"),
        }
    }
}

/// Subscribers of one table alone: from some phase on what moves reaches them no more.
async fn published(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let leaves = match step.way() {
        Move::WriteBoth | Move::ReadNew => false,
        Move::LeaveOld => true,
        Move::KeepNew | Move::WriteBothAgain | Move::ReadOldAgain | Move::LeaveNew | Move::Stay => {
            return Ok(Vec::new());
        }
    };
    let mut findings = Vec::new();
    for row in transaction.query(queries::PUBLICATIONS, &[&step.old.oid, &new.oid]).await? {
        let (name, is_old): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
        // The new table is told everything from its beginning.
        if step.part.is_some() && !is_old {
            continue;
        }
        let (in_it, other) = if is_old { (&step.old, new) } else { (new, &step.old) };
        let why = match step.part {
            Some(_) => "what is written there alone does not reach its subscribers",
            None => "its subscribers get one half of the rows",
        };
        let mut message =
            format!("publication {name} has \"{}\" and not \"{}\": {why}", in_it.name, other.name);
        let severity = if leaves && is_old { Severity::Risky } else { Severity::Note };
        let part = Published { filter: row.try_get(2)?, columns: row.try_get(3)? };
        let same = match part.is_all() {
            true => Some(String::new()),
            false => part.there(step).filter(|_| is_old),
        };
        if same.is_none() {
            message.push_str(&format!(
                "; of \"{}\" it has only {part}, so what it is to have of \"{}\" is for you to say",
                in_it.name, other.name
            ));
        }
        let add = same.map(|it| format!("ALTER PUBLICATION {name} ADD TABLE {}{it};", other.sql));
        findings.push(step.finding(severity, About::Publication, message, add));
    }
    for row in transaction.query(queries::NO_IDENTITY, &[&new.oid]).await? {
        let index: Option<String> = row.try_get(0)?;
        let message = format!(
            "\"{}\" is published and has no replica identity: an UPDATE of it would fail",
            new.name
        );
        let using = index.map(|index| {
            format!("ALTER TABLE {} REPLICA IDENTITY USING INDEX {};", new.sql, list([&*index]))
        });
        findings.push(step.finding(Severity::Risky, About::ReplicaIdentity, message, using));
    }
    Ok(findings)
}
