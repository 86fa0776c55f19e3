//! How the rows of the past are filled: `[migration.backfill]` and `verify_every`. None of it is part of
//! what a migration is, so all of it may change at any time.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration;
use super::fault::{Fault, spelling_hint};
use super::raw::{Reader, find, whole};

/// Keys of `[migration.backfill]`.
const BACKFILL_KEYS: [&str; 4] = ["step", "max_rate", "workers", "on_error"];

/// Keys of `[[migration.backfill.step]]`.
const STEP_KEYS: [&str; 1] = ["where"];

/// The values of `on_error`.
const ON_ERROR: [&str; 2] = ["stop", "skip"];

/// Most workers that one backfill may have: each is a connection, and writes all the time.
const WORKERS: u64 = 64;

/// Most often that all rows may be compared. Unit: seconds.
const VERIFY_EVERY_S: u64 = 1;

/// How the rows of the past are filled and looked at, as far as the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackfillPlan {
    /// Conditions over the row: which rows come first, which then. All others come last.
    pub steps: Vec<String>,
    /// Most rows that are filled in a second. Unit: rows per second.
    pub max_rate: Option<u64>,
    /// How many fill at once.
    pub workers: Option<u32>,
    /// What becomes of a row that cannot be filled.
    pub on_error: OnError,
    /// How often all rows are compared while both sides are written.
    pub verify_every: Option<Duration>,
}

/// What becomes of a row that cannot be filled.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// The backfill stops there.
    #[default]
    Stop,
    /// It is left as it is, and told.
    Skip,
}

/// One value of the file, and where it stands.
struct Place<'a> {
    migration: &'a str,
    /// The key as faults name it.
    key: &'static str,
    line: usize,
}

impl Place<'_> {
    fn fault(&self, message: String, hint: Option<String>) -> Fault {
        Fault {
            line: Some(self.line),
            migration: Some(self.migration.to_owned()),
            key: Some(self.key.to_owned()),
            message,
            hint,
        }
    }
}

