//! Before the reads switch, and before they go back.

use rewrite_rules::Phase::{self, DualWrite, StopDualWrite, SwitchReads};
use segue_tests::server::Database;

use super::{CLEAN, READY, check, migration, planted, told};

#[track_caller]
fn with(fault: &str, expected: &[&str]) {
    planted(&format!("{CLEAN} {READY} {fault}"), DualWrite, SwitchReads, expected);
}

#[test]
fn rows_differ() {
    with(
        "ALTER TABLE users ALTER COLUMN handle DROP NOT NULL, ALTER COLUMN username DROP NOT NULL;
         UPDATE users SET handle = NULL WHERE id < 6; UPDATE users SET handle = 'it''s' WHERE id = 2;
         ANALYZE users",
        &[
            r#"loses-data rows-differ: column "handle" does not hold what "username" says in 5 rows of "public.users": id = 1 has NULL for 'user1', id = 2 has 'it''s' for 'user2', id = 3 has NULL for 'user3', …"#,
            "  UPDATE public.users SET handle = username WHERE record_image_ne(ROW(handle), ROW(username)); -- in batches: segue backfill m",
        ],
    );
    planted(
        &format!("{CLEAN} {READY} UPDATE users SET username = 'stale' WHERE id = 3"),
        SwitchReads,
        DualWrite,
        &[
            r#"loses-data rows-differ: column "username" does not hold what "handle" says in 1 row of "public.users": id = 3 has 'stale' for 'user3'"#,
            "  UPDATE public.users SET username = handle WHERE record_image_ne(ROW(username), ROW(handle)); -- in batches: segue backfill m",
        ],
    );
}

#[test]
fn differing_rows_are_counted_up_to_a_bound() {
    let ddl = "CREATE TABLE numbers (id int PRIMARY KEY, old int, new int);
        INSERT INTO numbers SELECT g, g, 0 FROM generate_series(1, 100001) g; ANALYZE numbers";
    let database = Database::create("gates", ddl);
    let numbers = migration("numbers", "old", "new", "kind = \"rename-column\"", DualWrite);
    let message = |count: &str| {
        format!(
            "loses-data rows-differ: column \"new\" does not hold what \"old\" says in {count} rows of \"public.numbers\": id = 1 has '0' for '1', id = 2 has '0' for '2', id = 3 has '0' for '3', …"
        )
    };
    let first = || told(&check(&database, &numbers, SwitchReads)).into_iter().next();
    assert_eq!(first(), Some(message("more than 100000")));
    database.connect().script("UPDATE numbers SET new = old WHERE id > 100000");
    assert_eq!(first(), Some(message("100000")));
}

#[test]
fn rows_that_only_look_equal_differ() {
    let ddl = "CREATE TABLE prices (id int PRIMARY KEY, old numeric, new numeric);
        INSERT INTO prices VALUES (1, 1.0, 1.00), (2, 2.5, 2.5)";
    let database = Database::create("gates", ddl);
    let prices = migration("prices", "old", "new", "kind = \"rename-column\"", DualWrite);
    assert_eq!(
        told(&check(&database, &prices, SwitchReads)),
        [
            r#"loses-data rows-differ: column "new" does not hold what "old" says in 1 row of "public.prices": id = 1 has '1.00' for '1.0'"#,
            "  UPDATE public.prices SET new = old WHERE record_image_ne(ROW(new), ROW(old)); -- in batches: segue backfill m",
        ]
    );
}

#[test]
fn converted_rows_are_compared_through_up_and_down() {
    let ddl = "CREATE TABLE prices (id int PRIMARY KEY, cents int, price numeric(10,2));
        INSERT INTO prices VALUES (1, 150, 1.5), (2, 250, 2.4)";
    let database = Database::create("gates", ddl);
    let rest = "kind = \"change-column\"\nup = \"cents / 100.0\"\ndown = \"(price * 100)::int\"";
    let prices = |phase: Phase| migration("prices", "cents", "price", rest, phase);
    assert_eq!(
        told(&check(&database, &prices(DualWrite), SwitchReads)),
        [
            r#"loses-data rows-differ: column "price" does not hold what "cents" says in 1 row of "public.prices": id = 2 has '2.40' for '2.50'"#,
            "  UPDATE public.prices SET price = (cents / 100.0)::numeric(10,2) WHERE record_image_ne(ROW(price), ROW((cents / 100.0)::numeric(10,2))); -- in batches: segue backfill m",
        ]
    );
    assert_eq!(
        told(&check(&database, &prices(SwitchReads), DualWrite)),
        [
            r#"loses-data rows-differ: column "cents" does not hold what "price" says in 1 row of "public.prices": id = 2 has '250' for '240'"#,
            "  UPDATE public.prices SET cents = ((price * 100)::int)::integer WHERE record_image_ne(ROW(cents), ROW(((price * 100)::int)::integer)); -- in batches: segue backfill m",
        ]
    );
}

