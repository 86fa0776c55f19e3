//! `reload`: reads the configuration and the catalog again.

use super::Control;
use super::message::Answer;

pub(super) async fn answer(control: &Control) -> Answer {
    match control.reloader.reload().await {
        Ok(reloaded) => Answer::Reloaded {
            generation: reloaded.generation,
            steps: reloaded.plan.steps.iter().map(ToString::to_string).collect(),
        },
        Err(error) => {
            let message = error.to_string();
            tracing::error!("admin socket: not reloaded, what runs is kept:\n{message}");
            Answer::Refused { message }
        }
    }
}
