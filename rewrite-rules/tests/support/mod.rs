//! What every reader of the golden books needs: the books themselves, and a catalog from DDL; and
//! the coverage corpus, which is read in the same two places.
//!
//! Two packages include this folder by path: the runner beside it, and `segue-tests`, which runs
//! the same books against a real server.

pub mod book;
pub mod coverage;
pub mod format_type;
pub mod replies;
pub mod schema;

use std::path::{Path, PathBuf};

/// Folder of the books.
#[must_use]
pub fn books_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rewrite-rules/tests/golden")
}

/// Reads every book, in the order of the file names.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn read_books() -> std::io::Result<Vec<book::Book>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(books_folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| Ok(book::Book::parse(path.clone(), &std::fs::read_to_string(path)?)))
        .collect()
}