#[test]
fn missing_index() {
    with(
        "DROP INDEX users_handle_key; CREATE INDEX by_lower ON users (lower(username))",
        &[
            r#"loses-data missing-index: column "handle" of "public.users" has no equivalent of unique index "users_username_key""#,
            "  CREATE UNIQUE INDEX CONCURRENTLY users_handle_key ON public.users USING btree (handle);",
            r#"risky missing-index: column "handle" of "public.users" has no equivalent of index "by_lower""#,
            "  CREATE INDEX CONCURRENTLY users_handle_idx ON public.users USING btree (lower((handle)::text));",
        ],
    );
    with(
        "CREATE INDEX a ON users (email, username) WHERE username <> ''",
        &[
            r#"risky missing-index: column "handle" of "public.users" has no equivalent of index "a""#,
            "  CREATE INDEX CONCURRENTLY users_handle_idx ON public.users USING btree (email, handle) WHERE ((handle)::text <> ''::text);",
        ],
    );
    // New indexes have names that do not collide.
    with(
        "CREATE INDEX a ON users (email, username); CREATE INDEX b ON users (username, email)",
        &[
            r#"risky missing-index: column "handle" of "public.users" has no equivalent of index "a""#,
            "  CREATE INDEX CONCURRENTLY users_handle_idx ON public.users USING btree (email, handle);",
            r#"risky missing-index: column "handle" of "public.users" has no equivalent of index "b""#,
            "  CREATE INDEX CONCURRENTLY users_handle_idx_2 ON public.users USING btree (handle, email);",
        ],
    );
    // The same with another name is the same.
    with(
        "CREATE INDEX a ON users (email, username DESC) WHERE username <> '';
         CREATE INDEX b ON users (email, handle DESC) WHERE handle <> ''",
        &[],
    );
    // What is broken need not be matched.
    with(
        "CREATE INDEX a ON users (email, username);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'a'::regclass",
        &[],
    );
}

#[test]
fn an_index_that_does_not_do_the_same_is_none() {
    let missing = |index: &str, wanted: &str| {
        [
            format!(
                "risky missing-index: column \"handle\" of \"public.users\" has no equivalent of {index} \"a\""
            ),
            format!("  CREATE {wanted};"),
        ]
    };
    let [message, remedy] = missing(
        "index",
        "INDEX CONCURRENTLY users_handle_idx ON public.users USING btree (email, handle) \
         WHERE (email <> ''::text)",
    );
    with(
        "CREATE INDEX a ON users (email, username) WHERE email <> '';
         CREATE INDEX b ON users (email, handle) WHERE email <> 'x'",
        &[&message, &remedy],
    );
    let [message, remedy] = missing(
        "unique index",
        "UNIQUE INDEX CONCURRENTLY users_handle_key_2 ON public.users USING btree (email, handle) \
         NULLS NOT DISTINCT",
    );
    let message = message.replace("risky", "loses-data");
    with(
        "CREATE UNIQUE INDEX a ON users (email, username) NULLS NOT DISTINCT;
         CREATE UNIQUE INDEX b ON users (email, handle)",
        &[&message, &remedy],
    );
}

#[test]
fn invalid_index() {
    with(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_handle_key'::regclass",
        &[
            r#"loses-data invalid-index: index "users_handle_key" on column "handle" of "public.users" is not valid, and nobody is building it"#,
            "  REINDEX INDEX CONCURRENTLY public.users_handle_key;",
        ],
    );
}

