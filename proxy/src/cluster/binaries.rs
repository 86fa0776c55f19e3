//! Finds the PostgreSQL server programs on this machine.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::error::ClusterError;

/// Environment variable that names the folder with `initdb` and `postgres`; nothing else is
/// searched when it is set.
pub const FOLDER_VARIABLE: &str = "SEGUE_PG_BIN";

/// What a folder must contain to be of use.
const PROGRAMS: [&str; 2] = ["initdb", "postgres"];

/// Where packages put the server programs, outside PATH. One `*` stands for any folder name that
/// carries the version; `~` is the home folder.
const INSTALL_FOLDERS: [&str; 15] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/lib64/pgsql/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/Library/PostgreSQL/*/bin",
    "/opt/local/lib/postgresql*/bin",
    "~/.asdf/installs/postgres/*/bin",
    "~/.local/share/mise/installs/postgres/*/bin",
    "~/.pgenv/pgsql-*/bin",
];

/// A folder that holds the programs of one PostgreSQL server version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    version: String,
}

/// What the search depends on, so that it can be tried with other values.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// Value of [`FOLDER_VARIABLE`].
    pub(super) named: Option<PathBuf>,
    /// The folders of PATH.
    pub(super) path: Vec<PathBuf>,
    /// Install folders, `*` not yet expanded.
    pub(super) patterns: Vec<PathBuf>,
}

impl Surroundings {
    /// This process's environment.
    pub(super) fn of_process() -> Self {
        let home = std::env::home_dir();
        let patterns = INSTALL_FOLDERS.iter().filter_map(|pattern| {
            match (pattern.strip_prefix("~/"), &home) {
                (Some(rest), Some(home)) => Some(home.join(rest)),
                (Some(_), None) => None,
                (None, _) => Some(PathBuf::from(pattern)),
            }
        });
        Self {
            named: std::env::var_os(FOLDER_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from),
            path: std::env::var_os("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            patterns: patterns.collect(),
        }
    }
}

impl Binaries {
    /// Looks in `$SEGUE_PG_BIN`, then PATH, then the usual install folders, newest version first.
    ///
    /// # Errors
    /// [`ClusterError::NoBinaries`] lists every place that was looked at;
    /// [`ClusterError::NamedFolder`] when `$SEGUE_PG_BIN` holds no server.
    pub async fn find() -> Result<Self, ClusterError> {
        Self::at(search(&Surroundings::of_process())?).await
    }

    /// Uses the programs of `folder`, after asking `postgres` for its version as the account that
    /// will run it.
    ///
    /// # Errors
    /// [`ClusterError::Program`] when it cannot be run.
    pub async fn at(folder: PathBuf) -> Result<Self, ClusterError> {
        let postgres = folder.join("postgres");
        let account = Account::for_server()?;
        let mut command = tokio::process::Command::from(account.command(&postgres));
        let output = command
            .arg("--version")
            .output()
            .await
            .map_err(|error| ClusterError::spawn(&postgres, &account, error))?;
        let version = String::from_utf8_lossy(&output.stdout);
        let version = version.trim().trim_start_matches("postgres (PostgreSQL) ").to_owned();
        if !output.status.success() || version.is_empty() {
            return Err(ClusterError::failed(&postgres, &output));
        }
        Ok(Self { folder, version })
    }

    /// The folder that holds the programs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The version as the server writes it, for example `15.18 (Debian 15.18-1)`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The path of one program. A folder may have links to some of them only; the others are where those lead to.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        let here = self.folder.join(name);
        if here.exists() {
            return here;
        }
        let server = self.folder.join("postgres").canonicalize().ok();
        let beside = server.and_then(|server| Some(server.parent()?.join(name)));
        beside.filter(|program| program.exists()).unwrap_or(here)
    }
}

