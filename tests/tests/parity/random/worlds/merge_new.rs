//! Tables that are merged, as clients of the new shape know them: `corpus/schema/merge.sql` once it is done.

use rewrite_rules::Shape;

use super::super::schema::{
    Put, Table, Type, column, int, keyed, needed, other, present, text, unique,
};
use super::World;
use super::merge::{IMPORTS, LETTERS, LOUD, MERGE, QUIET, USERS};

/// Each of its rows belongs to one of the users, who are numbered from 1 to 9; those of the first seven are there.
const PREFS: Table = Table {
    fresh: &["8", "9", "10", "11"],
    shift: (Some("5"), "7"),
    first: "INSERT INTO users (id, name) VALUES (10, 'Jan'), (11, 'Kim')",
    ..keyed(
        "prefs",
        &[
            column("user_id", Type::Int, Put::Key),
            text("sender"),
            text("body"),
            column("settings", Type::Json, Put::Free),
            column("labels", Type::Texts, Put::Free),
            column("reply_to", Type::Text, Put::Never),
            unique("handle"),
            column("quota", Type::Numeric, Put::Free),
            other("sent_at"),
            column("often", Type::State, Put::Free),
            int("mail_score"),
            present("has_mail"),
            int("score"),
            column("sound", Type::Bool, Put::Free),
            text("push_body"),
            column("devices", Type::Texts, Put::Free),
            other("token"),
            present("has_push"),
        ],
        &["user_id"],
    )
};

const GOODS: Table = Table {
    schema: "shop",
    ..keyed(
        r#""All Goods""#,
        &[
            needed(r#""Site""#),
            column("item", Type::Int, Put::Key),
            int("amount"),
            text(r#""Shelf of Stock""#),
            column("checked", Type::Date, Put::Free),
            present(r#""in stock""#),
            column(r#""Größe""#, Type::Numeric, Put::Free),
            int(r#""group""#),
            text("shelf"),
            present(r#""Has Price""#),
        ],
        &[r#""Site""#, "item"],
    )
};

const TABLES: [Table; 10] =
    [PREFS, GOODS, USERS, LETTERS, IMPORTS, LOUD, QUIET, PREFS, PREFS, GOODS];

pub(in super::super) const MERGE_NEW: World = World {
    client: Shape::New,
    cases: 300,
    valid_percent: 70,
    tables: &TABLES,
    refused_when_run: &["a row whose values belong to no merged table"],
    refused: &[
        // Until the old tables are no longer written.
        "MERGE into a table of which columns move to another",
        // Before the new table is written.
        "a write of the table that others are merged into",
        // Before the new table is read.
        "a row whose values belong to no merged table",
        "a new key for a row of a merged table",
        "this ON CONFLICT on a merged table",
        "this row lock of a merged table",
        "a new key in ON CONFLICT DO UPDATE",
        "RETURNING over several relations, with columns that have moved",
        "SET of several columns at once or of a part of one",
        "a whole row of the target of UPDATE",
        "a whole row of the target of DELETE",
        "GROUP BY the key",
        "a query with GROUP BY",
    ],
    labels: &["body", "score", "push_body", "has_mail", "\"group\"", "user_id"],
    ..MERGE
};