#[test]
fn missing_constraint() {
    with(
        "CREATE TABLE names (name varchar(50) PRIMARY KEY); INSERT INTO names SELECT username FROM users;
         ALTER TABLE users ADD CHECK (username <> ''),
             ADD FOREIGN KEY (username) REFERENCES names ON UPDATE CASCADE,
             ADD CONSTRAINT apart EXCLUDE USING btree (username WITH =)",
        &[
            r#"loses-data missing-constraint: column "handle" of "public.users" has no equivalent of CHECK constraint "users_username_check": CHECK (((username)::text <> ''::text))"#,
            "  ALTER TABLE public.users ADD CONSTRAINT users_handle_check CHECK (((handle)::text <> ''::text)) NOT VALID;",
            "  ALTER TABLE public.users VALIDATE CONSTRAINT users_handle_check;",
            r#"loses-data missing-constraint: column "handle" of "public.users" has no equivalent of foreign key "users_username_fkey": FOREIGN KEY (username) REFERENCES public.names(name) ON UPDATE CASCADE"#,
            "  ALTER TABLE public.users ADD CONSTRAINT users_handle_fkey FOREIGN KEY (handle) REFERENCES public.names(name) ON UPDATE CASCADE NOT VALID;",
            "  ALTER TABLE public.users VALIDATE CONSTRAINT users_handle_fkey;",
            r#"loses-data missing-constraint: column "handle" of "public.users" has no equivalent of exclusion constraint "apart": EXCLUDE USING btree (username WITH =)"#,
            "  ALTER TABLE public.users ADD CONSTRAINT users_handle_excl EXCLUDE USING btree (handle WITH =);",
        ],
    );
}

#[test]
fn unvalidated_constraint() {
    with(
        "ALTER TABLE users ADD CONSTRAINT old_check CHECK (username <> ''),
             ADD CONSTRAINT new_check CHECK (handle <> '') NOT VALID",
        &[
            r#"risky unvalidated-constraint: CHECK constraint "new_check" on column "handle" of "public.users" is NOT VALID, and "old_check" on "username" is valid"#,
            "  ALTER TABLE public.users VALIDATE CONSTRAINT new_check;",
        ],
    );
    // It is worth no less than the old one.
    with(
        "ALTER TABLE users ADD CONSTRAINT old_check CHECK (username <> '') NOT VALID,
             ADD CONSTRAINT new_check CHECK (handle <> '') NOT VALID",
        &[],
    );
}

#[test]
fn not_null() {
    with(
        "ALTER TABLE users ALTER COLUMN handle DROP NOT NULL",
        &[
            r#"loses-data not-null: column "handle" of "public.users" may be NULL, and "username" may not"#,
            "  ALTER TABLE public.users ADD CONSTRAINT segue_handle_not_null CHECK (handle IS NOT NULL) NOT VALID;",
            "  ALTER TABLE public.users VALIDATE CONSTRAINT segue_handle_not_null;",
            "  ALTER TABLE public.users ALTER COLUMN handle SET NOT NULL;",
            "  ALTER TABLE public.users DROP CONSTRAINT segue_handle_not_null;",
        ],
    );
}

#[test]
fn statistics() {
    with(
        "CREATE STATISTICS together ON username, email FROM users",
        &[
            r#"risky statistics: column "handle" of "public.users" has no equivalent of statistics object "together""#,
            "  CREATE STATISTICS public.users_handle_stat ON handle, email FROM public.users;",
            "  ANALYZE public.users;",
        ],
    );
}

#[test]
fn not_analyzed() {
    with(
        "ALTER TABLE users DROP COLUMN handle; ALTER TABLE users ADD COLUMN handle varchar(50);
          UPDATE users SET handle = username; CREATE UNIQUE INDEX ON users (handle);
          ALTER TABLE users ALTER COLUMN handle SET NOT NULL",
        &[
            r#"risky not-analyzed: column "handle" of "public.users" has no statistics"#,
            "  ANALYZE public.users (handle);",
        ],
    );
    with("ALTER TABLE users ALTER handle DROP NOT NULL; UPDATE users SET handle = NULL;
          ANALYZE users; UPDATE users SET handle = username; ALTER TABLE users ALTER handle SET NOT NULL", &[
            r#"risky not-analyzed: column "handle" of "public.users" has statistics of a time when it held other values"#,
            "  ANALYZE public.users (handle, username);",
        ]);
}

#[test]
fn converted_values_may_be_null_more_often() {
    let ddl = "CREATE TABLE codes (id int PRIMARY KEY, code text, number int);
        INSERT INTO codes SELECT g, CASE WHEN g % 2 = 0 THEN '' ELSE g::text END,
            CASE WHEN g % 2 = 0 THEN NULL ELSE g END FROM generate_series(1, 100) g;
        ANALYZE codes";
    let database = Database::create("gates", ddl);
    let rest = "kind = \"change-column\"\nup = \"nullif(code, '')::int\"\ndown = \"coalesce(number::text, '')\"";
    let codes = migration("codes", "code", "number", rest, DualWrite);
    assert_eq!(told(&check(&database, &codes, SwitchReads)), [""; 0]);
}

