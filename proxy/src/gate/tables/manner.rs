//! How a table is stored, and what is said of it: what of that a new one can be given, and what cannot.

use tokio_postgres::{Error, Transaction};

use super::queries;
use super::step::Step;
use crate::gate::finding::About;

/// How a new table is made.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gate) struct Manner {
    /// What it begins with: `CREATE TABLE` or `CREATE UNLOGGED TABLE`.
    pub(in crate::gate) create: &'static str,
    /// What stands behind the columns.
    pub(in crate::gate) with: String,
    /// Whether the old tables have other storage parameters than each other.
    pub(in crate::gate) differs: bool,
}

/// As all the old tables `oids` are.
pub(in crate::gate) async fn manner(
    transaction: &Transaction<'_>,
    oids: &[u32],
) -> Result<Manner, Error> {
    let row = transaction.query_one(queries::MANNER, &[&oids]).await?;
    let (unlogged, several): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    let with: Option<String> = row.try_get(2)?;
    Ok(Manner {
        create: if unlogged { "CREATE UNLOGGED TABLE" } else { "CREATE TABLE" },
        with: with
            .filter(|_| !several)
            .map(|parameters| format!(" WITH ({parameters})"))
            .unwrap_or_default(),
        differs: several,
    })
}

/// What is not carried of the old table and its columns: one note, if there is anything.
pub(in crate::gate) async fn left(
    transaction: &Transaction<'_>,
    step: &Step<'_>,
) -> Result<Option<(About, String)>, Error> {
    let mut found: Vec<String> = Vec::new();
    for row in transaction.query(queries::SETTINGS, &[&step.old.oid]).await? {
        let (column, what): (Option<String>, String) = (row.try_get(0)?, row.try_get(1)?);
        if column.as_ref().is_none_or(|column| step.name_there(column).is_some()) {
            found.push(what);
        }
    }
    let old = &step.old.name;
    let told = || format!("of \"{old}\" is not carried to \"{}\": {}", step.into, found.join("; "));
    Ok((!found.is_empty()).then(|| (About::Dependent, told())))
}
