//! `segue verify`: what it prints, with which code it exits, and what is left when it is killed at any
//! place.

use crate::house::{House, Plan, Said, said, segue};

const ROWS: i64 = 30_000;

/// A table of which all is copied but for three rows, in dual-write.
async fn house() -> House {
    House::with(Plan {
        ddl: format!(
            "CREATE TABLE t (id bigint PRIMARY KEY, old text, new int);
             INSERT INTO t SELECT g, g, CASE g WHEN 5 THEN NULL WHEN 20000 THEN -1 ELSE g END
             FROM generate_series(1, {ROWS}) g;
             UPDATE t SET new = 7 WHERE id = {ROWS}; ANALYZE t;"
        ),
        migration: "kind = \"change-column\"\ntable = \"t\"\nfrom = \"old\"\nto = \"new\"\n\
                    phase = \"dual-write\"\n"
            .to_owned(),
        ..Plan::default()
    })
    .await
}

const QUICK: [&str; 3] = ["verify", "m", "--no-throttle"];

const NAMED: &str = "\
public.t, id = 5: \"old\" is '5', \"new\" is NULL, should be '5'
public.t, id = 20000: \"old\" is '20000', \"new\" is '-1', should be '20000'
public.t, id = 30000: \"old\" is '30000', \"new\" is '7', should be '30000'
";

/// It ends with this code, and with these lines behind those that tell how far it is.
#[track_caller]
fn check((code, out, error): Said, expected: i32, lines: &str) {
    assert_eq!((code, error.as_str()), (Some(expected), ""), "{out}");
    assert!(out.ends_with(&format!("\n{lines}")), "{out}");
}

#[tokio::test]
async fn it_exits_as_diff_does() {
    let house = house().await;
    let differ = format!("{NAMED}\"m\": 30,000 rows compared, 3 differ\n");
    check(house.run(&QUICK), 1, &differ);
    let (code, out, _) = house.run(&[&QUICK[..], &["--show", "1"]].concat());
    assert_eq!(code, Some(1));
    let begins = "compares \"m\": \"new\" with \"old\", about 30,000 rows\n";
    assert!(out.starts_with(begins), "{out}");
    let first = NAMED.lines().next().expect("a line");
    let lines = format!("{first}\n… and 2 more rows\n\"m\": 30,000 rows compared, 3 differ\n");
    assert!(out.ends_with(&lines), "{out}");
    let counted = "\"m\": 30,000 rows compared, 3 differ\n";
    check(house.run(&[&QUICK[..], &["--show", "0", "--workers", "2"]].concat()), 1, counted);
    let status = house.status();
    assert!(status.contains("verification of \"m\": 3 of 30,000 rows differ, "), "{status}");

    let read_side = house.run(&[&QUICK[..], &["--fix", "old"]].concat());
    assert_eq!((read_side.0, read_side.1.as_str()), (Some(2), ""));
    assert_eq!(
        read_side.2,
        "clients read the old side in phase \"dual-write\", and --fix old would overwrite it\n  \
         hint: --fix new makes the other side equal to it; or, if the new side is right, add \
         --overwrite-read-side\n"
    );
    let mended = "\"m\": 30,000 rows compared, 3 mended, all are equal\n";
    check(house.run(&[&QUICK[..], &["--fix", "new"]].concat()), 0, mended);
    check(house.run(&QUICK), 0, "\"m\": 30,000 rows compared, all are equal\n");
    assert!(house.status().contains("verification of \"m\": 30,000 rows equal, "));

    let direct = house.direct().await;
    direct.batch_execute("UPDATE t SET old = 'x' WHERE id = 77").await.expect("a row");
    let failed = "public.t, id = 77: cannot be compared: invalid input syntax for type integer: \"x\" \
                  (SQLSTATE 22P02)\n\"m\": 30,000 rows compared, 1 could not be compared\n";
    check(house.run(&QUICK), 2, failed);
    let unknown = house.run(&["verify", "other"]);
    let said = "the journal knows no migration \"other\"\n  hint: start a proxy with it first, or see \
                segue status\n";
    assert_eq!(unknown, (Some(2), String::new(), said.to_owned()));
    house.stop().await;
}