#[test]
fn going_back_needs_the_old_columns_privileges() {
    planted(
        &format!(
            "{CLEAN} {READY} ALTER TABLE users DROP CONSTRAINT users_username_key;
             GRANT INSERT (handle) ON users TO app"
        ),
        StopDualWrite,
        SwitchReads,
        &[
            r#"risky privilege: app has INSERT on column "handle" of "public.users", and not on "username""#,
            "  GRANT INSERT (username) ON public.users TO app;",
        ],
    );
}

#[test]
fn rows_that_cannot_be_converted_are_not_compared() {
    let ddl = "CREATE TABLE codes (id int PRIMARY KEY, code text, number int);
        INSERT INTO codes VALUES (1, '1', 1), (2, 'x', 2)";
    let database = Database::create("gates", ddl);
    let rest = "kind = \"change-column\"\nup = \"code::int\"\ndown = \"number::text\"";
    let codes = migration("codes", "code", "number", rest, DualWrite);
    assert_eq!(
        told(&check(&database, &codes, SwitchReads)),
        [
            r#"loses-data not-compared: the rows of "public.codes" cannot be compared: invalid input syntax for type integer: "x""#,
        ]
    );
}

#[test]
fn a_declared_counterpart_of_a_converted_columns_check_counts() {
    let ddl = "CREATE TABLE codes (id int PRIMARY KEY, code text, number int,
            CONSTRAINT code_check CHECK (code <> ''), CONSTRAINT number_check CHECK (number > 0));
        INSERT INTO codes VALUES (1, '1', 1)";
    let database = Database::create("gates", ddl);
    let rest = "kind = \"change-column\"\nup = \"code::int\"\ndown = \"number::text\"\n";
    let codes = |rest: &str| migration("codes", "code", "number", rest, DualWrite);
    assert_eq!(
        told(&check(&database, &codes(rest), SwitchReads)),
        [
            r#"risky missing-constraint: column "number" of "public.codes" has no equivalent of CHECK constraint "code_check": CHECK ((code <> ''::text))"#,
            "  ALTER TABLE public.codes ADD CONSTRAINT number_check_2 CHECK ((number <> ''::text)) NOT VALID;",
            "  ALTER TABLE public.codes VALIDATE CONSTRAINT number_check_2;",
        ]
    );
    let declared = format!("{rest}constraints = {{ code_check = \"number_check\" }}");
    assert_eq!(told(&check(&database, &codes(&declared), SwitchReads)), [""; 0]);
}

/// While the old column was not written its keys stayed with the rows that had them.
#[test]
fn going_back_needs_the_old_columns_keys_to_be_made_anew() {
    let back = |ddl: &str, expected: &[&str]| {
        planted(&format!("{CLEAN} {READY} {ddl}"), StopDualWrite, SwitchReads, expected);
    };
    let message = |name: &str| {
        format!(
            r#"loses-data unique-index: unique index "{name}" on column "username" of "public.users" has values from before "stop-dual-write": INSERT and UPDATE would fail on what another row has now, and ON CONFLICT find the wrong row; build it again before "dual-write""#
        )
    };
    back(
        "",
        &[
            &message("users_username_key"),
            "  ALTER TABLE public.users DROP CONSTRAINT users_username_key;",
        ],
    );
    back(
        "ALTER TABLE users DROP CONSTRAINT users_username_key;
         CREATE UNIQUE INDEX lower_key ON users (lower(username)) WHERE email <> '';
         CREATE UNIQUE INDEX new_key ON users (lower(handle)) WHERE email <> '';
         CREATE INDEX plain ON users (username); CREATE INDEX new_plain ON users (handle)",
        &[&message("lower_key"), "  DROP INDEX CONCURRENTLY public.lower_key;"],
    );
    planted(
        &format!("{CLEAN} {READY} ALTER TABLE users DROP CONSTRAINT users_username_key"),
        SwitchReads,
        DualWrite,
        &[
            r#"risky missing-index: column "username" of "public.users" has no equivalent of unique index "users_handle_key""#,
            "  CREATE UNIQUE INDEX CONCURRENTLY users_username_key ON public.users USING btree (username);",
        ],
    );
}
