//! Clients of both shapes in every phase, with statements that they prepared in the first one.

use rewrite_rules::{Phase, Shape};
use segue_tests::proxy::{Proxy, rename_username};
use segue_tests::server::Database;
use segue_tests::wire::Wire;

/// A session with its prepared statements.
struct Client {
    wire: Wire,
    shape: Shape,
}

impl Client {
    fn new(proxy: &Proxy, shape: Shape) -> Self {
        let mut wire = proxy.login().with("segue.shape", shape.name()).connect();
        let (insert, names) = match shape {
            Shape::Old => ("INSERT INTO users VALUES ($1, $2, $3)", "username"),
            Shape::New => ("INSERT INTO users VALUES ($1, $3, $2)", "handle"),
        };
        let by_name = format!("SELECT * FROM users WHERE {names} = $1");
        let rename = format!("UPDATE users SET {names} = $2 WHERE id = $1 RETURNING {names}");
        let columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass \
            AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
        for (name, sql) in
            [("insert", insert), ("by_name", &by_name), ("rename", &rename), ("columns", columns)]
        {
            assert_eq!(wire.prepare(name, sql).code(), "", "{sql}");
        }
        wire.script(&format!("PREPARE columns_by_sql AS {columns}"));
        Self { wire, shape }
    }

    /// Writes a row of its own and looks at it; returns the row's key.
    fn work(&mut self, round: usize) -> String {
        let number = round * 10 + usize::from(self.shape == Shape::New);
        let (id, name) = (number.to_string(), format!("n{number}"));
        let values = [Some(id.as_str()), Some(name.as_str()), Some("mail")];
        assert_eq!(self.wire.run("insert", &values).tags(), ["INSERT 0 1"], "{round}");
        let renamed = format!("{name}x");
        let reply = self.wire.run("rename", &[Some(&id), Some(&renamed)]);
        assert_eq!(reply.lines(), [renamed.as_str()], "{round}");
        assert_eq!(self.seen(&renamed), [self.row(&id, &renamed)], "{round}");
        let columns: &[&str] = match self.shape {
            Shape::Old => &["id", "username", "email"],
            Shape::New => &["id", "email", "handle"],
        };
        assert_eq!(self.wire.run("columns", &[]).lines(), columns, "{round} {}", self.shape);
        assert_eq!(self.wire.rows("EXECUTE columns_by_sql"), columns, "{round} {}", self.shape);
        renamed
    }

    fn seen(&mut self, name: &str) -> Vec<String> {
        self.wire.run("by_name", &[Some(name)]).lines()
    }

    fn row(&self, id: &str, name: &str) -> String {
        match self.shape {
            Shape::Old => format!("{id}|{name}|mail"),
            Shape::New => format!("{id}|mail|{name}"),
        }
    }
}

#[test]
fn both_shapes_live_beside_each_other_through_every_flip() {
    let database = Database::create(
        "shapes",
        "CREATE TABLE users (id bigint PRIMARY KEY, username varchar(50) UNIQUE, email text)",
    );
    let proxy = Proxy::start(&database, &rename_username(Phase::Expand));
    let mut clients = Shape::ALL.map(|shape| Client::new(&proxy, shape));
    let way = [
        (Phase::Expand, ""),
        (Phase::DualWrite, "ALTER TABLE users ADD COLUMN handle varchar(50)"),
        (
            Phase::SwitchReads,
            "UPDATE users SET handle = username WHERE handle IS DISTINCT FROM username;
             CREATE UNIQUE INDEX users_handle_key ON users (handle)",
        ),
        (Phase::DualWrite, ""),
        (Phase::SwitchReads, ""),
        (Phase::StopDualWrite, ""),
        (Phase::Contract, ""),
        (Phase::Contract, "ALTER TABLE users DROP COLUMN username"),
    ];
    for (round, (phase, ddl)) in (1..).zip(way) {
        database.connect().script(ddl);
        if proxy.current().load().compiled().phase("rename-username") == Some(phase) {
            // The same phase over what the database has become.
            proxy.reload(&rename_username(phase)).expect("a reload");
        } else {
            proxy.flip(phase);
        }
        let [old, new] = &mut clients;
        let names = [old.work(round), new.work(round)];
        // Each sees what the other wrote.
        for name in names {
            let (of_old, of_new) = (old.seen(&name), new.seen(&name));
            assert_eq!((of_old.len(), of_new.len()), (1, 1), "{phase} {name}");
        }
    }
    assert_eq!(proxy.counters().refused, 0, "{:?}", proxy.counters());
    drop(clients);
    proxy.stop();
}
