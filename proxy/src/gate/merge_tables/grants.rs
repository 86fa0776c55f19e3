//! Who may do with the new table what with the old ones. Who may use some of those alone is given their columns alone.

use std::collections::{BTreeMap, BTreeSet};

use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Transaction};

use super::Subject;
use crate::gate::tables::queries;

/// Privileges that may be on columns.
const OF_COLUMNS: [&str; 4] = ["INSERT", "REFERENCES", "SELECT", "UPDATE"];

/// A role, PUBLIC the first, and whether it may pass a privilege on.
type Who = (Option<String>, bool);

/// Of one role: on which of the tables it has each privilege, and on which columns of the new one.
#[derive(Default)]
struct Granted {
    whole: BTreeMap<String, BTreeSet<usize>>,
    columns: BTreeMap<String, Vec<String>>,
}

pub(super) async fn statements(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
    table: &str,
) -> Result<Vec<String>, Error> {
    let mut granted: BTreeMap<Who, Granted> = BTreeMap::new();
    for (place, step) in subject.steps.iter().enumerate() {
        for row in transaction.query(queries::GRANTS, &[&step.old.oid]).await? {
            let (role, privilege): (Option<String>, String) = (row.try_get(0)?, row.try_get(1)?);
            let (column, passed_on): (Option<String>, bool) = (row.try_get(2)?, row.try_get(3)?);
            let of_role = granted.entry((role, passed_on)).or_default();
            let names: Vec<String> = match &column {
                Some(column) => step.name_there(column).map(quoted).into_iter().collect(),
                None => {
                    of_role.whole.entry(privilege.clone()).or_default().insert(place);
                    let all = step.left().map(|(_, to)| to).chain(step.present());
                    all.map(quoted).collect()
                }
            };
            let known = of_role.columns.entry(privilege).or_default();
            let fresh: Vec<String> = names.into_iter().filter(|it| !known.contains(it)).collect();
            known.extend(fresh);
        }
    }
    let grant = |((role, passed_on), granted): (Who, Granted)| {
        let privileges = granted.columns.into_iter().filter_map(|(privilege, columns)| {
            let whole = granted.whole.get(&privilege).map_or(0, BTreeSet::len);
            match whole == subject.steps.len() {
                true => Some(privilege),
                false if OF_COLUMNS.contains(&privilege.as_str()) => {
                    Some(format!("{privilege} ({})", columns.join(", ")))
                }
                // It would be one on the rows of the others.
                false => None,
            }
        });
        let privileges: Vec<String> = privileges.collect();
        let role = role.unwrap_or_else(|| "PUBLIC".to_owned());
        let pass_on = if passed_on { " WITH GRANT OPTION" } else { "" };
        (!privileges.is_empty())
            .then(|| format!("GRANT {} ON {table} TO {role}{pass_on};", privileges.join(", ")))
    };
    Ok(granted.into_iter().filter_map(grant).collect())
}
