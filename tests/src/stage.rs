//! The physical schema of each phase for the databases of `corpus/schema/`.
//!
//! [`MOVES`] says as data what is migrated; the DDL of each phase, the rules, and the audit of what
//! the tables mean are made from it.

use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};
use serde::Deserialize;

use crate::moves::{Feature, Kind, MOVES, Move, quoted};

/// The unmigrated schema with its rows.
pub const PLAIN: &str = concat!(
    include_str!("../corpus/schema/users.sql"),
    include_str!("../corpus/schema/shop.sql"),
    include_str!("../corpus/schema/work.sql"),
    include_str!("../corpus/schema/names.sql"),
    include_str!("../corpus/schema/children.sql"),
);

/// Tables whose rows are audited although no move touches them.
const UNMOVED: [&str; 5] = ["posts", "notes", "archive.users", "archive.orders", "invoices"];

/// Sequences, whose places tell how often a volatile default was computed.
const SEQUENCES: [&str; 6] = [
    "code_seq",
    "tasks_id_seq",
    "customers_id_seq",
    "orders_id_seq",
    "articles_id_seq",
    "jobs_id_seq",
];

/// Which shape a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Before any migration: the oracle of every comparison.
    Old,
    /// With the new names instead of the old ones: what a client of the new shape knows.
    New,
    /// As it stands in that phase.
    In(Phase),
}

/// The moves that this build of segue can make.
pub fn moves() -> impl Iterator<Item = &'static Move> {
    MOVES.iter().filter(|it| it.feature.is_none_or(Feature::is_there))
}

/// What turns a database of [`PLAIN`] into one of that shape, grants and the audit included.
#[must_use]
pub fn ddl(shape: Shape) -> String {
    let steps: String = match shape {
        Shape::Old => String::new(),
        Shape::New => moves().map(renamed).collect(),
        Shape::In(phase) => {
            Phase::TWO_SIDED.into_iter().filter(|p| *p <= phase).map(step).collect()
        }
    };
    format!("{steps}\n{GRANTS}\n{RESET}\n{}", audit(shape))
}

/// What an operator does before a phase is entered, on top of the phases before it.
fn step(phase: Phase) -> String {
    let also = |it: &Move| -> String {
        let steps = it.also.iter().filter(|(before, _)| *before == phase);
        steps.map(|(_, sql)| format!("{sql};\n")).collect()
    };
    let basic = |it: &Move| {
        let Move { table, column, stale, .. } = it;
        let (from, to) = (quoted(it.from), quoted(it.to));
        match phase {
            Phase::Expand => format!("ALTER TABLE {table} ADD COLUMN {to} {column};\n"),
            Phase::DualWrite => format!("UPDATE {table} SET {to} = {};\n", it.kind.up(it.from)),
            Phase::SwitchReads => String::new(),
            // Whoever still reads an old column reads something that is plainly wrong.
            Phase::StopDualWrite => format!("UPDATE {table} SET {from} = {stale};\n"),
            Phase::Contract => format!("ALTER TABLE {table} DROP COLUMN {from};\n"),
            // Every move is one of two columns.
            Phase::Backfill | Phase::Enforce => String::new(),
        }
    };
    moves()
        .map(|it| match phase {
            Phase::StopDualWrite => also(it) + &basic(it),
            Phase::Expand
            | Phase::DualWrite
            | Phase::SwitchReads
            | Phase::Contract
            | Phase::Backfill
            | Phase::Enforce => basic(it) + &also(it),
        })
        .collect()
}

/// The move made at once, in a database that nobody looks at.
fn renamed(it: &Move) -> String {
    let (from, to) = (quoted(it.from), quoted(it.to));
    match it.kind {
        Kind::Rename => format!("ALTER TABLE {} RENAME COLUMN {from} TO {to};\n", it.table),
        // A client of the new shape would see other values, which nothing here can foretell.
        Kind::Change { .. } => String::new(),
    }
}

/// An ordinary role may do everything with the tables in `public`.
const GRANTS: &str = "GRANT ALL ON ALL TABLES IN SCHEMA public TO app;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app;";

/// `SELECT reset()` puts everything back that a rollback leaves as it is.
const RESET: &str = "CREATE FUNCTION reset() RETURNS void LANGUAGE plpgsql AS $reset$ BEGIN
    PERFORM setseed(0.5), setval('public.code_seq', 1000, false), setval('public.tasks_id_seq', 100, false),
        setval('public.customers_id_seq', 100, false), setval('public.orders_id_seq', 100, false),
        setval('public.articles_id_seq', 100, false), setval('public.jobs_id_seq', 100, false);
    END $reset$;";

