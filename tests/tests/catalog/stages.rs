//! A schema in every state of its migrations, and a proxy in front of it.
//!
//! `users` renames a column with a default, constraints, indexes, statistics, comments and a foreign
//! key that refers to it. `accounts` moves one to another type. `events` is partitioned.

use std::sync::Arc;

use rewrite_rules::rule::{Change, ColumnPair};
use rewrite_rules::{Phase, Rule, Shape};
use segue::phase::generation::Generation;
use segue_tests::relay::Relay;
use segue_tests::server::{Database, cluster, run};
use segue_tests::wire::{Login, Wire};
use tokio_postgres::NoTls;

const PLAIN: &str = "
    CREATE TABLE users (
        id bigserial PRIMARY KEY,
        username varchar(50) NOT NULL DEFAULT 'nobody',
        email text,
        CONSTRAINT users_username_key UNIQUE (username),
        CONSTRAINT users_username_check CHECK (username <> '' AND username <> 'handle'));
    CREATE INDEX users_lower_username_idx ON users (lower(username));
    CREATE INDEX users_email_username_idx ON users (email, username) WHERE username IS NOT NULL;
    CREATE STATISTICS users_id_username ON id, username FROM users;
    COMMENT ON COLUMN users.username IS 'the name';
    COMMENT ON INDEX users_lower_username_idx IS 'for lookups';
    COMMENT ON CONSTRAINT users_username_check ON users IS 'not empty';
    CREATE TABLE posts (
        id serial PRIMARY KEY,
        author varchar(50) CONSTRAINT posts_author_fkey REFERENCES users (username) ON UPDATE CASCADE,
        user_id bigint REFERENCES users);
    CREATE VIEW recent AS SELECT id, user_id FROM posts;
    CREATE TABLE accounts (id int PRIMARY KEY, balance numeric(10,2) NOT NULL DEFAULT 0, note text);
    CREATE INDEX accounts_balance_idx ON accounts (balance);
    CREATE TABLE events (id bigint, kind varchar(20) NOT NULL, at date NOT NULL)
        PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-1-1') TO ('2021-1-1');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2021-1-1') TO ('2022-1-1');
    CREATE INDEX events_kind_idx ON events (kind);
    GRANT SELECT ON users TO app; GRANT SELECT (id, note), UPDATE (note) ON accounts TO app;";

/// What an operator has done to the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Nothing.
    Untouched,
    /// The new columns are there.
    Expanded,
    /// They promise what the old ones do.
    Promised,
    /// Nothing depends on the old columns any more.
    Released,
    /// The old columns are gone.
    Dropped,
}

/// Each phase, in the states in which it may be met.
pub(crate) const STAGES: [(Phase, State); 8] = [
    (Phase::Expand, State::Untouched),
    (Phase::Expand, State::Expanded),
    (Phase::DualWrite, State::Expanded),
    (Phase::DualWrite, State::Promised),
    (Phase::SwitchReads, State::Promised),
    (Phase::StopDualWrite, State::Released),
    (Phase::Contract, State::Released),
    (Phase::Contract, State::Dropped),
];

fn step(state: State) -> &'static str {
    match state {
        State::Untouched => PLAIN,
        State::Expanded => {
            "ALTER TABLE users ADD COLUMN handle varchar(50);
             COMMENT ON COLUMN users.handle IS 'the name';
             ALTER TABLE accounts ADD COLUMN cents bigint;
             ALTER TABLE events ADD COLUMN category varchar(20);"
        }
        State::Promised => {
            "ALTER TABLE users ALTER COLUMN handle SET DEFAULT 'nobody',
                 ALTER COLUMN handle SET NOT NULL,
                 ADD CONSTRAINT users_handle_key UNIQUE (handle),
                 ADD CONSTRAINT users_handle_check CHECK (handle <> '' AND handle <> 'handle');
             CREATE INDEX users_lower_handle_idx ON users (lower(handle));
             CREATE INDEX users_email_handle_idx ON users (email, handle) WHERE handle IS NOT NULL;
             CREATE STATISTICS users_id_handle ON id, handle FROM users;
             COMMENT ON INDEX users_lower_handle_idx IS 'for lookups';
             COMMENT ON CONSTRAINT users_handle_check ON users IS 'not empty';
             ALTER TABLE accounts ALTER COLUMN cents SET DEFAULT 0,
                 ALTER COLUMN cents SET NOT NULL;
             CREATE INDEX accounts_cents_idx ON accounts (cents);
             ALTER TABLE events ALTER COLUMN category SET NOT NULL;
             CREATE INDEX events_category_idx ON events (category);"
        }
        State::Released => {
            "ALTER TABLE posts DROP CONSTRAINT posts_author_fkey,
                 ADD CONSTRAINT posts_handle_fkey FOREIGN KEY (author)
                     REFERENCES users (handle) ON UPDATE CASCADE;
             ALTER TABLE users ALTER COLUMN username DROP NOT NULL;
             ALTER TABLE accounts ALTER COLUMN balance DROP NOT NULL;
             ALTER TABLE events ALTER COLUMN kind DROP NOT NULL;"
        }
        State::Dropped => {
            "ALTER TABLE users DROP COLUMN username;
             ALTER TABLE accounts DROP COLUMN balance;
             ALTER TABLE events DROP COLUMN kind;"
        }
    }
}

