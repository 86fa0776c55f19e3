//! Errors: refused, failed and skipped messages, and what they leave behind.

use super::*;

#[test]
fn a_question_that_fails_is_the_answer_to_what_waited_for_it() {
    let batch = [parse("", "select username from users"), bind(""), execute(), sync()].concat();
    let failed = [error("25P02", ""), ready(b'E')].concat();
    play(
        NEW,
        &[
            Act::Client(batch.clone()),
            Act::ServerGot(question(false)),
            Act::Server(error("25P02", "")),
            // The server discards it.
            Act::ServerGot(batch),
            Act::Server(ready(b'E')),
            Act::ClientGot(failed.clone()),
        ],
    );
    play(
        NEW,
        &[
            Act::Client([query("select username from users"), query("rollback")].concat()),
            Act::ServerGot(question(true)),
            Act::Server(failed.clone()),
            Act::ClientGot(failed),
            Act::ServerGot(query("rollback")),
        ],
    );
}

#[test]
fn a_question_dies_with_the_message_before_it() {
    let batch = [parse("", "nonsense"), parse("s", "select username from users"), sync()];
    play(
        NEW,
        &[
            Act::Client(batch.concat()),
            Act::ServerGot([batch[0].clone(), question(false)].concat()),
            Act::Server(error("42601", "1")),
            // The server discards it.
            Act::ServerGot([batch[1].clone(), batch[2].clone()].concat()),
            Act::Server(ready(b'I')),
            Act::ClientGot([error("42601", "1"), ready(b'I')].concat()),
            Act::Holds(None),
        ],
    );
}

#[test]
fn a_question_does_not_wake_a_server_that_skips() {
    let skipped = query("select username from users");
    play(
        NEW,
        &[
            Act::Client([bind("nope"), query("select 1"), skipped.clone(), sync()].concat()),
            // A question of its own would end with a Sync.
            Act::ServerGot([bind("nope"), query("select 1")].concat()),
            Act::Server(error("26000", "")),
            Act::ServerGot([skipped, sync()].concat()),
            Act::Server(ready(b'I')),
            Act::ClientGot([error("26000", ""), ready(b'I')].concat()),
            Act::Holds(None),
        ],
    );
}

#[test]
fn a_refusal_fails_on_the_server_and_in_the_client_s_words() {
    let refused = frame(b'E', b"SERROR\0VERROR\0C42703\0Mm\0P8\0\0");
    let mut session = Session::new(NEW);
    session.play(&acquaint(), usize::MAX);
    session.client(&query("comment on table users is 'x'")).unwrap();
    assert_eq!(
        shown(session.to_server.waiting()),
        shown(&query(&crate::session::patch::failing(b"comment on table users is 'x'")))
    );
    session.server(&[refused, ready(b'I')].concat()).unwrap();
    let told = shown(session.to_client.waiting());
    assert!(told[0].contains("C0A000") && told[0].contains("rename"), "{told:?}");
    assert_eq!(&told[1..], &shown(&ready(b'I'))[..]);
    assert_eq!(session.counters.snapshot().refused, 1);
    // In a failed transaction the server's own words stand.
    session.to_client = Outgoing::default();
    session.client(&query("comment on table users is 'x'")).unwrap();
    session.server(&[error("25P02", ""), ready(b'E')].concat()).unwrap();
    let expected = [error("25P02", ""), ready(b'E')].concat();
    assert_eq!(shown(session.to_client.waiting()), shown(&expected));
}

#[test]
fn a_refused_parse_in_a_failed_transaction_is_postgresql_s_to_judge() {
    let comment = "comment on table users is 'x'";
    let batch = [parse("", comment), bind(""), execute(), sync()].concat();
    let failed = [error("25P02", ""), ready(b'E')].concat();
    play(
        NEW,
        &after_acquaintance(vec![
            Act::Client(query("begin; nonsense")),
            Act::Server([error("42601", "8"), ready(b'E')].concat()),
            Act::ClientGot([error("42601", "8"), ready(b'E')].concat()),
            Act::Client(batch.clone()),
            Act::ServerGot([query("begin; nonsense"), batch].concat()),
            Act::Server(failed.clone()),
            Act::ClientGot(failed),
        ]),
    );
}

#[test]
fn positions_of_errors_lead_into_the_client_s_text() {
    play(
        NEW,
        &after_acquaintance(vec![
            Act::Client(query("select username, nope from users")),
            Act::ServerGot(query("select handle AS username, nope from users")),
            // The place of "nope", in the server's text and in the client's.
            Act::Server([error("42703", "28"), ready(b'I')].concat()),
            Act::ClientGot([error("42703", "18"), ready(b'I')].concat()),
        ]),
    );
}

#[test]
fn a_failed_renewal_is_the_answer_and_is_tried_again() {
    let text = "select username from users";
    let new = "select handle AS username from users";
    let renewed = [close("s"), parse("s", new), bind("s"), sync()].concat();
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            Act::Client([parse("s", text), sync()].concat()),
            Act::Server([completes("1"), ready(b'I')].concat()),
            Act::ServerGot([parse("s", text), sync()].concat()),
            Act::ClientGot([completes("1"), ready(b'I')].concat()),
            Act::Flip(2, NEW),
            Act::Client([bind("s"), sync()].concat()),
            Act::ServerGot(renewed.clone()),
            Act::Server([completes("3"), error("42703", "8"), ready(b'I')].concat()),
            Act::ClientGot([error("42703", "8"), ready(b'I')].concat()),
            Act::Client([bind("s"), sync()].concat()),
            Act::ServerGot(renewed),
            Act::Server([completes("312"), ready(b'I')].concat()),
            Act::ClientGot([completes("2"), ready(b'I')].concat()),
        ]),
    );
}

