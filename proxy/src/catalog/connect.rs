//! segue's own connection to the governed database.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use crate::config::{ControlUrl, TlsFileError, server_tls};

/// Longest wait for the server to take the connection. A primary that needs longer is not one to
/// start a migration on. Unit: seconds.
pub const CONNECT_TIMEOUT_S: u64 = 5;

/// What pg_stat_activity shows for this connection, unless the URL says otherwise.
pub const APPLICATION_NAME: &str = "segue control";

/// No statement of the control plane runs longer: the catalog of ten thousand tables loads in
/// seconds. Unit: milliseconds.
pub const STATEMENT_TIMEOUT_MS: u64 = 30_000;

/// Longest wait for anything that was asked: more than [`STATEMENT_TIMEOUT_MS`], which a server that
/// is stopped or cut off cannot keep. Unit: seconds.
pub const ANSWER_TIMEOUT_S: u64 = 40;

/// Silence after which the system asks whether the server is still there, and how long it waits
/// for the network to take a byte. Unit: seconds.
pub const KEEPALIVE_S: u64 = 30;

/// The oldest server whose catalog is understood, as `server_version_num`: `hashtid` and
/// `pg_snapshot_xmin` on xid8 are there, and every older release is out of support.
pub const OLDEST_SERVER: i32 = 140_000;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server did not take it.
    #[error("database \"{database}\" could not be reached: {}", reason(.source))]
    Refused {
        /// Name of the database.
        database: String,
        /// What was said.
        source: tokio_postgres::Error,
    },
    /// No answer in time.
    #[error("database \"{database}\" could not be reached: no answer within {CONNECT_TIMEOUT_S} s")]
    Timeout {
        /// Name of the database.
        database: String,
    },
    /// Its catalog is another one.
    #[error("database \"{database}\" is served by PostgreSQL {major}, and segue needs 14 or later")]
    TooOld {
        /// Name of the database.
        database: String,
        /// The server's version.
        major: i32,
    },
    /// Nothing can be migrated there.
    #[error("database \"{database}\" is served by a standby, and segue needs the primary")]
    Standby {
        /// Name of the database.
        database: String,
    },
    /// A certificate file is of no use.
    #[error(transparent)]
    Tls(#[from] TlsFileError),
}

/// Connects; the connection is driven by a task of its own that ends when the client is dropped.
///
/// Cancel safe: nothing is left behind.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(control: &ControlUrl) -> Result<Client, ConnectError> {
    connect_with(control, None).await
}

/// The same, and `heard` is set off by each notification (`NOTIFY`) that comes.
///
/// Cancel safe: nothing is left behind.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect_hearing(
    control: &ControlUrl,
    heard: Arc<Notify>,
) -> Result<Client, ConnectError> {
    connect_with(control, Some(heard)).await
}

async fn connect_with(
    control: &ControlUrl,
    heard: Option<Arc<Notify>>,
) -> Result<Client, ConnectError> {
    let mut postgres = control.postgres.clone();
    if postgres.get_connect_timeout().is_none() {
        postgres.connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_S));
    }
    let keepalive = Duration::from_secs(KEEPALIVE_S);
    postgres.keepalives_idle(keepalive).tcp_user_timeout(keepalive);
    if postgres.get_application_name().is_none() {
        postgres.application_name(APPLICATION_NAME);
    }
    let database = || control.database.clone();
    let refused = |source| ConnectError::Refused { database: database(), source };
    let tls = server_tls(&control.tls)?;
    let attempt = async {
        match tls {
            None => {
                let (client, connection) = postgres.connect(NoTls).await?;
                tokio::spawn(drive(connection, heard));
                Ok(client)
            }
            Some(config) => {
                let (client, connection) = postgres.connect(Tls { config }).await?;
                tokio::spawn(drive(connection, heard));
                Ok(client)
            }
        }
    };
    // connect_timeout covers the TCP handshake only; a server that is stuck accepts and says nothing.
    let client = tokio::time::timeout(Duration::from_secs(2 * CONNECT_TIMEOUT_S), attempt)
        .await
        .map_err(|_elapsed| ConnectError::Timeout { database: database() })?
        .map_err(refused)?;
    let introduction = introduce(&client, &control.database);
    in_time(introduction)
        .await
        .map_err(|_elapsed| ConnectError::Timeout { database: database() })??;
    Ok(client)
}

