//! What roles are given on a table that is made: the same as on the old one.

use std::collections::BTreeMap;

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::queries;
use super::step::Step;

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
