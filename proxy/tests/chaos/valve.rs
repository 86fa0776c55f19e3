//! A way to the server that can be stopped up, or cut after so many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// As many bytes as ever.
const UNCUT: i64 = i64::MAX;

#[derive(Debug)]
pub(crate) struct Valve {
    pub(crate) port: u16,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    stopped_up: AtomicBool,
    /// Bytes until the connection that carries the last of them is cut.
    left: AtomicI64,
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Valve {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let own = listener.local_addr().expect("a bound address").port();
        let state =
            Arc::new(State { stopped_up: AtomicBool::new(false), left: AtomicI64::new(UNCUT) });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                carried.spawn(carry(near, port, Arc::clone(&shared)));
                while carried.try_join_next().is_some() {}
            }
        });
        Self { port: own, state, task }
    }

    /// Lets nothing through until [`Self::open`].
    pub(crate) fn stop_up(&self) {
        self.state.stopped_up.store(true, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        self.state.stopped_up.store(false, Ordering::SeqCst);
    }

    /// Cuts one connection, in the middle of whatever it carries `bytes` from now.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.state.left.store(i64::try_from(bytes).unwrap_or(UNCUT), Ordering::SeqCst);
    }
}

/// Carries both ways until either side closes, or the connection is cut.
async fn carry(mut near: TcpStream, port: u16, state: Arc<State>) {
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (mut up, mut down) = (vec![0; 4096], vec![0; 4096]);
    let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.split(), far.split());
    loop {
        let (count, is_up) = tokio::select! {
            read = near_in.read(&mut up) => (read.unwrap_or(0), true),
            read = far_in.read(&mut down) => (read.unwrap_or(0), false),
        };
        while state.stopped_up.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let bytes = i64::try_from(count).unwrap_or(0);
        let left = state.left.load(Ordering::SeqCst);
        let is_cut = left != UNCUT && {
            state.left.store(left - bytes, Ordering::SeqCst);
            left <= bytes
        };
        let count = if is_cut { usize::try_from(left.max(0)).unwrap_or(0) } else { count };
        let chunk = if is_up { up.get(..count) } else { down.get(..count) }.unwrap_or_default();
        let written = match is_up {
            true => far_out.write_all(chunk).await,
            false => near_out.write_all(chunk).await,
        };
        if is_cut {
            state.left.store(UNCUT, Ordering::SeqCst);
        }
        if is_cut || bytes == 0 || written.is_err() {
            return;
        }
    }
}
