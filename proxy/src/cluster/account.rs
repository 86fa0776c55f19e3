//! The account that runs the server: PostgreSQL refuses to run as root.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::error::ClusterError;

/// Where accounts are listed.
const PASSWD: &str = "/etc/passwd";

/// Accounts that root hands the server to, best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Bit that lets everybody enter a folder.
const OTHERS_ENTER: u32 = 0o001;

/// Who runs `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever runs this process.
    Own,
    /// Another account, because this process runs as root.
    Other {
        /// Its name.
        name: String,
        /// Its user id.
        uid: u32,
        /// Its group id.
        gid: u32,
    },
}

impl Account {
    /// This process's own account, or for root an unprivileged one.
    pub(super) fn for_server() -> Result<Self, ClusterError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let accounts = std::fs::read_to_string(PASSWD).unwrap_or_default();
        UNPRIVILEGED
            .iter()
            .find_map(|name| lookup(&accounts, name))
            .ok_or(ClusterError::NoAccount { file: PASSWD, names: &UNPRIVILEGED })
    }

    /// A command that will run as this account, in a process group of its own: a Ctrl-C on the
    /// terminal must reach segue alone, which then ends the server in good order.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.process_group(0);
        if let Self::Other { uid, gid, .. } = self {
            // The standard library also drops root's supplementary groups.
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Gives a file or folder to this account.
    pub(super) fn give(&self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)),
        }
    }

    /// May this account enter `folder` and everything above it?
    pub(super) fn may_enter(&self, folder: &Path) -> bool {
        let Self::Other { uid, .. } = self else { return true };
        folder.ancestors().filter(|above| !above.as_os_str().is_empty()).all(|above| {
            std::fs::metadata(above).is_ok_and(|found| {
                found.uid() == *uid || found.permissions().mode() & OTHERS_ENTER != 0
            })
        })
    }

    /// The name to show.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Own => "the current user",
            Self::Other { name, .. } => name,
        }
    }
}

/// Finds an account in the text of a passwd file.
fn lookup(accounts: &str, wanted: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted)?;
        let uid = fields.nth(1)?.parse().ok().filter(|uid| *uid != 0)?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account::Other { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_from_passwd_lines() {
        let accounts =
            "root:x:0:0::/root:/bin/sh\npostgresql:x:7:8::/:\npostgres:x:101:104:,,,:/:\n";
        assert_eq!(
            lookup(accounts, "postgres"),
            Some(Account::Other { name: "postgres".to_owned(), uid: 101, gid: 104 })
        );
        assert_eq!(lookup(accounts, "nobody"), None);
        assert_eq!(lookup("postgres:x:0:0::/:", "postgres"), None, "an alias of root is no help");
    }
}
