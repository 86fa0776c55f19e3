//! Tables that are split, as clients of the new shape know them: `corpus/schema/split.sql` once it is done.

use rewrite_rules::Shape;

use super::super::schema::{
    Column, ID, Put, Table, Type, column, int, keyed, needed, other, table, text, unique,
};
use super::World;
use super::split::{BADGES, FOLLOWS, IMPORTS, POSTS, SPLIT};

/// Columns of `users` but for its key: those that stay.
const EMAIL: Column = unique("email");
const ROLE: Column = text("role");
const SCORE: Column = int("score");

/// Its key is drawn from a sequence.
const DRAWN: Column = column("id", Type::Int, Put::Never);

const USERS: Table = table("users", &[ID, EMAIL, ROLE, SCORE]);

const NUMBERED_USERS: Table = Table { draws: true, ..table("users", &[DRAWN, EMAIL, ROLE, SCORE]) };

const PROFILES: Table = Table {
    first: "INSERT INTO users (id, email) SELECT n, 'new-' || n FROM generate_series(1000, 1030) n",
    ..keyed(
        "user_profiles",
        &[
            column("user_id", Type::Int, Put::Key),
            text("given_name"),
            text("bio"),
            column("settings", Type::Json, Put::Free),
            column("labels", Type::Texts, Put::Free),
            column("phone", Type::Text, Put::Never),
            unique("slug"),
            column("balance", Type::Numeric, Put::Free),
            other("last_seen"),
            other("country"),
            column("feels", Type::State, Put::Free),
        ],
        &["user_id"],
    )
};

const SEATS: Table = keyed(
    "seats",
    &[needed("hall"), column("number", Type::Int, Put::Key), text("holder")],
    &["hall", "number"],
);

const NOTES: Table = Table {
    // One of each text that is made most often.
    first: "INSERT INTO seats (hall, number) SELECT h, n FROM unnest('{likes tea,bob,none,bio,x,Ann}'::text[]) h, \
            generate_series(1000, 1006) n",
    ..keyed(
        "seat_notes",
        &[
            needed("hall"),
            column("seat", Type::Int, Put::Key),
            text("note"),
            column("price", Type::Numeric, Put::Needed),
        ],
        &["hall", "seat"],
    )
};

const PERSON: Table = keyed(
    r#""Person""#,
    &[column(r#""Id""#, Type::Int, Put::Key), needed(r#""Full Name""#)],
    &[r#""Id""#],
);

const BODY: Table = Table {
    first: r#"INSERT INTO "Person" ("Id") SELECT n FROM generate_series(1000, 1030) n"#,
    ..keyed(
        r#""Body of a Person""#,
        &[
            column(r#""Whose""#, Type::Int, Put::Key),
            column(r#""Größe""#, Type::Numeric, Put::Free),
            int(r#""group""#),
        ],
        &[r#""Whose""#],
    )
};

const TABLES: [Table; 16] = [
    PROFILES,
    USERS,
    NOTES,
    BODY,
    SEATS,
    PERSON,
    NUMBERED_USERS,
    POSTS,
    IMPORTS,
    BADGES,
    FOLLOWS,
    keyed("members", &[DRAWN, EMAIL, ROLE], &[]),
    PROFILES,
    PROFILES,
    NOTES,
    BODY,
];

pub(in super::super) const SPLIT_NEW: World = World {
    client: Shape::New,
    cases: 400,
    valid_percent: 70,
    tables: &TABLES,
    refused: &[
        // Until the old columns are no longer written.
        "MERGE into a table of which columns move to another",
        // Before they are written in both tables.
        "a write of the table that columns move to",
        "DELETE of what cannot be NULL in the table that it comes from",
        "ON CONFLICT DO UPDATE that reads what is there",
        "ON CONFLICT of anything but the key",
        "a new key for a row that columns move to",
        "a new key in ON CONFLICT DO UPDATE",
        "RETURNING over several relations, with columns that have moved",
        "SET of several columns at once or of a part of one",
        "this row lock with columns that have moved",
        "a whole row of the target of UPDATE",
        "a whole row of the target of DELETE",
        "a query with GROUP BY",
    ],
    labels: &["bio", "given_name", "first_name", "note", "\"group\"", "user_id"],
    ..SPLIT
};
