//! A column that was added: rows that still lack their value are the ones that differ.

use rewrite_rules::Phase;

use crate::{check, governed, order, verify};

const DDL: &str = "
    CREATE TABLE t (id bigint PRIMARY KEY, seen int, made int, last int);
    INSERT INTO t SELECT g, CASE WHEN g % 3 = 0 THEN g END, CASE WHEN g % 5 <> 0 THEN g END,
                         CASE WHEN g % 7 = 0 THEN -g END
    FROM generate_series(1, 700) g";

#[test]
fn rows_that_lack_their_value_differ_and_no_others() {
    let migration = "[[migration]]\nname = \"move\"\nkind = \"backfill-column\"\ntable = \"t\"\n\
                     column = \"last\"\nvalue = \"COALESCE(seen, made)\"\nphase = \"backfill\"\n";
    let (database, proxy) = governed("verify_added", DDL, migration);
    let differing = "SELECT format('id = %s|?|NULL|''%s''', id, coalesce(seen, made)) FROM t
                     WHERE last IS NULL AND coalesce(seen, made) IS NOT NULL";
    let (done, _) = verify(&database, &order());
    let done = done.unwrap_or_else(|error| panic!("{}", error.with_hint()));
    let expected = database.connect().rows(differing);
    let told: Vec<String> = done.rows.iter().map(|row| row.key.clone()).collect();
    let mut keys: Vec<String> =
        expected.iter().filter_map(|line| line.split('|').next()).map(str::to_owned).collect();
    let mut told = told;
    keys.sort();
    told.sort();
    assert_eq!((told, done.compared, done.failed), (keys, 700, 0));
    database.connect().script(
        "UPDATE t SET last = coalesce(seen, made) WHERE last IS NULL AND coalesce(seen, made) IS NOT NULL",
    );
    check(&database, "filled", &order(), "SELECT count(*) FROM t", differing);
    proxy.stop();
}

/// Of an added column the proxies write nothing: what an unchanged client has inserted since it was verified is not
/// filled. So its gate relies on no verification, and looks.
#[test]
fn the_gate_to_enforce_looks_itself() {
    let migration = |phase| {
        format!(
            "[[migration]]\nname = \"move\"\nkind = \"backfill-column\"\ntable = \"t\"\n\
             column = \"last\"\nvalue = \"COALESCE(seen, made)\"\nphase = \"{phase}\"\n"
        )
    };
    let (database, proxy) = governed("verify_added_gate", DDL, &migration(Phase::Backfill));
    let fill = "UPDATE t SET last = coalesce(seen, made) WHERE last IS NULL";
    database.connect().script(fill);
    let (done, _) = verify(&database, &order());
    assert_eq!(done.map(|it| it.equal()).map_err(|error| error.to_string()), Ok(Some(true)));
    proxy.connect().script("INSERT INTO t VALUES (1001, 7, NULL)");
    let refused = proxy.reload(&migration(Phase::Enforce)).err().map(|error| error.to_string());
    let refused = refused.unwrap_or_default();
    assert!(refused.contains("NULL in 1 row of \"public.t\""), "{refused}");
    database.connect().script(fill);
    proxy.reload(&migration(Phase::Enforce)).unwrap_or_else(|error| panic!("{error}"));
    proxy.stop();
}
