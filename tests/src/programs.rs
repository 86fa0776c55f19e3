//! Programs that others wrote: found, run against a port, and missed only where they may be.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::server::{Database, cluster};

/// A program of PostgreSQL's, from the path or from beside the server's own.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([cluster().binaries().folder().to_owned()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A Python that has these modules.
pub fn python(modules: &str) -> Option<PathBuf> {
    let named = std::env::var_os("SEGUE_TEST_PYTHON").map(PathBuf::from);
    [named, program("python3")].into_iter().flatten().find(|python| {
        Command::new(python)
            .args(["-c", &format!("import {modules}")])
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

/// Passes with a notice, unless everything must be there.
///
/// # Panics
/// Under `CI=true`.
pub fn missing(what: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{what} is not installed, and under CI=true it must be"
    );
    // Not through the print macros: what they print is shown for failing tests only.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what} is not installed");
}

/// The program's standard output, if it succeeds as the superuser of that database behind `port`.
///
/// # Panics
/// With what it says if it fails.
pub fn output(command: &mut Command, port: u16, database: &Database) -> String {
    let output = command
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", port.to_string())
        .env("PGUSER", database.superuser())
        .env("PGDATABASE", &database.name)
        .output()
        .expect("a program that starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
