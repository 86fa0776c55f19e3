//! A column whose type or form changes: every phase forward, back, and forward again, while one
//! session of each shape and one for either name go on reading and writing.

use rewrite_rules::{Phase, Shape};
use segue::phase::wish::ReloadError;
use segue_tests::proxy::Proxy;
use segue_tests::server::{Database, run};
use segue_tests::wire::Wire;

use super::alone;

/// What changes, and how.
struct Case {
    /// Columns of the table beside `id`, old one first.
    ddl: &'static str,
    add: &'static str,
    keys: &'static str,
    /// The new value over the old column, and back.
    up: &'static str,
    down: &'static str,
    /// Values as the old and as the new column shows them.
    values: [(&'static str, &'static str); 3],
    /// `typname` of the old column.
    old_name: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        ddl: "a integer",
        add: "b bigint",
        keys: "",
        up: "a",
        down: "b",
        values: [("1", "1"), ("20", "20"), ("2147483647", "2147483647")],
        old_name: "integer",
    },
    Case {
        ddl: "a varchar(12)",
        add: "b text",
        keys: "up = \"lower(a)\"\n",
        up: "lower(a)",
        down: "b",
        values: [("ann", "ann"), ("bob's", "bob's"), ("", "")],
        old_name: "varchar(12)",
    },
    Case {
        ddl: "a text",
        add: "b integer",
        keys: "up = \"length(a)\"\ndown = \"repeat('x', b)\"\n",
        up: "length(a)",
        down: "repeat('x', b)",
        values: [("x", "1"), ("xx", "2"), ("xxxxxxx", "7")],
        old_name: "text",
    },
    Case {
        ddl: "a timestamp(0) without time zone",
        add: "b timestamptz",
        keys: "up = \"a AT TIME ZONE 'UTC'\"\ndown = \"b AT TIME ZONE 'UTC'\"\n",
        up: "a AT TIME ZONE 'UTC'",
        down: "b AT TIME ZONE 'UTC'",
        values: [
            ("2020-01-02 03:04:05", "2020-01-02 03:04:05+00"),
            ("1999-12-31 23:59:59", "1999-12-31 23:59:59+00"),
            ("2038-01-19 03:14:08", "2038-01-19 03:14:08+00"),
        ],
        old_name: "timestamp(0)",
    },
];

impl Case {
    fn rule(&self, phase: Phase, gone: bool) -> String {
        let known = match gone {
            true => format!("from_type = \"{}\"\nposition = 2\n", self.old_name),
            false => String::new(),
        };
        format!(
            "[[migration]]\nname = \"change\"\nkind = \"change-column\"\ntable = \"t\"\nfrom = \"a\"\n\
             to = \"b\"\n{}{known}phase = \"{phase}\"\n",
            self.keys
        )
    }

    fn flip(&self, proxy: &Proxy, phase: Phase) {
        if let Err(error) = proxy.reload(&self.rule(phase, false)) {
            panic!("{phase}: {error}");
        }
        run(proxy.last_flip().drained());
    }
}

/// A session of one shape, with statements that it prepared at the very beginning.
struct Session {
    wire: Wire,
    shape: Shape,
}

impl Session {
    fn new(proxy: &Proxy, shape: Shape) -> Self {
        let mut wire = proxy.connect();
        wire.script("SET TimeZone = 'UTC'");
        if shape == Shape::New {
            wire.script("SET segue.shape = new");
        }
        wire.prepare("all", "SELECT * FROM t ORDER BY id");
        wire.prepare("old", "SELECT a FROM t WHERE a = $1");
        wire.prepare("new", "SELECT b FROM t WHERE b = $1");
        wire.prepare("insert", "INSERT INTO t (id, a) VALUES ($1, $2) RETURNING a");
        wire.prepare("insert new", "INSERT INTO t (id, b) VALUES ($1, $2) RETURNING b");
        wire.prepare("update", "UPDATE t SET a = $2 WHERE id = $1");
        Self { wire, shape }
    }

    /// Writes each value under each name, and reads it back in every way.
    fn work(&mut self, case: &Case, phase: Phase) {
        let place = format!("{} -> {}, {phase}, {}", case.ddl, case.add, self.shape);
        self.wire.script("DELETE FROM t");
        let [(one_old, one_new), (two_old, two_new), (three_old, three_new)] = case.values;
        assert_eq!(
            self.wire.run("insert", &[Some("1"), Some(one_old)]).lines(),
            [one_old],
            "{place}"
        );
        let inserted = self.wire.run("insert new", &[Some("2"), Some(two_new)]);
        assert_eq!(inserted.lines(), [two_new], "{place}");
        self.wire
            .script(&format!("INSERT INTO t (id, a) SELECT 3, a FROM t WHERE a = '{one_old}'"));
        assert_eq!(self.wire.run("update", &[Some("3"), Some(three_old)]).tags(), ["UPDATE 1"]);
        for (old, new) in case.values {
            assert_eq!(self.wire.run("old", &[Some(old)]).lines(), [old], "{place}");
            assert_eq!(self.wire.run("new", &[Some(new)]).lines(), [new], "{place}");
        }
        let shown = match self.shape {
            Shape::Old => [one_old, two_old, three_old],
            Shape::New => [one_new, two_new, three_new],
        };
        let all: Vec<String> =
            (1..).zip(shown).map(|(id, value)| format!("{id}|{value}")).collect();
        assert_eq!(self.wire.run("all", &[]).lines(), all, "{place}");
        assert_eq!(self.wire.rows("SELECT * FROM t ORDER BY id"), all, "{place}");
        // A transaction that fails leaves nothing behind.
        self.wire.script("BEGIN");
        self.wire.run("insert", &[Some("9"), Some(one_old)]);
        assert_eq!(self.wire.run("insert", &[Some("9"), Some(one_old)]).code(), "23505", "{place}");
        self.wire.script("ROLLBACK");
    }
}

