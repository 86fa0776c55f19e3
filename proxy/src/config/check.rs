//! Raw values → checked types; every fault is collected.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use rewrite_rules::catalog::RelationName;
use rewrite_rules::rule::{
    AddedColumn, Change, ColumnPair, MergeSource, MergeTables, MovedColumns, OneOrMore, SplitTable,
};
use rewrite_rules::{Phase, Rule, Shape};

use super::backfill::BackfillPlan;
use super::fault::{Fault, spelling_hint};
use super::kinds::KindKeys;
use super::length;
use super::merge::RawSource;
use super::name::parse_relation_name;
use super::raw::{RawClient, RawMigration, Text};
use super::server_url::{self, ServerTls, ServerUrl, UrlFault};
use super::split::RawSplit;
use super::twice;
use super::{ClientRule, ClientTls, ControlUrl, Places};

/// A fault at a key of the top level.
fn top(key: &str, line: usize, message: impl Into<String>, hint: Option<String>) -> Fault {
    Fault {
        line: Some(line),
        migration: None,
        key: Some(key.to_owned()),
        message: message.into(),
        hint,
    }
}

fn url_fault(key: &str, line: usize, fault: UrlFault) -> Fault {
    top(key, line, fault.message, fault.hint)
}

/// Where to listen.
pub(super) fn listen(text: Option<Text>, faults: &mut Vec<Fault>) -> Option<SocketAddr> {
    let Text { value, line } = text?;
    // A name would be looked up at start, and mean something else after a change of DNS.
    let spelled = value.replacen("localhost:", "127.0.0.1:", 1);
    match SocketAddr::from_str(&spelled) {
        Ok(address) => Some(address),
        Err(_) => {
            let message = format!("\"{value}\" is not an address to listen on");
            let hint = "write an IP address and a port, like \"127.0.0.1:6432\" or \"[::]:6432\"";
            faults.push(top("listen", line, message, Some(hint.to_owned())));
            None
        }
    }
}

