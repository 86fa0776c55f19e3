//! The proxy's end, seen by sessions whose peers never leave them anything to wait for.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, duplex};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::super::link::{Peer, WAITING_BYTES};
use super::super::stop::Stop;
use super::super::{End, converse, outlive, relay_unread};
use super::*;

/// How long a session may live on.
const GRACE: Duration = Duration::from_millis(300);

/// Nothing that ends takes so long.
const FOR_EVER: Duration = Duration::from_secs(10);

/// Takes everything, and always has something to read: the same again and again. With nothing to say
/// it is silent.
struct Endless {
    again: Vec<u8>,
    read: usize,
}

impl Endless {
    fn new(again: &[u8]) -> Peer<Self> {
        Peer::new(Self { again: again.to_vec(), read: 0 })
    }
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // As every socket does, it sees to it that its task lets others have their turn.
        let nothing = &mut ReadBuf::new(&mut []);
        ready!(Pin::new(&mut tokio::io::empty()).poll_read(cx, nothing))?;
        if self.again.is_empty() {
            // Nobody waits for it: the other peer is always ready.
            return Poll::Pending;
        }
        let left = &self.again[self.read % self.again.len()..];
        let piece = left[..left.len().min(into.remaining())].to_vec();
        into.put_slice(&piece);
        self.read += piece.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut tokio::io::sink()).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How long a session goes on that is told to stop once it is under way.
async fn time_after_stop<F>(session: impl FnOnce(Stop) -> F) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let (tell, told) = watch::channel(false);
    let mut task = tokio::spawn(session(Stop::with_grace(told, GRACE)));
    let early = timeout(GRACE / 3, &mut task).await;
    assert!(early.is_err(), "it ends by itself: {early:?}");
    let since = Instant::now();
    tell.send(true).unwrap();
    timeout(FOR_EVER, task).await.expect("an end").unwrap();
    since.elapsed()
}

#[tokio::test]
async fn a_copy_at_full_speed_ends_when_its_grace_is_over() {
    let took = time_after_stop(|mut stop| async move {
        let mut session = Session::new(None);
        session.client(&query("COPY other FROM STDIN")).unwrap();
        session.server(&frame(b'G', &[0, 0, 0])).unwrap();
        let mut client = Endless::new(&frame(b'd', &vec![b'x'; 50_000]));
        let mut server = Endless::new(b"");
        let end = converse(&mut client, &mut server, &mut session.conversation, &mut stop).await;
        assert!(matches!(end, Ok(End::Stopped)), "{end:?}");
    });
    let took = took.await;
    assert!(took >= GRACE, "only {took:?}");
}

/// A client that sends without end while nothing is under way is between two messages now and then.
#[tokio::test]
async fn a_busy_session_ends_at_its_first_rest() {
    let took = time_after_stop(|mut stop| async move {
        let mut session = Session::new(None);
        let mut client = Endless::new(&frame(b'd', &[b'x'; 5_000]));
        let mut server = Endless::new(b"");
        let end = converse(&mut client, &mut server, &mut session.conversation, &mut stop).await;
        assert!(matches!(end, Ok(End::Stopped)), "{end:?}");
    });
    let took = took.await;
    assert!(took < GRACE, "{took:?}");
}

#[tokio::test]
async fn a_relay_that_is_never_idle_ends_at_once() {
    let took = time_after_stop(|mut stop| async move {
        let mut client = Endless::new(b"");
        let mut server = Endless::new(&[0; 1_000]);
        let end = relay_unread(&mut client, &mut server, &mut stop).await;
        assert!(matches!(end, End::Stopped), "{end:?}");
    });
    let took = took.await;
    assert!(took < GRACE, "{took:?}");
}

/// The server's statement goes on though its client is gone, and sends rows as fast as it can.
#[tokio::test]
async fn a_statement_without_its_client_has_the_same_grace() {
    for rows in [&[0; 1_000][..], b""] {
        let mut server = Endless::new(rows);
        let took = time_after_stop(|mut stop| async move { outlive(&mut server, &mut stop).await });
        let took = took.await;
        assert!(took >= GRACE, "only {took:?}");
    }
}

#[tokio::test]
async fn nobody_left_who_could_say_stop_means_stop() {
    let (tell, told) = watch::channel(false);
    let mut stop = Stop::new(told);
    assert!(!stop.is_told());
    drop(tell);
    assert!(stop.is_told() && !stop.is_over());
}

/// A client that connects while the proxy stops does not wait for a grace of its own: its login
/// begins with a look at this.
#[tokio::test]
async fn who_comes_after_the_stop_is_told_at_once() {
    let (_tell, told) = watch::channel(true);
    let mut stop = Stop::new(told.clone());
    timeout(FOR_EVER / 10, stop.changed()).await.expect("told at once");
    assert!(stop.is_told() && !stop.is_over());
    assert!(Stop::new(told).is_told());
}

/// Its session has left as much unread as is ever read ahead.
#[tokio::test]
async fn a_statement_without_its_client_is_read_to_its_end() {
    let (_tell, told) = watch::channel(false);
    let (server, database) = duplex(16);
    let mut server = Peer::new(server);
    server.input.extend_from_slice(&vec![0; WAITING_BYTES]);
    drop(database);
    let end = timeout(FOR_EVER, outlive(&mut server, &mut Stop::new(told))).await;
    assert_eq!((end, server.ended), (Ok(()), true));
}

/// An answer that was written is counted, whether or not anything ever comes after it.
#[tokio::test]
async fn the_last_bytes_are_counted_too() {
    let (_tell, told) = watch::channel(false);
    let counters = Counters::default();
    let (client, _application) = duplex(1_000);
    let mut client = Peer::counted(client, Arc::clone(&counters.bytes_to_client));
    let (server, mut database) = duplex(1_000);
    let mut server = Peer::new(server);
    database.write_all(&[0; 100]).await.unwrap();
    let mut stop = Stop::new(told);
    let relay = relay_unread(&mut client, &mut server, &mut stop);
    assert!(timeout(GRACE, relay).await.is_err(), "it goes on");
    assert_eq!(counters.snapshot().bytes_to_client, 100);
}
