//! Every kind of table and key is compared to its end, and what differs is named, wherever it is.

use rewrite_rules::Phase;
use segue::verify::{Event, Order};

use crate::{change, check, governed, order, verify};

/// A table, and how its rows are made of `g`.
struct Case {
    about: &'static str,
    /// Columns and constraints beside `old` and `new`.
    key: &'static str,
    /// What stands behind the closing bracket of CREATE TABLE, and statements after it.
    also: &'static str,
    /// The key's values.
    values: &'static str,
    /// How a row is told, over the table.
    told: &'static str,
}

const CASES: [Case; 13] = [
    Case {
        about: "bigint",
        key: "id bigint PRIMARY KEY",
        also: "",
        values: "g",
        told: "'id = ' || id",
    },
    Case {
        about: "negative",
        key: "id int PRIMARY KEY",
        also: "",
        values: "1000 - g",
        told: "'id = ' || id",
    },
    Case {
        about: "text",
        key: "id text PRIMARY KEY",
        also: "",
        values: "'k' || g",
        told: "'id = ' || id",
    },
    Case {
        about: "collation",
        key: "id varchar(20) COLLATE \"C\" PRIMARY KEY",
        also: "",
        values: "CASE g % 3 WHEN 0 THEN 'Ä' WHEN 1 THEN 'a' ELSE '''\"' END || g",
        told: "'id = ' || id",
    },
    Case {
        about: "char",
        key: "id char(8) PRIMARY KEY",
        also: "",
        values: "g::text",
        told: "'id = ' || id::text",
    },
    Case {
        about: "uuid",
        key: "id uuid PRIMARY KEY",
        also: "",
        values: "md5(g::text)::uuid",
        told: "'id = ' || id",
    },
    Case {
        about: "array",
        key: "id int[] PRIMARY KEY",
        also: "",
        values: "ARRAY[g % 7, g]",
        told: "'id = ' || id::text",
    },
    Case {
        about: "composite",
        key: "\"Big \"\"id\" int, day date, PRIMARY KEY (day, \"Big \"\"id\")",
        also: "",
        values: "g, date '2020-1-1' + g % 7",
        told: "'day = ' || day || ', \"Big \"\"id\" = ' || \"Big \"\"id\"",
    },
    Case {
        about: "timestamps",
        key: "at timestamptz UNIQUE NOT NULL",
        also: "",
        values: "timestamptz '1890-1-1 12:00:00.123457' + g * interval '1000001 s'",
        told: "'at = ' || at",
    },
    Case {
        about: "floats",
        key: "id float8 NOT NULL, UNIQUE (id)",
        also: "",
        values: "(g - 1000) / 3.0::float8",
        told: "'id = ' || id",
    },
    Case {
        about: "no_key",
        key: "id int",
        also: "",
        values: "nullif(g % 10, 5)",
        told: "'ctid = ' || ctid",
    },
    Case {
        about: "partitions",
        key: "id int, day date, PRIMARY KEY (id, day)",
        also: "PARTITION BY LIST (day);
               CREATE TABLE p1 PARTITION OF \"odd table\" FOR VALUES IN ('2020-1-1', '2020-1-2');
               CREATE TABLE p2 PARTITION OF \"odd table\" DEFAULT",
        values: "g, date '2020-1-1' + g % 7",
        told: "'id = ' || id || ', day = ' || day",
    },
    Case {
        about: "children",
        key: "id int PRIMARY KEY",
        also: ";
               CREATE TABLE child () INHERITS (\"odd table\");
               INSERT INTO child SELECT g, g, NULL FROM generate_series(50000, 50009) g",
        values: "g",
        told: "CASE tableoid WHEN 'child'::regclass THEN 'ctid = ' || ctid ELSE 'id = ' || id END",
    },
];

/// More than the first three statements compare, so that there are places where one ends.
const ROWS: u64 = 17_001;

/// Rows are equal but for those that are planted: the first, the last, those around the places at which a
/// statement ends (2,000, 4,000 and 8,000 rows further on), NULL on each side, and digits that equality of
/// numbers does not see.
fn ddl(case: &Case) -> String {
    let Case { key, also, values, .. } = case;
    let (columns, rest) = match key.split_once(", PRIMARY KEY") {
        Some((columns, rest)) => (columns.to_owned(), format!(", PRIMARY KEY{rest}")),
        None => ((*key).to_owned(), String::new()),
    };
    format!(
        "CREATE TABLE \"odd table\" ({columns}, old numeric, \"new\"\"\" numeric{rest}) {also};
         INSERT INTO \"odd table\"
         SELECT {values}, CASE g WHEN 5 THEN NULL WHEN 7 THEN NULL ELSE g END,
                CASE g WHEN 1 THEN NULL WHEN 5 THEN 5 WHEN 7 THEN NULL WHEN 8 THEN 8.00 ELSE
                    CASE WHEN g IN (2000, 2001, 6000, 6001, 14000, 14001, {ROWS}) THEN -g ELSE g END
                END
         FROM generate_series(1, {ROWS}) g; ANALYZE \"odd table\";"
    )
}

/// Rows that differ to the byte, by a query that has nothing to do with segue's.
fn oracle(told: &str) -> String {
    format!(
        "SELECT {told}, quote_nullable(old::text), quote_nullable(\"new\"\"\"::text),
                quote_nullable(old::text)
         FROM \"odd table\" WHERE old::text IS DISTINCT FROM \"new\"\"\"::text"
    )
}

fn compare(case: &Case, order: &Order) {
    let migration = change("\"odd table\"", "old", "new\"", Phase::DualWrite);
    let (database, proxy) = governed(&format!("keys_{}", case.about), &ddl(case), &migration);
    let all = "SELECT count(*) FROM \"odd table\"";
    let differ = check(&database, case.about, order, all, &oracle(case.told));
    assert!(differ.differing >= 10, "{}: they are planted", case.about);
    database.connect().script("UPDATE \"odd table\" SET \"new\"\"\" = old");
    let equal = check(&database, case.about, order, all, &oracle(case.told));
    assert_eq!((equal.equal(), equal.differing), (Some(true), 0), "{}", case.about);
    proxy.stop();
}

#[test]
fn every_kind_of_key_is_compared_to_the_end() {
    for case in &CASES {
        compare(case, &order());
    }
}

#[test]
fn several_connections_share_the_keys() {
    let shared = ["text", "no_key", "composite", "partitions"];
    for case in CASES.iter().filter(|case| shared.contains(&case.about)) {
        compare(case, &Order { workers: 3, ..order() });
    }
}

#[test]
fn all_are_counted_and_the_first_are_named() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old int, new int);
               INSERT INTO t SELECT g, g, CASE WHEN g % 100 <> 0 THEN g END
               FROM generate_series(1, 60000) g; ANALYZE t;";
    let (database, proxy) =
        governed("keys_first", ddl, &change("t", "old", "new", Phase::DualWrite));
    for (show, expected) in [(0, vec![]), (2, vec!["id = 100", "id = 200"])] {
        let (done, events) = verify(&database, &Order { show, workers: 3, ..order() });
        let outcome = done.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((outcome.compared, outcome.differing), (60_000, 600));
        let keys: Vec<&str> = outcome.rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, expected, "--show {show}");
        assert!(matches!(events.first(), Some(Event::Began { goes_on: false, .. })));
        assert!(matches!(events.last(), Some(Event::Done(told)) if *told == outcome));
    }
    proxy.stop();
}

#[test]
fn the_old_side_is_compared_on_the_way_back() {
    let ddl = "CREATE TABLE t (id bigint PRIMARY KEY, old text, new int);
               INSERT INTO t SELECT g, CASE WHEN g = 77 THEN '077' ELSE g::text END, g
               FROM generate_series(1, 500) g;";
    let (database, proxy) =
        governed("keys_back", ddl, &change("t", "old", "new", Phase::SwitchReads));
    check(
        &database,
        "back",
        &order(),
        "SELECT count(*) FROM t",
        "SELECT 'id = ' || id, quote_nullable(new), quote_nullable(old), quote_nullable(new)
         FROM t WHERE old <> new::text",
    );
    proxy.stop();
}
