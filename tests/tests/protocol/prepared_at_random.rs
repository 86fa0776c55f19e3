//! Prepared statements in random sequences of messages, under random flips: the same answers as
//! from a server that was never migrated.

use rewrite_rules::Phase;
use segue_tests::message::Message;
use segue_tests::relay::{self, Relay};
use segue_tests::server::Database;
use segue_tests::wire::{Wire, bind, close, describe, execute, parse, query, sync};

use super::prepared::{DDL, OLD_DDL, comparable, fill, flip, settle};

/// How many sequences are played.
const SEQUENCES: u64 = 40;
/// How many steps each has; the client waits for all answers after each.
const STEPS: usize = 14;

/// Texts of Query messages. None ends a failed transaction and executes something in one text.
const TEXTS: [&str; 26] = [
    "PREPARE a (bigint) AS SELECT id, username FROM users WHERE id = $1",
    "PREPARE a (bigint) AS UPDATE users SET username = username || '+' WHERE id = $1 RETURNING username",
    "PREPARE b AS SELECT email, username FROM users WHERE username = $1",
    "PREPARE b (text) AS DELETE FROM users WHERE username = $1",
    "PREPARE b (text) AS INSERT INTO users (id, username) VALUES (100, $1); EXECUTE b('new')",
    "PREPARE d AS SELECT 1; EXECUTE a(1); DEALLOCATE d",
    "EXECUTE a(1)",
    "EXECUTE a(2)",
    "EXECUTE a(2)",
    "EXECUTE b('user3')",
    "EXECUTE b('user6')",
    "EXECUTE c",
    "EXECUTE c",
    "EXECUTE a(3); EXECUTE b('user4'); EXECUTE c",
    "SELECT username FROM users WHERE id = 1; EXECUTE c; EXECUTE a(7)",
    "CREATE TEMP TABLE IF NOT EXISTS t AS EXECUTE c",
    "DEALLOCATE a",
    "DEALLOCATE b; EXECUTE b('user1')",
    "DEALLOCATE c; PREPARE c AS SELECT username FROM users WHERE id = 5",
    "DISCARD ALL",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "ROLLBACK",
    "nonsense",
    "SELECT username FROM users WHERE id = 1; SELECT 1/0",
];

/// A small generator of numbers that look random; the same ones each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("a 64-bit machine") % limit
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices.get(self.below(choices.len())).copied().unwrap_or_default()
    }
}

/// Some messages that a client sends at once.
fn messages(numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=numbers.below(3) {
        let name = numbers.one_of(&["a", "b", "c", "e"]);
        let text = numbers.one_of(&TEXTS);
        let single = text.split(';').next().unwrap_or_default();
        bytes.extend(match numbers.below(8) {
            4 => [parse("", single, &[]), bind("", "", &[], false), execute("", 0)].concat(),
            5 => close(b'S', name),
            6 => [parse("e", numbers.one_of(&["EXECUTE a(4)", "EXECUTE c"]), &[]), sync()].concat(),
            7 => {
                let values = [Some("1")];
                let values = values.get(..usize::from(matches!(name, "a" | "b")));
                let values = values.unwrap_or_default();
                [bind("", name, values, false), describe(b'P', ""), execute("", 0)].concat()
            }
            _ => query(text),
        });
        if numbers.below(3) > 0 {
            bytes.extend(sync());
        }
    }
    bytes
}

/// Everything that a step is answered with, up to the answer to a last statement of our own.
fn answers(wire: &mut Wire, bytes: &[u8]) -> Vec<Message> {
    wire.send_bytes(&[bytes, &sync(), &query("-- the end"), &sync()].concat());
    let mut messages = Vec::new();
    while !messages.contains(&Message::Empty) {
        messages.extend(wire.until_ready().messages);
    }
    messages.extend(wire.until_ready().messages);
    comparable(messages)
}

/// Whether an answer is the wanted one. Where a transaction has failed unseen, what we ask before a
/// message fails first: it is the wrong reason, but a failure all the same.
fn is_as_good(got: &Message, wanted: &Message) -> bool {
    match (got, wanted) {
        (Message::Error(got), Message::Error(wanted)) if got.code() == "25P02" => {
            matches!(wanted.code(), "25P02" | "26000")
        }
        (got, wanted) => got == wanted,
    }
}

#[test]
fn random_messages_are_answered_as_if_nothing_were_migrated() {
    use Phase::{DualWrite, Expand, SwitchReads};
    let plain = Database::create("plain", OLD_DDL);
    let database = Database::create("prepared", DDL);
    let relay = Relay::start(&database, relay::ungoverned());
    let mut generation = 1;
    for seed in 0..SEQUENCES {
        let mut numbers = Numbers(seed);
        fill(&plain);
        fill(&database);
        let walk = [None, Some(Expand), Some(DualWrite), Some(SwitchReads)];
        let (mut place, mut idle) = (numbers.below(walk.len()), true);
        let mut phase = None;
        let (mut expected, mut found) = (plain.connect(), relay.connect(&database));
        for wire in [&mut expected, &mut found] {
            wire.script("PREPARE a (bigint) AS SELECT id, username FROM users WHERE id = $1");
            wire.script("PREPARE b AS SELECT email, username FROM users WHERE username = $1");
            wire.script("PREPARE c AS SELECT count(*), min(username) FROM users");
            wire.prepare("e", "EXECUTE c");
        }
        for step in 0..STEPS {
            // What an open transaction has locked cannot be settled.
            if idle {
                let next = walk.get(place).copied().flatten();
                settle(&database, phase, next, true);
                phase = next;
                generation += 1;
                flip(&relay, generation, phase);
                place = match numbers.below(3) {
                    0 => place.saturating_sub(1),
                    1 => place,
                    _ => (place + 1).min(walk.len() - 1),
                };
            }
            let bytes = messages(&mut numbers);
            let wanted = answers(&mut expected, &bytes);
            let got = answers(&mut found, &bytes);
            let equal = got.len() == wanted.len()
                && got.iter().zip(&wanted).all(|(got, wanted)| is_as_good(got, wanted));
            let sent = String::from_utf8_lossy(&bytes);
            assert!(equal, "seed {seed}, step {step}, {phase:?}: {sent}\n{got:?}\n{wanted:?}");
            idle = got.last() == Some(&Message::Ready('I'));
        }
    }
    let counters = relay.counters();
    assert!(counters.reprepared > 30, "{counters:?}");
    relay.stop();
}
