//! Flips and drains on a real server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rewrite_rules::Phase;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use super::drain::{Drain, Reason};
use super::edit::Edit;
use super::flip::Flipper;
use super::generation::{Current, Occupant};
use super::prepare::Read;
use super::reload::{CATALOG_POLL_MS, Reloader, spawn};
use super::stragglers::{self, Ending};
use super::wish::ReloadError;
use crate::cluster::{Cluster, ClusterOptions, SUPERUSER};
use crate::config::Draft;
use crate::journal::schema;

/// The control plane on a server of its own, without any client.
struct House {
    cluster: Cluster,
    file: PathBuf,
    current: Arc<Current>,
    flips: watch::Receiver<Arc<Drain>>,
    reloader: Reloader,
    _shutdown: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl House {
    async fn start() -> Self {
        let cluster = Cluster::start(ClusterOptions::default())
            .await
            .unwrap_or_else(|error| panic!("{error}\nHINT: {}", error.hint()));
        let file = cluster.folder().join("segue.toml");
        let text = format!(
            "listen = \"127.0.0.1:0\"\nupstream = \"postgres://127.0.0.1:{}\"\n\
             control = \"{}\"\n[[migration]]\nname = \"m\"\nkind = \"rename-column\"\n\
             table = \"users\"\nfrom = \"username\"\nto = \"handle\"\nphase = \"expand\"\n",
            cluster.port(),
            cluster.url(SUPERUSER, "postgres"),
        );
        std::fs::write(&file, text).unwrap();
        let owner = connect(&cluster).await;
        let tables = "CREATE TABLE others (id int);
                      CREATE TABLE users (id int PRIMARY KEY, username text, handle text)";
        owner.batch_execute(tables).await.unwrap();
        schema::init(&mut connect(&cluster).await, SUPERUSER, false).await.unwrap();
        let mut read = Read::new(Draft::read(&file).await, None, None).await;
        read.agree(false).await;
        let prepared = read.compile(1).await.unwrap();
        let (flipper, _config) = Flipper::start(prepared, "test".to_owned()).await.unwrap();
        let (current, flips) = (Arc::clone(flipper.current()), flipper.flips());
        let (shutdown, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let reloader = spawn(&mut tasks, flipper, stopping);
        Self { cluster, file, current, flips, reloader, _shutdown: shutdown, _tasks: tasks }
    }

    async fn flip(&self, phase: Phase) -> Result<u64, ReloadError> {
        let before = std::fs::read_to_string(&self.file).unwrap();
        Edit::plan(&self.file, "m", phase).unwrap().apply().unwrap();
        let done = self.reloader.reload().await;
        if done.is_err() {
            std::fs::write(&self.file, before).unwrap();
        }
        done.map(|reloaded| reloaded.generation)
    }

    fn latest(&self) -> Arc<Drain> {
        Arc::clone(&self.flips.borrow())
    }
}

async fn connect(cluster: &Cluster) -> Client {
    let (client, connection) = cluster.superuser("postgres").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Longer than any drain that nobody holds up takes on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Long enough for several looks at the server.
const A_WHILE: Duration = Duration::from_millis(700);

async fn is_held_up_by(drain: &Drain, reason: Reason) {
    assert!(tokio::time::timeout(A_WHILE, drain.drained()).await.is_err(), "{reason:?}");
    let waiting = drain.progress().waiting;
    assert_eq!(waiting.iter().map(|w| w.reason).collect::<Vec<_>>(), [reason], "{waiting:?}");
}

async fn drains(drain: &Drain) {
    tokio::time::timeout(SOON, drain.drained()).await.unwrap();
}

#[tokio::test]
async fn a_flip_is_drained_when_nothing_older_is_left() {
    let house = House::start().await;
    drains(&house.latest()).await;
    let other = connect(&house.cluster).await;

    // A session of an older generation.
    let seat = house.current.sit(occupant(0));
    seat.admitted().await;
    assert_eq!(seat.pin().map(|pinned| pinned.number()), Some(1));
    assert_eq!(house.flip(Phase::DualWrite).await.unwrap(), 2);
    is_held_up_by(&house.latest(), Reason::OlderGeneration).await;
    // The next flip has to wait for it; so says who holds it up.
    let refused = house.flip(Phase::SwitchReads).await.unwrap_err().to_string();
    assert!(
        refused.starts_with(
            "generation 2 has not drained: client \"127.0.0.1:1\", user \"app\", application \
             \"test\", pid 0: in a transaction of an older generation for "
        ),
        "{refused}"
    );
    assert_eq!(seat.pin().map(|pinned| pinned.number()), Some(2));
    drains(&house.latest()).await;
    drop(seat);

    // A writer past the proxy; what it holds at the flip counts, not what is locked later.
    other.batch_execute("BEGIN; INSERT INTO users VALUES (1, 'a', 'a')").await.unwrap();
    assert_eq!(house.flip(Phase::SwitchReads).await.unwrap(), 3);
    is_held_up_by(&house.latest(), Reason::WroteBefore).await;
    other.batch_execute("COMMIT; BEGIN; INSERT INTO users VALUES (2, 'b', 'b')").await.unwrap();
    drains(&house.latest()).await;
    other.batch_execute("ROLLBACK").await.unwrap();

    // A writer that has not come to the governed table yet.
    other.batch_execute("BEGIN; INSERT INTO others VALUES (1)").await.unwrap();
    assert_eq!(house.flip(Phase::DualWrite).await.unwrap(), 4);
    is_held_up_by(&house.latest(), Reason::BeganBefore).await;
    other.batch_execute("COMMIT").await.unwrap();
    drains(&house.latest()).await;

    // One who only reads is nobody's concern.
    other.batch_execute("BEGIN; SELECT * FROM users").await.unwrap();
    assert_eq!(house.flip(Phase::SwitchReads).await.unwrap(), 5);
    drains(&house.latest()).await;
    house.cluster.stop().await;
}

/// A session of the proxy, as far as the control plane sees it.
fn occupant(backend_pid: i32) -> Occupant {
    Occupant {
        client: "127.0.0.1:1".to_owned(),
        user: "app".to_owned(),
        database: "postgres".to_owned(),
        application_name: "test".to_owned(),
        backend_pid,
    }
}

#[tokio::test]
async fn nobody_is_ended_whose_transaction_is_younger_than_the_flip() {
    let house = House::start().await;
    drains(&house.latest()).await;
    let other = connect(&house.cluster).await;
    let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    // The proxy still waits for this backend, and the server has begun something else in it.
    let (known, unknown) = (house.current.sit(occupant(pid)), house.current.sit(occupant(0)));
    known.admitted().await;
    unknown.admitted().await;
    assert!(known.pin().is_some() && unknown.pin().is_some());
    house.flip(Phase::DualWrite).await.unwrap();
    is_held_up_by_two(&house.latest()).await;
    other.batch_execute("BEGIN; SELECT 1").await.unwrap();
    let ended = stragglers::end(&house.latest(), Ending::Terminate).await.unwrap();
    assert_eq!(ended.signalled, Vec::<String>::new());
    assert_eq!(ended.left.len(), 1, "{:?}", ended.left);
    assert!(ended.left.iter().all(|one| one.contains("pid 0: ")), "{:?}", ended.left);
    other.batch_execute("COMMIT").await.unwrap();

    // Idle, it is what was waited for.
    let ended = stragglers::end(&house.latest(), Ending::Terminate).await.unwrap();
    assert_eq!(ended.signalled.len(), 1, "{:?}", ended.signalled);
    other.batch_execute("SELECT 1").await.unwrap_err();
    house.cluster.stop().await;
}

async fn is_held_up_by_two(drain: &Drain) {
    let listed = async {
        while drain.progress().waiting.len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, listed).await.unwrap();
}

#[tokio::test]
async fn the_catalog_is_followed_and_steps_are_not_skipped() {
    let house = House::start().await;
    let other = connect(&house.cluster).await;
    drains(&house.latest()).await;
    assert_eq!(house.reloader.reload().await.unwrap().generation, 1, "nothing has changed");

    let skipped = house.flip(Phase::SwitchReads).await.unwrap_err().to_string();
    let expected = format!(
        "{}:10: migration \"m\", key \"phase\": cannot go from phase \"expand\" to \
         \"switch-reads\": the next step on that way is \"dual-write\"\n  hint: set phase = \
         \"dual-write\", and go on when it is drained",
        house.file.display()
    );
    assert_eq!(skipped, expected);

    house.flip(Phase::DualWrite).await.unwrap();
    other.batch_execute("ALTER TABLE users ADD COLUMN email text").await.unwrap();
    let follow = async {
        while house.current.number() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, follow).await.unwrap();
    assert_eq!(house.current.load().compiled().phase("m"), Some(Phase::DualWrite));

    // What no longer fits is not followed: what runs is kept.
    other.batch_execute("ALTER TABLE users DROP COLUMN handle").await.unwrap();
    tokio::time::sleep(Duration::from_millis(2 * CATALOG_POLL_MS)).await;
    assert_eq!(house.current.number(), 3);
    assert!(matches!(house.reloader.reload().await, Err(ReloadError::Faults(_))));
    house.cluster.stop().await;
}
