//! Rows of several tables become parts of the rows of one, and go back, while clients write all of them.

use rewrite_rules::Phase;
use segue::backfill::{BackfillError, Event, OnError, Order, Progress};
use segue_tests::copying::recorded;
use segue_tests::merging::{CASES, Case};
use segue_tests::server::{Database, eventually};

use crate::control::Beside;
use crate::{copy, order, value};

fn prepare(about: &str, case: &Case, phase: Phase) -> Database {
    recorded(&format!("{about}_{}", case.about), &case.ddl(), &case.change(), phase)
}

fn told(done: Result<Progress, BackfillError>, about: &str) -> Progress {
    done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()))
}

/// Copies, and wants as many rows changed as `changes` says, and none that is `wrong`; then nothing is left to
/// do, and what no table has a part in was left alone.
fn check(database: &Database, order: &Order, changes: &str, wrong: &str) {
    let about = &database.name;
    let changes: u64 = value(database, changes).parse().expect("a number");
    let made = "SELECT coalesce(string_agg(made, ',' ORDER BY k), '') FROM
                (SELECT made, prefs::text AS k FROM prefs WHERE made <> 'later') s";
    assert!(changes > 2_000, "{about}");
    assert_ne!(value(database, wrong), "0", "{about}");
    let done = told(copy(database, order).0, about);
    assert_eq!(done.changed, changes, "{about}");
    assert_eq!(value(database, wrong), "0", "{about}");
    let before = value(database, made);
    assert!(before.contains("before,before"), "{about}: {before}");
    assert_eq!(told(copy(database, order).0, about).changed, 0, "{about}");
}

#[test]
fn each_row_is_made_once_and_each_part_that_differs_written_once() {
    for case in &CASES {
        let database = prepare("merged", case, Phase::DualWrite);
        check(&database, &order(), &case.changes_to_new(), &case.wrong_in_new(false));
    }
}

/// Two that meet in a row make it and write a part of it: how many rows are changed is chance.
#[test]
fn two_workers_make_the_same_rows() {
    for case in &CASES {
        let database = prepare("merged_two", case, Phase::DualWrite);
        let order = Order { workers: 2, ..order() };
        told(copy(&database, &order).0, case.about);
        assert_eq!(value(&database, &case.wrong_in_new(false)), "0", "{}", case.about);
        assert_eq!(told(copy(&database, &order).0, case.about).changed, 0, "{}", case.about);
    }
}

#[test]
fn what_the_new_table_says_goes_back() {
    for case in &CASES {
        let database = prepare("merged_back", case, Phase::SwitchReads);
        let order = Order { workers: 2, ..order() };
        check(&database, &order, &case.wrong_in_old(false), &case.wrong_in_old(false));
    }
}

/// The way that an operator goes: forth, and back with what clients have written on the new side.
#[test]
fn there_and_back_nothing_is_left_to_do() {
    for case in &CASES {
        let database = prepare("merged_there", case, Phase::DualWrite);
        told(copy(&database, &order()).0, case.about);
        let phase = |phase: Phase| {
            database.connect().script(&format!(
                "UPDATE segue.fleet SET epoch = epoch + 1;
                 UPDATE segue.migration SET phase = '{phase}', epoch = (SELECT epoch FROM segue.fleet)"
            ));
        };
        phase(Phase::SwitchReads);
        told(copy(&database, &order()).0, case.about);
        assert_eq!(value(&database, &case.wrong_in_old(false)), "0", "{}", case.about);
        phase(Phase::DualWrite);
        assert_eq!(told(copy(&database, &order()).0, case.about).changed, 0, "{}", case.about);
        assert_eq!(value(&database, &case.wrong_in_new(false)), "0", "{}", case.about);
    }
}

#[test]
fn broken_off_at_any_time_it_goes_on_there() {
    for (case, phase) in CASES.iter().zip([Phase::DualWrite, Phase::SwitchReads].iter().cycle()) {
        let database = prepare("merged_resumed", case, *phase);
        let (changes, wrong) = match phase {
            Phase::DualWrite => (case.changes_to_new(), case.wrong_in_new(false)),
            _back => (case.wrong_in_old(false), case.wrong_in_old(false)),
        };
        let changes: u64 = value(&database, &changes).parse().expect("a number");
        let mut reached = 0;
        for _attempt in 0..3 {
            let beside = Beside::start(&database, Order { max_rate: Some(3_000), ..order() });
            let far =
                "SELECT coalesce(b.changed + (SELECT sum(changed) FROM segue.backfill_range), 0)
                       FROM segue.backfill b UNION ALL SELECT 0 LIMIT 1";
            eventually("some rows are copied", || {
                let far: u64 = value(&database, far).parse().expect("a number");
                far > reached + 150
            });
            beside.kill();
            let far = value(&database, far);
            reached = far.parse().expect("a number");
        }
        assert!(reached < changes, "it was too quick: {reached} of {changes}");
        let (done, events) = copy(&database, &order());
        let goes_on = matches!(events.first(), Some(Event::Began { goes_on: true, .. }));
        assert!(goes_on, "{}: {:?}", case.about, events.first());
        assert_eq!(told(done, case.about).changed, changes, "{}", case.about);
        assert_eq!(value(&database, &wrong), "0", "{}", case.about);
    }
}

