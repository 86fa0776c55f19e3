//! Nobody is refused for looking at the catalog: what cannot be shown otherwise is shown as it is.

use rewrite_rules::{Phase, Shape};

use super::stages::{Stage, State};

#[test]
fn what_names_only_catalogs_is_never_refused() {
    let stage = Stage::enter(Phase::Contract, State::Dropped);
    let mut wire = stage.connect(Shape::Old);
    for text in [
        // Not read, or not to be believed.
        "SELECT attname FROM pg_attribute WHERE attname = U&'\\0061' UESCAPE '\\' LIMIT 0",
        "SELECT count(*) FROM pg_attribute TABLESAMPLE SYSTEM (100)",
        "TABLE pg_attrdef",
        // Written to, copied, locked.
        "UPDATE pg_attribute SET attstattarget = attstattarget WHERE false",
        "DELETE FROM pg_description WHERE false",
        "COPY pg_attrdef TO STDOUT",
        "COPY (SELECT attname FROM pg_attribute LIMIT 0) TO STDOUT",
        // Kept for later.
        "CREATE VIEW seen AS SELECT attname FROM pg_attribute",
        "CREATE TABLE kept AS SELECT attname FROM pg_attribute",
        "PREPARE p AS SELECT attname FROM pg_attribute WHERE attnum = $1",
        "EXECUTE p(2)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT attname FROM pg_attribute",
        "EXPLAIN SELECT * FROM information_schema.columns",
        "ANALYZE pg_attribute",
        "DO $$ BEGIN PERFORM attname FROM pg_attribute; END $$",
        // Several statements, of which one changes what names mean.
        "SET search_path = public; SELECT attname FROM pg_attribute LIMIT 1",
    ] {
        let reply = wire.simple(text);
        let allowed = text.starts_with("UPDATE") || text.starts_with("DELETE");
        let code = reply.code();
        // The server itself may refuse that a catalog is changed.
        assert!(code.is_empty() || (allowed && code == "42501"), "{text}: {reply:?}");
    }
    // What the server refuses, it refuses in its own words.
    for (text, code) in [
        ("SELECT nothing FROM pg_attribute", "42703"),
        ("SELECT oid FROM pg_class, pg_index, pg_constraint", "42702"),
        ("SELECT relname, count(*) FROM pg_class GROUP BY relkind", "42803"),
        ("SELECT FROM pg_attribute WHERE", "42601"),
    ] {
        assert_eq!(wire.simple(text).code(), code, "{text}");
    }
    assert_eq!(stage.relay.counters().refused, 0);
    // In a failed transaction the session's names cannot be asked.
    let mut wire = stage.connect(Shape::Old);
    wire.simple("BEGIN");
    wire.simple("SELECT 1 / 0");
    assert_eq!(wire.simple("SELECT attname FROM pg_attribute").code(), "25P02");
    wire.simple("ROLLBACK");
    // Under an encoding that cannot be read, text in it is sent as it is.
    wire.script("SET client_encoding = LATIN1");
    let mut bytes = b"SELECT count(*) > 0 FROM pg_attribute WHERE attname <> '".to_vec();
    bytes.extend([0xe9, b'\'', 0]);
    wire.send_bytes(&segue_tests::wire::frame(b'Q', &bytes));
    assert_eq!(wire.until_ready().lines(), ["t"]);
    stage.relay.stop();
}

/// A statement that names a governed table too is read as before.
#[test]
fn a_catalog_does_not_keep_a_governed_table_from_being_read() {
    let stage = Stage::enter(Phase::Contract, State::Dropped);
    let mut wire = stage.connect(Shape::Old);
    wire.script("INSERT INTO users (username) VALUES ('a')");
    let sql = "SELECT u.username, count(*) > 0 FROM users u, pg_attribute TABLESAMPLE SYSTEM (100) \
        GROUP BY u.username";
    assert_eq!(wire.rows(sql), ["a|t"]);
    stage.relay.stop();
}