/// `SELECT public.audit()` shows every row of every table under the old names, whatever exists, and
/// complains of rows whose two sides differ, and of those whose new side has a value that the old
/// one cannot have. Its call names nothing governed, so it means the same
/// through a proxy.
fn audit(shape: Shape) -> String {
    let mut parts = Vec::new();
    let mut tables: Vec<&str> = MOVES.iter().map(|it| it.table).collect();
    tables.dedup();
    if let Shape::In(Phase::StopDualWrite | Phase::Contract) = shape {
        parts.extend(moves().filter(|it| it.kind != Kind::Rename).map(lossy));
    }
    for table in tables {
        let row = old_shape(table, shape);
        let mut apart = Vec::new();
        for it in moves().filter(|it| it.table == table) {
            if let Shape::In(Phase::DualWrite | Phase::SwitchReads) = shape {
                let (from, to) = (quoted(it.from), quoted(it.to));
                let (up, down) = (it.kind.up(it.from), it.kind.down(it.to));
                apart.push(format!("{to} IS DISTINCT FROM {up} OR {from} IS DISTINCT FROM {down}"));
            }
        }
        parts.push(format!("SELECT t.tableoid::regclass || ' ' || ({row})::text FROM {table} t"));
        if !apart.is_empty() {
            parts.push(format!(
                "SELECT 'APART ' || t.tableoid::regclass || ' ' || to_jsonb(t)::text FROM {table} t WHERE {}",
                apart.join(" OR ")
            ));
        }
    }
    parts.extend(
        UNMOVED.map(|table| format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t")),
    );
    parts.extend(SEQUENCES.map(|sequence| {
        format!("SELECT '{sequence} ' || last_value || ' ' || is_called FROM {sequence}")
    }));
    // Not even a temporary table of the client's may stand in the way. The plan is kept.
    format!(
        "CREATE FUNCTION audit() RETURNS SETOF text LANGUAGE plpgsql \
         SET search_path = public, pg_temp AS $audit$ BEGIN RETURN QUERY\n{}\nORDER BY 1; END $audit$;",
        parts.join("\nUNION ALL ")
    )
}

/// Shows rows whose new value the old shape cannot hold.
fn lossy(it: &Move) -> String {
    let Move { table, .. } = it;
    let (from, to) = (quoted(it.from), quoted(it.to));
    format!(
        "SELECT 'LOSSY {table} ' || to_jsonb(x)::text FROM (SELECT {} AS {from}, {to} FROM {table}) x \
         WHERE {to} IS DISTINCT FROM {}",
        it.kind.down(it.to),
        it.kind.up(it.from)
    )
}

/// A row's jsonb in the old shape.
fn old_shape(table: &str, shape: Shape) -> String {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut hidden = vec!["to_jsonb(t)".to_owned()];
    let mut shown = Vec::new();
    for it in moves().filter(|it| it.table == table) {
        let (keeps_old, keeps_new) = match (shape, it.kind) {
            (Shape::Old, _) | (Shape::New, Kind::Change { .. }) => (true, false),
            (Shape::New, Kind::Rename) => (false, true),
            (Shape::In(Phase::Expand | Phase::DualWrite | Phase::SwitchReads), _) => (true, true),
            (Shape::In(Phase::StopDualWrite | Phase::Contract), _) => (false, true),
            (Shape::In(Phase::Backfill | Phase::Enforce), _) => (true, false),
        };
        if keeps_new {
            hidden.push(literal(it.to));
        }
        if !keeps_old {
            shown.push(format!("{}, {}", literal(it.from), it.kind.down(it.to)));
        }
    }
    format!("({}) || jsonb_build_object({})", hidden.join(" - "), shown.join(", "))
}

/// All moves in `phase`, as an operator writes them.
///
/// # Panics
/// On a rule that segue does not know.
#[must_use]
pub fn rules(phase: Phase) -> Vec<Rule> {
    moves().map(|it| rule(it, phase)).collect()
}

fn rule(it: &Move, phase: Phase) -> Rule {
    let mut written = toml::Table::new();
    let mut put = |key: &str, value: &str| {
        written.insert(key.to_owned(), toml::Value::String(value.to_owned()));
    };
    put("table", it.table);
    put("from", it.from);
    put("to", it.to);
    match it.kind {
        Kind::Rename => put("kind", "rename-column"),
        Kind::Change { up, down, from_type } => {
            put("kind", "change-column");
            if phase == Phase::Contract {
                put("from_type", from_type);
            }
            up.into_iter().for_each(|up| put("up", up));
            down.into_iter().for_each(|down| put("down", down));
        }
    }
    if !it.constraints.is_empty() {
        let pair = |&(old, new): &(&str, &str)| (old.to_owned(), toml::Value::String(new.into()));
        let pairs = it.constraints.iter().map(pair).collect();
        written.insert("constraints".to_owned(), toml::Value::Table(pairs));
    }
    // Once the old column is gone nothing but the rule remembers where it stood.
    if phase == Phase::Contract {
        written.insert("position".to_owned(), toml::Value::Integer(it.position.into()));
    }
    let change = Change::deserialize(written).unwrap_or_else(|error| panic!("{it:?}: {error}"));
    Rule { name: format!("{}-to-{}", it.table, it.to), change, phase }
}
