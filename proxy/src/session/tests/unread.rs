//! PREPARE and EXECUTE in texts that go by unread, or can hardly be read.

use super::sql_prepared::{
    NEW_PREPARE, PREPARE, after_prepare_in_old, flush, is_prepared_again, passes, prepared_again,
    renews, selected,
};
use super::*;
use crate::session::names::{PREPARED_QUESTION, QUESTION_NAME};
use crate::session::patch::failing;
use crate::wire::compose;

/// What the server receives when it is asked which statements exist.
fn statements_question() -> Vec<u8> {
    compose::question(QUESTION_NAME, PREPARED_QUESTION).to_vec()
}

/// Its answer: names, with the whole text of those that PREPARE made.
fn statements_answer(statements: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut rows = Vec::new();
    for ((name, text), place) in statements.iter().zip(1..) {
        let place = place.to_string();
        rows.extend(text.iter().flat_map(|text| fact("text", &place, text)));
        rows.extend(fact("prepared", &place, name));
    }
    [completes("312"), rows, done("SELECT"), completes("33")].concat()
}

#[test]
fn what_was_prepared_where_nothing_is_governed_is_asked_of_the_server() {
    let text = "prepare s as select username from users; prepare t as select 1; select 2";
    let all = [done("PREPARE"), done("PREPARE"), done("SELECT 1"), ready(b'I')].concat();
    let known = [("s", Some(text)), ("t", Some(text)), ("d", None), ("segue_question", None)];
    let script = [
        passes(text, &all),
        passes("execute s", &selected()),
        vec![
            Act::Flip(2, NEW),
            Act::Client(query("execute s")),
            Act::ServerGot([statements_question(), sync()].concat()),
            Act::Server([statements_answer(&known), ready(b'I')].concat()),
            Act::ServerGot(question(true)),
            Act::Server([answer("public"), ready(b'I')].concat()),
            Act::ServerGot([prepared_again("s", NEW_PREPARE), sync()].concat()),
            Act::Server([is_prepared_again(), ready(b'I')].concat()),
            Act::ClientGot(Vec::new()),
        ],
        passes("execute s", &selected()).split_off(1),
        passes("execute t", &selected()),
        // Nothing is governed again; the client replaces the statement, and nobody reads it.
        vec![Act::Flip(3, None)],
        passes("deallocate s", &[done("DEALLOCATE"), ready(b'I')].concat()),
        passes("prepare s as select 3", &[done("PREPARE"), ready(b'I')].concat()),
        vec![
            Act::Flip(4, NEW),
            Act::Client([bind("s"), sync()].concat()),
            Act::ServerGot([statements_question(), flush()].concat()),
            Act::Server(statements_answer(&[
                ("s", Some("prepare s as select 3;")),
                ("t", Some(text)),
            ])),
            Act::ServerGot([bind("s"), sync()].concat()),
        ],
    ];
    play(None, &script.concat());
}

#[test]
fn where_nothing_is_governed_any_more_the_client_s_own_words_come_back() {
    let renewed = [prepared_again("s", PREPARE), sync()].concat();
    let script = [
        vec![Act::Flip(2, NEW)],
        renews("execute s", &selected()),
        vec![Act::Flip(3, None)],
        passes("select 1", &selected()),
        vec![
            Act::Client(query("execute s")),
            Act::ServerGot(renewed),
            Act::Server([is_prepared_again(), ready(b'I')].concat()),
        ],
        passes("execute s", &selected()).split_off(1),
        passes("execute s", &selected()),
    ];
    play(OLD, &after_prepare_in_old(script.concat()));
}

#[test]
fn texts_in_other_encodings_are_read_as_far_as_it_matters() {
    let latin = |text: &[u8]| frame(b'Q', &[text, b"\0"].concat());
    let execute = latin(b"select '\xe9; x'; execute s");
    let prepare = latin(b"prepare \"\xe9\" as select 1; execute \"\xe9\"");
    let script = vec![
        Act::Server(frame(b'S', b"client_encoding\0LATIN1\0")),
        Act::ClientGot(frame(b'S', b"client_encoding\0LATIN1\0")),
        Act::Flip(2, NEW),
        Act::Client(execute.clone()),
        Act::ServerGot([prepared_again("s", NEW_PREPARE), sync()].concat()),
        Act::Server([is_prepared_again(), ready(b'I')].concat()),
        Act::ServerGot(execute),
        Act::Server(selected()),
        Act::Client(prepare.clone()),
        Act::ServerGot(prepare),
        Act::Server([done("PREPARE"), selected()].concat()),
        Act::Flip(3, OLD),
        // Where a backslash may be anything, everything is prepared that may be executed.
        Act::Client(latin(b"select '\x95\\'; execute s")),
        Act::ServerGot([prepared_again("s", PREPARE), sync()].concat()),
    ];
    play(OLD, &after_prepare_in_old(script));
}

#[test]
fn an_answer_that_is_not_understood_makes_unknown_statements_unusable() {
    let script = [
        passes(PREPARE, &[done("PREPARE"), ready(b'I')].concat()),
        vec![
            Act::Flip(2, NEW),
            Act::Client(query("execute s")),
            Act::ServerGot([statements_question(), sync()].concat()),
            Act::Server([completes("312"), frame(b'D', b"\0\0"), done("SELECT 1")].concat()),
            Act::Server([completes("33"), ready(b'I')].concat()),
            Act::ServerGot(query(&failing(b"execute s"))),
            Act::Server([error("42703", "8"), ready(b'I')].concat()),
        ],
        passes("deallocate all", &[done("DEALLOCATE ALL"), ready(b'I')].concat()).split_off(2),
    ];
    let counted = play(None, &script[..2].concat());
    assert_eq!(counted.refused, 1);
}

#[test]
fn an_unread_statement_is_known_though_another_prepare_of_its_name_is_under_way() {
    let other = "prepare s as select 2";
    let script = [
        passes(PREPARE, &[done("PREPARE"), ready(b'I')].concat()),
        vec![
            Act::Flip(2, NEW),
            Act::Client([query(other), query("execute s")].concat()),
            // If it fails, the unread one is executed: that must be known first.
            Act::ServerGot(query(other)),
            Act::Server([error("42P05", ""), ready(b'I')].concat()),
            Act::ServerGot([statements_question(), sync()].concat()),
        ],
    ];
    play(None, &script.concat());
}

/// A question before it would be a query of its transaction, which takes no isolation level then.
#[test]
fn a_command_about_a_transaction_names_no_table() {
    let reply = |tag: &str, status| [done(tag), ready(status)].concat();
    let script = [
        vec![Act::Flip(2, NEW)],
        passes("begin isolation level serializable -- users", &reply("BEGIN", b'T')),
        passes("SET  TRANSACTION read only -- users", &reply("SET", b'T')),
        passes("savepoint users;", &reply("SAVEPOINT", b'T')),
        passes("release users", &reply("RELEASE", b'T')),
        passes("commit -- users", &reply("COMMIT", b'I')),
        vec![
            Act::Client(query("begin; select username from users")),
            Act::ServerGot(question(true)),
        ],
    ];
    play(None, &script.concat());
}
