//! What a proxy sends for the statements of clients while tables are merged, written by hand: each writes both
//! sides.

use super::Case;

/// What a proxy sends for the statements of clients, for keys that are numbers.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// The key of the mail.
    key: &'static str,
    /// The key of the push.
    of: &'static str,
    flags: [bool; 2],
}

impl Sent {
    /// For a case whose key is one number, and `k` in the new table.
    ///
    /// # Panics
    /// If it is another one.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        let [mail, push, new] = case.keys;
        assert_eq!(new, ["k"], "another key");
        let key = |names: &[&'static str]| *names.first().expect("a key");
        Self { key: key(mail), of: key(push), flags: case.present.map(|it| it.is_some()) }
    }

    fn flagged(&self, text: &'static str) -> &'static str {
        match self.flags {
            [true, _] => text,
            [false, _] => "",
        }
    }

    /// In dual-write: what a statement on the mail has written goes to the new table.
    #[must_use]
    pub fn carried(&self, statement: &str) -> String {
        format!(
            "WITH w AS ({statement} RETURNING *) INSERT INTO prefs (k, news, \"its about\"{}) \
             SELECT {}, news, about{} FROM w ON CONFLICT (k) DO UPDATE SET news = excluded.news, \
             \"its about\" = excluded.\"its about\"{}",
            self.flagged(", has_mail"),
            self.key,
            self.flagged(", true"),
            self.flagged(", has_mail = excluded.has_mail"),
        )
    }

    /// In dual-write: a DELETE of the mail.
    #[must_use]
    pub fn deleted(&self, condition: &str) -> String {
        format!(
            "WITH w AS (DELETE FROM \"the mail\" WHERE {condition} RETURNING {0}) \
             INSERT INTO prefs (k) SELECT {0} FROM w ON CONFLICT (k) DO UPDATE \
             SET news = DEFAULT, \"its about\" = DEFAULT{1}",
            self.key,
            self.flagged(", has_mail = DEFAULT"),
        )
    }

    /// In dual-write: a row of the mail gets another key.
    #[must_use]
    pub fn moved(&self) -> String {
        let Self { key, .. } = self;
        format!(
            "WITH o AS (SELECT {key} AS was FROM \"the mail\" WHERE {key} = $ AND {key} % 7 = 0 FOR UPDATE), \
             w AS (UPDATE \"the mail\" AS t SET {key} = -$n FROM o WHERE t.{key} = o.was RETURNING t.*, o.was), \
             r AS (INSERT INTO prefs (k) SELECT was FROM w ON CONFLICT (k) DO UPDATE \
                   SET news = DEFAULT, \"its about\" = DEFAULT{}) \
             INSERT INTO prefs (k, news, \"its about\"{}) SELECT {key}, news, about{} FROM w",
            self.flagged(", has_mail = DEFAULT"),
            self.flagged(", has_mail"),
            self.flagged(", true"),
        )
    }

    /// In switch-reads: what a statement has written to the new table goes to the mail.
    #[must_use]
    pub fn returned(&self, statement: &str) -> String {
        format!(
            "WITH w AS ({statement} RETURNING *) INSERT INTO \"the mail\" ({0}, news, about) \
             SELECT k, news, \"its about\" FROM w \
             ON CONFLICT ({0}) DO UPDATE SET news = excluded.news, about = excluded.about",
            self.key,
        )
    }

    /// In switch-reads: an UPDATE of the mail, where clients see a row of it.
    #[must_use]
    pub fn returned_update(&self, set: &str, at: &str) -> String {
        let seen = self.flagged(" AND has_mail");
        self.returned(&format!("UPDATE prefs SET \"its about\" = {set} WHERE k = {at}{seen}"))
    }

    /// In switch-reads: an INSERT into the mail.
    #[must_use]
    pub fn returned_insert(&self, at: &str, about: &str) -> String {
        self.returned(&format!(
            "INSERT INTO prefs (k, news, \"its about\"{}) VALUES ({at}, true, '{about}'{}) \
             ON CONFLICT (k) DO UPDATE SET news = excluded.news, \"its about\" = excluded.\"its about\"{}",
            self.flagged(", has_mail"),
            self.flagged(", true"),
            self.flagged(", has_mail = true"),
        ))
    }

    /// In switch-reads: a DELETE of the mail.
    #[must_use]
    pub fn returned_delete(&self, condition: &str) -> String {
        format!(
            "WITH w AS (UPDATE prefs SET news = DEFAULT, \"its about\" = DEFAULT{} WHERE {condition}{} \
             RETURNING k) DELETE FROM \"the mail\" AS t USING w WHERE t.{} = w.k",
            self.flagged(", has_mail = DEFAULT"),
            self.flagged(" AND has_mail"),
            self.key,
        )
    }

    /// In dual-write: what a statement on the push has written goes to the new table.
    #[must_use]
    pub fn carried_push(&self, statement: &str) -> String {
        let [_, is_flagged] = self.flags;
        let flagged = |text: &'static str| if is_flagged { text } else { "" };
        format!(
            "WITH w AS ({statement} RETURNING *) INSERT INTO prefs (k, n, \"in\", at{}) \
             SELECT {}, n, \"in\", at{} FROM w ON CONFLICT (k) DO UPDATE SET n = excluded.n, \
             \"in\" = excluded.\"in\", at = excluded.at{}",
            flagged(", has_push"),
            self.of,
            flagged(", true"),
            flagged(", has_push = true"),
        )
    }
}
