//! Rows that are parts of those of another table: what is missing, what differs and what is too much, for each of
//! the tables that are merged.

use rewrite_rules::Phase;
use segue::verify::Order;
use segue::walk::Toward;
use segue_tests::copying::recorded;
use segue_tests::merging::{CASES, Case};
use segue_tests::server::{Database, eventually};

use crate::continuous::{self, SECOND};
use crate::{order, value, verify};

const ALL: &str = "SELECT (SELECT count(*) FROM \"the mail\") + (SELECT count(*) FROM push)
                          + (SELECT count(*) FROM prefs)";

fn prepare(about: &str, case: &Case, phase: Phase) -> Database {
    recorded(&format!("{about}_{}", case.about), &case.ddl(), &case.change(), phase)
}

fn text(row: &str) -> String {
    format!("quote_nullable(({row})::text)")
}

/// Of each old table: its key, its row, its part of the new one, whether they differ, that part without a row,
/// and whether it is not that.
struct Side {
    name: &'static str,
    alias: &'static str,
    key: String,
    own: &'static str,
    its: &'static str,
    /// Without what is another one each time.
    told: &'static str,
    blank: &'static str,
    is_left: &'static str,
    flag: Option<String>,
}

fn sides(case: &Case) -> [Side; 2] {
    let key = |names: &[&str], alias: &str| {
        let told = names.iter().map(|it| format!("'{it} = ' || {alias}.{it}"));
        told.collect::<Vec<_>>().join(" || ', ' || ")
    };
    let [mail, push, _] = case.keys;
    [
        Side {
            name: "public.the mail",
            alias: "a",
            key: key(mail, "a"),
            own: "a.news, a.about",
            its: "m.news, m.\"its about\"",
            told: "m.news, m.\"its about\"",
            blank: "true, 'none'",
            is_left: "NOT m.news OR m.\"its about\" <> 'none'",
            flag: case.flag(0),
        },
        Side {
            name: "public.push",
            alias: "b",
            key: key(push, "b"),
            own: "b.n, b.\"in\", b.at",
            its: "m.n, m.\"in\", m.at",
            told: "m.n, m.\"in\"",
            blank: "NULL, '{}'",
            is_left: "m.n IS NOT NULL OR m.\"in\" <> '{}'",
            flag: case.flag(1),
        },
    ]
}

impl Side {
    fn flagged(&self, row: &str, mark: Option<&str>) -> String {
        match (&self.flag, mark) {
            (None, _) => format!("ROW({row})"),
            (Some(flag), None) => format!("ROW({row}, {flag})"),
            (Some(_), Some(mark)) => format!("ROW({row}, {mark})"),
        }
    }

    /// Its own rows.
    fn differing(&self, case: &Case, phase: Phase) -> String {
        let Self { alias, key, own, its, flag, .. } = self;
        let part = format!(
            "CASE WHEN m.there IS NULL THEN 'no row' ELSE {} END",
            text(&self.flagged(its, None))
        );
        let seen = flag.clone().unwrap_or_else(|| "m.there".to_owned());
        let differ = format!("({own}) IS DISTINCT FROM ({its})");
        let (source, found, expected, differ) = match phase {
            Phase::DualWrite => (
                text(&format!("ROW({own})")),
                part,
                text(&self.flagged(own, Some("true"))),
                format!("{seen} IS NOT TRUE OR {differ}"),
            ),
            _back => (
                part,
                text(&format!("ROW({own})")),
                format!("CASE WHEN {seen} THEN {} ELSE 'no row' END", text(&format!("ROW({its})"))),
                format!("{seen} IS NOT TRUE OR {differ}"),
            ),
        };
        format!(
            "SELECT {key}, {source}, {found}, {expected} FROM {} WHERE {alias}.there AND ({differ})",
            case.all()
        )
    }

    /// Whether the new table holds something for which it has no row.
    fn is_left(&self, phase: Phase) -> String {
        let Self { alias, is_left, flag, .. } = self;
        let is_left = match (flag, phase) {
            (None, _) => (*is_left).to_owned(),
            (Some(flag), Phase::DualWrite) => format!("{is_left} OR {flag}"),
            (Some(flag), _back) => flag.clone(),
        };
        format!("(m.there AND {alias}.there IS NULL AND ({is_left}))")
    }
}

