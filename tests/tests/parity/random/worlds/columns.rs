//! Columns that are renamed or change their type.

use rewrite_rules::Shape;

use super::super::schema::{
    ID, Put, Table, Type, column, int, keyed, needed, other, table, text, unique,
};
use super::World;

const TABLES: [Table; 19] = [
    table("users", &[ID, unique("username"), text("email"), int("age")]),
    table("posts", &[ID, int("user_id"), needed("title"), text("username")]),
    table(r#""Account""#, &[ID, text(r#""userName""#), text(r#""Bio""#), text("username")]),
    table("tasks", &[ID, text("label"), column("done", Type::Bool, Put::Free)]),
    Table { draws: true, ..table("tokens", &[ID, int("code"), text("note")]) },
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
    Table {
        draws: true,
        ..table(
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
        )
    },
    keyed(
        "order_items",
        &[
            column("order_id", Type::Int, Put::Needed),
            column("line_no", Type::Int, Put::Key),
            needed("sku"),
            int("quantity"),
            column("unit_price", Type::Numeric, Put::Free),
            column("amount", Type::Numeric, Put::Never),
        ],
        &["order_id", "line_no"],
    ),
    keyed("stock", &[needed("warehouse"), unique("item"), int("on_hand")], &["warehouse", "item"]),
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
        ..keyed("invoices", &[ID, unique("number"), int("customer")], &["id"])
    },
    Table {
        schema: "archive",
        ..keyed("users", &[ID, text("username"), text("handle"), text("note")], &["id"])
    },
    table(r#""Größe""#, &[ID, column(r#""Länge""#, Type::Numeric, Put::Free), text(r#""naïve""#)]),
    table(r#""odd ""name""""#, &[ID, text(r#""a b""#), text(r#""select""#), int(r#""Mixed""#)]),
    keyed(
        "post_titles",
        &[column("id", Type::Int, Put::Never), column("username", Type::Text, Put::Never)],
        &[],
    ),
];

pub(in super::super) const COLUMNS: World = World {
    client: Shape::Old,
    stages: || &crate::stages::COLUMNS,
    cases: 2_500,
    valid_percent: 85,
    queries: 58,
    keeps_order: true,
    tables: &TABLES,
    refused_when_run: &[],
    refused: &[
        "a query with GROUP BY",
        "INSERT from a source whose columns are not known",
        // Of an alias that a function's result may have a column of.
        "a whole row of the table's own type",
        // Of an alias that has the name of the other column.
        "a whole row of the target of INSERT",
        "a whole row of the target of UPDATE",
        "a whole row of the target of DELETE",
        "a whole row of the target of MERGE",
    ],
    state: "order_state",
    states: &["paid", "new", "shipped", "cancelled"],
    texts: &["alice", "bob", "TEA-01", "", "username", "mail", "it's", "gift", "Anna", "zoë"],
    objects: &[r#"{"tier": "gold"}"#, "{}", r#"["username"]"#],
    field: "tier",
    arrays: &["{}", "{vip}", "{vip,early}", "{a,NULL}"],
    taken: "alice",
    longest: 15,
    fragile: &["user_id", "customer_id", "order_id", "manager_id", "author_id", "quantity"],
    function: (
        "posts_of",
        &[
            ("id", Type::Int),
            ("user_id", Type::Int),
            ("title", Type::Text),
            ("username", Type::Text),
        ],
    ),
    values: "username",
    hidden: &["users", "orders", "employees", "stock", "posts", "notes"],
    aliases: &["username", "handle", "status", "\"U\"", "name", "item"],
    labels: &["username", "handle", "status", "name", "\"userName\"", "id"],
};
