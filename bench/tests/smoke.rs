//! Each bench runs to its end, in seconds: what it measures then means nothing, but nothing fails.

use std::process::Command;

/// Runs a bench with its report in a folder of its own; what it prints.
fn check(arguments: &[&str], says: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_segue-bench"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("the bench runs");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} failed:\n{out}\n{complaint}");
    for says in says {
        assert!(out.contains(says), "{arguments:?} does not say \"{says}\":\n{out}");
    }
    let html = folder.path().join(format!("{}.html", arguments[0]));
    if html.exists() {
        let page = std::fs::read_to_string(html).expect("a report");
        assert!(page.contains("<svg") && page.ends_with("</html>\n"), "{page}");
        let figures = folder.path().join(format!("{}.json", arguments[0]));
        let figures = std::fs::read_to_string(figures).expect("figures");
        let figures: serde_json::Value = serde_json::from_str(&figures).expect("JSON");
        assert!(figures["tables"].as_array().is_some_and(|it| !it.is_empty()), "{figures}");
    }
    out
}

#[test]
fn relay() {
    let says =
        ["| select, prepared, 2 |", "| tpcb-like, prepared, 2, TLS |", "| COPY FROM, MB/s |"];
    check(&["relay", "--smoke"], &says);
}

#[test]
fn scale() {
    check(&["scale", "--smoke"], &["Memory for each connection", "distinct texts:"]);
}

#[test]
fn flip() {
    let out = check(
        &["flip", "--smoke"],
        &["| stop-dual-write |", "| to contract |", "| UPDATE of the column by key |"],
    );
    assert!(out.contains("holds   requests that ended in an error: 0.00"), "{out}");
}

#[test]
fn backfill() {
    check(&["backfill", "--rows", "3000"], &["| 3000 | segue backfill |", "| 3000 | one UPDATE |"]);
}

#[test]
fn split() {
    let few = ["split", "--rows", "500", "--requests", "20", "--turns", "1"];
    check(&few, &["| write both: dual-write |", "| read what moves: stop-dual-write |"]);
}
