//! The harness: private PostgreSQL clusters, proxies in this process, and a client that sees bytes.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`server`] | one cluster per test process, one database per test |
//! | [`proxy`] | the whole proxy in this process, with its configuration file |
//! | [`relay`] | the data plane alone, with a generation chosen by the test |
//! | [`valve`] | a way to the server that can be stopped up |
//! | [`wire`] | a client that sends any frame and shows every answer |
//! | `farewell` | clients that close when the proxy has said goodbye |
//! | [`message`] | backend messages, decoded |
//! | [`moves`] | what the differential tests migrate, as data |
//! | [`stage`] | the physical schema of each phase, made from those rows |
//! | [`copying`] | what backfills and verifications are tried on |
//! | [`merging`] | tables that become parts of one, and what all should hold |
//! | [`splitting`] | the rule of a table that is split |
//! | [`meeting`] | two sessions of which one waits for the other |
//! | [`programs`] | programs that others wrote: psql, Python |
//! | [`golden`] | the books, shared with the runner in `rewrite-rules` |

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports to nobody: where it cannot go on the test must fail at that place"
)]

pub mod copying;
mod farewell;
#[path = "../../rewrite-rules/tests/support/mod.rs"]
pub mod golden;
pub mod meeting;
pub mod merging;
pub mod message;
pub mod moves;
pub mod programs;
pub mod proxy;
pub mod relay;
pub mod server;
pub mod splitting;
pub mod stage;
pub mod valve;
pub mod wire;
