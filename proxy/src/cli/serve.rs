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
}

pub(super) async fn run(arguments: Arguments) -> ExitCode {
    match app::serve(&arguments.file.config).await {
        Ok(()) => ExitCode::from(DONE),
        Err(error) => fail(&error.to_string()),
    }
}
