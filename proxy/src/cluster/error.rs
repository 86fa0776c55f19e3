//! What can go wrong with a throw-away cluster, and the next step for each.

use std::path::{Path, PathBuf};
use std::process::Output;

use super::account::Account;
use super::binaries::FOLDER_VARIABLE;

/// A throw-away cluster could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The search found nothing.
    #[error(
        "no PostgreSQL server found: neither PATH nor any of these folders holds both \"initdb\" \
         and \"postgres\": {}", list(.patterns)
    )]
    NoBinaries {
        /// The install folders that were looked at.
        patterns: Vec<PathBuf>,
    },
    /// The folder named by the environment holds no server.
    #[error("${FOLDER_VARIABLE} names \"{}\", which does not hold both \"initdb\" and \"postgres\"", .folder.display())]
    NamedFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The download failed.
    #[error(
        "no PostgreSQL server found in PATH or the usual install folders, and none could be \
         downloaded from {from}: {reason}"
    )]
    Download {
        /// Where from.
        from: &'static str,
        /// Why, in the words of the library that tried.
        reason: String,
    },
    /// Root has no account to hand the server to.
    #[error("a PostgreSQL server does not run as root, and {file} has none of the accounts {}", .names.join(", "))]
    NoAccount {
        /// Where accounts were looked for.
        file: &'static str,
        /// Which ones.
        names: &'static [&'static str],
    },
    /// A program could not be started.
    #[error("could not run \"{}\" as {account}: {source}", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Who was to run it.
        account: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("\"{}\" failed: {output}", .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What it said.
        output: String,
    },
    /// The server did not come up.
    #[error("the PostgreSQL server did not start within {seconds} s: {log}")]
    Start {
        /// How long was waited. Unit: seconds.
        seconds: u64,
        /// The end of its log.
        log: String,
    },
    /// The server ended by itself.
    #[error("the PostgreSQL server ended while it started: {log}")]
    Ended {
        /// The end of its log.
        log: String,
    },
    /// No free port.
    #[error("no free TCP port on 127.0.0.1 after {attempts} attempts")]
    Port {
        /// How many ports were tried.
        attempts: u32,
    },
    /// A file or folder could not be made.
    #[error("could not prepare \"{}\": {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl ClusterError {
    /// The next step for whoever reads the error.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoBinaries { .. } => {
                "install the server (Debian: apt-get install postgresql; RHEL: dnf install \
                 postgresql-server; macOS: brew install postgresql), or set SEGUE_PG_BIN to the \
                 folder that holds \"initdb\" and \"postgres\""
            }
            Self::NamedFolder { .. } => {
                "set SEGUE_PG_BIN to the folder printed by \"pg_config --bindir\", or unset it to \
                 have PATH and the usual folders searched"
            }
            Self::Download { .. } => {
                "check the connection to the internet, or install a PostgreSQL server package, or \
                 set SEGUE_PG_BIN to the folder that holds \"initdb\" and \"postgres\""
            }
            Self::NoAccount { .. } => {
                "run segue as an ordinary user, or create the user \"postgres\""
            }
            Self::Spawn { .. } => {
                "the program and every folder above it must be accessible to that user; set \
                 SEGUE_PG_BIN to another installation, or run segue as an ordinary user"
            }
            Self::Program { .. } | Self::Ended { .. } => {
                "its own words are above; is there space in the temporary folder ($TMPDIR)?"
            }
            Self::Start { .. } => "the machine may be overloaded: try again when it is idle",
            Self::Port { .. } => "end some of the programs that listen on 127.0.0.1",
            Self::File { .. } => "set TMPDIR to a folder that can be written",
        }
    }

    pub(super) fn spawn(program: &Path, account: &Account, source: std::io::Error) -> Self {
        Self::Spawn { program: program.to_owned(), account: account.name().to_owned(), source }
    }

    pub(super) fn failed(program: &Path, output: &Output) -> Self {
        let said = [output.stderr.as_slice(), output.stdout.as_slice()]
            .map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned())
            .join("\n");
        let said = said.trim();
        let output = if said.is_empty() { output.status.to_string() } else { said.to_owned() };
        Self::Program { program: program.to_owned(), output }
    }

    pub(super) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

fn list(patterns: &[PathBuf]) -> String {
    let shown: Vec<String> = patterns.iter().map(|path| path.display().to_string()).collect();
    shown.join(", ")
}
