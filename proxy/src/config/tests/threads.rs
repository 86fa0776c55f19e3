//! Whole numbers, `threads` above all.

use std::path::Path;

use super::*;

fn read(text: &str) -> Result<Config, Report> {
    Draft::parse(Path::new("segue.toml"), text).finish()
}

#[test]
fn threads_are_a_whole_number_in_any_base() {
    for (threads, expected) in
        [("1", 1), ("1024", 1_024), ("1_000", 1_000), ("+2", 2), ("0x10", 16), ("0b11", 3)]
    {
        let config = read(&format!("threads = {threads}\n{GOOD}")).unwrap();
        assert_eq!(config.threads.get(), expected, "{threads}");
    }
    for threads in ["0", "-1", "1.5", "\"2\"", "1025", "0xffffffffffffffff", "[2]", "true"] {
        let expected = "segue.toml:1: key \"threads\": must be a whole number from 1 to 1024";
        let report = read(&format!("threads = {threads}\n{GOOD}")).map(|it| it.threads);
        assert_eq!(report.unwrap_err().to_string(), expected, "{threads}");
    }
}

#[test]
fn threads_that_are_not_named_are_half_the_processors() {
    let processors = std::thread::available_parallelism().unwrap().get();
    let threads = read(GOOD).unwrap().threads.get();
    assert!(threads * 2 == processors || threads * 2 == processors + 1, "{threads}");
}

#[test]
fn other_numbers_are_read_in_any_base_too() {
    let text = backfill("backfill = { max_rate = 0x20, workers = 0b11 }\n");
    let plan = &read(&text).unwrap().backfills["seen"];
    assert_eq!((plan.max_rate, plan.workers), (Some(32), Some(3)));
}
