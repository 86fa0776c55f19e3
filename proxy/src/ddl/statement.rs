//! Which lock a statement takes, for how long, and how it is to be run.

use std::fmt;

use serde::Serialize;

/// A statement that changes the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Its text, without a semicolon at the end.
    pub sql: String,
    /// The lock that it takes on the table.
    pub lock: Lock,
    /// How long it holds it, in words.
    pub holds: &'static str,
    /// How it is to be run.
    pub how: How,
}

/// Locks of a table, as PostgreSQL names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Lock {
    /// Nothing that a client would notice.
    None,
    /// Other changes of the schema, and vacuum, wait.
    ShareUpdateExclusive,
    /// Writers wait.
    ShareRowExclusive,
    /// Everybody waits.
    AccessExclusive,
}

/// How a statement is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// In a transaction that gives way after a moment.
    GivingWay,
    /// On its own: it waits for others without holding them up.
    Alone,
    /// Not by a machine: it changes what other people own, or takes something away for good.
    ByHand,
    /// Not at all: the backfill does it.
    ByBackfill,
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no lock",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};\n    -- {}, {}", self.sql, self.lock, self.holds)
    }
}

const MOMENT: &str = "for a moment";
const SCAN: &str = "while it reads the table";

impl Statement {
    /// What is known of a statement, by its first words. All that the gates write is known; anything
    /// else is for a human.
    #[must_use]
    pub fn read(sql: &str) -> Self {
        // A remark of the gate's stands behind the statement.
        let sql = sql.split_once("; -- ").map_or(sql, |(statement, _)| statement);
        let sql = sql.trim().trim_end_matches(';').trim_end();
        let of = |lock, holds, how| Self { sql: sql.to_owned(), lock, holds, how };
        // Literals and quoted names may contain anything, so the words are looked for outside of them.
        let words = words(sql);
        let has = |wanted: &[&str]| words.windows(wanted.len()).any(|found| found == wanted);
        let begins = |wanted: &[&str]| {
            words.iter().map(String::as_str).take(wanted.len()).eq(wanted.iter().copied())
        };
        let exclusive = |how| of(Lock::AccessExclusive, MOMENT, how);
        if begins(&["UPDATE"]) || begins(&["INSERT", "INTO"]) {
            return of(Lock::None, "locks its rows until it ends", How::ByBackfill);
        }
        // A table that is not there yet is in nobody's way.
        if begins(&["CREATE", "TABLE"]) || begins(&["CREATE", "UNLOGGED", "TABLE"]) {
            return match has(&["REFERENCES"]) {
                true => {
                    let holds = "on the table that it refers to, for a moment";
                    of(Lock::ShareRowExclusive, holds, How::GivingWay)
                }
                false => of(Lock::None, MOMENT, How::GivingWay),
            };
        }
        if begins(&["COMMENT", "ON"]) || begins(&["CREATE", "STATISTICS"]) {
            return of(Lock::ShareUpdateExclusive, MOMENT, How::GivingWay);
        }
        if begins(&["ANALYZE"]) {
            return of(Lock::ShareUpdateExclusive, "while it reads a sample", How::GivingWay);
        }
        if begins(&["GRANT"]) || (begins(&["ALTER", "SEQUENCE"]) && has(&["OWNED", "BY"])) {
            return of(Lock::None, MOMENT, How::GivingWay);
        }
        // What a broken off REINDEX has left, and nobody uses.
        if begins(&["DROP", "INDEX", "CONCURRENTLY"]) && is_leftover(sql) {
            return of(Lock::ShareUpdateExclusive, "while it waits for others", How::Alone);
        }
        if has(&["CONCURRENTLY"]) && !begins(&["DROP"]) {
            return of(Lock::ShareUpdateExclusive, "while it builds the index", How::Alone);
        }
        let attaches = begins(&["ALTER", "INDEX"]) && has(&["ATTACH", "PARTITION"]);
        if attaches || begins(&["CREATE", "POLICY"]) {
            return exclusive(How::GivingWay);
        }
        if begins(&["CREATE", "INDEX"]) || begins(&["CREATE", "UNIQUE", "INDEX"]) {
            // ON ONLY a partitioned table, which has no rows: the gates write no other.
            return match has(&["ONLY"]) {
                true => exclusive(How::GivingWay),
                false => of(Lock::ShareRowExclusive, "while it builds the index", How::ByHand),
            };
        }
        if !begins(&["ALTER", "TABLE"]) {
            return exclusive(How::ByHand);
        }
        if has(&["VALIDATE", "CONSTRAINT"]) {
            return of(Lock::ShareUpdateExclusive, SCAN, How::GivingWay);
        }
        if has(&["DROP", "COLUMN"]) || has(&["REPLICA", "IDENTITY"]) || changes_type(&words) {
            return exclusive(How::ByHand);
        }
        if has(&["DROP", "CONSTRAINT"]) {
            // Its own, which only served to set NOT NULL.
            let is_own = sql.contains("segue_") && sql.trim_end().ends_with("_not_null");
            return exclusive(if is_own { How::GivingWay } else { How::ByHand });
        }
        if has(&["FOREIGN", "KEY"]) {
            return match has(&["NOT", "VALID"]) {
                true => of(Lock::ShareRowExclusive, "on both tables, for a moment", How::GivingWay),
                false => of(Lock::ShareRowExclusive, SCAN, How::ByHand),
            };
        }
        if has(&["ADD", "CONSTRAINT"]) && !has(&["NOT", "VALID"]) && !has(&["USING", "INDEX"]) {
            return of(Lock::AccessExclusive, SCAN, How::ByHand);
        }
        let is_known = has(&["ADD", "CONSTRAINT"])
            || has(&["ADD", "COLUMN"])
            || has(&["SET", "NOT", "NULL"])
            || has(&["DROP", "NOT", "NULL"])
            || has(&["SET", "DEFAULT"])
            || has(&["DROP", "DEFAULT"])
            || has(&["ALTER", "CONSTRAINT"])
            // What is made by one role for another.
            || has(&["OWNER", "TO"])
            || has(&["ROW", "LEVEL", "SECURITY"]) && !has(&["DISABLE"]);
        exclusive(if is_known { How::GivingWay } else { How::ByHand })
    }
}

