//! Upserts that a mirrored unique index rejects: sent again, and nobody sees it.

use super::*;
use crate::wire::compose;

const TEXT: &str = "insert into users (id, username) values (1, 'a') \
    on conflict (username) do update set id = 2 returning id";
const SENT: &str = "insert into users (id, username, handle) values (1, 'a', 'a') \
    on conflict (username) do update set id = 2 returning id";

fn violation(index: &str) -> Vec<u8> {
    let table = "spublic\0tusers\0";
    frame(b'E', format!("SERROR\0C23505\0Mm\0{table}n{index}\0\0").as_bytes())
}

/// The arbiter is over `username`.
fn rejected() -> Vec<u8> {
    violation("users_handle_key")
}

fn row() -> Vec<u8> {
    frame(b'D', b"\0\x01\0\0\0\x012")
}

fn description() -> Vec<u8> {
    frame(b'T', b"\0\0")
}

fn stored() -> Vec<u8> {
    [row(), done("INSERT 0 1")].concat()
}

/// A statement of ours in the extended protocol, and the answers to it.
fn own(text: &str) -> Vec<u8> {
    compose::question("segue_retry", text).to_vec()
}

fn own_done(tag: &str) -> Vec<u8> {
    [completes("312"), done(tag), completes("33")].concat()
}

fn describe_portal() -> Vec<u8> {
    frame(b'D', b"P\0")
}

/// Begins a transaction.
fn begun(more: Vec<Act>) -> Vec<Act> {
    let begin = vec![
        Act::Client(query("begin")),
        Act::ServerGot(query("begin")),
        Act::Server([done("BEGIN"), ready(b'T')].concat()),
        Act::ClientGot([done("BEGIN"), ready(b'T')].concat()),
    ];
    after_acquaintance_in_old([begin, more].concat())
}

/// Prepares the statement `s`.
fn prepared(before: Vec<Act>, status: u8, more: Vec<Act>) -> Vec<Act> {
    let prepare = vec![
        Act::Client([parse("s", TEXT), sync()].concat()),
        Act::ServerGot([parse("s", SENT), sync()].concat()),
        Act::Server([completes("1"), ready(status)].concat()),
        Act::ClientGot([completes("1"), ready(status)].concat()),
    ];
    [before, prepare, more].concat()
}

#[test]
fn a_query_is_sent_again_until_it_is_stored() {
    let counted = play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([query(TEXT), query("select 1")].concat()),
            // What is behind it waits.
            Act::ServerGot(query(SENT)),
            Act::Server([rejected(), ready(b'I')].concat()),
            Act::ClientGot(Vec::new()),
            Act::ServerGot(query(SENT)),
            Act::Holds(Some(1)),
            Act::Server([description(), stored(), ready(b'I')].concat()),
            Act::ClientGot([description(), stored(), ready(b'I')].concat()),
            Act::ServerGot(query("select 1")),
        ]),
    );
    assert_eq!((counted.retried, counted.rewritten), (1, 1));
}

#[test]
fn a_query_in_a_transaction_goes_back_to_a_savepoint() {
    let release = query("RELEASE SAVEPOINT segue_retry");
    let back = query("ROLLBACK TO SAVEPOINT segue_retry");
    let aborted = [error("25P02", ""), ready(b'E')].concat();
    let counted = play(
        OLD,
        &begun(vec![
            Act::Client([query(TEXT), query("select 1")].concat()),
            Act::ServerGot([query("SAVEPOINT segue_retry"), query(SENT), release.clone()].concat()),
            Act::Server([done("SAVEPOINT"), ready(b'T')].concat()),
            Act::Server([rejected(), ready(b'E'), aborted.clone()].concat()),
            Act::ClientGot(Vec::new()),
            Act::ServerGot([back, query(SENT), release].concat()),
            Act::Server([done("ROLLBACK"), ready(b'T')].concat()),
            Act::Server([stored(), ready(b'T')].concat()),
            Act::ClientGot(stored()),
            Act::Server([done("RELEASE"), ready(b'T')].concat()),
            Act::ClientGot(ready(b'T')),
            Act::ServerGot(query("select 1")),
        ]),
    );
    assert_eq!(counted.retried, 1);
}

