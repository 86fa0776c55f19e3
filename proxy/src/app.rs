//! Wires the parts together.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::admin::socket::{AdminSocket, SocketError};
use crate::admin::{self, Control};
use crate::backfill::inside;
use crate::backfill::job::Clients;
use crate::backfill::signals::Seen;
use crate::client::crew::Crew;
use crate::client::listener::{self, Front};
use crate::config::{
    self, Config, Draft, FileWatch, Report, ServerAddress, ServerUrl, TlsFileError, plain_reason,
};
use crate::journal::step::StepError;
use crate::latency::{self, Latency};
use crate::phase::drain::Drain;
use crate::phase::flip::Flipper;
use crate::phase::follow::host;
use crate::phase::generation::Current;
use crate::phase::prepare::{Prepared, Read};
use crate::phase::reload::{self, Reloader};
use crate::session::counters::{Counters, Snapshot};
use crate::upstream::{Upstream, UpstreamTls};
use crate::verify::continuous;

/// Number of a process's first generation.
const FIRST_GENERATION: u64 = 1;

/// How often a start begins anew because the fleet takes a step just then, and the pause before.
/// Together that is longer than clients may be held back while a column is renamed.
const JOIN_ROUNDS: usize = 20;
const JOIN_PAUSE_MS: u64 = 250;

/// Connections that may wait to be accepted: a fleet of applications that reconnects at once. The
/// system caps it at net.core.somaxconn. Unit: connections.
pub const BACKLOG: u32 = 4_096;

