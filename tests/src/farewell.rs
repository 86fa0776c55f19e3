//! Clients that close when they have been told goodbye, as programs do.
//!
//! A session that is ended waits until its client has closed, or for seconds. A [`Wire`](crate::wire::Wire)
//! closes at the end of its test only, so whoever ends a proxy has its clients leave in time.

use std::future::Future;
use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::wire::{self, Stream};

/// Pause between two looks who was told goodbye. Unit: milliseconds.
const LOOK_MS: u64 = 10;

/// Every client that may be open, by the port to which it is connected.
static CLIENTS: Mutex<Vec<(u16, Weak<TcpStream>)>> = Mutex::new(Vec::new());

/// A client's socket.
pub(crate) struct Socket(Arc<TcpStream>);

impl Socket {
    /// Connects to that port.
    pub(crate) fn open(port: u16) -> Self {
        let stream = Arc::new(wire::socket(port));
        let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|(_, client)| client.strong_count() > 0);
        clients.push((port, Arc::downgrade(&stream)));
        Self(stream)
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.as_ref().read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.as_ref().write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.0.as_ref().flush()
    }
}

impl Stream for Socket {
    fn end(&mut self) {
        close(&self.0);
    }
}

/// Waits until what listens on `port` has stopped. Each of its clients closes once it has heard the last
/// of it, and can still read all of that.
pub(crate) async fn until_stopped<F: Future>(port: u16, stopping: F) -> F::Output {
    let mut stopping = pin!(stopping);
    loop {
        tokio::select! {
            stopped = &mut stopping => return stopped,
            () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
        }
        let clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        let of_port = clients.iter().filter(|(at, _)| *at == port);
        of_port
            .filter_map(|(_, client)| client.upgrade())
            .filter(is_over)
            .for_each(|it| close(&it));
    }
}

/// Whether the other side has closed, whatever of it is still unread.
fn is_over(client: &Arc<TcpStream>) -> bool {
    let mut asked = [PollFd::new(client, PollFlags::RDHUP)];
    poll(&mut asked, Some(&Timespec::default())).is_ok_and(|count| count > 0)
}

/// Says that nothing more will be written.
fn close(client: &TcpStream) {
    // Fails only if the connection is gone.
    let _ = client.shutdown(Shutdown::Write);
}
