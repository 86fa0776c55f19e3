//! `segue-bench <what>`: each bench starts all it needs on this machine, lets the things it compares take
//! turns, and says what came of it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench reports to whoever started it"
)]

mod backfill;
mod fault;
mod flip;
mod house;
mod load;
mod machine;
mod raw;
mod relay;
mod relays;
mod report;
mod samples;
mod scale;
mod split;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures segue beside a plain connection and other relays
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Relay(relay::Arguments),
    Scale(scale::Arguments),
    Flip(flip::Arguments),
    Backfill(backfill::Arguments),
    Split(split::Arguments),
    /// The `segue` command, to be measured in a process of its own
    #[command(hide = true, disable_help_flag = true)]
    Segue {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let what = match Arguments::parse().what {
        What::Segue { arguments } => {
            let command = std::iter::once(OsString::from("segue"));
            return segue::cli::main_with(command.chain(arguments));
        }
        what => what,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match what {
            What::Relay(arguments) => relay::run(&arguments).await,
            What::Scale(arguments) => scale::run(&arguments).await,
            What::Flip(arguments) => flip::run(&arguments).await,
            What::Backfill(arguments) => backfill::run(&arguments).await,
            What::Split(arguments) => split::run(&arguments).await,
            What::Segue { .. } => Ok(()),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}
