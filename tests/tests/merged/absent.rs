//! In `expand` the new table may be made at any moment: until the proxy has noticed it nothing is written to it that
//! nobody would ever see.

use rewrite_rules::Phase;
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::Login;

use super::{NEW, OLD, rule};

#[test]
fn a_new_table_that_was_made_a_moment_ago_is_not_there_yet() {
    let database = Database::create("merged", OLD);
    let relay = Relay::governing(&database, &[rule(Phase::Expand)]);
    let login = || Login::at(relay.port, database.superuser(), &database.name);
    let mut clients = [login().connect(), login().with("segue.shape", "new").connect()];
    let statements = [
        "INSERT INTO prefs (user_id, often, has_mail) VALUES (10, 'ten', true)",
        "SELECT * FROM prefs",
        "UPDATE public.prefs SET often = 'x'",
        "DELETE FROM prefs",
        "COPY prefs FROM STDIN",
        "LOCK TABLE prefs",
        "TRUNCATE prefs",
        "PREPARE p AS INSERT INTO prefs (user_id) VALUES ($1)",
        "MERGE INTO prefs USING users ON id = user_id WHEN MATCHED THEN DELETE",
    ];
    for is_made in [false, true] {
        if is_made {
            database.connect().script(NEW);
        }
        let rows = || match is_made {
            true => database.connect().rows("SELECT * FROM prefs ORDER BY user_id"),
            false => Vec::new(),
        };
        let before = rows();
        for client in &mut clients {
            for statement in statements {
                assert_eq!(client.simple(statement).code(), "42P01", "{is_made}: {statement}");
            }
            let extended = client.extended(statements[0], &[], false);
            assert_eq!(extended.code(), "42P01", "{is_made}");
            // The error stands where the table is named.
            let position = client.simple(statements[0]).error().map(|it| it.get('P').to_owned());
            assert_eq!(position.as_deref(), Some("13"));
            // What makes or changes it passes, and tables of that name that are somebody else's.
            assert_eq!(client.rows("WITH prefs AS (SELECT 1) SELECT * FROM prefs"), ["1"]);
            client.script("CREATE TEMP TABLE prefs (user_id int)");
            client.script("INSERT INTO prefs VALUES (1)");
            client.script("DROP TABLE pg_temp.prefs");
        }
        assert_eq!(rows(), before);
    }
    clients[0].script("COMMENT ON TABLE prefs IS 'new'; DROP TABLE prefs");
    drop(clients);
    relay.stop();
}
