//! Prepares a generation, swaps it in and starts its drain; one flip at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rewrite_rules::Shape;
use rewrite_rules::catalog::RelationName;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::drain::{Drain, Waiting};
use super::generation::{Current, Generation};
use super::plan::Plan;
use super::prepare::{Loaded, Prepared, load_with, prepare};
use crate::catalog;
use crate::config::{Config, Draft, Report};

/// How long a flip waits for the one before it to drain before it is refused, so that two commands
/// in a script do not trip over each other. Unit: milliseconds.
pub const PREVIOUS_DRAIN_MS: u64 = 2_000;

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// Number of the generation in force afterwards.
    pub generation: u64,
    /// What it did to the migrations; empty if at most the catalog was found changed.
    pub plan: Plan,
}

/// Why a reload left everything as it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReloadError {
    /// The file, its steps or the database have faults.
    #[error("{0}")]
    Faults(Report),
    /// The flip before it is not drained.
    #[error(
        "generation {generation} has not drained: {}", waited_for(.waiting, .problem.as_ref())
    )]
    NotDrained {
        /// The generation that is on its way.
        generation: u64,
        /// Who is waited for.
        waiting: Vec<Waiting>,
        /// What keeps the server from being asked.
        problem: Option<String>,
    },
    /// The proxy is ending.
    #[error("the proxy is shutting down")]
    ShuttingDown,
}

fn waited_for(waiting: &[Waiting], problem: Option<&String>) -> String {
    match (waiting, problem) {
        ([], None) => "the server is being asked".to_owned(),
        ([], Some(problem)) => problem.clone(),
        ([only], _) => only.to_string(),
        ([first, rest @ ..], _) => format!("{first}, and {} more", rest.len()),
    }
}

/// Owns everything that a flip changes.
pub struct Flipper {
    /// What is in force; of what is read at start only, as it was then.
    config: Config,
    current: Arc<Current>,
    loaded: Loaded,
    client: Option<Client>,
    flips: watch::Sender<Arc<Drain>>,
    drains: JoinSet<()>,
    /// The last thing said about the catalog, so that it is said once.
    said: Option<String>,
}

impl Flipper {
    /// Starts with a prepared configuration in force as it is.
    ///
    /// That is a flip too: transactions of an earlier process may still be running.
    #[must_use]
    pub fn start(prepared: Prepared) -> (Self, Config) {
        let Prepared { config, generation, plan: _, loaded, client } = prepared;
        let number = generation.number();
        let tables = governed(&generation);
        let generation = Generation::new(generation).with_clients(&config.clients);
        let current = Arc::new(Current::new(Arc::new(generation)));
        let mut flipper = Self {
            config: config.clone(),
            current,
            loaded,
            client: Some(client),
            flips: watch::Sender::new(Drain::begin(number, config.control.clone())),
            drains: JoinSet::new(),
            said: None,
        };
        flipper.spawn_drain(tables);
        (flipper, config)
    }

    /// The generation in force and who lives in which.
    #[must_use]
    pub fn current(&self) -> &Arc<Current> {
        &self.current
    }

    /// The latest flip that changed a migration.
    #[must_use]
    pub fn flips(&self) -> watch::Receiver<Arc<Drain>> {
        self.flips.subscribe()
    }

    /// Reads the file and the catalog again, and swaps if anything has changed.
    ///
    /// Cancel safety: until the swap nothing has changed; after it nothing is awaited.
    ///
    /// # Errors
    /// Any fault leaves the running generation in force.
    pub async fn reload(&mut self) -> Result<Reloaded, ReloadError> {
        let draft = Draft::read(&self.config.path).await;
        let number = self.current.number() + 1;
        let prepared = prepare(draft, number, Some(&self.config.rules)).await;
        let prepared = prepared.map_err(ReloadError::Faults)?;
        let Prepared { config, generation, plan, loaded, client } = prepared;
        let same_clients = config.clients == self.config.clients;
        if plan.is_empty() && same_clients && *loaded.catalog == *self.loaded.catalog {
            self.loaded.fingerprint = loaded.fingerprint;
            self.take_over(config);
            return Ok(Reloaded { generation: self.current.number(), plan });
        }
        if !plan.is_empty() {
            self.previous_drained().await?;
        }
        let mut tables = governed(self.current.load().compiled());
        tables.extend(governed(&generation));
        self.take_over(config);
        self.client = Some(client);
        self.swap(generation, loaded);
        if !plan.is_empty() {
            self.flips.send_replace(Drain::begin(number, self.config.control.clone()));
            self.spawn_drain(tables);
        }
        for step in &plan.steps {
            tracing::info!(generation = number, "{step}");
        }
        Ok(Reloaded { generation: number, plan })
    }