/// Makes the connection the control plane's, and looks who answers.
async fn introduce(client: &Client, database: &str) -> Result<(), ConnectError> {
    let refused = |source| ConnectError::Refused { database: database.to_owned(), source };
    // Whatever the database or the role says: a step that was told must survive a crash, and what is
    // looked at under a lock must be what is there once the lock is had.
    let settings = format!(
        "SET statement_timeout = {STATEMENT_TIMEOUT_MS}; SET jit = off;
         SET default_transaction_isolation = 'read committed';
         SET default_transaction_read_only = off;
         SELECT set_config('synchronous_commit', 'local', false)
         WHERE current_setting('synchronous_commit') = 'off'"
    );
    client.batch_execute(&settings).await.map_err(refused)?;
    let who = "SELECT current_setting('server_version_num')::int4, pg_is_in_recovery()";
    let row = client.query_one(who, &[]).await.map_err(refused)?;
    let version: i32 = row.try_get(0).map_err(refused)?;
    let is_standby: bool = row.try_get(1).map_err(refused)?;
    if version < OLDEST_SERVER {
        let major = version / 10_000;
        return Err(ConnectError::TooOld { database: database.to_owned(), major });
    }
    if is_standby {
        return Err(ConnectError::Standby { database: database.to_owned() });
    }
    Ok(())
}

/// Waits for an answer, but not for ever.
///
/// Cancel safe if `asked` is.
///
/// # Errors
/// There was none within [`ANSWER_TIMEOUT_S`].
pub async fn in_time<T>(asked: impl Future<Output = T>) -> Result<T, NoAnswer> {
    let patience = Duration::from_secs(ANSWER_TIMEOUT_S);
    tokio::time::timeout(patience, asked).await.map_err(|_elapsed| NoAnswer)
}

/// The server took the question and did not answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the server did not answer within {ANSWER_TIMEOUT_S} s")]
pub struct NoAnswer;

/// Carries the connection's bytes until either side closes it.
async fn drive<S, T>(mut connection: Connection<S, T>, heard: Option<Arc<Notify>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notification(_))) => {
                heard.iter().for_each(|heard| heard.notify_one());
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                return tracing::debug!(error = reason(&error), "control connection ended");
            }
            None => return,
        }
    }
}

/// Whether `error` says that the connection, or the server behind it, is gone: 57P is a server that is shutting
/// down, has crashed or is starting up, 25P03 one that has ended a transaction which stood still.
#[must_use]
pub fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(state) => {
            *state == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
                || state.code().starts_with("57P")
        }
        None => {
            let source = std::error::Error::source(error);
            error.is_closed() || source.is_some_and(|it| it.is::<io::Error>())
        }
    }
}

/// What the server or the system said, without tokio-postgres's own framing.
#[must_use]
pub fn reason(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(source) => crate::config::plain_reason(&source.to_string()),
            None => error.to_string(),
        },
    }
}

/// Makes TLS connections for tokio-postgres from a rustls configuration.
#[derive(Clone)]
struct Tls {
    config: Arc<rustls::ClientConfig>,
}

struct TlsTo {
    config: Arc<rustls::ClientConfig>,
    name: ServerName<'static>,
}

struct TlsStream<S>(tokio_rustls::client::TlsStream<S>);

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsStream<S>;
    type TlsConnect = TlsTo;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<TlsTo, Self::Error> {
        let name = ServerName::try_from(domain.to_owned())?;
        Ok(TlsTo { config: Arc::clone(&self.config), name })
    }
}

impl<S> TlsConnect<S> for TlsTo
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsStream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TlsStream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connector = tokio_rustls::TlsConnector::from(self.config);
        Box::pin(async move { Ok(TlsStream(connector.connect(self.name, stream).await?)) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for TlsStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
