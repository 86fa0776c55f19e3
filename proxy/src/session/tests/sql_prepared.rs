//! PREPARE, EXECUTE and DEALLOCATE in the client's texts, through flips.

use super::*;
use crate::session::patch::{FAILING_STATEMENT, failing};
use crate::session::renewal::RENEWAL_NAME;
use crate::wire::compose;

pub(super) const PREPARE: &str = "prepare s as select username from users";
pub(super) const NEW_PREPARE: &str = "prepare s as select handle AS username from users";

/// The server takes part in every script that begins so: `s` was made by PREPARE in `dual-write`.
pub(super) fn after_prepare_in_old(more: Vec<Act>) -> Vec<Act> {
    let mut script = vec![
        Act::Client(query(PREPARE)),
        Act::ServerGot(query(PREPARE)),
        Act::Server([done("PREPARE"), ready(b'I')].concat()),
        Act::ClientGot([done("PREPARE"), ready(b'I')].concat()),
    ];
    script.extend(more);
    after_acquaintance_in_old(script)
}

/// What the server receives to make `name` anew by that PREPARE.
pub(super) fn prepared_again(name: &str, text: &str) -> Vec<u8> {
    [&compose::open(RENEWAL_NAME, text)[..], &close(name), &compose::run(RENEWAL_NAME)].concat()
}

/// Its answer.
pub(super) fn is_prepared_again() -> Vec<u8> {
    [completes("3123"), done("PREPARE"), completes("33")].concat()
}

pub(super) fn flush() -> Vec<u8> {
    frame(b'H', b"")
}

/// A text that is sent as it is, and the server's answer.
pub(super) fn passes(text: &str, answer: &[u8]) -> Vec<Act> {
    vec![
        Act::Client(query(text)),
        Act::ServerGot(query(text)),
        Act::Server(answer.to_vec()),
        Act::ClientGot(answer.to_vec()),
    ]
}

/// A text before which `s` is prepared again in `switch-reads`.
pub(super) fn renews(text: &str, answer: &[u8]) -> Vec<Act> {
    let mut script = vec![
        Act::Client(query(text)),
        Act::ServerGot([prepared_again("s", NEW_PREPARE), sync()].concat()),
        Act::Server([is_prepared_again(), ready(b'I')].concat()),
        Act::ClientGot(Vec::new()),
    ];
    script.extend(passes(text, answer).split_off(1));
    script
}

pub(super) fn selected() -> Vec<u8> {
    [done("SELECT 0"), ready(b'I')].concat()
}

#[test]
fn what_prepare_made_is_prepared_again_before_a_query_executes_it() {
    for text in [
        "execute s",
        "EXECUTE \"s\" (1); select 1",
        "explain analyze execute s",
        "create table t as execute s",
        "begin; select ';'; execute s; commit",
        "execute s; deallocate s; prepare s as select 1",
    ] {
        let script = [
            vec![Act::Flip(2, NEW)],
            renews(text, &[error("22012", ""), ready(b'I')].concat()),
            // Once.
            passes("execute s", &selected()),
            passes("execute S;", &selected()),
        ];
        let counted = play(OLD, &after_prepare_in_old(script.concat()));
        assert_eq!((counted.reprepared, counted.refused), (1, 0), "{text}");
    }
}

#[test]
fn what_a_text_prepares_or_drops_itself_is_not_prepared_before_it() {
    for (text, sent) in [
        ("deallocate s; execute s", "deallocate s; execute s"),
        ("deallocate all; execute s", "deallocate all; execute s"),
        ("select 'execute s'", "select 'execute s'"),
        (
            "deallocate s; prepare s as select username from users; execute s",
            "deallocate s; prepare s as select handle AS username from users; execute s",
        ),
    ] {
        let script = vec![
            Act::Flip(2, NEW),
            Act::Client(query(text)),
            Act::ServerGot(query(sent)),
            Act::Server([error("26000", ""), ready(b'I')].concat()),
        ];
        play(OLD, &after_prepare_in_old(script));
    }
}

