//! `pause` and `resume`: hold new transactions back, and let them go.

use std::time::Duration;

use super::Control;
use super::message::Answer;

pub(super) fn pause(control: &Control, timeout_ms: u64) -> Answer {
    let hold = control.current.gate().close(Duration::from_millis(timeout_ms));
    let time = hold.until.duration_since(hold.since).unwrap_or_default();
    tracing::warn!(at_most = ?time, "new transactions are held back");
    Answer::Done {}
}

pub(super) fn resume(control: &Control) -> Answer {
    if control.current.gate().open() {
        tracing::warn!("new transactions are no longer held back");
    }
    Answer::Done {}
}
