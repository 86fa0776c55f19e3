//! `segue backfill`: what it prints, and what is left when it is killed at any place, or the server
//! crashes under it.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::house::{House, Plan, line, said, segue};

const ROWS: i64 = 30_000;

async fn house() -> House {
    House::with(plan(ROWS)).await
}

/// A table of which nothing is copied, in dual-write.
pub(crate) fn plan(rows: i64) -> Plan {
    Plan {
        ddl: format!(
            "CREATE TABLE t (id bigint PRIMARY KEY, old text, new int);
             INSERT INTO t SELECT g, g FROM generate_series(1, {rows}) g; ANALYZE t;"
        ),
        migration: "kind = \"change-column\"\ntable = \"t\"\nfrom = \"old\"\nto = \"new\"\n\
                    phase = \"dual-write\"\n"
            .to_owned(),
        ..Plan::default()
    }
}

/// Exactly the rows that the journal says were changed are copied, none of them twice.
pub(crate) async fn check(house: &House, about: &str) -> i64 {
    let copied = house.number("SELECT count(*) FROM t WHERE new = old::int").await;
    let told = "SELECT coalesce(sum(b.changed), 0)::int8
                       + coalesce((SELECT sum(changed) FROM segue.backfill_range), 0)::int8
                FROM segue.backfill b";
    assert_eq!(house.number(told).await, copied, "{about}: what is told is what was done");
    copied
}

const QUICK: [&str; 3] = ["backfill", "m", "--no-throttle"];

#[tokio::test]
async fn killed_at_any_place_it_goes_on_there() {
    let house = house().await;
    for (place, times) in [
        ("backfill-pass-begun", 1),
        ("backfill-window-opened", 1),
        ("backfill-copied", 1),
        ("backfill-committed", 1),
        ("backfill-copied", 4),
        ("backfill-committed", 5),
        ("backfill-copied", 9),
        // The sweep, since all rows are copied by then.
        ("backfill-pass-begun", 1),
        ("backfill-window-closed", 1),
    ] {
        let about = format!("{place}:{times}");
        let mut command = segue(&QUICK, &house.config);
        command.env("SEGUE_KILL_AT", &about);
        let killed = command.output().expect("an exit");
        assert_eq!(killed.status.code(), None, "{about}: it is never come to: {killed:?}");
        check(&house, &about).await;
    }
    let done = house.run(&QUICK);
    assert_eq!(done.0, Some(0), "{done:?}");
    assert_eq!(check(&house, "at the end").await, ROWS);
    house.stop().await;
}

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_there() {
    let house = house().await;
    let slowly = ["backfill", "m", "--no-throttle", "--max-rate", "6000", "--workers", "2"];
    let mut before = 0;
    for round in 0..6 {
        let mut running = house.begin(&slowly);
        let copied = "SELECT count(new) FROM t";
        house.comes_to("it goes on", copied, |count| count > before || count == ROWS).await;
        tokio::time::sleep(Duration::from_millis(round * 67)).await;
        running.kill().expect("a signal");
        running.wait().expect("an exit");
        // What its last batches did is told as soon as the server has noticed.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let copied = check(&house, &format!("round {round}")).await;
        assert!(copied >= before, "nothing is undone");
        before = copied;
    }
    assert!(before > 0, "it never came to do anything");
    let done = house.run(&QUICK);
    assert_eq!(done.0, Some(0), "{done:?}");
    assert_eq!(check(&house, "at the end").await, ROWS);
    house.stop().await;
}

#[tokio::test]
async fn it_outlives_a_crash_of_the_server() {
    let house = house().await;
    let running = house.begin(&["backfill", "m", "--no-throttle", "--max-rate", "10000"]);
    house.comes_to("rows are copied", "SELECT count(new) FROM t", |count| count > 500).await;
    let backend =
        "SELECT pid::int8 FROM pg_stat_activity WHERE application_name = 'segue backfill' LIMIT 1";
    let backend = house.number(backend).await;
    let pid = Pid::from_raw(i32::try_from(backend).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::KILL).expect("a signal");
    let done = said(running.wait_with_output().expect("an exit"));
    assert_eq!(done.0, Some(0), "{done:?}");
    assert!(done.2.contains("trying again"), "{done:?}");
    assert_eq!(check(&house, "at the end").await, ROWS);
    house.stop().await;
}

