//! Has the server read every expression of a generation, before anything depends on it.
//!
//! The statements are prepared and never run, so no privilege on the tables is needed. The search
//! path is empty meanwhile: what is understood here means the same in every session.

use rewrite_rules::compile::backfill_value;
use rewrite_rules::lens::{Access, Lens, LogicalColumn};
use rewrite_rules::name::quoted;
use rewrite_rules::rule::Change;
use rewrite_rules::{Catalog, Fault, Generation, Phase, Rule, Shape};
use tokio_postgres::{Client, Error};

use crate::config::parse_relation_name;
use crate::gate::sql;

/// One statement, and the key of the migration that is at fault if the server rejects it.
#[derive(Debug, PartialEq, Eq)]
struct Rehearsal {
    migration: String,
    key: &'static str,
    what: String,
    sql: String,
}

/// Everything that the server does not accept.
///
/// Cancel safe: nothing is run; the search path of `client` may stay empty.
///
/// # Errors
/// The connection fails.
pub async fn rehearse(client: &Client, generation: &Generation) -> Result<Vec<Fault>, Error> {
    let of_lenses = generation.lenses(Shape::Old).iter().flat_map(of_lens);
    let of_rules = generation.rules().iter().flat_map(|rule| of_rule(rule, generation.catalog()));
    let rehearsals: Vec<Rehearsal> = of_lenses.chain(of_rules).collect();
    if rehearsals.is_empty() {
        return Ok(Vec::new());
    }
    client.batch_execute("SET search_path = ''").await?;
    let mut faults: Vec<Fault> = Vec::new();
    for rehearsal in rehearsals {
        let rejected = match client.prepare(&rehearsal.sql).await {
            Ok(_) => continue,
            Err(error) => match error.as_db_error() {
                Some(rejected) => rejected.message().to_owned(),
                None => return Err(error),
            },
        };
        let rules = generation.rules();
        let rule = rules.iter().position(|rule| rule.name == rehearsal.migration);
        let fault = Fault {
            rule: rule.unwrap_or_default(),
            key: rehearsal.key,
            message: format!("the server cannot {}: {rejected}", rehearsal.what),
            hint: Some(format!(
                "names of types, functions and operators outside pg_catalog need their schema; \
                 it was asked: {}",
                rehearsal.sql
            )),
        };
        if !faults.iter().any(|known| (known.rule, known.key) == (fault.rule, fault.key)) {
            faults.push(fault);
        }
    }
    client.batch_execute("RESET search_path").await?;
    Ok(faults)
}

/// The value of an added column, and storing it as soon as there is the column.
fn of_rule(rule: &Rule, catalog: &Catalog) -> Vec<Rehearsal> {
    let Change::BackfillColumn(added) = &rule.change else { return Vec::new() };
    if rule.phase == Phase::Enforce {
        // What it was made of may be gone.
        return Vec::new();
    }
    let (Some(name), Ok(value)) =
        (parse_relation_name(&added.table), backfill_value(added, catalog))
    else {
        return Vec::new();
    };
    let (table, value) = (sql(&name), value.read("t."));
    let of = |what: String, sql: String| Rehearsal {
        migration: rule.name.clone(),
        key: "value",
        what,
        sql,
    };
    let is_there = catalog.relation(&name).is_some_and(|it| it.column(&added.column).is_some());
    let column = quoted(&added.column);
    let stored = is_there.then(|| {
        of(
            format!("store \"{}\" in \"{}\"", added.value, added.column),
            format!("UPDATE {table} AS t SET {column} = {value}"),
        )
    });
    // An aggregate, a window function or a set could stand in the list, but not in WHERE.
    let read = of(
        format!("read \"{}\"", added.value),
        format!("SELECT FROM {table} AS t WHERE ({value}) IS NOT NULL"),
    );
    std::iter::once(read).chain(stored).collect()
}

fn of_lens(lens: &Lens) -> Vec<Rehearsal> {
    let table = format!("{}.{}", quoted(&lens.relation.schema), quoted(&lens.relation.name));
    lens.columns.iter().flat_map(|column| of_column(column, &table)).collect()
}

fn of_column(column: &LogicalColumn, table: &str) -> Vec<Rehearsal> {
    let Some(migration) = &column.migration else { return Vec::new() };
    let converts = |access: &&Access| access.through.is_some();
    // A client of the old shape is shown the old name. Reading it leads down from the new column.
    let (reading, writing) = if column.shown { ("down", "up") } else { ("up", "down") };
    let read = Some(&column.get).filter(converts).map(|access| Rehearsal {
        migration: migration.clone(),
        key: reading,
        what: format!("read \"{}\" from \"{}\"", column.name, access.column),
        // An aggregate, a window function or a set could stand in the list, but not in WHERE.
        sql: format!("SELECT {0} FROM {table} WHERE ({0}) IS NOT NULL", access.read("")),
    });
    let written = column.put.iter().filter(converts).map(|access| Rehearsal {
        migration: migration.clone(),
        key: writing,
        what: format!("store \"{}\" in \"{}\"", column.name, access.column),
        sql: format!("UPDATE {table} SET {} = {}", quoted(&access.column), access.written("NULL")),
    });
    read.into_iter().chain(written).collect()
}

#[cfg(test)]
mod tests {

    use rewrite_rules::catalog::RelationName;
    use rewrite_rules::lens::Template;

    use super::*;

    #[test]
    fn every_conversion_is_rehearsed_under_the_key_that_it_comes_from() {
        let template = |parts: [&str; 2]| Template::new(parts.map(str::to_owned).into());
        let through = |column: &str, parts| Access {
            column: column.to_owned(),
            beside: None,
            of_parameter: None,
            through: Some(template(parts)),
        };
        let column = LogicalColumn {
            name: "email".to_owned(),
            shown: true,
            get: through("address", ["upper(", ")"]),
            held: None,
            put: vec![Access::plain("email"), through("address", ["lower(", ")"])],
            type_name: "text".to_owned(),
            base_type: "text".to_owned(),
            uncut_type: "text".to_owned(),
            fitted: None,
            default: None,
            default_of: "email".to_owned(),
            default_is_shared: true,
            generated: false,
            identity: false,
            migration: Some("m".to_owned()),
        };
        let lens = Lens::of(RelationName::new("public", "People"), vec![column]);
        let found: Vec<(&str, String)> =
            of_lens(&lens).into_iter().map(|it| (it.key, it.sql)).collect();
        assert_eq!(
            found,
            [
                (
                    "down",
                    "SELECT upper(address) FROM public.\"People\" \
                     WHERE (upper(address)) IS NOT NULL"
                        .to_owned()
                ),
                ("up", "UPDATE public.\"People\" SET address = lower(NULL)".to_owned()),
            ]
        );
    }
}
