//! `reload`: reads the configuration and the catalog again.

use super::Control;
use super::message::Answer;
use crate::journal::step::StepError;
use crate::phase::wish::{ReloadError, Wish};

pub(super) async fn answer(control: &Control, wish: Wish) -> Answer {
    if wish.force.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Answer::Error { message: "a step is not forced without a reason".to_owned() };
    }
    match control.reloader.ask(wish).await {
        Ok(reloaded) => Answer::Reloaded {
            generation: reloaded.generation,
            steps: reloaded.plan.steps.iter().map(ToString::to_string).collect(),
            forced: reloaded.forced.iter().map(ToString::to_string).collect(),
        },
        Err(error @ ReloadError::Fleet { error: StepError::InDoubt(_) }) => {
            let message = error.to_string();
            tracing::error!("admin socket: in doubt:\n{message}");
            Answer::InDoubt { message }
        }
        Err(error) => {
            let message = error.to_string();
            tracing::error!("admin socket: not reloaded, what runs is kept:\n{message}");
            Answer::Refused { message }
        }
    }
}
