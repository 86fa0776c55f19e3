//! Forward, back, forward again, with sessions of every habit that never reconnect.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;

use super::sessions::{HABITS, Model, Session};
use super::{DDL, alone, prepare};

/// What the table holds on the side that `phase` reads; complains if the sides differ where both
/// are written.
fn content(database: &Database, phase: Phase) -> Model {
    let mut wire = database.connect();
    if let Phase::DualWrite | Phase::SwitchReads = phase {
        let apart = wire.rows("SELECT * FROM users WHERE username IS DISTINCT FROM handle");
        assert_eq!(apart, [""; 0], "{phase}: the sides differ");
    }
    let column = match phase {
        Phase::Expand | Phase::DualWrite | Phase::Backfill | Phase::Enforce => "username",
        Phase::SwitchReads | Phase::StopDualWrite | Phase::Contract => "handle",
    };
    let rows = wire.script(&format!("SELECT id, {column}, email FROM users"));
    let text = |value: &Option<Vec<u8>>| {
        value.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    rows.rows()
        .into_iter()
        .map(|row| match row.as_slice() {
            [Some(id), name, email] => {
                let id = String::from_utf8_lossy(id).parse().expect("a number");
                (id, (text(name).unwrap_or_default(), text(email)))
            }
            other => panic!("three columns: {other:?}"),
        })
        .collect()
}

#[test]
fn forward_back_and_forward_with_sessions_that_stay() {
    let _alone = alone();
    let database = Database::create("phases", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let mut model = content(&database, Phase::Expand);
    let mut sessions: Vec<Session> = HABITS
        .into_iter()
        .zip(1..)
        .map(|(habit, number)| Session::new(habit, proxy.connect(), number))
        .collect();
    let mut backfilled = false;
    let work = |phase, backfilled, sessions: &mut Vec<Session>, model: &mut Model| {
        for session in sessions.iter_mut() {
            session.work(model);
        }
        if phase != Phase::DualWrite || backfilled {
            assert_eq!(content(&database, phase), *model, "{phase}");
        }
    };
    work(Phase::Expand, backfilled, &mut sessions, &mut model);
    let way = [
        (Phase::DualWrite, true),
        (Phase::Expand, false),
        (Phase::DualWrite, false),
        (Phase::SwitchReads, true),
        (Phase::DualWrite, false),
        (Phase::SwitchReads, false),
        (Phase::StopDualWrite, true),
        (Phase::SwitchReads, false),
    ];
    for (phase, first_time) in way {
        if first_time {
            prepare(&database, phase);
        }
        if phase == Phase::SwitchReads && proxy.phase() == Some(Phase::StopDualWrite) {
            // Its values are those of rows that have others by now.
            database.connect().script("ALTER TABLE users DROP CONSTRAINT users_username_key");
        }
        backfilled |= phase == Phase::SwitchReads;
        proxy.flip(phase);
        if phase == Phase::SwitchReads && !first_time {
            // Rows that were written while only the new side was have no old side.
            database.connect().script(
                "UPDATE users SET username = handle WHERE username IS DISTINCT FROM handle",
            );
        }
        work(phase, backfilled, &mut sessions, &mut model);
    }
    // The old side may go stale now, and then it goes away; nobody notices.
    for phase in [Phase::StopDualWrite, Phase::Contract] {
        prepare(&database, phase);
        proxy.flip(phase);
        work(phase, backfilled, &mut sessions, &mut model);
    }
    database.connect().script("UPDATE users SET username = 'stale-' || id");
    work(Phase::Contract, backfilled, &mut sessions, &mut model);
    database.connect().script("ALTER TABLE users DROP COLUMN username");
    work(Phase::Contract, backfilled, &mut sessions, &mut model);
    assert!(proxy.counters().reprepared > 0, "{:?}", proxy.counters());
    assert_eq!(proxy.counters().refused, 0, "{:?}", proxy.counters());
    drop(sessions);
    proxy.stop();
}

/// The DDL of `expand` runs while clients hold prepared `SELECT *`.
#[test]
fn an_added_column_is_never_seen() {
    let _alone = alone();
    let database = Database::create("phases", DDL);
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let mut wire = proxy.connect();
    wire.prepare("star", "SELECT * FROM users WHERE id = 1");
    let before = wire.run("star", &[]);
    assert_eq!(before.lines(), ["1|user1|mail1|7"]);
    prepare(&database, Phase::DualWrite);
    assert_eq!(wire.run("star", &[]), before);
    assert_eq!(wire.rows("SELECT * FROM users WHERE id = 1"), ["1|user1|mail1|7"]);
    proxy.flip(Phase::DualWrite);
    assert_eq!(wire.run("star", &[]), before);
    proxy.stop();
}
