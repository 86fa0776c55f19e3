//! segue: a proxy that moves a live PostgreSQL database from one schema shape to the next.
//!
//! The data plane carries statements: [`wire`], [`client`], [`upstream`], [`session`]. The control
//! plane decides what they become: [`config`], [`catalog`], [`phase`], [`backfill`], [`verify`],
//! [`walk`], [`ddl`], [`gate`], [`journal`], [`admin`]. The data plane knows of the control plane only [`phase::generation`].
//! Between them stands [`latency`], which the one writes and the other reads.
//! [`aside`] is for work of either that takes a while.
//! [`app`] wires everything and nobody imports it; [`cli`] is the command line.

pub mod wire;

pub mod client;
pub mod session;
pub mod upstream;

pub mod aside;
pub mod latency;

pub mod admin;
pub mod backfill;
pub mod catalog;
pub mod config;
pub mod ddl;
pub mod gate;
pub mod journal;
pub mod phase;
pub mod verify;
pub mod walk;

pub mod failpoint;

pub mod cluster;
pub mod demo;

pub mod app;
pub mod cli;
