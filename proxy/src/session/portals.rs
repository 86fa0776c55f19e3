//! The session's portals, those of them about which something must be remembered.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rewrite_rules::Outcome;

use super::sql_prepared::Effects;
use super::version::{Scope, Standing};

/// What must be remembered of a portal.
#[derive(Debug)]
pub(super) struct Portal {
    /// What became of its statement, if errors about it must be made to fit.
    pub(super) patch: Option<Arc<Outcome>>,
    /// Whether running it may change what names mean.
    pub(super) changes_names: bool,
    /// What running it does to prepared statements, and the words in which its statement stood.
    pub(super) effects: Option<(Arc<Effects>, Standing)>,
    /// What running it does to the transaction.
    pub(super) scope: Scope,
}

/// Portals about which something must be remembered; the others are not in it, and stay in their transaction.
#[derive(Debug, Default)]
pub(super) struct Portals {
    /// Nearly all are this one.
    unnamed: Option<Portal>,
    named: HashMap<Box<[u8]>, Portal, RandomState>,
}

impl Portals {
    /// What is to be remembered of that portal.
    pub(super) fn get(&self, name: &[u8]) -> Option<&Portal> {
        match name {
            b"" => self.unnamed.as_ref(),
            // Most sessions never look further.
            _ if self.named.is_empty() => None,
            name => self.named.get(name),
        }
    }

    /// It was bound anew.
    pub(super) fn insert(&mut self, name: &[u8], portal: Portal) {
        match name {
            b"" => self.unnamed = Some(portal),
            name => drop(self.named.insert(name.into(), portal)),
        }
    }

    /// There is nothing more to be remembered of it.
    pub(super) fn remove(&mut self, name: &[u8]) {
        match name {
            b"" => self.unnamed = None,
            _ if self.named.is_empty() => {}
            name => drop(self.named.remove(name)),
        }
    }

    /// All are gone.
    pub(super) fn clear(&mut self) {
        self.unnamed = None;
        if !self.named.is_empty() {
            self.named.clear();
        }
    }
}
