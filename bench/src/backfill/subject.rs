//! What is copied: a column, the half of a split table that moves, or the rows of tables that are merged; and how
//! each is usually copied by hand.

use super::ways::Way;

/// What kind of migration copies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// A column of a table, renamed.
    Column,
    /// Five columns of a table, which move to one of their own.
    Split,
    /// Two tables of one key, the second with half as many rows, which become one.
    Merge,
}

/// What there is before, and what may be sent to copy it.
pub(super) struct Subject {
    /// The tables without their indexes, and their rows; `{rows}` stands for how many.
    pub(super) tables: &'static str,
    pub(super) indexes: &'static str,
    /// What is vacuumed then.
    pub(super) old: &'static str,
    /// Where copies go.
    pub(super) new: &'static str,
    pub(super) migration: &'static str,
    /// Its keys in the file, but for its name and phase.
    pub(super) rule: &'static str,
    /// Copies the keys above `$1` up to `$2`.
    pub(super) range: &'static str,
    /// Each copies up to 5,000 rows that nobody has copied yet.
    pub(super) batches: &'static [&'static str],
    /// The same from a worker, of up to `$1` rows.
    pub(super) worker: Option<&'static str>,
    /// Copies everything.
    pub(super) single: &'static str,
    /// Counts the rows that have not been copied.
    pub(super) missed: &'static str,
}

impl Kind {
    pub(super) fn subject(self) -> &'static Subject {
        match self {
            Self::Column => &COLUMN,
            Self::Split => &SPLIT,
            Self::Merge => &MERGE,
        }
    }
}

impl Subject {
    /// The ways to copy it.
    pub(super) fn ways(&self) -> Vec<Way> {
        let is_there = |way: &Way| *way != Way::Worker || self.worker.is_some();
        Way::ALL.into_iter().filter(is_there).collect()
    }
}

