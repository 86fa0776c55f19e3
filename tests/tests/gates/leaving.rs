//! Before the old column is written no more.

use rewrite_rules::Phase::{Contract, StopDualWrite, SwitchReads};

use super::{CLEAN, DONE_WITH_OLD, READY, planted};

#[track_caller]
fn with(fault: &str, expected: &[&str]) {
    planted(
        &format!("{CLEAN} {READY} {DONE_WITH_OLD} {fault}"),
        SwitchReads,
        StopDualWrite,
        expected,
    );
}

#[test]
fn not_null() {
    planted(
        &format!("{CLEAN} {READY}"),
        SwitchReads,
        StopDualWrite,
        &[
            r#"not-ready not-null: column "username" of "public.users" is NOT NULL, and phase "stop-dual-write" does not write it"#,
            "  ALTER TABLE public.users ALTER COLUMN username DROP NOT NULL;",
        ],
    );
    with(
        "ALTER TABLE users DROP CONSTRAINT users_pkey; ALTER TABLE users ADD PRIMARY KEY (username)",
        &[
            r#"not-ready not-null: column "username" of "public.users" is NOT NULL by primary key "users_pkey", and phase "stop-dual-write" does not write it"#,
            "  ALTER TABLE public.users DROP CONSTRAINT users_pkey, ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_handle_key;",
            "  ALTER TABLE public.users ALTER COLUMN username DROP NOT NULL;",
        ],
    );
}

#[test]
fn default() {
    with(
        "ALTER TABLE users ALTER username SET DEFAULT 'nobody'",
        &[
            r#"loses-data default: column "username" of "public.users" has the default 'nobody'::character varying, and "handle" has none"#,
            "  ALTER TABLE public.users ALTER COLUMN handle SET DEFAULT 'nobody'::character varying;",
        ],
    );
}

#[test]
fn missing_column_on_the_way_back() {
    planted(
        &format!("{CLEAN} {READY} ALTER TABLE users DROP COLUMN username"),
        Contract,
        StopDualWrite,
        &[
            r#"not-ready missing-column: column "username" does not exist in "public.users", and phase "stop-dual-write" needs it"#,
            "  ALTER TABLE public.users ADD COLUMN username character varying(50);",
        ],
    );
}

#[test]
fn view_and_materialized_view() {
    with(
        "CREATE VIEW names WITH (security_barrier) AS SELECT id, username FROM users WHERE username <> '';
         CREATE MATERIALIZED VIEW copies AS SELECT username FROM users",
        &[
            r#"loses-data view: view public.names uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  CREATE OR REPLACE VIEW public.names (id, username) WITH (security_barrier=true) AS SELECT users.id,\n    users.handle\n   FROM public.users\n  WHERE ((users.handle)::text <> ''::text);",
            r#"loses-data materialized-view: materialized view public.copies uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  DROP MATERIALIZED VIEW public.copies;",
            "  CREATE MATERIALIZED VIEW public.copies (username) AS SELECT users.handle\n   FROM public.users;",
            "  ALTER MATERIALIZED VIEW public.copies OWNER TO postgres;",
        ],
    );
    // Of what only human eyes can tell whether somebody looks at it.
    with(
        "CREATE VIEW docs AS SELECT to_jsonb(u) AS doc FROM users u",
        &[
            r#"risky view: view public.docs uses rows of "public.users" as a whole, in which phase "stop-dual-write" does not write column "username""#,
            "  SELECT pg_get_viewdef('public.docs'::regclass);",
        ],
    );
    // Another relation's column has the name too.
    with(
        "CREATE TABLE others (username text);
         CREATE VIEW both_names AS SELECT u.username, o.username AS other FROM users u, others o",
        &[
            r#"loses-data view: view public.both_names uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_viewdef('public.both_names'::regclass);",
        ],
    );
}

#[test]
fn policy() {
    with(
        "CREATE POLICY own ON users USING (username = CURRENT_USER) WITH CHECK (username <> '')",
        &[
            r#"loses-data policy: policy own on table public.users uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  ALTER POLICY own ON public.users USING (((handle)::text = CURRENT_USER)) WITH CHECK (((handle)::text <> ''::text));",
        ],
    );
}