#[test]
fn a_real_error_in_a_transaction_fails_it() {
    let aborted = [error("25P02", ""), ready(b'E')].concat();
    for failure in [violation("users_username_key"), error("22P02", ""), error("40001", "")] {
        let script = begun(vec![
            Act::Client(query(TEXT)),
            Act::Server([done("SAVEPOINT"), ready(b'T')].concat()),
            Act::Server([failure.clone(), ready(b'E')].concat()),
            Act::ClientGot(failure.clone()),
            Act::Server(aborted.clone()),
            Act::ClientGot(ready(b'E')),
            Act::Client(query("rollback")),
            Act::Server([done("ROLLBACK"), ready(b'I')].concat()),
            Act::ClientGot([done("ROLLBACK"), ready(b'I')].concat()),
            Act::Holds(None),
        ]);
        assert_eq!(play(OLD, &script).retried, 0);
    }
    // An upsert in a failed transaction is sent as it is.
    let script = begun(vec![
        Act::Client(query("nonsense")),
        Act::ServerGot(query("nonsense")),
        Act::Server([error("42601", ""), ready(b'E')].concat()),
        Act::ClientGot([error("42601", ""), ready(b'E')].concat()),
        Act::Client(query(TEXT)),
        Act::ServerGot(query(SENT)),
        Act::Server(aborted.clone()),
        Act::ClientGot(aborted),
    ]);
    play(OLD, &script);
}

#[test]
fn an_error_of_the_savepoint_s_own_is_the_answer() {
    let aborted = [error("25P02", ""), ready(b'E')].concat();
    let cancelled = error("57014", "");
    play(
        OLD,
        &begun(vec![
            Act::Client(query(TEXT)),
            Act::Server([cancelled.clone(), ready(b'E'), aborted.clone(), aborted].concat()),
            Act::ClientGot([cancelled.clone(), ready(b'E')].concat()),
        ]),
    );
    play(
        OLD,
        &begun(vec![
            Act::Client(query(TEXT)),
            Act::Server([done("SAVEPOINT"), ready(b'T'), stored(), ready(b'T')].concat()),
            Act::Server([cancelled.clone(), ready(b'E')].concat()),
            Act::ClientGot([stored(), cancelled, ready(b'E')].concat()),
        ]),
    );
}

#[test]
fn other_violations_are_the_client_s() {
    for text in [
        TEXT,
        "insert into users (id, username) values (1, 'a')",
        "insert into users (id, username) values (1, 'a') on conflict (id) do nothing",
        "insert into users (id, username) values (1, 'a') on conflict do nothing",
    ] {
        let index = if text == TEXT { "users_pkey" } else { "users_handle_key" };
        let counted = play(
            OLD,
            &after_acquaintance_in_old(vec![
                Act::Client(query(text)),
                Act::Server([violation(index), ready(b'I')].concat()),
                Act::ClientGot([violation(index), ready(b'I')].concat()),
                Act::Holds(None),
            ]),
        );
        assert_eq!(counted.retried, 0, "{text}");
    }
}

