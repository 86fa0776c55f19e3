//! The proxy of the demo, in this process, and how an operator flips it: by its configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rewrite_rules::{Phase, Rule};

use super::scenario::Script;
use super::schema;
use crate::app::{self, Running, StartError};
use crate::cluster::Cluster;
use crate::config::{ControlUrl, Draft};
use crate::phase::edit::{Edit, EditError};
use crate::phase::wish::ReloadError;

/// How often it is looked at who is waited for. Unit: milliseconds.
const LOOK_MS: u64 = 100;

/// The running proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    running: Running,
    file: PathBuf,
    migration: &'static str,
}

/// The proxy could not be started or flipped.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The configuration file could not be written.
    #[error("could not write \"{}\": {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The proxy did not start.
    #[error("the proxy did not start: {0}")]
    Start(#[from] StartError),
    /// The phase could not be edited.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The proxy refused the flip.
    #[error("the flip to phase \"{phase}\" was refused: {source}")]
    Flip {
        /// The phase that was asked for.
        phase: Phase,
        /// Why.
        source: ReloadError,
    },
}

impl Proxy {
    /// Writes the configuration and starts.
    ///
    /// Cancel safe: what was started ends.
    pub(super) async fn start(
        cluster: &Cluster,
        script: &Script,
        phase: Phase,
    ) -> Result<Self, ProxyError> {
        let file = cluster.folder().join("segue.toml");
        write(&file, &configuration(cluster, script, phase))?;
        let running = app::start(&file, false).await?;
        Ok(Self { running, file, migration: script.migration })
    }

    /// Where the application connects.
    pub(super) fn address(&self) -> SocketAddr {
        self.running.addr
    }

    /// Edits the phase in the file, reloads, calls `swapped`, and waits until the older generation
    /// is drained, telling `waiting` for whom; gives the time from swapped to drained.
    ///
    /// Cancel safety: a flip that was swapped stays.
    pub(super) async fn flip(
        &self,
        phase: Phase,
        swapped: &(dyn Fn() + Send + Sync),
        waiting: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Duration, ProxyError> {
        Edit::plan(&self.file, self.migration, phase)?.apply()?;
        let reloaded = self.running.reloader.reload().await;
        reloaded.map_err(|source| ProxyError::Flip { phase, source })?;
        swapped();
        let drain = self.running.flip();
        let look = async {
            loop {
                tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
                if let Some(first) = drain.progress().waiting.first() {
                    waiting(&format!("waiting for {first}"));
                }
            }
        };
        tokio::select! {
            () = drain.drained() => {}
            () = look => {}
        }
        let drained = drain.progress().drained_at.unwrap_or_else(SystemTime::now);
        Ok(drained.duration_since(drain.swapped_at).unwrap_or_default())
    }

    /// The migration's name.
    pub(super) fn migration(&self) -> &'static str {
        self.migration
    }

    /// The rules as they run: the migration's, unless the file has lost it.
    pub(super) fn rules(&self) -> Vec<Rule> {
        self.running.current.load().compiled().rules().to_vec()
    }

    /// How segue's own role connects.
    pub(super) async fn control(&self) -> Option<ControlUrl> {
        Draft::read(&self.file).await.control
    }

    /// Ends the proxy in order.
    ///
    /// Cancel safety: dropping the future ends it at once.
    pub(super) async fn stop(self) {
        self.running.stop().await;
    }
}

fn write(path: &Path, text: &str) -> Result<(), ProxyError> {
    std::fs::write(path, text).map_err(|source| ProxyError::File { path: path.to_owned(), source })
}

fn configuration(cluster: &Cluster, script: &Script, phase: Phase) -> String {
    format!(
        "# The demo's configuration; its phase is edited while the application runs.\n\
         listen   = \"127.0.0.1:0\"\n\
         upstream = \"postgres://{socket}:{port}\"\n\
         control  = \"{control}\"\n\
         \n\
         [[migration]]\n\
         name  = \"{migration}\"\n\
         phase = \"{phase}\"\n\
         {rule}",
        migration = script.migration,
        rule = script.rule,
        socket = percent_encoded(&cluster.socket_folder()),
        port = cluster.port(),
        control = cluster.url(schema::CONTROL, schema::DATABASE),
    )
}

/// A path as the host of a URL.
fn percent_encoded(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_hosts() {
        assert_eq!(percent_encoded(Path::new("/tmp/a b")), "%2Ftmp%2Fa%20b");
    }
}
