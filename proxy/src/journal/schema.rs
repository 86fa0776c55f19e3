//! The tables in schema `segue`, made and brought up to date.

use rewrite_rules::name::quoted;
use tokio_postgres::Client;

use super::JournalError;

/// The version that this segue works with.
pub const VERSION: i32 = 2;

/// Leads from each version to the next.
const UPGRADES: [&str; 2] = [FIRST, SECOND];

/// One at a time makes or upgrades it. An arbitrary key: "segue" in ASCII.
const LOCK_KEY: i64 = 0x73_65_67_75_65;

const FIRST: &str = "\
CREATE SCHEMA IF NOT EXISTS segue;
COMMENT ON SCHEMA segue IS 'Journal of segue: which migration is in which phase, and which proxies take part';

-- One row: what all proxies have agreed on.
CREATE TABLE segue.fleet (
    id text NOT NULL DEFAULT gen_random_uuid()::text,
    version int NOT NULL,
    epoch bigint NOT NULL,
    frozen_at timestamptz,
    frozen_by text,
    frozen_why text,
    -- All hold their clients back until this migration's columns are renamed, or the time is over.
    hold text,
    hold_until timestamptz,
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row)
);
INSERT INTO segue.fleet (version, epoch) VALUES (1, 0);

-- The migrations of the present epoch.
CREATE TABLE segue.migration (
    name text PRIMARY KEY,
    definition jsonb NOT NULL,
    phase text NOT NULL,
    epoch bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Every step that was taken. from_phase is NULL where a migration begins, to_phase where it ends.
CREATE TABLE segue.history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    epoch bigint NOT NULL,
    migration text,
    from_phase text,
    to_phase text,
    action text NOT NULL,
    who text NOT NULL,
    why text,
    forced text
);

-- What came of each comparison of all rows, which the gates of the steps ask for.
CREATE TABLE segue.verification (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    epoch bigint NOT NULL,
    migration text NOT NULL,
    -- The phase that was to be entered.
    phase text NOT NULL,
    -- equal, different, or unknown
    result text NOT NULL,
    detail text,
    took interval NOT NULL
);

-- The proxies. One that is expelled is counted no more, and may not write here any more.
CREATE TABLE segue.replica (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    host text NOT NULL,
    pid int NOT NULL,
    address text NOT NULL,
    config text NOT NULL,
    -- The phases of its file when it was last taken.
    file text NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease interval NOT NULL,
    acknowledged bigint NOT NULL,
    problem text,
    expelled_at timestamptz
) WITH (fillfactor = 50);

-- Their sessions on this server. A crash ends them all, so it may empty the table too.
CREATE UNLOGGED TABLE segue.session (
    replica text,
    backend int,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (replica, backend)
);
";

