//! What counts as a request and how long it took, by a clock that stands unless told otherwise.
//!
//! That as many are timed as ReadyForQuery messages are relayed is held for every other script too.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::Instant;

use super::*;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

thread_local! {
    /// Time since the start. Unit: microseconds.
    static GONE: Cell<u64> = const { Cell::new(0) };
}

/// What the clock of this thread's test says.
pub(super) fn now() -> Instant {
    *START + Duration::from_micros(GONE.get())
}

/// One step of a script.
#[derive(Debug, Clone)]
enum Step {
    Client(Vec<u8>),
    Server(Vec<u8>),
    /// Time goes by. Unit: microseconds; below 64 they are told apart exactly.
    Passes(u64),
    /// New transactions are held back, or go on.
    Gate(bool),
}

use Step::{Gate, Passes};

fn client(bytes: &[&[u8]]) -> Step {
    Step::Client(bytes.concat())
}

fn server(bytes: &[&[u8]]) -> Step {
    Step::Server(bytes.concat())
}

/// How many requests there were, and how long the shorter half of them and the longest took.
fn timed(phase: Option<Phase>, script: &[Step]) -> (u64, u64, u64) {
    let mut session = Session::new(phase);
    for step in script {
        match step {
            Step::Client(bytes) => session.client(bytes).unwrap(),
            Step::Server(bytes) => session.server(bytes).unwrap(),
            Passes(us) => GONE.set(GONE.get() + us),
            Gate(true) => {
                session.current.gate().close(Duration::from_secs(600));
            }
            Gate(false) => {
                session.current.gate().open();
                session.pump().unwrap();
            }
        }
    }
    let window = session.latency.window(Duration::ZERO);
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap();
    (window.count, us(window.p50), us(window.max))
}

fn check(about: &str, script: &[Step], expected: (u64, u64, u64)) {
    assert_eq!(timed(None, script), expected, "{about}");
}

fn one() -> Vec<u8> {
    query("select 1")
}

fn batch() -> Vec<u8> {
    [bind("s"), execute(), sync()].concat()
}

/// The end of an answer.
fn end() -> Vec<u8> {
    [done("SELECT 1"), ready(b'I')].concat()
}

fn batch_end() -> Vec<u8> {
    [completes("2"), end()].concat()
}

/// CopyInResponse, in text and of one column.
fn copy_in() -> Vec<u8> {
    frame(b'G', b"\0\0\x01\0\0")
}

fn row() -> Vec<u8> {
    frame(b'd', b"x\n")
}

fn flush() -> Vec<u8> {
    frame(b'H', b"")
}

#[test]
fn a_request_lasts_from_its_first_message_to_its_ready_for_query() {
    let fails = [error("42703", ""), ready(b'I')].concat();
    check("a Query", &[client(&[&one()]), Passes(20), server(&[&end()])], (1, 20, 20));
    check("one that fails", &[client(&[&one()]), Passes(20), server(&[&fails])], (1, 20, 20));
    check("one that is not answered", &[client(&[&one()]), Passes(20)], (0, 0, 0));
    let rows_first = [
        client(&[&one()]),
        Passes(5),
        server(&[&done("SELECT 1")]),
        Passes(6),
        server(&[&ready(b'I')]),
    ];
    check("an answer in two parts", &rows_first, (1, 11, 11));
    let piece_by_piece = [
        client(&[&bind("s")]),
        Passes(3),
        client(&[&execute()]),
        Passes(4),
        client(&[&sync()]),
        Passes(5),
        server(&[&batch_end()]),
    ];
    check("a batch", &piece_by_piece, (1, 12, 12));
    let function = frame(b'F', b"\0\0\0\0\0\0\0\0\0\0");
    check("a function", &[client(&[&function]), Passes(9), server(&[&ready(b'I')])], (1, 9, 9));
}

#[test]
fn each_sync_of_a_pipeline_counts_once() {
    let script = [
        client(&[&batch(), &batch(), &one()]),
        Passes(5),
        server(&[&batch_end()]),
        Passes(4),
        server(&[&batch_end(), &end()]),
    ];
    check("three at once", &script, (3, 9, 9));
    let script = [
        client(&[&batch(), &bind("s")]),
        Passes(5),
        server(&[&batch_end()]),
        Passes(6),
        client(&[&execute(), &sync()]),
        Passes(7),
        server(&[&batch_end()]),
    ];
    // The server has the Bind, and may be at work on it.
    check("one and a half", &script, (2, 5, 18));
}

