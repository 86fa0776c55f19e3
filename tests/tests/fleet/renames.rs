//! `strategy = "metadata"`: the column itself is renamed while clients work, and they see no error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, Replica, forget_the_fleet};
use segue_tests::server::{Database, eventually, pause};

use super::{all_have_drained, alone, journal, step, step_of_all, taken};

const DDL: &str =
    "CREATE TABLE users (id bigint PRIMARY KEY, username text UNIQUE, n int DEFAULT 0);
    INSERT INTO users SELECT g, 'user' || g FROM generate_series(1, 100) g;
    CREATE VIEW names AS SELECT id, username FROM users;";

const READ: &str = "SELECT username FROM users WHERE id = 1";

fn file(phase: Phase) -> String {
    segue_tests::proxy::rename_username(phase)
        .replace("phase =", "strategy = \"metadata\"\nphase =")
}

/// Two proxies in `expand`, of a role that owns the table.
fn two(database: &Database) -> (Proxy, Proxy) {
    forget_the_fleet(database);
    database.connect().script("ALTER TABLE users OWNER TO segue");
    let replica = Replica { lease: Some("2s"), ..Replica::default() };
    let first = Proxy::join(database, &file(Phase::Expand), replica);
    let second = Proxy::join(database, &file(Phase::Expand), replica);
    all_have_drained(&first);
    (first, second)
}

fn columns(database: &Database) -> Vec<String> {
    database.connect().rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0
         ORDER BY attnum",
    )
}

/// Statements of every protocol, and transactions, until it is over. Gives how many.
fn work(proxy: &Proxy, number: usize, over: &AtomicBool) -> usize {
    let mut wire = proxy.connect();
    let mut done = 0;
    wire.script("PREPARE by_key AS SELECT username FROM users WHERE id = $1");
    while !over.load(Ordering::SeqCst) {
        let id = 1_000_000 * (number + 1) + done;
        let name = format!("client {id}");
        wire.script(&format!("INSERT INTO users VALUES ({id}, '{name}')"));
        assert_eq!(wire.rows(&format!("EXECUTE by_key({id})")), [name.as_str()]);
        let all = format!("SELECT * FROM users WHERE id = {id}");
        assert_eq!(wire.extended(&all, &[], false).lines(), [format!("{id}|{name}|0")]);
        wire.script(&format!(
            "BEGIN; UPDATE users SET username = username || '!', n = n + 1 WHERE id = {id}"
        ));
        assert_eq!(wire.rows(&format!("EXECUTE by_key({id})")), [format!("{name}!")]);
        wire.script("COMMIT");
        let upsert = format!(
            "INSERT INTO users VALUES ({}, '{name}!') ON CONFLICT (username) DO UPDATE SET n = 9 \
             RETURNING username",
            id + 500_000
        );
        assert_eq!(wire.rows(&upsert), [format!("{name}!")]);
        done += 1;
    }
    done
}

#[test]
fn a_column_is_renamed_and_renamed_back_under_work() {
    let _alone = alone();
    let database = Database::create("renames", DDL);
    let (first, second) = two(&database);
    let over = AtomicBool::new(false);
    let done: usize = thread::scope(|scope| {
        let workers: Vec<_> = [&first, &second, &first, &second]
            .into_iter()
            .enumerate()
            .map(|(number, proxy)| {
                let over = &over;
                scope.spawn(move || work(proxy, number, over))
            })
            .collect();
        for (proxy, phase, name) in [
            (&first, Phase::Contract, "handle"),
            (&second, Phase::Expand, "username"),
            (&second, Phase::Contract, "handle"),
            (&first, Phase::Expand, "username"),
            (&first, Phase::Contract, "handle"),
        ] {
            pause(300);
            step_of_all(proxy, &[&first, &second], phase);
            assert_eq!(columns(&database), ["id", name, "n"]);
        }
        pause(300);
        over.store(true, Ordering::SeqCst);
        workers.into_iter().map(|worker| worker.join().expect("no error")).sum()
    });
    assert!(done > 0);
    // Either name, for clients of either shape, in the column's own place.
    let mut wire = first.connect();
    assert_eq!(wire.rows("SELECT username, handle FROM users WHERE id = 1"), ["user1|user1"]);
    assert_eq!(wire.rows("SELECT username FROM names WHERE id = 1"), ["user1"]);
    wire.script("SET segue.shape = 'new'");
    assert_eq!(wire.rows("SELECT * FROM users WHERE id = 1"), ["1|user1|0"]);
    let history = "SELECT from_phase, to_phase FROM segue.history WHERE action = 'flip'";
    assert_eq!(journal(&database, history).len(), 5);
    first.stop();
    second.stop();
}

#[test]
fn whoever_is_not_done_in_time_is_not_interrupted() {
    let _alone = alone();
    let database = Database::create("renames", DDL);
    let (first, second) = two(&database);
    let mut open = second.connect();
    open.script("BEGIN; SELECT username FROM users WHERE id = 1");
    let refused = step(&first, Phase::Contract).expect_err("somebody is not done").to_string();
    // It says who it was that was not done.
    assert!(refused.contains("not all replicas have drained epoch 2"), "{refused}");
    assert!(refused.contains(&format!(":{}): has drained epoch 1", second.port())), "{refused}");
    assert_eq!(open.rows(READ), ["user1"]);
    open.script("COMMIT");
    assert_eq!(columns(&database), ["id", "username", "n"]);
    for proxy in [&first, &second] {
        assert_eq!(proxy.connect().rows(READ), ["user1"]);
    }

    // So is somebody who goes around the proxies.
    let mut around = database.connect();
    around.script("BEGIN; LOCK TABLE users IN ACCESS SHARE MODE");
    step(&first, Phase::Contract).expect_err("the table is locked");
    assert_eq!(second.connect().rows(READ), ["user1"]);
    around.script("COMMIT");
    all_have_drained(&first);
    step_of_all(&second, &[&first, &second], Phase::Contract);
    assert_eq!(first.connect().rows(READ), ["user1"]);
    first.stop();
    second.stop();
}

