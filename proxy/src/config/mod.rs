//! The configuration file: text → raw values with their lines → checked types.
//!
//! Everything wrong with a file is reported together, each fault with its line, its key and the
//! nearest correct spelling. What only the database can tell (does the table exist?) is added by
//! [`crate::phase::prepare`] to the same report.

mod backfill;
mod check;
mod duration;
mod fault;
mod kinds;
mod length;
mod merge;
mod name;
mod raw;
mod server_url;
mod split;
#[cfg(test)]
mod tests;
mod threads;
mod tls;
mod twice;
mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rewrite_rules::{Rule, Shape};

pub use backfill::{BackfillPlan, OnError};
pub use duration::duration;
pub use fault::{Fault, Report, nearest, plain_reason};
pub use name::parse_relation_name;
pub use server_url::{ServerAddress, ServerTls, ServerUrl};
pub use tls::{TlsFileError, client_tls, server_tls};
pub use watch::{FileWatch, LOOK_MS, SETTLE_MS};

/// Longest configuration file that is read. A thousand migrations fit ten times over; a log file
/// given by mistake does not. Unit: bytes.
pub const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// How long this proxy serves after it has last reached the journal, unless the file says
/// otherwise: a restart of the server takes less, and a step waits so long for a proxy that died.
/// Unit: seconds.
pub const LEASE_S: u64 = 10;

/// A configuration whose file has been checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where sessions are relayed to.
    pub upstream: ServerUrl,
    /// How the control plane reaches the governed database.
    pub control: ControlUrl,
    /// Certificate and key for clients that ask for TLS.
    pub tls: Option<ClientTls>,
    /// Where `segue phase` and `segue status` reach this process.
    pub admin_socket: PathBuf,
    /// How long it serves after it has last reached the journal.
    pub lease: Duration,
    /// How many threads serve sessions.
    pub threads: NonZero<usize>,
    /// The migrations, in the order of the file.
    pub rules: Vec<Rule>,
    /// How their backfills go, by their names, where the file says anything of it.
    pub backfills: BTreeMap<String, BackfillPlan>,
    /// Which clients speak the new shape, the first that fits counts.
    pub clients: Vec<ClientRule>,
}

/// How the control plane reaches the governed database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlUrl {
    /// Address, role, password and database.
    pub postgres: tokio_postgres::Config,
    /// The governed database: only its sessions are rewritten.
    pub database: String,
    /// Whether the connection is encrypted, and how the server proves who it is.
    pub tls: ServerTls,
}

/// Files that the client side of TLS needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTls {
    /// PEM file with the certificate chain.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// One `[[client]]`: which shape some clients speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRule {
    /// The role that they log in as; any, if none is named.
    pub role: Option<String>,
    /// The `application_name` of their startup message; any, if none is named.
    pub application_name: Option<String>,
    /// What they speak unless they say otherwise.
    pub shape: Shape,
}

/// Where a migration stands in the file, so that later faults can point there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Line of its `[[migration]]` header.
    pub header: usize,
    /// Line of each of its keys.
    pub keys: BTreeMap<String, usize>,
}

/// What could be made of a file, with its faults so far.
///
/// It exists so that a file with a bad phase still has its tables checked against the database.
#[derive(Debug)]
pub struct Draft {
    /// The faults found so far.
    pub report: Report,
    /// The control URL, if it could be read.
    pub control: Option<ControlUrl>,
    /// The migrations that could be read, with their places.
    pub rules: Vec<(Rule, Places)>,
    /// How their backfills go, by their names, where the file says anything of it.
    pub backfills: BTreeMap<String, BackfillPlan>,
    clients: Vec<ClientRule>,
    path: PathBuf,
    listen: Option<SocketAddr>,
    upstream: Option<ServerUrl>,
    tls: Option<ClientTls>,
    admin_socket: PathBuf,
    lease: Duration,
    threads: NonZero<usize>,
}

impl Draft {
    /// Reads and checks the file at `path`, as far as that goes without a database.
    ///
    /// Cancel safe: it only reads.
    pub async fn read(path: &Path) -> Self {
        match read_text(path).await {
            Ok(text) => Self::parse(path, &text),
            Err(message) => {
                let mut draft = Self::parse(path, "");
                draft.report.faults = vec![Fault::of_file(message)];
                draft
            }
        }
    }

