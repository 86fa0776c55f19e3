//! File and database → a compiled generation, or everything that is wrong, together.

use std::sync::Arc;

use rewrite_rules::{Catalog, Rule};
use tokio_postgres::Client;

use super::agree::{self, Agreed, Wanted};
use super::follow::{host, phases, whole_path};
use super::plan::{Plan, PlanFault, plan};
use super::rehearse::rehearse;
use crate::aside::aside;
use crate::catalog::{self, ConnectError};
use crate::config::{Config, Draft, Report};
use crate::journal::{JournalError, state};

/// What a database has, and how to tell whether it still has it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// Its fingerprint, taken before it was loaded, so that a change in between is seen later.
    pub fingerprint: String,
}

/// A configuration without any fault, compiled.
#[derive(Debug)]
pub struct Prepared {
    /// The configuration, with the rules that are to be in force.
    pub config: Config,
    /// The rules as the file has them.
    pub file: Vec<Rule>,
    /// What was compiled from it.
    pub generation: rewrite_rules::Generation,
    /// What it and the journal came to, if there is a fleet to join.
    pub agreed: Option<Agreed>,
    /// What entering it would do to the migrations that are running.
    pub plan: Plan,
    /// The database it was compiled against.
    pub loaded: Loaded,
    /// The connection that was used.
    pub client: Client,
}

/// A file beside the rules in force and the database, before anything is compiled.
#[derive(Debug)]
pub struct Read {
    /// With the rules that are to be in force.
    draft: Draft,
    /// The rules as the file has them.
    file: Vec<Rule>,
    agreed: Option<Agreed>,
    /// What entering them would do to the migrations that are running.
    pub plan: Plan,
    /// The governed database, if it can be reached.
    pub connected: Option<(Client, Loaded)>,
}

impl Read {
    /// `running` are the rules of the file when it was last taken, and the rules in force; `None` at
    /// process start, when [`Self::agree`] says which are to be.
    ///
    /// Cancel safe: it only reads.
    pub async fn new(
        mut draft: Draft,
        running: Option<(&[Rule], &[Rule])>,
        wanted: Option<&Wanted>,
    ) -> Self {
        let mut file = rules(&draft);
        let mut planned = Plan::default();
        if let Some((last, in_force)) = running {
            let of_file = std::mem::take(&mut draft.rules);
            draft.rules = match wanted {
                Some(wanted) => agree::stepped(of_file, in_force, wanted),
                None => agree::asked(last, of_file, in_force),
            };
            if let Some(wanted) = wanted {
                file = agree::taken(last, &file, wanted);
            }
            match plan(in_force, &rules(&draft)) {
                Ok(plan) => planned = plan,
                Err(faults) => add_plan_faults(&mut draft, faults),
            }
        }
        let connected = load(&mut draft).await;
        Self { draft, file, agreed: None, plan: planned, connected }
    }

    /// Looks what the journal says of the migrations, which need one. With `adopt` they may begin in
    /// any phase. What is missing or disagrees becomes a fault.
    ///
    /// Cancel safe: it only reads.
    pub async fn agree(&mut self, adopt: bool) {
        let Some((client, _)) = &self.connected else { return };
        let Some(control) = &self.draft.control else { return };
        let config = whole_path(self.draft.path());
        let reading = async {
            let state = state::find(client, &control.database).await?;
            let last = catalog::in_time(state::last_file(client, &host(), &config)).await??;
            Ok::<_, JournalError>((state, last))
        };
        match reading.await {
            Ok((state, last)) => {
                // A file that nobody has changed since asks for nothing.
                let asks = last.is_none_or(|last| last != phases(&self.file));
                let agreed = agree::at_start(&mut self.draft, &state, asks, adopt);
                self.plan = Plan::of_starts(&agreed.begin);
                // Nobody waits for a proxy that has nothing to do.
                self.agreed = (!self.draft.rules.is_empty()).then_some(agreed);
            }
            Err(_) if self.draft.rules.is_empty() => {}
            Err(error) => {
                let hint = error.hint().map(str::to_owned);
                self.draft.add_control_fault(error.to_string(), hint);
            }
        }
    }

