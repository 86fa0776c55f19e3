//! One of the loads under which everyone is measured.

use super::Arguments;
use crate::load::{Mode, Workload};

#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) workload: Workload,
    pub(super) mode: Mode,
    pub(super) clients: u32,
    pub(super) tls: bool,
}

impl Cell {
    /// All that were asked for.
    pub(super) fn all(arguments: &Arguments) -> Vec<Self> {
        let mut cells = Vec::new();
        for workload in arguments.workloads.iter().copied() {
            for tls in arguments.tls.iter().copied() {
                for mode in arguments.modes.iter().copied() {
                    for clients in arguments.clients.iter().copied() {
                        cells.push(Self { workload, mode, clients, tls });
                    }
                }
            }
        }
        cells
    }

    pub(super) fn name(&self) -> String {
        let tls = if self.tls { ", TLS" } else { "" };
        format!("{}, {}, {}{tls}", self.workload.name(), self.mode.name(), self.clients)
    }
}
