//! Downloads a PostgreSQL server where the machine has none, once, into a cache folder.

use std::path::{Path, PathBuf};

use postgresql_embedded::{PostgreSQL, Settings, VersionReq};

use super::account::Account;
use super::binaries::Binaries;
use super::error::ClusterError;

/// Where the archives of the `postgresql_embedded` crate come from.
pub const RELEASES_URL: &str = "https://github.com/theseus-rs/postgresql-binaries";

/// Cache of root, whose home folder the server's account could not enter.
const ROOT_CACHE: &str = "/var/cache/segue/postgresql";

impl Binaries {
    /// Downloads the newest server, or takes the one that an earlier call downloaded.
    ///
    /// # Errors
    /// [`ClusterError::Download`] when there is no way to the archives, [`ClusterError::File`] when
    /// the cache folder cannot be made.
    pub async fn download() -> Result<Self, ClusterError> {
        let cache = cache_folder();
        std::fs::create_dir_all(&cache).map_err(|error| ClusterError::file(&cache, error))?;
        let folder = install(&cache).await.inspect_err(|_failed| {
            // Nothing was downloaded: leave no empty folders, and those of others as they are.
            let emptied = std::fs::remove_dir(&cache);
            emptied.and_then(|()| cache.parent().map_or(Ok(()), std::fs::remove_dir)).ok();
        })?;
        open_to_all(&cache).await?;
        Self::at(folder).await
    }

    /// [`Binaries::find`], then [`Binaries::download`] after telling `announce` where from.
    ///
    /// # Errors
    /// Those of both; a wrong `$SEGUE_PG_BIN` is an error, not a reason to download.
    pub async fn find_or_download(announce: impl FnOnce(&str)) -> Result<Self, ClusterError> {
        match Self::find().await {
            Err(ClusterError::NoBinaries { .. }) => {
                announce(RELEASES_URL);
                Self::download().await
            }
            found => found,
        }
    }
}

/// Where downloads are kept for the next time.
fn cache_folder() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from(ROOT_CACHE);
    }
    std::env::var_os("XDG_CACHE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("segue/postgresql")
}

/// Has the crate install into `cache`; returns the folder with the programs.
async fn install(cache: &Path) -> Result<PathBuf, ClusterError> {
    // The crate's `setup` also runs initdb, unless the data folder looks initialised: as root that
    // could only fail, and our own clusters are made elsewhere.
    let decoy = tempfile::tempdir().map_err(|error| ClusterError::file(cache, error))?;
    let marker = decoy.path().join("postgresql.conf");
    std::fs::write(&marker, "").map_err(|error| ClusterError::file(&marker, error))?;
    // Spelled out because `Settings::new` would leave two temporary folders behind.
    let mut installer = PostgreSQL::new(Settings {
        releases_url: RELEASES_URL.to_owned(),
        version: VersionReq::STAR,
        installation_dir: cache.to_owned(),
        password_file: decoy.path().join("unused"),
        data_dir: decoy.path().to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 0,
        username: super::SUPERUSER.to_owned(),
        password: String::new(),
        temporary: false,
        timeout: None,
        configuration: std::collections::HashMap::new(),
        trust_installation_dir: false,
        socket_dir: None,
    });
    installer.setup().await.map_err(|error| ClusterError::Download {
        from: RELEASES_URL,
        reason: with_causes(&error),
    })?;
    Ok(installer.settings().binary_dir())
}

/// An error and what caused it, since the outermost one seldom says why.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// Lets the account that runs the server read what root downloaded, whatever root's umask is.
async fn open_to_all(cache: &Path) -> Result<(), ClusterError> {
    if Account::for_server()? == Account::Own {
        return Ok(());
    }
    let chmod = Path::new("chmod");
    let output = tokio::process::Command::new(chmod)
        .args(["-R", "a+rX"])
        .arg(cache.parent().unwrap_or(cache))
        .output()
        .await
        .map_err(|error| ClusterError::spawn(chmod, &Account::Own, error))?;
    if output.status.success() { Ok(()) } else { Err(ClusterError::failed(chmod, &output)) }
}
