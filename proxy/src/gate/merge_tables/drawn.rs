//! Keys whose values the server gives: a row of the new table has the key of rows of several tables, so where they come
//! from must be the same for all, and must outlive those.

use rewrite_rules::catalog::{Column, ColumnDefault, Volatility};
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Row, Transaction};

use super::Subject;
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::{Move, free_name};
use crate::gate::tables::queries;
use crate::gate::tables::step::{Step, Table};

pub(super) async fn check(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut findings = identities(transaction, subject).await?;
    findings.extend(defaults(subject, Some(new)));
    Ok(findings)
}

/// Identity columns: nothing but their own table can draw from their sequences.
pub(super) async fn identities(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for step in subject.steps.iter().filter(|step| !step.way().is_leaving()) {
        for row in transaction.query(queries::IDENTITIES, &[&step.old.oid]).await? {
            let column: String = row.try_get("column")?;
            if step.key().any(|(own, _)| own == column) {
                findings.push(identity(transaction, step, &column, &row).await?);
            }
        }
    }
    Ok(findings)
}

async fn identity(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
    column: &str,
    row: &Row,
) -> Result<Finding, Error> {
    let message = format!(
        "\"{column}\" of \"{}\" is an identity column, and a key that the server gives must be an ordinary column with \
         a default; clients see no difference, but that it takes what GENERATED ALWAYS refuses",
        step.old.name
    );
    let sequence = Sequence::read(transaction, step, row).await?;
    let remedy = sequence.in_place_of_identity(&step.old.sql, &quoted(column));
    // Which keys clients may give is changed by it.
    Ok(Finding { by_hand: true, ..step.not_ready(About::Key, message, remedy) })
}

/// The sequence of an identity column.
struct Sequence {
    /// Its schema and name, as SQL writes them.
    schema: String,
    name: String,
    /// What else may it be called, while it is still there.
    aside: String,
    /// As CREATE SEQUENCE takes it.
    options: String,
    owner: String,
    /// Roles, each with what it may do with it, or needs to, since it inserts rows.
    granted: Vec<(String, String)>,
}

impl Sequence {
    async fn read(
        transaction: &Transaction<'_>,
        step: &Step<'_>,
        row: &Row,
    ) -> Result<Self, Error> {
        let (oid, schema): (u32, String) = (row.try_get("sequence")?, row.try_get("schema")?);
        let name: String = row.try_get("name")?;
        let names = transaction.query(queries::NAMES, &[&schema]).await?;
        let taken: Vec<String> = names.iter().map(|it| it.try_get(0)).collect::<Result<_, _>>()?;
        let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
        let granted = transaction.query(queries::SEQUENCE_GRANTS, &[&oid, &step.old.oid]).await?;
        let granted = granted.iter().map(|it| Ok((it.try_get(0)?, it.try_get(1)?)));
        Ok(Self {
            aside: quoted(&free_name(&format!("{name}_identity"), &taken)),
            schema: quoted(&schema),
            name: quoted(&name),
            options: row.try_get("options")?,
            owner: row.try_get("owner")?,
            granted: granted.collect::<Result<_, Error>>()?,
        })
    }

    /// What puts a sequence of the same name in its place, that goes on where it stands. Renaming waits for everybody
    /// who has drawn from it, and keeps the others waiting.
    fn in_place_of_identity(&self, table: &str, column: &str) -> Vec<String> {
        let Self { schema, name, aside, options, owner, granted } = self;
        let sequence = format!("{schema}.{name}");
        let literal = sequence.replace('\'', "''");
        let mut statements = vec![
            format!(
                "BEGIN; SET LOCAL lock_timeout = '2s'; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;"
            ),
            format!("ALTER SEQUENCE {sequence} RENAME TO {aside};"),
            format!("CREATE SEQUENCE {sequence} {options};"),
            format!(
                "SELECT pg_catalog.setval('{literal}', last_value, is_called) FROM {schema}.{aside};"
            ),
            format!("ALTER TABLE {table} ALTER COLUMN {column} DROP IDENTITY;"),
            format!(
                "ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT pg_catalog.nextval('{literal}');"
            ),
            format!("ALTER SEQUENCE {sequence} OWNER TO {owner};"),
            format!("ALTER SEQUENCE {sequence} OWNED BY {table}.{column};"),
        ];
        let grant = |(role, what): &(String, String)| {
            format!("GRANT {what} ON SEQUENCE {sequence} TO {role};")
        };
        statements.extend(granted.iter().map(grant));
        statements.push("COMMIT;".to_owned());
        statements
    }
}

