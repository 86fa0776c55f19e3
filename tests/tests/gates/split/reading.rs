//! Before the new table is read, and on the way back.

use rewrite_rules::Phase::{DualWrite, Expand, StopDualWrite, SwitchReads};

use super::planted;

#[test]
fn rows_that_differ() {
    planted(
        "UPDATE user_profiles SET bio = 'other' WHERE user_id = 7",
        DualWrite,
        SwitchReads,
        &[
            r#"loses-data rows-differ: "public.user_profiles" does not hold what "public.users" says in 1 row: id = 7 of public.users has '(user7,other)' for '(user7,bio7)'"#,
            "  INSERT INTO public.user_profiles (user_id, given_name, bio) SELECT id, first_name, bio FROM public.users ON CONFLICT (user_id) DO UPDATE SET given_name = excluded.given_name, bio = excluded.bio; -- in batches: segue backfill m",
        ],
    );
    planted(
        "UPDATE user_profiles SET bio = 'other' WHERE user_id = 7",
        SwitchReads,
        DualWrite,
        &[
            r#"loses-data rows-differ: "public.users" does not hold what "public.user_profiles" says in 1 row: id = 7 of public.users has '(user7,bio7)' for '(user7,other)'"#,
            "  UPDATE public.users AS t SET (first_name, bio) = (SELECT o.given_name, o.bio FROM public.user_profiles AS o WHERE o.user_id = t.id); -- in batches: segue backfill m",
        ],
    );
}

#[test]
fn indexes_without_counterpart() {
    planted(
        "CREATE INDEX users_bio_idx ON users (lower(bio))",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-index: "public.user_profiles" has no equivalent of index "users_bio_idx" of "public.users""#,
            "  CREATE INDEX CONCURRENTLY user_profiles_bio_idx ON public.user_profiles USING btree (lower(bio));",
        ],
    );
    planted(
        "CREATE UNIQUE INDEX named ON users (first_name, id) INCLUDE (bio)",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-index: "public.user_profiles" has no equivalent of unique index "named" of "public.users""#,
            "  CREATE UNIQUE INDEX CONCURRENTLY user_profiles_named ON public.user_profiles USING btree (given_name, user_id) INCLUDE (bio);",
        ],
    );
    planted(
        "CREATE UNIQUE INDEX named ON users (first_name, id) INCLUDE (bio)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data missing-index: "public.user_profiles" has no equivalent of unique index "named" of "public.users""#,
            "  CREATE UNIQUE INDEX CONCURRENTLY user_profiles_named ON public.user_profiles USING btree (given_name, user_id) INCLUDE (bio);",
        ],
    );
    planted(
        "CREATE INDEX both_idx ON users (score, bio)",
        DualWrite,
        SwitchReads,
        &[
            r#"note missing-index: index "both_idx" of "public.users" is over columns that move and columns that stay: no index does for it once they are read apart"#,
        ],
    );
    planted(
        "CREATE UNIQUE INDEX both_key ON users (score, bio)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data missing-index: unique index "both_key" of "public.users" is over columns that move and columns that stay, and phase "stop-dual-write" writes both no more: nothing does for it"#,
            "  DROP INDEX CONCURRENTLY public.both_key;",
        ],
    );
    planted(
        "CREATE INDEX ON users (lower(bio)) WHERE first_name IS NOT NULL;
         CREATE INDEX ON user_profiles (lower(bio)) WHERE given_name IS NOT NULL;
         CREATE UNIQUE INDEX ON users (first_name, id);
         CREATE UNIQUE INDEX ON user_profiles (user_id, given_name)",
        DualWrite,
        SwitchReads,
        &[],
    );
}

#[test]
fn half_built() {
    planted(
        "ALTER TABLE users ADD UNIQUE (first_name);
         CREATE UNIQUE INDEX named ON user_profiles (given_name);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'named'::regclass",
        DualWrite,
        SwitchReads,
        &[
            r#"risky invalid-index: index "named" of "public.user_profiles" is not valid, and nobody is building it"#,
            "  REINDEX INDEX CONCURRENTLY public.named;",
        ],
    );
}

