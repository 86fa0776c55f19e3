//! A way to a server that can be stopped up, so that whoever goes it hears nothing and is not told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::server::{run, runtime};

/// Pause between two looks whether it is open again. Unit: milliseconds.
const LOOK_MS: u64 = 5;

/// The way.
#[derive(Debug)]
pub struct Valve {
    /// Its port on 127.0.0.1.
    pub port: u16,
    stopped_up: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Valve {
    /// Leads to `port` on 127.0.0.1.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn to(port: u16) -> Self {
        let listener = run(TcpListener::bind(("127.0.0.1", 0))).expect("a free port");
        let own = listener.local_addr().expect("a bound address").port();
        let stopped_up = Arc::new(AtomicBool::new(false));
        let valve = Arc::clone(&stopped_up);
        let task = runtime().spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let valve = Arc::clone(&valve);
                carried.spawn(async move {
                    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    tokio::join!(carry(near_in, far_out, &valve), carry(far_in, near_out, &valve));
                });
            }
        });
        Self { port: own, stopped_up, task }
    }

    /// Lets nothing through, either way, until [`Self::open`].
    pub fn stop_up(&self) {
        self.stopped_up.store(true, Ordering::SeqCst);
    }

    /// Lets everything through, what waited first.
    pub fn open(&self) {
        self.stopped_up.store(false, Ordering::SeqCst);
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    stopped_up: &AtomicBool,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        while stopped_up.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        if to.write_all(bytes.get(..count).unwrap_or_default()).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
