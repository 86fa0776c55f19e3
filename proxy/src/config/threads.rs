//! `threads`: how many threads serve sessions.

use std::num::NonZero;

use toml::de::DeTable;

use super::fault::Fault;
use super::raw::{Reader, find, whole};

/// Most that are of use on any machine. Unit: threads.
const MOST: usize = 1_024;

/// How many serve unless the file says otherwise: a relay does far less than the server or the application
/// that it shares the machine with, and the fewer its threads, the more each finds to do when it wakes.
pub(super) fn usual() -> NonZero<usize> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    NonZero::new(processors.div_ceil(2)).unwrap_or(NonZero::<usize>::MIN)
}

impl Reader<'_> {
    /// The number at `threads`, if it has a right one.
    pub(super) fn threads(&mut self, table: &DeTable<'_>) -> Option<NonZero<usize>> {
        let (_, value) = find(table, "threads")?;
        let digits = value.get_ref().as_integer();
        let number = digits.and_then(whole).filter(|number| *number <= MOST).and_then(NonZero::new);
        if number.is_none() {
            self.faults.push(Fault {
                line: Some(self.line(value.span())),
                key: Some("threads".to_owned()),
                ..Fault::of_file(format!("must be a whole number from 1 to {MOST}"))
            });
        }
        number
    }
}
