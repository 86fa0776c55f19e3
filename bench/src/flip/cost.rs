//! What writing both columns costs the server: by the statement itself, and by triggers behind views.

use segue::cluster::SUPERUSER;
use segue_bench::processor::{as_f64, cpu};
use tokio_postgres::{Client, NoTls};

use super::{BOTH_AT_MOST, MIGRATION, TABLE};
use crate::fault::Fault;
use crate::house::{House, journal, migration};
use crate::relays::{Link, Relay};
use crate::report::{Report, Table, Verdict};
use crate::samples::Samples;

const PLAIN: &str = "plain UPDATE";
const BOTH: &str = "dual-write";
const TRIGGERS: &str = "views and triggers";

/// Rows, requests in each turn, and turns.
const ROWS: i64 = 200_000;
const REQUESTS: i64 = 5_000;
const TURNS: usize = 9;

const CELL: &str = "UPDATE of the column by key";

/// A second column that a trigger keeps equal, and a view for the clients of each name: the way of tools that
/// stand beside the database. Which column leads is told by the search path.
const WITH_TRIGGERS: &str = "
    CREATE FUNCTION keep_equal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('search_path') LIKE 'new_shape%' THEN
            NEW.username := NEW.handle;
        ELSE
            NEW.handle := NEW.username;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER keep_equal BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION keep_equal();
    CREATE SCHEMA old_shape;
    CREATE VIEW old_shape.users AS SELECT id, username, email, bio, score, created_at FROM public.users;
    CREATE SCHEMA new_shape;
    CREATE VIEW new_shape.users AS SELECT id, handle, email, bio, score, created_at FROM public.users;";

pub(super) async fn measure(house: &House, smoke: bool, report: &mut Report) -> Result<(), Fault> {
    println!("what writing both columns costs");
    let (rows, requests, turns) = if smoke { (2_000, 200, 1) } else { (ROWS, REQUESTS, TURNS) };
    for name in ["cost_plain", "cost_both", "cost_triggers"] {
        furnish(house, name, rows).await?;
    }
    let second = "ALTER TABLE users ADD COLUMN handle varchar(50)";
    for name in ["cost_both", "cost_triggers"] {
        house.connect(name).await?.batch_execute(second).await?;
    }
    house.connect("cost_triggers").await?.batch_execute(WITH_TRIGGERS).await?;
    let migration = migration(MIGRATION, "users", "username", "handle", "dual-write");
    let relay = Relay::segue(house, "cost_both", &migration, Link::Unix).await?;
    let triggers = house.connect("cost_triggers").await?;
    triggers.batch_execute("SET search_path = old_shape, public").await?;
    let clients = [
        (PLAIN, house.connect("cost_plain").await?),
        (BOTH, through(&relay, "cost_both").await?),
        (TRIGGERS, triggers),
    ];
    let mut samples = Samples::default();
    for turn in 0..turns {
        for (name, client) in clients.iter().cycle().skip(turn % clients.len()).take(clients.len())
        {
            let used = once(house, client, rows, requests).await?;
            samples.add(CELL, name, used);
        }
    }
    let names = [PLAIN, BOTH, TRIGGERS].map(str::to_owned);
    let cells = [CELL.to_owned()];
    report.table(Table::of("Server's processor time, µs", &cells, &names, &samples, 1));
    report.table(Table::ratios("Beside the plain UPDATE", &cells, &names, &samples, PLAIN));
    report.verdict(Verdict::at_most(
        "writing both columns costs the server at most 1.15 times a plain UPDATE",
        &cells,
        &samples,
        BOTH,
        PLAIN,
        BOTH_AT_MOST,
    ));
    report.verdict(Verdict::at_most(
        "and less than triggers",
        &cells,
        &samples,
        BOTH,
        TRIGGERS,
        1.0,
    ));
    Ok(())
}

async fn furnish(house: &House, name: &str, rows: i64) -> Result<(), Fault> {
    let admin = house.connect("postgres").await?;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let mut client = house.connect(name).await?;
    client.batch_execute(TABLE).await?;
    let fill = format!(
        "INSERT INTO users SELECT g, 'user_' || g, 'user_' || g || '@example.com', repeat('x', 60)
         FROM generate_series(1, {rows}) g"
    );
    for sql in [fill.as_str(), "VACUUM (FREEZE, ANALYZE) users"] {
        client.batch_execute(sql).await?;
    }
    journal(&mut client).await
}

async fn through(relay: &Relay, database: &str) -> Result<Client, Fault> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(relay.port).user(SUPERUSER).dbname(database);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Processor time of the server for each request. Unit: microseconds.
async fn once(house: &House, client: &Client, rows: i64, requests: i64) -> Result<f64, Fault> {
    let update = client.prepare("UPDATE users SET username = $2 WHERE id = $1").await?;
    let before = cpu(house.cluster.process_id());
    for number in 0..requests {
        let id = number * 7_919 % rows + 1;
        client.execute(&update, &[&id, &format!("name_{number}")]).await?;
    }
    Ok((cpu(house.cluster.process_id()) - before) * 1e6 / as_f64(requests))
}
