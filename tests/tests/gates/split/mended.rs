//! A database with a fault of every kind: all are found, and after their remedies none is.

use segue::gate::About;
use segue_tests::server::Database;

use super::profiles;
use crate::mended::all_mended;

/// Everything about this table is in the way of some step.
const BAD: &str = "CREATE TABLE users (
        id int PRIMARY KEY, email text, first_name text NOT NULL, bio text DEFAULT 'none' CHECK (bio <> ''), score int,
        CHECK (score > 0 OR bio <> 'x'), UNIQUE (score, bio));
    CREATE TABLE user_profiles (
        user_id int, bio text CHECK (bio <> 'odd') UNIQUE, made int, PRIMARY KEY (user_id) DEFERRABLE);
    INSERT INTO users SELECT g, 'mail' || g, 'user' || g, 'bio' || g, g FROM generate_series(1, 50) g;
    CREATE INDEX users_bio_idx ON users (lower(bio));
    CREATE STATISTICS together ON first_name, bio FROM users;
    ANALYZE users;
    GRANT SELECT (bio), INSERT (id, email) ON users TO app;
    CREATE VIEW shown AS SELECT id, first_name FROM users ORDER BY first_name;
    CREATE MATERIALIZED VIEW copies AS SELECT bio FROM users;
    ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(bio)) STORED;
    CREATE PUBLICATION some_users FOR TABLE users (id, bio) WHERE (id > 0);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER note AFTER UPDATE OF bio ON users FOR EACH ROW EXECUTE FUNCTION note();
    CREATE RULE moves AS ON UPDATE TO user_profiles DO ALSO NOTHING;
    CREATE SEQUENCE numbers OWNED BY users.bio;";

#[test]
fn the_remedies_open_every_gate_of_a_bad_database() {
    let database = Database::create("gates_split_bad", BAD);
    let places = "positions = { first_name = 3, bio = 4 }\n";
    let found = all_mended(&database, |phase| profiles(phase) + places);
    let wanted = [
        About::MissingColumn,
        About::RowsDiffer,
        About::MissingIndex,
        About::UniqueIndex,
        About::MissingConstraint,
        About::Definition,
        About::NotNull,
        About::Default,
        About::Statistics,
        About::NotAnalyzed,
        About::Privilege,
        About::ForeignKey,
        About::View,
        About::MaterializedView,
        About::GeneratedColumn,
        About::Publication,
        About::Trigger,
        About::Rule,
        About::Dependent,
    ];
    assert_eq!(found, wanted.map(About::code).into());
    let mut wire = database.connect();
    assert_eq!(wire.rows("SELECT first_name FROM shown WHERE id = 7"), ["user7"]);
    wire.script("ALTER TABLE users DROP COLUMN first_name, DROP COLUMN bio");
    assert_eq!(wire.rows("SELECT first_name FROM shown WHERE id = 7"), ["user7"]);
}
