//! What the server's own catalogs look like, and which objects hang on a table's columns.
//!
//! The proxy fills it. Where it is empty, as in the books, the catalog is shown as it is.

use std::collections::BTreeMap;

use crate::catalog::RelationName;

/// The catalogs of one server, and what they say beside columns and keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemCatalog {
    /// The tables and views of `pg_catalog` and `information_schema`.
    pub relations: BTreeMap<RelationName, SystemRelation>,
    /// For each user's table, what depends on its columns.
    pub objects: BTreeMap<RelationName, Vec<TableObject>>,
}

/// A table or view of the system's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemRelation {
    /// Its columns in order.
    pub columns: Vec<String>,
    /// Its primary key, by which GROUP BY determines the other columns. Empty: there is none.
    pub key: Vec<String>,
    /// The query of a view that shows columns, or what hangs on them.
    pub definition: Option<String>,
}

/// An index, constraint, trigger or statistics object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableObject {
    /// What it is.
    pub kind: ObjectKind,
    /// Its oid in the catalog of its kind.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// The index behind a constraint.
    pub index: Option<u32>,
    /// `pg_class.oid` of the table that has it: of a foreign key that refers to a column, the
    /// other table.
    pub carrier: u32,
    /// The table that a foreign key refers to.
    pub refers_to: Option<u32>,
    /// The columns it depends on, by `attnum`.
    pub columns: Vec<u16>,
    /// Whether it is a constraint that SET CONSTRAINTS may put off.
    pub deferrable: bool,
    /// The server's definition of it under an empty search path. Of an index, and of a constraint
    /// that has one, that of the index without its name: equal if both enforce the same.
    pub definition: String,
}

/// The kinds of objects that depend on columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// An index without a constraint.
    Index,
    /// A primary key, unique or exclusion constraint, with an index.
    Key,
    /// A CHECK constraint.
    Check,
    /// A NOT NULL constraint, which has a name from PostgreSQL 18 on.
    NotNull,
    /// A foreign key.
    ForeignKey,
    /// A trigger of a user.
    Trigger,
    /// Extended statistics.
    Statistics,
}