    /// Looks whether the catalog has changed behind our back, and if it has, swaps to a generation
    /// of the same rules that knows it. Phases stay, so this waits for no drain.
    ///
    /// Cancel safety: until the swap nothing has changed; after it nothing is awaited.
    pub async fn follow_catalog(&mut self) {
        match self.changed_catalog().await {
            Ok(None) => self.say_good("the catalog is watched again, and has not changed"),
            Ok(Some(found)) if *found.catalog == *self.loaded.catalog => {
                self.loaded.fingerprint = found.fingerprint;
                self.say_good("the catalog fits the rules again");
            }
            Ok(Some(found)) => self.adopt(found),
            Err(problem) => {
                self.client = None;
                self.say(format!("the catalog cannot be watched: {problem}"));
            }
        }
    }

    /// Swaps to a generation of the same rules for another catalog, if they fit it.
    fn adopt(&mut self, found: Loaded) {
        let number = self.current.number() + 1;
        match rewrite_rules::compile(number, &self.config.rules, Arc::clone(&found.catalog)) {
            Ok(generation) => {
                self.swap(generation, found);
                self.said = None;
                tracing::info!(generation = number, "the catalog has changed");
            }
            Err(faults) => {
                // Remembering the fingerprint would hide that the two still differ.
                let faults: Vec<String> = faults.iter().map(|fault| self.describe(fault)).collect();
                self.say(format!(
                    "the catalog has changed, and the rules no longer fit it; what runs is kept: {}",
                    faults.join("; ")
                ));
            }
        }
    }

    /// Takes what a reload may change, and says what it may not.
    fn take_over(&mut self, new: Config) {
        let running = &mut self.config;
        for (key, changed) in [
            ("listen", running.listen != new.listen),
            ("upstream", running.upstream != new.upstream),
            ("admin_socket", running.admin_socket != new.admin_socket),
            ("tls_certificate", running.tls != new.tls),
            ("control", running.control.database != new.control.database),
        ] {
            if changed {
                tracing::warn!("key \"{key}\" has changed: its new value needs a restart");
            }
        }
        running.rules = new.rules;
        running.clients = new.clients;
        if running.control.database == new.control.database {
            running.control = new.control;
        }
    }

    async fn changed_catalog(&mut self) -> Result<Option<Loaded>, String> {
        let mut client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => {
                catalog::connect(&self.config.control).await.map_err(|error| error.to_string())?
            }
        };
        let fingerprint = catalog::in_time(catalog::fingerprint(&client))
            .await
            .map_err(|silence| silence.to_string())?
            .map_err(|error| catalog::reason(&error))?;
        let found = if fingerprint == self.loaded.fingerprint {
            None
        } else {
            Some(load_with(&mut client).await?)
        };
        self.client = Some(client);
        Ok(found)
    }

    fn describe(&self, fault: &rewrite_rules::Fault) -> String {
        let name = self.config.rules.get(fault.rule).map_or("?", |rule| rule.name.as_str());
        format!("migration \"{name}\", key \"{}\": {}", fault.key, fault.message)
    }

    fn say(&mut self, text: String) {
        if self.said.as_ref() != Some(&text) {
            tracing::error!("{text}");
            self.said = Some(text);
        }
    }

    /// Says that the last problem is over, if there was one.
    fn say_good(&mut self, text: &str) {
        if self.said.take().is_some() {
            tracing::info!("{text}");
        }
    }

    fn swap(&mut self, generation: rewrite_rules::Generation, loaded: Loaded) {
        self.loaded = loaded;
        let generation = Generation::new(generation).with_clients(&self.config.clients);
        self.current.swap(Arc::new(generation));
    }

    async fn previous_drained(&self) -> Result<(), ReloadError> {
        let previous = Arc::clone(&self.flips.borrow());
        let patience = Duration::from_millis(PREVIOUS_DRAIN_MS);
        tokio::time::timeout(patience, previous.drained()).await.map_err(|_elapsed| {
            let progress = previous.progress();
            ReloadError::NotDrained {
                generation: previous.generation,
                waiting: progress.waiting,
                problem: progress.problem,
            }
        })
    }

    /// Watches the latest flip until it is drained.
    fn spawn_drain(&mut self, tables: BTreeSet<RelationName>) {
        let drain = Arc::clone(&self.flips.borrow());
        let current = Arc::clone(&self.current);
        // Those that are done must not pile up.
        while self.drains.try_join_next().is_some() {}
        self.drains.spawn(async move {
            drain.watch(&current, &tables).await;
            let took = SystemTime::now().duration_since(drain.swapped_at).unwrap_or_default();
            tracing::info!(generation = drain.generation, after = ?took, "drained");
        });
    }
}

/// The tables that a generation governs, partitions and inheriting tables included.
fn governed(generation: &rewrite_rules::Generation) -> BTreeSet<RelationName> {
    generation.lenses(Shape::Old).iter().map(|lens| lens.relation.clone()).collect()
}
