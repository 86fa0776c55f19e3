//! The data plane alone, with an empty generation: `relay <listen> <upstream host:port> <database>`.

use std::sync::Arc;

use segue::client::listener::{Front, run};
use segue::phase::generation::{Current, Generation};
use segue::session::counters::Counters;
use segue::upstream::Upstream;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(upstream), Some(governed_database)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: relay <listen> <upstream host:port> <database>".into());
    };
    let (host, port) = upstream.rsplit_once(':').ok_or("upstream needs a port")?;
    let upstream = Upstream::Tcp { host: host.to_owned(), port: port.parse()?, tls: None };
    let generation =
        rewrite_rules::compile(1, &[], Arc::default()).map_err(|faults| format!("{faults:?}"))?;
    let current = Arc::new(Current::new(Arc::new(Generation::new(generation))));
    let counters = Arc::new(Counters::default());
    let front = Arc::new(Front { upstream, tls: None, governed_database, current, counters });
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await?;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.send_replace(true);
            }
        });
        run(listener, Arc::clone(&front), stopped).await?;
        tracing::info!(counters = ?front.counters.snapshot(), "stopped");
        Ok(())
    })
}
