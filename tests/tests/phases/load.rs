//! Clients that do random things all the time, know what each must answer, and are asked now and
//! then what the table should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};

use segue_tests::wire::{Wire, bind, describe, execute, sync};

use super::sessions::literal;

/// Ids and values of each client: few, so that values go from row to row.
const IDS: u64 = 20;
const VALUES: u64 = 25;

const INSERT: &str = "INSERT INTO users (id, username, email) VALUES ($1, $2, $3) RETURNING *";
const WHOLE: &str = "INSERT INTO users VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id";
const BY_ID: &str = "INSERT INTO users (id, username) VALUES ($1, $2) \
    ON CONFLICT (id) DO UPDATE SET username = EXCLUDED.username RETURNING *";
const BY_VALUE: &str = "INSERT INTO users (id, username, email) VALUES ($1, $2, $3) \
    ON CONFLICT (username) DO UPDATE SET email = EXCLUDED.email RETURNING *";
const UPDATE: &str = "UPDATE users SET username = $2 WHERE id = $1 RETURNING *";
const UPDATE_BY_VALUE: &str = "UPDATE users SET username = $2, score = score + 1 WHERE username = $1 RETURNING username, score";
const EMAIL: &str = "UPDATE users SET email = $2 WHERE username = $1";
const DELETE: &str = "DELETE FROM users WHERE id = $1";
const DELETE_BY_VALUE: &str = "DELETE FROM users WHERE username = $1 RETURNING *";
const STAR: &str = "SELECT * FROM users WHERE username = $1";
const OWN: &str = "SELECT id, username FROM users WHERE id BETWEEN $1 AND $2 ORDER BY id";

/// A row: value, e-mail, score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) value: String,
    pub(super) email: Option<String>,
    pub(super) score: i32,
}

/// What the table must hold, by id.
pub(super) type Rows = BTreeMap<i64, Held>;

/// A row as a client sees it.
pub(super) fn line(id: i64, row: &Held) -> String {
    format!("{id}|{}|{}|{}", row.value, row.email.as_deref().unwrap_or("NULL"), row.score)
}

/// How it sends its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Simple,
    Unnamed,
    Named,
}

/// One client with rows of its own.
pub(super) struct Client {
    wire: Wire,
    manner: Manner,
    first_id: i64,
    value: fn(i64, u64) -> String,
    /// Texts that are prepared, each under itself as its name.
    prepared: BTreeSet<&'static str>,
    random: u64,
    rows: Rows,
    /// For whoever has to find out what went wrong.
    trail: Vec<String>,
}

impl Client {
    /// `number` keeps its ids apart from those of others; `value` must do so for its values.
    pub(super) fn new(
        wire: Wire,
        number: i64,
        manner: Manner,
        value: fn(i64, u64) -> String,
    ) -> Self {
        let (prepared, rows, trail) = (BTreeSet::new(), Rows::new(), Vec::new());
        let random = RandomState::new().hash_one(number) | 1;
        Self { wire, manner, first_id: number * 1000, value, prepared, random, rows, trail }
    }

    /// What the table must hold of it now.
    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64: no cipher, but no two clients do the same.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    /// Runs a statement, and wants this SQLSTATE, this tag and these rows.
    fn check(&mut self, sql: &'static str, values: &[&str], wanted: &Wanted) {
        let bound: Vec<Option<&str>> = values.iter().map(|value| Some(*value)).collect();
        let reply = match self.manner {
            Manner::Simple => self.wire.simple(&literal(sql, values)),
            Manner::Unnamed => self.wire.extended(sql, &bound, false),
            Manner::Named => {
                if self.prepared.insert(sql) {
                    assert_eq!(self.wire.prepare(sql, sql).error(), None, "{sql}");
                }
                let frames =
                    [bind("", sql, &bound, false), describe(b'P', ""), execute("", 0), sync()];
                self.wire.send_bytes(&frames.concat());
                self.wire.until_ready()
            }
        };
        let found = Wanted {
            code: reply.code().to_owned(),
            tag: reply.tags().concat(),
            lines: reply.lines(),
        };
        self.trail.push(format!("{sql} {values:?}"));
        let last = self.trail.len().saturating_sub(30);
        assert_eq!(
            &found,
            wanted,
            "{:?}: {:?}, after {:#?}",
            self.manner,
            reply.error(),
            self.trail.get(last..)
        );
    }

    /// A statement on its own, or a transaction of several.
    pub(super) fn work(&mut self) {
        if self.below(3) > 0 {
            return self.statement(true);
        }
        let before = self.rows.clone();
        self.control("BEGIN");
        for _ in 0..=self.below(3) {
            self.statement(false);
        }
        if self.below(2) == 0 {
            let before = self.rows.clone();
            self.control("SAVEPOINT s");
            self.statement(true);
            self.control("ROLLBACK TO s");
            self.rows = before;
            self.statement(false);
        }
        if self.below(4) == 0 {
            self.control("ROLLBACK");
            self.rows = before;
        } else {
            self.control("COMMIT");
        }
    }

    fn control(&mut self, sql: &'static str) {
        self.trail.push(sql.to_owned());
        self.wire.script(sql);
    }

