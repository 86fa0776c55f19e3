//! Where a client says nothing, the configuration may: `[[client]]` by role and application.

use rewrite_rules::Phase;
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;
use segue_tests::wire::Login;

use super::{DDL, shape};

const CLIENTS: &str = "
[[client]]
role = \"app\"
application_name = \"legacy\"
shape = \"old\"

[[client]]
role = \"app\"
shape = \"new\"

[[client]]
application_name = \"reports\"
shape = \"new\"

";

#[test]
fn the_first_rule_that_fits_counts() {
    let database = Database::create("shapes", DDL);
    let with_rules = format!("{CLIENTS}{}", rename_username(Phase::DualWrite));
    let proxy = Proxy::start(&database, &with_rules);
    let login = |role: &str| Login::at(proxy.port(), role, &database.name);
    let superuser = database.superuser();
    for (login, expected) in [
        (login("app"), "new"),
        (login("app").with("application_name", "legacy"), "old"),
        (login("app").with("application_name", "reports"), "new"),
        (login(superuser), "old"),
        (login(superuser).with("application_name", "reports"), "new"),
        (login(superuser).with("application_name", "Reports"), "old"),
        // What the client says itself counts more.
        (login("app").with("segue.shape", "old"), "old"),
        (login("app").with("options", "-c segue.shape=old"), "old"),
    ] {
        let name = format!("{login:?}");
        assert_eq!(shape(&mut login.connect()), expected, "{name}");
    }
    // A session takes what a reload says of it, and its own word when it gives it.
    let mut wire = login("app").connect();
    assert_eq!(shape(&mut wire), "new");
    proxy.reload(&rename_username(Phase::DualWrite)).expect("a reload");
    assert_eq!(shape(&mut wire), "old");
    proxy.reload(&with_rules).expect("a reload");
    assert_eq!(shape(&mut wire), "new");
    wire.script("SET segue.shape = 'old'");
    assert_eq!(shape(&mut wire), "old");
    wire.script("RESET segue.shape");
    assert_eq!(shape(&mut wire), "new");
    proxy.stop();
}
