//! `segue serve`: runs the proxy.

use std::process::ExitCode;

use super::{ConfigFile, DONE, fail};
use crate::app;

/// Arguments of `segue serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "SIGHUP, and any change of the file, reloads it; a file with faults leaves \
                        what runs in force. SIGINT or SIGTERM ends the proxy in order.\n\n\
                        Exit codes: 0 ended by a signal, 1 not started"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// Let the journal take over migrations that it does not know, in the phases of the file. For a
    /// journal that was lost or is new while migrations were under way
    #[arg(long)]
    adopt: bool,
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    match app::serve(&arguments.file.config, arguments.adopt).await {
        Ok(()) => ExitCode::from(DONE),
        Err(error) => fail(&error.to_string()),
    }
}
