//! Would the comparison notice? Generations that are plainly wrong are put before databases, and
//! nearly every statement that a right one rewrites must be found to differ.

use std::thread;

use rewrite_rules::{Outcome, Phase, Rule, SearchPath, SessionView};
use segue::phase::generation::Generation;

use crate::corpus::{Entry, Need};
use crate::observe::{Mode, Seen, modes, observe};
use crate::report::say;
use crate::stages::{self, Stages};

/// A wrong generation, and the database it is put before.
struct Planted {
    name: &'static str,
    /// The phase in which the database stands.
    physical: Phase,
    /// The rules that it should have, by their phase.
    wrong: Option<Phase>,
    /// Only statements that change something can notice.
    writes_only: bool,
    /// Least share of the statements that must notice. Unit: percent.
    percent: usize,
}

const PLANTED: [Planted; 4] = [
    Planted {
        name: "no rules where the old columns are stale",
        physical: Phase::StopDualWrite,
        wrong: None,
        writes_only: false,
        // Not all: `count(username)` reads nothing that a stale column changes.
        percent: 95,
    },
    Planted {
        name: "reads of the old columns where they are stale",
        physical: Phase::StopDualWrite,
        wrong: Some(Phase::DualWrite),
        writes_only: false,
        // A write that reads nothing does no harm there.
        percent: 75,
    },
    Planted {
        name: "no rules where the old columns are gone",
        physical: Phase::Contract,
        wrong: None,
        writes_only: false,
        percent: 95,
    },
    Planted {
        name: "one write where two are due",
        physical: Phase::DualWrite,
        wrong: Some(Phase::Expand),
        writes_only: true,
        // The others write only what is not migrated.
        percent: 85,
    },
];

#[test]
fn a_wrong_generation_is_noticed() {
    stages::all().into_iter().for_each(check);
}

fn check(stages: &Stages) {
    let mut entries = stages.entries();
    // A plan is not compared, and a lock of a table shows nothing of it.
    entries.retain(|entry| !entry.needs(Need::Plan) && !entry.sql().starts_with("LOCK"));
    let entries: Vec<(Mode, &Entry)> =
        entries.iter().filter_map(|entry| Some((modes(entry).last()?, entry))).collect();
    let mut plain = stages.plain();
    let expected: Vec<Seen> =
        entries.iter().map(|(mode, entry)| observe(&mut plain, entry, *mode)).collect();
    let untouched = crate::observe::untouched(&mut plain);
    let (entries, expected, untouched) = (&entries, &expected, &untouched);
    let mut failures = Vec::new();
    thread::scope(|scope| {
        let planted = PLANTED.map(|planted| {
            scope.spawn(move || {
                let rules: Vec<Rule> = planted.wrong.map(stages.schema.rules).unwrap_or_default();
                let right = stages.generation(planted.physical);
                let mut through = stages.through_with(planted.physical, &rules);
                let mut counts = (0, 0);
                for ((mode, entry), expected) in entries.iter().zip(expected) {
                    let changes = expected.content.as_ref().is_some_and(|it| it != untouched);
                    let concerned = changes || !planted.writes_only;
                    if expected.error().is_none() && concerned && is_rewritten(&right, entry) {
                        counts.0 += 1;
                        let found = observe(&mut through.wire, entry, *mode);
                        counts.1 += usize::from(found != *expected);
                    }
                }
                (planted, counts)
            })
        });
        for planted in planted {
            let (Planted { name, percent, .. }, (concerned, noticed)) =
                planted.join().expect("a planted fault");
            let text = format!(
                "planted in {}: {name}: {noticed} of {concerned} statements notice\n",
                stages.schema.name
            );
            say(&text);
            if concerned == 0 || noticed * 100 < concerned * percent {
                failures.push(text);
            }
        }
    });
    assert!(failures.is_empty(), "{}", failures.concat());
}

/// Whether the right generation would change one of the entry's texts.
fn is_rewritten(right: &Generation, entry: &Entry) -> bool {
    let path = SearchPath::default();
    let session = SessionView::usual(&path);
    entry.steps.iter().any(|step| {
        let text = step.sql.as_str();
        right.compiled().scan(text.as_bytes()).governed
            && matches!(right.compiled().rewrite(text, session), Outcome::Rewritten(it) if it.sql != text)
    })
}
