//! The running generation, flips and drains.

pub mod generation;
