//! COPY FROM, held against the unmigrated database: every format and option, in every phase, by
//! four ways of sending, in messages of any size.

#![expect(
    clippy::expect_used,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

mod cases;
mod compare;
mod sessions;

use segue_tests::message::Message;
use segue_tests::wire::{Wire, bind, describe, execute, frame, parse, query, sync};

/// How rows are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A Query; the rows once they are asked for.
    Simple,
    /// A Query with the rows right behind it.
    SimpleAhead,
    /// Parse to Execute and a Sync, as libpq does; the rows once they are asked for.
    Extended,
    /// All of the extended protocol in one piece.
    ExtendedAhead,
}

pub(crate) const WAYS: [Way; 4] =
    [Way::Simple, Way::SimpleAhead, Way::Extended, Way::ExtendedAhead];

/// Messages with `size` bytes of rows each, and the end.
fn messages(data: &[u8], size: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = data.chunks(size).flat_map(|chunk| frame(b'd', chunk)).collect();
    bytes.extend(frame(b'c', &[]));
    bytes
}

/// Copies rows in. The answer, up to ReadyForQuery.
pub(crate) fn copy_in(
    wire: &mut Wire,
    sql: &str,
    data: &[u8],
    (way, size): (Way, usize),
) -> Vec<Message> {
    let rows = messages(data, size);
    let started = [parse("", sql, &[]), bind("", "", &[], false)].concat();
    let run = [describe(b'P', ""), execute("", 0)].concat();
    match way {
        Way::Simple => wire.send_bytes(&query(sql)),
        Way::SimpleAhead => wire.send_bytes(&[query(sql), rows].concat()),
        Way::Extended => wire.send_bytes(&[started, run, sync()].concat()),
        Way::ExtendedAhead => wire.send_bytes(&[started, run, rows, sync()].concat()),
    }
    let mut answer = Vec::new();
    loop {
        let message = wire.read().expect("an answer");
        match (&message, way) {
            (Message::CopyIn(..), Way::Simple) => wire.send_bytes(&messages(data, size)),
            (Message::CopyIn(..), Way::Extended) => {
                wire.send_bytes(&[messages(data, size), sync()].concat());
            }
            (Message::Parameter(..) | Message::Notice(_), _) => continue,
            _ => {}
        }
        let last = matches!(message, Message::Ready(_));
        answer.push(message);
        if last {
            return answer;
        }
    }
}

/// What the server sends for a `COPY … TO STDOUT`.
pub(crate) fn copy_out(wire: &mut Wire, sql: &str) -> Vec<u8> {
    let reply = wire.script(sql);
    let data = reply.messages.into_iter().filter_map(|message| match message {
        Message::CopyData(data) => Some(data),
        _ => None,
    });
    data.flatten().collect()
}