#[test]
fn the_watch_stands_while_it_is_the_clients_turn() {
    let idle = [
        client(&[&one()]),
        Passes(5),
        server(&[&end()]),
        Passes(60),
        client(&[&one()]),
        Passes(7),
        server(&[&end()]),
    ];
    check("between requests", &idle, (2, 5, 7));
    let prepared = [
        client(&[&parse("s", "select 1"), &flush()]),
        Passes(5),
        server(&[&completes("1")]),
        Passes(50),
        client(&[&batch()]),
        Passes(6),
        server(&[&batch_end()]),
    ];
    check("after a Flush", &prepared, (1, 11, 11));
    let failed = [
        client(&[&parse("s", "select"), &flush()]),
        Passes(5),
        server(&[&error("42601", "")]),
        Passes(50),
        client(&[&batch()]),
        Passes(4),
        server(&[&ready(b'I')]),
    ];
    check("after an error", &failed, (1, 9, 9));
    let text = one();
    let (first, rest) = text.split_at(8);
    let script = [client(&[first]), Passes(50), client(&[rest]), Passes(6), server(&[&end()])];
    let governed = timed(Some(Phase::DualWrite), &script);
    assert_eq!(governed, (1, 6, 6), "in the middle of a text that must be read");
}

#[test]
fn the_time_in_which_a_client_sends_rows_does_not_count() {
    let rows = [Passes(50), client(&[&row()]), Passes(50), client(&[&row()]), Passes(50)];
    let copy = |ask: Step, invitation: Step, last: Step, answer: Step| {
        let mut script = vec![ask, Passes(5), invitation];
        script.extend(rows.clone());
        script.extend([last, Passes(6), answer]);
        script
    };
    let (text, copied) = (query("copy t from stdin"), [done("COPY 2"), ready(b'I')].concat());
    let (finish, fail) = (frame(b'c', b""), frame(b'f', b"no\0"));
    let simple =
        |last: Step, answer: Step| copy(client(&[&text]), server(&[&copy_in()]), last, answer);
    check("simple", &simple(client(&[&finish]), server(&[&copied])), (1, 11, 11));
    let failed = [error("57014", ""), ready(b'I')].concat();
    check("given up", &simple(client(&[&fail]), server(&[&failed])), (1, 11, 11));
    let more = simple(client(&[&finish, &one()]), server(&[&copied, &end()]));
    check("another request behind it", &more, (2, 6, 11));
    // The server ignores a Sync that is sent before the rows, as libpq does.
    let extended = copy(
        client(&[&batch()]),
        server(&[&completes("2"), &copy_in()]),
        client(&[&finish, &sync()]),
        server(&[&copied]),
    );
    check("extended", &extended, (1, 11, 11));
    let behind = |ask: &[u8], invitation: &[u8], last: &[u8]| {
        vec![
            client(&[ask]),
            Passes(5),
            server(&[invitation]),
            Passes(50),
            client(&[last]),
            Passes(6),
            client(&[&one()]),
            Passes(7),
            server(&[&copied, &end()]),
        ]
    };
    let invitation = [completes("2"), copy_in()].concat();
    let extended = behind(&batch(), &invitation, &[finish.clone(), sync()].concat());
    check("extended, and another behind it", &extended, (2, 7, 18));
    let simple_sync = behind(&[text.clone(), sync()].concat(), &copy_in(), &finish);
    check("a Sync behind a Query that copies", &simple_sync, (2, 7, 18));
    let twice = [batch(), frame(b'c', b""), sync(), one()].concat();
    let ahead_of_all = [
        client(&[&twice]),
        Passes(8),
        server(&[&invitation, &copied]),
        Passes(9),
        server(&[&end()]),
    ];
    check("all sent at once", &ahead_of_all, (2, 8, 17));
    let mut refused = simple(server(&[&failed]), Passes(0));
    refused.truncate(refused.len() - 2);
    check("refused in the midst of the rows", &refused, (1, 5, 5));
    let ahead = [
        client(&[&bind("s"), &execute(), &row(), &finish, &sync()]),
        Passes(8),
        server(&[&completes("2"), &copy_in(), &copied]),
    ];
    check("rows sent ahead", &ahead, (1, 8, 8));
}

#[test]
fn a_sync_that_was_thought_ignored_is_timed_when_it_is_answered() {
    let script = [
        client(&[&batch()]),
        Passes(5),
        server(&[&completes("2"), &copy_in(), &error("22P02", ""), &ready(b'I')]),
        Passes(50),
        client(&[&frame(b'c', b""), &sync()]),
        Passes(4),
        server(&[&ready(b'I')]),
    ];
    check("a COPY that fails before it reads", &script, (2, 4, 5));
}

#[test]
fn the_gate_counts() {
    let held =
        [Gate(true), client(&[&one()]), Passes(30), Gate(false), Passes(10), server(&[&end()])];
    check("a Query that is held", &held, (1, 40, 40));
    let behind = [
        client(&[&one()]),
        Gate(true),
        client(&[&batch()]),
        Passes(5),
        server(&[&end()]),
        Passes(30),
        Gate(false),
        Passes(10),
        server(&[&batch_end()]),
    ];
    check("a batch behind a Query", &behind, (2, 5, 45));
}