#[tokio::test]
async fn it_tells_programs_what_happens() {
    let house = house().await;
    let (code, out, _) = house.run(&[&QUICK[..], &["--json", "--show", "1"]].concat());
    assert_eq!(code, Some(1));
    let events: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let first = events.first().expect("an event");
    assert_eq!((&first["event"], &first["goes_on"]), (&"began".into(), &false.into()));
    let last = events.last().expect("an event");
    let expected = serde_json::json!({
        "event": "done", "source": "old", "column": "new", "compared": ROWS, "differing": 3, "failed": 0,
        "mended": 0, "alarm": null,
        "rows": [{
            "part": "public.t", "key": "id = 5", "source": "'5'", "found": "NULL", "expected": "'5'",
            "problem": null,
        }],
    });
    assert_eq!(*last, expected);
    house.stop().await;
}

#[tokio::test]
async fn killed_at_any_place_it_goes_on_there() {
    let house = house().await;
    let compared = "SELECT coalesce(sum(compared), 0)::int8 FROM segue.verify_range";
    let mut before = 0;
    for (place, times) in [
        ("verify-begun", 1),
        ("verify-compared", 1),
        ("verify-written", 1),
        ("verify-compared", 2),
        ("verify-written", 2),
        ("verify-written", 3),
    ] {
        let about = format!("{place}:{times}");
        let mut command = segue(&QUICK, &house.config);
        let killed = command.env("SEGUE_KILL_AT", &about).output().expect("an exit");
        assert_eq!(killed.status.code(), None, "{about}: it is never come to: {killed:?}");
        let now = house.number(compared).await;
        assert!(now >= before && now < ROWS, "{about}: {before} rows, then {now}");
        before = now;
    }
    assert!(before > 0, "nothing was ever written down");
    let (code, out, _) = house.run(&QUICK);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.starts_with("goes on with \"m\": "), "{out}");
    // Each row once, those that differ among them, wherever they were found.
    assert!(out.ends_with(&format!("{NAMED}\"m\": 30,000 rows compared, 3 differ\n")), "{out}");
    house.stop().await;
}

#[tokio::test]
async fn killed_while_it_mends_it_goes_on_there() {
    let house = house().await;
    let fix = [&QUICK[..], &["--fix", "new"]].concat();
    let mut command = segue(&fix, &house.config);
    let killed = command.env("SEGUE_KILL_AT", "verify-mended:1").output().expect("an exit");
    assert_eq!(killed.status.code(), None, "{killed:?}");
    let apart = "SELECT count(*) FROM t WHERE new IS DISTINCT FROM old::int";
    assert_eq!(house.number(apart).await, 3, "what was not committed is not there");
    // Another order begins anew: what a mending run has compared tells nothing of the rest.
    let plain = said(segue(&QUICK, &house.config).output().expect("an exit"));
    assert_eq!(plain.0, Some(1));
    assert!(plain.1.starts_with("compares \"m\""), "{}", plain.1);
    let done = house.run(&fix);
    assert_eq!(done.0, Some(0), "{done:?}");
    assert_eq!(house.number(apart).await, 0);
    house.stop().await;
}

#[tokio::test]
async fn what_stood_still_for_too_long_is_begun_anew() {
    let house = house().await;
    for (changed, begins) in [
        ("updated_at = now() - interval '59 min'", "goes on with"),
        ("updated_at = now() - interval '61 min'", "compares"),
        ("epoch = epoch - 1", "compares"),
    ] {
        let mut command = segue(&[&QUICK[..], &["--restart"]].concat(), &house.config);
        let killed = command.env("SEGUE_KILL_AT", "verify-written:1").output().expect("an exit");
        assert_eq!(killed.status.code(), None, "{killed:?}");
        let direct = house.direct().await;
        let update = format!("UPDATE segue.verify SET {changed}");
        direct.batch_execute(&update).await.expect("a row");
        let (_, out, _) = house.run(&QUICK);
        assert!(out.starts_with(begins), "{changed}: {out}");
    }
    house.stop().await;
}