/// Where sessions are relayed to.
pub(super) fn upstream(
    text: Option<Text>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<ServerUrl> {
    let Text { value, line } = text?;
    let parsed = server_url::parse(&value, folder)
        .and_then(server_url::Parsed::into_upstream)
        .map_err(|fault| url_fault("upstream", line, fault));
    let url = kept(parsed, faults)?;
    usable_roots("upstream", line, &url.tls, faults);
    Some(url)
}

/// The root certificates are read now, so that a missing file is told beside the other faults.
fn usable_roots(key: &str, line: usize, tls: &ServerTls, faults: &mut Vec<Fault>) {
    if let Err(error) = super::server_tls(tls) {
        faults.push(top(key, line, error.to_string(), None));
    }
}

/// segue's own connection.
pub(super) fn control(
    text: Option<Text>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<ControlUrl> {
    let Text { value, line } = text?;
    let parsed = server_url::parse(&value, folder).and_then(|parsed| {
        server_url::address(&parsed.postgres)?;
        Ok(parsed)
    });
    let parsed = kept(parsed.map_err(|fault| url_fault("control", line, fault)), faults)?;
    let named = |what: &str, present: bool| {
        (!present).then(|| {
            let hint = "write it as postgres://role@host:port/database".to_owned();
            top("control", line, format!("names no {what}"), Some(hint))
        })
    };
    let database = parsed.postgres.get_dbname().map(str::to_owned);
    faults.extend(named("role", parsed.postgres.get_user().is_some()));
    faults.extend(named("database", database.is_some()));
    usable_roots("control", line, &parsed.tls, faults);
    parsed.postgres.get_user()?;
    Some(ControlUrl { database: database?, postgres: parsed.postgres, tls: parsed.tls })
}

/// Certificate and key come together.
pub(super) fn client_tls(
    certificate: Option<Text>,
    key: Option<Text>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<ClientTls> {
    let missing = |present: &str, line, absent: &str| {
        let message = format!("needs \"{absent}\" beside it");
        top(present, line, message, Some(format!("add {absent} = \"file.pem\"")))
    };
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let files = ClientTls {
                certificate: folder.join(certificate.value),
                key: folder.join(key.value),
            };
            let usable = super::client_tls(&files).map_err(|error| {
                let (name, line) = if error.path() == files.key {
                    ("tls_key", key.line)
                } else {
                    ("tls_certificate", certificate.line)
                };
                top(name, line, error.to_string(), None)
            });
            kept(usable, faults).map(|_usable| files)
        }
        (Some(certificate), None) => {
            faults.push(missing("tls_certificate", certificate.line, "tls_key"));
            None
        }
        (None, Some(key)) => {
            faults.push(missing("tls_key", key.line, "tls_certificate"));
            None
        }
        (None, None) => None,
    }
}

/// Shortest and longest lease. Shorter than a pause of the network is too short; a step waits for a
/// proxy that died until its lease is over. Unit: milliseconds.
const LEASES_MS: std::ops::RangeInclusive<u64> = 1_000..=600_000;

/// How long this proxy serves after it has last reached the journal.
pub(super) fn lease(text: Option<Text>, faults: &mut Vec<Fault>) -> Duration {
    let usual = Duration::from_secs(super::LEASE_S);
    let Some(Text { value, line }) = text else { return usual };
    let (first, last) = (LEASES_MS.start(), LEASES_MS.end());
    let in_range = |lease: &Duration| {
        u64::try_from(lease.as_millis()).is_ok_and(|lease| LEASES_MS.contains(&lease))
    };
    let message = match super::duration(&value) {
        Ok(lease) if in_range(&lease) => return lease,
        Ok(_) => format!("must be from {}s to {}s", first / 1_000, last / 1_000),
        Err(message) => message,
    };
    faults.push(top("lease", line, message, Some("write it as \"10s\"".to_owned())));
    usual
}

/// The migrations that can be read, and the faults of and between all of them.
pub(super) fn rules(raw: &[RawMigration], faults: &mut Vec<Fault>) -> Vec<(Rule, Places)> {
    same_names(raw, faults);
    same_columns(raw, faults);
    raw.iter().filter_map(|raw| rule(raw, faults)).collect()
}

fn in_migration(raw: &RawMigration, key: &str, line: usize, message: String) -> Fault {
    Fault {
        line: Some(line),
        migration: Some(raw.shown_as.clone()),
        key: Some(key.to_owned()),
        message,
        hint: None,
    }
}

fn rule(raw: &RawMigration, faults: &mut Vec<Fault>) -> Option<(Rule, Places)> {
    let texts = ["name", "table", "from", "to", "column", "value", "into"];
    let [name, table, from, to, column, value, into] = texts.map(|key| not_empty(raw, key, faults));
    let kind = raw.texts.get("kind").and_then(|kind| {
        let known = Change::KINDS.contains(&kind.value.as_str());
        if !known {
            let message = format!("unknown kind \"{}\"", kind.value);
            let hint = Some(spelling_hint(&kind.value, &Change::KINDS));
            faults.push(Fault { hint, ..in_migration(raw, "kind", kind.line, message) });
        }
        known.then_some(kind.value.as_str())
    });
    let phase = phase(raw, kind, faults);
    strangers(raw, kind, faults);
    let named = ["table", "into"].map(|key| (key, raw.texts.get(key)));
    let of_sources = raw.merge.sources.iter().map(|source| ("source.table", source.table.as_ref()));
    let mut are_names = true;
    for (key, text) in named.into_iter().chain(of_sources) {
        are_names &= names_a_table(raw, key, text, faults);
    }
    if !are_names {
        return None;
    }
    let text = |key: &str| raw.texts.get(key).map(|text| text.value.clone());
    let pair = || {
        let table = table.clone()?;
        let (position, constraints) = (raw.position, raw.constraints.clone());
        Some(ColumnPair { table, from: from?, to: to?, position, constraints })
    };
    let change = match kind? {
        Change::CHANGE_COLUMN => Change::ChangeColumn {
            columns: pair()?,
            up: text("up"),
            down: text("down"),
            from_type: text("from_type"),
        },
        Change::BACKFILL_COLUMN => Change::BackfillColumn(AddedColumn {
            table: table?,
            column: column?,
            value: value?,
            not_null: raw.not_null,
        }),
        Change::SPLIT_TABLE => {
            let RawSplit { key, columns, positions } = raw.split.clone();
            let (table, into, key, columns) = (table?, into?, key?, columns?);
            let constraints = raw.constraints.clone();
            Change::SplitTable(SplitTable { table, into, key, columns, positions, constraints })
        }
        Change::MERGE_TABLES => {
            let sources: Option<Vec<MergeSource>> =
                raw.merge.sources.iter().map(RawSource::checked).collect();
            let (into, key, sources) = (into?, raw.merge.key.clone()?, sources?);
            Change::MergeTables(MergeTables { into, key, sources })
        }
        _rename => match strategy(raw, faults)? {
            Strategy::DualWrite => Change::RenameColumn(pair()?),
            Strategy::Metadata => Change::RenameInPlace(pair()?),
        },
    };
    length::check(raw, &change, faults);
    twice::check(raw, faults);
    if let (Some(phase), Some(text)) = (phase, raw.texts.get("phase"))
        && let Some((message, hint)) = change.lacks(phase)
    {
        let fault = in_migration(raw, "phase", text.line, message);
        faults.push(Fault { hint: Some(hint), ..fault });
    }
    let mut places = Places { header: raw.header, keys: raw.lines.clone() };
    // What the compiler says of a source names its table.
    if let Some(source) = raw.merge.sources.first() {
        for key in ["table", "columns", "present"] {
            places.keys.insert(key.to_owned(), source.header);
        }
    }
    // The file is refused for its phase; in this one the rule's names can still be checked.
    let phase = phase.unwrap_or(Phase::Expand);
    Some((Rule { name: name?, change, phase }, places))
}

/// Whether the text at `key` is a table's name, if it has any.
fn names_a_table(
    raw: &RawMigration,
    key: &str,
    text: Option<&Text>,
    faults: &mut Vec<Fault>,
) -> bool {
    let Some(table) = text.filter(|table| !table.value.trim().is_empty()) else { return true };
    let is_name = parse_relation_name(&table.value).is_some();
    if !is_name {
        let message = format!("\"{}\" is not a table's name as SQL writes it", table.value);
        let hint = Some("write table, schema.table or \"Schema\".\"Table\"".to_owned());
        faults.push(Fault { hint, ..in_migration(raw, key, table.line, message) });
    }
    is_name
}

fn phase(raw: &RawMigration, kind: Option<&str>, faults: &mut Vec<Fault>) -> Option<Phase> {
    let phase = raw.texts.get("phase")?;
    let parsed = phase.value.parse::<Phase>().map_err(|unknown| {
        // The phases of its kind are what can have been meant.
        let names: Vec<&str> = match kind {
            Some(Change::BACKFILL_COLUMN) => {
                Phase::OF_BACKFILL.iter().map(|phase| phase.name()).collect()
            }
            Some(_) => Phase::TWO_SIDED.iter().map(|phase| phase.name()).collect(),
            None => Phase::ALL.iter().map(|phase| phase.name()).collect(),
        };
        let hint = Some(spelling_hint(&phase.value, &names));
        Fault { hint, ..in_migration(raw, "phase", phase.line, unknown.to_string()) }
    });
    kept(parsed, faults)
}

/// Keys that are of other kinds.
fn strangers(raw: &RawMigration, kind: Option<&str>, faults: &mut Vec<Fault>) {
    let Some(keys) = kind.and_then(KindKeys::of) else { return };
    for (key, line) in &raw.lines {
        if let Some((message, hint)) = keys.stranger(key) {
            let fault = in_migration(raw, key, *line, message);
            faults.push(Fault { hint: Some(hint), ..fault });
        }
    }
}

/// What the file says of each migration's backfill, where it says anything.
pub(super) fn backfills(raw: Vec<RawMigration>) -> BTreeMap<String, BackfillPlan> {
    let told = raw.into_iter().filter(|raw| raw.backfill != BackfillPlan::default());
    told.map(|raw| (raw.shown_as, raw.backfill)).collect()
}

/// How a column is renamed.
#[derive(Clone, Copy)]
enum Strategy {
    /// By a second column, which is filled.
    DualWrite,
    /// In the schema itself.
    Metadata,
}

/// The values of `strategy`.
const STRATEGIES: [&str; 2] = ["dual-write", "metadata"];

fn strategy(raw: &RawMigration, faults: &mut Vec<Fault>) -> Option<Strategy> {
    let Some(text) = raw.texts.get("strategy") else { return Some(Strategy::DualWrite) };
    match text.value.as_str() {
        "dual-write" => Some(Strategy::DualWrite),
        "metadata" => Some(Strategy::Metadata),
        unknown => {
            let message = format!("unknown strategy \"{unknown}\"");
            let hint = Some(spelling_hint(unknown, &STRATEGIES));
            faults.push(Fault { hint, ..in_migration(raw, "strategy", text.line, message) });
            None
        }
    }
}

/// Which clients speak which shape.
pub(super) fn clients(raw: Vec<RawClient>, faults: &mut Vec<Fault>) -> Vec<ClientRule> {
    raw.into_iter().filter_map(|raw| client(raw, faults)).collect()
}

fn client(mut raw: RawClient, faults: &mut Vec<Fault>) -> Option<ClientRule> {
    let Some(shape) = raw.texts.remove("shape") else {
        let hint = Some("add shape = \"new\"".to_owned());
        faults.push(top("shape", raw.header, "is missing", hint));
        return None;
    };
    let role = raw.texts.remove("role").map(|text| text.value);
    let application_name = raw.texts.remove("application_name").map(|text| text.value);
    if role.is_none() && application_name.is_none() {
        let hint = "add role = \"…\" or application_name = \"…\"".to_owned();
        faults.push(top("client", raw.header, "names no client", Some(hint)));
        return None;
    }
    let parsed = shape.value.parse::<Shape>().map_err(|unknown| {
        let hint = Some(spelling_hint(&shape.value, &Shape::ALL.map(Shape::name)));
        top("shape", shape.line, unknown.to_string(), hint)
    });
    Some(ClientRule { role, application_name, shape: kept(parsed, faults)? })
}

fn not_empty(raw: &RawMigration, key: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let text = raw.texts.get(key)?;
    if text.value.trim().is_empty() {
        faults.push(in_migration(raw, key, text.line, "is empty".to_owned()));
        return None;
    }
    Some(text.value.clone())
}

fn same_names(raw: &[RawMigration], faults: &mut Vec<Fault>) {
    let mut seen = BTreeMap::new();
    for migration in raw {
        let Some(name) = migration.texts.get("name") else { continue };
        if let Some(first) = seen.insert(name.value.as_str(), name.line) {
            let message = format!("another migration has this name, in line {first}");
            faults.push(in_migration(migration, "name", name.line, message));
            seen.insert(name.value.as_str(), first);
        }
    }
}

/// A column may be the old or the new side of one migration only: two could ask for different
/// sides of it in the same statement.
fn same_columns(raw: &[RawMigration], faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<_, (&str, usize)> = BTreeMap::new();
    for migration in raw {
        for Named { relation, column, key, line } in columns_of(migration) {
            let place = (relation.clone(), column.to_owned());
            match seen.get(&place) {
                // Within one migration it is for the compiler to say: a rename to the same name.
                Some((_, header)) if *header == migration.header => {}
                Some((other, header)) => {
                    let message = format!(
                        "column \"{column}\" of table \"{relation}\" is already part of migration \
                         \"{other}\", in line {header}"
                    );
                    faults.push(in_migration(migration, key, line, message));
                }
                None => {
                    seen.insert(place, (&migration.shown_as, migration.header));
                }
            }
        }
    }
}

/// A column that a migration is about, with the key that names it and the line of that.
struct Named<'a> {
    relation: RelationName,
    column: &'a str,
    key: &'a str,
    line: usize,
}

