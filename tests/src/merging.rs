//! Two tables that become parts of one: what backfills and verifications of a merge are tried on, and what all
//! three tables should hold, as plain SQL says it.

mod sent;

use rewrite_rules::rule::{Change, MergeSource, MergeTables, OneOrMore};

pub use sent::Sent;

/// Rows are made of the numbers from 1 to this: every second is one of the mail, every third one of the push.
pub const ROWS: u64 = 3_000;

/// How the tables are tied together.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name, as a part of that of a database.
    pub about: &'static str,
    /// Types of the key's columns.
    pub types: &'static [&'static str],
    /// Their names in the mail, the push and the new table, as SQL writes them.
    pub keys: [&'static [&'static str]; 3],
    /// Their order in the primary keys.
    pub primary: [&'static str; 3],
    /// The key's values, made of `g`.
    pub values: &'static str,
    /// The columns that tell whether there is a row of the mail, and of the push.
    pub present: [Option<&'static str>; 2],
}

/// All of them.
pub const CASES: [Case; 4] = [
    Case {
        about: "told",
        types: &["bigint"],
        keys: [&["uid"], &["k"], &["k"]],
        primary: ["uid", "k", "k"],
        values: "g",
        present: [Some("has_mail"), Some("has_push")],
    },
    Case {
        about: "untold",
        types: &["int"],
        keys: [&["k"], &["of"], &["k"]],
        primary: ["k", "of", "k"],
        values: "1000 - g",
        present: [None, None],
    },
    Case {
        about: "composite",
        types: &["text", "int"],
        keys: [&["\"Tenant\"", "id"], &["t", "\"the \"\"id\""], &["tenant", "\"Id\""]],
        primary: ["\"Tenant\", id", "\"the \"\"id\", t", "\"Id\", tenant"],
        values: "'t' || g % 7, g",
        present: [Some("\"Has mail\""), None],
    },
    Case {
        about: "uuid",
        types: &["uuid"],
        keys: [&["k"], &["k"], &["k"]],
        primary: ["k", "k", "k"],
        values: "md5(g::text)::uuid",
        present: [None, Some("has_push")],
    },
];

/// Columns of the mail, beside its key, and of the new table.
const MAIL: [(&str, &str); 2] = [("news", "news"), ("about", "\"its about\"")];

/// The same of the push.
const PUSH: [(&str, &str); 3] = [("n", "n"), ("\"in\"", "\"in\""), ("at", "at")];

fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(name);
    inner.replace("\"\"", "\"")
}

fn list(items: &[&str], prefix: &str) -> String {
    items.iter().map(|item| format!("{prefix}{item}")).collect::<Vec<_>>().join(", ")
}

