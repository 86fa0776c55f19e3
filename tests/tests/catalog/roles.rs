//! Who else looks at the schema: a role without privileges, sessions with tables and schemas that
//! are called like catalogs.

use rewrite_rules::{Phase, Shape};
use segue_tests::wire::Login;

use super::queries::read;
use super::stages::{STAGES, Stage, State, known};

const COLUMNS: &str =
    "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum = 2";

#[test]
fn a_role_without_privileges_may_ask_what_it_might_before() {
    for (phase, state) in STAGES {
        let stage = Stage::enter(phase, state);
        let plain = known(Shape::Old);
        let mut before = Login::direct(segue_tests::server::cluster(), &plain.name);
        before.parameters = vec![("user".into(), "app".into()), ("database".into(), plain.name)];
        let mut before = before.connect();
        let mut now = Login::at(stage.relay.port, "app", &stage.database.name).connect();
        for query in read() {
            let (before, now) = (before.simple(&query.sql), now.simple(&query.sql));
            assert_eq!(before.code(), now.code(), "{} [{}]", query.title, stage.name);
            assert_eq!(
                before.rows().len(),
                now.rows().len(),
                "{} [{}]\n{before:?}\n{now:?}",
                query.title,
                stage.name
            );
        }
        stage.relay.stop();
    }
}

#[test]
fn a_relation_that_is_called_like_a_catalog_is_not_one() {
    let stage = Stage::enter(Phase::Contract, State::Dropped);
    let mut wire = stage.connect(Shape::Old);
    assert_eq!(wire.rows(COLUMNS), ["username"]);
    wire.script("CREATE SCHEMA app");
    wire.script("CREATE TABLE app.pg_attribute (attrelid oid, attnum int2, attname text)");
    wire.script("INSERT INTO app.pg_attribute VALUES ('users'::regclass, 2, 'theirs')");
    // pg_catalog comes first unless it is named.
    wire.script("SET search_path = app, public");
    assert_eq!(wire.rows(COLUMNS), ["username"]);
    wire.script("SET search_path = app, pg_catalog, public");
    // The relay's catalog does not know of the new table: it is the server's word that counts.
    let qualified = COLUMNS.replace("pg_attribute", "app.pg_attribute");
    assert_eq!(wire.rows(&qualified), ["theirs"]);
    wire.script("SET search_path = public");
    wire.script("CREATE TEMP TABLE pg_attribute AS SELECT * FROM app.pg_attribute");
    assert_eq!(wire.rows(COLUMNS), ["theirs"]);
    let qualified = COLUMNS.replace("pg_attribute", "pg_catalog.pg_attribute");
    assert_eq!(wire.rows(&qualified), ["username"]);
    wire.script("DROP TABLE pg_temp.pg_attribute");
    assert_eq!(wire.rows(COLUMNS), ["username"]);
    // A temporary table that a view's own query would find.
    wire.script("CREATE TEMP TABLE pg_class (oid oid); CREATE TEMP TABLE pg_namespace (oid oid)");
    let columns = "SELECT column_name FROM information_schema.columns \
        WHERE table_schema = 'public' AND table_name = 'users' ORDER BY ordinal_position";
    assert_eq!(wire.rows(columns), ["id", "username", "email"]);
    stage.relay.stop();
}
