//! What is copied: statements and rows.

use segue_tests::wire::Wire;

use super::copy_out;

/// One COPY and the rows that are sent for it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) sql: String,
    pub(crate) data: Vec<u8>,
}

/// Rows for `users` with all that is special in some format.
const USERS: &str = r#"(VALUES
    (101, 'plain', 'a@example.com', 1),
    (102, E'tab\t|new\nline', NULL, 2),
    (103, '\.', '', NULL),
    (104, E'cr\r"quoted", ''single''', E',;|\\', 4),
    (105, 'é\N', '\N', 5),
    (106, '', E'\\', 6),
    (107, ' blanks ', 'NULL', 7)
) AS v(id, username, email, age)"#;

/// Rows for the other tables.
const ACCOUNTS: &str = r#"(VALUES (11, 'A,"b"', NULL, 'x'), (12, NULL, E'bio\n', NULL))
    AS v(id, "userName", "Bio", username)"#;
const TASKS: &str = "(VALUES (201, NULL, true), (202, 'sweep', false)) AS v(id, label, done)";
const TOKENS: &str = "(VALUES (31, 7001::bigint, 'x'), (32, 7002, E'\\\\.'), (33, 7003, NULL)) \
    AS v(id, code, note)";

/// A COPY whose rows PostgreSQL itself writes: table, listed columns, options of both, and what only
/// one of the two directions takes.
struct RoundTrip {
    table: &'static str,
    rows: &'static str,
    columns: &'static str,
    options: &'static str,
    only_in: &'static str,
    only_out: &'static str,
}

impl RoundTrip {
    fn case(&self, wire: &mut Wire) -> Case {
        let Self { table, rows, columns, options, only_in, only_out } = self;
        let both = |only: &str| {
            let all: Vec<&str> =
                [*options, only].into_iter().filter(|option| !option.is_empty()).collect();
            if all.is_empty() { String::new() } else { format!(" WITH ({})", all.join(", ")) }
        };
        let selected = if columns.is_empty() { "*" } else { columns };
        let out = format!("COPY (SELECT {selected} FROM {rows}) TO STDOUT{}", both(only_out));
        let listed = if columns.is_empty() { String::new() } else { format!(" ({columns})") };
        Case {
            sql: format!("COPY {table}{listed} FROM STDIN{}", both(only_in)),
            data: copy_out(wire, &out),
        }
    }
}

/// Statements whose rows the server writes.
pub(crate) fn round_trips(wire: &mut Wire) -> Vec<Case> {
    let users = |columns, options, only_in, only_out| RoundTrip {
        table: "users",
        rows: USERS,
        columns,
        options,
        only_in,
        only_out,
    };
    let typed = "id::bigint, username::varchar, email, age";
    let mut cases: Vec<Case> = [
        users("", "", "", ""),
        users("id, username", "", "", ""),
        users("email, username, id", "FORMAT text, DELIMITER '|', NULL 'none'", "", ""),
        users("", "HEADER", "", ""),
        users("username, id", "", "HEADER match", "HEADER"),
        users("", "FORMAT csv", "", ""),
        users("", "FORMAT csv", "", "FORCE_QUOTE *"),
        users("username, id", "FORMAT csv, HEADER", "", ""),
        users("", "FORMAT csv", "HEADER match", "HEADER"),
        users("", "FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\\'", "", ""),
        users("", "FORMAT csv, DELIMITER E'\\t', NULL 'NULL'", "", "FORCE_QUOTE (email)"),
        users("", "FORMAT csv, NULL 'x'", "FORCE_NULL (email), FORCE_NOT_NULL (username)", ""),
    ]
    .iter()
    .map(|trip| trip.case(wire))
    .collect();
    let others = [("\"Account\"", ACCOUNTS), ("tasks", TASKS), ("tokens", TOKENS)];
    for (table, rows) in others {
        for options in ["", "FORMAT csv", "FORMAT binary"] {
            let trip = RoundTrip { table, rows, columns: "", options, only_in: "", only_out: "" };
            cases.push(trip.case(wire));
        }
    }
    for (select, listed) in [(typed, ""), ("username::varchar, id::bigint", " (username, id)")] {
        let out = format!("COPY (SELECT {select} FROM {USERS}) TO STDOUT (FORMAT binary)");
        cases.push(Case {
            sql: format!("COPY users{listed} FROM STDIN (FORMAT binary)"),
            data: copy_out(wire, &out),
        });
    }
    cases
}

