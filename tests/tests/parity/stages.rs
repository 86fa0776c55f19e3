//! The databases: unmigrated, with the new names, and in each phase with a proxy before it.

use std::sync::{Arc, OnceLock};

use rewrite_rules::{Phase, Rule};
use segue::phase::generation::Generation;
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::stage::{self, Shape};
use segue_tests::wire::Wire;

/// Where databases come from: a rollback leaves sequences as they are, so each session has its own.
#[derive(Debug)]
pub(crate) struct Stages {
    /// Major version of the server.
    pub(crate) server: u32,
    template: Database,
}

/// A session through segue.
pub(crate) struct Through {
    /// The session.
    pub(crate) wire: Wire,
    _relay: Relay,
}

impl Stages {
    /// Makes the template, or waits until it is made.
    pub(crate) fn get() -> &'static Self {
        static STAGES: OnceLock<Stages> = OnceLock::new();
        STAGES.get_or_init(|| {
            let version = Database::create("version", "").connect().rows("SHOW server_version_num");
            let number: u32 = version.concat().parse().expect("a version");
            let template = Database::create("template", stage::PLAIN);
            Self { server: number / 10_000, template }
        })
    }

    /// A session of an unmigrated database.
    pub(crate) fn plain(&self) -> Wire {
        Database::copy(&self.template, "plain", &stage::ddl(Shape::Old)).connect()
    }

    /// A session of a database whose columns are simply renamed.
    pub(crate) fn renamed(&self) -> Wire {
        Database::copy(&self.template, "renamed", &stage::ddl(Shape::New)).connect()
    }

    /// A session of a database that stands in that phase, without segue.
    pub(crate) fn directly(&self, phase: Phase) -> Wire {
        Database::copy(&self.template, "direct", &stage::ddl(Shape::In(phase))).connect()
    }

    /// A session through segue in that phase.
    pub(crate) fn through(&self, phase: Phase) -> Through {
        self.through_with(phase, &stage::rules(phase))
    }

    /// The right generation of that phase.
    pub(crate) fn generation(&self, phase: Phase) -> Arc<Generation> {
        let database = Database::copy(&self.template, "right", &stage::ddl(Shape::In(phase)));
        relay::generation_of(1, &stage::rules(phase), &database)
    }

    /// A session through segue under any rules, on a database that stands in that phase.
    pub(crate) fn through_with(&self, phase: Phase, rules: &[Rule]) -> Through {
        let database = Database::copy(&self.template, "phase", &stage::ddl(Shape::In(phase)));
        let relay = Relay::start(&database, relay::generation_of(1, rules, &database));
        Through { wire: relay.connect(&database), _relay: relay }
    }
}
