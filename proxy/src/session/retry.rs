//! Sends a statement again that only a mirrored unique index has rejected, or a deadlock over a row that merged tables
//! share.
//!
//! Whoever stored the row has committed by then, so the next try finds it by way of the arbiter,
//! unless it is deleted in between. Hence the pauses, in which it is the server that sleeps: a
//! cancel request reaches it there.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use bytes::BytesMut;
use rewrite_rules::Reply;
use rewrite_rules::outcome::AGAIN;
use tokio::time::Instant;

use super::conversation::Conversation;
use super::counters::bump;
use super::patch::INVALID_TEXT;
use super::reply::{Entry, Expected, Origin};
use super::upsert::{Place, Protocol, RELEASE, State};
use crate::wire::compose;
use crate::wire::reply;

/// How often a statement is sent again before its error is believed.
const MOST_RETRIES: u32 = 100;

/// For how long. Unit: seconds.
const LONGEST_S: u64 = 10;

/// Longest pause before one is sent again. Unit: milliseconds.
const LONGEST_PAUSE_MS: u64 = 50;

/// How PostgreSQL says that a unique index rejects a row: unique_violation.
const UNIQUE_VIOLATION: &[u8] = b"23505";

/// How it says that two sessions wait for each other: deadlock_detected.
const DEADLOCK: &[u8] = b"40P01";

/// And what it says to whatever is sent behind an error: in_failed_sql_transaction.
const FAILED_TRANSACTION: &[u8] = b"25P02";

const ROLLBACK: &str = "ROLLBACK TO SAVEPOINT segue_retry";

/// Whether an ErrorResponse comes from one of these indexes, or says itself that the statement must be sent again.
///
/// A session that waits in a mirror holds a row that it would have taken back at once without it:
/// whoever updates the row meanwhile waits for that. An error about such a deadlock names only what
/// was waited for: the index in its context, or the row not yet kept in its detail. Of a statement that shares its
/// rows any deadlock may be one, and where it is a transaction by itself nothing is left of what it did.
fn is_rejection(body: &[u8], of: &Reply, place: Place) -> bool {
    let Some(fields) = reply::fields(body) else { return false };
    let field = |code| reply::field(&fields, code).unwrap_or_default();
    let is = |code, name: &str| field(code) == name.as_bytes();
    let mentions = |code, name: &str| {
        !name.is_empty() && field(code).windows(name.len()).any(|it| it == name.as_bytes())
    };
    match field(b'C') {
        UNIQUE_VIOLATION => of.mirrors.iter().any(|mirror| {
            is(b's', &mirror.relation.schema)
                && is(b't', &mirror.relation.name)
                && is(b'n', &mirror.name)
        }),
        INVALID_TEXT => of.raises(AGAIN) && mentions(b'M', &format!("{AGAIN} ")),
        DEADLOCK if of.shares_rows && place == Place::Alone => true,
        DEADLOCK => of.mirrors.iter().any(|mirror| {
            mentions(b'W', &format!("\"{}\"", mirror.name)) || mentions(b'D', "speculative token")
        }),
        _other => false,
    }
}

/// Whether an ErrorResponse only tells that an earlier statement has failed.
fn is_consequence(body: &[u8]) -> bool {
    let fields = reply::fields(body).unwrap_or_default();
    reply::field(&fields, b'C') == Some(FAILED_TRANSACTION)
}

/// Makes the server sleep before the retry of that number, counted from 0; the first comes at once.
fn pause(retry: u32) -> Option<String> {
    let longest = 1_u64.checked_shl(retry).unwrap_or(LONGEST_PAUSE_MS).min(LONGEST_PAUSE_MS);
    let random = RandomState::new().hash_one(retry);
    let milliseconds = random.checked_rem(longest)?.saturating_add(1);
    (retry > 0).then(|| format!("SELECT pg_catalog.pg_sleep(0.{milliseconds:03})"))
}

