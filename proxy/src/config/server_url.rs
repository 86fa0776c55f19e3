//! Server URLs, as libpq writes them.
//!
//! | form | meaning |
//! | --- | --- |
//! | `postgres://db.example:5432` | TCP |
//! | `postgres://%2Fvar%2Frun%2Fpostgresql:5432` | the Unix socket `/var/run/postgresql/.s.PGSQL.5432` |
//! | `…?sslmode=require` | TLS, whoever answers |
//! | `…?sslmode=verify-full&sslrootcert=root.pem` | TLS, certificate and host name checked |

use std::fmt;
use std::path::{Path, PathBuf};

use tokio_postgres::config::Host;

use super::fault::spelling_hint;

/// PostgreSQL's own port.
const DEFAULT_PORT: u16 = 5432;

/// Where a server is and how to talk to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// Where it is.
    pub address: ServerAddress,
    /// Whether the connection is encrypted, and how the server proves who it is.
    pub tls: ServerTls,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// A host name or address, and a port.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix-domain socket.
    Unix {
        /// `unix_socket_directories` of the server.
        directory: PathBuf,
        /// `port` of the server, which names the socket.
        port: u16,
    },
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { directory, port } => {
                write!(f, "{}/.s.PGSQL.{port}", directory.display())
            }
        }
    }
}

/// libpq's `sslmode`, without the two that fall back silently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerTls {
    /// `disable`: plaintext.
    Disable,
    /// `require`: encrypted, certificate not checked.
    Require,
    /// `verify-ca`: the certificate must lead to a root in this PEM file.
    VerifyCa(PathBuf),
    /// `verify-full`: the same, and the certificate must be for this host.
    VerifyFull(PathBuf),
}

/// What is wrong with a URL. Never repeats the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UrlFault {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl UrlFault {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

const SSL_MODES: [&str; 4] = ["disable", "require", "verify-ca", "verify-full"];

/// A URL taken apart: what tokio-postgres reads, and what it does not.
pub(super) struct Parsed {
    pub(super) postgres: tokio_postgres::Config,
    pub(super) tls: ServerTls,
}

/// Reads a URL; `folder` is where a relative `sslrootcert` starts from.
pub(super) fn parse(text: &str, folder: &Path) -> Result<Parsed, UrlFault> {
    if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
        let form = "write it as postgres://host:port, or postgres://%2Fdirectory:port for a \
                    Unix socket";
        return Err(UrlFault::new("is not a server URL", form));
    }
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let (mut mode, mut root, mut kept) = (None, None, Vec::new());
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => root = Some(folder.join(decoded(value)?)),
            Some(_) | None => kept.push(parameter),
        }
    }
    let tls = tls(mode, root)?;
    let plain =
        if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) };
    let mut postgres = plain.parse::<tokio_postgres::Config>().map_err(|error| {
        let reason = std::error::Error::source(&error).map(ToString::to_string);
        UrlFault {
            message: format!(
                "is not a server URL: {}",
                reason.unwrap_or_default().replace('`', "\"")
            ),
            hint: None,
        }
    })?;
    postgres.ssl_mode(match tls {
        ServerTls::Disable => tokio_postgres::config::SslMode::Disable,
        ServerTls::Require | ServerTls::VerifyCa(_) | ServerTls::VerifyFull(_) => {
            tokio_postgres::config::SslMode::Require
        }
    });
    Ok(Parsed { postgres, tls })
}

fn tls(mode: Option<&str>, root: Option<PathBuf>) -> Result<ServerTls, UrlFault> {
    let need_root = |mode: &str| {
        UrlFault::new(
            format!("sslmode \"{mode}\" needs \"sslrootcert\""),
            "add &sslrootcert=/path/to/root.pem",
        )
    };
    match (mode, root) {
        (None | Some("disable"), None) => Ok(ServerTls::Disable),
        (None | Some("disable"), Some(_)) => Err(UrlFault::new(
            "\"sslrootcert\" has no effect without \"sslmode\"",
            "add sslmode=verify-full",
        )),
        (Some("require"), None) => Ok(ServerTls::Require),
        // libpq: with a root certificate at hand, "require" means "verify-ca".
        (Some("verify-ca" | "require"), Some(root)) => Ok(ServerTls::VerifyCa(root)),
        (Some("verify-full"), Some(root)) => Ok(ServerTls::VerifyFull(root)),
        (Some(mode @ ("verify-ca" | "verify-full")), None) => Err(need_root(mode)),
        (Some(other), _) => Err(UrlFault::new(
            format!("unknown sslmode \"{other}\""),
            spelling_hint(other, &SSL_MODES),
        )),
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Result<String, UrlFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?')),
            _ => return Err(UrlFault::new("has a \"%\" without two hex digits", "write %25")),
        }
    }
    String::from_utf8(bytes).map_err(|_| UrlFault {
        message: "holds percent-encoded bytes that are not UTF-8".to_owned(),
        hint: None,
    })
}