/// A row of all parts that cannot be made is made of those that can.
#[test]
fn what_cannot_be_copied_is_that_part_alone() {
    let case = Case::of("told");
    let ddl = format!(
        "{} ALTER TABLE prefs ADD CHECK (n <> 5);
         INSERT INTO \"the mail\" SELECT g, true, 'mail' FROM generate_series(1, 9) g;
         INSERT INTO push SELECT g, g, '[]', now() FROM generate_series(1, 9) g;",
        case.tables()
    );
    let database = recorded("merged_refused", &ddl, &case.change(), Phase::DualWrite);
    let (done, events) = copy(&database, &Order { on_error: OnError::Skip, ..order() });
    assert_eq!(told(done, case.about).failures, 1);
    let failed = events.iter().filter_map(|event| match event {
        Event::Failed(failure) => Some(failure.part.as_str()),
        _other => None,
    });
    let failed: std::collections::BTreeSet<&str> = failed.collect();
    assert_eq!(failed.into_iter().collect::<Vec<&str>>(), ["public.push"]);
    let without = "SELECT k, \"its about\", n FROM prefs WHERE has_mail AND NOT has_push";
    assert_eq!(database.connect().rows(without), ["5|mail|NULL"]);
    assert_eq!(value(&database, "SELECT count(*) FROM prefs WHERE has_mail AND has_push"), "8");
}

#[test]
fn rows_that_matter_come_first() {
    let case = Case::of("told");
    let database = prepare("merged_first", &case, Phase::DualWrite);
    // Of the mail alone, and of the new table alone, which has a row that nobody else has.
    let steps = vec!["about = 'mail 2998'".to_owned(), "\"its about\" = 'mail 3050'".to_owned()];
    let (done, events) = copy(&database, &Order { steps, ..order() });
    told(done, case.about);
    let changed = |pass: i32| {
        let changed = events.iter().filter_map(|event| match event {
            Event::Progress(progress) if progress.pass == pass => Some(progress.changed),
            _other => None,
        });
        changed.max()
    };
    assert_eq!((changed(1), changed(2)), (Some(1), Some(2)));
    let steps = vec!["about = 'x' AND n = 1".to_owned()];
    let said = copy(&database, &Order { steps, ..order() }).0.err().map(|error| error.to_string());
    let said = said.unwrap_or_default();
    assert!(
        said.starts_with("step 1 cannot be used, where = \"about = 'x' AND n = 1\": column \"n\""),
        "{said}"
    );
}

#[test]
fn what_is_there_is_said_before() {
    let case = Case::of("told");
    let database = prepare("merged_notes", &case, Phase::DualWrite);
    database.connect().script(
        "CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER told BEFORE INSERT ON prefs FOR EACH ROW EXECUTE FUNCTION same();
         CREATE TRIGGER other BEFORE UPDATE ON push FOR EACH ROW EXECUTE FUNCTION same();",
    );
    let (_, events) = copy(&database, &order());
    let Some(Event::Began { column, notes, .. }) = events.first() else {
        panic!("it has not begun: {events:?}")
    };
    assert_eq!(column, "public.prefs");
    assert_eq!(notes, &["each row that is copied fires told of \"public.prefs\""]);
}

/// Without one of these it says which, and copies nothing; with all of them it does it.
#[test]
fn a_role_that_may_not_write() {
    let case = Case::of("told");
    let cases = [
        (
            Phase::DualWrite,
            [
                "GRANT UPDATE ON public.\"the mail\" TO segue;",
                "GRANT INSERT (k, n, \"in\", at, has_push) ON public.prefs TO segue;",
                "GRANT DELETE ON public.prefs TO segue;",
            ],
        ),
        (
            Phase::SwitchReads,
            [
                "GRANT DELETE ON public.push TO segue;",
                "GRANT INSERT (uid, news, about) ON public.\"the mail\" TO segue;",
                "GRANT UPDATE ON public.prefs TO segue;",
            ],
        ),
    ];
    for (phase, some) in cases {
        let database = prepare("merged_role", &case, phase);
        database
            .connect()
            .script("REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM segue");
        let mut granted = Vec::new();
        loop {
            let error = match copy(&database, &order()).0 {
                Ok(_) => break,
                Err(error @ BackfillError::Denied { .. }) => error,
                Err(error) => panic!("{}", error.with_hint()),
            };
            let BackfillError::Denied { remedy, .. } = &error else { continue };
            assert!(granted.len() < 10 && !granted.contains(remedy), "{granted:?}");
            database.connect().script(remedy);
            granted.push(remedy.clone());
        }
        let all = granted.join("\n");
        for wanted in some {
            assert!(all.contains(wanted), "{wanted:?} is missing in: {all}");
        }
    }
}
