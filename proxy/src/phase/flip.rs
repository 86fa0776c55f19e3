//! Prepares a generation, swaps it in and starts its drain; one flip at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rewrite_rules::catalog::RelationName;
use rewrite_rules::{Rule, Shape};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::drain::Drain;
use super::follow::{Fleet, ToDo};
use super::gates::{self, Asked, Closed, compares_rows};
use super::generation::{Current, Generation};
use super::prepare::{Loaded, Prepared, Read, load_with};
use super::rename::{Held, in_place};
use super::wish::{ReloadError, Reloaded, Wish, tell};
use crate::aside::aside;
use crate::catalog;
use crate::config::{Config, Draft};
use crate::journal::step::{Entry, StepError};
use crate::journal::verification::{self, Verification};
use crate::verify::continuous::Plan as Verifying;

/// How long a flip waits for the one before it to drain before it is refused, so that two commands
/// in a script do not trip over each other. Unit: milliseconds.
pub const PREVIOUS_DRAIN_MS: u64 = 2_000;

/// How often the gates are asked while definitions in the database change under them.
const GATE_ROUNDS: usize = 3;

/// Pause between two looks at the catalog while the gates are asked. Unit: milliseconds.
const LOOK_MS: u64 = 2_000;

/// How often a reload begins anew because the fleet has gone on meanwhile, or the connection broke. The server
/// ends a step that stands still, as one may on a machine that is busy with something else.
const FLEET_ROUNDS: usize = 3;

/// Owns everything that a flip changes.
pub struct Flipper {
    /// What is in force; of what is read at start only, as it was then.
    pub(super) config: Config,
    /// The migrations of the file when it was last taken.
    pub(super) file: Vec<Rule>,
    pub(super) current: Arc<Current>,
    loaded: Loaded,
    client: Option<Client>,
    flips: watch::Sender<Arc<Drain>>,
    drains: JoinSet<()>,
    /// The others; none as long as there is nothing to agree on.
    pub(super) fleet: Option<Fleet>,
    /// How clients are being held back while a column is renamed.
    pub(super) held: Option<Held>,
    /// Why the fleet cannot be followed, and since when that is known.
    pub(super) trouble: Option<(String, Instant)>,
    /// Where clients connect.
    pub(super) address: String,
    /// The last thing said about the catalog, so that it is said once.
    said: Option<String>,
    /// Which rows are to be compared how often.
    verifying: watch::Sender<Verifying>,
}

