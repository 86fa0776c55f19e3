//! What is told to whoever looks.

use serde::Serialize;

use crate::journal::verify::{Counts, Found};

/// How far a comparison is.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Progress {
    /// Rows compared.
    pub compared: u64,
    /// Rows to compare, an estimate.
    pub total: u64,
    /// Rows that differ so far.
    pub differing: u64,
    /// Rows that could not be compared so far.
    pub failed: u64,
    /// Rows that were mended so far.
    pub mended: u64,
    /// Rows per second, rests included; `None` in the beginning.
    pub rows_per_second: Option<f64>,
    /// Time to the end. Unit: seconds.
    pub left_s: Option<u64>,
    /// What slows it down or stops it, if anything.
    pub reason: Option<String>,
    /// Whether it stands still.
    pub stands_still: bool,
}

/// What has come of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcome {
    /// The column that clients read.
    pub source: String,
    /// The column that should hold what that one says.
    pub column: String,
    /// Rows compared.
    pub compared: u64,
    /// Rows that differ, and were not mended.
    pub differing: u64,
    /// Rows that could not be compared.
    pub failed: u64,
    /// Rows that were mended.
    pub mended: u64,
    /// The first rows that differ, or could not be compared or mended, in the order of their keys.
    pub rows: Vec<Found>,
    /// What an operator must know at once: rows that were equal differ now.
    pub alarm: Option<String>,
}

impl Outcome {
    pub(super) fn of(counts: Counts) -> Self {
        let whole = |number: i64| u64::try_from(number).unwrap_or(0);
        Self {
            compared: whole(counts.compared),
            differing: whole(counts.differing),
            failed: whole(counts.failed),
            mended: whole(counts.mended),
            ..Self::default()
        }
    }

    /// What rows have shown, as the journal counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Counts {
            compared: whole(self.compared),
            differing: whole(self.differing),
            failed: whole(self.failed),
            mended: whole(self.mended),
        }
    }

    /// Whether all rows agree; `None` if that cannot be told.
    #[must_use]
    pub fn equal(&self) -> Option<bool> {
        match (self.differing, self.failed) {
            (0, 0) => Some(true),
            (0, _) => None,
            (_, _) => Some(false),
        }
    }

    /// A row that was found, for humans.
    #[must_use]
    pub fn told(&self, row: &Found) -> String {
        let Found { part, key, source, found, expected, problem } = row;
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".to_owned());
        let Self { source: from, column: to, .. } = self;
        let sides = format!(
            "\"{from}\" is {}, \"{to}\" is {}, should be {}",
            value(source),
            value(found),
            value(expected)
        );
        match (problem, found) {
            (Some(problem), None) => format!("{part}, {key}: cannot be compared: {problem}"),
            (Some(problem), Some(_)) => {
                format!("{part}, {key}: {sides}; cannot be mended: {problem}")
            }
            (None, _) => format!("{part}, {key}: {sides}"),
        }
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// It begins, or goes on where an earlier run ended.
    Began {
        /// The migration.
        migration: String,
        /// The column that clients read.
        source: String,
        /// The column that should hold what that one says.
        column: String,
        /// Rows, an estimate.
        total: u64,
        /// Whether it goes on.
        goes_on: bool,
        /// What an operator should know before.
        notes: Vec<String>,
    },
    /// How far it is: several times a second.
    Progress(Progress),
    /// The server is gone; it tries to reach it again.
    Lost {
        /// Why.
        reason: String,
    },
    /// All rows were looked at.
    Done(Outcome),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_told_with_all_its_values() {
        let outcome =
            Outcome { source: "old".to_owned(), column: "new".to_owned(), ..Outcome::default() };
        let found = Found {
            part: "public.t".to_owned(),
            key: "id = 5".to_owned(),
            source: Some("'x'".to_owned()),
            found: Some("NULL".to_owned()),
            expected: Some("'x'".to_owned()),
            problem: None,
        };
        let sides = "public.t, id = 5: \"old\" is 'x', \"new\" is NULL, should be 'x'";
        assert_eq!(outcome.told(&found), sides);
        let refused = Found { problem: Some("no".to_owned()), ..found };
        assert_eq!(outcome.told(&refused), format!("{sides}; cannot be mended: no"));
        let raised = Found { source: None, found: None, expected: None, ..refused };
        assert_eq!(outcome.told(&raised), "public.t, id = 5: cannot be compared: no");
    }
}
