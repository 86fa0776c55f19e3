//! The threads that serve sessions.
//!
//! Each has a runtime to itself with one worker. A session stays where it began: its two sockets wake
//! the thread that serves it, and no other has to be woken, or to take work over. What costs a relay
//! most is going to sleep and being woken, and many sessions on one thread share that. A runtime
//! with one worker, not one that runs on its own thread alone, so that reading a long statement can step
//! aside (`block_in_place`) and leave the other sessions a thread.

use std::future::Future;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// The threads; dropping it ends them, and what they serve.
#[derive(Debug)]
pub struct Crew {
    members: Vec<Member>,
}

/// One of them.
#[derive(Debug)]
struct Member {
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    sessions: Arc<AtomicUsize>,
}

/// A session's place with one of them, until it ends or is given up.
struct Place(Arc<AtomicUsize>);

impl Crew {
    /// So many.
    ///
    /// # Errors
    /// The system gives no thread, or no file to wait on.
    pub fn start(threads: NonZero<usize>) -> io::Result<Self> {
        let members: io::Result<Vec<Member>> = (0..threads.get()).map(Member::start).collect();
        Ok(Self { members: members? })
    }

    /// Has a session served by whoever serves fewest. `session` is called there.
    pub fn serve<S, F>(&self, sessions: &mut JoinSet<()>, session: S)
    where
        S: FnOnce() -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let freest = self.members.iter().min_by_key(|it| it.sessions.load(Ordering::Relaxed));
        let Some((member, runtime)) = freest.and_then(|it| Some((it, it.runtime.as_ref()?))) else {
            return;
        };
        let place = Place::take(&member.sessions);
        let task = async move {
            let _place = place;
            session().await;
        };
        sessions.spawn_on(task, runtime.handle());
    }
}

impl Member {
    fn start(number: usize) -> io::Result<Self> {
        let name = format!("sessions-{number}");
        // A runtime that gets no thread panics, so one is asked for before, by what reports that.
        let asked = thread::Builder::new().name(name.clone()).spawn(|| {})?;
        let _ = asked.join();
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()?;
        Ok(Self { runtime: Some(runtime), sessions: Arc::default() })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // The usual drop waits, and whoever drops this may be a task, which must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Place {
    fn take(sessions: &Arc<AtomicUsize>) -> Self {
        sessions.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(sessions))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    const SESSIONS: usize = 4;

    #[tokio::test]
    async fn sessions_go_to_whoever_serves_fewest() {
        let crew = Crew::start(NonZero::new(2).unwrap()).unwrap();
        let (mut sessions, (say, mut said)) = (JoinSet::new(), mpsc::channel(SESSIONS));
        for _ in 0..SESSIONS {
            let say = say.clone();
            crew.serve(&mut sessions, move || async move {
                let thread = thread::current().name().map(str::to_owned);
                say.send(thread).await.unwrap();
                std::future::pending::<()>().await;
            });
        }
        let mut threads = Vec::new();
        for _ in 0..SESSIONS {
            threads.push(said.recv().await.flatten().unwrap());
        }
        threads.sort();
        assert_eq!(threads, ["sessions-0", "sessions-0", "sessions-1", "sessions-1"]);
        sessions.shutdown().await;
        let left: Vec<_> =
            crew.members.iter().map(|it| it.sessions.load(Ordering::Relaxed)).collect();
        assert_eq!(left, [0, 0]);
    }
}