    /// Whether there is a migration of that name.
    #[must_use]
    pub fn has(&self, migration: &str) -> bool {
        self.draft.rules.iter().any(|(rule, _)| rule.name == migration)
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.draft.report.faults.is_empty()
    }

    /// Compiles it as generation `number`, and checks what is left to check.
    ///
    /// Cancel safe: nothing has changed until the result is used.
    ///
    /// # Errors
    /// All faults of the file, of the steps it asks for and of the database, in one report.
    pub async fn compile(self, number: u64) -> Result<Prepared, Report> {
        let Self { mut draft, file, agreed, plan, connected } = self;
        let rules = rules(&draft);
        let compiled = connected.as_ref().and_then(|(_, loaded)| {
            aside(|| rewrite_rules::compile(number, &rules, Arc::clone(&loaded.catalog)))
                .map_err(|faults| draft.add_rule_faults(faults))
                .ok()
        });
        if let (Some((client, _)), Some(generation)) = (&connected, &compiled) {
            match catalog::in_time(rehearse(client, generation)).await {
                Ok(Ok(faults)) => draft.add_rule_faults(faults),
                Ok(Err(error)) => draft.add_control_fault(catalog::reason(&error), None),
                Err(silence) => draft.add_control_fault(silence.to_string(), None),
            }
        }
        let report = Report::new(draft.path(), Vec::new());
        let config = draft.finish()?;
        match (connected, compiled) {
            (Some((client, loaded)), Some(generation)) => {
                Ok(Prepared { config, file, generation, agreed, plan, loaded, client })
            }
            // Not reachable: whatever is missing has left a fault.
            (None, _) | (_, None) => Err(report),
        }
    }
}

/// Loads the catalog of the governed database; what stands in the way becomes a fault.
///
/// Cancel safe: it only reads.
pub async fn load(draft: &mut Draft) -> Option<(Client, Loaded)> {
    let control = draft.control.clone()?;
    let mut client = match catalog::connect(&control).await {
        Ok(client) => client,
        // The file's own check has already told it.
        Err(ConnectError::Tls(_)) => return None,
        Err(error) => {
            let hint = "is the server running, and may this role log in to this database?";
            draft.add_control_fault(error.to_string(), Some(hint.to_owned()));
            return None;
        }
    };
    match load_with(&mut client).await {
        Ok(loaded) => Some((client, loaded)),
        Err(reason) => {
            draft.add_control_fault(format!("the catalog could not be loaded: {reason}"), None);
            None
        }
    }
}

/// Loads the catalog over a connection that is already there.
///
/// Cancel safe: it only reads.
///
/// # Errors
/// Whatever the server or the connection says, or that it says nothing.
pub async fn load_with(client: &mut Client) -> Result<Loaded, String> {
    let loading = async {
        let fingerprint = catalog::fingerprint(client).await?;
        let catalog = Arc::new(catalog::load(client).await?);
        Ok(Loaded { catalog, fingerprint })
    };
    match catalog::in_time(loading).await {
        Ok(loaded) => loaded.map_err(|error| catalog::reason(&error)),
        Err(silence) => Err(silence.to_string()),
    }
}

fn rules(draft: &Draft) -> Vec<Rule> {
    draft.rules.iter().map(|(rule, _)| rule.clone()).collect()
}

fn add_plan_faults(draft: &mut Draft, faults: Vec<PlanFault>) {
    // A migration that could not be read is not a migration that was removed.
    let unread = !draft.report.faults.is_empty();
    let mut of_rules = Vec::new();
    for PlanFault { rule, migration, key, message, hint } in faults {
        match rule {
            Some(rule) => {
                of_rules.push(rewrite_rules::Fault { rule, key, message, hint: Some(hint) });
            }
            None if unread => {}
            None => draft.add_removed_fault(migration, message, hint),
        }
    }
    draft.add_rule_faults(of_rules);
}
