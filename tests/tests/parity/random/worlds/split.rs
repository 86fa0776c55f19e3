//! Tables that are split: `corpus/schema/split.sql`.

use rewrite_rules::Shape;

use super::super::schema::{
    Column, ID, Put, Table, Type, column, int, keyed, needed, other, table, text, unique,
};
use super::World;

/// Columns of `users` but for its key. All but email, role and score move.
const EMAIL: Column = unique("email");
const FIRST_NAME: Column = text("first_name");
const BIO: Column = text("bio");
const ROLE: Column = text("role");
const SETTINGS: Column = column("settings", Type::Json, Put::Free);
const TAGS: Column = column("tags", Type::Texts, Put::Free);
const PHONE: Column = column("phone", Type::Text, Put::Never);
const SLUG: Column = unique("slug");
const BALANCE: Column = column("balance", Type::Numeric, Put::Free);
const SCORE: Column = int("score");
const SEEN: Column = other("seen_at");
const COUNTRY: Column = other("country");
const FEELS: Column = column("feels", Type::State, Put::Free);

/// Its key is drawn from a sequence.
const DRAWN: Column = column("id", Type::Int, Put::Never);

const USERS: Table = table(
    "users",
    &[
        ID, EMAIL, FIRST_NAME, BIO, ROLE, SETTINGS, TAGS, PHONE, SLUG, BALANCE, SCORE, SEEN,
        COUNTRY, FEELS,
    ],
);

const NUMBERED_USERS: Table = Table {
    draws: true,
    ..table(
        "users",
        &[
            DRAWN, EMAIL, FIRST_NAME, BIO, ROLE, SETTINGS, TAGS, PHONE, SLUG, BALANCE, SCORE, SEEN,
            COUNTRY, FEELS,
        ],
    )
};

const SEATS: Table = keyed(
    "seats",
    &[
        needed("hall"),
        column("number", Type::Int, Put::Key),
        text("holder"),
        text("note"),
        column("price", Type::Numeric, Put::Needed),
    ],
    &["hall", "number"],
);

const PERSON: Table = keyed(
    r#""Person""#,
    &[
        column(r#""Id""#, Type::Int, Put::Key),
        needed(r#""Full Name""#),
        column(r#""Größe""#, Type::Numeric, Put::Free),
        int(r#""order""#),
    ],
    &[r#""Id""#],
);

/// What is not split.
pub(super) const POSTS: Table = table(
    "posts",
    &[ID, int("user_id"), needed("title"), text("bio"), column("tags", Type::Texts, Put::Free)],
);
pub(super) const IMPORTS: Table = table(
    "imports",
    &[
        ID,
        text("email"),
        text("first_name"),
        text("bio"),
        column("balance", Type::Numeric, Put::Free),
    ],
);
pub(super) const BADGES: Table = keyed("badges", &[int("user_id"), text("label")], &[]);
pub(super) const FOLLOWS: Table = keyed(
    "follows",
    &[column("follower", Type::Int, Put::Needed), column("followed", Type::Int, Put::Needed)],
    &["follower", "followed"],
);

const TABLES: [Table; 13] = [
    USERS,
    SEATS,
    PERSON,
    NUMBERED_USERS,
    POSTS,
    IMPORTS,
    BADGES,
    FOLLOWS,
    keyed("countries", &[other("code"), text("name")], &[]),
    keyed("members", &[DRAWN, EMAIL, ROLE], &[]),
    USERS,
    SEATS,
    PERSON,
];

pub(in super::super) const SPLIT: World = World {
    client: Shape::Old,
    stages: || &crate::stages::SPLIT,
    cases: 700,
    valid_percent: 80,
    queries: 42,
    keeps_order: false,
    tables: &TABLES,
    refused_when_run: &[],
    refused: &[
        "GROUP BY the key",
        "MERGE into a table of which columns move to another",
        "ON CONFLICT with columns that have moved",
        "RETURNING over several relations, with columns that have moved",
        "SET of several columns at once or of a part of one",
        "a new key in ON CONFLICT DO UPDATE",
        "this row lock with columns that have moved",
        // Of an alias that has the name of a column of the other shape.
        "a whole row of the target of INSERT",
        "a whole row of the target of UPDATE",
        "a whole row of the target of DELETE",
    ],
    state: "mood",
    states: &["sad", "fine", "happy"],
    texts: &["likes tea", "bob", "none", "", "bio", "member", "it's", "x", "Ann", "Zoë"],
    objects: &[r#"{"theme": "dark"}"#, "{}", r#"["bio"]"#],
    field: "theme",
    arrays: &["{}", "{a}", "{b,c}", "{a,NULL}"],
    taken: "bob",
    longest: 10,
    fragile: &["user_id", "follower", "followed"],
    function: (
        "posts_of",
        &[
            ("id", Type::Int),
            ("user_id", Type::Int),
            ("title", Type::Text),
            ("bio", Type::Text),
            ("tags", Type::Texts),
        ],
    ),
    values: "bio",
    hidden: &["users", "seats", "posts", "badges", "user_profiles", "imports"],
    aliases: &["bio", "slug", "users", "\"U\"", "note", "user_profiles"],
    labels: &["bio", "first_name", "given_name", "note", "\"order\"", "id"],
};