/// Both sides agree where both are written, and the side that is read has all rows.
fn check(database: &Database, case: &Case, phase: Phase) {
    let mut wire = database.connect();
    wire.script("SET TimeZone = 'UTC'");
    if let Phase::DualWrite | Phase::SwitchReads = phase {
        let apart = format!("SELECT * FROM t WHERE b IS DISTINCT FROM {}", case.up);
        assert_eq!(wire.rows(&apart), [""; 0], "{phase}: the sides differ");
    }
    let column = match phase {
        Phase::Expand | Phase::DualWrite | Phase::Backfill | Phase::Enforce => "a",
        Phase::SwitchReads | Phase::StopDualWrite | Phase::Contract => "b",
    };
    assert_eq!(wire.rows(&format!("SELECT {column} FROM t")).len(), 3, "{phase}");
}

fn walk(case: &Case) {
    let ddl = format!("CREATE TABLE t (id integer PRIMARY KEY, {})", case.ddl);
    let database = Database::create("change", &ddl);
    let proxy = Proxy::start(&database, &case.rule(Phase::Expand, false));
    let mut sessions = Shape::ALL.map(|shape| Session::new(&proxy, shape));
    let mut work = |phase| {
        for session in &mut sessions {
            session.work(case, phase);
            check(&database, case, phase);
        }
    };
    work(Phase::Expand);
    database.connect().script(&format!("ALTER TABLE t ADD COLUMN {}", case.add));
    work(Phase::Expand);
    for phase in [
        Phase::DualWrite,
        Phase::Expand,
        Phase::DualWrite,
        Phase::SwitchReads,
        Phase::DualWrite,
        Phase::SwitchReads,
        Phase::StopDualWrite,
        Phase::SwitchReads,
        Phase::StopDualWrite,
        Phase::Contract,
    ] {
        if phase == Phase::SwitchReads {
            let back = format!("UPDATE t SET a = {} WHERE a IS DISTINCT FROM {0}", case.down);
            let forth = format!("UPDATE t SET b = {} WHERE b IS DISTINCT FROM {0}", case.up);
            let stale = "SELECT 1 FROM t WHERE a IS NULL";
            let mut wire = database.connect();
            let text = if wire.rows(stale).is_empty() { forth } else { back };
            wire.script(&text);
        }
        case.flip(&proxy, phase);
        work(phase);
    }
    // Once the old column is gone nothing but the rule tells its type and place.
    if let Err(error) = proxy.reload(&case.rule(Phase::Contract, true)) {
        panic!("{error}");
    }
    database.connect().script("ALTER TABLE t DROP COLUMN a");
    work(Phase::Contract);
    assert_eq!(proxy.counters().refused, 0, "{:?}", proxy.counters());
    proxy.stop();
}

#[test]
fn a_value_keeps_its_old_form_for_the_old_name_in_every_phase() {
    let _alone = alone();
    CASES.iter().for_each(walk);
}

#[test]
fn an_expression_that_the_server_cannot_read_is_a_fault_of_its_key() {
    let _alone = alone();
    let database =
        Database::create("change", "CREATE TABLE t (id integer PRIMARY KEY, a text, b integer)");
    let rule = |keys: &str, phase| {
        format!(
            "[[migration]]\nname = \"change\"\nkind = \"change-column\"\ntable = \"t\"\nfrom = \"a\"\n\
             to = \"b\"\n{keys}phase = \"{phase}\"\n"
        )
    };
    let good = "up = \"length(a)\"\ndown = \"repeat('x', b)\"\n";
    let proxy = Proxy::start(&database, &rule(good, Phase::Expand));
    for (keys, part) in [
        ("up = \"lengthh(a)\"\ndown = \"repeat('x', b)\"\n", "volatile or not known"),
        ("up = \"length(c)\"\ndown = \"repeat('x', b)\"\n", "may name only column \"a\""),
        ("up = \"length(a\"\ndown = \"repeat('x', b)\"\n", "is not an SQL expression"),
        ("up = \"length(a)\"\ndown = \"lower(b)\"\n", "function lower(integer) does not exist"),
        ("up = \"a::citext\"\ndown = \"b\"\n", "type \"citext\" does not exist"),
        ("up = \"count(a)\"\ndown = \"repeat('x', b)\"\n", "aggregate functions are not allowed"),
    ] {
        match proxy.reload(&rule(keys, Phase::Expand)) {
            Err(ReloadError::Faults(report)) => {
                let report = report.to_string();
                assert!(report.contains(part), "{keys}: no {part:?} in\n{report}");
            }
            other => panic!("{keys}: not refused: {other:?}"),
        }
    }
    // What is read can be cast; what is written must fit as it is.
    let unfit = "up = \"upper(a)\"\ndown = \"repeat('x', b)\"\n";
    proxy.reload(&rule(unfit, Phase::Expand)).expect("nothing is written yet");
    run(proxy.last_flip().drained());
    let refused = proxy.reload(&rule(unfit, Phase::DualWrite)).expect_err("refused").to_string();
    let words: Vec<&str> = refused.split_whitespace().collect();
    let part = "column \"b\" is of type integer but expression is of type text";
    assert!(words.join(" ").contains(part), "no {part:?} in\n{refused}");
    proxy.stop();
}
