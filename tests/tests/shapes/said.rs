//! A client says which shape it speaks by the setting `segue.shape`.

use segue_tests::wire::Login;

use super::{shape, started};

#[test]
fn at_login() {
    let (database, proxy) = started();
    let login = || proxy.login();
    assert_eq!(shape(&mut login().connect()), "old");
    assert_eq!(shape(&mut login().with("segue.shape", "new").connect()), "new");
    assert_eq!(shape(&mut login().with("segue.shape", "old").connect()), "old");
    assert_eq!(shape(&mut login().with("options", "-c segue.shape=new").connect()), "new");
    assert_eq!(shape(&mut login().with("options", "--segue.shape=new").connect()), "new");
    // The role's and the database's own settings count where the login says nothing.
    let mut admin = database.connect();
    admin.script(&format!("ALTER ROLE app IN DATABASE {} SET segue.shape = 'new'", database.name));
    let app = || Login::at(proxy.port(), "app", &database.name);
    assert_eq!(shape(&mut app().connect()), "new");
    assert_eq!(shape(&mut app().with("segue.shape", "old").connect()), "old");
    admin.script(&format!("ALTER ROLE app IN DATABASE {} RESET segue.shape", database.name));
    assert_eq!(shape(&mut app().connect()), "old");
    admin.script(&format!("ALTER DATABASE {} SET segue.shape = 'new'", database.name));
    assert_eq!(shape(&mut app().connect()), "new");
    proxy.stop();
}

#[test]
fn for_as_long_as_the_setting_holds() {
    let (_database, proxy) = started();
    let mut wire = proxy.connect();
    for (statement, expected) in [
        ("SELECT 1", "old"),
        ("SET segue.shape = 'new'", "new"),
        ("SELECT 1", "new"),
        ("RESET segue.shape", "old"),
        ("SET SESSION segue.shape TO new", "new"),
        ("SET \"segue\" . shape TO 'old'", "old"),
        ("SELECT set_config('segue.shape', 'new', false)", "new"),
        ("DISCARD ALL", "old"),
        ("SET segue.shape = 'new'", "new"),
        ("RESET ALL", "old"),
        // What a transaction sets, its end takes back.
        ("BEGIN", "old"),
        ("SET LOCAL segue.shape = 'new'", "new"),
        ("SELECT count(*) FROM users", "new"),
        ("COMMIT", "old"),
        ("BEGIN", "old"),
        ("SET segue.shape = 'new'", "new"),
        ("ROLLBACK", "old"),
        ("BEGIN", "old"),
        ("SAVEPOINT a", "old"),
        ("SELECT set_config('segue.shape', 'new', true)", "new"),
        ("ROLLBACK TO a", "old"),
        ("SET segue.shape = 'new'", "new"),
        ("COMMIT", "new"),
        ("SET segue.shape = DEFAULT", "old"),
        // An error aborts the transaction, and the setting with it.
        ("BEGIN", "old"),
        ("SET segue.shape = 'new'", "new"),
        ("SELECT 1 / 0", "25P02"),
        ("ROLLBACK", "old"),
        // An empty value says nothing.
        ("SET segue.shape = ''", "old"),
    ] {
        wire.simple(statement);
        assert_eq!(shape(&mut wire), expected, "after {statement}");
    }
    proxy.stop();
}

#[test]
fn a_prepared_statement_follows_the_setting() {
    let (_database, proxy) = started();
    let mut wire = proxy.connect();
    wire.prepare("star", "SELECT * FROM users WHERE id = $1");
    let run = |wire: &mut segue_tests::wire::Wire| wire.run("star", &[Some("1")]).lines();
    assert_eq!(run(&mut wire), ["1|a|a@x"]);
    wire.script("SET segue.shape = 'new'");
    assert_eq!(run(&mut wire), ["1|a@x|a"]);
    wire.script("BEGIN; SET LOCAL segue.shape = 'old'");
    assert_eq!(run(&mut wire), ["1|a|a@x"]);
    wire.script("ROLLBACK");
    assert_eq!(run(&mut wire), ["1|a@x|a"]);
    proxy.stop();
}

#[test]
fn a_value_that_is_no_shape_is_an_error_with_a_hint() {
    let (_database, proxy) = started();
    let mut wire = proxy.login().with("segue.shape", "newest").connect();
    for sql in [
        "SELECT * FROM users",
        "INSERT INTO users VALUES (9, 'i', 'i@x')",
        "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass",
    ] {
        for reply in [wire.simple(sql), wire.extended(sql, &[], false)] {
            let error = reply.error().expect("an error");
            assert_eq!(error.code(), "22023", "{sql}");
            assert_eq!(
                error.get('M'),
                "invalid value for parameter \"segue.shape\": \"newest\"",
                "{sql}"
            );
            assert_eq!(error.get('H'), "Available values: old, new.", "{sql}");
        }
    }
    // What names nothing governed is none of our business, and the way out is open.
    assert_eq!(wire.rows("SELECT 1"), ["1"]);
    wire.script("SET segue.shape = 'new'");
    assert_eq!(shape(&mut wire), "new");
    proxy.stop();
}
