//! Lets work that takes a while step aside, so that whatever else its thread serves goes on: what other sessions
//! ask, and signs of life to the fleet.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does `work` here, while another thread takes over what this one would do next.
///
/// Where nobody can take over, as in a program that does one thing, it is simply done.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    let here = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if matches!(here, Ok(RuntimeFlavor::MultiThread)) {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
