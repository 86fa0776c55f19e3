//! The two sockets of a session, and the one place where it waits.
//!
//! Reads and writes in both directions are polled together, so that a peer which does not read
//! never keeps the other from being read, as long as no more than [`WAITING_BYTES`] wait for it.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::counters;
use crate::wire::outgoing::Outgoing;

/// Nothing more is read for a peer while this much waits to be written to it. Unit: bytes.
pub(super) const WAITING_BYTES: usize = 64 * 1024;

/// Room for a read at first: a usual request or reply. Unit: bytes.
const READ_BYTES: usize = 8 * 1024;

/// Room for a read after one that filled its room: COPY, big results. Unit: bytes.
const BULK_READ_BYTES: usize = 64 * 1024;

/// One side of a session.
#[derive(Debug)]
pub(super) struct Peer<S> {
    stream: S,
    /// What was read and not yet taken.
    pub(super) input: BytesMut,
    /// What is to be written.
    pub(super) output: Outgoing,
    /// It has closed its direction, or the connection broke.
    pub(super) ended: bool,
    /// It takes nothing any more.
    deaf: bool,
    flush_due: bool,
    /// There was nothing to be read, and the task is woken when there is.
    asleep: bool,
    shut: Shut,
    room: usize,
    /// Counts the bytes that were written.
    written: Arc<AtomicU64>,
}

/// How far the closing of our direction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shut {
    Open,
    Wanted,
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Wraps a connection of which nothing was read ahead.
    pub(super) fn new(stream: S) -> Self {
        Self::counted(stream, Arc::default())
    }

    /// The same, with its bytes counted in `written` as soon as they are written: a session that has
    /// its answer may be silent for hours.
    pub(super) fn counted(stream: S, written: Arc<AtomicU64>) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            output: Outgoing::default(),
            ended: false,
            deaf: false,
            flush_due: false,
            asleep: false,
            shut: Shut::Open,
            room: READ_BYTES,
            written,
        }
    }

    /// The connection.
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// Closes our direction once everything is written.
    pub(super) fn close_when_written(&mut self) {
        if self.shut == Shut::Open {
            self.shut = Shut::Wanted;
        }
    }

    /// Whether it takes nothing any more: it is gone.
    pub(super) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// Whether nothing is left to be written, or it takes nothing.
    pub(super) fn is_written(&self) -> bool {
        self.deaf || (self.output.is_empty() && !self.flush_due && self.shut != Shut::Wanted)
    }

    /// Writes what it can. Returns whether that was the last: our direction is closed, or it takes
    /// nothing any more.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        while !self.is_written() {
            match self.poll_write_once(cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(())) if self.shut == Shut::Done => return true,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    tracing::trace!(%error, "peer takes nothing more");
                    self.deaf = true;
                    return true;
                }
            }
        }
        false
    }

    fn poll_write_once(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(&mut self.stream);
        if !self.output.is_empty() {
            return stream.poll_write(cx, self.output.waiting()).map_ok(|count| {
                self.output.written(count);
                counters::add(&self.written, count);
                self.flush_due = true;
            });
        }
        if self.flush_due {
            return stream.poll_flush(cx).map_ok(|()| self.flush_due = false);
        }
        stream.poll_shutdown(cx).map_ok(|()| self.shut = Shut::Done)
    }

    /// Reads what there is. Returns whether anything came, the end included.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        if self.asleep {
            return false;
        }
        if self.input.is_empty() && self.input.capacity() > BULK_READ_BYTES.saturating_mul(2) {
            // A long message went by; an idle session shall not keep its memory.
            self.input = BytesMut::new();
        }
        self.input.reserve(self.room);
        let room = self.input.capacity().saturating_sub(self.input.len());
        match pin!(self.stream.read_buf(&mut self.input)).poll(cx) {
            Poll::Pending => {
                self.asleep = true;
                false
            }
            Poll::Ready(Ok(count)) if count > 0 => {
                self.room = if count == room { BULK_READ_BYTES } else { READ_BYTES };
                true
            }
            Poll::Ready(Ok(_) | Err(_)) => {
                self.ended = true;
                true
            }
        }
    }
}

/// How many bytes of a peer's may wait in its input; at that many it is not read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rooms {
    pub(super) client: usize,
    pub(super) server: usize,
}

/// Writes what waits for either peer, until something was read from one, or the last was written to it: our
/// direction is closed, or the connection broke.
///
/// Cancel safety: safe; what was read is in `input`, what was written is gone from `output`.
pub(super) async fn exchange<C, S>(client: &mut Peer<C>, server: &mut Peer<S>, rooms: Rooms)
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        wake(client, server);
        poll_exchange(cx, client, server, rooms)
    })
    .await;
}

/// The task has been woken, by whatever: either peer may have something to be read. Call it whenever a future that
/// polls [`poll_exchange`] is polled, before it does.
pub(super) fn wake<C, S>(client: &mut Peer<C>, server: &mut Peer<S>) {
    (client.asleep, server.asleep) = (false, false);
}

/// [`exchange`], polled. Within one turn of the task a peer that had nothing to be read is not asked again: if
/// something has come since, the task has another turn.
pub(super) fn poll_exchange<C, S>(
    cx: &mut Context<'_>,
    client: &mut Peer<C>,
    server: &mut Peer<S>,
    rooms: Rooms,
) -> Poll<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut done = server.poll_write(cx);
    done |= client.poll_write(cx);
    if !server.ended && server.input.len() < rooms.server && client.output.len() < WAITING_BYTES {
        done |= server.poll_read(cx);
    }
    if !client.ended && client.input.len() < rooms.client && server.output.len() < WAITING_BYTES {
        done |= client.poll_read(cx);
    }
    if done { Poll::Ready(()) } else { Poll::Pending }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, duplex};

    #[tokio::test]
    async fn a_peer_that_does_not_read_does_not_stop_the_other_direction() {
        let (client, mut application) = duplex(16);
        let (server, mut database) = duplex(16);
        let (mut client, mut server) = (Peer::new(client), Peer::new(server));
        client.output.put(&[b'x'; 1000]);
        application.write_all(b"hello").await.unwrap();
        while client.input.is_empty() {
            exchange(&mut client, &mut server, Rooms { client: 100, server: 100 }).await;
        }
        assert_eq!(&client.input[..], b"hello");
        server.output.put(b"bye");
        server.close_when_written();
        while !server.is_written() {
            exchange(&mut client, &mut server, Rooms { client: 0, server: 100 }).await;
        }
        let mut got = Vec::new();
        database.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"bye");
    }

    #[tokio::test]
    async fn a_peer_that_is_gone_is_noticed_on_both_sides() {
        let (client, application) = duplex(16);
        let (server, _database) = duplex(16);
        let (mut client, mut server) = (Peer::new(client), Peer::new(server));
        drop(application);
        exchange(&mut client, &mut server, Rooms { client: 100, server: 100 }).await;
        assert!(client.ended);
        client.output.put(b"x");
        exchange(&mut client, &mut server, Rooms { client: 100, server: 100 }).await;
        assert!(client.is_written(), "nobody is there to write to");
    }
}