/// Whether the last name is that of an index that REINDEX CONCURRENTLY was building.
pub(crate) fn is_leftover(name: &str) -> bool {
    let name = name.trim_end_matches('"').trim_end_matches(|letter: char| letter.is_ascii_digit());
    name.ends_with("_ccnew")
}

/// Whether it is `ALTER COLUMN … TYPE`. A column may be called `type`, and a quoted name is no word.
fn changes_type(words: &[String]) -> bool {
    let mut columns = words.windows(2).enumerate().filter(|(_, two)| *two == ["ALTER", "COLUMN"]);
    columns.any(|(at, _)| {
        let word = |behind: usize| words.get(at + 2 + behind).map(String::as_str);
        match (word(0), word(1)) {
            (Some("TYPE"), Some("SET" | "DROP")) => false,
            (Some("TYPE"), _) | (_, Some("TYPE")) => true,
            _other => false,
        }
    })
}

/// The words of a statement in capitals, without what is quoted.
fn words(sql: &str) -> Vec<String> {
    let mut outside = String::new();
    let mut quote = None;
    for letter in sql.chars() {
        match quote {
            Some(end) if letter == end => quote = None,
            Some(_) => {}
            None if letter == '\'' || letter == '"' => {
                quote = Some(letter);
                outside.push(' ');
            }
            None => outside.push(letter),
        }
    }
    let words = outside.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty()).map(str::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_of_the_gates_is_known() {
        use How::{Alone, ByBackfill, ByHand, GivingWay};
        use Lock::{AccessExclusive, None, ShareRowExclusive, ShareUpdateExclusive};
        for (sql, lock, how) in [
            ("ALTER TABLE public.t ADD COLUMN handle text;", AccessExclusive, GivingWay),
            (
                "ALTER TABLE t ADD CONSTRAINT segue_handle_not_null CHECK (handle IS NOT NULL) NOT VALID",
                AccessExclusive,
                GivingWay,
            ),
            ("ALTER TABLE t VALIDATE CONSTRAINT c", ShareUpdateExclusive, GivingWay),
            ("ALTER TABLE t ALTER COLUMN handle SET NOT NULL", AccessExclusive, GivingWay),
            ("ALTER TABLE t DROP CONSTRAINT segue_handle_not_null", AccessExclusive, GivingWay),
            ("ALTER TABLE t DROP CONSTRAINT users_pkey", AccessExclusive, ByHand),
            ("ALTER TABLE t ALTER COLUMN username DROP NOT NULL", AccessExclusive, GivingWay),
            ("ALTER TABLE t ALTER COLUMN a SET DEFAULT 'DROP COLUMN'", AccessExclusive, GivingWay),
            ("ALTER TABLE t ALTER COLUMN a TYPE text", AccessExclusive, ByHand),
            ("ALTER TABLE t ALTER COLUMN \"a b\" TYPE text", AccessExclusive, ByHand),
            ("ALTER TABLE t ADD COLUMN type text", AccessExclusive, GivingWay),
            ("ALTER TABLE t ALTER COLUMN type SET NOT NULL", AccessExclusive, GivingWay),
            ("ALTER TABLE t ALTER COLUMN type TYPE text", AccessExclusive, ByHand),
            ("DROP INDEX CONCURRENTLY public.i_ccnew1", ShareUpdateExclusive, Alone),
            ("ALTER TABLE t DROP COLUMN username", AccessExclusive, ByHand),
            ("ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i", AccessExclusive, GivingWay),
            ("ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)", AccessExclusive, ByHand),
            (
                "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u(a) NOT VALID",
                ShareRowExclusive,
                GivingWay,
            ),
            ("ALTER TABLE t REPLICA IDENTITY USING INDEX i", AccessExclusive, ByHand),
            ("ALTER TABLE t ADD COLUMN a int, ENABLE TRIGGER x", AccessExclusive, GivingWay),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY i ON t USING btree (a)",
                ShareUpdateExclusive,
                Alone,
            ),
            ("CREATE INDEX i ON ONLY t USING btree (a)", AccessExclusive, GivingWay),
            ("CREATE INDEX i ON t (a)", ShareRowExclusive, ByHand),
            ("ALTER INDEX s.i ATTACH PARTITION s.j", AccessExclusive, GivingWay),
            ("REINDEX INDEX CONCURRENTLY i", ShareUpdateExclusive, Alone),
            ("DROP INDEX CONCURRENTLY i", AccessExclusive, ByHand),
            ("ANALYZE public.t (handle)", ShareUpdateExclusive, GivingWay),
            ("GRANT SELECT (handle) ON t TO app", None, GivingWay),
            ("CREATE STATISTICS s.x (ndistinct) ON a, b FROM t", ShareUpdateExclusive, GivingWay),
            ("CREATE OR REPLACE VIEW v AS SELECT 1", AccessExclusive, ByHand),
            ("ALTER POLICY p ON t USING (true)", AccessExclusive, ByHand),
            ("UPDATE t SET a = b WHERE c; -- in batches: segue backfill m", None, ByBackfill),
            ("INSERT INTO u (a) SELECT b FROM t ON CONFLICT (a) DO NOTHING;", None, ByBackfill),
            ("CREATE TABLE u (a int PRIMARY KEY)", None, GivingWay),
            ("CREATE UNLOGGED TABLE u (a int) WITH (fillfactor = '70')", None, GivingWay),
            ("CREATE TABLE u (a int REFERENCES t ON DELETE CASCADE)", ShareRowExclusive, GivingWay),
            ("COMMENT ON COLUMN u.a IS 'REFERENCES'", ShareUpdateExclusive, GivingWay),
            ("DROP TABLE t", AccessExclusive, ByHand),
            ("CREATE POLICY own ON p USING (true)", AccessExclusive, GivingWay),
            ("ALTER TABLE p ENABLE ROW LEVEL SECURITY", AccessExclusive, GivingWay),
            ("ALTER TABLE p DISABLE ROW LEVEL SECURITY", AccessExclusive, ByHand),
            ("ALTER TABLE p ALTER CONSTRAINT k NOT DEFERRABLE", AccessExclusive, GivingWay),
            ("ALTER SEQUENCE s OWNED BY p.bio", None, GivingWay),
            ("ALTER TABLE p OWNER TO app", AccessExclusive, GivingWay),
        ] {
            let statement = Statement::read(sql);
            assert_eq!((statement.lock, statement.how), (lock, how), "{sql}");
        }
    }
}