#[test]
fn constraints_without_counterpart() {
    planted(
        "ALTER TABLE users ADD CONSTRAINT users_bio_ok CHECK (bio <> '')",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-constraint: "public.user_profiles" has no equivalent of CHECK constraint "users_bio_ok" of "public.users": CHECK ((bio <> ''::text))"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT user_profiles_bio_ok CHECK ((bio <> ''::text)) NOT VALID;",
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT user_profiles_bio_ok;",
        ],
    );
    planted(
        "ALTER TABLE users ADD CONSTRAINT users_bio_ok CHECK (bio <> '')",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data missing-constraint: "public.user_profiles" has no equivalent of CHECK constraint "users_bio_ok" of "public.users": CHECK ((bio <> ''::text))"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT user_profiles_bio_ok CHECK ((bio <> ''::text)) NOT VALID;",
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT user_profiles_bio_ok;",
        ],
    );
    planted(
        "ALTER TABLE users ADD CONSTRAINT users_bio_ok CHECK (bio <> '');
         ALTER TABLE user_profiles ADD CHECK (bio <> '') NOT VALID",
        DualWrite,
        SwitchReads,
        &[
            r#"risky unvalidated-constraint: CHECK constraint "user_profiles_bio_check" of "public.user_profiles" is NOT VALID, and "users_bio_ok" of "public.users" is valid"#,
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT user_profiles_bio_check;",
        ],
    );
    planted("ALTER TABLE users ADD CHECK (score > 0 OR bio <> '')", DualWrite, SwitchReads, &[]);
    planted(
        "ALTER TABLE users ADD CHECK (score > 0 OR bio <> '')",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data missing-constraint: CHECK constraint "users_check" of "public.users" is over columns that move and columns that stay, and phase "stop-dual-write" writes both no more: CHECK (((score > 0) OR (bio <> ''::text)))"#,
            "  ALTER TABLE public.users DROP CONSTRAINT users_check;",
        ],
    );
    planted(
        "CREATE TABLE names (name text PRIMARY KEY);
         INSERT INTO names SELECT first_name FROM users;
         ALTER TABLE users ADD FOREIGN KEY (first_name) REFERENCES names",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-constraint: "public.user_profiles" has no equivalent of foreign key "users_first_name_fkey" of "public.users": FOREIGN KEY (first_name) REFERENCES public.names(name)"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT user_profiles_given_name_fkey FOREIGN KEY (given_name) REFERENCES public.names(name) NOT VALID;",
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT user_profiles_given_name_fkey;",
        ],
    );
    planted(
        "ALTER TABLE users ADD CONSTRAINT users_bio_excl EXCLUDE USING hash (bio WITH =)",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-constraint: "public.user_profiles" has no equivalent of exclusion constraint "users_bio_excl" of "public.users": EXCLUDE USING hash (bio WITH =)"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT user_profiles_bio_excl EXCLUDE USING hash (bio WITH =);",
        ],
    );
    planted(
        "ALTER TABLE users ALTER first_name SET NOT NULL",
        DualWrite,
        SwitchReads,
        &[
            r#"risky not-null: column "given_name" of "public.user_profiles" may be NULL, and "first_name" of "public.users" may not"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT segue_given_name_not_null CHECK (given_name IS NOT NULL) NOT VALID;",
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT segue_given_name_not_null;",
            "  ALTER TABLE public.user_profiles ALTER COLUMN given_name SET NOT NULL;",
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT segue_given_name_not_null;",
        ],
    );
}

