//! The physical schema of each phase for the database of `corpus/schema.sql`.
//!
//! Four tables are migrated at once: `users` (NOT NULL and UNIQUE), `"Account"` (mixed case),
//! `tasks` (a constant default) and `tokens` (a volatile default).

use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Phase, Rule};

/// The unmigrated schema with its rows.
pub const PLAIN: &str = include_str!("../corpus/schema.sql");

/// What an operator does before a phase is entered, on top of the phases before it.
fn step(phase: Phase) -> &'static str {
    match phase {
        Phase::Expand => {
            r#"ALTER TABLE users ADD COLUMN handle varchar(50);
               ALTER TABLE "Account" ADD COLUMN "displayName" text;
               ALTER TABLE tasks ADD COLUMN heading text DEFAULT 'untitled';
               ALTER TABLE tokens ADD COLUMN number bigint;"#
        }
        Phase::DualWrite => {
            r#"UPDATE users SET handle = username;
               UPDATE "Account" SET "displayName" = "userName";
               UPDATE tasks SET heading = label;
               UPDATE tokens SET number = code;
               CREATE INDEX users_handle_idx ON users (handle);"#
        }
        Phase::SwitchReads => {
            "CREATE UNIQUE INDEX users_handle_key ON users (handle);
             ALTER TABLE users ALTER COLUMN handle SET NOT NULL;
             ALTER TABLE tokens ALTER COLUMN number SET NOT NULL;"
        }
        // Whoever still reads an old column reads something that is plainly wrong.
        Phase::StopDualWrite => {
            r#"ALTER TABLE users ALTER COLUMN username DROP NOT NULL;
               ALTER TABLE tokens ALTER COLUMN code DROP NOT NULL, ALTER COLUMN code DROP DEFAULT,
                   ALTER COLUMN number SET DEFAULT nextval('code_seq');
               UPDATE users SET username = 'stale-' || id;
               UPDATE "Account" SET "userName" = 'stale';
               UPDATE tasks SET label = 'stale';
               UPDATE tokens SET code = -id;"#
        }
        Phase::Contract => {
            r#"ALTER TABLE users DROP COLUMN username;
               ALTER TABLE "Account" DROP COLUMN "userName";
               ALTER TABLE tasks DROP COLUMN label;
               ALTER TABLE tokens DROP COLUMN code;"#
        }
    }
}

/// The whole DDL of a database that stands in `phase`; `None` for the unmigrated one.
#[must_use]
pub fn ddl(phase: Option<Phase>) -> String {
    let steps: String = match phase {
        None => String::new(),
        Some(phase) => Phase::ALL.into_iter().filter(|p| *p <= phase).map(step).collect(),
    };
    let grants = "GRANT ALL ON ALL TABLES IN SCHEMA public TO app;
                  GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app;";
    format!("{PLAIN}\n{steps}\n{grants}\n{}", audit(phase))
}

/// A renamed column: table, old name, new name.
const RENAMED: [(&str, &str, &str); 4] = [
    ("users", "username", "handle"),
    (r#""Account""#, "userName", "displayName"),
    ("tasks", "label", "heading"),
    ("tokens", "code", "number"),
];

/// `SELECT audit()` shows every row of every table under the old names, whatever exists, and
/// complains of rows whose two sides differ. Its call names nothing governed, so it means the same
/// through a proxy.
fn audit(phase: Option<Phase>) -> String {
    let mut parts = Vec::new();
    for (table, from, to) in RENAMED {
        let row = match phase {
            None => "to_jsonb(t)".to_owned(),
            Some(Phase::Expand | Phase::DualWrite | Phase::SwitchReads) => {
                format!("to_jsonb(t) - '{to}'")
            }
            Some(Phase::StopDualWrite | Phase::Contract) => {
                format!(r#"to_jsonb(t) - '{to}' || jsonb_build_object('{from}', t."{to}")"#)
            }
        };
        parts.push(format!("SELECT '{table} ' || ({row})::text FROM {table} t"));
        if let Some(Phase::DualWrite | Phase::SwitchReads) = phase {
            parts.push(format!(
                "SELECT 'APART {table} ' || to_jsonb(t)::text FROM {table} t \
                 WHERE t.\"{from}\" IS DISTINCT FROM t.\"{to}\""
            ));
        }
    }
    for table in ["posts", "notes"] {
        parts.push(format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t"));
    }
    for sequence in ["code_seq", "tasks_id_seq"] {
        parts.push(format!(
            "SELECT '{sequence} ' || last_value || ' ' || is_called FROM {sequence}"
        ));
    }
    format!(
        "CREATE FUNCTION audit() RETURNS SETOF text LANGUAGE sql AS $audit$\n{}\nORDER BY 1 $audit$;",
        parts.join("\nUNION ALL ")
    )
}

/// The renames of all four tables in `phase`.
#[must_use]
pub fn rules(phase: Phase) -> Vec<Rule> {
    RENAMED
        .into_iter()
        .map(|(table, from, to)| {
            let change = Change::RenameColumn(ColumnPair {
                // Once the old column is gone nothing but the rule remembers where it stood.
                position: (phase == Phase::Contract).then_some(2),
                ..ColumnPair::new(table, from, to)
            });
            Rule { name: format!("rename-to-{}", to.to_lowercase()), change, phase }
        })
        .collect()
}