/// The folder to use, or every place that was looked at.
pub(super) fn search(around: &Surroundings) -> Result<PathBuf, ClusterError> {
    if let Some(folder) = &around.named {
        return if holds_server(folder) {
            Ok(folder.clone())
        } else {
            Err(ClusterError::NamedFolder { folder: folder.clone() })
        };
    }
    if let Some(folder) = around.path.iter().find(|folder| holds_server(folder)) {
        return Ok(folder.clone());
    }
    let mut installed: Vec<(Vec<u32>, PathBuf)> = around
        .patterns
        .iter()
        .flat_map(|pattern| expand(pattern))
        .filter(|(_, folder)| holds_server(folder))
        .collect();
    installed.sort_by_key(|(version, _)| Reverse(version.clone()));
    match installed.into_iter().next() {
        Some((_, folder)) => Ok(folder),
        None => Err(ClusterError::NoBinaries { patterns: around.patterns.clone() }),
    }
}

/// Does the folder contain every program that is needed?
fn holds_server(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| folder.join(program).is_file())
}

/// The existing folders that a pattern stands for, each with the version in its name.
fn expand(pattern: &Path) -> Vec<(Vec<u32>, PathBuf)> {
    let mut found = vec![(Vec::new(), PathBuf::new())];
    for part in pattern.components() {
        let text = part.as_os_str().to_string_lossy();
        let Some((before, after)) = text.split_once('*') else {
            for (_, folder) in &mut found {
                folder.push(part);
            }
            continue;
        };
        found = found
            .iter()
            .flat_map(|(_, folder)| std::fs::read_dir(folder))
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let name = name.to_str()?;
                (name.starts_with(before) && name.ends_with(after))
                    .then(|| (version_in(name), entry.path()))
            })
            .collect();
    }
    found
}

/// The numbers in a folder name: `postgresql@16` is 16, `9.6` comes before `10`.
fn version_in(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(root: &Path, folder: &str) -> PathBuf {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        for program in PROGRAMS {
            std::fs::write(folder.join(program), "").unwrap();
        }
        folder
    }

    #[test]
    fn the_newest_version_of_all_install_folders_wins() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "lib/postgresql/9.6/bin");
        install(root.path(), "lib/postgresql/15/bin");
        let newest = install(root.path(), "pgsql-16/bin");
        std::fs::create_dir_all(root.path().join("lib/postgresql/17/bin")).unwrap();
        let around = Surroundings {
            patterns: vec![
                root.path().join("lib/postgresql/*/bin"),
                root.path().join("pgsql-*/bin"),
                root.path().join("absent/*/bin"),
            ],
            ..Surroundings::default()
        };
        assert_eq!(search(&around).unwrap(), newest);
    }

    #[test]
    fn path_comes_before_install_folders_and_the_variable_before_both() {
        let root = tempfile::tempdir().unwrap();
        let named = install(root.path(), "named");
        let on_path = install(root.path(), "path");
        install(root.path(), "lib/postgresql/18/bin");
        let mut around = Surroundings {
            named: Some(named.clone()),
            path: vec![root.path().to_owned(), on_path.clone()],
            patterns: vec![root.path().join("lib/postgresql/*/bin")],
        };
        assert_eq!(search(&around).unwrap(), named);
        around.named = None;
        assert_eq!(search(&around).unwrap(), on_path);
    }

    #[test]
    fn a_named_folder_without_a_server_is_an_error_not_a_fallback() {
        let root = tempfile::tempdir().unwrap();
        let around = Surroundings {
            named: Some(root.path().join("typo")),
            path: vec![install(root.path(), "path")],
            patterns: Vec::new(),
        };
        let error = search(&around).unwrap_err();
        assert!(matches!(error, ClusterError::NamedFolder { .. }), "{error}");
    }

    #[test]
    fn what_was_looked_for_is_told() {
        let patterns = vec![PathBuf::from("/nowhere/*/bin")];
        let around = Surroundings { patterns, ..Surroundings::default() };
        assert_eq!(
            search(&around).unwrap_err().to_string(),
            "no PostgreSQL server found: neither PATH nor any of these folders holds both \
             \"initdb\" and \"postgres\": /nowhere/*/bin"
        );
    }
}
