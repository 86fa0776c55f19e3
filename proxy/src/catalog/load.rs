//! Loads the whole catalog in one snapshot.

use std::collections::HashMap;

use rewrite_rules::Catalog;
use rewrite_rules::catalog::{
    Column, ColumnDefault, Identity, Key, Oids, Relation, RelationKind, RelationName, Volatility,
};
use tokio_postgres::{Client, Error, IsolationLevel, Row, Transaction};

use super::{queries, system};

/// Loads what `client`'s database has.
///
/// All queries are sent together: the time is that of the server, about 0.5 s for a thousand tables.
///
/// Cancel safe: the transaction is rolled back.
///
/// # Errors
/// Whatever the server or the connection says.
pub async fn load(client: &mut Client) -> Result<Catalog, Error> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let catalog = read(&transaction).await?;
    transaction.commit().await?;
    Ok(catalog)
}

/// What the snapshot of a transaction has.
pub(super) async fn read(transaction: &Transaction<'_>) -> Result<Catalog, Error> {
    transaction.batch_execute("SET LOCAL search_path = ''").await?;
    let (
        relations,
        columns,
        keys,
        triggers,
        functions,
        operators,
        dependents,
        views,
        objects,
        system,
    ) = tokio::try_join!(
        transaction.query(queries::RELATIONS, &[]),
        transaction.query(queries::COLUMNS, &[]),
        transaction.query(queries::KEYS, &[]),
        transaction.query(queries::TRIGGERS, &[]),
        transaction.query(queries::FUNCTIONS, &[]),
        transaction.query(queries::VOLATILE_OPERATORS, &[]),
        transaction.query(queries::DEPENDENTS, &[]),
        transaction.query(queries::VIEWS, &[]),
        transaction.query(queries::OBJECTS, &[]),
        transaction.query(queries::SYSTEM, &[]),
    )?;

    let mut by_oid: HashMap<u32, (RelationName, Relation)> = HashMap::new();
    for row in &relations {
        if let Some((oid, name, relation)) = relation(row)? {
            by_oid.insert(oid, (name, relation));
        }
    }
    for row in &columns {
        let oid: u32 = row.try_get(0)?;
        if is_gone(row)? {
            by_oid.remove(&oid);
        } else if let Some((_, relation)) = by_oid.get_mut(&oid) {
            relation.columns.push(column(row)?);
        }
    }
    for row in &keys {
        if let Some((_, relation)) = by_oid.get_mut(&row.try_get(0)?) {
            let keys = match (row.try_get(6)?, row.try_get(5)?) {
                (true, _) => &mut relation.conditional,
                (false, true) => &mut relation.keys,
                (false, false) => &mut relation.building,
            };
            keys.push(key(row)?);
        }
    }
    for row in &triggers {
        if let Some((_, relation)) = by_oid.get_mut(&row.try_get(0)?) {
            relation.before_row_triggers.push(row.try_get(1)?);
        }
    }
    for row in &dependents {
        add_dependent(&mut by_oid, row)?;
    }
    for row in &views {
        add_view(&mut by_oid, row)?;
    }
    let functions = functions
        .iter()
        .map(|row| Ok((row.try_get(0)?, volatility(row.try_get(1)?))))
        .collect::<Result<_, Error>>()?;
    let volatile_operators =
        operators.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let system = system::catalog(&by_oid, &objects, &system)?;
    let relations = by_oid.into_values().collect();
    Ok(Catalog { relations, functions, volatile_operators, system })
}

fn relation(row: &Row) -> Result<Option<(u32, RelationName, Relation)>, Error> {
    let kind: &str = row.try_get(3)?;
    let kind = match kind {
        "r" => RelationKind::Table,
        "p" => RelationKind::PartitionedTable,
        "v" => RelationKind::View,
        "m" => RelationKind::MaterializedView,
        "f" => RelationKind::ForeignTable,
        // The query asks for these only.
        _other => return Ok(None),
    };
    let name = RelationName::new(row.try_get::<_, String>(1)?, row.try_get::<_, String>(2)?);
    let relation = Relation {
        kind,
        columns: Vec::new(),
        attribute_count: number(row.try_get(4)?),
        keys: Vec::new(),
        building: Vec::new(),
        conditional: Vec::new(),
        before_row_triggers: Vec::new(),
        children: children(row.try_get(5)?, row.try_get(6)?),
        oids: Oids {
            relation: row.try_get(0)?,
            row_type: row.try_get(7)?,
            row_array_type: row.try_get(8)?,
        },
    };
    Ok(Some((row.try_get(0)?, name, relation)))
}

