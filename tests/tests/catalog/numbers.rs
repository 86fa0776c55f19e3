//! Who has a result's description looks the columns up by table and number.

use rewrite_rules::Shape;
use segue_tests::wire::Wire;

use super::stages::{STAGES, Stage, known, shapes};

/// For each output column of `SELECT *` the table's oid and the column's number, as the catalog
/// tells them to this client; then what the catalog says under that number.
const BY_NUMBER: &str = "
    SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
           pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
    FROM (SELECT c.oid, n.number FROM pg_class c, generate_series(1, 4) AS n(number)
          WHERE c.relname IN ('users', 'accounts', 'events_1')) AS asked
         JOIN pg_class c ON c.oid = asked.oid
         JOIN pg_attribute a ON a.attrelid = asked.oid AND a.attnum = asked.number
         LEFT JOIN pg_attrdef d ON d.adrelid = asked.oid AND d.adnum = asked.number
    WHERE NOT a.attisdropped ORDER BY 1, 2";

#[test]
fn a_number_leads_to_the_column_that_star_shows_there() {
    for shape in Shape::ALL {
        let expected = known(shape).connect().rows(BY_NUMBER);
        for (phase, state) in STAGES {
            if !shapes(state).contains(&shape) {
                continue;
            }
            let stage = Stage::enter(phase, state);
            let mut wire = stage.connect(shape);
            assert_eq!(wire.rows(BY_NUMBER), expected, "{} {shape}", stage.name);
            // The same columns, in the order of their numbers, as the data shows.
            for table in ["users", "accounts", "events_1"] {
                let star = wire.simple(&format!("SELECT * FROM {table}"));
                let star: Vec<&str> =
                    star.columns().expect("columns").iter().map(|it| it.name.as_str()).collect();
                let prefix = format!("{table}|");
                let by_number: Vec<&str> = expected
                    .iter()
                    .filter(|line| line.starts_with(&prefix))
                    .filter_map(|line| line.split('|').nth(2))
                    .collect();
                assert_eq!(star, by_number, "{} {shape}", stage.name);
            }
            stage.relay.stop();
        }
    }
}

/// Two parameters, as drivers send it.
#[test]
fn numbers_may_be_parameters() {
    for (phase, state) in STAGES {
        let stage = Stage::enter(phase, state);
        let mut wire = stage.connect(Shape::Old);
        let oid = wire.rows("SELECT 'users'::regclass::oid").remove(0);
        for (sql, expected) in [
            ("SELECT attname FROM pg_attribute WHERE attrelid = $1 AND attnum = $2", "username"),
            ("SELECT col_description($1, $2)", "the name"),
            ("SELECT pg_column_is_updatable($1, $2, false)", "t"),
        ] {
            let reply = wire.extended(sql, &[Some(&oid), Some("2")], false);
            assert_eq!(reply.lines(), [expected], "{}: {sql} {reply:?}", stage.name);
        }
        stage.relay.stop();
    }
}

/// Drivers ask the catalog about the numbers that come with a result.
#[test]
fn a_result_names_its_columns_by_the_numbers_that_the_catalog_shows() {
    let of = |wire: &mut Wire, extended: bool| {
        wire.script("DEALLOCATE ALL");
        wire.script("PREPARE named AS SELECT id, username FROM users");
        let described = |sql: &&str| {
            let reply = if extended { wire.extended(sql, &[], false) } else { wire.simple(sql) };
            let columns = reply.columns().unwrap_or_else(|| panic!("{sql}: {reply:?}"));
            let numbers = columns.iter().map(|column| column.origin.number).collect::<Vec<i16>>();
            format!("{sql}: {numbers:?}")
        };
        [
            "SELECT * FROM users",
            "SELECT email, username AS name, id, upper(username) FROM users",
            "SELECT u.username, p.author FROM posts p JOIN users u ON u.id = p.user_id",
            "SELECT * FROM (SELECT id, username FROM users ORDER BY username) AS u",
            "UPDATE users SET email = 'a' WHERE false RETURNING *",
            "SELECT * FROM events",
            "SELECT id, note FROM accounts",
            "EXECUTE named",
        ]
        .iter()
        .map(described)
        .collect::<Vec<String>>()
    };
    let mut plain = known(Shape::Old).connect();
    let expected = of(&mut plain, false);
    for (phase, state) in STAGES {
        let stage = Stage::enter(phase, state);
        let mut wire = stage.connect(Shape::Old);
        for extended in [false, true] {
            assert_eq!(of(&mut wire, extended), expected, "{}", stage.name);
        }
        stage.relay.stop();
    }
}
