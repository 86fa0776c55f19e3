//! The running generation, flips and drains.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`generation`] | the generation in force and who lives in which; all that the data plane sees |
//! | [`plan`] | old rules beside new ones: which migrations step, and is every step legal? |
//! | [`agree`] | brings a file and the journal together |
//! | [`follow`] | goes where the fleet has gone, and joins it again |
//! | [`member`] | keeps this proxy counted in the fleet |
//! | [`rename`] | renames a column itself, while every replica holds its clients back |
//! | [`gates`] | what is in the way of a plan's steps |
//! | [`prepare`] | file + database → a compiled generation, or all faults |
//! | [`rehearse`] | has the server read every converting expression before it is used |
//! | [`wish`] | what may be asked of a reload, and what may come of it |
//! | [`flip`] | prepare, plan, swap, drain; one at a time |
//! | [`hold`] | the gate that can hold new transactions back |
//! | [`lease`], [`roll`] | whether the journal still counts this proxy, and knows its sessions |
//! | [`drain`] | waits until nothing of an older generation is left, and knows who is waited for |
//! | [`stragglers`] | ends those who hold a drain up, if told to |
//! | [`reload`] | the handle through which everybody asks for a reload |
//! | [`edit`] | changes a phase in the file, and nothing else of it |

pub mod agree;
pub mod drain;
pub mod edit;
pub mod flip;
pub mod follow;
pub mod gates;
pub mod generation;
pub mod hold;
pub mod lease;
pub mod member;
pub mod plan;
mod plan_cache;
pub mod prepare;
pub mod rehearse;
pub mod reload;
pub mod rename;
pub mod roll;
pub mod stragglers;
#[cfg(test)]
mod tests;
pub mod wish;
