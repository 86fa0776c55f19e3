//! Reads what the server's own catalogs look like, and which objects hang on columns.

use std::collections::HashMap;

use rewrite_rules::catalog::{Relation, RelationName};
use rewrite_rules::system_catalog::{ObjectKind, SystemCatalog, SystemRelation, TableObject};
use tokio_postgres::{Error, Row};

/// Puts the answers of two queries together.
pub(super) fn catalog(
    by_oid: &HashMap<u32, (RelationName, Relation)>,
    objects: &[Row],
    relations: &[Row],
) -> Result<SystemCatalog, Error> {
    let mut catalog = SystemCatalog::default();
    for row in relations {
        let name = RelationName::new(row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?);
        let relation = SystemRelation {
            columns: row.try_get(2)?,
            key: row.try_get(3)?,
            definition: row.try_get(4)?,
        };
        catalog.relations.insert(name, relation);
    }
    for row in objects {
        if let Some((name, _)) = by_oid.get(&row.try_get(0)?)
            && let Some(object) = object(row)?
        {
            catalog.objects.entry(name.clone()).or_default().push(object);
        }
    }
    Ok(catalog)
}

fn object(row: &Row) -> Result<Option<TableObject>, Error> {
    let kind: &str = row.try_get(1)?;
    let kind = match kind {
        "i" => ObjectKind::Index,
        "p" | "u" | "x" => ObjectKind::Key,
        "c" => ObjectKind::Check,
        "n" => ObjectKind::NotNull,
        "f" => ObjectKind::ForeignKey,
        "t" => ObjectKind::Trigger,
        "s" => ObjectKind::Statistics,
        // The query asks for these only.
        _other => return Ok(None),
    };
    // What was dropped a moment ago has no definition any more.
    let Some(definition) = row.try_get(8)? else { return Ok(None) };
    let columns: Vec<i16> = row.try_get(7)?;
    Ok(Some(TableObject {
        kind,
        oid: row.try_get(2)?,
        name: row.try_get(3)?,
        index: row.try_get(4)?,
        carrier: row.try_get(5)?,
        refers_to: row.try_get(6)?,
        columns: columns.into_iter().filter_map(|number| u16::try_from(number).ok()).collect(),
        deferrable: row.try_get(9)?,
        definition,
    }))
}
