//! Each bench runs to its end, in seconds: what it measures then means nothing, but nothing fails.

use std::process::Command;

type Checked = Result<(), Box<dyn std::error::Error>>;

/// Runs a bench in a folder of its own and looks at what it prints, and at its report if it writes one.
fn check(bench: &str, arguments: &[&str], says: &[&str]) -> Checked {
    let folder = tempfile::tempdir()?;
    let output = Command::new(env!("CARGO_BIN_EXE_segue-bench"))
        .arg(bench)
        .args(arguments)
        .current_dir(folder.path())
        .output()?;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{bench} failed:\n{out}\n{complaint}");
    for says in says {
        assert!(out.contains(says), "{bench} does not say \"{says}\":\n{out}");
    }
    let html = folder.path().join(format!("{bench}.html"));
    if html.exists() {
        let page = std::fs::read_to_string(&html)?;
        assert!(page.contains("<svg") && page.ends_with("</html>\n"), "{page}");
        let text = std::fs::read_to_string(html.with_extension("json"))?;
        let figures: serde_json::Value = serde_json::from_str(&text)?;
        let tables = figures.get("tables").and_then(serde_json::Value::as_array);
        assert!(tables.is_some_and(|it| !it.is_empty()), "{text}");
    }
    Ok(())
}

#[test]
fn relay() -> Checked {
    let says =
        ["| select, prepared, 2 |", "| tpcb-like, prepared, 2, TLS |", "| COPY FROM, MB/s |"];
    check("relay", &["--smoke"], &says)
}

#[test]
fn scale() -> Checked {
    check("scale", &["--smoke"], &["Memory for each connection", "distinct texts, which differ"])
}

#[test]
fn flip() -> Checked {
    let says = [
        "holds   requests that ended in an error: 0.00",
        "| stop-dual-write |",
        "| to contract |",
        "| UPDATE of the column by key |",
    ];
    check("flip", &["--smoke"], &says)
}

#[test]
fn backfill() -> Checked {
    let says = ["| 3000 | segue backfill |", "| 3000 | one statement |"];
    check("backfill", &["--rows", "3000"], &says)
}

#[test]
fn split() -> Checked {
    let few = ["--rows", "500", "--requests", "20", "--turns", "1"];
    check("split", &few, &["| write both: dual-write |", "| read what moves: stop-dual-write |"])
}