#[test]
fn a_batch_is_sent_again_and_answered_once() {
    let first = [parse("", TEXT), bind(""), describe_portal(), execute(), sync()].concat();
    let sent = [parse("", SENT), bind(""), describe_portal(), execute(), sync()].concat();
    let close = close("gone");
    let again = [bind(""), execute(), sync()].concat();
    let counted = play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([first, query("select 1")].concat()),
            Act::ServerGot(sent),
            Act::Server([completes("12"), description(), rejected(), ready(b'I')].concat()),
            Act::ClientGot([completes("12"), description()].concat()),
            Act::ServerGot(again.clone()),
            Act::Server([completes("2"), rejected(), ready(b'I')].concat()),
            Act::ClientGot(Vec::new()),
            Act::Holds(Some(1)),
        ]),
    );
    assert_eq!(counted.retried, 1 + 1);
    // What is behind the Execute is sent again with it.
    let batch = [bind("s"), execute(), close.clone(), sync()].concat();
    play(
        OLD,
        &prepared(
            after_acquaintance_in_old(Vec::new()),
            b'I',
            vec![
                Act::Client(batch.clone()),
                Act::ServerGot(batch.clone()),
                Act::Server([completes("2"), rejected(), ready(b'I')].concat()),
                Act::ClientGot(completes("2")),
                Act::ServerGot(batch),
                Act::Server([completes("2"), stored(), completes("3"), ready(b'I')].concat()),
                Act::ClientGot([stored(), completes("3"), ready(b'I')].concat()),
                Act::Holds(None),
            ],
        ),
    );
}

#[test]
fn a_batch_in_a_transaction_goes_back_to_a_savepoint() {
    let batch = [bind("s"), execute()].concat();
    let behind = [own("RELEASE SAVEPOINT segue_retry"), sync()].concat();
    let first = [own("SAVEPOINT segue_retry"), batch.clone(), behind.clone()].concat();
    let again = [own("ROLLBACK TO SAVEPOINT segue_retry"), batch.clone(), behind].concat();
    let script = |more: Vec<Act>| {
        let both = vec![
            Act::Client([batch.clone(), sync()].concat()),
            Act::ServerGot(first.clone()),
            Act::Server([own_done("SAVEPOINT"), completes("2")].concat()),
        ];
        prepared(begun(Vec::new()), b'T', [both, more].concat())
    };
    let stored_and_released = [stored(), own_done("RELEASE"), ready(b'T')].concat();
    let unharmed = script(vec![
        Act::Server(stored_and_released.clone()),
        Act::ClientGot([completes("2"), stored(), ready(b'T')].concat()),
    ]);
    assert_eq!(play(OLD, &unharmed).retried, 0);
    let rejected = script(vec![
        Act::Server([rejected(), ready(b'E')].concat()),
        Act::ClientGot(completes("2")),
        Act::ServerGot(again.clone()),
        Act::Server([own_done("ROLLBACK"), completes("2"), stored_and_released].concat()),
        Act::ClientGot([stored(), ready(b'T')].concat()),
    ]);
    assert_eq!(play(OLD, &rejected).retried, 1);
    let failed = script(vec![
        Act::Server([error("40001", ""), ready(b'E')].concat()),
        Act::ClientGot([completes("2"), error("40001", ""), ready(b'E')].concat()),
        Act::Client(query("rollback")),
        Act::ServerGot(query("rollback")),
    ]);
    play(OLD, &failed);
}

#[test]
fn a_savepoint_waits_for_the_answers_before_it() {
    let batch = [bind("s"), execute(), sync()].concat();
    let sent = [
        own("SAVEPOINT segue_retry"),
        bind("s"),
        execute(),
        own("RELEASE SAVEPOINT segue_retry"),
        sync(),
    ];
    play(
        OLD,
        &prepared(
            after_acquaintance_in_old(Vec::new()),
            b'I',
            vec![
                Act::Client([query("begin"), batch].concat()),
                Act::ServerGot(query("begin")),
                Act::Server([done("BEGIN"), ready(b'T')].concat()),
                Act::ServerGot(sent.concat()),
            ],
        ),
    );
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([query("select 1"), query(TEXT)].concat()),
            Act::ServerGot(query("select 1")),
            Act::Server([done("SELECT 1"), ready(b'I')].concat()),
            Act::ServerGot(query(SENT)),
        ]),
    );
}

