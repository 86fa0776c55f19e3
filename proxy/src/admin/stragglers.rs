//! `end-stragglers`: ends those who hold the latest flip up.

use super::Control;
use super::message::Answer;
use crate::phase::stragglers::{self, Ended, Ending};

pub(super) async fn answer(control: &Control, how: Ending) -> Answer {
    let drain = control.flips.borrow().clone();
    match stragglers::end(&drain, how).await {
        Ok(Ended { signalled, left }) => {
            for one in &signalled {
                tracing::warn!(generation = drain.generation, ?how, "straggler: {one}");
            }
            Answer::Ended { signalled, left }
        }
        Err(message) => Answer::Error { message },
    }
}