/// The default of the column of a table's key that is `its` in the new one's.
fn default_of<'a>(step: &Step<'a>, its: &str) -> Option<(&'a Column, &'a ColumnDefault)> {
    let own = step.old.relation.column(step.name_here(its)?)?;
    Some((own, own.default.as_ref()?))
}

/// The default for the new table's key column, where the tables that have one agree.
pub(super) fn default_for_all(subject: &Subject<'_>, its: &str) -> Option<String> {
    let defaults = subject.steps.iter().filter_map(|step| default_of(step, its));
    let mut defaults = defaults.map(|(_, default)| &default.expression);
    let first = defaults.next()?;
    defaults.all(|other| other == first).then(|| first.clone())
}

/// Defaults of the tables' keys: whether they are the same, and whether the new table has one when they are gone.
pub(super) fn defaults(subject: &Subject<'_>, new: Option<&Table<'_>>) -> Vec<Finding> {
    let Some(first) = subject.steps.first() else { return Vec::new() };
    let keys = || first.key().map(|(_, its)| its);
    match first.way() {
        Move::WriteBoth => keys().filter_map(|its| apart(subject, its)).collect(),
        Move::LeaveOld => {
            let steps = |its| subject.steps.iter().map(move |step| (step, its));
            keys().flat_map(steps).filter_map(|(step, its)| outlived(step, new?, its)).collect()
        }
        Move::ReadNew
        | Move::KeepNew
        | Move::WriteBothAgain
        | Move::ReadOldAgain
        | Move::LeaveNew
        | Move::Stay => Vec::new(),
    }
}

/// Rows that have nothing to do with each other come to have one key.
fn apart(subject: &Subject<'_>, its: &str) -> Option<Finding> {
    let own = |step| {
        let (_, default) = default_of(step, its)?;
        let is_drawn = default.volatility == Volatility::Volatile;
        is_drawn.then_some((step, &default.expression))
    };
    let mut all = subject.steps.iter().filter_map(own);
    let (first, default) = all.next()?;
    let (other, another) = all.find(|(_, another)| *another != default)?;
    let message = format!(
        "\"{}\" draws its keys from {default}, and \"{}\" from {another}: rows that have nothing to do with each other \
         may come to have one key, and then are one row of \"{}\"",
        first.old.name, other.old.name, first.into
    );
    Some(first.finding(Severity::Risky, About::Key, message, None))
}

/// Once the old table is dropped, whoever leaves out its key gets what the new one has for it.
fn outlived(step: &Step<'_>, new: &Table<'_>, its: &str) -> Option<Finding> {
    let (own, default) = default_of(step, its)?;
    let default = &default.expression;
    let there = new.relation.column(its)?.default.as_ref().map(|it| &it.expression);
    let (has, remedy) = match there {
        Some(same) if same == default => return None,
        Some(another) => (format!("has {another}"), None),
        None => {
            let set = format!("SET DEFAULT {default};");
            let set = format!("ALTER TABLE {} ALTER COLUMN {} {set}", new.sql, quoted(its));
            ("has none".to_owned(), Some(set))
        }
    };
    let message = format!(
        "column \"{}\" of \"{}\" has the default {default}, and \"{its}\" of \"{}\" {has}: once the table is dropped, \
         that is what clients get who leave it out",
        own.name, step.old.name, new.name
    );
    Some(step.finding(Severity::Risky, About::Default, message, remedy))
}