impl Case {
    /// The case of that name.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn of(about: &str) -> Self {
        *CASES.iter().find(|case| case.about == about).expect("a case")
    }

    /// The migration.
    #[must_use]
    pub fn change(&self) -> Change {
        let key = |names: &[&str]| OneOrMore::More(names.iter().map(|it| unquoted(it)).collect());
        let [mail, push, new] = self.keys;
        let source =
            |table: &str, its: &[&str], columns: &[(&str, &str)], present: Option<&str>| {
                let pairs = columns.iter().map(|(own, its)| (unquoted(own), unquoted(its)));
                MergeSource {
                    table: table.to_owned(),
                    key: (its != new).then(|| key(its)),
                    columns: pairs.collect(),
                    present: present.map(unquoted),
                    positions: std::collections::BTreeMap::new(),
                    constraints: std::collections::BTreeMap::new(),
                }
            };
        let [has_mail, has_push] = self.present;
        Change::MergeTables(MergeTables {
            into: "prefs".to_owned(),
            key: key(new),
            sources: vec![
                source("\"the mail\"", mail, &MAIL, has_mail),
                source("push", push, &PUSH, has_push),
            ],
        })
    }

    /// The three tables, empty.
    #[must_use]
    pub fn tables(&self) -> String {
        let key = |at: usize| {
            let names = self.keys.get(at).into_iter().copied().flatten();
            let columns = names.zip(self.types).map(|(name, of)| format!("{name} {of}, "));
            columns.collect::<String>()
        };
        let [mail, push, new] = self.primary;
        let present = self.present.iter().flatten();
        let present = present.map(|it| format!("{it} boolean NOT NULL DEFAULT false, "));
        format!(
            "CREATE TABLE \"the mail\" ({}news boolean NOT NULL, about text, PRIMARY KEY ({mail}));
             CREATE TABLE push ({}n int, \"in\" jsonb, at timestamptz, PRIMARY KEY ({push}));
             CREATE TABLE prefs ({}news boolean NOT NULL DEFAULT true, \"its about\" text DEFAULT 'none',
                 n int, \"in\" jsonb DEFAULT '{{}}', at timestamptz DEFAULT now(), made text DEFAULT 'later', {}
                 PRIMARY KEY ({new}));",
            key(0),
            key(1),
            key(2),
            present.collect::<String>(),
        )
    }

    /// With rows. Of each five keys, one has all of its new row already, one has its defaults there, one
    /// something else, and two have none; and some are in no old table.
    #[must_use]
    pub fn ddl(&self) -> String {
        let [mail, push, new] = self.keys.map(|names| list(names, ""));
        let flags = self.present.iter().flatten().map(|it| format!(", {it}"));
        let flags: String = flags.collect();
        let told = |values: [&str; 2]| {
            let told = self.present.iter().zip(values).filter(|(it, _)| it.is_some());
            told.map(|(_, value)| format!(", {value}")).collect::<String>()
        };
        let Self { values, .. } = self;
        let at = "timestamptz '2020-01-01' + g * interval '1 s'";
        let insert = format!(
            "INSERT INTO prefs ({new}, news, \"its about\", n, \"in\", at, made{flags}) SELECT {values}"
        );
        let all = ROWS + 50;
        format!(
            "{}
             INSERT INTO \"the mail\" ({mail}, news, about)
             SELECT {values}, g % 4 = 0, 'mail ' || g FROM generate_series(2, {ROWS}, 2) g;
             INSERT INTO push ({push}, n, \"in\", at)
             SELECT {values}, g, jsonb_build_object('n', g), {at} FROM generate_series(3, {ROWS}, 3) g;
             {insert}, g % 4 = 0, 'mail ' || g, g, jsonb_build_object('n', g), {at}, 'before'{}
             FROM generate_series(5, {all}, 5) g;
             {insert}, true, 'none', NULL, '{{}}', {at}, 'before'{} FROM generate_series(1, {all}, 5) g;
             {insert}, g % 4 = 0, 'stale', -g, '[]', {at}, 'before'{} FROM generate_series(2, {all}, 5) g;
             ANALYZE;",
            self.tables(),
            told(["true", "g % 3 = 0"]),
            told(["false", "false"]),
            told(["g % 2 = 0", "true"]),
        )
    }

    /// All rows, in one FROM: `a` of the mail, `b` of the push, `m` of the new table; `there` where there is one.
    #[must_use]
    pub fn all(&self) -> String {
        let [mail, push, new] = self.keys;
        let same = |left: &str, right: &dyn Fn(usize) -> String, names: &[&str]| {
            let pairs = names.iter().enumerate();
            let pairs = pairs.map(|(at, name)| format!("{left}.{name} = {}", right(at)));
            pairs.collect::<Vec<_>>().join(" AND ")
        };
        let of_mail = |at: usize| format!("a.{}", mail.get(at).unwrap_or(&""));
        let of_either = |at: usize| {
            let (a, b) = (mail.get(at).unwrap_or(&""), push.get(at).unwrap_or(&""));
            format!("coalesce(a.{a}, b.{b})")
        };
        format!(
            "(SELECT *, true AS there FROM \"the mail\") a FULL JOIN (SELECT *, true AS there FROM push) b ON {}
             FULL JOIN (SELECT *, true AS there FROM prefs) m ON {}",
            same("b", &of_mail, push),
            same("m", &of_either, new),
        )
    }

    /// The column of `m` that tells whether there is a row of that table.
    #[must_use]
    pub fn flag(&self, at: usize) -> Option<String> {
        self.present.get(at).copied().flatten().map(|it| format!("m.{it}"))
    }

    /// How many rows are not as they should be when the new table has all that the others say. Rows of
    /// defaults of no other table may be there, or not.
    #[must_use]
    pub fn wrong_in_new(&self, may_have_spare: bool) -> String {
        let flag =
            |at, is| self.flag(at).map_or_else(String::new, |it| format!(" AND {it} = {is}"));
        let mail = format!(
            "CASE WHEN a.there THEN (a.news, a.about) IS NOT DISTINCT FROM (m.news, m.\"its about\"){} \
             ELSE m.news AND m.\"its about\" = 'none'{} END",
            flag(0, true),
            flag(0, false)
        );
        let push = format!(
            "CASE WHEN b.there THEN (b.n, b.\"in\", b.at) IS NOT DISTINCT FROM (m.n, m.\"in\", m.at){} \
             ELSE m.n IS NULL AND m.\"in\" = '{{}}'{} END",
            flag(1, true),
            flag(1, false)
        );
        let spare = if may_have_spare { "true" } else { "(a.there OR b.there)" };
        format!(
            "SELECT count(*) FROM {} WHERE NOT coalesce(m.there AND ({mail}) AND ({push}) AND {spare}, false)",
            self.all()
        )
    }

    /// How many rows a backfill of the new table changes: those that are missing, which it makes of all parts of
    /// which it could tell afterwards that they have gone; parts that differ, rows that nobody has, and rows with something of a table that lacks them.
    #[must_use]
    pub fn changes_to_new(&self) -> String {
        let flag =
            |at, is| self.flag(at).map_or_else(String::new, |it| format!(" OR {it} <> {is}"));
        format!(
            "SELECT count(*) FILTER (WHERE a.there AND (m.there IS NULL
                     OR (a.news, a.about) IS DISTINCT FROM (m.news, m.\"its about\"){}))
                  + count(*) FILTER (WHERE b.there AND CASE WHEN m.there IS NULL THEN {}
                     ELSE (b.n, b.\"in\", b.at) IS DISTINCT FROM (m.n, m.\"in\", m.at){} END)
                  + count(*) FILTER (WHERE a.there IS NULL AND b.there IS NULL)
                  + count(*) FILTER (WHERE m.there AND a.there IS NULL AND b.there
                     AND (NOT m.news OR m.\"its about\" <> 'none'{}))
                  + count(*) FILTER (WHERE m.there AND b.there IS NULL AND a.there
                     AND (m.n IS NOT NULL OR m.\"in\" <> '{{}}'{}))
             FROM {}",
            flag(0, true),
            // What `at` is without a row is another value each time.
            if self.flag(1).is_some() { "a.there IS NULL" } else { "true" },
            flag(1, true),
            flag(0, false),
            flag(1, false),
            self.all()
        )
    }

    /// How many rows of the old tables are not those that clients see in the new one. Where nothing tells which
    /// there are, parts of defaults may be without one.
    #[must_use]
    pub fn wrong_in_old(&self, may_have_spare: bool) -> String {
        let seen = |at| self.flag(at).unwrap_or_else(|| "m.there".to_owned());
        let spare = |at, blank: &str| match may_have_spare && self.flag(at).is_none() {
            true => format!("AND NOT coalesce({blank}, false)"),
            false => String::new(),
        };
        format!(
            "SELECT count(*) FILTER (WHERE coalesce({}, false) <> (a.there IS NOT NULL) {}
                     OR a.there AND (a.news, a.about) IS DISTINCT FROM (m.news, m.\"its about\"))
                  + count(*) FILTER (WHERE coalesce({}, false) <> (b.there IS NOT NULL) {}
                     OR b.there AND (b.n, b.\"in\", b.at) IS DISTINCT FROM (m.n, m.\"in\", m.at))
             FROM {}",
            seen(0),
            spare(0, "m.news AND m.\"its about\" = 'none'"),
            seen(1),
            spare(1, "m.n IS NULL AND m.\"in\" = '{}'"),
            self.all()
        )
    }
}