    /// Any statement. One that must fail is run only if it `may_fail`.
    fn statement(&mut self, may_fail: bool) {
        let id = self.first_id + i64::try_from(self.below(IDS)).expect("a small number");
        let number = self.below(VALUES);
        let value = (self.value)(self.first_id, number);
        let mail = format!("m{}", self.below(9));
        match self.below(12) {
            0..=2 => self.insert(id, &value, &mail, may_fail),
            3..=4 => self.upsert(id, &value, &mail, may_fail),
            5..=7 => self.update(id, &value, &mail, may_fail),
            8 => {
                let count = usize::from(self.rows.remove(&id).is_some());
                self.check(DELETE, &[&id.to_string()], &done("DELETE", count, Vec::new()));
            }
            9 => {
                let gone = self.holder(&value).and_then(|id| self.rows.remove_entry(&id));
                let lines: Vec<String> = gone.iter().map(|(id, row)| line(*id, row)).collect();
                self.check(DELETE_BY_VALUE, &[&value], &done("DELETE", lines.len(), lines));
            }
            10 => {
                let found = self.rows.iter().filter(|(_, row)| row.value == value);
                let lines: Vec<String> = found.map(|(id, row)| line(*id, row)).collect();
                self.check(STAR, &[&value], &done("SELECT", lines.len(), lines));
            }
            _ => {
                let lines: Vec<String> =
                    self.rows.iter().map(|(id, row)| format!("{id}|{}", row.value)).collect();
                let (first, last) = (self.first_id.to_string(), (self.first_id + 999).to_string());
                self.check(OWN, &[&first, &last], &done("SELECT", lines.len(), lines));
            }
        }
    }

    /// The row that has the value.
    fn holder(&self, value: &str) -> Option<i64> {
        self.rows.iter().find(|(_, row)| row.value == value).map(|(id, _)| *id)
    }

    fn insert(&mut self, id: i64, value: &str, mail: &str, may_fail: bool) {
        let free = !self.rows.contains_key(&id) && self.holder(value).is_none();
        let row = |score| Held { value: value.to_owned(), email: Some(mail.to_owned()), score };
        if self.below(2) == 0 {
            let lines = if free { vec![id.to_string()] } else { Vec::new() };
            let wanted = done("INSERT 0", lines.len(), lines);
            self.check(WHOLE, &[&id.to_string(), value, mail, "1"], &wanted);
            if free {
                self.rows.insert(id, row(1));
            }
        } else if free {
            let wanted = done("INSERT 0", 1, vec![line(id, &row(7))]);
            self.check(INSERT, &[&id.to_string(), value, mail], &wanted);
            self.rows.insert(id, row(7));
        } else if may_fail {
            self.check(INSERT, &[&id.to_string(), value, mail], &taken());
        }
    }

    fn upsert(&mut self, id: i64, value: &str, mail: &str, may_fail: bool) {
        let fresh = |email| Held { value: value.to_owned(), email, score: 7 };
        let holder = self.holder(value);
        if self.below(2) == 0 {
            let values = [&id.to_string(), value];
            if holder.is_some_and(|holder| holder != id) {
                if may_fail {
                    self.check(BY_ID, &values, &taken());
                }
                return;
            }
            let row = self.rows.entry(id).or_insert_with(|| fresh(None));
            value.clone_into(&mut row.value);
            let wanted = done("INSERT 0", 1, vec![line(id, row)]);
            return self.check(BY_ID, &values, &wanted);
        }
        let values = [&id.to_string(), value, mail];
        if holder.is_none() && self.rows.contains_key(&id) {
            if may_fail {
                self.check(BY_VALUE, &values, &taken());
            }
            return;
        }
        let id = holder.unwrap_or(id);
        let row = self.rows.entry(id).or_insert_with(|| fresh(None));
        row.email = Some(mail.to_owned());
        let wanted = done("INSERT 0", 1, vec![line(id, row)]);
        self.check(BY_VALUE, &values, &wanted);
    }

    fn update(&mut self, id: i64, value: &str, mail: &str, may_fail: bool) {
        let holder = self.holder(value);
        if self.below(3) == 0 {
            let row = holder.and_then(|id| self.rows.get_mut(&id));
            let wanted = done("UPDATE", usize::from(row.is_some()), Vec::new());
            if let Some(row) = row {
                row.email = Some(mail.to_owned());
            }
            return self.check(EMAIL, &[value, mail], &wanted);
        }
        let Some(row) = self.rows.get(&id).cloned() else {
            return self.check(UPDATE, &[&id.to_string(), value], &done("UPDATE", 0, Vec::new()));
        };
        if holder.is_some_and(|holder| holder != id) {
            if may_fail {
                self.check(UPDATE, &[&id.to_string(), value], &taken());
            }
            return;
        }
        let mut new = Held { value: value.to_owned(), ..row.clone() };
        if self.below(2) == 0 {
            let wanted = done("UPDATE", 1, vec![line(id, &new)]);
            self.check(UPDATE, &[&id.to_string(), value], &wanted);
        } else {
            new.score += 1;
            let wanted = done("UPDATE", 1, vec![format!("{value}|{}", new.score)]);
            self.check(UPDATE_BY_VALUE, &[&row.value, value], &wanted);
        }
        self.rows.insert(id, new);
    }
}

/// What a statement must be answered with.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    code: String,
    tag: String,
    lines: Vec<String>,
}

fn done(verb: &str, count: usize, lines: Vec<String>) -> Wanted {
    Wanted { code: String::new(), tag: format!("{verb} {count}"), lines }
}

/// Id or value is another row's.
fn taken() -> Wanted {
    Wanted { code: "23505".to_owned(), tag: String::new(), lines: Vec::new() }
}