#[test]
fn each_prepare_of_a_text_is_kept_by_itself_and_when_the_server_did_it() {
    let text = "prepare a as select username from users; prepare b as select 1/0; \
                prepare c as select username from users";
    let new_a = "prepare a as select handle AS username from users";
    let not_there = [error("26000", ""), ready(b'I')].concat();
    let again = vec![
        Act::Client(query("execute a")),
        Act::ServerGot([prepared_again("a", new_a), sync()].concat()),
        Act::Server([is_prepared_again(), ready(b'I')].concat()),
        Act::ServerGot(query("execute a")),
        Act::Server(selected()),
        Act::ClientGot(selected()),
    ];
    let failed = [done("PREPARE"), error("22012", ""), ready(b'I')].concat();
    let script = [
        passes(text, &failed),
        vec![Act::Flip(2, NEW)],
        passes("execute c", &not_there),
        passes("execute b", &not_there),
        again,
    ];
    play(OLD, &after_acquaintance_in_old(script.concat()));
}

#[test]
fn no_rollback_takes_a_prepare_back() {
    let open = [done("BEGIN"), ready(b'T')].concat();
    let script = [
        passes("begin", &open),
        passes(PREPARE, &[done("PREPARE"), ready(b'T')].concat()),
        passes("rollback", &[done("ROLLBACK"), ready(b'I')].concat()),
        vec![Act::Flip(2, NEW)],
        renews("execute s", &selected()),
    ];
    play(OLD, &after_acquaintance_in_old(script.concat()));
    // Nor a failed one, nor one that failed behind it.
    let failed = [error("42P05", ""), ready(b'I')].concat();
    let script = [
        passes("prepare s as select 1", &failed),
        passes("prepare t as select 1; select 1/0", &[done("PREPARE"), failed].concat()),
        vec![Act::Flip(2, NEW)],
        passes("execute t", &selected()),
        renews("execute s", &selected()),
    ];
    play(OLD, &after_prepare_in_old(script.concat()));
}

#[test]
fn what_was_dropped_stays_dropped() {
    for (text, tag) in [
        ("deallocate s", "DEALLOCATE"),
        ("deallocate prepare \"s\"", "DEALLOCATE"),
        ("deallocate all", "DEALLOCATE ALL"),
        ("discard all", "DISCARD ALL"),
    ] {
        let not_there = [error("26000", ""), ready(b'I')].concat();
        let script = [
            passes(text, &[done(tag), ready(b'I')].concat()),
            vec![Act::Flip(2, NEW)],
            passes("execute s", &not_there),
        ];
        play(OLD, &after_prepare_in_old(script.concat()));
    }
    let failed = [error("25P02", ""), ready(b'I')].concat();
    let script = [
        passes("deallocate s", &failed),
        vec![Act::Flip(2, NEW)],
        renews("execute s", &selected()),
    ];
    play(OLD, &after_prepare_in_old(script.concat()));
}

#[test]
fn parse_and_prepare_share_their_names() {
    let text = "select username from users";
    let new = "select handle AS username from users";
    // A driver's statement, executed in SQL.
    let script = vec![
        Act::Client([parse("d", text), sync()].concat()),
        Act::Server([completes("1"), ready(b'I')].concat()),
        Act::ServerGot([parse("d", text), sync()].concat()),
        Act::ClientGot([completes("1"), ready(b'I')].concat()),
        Act::Flip(2, NEW),
        Act::Client(query("execute d")),
        Act::ServerGot([close("d"), parse("d", new), sync()].concat()),
        Act::Server([completes("31"), ready(b'I')].concat()),
        Act::ServerGot(query("execute d")),
        Act::Server(selected()),
        Act::ClientGot(selected()),
        Act::Client([bind("d"), sync()].concat()),
        Act::ServerGot([bind("d"), sync()].concat()),
    ];
    play(OLD, &after_acquaintance_in_old(script));
    // What PREPARE made, bound and described by a driver.
    let script = vec![
        Act::Flip(2, NEW),
        Act::Client([describe("s"), bind("s"), execute(), sync()].concat()),
        Act::ServerGot(
            [prepared_again("s", NEW_PREPARE), describe("s"), bind("s"), execute(), sync()]
                .concat(),
        ),
        Act::Server([is_prepared_again(), frame(b't', b"\0\0"), frame(b'n', b"")].concat()),
        Act::Server([completes("2"), done("SELECT 0"), ready(b'I')].concat()),
        Act::ClientGot([frame(b't', b"\0\0"), frame(b'n', b""), completes("2")].concat()),
    ];
    let script = after_prepare_in_old(script);
    play(OLD, &script[..script.len() - 1]);
}