#[tokio::test]
async fn it_tells_how_far_it_is_and_does_as_it_is_told() {
    let house = house().await;
    let nothing = house.run(&["backfill", "m", "--pause"]);
    assert_eq!(nothing.2, "no backfill of \"m\" is running\n");
    let never = house.run(&["backfill", "m", "--status"]);
    assert_eq!(never.1, "no backfill of \"m\" was ever begun\n");
    let running = house.begin(&["backfill", "m", "--max-rate", "10000", "--no-throttle", "--json"]);
    house.comes_to("rows are copied", "SELECT count(new) FROM t", |count| count > 500).await;
    let (_, _, second) = house.run(&QUICK);
    assert!(second.starts_with("a backfill of \"m\" is running already by "), "{second}");
    assert!(second.contains("hint: segue backfill --pause"), "{second}");
    assert_eq!(house.run(&["backfill", "m", "--pause"]).0, Some(0));
    let paused = "SELECT count(*) FROM segue.backfill WHERE reason LIKE 'paused by %'";
    house.comes_to("it is paused", paused, |count| count == 1).await;
    let (_, status, _) = house.run(&["backfill", "m", "--status"]);
    assert!(status.starts_with("backfill of \"m\" (fills \"new\"): paused, "), "{status}");
    assert!(status.contains("all rows: "), "{status}");
    assert!(house.status().contains("backfill of \"m\" (fills \"new\"): paused"), "{status}");
    assert_eq!(house.run(&["backfill", "m", "--resume"]).0, Some(0));
    let done = said(running.wait_with_output().expect("an exit"));
    assert_eq!(done.0, Some(0), "{done:?}");
    let events: Vec<serde_json::Value> =
        done.1.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let first = events.first().expect("an event");
    assert_eq!((&first["event"], &first["total"]), (&"began".into(), &ROWS.into()));
    let last = events.last().expect("an event");
    assert_eq!((&last["event"], &last["changed"]), (&"done".into(), &ROWS.into()));
    assert!(events.iter().any(|event| event["stands_still"] == true));
    house.stop().await;
}

#[tokio::test]
async fn rows_that_cannot_be_copied_are_told_in_the_end() {
    let house = house().await;
    let direct = house.direct().await;
    direct.batch_execute("UPDATE t SET old = 'x' WHERE id IN (5, 20000)").await.expect("rows");
    let (code, _, said) = house.run(&QUICK);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("cannot be copied: invalid input syntax for type integer: \"x\""),
        "{said}"
    );
    assert!(said.contains("--on-error skip"), "{said}");
    let skipped = house.run(&["backfill", "m", "--no-throttle", "--on-error", "skip"]);
    let (code, out, said) = skipped;
    assert_eq!(code, Some(6), "{out}{said}");
    for id in [5, 20_000] {
        let row = format!("not copied: public.t, id = {id}: invalid input syntax");
        assert!(said.contains(&row), "{said}");
    }
    assert!(out.contains("could not copy 2 rows"), "{out}");
    direct.batch_execute("UPDATE t SET old = '7' WHERE old = 'x'").await.expect("rows");
    let done = house.run(&QUICK);
    assert_eq!(done.0, Some(0), "{done:?}");
    house.stop().await;
}

#[tokio::test]
async fn a_proxy_runs_it_and_another_one_goes_on_with_it() {
    let house = house().await;
    let slowly = ["backfill", "m", "--no-throttle", "--max-rate", "8000", "--detach"];
    let begun = house.run(&slowly);
    assert_eq!(begun, line(0, "it has begun: segue status shows how far it is"));
    let (code, _, second) = house.run(&slowly);
    assert_eq!(code, Some(1));
    assert!(second.contains("is running already by the proxy of "), "{second}");
    house.comes_to("rows are copied", "SELECT count(new) FROM t", |count| count > 500).await;
    // As if nothing had been heard of it for long.
    let silent = "UPDATE segue.backfill SET updated_at = now() - interval '1 min'";
    let house = house.another_proxy(silent).await;
    let done = "SELECT count(*) FROM segue.backfill WHERE state = 'done'";
    house.comes_to("it is done", done, |count| count == 1).await;
    assert_eq!(check(&house, "at the end").await, ROWS);
    house.stop().await;
}