impl Conversation {
    /// An ErrorResponse came. Returns whether it is kept from the client: the statement is going to
    /// be sent again, or the error is a consequence of one that the client knows.
    pub(super) fn upsert_failed(&mut self, complete: bool, body: &[u8]) -> bool {
        let Some(upsert) = self.upsert.as_mut().filter(|it| it.state != State::Broken) else {
            return false;
        };
        let before = std::mem::replace(&mut upsert.state, State::Failed);
        match before {
            State::Rejected | State::Failed if is_consequence(body) => {
                upsert.state = before;
                return true;
            }
            State::Rejected | State::Failed | State::Beginning | State::Broken | State::Pausing => {
                return false;
            }
            State::Running => {}
        }
        let place = upsert.place;
        let is_rejection = |of| is_rejection(body, of, place);
        let is_rejected = complete && self.replies.present().is_some_and(is_rejection);
        let one = match upsert.protocol {
            Protocol::Simple => Some(0),
            Protocol::Extended => upsert.answered_one(&self.replies),
        };
        let Some(one) = one else { return false };
        if !is_rejected {
            return false;
        }
        if one != upsert.rejected_one {
            // Those before it have been stored.
            (upsert.rejected_one, upsert.retries, upsert.rejected) = (one, 0, None);
        }
        let since = upsert.rejected.get_or_insert_with(Instant::now);
        if upsert.retries >= MOST_RETRIES || since.elapsed() > Duration::from_secs(LONGEST_S) {
            return false;
        }
        upsert.state = State::Rejected;
        // They will be owed again: nothing has happened to what they are about.
        self.replies.fail();
        true
    }

    /// ReadyForQuery came. Returns whether it is kept from the client, because something was sent
    /// in its place.
    pub(super) fn upsert_goes_on(&mut self) -> bool {
        let Some(upsert) = &mut self.upsert else { return false };
        if matches!(upsert.state, State::Beginning | State::Broken) || self.replies.len() > 1 {
            return false;
        }
        let (place, protocol) = (upsert.place, upsert.protocol);
        let pause = match upsert.state {
            State::Rejected => pause(upsert.retries),
            State::Pausing => None,
            State::Beginning | State::Broken | State::Running | State::Failed => {
                self.upsert = None;
                return false;
            }
        };
        self.settle_unnamed();
        let bytes = match (protocol, pause) {
            (Protocol::Simple, Some(pause)) if place == Place::Alone => {
                // A Query does not keep the next one from being executed when it fails.
                self.reach(State::Pausing);
                self.own_query(&pause, Origin::Client)
            }
            (Protocol::Simple, pause) => self.query_again(place, pause.as_deref()),
            (Protocol::Extended, pause) => self.batch_again(place, pause.as_deref()),
        };
        self.unsent.unsplit(bytes);
        true
    }

    /// The last reply to what was rejected, or to a pause, came.
    fn settle_unnamed(&mut self) {
        let entry = self.replies.pop();
        if let Some(Entry { expected: Expected::Query { unnamed: Some(name) }, .. }) = entry {
            self.statements.confirm(&name);
        }
    }

    fn reach(&mut self, state: State) {
        if let Some(upsert) = &mut self.upsert {
            upsert.state = state;
        }
    }

    /// The statement's own messages, sent again; their replies are noted.
    fn messages_again(&mut self) -> BytesMut {
        bump(&self.counters.retried);
        let Some(upsert) = &mut self.upsert else { return BytesMut::new() };
        upsert.state = State::Running;
        upsert.retries = upsert.retries.saturating_add(1);
        let (messages, owed) = upsert.again();
        owed.into_iter().for_each(|entry| self.replies.push(entry));
        messages
    }

    fn query_again(&mut self, place: Place, pause: Option<&str>) -> BytesMut {
        if place == Place::Alone {
            return self.messages_again();
        }
        let mut bytes = self.own_query(ROLLBACK, Origin::Injected);
        if let Some(pause) = pause {
            bytes.unsplit(self.own_query(pause, Origin::Injected));
        }
        bytes.unsplit(self.messages_again());
        bytes.unsplit(self.own_query(RELEASE, Origin::Client));
        bytes
    }