/// Schemas and names, one beside the other.
fn children(schemas: Vec<String>, names: Vec<String>) -> Vec<RelationName> {
    schemas.into_iter().zip(names).map(|(schema, name)| RelationName::new(schema, name)).collect()
}

/// Whether the table has been dropped since the snapshot: the server has a default of this column, and cannot
/// tell it any more. Without its defaults a table would be another one; gone is what it is.
fn is_gone(row: &Row) -> Result<bool, Error> {
    let (expression, volatility): (Option<&str>, Option<i32>) = (row.try_get(9)?, row.try_get(10)?);
    Ok(volatility.is_some() && expression.is_none())
}

fn column(row: &Row) -> Result<Column, Error> {
    let identity: &str = row.try_get(8)?;
    let expression: Option<String> = row.try_get(9)?;
    let wildest: Option<i32> = row.try_get(10)?;
    Ok(Column {
        name: row.try_get(2)?,
        number: number(row.try_get(1)?),
        type_name: row.try_get(3)?,
        base_type: row.try_get(4)?,
        behind_domain: row.try_get(11)?,
        collation: row.try_get(5)?,
        not_null: row.try_get(6)?,
        default: expression.map(|expression| ColumnDefault {
            expression,
            volatility: wildest.map_or(Volatility::Volatile, volatility),
        }),
        generated: row.try_get(7)?,
        identity: match identity {
            "a" => Some(Identity::Always),
            "d" => Some(Identity::ByDefault),
            _none => None,
        },
        dependents: std::collections::BTreeSet::new(),
        views: std::collections::BTreeSet::new(),
    })
}

fn key(row: &Row) -> Result<Key, Error> {
    Ok(Key {
        name: row.try_get(1)?,
        primary: row.try_get(2)?,
        constraint: row.try_get(3)?,
        columns: row.try_get(4)?,
    })
}

fn add_dependent(
    by_oid: &mut HashMap<u32, (RelationName, Relation)>,
    row: &Row,
) -> Result<(), Error> {
    // pg_describe_object gives NULL for what was dropped a moment ago.
    let Some(description) = row.try_get::<_, Option<String>>(2)? else { return Ok(()) };
    if let Some(column) = named_column(by_oid, row)? {
        column.dependents.insert(description);
    }
    Ok(())
}

fn add_view(by_oid: &mut HashMap<u32, (RelationName, Relation)>, row: &Row) -> Result<(), Error> {
    let view = RelationName::new(row.try_get::<_, String>(2)?, row.try_get::<_, String>(3)?);
    if let Some(column) = named_column(by_oid, row)? {
        column.views.insert(view);
    }
    Ok(())
}

/// The column whose relation and number a row begins with.
fn named_column<'c>(
    by_oid: &'c mut HashMap<u32, (RelationName, Relation)>,
    row: &Row,
) -> Result<Option<&'c mut Column>, Error> {
    let at: i32 = row.try_get(1)?;
    let relation = by_oid.get_mut(&row.try_get(0)?).map(|(_, relation)| relation);
    let mut columns = relation.into_iter().flat_map(|relation| &mut relation.columns);
    Ok(columns.find(|column| i32::from(column.number) == at))
}

/// As the queries code it.
fn volatility(code: i32) -> Volatility {
    match code {
        0 => Volatility::Immutable,
        1 => Volatility::Stable,
        _volatile => Volatility::Volatile,
    }
}

/// An `attnum` or `relnatts` of a user's relation, which is never negative.
fn number(value: i16) -> u16 {
    u16::try_from(value).unwrap_or(0)
}
