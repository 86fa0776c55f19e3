//! A way to the server that can lead to another one, as after a failover.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) port: u16,
    leads_to: Arc<AtomicU16>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Door {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let own = listener.local_addr().expect("a bound address").port();
        let leads_to = Arc::new(AtomicU16::new(port));
        let shared = Arc::clone(&leads_to);
        let task = tokio::spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let port = shared.load(Ordering::SeqCst);
                carried.spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    // Whichever side ends it, the other one sees that.
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
                while carried.try_join_next().is_some() {}
            }
        });
        Self { port: own, leads_to, task }
    }

    /// Whoever comes from now on gets there.
    pub(crate) fn lead_to(&self, port: u16) {
        self.leads_to.store(port, Ordering::SeqCst);
    }
}
