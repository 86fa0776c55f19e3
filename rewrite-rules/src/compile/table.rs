//! Tables as an operator writes them, found in the catalog; the nearest spelling of a wrong name.

use super::Fault;
use crate::catalog::{Catalog, Relation, RelationKind, RelationName};
use crate::name;

/// Names end where they are no better than nothing. Unit: edits.
const FARTHEST_SPELLING: usize = 3;

/// `users` or `schema.table`, as SQL would write it.
pub(super) fn relation_name(text: &str) -> Option<RelationName> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut()?.push(c);
    }
    let names: Vec<String> = parts.iter().map(|part| name::folded_source(part)).collect();
    match names.as_slice() {
        _ if quoted || names.iter().any(String::is_empty) => None,
        [table] => Some(RelationName::new("public", table)),
        [schema, table] => Some(RelationName::new(schema, table)),
        _ => None,
    }
}

/// The table that the key `table` names.
pub(super) fn find_table<'c>(
    written: &str,
    catalog: &'c Catalog,
) -> Result<(RelationName, &'c Relation), Fault> {
    find_table_as("table", written, catalog)
}

/// The table that one of a rule's keys names.
pub(super) fn find_table_as<'c>(
    key: &'static str,
    written: &str,
    catalog: &'c Catalog,
) -> Result<(RelationName, &'c Relation), Fault> {
    let fault = |message: String, hint: Option<String>| Fault { rule: 0, key, message, hint };
    let Some(relation) = relation_name(written) else {
        return Err(fault(
            format!("\"{written}\" is not a table name"),
            Some("write table or schema.table, quoted as in SQL".to_owned()),
        ));
    };
    let Some(table) = catalog.relation(&relation) else {
        let same_name = catalog.relations.keys().find(|known| known.name == relation.name).cloned();
        let near = same_name.or_else(|| {
            let known = catalog.relations.keys().filter(|known| known.schema == relation.schema);
            nearest(&relation.name, known.map(|known| known.name.as_str()))
                .map(|name| RelationName::new(relation.schema.clone(), name))
        });
        return Err(fault(
            format!("table \"{relation}\" does not exist"),
            near.map(|near| format!("did you mean \"{near}\"?")),
        ));
    };
    let of_kind = match table.kind {
        RelationKind::Table | RelationKind::PartitionedTable => return Ok((relation, table)),
        RelationKind::View => "a view",
        RelationKind::MaterializedView => "a materialized view",
        RelationKind::ForeignTable => "a foreign table",
    };
    Err(fault(
        format!("\"{relation}\" is {of_kind}"),
        Some("only a column of a table can be migrated; name the table behind it".to_owned()),
    ))
}

/// What is wrong with columns that are to tell a table's rows apart.
pub(super) fn key_fault(
    table: &Relation,
    relation: &RelationName,
    names: &[&str],
) -> Option<Fault> {
    let fault = |message: String, hint| Some(Fault { rule: 0, key: "key", message, hint });
    let mut wanted = names.to_vec();
    wanted.sort_unstable();
    for name in names {
        if table.column(name).is_none() {
            let known = table.columns.iter().map(|column| column.name.as_str());
            let near = nearest(name, known).map(|near| format!("did you mean \"{near}\"?"));
            return fault(
                format!("column \"{name}\" does not exist in table \"{relation}\""),
                near,
            );
        }
    }
    let is_key = table.keys.iter().any(|key| {
        let mut columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
        columns.sort_unstable();
        columns == wanted
    });
    let may_be_null =
        names.iter().any(|name| table.column(name).is_some_and(|column| !column.not_null));
    if is_key && !may_be_null {
        return None;
    }
    let names = names.join(", ");
    fault(
        format!("({names}) is no primary key of \"{relation}\", nor as good as one"),
        Some("it takes a unique index over columns that are NOT NULL".to_owned()),
    )
}

/// The constraint of a key over these columns.
pub(super) fn key_of(table: &Relation, columns: &[&str]) -> Option<String> {
    let keys = table.keys.iter().filter(|key| key.columns.len() == columns.len());
    let mut same = keys.filter(|key| key.columns.iter().all(|it| columns.contains(&it.as_str())));
    same.find(|key| key.constraint).map(|key| key.name.clone())
}

/// The nearest of the known names, if one is near enough to be what was meant.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= FARTHEST_SPELLING.min(name.chars().count() / 2))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, &above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != *y)).min(left + 1).min(above + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_are_read_as_sql_reads_them() {
        let read = |text| relation_name(text).map(|name| name.to_string());
        assert_eq!(read("Users"), Some("public.users".to_owned()));
        assert_eq!(read("App.\"Mixed.Case\""), Some("app.Mixed.Case".to_owned()));
        for wrong in ["", "a.b.c", "a.", "\"a"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_nearest_spelling_is_offered_only_when_it_is_near() {
        let known = ["users", "orders", "handle"];
        assert_eq!(nearest("user", known.into_iter()), Some("users"));
        assert_eq!(nearest("handel", known.into_iter()), Some("handle"));
        assert_eq!(nearest("payments", known.into_iter()), None);
    }
}
