//! The tables of the corpus as the generator knows them.

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
    /// order_state
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

    /// As SQL names it.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Int => "integer",
            Self::Text | Self::Other => "text",
            Self::Bool => "boolean",
            Self::Numeric => "numeric",
            Self::Date => "date",
            Self::Json => "jsonb",
            Self::Texts => "text[]",
            Self::State => "order_state",
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
    /// The columns of its primary key; none for a view.
    pub(super) key: &'static [&'static str],
}

impl Table {
    /// The single column of its key.
    pub(super) fn id(&self) -> Option<&'static str> {
        match self.key {
            [id] => Some(id),
            _ => None,
        }
    }
}

const fn column(name: &'static str, kind: Type, put: Put) -> Column {
    Column { name, kind, put }
}

const ID: Column = column("id", Type::Int, Put::Key);

const fn text(name: &'static str) -> Column {
    column(name, Type::Text, Put::Free)
}

const fn needed(name: &'static str) -> Column {
    column(name, Type::Text, Put::Needed)
}

const fn unique(name: &'static str) -> Column {
    column(name, Type::Text, Put::Unique)
}

const fn int(name: &'static str) -> Column {
    column(name, Type::Int, Put::Free)
}

const fn other(name: &'static str) -> Column {
    column(name, Type::Other, Put::Never)
}

const fn table(name: &'static str, columns: &'static [Column]) -> Table {
    Table { schema: "public", name, columns, key: &["id"] }
}

/// Everything that can stand in FROM.
pub(super) const TABLES: [Table; 19] = [
    table("users", &[ID, unique("username"), text("email"), int("age")]),
    table("posts", &[ID, int("user_id"), needed("title"), text("username")]),
    table(r#""Account""#, &[ID, text(r#""userName""#), text(r#""Bio""#), text("username")]),
    table("tasks", &[ID, text("label"), column("done", Type::Bool, Put::Free)]),
    table("tokens", &[ID, int("code"), text("note")]),
    table("notes", &[ID, text("body"), text("handle")]),
    table(
        "customers",
        &[
            ID,
            needed("full_name"),
            column("contact", Type::Text, Put::Never),
            other("address"),
            column("tags", Type::Texts, Put::Free),
            column("attributes", Type::Json, Put::Free),
            column("joined", Type::Date, Put::Free),
        ],
    ),
    table(
        "orders",
        &[
            column("id", Type::Int, Put::Never),
            column("customer_id", Type::Int, Put::Needed),
            column("status", Type::State, Put::Free),
            int("total_cents"),
            other("placed_at"),
            text("note"),
            other("tracking"),
        ],
    ),
    Table {
        schema: "public",
        name: "order_items",
        columns: &[
            column("order_id", Type::Int, Put::Needed),
            column("line_no", Type::Int, Put::Key),
            needed("sku"),
            int("quantity"),
            column("unit_price", Type::Numeric, Put::Free),
            column("amount", Type::Numeric, Put::Never),
        ],
        key: &["order_id", "line_no"],
    },
    Table {
        schema: "public",
        name: "stock",
        columns: &[needed("warehouse"), unique("item"), int("on_hand")],
        key: &["warehouse", "item"],
    },
    table(
        "appointments",
        &[
            ID,
            needed("email"),
            other("starts"),
            column("fee", Type::Numeric, Put::Free),
            text("topic"),
        ],
    ),
    table(
        "employees",
        &[
            ID,
            int("manager_id"),
            needed("name"),
            text("title"),
            column("salary", Type::Numeric, Put::Free),
            column("hired", Type::Date, Put::Free),
        ],
    ),
    table(
        "articles",
        &[
            ID,
            needed("title"),
            text("body"),
            other("search"),
            int("author_id"),
            column("published", Type::Bool, Put::Free),
        ],
    ),
    table(
        "jobs",
        &[
            ID,
            text("queue"),
            column("payload", Type::Json, Put::Free),
            column("state", Type::Text, Put::Never),
            other("run_at"),
            int("attempts"),
            text("locked_by"),
        ],
    ),
    Table {
        schema: "sales",
        name: "invoices",
        columns: &[ID, unique("number"), int("customer")],
        key: &["id"],
    },
    Table {
        schema: "archive",
        name: "users",
        columns: &[ID, text("username"), text("handle"), text("note")],
        key: &["id"],
    },
    table(r#""Größe""#, &[ID, column(r#""Länge""#, Type::Numeric, Put::Free), text(r#""naïve""#)]),
    table(r#""odd ""name""""#, &[ID, text(r#""a b""#), text(r#""select""#), int(r#""Mixed""#)]),
    Table {
        schema: "public",
        name: "post_titles",
        columns: &[column("id", Type::Int, Put::Never), column("username", Type::Text, Put::Never)],
        key: &[],
    },
];
