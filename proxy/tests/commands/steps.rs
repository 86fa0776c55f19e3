//! Pauses, checks, steps and what status shows.

use crate::house::{House, connect, eventually, line, said, segue};

#[tokio::test]
async fn pausing_and_resuming() {
    let house = House::start().await;
    let (busy, waiting) = (house.client().await, house.client().await);
    busy.batch_execute("BEGIN; SELECT username FROM users WHERE id = 7").await.expect("a row");

    // It outlasts a short pause.
    let (code, out, error) = house.run(&["pause", "--timeout", "300ms"]);
    assert!(out.starts_with("waiting for client \"127.0.0.1:"), "{out}");
    assert!(out.contains("application \"app\""), "{out}");
    assert_eq!(
        (code, error.as_str()),
        (
            Some(4),
            "transactions outlasted the pause, which is over\n  hint: end them, or give a longer \
             --timeout\n"
        )
    );
    assert!(!house.status().contains("paused"));

    // It ends within a longer one; who comes later waits until told.
    let pause = house.begin(&["pause", "--timeout", "10m"]);
    eventually("it is closed", || house.status().contains("paused")).await;
    let held = tokio::spawn(async move { waiting.query("SELECT 1", &[]).await.map(|it| it.len()) });
    eventually("one waits", || house.status().contains("waiting sessions: 1;")).await;
    busy.batch_execute("COMMIT").await.expect("a commit");
    let (code, out, error) = said(pause.wait_with_output().expect("an exit"));
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let last = out.lines().last();
    assert_eq!(last, Some("paused: nothing is under way, and new transactions are held back"));
    assert!(house.status().contains("under way: 0;"));
    assert!(!held.is_finished());
    assert_eq!(house.run(&["resume"]), line(0, "new transactions are not held back"));
    assert_eq!(held.await.expect("an end").ok(), Some(1));
    assert_eq!(house.run(&["resume"]), line(0, "new transactions are not held back"));
    house.stop().await;
}

#[tokio::test]
async fn a_step_is_checked_taken_and_waited_for() {
    let house = House::start().await;
    let closed = "m is in phase \"expand\"\n\n  next step  dual-write: the gate is closed\n\n    \
                  not ready   missing-column\n      column \"handle\" does not exist in \
                  \"public.users\", and phase \"dual-write\" needs it\n        ALTER TABLE \
                  public.users ADD COLUMN handle text;";
    assert_eq!(house.run(&["check"]), line(5, closed));
    assert_eq!(house.run(&["check", "m"]).0, Some(5));
    let (code, _, error) = house.run(&["check", "n"]);
    assert_eq!((code, error.as_str()), (Some(1), "there is no migration \"n\"\n"));
    let direct = connect(house.cluster.superuser("postgres")).await;
    direct.batch_execute("ALTER TABLE public.users ADD COLUMN handle text").await.expect("DDL");
    let open = "m is in phase \"expand\"\n\n  next step  dual-write: the gate is open";
    assert_eq!(house.run(&["check"]), line(0, open));

    let holder = house.client().await;
    holder.batch_execute("BEGIN; SELECT username FROM users WHERE id = 7").await.expect("a row");
    let (code, out, error) = house.run(&["phase", "m", "dual-write", "--drain-timeout", "700ms"]);
    assert_eq!(code, Some(4), "{out}{error}");
    assert!(error.starts_with("not drained yet\n  client \"127.0.0.1:"), "{error}");
    assert!(error.contains("SELECT username FROM users WHERE id = ?\n"), "{error}");
    holder.batch_execute("COMMIT").await.expect("a commit");

    // Whoever is left when the time is over is ended.
    holder.batch_execute("BEGIN; SELECT username FROM users WHERE id = 7").await.expect("a row");
    let flip = ["phase", "m", "expand", "--drain-timeout", "0s", "--terminate-stragglers"];
    let (code, out, error) = house.run(&flip);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("\nterminated client \"127.0.0.1:"), "{out}");
    assert!(out.lines().last().is_some_and(|last| last.starts_with("drained after ")), "{out}");
    holder.batch_execute("SELECT 1").await.expect_err("the session was ended");

    // Options that contradict each other.
    for options in [["--wait", "--cancel-stragglers"], ["--wait", "--terminate-stragglers"]] {
        let (code, _, error) = house.run(&[&["phase", "m", "dual-write"], &options[..]].concat());
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains("cannot be used with"), "{error}");
    }
    house.stop().await;
}

#[tokio::test]
async fn the_latency_that_clients_see() {
    let house = House::start().await;
    let shown = || {
        let status = house.status();
        let line = status.lines().find(|line| line.starts_with("latency: "));
        line.unwrap_or_default().to_owned()
    };
    assert!(shown().starts_with("latency: no requests in "), "{}", shown());
    let client = house.client().await;
    for _ in 0..1_200 {
        client.batch_execute("SELECT username FROM users WHERE id = 7").await.expect("no rows");
    }
    client.batch_execute("SELECT pg_sleep(0.2)").await.expect("a row");
    let line = shown();
    let (times, counts) = line.split_once(" over ").expect("requests");
    let times: Vec<&str> = times.split(", ").collect();
    let [p50, p99] = times.as_slice() else { panic!("{line}") };
    assert!(p50.starts_with("latency: p50 ") && p50.ends_with(" ms"), "{line}");
    assert!(p99.starts_with("p99 ") && p99.ends_with(" ms"), "{line}");
    assert!(counts.starts_with("1,201 requests in ") && counts.ends_with(" s"), "{line}");

    let json = house.run(&["status", "--json"]).1;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let latency = json.get("latency").expect("latency");
    for window in ["last_5s", "last_60s"] {
        let window = latency.get(window).expect("a window");
        let number = |key: &str| window.get(key).and_then(serde_json::Value::as_u64);
        let keys = ["over_ms", "count", "p50_us", "p99_us", "max_us"].map(number);
        assert!(keys.iter().all(Option::is_some), "{window}");
    }
    let whole = latency.get("last_60s").expect("a window");
    assert_eq!(whole.get("count"), Some(&1_201.into()));
    let most = whole.get("max_us").and_then(serde_json::Value::as_u64);
    assert!(most >= Some(200_000), "{whole}");
    house.stop().await;
}

#[test]
fn without_a_proxy() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("segue.toml");
    std::fs::write(&config, "").expect("a file");
    for arguments in [["pause"].as_slice(), &["resume"], &["status"]] {
        let (code, out, error) = said(segue(arguments, &config).output().expect("an exit"));
        assert_eq!((code, out.as_str()), (Some(3), ""), "{arguments:?}");
        assert!(error.starts_with("no segue is running with this configuration: "), "{error}");
    }
}