#[test]
fn prepare_and_execute_go_through_the_extended_protocol_too() {
    let run = |statement: &str| [bind(statement), execute(), sync()].concat();
    let done_with = |tag: &str| [completes("2"), done(tag), ready(b'I')].concat();
    let script = vec![
        Act::Client([parse("p", PREPARE), parse("e", "execute s"), sync()].concat()),
        Act::ServerGot([parse("p", PREPARE), parse("e", "execute s"), sync()].concat()),
        Act::Server([completes("11"), ready(b'I')].concat()),
        Act::Client([run("p"), run("e")].concat()),
        Act::ServerGot([run("p"), run("e")].concat()),
        Act::Server([done_with("PREPARE"), done_with("SELECT 0")].concat()),
        Act::Flip(2, NEW),
        Act::Client([bind("e"), execute(), execute(), sync()].concat()),
        Act::ServerGot(
            [prepared_again("s", NEW_PREPARE), bind("e"), execute(), execute(), sync()].concat(),
        ),
        Act::Server([is_prepared_again(), done_with("SELECT 0")].concat()),
        // The PREPARE itself is in new words now.
        Act::Client([query("deallocate s"), run("p"), run("e")].concat()),
        Act::ServerGot(
            [
                query("deallocate s"),
                // Nobody knows yet that the transaction has not failed: it is tried first.
                close(RENEWAL_NAME),
                parse(RENEWAL_NAME, NEW_PREPARE),
                close("p"),
                parse("p", NEW_PREPARE),
                close(RENEWAL_NAME),
                run("p"),
                run("e"),
            ]
            .concat(),
        ),
    ];
    let mut script = after_acquaintance_in_old(script);
    // The portal is run twice; the second run has nothing to do.
    let at = script.len() - 3;
    script[at] = Act::Server(
        [is_prepared_again(), completes("2"), done("SELECT 0"), done("SELECT 0"), ready(b'I')]
            .concat(),
    );
    play(OLD, &script);
}

#[test]
fn a_failed_renewal_is_the_answer_to_the_query_and_is_tried_again() {
    let again = [prepared_again("s", NEW_PREPARE), sync()].concat();
    let failed = [error("42703", "15"), ready(b'I')].concat();
    let script = vec![
        Act::Flip(2, NEW),
        Act::Client([query("execute s"), query("select 1")].concat()),
        Act::ServerGot(again.clone()),
        // The place of "handle", which the client wrote as "username".
        Act::Server([completes("3123"), error("42703", "21"), ready(b'I')].concat()),
        Act::ClientGot([error("42703", "21"), ready(b'I')].concat()),
        Act::ServerGot(query("select 1")),
        Act::Server(selected()),
        Act::ClientGot(selected()),
        // It is there to be dropped, as it would be without us.
        Act::Client(query("deallocate s")),
        Act::ServerGot([parse("s", ""), sync()].concat()),
        Act::Server([completes("1"), ready(b'I')].concat()),
        Act::ServerGot(query("deallocate s")),
        Act::Server(failed.clone()),
        Act::ClientGot(failed),
        Act::Client(query("execute s")),
        Act::ServerGot(again),
        Act::Server([is_prepared_again(), ready(b'I')].concat()),
        Act::ServerGot(query("execute s")),
    ];
    play(OLD, &after_prepare_in_old(script));
}

#[test]
fn a_failed_transaction_is_left_to_the_server() {
    let open = [done("BEGIN"), ready(b'T')].concat();
    let failed = [error("25P02", ""), ready(b'E')].concat();
    let extended = [bind("s"), execute(), sync()].concat();
    let rollback = "rollback; execute s";
    let script = [
        vec![Act::Flip(2, NEW)],
        passes("begin", &open),
        passes("select 1/0", &failed),
        passes("execute s", &failed),
        vec![
            Act::Client(extended.clone()),
            Act::ServerGot(extended),
            Act::Server(failed.clone()),
            Act::ClientGot(failed.clone()),
            // That would be executed, and nothing can be prepared before it.
            Act::Client(query(rollback)),
            Act::ServerGot(query(&failing(rollback.as_bytes()))),
            Act::Server(failed.clone()),
            Act::ClientGot(failed),
        ],
        passes("rollback", &[done("ROLLBACK"), ready(b'I')].concat()),
        renews("execute s", &selected()),
    ];
    play(OLD, &after_prepare_in_old(script.concat()));
}

