//! Whether the role may do what a backfill does, and sees all rows.

use rewrite_rules::name::quoted;
use tokio_postgres::Client;

use super::BackfillError;
use crate::walk::beside::Beside;
use crate::walk::want::{Cure, Want};
use crate::walk::{Part, Work};

/// What is needed of one table.
struct Need<'a> {
    oid: u32,
    /// Columns that are read.
    read: Vec<&'a str>,
    /// Privileges to write, and for which columns; none: for any one.
    write: Vec<(&'static str, Vec<&'a str>)>,
}

/// Privileges on table `$1`: on all that stands in it, or on the columns `$2`.
const ACCESS: &str = "
    SELECT quote_ident(current_user), has_schema_privilege(n.oid, 'USAGE'),
           has_table_privilege(c.oid, 'SELECT') OR
           (has_any_column_privilege(c.oid, 'SELECT') AND
            (SELECT bool_and(has_column_privilege(c.oid, x.name, 'SELECT')) FROM unnest($2::text[]) x(name))),
           NOT row_security_active(c.oid), quote_ident(n.nspname),
           quote_ident(n.nspname) || '.' || quote_ident(c.relname), n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1";

/// Whether privilege `$2` on the columns `$3` of table `$1` is there, or on any column if none is named. No
/// column is deleted by itself.
const WRITE: &str = "
    SELECT CASE WHEN $2::text = 'DELETE' THEN has_table_privilege($1::oid, 'DELETE')
           ELSE coalesce((SELECT bool_and(has_column_privilege($1::oid, x.name, $2::text))
                          FROM unnest($3::text[]) x(name)),
                         has_any_column_privilege($1::oid, $2::text)) END";

/// Whether the role may do what copying the rows of `work` takes.
///
/// Cancel safe: it only reads.
pub(super) async fn check(client: &Client, work: &Work) -> Result<(), BackfillError> {
    for part in work.copied() {
        for need in needs(part) {
            of_table(client, &need).await?;
        }
    }
    Ok(())
}

fn needs(part: &Part) -> Vec<Need<'_>> {
    let Part { oid, want: Want { cure, beside, .. }, .. } = part;
    // Whoever locks a row must be allowed to update one of its columns.
    let lock = || vec![("UPDATE", Vec::new())];
    let of_own = |write| Need { oid: *oid, read: beside.iter().flat_map(own).collect(), write };
    let (of_own, others): (_, fn(&Beside) -> Need<'_>) = match cure {
        Cure::Set { columns, .. } => {
            let columns = listed(columns);
            (Need { oid: *oid, read: columns.clone(), write: vec![("UPDATE", columns)] }, read)
        }
        Cure::Copy | Cure::Upsert { .. } => (of_own(lock()), upserted),
        Cure::Follow { columns, .. } | Cure::Reset { columns, .. } => {
            (of_own(vec![("UPDATE", listed(columns)), ("DELETE", Vec::new())]), read)
        }
        Cure::Spread { .. } => (of_own(lock()), inserted),
        Cure::Remove | Cure::Nothing => return Vec::new(),
    };
    std::iter::once(of_own).chain(beside.iter().map(others)).collect()
}

fn listed(columns: &[String]) -> Vec<&str> {
    columns.iter().map(String::as_str).collect()
}

/// Rows beside are read.
fn read(beside: &Beside) -> Need<'_> {
    Need { oid: beside.oid, read: its(beside), write: Vec::new() }
}

/// Rows beside are made.
fn inserted(beside: &Beside) -> Need<'_> {
    Need { write: vec![("INSERT", its(beside))], ..read(beside) }
}

/// Rows beside are made, or written over.
fn upserted(beside: &Beside) -> Need<'_> {
    let moved = beside.columns.iter().map(|(_, its)| its).chain(&beside.present);
    let moved = moved.map(String::as_str).collect();
    Need { write: vec![("INSERT", its(beside)), ("UPDATE", moved)], ..read(beside) }
}

/// The columns that a row has in common with the one beside.
fn own(beside: &Beside) -> Vec<&str> {
    beside.key.iter().chain(&beside.columns).map(|(own, _)| own.as_str()).collect()
}

/// Those of that one.
fn its(beside: &Beside) -> Vec<&str> {
    let pairs = beside.key.iter().chain(&beside.columns).map(|(_, its)| its);
    pairs.chain(&beside.present).map(String::as_str).collect()
}

async fn of_table(
    client: &Client,
    Need { oid, read, write }: &Need<'_>,
) -> Result<(), BackfillError> {
    let row = client.query_one(ACCESS, &[oid, read]).await?;
    let (role, schema, table, name): (String, String, String, String) =
        (row.try_get(0)?, row.try_get(4)?, row.try_get(5)?, row.try_get(6)?);
    let (usage, select, all_rows): (bool, bool, bool) =
        (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    let mut lacking: Vec<(String, String)> = Vec::new();
    let mut lacks = |what: &str, remedy: String| lacking.push((what.to_owned(), remedy));
    if !usage {
        lacks("USAGE of its schema", format!("GRANT USAGE ON SCHEMA {schema} TO {role};"));
    }
    if !select {
        lacks("SELECT", format!("GRANT SELECT ON {table} TO {role};"));
    }
    for (privilege, columns) in write {
        let has: bool = client.query_one(WRITE, &[oid, privilege, columns]).await?.try_get(0)?;
        let listed: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let (what, of) = match listed.len() {
            0 => ((*privilege).to_owned(), String::new()),
            1 => (format!("{privilege} of the column"), format!(" ({})", listed.join(", "))),
            _more => (format!("{privilege} of the columns"), format!(" ({})", listed.join(", "))),
        };
        if !has {
            lacks(&what, format!("GRANT {privilege}{of} ON {table} TO {role};"));
        }
    }
    if !all_rows {
        lacks("BYPASSRLS, and policies hide rows", format!("ALTER ROLE {role} BYPASSRLS;"));
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let (lacks, remedy): (Vec<String>, Vec<String>) = lacking.into_iter().unzip();
    let (lacks, remedy) = (lacks.join(", "), remedy.join("\n        "));
    Err(BackfillError::Denied { role, table: name, lacks, remedy })
}
