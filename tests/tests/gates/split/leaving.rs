//! Before only the new table is written.

use rewrite_rules::Phase::{Contract, DualWrite, StopDualWrite, SwitchReads};
use segue_tests::server::Database;

use super::{CLEAN, check, planted, profiles, told};

#[test]
fn a_column_that_needs_a_value() {
    planted(
        "ALTER TABLE users ALTER first_name SET NOT NULL;
         ALTER TABLE user_profiles ALTER given_name SET NOT NULL",
        SwitchReads,
        StopDualWrite,
        &[
            r#"not-ready definition: key "phase" of migration "m": phase "stop-dual-write" does not write "first_name", which is NOT NULL"#,
            "  ALTER TABLE public.users ALTER COLUMN first_name DROP NOT NULL;",
        ],
    );
    planted(
        "ALTER TABLE users ADD CHECK (first_name IS NOT NULL);
         ALTER TABLE user_profiles ADD CHECK (given_name IS NOT NULL)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky not-null: CHECK constraint "users_first_name_check" of "public.users" refuses rows in which phase "stop-dual-write" leaves what has moved to its default, or NULL: CHECK ((first_name IS NOT NULL))"#,
            "  ALTER TABLE public.users DROP CONSTRAINT users_first_name_check;",
        ],
    );
}

/// Which the old table has let go of, so as not to be written.
#[test]
fn not_null_stays_where_the_column_is() {
    let let_go = "ALTER TABLE user_profiles ALTER given_name SET NOT NULL";
    planted(let_go, SwitchReads, StopDualWrite, &[]);
    planted(let_go, StopDualWrite, Contract, &[]);
    planted(let_go, StopDualWrite, SwitchReads, &[]);
    planted(
        let_go,
        SwitchReads,
        DualWrite,
        &[
            r#"risky not-null: column "given_name" of "public.user_profiles" is NOT NULL, and "first_name" of "public.users" is not: its table is about to be read again"#,
            "  ALTER TABLE public.users ADD CONSTRAINT segue_first_name_not_null CHECK (first_name IS NOT NULL) NOT VALID;",
            "  ALTER TABLE public.users VALIDATE CONSTRAINT segue_first_name_not_null;",
            "  ALTER TABLE public.users ALTER COLUMN first_name SET NOT NULL;",
            "  ALTER TABLE public.users DROP CONSTRAINT segue_first_name_not_null;",
        ],
    );
}

#[test]
fn a_key_that_would_be_the_same_in_every_row() {
    planted(
        "ALTER TABLE users ADD UNIQUE (bio); ALTER TABLE user_profiles ADD UNIQUE (bio)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky default: unique index "users_bio_key" of "public.users" is over what is the same in all rows once phase "stop-dual-write" leaves what has moved to its default, or NULL: the second row would be refused"#,
            "  ALTER TABLE public.users DROP CONSTRAINT users_bio_key;",
        ],
    );
    planted(
        "ALTER TABLE users ADD UNIQUE (first_name);
         ALTER TABLE user_profiles ADD UNIQUE (given_name)",
        SwitchReads,
        StopDualWrite,
        &[],
    );
}

#[test]
fn views() {
    planted(
        "CREATE VIEW v WITH (security_barrier) AS SELECT id, bio, first_name AS name FROM users WHERE bio <> ''",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data view: view public.v uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  CREATE OR REPLACE VIEW public.v (id, bio, name) WITH (security_barrier=true) AS SELECT users.id,\n    users.bio,\n    users.first_name AS name\n   FROM (SELECT segue_own.id, segue_0.given_name AS first_name, segue_0.bio FROM public.users AS segue_own LEFT JOIN public.user_profiles AS segue_0 ON segue_0.user_id = segue_own.id) AS users\n  WHERE (users.bio <> ''::text);",
        ],
    );
    planted(
        "CREATE MATERIALIZED VIEW mv AS SELECT id, bio FROM users; CREATE INDEX mv_id ON mv (id)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data materialized-view: materialized view public.mv uses "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  DROP MATERIALIZED VIEW public.mv;",
            "  CREATE MATERIALIZED VIEW public.mv (id, bio) AS SELECT users.id,\n    users.bio\n   FROM (SELECT segue_own.id, segue_0.given_name AS first_name, segue_0.bio FROM public.users AS segue_own LEFT JOIN public.user_profiles AS segue_0 ON segue_0.user_id = segue_own.id) AS users;",
            "  CREATE INDEX mv_id ON public.mv USING btree (id);",
            "  ALTER MATERIALIZED VIEW public.mv OWNER TO postgres;",
        ],
    );
    planted(
        "CREATE VIEW v WITH (security_barrier, check_option = local) AS SELECT id, bio FROM users",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data view: view public.v uses "bio" of "public.users", which phase "stop-dual-write" does not write; it is WITH CHECK OPTION, which no view over a join can be: what is written through it is for an INSTEAD OF trigger"#,
            "  CREATE OR REPLACE VIEW public.v (id, bio) WITH (security_barrier=true) AS SELECT users.id,\n    users.bio\n   FROM (SELECT segue_own.id, segue_0.given_name AS first_name, segue_0.bio FROM public.users AS segue_own LEFT JOIN public.user_profiles AS segue_0 ON segue_0.user_id = segue_own.id) AS users;",
        ],
    );
    planted("CREATE VIEW v AS SELECT id, email FROM users", SwitchReads, StopDualWrite, &[]);
    planted(
        "CREATE VIEW v AS SELECT bio FROM users TABLESAMPLE SYSTEM (10)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data view: view public.v uses "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_viewdef('public.v'::regclass);",
        ],
    );
}

