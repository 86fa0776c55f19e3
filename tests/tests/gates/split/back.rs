//! On the way back: what the remedies of the way forward have turned to the new table, or taken from the old one.

use rewrite_rules::Phase::{DualWrite, Expand, SwitchReads};

use super::planted;

#[test]
fn what_the_old_table_must_refuse_again() {
    planted(
        "ALTER TABLE user_profiles ADD CONSTRAINT user_profiles_given_name_check CHECK (given_name <> '')",
        SwitchReads,
        DualWrite,
        &[
            r#"risky missing-constraint: "public.users" has no equivalent of CHECK constraint "user_profiles_given_name_check" of "public.user_profiles": its table is about to be read again: CHECK ((given_name <> ''::text))"#,
            "  ALTER TABLE public.users ADD CONSTRAINT users_first_name_check CHECK ((first_name <> ''::text)) NOT VALID;",
            "  ALTER TABLE public.users VALIDATE CONSTRAINT users_first_name_check;",
        ],
    );
    planted(
        "CREATE TABLE names (given_name text PRIMARY KEY); INSERT INTO names SELECT first_name FROM users;
         ALTER TABLE user_profiles ADD CONSTRAINT named FOREIGN KEY (given_name) REFERENCES names ON UPDATE CASCADE",
        SwitchReads,
        DualWrite,
        &[
            r#"risky missing-constraint: "public.users" has no equivalent of foreign key "named" of "public.user_profiles": its table is about to be read again: FOREIGN KEY (given_name) REFERENCES public.names(given_name) ON UPDATE CASCADE"#,
            "  ALTER TABLE public.users ADD CONSTRAINT users_named FOREIGN KEY (first_name) REFERENCES public.names(given_name) ON UPDATE CASCADE NOT VALID;",
            "  ALTER TABLE public.users VALIDATE CONSTRAINT users_named;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ADD CONSTRAINT apart EXCLUDE USING hash (given_name WITH =) WHERE (bio <> '')",
        SwitchReads,
        DualWrite,
        &[
            r#"risky missing-constraint: "public.users" has no equivalent of exclusion constraint "apart" of "public.user_profiles": its table is about to be read again: EXCLUDE USING hash (given_name WITH =) WHERE ((bio <> ''::text))"#,
            "  ALTER TABLE public.users ADD CONSTRAINT users_apart EXCLUDE USING hash (first_name WITH =) WHERE ((bio <> ''::text));",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ADD CONSTRAINT p CHECK (bio <> '');
         ALTER TABLE users ADD CONSTRAINT u CHECK (bio <> '') NOT VALID",
        SwitchReads,
        DualWrite,
        &[
            r#"risky unvalidated-constraint: CHECK constraint "u" of "public.users" is NOT VALID, and "p" of "public.user_profiles" is valid: its table is about to be read again"#,
            "  ALTER TABLE public.users VALIDATE CONSTRAINT u;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ADD CHECK (given_name <> ''), ADD CHECK (user_id > 0), ADD CHECK (bio <> '') NOT VALID;
         ALTER TABLE users ADD CHECK (first_name <> ''), ADD CHECK (bio <> '')",
        SwitchReads,
        DualWrite,
        &[],
    );
}

#[test]
fn what_becomes_stale() {
    planted(
        "CREATE VIEW v AS SELECT id, p.bio FROM users LEFT JOIN user_profiles p ON p.user_id = id;
         CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM user_profiles;
         CREATE FUNCTION f() RETURNS jsonb LANGUAGE sql
         BEGIN ATOMIC SELECT to_jsonb(p) FROM user_profiles p WHERE p.user_id = 7; END;
         CREATE TABLE inbox (x int);
         CREATE RULE r AS ON INSERT TO inbox DO ALSO UPDATE user_profiles SET bio = '' WHERE user_id = NEW.x;
         CREATE POLICY own ON inbox USING (EXISTS (SELECT FROM user_profiles WHERE user_id = x))",
        DualWrite,
        Expand,
        &[
            r#"risky rule: rule r on table public.inbox uses "public.user_profiles", which phase "expand" does not write: what is there becomes stale"#,
            "  SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = 'public.inbox'::regclass AND quote_ident(rulename) = 'r';",
            r#"risky view: view public.v uses "public.user_profiles", which phase "expand" does not write: what is there becomes stale"#,
            "  SELECT pg_get_viewdef('public.v'::regclass);",
            r#"risky materialized-view: materialized view public.mv uses "public.user_profiles", which phase "expand" does not write: what is there becomes stale"#,
            "  SELECT pg_get_viewdef('public.mv'::regclass);",
            r#"risky policy: policy own on table public.inbox uses "public.user_profiles", which phase "expand" does not write: what is there becomes stale"#,
            "  SELECT pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polrelid = 'public.inbox'::regclass AND quote_ident(polname) = 'own';",
            r#"risky function: function public.f() uses "public.user_profiles", which phase "expand" does not write: what is there becomes stale"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
    planted(
        "CREATE UNIQUE INDEX ON user_profiles (given_name); ALTER TABLE users ADD UNIQUE (first_name);
         CREATE TABLE logins (name text CONSTRAINT fk REFERENCES user_profiles (given_name) ON DELETE CASCADE)",
        DualWrite,
        Expand,
        &[
            r#"risky foreign-key: constraint fk on table public.logins refers to "public.user_profiles", which phase "expand" does not write: rows that clients store from then on are not found there"#,
            "  ALTER TABLE public.logins DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (name) REFERENCES public.users(first_name) ON DELETE CASCADE NOT VALID;",
            "  ALTER TABLE public.logins VALIDATE CONSTRAINT fk;",
        ],
    );
    planted(
        "CREATE POLICY own ON user_profiles USING (bio <> '');
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER f AFTER UPDATE OF bio ON user_profiles FOR EACH ROW EXECUTE FUNCTION f();
         CREATE INDEX ON user_profiles (bio); ALTER TABLE user_profiles ADD CHECK (bio <> ''),
             ADD shout text GENERATED ALWAYS AS (upper(bio)) STORED;
         CREATE PUBLICATION p FOR TABLE user_profiles (user_id, bio);
         CREATE STATISTICS s ON given_name, bio FROM user_profiles",
        DualWrite,
        Expand,
        &[],
    );
}