#[test]
fn what_cannot_be_sent_again_goes_on_as_it_comes() {
    let flush = frame(b'H', b"");
    let long = frame(b'B', &[&b"\0s\0\0\0\0\x01\0\x20\0\0"[..], &vec![b'x'; 1 << 21]].concat());
    for batch in [
        [bind("s"), execute(), bind("s"), execute(), sync()].concat(),
        [bind("s"), describe("s"), execute(), sync()].concat(),
        [bind("s"), execute(), flush.clone(), sync()].concat(),
        [bind("s"), flush, execute(), sync()].concat(),
        [bind("s"), sync()].concat(),
        [long, execute(), sync()].concat(),
    ] {
        let failed = [completes("2"), rejected(), ready(b'I')].concat();
        let script = prepared(
            after_acquaintance_in_old(Vec::new()),
            b'I',
            vec![
                Act::Client(batch.clone()),
                Act::ServerGot(batch),
                Act::Server(failed.clone()),
                Act::ClientGot(failed),
                Act::Holds(None),
            ],
        );
        let mut session = Session::new(OLD);
        session.play(&script, usize::MAX);
        assert_eq!(session.counters.snapshot().retried, 0);
    }
    let several = format!("{TEXT}; select 1");
    let failed = [rejected(), ready(b'I')].concat();
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client(query(&several)),
            Act::Server(failed.clone()),
            Act::ClientGot(failed),
        ]),
    );
}

#[test]
fn each_of_several_in_a_transaction_has_a_savepoint() {
    let batch = [
        parse("b", "begin"),
        bind("b"),
        execute(),
        bind("s"),
        describe_portal(),
        execute(),
        bind("s"),
        execute(),
        parse("t", "select username from users"),
        sync(),
    ];
    let (set, release) = (own("SAVEPOINT segue_retry"), own("RELEASE SAVEPOINT segue_retry"));
    let back = own("ROLLBACK TO SAVEPOINT segue_retry");
    let second = [bind("s"), execute(), release.clone(), batch[8].clone(), sync()].concat();
    let again = [bind("s"), execute(), release.clone(), set.clone(), second.clone()].concat();
    let first = [batch[..3].concat(), set.clone(), bind("s"), describe_portal(), execute()];
    let first = [first.concat(), release, set, second.clone()].concat();
    let counted = play(
        OLD,
        &prepared(
            after_acquaintance_in_old(Vec::new()),
            b'I',
            vec![
                Act::Client([batch.concat(), query("select 1")].concat()),
                Act::ServerGot(first),
                Act::Server([completes("12"), done("BEGIN")].concat()),
                Act::Server([own_done("SAVEPOINT"), completes("2"), description()].concat()),
                Act::ClientGot(
                    [completes("12"), done("BEGIN"), completes("2"), description()].concat(),
                ),
                Act::Server([rejected(), ready(b'E')].concat()),
                Act::ServerGot([back.clone(), again].concat()),
                Act::Server([own_done("ROLLBACK"), completes("2"), stored()].concat()),
                Act::Server([own_done("RELEASE"), own_done("SAVEPOINT"), completes("2")].concat()),
                Act::ClientGot([stored(), completes("2")].concat()),
                Act::Server([rejected(), ready(b'E')].concat()),
                Act::ServerGot([back, second].concat()),
                Act::Server([own_done("ROLLBACK"), completes("2"), stored()].concat()),
                Act::Server([own_done("RELEASE"), completes("1"), ready(b'T')].concat()),
                Act::ClientGot([stored(), completes("1"), ready(b'T')].concat()),
                Act::ServerGot(query("select 1")),
                Act::Server([done("SELECT 1"), ready(b'T')].concat()),
                // What was parsed behind them is known.
                Act::Client([bind("t"), sync()].concat()),
                Act::ServerGot([bind("t"), sync()].concat()),
            ],
        ),
    );
    assert_eq!(counted.retried, 2);
}

