//! What the differential tests migrate, as data: one row per column that moves.

use rewrite_rules::Phase;
use rewrite_rules::Phase::{DualWrite, StopDualWrite, SwitchReads};

/// What a row waits for. The row, and the statements of the corpus that name the feature, count
/// once it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Migrations of kind `change-column`.
    ChangeColumn,
    /// Migrations of partitioned tables, and of tables with inheritance children.
    Children,
}

impl Feature {
    /// Switches.
    #[must_use]
    pub fn is_there(self) -> bool {
        match self {
            Self::ChangeColumn => true,
            Self::Children => false,
        }
    }
}

/// The kind of migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `rename-column`.
    Rename,
    /// `change-column`: expressions that name the source column; without them the assignment's own
    /// conversion.
    Change {
        /// The new value from the old column.
        up: Option<&'static str>,
        /// The old value from the new column.
        down: Option<&'static str>,
        /// The old column's type.
        from_type: &'static str,
    },
}

impl Kind {
    /// The new column's value, in a query over the table alone.
    #[must_use]
    pub fn up(self, from: &str) -> String {
        match self {
            Self::Rename | Self::Change { up: None, .. } => quoted(from),
            Self::Change { up: Some(up), .. } => format!("({up})"),
        }
    }

    /// The old column's value, in a query over the table alone.
    #[must_use]
    pub fn down(self, to: &str) -> String {
        match self {
            Self::Rename => quoted(to),
            Self::Change { down: None, from_type, .. } => format!("{}::{from_type}", quoted(to)),
            Self::Change { down: Some(down), .. } => format!("({down})"),
        }
    }
}

/// An identifier as SQL writes it.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A column that moves.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    /// As SQL writes it.
    pub table: &'static str,
    /// The old column.
    pub from: &'static str,
    /// The new one.
    pub to: &'static str,
    /// Place of `from` in `SELECT *`, counted from 1.
    pub position: u16,
    /// The kind of migration.
    pub kind: Kind,
    /// Type and default of the new column.
    pub column: &'static str,
    /// What the old column holds once it is no longer written.
    pub stale: &'static str,
    /// What an operator does besides, before a phase is entered.
    pub also: &'static [(Phase, &'static str)],
    /// Constraints, each with the one that takes its place.
    pub constraints: &'static [(&'static str, &'static str)],
    /// What must be there for it.
    pub feature: Option<Feature>,
}

/// A rename for which an operator need do nothing besides.
const fn rename(
    table: &'static str,
    from: &'static str,
    to: &'static str,
    position: u16,
    column: &'static str,
    stale: &'static str,
) -> Move {
    let kind = Kind::Rename;
    let constraints = &[];
    Move { table, from, to, position, kind, column, stale, also: &[], constraints, feature: None }
}

