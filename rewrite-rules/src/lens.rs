//! A lens: what one governed table means to a client, whatever exists physically.
//!
//! Rewriting knows lenses only. It never learns which kind of migration made one, nor its phase.

use crate::catalog::{ColumnDefault, RelationName};

/// One governed table as a client of the old shape sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// The physical table.
    pub relation: RelationName,
    /// The logical columns in the order that `*` shows, then those that may be named but are not
    /// shown.
    pub columns: Vec<LogicalColumn>,
    /// Physical columns that a client must not see unless it names them by a logical name.
    pub hidden: Vec<String>,
    /// Whether the catalog knows one of them to exist.
    pub hidden_exists: bool,
    /// What becomes of a statement that names this table but cannot be read.
    pub opaque: OpaquePolicy,
    /// The migrations behind this lens, for messages.
    pub migrations: Vec<String>,
}

impl Lens {
    /// The logical column of that name, shown or not.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&LogicalColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns that `*`, whole rows and column-less INSERTs mean, in order.
    pub fn shown(&self) -> impl Iterator<Item = &LogicalColumn> {
        self.columns.iter().filter(|column| column.shown)
    }
}

/// One name that a client may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalColumn {
    /// The name as the client writes it.
    pub name: String,
    /// Whether `*`, whole rows and column-less INSERTs include it.
    pub shown: bool,
    /// The physical column that a read of it reads.
    pub get: String,
    /// The physical columns that a write of it writes, in the order they are written.
    pub put: Vec<String>,
    /// `format_type` without typmod, for casts that keep a parameter's type.
    pub base_type: String,
    /// What an INSERT that leaves it out stores, if not NULL.
    pub default: Option<ColumnDefault>,
    /// Whether all columns in `put` have that default themselves, so leaving it out is enough.
    pub default_is_shared: bool,
    /// `GENERATED ALWAYS AS (…) STORED`: COPY without a column list leaves it out.
    pub generated: bool,
    /// An identity column: its default cannot be written as an expression.
    pub identity: bool,
    /// The migration that governs this column, if any.
    pub migration: Option<String>,
}

impl LogicalColumn {
    /// Whether the name and the one physical column behind it are the same for reads and writes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.get == self.name && matches!(self.put.as_slice(), [only] if *only == self.name)
    }
}

/// What becomes of a statement that names a governed table but cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpaquePolicy {
    /// It can do no harm: send it as it is, and count it.
    Forward,
    /// It could read or write the wrong side: refuse it.
    Refuse,
}
