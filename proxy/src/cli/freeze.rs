//! `segue freeze` and `segue unfreeze`: no proxy takes a step until told.

use std::process::ExitCode;

use super::fleet::cause;
use super::{ConfigFile, DONE, fail, say};
use crate::catalog;
use crate::config::Draft;
use crate::journal::{state, step};

/// Arguments of `segue freeze`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Statements are served as before, in the phases that are in force. It works \
                        on the journal, so also where no proxy is running.\n\n\
                        Exit codes: 0 done, 1 failed"
)]
pub(super) struct Freeze {
    #[command(flatten)]
    file: ConfigFile,
    /// Why, for whoever is refused
    #[arg(long, value_name = "REASON")]
    why: Option<String>,
}

/// Arguments of `segue unfreeze`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 done, 1 failed")]
pub(super) struct Unfreeze {
    #[command(flatten)]
    file: ConfigFile,
    /// Why, for the history
    #[arg(long, value_name = "REASON")]
    why: Option<String>,
}

pub(super) async fn freeze(arguments: Freeze) -> ExitCode {
    match set(&arguments.file, true, arguments.why).await {
        Ok(true) => say("frozen: no phase changes until segue unfreeze\n"),
        Ok(false) => say("it was frozen already\n"),
        Err(problem) => return fail(&problem),
    }
    ExitCode::from(DONE)
}

pub(super) async fn unfreeze(arguments: Unfreeze) -> ExitCode {
    match set(&arguments.file, false, arguments.why).await {
        Ok(true) => say("phases may change again\n"),
        Ok(false) => say("it was not frozen\n"),
        Err(problem) => return fail(&problem),
    }
    ExitCode::from(DONE)
}

async fn set(file: &ConfigFile, frozen: bool, why: Option<String>) -> Result<bool, String> {
    let draft = Draft::read(&file.config).await;
    let control = draft.control.as_ref().ok_or_else(|| draft.report.to_string())?;
    let mut client = catalog::connect(control).await.map_err(|error| error.to_string())?;
    let setting = async {
        state::look(&client, &control.database).await?;
        step::freeze(&mut client, frozen, &cause(why)).await
    };
    let set = catalog::in_time(setting).await.map_err(|silence| silence.to_string())?;
    set.map_err(|error| error.with_hint())
}