/// Everything that moves.
pub const MOVES: &[Move] = &[
    Move {
        also: &[
            (DualWrite, "CREATE INDEX users_handle_idx ON users (handle)"),
            (SwitchReads, "CREATE UNIQUE INDEX users_handle_key ON users (handle)"),
            (SwitchReads, "ALTER TABLE users ALTER COLUMN handle SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE users ALTER COLUMN username DROP NOT NULL"),
        ],
        constraints: &[("users_username_key", "users_handle_key")],
        ..rename("users", "username", "handle", 2, "varchar(50)", "'stale-' || id")
    },
    rename(r#""Account""#, "userName", "displayName", 2, "text", "'stale'"),
    rename("tasks", "label", "heading", 2, "text DEFAULT 'untitled'", "'stale'"),
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE tokens ALTER COLUMN number SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE tokens ALTER COLUMN code DROP NOT NULL"),
            (
                StopDualWrite,
                "ALTER TABLE tokens ALTER COLUMN code DROP DEFAULT, ALTER COLUMN number SET DEFAULT nextval('code_seq')",
            ),
        ],
        ..rename("tokens", "code", "number", 2, "bigint", "-id")
    },
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE customers ALTER COLUMN display_name SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE customers ALTER COLUMN full_name DROP NOT NULL"),
        ],
        ..rename("customers", "full_name", "display_name", 2, "text", "'stale'")
    },
    Move {
        also: &[(SwitchReads, "CREATE UNIQUE INDEX customers_email_key ON customers (email)")],
        ..rename("customers", "contact", "email", 3, "email_address", "'stale@' || id")
    },
    rename(
        "customers",
        "address",
        "location",
        4,
        "postal_address",
        "ROW ('stale', 'stale', 'stale')",
    ),
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE customers ALTER COLUMN labels SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE customers ALTER COLUMN tags DROP NOT NULL"),
        ],
        ..rename("customers", "tags", "labels", 5, "text[] DEFAULT '{}'", "'{stale}'")
    },
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE customers ALTER COLUMN settings SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE customers ALTER COLUMN attributes DROP NOT NULL"),
        ],
        ..rename("customers", "attributes", "settings", 6, "jsonb DEFAULT '{}'", r#"'["stale"]'"#)
    },
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE orders ALTER COLUMN buyer_id SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE orders ALTER COLUMN customer_id DROP NOT NULL"),
        ],
        ..rename(
            "orders",
            "customer_id",
            "buyer_id",
            2,
            "integer REFERENCES customers (id)",
            "NULL",
        )
    },
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE orders ALTER COLUMN state SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE orders ALTER COLUMN status DROP NOT NULL"),
        ],
        ..rename("orders", "status", "state", 3, "order_state DEFAULT 'new'", "'cancelled'")
    },
    Move {
        kind: Kind::Change { up: None, down: None, from_type: "integer" },
        also: &[
            (SwitchReads, "ALTER TABLE orders ALTER COLUMN total SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE orders ALTER COLUMN total_cents DROP NOT NULL"),
        ],
        feature: Some(Feature::ChangeColumn),
        ..rename("orders", "total_cents", "total", 4, "bigint DEFAULT 0", "-1")
    },
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE order_items ALTER COLUMN product_code SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE order_items ALTER COLUMN sku DROP NOT NULL"),
        ],
        ..rename("order_items", "sku", "product_code", 3, "varchar(20)", "'stale'")
    },
    Move {
        also: &[
            (SwitchReads, "CREATE UNIQUE INDEX stock_sku_key ON stock (warehouse, sku)"),
            (SwitchReads, "ALTER TABLE stock DROP CONSTRAINT stock_pkey"),
            (
                SwitchReads,
                "ALTER TABLE stock ADD CONSTRAINT stock_pkey PRIMARY KEY USING INDEX stock_sku_key",
            ),
            (StopDualWrite, "ALTER TABLE stock ALTER COLUMN item DROP NOT NULL"),
        ],
        ..rename("stock", "item", "sku", 2, "text", "'stale'")
    },
    Move {
        kind: Kind::Change {
            up: Some("'mailto:' || email"),
            down: Some("substr(contact, 8)"),
            from_type: "text",
        },
        also: &[
            (SwitchReads, "ALTER TABLE appointments ALTER COLUMN contact SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE appointments ALTER COLUMN email DROP NOT NULL"),
        ],
        feature: Some(Feature::ChangeColumn),
        ..rename("appointments", "email", "contact", 2, "text", "'stale'")
    },
    Move {
        kind: Kind::Change {
            up: Some("starts AT TIME ZONE 'UTC'"),
            down: Some("starts_at AT TIME ZONE 'UTC'"),
            from_type: "timestamp without time zone",
        },
        feature: Some(Feature::ChangeColumn),
        ..rename("appointments", "starts", "starts_at", 3, "timestamptz", "'2000-01-01'")
    },
    Move {
        kind: Kind::Change {
            up: Some("fee::text"),
            down: Some("fee_text::numeric(10,2)"),
            from_type: "numeric(10,2)",
        },
        feature: Some(Feature::ChangeColumn),
        ..rename("appointments", "fee", "fee_text", 4, "text DEFAULT '10.00'", "-1")
    },
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE employees ALTER COLUMN full_name SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE employees ALTER COLUMN name DROP NOT NULL"),
        ],
        ..rename("employees", "name", "full_name", 3, "text", "'stale'")
    },
    Move {
        also: &[
            (SwitchReads, "CREATE INDEX articles_headline_idx ON articles (lower(headline))"),
            (SwitchReads, "ALTER TABLE articles ALTER COLUMN headline SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE articles ALTER COLUMN title DROP NOT NULL"),
        ],
        ..rename("articles", "title", "headline", 2, "text", "'stale'")
    },
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE jobs ALTER COLUMN channel SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE jobs ALTER COLUMN queue DROP NOT NULL"),
        ],
        ..rename("jobs", "queue", "channel", 2, "text DEFAULT 'default'", "'stale'")
    },
    Move {
        also: &[
            (
                SwitchReads,
                "CREATE UNIQUE INDEX invoices_reference_key ON sales.invoices (reference)",
            ),
            (SwitchReads, "ALTER TABLE sales.invoices ALTER COLUMN reference SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE sales.invoices ALTER COLUMN number DROP NOT NULL"),
        ],
        ..rename("sales.invoices", "number", "reference", 2, "text", "'stale-' || id")
    },
    rename(r#""Größe""#, "Länge", "Länge_mm", 2, "numeric", "-1"),
    rename(r#""Größe""#, "naïve", "naïveté", 3, "text DEFAULT 'ü'", "'stale'"),
    rename(r#""odd ""name""""#, "a b", r#"c"d"#, 2, "text", "'stale'"),
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE events ALTER COLUMN event_type SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE events ALTER COLUMN kind DROP NOT NULL"),
        ],
        feature: Some(Feature::Children),
        ..rename("events", "kind", "event_type", 3, "text DEFAULT 'click'", "'stale'")
    },
    Move {
        feature: Some(Feature::Children),
        ..rename("readings", "value", "amount", 3, "numeric", "-1")
    },
    Move {
        also: &[
            (SwitchReads, "ALTER TABLE documents ALTER COLUMN caption SET NOT NULL"),
            (StopDualWrite, "ALTER TABLE documents ALTER COLUMN title DROP NOT NULL"),
        ],
        feature: Some(Feature::Children),
        ..rename("documents", "title", "caption", 2, "text", "'stale'")
    },
];