const SECOND: &str = "\
-- The latest backfill of each migration.
CREATE TABLE segue.backfill (
    migration text PRIMARY KEY,
    -- The column that is written, and the epoch in which the migration came into its phase: what was
    -- copied in another one proves nothing.
    target text NOT NULL,
    epoch bigint NOT NULL,
    -- Who works on it; whoever finds another one here stops.
    runner text NOT NULL,
    who text NOT NULL,
    -- What a proxy was told that runs it: another one goes on with it when that is gone.
    inside text,
    -- What its passes and ranges mean: steps, tables and keys. NULL: the next run begins anew.
    plan text,
    -- running, done, failed, or cancelled
    state text NOT NULL,
    -- What an operator wishes: pause or cancel.
    wish text,
    wished_by text,
    -- The priority steps, then all rows, then sweeps until nothing is left.
    pass int NOT NULL,
    pass_name text NOT NULL,
    total bigint NOT NULL,
    passed bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    retries bigint NOT NULL DEFAULT 0,
    rate real,
    -- What slows it down, or why it ended.
    reason text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- The stretches of the pass under way. A batch commits its rows and its place here together. Keys are
-- in their text form.
CREATE TABLE segue.backfill_range (
    migration text REFERENCES segue.backfill ON DELETE CASCADE,
    number int,
    part oid NOT NULL,
    -- after < key <= up_to
    after text[],
    up_to text[] NOT NULL,
    -- The window that is walked through several times, and how far the present time is.
    window_after text[],
    window_up_to text[],
    stripes int NOT NULL DEFAULT 1,
    stripe int NOT NULL DEFAULT 0,
    place text[],
    passed bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    is_done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (migration, number)
) WITH (fillfactor = 50);

-- Rows that could not be copied.
CREATE TABLE segue.backfill_failure (
    migration text REFERENCES segue.backfill ON DELETE CASCADE,
    part text,
    key text,
    sqlstate text NOT NULL,
    message text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (migration, part, key)
);

-- The comparison of each migration's rows that is under way, or was the latest.
CREATE TABLE segue.verify (
    migration text PRIMARY KEY,
    -- The epoch in which the migration came into its phase, and what is compared: its columns and
    -- tables. What was compared of another one proves nothing.
    epoch bigint NOT NULL,
    subject text NOT NULL,
    -- The side that is mended: new or old.
    fix text,
    -- Who works on it; whoever finds another one here stops. One that gives way does so for any other.
    runner text NOT NULL,
    who text NOT NULL,
    gives_way boolean NOT NULL,
    -- running or done
    state text NOT NULL DEFAULT 'running',
    total bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- The stretches of keys of that. What of one was compared, up to and with the key in after, is counted
-- here. Keys are in their text form.
CREATE TABLE segue.verify_range (
    migration text REFERENCES segue.verify ON DELETE CASCADE,
    number int,
    part oid NOT NULL,
    -- after < key <= up_to
    after text[],
    up_to text[] NOT NULL,
    compared bigint NOT NULL DEFAULT 0,
    differing bigint NOT NULL DEFAULT 0,
    -- Rows that could not be compared.
    failed bigint NOT NULL DEFAULT 0,
    mended bigint NOT NULL DEFAULT 0,
    is_done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (migration, number)
) WITH (fillfactor = 50);

-- The first rows of each stretch that differ, or could not be compared or mended. Values are as SQL
-- writes them, long ones cut.
CREATE TABLE segue.verify_row (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    migration text NOT NULL REFERENCES segue.verify ON DELETE CASCADE,
    number int NOT NULL,
    part text NOT NULL,
    key text NOT NULL,
    source text,
    found text,
    expected text,
    problem text
);
CREATE INDEX ON segue.verify_row (migration, number);

-- A result counts from when it was begun: what was written before is only seen by what began after.
ALTER TABLE segue.verification
    ADD COLUMN started_at timestamptz,
    ADD COLUMN subject text,
    ADD COLUMN rows bigint,
    ADD COLUMN differing bigint,
    ADD COLUMN failed bigint,
    ADD COLUMN mended bigint,
    ADD COLUMN who text,
    -- Whether all rows were looked at.
    ADD COLUMN complete boolean NOT NULL DEFAULT false;
CREATE INDEX ON segue.verification (migration, id);

-- When a replica told that it has drained the epoch.
ALTER TABLE segue.replica ADD COLUMN acknowledged_at timestamptz;
";

/// What segue's role needs to work with it.
fn grants(role: &str) -> String {
    let role = quoted(role);
    format!(
        "GRANT USAGE ON SCHEMA segue TO {role};\n\
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA segue TO {role};\n"
    )
}

/// Whether the present role may do with the journal all that [`grants`] lets one.
const MAY_USE: &str = "
    SELECT current_user::text,
           has_schema_privilege('segue', 'USAGE')
           AND NOT EXISTS (SELECT FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p (name)
                           WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'segue')
                             AND c.relkind IN ('r', 'p') AND NOT has_table_privilege(c.oid, p.name))";

/// What lets the role of `client` work with the journal, if it may not.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// The server's.
pub async fn lacking(client: &Client) -> Result<Option<String>, JournalError> {
    let row = client.query_one(MAY_USE, &[]).await?;
    let (role, may): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
    Ok((!may).then(|| grants(&role)))
}

/// All of it as a script, for whoever runs DDL by hand.
#[must_use]
pub fn script(role: &str) -> String {
    format!(
        "BEGIN;\n{}\nUPDATE segue.fleet SET version = {VERSION};\n{}COMMIT;\n",
        UPGRADES.concat(),
        grants(role)
    )
}

/// Makes the journal, or brings it up to date, and lets `role` use it. Gives the version found: 0
/// if there was none. With `published` also where all tables are published.
///
/// Cancel safety: all of it is one transaction.
///
/// # Errors
/// The journal is newer, or the server says no.
pub async fn init(client: &mut Client, role: &str, published: bool) -> Result<i32, JournalError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK_KEY]).await?;
    let exists = "SELECT to_regclass('segue.fleet') IS NOT NULL";
    let found: i32 = match transaction.query_one(exists, &[]).await?.try_get(0)? {
        false => 0,
        true => {
            let version = transaction.query_opt("SELECT version FROM segue.fleet", &[]).await?;
            let empty = || JournalError::Failed("segue.fleet has lost its row".to_owned());
            version.ok_or_else(empty)?.try_get(0)?
        }
    };
    let Some(upgrades) = usize::try_from(found).ok().and_then(|found| UPGRADES.get(found..)) else {
        return Err(JournalError::Version { found });
    };
    if !upgrades.is_empty() && !published {
        let names = "SELECT string_agg(format('%I', pubname), ', ' ORDER BY pubname)
                     FROM pg_publication WHERE puballtables";
        if let Some(names) = transaction.query_one(names, &[]).await?.try_get(0)? {
            return Err(JournalError::Published(names));
        }
    }
    for upgrade in upgrades {
        transaction.batch_execute(upgrade).await?;
    }
    transaction.execute("UPDATE segue.fleet SET version = $1", &[&VERSION]).await?;
    transaction.batch_execute(&grants(role)).await?;
    transaction.commit().await?;
    Ok(found)
}
