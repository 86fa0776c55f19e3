//! Places at which a test has the process killed, as by `kill -9`: not in a release build.
//!
//! `SEGUE_KILL_AT=backfill-copied:3` kills it when it comes to `backfill-copied` for the third time.

/// A place of that name.
#[macro_export]
#[doc(hidden)]
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::failpoint::here($name);
    };
}

/// Kills the process if it is the time and the place.
#[cfg(debug_assertions)]
pub fn here(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static TIMES: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("SEGUE_KILL_AT").ok()?;
        let (name, times) = text.split_once(':')?;
        Some((name.to_owned(), times.parse().ok()?))
    });
    let Some((place, times)) = wanted else { return };
    if place == name && TIMES.fetch_add(1, Ordering::Relaxed) + 1 == *times {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
