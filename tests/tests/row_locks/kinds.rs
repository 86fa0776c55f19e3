//! The tables of both kinds, with some rows that lack a part.

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, KeyPair, MergeSource, MergeTables, OneOrMore, SplitTable};
use rewrite_rules::{Phase, Rule};

/// A table whose rows are locked, and what becomes of it.
pub(super) struct Kind {
    pub(super) table: &'static str,
    pub(super) old: &'static str,
    /// What the old tables hold.
    pub(super) rows: &'static str,
    pub(super) new: &'static str,
    /// What the new ones hold of it.
    pub(super) new_rows: &'static str,
    /// What the old tables lack while the new ones are read.
    pub(super) lacks: &'static str,
    pub(super) rule: fn(Phase) -> Rule,
}

impl Kind {
    /// A statement about `t`, about this table.
    pub(super) fn named(&self, sql: &str) -> String {
        let mut named = String::new();
        for word in sql.split_inclusive(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_') {
            match word.strip_prefix('t').filter(|rest| {
                rest.len() <= 1 && !rest.starts_with(|it: char| it.is_ascii_alphanumeric())
            }) {
                Some(rest) => named.push_str(&format!("{}{rest}", self.table)),
                None => named.push_str(word),
            }
        }
        named
    }
}

/// `moved` and `n` go to another table. One row has no half there, and NULLs without.
pub(super) const SPLIT: Kind = Kind {
    table: "things",
    old: "
        CREATE TABLE things (id int PRIMARY KEY, kept text, moved text, n int);
        CREATE TABLE posts (id int PRIMARY KEY, t_id int, title text);",
    rows: "
        TRUNCATE things, posts CASCADE;
        INSERT INTO things SELECT g, 'k' || g, CASE WHEN g <> 3 THEN 'm' || g END, CASE WHEN g <> 3 THEN 7 - g END
            FROM generate_series(1, 6) g;
        INSERT INTO posts SELECT g, g, 'p' || g FROM generate_series(1, 5) g;",
    new: "
        CREATE TABLE halves (thing int PRIMARY KEY REFERENCES things (id) ON DELETE CASCADE ON UPDATE CASCADE,
            moved text, n int);",
    new_rows: "INSERT INTO halves SELECT id, moved, n FROM things WHERE id <> 3;",
    lacks: "",
    rule: split,
};

fn split(phase: Phase) -> Rule {
    let one = |name: &str| OneOrMore::One(name.to_owned());
    let moved = ["moved", "n"].map(|it| (it.to_owned(), it.to_owned()));
    let split = SplitTable {
        table: "things".to_owned(),
        into: "halves".to_owned(),
        key: KeyPair { from: one("id"), to: one("thing") },
        columns: moved.into_iter().collect(),
        positions: BTreeMap::new(),
        constraints: BTreeMap::new(),
    };
    Rule { name: "move".to_owned(), change: Change::SplitTable(split), phase }
}

/// All of it goes to a table that it shares with another one. One row was not copied back to the old table.
pub(super) const MERGE: Kind = Kind {
    table: "mail",
    old: "
        CREATE TABLE mail (id int PRIMARY KEY, kept text, moved text, n int);
        CREATE TABLE push (id int PRIMARY KEY, kept text);
        CREATE TABLE posts (id int PRIMARY KEY, t_id int, title text);",
    rows: "
        TRUNCATE mail, push, posts;
        INSERT INTO mail SELECT g, 'k' || g, CASE WHEN g <> 3 THEN 'm' || g END, CASE WHEN g <> 3 THEN 7 - g END
            FROM generate_series(1, 6) g;
        INSERT INTO push SELECT g, 'q' || g FROM generate_series(4, 9) g;
        INSERT INTO posts SELECT g, g, 'p' || g FROM generate_series(1, 5) g;",
    new: "
        CREATE TABLE prefs (id int PRIMARY KEY, kept text, moved text, n int, push_kept text,
            has_mail boolean NOT NULL DEFAULT false, has_push boolean NOT NULL DEFAULT false);",
    new_rows: "
        TRUNCATE prefs;
        INSERT INTO prefs (id, kept, moved, n, has_mail) SELECT id, kept, moved, n, true FROM mail;
        INSERT INTO prefs (id, push_kept, has_push) SELECT id, kept, true FROM push
            ON CONFLICT (id) DO UPDATE SET push_kept = excluded.push_kept, has_push = true;",
    lacks: "DELETE FROM mail WHERE id = 2",
    rule: merge,
};

fn merge(phase: Phase) -> Rule {
    let source = |table: &str, columns: &[(&str, &str)]| MergeSource {
        table: table.to_owned(),
        key: None,
        columns: columns.iter().map(|(own, its)| ((*own).to_owned(), (*its).to_owned())).collect(),
        present: Some(format!("has_{table}")),
        positions: BTreeMap::new(),
        constraints: BTreeMap::new(),
    };
    let merge = MergeTables {
        into: "prefs".to_owned(),
        key: OneOrMore::One("id".to_owned()),
        sources: vec![
            source("mail", &[("kept", "kept"), ("moved", "moved"), ("n", "n")]),
            source("push", &[("kept", "push_kept")]),
        ],
    };
    Rule { name: "merge".to_owned(), change: Change::MergeTables(merge), phase }
}
