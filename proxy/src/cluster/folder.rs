//! The folder of a throw-away cluster, and the watchdog that clears it away if segue is killed.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::account::Account;
use super::error::ClusterError;

/// Longest path that PostgreSQL's Unix socket may have with room to spare: the kernel's limit is
/// 108 bytes on Linux and 104 on macOS. Unit: bytes.
const SOCKET_PATH_BYTES: usize = 100;

/// What the socket's file name adds to its folder: `/s/.s.PGSQL.65535`. Unit: bytes.
const SOCKET_NAME_BYTES: usize = 17;

/// Where folders go when the one of TMPDIR is too long or closed to the server's account.
const SHORT_TEMP: &str = "/tmp";

/// What the watchdog tells us by its standard input: this word means that all is cleared away.
const DONE: &[u8] = b"done\n";

/// Waits for the end of its input. Segue's death, by whatever signal, closes the pipe: then the
/// server is ended at once (SIGQUIT, its data is thrown away) and the folder removed, twice, as
/// `initdb` may still have been writing.
const WATCHDOG: &str = r#"
read -r word
[ "$word" = done ] && exit 0
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || break
  sleep 0.5
done
rm -rf -- "$1"
sleep 1
rm -rf -- "$1"
"#;

/// A temporary folder that vanishes with this value, or with the process.
#[derive(Debug)]
pub(super) struct Folder {
    // Dropped before the watchdog is told that all is done: see `Drop`.
    directory: Option<TempDir>,
    path: PathBuf,
    watchdog: Child,
}

impl Folder {
    /// Makes the folder for `account` and sets a watchdog on it.
    pub(super) fn new(account: &Account) -> Result<Self, ClusterError> {
        let above = parent_for(account);
        let directory = tempfile::Builder::new()
            .prefix("segue-pg-")
            .tempdir_in(&above)
            .map_err(|error| ClusterError::file(&above, error))?;
        let path = directory.path().to_owned();
        let watchdog = watch(&path)?;
        let folder = Self { directory: Some(directory), path, watchdog };
        let sockets = folder.sockets();
        std::fs::create_dir(&sockets).map_err(|error| ClusterError::file(&sockets, error))?;
        for path in [&folder.path, &sockets] {
            account.give(path).map_err(|error| ClusterError::file(path, error))?;
        }
        Ok(folder)
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the server keeps its data.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Where the server puts its Unix socket.
    pub(super) fn sockets(&self) -> PathBuf {
        self.path.join("s")
    }

    /// Where the server's log goes.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(directory) = self.directory.take()
            && let Err(error) = directory.close()
        {
            tracing::warn!(folder = %self.path.display(), %error, "could not remove a temporary folder");
            // The watchdog, which sees only a closed pipe now, tries again.
            drop(self.watchdog.stdin.take());
        }
        if let Some(mut input) = self.watchdog.stdin.take() {
            // A watchdog that is gone has nothing left to do.
            input.write_all(DONE).ok();
        }
        self.watchdog.wait().ok();
    }
}

/// The folder that temporary folders go to: that of TMPDIR if the server can use it.
fn parent_for(account: &Account) -> PathBuf {
    let usual = std::env::temp_dir();
    // `segue-pg-` and six random characters after a slash.
    let socket_path = usual.as_os_str().len() + 16 + SOCKET_NAME_BYTES;
    if socket_path <= SOCKET_PATH_BYTES && account.may_enter(&usual) {
        usual
    } else {
        PathBuf::from(SHORT_TEMP)
    }
}

/// Starts the watchdog, in a process group of its own so that no Ctrl-C ends it before us.
fn watch(path: &Path) -> Result<Child, ClusterError> {
    let shell = Path::new("/bin/sh");
    Command::new(shell)
        .args(["-c", WATCHDOG, "segue-watchdog"])
        .arg(path)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| ClusterError::spawn(shell, &Account::Own, error))
}