#[test]
fn what_else_hangs_on_the_columns() {
    planted(
        "ALTER TABLE users ADD shout text GENERATED ALWAYS AS (upper(bio)) STORED",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data generated-column: column shout of table public.users uses "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  ALTER TABLE public.users DROP COLUMN shout;",
        ],
    );
    planted(
        "CREATE POLICY own ON users USING (first_name = CURRENT_USER)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data policy: policy own on table public.users uses "first_name" of "public.users", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polrelid = 'public.users'::regclass AND quote_ident(polname) = 'own';",
        ],
    );
    planted(
        "CREATE PUBLICATION p FOR TABLE users (email, id, bio) WHERE (id > 7), user_profiles",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data publication: publication of table public.users in publication p uses "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  ALTER PUBLICATION p DROP TABLE public.users;",
            "  ALTER PUBLICATION p ADD TABLE public.users (id, email) WHERE ((id > 7));",
        ],
    );
    planted(
        "CREATE TABLE inbox (x int);
         CREATE RULE r AS ON INSERT TO inbox DO ALSO UPDATE users SET score = 1 WHERE bio = ''",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data rule: rule r on table public.inbox uses "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  DROP RULE r ON public.inbox;",
        ],
    );
    planted(
        "CREATE FUNCTION names() RETURNS text LANGUAGE sql AS 'SELECT bio || first_name FROM users'",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky function: function public.names() names "users" and "first_name", "bio", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.names()'::regprocedure);",
        ],
    );
    planted(
        "CREATE FUNCTION names() RETURNS text LANGUAGE sql RETURN (SELECT bio FROM public.users WHERE id = 1)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data function: function public.names() uses "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.names()'::regprocedure);",
        ],
    );
    planted(
        "ALTER TABLE users ADD UNIQUE (first_name);
         CREATE UNIQUE INDEX ON user_profiles (given_name);
         CREATE TABLE logins (name text REFERENCES users (first_name) ON DELETE CASCADE)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky foreign-key: constraint logins_name_fkey on table public.logins uses "first_name" of "public.users", which phase "stop-dual-write" does not write"#,
            "  ALTER TABLE public.logins DROP CONSTRAINT logins_name_fkey, ADD CONSTRAINT logins_name_fkey FOREIGN KEY (name) REFERENCES public.user_profiles(given_name) ON DELETE CASCADE NOT VALID;",
            "  ALTER TABLE public.logins VALIDATE CONSTRAINT logins_name_fkey;",
        ],
    );
    planted(
        "CREATE SEQUENCE s OWNED BY users.bio",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky dependent: sequence public.s belongs to column "bio" of "public.users" and would go with it"#,
            "  ALTER SEQUENCE public.s OWNED BY public.user_profiles.bio;",
        ],
    );
}

#[test]
fn triggers_of_the_old_table() {
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.bio := 1; RETURN NEW;
         END'; CREATE TRIGGER f BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky trigger: trigger "f" of "public.users": its function public.f() names "bio", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER f AFTER UPDATE OF first_name, bio ON users FOR EACH ROW EXECUTE FUNCTION f()",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data trigger: trigger f on table public.users uses "first_name", "bio" of "public.users", which phase "stop-dual-write" does not write"#,
            "  DROP TRIGGER f ON public.users;",
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER f AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky trigger: trigger "f" of "public.users": from phase "stop-dual-write" on an UPDATE of nothing but what has moved does not fire it"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER f AFTER UPDATE OF email ON users FOR EACH ROW EXECUTE FUNCTION f()",
        SwitchReads,
        StopDualWrite,
        &[],
    );
}