fn case(sql: &str, data: &str) -> Case {
    Case { sql: sql.to_owned(), data: data.as_bytes().to_vec() }
}

/// Statements with rows that no server would write, and what is wrong with some of them.
pub(crate) fn written() -> Vec<Case> {
    let two = "COPY users (id, username) FROM STDIN";
    let csv = "COPY users (id, username) FROM STDIN WITH CSV";
    let matched = "COPY users (id, username) FROM STDIN (FORMAT csv, HEADER match)";
    vec![
        // Newlines, ends of data, rows without an end.
        case(two, "101\ta\r\n102\tb\r\n"),
        case(two, "101\ta\r102\tb"),
        case(two, "101\ta\n\\.\nwhat is behind"),
        case(two, "101\ta\\\nb\n102\tc\\\td\n"),
        case(two, "101\t\\101\\x42\\"),
        case(two, ""),
        case(csv, "101,a\r\n102,\"b\r\n\"\r\n\\.\r\n103,c\r\n"),
        case(csv, "101,a\"b,c\"d\n102,\"\"\"\"\n"),
        case(csv, "101,\\.\n"),
        case(matched, "id,username\n101,a\n"),
        case(matched, "\"id\",\"username\"\n101,a\n"),
        case("COPY users (id, username) FROM STDIN (HEADER match)", "id\tu\\sername\n101\ta\n"),
        // Defaults and conditions.
        case("COPY tasks (done) FROM STDIN", "true\nfalse\n"),
        case(
            "COPY tasks (id, label) FROM STDIN WHERE label > 'b' OR tasks.id = 71",
            "70\ta\n71\ta\n72\tc\n",
        ),
        case("COPY users (id, username) FROM STDIN WHERE username <> 'b'", "101\ta\n102\tb\n"),
        case("COPY tokens (id, note) FROM STDIN", "31\ta\n32\tb\n33\t\\N\n"),
        case(
            "COPY tokens (id) FROM STDIN CSV WHERE tokens.code > 1001 AND id < 39",
            "31\n32\n39\n",
        ),
        case("COPY tokens (id) FROM STDIN (FORMAT text, HEADER)", "anything\n31\n"),
        case("COPY users FROM STDIN USING DELIMITERS ';'", "101;a;\\N;3\n"),
        // What is wrong.
        case(two, "101\ta\n102\n"),
        case(two, "101\ta\tb\n"),
        case("COPY users FROM STDIN", "101\ta\tb\n"),
        case(two, "101\ta\n102\tb\r\n"),
        case(two, "x\ta\n"),
        case(two, "101\t\\N\n"),
        case(two, "1\ta\n"),
        case(two, "101\talice\n"),
        case(two, "101\ta\\.b\n"),
        case(two, &format!("101\t{}\n", "x".repeat(51))),
        case(csv, "101,\"a\n102,b\n"),
        case(csv, "101,a,b\n"),
        case(csv, "101\n"),
        case(matched, "id,handle\n101,a\n"),
        case(matched, "id\n101,a\n"),
        case(matched, "id,username,username\n101,a,a\n"),
        case(matched, "username,id\na,101\n"),
        case("COPY users (id, username) FROM STDIN (FORMAT binary)", "PGCOPY?"),
        case("COPY users (id, username) FROM STDIN (FORMAT binary)", "PGCOPY\n\u{0}"),
        case("COPY users (id, nosuch) FROM STDIN", "1\t2\n"),
        case("COPY users (id, id) FROM STDIN", "1\t2\n"),
        case("COPY users (id, username) FROM STDIN (FORMAT nonsense)", "101\ta\n"),
        case("COPY users (id, username) FROM STDIN (DELIMITER 'ab')", "101\ta\n"),
        case("COPY users (id, username) FROM STDIN (FORCE_NULL (email))", "101\ta\n"),
        case("COPY tokens (id) FROM STDIN", "31\n31\n"),
        case("COPY tokens (id) FROM STDIN", "31\nx\n"),
        case("COPY tokens (id) FROM STDIN", "31\t2\n"),
    ]
}