/// Lines as `check` wants them. A part of defaults of which there is no row is no difference.
fn differing(case: &Case, phase: Phase) -> String {
    let sides = sides(case);
    let own: Vec<String> = sides.iter().map(|side| side.differing(case, phase)).collect();
    let each = |of: &dyn Fn(&Side) -> String| {
        let each = sides.iter();
        let each = each.map(|it| format!("CASE WHEN {} THEN {} END", it.is_left(phase), of(it)));
        format!("concat_ws(', ', {})", each.collect::<Vec<_>>().join(", "))
    };
    let none = each(&|side| format!("'no row in {}'", side.name));
    let there = each(&|side| match phase {
        Phase::DualWrite => text(&side.flagged(side.told, None)),
        _back => text(&format!("ROW({})", side.its)),
    });
    let blank = each(&|side| text(&side.flagged(side.blank, Some("false"))));
    let (source, found, expected) = match phase {
        Phase::DualWrite => (none, there, blank),
        _back => (there.clone(), none, there),
    };
    let [_, _, new] = case.keys;
    let key: Vec<String> = new.iter().map(|it| format!("'{it} = ' || m.{it}")).collect();
    let is_left: Vec<String> = sides.iter().map(|side| side.is_left(phase)).collect();
    format!(
        "{} UNION ALL SELECT {}, {source}, {found}, {expected} FROM {} WHERE {}",
        own.join(" UNION ALL "),
        key.join(" || ', ' || "),
        case.all(),
        is_left.join(" OR "),
    )
}

const BOTH: [(Phase, Toward); 2] =
    [(Phase::DualWrite, Toward::New), (Phase::SwitchReads, Toward::Old)];

#[test]
fn what_is_missing_differs_or_is_too_much() {
    // The other keys are told in the order of their indexes.
    for case in ["told", "untold", "uuid"].map(Case::of) {
        for (phase, _) in BOTH {
            let about = format!("merged_{phase}");
            let database = prepare(&about, &case, phase);
            let differing = differing(&case, phase);
            let order = Order { show: 1_000_000, workers: 2, ..order() };
            let outcome = crate::check(&database, &about, &order, ALL, &differing);
            assert!(outcome.differing > 2_000, "{about}: {}", outcome.differing);
        }
    }
}

#[test]
fn a_row_is_told_with_what_each_table_has() {
    let case = Case::of("told");
    let told = |phase: Phase, key: &str| {
        let database = prepare("merged_shown", &case, phase);
        let (done, _) = verify(&database, &Order { show: 1_000_000, ..order() });
        let outcome = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
        let row = outcome.rows.iter().find(|row| row.key == key);
        row.map(|row| outcome.told(row)).unwrap_or_default()
    };
    assert_eq!(
        told(Phase::DualWrite, "uid = 2"),
        "public.the mail, uid = 2: \"public.the mail, public.push\" is '(f,\"mail 2\")', \"public.prefs\" is \
         '(f,stale,t)', should be '(f,\"mail 2\",t)'"
    );
    assert_eq!(
        told(Phase::DualWrite, "k = 3007"),
        "public.prefs, k = 3007: \"public.the mail, public.push\" is no row in public.the mail, no row in \
         public.push, \"public.prefs\" is '(f,stale,f)', '(-3007,[],t)', should be '(t,none,f)', '(,{},f)'"
    );
    assert_eq!(
        told(Phase::SwitchReads, "k = 7"),
        "public.prefs, k = 7: \"public.prefs\" is '(-7,[],\"2020-01-01 00:00:07+00\")', \
         \"public.the mail, public.push\" is no row in public.push, should be \
         '(-7,[],\"2020-01-01 00:00:07+00\")'"
    );
}