/// Why the proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration, or the database it names, has faults.
    #[error("{0}")]
    Faults(Report),
    /// The port cannot be had.
    #[error("could not listen on \"{address}\": {}", plain_reason(&source.to_string()))]
    Listen {
        /// Where clients should connect.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// There is no admin socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// A certificate is of no use.
    #[error(transparent)]
    Tls(#[from] TlsFileError),
    /// The name in "upstream" can be in no certificate.
    #[error("host \"{0}\" of \"upstream\" cannot be the name in a certificate")]
    ServerName(String),
    /// The fleet cannot be joined.
    #[error("the fleet cannot be joined: {}", .0.with_hint())]
    Fleet(StepError),
    /// The system gives no threads to serve sessions.
    #[error("no threads for sessions can be had: {0}")]
    Threads(io::Error),
    /// The system has no signals for us.
    #[error("signals cannot be had: {0}")]
    Signals(io::Error),
}

/// A running proxy. Dropping it ends it at once; [`Running::stop`] ends it in order.
#[derive(Debug)]
pub struct Running {
    /// Where clients connect: the real port, if the configuration asks for any.
    pub addr: SocketAddr,
    /// The generation in force and who lives in which.
    pub current: Arc<Current>,
    /// Asks for reloads.
    pub reloader: Reloader,
    /// The latest flip that changed a migration.
    pub flips: watch::Receiver<Arc<Drain>>,
    /// What sessions have done.
    pub counters: Arc<Counters>,
    /// How long their requests took.
    pub latency: Arc<Latency>,
    shutdown: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Running {
    /// The latest flip that changed a migration.
    #[must_use]
    pub fn flip(&self) -> Arc<Drain> {
        Arc::clone(&self.flips.borrow())
    }

    /// Ends in order: no new clients, idle sessions at once, busy ones when they are done or their
    /// grace is over, then everything else.
    ///
    /// Cancel safety: dropping the future ends what is left at once.
    pub async fn stop(mut self) {
        self.shutdown.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Starts a proxy with the configuration file at `path`. With `adopt` the journal takes over
/// migrations that it does not know in the phases in which the file has them.
///
/// The order: read and check everything, compile, listen, then serve. Nothing is visible from
/// outside before everything that can fail has not failed.
///
/// Cancel safe: what was started ends.
///
/// # Errors
/// See [`StartError`].
pub async fn start(path: &Path, adopt: bool) -> Result<Running, StartError> {
    let watch = FileWatch::begin(path).await;
    let prepared = prepare(path, adopt).await?;

    // Asked before the port, since "address already in use" would not say by whom.
    AdminSocket::check(&prepared.config.admin_socket).await?;
    let listener = listen(prepared.config.listen)?;
    let addr = listener
        .local_addr()
        .map_err(|source| StartError::Listen { address: prepared.config.listen, source })?;
    let socket = AdminSocket::bind(&prepared.config.admin_socket).await?;

    let (shutdown, stopping) = watch::channel(false);
    let (flipper, config) = enlist(prepared, path, adopt, addr).await?;
    let (current, flips) = (Arc::clone(flipper.current()), flipper.flips());
    let verifying = flipper.verifying();
    let (counters, latency) = (Arc::new(Counters::default()), Arc::new(Latency::default()));
    let front = front(&config, &current, &counters, &latency)?;
    let crew = Crew::start(config.threads).map_err(StartError::Threads)?;

    let mut tasks = JoinSet::new();
    let reloader = reload::spawn(&mut tasks, flipper, stopping.clone());
    let backfills = inside::spawn(
        &mut tasks,
        config.control.clone(),
        Arc::clone(&latency),
        Arc::clone(&current),
        stopping.clone(),
    );
    let control = Control {
        config: config.path.clone(),
        started_at: SystemTime::now(),
        current: Arc::clone(&current),
        flips: flips.clone(),
        reloader: reloader.clone(),
        backfills,
        counters: {
            let counters = Arc::clone(&counters);
            Box::new(move || counts(&counters.snapshot()))
        },
        latency: Arc::clone(&latency),
    };
    tasks.spawn(admin::run(socket, Arc::new(control), stopping.clone()));
    tasks.spawn(latency::keep(Arc::clone(&latency), stopping.clone()));
    tasks.spawn(continuous::follow(
        verifying,
        feelings(&latency),
        format!("the proxy on \"{}\" ({addr})", host()),
        stopping.clone(),
    ));
    tasks.spawn(follow_file(watch, reloader.clone(), stopping.clone()));
    tasks.spawn(async move {
        if let Err(error) = listener::run(listener, Arc::new(front), crew, stopping).await {
            tracing::error!(%error, "the listener ended");
        }
    });
    tracing::info!(%addr, upstream = %config.upstream.address, "ready");
    Ok(Running { addr, current, reloader, flips, counters, latency, shutdown, tasks })
}

async fn prepare(path: &Path, adopt: bool) -> Result<Prepared, StartError> {
    let mut read = Read::new(Draft::read(path).await, None, None).await;
    read.agree(adopt).await;
    read.compile(FIRST_GENERATION).await.map_err(StartError::Faults)
}

/// Joins the fleet. If that takes a step just then, everything is looked at again.
async fn enlist(
    mut prepared: Prepared,
    path: &Path,
    adopt: bool,
    addr: SocketAddr,
) -> Result<(Flipper, Config), StartError> {
    for _round in 1..JOIN_ROUNDS {
        match Flipper::start(prepared, addr.to_string()).await {
            Err(StepError::Moved(_) | StepError::Held(_)) => {
                tokio::time::sleep(Duration::from_millis(JOIN_PAUSE_MS)).await;
                prepared = prepare(path, adopt).await?;
            }
            started => return started.map_err(StartError::Fleet),
        }
    }
    Flipper::start(prepared, addr.to_string()).await.map_err(StartError::Fleet)
}

/// Runs a proxy until SIGINT or SIGTERM; SIGHUP reloads. A second SIGINT or SIGTERM ends it at
/// once.
///
/// Cancel safe: what was started ends.
///
/// # Errors
/// See [`StartError`].
pub async fn serve(path: &Path, adopt: bool) -> Result<(), StartError> {
    // First of all, so that a SIGHUP during the start does not end the process.
    let mut hangup = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let running = tokio::select! {
        started = start(path, adopt) => started?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                let reloader = running.reloader.clone();
                tokio::spawn(async move { reloader.reload_and_log("SIGHUP").await });
            }
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    tracing::info!("shutting down");
    tokio::select! {
        () = running.stop() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// What clients of this proxy see.
fn feelings(latency: &Arc<Latency>) -> Clients {
    let latency = Arc::clone(latency);
    Arc::new(move |length| Some(Seen::of(&latency, length)))
}

/// Reloads whenever the file has changed.
async fn follow_file(mut file: FileWatch, reloader: Reloader, mut stopping: watch::Receiver<bool>) {
    let follow = async {
        loop {
            file.changed().await;
            reloader.reload_and_log("the file has changed").await;
        }
    };
    tokio::select! {
        () = follow => {}
        _stop = stopping.wait_for(|stop| *stop) => {}
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { address, source };
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(failed)?;
    // A restart must not wait for connections of the process before to leave TIME_WAIT.
    socket.set_reuseaddr(true).map_err(failed)?;
    socket.bind(address).map_err(failed)?;
    socket.listen(BACKLOG).map_err(failed)
}

/// What the data plane needs.
fn front(
    config: &Config,
    current: &Arc<Current>,
    counters: &Arc<Counters>,
    latency: &Arc<Latency>,
) -> Result<Front, StartError> {
    let tls = config.tls.as_ref().map(config::client_tls).transpose()?;
    Ok(Front {
        upstream: upstream(&config.upstream)?,
        tls: tls.map(TlsAcceptor::from),
        governed_database: config.control.database.clone(),
        current: Arc::clone(current),
        counters: Arc::clone(counters),
        latency: Arc::clone(latency),
    })
}

fn upstream(url: &ServerUrl) -> Result<Upstream, StartError> {
    match &url.address {
        ServerAddress::Unix { directory, port } => {
            Ok(Upstream::Unix { directory: directory.clone(), port: *port })
        }
        ServerAddress::Tcp { host, port } => {
            let tls = match config::server_tls(&url.tls)? {
                None => None,
                Some(config) => {
                    let server_name = ServerName::try_from(host.clone())
                        .map_err(|_invalid| StartError::ServerName(host.clone()))?;
                    Some(UpstreamTls { config, server_name })
                }
            };
            Ok(Upstream::Tcp { host: host.clone(), port: *port, tls })
        }
    }
}

/// The data plane's counts by name, for the admin socket.
fn counts(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let Snapshot {
        sessions_opened,
        sessions_open,
        forwarded,
        rewritten,
        refused,
        opaque,
        reprepared,
        retried,
        bytes_to_server,
        bytes_to_client,
    } = *snapshot;
    [
        ("sessions_opened", sessions_opened),
        ("sessions_open", sessions_open),
        ("forwarded", forwarded),
        ("rewritten", rewritten),
        ("refused", refused),
        ("opaque", opaque),
        ("reprepared", reprepared),
        ("retried", retried),
        ("bytes_to_server", bytes_to_server),
        ("bytes_to_client", bytes_to_client),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), count))
    .collect()
}
