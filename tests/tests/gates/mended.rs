//! A database with a fault of every kind: all are found, and after their remedies none is.

use std::collections::BTreeSet;

use rewrite_rules::Phase;
use segue::gate::{About, Finding, is_open};
use segue_tests::server::Database;

use super::{check, mend, told, username};

/// Takes every step forward in thought, and mends what is in its way until nothing is. Gives the codes of all that
/// was found.
pub(crate) fn all_mended(
    database: &Database,
    migration: impl Fn(Phase) -> String,
) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let steps = Phase::TWO_SIDED.into_iter().zip(Phase::TWO_SIDED.into_iter().skip(1));
    for (from, to) in steps {
        // What one remedy makes possible another check may have to look at.
        for _ in 0..4 {
            let findings = check(database, &migration(from), to);
            found.extend(findings.iter().map(|finding| finding.about.code()));
            let closing = |it: &Finding| !is_open(std::slice::from_ref(it));
            mend(database, &findings.into_iter().filter(closing).collect::<Vec<_>>());
        }
        let left = check(database, &migration(from), to);
        assert!(is_open(&left), "{from} -> {to}\n{}", told(&left).join("\n"));
    }
    found
}

/// Everything about this table is in the way of some step.
const BAD: &str = "CREATE TABLE names (name varchar(50) PRIMARY KEY);
    CREATE TABLE users (
        id bigint UNIQUE, username varchar(50) DEFAULT 'nobody' CHECK (username <> ''), email text,
        PRIMARY KEY (username), FOREIGN KEY (username) REFERENCES names);
    INSERT INTO names SELECT 'user' || g FROM generate_series(1, 50) g;
    INSERT INTO users SELECT g, 'user' || g, 'mail' || g FROM generate_series(1, 50) g;
    CREATE INDEX users_username_idx ON users (lower(username));
    CREATE STATISTICS together ON username, email FROM users;
    ANALYZE users;
    GRANT SELECT (username), INSERT (username) ON users TO app;
    CREATE VIEW shown AS SELECT id, username FROM users ORDER BY username;
    CREATE MATERIALIZED VIEW copies AS SELECT username FROM users;
    ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(username)) STORED;
    CREATE POLICY own ON users USING (username = CURRENT_USER);
    CREATE PUBLICATION some_users FOR TABLE users (id, username) WHERE (username <> 'x');
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER note AFTER UPDATE OF username ON users FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TABLE inbox (name text);
    CREATE RULE moves AS ON INSERT TO inbox DO ALSO
        UPDATE users SET email = '' WHERE username = NEW.name;";

#[test]
fn the_remedies_open_every_gate_of_a_bad_database() {
    let database = Database::create("gates_bad", BAD);
    let found = all_mended(&database, username);
    let wanted = [
        About::MissingColumn,
        About::RowsDiffer,
        About::MissingIndex,
        About::MissingConstraint,
        About::NotNull,
        About::Default,
        About::Statistics,
        About::NotAnalyzed,
        About::Privilege,
        About::View,
        About::MaterializedView,
        About::GeneratedColumn,
        About::Policy,
        About::Publication,
        About::Trigger,
        About::Rule,
    ];
    assert_eq!(found, wanted.map(About::code).into());
    let mut wire = database.connect();
    assert_eq!(wire.rows("SELECT username FROM shown WHERE id = 7"), ["user7"]);
    wire.script("ALTER TABLE users DROP COLUMN username");
}