#[test]
fn a_hold_that_nobody_ends_is_given_up() {
    let _alone = alone();
    let database = Database::create("renames", DDL);
    let (first, second) = two(&database);
    // What a replica leaves behind that dies in the midst of it.
    database.connect().script(
        "UPDATE segue.fleet SET epoch = epoch + 1, hold = 'rename-username',
             hold_until = clock_timestamp() + interval '1 s'; NOTIFY segue",
    );
    let mut wires = [first.connect(), second.connect()];
    eventually("it is known", || {
        journal(&database, "SELECT hold IS NULL FROM segue.fleet") == ["t"]
    });
    for wire in &mut wires {
        assert_eq!(wire.rows(READ), ["user1"]);
    }
    all_have_drained(&first);
    step_of_all(&first, &[&first, &second], Phase::Contract);
    first.stop();
    second.stop();
}

/// A fleet of one dies while it holds: whoever is started next finds nobody who could end that.
#[test]
fn a_hold_that_nobody_is_left_to_end_keeps_no_proxy_from_its_start() {
    let _alone = alone();
    let database = Database::create("renames", DDL);
    forget_the_fleet(&database);
    database.connect().script("ALTER TABLE users OWNER TO segue");
    let replica = Replica { lease: Some("1s"), ..Replica::default() };
    let only = Proxy::join(&database, &file(Phase::Expand), replica);
    all_have_drained(&only);
    let hold = |time: &str| {
        database.connect().script(&format!(
            "UPDATE segue.fleet SET epoch = epoch + 1, hold = 'rename-username',
                 hold_until = clock_timestamp() + interval '{time}'"
        ));
    };
    only.crash();
    // One that is over, and one that is not yet.
    for time in ["-1 s", "2 s"] {
        hold(time);
        let next = Proxy::join(&database, &file(Phase::Expand), replica);
        assert_eq!(next.connect().rows(READ), ["user1"]);
        assert_eq!(journal(&database, "SELECT hold IS NULL FROM segue.fleet"), ["t"]);
        eventually("a step can be taken", || step(&next, Phase::Contract).is_ok());
        assert_eq!(next.connect().rows(READ), ["user1"]);
        eventually("and back", || step(&next, Phase::Expand).is_ok());
        next.stop();
    }
    // One that a proxy hears of only when it is over.
    let late = Proxy::join(&database, &file(Phase::Expand), replica);
    hold("-1 s");
    eventually("a step can be taken", || step(&late, Phase::Contract).is_ok());
    assert_eq!(late.connect().rows(READ), ["user1"]);
    late.stop();
}

#[test]
fn what_is_in_the_way_is_told_before_anybody_is_held() {
    let _alone = alone();
    let database = Database::create("renames", DDL);
    let (first, second) = two(&database);
    let mut direct = database.connect();
    direct.script(
        "ALTER TABLE users OWNER TO postgres; ALTER TABLE users ADD COLUMN handle text;
         CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS
             'BEGIN RETURN (SELECT username FROM users LIMIT 1); END'",
    );
    let refused = step(&first, Phase::Contract).expect_err("the gate is closed").to_string();
    let words = refused.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "role \"segue\" of \"control\" may not rename a column of \"public.users\": it belongs to \"postgres\"",
        "\"public.users\" has a column \"handle\" already",
        "function public.f() names \"users\" and \"username\", which there will not be any more",
    ] {
        assert!(words.contains(text), "{text}: {words}");
    }
    direct.script("ALTER TABLE users OWNER TO segue; ALTER TABLE users DROP COLUMN handle");
    direct.script("DROP FUNCTION f()");
    step_of_all(&first, &[&first, &second], Phase::Contract);
    first.stop();
    second.stop();
    // There is no phase in between.
    let error = Proxy::try_join(&database, &file(Phase::DualWrite), Replica::default());
    let error = error.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("strategy \"metadata\" has no phase \"dual-write\""), "{error}");
}

#[test]
fn a_rename_goes_with_other_migrations_in_any_order_of_the_file() {
    let _alone = alone();
    let database = Database::create("renames", DDL);
    forget_the_fleet(&database);
    database.connect().script(
        "ALTER TABLE users OWNER TO segue; CREATE TABLE later (id bigint PRIMARY KEY, a text, b text)",
    );
    // The journal has them by name.
    let other = "[[migration]]\nname = \"another\"\nkind = \"rename-column\"\ntable = \"later\"\n\
                 from = \"a\"\nto = \"b\"\nphase = \"expand\"\n";
    let both = format!("{}{other}", file(Phase::Expand));
    let replica = Replica { lease: Some("2s"), ..Replica::default() };
    let first = Proxy::join(&database, &both, replica);
    let second = Proxy::join(&database, &both, replica);
    all_have_drained(&first);
    taken(&first, Phase::Contract);
    all_have_drained(&first);
    for proxy in [&first, &second] {
        assert_eq!(proxy.connect().rows(READ), ["user1"]);
    }
    // What is pending in a file stays so while one step is taken by name.
    let pending = other.replace("expand", "dual-write");
    std::fs::write(
        second.config(),
        std::fs::read_to_string(second.config()).expect("a file").replace(other, &pending),
    )
    .expect("a file");
    taken(&first, Phase::Expand);
    all_have_drained(&first);
    assert_eq!(second.connect().rows(READ), ["user1"]);
    first.stop();
    second.stop();
}
