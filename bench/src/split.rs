//! What splitting a table costs: a write of both halves beside the transaction that an application would send
//! itself, and reads before and after.
//!
//! `cargo run --release -p segue-bench -- split` prints a table in Markdown. The ways take turns, so that
//! what else the machine does is felt by all of them.

use std::time::Instant;

use segue::app::{self, Running};
use segue::cluster::{Cluster, ClusterOptions, Durability, SUPERUSER};
use segue::journal::schema;
use segue_bench::processor::{as_f64, cpu};
use tokio_postgres::{Client, NoTls, Statement};

use crate::fault::Fault;

/// What splitting a table costs, beside a transaction that writes both halves
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rows of both tables
    #[arg(long, default_value_t = 200_000)]
    rows: i64,
    /// Requests of each way in each turn
    #[arg(long, default_value_t = 4_000)]
    requests: i64,
    /// Turns of each way
    #[arg(long, default_value_t = 9)]
    turns: usize,
}

/// The table, and the one that its profile moves to.
const TABLES: &str = "
    CREATE TABLE users (
        id int PRIMARY KEY, email text NOT NULL, password_hash text NOT NULL, first_name varchar(100),
        last_name varchar(100), bio text, avatar_url text, settings jsonb);
    CREATE TABLE user_profiles (
        user_id int PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
        first_name varchar(100), last_name varchar(100), bio text, avatar_url text, settings jsonb);";

/// What an unchanged application sends.
const UPDATE: &str = "
    UPDATE users SET email = $2, first_name = 'Ann', last_name = 'Other', bio = $2, avatar_url = $2, settings = '{}'
    WHERE id = $1";

/// The second half of what an application would send itself.
const UPSERT: &str = "
    INSERT INTO user_profiles (user_id, first_name, last_name, bio, avatar_url, settings)
    VALUES ($1, 'Ann', 'Other', $2, $2, '{}')
    ON CONFLICT (user_id) DO UPDATE SET first_name = EXCLUDED.first_name, last_name = EXCLUDED.last_name,
        bio = EXCLUDED.bio, avatar_url = EXCLUDED.avatar_url, settings = EXCLUDED.settings";

const KEPT: &str = "SELECT email, password_hash FROM users WHERE id = $1";
const MOVED: &str =
    "SELECT email, first_name, last_name, bio, avatar_url, settings FROM users WHERE id = $1";

/// What is sent for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// BEGIN, UPDATE, upsert, COMMIT.
    ByHand,
    Update,
    ReadKept,
    ReadMoved,
}

/// A way to do something: over which connection, and in which phase the proxy is; none: it is not in the way.
struct Way {
    name: &'static str,
    phase: Option<&'static str>,
    request: Request,
}

const WAYS: [Way; 10] = [
    Way { name: "write both: by hand", phase: None, request: Request::ByHand },
    Way { name: "write both: dual-write", phase: Some("dual-write"), request: Request::Update },
    Way { name: "write both: switch-reads", phase: Some("switch-reads"), request: Request::Update },
    Way {
        name: "write each: stop-dual-write",
        phase: Some("stop-dual-write"),
        request: Request::Update,
    },
    Way { name: "read what stays: unsplit", phase: Some("expand"), request: Request::ReadKept },
    Way {
        name: "read what stays: dual-write",
        phase: Some("dual-write"),
        request: Request::ReadKept,
    },
    Way {
        name: "read what stays: stop-dual-write",
        phase: Some("stop-dual-write"),
        request: Request::ReadKept,
    },
    Way { name: "read what moves: unsplit", phase: Some("expand"), request: Request::ReadMoved },
    Way {
        name: "read what moves: dual-write",
        phase: Some("dual-write"),
        request: Request::ReadMoved,
    },
    Way {
        name: "read what moves: stop-dual-write",
        phase: Some("stop-dual-write"),
        request: Request::ReadMoved,
    },
];

