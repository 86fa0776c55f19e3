//! Columns that are renamed or change their type, as clients of the new shape know them: the new ones come last.

use rewrite_rules::Shape;

use super::super::schema::{
    ID, Put, Table, Type, column, int, keyed, needed, other, table, text, unique,
};
use super::World;
use super::columns::COLUMNS;

const TABLES: [Table; 19] = [
    table("users", &[ID, text("email"), int("age"), unique("handle")]),
    table("posts", &[ID, int("user_id"), needed("title"), text("username")]),
    table(r#""Account""#, &[ID, text(r#""Bio""#), text("username"), text(r#""displayName""#)]),
    table("tasks", &[ID, column("done", Type::Bool, Put::Free), text("heading")]),
    Table { draws: true, ..table("tokens", &[ID, text("note"), int("number")]) },
    table("notes", &[ID, text("body"), text("handle")]),
    table(
        "customers",
        &[
            ID,
            column("joined", Type::Date, Put::Free),
            needed("display_name"),
            column("email", Type::Text, Put::Never),
            other("location"),
            column("labels", Type::Texts, Put::Free),
            column("settings", Type::Json, Put::Free),
        ],
    ),
    Table {
        draws: true,
        ..table(
            "orders",
            &[
                column("id", Type::Int, Put::Never),
                other("placed_at"),
                text("note"),
                other("tracking"),
                column("buyer_id", Type::Int, Put::Needed),
                column("state", Type::State, Put::Free),
                int("total"),
            ],
        )
    },
    keyed(
        "order_items",
        &[
            column("order_id", Type::Int, Put::Needed),
            column("line_no", Type::Int, Put::Key),
            int("quantity"),
            column("unit_price", Type::Numeric, Put::Free),
            column("amount", Type::Numeric, Put::Never),
            needed("product_code"),
        ],
        &["order_id", "line_no"],
    ),
    keyed("stock", &[needed("warehouse"), int("on_hand"), unique("sku")], &["warehouse", "sku"]),
    table(
        "appointments",
        &[
            ID,
            text("topic"),
            needed("contact"),
            other("starts_at"),
            // The old column takes numbers alone.
            column("fee_text", Type::Text, Put::Never),
        ],
    ),
    table(
        "employees",
        &[
            ID,
            int("manager_id"),
            text("title"),
            column("salary", Type::Numeric, Put::Free),
            column("hired", Type::Date, Put::Free),
            needed("full_name"),
        ],
    ),
    table(
        "articles",
        &[
            ID,
            text("body"),
            other("search"),
            int("author_id"),
            column("published", Type::Bool, Put::Free),
            needed("headline"),
        ],
    ),
    table(
        "jobs",
        &[
            ID,
            column("payload", Type::Json, Put::Free),
            column("state", Type::Text, Put::Never),
            other("run_at"),
            int("attempts"),
            text("locked_by"),
            text("channel"),
        ],
    ),
    Table {
        schema: "sales",
        ..keyed("invoices", &[ID, int("customer"), unique("reference")], &["id"])
    },
    Table {
        schema: "archive",
        ..keyed("users", &[ID, text("username"), text("handle"), text("note")], &["id"])
    },
    table(
        r#""Größe""#,
        &[ID, column(r#""Länge_mm""#, Type::Numeric, Put::Free), text(r#""naïveté""#)],
    ),
    table(r#""odd ""name""""#, &[ID, text(r#""select""#), int(r#""Mixed""#), text(r#""c""d""#)]),
    keyed(
        "post_titles",
        &[column("id", Type::Int, Put::Never), column("username", Type::Text, Put::Never)],
        &[],
    ),
];

pub(in super::super) const COLUMNS_NEW: World = World {
    client: Shape::New,
    cases: 800,
    keeps_order: false,
    tables: &TABLES,
    // Of what is no address the old column would make something else.
    texts: &["alice", "bob", "TEA-01", "", "handle", "it's", "gift", "zoë", "mailto:a", "mailto:"],
    fragile: &["user_id", "buyer_id", "order_id", "manager_id", "author_id", "quantity"],
    values: "handle",
    labels: &["username", "handle", "state", "full_name", "\"displayName\"", "id"],
    ..COLUMNS
};