#[test]
fn a_query_behind_a_batch_that_fails_is_answered() {
    let text = "select 1";
    let script = vec![
        Act::Flip(2, NEW),
        Act::Client([parse("", text), bind(""), query("execute s")].concat()),
        Act::ServerGot(
            [parse("", text), bind(""), prepared_again("s", NEW_PREPARE), flush()].concat(),
        ),
        Act::Server([completes("12"), completes("3"), error("57014", "")].concat()),
        // The server would discard the Query: it gets the Sync that makes it answer.
        Act::ServerGot(sync()),
        Act::Server(ready(b'I')),
        Act::ClientGot([completes("12"), error("57014", ""), ready(b'I')].concat()),
        Act::Holds(None),
    ];
    play(OLD, &after_prepare_in_old(script));
}

#[test]
fn a_phase_that_refuses_the_statement_refuses_its_execution() {
    let text = "prepare s as merge into users u using t on t.id = u.id when matched then delete \
                returning u.id";
    let mut session = Session::new(Some(Phase::Expand));
    let mut script = acquaint();
    script[4] = Act::ServerGot(query("select username from users"));
    script.extend(passes(text, &[done("PREPARE"), ready(b'I')].concat()));
    session.play(&script, usize::MAX);
    session.current.swap(generation(2, OLD));
    let refused = frame(b'E', b"SERROR\0VERROR\0C42703\0Mm\0P8\0\0");
    let driver = [bind("s"), sync()].concat();
    let driver_gets = [parse("segue_refused", FAILING_STATEMENT), driver.clone()].concat();
    let simple_gets = query(&failing(b"select 1; execute s"));
    for (sent, gets) in [(driver, driver_gets), (query("select 1; execute s"), simple_gets)] {
        session.to_client = Outgoing::default();
        session.to_server = Outgoing::default();
        session.client(&sent).unwrap();
        assert_eq!(shown(session.to_server.waiting()), shown(&gets));
        session.server(&[refused.clone(), ready(b'I')].concat()).unwrap();
        let told = shown(session.to_client.waiting());
        assert!(told[0].contains("C0A000") && told[0].contains("MERGE"), "{told:?}");
        assert_eq!(&told[1..], &shown(&ready(b'I'))[..]);
    }
}

#[test]
fn nothing_is_executed_behind_a_change_of_names_in_one_text() {
    let text = "set search_path = other; execute s";
    let script = vec![
        Act::Client(query(text)),
        Act::ServerGot(query(&failing(text.as_bytes()))),
        Act::Server([error("42703", "8"), ready(b'I')].concat()),
        // It may be prepared in between, by the next text.
        Act::Client(query("set search_path = public; execute s")),
        Act::ServerGot(query("set search_path = public; execute s")),
    ];
    let counted = play(OLD, &after_prepare_in_old(script));
    assert_eq!(counted.refused, 1);
}

#[test]
fn names_are_asked_again_where_running_a_statement_may_change_them() {
    let text = "prepare c as select set_config('search_path', 'other', false)";
    let select = query("select username from users");
    let replied = [done("X"), ready(b'I')].concat();
    let script = [
        passes(text, &[done("PREPARE"), ready(b'I')].concat()),
        vec![
            Act::Client(select.clone()),
            Act::ServerGot(question(true)),
            Act::Server([answer("public"), ready(b'I')].concat()),
            Act::ServerGot(select.clone()),
            Act::Server(replied.clone()),
            Act::ClientGot(replied.clone()),
        ],
        passes("execute c", &replied),
        vec![
            Act::Client(select.clone()),
            Act::ServerGot(question(true)),
            Act::Server([answer("other"), ready(b'I')].concat()),
            Act::ServerGot(select),
        ],
    ];
    play(OLD, &after_acquaintance_in_old(script.concat()));
}
