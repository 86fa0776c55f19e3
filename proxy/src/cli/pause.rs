//! `segue pause` and `segue resume`: hold new transactions back, and let them go.

use std::process::ExitCode;
use std::time::Duration;

use super::status::not_answered;
use super::{ConfigFile, DONE, NOT_DRAINED, complain, fail, say};
use crate::admin::client::{AdminClient, ClientError};
use crate::admin::message::{Answer, Request};
use crate::config::{Draft, duration};

/// Pause between two looks at who is still under way. Unit: milliseconds.
const LOOK_MS: u64 = 50;

/// Arguments of `segue pause`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Transactions that are under way go on to their end; the command returns when \
                        the last one has ended, and new ones are still held back then. Clients wait \
                        and see no error.\n\n\
                        Exit codes: 0 nothing is under way, 1 failed, 3 no proxy is running, \
                        4 transactions outlasted the pause, which is over"
)]
pub(super) struct Pause {
    #[command(flatten)]
    file: ConfigFile,
    /// When to resume even if nobody says so, like 500ms, 30s or 5m; at most 1h
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    timeout: Duration,
}

/// Arguments of `segue resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 nothing is held back, 1 failed, 3 no proxy is running")]
pub(super) struct Resume {
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) async fn pause(arguments: Pause) -> ExitCode {
    let timeout_ms = u64::try_from(arguments.timeout.as_millis()).unwrap_or(u64::MAX);
    match hold(&arguments.file, timeout_ms).await {
        Ok(code) => code,
        Err(error) => ExitCode::from(not_answered(&error)),
    }
}

async fn hold(file: &ConfigFile, timeout_ms: u64) -> Result<ExitCode, ClientError> {
    let draft = Draft::read(&file.config).await;
    let mut proxy = AdminClient::connect(draft.admin_socket()).await?;
    if let Err(code) = done(proxy.ask(Request::Pause { timeout_ms }).await?) {
        return Ok(code);
    }
    let mut told = false;
    loop {
        let status = proxy.status().await?;
        let Some(hold) = status.hold else {
            complain(
                "transactions outlasted the pause, which is over\n  hint: end them, or give a \
                 longer --timeout",
            );
            return Ok(ExitCode::from(NOT_DRAINED));
        };
        if hold.under_way.is_empty() {
            say("paused: nothing is under way, and new transactions are held back\n");
            return Ok(ExitCode::from(DONE));
        }
        if !told {
            told = true;
            for waiting in &hold.under_way {
                say(&format!("waiting for {waiting}\n"));
            }
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
}

pub(super) async fn resume(arguments: Resume) -> ExitCode {
    let draft = Draft::read(&arguments.file.config).await;
    let asked =
        async { AdminClient::connect(draft.admin_socket()).await?.ask(Request::Resume {}).await };
    match asked.await.map(done) {
        Ok(Ok(())) => {
            say("new transactions are not held back\n");
            ExitCode::from(DONE)
        }
        Ok(Err(code)) => code,
        Err(error) => ExitCode::from(not_answered(&error)),
    }
}

/// What the proxy said instead of doing it.
fn done(answer: Answer) -> Result<(), ExitCode> {
    match answer {
        Answer::Done {} => Ok(()),
        Answer::Error { message } | Answer::Refused { message } => Err(fail(&message)),
        Answer::Reloaded { .. }
        | Answer::InDoubt { .. }
        | Answer::Status(_)
        | Answer::Ended { .. } => Err(fail("the running segue gave the wrong answer")),
    }
}
