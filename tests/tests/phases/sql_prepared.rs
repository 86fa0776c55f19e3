//! PREPARE and EXECUTE through the flips of a whole proxy, beside sessions that look at both sides.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;
use segue_tests::wire::Wire;

use super::{DDL, TELL_TALE, alone, prepare, started, swap_to_the_new_side};

/// The DDL of `expand` runs while clients hold `SELECT *`, however they prepared it.
#[test]
fn an_added_column_does_not_change_the_type_of_a_prepared_star() {
    let _alone = alone();
    let database = Database::create("phases", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let mut wire = proxy.connect();
    wire.script("PREPARE star AS SELECT * FROM users WHERE id = 1");
    wire.script("PREPARE cte AS WITH u AS (SELECT * FROM users) SELECT * FROM u WHERE id = 1");
    wire.script("PREPARE joined AS SELECT * FROM users u JOIN users v USING (id) WHERE id = 1");
    wire.prepare("driver", "SELECT u.* FROM users u WHERE u.id = 1");
    let names = ["star", "cte", "joined", "driver"];
    let run = |wire: &mut Wire| names.map(|name| wire.script(&format!("EXECUTE {name}")));
    let bound = |wire: &mut Wire| names.map(|name| wire.run(name, &[]).lines());
    let (before, bound_before) = (run(&mut wire), bound(&mut wire));
    assert_eq!(before.first().map(|star| star.lines()), Some(vec!["1|user1|mail1|7".to_owned()]));
    prepare(&database, Phase::DualWrite);
    assert_eq!((run(&mut wire), bound(&mut wire)), (before.clone(), bound_before.clone()));
    for phase in [Phase::DualWrite, Phase::Expand, Phase::DualWrite, Phase::SwitchReads] {
        if phase == Phase::SwitchReads {
            prepare(&database, phase);
        }
        proxy.flip(phase);
        assert_eq!((run(&mut wire), bound(&mut wire)), (before.clone(), bound_before.clone()));
    }
    proxy.stop();
}

/// What nobody could read is prepared anew when the catalog has changed: it may show the added
/// column then, but it goes on working.
#[test]
fn an_unreadable_star_goes_on_working_once_the_added_column_is_known() {
    let _alone = alone();
    let database = Database::create("phases", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let mut wire = proxy.connect();
    wire.script("PREPARE unreadable AS TABLE users");
    assert_eq!(wire.rows("EXECUTE unreadable").len(), 100);
    let generation = proxy.current().number();
    prepare(&database, Phase::DualWrite);
    segue_tests::server::eventually("the added column is noticed", || {
        proxy.current().number() != generation
    });
    assert_eq!(wire.rows("EXECUTE unreadable").len(), 100);
    proxy.stop();
}

/// A whole row comes as a record, and its type is put right in the answer to whatever executes it.
#[test]
fn a_whole_row_is_of_the_table_s_type_whoever_asks_for_it() {
    let _alone = alone();
    let (database, proxy) = started(Phase::DualWrite);
    let select = "SELECT u, 1 AS one FROM users u WHERE id = 1";
    let mut wire = proxy.connect();
    wire.script(&format!("PREPARE whole AS {select}"));
    prepare(&database, Phase::SwitchReads);
    for phase in [Phase::DualWrite, Phase::SwitchReads] {
        proxy.swap(phase);
        let simple = wire.script(select);
        assert_eq!(wire.script("EXECUTE whole"), simple);
        let twice = wire.script("SELECT 2 AS two; EXECUTE whole");
        assert_eq!(twice.messages.split_at(3).1, simple.messages);
        wire.script("DEALLOCATE whole");
        let made = wire.script(&format!("PREPARE whole AS {select}; EXECUTE whole"));
        assert_eq!(made.messages.split_at(1).1, simple.messages);
        let extended = wire.extended(select, &[], false);
        assert_eq!(wire.extended("EXECUTE whole", &[], false), extended);
        let bound = wire.run("whole", &[]);
        assert_eq!(bound.lines(), extended.lines());
        let typed = database.connect().rows("SELECT 'users'::regtype::oid");
        let columns = simple.columns().unwrap_or_default().iter();
        let types: Vec<String> = columns.map(|column| column.type_oid.to_string()).collect();
        assert_eq!(types, [typed.concat(), "23".to_owned()]);
    }
    proxy.stop();
}

/// A transaction that executes a statement before and after a flip reads the same side twice.
#[test]
fn a_statement_is_the_same_to_the_end_of_its_transaction() {
    let _alone = alone();
    let (database, proxy) = started(Phase::DualWrite);
    prepare(&database, Phase::SwitchReads);
    database.connect().script(TELL_TALE);
    let mut wire = proxy.connect();
    wire.script("PREPARE r AS SELECT username FROM users WHERE id = 1");
    wire.script("BEGIN; SELECT 1");
    swap_to_the_new_side(&database, &proxy);
    assert_eq!(wire.rows("EXECUTE r"), ["old side"]);
    assert_eq!(wire.run("r", &[]).lines(), ["old side"]);
    wire.script("PREPARE late AS SELECT username FROM users WHERE id = 1");
    assert_eq!(wire.rows("EXECUTE late; COMMIT"), ["old side"]);
    for name in ["r", "late"] {
        assert_eq!(wire.rows(&format!("EXECUTE {name}")), ["new side"]);
    }
    // No transaction in between: both in one text are of one generation.
    wire.script("DEALLOCATE late");
    let both = "PREPARE late AS SELECT username FROM users WHERE id = 1; EXECUTE r; EXECUTE late";
    assert_eq!(wire.rows(both), ["new side", "new side"]);
    segue_tests::server::run(proxy.last_flip().drained());
    proxy.stop();
}

/// What was prepared before a table was governed at all, and what is left when it no longer is.
#[test]
fn a_statement_from_before_the_migration_is_known() {
    let _alone = alone();
    let database = Database::create("phases", DDL);
    let proxy = Proxy::start(&database, "");
    let mut wire = proxy.connect();
    wire.script(
        "PREPARE star AS SELECT * FROM users WHERE id = $1; \
         PREPARE \"Add\" (bigint) AS INSERT INTO users (id, username) VALUES ($1, 'added' || CASE WHEN $1 > 1000 THEN ' too' ELSE '' END) RETURNING username",
    );
    let before = wire.script("EXECUTE star(1)");
    proxy.flip(Phase::Expand);
    assert_eq!(wire.script("EXECUTE star(1)"), before);
    prepare(&database, Phase::DualWrite);
    assert_eq!(wire.script("EXECUTE star(1)"), before);
    proxy.flip(Phase::DualWrite);
    assert_eq!(wire.rows("EXECUTE \"Add\"(1000)"), ["added"]);
    let sides = "SELECT username, handle FROM users WHERE id = 1000";
    assert_eq!(database.connect().rows(sides), ["added|added"]);
    let known = "SELECT name, from_sql, statement FROM pg_prepared_statements ORDER BY name DESC";
    assert_eq!(
        wire.rows(known),
        [
            "star|t|PREPARE star AS SELECT id, username, email, score FROM users WHERE id = $1",
            "Add|t|PREPARE \"Add\" (bigint) AS INSERT INTO users (id, username, handle) \
             VALUES ($1, 'added' || CASE WHEN $1 > 1000 THEN ' too' ELSE '' END, 'added' || CASE WHEN $1 > 1000 THEN ' too' ELSE '' END) RETURNING username",
        ]
    );
    proxy.flip(Phase::Expand);
    assert!(proxy.reload("").is_ok(), "the migration is given up");
    segue_tests::server::run(proxy.last_flip().drained());
    database.connect().script("ALTER TABLE users DROP COLUMN handle");
    assert_eq!(wire.script("EXECUTE star(1)"), before);
    assert_eq!(wire.rows("EXECUTE \"Add\"(1001)"), ["added too"]);
    assert_eq!(proxy.counters().refused, 0, "{:?}", proxy.counters());
    proxy.stop();
}