    /// Checks `text` as the content of the file at `path`.
    #[must_use]
    pub fn parse(path: &Path, text: &str) -> Self {
        let (raw, mut faults) = raw::RawConfig::parse(text);
        let rules = check::rules(&raw.migrations, &mut faults);
        let folder = path.parent().unwrap_or(Path::new(""));
        let control_line = raw.control.as_ref().map(|text| text.line);
        let mut draft = Self {
            control: check::control(raw.control, folder, &mut faults),
            listen: check::listen(raw.listen, &mut faults),
            upstream: check::upstream(raw.upstream, folder, &mut faults),
            tls: check::client_tls(raw.tls_certificate, raw.tls_key, folder, &mut faults),
            admin_socket: raw
                .admin_socket
                .map_or_else(|| default_admin_socket(path), |text| folder.join(text.value)),
            lease: check::lease(raw.lease, &mut faults),
            threads: raw.threads.unwrap_or_else(threads::usual),
            clients: check::clients(raw.clients, &mut faults),
            path: path.to_owned(),
            rules,
            backfills: check::backfills(raw.migrations),
            report: Report::new(path, Vec::new()),
        };
        draft.report.faults = faults;
        draft.report.control_line = control_line;
        draft
    }

    /// Adds a fault about a key of the file's top level.
    pub fn add_control_fault(&mut self, message: String, hint: Option<String>) {
        let line = self.report.control_line;
        self.report.faults.push(Fault {
            line,
            migration: None,
            key: Some("control".to_owned()),
            message,
            hint,
        });
    }

    /// Adds what compiling the rules found, each at the line of its key. A fault at a key that
    /// already has one says the same in other words and is left out.
    pub fn add_rule_faults(&mut self, found: Vec<rewrite_rules::Fault>) {
        // What is found now may say several things of one key: each is a step of its own to take.
        let before = self.report.faults.len();
        for fault in found {
            let Some((rule, places)) = self.rules.get(fault.rule) else { continue };
            let line = places.keys.get(fault.key).copied().unwrap_or(places.header);
            let known =
                self.report.faults.iter().take(before).any(|known| {
                    known.line == Some(line) && known.key.as_deref() == Some(fault.key)
                });
            if !known {
                self.report.faults.push(Fault {
                    line: Some(line),
                    migration: Some(rule.name.clone()),
                    key: Some(fault.key.to_owned()),
                    message: fault.message,
                    hint: fault.hint,
                });
            }
        }
    }

    /// Adds a fault about a migration that runs and is not in the file.
    pub fn add_removed_fault(&mut self, migration: String, message: String, hint: String) {
        self.report.faults.push(Fault {
            migration: Some(migration),
            hint: Some(hint),
            ..Fault::of_file(message)
        });
    }

    /// Where a running proxy of this configuration answers, as far as the file can be read.
    #[must_use]
    pub fn admin_socket(&self) -> &Path {
        &self.admin_socket
    }

    /// The file it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The checked configuration.
    ///
    /// # Errors
    /// All faults, in the order of the file, if there is any.
    pub fn finish(self) -> Result<Config, Report> {
        let Self {
            mut report,
            control,
            rules,
            backfills,
            clients,
            path,
            listen,
            upstream,
            tls,
            admin_socket,
            lease,
            threads,
        } = self;
        match (listen, upstream, control) {
            (Some(listen), Some(upstream), Some(control)) if report.faults.is_empty() => {
                let rules = rules.into_iter().map(|(rule, _)| rule).collect();
                Ok(Config {
                    path,
                    listen,
                    upstream,
                    control,
                    tls,
                    admin_socket,
                    lease,
                    threads,
                    rules,
                    backfills,
                    clients,
                })
            }
            _ => {
                report.sort();
                Err(report)
            }
        }
    }
}

/// Reads the URL of a connection of segue's own that is not in a file.
///
/// # Errors
/// What is wrong with it.
pub fn control_url(url: &str) -> Result<ControlUrl, String> {
    let mut faults = Vec::new();
    let text = raw::Text { value: url.to_owned(), line: 0 };
    check::control(Some(text), Path::new(""), &mut faults)
        .ok_or_else(|| faults.into_iter().map(|it| it.message).collect::<Vec<_>>().join("; "))
}

/// `<config file>.sock`, beside the file.
#[must_use]
pub fn default_admin_socket(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sock");
    path.with_file_name(name)
}

/// The file's text.
async fn read_text(path: &Path) -> Result<String, String> {
    let metadata = tokio::fs::metadata(path).await.map_err(|error| cannot_read(&error))?;
    if metadata.len() > FILE_BYTES {
        return Err(format!("is {} bytes long, more than {FILE_BYTES}", metadata.len()));
    }
    let bytes = tokio::fs::read(path).await.map_err(|error| cannot_read(&error))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        format!("is not UTF-8 text: the first wrong byte is in line {line}")
    })
}

fn cannot_read(error: &std::io::Error) -> String {
    format!("could not be read: {}", fault::io_reason(error))
}
