//! Columns and tables as the generator knows them.

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Any of the integer types.
    Int,
    /// text, varchar and domains over them.
    Text,
    /// boolean
    Bool,
    /// numeric
    Numeric,
    /// date
    Date,
    /// jsonb
    Json,
    /// text[]
    Texts,
    /// The enum of that database.
    State,
    /// Anything that expressions leave alone.
    Other,
}

impl Type {
    /// The types that expressions are made of.
    pub(super) const USED: [Self; 8] = [
        Self::Text,
        Self::Int,
        Self::Bool,
        Self::Numeric,
        Self::State,
        Self::Texts,
        Self::Json,
        Self::Date,
    ];

    /// As SQL names it, if the enum is called `state`.
    pub(super) fn sql(self, state: &'static str) -> &'static str {
        match self {
            Self::Int => "integer",
            Self::Text | Self::Other => "text",
            Self::Bool => "boolean",
            Self::Numeric => "numeric",
            Self::Date => "date",
            Self::Json => "jsonb",
            Self::Texts => "text[]",
            Self::State => state,
        }
    }
}

/// What may be written to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// A number that no other row has.
    Key,
    /// A text that no other row has.
    Unique,
    /// A value must be given.
    Needed,
    /// A value may be given.
    Free,
    /// Whether there is a row of a merged table: a value must be given, and is mostly true.
    Present,
    /// Nothing.
    Never,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// As SQL writes it.
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) put: Put,
}

/// A table or view.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) schema: &'static str,
    /// As SQL writes it.
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    /// The columns of its primary key; none for what is not written.
    pub(super) key: &'static [&'static str],
    /// Numbers that no row has.
    pub(super) fresh: &'static [&'static str],
    /// What a number of another table's row is to be below, and what is then added to it to be no row's number here.
    pub(super) shift: (Option<&'static str>, &'static str),
    /// What is sent before an INSERT that reads nothing of the table: the rows that those of these numbers belong to.
    pub(super) first: &'static str,
    /// Whether a column that need not be given has a default that gives another value each time.
    pub(super) draws: bool,
}

impl Table {
    /// The single column of its key.
    pub(super) fn id(&self) -> Option<&'static str> {
        match self.key {
            [id] => Some(id),
            _ => None,
        }
    }

    /// Its place among the columns.
    pub(super) fn id_at(&self) -> Option<usize> {
        let id = self.id()?;
        self.columns.iter().position(|column| column.name == id)
    }
}

/// Numbers that no row has where nothing limits them.
const FRESH: [&str; 6] = ["1000", "1001", "1002", "1003", "1004", "1005"];

pub(super) const fn column(name: &'static str, kind: Type, put: Put) -> Column {
    Column { name, kind, put }
}

pub(super) const ID: Column = column("id", Type::Int, Put::Key);

pub(super) const fn text(name: &'static str) -> Column {
    column(name, Type::Text, Put::Free)
}

pub(super) const fn needed(name: &'static str) -> Column {
    column(name, Type::Text, Put::Needed)
}

pub(super) const fn unique(name: &'static str) -> Column {
    column(name, Type::Text, Put::Unique)
}

pub(super) const fn int(name: &'static str) -> Column {
    column(name, Type::Int, Put::Free)
}

pub(super) const fn present(name: &'static str) -> Column {
    column(name, Type::Bool, Put::Present)
}

pub(super) const fn other(name: &'static str) -> Column {
    column(name, Type::Other, Put::Never)
}

pub(super) const fn table(name: &'static str, columns: &'static [Column]) -> Table {
    keyed(name, columns, &["id"])
}

pub(super) const fn keyed(
    name: &'static str,
    columns: &'static [Column],
    key: &'static [&'static str],
) -> Table {
    Table {
        schema: "public",
        name,
        columns,
        key,
        fresh: &FRESH,
        shift: (None, "1000"),
        first: "",
        draws: false,
    }
}