#[test]
fn generated_column() {
    with(
        "ALTER TABLE users ADD COLUMN shout text GENERATED ALWAYS AS (upper(username)) STORED",
        &[
            r#"loses-data generated-column: column shout of table public.users uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  ALTER TABLE public.users DROP COLUMN shout, ADD COLUMN shout text GENERATED ALWAYS AS (upper((handle)::text)) STORED;",
        ],
    );
}

#[test]
fn publication() {
    with(
        "CREATE PUBLICATION all_users FOR TABLE users (id, username) WHERE (username <> 'x')",
        &[
            r#"loses-data publication: publication of table public.users in publication all_users uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  ALTER PUBLICATION all_users DROP TABLE public.users;",
            "  ALTER PUBLICATION all_users ADD TABLE public.users (id, handle) WHERE (((handle)::text <> 'x'::text));",
        ],
    );
}

#[test]
fn trigger() {
    with(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER note AFTER UPDATE OF username ON users FOR EACH ROW
             WHEN (OLD.username IS DISTINCT FROM NEW.username) EXECUTE FUNCTION note()",
        &[
            r#"loses-data trigger: trigger note on table public.users uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  CREATE OR REPLACE TRIGGER note AFTER UPDATE OF handle ON public.users FOR EACH ROW WHEN (((old.handle)::text IS DISTINCT FROM (new.handle)::text)) EXECUTE FUNCTION public.note();",
        ],
    );
    with(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM NEW.username; RETURN NULL; END';
         CREATE TRIGGER note AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note()",
        &[
            r#"risky trigger: trigger "note" of "public.users": its function public.note() names "username", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.note()'::regprocedure);",
        ],
    );
}

#[test]
fn rule() {
    with(
        "CREATE TABLE inbox (name text);
         CREATE RULE moves AS ON INSERT TO inbox DO ALSO UPDATE users SET email = '' WHERE username = NEW.name",
        &[
            r#"loses-data rule: rule moves on table public.inbox uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  CREATE OR REPLACE RULE moves AS\n    ON INSERT TO public.inbox DO  UPDATE public.users SET email = ''::text\n  WHERE ((users.handle)::text = new.name);",
        ],
    );
}

#[test]
fn function() {
    with(
        "CREATE FUNCTION find(text) RETURNS bigint LANGUAGE sql AS
             'SELECT id FROM users WHERE username = $1';
         CREATE FUNCTION find_now(text) RETURNS bigint LANGUAGE sql
             RETURN (SELECT id FROM users WHERE username = $1)",
        &[
            r#"loses-data function: function public.find_now(text) uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.find_now(text)'::regprocedure);",
            r#"risky function: function public.find(text) names "users" and "username", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.find(text)'::regprocedure);",
        ],
    );
}

#[test]
fn foreign_key() {
    with(
        "CREATE TABLE posts (author varchar(50) REFERENCES users (username) ON DELETE CASCADE)",
        &[
            r#"not-ready foreign-key: constraint posts_author_fkey on table public.posts uses column "username" of "public.users", which phase "stop-dual-write" does not write"#,
            "  ALTER TABLE public.posts DROP CONSTRAINT posts_author_fkey, ADD CONSTRAINT posts_author_fkey FOREIGN KEY (author) REFERENCES public.users(handle) ON DELETE CASCADE NOT VALID;",
            "  ALTER TABLE public.posts VALIDATE CONSTRAINT posts_author_fkey;",
        ],
    );
}

#[test]
fn replica_identity() {
    with(
        "ALTER TABLE users ALTER username SET NOT NULL;
         ALTER TABLE users REPLICA IDENTITY USING INDEX users_username_key",
        &[
            r#"loses-data replica-identity: the replica identity of "public.users" is index "users_username_key" on column "username""#,
            "  ALTER TABLE public.users REPLICA IDENTITY USING INDEX users_handle_key;",
            r#"not-ready not-null: column "username" of "public.users" is NOT NULL, and phase "stop-dual-write" does not write it"#,
            "  ALTER TABLE public.users ALTER COLUMN username DROP NOT NULL;",
        ],
    );
}