#[test]
fn rows_are_mended_and_others_are_left_alone() {
    for case in &CASES {
        for (phase, side) in BOTH {
            let about = format!("merged_mended_{side}_{}", case.about);
            let database = prepare("merged_mended", case, phase);
            let mut direct = database.connect();
            let differ: u64 =
                value(&database, &format!("SELECT count(*) FROM ({}) d", differing(case, phase)))
                    .parse()
                    .expect("a number");
            // What is to be left alone, by where it stands: an UPDATE would move it.
            let table = if phase == Phase::DualWrite { "prefs" } else { "\"the mail\"" };
            let right = match phase {
                Phase::DualWrite => {
                    let sides = sides(case);
                    let [mail, push] = &sides;
                    let is_right = |side: &Side| {
                        let Side { alias, own, its, flag, .. } = side;
                        let seen = flag.as_ref().map_or("true", String::as_str);
                        format!(
                            "CASE WHEN {alias}.there THEN {seen} AND ({own}) IS NOT DISTINCT FROM ({its}) \
                             ELSE NOT {} END",
                            side.is_left(phase)
                        )
                    };
                    format!(
                        "SELECT m.place FROM {} WHERE m.there AND {} AND {}",
                        case.all().replace("SELECT *, true", "SELECT ctid AS place, *, true"),
                        is_right(mail),
                        is_right(push)
                    )
                }
                _back => {
                    let [mail, _] = sides(case);
                    let Side { own, its, flag, .. } = mail;
                    format!(
                        "SELECT a.place FROM {} WHERE a.there AND {} AND ({own}) IS NOT DISTINCT FROM ({its})",
                        case.all().replace("SELECT *, true", "SELECT ctid AS place, *, true"),
                        flag.unwrap_or_else(|| "m.there".to_owned())
                    )
                }
            };
            direct.script(&format!("CREATE TABLE right_before AS {right}"));
            let kept = format!(
                "SELECT (SELECT count(*) > 50 FROM right_before) AND NOT EXISTS (SELECT FROM right_before r
                     WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.ctid = r.place))"
            );
            let made =
                "SELECT string_agg(made, ',' ORDER BY made) FROM prefs WHERE made = 'before'";
            let before = value(&database, made);
            let (done, _) = verify(&database, &Order { fix: Some(side), workers: 2, ..order() });
            let outcome = done.unwrap_or_else(|error| panic!("{about}: {}", error.with_hint()));
            assert_eq!(
                (outcome.differing, outcome.failed),
                (0, 0),
                "{about}: {:?}",
                outcome.rows.first()
            );
            assert!(outcome.mended >= differ && differ > 2_000, "{about}: {outcome:?} {differ}");
            let wrong = match phase {
                Phase::DualWrite => case.wrong_in_new(true),
                _back => case.wrong_in_old(true),
            };
            assert_eq!(value(&database, &wrong), "0", "{about}");
            assert_eq!(value(&database, &kept), "t", "{about}");
            assert_eq!(value(&database, made), before, "{about}");
            let (again, _) = verify(&database, &order());
            let again = again.map(|it| it.equal()).map_err(|error| error.to_string());
            assert_eq!(again, Ok(Some(true)), "{about}");
        }
    }
}

/// What clients of the new shape would see of no old table is left by a DELETE: it is no difference.
#[test]
fn a_row_of_defaults_is_no_difference() {
    for case in ["told", "untold"].map(Case::of) {
        for (phase, _) in BOTH {
            let ddl = format!("{} INSERT INTO prefs (k) VALUES (1), (2)", case.tables());
            let about = format!("merged_spare_{}", case.about);
            let database = recorded(&about, &ddl, &case.change(), phase);
            let outcome = crate::check(&database, &about, &order(), ALL, "SELECT WHERE false");
            assert_eq!(outcome.compared, 2, "{about}");
        }
    }
}

#[test]
fn broken_off_it_goes_on_there() {
    let case = Case::of("told");
    let database = prepare("merged_resumed", &case, Phase::DualWrite);
    let again = Order { show: 1_000_000, ..order() };
    let (other, slowly) = (database.clone(), Order { rest: 500.0, ..again.clone() });
    let task = segue_tests::server::runtime().spawn(async move {
        let control = segue_tests::copying::control(&other);
        segue::verify::run(&control, &slowly, &segue_tests::copying::nobody(), &mut |_event| ())
            .await
    });
    let far = "SELECT coalesce(sum(compared), 0) > 0 FROM segue.verify_range";
    eventually("some rows are compared", || value(&database, far) == "t");
    task.abort();
    let ended = segue_tests::server::run(task);
    assert!(ended.is_err_and(|ended| ended.is_cancelled()), "it came to its end before");
    let (done, events) = verify(&database, &again);
    let goes_on = events.iter().find_map(|event| match event {
        segue::verify::Event::Began { goes_on, .. } => Some(*goes_on),
        _other => None,
    });
    assert_eq!(goes_on, Some(true));
    let outcome = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    let differ = format!("SELECT count(*) FROM ({}) d", differing(&case, Phase::DualWrite));
    let counted = (outcome.compared.to_string(), outcome.differing.to_string());
    assert_eq!(counted, (value(&database, ALL), value(&database, &differ)));
}

#[test]
fn the_proxies_compare_it_too() {
    let case = Case::of("told");
    let ddl = format!("{} INSERT INTO push VALUES (1, 1)", case.tables());
    let ddl = format!(
        "{ddl}; INSERT INTO prefs (k, n, \"in\", at, has_push) VALUES (1, 1, NULL, NULL, true)"
    );
    let database = recorded("merged_continuous", &ddl, &case.change(), Phase::DualWrite);
    let beside = continuous::Beside::start(&database, "the first", SECOND);
    eventually("all rows are equal", || continuous::results(&database) == ["equal"]);
    database.connect().script("UPDATE prefs SET \"its about\" = 'mine'");
    eventually("it is found", || continuous::results(&database).iter().any(|it| it == "different"));
    beside.end();
}
