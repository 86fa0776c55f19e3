//! Tables that are merged: `corpus/schema/merge.sql`.

use rewrite_rules::Shape;

use super::super::schema::{
    ID, Put, Table, Type, column, int, keyed, needed, other, table, text, unique,
};
use super::World;

/// Each of its rows belongs to one of the users, who are numbered from 1 to 9; the mail is that of the first five.
const MAIL: Table = Table {
    fresh: &["6", "7", "8", "9"],
    shift: (Some("5"), "5"),
    ..keyed(
        "mail",
        &[
            column("uid", Type::Int, Put::Key),
            text("sender"),
            text("body"),
            column("settings", Type::Json, Put::Free),
            column("tags", Type::Texts, Put::Free),
            column("reply_to", Type::Text, Put::Never),
            unique("handle"),
            column("quota", Type::Numeric, Put::Free),
            other("sent_at"),
            column("often", Type::State, Put::Free),
            int("score"),
        ],
        &["uid"],
    )
};

/// The same, of users 3 to 7.
const PUSH: Table = Table {
    fresh: &["1", "2", "8", "9"],
    shift: (Some("3"), "7"),
    ..keyed(
        "push",
        &[
            int("score"),
            column("user_id", Type::Int, Put::Key),
            column("sound", Type::Bool, Put::Free),
            text("body"),
            column("devices", Type::Texts, Put::Free),
            other("token"),
        ],
        &["user_id"],
    )
};

const STOCK: Table = Table {
    schema: "shop",
    ..keyed(
        "stock",
        &[
            needed("house"),
            column("item", Type::Int, Put::Key),
            int("amount"),
            text("shelf"),
            column("checked", Type::Date, Put::Free),
        ],
        &["house", "item"],
    )
};

const PRICES: Table = Table {
    schema: "shop",
    ..keyed(
        r#""Price List""#,
        &[
            column(r#""Item No""#, Type::Int, Put::Key),
            needed(r#""House""#),
            column(r#""Größe""#, Type::Numeric, Put::Needed),
            int(r#""order""#),
            text("shelf"),
        ],
        &[r#""House""#, r#""Item No""#],
    )
};

/// What is not merged.
pub(super) const USERS: Table = table("users", &[ID, needed("name"), int("score"), text("body")]);
pub(super) const LETTERS: Table = table(
    "letters",
    &[ID, int("user_id"), needed("title"), text("body"), column("tags", Type::Texts, Put::Free)],
);
pub(super) const IMPORTS: Table = keyed(
    "imports",
    &[
        column("uid", Type::Int, Put::Key),
        text("sender"),
        text("body"),
        column("quota", Type::Numeric, Put::Free),
    ],
    &["uid"],
);
pub(super) const LOUD: Table = keyed("loud", &[int("id"), text("name")], &[]);
pub(super) const QUIET: Table = keyed("quiet", &[int("user_id"), int("score")], &[]);

const TABLES: [Table; 13] =
    [MAIL, PUSH, STOCK, PRICES, USERS, LETTERS, IMPORTS, LOUD, QUIET, MAIL, PUSH, MAIL, PUSH];

pub(in super::super) const MERGE: World = World {
    client: Shape::Old,
    stages: || &crate::stages::MERGE,
    cases: 700,
    valid_percent: 80,
    queries: 42,
    keeps_order: false,
    tables: &TABLES,
    refused_when_run: &[],
    refused: &[
        "GROUP BY the key",
        "MERGE into a table of which columns move to another",
        "SET of several columns at once or of a part of one",
        "a new key for a row of a merged table",
        "this ON CONFLICT on a merged table",
        "this row lock of a merged table",
        "a new key in ON CONFLICT DO UPDATE",
        "RETURNING over several relations, with columns that have moved",
        "a whole row of the target of UPDATE",
        "a whole row of the target of DELETE",
    ],
    state: "pace",
    states: &["never", "weekly", "daily"],
    texts: &["likes tea", "bob", "none", "", "body", "top", "it's", "x", "Ann", "pong"],
    objects: &[r#"{"theme": "dark"}"#, "{}", r#"["body"]"#],
    field: "theme",
    arrays: &["{}", "{a}", "{b,c}", "{a,NULL}"],
    taken: "bob",
    longest: 10,
    fragile: &["user_id"],
    function: (
        "letters_of",
        &[
            ("id", Type::Int),
            ("user_id", Type::Int),
            ("title", Type::Text),
            ("body", Type::Text),
            ("tags", Type::Texts),
        ],
    ),
    values: "body",
    hidden: &["users", "mail", "push", "letters", "prefs", "imports"],
    aliases: &["body", "score", "mail", "\"U\"", "shelf", "prefs"],
    labels: &["body", "score", "push_body", "has_mail", "\"order\"", "uid"],
};