    fn batch_again(&mut self, place: Place, pause: Option<&str>) -> BytesMut {
        let mut bytes = BytesMut::new();
        if place == Place::InTransaction {
            bytes.unsplit(self.own_statement(ROLLBACK));
        }
        if let Some(pause) = pause {
            bytes.unsplit(self.own_statement(pause));
        }
        bytes.unsplit(self.messages_again());
        self.replies.expect(Expected::Sync);
        bytes.unsplit(compose::sync());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rewrite_rules::Mirror;
    use rewrite_rules::catalog::RelationName;
    use rewrite_rules::outcome::Raised;

    #[test]
    fn only_the_named_index_of_the_named_table_counts() {
        let relation = RelationName::new("public", "users");
        let mirrors = vec![Mirror { relation, name: "users_handle_key".to_owned() }];
        let reply = Reply { mirrors, ..Reply::default() };
        let error = |code: &str, schema: &str, table: &str, name: &str| {
            format!("SERROR\0C{code}\0Mm\0s{schema}\0t{table}\0n{name}\0\0").into_bytes()
        };
        let is = |body: &[u8]| is_rejection(body, &reply, Place::Alone);
        assert!(is(&error("23505", "public", "users", "users_handle_key")));
        assert!(!is(&error("23514", "public", "users", "users_handle_key")));
        assert!(!is(&error("23505", "other", "users", "users_handle_key")));
        assert!(!is(&error("23505", "public", "user", "users_handle_key")));
        assert!(!is(&error("23505", "public", "users", "users_username_key")));
        assert!(!is(b"SERROR\0C23505\0\0"));
        let deadlock = |detail: &str, context: &str| {
            is(format!("C40P01\0D{detail}\0W{context}\0\0").as_bytes())
        };
        let inserting =
            |name: &str| format!("while inserting index tuple (0,1) in relation {name}");
        assert!(deadlock("", &inserting("\"users_handle_key\"")));
        assert!(deadlock("waits for ShareLock on speculative token 33 of transaction 7", ""));
        assert!(!deadlock("", &inserting("\"users_handle_key1\"")));
        assert!(!deadlock("waits for ShareLock on transaction 7", ""));
        assert!(!is(b"C23505"));
    }

    #[test]
    fn a_statement_may_say_itself_that_it_must_be_sent_again() {
        let said = b"SERROR\0C22P02\0Minvalid input syntax: \"segue_again 7\"\0\0";
        let reply = Reply { raised: vec![Raised::again()], ..Reply::default() };
        let is = |body: &[u8], reply: &Reply| is_rejection(body, reply, Place::InTransaction);
        assert!(is(said, &reply));
        assert!(!is(said, &Reply::default()));
        assert!(!is(b"SERROR\0C22P02\0Mof the client: \"7\"\0\0", &reply));
    }

    #[test]
    fn a_deadlock_over_rows_that_are_shared_counts_where_nothing_else_is_locked() {
        let shares = Reply { shares_rows: true, ..Reply::default() };
        let deadlock = b"SERROR\0C40P01\0Ddetail\0\0";
        assert!(is_rejection(deadlock, &shares, Place::Alone));
        assert!(!is_rejection(deadlock, &shares, Place::InTransaction));
        assert!(!is_rejection(deadlock, &Reply::default(), Place::Alone));
        assert!(!is_rejection(b"SERROR\0C23505\0\0", &shares, Place::Alone));
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!(pause(0), None);
        for retry in 1..=200 {
            let text = pause(retry).unwrap();
            let digits = text.strip_prefix("SELECT pg_catalog.pg_sleep(0.0").unwrap();
            let milliseconds: u64 = digits.strip_suffix(')').unwrap().parse().unwrap();
            let longest = 1_u64.checked_shl(retry).unwrap_or(50).min(50);
            assert!((1..=longest).contains(&milliseconds), "{retry}: {text}");
        }
    }
}
