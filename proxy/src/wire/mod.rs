//! PostgreSQL frontend/backend protocol: framing and the few messages that are inspected or made.
//!
//! Whoever only relays needs [`frame`]. Readers of [`request`] and [`reply`] take borrowed bytes of
//! one isolated frame and are bounded by it; [`compose`] makes messages with pgwire's codecs.

pub mod compose;
pub mod startup;
