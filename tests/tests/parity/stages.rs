//! The databases: unmigrated, with the new names, and in each phase with a proxy before it.

use std::sync::{Arc, LazyLock};

use rewrite_rules::{Phase, Rule, Shape as Client};
use segue::phase::generation::Generation;
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::stage::Shape;
use segue_tests::wire::Wire;

use crate::corpus::{self, Entry};
use crate::schemas::{self, Schema};

/// Where databases of a schema come from: a rollback leaves sequences as they are, so each session
/// has its own.
#[derive(Debug)]
pub(crate) struct Stages {
    /// What they have in them.
    pub(crate) schema: Schema,
    /// Major version of the server.
    server: u32,
    template: Database,
}

/// Of columns.
pub(crate) static COLUMNS: LazyLock<Stages> = LazyLock::new(|| Stages::of(schemas::COLUMNS));

/// Of tables that are split.
pub(crate) static SPLIT: LazyLock<Stages> = LazyLock::new(|| Stages::of(schemas::SPLIT));

/// Of tables that are merged.
pub(crate) static MERGE: LazyLock<Stages> = LazyLock::new(|| Stages::of(schemas::MERGE));

/// Of every schema.
pub(crate) fn all() -> [&'static Stages; 3] {
    [&COLUMNS, &SPLIT, &MERGE]
}

/// A session through segue.
pub(crate) struct Through {
    /// The session.
    pub(crate) wire: Wire,
    _relay: Relay,
}

impl Stages {
    /// Makes the template.
    fn of(schema: Schema) -> Self {
        let version = Database::create("version", "").connect().rows("SHOW server_version_num");
        let number: u32 = version.concat().parse().expect("a version");
        let template = Database::create("template", schema.plain);
        Self { schema, server: number / 10_000, template }
    }

    /// Its statements, as far as this server knows them.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let Schema { name, folder, fewest, .. } = self.schema;
        let entries = corpus::read(folder, self.server);
        assert!(entries.len() >= fewest, "the corpus of {name} shrank to {}", entries.len());
        entries
    }

    /// A database of that shape.
    fn database(&self, about: &str, shape: Shape) -> Database {
        Database::copy(&self.template, about, &(self.schema.ddl)(shape))
    }

    /// A session of an unmigrated database.
    pub(crate) fn plain(&self) -> Wire {
        self.database("plain", Shape::Old).connect()
    }

    /// A session of a database that has that shape and no other.
    pub(crate) fn native(&self, client: Client) -> Wire {
        match client {
            Client::Old => self.plain(),
            Client::New => self.database_for("native", Phase::Contract, client).connect(),
        }
    }

    /// A database in that phase, with what clients of that shape need.
    fn database_for(&self, about: &str, phase: Phase, client: Client) -> Database {
        let Schema { ddl, image, .. } = self.schema;
        let besides = match client {
            Client::Old => String::new(),
            Client::New => image(Shape::In(phase)),
        };
        Database::copy(&self.template, about, &(ddl(Shape::In(phase)) + &besides))
    }

    /// A session of a database whose columns are simply renamed.
    pub(crate) fn renamed(&self) -> Wire {
        self.database("renamed", Shape::New).connect()
    }

    /// A session of a database that stands in that phase, without segue.
    pub(crate) fn directly(&self, phase: Phase) -> Wire {
        self.database("direct", Shape::In(phase)).connect()
    }

    /// A session through segue in that phase.
    pub(crate) fn through(&self, phase: Phase) -> Through {
        self.through_as(phase, Client::Old)
    }

    /// The session of a client of that shape.
    pub(crate) fn through_as(&self, phase: Phase, client: Client) -> Through {
        let database = self.database_for("phase", phase, client);
        let mut through = through(&database, &(self.schema.rules)(phase));
        if client == Client::New {
            through.wire.script(&format!("SET segue.shape = '{client}'"));
        }
        through
    }

    /// The right generation of that phase.
    pub(crate) fn generation(&self, phase: Phase) -> Arc<Generation> {
        let database = self.database("right", Shape::In(phase));
        relay::generation_of(1, &(self.schema.rules)(phase), &database)
    }

    /// A session through segue under any rules, on a database that stands in that phase.
    pub(crate) fn through_with(&self, phase: Phase, rules: &[Rule]) -> Through {
        through(&self.database("phase", Shape::In(phase)), rules)
    }
}

/// A session of that database, through segue under those rules.
fn through(database: &Database, rules: &[Rule]) -> Through {
    let relay = Relay::start(database, relay::generation_of(1, rules, database));
    Through { wire: relay.connect(database), _relay: relay }
}
