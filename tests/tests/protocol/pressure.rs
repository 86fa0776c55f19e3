//! Much at once: in both directions, and from one session beside another on the same thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use segue::cluster::Cluster;
use segue::upstream::Upstream;
use segue_tests::relay::Relay;
use segue_tests::server::run;
use segue_tests::wire::{bind, execute, parse, sync};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::authentication::{SSL_REQUEST, certificate};
use super::{governing, started};

/// Statements of a pipeline. With [`VALUE_BYTES`] far more than all sockets on the way can hold.
const STATEMENTS: usize = 300;

/// Length of the value that each is given, and answers with.
const VALUE_BYTES: usize = 100_000;

/// Nothing that goes on is silent for so long. Unit: seconds.
const SILENCE_S: u64 = 30;

fn startup(database: &str) -> Vec<u8> {
    let body = format!("\0\u{3}\0\0user\0postgres\0database\0{database}\0\0").into_bytes();
    let length = u32::try_from(body.len() + 4).expect("a short startup message").to_be_bytes();
    [length.as_slice(), &body].concat()
}

/// All that is sent: one statement after another, and a Sync at the end of all.
fn pipeline() -> Vec<u8> {
    let value = "v".repeat(VALUE_BYTES);
    let one = [
        parse("", "SELECT $1::text, count(username) FROM users", &[]),
        bind("", "", &[Some(&value)], false),
        execute("", 0),
    ];
    [one.concat().repeat(STATEMENTS), sync()].concat()
}

/// Logs in, sends the pipeline, closes its direction, and meanwhile reads what is answered, slowly at
/// first. All that comes after login.
async fn play<S: AsyncRead + AsyncWrite>(stream: S, database: &str, pipeline: &[u8]) -> Vec<u8> {
    let (mut from, mut to) = tokio::io::split(stream);
    to.write_all(&startup(database)).await.expect("a listener");
    let mut answer = Vec::new();
    while !answer.ends_with(b"Z\0\0\0\x05I") {
        assert!(from.read_buf(&mut answer).await.expect("a login") > 0, "{answer:?}");
    }
    answer.clear();
    let send = async {
        to.write_all(pipeline).await.expect("somebody who reads");
        to.shutdown().await.expect("somebody who reads");
    };
    let receive = async {
        for turn in 0.. {
            if turn < 200 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let read = from.read_buf(&mut answer);
            let read = tokio::time::timeout(Duration::from_secs(SILENCE_S), read).await;
            if read.expect("no silence").expect("an answer") == 0 {
                return;
            }
        }
    };
    tokio::join!(send, receive);
    answer
}

async fn tcp(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens")
}

fn upstream(cluster: &Cluster) -> Upstream {
    Upstream::Tcp { host: "127.0.0.1".to_owned(), port: cluster.port(), tls: None }
}

/// The client keeps sending before it has read, reads slowly, and has closed its direction long before
/// the last answer.
#[test]
fn much_in_both_directions_at_once_arrives_whole() {
    let (database, plain) = started();
    let (acceptor, trust) = certificate();
    let name = database.name.as_str();
    let tls = Relay::before(upstream(database.cluster()), name, governing(), Some(acceptor));
    let sent = pipeline();
    let (wanted, by_plain, by_tls) = run(async {
        let wanted = play(tcp(database.cluster().port()).await, name, &sent).await;
        let by_plain = play(tcp(plain.port).await, name, &sent).await;
        let mut socket = tcp(tls.port).await;
        socket.write_all(&SSL_REQUEST).await.expect("a listener");
        assert_eq!(socket.read_u8().await.expect("an answer"), b'S');
        let localhost = ServerName::try_from("localhost").expect("a name");
        let encrypted = TlsConnector::from(trust).connect(localhost, socket).await.expect("TLS");
        (wanted, by_plain, play(encrypted, name, &sent).await)
    });
    assert!(wanted.len() > STATEMENTS * VALUE_BYTES, "{}", wanted.len());
    assert!(by_plain == wanted, "{} bytes, not {}", by_plain.len(), wanted.len());
    assert!(by_tls == wanted, "{} bytes over TLS, not {}", by_tls.len(), wanted.len());
    plain.stop();
    tls.stop();
}

/// Both are served by the only thread that there is.
#[test]
fn a_long_statement_does_not_hold_up_another_session() {
    let (database, relay) = started();
    let (mut long, mut quick) = (relay.connect(&database), relay.connect(&database));
    long.script("SELECT count(username) FROM users");
    let rows: Vec<String> = (1..=6_000).map(|it| format!("({it}, 'user{it}', NULL)")).collect();
    let text = format!(
        "INSERT INTO users (id, username, email) SELECT * FROM (VALUES {}) AS v (a, b, c) WHERE a < 0",
        rows.join(", ")
    );
    let over = AtomicBool::new(false);
    let (took, worst) = std::thread::scope(|scope| {
        let long = scope.spawn(|| {
            let since = Instant::now();
            let reply = long.simple(&text);
            over.store(true, Ordering::SeqCst);
            (since.elapsed(), reply.code().to_owned())
        });
        let mut worst = Duration::ZERO;
        while !over.load(Ordering::SeqCst) {
            let since = Instant::now();
            assert_eq!(quick.rows("SELECT 1"), ["1"]);
            worst = worst.max(since.elapsed());
        }
        let (took, code) = long.join().expect("an answer");
        println!("{} bytes took {took:?} ({code}); worst {worst:?}", text.len());
        (took, worst)
    });
    assert!(worst * 4 < took, "{worst:?} of {took:?}");
    drop((long, quick));
    relay.stop();
}
