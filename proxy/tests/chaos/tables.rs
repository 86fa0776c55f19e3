//! What is migrated, the statements by which clients of either shape write it, and what both sides hold.
//!
//! A row has two parts, each a text and a count. Where a table is split the second part moves; where two tables are merged
//! each part is a row of one of them; of a column that is renamed there is the first part alone.

use std::fmt;

use rewrite_rules::Phase;

use crate::random::Random;

/// The texts that a row holds. None at all: it is not there.
pub(crate) type Parts = [Option<String>; 2];

/// What is not there.
pub(crate) const NOTHING: Parts = [None, None];

/// Rows that were there before anybody came, and that nobody writes: the first and the last.
pub(crate) const PAST: [u64; 2] = [101, 2_100];

/// What all of them hold.
pub(crate) const OF_THE_PAST: &str = "past";

/// What becomes of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// A column is renamed.
    Column,
    /// Columns of `users` move to `profiles`.
    Split,
    /// `mail` and `push` become parts of `prefs`.
    Merge,
}

/// Which names a client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Old,
    New,
}

/// A statement, and the texts behind the key, which is `$1`; none at all: the key is written out.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) parameters: Option<Vec<Option<String>>>,
}

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Column => "a column",
            Self::Split => "a split",
            Self::Merge => "a merge",
        })
    }
}

impl Tables {
    /// How many kinds there are.
    pub(crate) const KINDS: u64 = 3;

    /// Each kind has its share of the seeds.
    pub(crate) fn of(seed: u64) -> Self {
        match seed % Self::KINDS {
            0 => Self::Column,
            1 => Self::Split,
            _ => Self::Merge,
        }
    }

