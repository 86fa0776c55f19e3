//! Notices that the configuration file has changed.
//!
//! Editors replace a file by renaming another one over it, and Kubernetes swaps a symbolic link in
//! its folder: so the folders are watched, not the file, and what counts is the content.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::plain_reason;

/// Silence after the last event before the file is read: an editor's rename and its chmod are one
/// change. Unit: milliseconds.
pub const SETTLE_MS: u64 = 150;

/// The file is looked at this often without any event: network file systems and some bind mounts
/// send none. Unit: milliseconds.
pub const LOOK_MS: u64 = 5_000;

/// Watches one file.
#[derive(Debug)]
pub struct FileWatch {
    path: PathBuf,
    seen: Option<Vec<u8>>,
    watcher: Option<RecommendedWatcher>,
    folders: Vec<PathBuf>,
    events: mpsc::Receiver<()>,
}

impl FileWatch {
    /// Begins with the file's content as it is now. Begin before the configuration is read: a
    /// change in between then only causes a reload that finds nothing new.
    ///
    /// Cancel safe: it only reads.
    pub async fn begin(path: &Path) -> Self {
        // One place is enough: an event that finds it taken has been announced already.
        let (announce, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading the file is an event too.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = announce.try_send(());
            }
        });
        let watcher =
            watcher.inspect_err(|error| tracing::warn!(%error, "file events cannot be had")).ok();
        let seen = tokio::fs::read(path).await.ok();
        let mut watch = Self { path: path.to_owned(), seen, watcher, folders: Vec::new(), events };
        watch.follow();
        watch
    }

    /// Watches the file's folder, and that of the file it leads to if it is a symbolic link.
    fn follow(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let real = std::fs::canonicalize(&self.path).ok();
        for file in [Some(self.path.clone()), real].into_iter().flatten() {
            let folder = match file.parent() {
                Some(folder) if folder != Path::new("") => folder.to_owned(),
                Some(_) | None => PathBuf::from("."),
            };
            if self.folders.contains(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => self.folders.push(folder),
                Err(error) => {
                    let reason = plain_reason(&error.to_string());
                    tracing::debug!(folder = %folder.display(), reason, "folder is not watched");
                }
            }
        }
    }

    /// Returns when the file has another content than before. A file that is away for a moment has
    /// not changed.
    ///
    /// Cancel safe: a change that nobody heard of is told by the next call.
    pub async fn changed(&mut self) {
        loop {
            let look = Duration::from_millis(LOOK_MS);
            if let Ok(event) = tokio::time::timeout(look, self.events.recv()).await {
                if event.is_none() {
                    // No watcher: the regular look is all there is.
                    tokio::time::sleep(look).await;
                }
                let settle = Duration::from_millis(SETTLE_MS);
                while let Ok(Some(())) = tokio::time::timeout(settle, self.events.recv()).await {}
            }
            self.follow();
            if let Ok(content) = tokio::fs::read(&self.path).await
                && self.seen.as_ref() != Some(&content)
            {
                self.seen = Some(content);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    async fn notices(watch: &mut FileWatch) -> bool {
        // Shorter than the regular look, so that it is the event that is noticed.
        let patience = Duration::from_millis(LOOK_MS / 2);
        tokio::time::timeout(patience, watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn writes_renames_and_swapped_links_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("segue.toml"), "one").unwrap();
        let mut watch = FileWatch::begin(&at("segue.toml")).await;

        fs::write(at("segue.toml"), "two").unwrap();
        assert!(notices(&mut watch).await, "a write");

        fs::write(at("new"), "three").unwrap();
        fs::rename(at("new"), at("segue.toml")).unwrap();
        assert!(notices(&mut watch).await, "a rename over it");

        for name in ["v1", "v2"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("segue.toml"), name).unwrap();
        }
        std::os::unix::fs::symlink("v1", at("..data")).unwrap();
        fs::remove_file(at("segue.toml")).unwrap();
        std::os::unix::fs::symlink("..data/segue.toml", at("segue.toml")).unwrap();
        assert!(notices(&mut watch).await, "a link in its place");

        std::os::unix::fs::symlink("v2", at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
        assert!(notices(&mut watch).await, "a link swapped behind it");
    }
}
