//! Counts what was compared, and says so even where tests run quietly.

use std::collections::BTreeMap;
use std::io::Write as _;

use rewrite_rules::Phase;

use crate::compare::Verdict;

/// Most faults that are shown.
const SHOWN_FAULTS: usize = 60;

/// Counts of one kind of test, and its faults.
#[derive(Debug, Default)]
pub(crate) struct Report {
    counts: BTreeMap<Phase, [usize; 4]>,
    faults: Vec<String>,
}

impl Report {
    /// Adds one comparison.
    pub(crate) fn add(&mut self, phase: Phase, verdict: Verdict, about: impl FnOnce() -> String) {
        let counts = self.counts.entry(phase).or_default();
        let [equal, refused, differs, faults] = counts;
        match verdict {
            Verdict::Equal => *equal += 1,
            Verdict::Refused => *refused += 1,
            Verdict::Differs => *differs += 1,
            Verdict::Fault(fault) => {
                *faults += 1;
                self.faults.push(format!("{}\n{fault}", about()));
            }
        }
    }

    /// Prints the counts.
    ///
    /// # Panics
    /// With the faults, if there are any.
    pub(crate) fn finish(self, title: &str) {
        let mut text = format!("{title}\n  phase             equal  refused  differing  faults\n");
        for (phase, [equal, refused, differs, faults]) in &self.counts {
            text += &format!(
                "  {:<16} {equal:>6} {refused:>8} {differs:>10} {faults:>7}\n",
                phase.name()
            );
        }
        say(&text);
        let shown: Vec<&str> = self.faults.iter().take(SHOWN_FAULTS).map(String::as_str).collect();
        assert!(shown.is_empty(), "{} faults\n\n{}\n", self.faults.len(), shown.join("\n"));
    }
}

/// Prints past the capture of the test runner.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
