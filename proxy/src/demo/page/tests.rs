//! The page of an invented run: complete, well formed, and in need of nothing from elsewhere.

use std::time::Duration;

use rewrite_rules::Phase;

use super::render;
use crate::demo::proof::Proof;
use crate::demo::recorder::{Activity, Fault, Flip, Moment, Recorder, Recording};
use crate::demo::report::Report;
use crate::demo::scenario::Scenario;

const fn s(tenths: u64) -> Duration {
    Duration::from_millis(tenths * 100)
}

fn recording() -> Recording {
    let recorder = Recorder::start(Phase::Expand);
    recorder.answered(Duration::from_micros(700));
    recorder.enter(Phase::DualWrite);
    recorder.answered(Duration::from_micros(1_900));
    let mut recording = recorder.recording();
    let walk = [
        (Phase::Expand, 0),
        (Phase::DualWrite, 52),
        (Phase::SwitchReads, 255),
        (Phase::DualWrite, 306),
        (Phase::SwitchReads, 357),
        (Phase::StopDualWrite, 420),
        (Phase::Contract, 471),
    ];
    let made = std::mem::take(&mut recording.chapters);
    for (phase, from) in walk {
        let mut chapter = made[0].clone();
        chapter.phase = phase;
        chapter.from = s(from);
        chapter.latency.record(900).unwrap();
        recording.chapters.push(chapter);
    }
    for pair in walk.windows(2) {
        let (from, to, at) = (pair[0].0, pair[1].0, s(pair[1].1));
        recording.flips.push(Flip { from, to, at, drain: Duration::from_millis(52) });
    }
    for (name, from, to) in [
        ("ADD COLUMN handle character varying(100)", 51, 52),
        ("backfill", 53, 178),
        ("verify", 178, 186),
        ("CREATE UNIQUE INDEX CONCURRENTLY users_handle_key", 186, 200),
        ("ANALYZE users", 200, 202),
        ("verify again", 408, 416),
        ("ALTER COLUMN username DROP NOT NULL", 416, 417),
        ("DROP COLUMN username", 472, 473),
    ] {
        recording.activities.push(Activity { name: name.to_owned(), from: s(from), to: s(to) });
    }
    for half in 1..=105_u64 {
        let wave = (half * half * 7) % 13;
        recording.moments.push(Moment {
            at: s(half * 5),
            rate: 1_180.0 + 4.0 * f64::from(u32::try_from(wave).unwrap()),
            errors: 0,
            p50_us: 600 + wave * 20 + if (10..36).contains(&half) { 300 } else { 0 },
            p99_us: 2_500 + wave * 300 + if (10..36).contains(&half) { 6_000 } else { 0 },
            max_us: 4_000 + wave * 2_000 + if half % 20 == 11 { 60_000 } else { 0 },
        });
    }
    recording
}

fn report() -> Report {
    Report {
        words: &Scenario::Rename.script().words,
        server: "15.18 (Debian <15.18>)".to_owned(),
        rows: 200_000,
        rate: 1_200,
        connections: 8,
        seed: 1,
        length: s(525),
        recording: recording(),
        proof: Some(Proof { expected: 200_412, found: 200_412, ..Proof::default() }),
        stopped: None,
        sides_differ: 0,
    }
}

/// Every element that is opened is closed, in order.
fn assert_well_formed(page: &str) {
    let mut open = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        let childless = ["!doctype", "meta", "br"].contains(&name) || tag.ends_with('/');
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "in {page}");
        } else if !childless {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn a_good_run_gives_a_page_that_needs_nothing_else() {
    let page = render(&report());
    assert_well_formed(&page);
    for foreign in ["http:", "https:", "src=", "href=", "@import", "url(", "NaN", "inf\""] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("0 errors, 0 lost or diverged rows"));
    assert!(page.contains("15.18 (Debian &lt;15.18&gt;)"));
    assert!(!page.contains("What went wrong"));
    assert_eq!(page.matches("class=\"flip\"").count(), 6);
}

#[test]
fn what_becomes_of_what_is_told() {
    for (scenario, told) in [
        (Scenario::Rename, "<code>users.username</code> became <code>users.handle</code> under"),
        (
            Scenario::Split,
            "<code>users</code> became <code>users</code> and <code>user_profiles</code> under",
        ),
        (
            Scenario::Merge,
            "<code>email_preferences</code> and <code>notification_preferences</code> became \
             <code>user_preferences</code> under",
        ),
    ] {
        let page = render(&Report { words: &scenario.script().words, ..report() });
        assert_well_formed(&page);
        assert!(page.contains(told), "{page}");
    }
}

#[test]
fn a_bad_run_says_so() {
    let mut report = report();
    let fault = Fault::new(Some("42703".to_owned()), "a \"<b>\" is wrong".to_owned(), "SELECT 1");
    report.recording.errors.push((Phase::DualWrite, fault));
    report.stopped = Some(("it ended".to_owned(), "look"));
    report.proof = None;
    let page = render(&report);
    assert_well_formed(&page);
    assert!(page.contains("dual-write: 42703 a &quot;&lt;b&gt;&quot; is wrong"));
    assert!(page.contains("verdict bad") && page.contains("did not become"));
    assert!(!report.is_good());
}

#[test]
fn a_run_that_was_over_at_once_gives_a_page_too() {
    let mut report = report();
    report.length = Duration::ZERO;
    report.recording = Recorder::start(Phase::Expand).recording();
    let page = render(&report);
    assert_well_formed(&page);
    assert!(!page.contains("NaN"));
}