#[test]
fn a_parse_that_was_skipped_never_happened() {
    let text = "select username from users";
    play(
        OLD,
        &after_acquaintance_in_old(vec![
            // The Parse comes after an error and is discarded.
            Act::Client([bind("nope"), parse("s", text), sync(), bind("s"), sync()].concat()),
            Act::ServerGot([bind("nope"), parse("s", text), sync(), bind("s"), sync()].concat()),
            Act::Server([error("26000", ""), ready(b'I')].concat()),
            Act::Flip(2, NEW),
            Act::Server([error("26000", ""), ready(b'I')].concat()),
            Act::ClientGot(
                [error("26000", ""), ready(b'I'), error("26000", ""), ready(b'I')].concat(),
            ),
            Act::Client([bind("s"), sync()].concat()),
            Act::ServerGot([bind("s"), sync()].concat()),
        ]),
    );
}

#[test]
fn a_statement_that_a_later_phase_refuses_fails_at_its_use() {
    // Forwarded in expand, where nothing is migrated yet.
    let text = "comment on table users is 'x'";
    let mut session = Session::new(Some(Phase::Expand));
    let mut script = acquaint();
    script[4] = Act::ServerGot(query("select username from users"));
    session.play(&script, usize::MAX);
    session.client(&[parse("s", text), sync()].concat()).unwrap();
    session.server(&[completes("1"), ready(b'I')].concat()).unwrap();
    session.current.swap(generation(2, OLD));
    for _attempt in 0..2 {
        session.to_client = Outgoing::default();
        session.to_server = Outgoing::default();
        session.client(&[bind("s"), execute(), sync()].concat()).unwrap();
        let failing = parse("segue_refused", crate::session::patch::FAILING_STATEMENT);
        let expected = [failing, bind("s"), execute(), sync()].concat();
        assert_eq!(shown(session.to_server.waiting()), shown(&expected));
        session.server(&[error("42703", "8"), ready(b'I')].concat()).unwrap();
        let told = shown(session.to_client.waiting());
        assert!(told[0].contains("C0A000"), "{told:?}");
        assert_eq!(&told[1..], &shown(&ready(b'I'))[..]);
    }
    // Back where it may run, it stands as it did.
    session.current.swap(generation(3, Some(Phase::Expand)));
    session.to_server = Outgoing::default();
    session.client(&[bind("s"), sync()].concat()).unwrap();
    assert_eq!(shown(session.to_server.waiting()), shown(&[bind("s"), sync()].concat()));
}

#[test]
fn what_no_peer_may_send_ends_the_session() {
    for bytes in [&b"Q\0\0\0\x03"[..], b"p\0\0\0\x04", b"Q\0\0\0\x06xy", b"C\0\0\0\x06X\0"] {
        let ended = Session::new(OLD).client(bytes);
        assert!(matches!(ended, Err(Violation::Client(_))), "{bytes:?}: {ended:?}");
    }
    let ended = Session::new(OLD).server(b"Z\0\0\0\x03");
    assert!(matches!(ended, Err(Violation::Server(_))), "{ended:?}");
    let ended = Session::new(OLD).server(&completes("1"));
    assert_eq!(ended, Err(Violation::Unexpected(b'1')));
}

/// A small generator of numbers that look random; the same ones each time.
fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    }
}

#[test]
fn nothing_that_peers_send_makes_the_core_panic() {
    let tags = b"QPBDECSHFXdcf123CIstTnDGHZENASdcVW";
    let bodies: [&[u8]; 14] = [
        b"",
        b"I",
        b"select username from users\0",
        b"prepare s as select username from users; execute s; deallocate s\0",
        b"s\0execute s\0\0\0",
        b"PREPARE\0",
        b"s\0select username from users\0\0\0",
        b"\0s\0\0\0\0\0\0\0",
        b"Ss\0",
        b"\0\0\0\0\0",
        b"SERROR\0C42703\0P8\0\0",
        b"copy users (id, username) from stdin; copy tokens (id) from stdin\0",
        b"s\0copy tokens (id) from stdin\0\0\0",
        b"\0\0\x03\0\0\0\0\0\0",
    ];
    let generations = [generation(2, None), generation(2, OLD), generation(2, NEW)];
    for seed in 0..500 {
        let mut below = numbers(seed);
        let mut session = Session::new([None, OLD, NEW][below(3)]);
        for _frame in 0..40 {
            let bytes = frame(tags[below(tags.len())], bodies[below(bodies.len())]);
            let ended = match below(3) {
                0 => session.server(&bytes),
                1 => session.client(&bytes),
                _ => {
                    session.current.swap(Arc::clone(&generations[below(3)]));
                    Ok(())
                }
            };
            if ended.is_err() {
                break;
            }
        }
    }
}
