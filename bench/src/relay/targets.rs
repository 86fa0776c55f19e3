//! Those who are compared.

use std::path::Path;

use super::Arguments;
use crate::fault::Fault;
use crate::house::{BASE, House, touched, untouched};
use crate::relays::{Lending, Link, Relay};

pub(super) const DIRECT: &str = "direct";
pub(super) const PGBOUNCER: &str = "pgbouncer";
/// PgBouncer that connects to the server for each client anew, as segue does.
pub(super) const LENDS_NONE: &str = "pgbouncer, lending none";
/// The database that PgBouncer's load has to itself.
const PGBOUNCER_BASE: &str = "pgbouncer_s";
/// segue without a migration.
pub(super) const SEGUE: &str = "segue";
/// segue with twenty tables that are not touched.
pub(super) const UNTOUCHED: &str = "segue, 20 others";

/// The table that the load touches is in one of these.
const PHASES: [&str; 5] = ["expand", "dual-write", "switch-reads", "stop-dual-write", "contract"];

/// One of them.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) database: String,
    /// `None`: nothing stands in between.
    pub(super) relay: Option<Relay>,
}

impl Target {
    pub(super) fn port(&self, house: &House) -> u16 {
        self.relay.as_ref().map_or(house.cluster.port(), |relay| relay.port)
    }
}

/// All of them, running.
#[derive(Debug)]
pub(super) struct Targets {
    all: Vec<Target>,
}

impl Targets {
    pub(super) async fn start(
        house: &House,
        pgbouncer: Option<&Path>,
        arguments: &Arguments,
    ) -> Result<Self, Fault> {
        let wanted = |name: &str| {
            arguments.targets.is_empty() || arguments.targets.iter().any(|wanted| wanted == name)
        };
        let mut all = Vec::new();
        // Each works on tables of its own, so that nobody finds those of another in worse order.
        if wanted(DIRECT) {
            house.copy("direct").await?;
            all.push(Target {
                name: DIRECT.to_owned(),
                database: "direct".to_owned(),
                relay: None,
            });
        }
        if let Some(program) = pgbouncer.filter(|_| wanted(PGBOUNCER)) {
            house.copy(PGBOUNCER_BASE).await?;
            let how = (arguments.link, Lending::Free);
            all.push(Target {
                name: PGBOUNCER.to_owned(),
                database: PGBOUNCER_BASE.to_owned(),
                relay: Some(Relay::pgbouncer(program, house, how).await?),
            });
        }
        let phases = PHASES.map(|phase| (format!("segue {phase}"), touched(phase)));
        let rules = [(SEGUE.to_owned(), String::new()), (UNTOUCHED.to_owned(), untouched())];
        for (number, (name, migrations)) in rules.into_iter().chain(phases).enumerate() {
            if wanted(&name) {
                let database = format!("segue_{number}");
                house.copy(&database).await?;
                let relay = Relay::segue(house, &database, &migrations, arguments.link).await?;
                all.push(Target { name, database, relay: Some(relay) });
            }
        }
        if all.is_empty() {
            return Err(Fault::Other(format!(
                "no target is called one of {:?}",
                arguments.targets
            )));
        }
        house.discard(BASE).await?;
        Ok(Self { all })
    }

    /// One more, for connections alone, where PgBouncer is compared.
    pub(super) async fn lending_none(
        &self,
        house: &House,
        (pgbouncer, link): (Option<&Path>, Link),
    ) -> Result<Option<Target>, Fault> {
        let is_compared = self.all.iter().any(|target| target.name == PGBOUNCER);
        let Some(program) = pgbouncer.filter(|_| is_compared) else { return Ok(None) };
        Ok(Some(Target {
            name: LENDS_NONE.to_owned(),
            database: PGBOUNCER_BASE.to_owned(),
            relay: Some(Relay::pgbouncer(program, house, (link, Lending::Never)).await?),
        }))
    }

    /// All of them, each round beginning with another one.
    pub(super) fn in_turn(&self, round: usize) -> impl Iterator<Item = &Target> {
        let first = round % self.all.len().max(1);
        self.all.iter().cycle().skip(first).take(self.all.len())
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.all.iter().map(|target| target.name.clone()).collect()
    }

    /// Whether the load's own table is being migrated there.
    pub(super) fn is_touched(&self, name: &str) -> bool {
        PHASES.iter().any(|phase| name.strip_prefix("segue ") == Some(phase))
    }
}
