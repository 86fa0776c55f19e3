//! What becomes of a statement, and whether that may be.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rewrite_rules::shape::Shape as Speaks;
use rewrite_rules::{Outcome, Phase};

use crate::{Handling, Stage, compare, tree};

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Sent as it is.
    Forwarded,
    /// Sent as another text.
    Rewritten,
    /// Not sent.
    Refused,
    /// Sent as it is where nothing can go wrong yet, although it was not read.
    Opaque,
}

/// How much is asked of what becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// That it means what the client's meant.
    Meaning,
    /// That it is made without a fault of ours, and readable if the client's was.
    Syntax,
}

/// What becomes of a client's text, if nothing is wrong with it.
///
/// # Errors
/// What is wrong.
pub fn check(stage: &Stage, speaks: Speaks, client: &str, demand: Demand) -> Result<Fate, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| stage.rewrite(client, speaks)))
        .map_err(|_| "it panicked".to_owned())?;
    let readable = tree::parse(client);
    let (sent, handling, fate) = match outcome {
        Outcome::Forward => (client.to_owned(), Handling::default(), Fate::Forwarded),
        Outcome::ForwardOpaque if stage.phase == Phase::Expand || speaks == Speaks::New => {
            return Ok(Fate::Opaque);
        }
        // It was not read because PostgreSQL cannot read it.
        Outcome::ForwardOpaque if readable.is_err() => return Ok(Fate::Opaque),
        Outcome::ForwardOpaque => return Err("forwarded although it was not read".to_owned()),
        Outcome::Refused(refusal) if refusal.sqlstate == "XX000" && readable.is_ok() => {
            return Err(format!("it failed its own check: {}", refusal.message));
        }
        Outcome::Refused(_) => return Ok(Fate::Refused),
        Outcome::Rewritten(rewritten) => {
            let handling = crate::texts::handling(&rewritten);
            (rewritten.sql, handling, Fate::Rewritten)
        }
    };
    if readable.is_err() {
        // A syntax error must stay one.
        return match tree::parse(&sent) {
            Err(_) => Ok(fate),
            Ok(_) => Err(format!("PostgreSQL reads what it sent, not what it got: {sent}")),
        };
    }
    if demand == Demand::Syntax {
        return match tree::parse(&sent) {
            Ok(_) => Ok(fate),
            Err(error) => Err(format!("PostgreSQL cannot read it: {error}\n  sent: {sent}")),
        };
    }
    let shape = stage.shape(speaks)?;
    match compare(shape, client, &sent, handling) {
        Ok(_) => Ok(fate),
        Err(difference) => Err(format!("{difference}\n  sent: {sent}")),
    }
}