impl Flipper {
    /// Starts with a prepared configuration in force, as far as the fleet goes along with it.
    ///
    /// That is a flip too: transactions of an earlier process may still be running.
    ///
    /// Cancel safety: a replica that nobody is may be left, until its lease is over.
    ///
    /// # Errors
    /// The fleet cannot be joined.
    pub async fn start(prepared: Prepared, address: String) -> Result<(Self, Config), StepError> {
        let Prepared { config, file, generation, agreed, plan: _, loaded, client } = prepared;
        let number = generation.number();
        let tables = governed(&generation);
        let generation = Generation::new(generation).with_clients(&config.clients);
        let current = Arc::new(Current::new(Arc::new(generation)));
        let mut flipper = Self {
            config: config.clone(),
            file,
            current,
            loaded,
            client: Some(client),
            flips: watch::Sender::new(Drain::begin(number, config.control.clone())),
            drains: JoinSet::new(),
            fleet: None,
            held: None,
            trouble: None,
            address,
            said: None,
            verifying: watch::Sender::new(Verifying::of(&config)),
        };
        if let Some(agreed) = agreed {
            let cause = flipper.cause_of_file();
            flipper.join(&agreed.begin, agreed.epoch, &cause, number).await?;
        }
        flipper.spawn_drain(tables);
        Ok((flipper, config))
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

    /// Which rows are to be compared how often.
    #[must_use]
    pub fn verifying(&self) -> watch::Receiver<Verifying> {
        self.verifying.subscribe()
    }

    /// Reads the file and the catalog again, and swaps if anything has changed.
    ///
    /// Cancel safety: until the swap nothing has changed here, but the journal may have; after it
    /// nothing is awaited.
    ///
    /// # Errors
    /// Any fault leaves the running generation in force.
    pub async fn reload(&mut self, wish: &Wish) -> Result<Reloaded, ReloadError> {
        for round in 1..=FLEET_ROUNDS {
            self.keep_up().await;
            match self.reload_once(wish).await {
                // Nobody is held back, or it would be told that somebody is.
                Err(ReloadError::Fleet { error })
                    if error.is_lost() && self.held.is_none() && round < FLEET_ROUNDS =>
                {
                    tracing::warn!("nothing has changed, it is tried again: {error}");
                }
                Err(ReloadError::Fleet { error: StepError::Moved(epoch) }) => {
                    self.hear_of(epoch).await;
                }
                Err(ReloadError::Fleet { .. }) if self.trouble.is_some() => break,
                done => return done,
            }
        }
        if let Some((trouble, _)) = &self.trouble {
            return Err(ReloadError::Behind(trouble.clone()));
        }
        let epoch = self.epoch().unwrap_or_default();
        Err(ReloadError::Fleet { error: StepError::Moved(epoch) })
    }

    async fn reload_once(&mut self, wish: &Wish) -> Result<Reloaded, ReloadError> {
        let (read, forced) = self.may_be_taken(wish).await?;
        if read.is_good() && in_place(&self.config.rules, &read.plan.steps).is_some() {
            return self.rename_in_place(read, forced, wish).await;
        }
        let number = self.current.number() + 1;
        let prepared = read.compile(number).await.map_err(ReloadError::Faults)?;
        let Prepared { config, file, generation, agreed, plan, loaded, mut client } = prepared;
        let same_clients = config.clients == self.config.clients;
        let changes_rules = agreed.is_some() || !plan.is_empty();
        if !changes_rules && same_clients && *loaded.catalog == *self.loaded.catalog {
            self.loaded.fingerprint = loaded.fingerprint;
            self.take_over(config, file);
            return Ok(Reloaded { generation: self.current.number(), plan, forced });
        }
        let agreeing = match agreed {
            Some(agreed) => {
                let cause = self.cause_of(wish);
                self.join(&agreed.begin, agreed.epoch, &cause, number).await
            }
            None if changes_rules => {
                let changes = changes(&self.config.rules, &config.rules, &forced);
                self.step(&mut client, &changes, wish).await
            }
            None => Ok(()),
        };
        agreeing.map_err(|error| ReloadError::Fleet { error })?;
        let tables = self.governed_then_and_now(&generation);
        self.take_over(config, file);
        self.client = Some(client);
        self.swap(generation, loaded);
        if changes_rules {
            self.begin_drain(tables);
        }
        tell(number, &plan, &forced, wish);
        Ok(Reloaded { generation: number, plan, forced })
    }

    /// Reads the file and asks everybody who may object to its steps.
    async fn may_be_taken(&mut self, wish: &Wish) -> Result<(Read, Vec<Closed>), ReloadError> {
        let draft = Draft::read(&self.config.path).await;
        let running = (self.file.as_slice(), self.config.rules.as_slice());
        // Who has had nothing to do so far is as at a start: the journal says what is in force.
        let running = self.fleet.is_some().then_some(running);
        let mut read = Read::new(draft, running, wish.step.as_ref()).await;
        if let Some(step) = wish.step.as_ref().filter(|step| !read.has(&step.migration)) {
            return Err(ReloadError::Unknown(step.migration.clone()));
        }
        if let Some(step) = &wish.step {
            let past = self.overtaken(&read, step).await;
            if let Some(past) = past.map_err(|error| ReloadError::Fleet { error })? {
                return Err(ReloadError::Overtaken(past));
            }
        }
        if self.fleet.is_none() {
            read.agree(false).await;
        }
        if !read.is_good() || read.plan.is_empty() {
            return Ok((read, Vec::new()));
        }
        let standing = self.standing();
        let epoch = self.epoch();
        self.previous_drained().await?;
        if let Some((client, _)) = read.connected.as_mut().filter(|_| compares_rows(&read.plan)) {
            let drained = self.with_the_fleet(client, ToDo::Look).await;
            drained.map_err(|error| ReloadError::Fleet { error })?;
        }
        let forced = match self.pass_gates(&mut read, wish.force.is_some()).await {
            // Perhaps for rules of the day before.
            Err(ReloadError::GateClosed(closed)) => match self.journal_epoch().await {
                Some(now) if Some(now) != epoch => {
                    return Err(ReloadError::Fleet { error: StepError::Moved(now) });
                }
                Some(_) | None => return Err(ReloadError::GateClosed(closed)),
            },
            passed => passed?,
        };
        if self.standing() != standing {
            // The rules of which the gates spoke, or their drain, are no longer what they were.
            let now = self.epoch().unwrap_or_default();
            return Err(ReloadError::Fleet { error: StepError::Moved(now) });
        }
        Ok((read, forced))
    }

    fn epoch(&self) -> Option<i64> {
        self.fleet.as_ref().map(|fleet| fleet.epoch)
    }

    /// As which replica this proxy lives in which epoch.
    fn standing(&self) -> (Option<String>, Option<i64>) {
        (self.replica(), self.epoch())
    }

    /// Swaps to a generation that the fleet has gone to, and begins its drain.
    pub(super) fn swap_to(
        &mut self,
        generation: rewrite_rules::Generation,
        rules: Vec<Rule>,
        loaded: Loaded,
    ) {
        let tables = self.governed_then_and_now(&generation);
        self.config.rules = rules;
        self.swap(generation, loaded);
        self.begin_drain(tables);
    }

    fn governed_then_and_now(&self, new: &rewrite_rules::Generation) -> BTreeSet<RelationName> {
        let mut tables = governed(self.current.load().compiled());
        tables.extend(governed(new));
        tables
    }

    fn begin_drain(&mut self, tables: BTreeSet<RelationName>) {
        let drain = Drain::begin(self.current.number(), self.config.control.clone());
        self.flips.send_replace(drain);
        self.spawn_drain(tables);
    }

    /// Asks the gates of all steps; gives those that were closed and are forced.
    async fn pass_gates(
        &mut self,
        read: &mut Read,
        force: bool,
    ) -> Result<Vec<Closed>, ReloadError> {
        let running = self.config.rules.clone();
        let Verifying { control, every } = Verifying::of(&self.config);
        let Some((client, loaded)) = &mut read.connected else { return Ok(Vec::new()) };
        for _round in 0..GATE_ROUNDS {
            let asking =
                gates::ask(client, (&control, &every), &loaded.catalog, &running, &read.plan);
            let asked = self.following(asking).await.map_err(ReloadError::GateUnknown)?;
            let Asked { closed, compared } = asked;
            self.note(client, &compared).await;
            let may_pass = closed.is_empty() || (force && closed.iter().all(Closed::is_forcible));
            if !may_pass {
                return Err(ReloadError::GateClosed(closed));
            }
            // Comparing rows may have taken minutes, in which somebody may have changed a table.
            let now = fingerprint(client).await.map_err(ReloadError::GateUnknown)?;
            if now == loaded.fingerprint {
                return Ok(closed);
            }
            *loaded = load_with(client).await.map_err(ReloadError::GateUnknown)?;
        }
        let moving = "definitions in the database keep changing meanwhile; try again";
        Err(ReloadError::GateUnknown(moving.to_owned()))
    }

    /// Writes down what was found of rows. No step is lost over it.
    async fn note(&self, client: &Client, compared: &[Verification]) {
        for it in compared {
            let noted = catalog::in_time(verification::record(client, it)).await;
            if let Err(error) = noted.unwrap_or_else(|silence| Err(silence.into())) {
                tracing::warn!("the comparison is not in the journal: {error}");
            }
        }
    }

    /// Does `work`, and follows the catalog meanwhile.
    async fn following<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
            }
            self.follow_catalog().await;
            self.keep_up().await;
        }
    }

    /// Looks whether the catalog has changed behind our back, and if it has, swaps to a generation
    /// of the same rules that knows it. Phases stay, so this waits for no drain.
    ///
    /// Cancel safety: until the swap nothing has changed; after it nothing is awaited.
    pub async fn follow_catalog(&mut self) {
        if self.held.is_some() {
            // What will be in force is compiled already, and so are the numbers given.
            return;
        }
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
        let (rules, catalog) = (&self.config.rules, Arc::clone(&found.catalog));
        match aside(|| rewrite_rules::compile(number, rules, catalog)) {
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
    pub(super) fn take_over(&mut self, new: Config, file: Vec<Rule>) {
        self.file = file;
        self.note_file();
        let running = &mut self.config;
        for (key, changed) in [
            ("listen", running.listen != new.listen),
            ("threads", running.threads != new.threads),
            ("upstream", running.upstream != new.upstream),
            ("admin_socket", running.admin_socket != new.admin_socket),
            ("lease", running.lease != new.lease),
            ("tls_certificate", running.tls != new.tls),
            ("control", running.control.database != new.control.database),
        ] {
            if changed {
                tracing::warn!("key \"{key}\" has changed: its new value needs a restart");
            }
        }
        running.rules = new.rules;
        running.clients = new.clients;
        running.backfills = new.backfills;
        if running.control.database == new.control.database {
            running.control = new.control;
        }
        self.verifying.send_replace(Verifying::of(&self.config));
    }

    async fn changed_catalog(&mut self) -> Result<Option<Loaded>, String> {
        let mut client = self.take_client().await?;
        let fingerprint = fingerprint(&client).await?;
        let found = if fingerprint == self.loaded.fingerprint {
            None
        } else {
            Some(load_with(&mut client).await?)
        };
        self.client = Some(client);
        Ok(found)
    }

    /// The control connection, anew if it has broken. Put it back when it has served.
    pub(super) async fn take_client(&mut self) -> Result<Client, String> {
        match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => Ok(client),
            None => catalog::connect(&self.config.control).await.map_err(|error| error.to_string()),
        }
    }

    pub(super) fn put_client_back(&mut self, client: Client) {
        self.client = Some(client);
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
        self.swap_same(generation);
    }

    /// Swaps to a generation over the catalog that is known already.
    pub(super) fn swap_same(&self, generation: rewrite_rules::Generation) {
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
        let acknowledge = self.fleet.as_ref().map(Fleet::acknowledger);
        // Those that are done must not pile up.
        while self.drains.try_join_next().is_some() {}
        self.drains.spawn(async move {
            drain.watch(&current, &tables).await;
            let took = SystemTime::now().duration_since(drain.swapped_at).unwrap_or_default();
            tracing::info!(generation = drain.generation, after = ?took, "drained");
            if let Some(acknowledge) = acknowledge {
                acknowledge();
            }
        });
    }
}

async fn fingerprint(client: &Client) -> Result<String, String> {
    let asked = catalog::in_time(catalog::fingerprint(client)).await;
    asked.map_err(|silence| silence.to_string())?.map_err(|error| catalog::reason(&error))
}

/// What a step does to each migration, and which of it was forced.
pub(super) fn changes(running: &[Rule], new: &[Rule], forced: &[Closed]) -> Vec<Entry> {
    let mut changes = Entry::between(running, new);
    for change in &mut changes {
        let closed = forced.iter().find(|closed| closed.migration == change.name);
        change.forced = closed.map(ToString::to_string);
    }
    changes
}

/// The tables that a generation governs, partitions and inheriting tables included.
fn governed(generation: &rewrite_rules::Generation) -> BTreeSet<RelationName> {
    generation.lenses(Shape::Old).iter().map(|lens| lens.relation.clone()).collect()
}
