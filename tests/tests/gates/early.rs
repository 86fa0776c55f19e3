//! Before both columns are written.

use rewrite_rules::Phase::{DualWrite, Expand};

use super::{CLEAN, planted};

#[track_caller]
fn with(fault: &str, expected: &[&str]) {
    planted(&format!("{CLEAN} {fault}"), Expand, DualWrite, expected);
}

#[test]
fn missing_column() {
    with(
        "ALTER TABLE users DROP COLUMN handle",
        &[
            r#"not-ready missing-column: column "handle" does not exist in "public.users", and phase "dual-write" needs it"#,
            "  ALTER TABLE public.users ADD COLUMN handle character varying(50);",
        ],
    );
}

#[test]
fn definition() {
    with(
        "ALTER TABLE users ALTER COLUMN handle TYPE text",
        &[
            r#"loses-data definition: column "handle" of "public.users" is text, and "username" is character varying(50)"#,
            "  ALTER TABLE public.users ALTER COLUMN handle TYPE character varying(50);",
        ],
    );
}

#[test]
fn unique_index() {
    with(
        "CREATE UNIQUE INDEX early ON users (handle)",
        &[
            r#"risky unique-index: unique index "early" on column "handle" of "public.users" is there before the reads switch: concurrent INSERT … ON CONFLICT fails on it and must be sent again"#,
            "  DROP INDEX CONCURRENTLY public.early;",
        ],
    );
    with(
        "ALTER TABLE users ADD CONSTRAINT early UNIQUE (handle)",
        &[
            r#"risky unique-index: unique index "early" on column "handle" of "public.users" is there before the reads switch: concurrent INSERT … ON CONFLICT fails on it and must be sent again"#,
            "  ALTER TABLE public.users DROP CONSTRAINT early;",
        ],
    );
}

#[test]
fn invalid_index() {
    with(
        "UPDATE users SET handle = 'same'; CREATE INDEX broken ON users (handle);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass",
        &[
            r#"risky invalid-index: index "broken" on column "handle" of "public.users" is not valid, and nobody is building it"#,
            "  DROP INDEX CONCURRENTLY public.broken;",
        ],
    );
}

#[test]
fn not_null_and_unvalidated_constraint() {
    with(
        "ALTER TABLE users ADD CONSTRAINT early CHECK (handle IS NOT NULL) NOT VALID",
        &[
            r#"risky unvalidated-constraint: CHECK constraint "early" of "public.users" wants a value in column "handle" before all rows have one: an UPDATE of another column of such a row would fail"#,
            "  ALTER TABLE public.users DROP CONSTRAINT early;",
        ],
    );
    with(
        "ALTER TABLE users ALTER COLUMN handle SET NOT NULL, ALTER COLUMN username DROP NOT NULL",
        &[
            r#"risky not-null: column "handle" of "public.users" is NOT NULL, and "username" is not: clients that store NULL would fail"#,
            "  ALTER TABLE public.users ALTER COLUMN handle DROP NOT NULL;",
        ],
    );
    planted(
        &format!("{CLEAN} ALTER TABLE users ALTER COLUMN handle SET NOT NULL"),
        DualWrite,
        Expand,
        &[
            r#"not-ready not-null: column "handle" of "public.users" is NOT NULL without a default, and phase "expand" does not write it"#,
            "  ALTER TABLE public.users ALTER COLUMN handle DROP NOT NULL;",
        ],
    );
}

#[test]
fn privilege() {
    with(
        "GRANT SELECT (id, username), UPDATE (username) ON users TO app;
         GRANT INSERT (username) ON users TO PUBLIC",
        &[
            r#"risky privilege: PUBLIC has INSERT on column "username" of "public.users", and not on "handle""#,
            "  GRANT INSERT (handle) ON public.users TO PUBLIC;",
            r#"risky privilege: app has SELECT, UPDATE on column "username" of "public.users", and not on "handle""#,
            "  GRANT SELECT (handle), UPDATE (handle) ON public.users TO app;",
        ],
    );
    // The right to pass it on is one of its own.
    with(
        "GRANT UPDATE (username) ON users TO app WITH GRANT OPTION; GRANT UPDATE (handle) ON users TO app",
        &[
            r#"risky privilege: app has UPDATE WITH GRANT OPTION on column "username" of "public.users", and not on "handle""#,
            "  GRANT UPDATE (handle) ON public.users TO app WITH GRANT OPTION;",
        ],
    );
    // What a role has of the whole table, or of another role, it has of the new column too.
    with("GRANT SELECT ON users TO app; GRANT SELECT (username) ON users TO app", &[]);
}

#[test]
fn trigger() {
    let function = |body: &str| {
        format!(
            "CREATE FUNCTION tame() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {body}; RETURN NEW; END';
             CREATE TRIGGER tame BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tame()"
        )
    };
    with(
        &function("NEW.username := lower(NEW.username)"),
        &[
            r#"loses-data trigger: BEFORE trigger "tame" of "public.users": its function public.tame() names "username" and not "handle": if it changes it, it must change both alike"#,
            "  SELECT pg_get_functiondef('public.tame()'::regprocedure);",
        ],
    );
    with(
        &function("NEW.username := lower(NEW.username); NEW.handle := NEW.username"),
        &[
            r#"risky trigger: BEFORE trigger "tame" of "public.users": its function public.tame() names both "username" and "handle": see that it changes them alike"#,
            "  SELECT pg_get_functiondef('public.tame()'::regprocedure);",
        ],
    );
    with(
        &function("NEW.email := lower(NEW.email)"),
        &[
            r#"note trigger: BEFORE trigger "tame" of "public.users": its function public.tame() names neither "username" nor "handle""#,
        ],
    );
    // One that is switched off does nothing.
    let off = "; ALTER TABLE users DISABLE TRIGGER tame";
    with(&(function("NEW.username := lower(NEW.username)") + off), &[]);
    with(
        "CREATE TRIGGER tame BEFORE UPDATE ON users FOR EACH ROW
         EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        &[
            r#"risky trigger: BEFORE trigger "tame" of "public.users": its function suppress_redundant_updates_trigger() is written in language internal: nobody can tell whether it changes "username" or "handle" alone"#,
        ],
    );
}

#[test]
fn rule() {
    with(
        "CREATE RULE tame AS ON UPDATE TO users WHERE NEW.username = '' DO INSTEAD NOTHING",
        &[
            r#"loses-data rule: rule "tame" of "public.users" names "username" and not "handle": if it writes it, it must write both alike"#,
            "  DROP RULE tame ON public.users;",
        ],
    );
}
