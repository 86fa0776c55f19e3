//! What the server's catalogs must show to a client of one shape.
//!
//! A catalog is one more table under a lens: wherever a query reads it, a derived table stands that
//! shows each governed table with the columns that the client knows. Functions that take or give
//! physical names and numbers have lenses of their own.
//!
//! Rewriting knows no more than that: which derived table, and what stands around a call.

use crate::catalog::RelationName;
use crate::lens::Lens;

/// All that the catalogs show to clients of one shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogLenses {
    /// Catalogs and views over them.
    pub relations: Vec<Lens>,
    /// Functions about what is in them.
    pub functions: Vec<FunctionLens>,
    /// Columns that have another number for the client.
    pub numbers: Vec<ColumnNumber>,
    /// Tables that the server has no more.
    pub gone: Vec<GoneTable>,
    /// A sub-select that gives the `regclass` of any table by its name, those among them, in two parts between which the
    /// name stands. `None`: there are none.
    pub chosen: Option<(String, String)>,
}

/// A table that shows although the server has it no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneTable {
    /// Its name.
    pub relation: RelationName,
    /// What shows as its `pg_class.oid`.
    pub oid: u32,
}

/// A column whose number a client knows as another one. A RowDescription names columns by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnNumber {
    /// `pg_class.oid` of its table.
    pub relation: u32,
    /// `pg_attribute.attnum`.
    pub physical: u16,
    /// What the catalogs show to the client.
    pub shown: u16,
}

impl CatalogLenses {
    /// Whether the catalogs show just what is in them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty() && self.functions.is_empty()
    }
}

/// The query that stands for a catalog, without the brackets around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// What UNION ALL of these gives.
    pub selects: Vec<Select>,
    /// By what name a select list can refer to the catalog's system columns. `None`: it has none.
    pub alias: Option<String>,
}

/// A SELECT in two parts, between which its list can be extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// It up to the end of its select list.
    pub list: String,
    /// The rest of it.
    pub rest: String,
}

/// A function of the server's whose arguments or result are about physical columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionLens {
    /// Its schema.
    pub schema: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How many arguments this form of it has.
    pub arity: usize,
    /// Whether it takes arguments of several types, so that a parameter's cannot be told.
    pub overloaded: bool,
    /// What stands around the call, from the innermost.
    pub around: Vec<Around>,
    /// What stands around arguments.
    pub arguments: Vec<ArgumentLens>,
}

/// What stands around one argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentLens {
    /// Its place, counted from 0.
    pub place: usize,
    /// What the argument must be for this to be right.
    pub form: ArgumentForm,
    /// What another argument must be besides.
    pub beside: Option<(usize, ArgumentForm)>,
    /// It.
    pub around: Around,
}

/// How an argument says which column or relation it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentForm {
    /// By its name.
    Name,
    /// By its number.
    Number,
    /// By the oid of the relation.
    Oid,
}

/// Text around a call or an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// Before it.
    pub before: Vec<CallPiece>,
    /// Behind it.
    pub behind: Vec<CallPiece>,
}

/// A piece of such text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallPiece {
    /// SQL text.
    Text(String),
    /// One of the call's arguments, counted from 0, as the client wrote it.
    Argument(usize),
}

impl From<&str> for CallPiece {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for CallPiece {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
