//! The other end of the admin socket, for the command line.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::message::{Answer, Request, Status};
use crate::config::plain_reason;

/// Longest wait for an answer, but to a reload: that may compare all rows of a table. Unit: seconds.
pub const ANSWER_S: u64 = 60;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the socket.
    #[error("no segue is running with this configuration: nobody answers at \"{}\"", .0.display())]
    NotRunning(PathBuf),
    /// It cannot be opened.
    #[error("admin socket \"{}\" could not be opened: {}", path.display(), plain_reason(&source.to_string()))]
    Refused {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The connection ended.
    #[error("the running segue ended the connection")]
    Gone,
    /// No answer in time.
    #[error("the running segue did not answer within {ANSWER_S} s")]
    Timeout,
    /// It cannot answer now.
    #[error("the running segue says: {0}")]
    Told(String),
    /// It is of another version.
    #[error("the running segue gave an answer that is not understood: {0}")]
    NotUnderstood(String),
}

/// A connection to a running proxy.
#[derive(Debug)]
pub struct AdminClient {
    stream: BufReader<UnixStream>,
}

impl AdminClient {
    /// Connects.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// Nobody is there, or the socket belongs to another user.
    pub async fn connect(path: &Path) -> Result<Self, ClientError> {
        match UnixStream::connect(path).await {
            Ok(stream) => Ok(Self { stream: BufReader::new(stream) }),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Err(ClientError::NotRunning(path.to_owned()))
            }
            Err(source) => Err(ClientError::Refused { path: path.to_owned(), source }),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// Cancel safety: an answer that was not waited for is taken for that of the next request; drop
    /// the client.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn ask(&mut self, request: Request) -> Result<Answer, ClientError> {
        let mut line = serde_json::to_string(&request)
            .map_err(|error| ClientError::NotUnderstood(error.to_string()))?;
        line.push('\n');
        let patience = match request {
            Request::Reload { .. } | Request::Backfill { .. } => Duration::MAX,
            Request::Status {}
            | Request::Pause { .. }
            | Request::Resume {}
            | Request::EndStragglers { .. } => Duration::from_secs(ANSWER_S),
        };
        let mut reply = String::new();
        let exchange = async {
            // A proxy without a free place says so and closes before it is asked: read all the same.
            let written = self.stream.get_mut().write_all(line.as_bytes()).await;
            match self.stream.read_line(&mut reply).await {
                Ok(0) => written.map(|()| 0),
                read => read,
            }
        };
        match tokio::time::timeout(patience, exchange).await {
            Err(_elapsed) => Err(ClientError::Timeout),
            Ok(Ok(0) | Err(_)) => Err(ClientError::Gone),
            Ok(Ok(_)) => serde_json::from_str(&reply)
                .map_err(|error| ClientError::NotUnderstood(error.to_string())),
        }
    }

    /// Asks what is in force.
    ///
    /// Cancel safety: as [`Self::ask`].
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn status(&mut self) -> Result<Status, ClientError> {
        match self.ask(Request::Status {}).await? {
            Answer::Status(status) => Ok(*status),
            Answer::Reloaded { .. }
            | Answer::Refused { .. }
            | Answer::InDoubt { .. }
            | Answer::Done {}
            | Answer::Ended { .. } => {
                Err(ClientError::NotUnderstood("it is not about the status".to_owned()))
            }
            Answer::Error { message } => Err(ClientError::Told(message)),
        }
    }
}