/// A database in that state.
pub(crate) fn database(state: State) -> Database {
    let all = [State::Untouched, State::Expanded, State::Promised, State::Released, State::Dropped];
    let steps = all.into_iter().filter(|step| *step <= state).map(step);
    Database::create("catalog", &steps.collect::<String>())
}

/// The database whose schema a client of that shape knows.
pub(crate) fn known(shape: Shape) -> Database {
    database(match shape {
        Shape::Old => State::Untouched,
        Shape::New => State::Dropped,
    })
}

fn pair(table: &str, from: &str, to: &str, constraints: &[(&str, &str)]) -> ColumnPair {
    ColumnPair {
        position: Some(2),
        constraints: constraints.iter().map(|(old, new)| ((*old).into(), (*new).into())).collect(),
        ..ColumnPair::new(table, from, to)
    }
}

/// The migrations in `phase`.
pub(crate) fn rules(phase: Phase) -> Vec<Rule> {
    let users = pair(
        "users",
        "username",
        "handle",
        &[
            ("users_username_key", "users_handle_key"),
            ("users_username_check", "users_handle_check"),
            ("users_lower_username_idx", "users_lower_handle_idx"),
            ("users_email_username_idx", "users_email_handle_idx"),
            ("users_id_username", "users_id_handle"),
            ("posts_author_fkey", "posts_handle_fkey"),
        ],
    );
    let accounts =
        pair("accounts", "balance", "cents", &[("accounts_balance_idx", "accounts_cents_idx")]);
    let events = pair(
        "events",
        "kind",
        "category",
        &[
            ("events_kind_idx", "events_category_idx"),
            ("events_1_kind_idx", "events_1_category_idx"),
            ("events_2_kind_idx", "events_2_category_idx"),
        ],
    );
    let accounts = Change::ChangeColumn {
        columns: accounts,
        up: Some("(balance * 100)::bigint".to_owned()),
        down: Some("cents / 100.0".to_owned()),
        from_type: Some("numeric(10,2)".to_owned()),
    };
    [Change::RenameColumn(users), accounts, Change::RenameColumn(events)]
        .into_iter()
        .map(|change| Rule { name: change.tables().concat(), change, phase })
        .collect()
}

/// The generation of the migrations over what the database really has.
pub(crate) fn generation(number: u64, database: &Database, rules: &[Rule]) -> Arc<Generation> {
    let catalog = run(async {
        let config = cluster().superuser(&database.name);
        let (mut client, connection) = config.connect(NoTls).await.expect("the superuser");
        tokio::spawn(connection);
        segue::catalog::load(&mut client).await.expect("the catalog")
    });
    let compiled = rewrite_rules::compile(number, rules, Arc::new(catalog))
        .unwrap_or_else(|faults| panic!("{faults:?}"));
    Arc::new(Generation::new(compiled))
}

/// A database in a state, and a relay in front of it in a phase.
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) database: Database,
    pub(crate) relay: Relay,
}

impl Stage {
    pub(crate) fn enter(phase: Phase, state: State) -> Self {
        let database = database(state);
        let relay = Relay::start(&database, generation(1, &database, &rules(phase)));
        Self { name: format!("{phase}, {state:?}"), database, relay }
    }

    /// How the superuser logs in as a client of that shape.
    pub(crate) fn login(&self, shape: Shape) -> Login {
        let login = Login::at(self.relay.port, self.database.superuser(), &self.database.name);
        login.with("segue.shape", shape.name())
    }

    pub(crate) fn connect(&self, shape: Shape) -> Wire {
        self.login(shape).connect()
    }
}

/// Each stage and shape, but those in which a client cannot know the type of a column to come.
pub(crate) fn shapes(state: State) -> Vec<Shape> {
    match state {
        State::Untouched => vec![Shape::Old],
        State::Expanded | State::Promised | State::Released | State::Dropped => Shape::ALL.to_vec(),
    }
}
