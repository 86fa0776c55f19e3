//! Why something could not be measured.

use segue::cluster::ClusterError;

/// Why it could not be measured.
#[derive(Debug)]
pub(crate) enum Fault {
    Server(tokio_postgres::Error),
    Cluster(ClusterError),
    Io(std::io::Error),
    Other(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server(error) => write!(f, "{}", segue::catalog::reason(error)),
            Self::Cluster(error) => write!(f, "{error}\n  hint: {}", error.hint()),
            Self::Io(error) => write!(f, "{error}"),
            Self::Other(said) => write!(f, "{said}"),
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<ClusterError> for Fault {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Fault {
    /// Whatever else went wrong.
    pub(crate) fn of(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}