/// The columns of its tables.
fn columns_of(migration: &RawMigration) -> Vec<Named<'_>> {
    let mut found = of_sources(migration);
    let table = migration.texts.get("table").and_then(|table| parse_relation_name(&table.value));
    let Some(relation) = table else { return found };
    let mut add = |key, column, line| {
        found.push(Named { relation: relation.clone(), column, key, line });
    };
    for key in ["from", "to", "column"] {
        if let Some(text) = migration.texts.get(key) {
            add(key, text.value.as_str(), text.line);
        }
    }
    let line = migration.lines.get("columns").copied().unwrap_or(migration.header);
    for (from, _) in migration.split.columns.iter().flat_map(MovedColumns::pairs) {
        add("columns", from, line);
    }
    found
}

/// The columns of the tables that are merged, their keys among them.
fn of_sources(migration: &RawMigration) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    for source in &migration.merge.sources {
        let table = source.table.as_ref().and_then(|table| parse_relation_name(&table.value));
        let (Some(relation), Some((columns, line))) = (table, &source.columns) else { continue };
        let key = source.key.as_ref().or(migration.merge.key.as_ref());
        let key = key.into_iter().flat_map(OneOrMore::iter);
        for column in key.chain(columns.pairs().map(|(from, _)| from)) {
            let relation = relation.clone();
            found.push(Named { relation, column, key: "source.columns", line: *line });
        }
    }
    found
}

/// The value, or its fault among the others.
fn kept<T>(result: Result<T, Fault>, faults: &mut Vec<Fault>) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}