/// One turn of a way. Unit: microseconds for each request.
#[derive(Debug, Clone, Copy)]
struct Turn {
    cpu: f64,
    clock: f64,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), Fault> {
    let settings = [("shared_buffers", "1GB"), ("log_min_messages", "panic")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = ClusterOptions {
        settings: settings.to_vec(),
        durability: Durability::Full,
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start(options).await?;
    let mut direct = connect(&cluster, cluster.port()).await?;
    direct.batch_execute(TABLES).await?;
    let fill = format!(
        "INSERT INTO users SELECT g, 'u' || g || '@example.com', md5(g::text), 'Ann', 'Other', repeat('x', 60),
                'https://example.com/' || g, '{{}}' FROM generate_series(1, {}) g;
         INSERT INTO user_profiles SELECT id, first_name, last_name, bio, avatar_url, settings FROM users;
         VACUUM (FREEZE, ANALYZE) users; VACUUM (FREEZE, ANALYZE) user_profiles;",
        arguments.rows
    );
    for statement in fill.split(';') {
        direct.batch_execute(statement).await?;
    }
    schema::init(&mut direct, SUPERUSER, false)
        .await
        .map_err(|error| Fault::Other(error.with_hint()))?;
    let mut turns: Vec<Vec<Turn>> = WAYS.iter().map(|_| Vec::new()).collect();
    for phase in
        [None, Some("expand"), Some("dual-write"), Some("switch-reads"), Some("stop-dual-write")]
    {
        measure(&cluster, arguments, phase, &mut turns).await?;
    }
    println!(
        "| way | server's CPU µs | round trips | µs on the clock |\n| --- | ---: | ---: | ---: |"
    );
    for (way, turns) in WAYS.iter().zip(&turns) {
        let trips = if way.request == Request::ByHand { 4 } else { 1 };
        let (cpu, clock) = (middle(turns, |it| it.cpu), middle(turns, |it| it.clock));
        println!("| {} | {cpu:.1} | {trips} | {clock:.0} |", way.name);
    }
    drop(direct);
    cluster.stop().await;
    Ok(())
}

/// All ways of one phase, in turns. Each is measured beside the transaction by hand, which is what counts.
async fn measure(
    cluster: &Cluster,
    arguments: &Arguments,
    phase: Option<&'static str>,
    turns: &mut [Vec<Turn>],
) -> Result<(), Fault> {
    let proxy = match phase {
        Some(phase) => Some(serve(cluster, phase).await?),
        None => None,
    };
    let direct = connect(cluster, cluster.port()).await?;
    let through = match &proxy {
        Some(proxy) => connect(cluster, proxy.addr.port()).await?,
        None => connect(cluster, cluster.port()).await?,
    };
    for turn in 0..arguments.turns {
        for (way, turns) in WAYS.iter().zip(turns.iter_mut()) {
            let client = match way.phase {
                None if phase.is_some() => &direct,
                is if is == phase => &through,
                _other => continue,
            };
            let measured = requests(cluster, client, way.request, arguments, turn).await?;
            turns.push(measured);
        }
    }
    drop((direct, through));
    if let Some(proxy) = proxy {
        proxy.stop().await;
    }
    Ok(())
}

async fn requests(
    cluster: &Cluster,
    client: &Client,
    request: Request,
    arguments: &Arguments,
    turn: usize,
) -> Result<Turn, Fault> {
    let sql = match request {
        Request::ByHand | Request::Update => UPDATE,
        Request::ReadKept => KEPT,
        Request::ReadMoved => MOVED,
    };
    let (main, upsert) = (client.prepare(sql).await?, client.prepare(UPSERT).await);
    let (before, begun) = (cpu(cluster.process_id()), Instant::now());
    for number in 0..arguments.requests {
        let turn = i64::try_from(turn).map_err(Fault::of)?;
        let id = i32::try_from((number * 7_919 + turn) % arguments.rows + 1).map_err(Fault::of)?;
        once(client, request, (&main, upsert.as_ref().ok()), id).await?;
    }
    let clock = begun.elapsed().as_secs_f64();
    let each = |seconds: f64| seconds * 1e6 / as_f64(arguments.requests);
    Ok(Turn { cpu: each(cpu(cluster.process_id()) - before), clock: each(clock) })
}

async fn once(
    client: &Client,
    request: Request,
    (main, upsert): (&Statement, Option<&Statement>),
    id: i32,
) -> Result<(), Fault> {
    let value = format!("value {id}");
    match request {
        Request::ByHand => {
            client.batch_execute("BEGIN").await?;
            client.execute(main, &[&id, &value]).await?;
            if let Some(upsert) = upsert {
                client.execute(upsert, &[&id, &value]).await?;
            }
            client.batch_execute("COMMIT").await?;
        }
        Request::Update => {
            client.execute(main, &[&id, &value]).await?;
        }
        Request::ReadKept | Request::ReadMoved => {
            client.query_one(main, &[&id]).await?;
        }
    }
    Ok(())
}

async fn connect(cluster: &Cluster, port: u16) -> Result<Client, Fault> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user(SUPERUSER).dbname("postgres");
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    let _ = cluster;
    Ok(client)
}

/// A proxy in that phase; what the journal has of another one is forgotten.
async fn serve(cluster: &Cluster, phase: &str) -> Result<Running, Fault> {
    let admin = connect(cluster, cluster.port()).await?;
    admin.batch_execute("DELETE FROM segue.replica; DELETE FROM segue.migration").await?;
    let file = cluster.folder().join("segue.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{}\"\ncontrol = \"{}\"\n\
         [[migration]]\nname = \"split-profiles\"\nkind = \"split-table\"\ntable = \"users\"\n\
         into = \"user_profiles\"\nkey = {{ from = \"id\", to = \"user_id\" }}\n\
         columns = [\"first_name\", \"last_name\", \"bio\", \"avatar_url\", \"settings\"]\nphase = \"{phase}\"\n",
        cluster.port(),
        cluster.url(SUPERUSER, "postgres"),
    );
    std::fs::write(&file, text)?;
    let running = app::start(&file, true).await.map_err(Fault::of)?;
    running.flip().drained().await;
    Ok(running)
}

/// The one in the middle.
fn middle(turns: &[Turn], value: fn(&Turn) -> f64) -> f64 {
    let mut values: Vec<f64> = turns.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
