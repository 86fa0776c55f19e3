//! PostgreSQL frontend/backend protocol: framing and the few messages that are inspected or made.
//!
//! Whoever only relays needs [`frame`] and [`outgoing`]. The readers in [`request`] and [`reply`]
//! take the borrowed bytes of one isolated frame and cannot read past it; [`compose`] makes
//! messages, with pgwire's codecs where nothing of the client's goes into them.

pub mod compose;
pub mod frame;
pub mod outgoing;
pub mod reply;
pub mod request;
pub mod startup;
