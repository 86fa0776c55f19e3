//! What a rule tells of the places of columns that are gone: it says where they stood, not what the migration is.

use super::{Change, MergeTables, SplitTable};

impl Change {
    /// The same without any such place.
    #[must_use]
    pub fn without_places(&self) -> Self {
        let mut change = self.clone();
        match &mut change {
            Self::RenameColumn(pair)
            | Self::RenameInPlace(pair)
            | Self::ChangeColumn { columns: pair, .. } => pair.position = None,
            Self::BackfillColumn(_) => {}
            Self::SplitTable(SplitTable { positions, .. }) => positions.clear(),
            Self::MergeTables(MergeTables { sources, .. }) => {
                sources.iter_mut().for_each(|source| source.positions.clear());
            }
        }
        change
    }

    /// Takes the places of `other`, another description of the same migration, where this one tells none.
    pub fn take_places(&mut self, other: &Self) {
        if self.without_places() != other.without_places() {
            return;
        }
        if let (
            Self::RenameColumn(own)
            | Self::RenameInPlace(own)
            | Self::ChangeColumn { columns: own, .. },
            Some(its),
        ) = (&mut *self, other.pair())
        {
            own.position = own.position.or(its.position);
        }
        match (self, other) {
            (Self::SplitTable(own), Self::SplitTable(its)) if own.positions.is_empty() => {
                own.positions.clone_from(&its.positions);
            }
            (Self::MergeTables(own), Self::MergeTables(its)) => {
                for (own, its) in own.sources.iter_mut().zip(&its.sources) {
                    if own.positions.is_empty() {
                        own.positions.clone_from(&its.positions);
                    }
                }
            }
            (
                Self::RenameColumn(_)
                | Self::RenameInPlace(_)
                | Self::ChangeColumn { .. }
                | Self::BackfillColumn(_)
                | Self::SplitTable(_)
                | Self::MergeTables(_),
                _,
            ) => {}
        }
    }
}