impl Parsed {
    /// The address alone, for a leg on which the clients bring role and database.
    pub(super) fn into_upstream(self) -> Result<ServerUrl, UrlFault> {
        let Self { postgres, tls } = self;
        let own = [
            ("a user", postgres.get_user().is_some()),
            ("a password", postgres.get_password().is_some()),
            ("a database", postgres.get_dbname().is_some()),
        ];
        if let Some((what, _)) = own.iter().find(|(_, given)| *given) {
            return Err(UrlFault::new(
                format!("must not name {what}: clients bring their own"),
                "keep only postgres://host:port; segue's own login belongs in \"control\"",
            ));
        }
        let address = self::address(&postgres)?;
        Ok(ServerUrl { address, tls })
    }
}

/// The one address of a URL.
pub(super) fn address(postgres: &tokio_postgres::Config) -> Result<ServerAddress, UrlFault> {
    let port = match postgres.get_ports() {
        [] => DEFAULT_PORT,
        [port] => *port,
        [..] => return Err(several()),
    };
    match postgres.get_hosts() {
        [] => Err(UrlFault::new("names no host", "write it as postgres://host:port")),
        [Host::Tcp(host)] if host.is_empty() => {
            Err(UrlFault::new("names no host", "write it as postgres://host:port"))
        }
        [Host::Tcp(host)] => Ok(ServerAddress::Tcp { host: host.clone(), port }),
        [Host::Unix(directory)] => Ok(ServerAddress::Unix { directory: directory.clone(), port }),
        [..] => Err(several()),
    }
}

fn several() -> UrlFault {
    UrlFault::new("names several hosts", "name the primary only")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(text: &str) -> Result<ServerUrl, String> {
        parse(text, Path::new("/etc/segue"))
            .and_then(Parsed::into_upstream)
            .map_err(|fault| fault.message)
    }

    #[test]
    fn urls_read_as_libpq_reads_them() {
        let tcp = |host: &str, port| ServerAddress::Tcp { host: host.to_owned(), port };
        for (text, address, tls) in [
            ("postgres://db", tcp("db", 5432), ServerTls::Disable),
            ("postgresql://127.0.0.1:5433/", tcp("127.0.0.1", 5433), ServerTls::Disable),
            (
                "postgres://%2Fvar%2Frun%2Fpostgresql:5433",
                ServerAddress::Unix { directory: "/var/run/postgresql".into(), port: 5433 },
                ServerTls::Disable,
            ),
            ("postgres://db?sslmode=require", tcp("db", 5432), ServerTls::Require),
            (
                "postgres://db?sslmode=verify-full&sslrootcert=my%20root.pem",
                tcp("db", 5432),
                ServerTls::VerifyFull("/etc/segue/my root.pem".into()),
            ),
        ] {
            assert_eq!(upstream(text), Ok(ServerUrl { address, tls }), "{text}");
        }
    }

    #[test]
    fn bad_urls_say_what_is_wrong() {
        for (text, message) in [
            ("db:5432", "is not a server URL"),
            ("postgres://db:port", "is not a server URL: invalid value for option \"port\""),
            ("postgres://", "names no host"),
            ("postgres://a,b", "names several hosts"),
            ("postgres://me@db", "must not name a user: clients bring their own"),
            ("postgres://db/app", "must not name a database: clients bring their own"),
            ("postgres://db?sslmode=verify-full", "sslmode \"verify-full\" needs \"sslrootcert\""),
            ("postgres://db?sslmode=prefer", "unknown sslmode \"prefer\""),
            ("postgres://db?pool=5", "is not a server URL: unknown option \"pool\""),
        ] {
            assert_eq!(upstream(text), Err(message.to_owned()), "{text}");
        }
    }
}
