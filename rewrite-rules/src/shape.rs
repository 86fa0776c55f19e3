//! Which shape of the schema a client speaks.

use std::fmt;
use std::str::FromStr;

/// It decides what `*`, whole rows, column-less INSERTs and the catalog show. Either name of a
/// column may be used by clients of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shape {
    /// The schema as it was before the migration: what unchanged clients expect.
    #[default]
    Old,
    /// The schema as it will be.
    New,
}

impl Shape {
    /// Both, old first.
    pub const ALL: [Self; 2] = [Self::Old, Self::New];

    /// The name used in settings and configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown shape \"{0}\"")]
pub struct UnknownShape(pub String);

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|shape| shape.name() == text)
            .ok_or_else(|| UnknownShape(text.to_owned()))
    }
}
