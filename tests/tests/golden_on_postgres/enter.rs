//! What a case's tables are in each phase, and before and behind all of them.

use rewrite_rules::Phase;
use segue_tests::golden::book::Case;
use segue_tests::golden::schema::catalog_of;
use segue_tests::wire::Wire;

use super::{Rename, added, merge, quoted, renames, split};

/// The table that a text is prepared or run against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Schema {
    /// As it was before the migration: what a client of the old shape knows.
    Old,
    /// As it was, with the columns simply renamed, and with those that are added: what a client of
    /// the new shape knows.
    Renamed,
    /// Both columns with the same values: all that a client of both shapes can know.
    Both,
    /// As it stands in that phase.
    During(Phase),
    /// After the contract.
    New,
}

/// Every one of them.
pub(super) const SCHEMAS: [Schema; 11] = [
    Schema::Old,
    Schema::Renamed,
    Schema::Both,
    Schema::During(Phase::Expand),
    Schema::During(Phase::DualWrite),
    Schema::During(Phase::SwitchReads),
    Schema::During(Phase::StopDualWrite),
    Schema::During(Phase::Contract),
    Schema::During(Phase::Backfill),
    Schema::During(Phase::Enforce),
    Schema::New,
];

/// Opens a transaction in which the case's tables are in that schema, with its rows in them.
pub(super) fn enter(wire: &mut Wire, case: &Case, schema: Schema) {
    wire.script("BEGIN");
    let catalog = catalog_of(&case.schema).expect("a schema that is understood");
    for name in catalog.relations.keys().filter(|name| name.schema != "public") {
        wire.script(&format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(&name.schema)));
    }
    wire.script(&case.schema);
    let renames = renames(case);
    if let Schema::Old | Schema::Renamed = schema {
        for Rename { table, to, .. } in &renames {
            wire.script(&format!("ALTER TABLE {table} DROP COLUMN {to} CASCADE"));
        }
    }
    if schema == Schema::Old {
        for (table, column) in added(case) {
            wire.script(&format!("ALTER TABLE {table} DROP COLUMN IF EXISTS {column} CASCADE"));
        }
    }
    let splits = split::splits(case);
    if let Schema::Old | Schema::Renamed | Schema::Both = schema {
        for split in &splits {
            wire.script(&split.forget());
        }
    }
    let rows = split::rows(case);
    wire.script(&rows.old);
    for merge in merge::merges(case) {
        wire.script(&merge.enter(schema));
    }
    for split in &splits {
        match schema {
            Schema::Old | Schema::Renamed | Schema::Both => {}
            Schema::During(Phase::Expand | Phase::Backfill | Phase::Enforce) => {}
            Schema::During(Phase::DualWrite | Phase::SwitchReads) => {
                wire.script(&split.fill());
            }
            Schema::During(Phase::StopDualWrite | Phase::Contract) => {
                wire.script(&split.fill());
                if split.ends(case) {
                    wire.script(&split.leave());
                }
            }
            Schema::New => {
                wire.script(&split.fill());
                if split.ends(case) {
                    wire.script(&split.contract());
                }
            }
        }
    }
    if matches!(schema, Schema::New | Schema::During(_)) {
        wire.script(&rows.lacking);
    }
    if schema == Schema::During(Phase::DualWrite) {
        wire.script(&rows.uncopied);
    }
    for Rename { table, from, to, up, .. } in &renames {
        wire.script(&match schema {
            Schema::Old | Schema::During(Phase::Expand | Phase::Backfill | Phase::Enforce) => {
                String::new()
            }
            Schema::Renamed => format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}"),
            Schema::Both | Schema::During(Phase::DualWrite | Phase::SwitchReads) => {
                format!("UPDATE {table} SET {to} = {up}")
            }
            // Nothing may read the old side any more, so it holds nothing worth reading.
            Schema::During(Phase::StopDualWrite | Phase::Contract) => {
                format!("UPDATE {table} SET {to} = {up}, {from} = NULL")
            }
            Schema::New => format!(
                "UPDATE {table} SET {to} = {up}; ALTER TABLE {table} DROP COLUMN {from} CASCADE"
            ),
        });
    }
}
