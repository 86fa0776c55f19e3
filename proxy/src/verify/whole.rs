//! Compares two values in every row of a table at once: one statement, so one snapshot.
//!
//! [`super::run`] walks along the primary key and holds nothing back; this holds vacuum back while
//! it runs, and in return needs no key and answers for one moment.

use rewrite_rules::name::quoted;
use tokio_postgres::{Client, Error, Transaction};

use crate::walk::want::shown;

/// Longest that one table may be read: two million narrow rows in memory take 0.3 s on one core
/// (measured), 300 GB on a disk of 500 MB/s these ten minutes.
/// Unit: milliseconds.
pub const STATEMENT_TIMEOUT_MS: u64 = 600_000;

/// Differing rows are counted up to here; nobody needs to know how many more there are.
/// Unit: rows.
pub const COUNTED: u64 = 100_000;

/// Rows that are shown. Unit: rows.
pub const SHOWN: usize = 3;

/// What is compared. All are SQL over the table under the alias `t`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The table, with everything that inherits from it.
    pub relation: String,
    /// Columns that tell a row from others, unquoted; none: rows are told by their place.
    pub key: Vec<String>,
    /// What the column should hold, in its exact type.
    pub expected: String,
    /// What it holds.
    pub found: String,
}

/// A row whose two sides differ. Values are as SQL writes them, long ones cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which row: `id = 1`.
    pub row: String,
    /// What the column should hold.
    pub expected: String,
    /// What it holds.
    pub found: String,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences {
    /// How many rows differ, at most one more than [`COUNTED`].
    pub count: u64,
    /// The first of them in the order of the key, at most [`SHOWN`].
    pub shown: Vec<Difference>,
}

/// Compares every row, byte by byte.
///
/// Cancel safe: only reads. The server may go on reading for up to [`STATEMENT_TIMEOUT_MS`].
///
/// # Errors
/// The server's: no privilege, a policy that would hide rows, a value that cannot be converted, or
/// no end in time.
pub async fn compare(client: &mut Client, sides: &Sides) -> Result<Differences, Error> {
    let transaction = client.build_transaction().read_only(true).start().await?;
    let settings = format!(
        "SET LOCAL search_path = ''; SET LOCAL row_security = off; \
         SET LOCAL synchronize_seqscans = off; \
         SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}"
    );
    transaction.batch_execute(&settings).await?;
    let differences = query(&transaction, &statement(sides)).await?;
    transaction.commit().await?;
    Ok(differences)
}

async fn query(transaction: &Transaction<'_>, sql: &str) -> Result<Differences, Error> {
    let mut differences = Differences::default();
    for row in transaction.query(sql, &[]).await? {
        differences.count = u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
        let (row, expected, found) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        differences.shown.push(Difference { row, expected, found });
    }
    Ok(differences)
}

fn statement(sides: &Sides) -> String {
    let Sides { relation, key, expected, found } = sides;
    let keys: Vec<String> = key.iter().map(|column| format!("t.{}", quoted(column))).collect();
    let told: Vec<String> = key
        .iter()
        .map(|column| {
            let name = format!("{} = ", quoted(column)).replace('\'', "''");
            format!("'{name}' || t.{}::text", quoted(column))
        })
        .collect();
    let (keys, told) = match keys.is_empty() {
        false => (keys, told.join(" || ', ' || ")),
        true => (
            vec!["t.tableoid".to_owned(), "t.ctid".to_owned()],
            "'ctid = ' || t.ctid::text || ' of ' || t.tableoid::regclass::text".to_owned(),
        ),
    };
    let numbered: Vec<String> = (1..=keys.len()).map(|number| format!("k{number}")).collect();
    let carried: Vec<String> =
        keys.iter().zip(&numbered).map(|(key, name)| format!("{key} AS {name}")).collect();
    format!(
        "WITH differing AS MATERIALIZED (
             SELECT {}, {told} AS told, {} AS expected, {} AS found
             FROM {relation} AS t
             WHERE record_image_ne(ROW({found}), ROW({expected}))
             LIMIT {})
         SELECT (SELECT count(*) FROM differing), told, expected, found
         FROM differing ORDER BY {} LIMIT {SHOWN}",
        carried.join(", "),
        shown(expected),
        shown(found),
        COUNTED + 1,
        numbered.join(", "),
    )
}