impl Reader<'_> {
    /// What a `[[migration]]` says of its backfill.
    pub(super) fn backfill(&mut self, migration: &DeTable<'_>, name: &str) -> BackfillPlan {
        let verify_every = self.verify_every(migration, name);
        let Some((_, value)) = find(migration, "backfill") else {
            return BackfillPlan { verify_every, ..BackfillPlan::default() };
        };
        let place = self.place(name, "backfill", value);
        let Some(table) = value.get_ref().as_table() else {
            let hint = "write [migration.backfill], with its keys below".to_owned();
            self.of_type(&place, "a table", value, Some(hint));
            return BackfillPlan { verify_every, ..BackfillPlan::default() };
        };
        self.unknown_keys_of(table, "backfill", &BACKFILL_KEYS, name);
        let workers = self.count(table, name, "workers", "backfill.workers", WORKERS);
        BackfillPlan {
            steps: self.steps(table, name),
            max_rate: self.count(table, name, "max_rate", "backfill.max_rate", u64::MAX),
            workers: workers.and_then(|workers| u32::try_from(workers).ok()),
            on_error: self.on_error(table, name),
            verify_every,
        }
    }

    fn place<'n>(
        &self,
        migration: &'n str,
        key: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) -> Place<'n> {
        Place { migration, key, line: self.line(value.span()) }
    }

    fn of_type(
        &mut self,
        place: &Place<'_>,
        wanted: &str,
        value: &Spanned<DeValue<'_>>,
        hint: Option<String>,
    ) {
        let message = format!("must be {wanted}, but is of type {}", value.get_ref().type_str());
        self.faults.push(place.fault(message, hint));
    }

    fn unknown_keys_of(
        &mut self,
        table: &DeTable<'_>,
        inside: &'static str,
        known: &[&str],
        migration: &str,
    ) {
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let word: &str = key.get_ref();
            let hint = match super::raw::is_migration_key(word) {
                // TOML's own trap, once more.
                true => format!("\"{word}\" belongs above [migration.backfill]"),
                false => spelling_hint(word, known),
            };
            self.faults.push(Fault {
                line: Some(self.line(key.span())),
                migration: Some(migration.to_owned()),
                key: Some(format!("{inside}.{word}")),
                message: "unknown key".to_owned(),
                hint: Some(hint),
            });
        }
    }

    /// A whole number from 1 to `most`.
    fn count(
        &mut self,
        table: &DeTable<'_>,
        migration: &str,
        key: &str,
        shown_as: &'static str,
        most: u64,
    ) -> Option<u64> {
        let (_, value) = find(table, key)?;
        let place = self.place(migration, shown_as, value);
        let Some(digits) = value.get_ref().as_integer() else {
            self.of_type(&place, "an integer", value, None);
            return None;
        };
        let message = match whole(digits) {
            Some(number @ 1..) if number <= most => return Some(number),
            Some(1..) => format!("must be at most {most}"),
            Some(0) | None => "must be at least 1".to_owned(),
        };
        self.faults.push(place.fault(message, None));
        None
    }

    fn on_error(&mut self, table: &DeTable<'_>, migration: &str) -> OnError {
        let Some((_, value)) = find(table, "on_error") else { return OnError::default() };
        let place = self.place(migration, "backfill.on_error", value);
        match value.get_ref().as_str() {
            Some("stop") => OnError::Stop,
            Some("skip") => OnError::Skip,
            Some(other) => {
                let hint = spelling_hint(other, &ON_ERROR);
                self.faults.push(place.fault(format!("unknown value \"{other}\""), Some(hint)));
                OnError::default()
            }
            None => {
                self.of_type(&place, "a string", value, None);
                OnError::default()
            }
        }
    }

    /// The conditions of `[[migration.backfill.step]]`, in their order.
    fn steps(&mut self, table: &DeTable<'_>, migration: &str) -> Vec<String> {
        let Some((_, value)) = find(table, "step") else { return Vec::new() };
        let hint = || Some("write each step below its own [[migration.backfill.step]]".to_owned());
        let Some(items) = value.get_ref().as_array() else {
            let place = self.place(migration, "backfill.step", value);
            self.of_type(&place, "an array of tables", value, hint());
            return Vec::new();
        };
        let mut steps = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_table() {
                Some(step) => {
                    let header = self.place(migration, "backfill.step.where", item);
                    steps.extend(self.condition(step, &header));
                }
                None => {
                    let place = self.place(migration, "backfill.step", item);
                    self.of_type(&place, "a table", item, hint());
                }
            }
        }
        steps
    }

    fn condition(&mut self, step: &DeTable<'_>, header: &Place<'_>) -> Option<String> {
        self.unknown_keys_of(step, "backfill.step", &STEP_KEYS, header.migration);
        let Some((_, value)) = find(step, "where") else {
            let hint = "write where = \"…\", a condition over the row's columns".to_owned();
            self.faults.push(header.fault("is missing".to_owned(), Some(hint)));
            return None;
        };
        let place = self.place(header.migration, header.key, value);
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
            Some(_) => {
                self.faults.push(place.fault("is empty".to_owned(), None));
                None
            }
            None => {
                self.of_type(&place, "a string", value, None);
                None
            }
        }
    }

    fn verify_every(&mut self, migration: &DeTable<'_>, name: &str) -> Option<Duration> {
        let (_, value) = find(migration, "verify_every")?;
        let place = self.place(name, "verify_every", value);
        let hint = Some("write it as \"10m\"".to_owned());
        let Some(text) = value.get_ref().as_str() else {
            self.of_type(&place, "a string", value, hint);
            return None;
        };
        let message = match duration(text) {
            Ok(time) if time >= Duration::from_secs(VERIFY_EVERY_S) => return Some(time),
            Ok(_) => format!("must be at least {VERIFY_EVERY_S}s"),
            Err(message) => message,
        };
        self.faults.push(place.fault(message, hint));
        None
    }
}
