//! What backfills and verifications are tried on: a database whose rows are to be copied, and a proxy that
//! writes both sides.

use std::sync::Arc;

use rewrite_rules::Phase;
use rewrite_rules::rule::Change;
use segue::backfill::job::Clients;
use segue::config::{ControlUrl, control_url};

use crate::proxy::{Proxy, forget_the_fleet};
use crate::server::{Database, eventually};

/// The `[[migration]]` entry, called `move`, by which `from` of `table` becomes `to`.
#[must_use]
pub fn column(kind: &str, table: &str, from: &str, to: &str, phase: Phase) -> String {
    let [table, from, to] = [table, from, to].map(|name| name.replace('"', "\\\""));
    format!(
        "[[migration]]\nname = \"move\"\nkind = \"{kind}\"\ntable = \"{table}\"\n\
         from = \"{from}\"\nto = \"{to}\"\nphase = \"{phase}\"\n"
    )
}

/// The `[[migration]]` entry, called `move`, by which `columns` of `table` move to `into`; `key` and `columns`
/// as TOML writes them.
#[must_use]
pub fn split(table: &str, into: &str, key: &str, columns: &str, phase: Phase) -> String {
    let [table, into] = [table, into].map(|name| name.replace('"', "\\\""));
    format!(
        "[[migration]]\nname = \"move\"\nkind = \"split-table\"\ntable = \"{table}\"\n\
         into = \"{into}\"\nkey = {key}\ncolumns = {columns}\nphase = \"{phase}\"\n"
    )
}

/// A database with `ddl`, in which segue's role may write everything, and a proxy that governs it and has
/// drained.
pub fn governed(about: &str, ddl: &str, migration: &str) -> (Database, Proxy) {
    let database = Database::create(about, ddl);
    database
        .connect()
        .script("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO segue");
    let proxy = Proxy::start(&database, migration);
    drained(&database);
    (database, proxy)
}

/// A database with `ddl`, in which segue's role may write everything, and whose journal knows that change, called
/// `move`, in that phase. There is no proxy: tests play its statements.
///
/// # Panics
/// If the change cannot be written down.
pub fn recorded(about: &str, ddl: &str, change: &Change, phase: Phase) -> Database {
    let database = Database::create(about, ddl);
    forget_the_fleet(&database);
    let definition = serde_json::to_string(change).expect("JSON").replace('\'', "''");
    database.connect().script(&format!(
        "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO segue;
         INSERT INTO segue.migration (name, definition, phase, epoch)
         VALUES ('move', '{definition}', '{phase}', 0);"
    ));
    database
}

/// Waits until every replica has told the journal that it has drained.
pub fn drained(database: &Database) {
    let lagging = "SELECT count(*) FROM segue.replica, segue.fleet
                   WHERE expelled_at IS NULL AND acknowledged < epoch";
    eventually("all replicas have drained", || value(database, lagging) == "0");
}

/// The only value of a query, past every proxy.
#[must_use]
pub fn value(database: &Database, query: &str) -> String {
    database.connect().rows(query).into_iter().next().unwrap_or_default()
}

/// Nobody says what clients feel.
#[must_use]
pub fn nobody() -> Clients {
    Arc::new(|_| None)
}

/// How segue's own role connects.
///
/// # Panics
/// If its URL is none.
#[must_use]
pub fn control(database: &Database) -> ControlUrl {
    control_url(&database.control_url()).expect("a URL")
}
