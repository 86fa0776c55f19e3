//! The command line.

mod backfill;
mod check;
mod difference;
mod explain;
mod fallback;
mod fleet;
mod freeze;
mod init;
mod pause;
mod phase;
mod run;
mod serve;
mod status;
mod supposed;
mod verify;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The configuration file, where no other is named.
const DEFAULT_CONFIG: &str = "segue.toml";

/// It was done.
const DONE: u8 = 0;
/// It was refused or failed; what ran before goes on running.
const FAILED: u8 = 1;
/// No proxy is running with that configuration (2 is clap's, for a wrong command line).
const NOT_RUNNING: u8 = 3;
/// The new phase is in force, and its flip has not drained in time.
const NOT_DRAINED: u8 = 4;
/// The next step is not safe now.
const GATE_CLOSED: u8 = 5;

/// Moves a live PostgreSQL database from one schema shape to the next.
#[derive(Debug, Parser)]
#[command(name = "segue", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// What is logged to standard error, like "info" (so by default, nothing for the demo) or
    /// "segue::phase=debug,warn"
    #[arg(long, global = true, value_name = "FILTER", env = "RUST_LOG")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy
    Serve(serve::Arguments),
    /// Make the journal in the governed database, or bring it up to date
    Init(init::Arguments),
    /// Move a migration one phase forward or back, and wait until the flip has drained
    Phase(phase::Arguments),
    /// Copy what the side that is not read yet is missing, while clients go on writing
    Backfill(backfill::Arguments),
    /// Take a migration the whole way, unattended
    Run(run::Arguments),
    /// Compare the two sides exactly, while clients go on writing
    Verify(verify::Arguments),
    /// Let no proxy change a phase until "segue unfreeze"
    Freeze(freeze::Freeze),
    /// Let phases change again
    Unfreeze(freeze::Unfreeze),
    /// Go back to where the old side is read, if nothing is lost by it
    Fallback(fallback::Arguments),
    /// Hold new transactions back until "segue resume"
    Pause(pause::Pause),
    /// Let held transactions go on
    Resume(pause::Resume),
    /// Show what makes the next step of a migration, and the way back, unsafe now; changes nothing
    Check(check::Arguments),
    /// Show what the running proxy does
    Status(status::Arguments),
    /// Show what PostgreSQL would receive instead of a statement
    Explain(explain::Arguments),
    /// Migrate a throw-away database under load, live, and prove that nothing was lost
    Demo(crate::demo::Arguments),
}

impl Command {
    /// What is logged unless told otherwise: the demo draws on the terminal that the log goes to.
    fn default_log(&self) -> &'static str {
        match self {
            Self::Serve(_)
            | Self::Init(_)
            | Self::Phase(_)
            | Self::Backfill(_)
            | Self::Run(_)
            | Self::Verify(_)
            | Self::Freeze(_)
            | Self::Unfreeze(_)
            | Self::Fallback(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Check(_)
            | Self::Status(_)
            | Self::Explain(_) => "info",
            Self::Demo(_) => "off",
        }
    }
}

/// Which configuration a command is about.
#[derive(Debug, Clone, clap::Args)]
struct ConfigFile {
    /// The configuration file
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    main_with(std::env::args_os())
}

/// The same with arguments of one's own, the first of which names the program: for whoever has the
/// command in another program.
#[must_use]
pub fn main_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Arguments { command, log } = Arguments::parse_from(arguments);
    if let Err(problem) = start_log(log.as_deref().unwrap_or(command.default_log())) {
        return fail(&problem);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime could not be started: {error}")),
    };
    runtime.block_on(async {
        match command {
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Init(arguments) => init::run(arguments).await,
            Command::Freeze(arguments) => freeze::freeze(arguments).await,
            Command::Unfreeze(arguments) => freeze::unfreeze(arguments).await,
            Command::Fallback(arguments) => fallback::run(arguments).await,
            Command::Backfill(arguments) => backfill::run(arguments).await,
            Command::Run(arguments) => run::run(arguments).await,
            Command::Verify(arguments) => verify::run(arguments).await,
            Command::Phase(arguments) => phase::run(arguments).await,
            Command::Pause(arguments) => pause::pause(arguments).await,
            Command::Resume(arguments) => pause::resume(arguments).await,
            Command::Check(arguments) => check::run(arguments).await,
            Command::Status(arguments) => status::run(arguments).await,
            Command::Explain(arguments) => explain::run(arguments).await,
            Command::Demo(arguments) => crate::demo::run(arguments).await,
        }
    })
}

/// Logs to standard error, in colour on a terminal.
fn start_log(filter: &str) -> Result<(), String> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| format!("log filter \"{filter}\" is not understood: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| anstream::AutoStream::auto(std::io::stderr()))
        .with_target(false)
        .try_init()
        .map_err(|error| error.to_string())
}

/// Writes to standard output; a reader that has gone (`segue explain … | head`) is no failure.
fn say(text: &str) {
    let mut out = anstream::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes what went wrong to standard error.
fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// The same, and the exit code for it.
fn fail(text: &str) -> ExitCode {
    complain(text);
    ExitCode::from(FAILED)
}
