//! The tables that are migrated, and the statements by which clients of either shape write them.
//!
//! `kept` and `log` of a row take the same tokens; `n` counts them.

use rewrite_rules::Phase;
use segue_tests::copying::split;

use super::serial::Token;

/// What becomes of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// `log` and `n` of `t` move to `h`.
    Split,
    /// `t` and `u` are merged into `m`.
    Merge,
}

impl Tables {
    pub(crate) fn ddl(self) -> &'static str {
        match self {
            Self::Split => {
                "CREATE TABLE t (id int PRIMARY KEY, kept int[] NOT NULL DEFAULT '{}', log int[] DEFAULT '{}', n int DEFAULT 0);
                 CREATE TABLE h (t_id int PRIMARY KEY REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE,
                                 log int[] DEFAULT '{}', n int DEFAULT 0);
                 INSERT INTO t (id) SELECT generate_series(1, 50);
                 ANALYZE;"
            }
            Self::Merge => {
                "CREATE TABLE t (id int PRIMARY KEY, log int[] DEFAULT '{}', n int DEFAULT 0);
                 CREATE TABLE u (id int PRIMARY KEY, kept int[] NOT NULL DEFAULT '{}');
                 CREATE TABLE m (id int PRIMARY KEY, log int[] DEFAULT '{}', n int DEFAULT 0, kept int[] NOT NULL DEFAULT '{}',
                                 has_t boolean NOT NULL DEFAULT false, has_u boolean NOT NULL DEFAULT false);
                 INSERT INTO t (id) SELECT generate_series(1, 50);
                 INSERT INTO u (id) SELECT generate_series(1, 50);
                 ANALYZE;"
            }
        }
    }

    pub(crate) fn migration(self, phase: Phase) -> String {
        match self {
            Self::Split => {
                split("t", "h", "{ from = \"id\", to = \"t_id\" }", "[\"log\", \"n\"]", phase)
            }
            Self::Merge => format!(
                "[[migration]]\nname = \"move\"\nkind = \"merge-tables\"\ninto = \"m\"\nkey = \"id\"\n\
                 phase = \"{phase}\"\n\
                 [[migration.source]]\ntable = \"t\"\ncolumns = [\"log\", \"n\"]\npresent = \"has_t\"\n\
                 [[migration.source]]\ntable = \"u\"\ncolumns = [\"kept\"]\npresent = \"has_u\"\n"
            ),
        }
    }

    /// What both sides hold: key, both lists of tokens, their number.
    pub(crate) fn sides(self) -> [&'static str; 2] {
        match self {
            Self::Split => [
                "SELECT id, array_to_string(kept, ' '), array_to_string(log, ' '), n FROM t ORDER BY id",
                "SELECT id, array_to_string(kept, ' '), array_to_string(h.log, ' '), h.n
                 FROM t LEFT JOIN h ON h.t_id = t.id ORDER BY id",
            ],
            Self::Merge => [
                "SELECT id, array_to_string(kept, ' '), array_to_string(log, ' '), n
                 FROM t FULL JOIN u USING (id) ORDER BY id",
                "SELECT id, array_to_string(kept, ' '), array_to_string(log, ' '), n
                 FROM m WHERE has_t AND has_u ORDER BY id",
            ],
        }
    }

    /// Writes a row, if it fulfils `also`; the first gives the key.
    pub(crate) fn set(self, token: Token, id: i32, also: &str) -> Vec<String> {
        match self {
            Self::Split => vec![format!(
                "UPDATE t SET kept = kept || {token}, log = log || {token}, n = n + 1 WHERE id = {id}{also} RETURNING id"
            )],
            Self::Merge => vec![
                format!(
                    "UPDATE t SET log = log || {token}, n = n + 1 WHERE id = {id}{also} RETURNING id"
                ),
                format!("UPDATE u SET kept = kept || {token} WHERE id = {id}"),
            ],
        }
    }

    /// The same with what the client has computed.
    pub(crate) fn set_to(self, token: Token, id: i32, (log, n): (&str, i32)) -> Vec<String> {
        let computed = format!("log = '{log}'::int[] || {token}, n = {n}");
        match self {
            Self::Split => {
                vec![format!("UPDATE t SET kept = kept || {token}, {computed} WHERE id = {id}")]
            }
            Self::Merge => vec![
                format!("UPDATE t SET {computed} WHERE id = {id}"),
                format!("UPDATE u SET kept = kept || {token} WHERE id = {id}"),
            ],
        }
    }

    /// The same for a row that may not be there.
    pub(crate) fn upsert(self, token: Token, id: i32) -> Vec<String> {
        match self {
            Self::Split => {
                let set = match token % 2 {
                    0 => format!("kept = t.kept || {token}, log = t.log || {token}, n = t.n + 1"),
                    // Of what each of the two tables has.
                    _ => "kept = t.kept || excluded.log, log = t.log || excluded.kept, n = t.n + cardinality(excluded.kept)"
                        .to_owned(),
                };
                vec![format!(
                    "INSERT INTO t (id, kept, log, n) VALUES ({id}, ARRAY[{token}], ARRAY[{token}], 1)
                     ON CONFLICT (id) DO UPDATE SET {set} RETURNING id"
                )]
            }
            Self::Merge => vec![
                format!(
                    "INSERT INTO t (id, log, n) VALUES ({id}, ARRAY[{token}], 1)
                     ON CONFLICT (id) DO UPDATE SET log = t.log || excluded.log, n = t.n + 1 RETURNING id"
                ),
                format!(
                    "INSERT INTO u (id, kept) VALUES ({id}, ARRAY[{token}])
                     ON CONFLICT (id) DO UPDATE SET kept = u.kept || {token}"
                ),
            ],
        }
    }

    /// The same, one column after the other.
    pub(crate) fn one_by_one(self, token: Token, id: i32) -> Vec<String> {
        let kept = if self == Self::Split { "t" } else { "u" };
        vec![
            format!("UPDATE t SET log = log || {token}, n = n + 1 WHERE id = {id}"),
            format!("UPDATE {kept} SET kept = kept || {token} WHERE id = {id}"),
        ]
    }

    /// The same of a row that has another key in between.
    pub(crate) fn moved(self, token: Token, id: i32) -> Vec<String> {
        match self {
            Self::Split => vec![
                format!(
                    "UPDATE t SET id = id + 1000, log = log || {token}, n = n + 1 WHERE id = {id} RETURNING id - 1000"
                ),
                format!(
                    "UPDATE t SET id = id - 1000, kept = kept || {token}, n = n WHERE id = {id} + 1000"
                ),
            ],
            Self::Merge => vec![
                format!(
                    "UPDATE t SET id = id + 1000, log = log || {token}, n = n + 1 WHERE id = {id} RETURNING id - 1000"
                ),
                format!("UPDATE t SET id = id - 1000 WHERE id = {id} + 1000"),
                format!("UPDATE u SET kept = kept || {token} WHERE id = {id}"),
            ],
        }
    }

    /// The same by a client of the new shape.
    pub(crate) fn set_new(self, token: Token, id: i32) -> Vec<String> {
        match self {
            Self::Split => vec![
                format!("UPDATE t SET kept = kept || {token} WHERE id = {id}"),
                format!("UPDATE h SET log = log || {token}, n = n + 1 WHERE t_id = {id}"),
            ],
            Self::Merge => vec![format!(
                "UPDATE m SET kept = kept || {token}, log = log || {token}, n = n + 1 WHERE id = {id}"
            )],
        }
    }

    /// The same by a client of the new shape, of tables that are merged.
    pub(crate) fn upsert_new(token: Token, id: i32) -> String {
        format!(
            "INSERT INTO m (id, log, n, kept, has_t, has_u) VALUES ({id}, ARRAY[{token}], 1, ARRAY[{token}], true, true)
             ON CONFLICT (id) DO UPDATE SET log = m.log || excluded.log, n = m.n + 1, kept = m.kept || {token} RETURNING id"
        )
    }

    pub(crate) fn count(self, id: i32) -> String {
        format!("SELECT n FROM t WHERE id = {id}")
    }

    pub(crate) fn lock(self, id: i32) -> String {
        format!("SELECT log, n FROM t WHERE id = {id} FOR UPDATE")
    }
}
