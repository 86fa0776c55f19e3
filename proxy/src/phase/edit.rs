//! Changes a migration's phase in the file, and nothing else of it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use rewrite_rules::Phase;
use toml_edit::{DocumentMut, Item, TableLike, Value};

use crate::config::{nearest, plain_reason};

/// Why the file was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It cannot be read or written.
    #[error("file \"{}\" could not be {action}: {}", path.display(), plain_reason(&source.to_string()))]
    File {
        /// The file.
        path: PathBuf,
        /// `read`, `written`.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// It is not TOML.
    #[error("file \"{}\" is not valid TOML", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
    },
    /// No migration has that name.
    #[error("no migration is named \"{name}\" in file \"{}\"{}", path.display(), suggestion(nearest.as_ref()))]
    UnknownMigration {
        /// The file.
        path: PathBuf,
        /// The name that was asked for.
        name: String,
        /// The name that was perhaps meant.
        nearest: Option<String>,
    },
    /// Somebody else has changed it in the meantime.
    #[error("file \"{}\" was changed by somebody else in the meantime", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

fn suggestion(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!("\n  hint: did you mean \"{name}\"?"))
}

/// An edit that is yet to be made.
#[derive(Debug)]
pub struct Edit {
    path: PathBuf,
    before: String,
    after: String,
}

impl Edit {
    /// Works out the edit that gives migration `name` the phase `phase`; writes nothing.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn plan(path: &Path, name: &str, phase: Phase) -> Result<Self, EditError> {
        let before = read(path)?;
        let after = with_phase(&before, name, phase).map_err(|problem| match problem {
            Problem::Syntax => EditError::Syntax { path: path.to_owned() },
            Problem::Unknown(nearest) => EditError::UnknownMigration {
                path: path.to_owned(),
                name: name.to_owned(),
                nearest,
            },
        })?;
        Ok(Self { path: path.to_owned(), before, after })
    }

    /// Writes it.
    ///
    /// # Errors
    /// The file has changed since it was read, or cannot be written.
    pub fn apply(&self) -> Result<(), EditError> {
        if read(&self.path)? != self.before {
            return Err(EditError::Changed { path: self.path.clone() });
        }
        if self.before == self.after {
            return Ok(());
        }
        write_atomically(&self.path, &self.after).map_err(|source| self.unwritten(source))
    }

    /// Whether it could be written, as far as can be told without writing it.
    ///
    /// # Errors
    /// Nothing can be written beside the file.
    pub fn try_out(&self) -> Result<(), EditError> {
        let made = fs::canonicalize(&self.path).and_then(|path| beside(&path).map(drop));
        made.map_err(|source| self.unwritten(source))
    }

    fn unwritten(&self, source: io::Error) -> EditError {
        EditError::File { path: self.path.clone(), action: "written", source }
    }
}

fn read(path: &Path) -> Result<String, EditError> {
    fs::read_to_string(path).map_err(|source| EditError::File {
        path: path.to_owned(),
        action: "read",
        source,
    })
}

/// A new file in the folder of the one at `path`, which is gone when it is dropped.
fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    tempfile::Builder::new().prefix(".segue-").tempfile_in(folder.unwrap_or(Path::new(".")))
}

/// A reader sees the old text or the new one, never half; after a crash too. A symbolic link stays
/// one: what it leads to is replaced.
fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let before = fs::metadata(&path)?;
    let mut file = beside(&path)?;
    file.write_all(text.as_bytes())?;
    // Owner first: changing it clears bits of the mode. An owner that cannot be kept is a failure,
    // or the proxy could find a file that it may no longer read.
    let made = file.as_file().metadata()?;
    if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
        fchown(file.as_file(), Some(before.uid()), Some(before.gid()))?;
    }
    file.as_file().set_permissions(before.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

enum Problem {
    Syntax,
    Unknown(Option<String>),
}

/// The text with one value changed; comments, order and spacing stay.
fn with_phase(text: &str, name: &str, phase: Phase) -> Result<String, Problem> {
    let mut document: DocumentMut = text.parse().map_err(|_syntax| Problem::Syntax)?;
    let mut names = Vec::new();
    let found = match document.get_mut("migration") {
        Some(Item::ArrayOfTables(tables)) => tables
            .iter_mut()
            .map(|table| table as &mut dyn TableLike)
            .find(|table| has_name(*table, name, &mut names)),
        Some(Item::Value(Value::Array(array))) => array
            .iter_mut()
            .filter_map(Value::as_inline_table_mut)
            .map(|table| table as &mut dyn TableLike)
            .find(|table| has_name(*table, name, &mut names)),
        Some(Item::None | Item::Value(_) | Item::Table(_)) | None => None,
    };
    let Some(table) = found else {
        let nearest = nearest(name, names.iter().map(String::as_str));
        return Err(Problem::Unknown(nearest.map(str::to_owned)));
    };
    let mut value = Value::from(phase.name());
    match table.get_mut("phase") {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        Some(other) => *other = Item::Value(value),
        None => {
            table.insert("phase", Item::Value(value));
        }
    }
    Ok(document.to_string())
}

fn has_name(table: &dyn TableLike, name: &str, names: &mut Vec<String>) -> bool {
    let Some(found) = table.get("name").and_then(Item::as_str) else { return false };
    names.push(found.to_owned());
    found == name
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# our proxy
listen = '127.0.0.1:6432'   # not the default

[[migration]]
name  = \"other\"
phase = \"expand\"

  [[migration]]       # the one
  phase   =   'expand'  # ask Ann before going on
  name    = \"rename-username\"
";

    #[test]
    fn only_the_value_changes() {
        let after = with_phase(FILE, "rename-username", Phase::DualWrite).ok();
        let expected = FILE.replace("'expand'  #", "\"dual-write\"  #");
        assert_eq!(after, Some(expected));
    }

    #[test]
    fn inline_tables_too() {
        let text = "migration = [{ name = \"a\", phase = \"expand\" }] # all\n";
        let expected = "migration = [{ name = \"a\", phase = \"contract\" }] # all\n";
        assert_eq!(with_phase(text, "a", Phase::Contract).ok(), Some(expected.to_owned()));
    }

    #[test]
    fn an_edit_keeps_permissions_and_leaves_nothing_beside() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segue.toml");
        fs::write(&path, FILE).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let edit = Edit::plan(&path, "rename-username", Phase::DualWrite).unwrap();
        edit.try_out().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
        edit.apply().unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn somebody_elses_change_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segue.toml");
        fs::write(&path, FILE).unwrap();
        let edit = Edit::plan(&path, "rename-username", Phase::DualWrite).unwrap();
        fs::write(&path, "listen = \"::1:1\"\n").unwrap();
        assert!(matches!(edit.apply(), Err(EditError::Changed { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "listen = \"::1:1\"\n");
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segue.toml");
        fs::write(&path, FILE).unwrap();
        let error = Edit::plan(&path, "rename-usrname", Phase::DualWrite).unwrap_err();
        let expected = format!(
            "no migration is named \"rename-usrname\" in file \"{}\"\n  hint: did you mean \
             \"rename-username\"?",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
    }
}