    /// The tables of both sides, the old ones with the rows that all sessions count up and those of the past.
    pub(crate) fn ddl(self) -> String {
        let (tables, filled): (&str, &[&str]) = match self {
            Self::Column => (
                "CREATE TABLE users (id bigint PRIMARY KEY, username text, handle text, kept bigint);",
                &["users (id, username, kept)"],
            ),
            Self::Split => (
                "CREATE TABLE users (id bigint PRIMARY KEY, name text, kept bigint, bio text, n bigint);
                 CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
                                        bio text, n bigint);",
                &["users (id, name, kept, bio, n)"],
            ),
            Self::Merge => (
                "CREATE TABLE mail (id bigint PRIMARY KEY, name text, kept bigint);
                 CREATE TABLE push (id bigint PRIMARY KEY, bio text, n bigint);
                 CREATE TABLE prefs (id bigint PRIMARY KEY, name text, kept bigint, has_mail boolean NOT NULL DEFAULT false,
                                     bio text, n bigint, has_push boolean NOT NULL DEFAULT false);",
                &["mail (id, name, kept)", "push (id, bio, n)"],
            ),
        };
        let [first, last] = PAST;
        let insert = |table: &&str| {
            let part = |text: &str, count: &str| match table.matches(',').count() {
                2 => format!("{text}, {count}"),
                _ => format!("{text}, {count}, {text}, {count}"),
            };
            format!(
                "INSERT INTO {table} SELECT g, {} FROM generate_series(1, 4) g;
                 INSERT INTO {table} SELECT g, {} FROM generate_series({first}, {last}) g;",
                part("''", "0"),
                part(&format!("'{OF_THE_PAST}'"), "NULL")
            )
        };
        format!("{tables}{}ANALYZE;", filled.iter().map(insert).collect::<String>())
    }

    /// The keys of the migration, but for its name and phase.
    pub(crate) fn migration(self) -> [&'static str; 2] {
        match self {
            Self::Column => [
                "kind = \"rename-column\"\ntable = \"users\"\nfrom = \"username\"\nto = \"handle\"\n",
                "",
            ],
            Self::Split => [
                "kind = \"split-table\"\ntable = \"users\"\ninto = \"profiles\"\n\
                 key = { from = \"id\", to = \"user_id\" }\ncolumns = [\"bio\", \"n\"]\n",
                "",
            ],
            Self::Merge => [
                "kind = \"merge-tables\"\ninto = \"prefs\"\nkey = \"id\"\n",
                "[[migration.source]]\ntable = \"mail\"\ncolumns = [\"name\", \"kept\"]\npresent = \"has_mail\"\n\
                 [[migration.source]]\ntable = \"push\"\ncolumns = [\"bio\", \"n\"]\npresent = \"has_push\"\n",
            ],
        }
    }

    /// All rows as that side has them, or a client of that shape sees them: key, text and count of the first part, of the second.
    pub(crate) fn all(self, shape: Shape) -> &'static str {
        match (self, shape) {
            (Self::Column, Shape::Old) => {
                "SELECT id, username, kept, NULL::text, NULL::bigint FROM users"
            }
            (Self::Column, Shape::New) => {
                "SELECT id, handle, kept, NULL::text, NULL::bigint FROM users"
            }
            (Self::Split, Shape::Old) => "SELECT id, name, kept, bio, n FROM users",
            (Self::Split, Shape::New) => {
                "SELECT u.id, u.name, u.kept, p.bio, p.n FROM users u LEFT JOIN profiles p ON p.user_id = u.id"
            }
            (Self::Merge, Shape::Old) => {
                "SELECT coalesce(m.id, p.id), m.name, m.kept, p.bio, p.n FROM mail m FULL JOIN push p ON p.id = m.id"
            }
            (Self::Merge, Shape::New) => {
                "SELECT id, CASE WHEN has_mail THEN name END, CASE WHEN has_mail THEN kept END,
                        CASE WHEN has_push THEN bio END, CASE WHEN has_push THEN n END
                 FROM prefs WHERE has_mail OR has_push"
            }
        }
    }

    /// Whether what clients of the new shape write is not refused.
    pub(crate) fn takes_new_writes(self, phase: Phase) -> bool {
        match self {
            Self::Column => true,
            Self::Split | Self::Merge => phase >= Phase::DualWrite,
        }
    }

    /// One row's texts.
    pub(crate) fn look(self, shape: Shape) -> &'static str {
        match (self, shape) {
            (Self::Column, Shape::Old) => "SELECT username, NULL::text FROM users WHERE id = $1",
            (Self::Column, Shape::New) => "SELECT handle, NULL::text FROM users WHERE id = $1",
            (Self::Split, Shape::Old) => "SELECT name, bio FROM users WHERE id = $1",
            (Self::Split, Shape::New) => {
                "SELECT name, bio FROM users LEFT JOIN profiles ON user_id = id WHERE id = $1"
            }
            (Self::Merge, Shape::Old) => {
                "SELECT (SELECT name FROM mail WHERE id = $1), (SELECT bio FROM push WHERE id = $1)"
            }
            (Self::Merge, Shape::New) => "SELECT name, bio FROM prefs WHERE id = $1",
        }
    }

    /// Which part of a row that all sessions count up they count.
    pub(crate) fn counted(self, row: u64) -> usize {
        match self {
            Self::Column => 0,
            Self::Split | Self::Merge => usize::from(row.is_multiple_of(2)),
        }
    }

    /// Adds a dot and one to the part of a row that is counted.
    pub(crate) fn count(self, shape: Shape, row: u64) -> &'static str {
        match (self, shape, self.counted(row)) {
            (Self::Column, Shape::Old, _) => {
                "UPDATE users SET username = username || '.', kept = kept + 1 WHERE id = $1"
            }
            (Self::Column, Shape::New, _) => {
                "UPDATE users SET handle = handle || '.', kept = kept + 1 WHERE id = $1"
            }
            (Self::Split, _, 0) => {
                "UPDATE users SET name = name || '.', kept = kept + 1 WHERE id = $1"
            }
            (Self::Split, Shape::Old, _) => {
                "UPDATE users SET bio = bio || '.', n = n + 1 WHERE id = $1"
            }
            (Self::Split, Shape::New, _) => {
                "UPDATE profiles SET bio = bio || '.', n = n + 1 WHERE user_id = $1"
            }
            (Self::Merge, Shape::Old, 0) => {
                "UPDATE mail SET name = name || '.', kept = kept + 1 WHERE id = $1"
            }
            (Self::Merge, Shape::New, 0) => {
                "UPDATE prefs SET name = name || '.', kept = kept + 1 WHERE id = $1"
            }
            (Self::Merge, Shape::Old, _) => {
                "UPDATE push SET bio = bio || '.', n = n + 1 WHERE id = $1"
            }
            (Self::Merge, Shape::New, _) => {
                "UPDATE prefs SET bio = bio || '.', n = n + 1 WHERE id = $1"
            }
        }
    }

    /// What one statement makes of a row: some part of it is gone, or has a text made of `fresh`.
    pub(crate) fn next(
        self,
        shape: Shape,
        before: &Parts,
        fresh: &str,
        random: &mut Random,
    ) -> Parts {
        let [first, second] = before.clone();
        let is_there = *before != NOTHING;
        let goes = random.percent(20);
        let (one, other) = (Some(fresh.to_owned()), Some(format!("{fresh}+")));
        let chosen = random.below(3);
        match (self, shape) {
            (Self::Column, _) if is_there && goes => NOTHING,
            (Self::Column, _) => [one, None],
            (Self::Split, _) if is_there && goes && chosen > 0 => NOTHING,
            // The other half is NULL, or not there.
            (Self::Split, _) if goes || !is_there && shape == Shape::New => {
                [if second.is_some() { first } else { one }, None]
            }
            (Self::Merge, Shape::Old) => match chosen {
                0 if first.is_some() && goes => [None, second],
                0 => [one, second],
                _ if second.is_some() && goes => [first, None],
                _ => [first, other],
            },
            (Self::Merge, Shape::New) if is_there && goes => NOTHING,
            // Two tables take two statements.
            (Self::Split, Shape::New) if chosen == 0 => [one, second],
            (Self::Split, Shape::New) => [first, other],
            (Self::Split, Shape::Old) | (Self::Merge, Shape::New) => match chosen {
                _ if !is_there => [one, other],
                0 => [one, second],
                1 => [first, other],
                _ => [one, other],
            },
        }
    }

    /// The statement that makes that of a row, and says that it has written one.
    pub(crate) fn set(
        self,
        shape: Shape,
        id: i64,
        before: &Parts,
        after: &Parts,
        upserts: bool,
    ) -> Statement {
        let place = self.place(shape, before, after);
        let Place { table, key, columns, row, others } = &place;
        let was: Vec<&Option<String>> =
            columns.iter().filter_map(|(at, _)| before.get(*at)).collect();
        let is: Vec<&Option<String>> =
            columns.iter().filter_map(|(at, _)| after.get(*at)).collect();
        let goes = *row && *after == NOTHING || !*row && is.iter().all(|it| it.is_none());
        if goes {
            let sql = format!("DELETE FROM {table} WHERE {key} = $1");
            return Statement { sql, parameters: Some(Vec::new()) };
        }
        let is_new = if *row { *before == NOTHING } else { was.iter().all(|it| it.is_none()) };
        let changed = |&&(at, _): &&(usize, &str)| is_new || before.get(at) != after.get(at);
        let changed = columns.iter().filter(changed).map(|(at, name)| (*at, *name));
        if is_new || upserts {
            let names: String = columns.iter().map(|(_, name)| format!(", {name}")).collect();
            let values: String = (2..).take(is.len()).map(|at| format!(", ${at}")).collect();
            let flags: String = others.iter().map(|name| format!(", {name}")).collect();
            let told: String = others.iter().map(|_| ", true").collect();
            let assigned: Vec<String> =
                changed.map(|(_, name)| format!("{name} = EXCLUDED.{name}")).collect();
            // Whether a half is there nobody knows: one of NULLs is as good as none.
            let may_be_there = upserts || table == &"profiles";
            let conflict = match may_be_there {
                true => format!(" ON CONFLICT ({key}) DO UPDATE SET {}", assigned.join(", ")),
                false => String::new(),
            };
            let sql = format!(
                "INSERT INTO {table} ({key}{names}{flags}) VALUES ($1{values}{told}){conflict}"
            );
            return Statement { sql, parameters: Some(is.into_iter().cloned().collect()) };
        }
        let literal = |at: usize| match after.get(at).cloned().flatten() {
            Some(text) => format!("'{text}'"),
            None => "NULL".to_owned(),
        };
        let assigned: Vec<String> =
            changed.map(|(at, name)| format!("{name} = {}", literal(at))).collect();
        let sql = format!("UPDATE {table} SET {} WHERE {key} = {id}", assigned.join(", "));
        Statement { sql, parameters: None }
    }

    /// Where a client of that shape writes what is another one afterwards.
    fn place(self, shape: Shape, before: &Parts, after: &Parts) -> Place {
        let [first, second] = [0, 1].map(|at| before.get(at) != after.get(at));
        let of = |table, columns: &[(usize, &'static str)]| Place {
            table,
            key: "id",
            columns: columns.to_vec(),
            row: true,
            others: &[],
        };
        match (self, shape) {
            (Self::Column, Shape::Old) => of("users", &[(0, "username")]),
            (Self::Column, Shape::New) => of("users", &[(0, "handle")]),
            (Self::Split, Shape::Old) => of("users", &[(0, "name"), (1, "bio")]),
            (Self::Split, Shape::New) if first || !second => of("users", &[(0, "name")]),
            (Self::Split, Shape::New) => {
                Place { key: "user_id", row: false, ..of("profiles", &[(1, "bio")]) }
            }
            (Self::Merge, Shape::Old) if first => {
                Place { row: false, ..of("mail", &[(0, "name")]) }
            }
            (Self::Merge, Shape::Old) => Place { row: false, ..of("push", &[(1, "bio")]) },
            (Self::Merge, Shape::New) => Place {
                others: &["has_mail", "has_push"],
                ..of("prefs", &[(0, "name"), (1, "bio")])
            },
        }
    }
}

/// A table, as one statement sees it.
struct Place {
    table: &'static str,
    key: &'static str,
    /// Each with the part that it holds.
    columns: Vec<(usize, &'static str)>,
    /// Whether its rows are there as soon as any part is; otherwise each is a part.
    row: bool,
    /// Columns that are true of a row that is there.
    others: &'static [&'static str],
}