#[test]
fn defaults() {
    planted("ALTER TABLE user_profiles ALTER bio DROP DEFAULT", Expand, DualWrite, &[]);
    planted(
        "ALTER TABLE user_profiles ALTER bio DROP DEFAULT",
        DualWrite,
        SwitchReads,
        &[
            r#"risky default: column "bio" of "public.users" has the default 'none'::text, and "bio" of "public.user_profiles" has no default"#,
            "  ALTER TABLE public.user_profiles ALTER COLUMN bio SET DEFAULT 'none'::text;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ALTER bio DROP DEFAULT",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data default: column "bio" of "public.users" has the default 'none'::text, and "bio" of "public.user_profiles" has no default"#,
            "  ALTER TABLE public.user_profiles ALTER COLUMN bio SET DEFAULT 'none'::text;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ALTER bio DROP DEFAULT",
        StopDualWrite,
        SwitchReads,
        &[
            r#"loses-data default: column "bio" of "public.users" has the default 'none'::text, and "bio" of "public.user_profiles" has no default"#,
            "  ALTER TABLE public.users ALTER COLUMN bio DROP DEFAULT;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ALTER given_name SET DEFAULT 'x'",
        DualWrite,
        SwitchReads,
        &[
            r#"risky default: column "first_name" of "public.users" has no default, and "given_name" of "public.user_profiles" has the default 'x'::text"#,
            "  ALTER TABLE public.user_profiles ALTER COLUMN given_name DROP DEFAULT;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ALTER given_name SET DEFAULT 'x'",
        SwitchReads,
        StopDualWrite,
        &[],
    );
}

#[test]
fn statistics() {
    planted(
        "CREATE STATISTICS st ON first_name, bio FROM users",
        DualWrite,
        SwitchReads,
        &[
            r#"risky statistics: "public.user_profiles" has no equivalent of statistics object "st" of "public.users""#,
            "  CREATE STATISTICS public.user_profiles_st ON given_name, bio FROM public.user_profiles;",
            "  ANALYZE public.user_profiles;",
        ],
    );
    planted(
        "DELETE FROM pg_statistic WHERE starelid = 'user_profiles'::regclass",
        DualWrite,
        SwitchReads,
        &[
            r#"risky not-analyzed: "public.user_profiles" has no statistics: "given_name", "bio""#,
            "  ANALYZE public.user_profiles;",
        ],
    );
    // Those of the old table may be what is not true any more.
    planted(
        "ALTER TABLE users SET (autovacuum_enabled = off); UPDATE users SET bio = NULL; ANALYZE users;
         UPDATE users SET bio = 'bio' || id",
        DualWrite,
        SwitchReads,
        &[
            r#"risky not-analyzed: "public.user_profiles" has statistics of a time when it held other values: "bio""#,
            "  ANALYZE public.user_profiles;",
            "  ANALYZE public.users;",
        ],
    );
}

#[test]
fn the_way_back() {
    planted(
        "ALTER TABLE users ADD UNIQUE (bio), ADD CONSTRAINT users_name_excl EXCLUDE USING hash (first_name WITH =);
         ALTER TABLE user_profiles ADD UNIQUE (bio)",
        StopDualWrite,
        SwitchReads,
        &[
            r#"loses-data unique-index: unique index "users_bio_key" of "public.users" has values of moved columns from before "stop-dual-write": writes would fail on what another row has now; build it again before "dual-write""#,
            "  ALTER TABLE public.users DROP CONSTRAINT users_bio_key;",
            r#"loses-data unique-index: unique index "users_name_excl" of "public.users" has values of moved columns from before "stop-dual-write": writes would fail on what another row has now; build it again before "dual-write""#,
            "  ALTER TABLE public.users DROP CONSTRAINT users_name_excl;",
        ],
    );
    planted(
        "CREATE UNIQUE INDEX user_profiles_bio_key ON user_profiles (bio)",
        SwitchReads,
        DualWrite,
        &[
            r#"risky missing-index: "public.users" has no equivalent of unique index "user_profiles_bio_key" of "public.user_profiles""#,
            "  CREATE UNIQUE INDEX CONCURRENTLY users_bio_key ON public.users USING btree (bio);",
        ],
    );
}

/// Each table gets its own columns of what a client sends.
#[test]
fn what_a_trigger_makes_of_a_row() {
    let trigger = |body: &str| {
        format!(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {body} RETURN NEW; END';
             CREATE TRIGGER f BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()"
        )
    };
    for (body, named) in [("NEW.bio := 1;", "\"bio\""), ("NEW.id := abs(NEW.id);", "\"id\"")] {
        let said = format!(
            "risky trigger: BEFORE trigger \"f\" of \"public.users\": its function public.f() names {named}: see that it changes none of them. What it makes of what moves is not stored in \"user_profiles\" from phase \"switch-reads\" on, and a row whose key it changes loses what moves"
        );
        let show = "  SELECT pg_get_functiondef('public.f()'::regprocedure);";
        planted(&trigger(body), DualWrite, SwitchReads, &[&said, show]);
    }
    planted(
        &trigger("NEW.email := lower(NEW.email);"),
        DualWrite,
        SwitchReads,
        &[
            r#"note trigger: BEFORE trigger "f" of "public.users": its function public.f() names no column that moves"#,
        ],
    );
}

#[test]
fn what_is_put_off_to_the_end() {
    planted(
        "ALTER TABLE users ADD UNIQUE (first_name) DEFERRABLE; ALTER TABLE user_profiles ADD UNIQUE (given_name)",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-constraint: constraint "users_first_name_key" of "public.users" is DEFERRABLE, and "user_profiles" has none like it that is: what is right only when the statement or the transaction ends fails at once, and SET CONSTRAINTS puts nothing off"#,
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT user_profiles_given_name_key, ADD CONSTRAINT user_profiles_given_name_key UNIQUE (given_name) DEFERRABLE;",
        ],
    );
    planted(
        "ALTER TABLE users ADD UNIQUE (first_name) DEFERRABLE INITIALLY DEFERRED; CREATE UNIQUE INDEX k ON user_profiles (given_name)",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-constraint: constraint "users_first_name_key" of "public.users" is DEFERRABLE INITIALLY DEFERRED, and "user_profiles" has none like it that is: what is right only when the statement or the transaction ends fails at once, and SET CONSTRAINTS puts nothing off"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT k UNIQUE USING INDEX k DEFERRABLE INITIALLY DEFERRED;",
        ],
    );
    planted(
        "ALTER TABLE users ADD UNIQUE (first_name) DEFERRABLE",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: constraint "users_first_name_key" of "public.users" is DEFERRABLE, and "user_profiles" has none like it that is: what is right only when the statement or the transaction ends fails at once, and SET CONSTRAINTS puts nothing off"#,
            "  CREATE UNIQUE INDEX CONCURRENTLY user_profiles_given_name_key ON public.user_profiles USING btree (given_name);",
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT user_profiles_given_name_key UNIQUE USING INDEX user_profiles_given_name_key DEFERRABLE;",
        ],
    );
    planted(
        "ALTER TABLE users ADD UNIQUE (first_name) DEFERRABLE;
         ALTER TABLE user_profiles ADD UNIQUE (given_name) DEFERRABLE",
        DualWrite,
        SwitchReads,
        &[],
    );
}

/// A copy goes along the old table and does not come by it.
#[test]
fn a_half_that_no_row_belongs_to() {
    planted(
        "SET session_replication_role = replica; INSERT INTO user_profiles VALUES (1000, 'x', 'y'); RESET session_replication_role",
        DualWrite,
        SwitchReads,
        &[
            r#"loses-data rows-differ: "public.user_profiles" does not hold what "public.users" says in 1 row: user_id = 1000 of public.user_profiles has '(x,y)' for no row"#,
            "  INSERT INTO public.user_profiles (user_id, given_name, bio) SELECT id, first_name, bio FROM public.users ON CONFLICT (user_id) DO UPDATE SET given_name = excluded.given_name, bio = excluded.bio; -- in batches: segue backfill m",
            "  DELETE FROM public.user_profiles AS t WHERE NOT EXISTS (SELECT FROM public.users AS o WHERE o.id = t.user_id); -- in batches: segue verify m --fix new",
        ],
    );
}
