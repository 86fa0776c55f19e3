//! What the database really has, as plain data: relations, columns, keys, function volatilities.
//!
//! The proxy fills it from `pg_catalog`; tests build it from `CREATE TABLE` texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::system_catalog::SystemCatalog;

/// A schema-qualified relation name, both parts exactly as the catalog stores them (unquoted).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationName {
    /// Name of the schema (`pg_namespace.nspname`).
    pub schema: String,
    /// Name of the relation (`pg_class.relname`).
    pub name: String,
}

impl RelationName {
    /// Puts a schema and a relation's name together.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// The catalog of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Every relation that can stand in FROM: tables, partitioned tables, views, materialised
    /// views, foreign tables. Those of the system schemas are in `system`.
    pub relations: BTreeMap<RelationName, Relation>,
    /// For each function name (without schema) the *most* volatile of its overloads.
    /// A name that is not here counts as volatile.
    pub functions: BTreeMap<String, Volatility>,
    /// Names (without schema) of operators of which at least one calls a volatile function.
    pub volatile_operators: BTreeSet<String>,
    /// The server's own catalogs.
    pub system: SystemCatalog,
}

impl Catalog {
    /// The relation of that name.
    #[must_use]
    pub fn relation(&self, name: &RelationName) -> Option<&Relation> {
        self.relations.get(name)
    }

    /// The catalog as it will be when the column `from` of `table`, and of whatever inherits it, has
    /// been renamed to `to`.
    #[must_use]
    pub fn with_column_renamed(&self, table: &RelationName, from: &str, to: &str) -> Self {
        let mut renamed = self.clone();
        let mut open = vec![table.clone()];
        while let Some(name) = open.pop() {
            let Some(relation) = renamed.relations.get_mut(&name) else { continue };
            open.extend(relation.children.iter().cloned());
            let columns = relation.columns.iter_mut().map(|column| &mut column.name);
            let keys = relation.keys.iter_mut().flat_map(|key| &mut key.columns);
            for name in columns.chain(keys).filter(|name| *name == from) {
                to.clone_into(name);
            }
        }
        renamed
    }
}

/// `pg_proc.provolatile`, from the tamest to the wildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Same arguments, same result, for ever.
    Immutable,
    /// Same result within one statement.
    Stable,
    /// Anything may happen at each call.
    Volatile,
}

/// One relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// What kind of relation it is.
    pub kind: RelationKind,
    /// Live columns in `attnum` order, system and dropped columns left out.
    pub columns: Vec<Column>,
    /// `pg_class.relnatts`: the highest `attnum` ever given, dropped columns included.
    pub attribute_count: u16,
    /// Primary key, unique constraints and unique indexes over plain columns.
    pub keys: Vec<Key>,
    /// Unique indexes over plain columns that are being built, or whose building failed: they may
    /// reject rows already, but nothing else can be done with them.
    pub building: Vec<Key>,
    /// Unique indexes with a predicate or over expressions, with their plain columns: no conflict's target
    /// names them by those, but they reject rows.
    pub conditional: Vec<Key>,
    /// Names of user triggers that fire BEFORE INSERT or UPDATE … FOR EACH ROW.
    pub before_row_triggers: Vec<String>,
    /// Tables that inherit from it directly, and its partitions.
    pub children: Vec<RelationName>,
    /// `pg_class.oid` and `pg_class.reltype`, 0 where they are not known.
    pub oids: Oids,
}

impl Relation {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The numbers by which messages and catalogs refer to a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oids {
    /// `pg_class.oid`.
    pub relation: u32,
    /// `pg_class.reltype`: the type of its rows.
    pub row_type: u32,
    /// `pg_type.typarray` of that: the type of arrays of its rows.
    pub row_array_type: u32,
}

/// `pg_class.relkind`, as far as it matters in FROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// Ordinary table (`r`).
    Table,
    /// Partitioned table (`p`).
    PartitionedTable,
    /// View (`v`).
    View,
    /// Materialised view (`m`).
    MaterializedView,
    /// Foreign table (`f`).
    ForeignTable,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// `pg_attribute.attname`.
    pub name: String,
    /// `pg_attribute.attnum`: its place in the table, counted from 1; dropped columns leave gaps.
    pub number: u16,
    /// `format_type(atttypid, atttypmod)`, schema-qualified where it is not in `pg_catalog`.
    pub type_name: String,
    /// `format_type(atttypid, -1)`: the same without its typmod, safe to write in a cast.
    pub base_type: String,
    /// Of a domain: the type behind it, with the modifier.
    pub behind_domain: Option<String>,
    /// The collation where it differs from the type's default, as SQL writes it.
    pub collation: Option<String>,
    /// `pg_attribute.attnotnull`.
    pub not_null: bool,
    /// What an INSERT that leaves the column out stores.
    pub default: Option<ColumnDefault>,
    /// `GENERATED ALWAYS AS (…) STORED`.
    pub generated: bool,
    /// `GENERATED { ALWAYS | BY DEFAULT } AS IDENTITY`.
    pub identity: Option<Identity>,
    /// What would break if the column stopped being written or were dropped: views, functions,
    /// triggers, policies, publications, as `pg_describe_object` names them. Indexes and
    /// constraints of the table itself are left out.
    pub dependents: BTreeSet<String>,
    /// Views and rules of views that read or write it, where PostgreSQL writes through them by
    /// itself: not those with INSTEAD OF triggers.
    pub views: BTreeSet<RelationName>,
}

impl Column {
    /// A column that may be NULL and has no default, and on which nothing depends. `type_name` has
    /// no modifier and is no domain's.
    #[must_use]
    pub fn new(name: &str, number: u16, type_name: &str) -> Self {
        Self {
            name: name.to_owned(),
            number,
            type_name: type_name.to_owned(),
            base_type: type_name.to_owned(),
            behind_domain: None,
            collation: None,
            not_null: false,
            default: None,
            generated: false,
            identity: None,
            dependents: BTreeSet::new(),
            views: BTreeSet::new(),
        }
    }
}

/// A column's DEFAULT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefault {
    /// `pg_get_expr(adbin, adrelid)` under an empty search path, so every name is qualified.
    pub expression: String,
    /// Volatility of the wildest function in it.
    pub volatility: Volatility,
}

/// How an identity column reacts to explicit values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// `GENERATED ALWAYS`.
    Always,
    /// `GENERATED BY DEFAULT`.
    ByDefault,
}

/// A primary key, unique constraint or unique index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name of the index, which is also that of the constraint if there is one.
    pub name: String,
    /// Whether it is the primary key.
    pub primary: bool,
    /// Whether a constraint stands behind it (`ON CONFLICT ON CONSTRAINT` can name it).
    pub constraint: bool,
    /// Key columns in index order. A key over expressions or with a predicate is left out.
    pub columns: Vec<String>,
}