#[test]
fn what_is_waited_for_in_the_midst_of_a_batch_leaves_no_savepoint() {
    // Behind a search path that may have changed names must be asked for.
    let (set, release) = (own("SAVEPOINT segue_retry"), own("RELEASE SAVEPOINT segue_retry"));
    let path = "select set_config('search_path', 'public', false)";
    let sent = [set, bind("s"), execute(), release];
    let behind = [parse("", path), bind(""), execute()];
    let asked = [parse("", TEXT), bind(""), execute(), sync()];
    let failed = [rejected(), ready(b'E')].concat();
    play(
        OLD,
        &prepared(
            begun(Vec::new()),
            b'T',
            vec![
                Act::Client([bind("s"), execute(), behind.concat(), asked.concat()].concat()),
                Act::ServerGot([sent.concat(), behind.concat(), question(false)].concat()),
                Act::Server([own_done("SAVEPOINT"), completes("2"), rejected()].concat()),
                Act::ClientGot([completes("2"), rejected()].concat()),
                Act::ServerGot([parse("", TEXT), bind(""), execute(), sync()].concat()),
                Act::Server(ready(b'E')),
                Act::ClientGot(failed[rejected().len()..].to_vec()),
                Act::Client(query("rollback")),
                Act::ServerGot(query("rollback")),
            ],
        ),
    );
}

#[test]
fn a_batch_that_may_end_its_transaction_has_no_savepoint() {
    for (text, status) in
        [("commit", b'T'), ("rollback", b'T'), ("set x = 1", b'T'), ("select 1", b'I')]
    {
        let before =
            if status == b'T' { begun(Vec::new()) } else { after_acquaintance_in_old(Vec::new()) };
        let batch = [parse("", text), bind(""), execute(), bind("s"), execute(), sync()].concat();
        let script = vec![Act::Client(batch.clone()), Act::ServerGot(batch)];
        play(OLD, &prepared(before, status, script));
    }
}

/// A session whose upsert is rejected again and again, up to the `last` time; and what was sent.
fn rejected_often(last: u32) -> Session {
    let mut session = Session::new(OLD);
    session.play(&after_acquaintance_in_old(vec![Act::Client(query(TEXT))]), usize::MAX);
    for time in 0..last {
        session.server(&[rejected(), ready(b'I')].concat()).unwrap();
        if time > 0 {
            let sent = shown(session.to_server.waiting());
            assert!(sent.last().unwrap().contains("pg_sleep"), "{sent:?}");
            let row = [description(), row(), done("SELECT 1"), ready(b'I')];
            session.server(&row.concat()).unwrap();
        }
        assert_eq!(shown(session.to_client.waiting()), [""; 0]);
        let sent = shown(session.to_server.waiting());
        assert_eq!(sent.last().unwrap(), &shown(&query(SENT))[0]);
        session.to_server = Outgoing::default();
    }
    session
}

#[test]
fn what_is_rejected_for_ever_is_believed() {
    let mut session = rejected_often(100);
    session.server(&[rejected(), ready(b'I')].concat()).unwrap();
    let told = shown(session.to_client.waiting());
    assert_eq!(told, shown(&[rejected(), ready(b'I')].concat()));
    assert_eq!(session.counters.snapshot().retried, 100);
    assert!(session.to_server.is_empty());
    session.client(&query("select 1")).unwrap();
    assert_eq!(shown(session.to_server.waiting()), shown(&query("select 1")));
}

#[test]
fn a_pause_that_is_cancelled_is_the_answer() {
    let mut session = rejected_often(3);
    session.server(&[rejected(), ready(b'I')].concat()).unwrap();
    session.to_server = Outgoing::default();
    session.server(&[error("57014", ""), ready(b'I')].concat()).unwrap();
    let told = shown(session.to_client.waiting());
    assert_eq!(told, shown(&[error("57014", ""), ready(b'I')].concat()));
    assert!(session.to_server.is_empty());
    assert_eq!(session.current.holders_before(u64::MAX).len(), 0);
}