/// Rows would go, or be kept, by what they referred to when the column was last written.
#[test]
fn foreign_keys_that_go_on_acting() {
    let names = "CREATE TABLE names (name text PRIMARY KEY); INSERT INTO names SELECT first_name FROM users;
        ALTER TABLE user_profiles ADD FOREIGN KEY (given_name) REFERENCES names";
    for (action, said) in [
        (
            " ON DELETE CASCADE",
            "loses-data foreign-key: foreign key \"users_first_name_fkey\" of \"public.users\" is over what phase \"stop-dual-write\" does not write there: it would delete rows by what they referred to before; by the one of \"user_profiles\" only what has moved goes, and the row stays",
        ),
        (
            " ON DELETE SET NULL",
            "loses-data foreign-key: foreign key \"users_first_name_fkey\" of \"public.users\" is over what phase \"stop-dual-write\" does not write there: it would act by what rows referred to before",
        ),
        (
            "",
            "risky foreign-key: foreign key \"users_first_name_fkey\" of \"public.users\" is over what phase \"stop-dual-write\" does not write there: it keeps what rows referred to before",
        ),
    ] {
        let said =
            format!("{said}: FOREIGN KEY (first_name) REFERENCES public.names(name){action}");
        planted(
            &format!(
                "{names}{action}; ALTER TABLE users ADD FOREIGN KEY (first_name) REFERENCES names{action}"
            ),
            SwitchReads,
            StopDualWrite,
            &[&said, "  ALTER TABLE public.users DROP CONSTRAINT users_first_name_fkey;"],
        );
    }
}

/// Once columns are gone their places are told by the order in which they are listed, where the table has no other gaps.
#[test]
fn columns_that_would_change_their_places() {
    let database = Database::create("gates_split", CLEAN);
    let turned = |phase| {
        let columns = "{ first_name = \"given_name\", bio = \"bio\" }";
        profiles(phase).replace(columns, "{ bio = \"bio\", first_name = \"given_name\" }")
    };
    let places = "positions = { first_name = 3, bio = 4 }";
    assert_eq!(
        told(&check(&database, &turned(StopDualWrite), Contract)),
        [
            r#"loses-data positions (by hand): once what has moved is dropped from "public.users", SELECT * and INSERT without a list give "id", "email", "bio", "first_name", "score" and no longer "id", "email", "first_name", "bio", "score": add to the migration in the configuration, before that"#,
            &format!("  {places}"),
        ]
    );
    let mended = format!("{}{places}\n", turned(StopDualWrite));
    assert_eq!(told(&check(&database, &mended, Contract)), [""; 0]);
    database
        .connect()
        .script("ALTER TABLE users ADD COLUMN x int; ALTER TABLE users DROP COLUMN x");
    assert_eq!(
        told(&check(&database, &profiles(StopDualWrite), Contract)),
        [
            r#"loses-data positions (by hand): once what has moved is dropped from "public.users", SELECT * and INSERT without a list cannot be served, since nothing tells that they give "id", "email", "first_name", "bio", "score": add to the migration in the configuration, before that"#,
            &format!("  {places}"),
        ]
    );
    assert_eq!(told(&check(&database, &mended, Contract)), [""; 0]);
}

/// What one migration drops makes a gap in which another one's column may have stood.
#[test]
fn columns_of_another_migration_keep_their_places_too() {
    let database = Database::create("gates_split", CLEAN);
    let drop = "ALTER TABLE users ADD COLUMN address text; ALTER TABLE users DROP COLUMN email;";
    database.connect().script(drop);
    let rename = |position: &str| {
        format!(
            "[[migration]]\nname = \"rn\"\nkind = \"rename-column\"\ntable = \"users\"\nfrom = \"email\"\n\
             to = \"address\"\nphase = \"contract\"\n{position}"
        )
    };
    let places = "positions = { first_name = 3, bio = 4 }\n";
    let (alone, told_of) = (profiles(StopDualWrite), profiles(StopDualWrite) + places);
    let once = r#"loses-data positions (by hand): once what has moved is dropped from "public.users", SELECT * and INSERT without a list cannot be served, since nothing tells that they give "id", "email", "first_name", "bio", "score": add to"#;
    let found = told(&check(&database, &(told_of.clone() + &rename("")), Contract));
    let of_rename = [
        format!("{once} migration \"rn\" in the configuration, before that"),
        "  position = 2".to_owned(),
    ];
    assert_eq!(found, of_rename);
    let found = told(&check(&database, &(alone + &rename("position = 2\n")), Contract));
    let of_split = [
        format!("{once} the migration in the configuration, before that"),
        format!("  {}", places.trim_end()),
    ];
    assert_eq!(found, of_split);
    let both = told_of + &rename("position = 2\n");
    assert_eq!(told(&check(&database, &both, Contract)), [""; 0]);
}
