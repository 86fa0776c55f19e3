//! The admin socket's file: made for its owner only, taken over from the dead, removed at exit.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::config::plain_reason;

/// Why there is no admin socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers there.
    #[error(
        "another segue is running with this configuration: it answers at \"{}\"", .0.display()
    )]
    Taken(PathBuf),
    /// There is a file that is no socket.
    #[error("admin socket \"{}\" cannot be made: a file that is no socket is in its place", .0.display())]
    NoSocket(PathBuf),
    /// The system does not want to.
    #[error("admin socket \"{}\" cannot be made: {}", path.display(), plain_reason(&source.to_string()))]
    System {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A listening socket whose file goes away with it.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl AdminSocket {
    /// Makes sure that nobody answers at `path`, and that nothing but a dead socket is there.
    ///
    /// Cancel safe: it only looks.
    ///
    /// # Errors
    /// See [`SocketError`].
    pub async fn check(path: &Path) -> Result<(), SocketError> {
        let system = |source| SocketError::System { path: path.to_owned(), source };
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(system(error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(SocketError::NoSocket(path.to_owned()));
            }
            Ok(_socket) => {}
        }
        match UnixStream::connect(path).await {
            Ok(_alive) => Err(SocketError::Taken(path.to_owned())),
            // Renaming over a dead socket replaces it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(system(error)),
        }
    }

    /// Listens at `path`, with mode 0600 from the first moment on: the socket is made in a private
    /// folder and then moved into place.
    ///
    /// Cancel safe: what is half made is removed.
    ///
    /// # Errors
    /// See [`SocketError`].
    pub async fn bind(path: &Path) -> Result<Self, SocketError> {
        let system = |source| SocketError::System { path: path.to_owned(), source };
        Self::check(path).await?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            Some(_) | None => Path::new("."),
        };
        // tempfile makes folders with mode 0700.
        let private =
            tempfile::Builder::new().prefix(".segue-").tempdir_in(folder).map_err(system)?;
        let made = private.path().join("s");
        let listener = UnixListener::bind(&made).map_err(system)?;
        fs::set_permissions(&made, fs::Permissions::from_mode(0o600)).map_err(system)?;
        fs::rename(&made, path).map_err(system)?;
        let inode = fs::metadata(path).map_err(system)?.ino();
        Ok(Self { listener, path: path.to_owned(), inode })
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        // Another process may have taken the place in the meantime.
        if fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "admin socket stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(path: &Path) -> Result<AdminSocket, SocketError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(AdminSocket::bind(path))
    }

    #[tokio::test]
    async fn a_live_socket_is_left_alone_and_removed_at_exit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segue.toml.sock");
        let socket = AdminSocket::bind(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(AdminSocket::bind(&path).await, Err(SocketError::Taken(_))));
        drop(socket);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_dead_socket_is_taken_over_and_another_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segue.toml.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        drop(bind(&path).unwrap());
        fs::write(&path, "precious").unwrap();
        assert!(matches!(bind(&path), Err(SocketError::NoSocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