/// Forty rows a page, packed: the worst case for updates that want to stay on their page. Names and addresses come in
/// no order, as people do.
const COLUMN: Subject = Subject {
    tables: "
        CREATE TABLE users (
            id bigint NOT NULL, username varchar(50) NOT NULL, email text NOT NULL, bio text,
            score int NOT NULL, created_at timestamptz NOT NULL, handle varchar(50));
        INSERT INTO users SELECT g, left(md5(g::text), 8) || g, left(md5('m' || g), 10) || '@example.com',
            repeat('x', 60), g % 100, timestamptz '2020-1-1' + g * interval '1 s'
        FROM generate_series(1, {rows}) g",
    indexes: "
        ALTER TABLE users ADD PRIMARY KEY (id);
        CREATE INDEX ON users (username);
        CREATE INDEX ON users (email);
        CREATE INDEX ON users (created_at);",
    old: "users",
    new: "users",
    migration: "rename-username",
    rule: "kind = \"rename-column\"\ntable = \"users\"\nfrom = \"username\"\nto = \"handle\"\n",
    range: "
        UPDATE users SET handle = username
        WHERE id > $1 AND id <= $2 AND handle IS DISTINCT FROM username",
    batches: &["
        UPDATE users SET handle = username WHERE id IN (
            SELECT id FROM users WHERE handle IS NULL LIMIT 5000)"],
    worker: Some(
        "
        WITH to_update AS (
            SELECT id FROM users WHERE handle IS NULL LIMIT $1)
        UPDATE users SET handle = username
        WHERE id IN (SELECT id FROM to_update)",
    ),
    single: "UPDATE users SET handle = username",
    missed: "SELECT count(*) FROM users WHERE handle IS DISTINCT FROM username",
};

const SPLIT: Subject = Subject {
    tables: "
        CREATE TABLE users (
            id bigint NOT NULL, email text NOT NULL, password_hash text NOT NULL, first_name varchar(100),
            last_name varchar(100), bio text, avatar_url text, settings jsonb);
        INSERT INTO users SELECT g, left(md5(g::text), 10) || '@example.com', md5('p' || g), left(md5('f' || g), 7),
            left(md5('l' || g), 9), repeat('x', 60), 'https://example.com/' || g, '{\"theme\": \"dark\"}'
        FROM generate_series(1, {rows}) g",
    indexes: "
        ALTER TABLE users ADD PRIMARY KEY (id);
        CREATE INDEX ON users (email);
        CREATE TABLE user_profiles (
            user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
            first_name varchar(100), last_name varchar(100), bio text, avatar_url text, settings jsonb);",
    old: "users",
    new: "user_profiles",
    migration: "split-profiles",
    rule: "kind = \"split-table\"\ntable = \"users\"\ninto = \"user_profiles\"\n\
           key = { from = \"id\", to = \"user_id\" }\n\
           columns = [\"first_name\", \"last_name\", \"bio\", \"avatar_url\", \"settings\"]\n",
    range: "
        INSERT INTO user_profiles (user_id, first_name, last_name, bio, avatar_url, settings)
        SELECT id, first_name, last_name, bio, avatar_url, settings FROM users WHERE id > $1 AND id <= $2
        ON CONFLICT (user_id) DO NOTHING",
    batches: &["
        INSERT INTO user_profiles (user_id, first_name, last_name, bio, avatar_url, settings)
        SELECT id, first_name, last_name, bio, avatar_url, settings FROM users
        WHERE NOT EXISTS (SELECT FROM user_profiles WHERE user_id = id) LIMIT 5000
        ON CONFLICT (user_id) DO NOTHING"],
    worker: None,
    single: "
        INSERT INTO user_profiles (user_id, first_name, last_name, bio, avatar_url, settings)
        SELECT id, first_name, last_name, bio, avatar_url, settings FROM users",
    missed: "
        SELECT count(*) FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE (u.id, u.first_name, u.last_name, u.bio, u.avatar_url, u.settings)
            IS DISTINCT FROM (p.user_id, p.first_name, p.last_name, p.bio, p.avatar_url, p.settings)",
};

const MERGE: Subject = Subject {
    tables: "
        CREATE TABLE email_preferences (
            user_id bigint NOT NULL, newsletter boolean DEFAULT true, marketing boolean DEFAULT false,
            digest text DEFAULT 'weekly');
        CREATE TABLE notification_preferences (
            user_id bigint NOT NULL, push_enabled boolean DEFAULT true, sms_enabled boolean DEFAULT false,
            in_app boolean DEFAULT true);
        INSERT INTO email_preferences SELECT g, g % 3 = 0, g % 5 = 0, left(md5(g::text), 8)
        FROM generate_series(1, {rows}) g;
        INSERT INTO notification_preferences SELECT g, g % 4 = 0, g % 7 = 0, g % 6 = 0
        FROM generate_series(1, {rows}) g WHERE g % 2 = 0",
    indexes: "
        ALTER TABLE email_preferences ADD PRIMARY KEY (user_id);
        ALTER TABLE notification_preferences ADD PRIMARY KEY (user_id);
        CREATE TABLE user_preferences (
            user_id bigint PRIMARY KEY, newsletter boolean DEFAULT true, marketing boolean DEFAULT false,
            digest text DEFAULT 'weekly', has_email boolean NOT NULL DEFAULT false,
            push_enabled boolean DEFAULT true, sms_enabled boolean DEFAULT false, in_app boolean DEFAULT true,
            has_notification boolean NOT NULL DEFAULT false);",
    old: "email_preferences, notification_preferences",
    new: "user_preferences",
    migration: "merge-preferences",
    rule: "kind = \"merge-tables\"\ninto = \"user_preferences\"\nkey = \"user_id\"\n\
           source = [\n\
           { table = \"email_preferences\", columns = [\"newsletter\", \"marketing\", \"digest\"], \
           present = \"has_email\" },\n\
           { table = \"notification_preferences\", columns = [\"push_enabled\", \"sms_enabled\", \"in_app\"], \
           present = \"has_notification\" }]\n",
    range: "
        INSERT INTO user_preferences
        SELECT user_id, coalesce(newsletter, true), coalesce(marketing, false), coalesce(digest, 'weekly'),
            e IS NOT NULL, coalesce(push_enabled, true), coalesce(sms_enabled, false), coalesce(in_app, true),
            n IS NOT NULL
        FROM (SELECT * FROM email_preferences WHERE user_id > $1 AND user_id <= $2) e
            FULL JOIN (SELECT * FROM notification_preferences WHERE user_id > $1 AND user_id <= $2) n
            USING (user_id)
        ON CONFLICT (user_id) DO NOTHING",
    batches: &["
        INSERT INTO user_preferences
        SELECT user_id, newsletter, marketing, digest, true, coalesce(push_enabled, true),
            coalesce(sms_enabled, false), coalesce(in_app, true), n IS NOT NULL
        FROM email_preferences LEFT JOIN notification_preferences n USING (user_id)
        WHERE NOT EXISTS (SELECT FROM user_preferences p WHERE p.user_id = email_preferences.user_id) LIMIT 5000
        ON CONFLICT (user_id) DO NOTHING"],
    worker: None,
    single: "
        INSERT INTO user_preferences
        SELECT user_id, newsletter, marketing, digest, true, coalesce(push_enabled, true),
            coalesce(sms_enabled, false), coalesce(in_app, true), n IS NOT NULL
        FROM email_preferences LEFT JOIN notification_preferences n USING (user_id)",
    missed: "
        SELECT count(*) FROM email_preferences e LEFT JOIN notification_preferences n USING (user_id)
            LEFT JOIN user_preferences p USING (user_id)
        WHERE (e.newsletter, e.marketing, e.digest, true, n IS NOT NULL)
                IS DISTINCT FROM (p.newsletter, p.marketing, p.digest, p.has_email, p.has_notification)
            OR (n IS NOT NULL AND (n.push_enabled, n.sms_enabled, n.in_app)
                IS DISTINCT FROM (p.push_enabled, p.sms_enabled, p.in_app))",
};
