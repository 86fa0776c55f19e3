//! Before only the new table is written.

use rewrite_rules::Phase::{Contract, StopDualWrite, SwitchReads};
use segue_tests::server::Database;

use super::{CLEAN, check, planted, preferences, told};

#[test]
fn views() {
    planted(
        "CREATE VIEW v WITH (security_barrier) AS SELECT uid, digest AS d FROM emails WHERE news",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data view: view public.v uses "uid", "news", "digest" of "public.emails", which phase "stop-dual-write" does not write"#,
            "  CREATE OR REPLACE VIEW public.v (uid, d) WITH (security_barrier=true) AS SELECT emails.uid,\n    emails.digest AS d\n   FROM (SELECT user_id AS uid, news, email_digest AS digest FROM public.preferences WHERE has_email) AS emails\n  WHERE emails.news;",
        ],
    );
    planted(
        "CREATE VIEW v AS SELECT count(*) FROM notices",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data view: view public.v uses "public.notices", which phase "stop-dual-write" does not write"#,
            "  CREATE OR REPLACE VIEW public.v (count) AS SELECT count(*) AS count\n   FROM public.preferences AS notices;",
        ],
    );
    planted(
        "CREATE MATERIALIZED VIEW mv AS SELECT n.sms, e.digest FROM emails e LEFT JOIN notices n ON n.user_id = e.uid;
         CREATE INDEX mv_sms ON mv (sms)",
        SwitchReads,
        StopDualWrite,
        &[r#"loses-data materialized-view: materialized view public.mv uses "uid", "digest" of "public.emails", which phase "stop-dual-write" does not write"#, "  DROP MATERIALIZED VIEW public.mv;", "  CREATE MATERIALIZED VIEW public.mv (sms, digest) AS SELECT n.sms,\n    e.digest\n   FROM ((SELECT user_id AS uid, news, email_digest AS digest FROM public.preferences WHERE has_email) e\n     LEFT JOIN public.preferences n ON ((n.user_id = e.uid)));", "  CREATE INDEX mv_sms ON public.mv USING btree (sms);", "  ALTER MATERIALIZED VIEW public.mv OWNER TO postgres;", r#"loses-data materialized-view: materialized view public.mv uses "user_id", "sms" of "public.notices", which phase "stop-dual-write" does not write"#, "  DROP MATERIALIZED VIEW public.mv;", "  CREATE MATERIALIZED VIEW public.mv (sms, digest) AS SELECT n.sms,\n    e.digest\n   FROM ((SELECT user_id AS uid, news, email_digest AS digest FROM public.preferences WHERE has_email) e\n     LEFT JOIN public.preferences n ON ((n.user_id = e.uid)));", "  CREATE INDEX mv_sms ON public.mv USING btree (sms);", "  ALTER MATERIALIZED VIEW public.mv OWNER TO postgres;"],
    );
    planted(
        "CREATE VIEW v AS SELECT digest FROM emails TABLESAMPLE SYSTEM (10)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data view: view public.v uses "digest" of "public.emails", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_viewdef('public.v'::regclass);",
        ],
    );
}

#[test]
fn what_else_hangs_on_the_tables() {
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER f AFTER INSERT ON notices FOR EACH ROW EXECUTE FUNCTION f();
         CREATE TRIGGER g AFTER UPDATE OF digest ON emails FOR EACH ROW EXECUTE FUNCTION f()",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data trigger: trigger g on table public.emails uses "digest" of "public.emails", which phase "stop-dual-write" does not write"#,
            "  DROP TRIGGER g ON public.emails;",
            r#"loses-data trigger: trigger f on table public.notices uses "public.notices", which phase "stop-dual-write" does not write"#,
            "  DROP TRIGGER f ON public.notices;",
        ],
    );
    planted(
        "CREATE TABLE inbox (x int);
         CREATE RULE r AS ON INSERT TO inbox DO ALSO DELETE FROM emails",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data rule: rule r on table public.inbox uses "public.emails", which phase "stop-dual-write" does not write"#,
            "  DROP RULE r ON public.inbox;",
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT digest FROM emails'",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky function: function public.f() names "emails", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM public.emails)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data function: function public.f() uses "public.emails", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
    planted(
        "CREATE POLICY own ON users USING (EXISTS (SELECT FROM emails WHERE uid = id))",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data policy: policy own on table public.users uses "uid" of "public.emails", which phase "stop-dual-write" does not write"#,
            "  SELECT pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polrelid = 'public.users'::regclass AND quote_ident(polname) = 'own';",
        ],
    );
    planted(
        "CREATE PUBLICATION p FOR TABLE emails (uid, news) WHERE (uid > 7)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky publication: publication p has "public.emails" and not "public.preferences": what is written there alone does not reach its subscribers"#,
            "  ALTER PUBLICATION p ADD TABLE public.preferences (user_id, news, has_email) WHERE (user_id > 7);",
        ],
    );
    planted(
        "CREATE SEQUENCE s OWNED BY notices.user_id",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky dependent: sequence public.s belongs to column "user_id" of "public.notices" and would go with it"#,
            "  ALTER SEQUENCE public.s OWNED BY public.preferences.user_id;",
        ],
    );
    planted(
        "CREATE RULE r AS ON UPDATE TO emails DO ALSO NOTHING",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky rule: rule "r" of "public.emails" is for UPDATE: what the rewriting writes there would be refused, or go elsewhere"#,
            "  DROP RULE r ON public.emails;",
        ],
    );
}

#[test]
fn foreign_keys() {
    planted(
        "CREATE TABLE sent (uid int CONSTRAINT fk REFERENCES emails)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky foreign-key: foreign key fk of public.sent refers to "public.emails", which phase "stop-dual-write" does not write: referring to "preferences" it finds rows that other tables have too"#,
            "  ALTER TABLE public.sent DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (uid) REFERENCES public.preferences(user_id) NOT VALID;",
            "  ALTER TABLE public.sent VALIDATE CONSTRAINT fk;",
        ],
    );
    planted(
        "CREATE TABLE sent (uid int CONSTRAINT fk REFERENCES emails ON DELETE CASCADE)",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data foreign-key: foreign key fk of public.sent refers to "public.emails", which phase "stop-dual-write" does not write, so that its own rows would no longer follow a DELETE or a new key: referring to "preferences" it finds rows that other tables have too"#,
            "  ALTER TABLE public.sent DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (uid) REFERENCES public.preferences(user_id) ON DELETE CASCADE NOT VALID;",
            "  ALTER TABLE public.sent VALIDATE CONSTRAINT fk;",
        ],
    );
    planted(
        "ALTER TABLE emails ADD CONSTRAINT fk FOREIGN KEY (uid) REFERENCES users; ALTER TABLE notices ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users;
         ALTER TABLE preferences ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE",
        SwitchReads,
        StopDualWrite,
        &[r#"risky foreign-key: by foreign key "fk" of "public.emails" rows that phase "stop-dual-write" does not write keep those that they refer to: FOREIGN KEY (uid) REFERENCES public.users(id)"#, "  ALTER TABLE public.emails DROP CONSTRAINT fk;", r#"risky foreign-key: by foreign key "fk" of "public.notices" rows that phase "stop-dual-write" does not write keep those that they refer to: FOREIGN KEY (user_id) REFERENCES public.users(id)"#, "  ALTER TABLE public.notices DROP CONSTRAINT fk;"],
    );
    planted(
        "DELETE FROM notices WHERE user_id > 100; DELETE FROM preferences WHERE user_id > 100;
         ALTER TABLE notices ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES emails",
        SwitchReads,
        StopDualWrite,
        &[
            r#"note missing-constraint: foreign key "fk" of "public.notices" refers to a table that is merged too: nothing in "public.preferences" does for it"#,
        ],
    );
}

/// Once a table is gone nothing but the rule tells in which order its columns stood.
#[test]
fn columns_that_would_change_their_places() {
    let tables = format!(
        "{CLEAN} DROP TABLE emails;
         CREATE TABLE emails (\"a b\" text, uid int PRIMARY KEY, news boolean NOT NULL DEFAULT true);"
    );
    let database = Database::create("gates_merge", &tables);
    let rule = |phase| preferences(phase).replace("digest =", "\"a b\" =");
    let findings = check(&database, &rule(StopDualWrite), Contract);
    let places = r#"positions = { "a b" = 1, uid = 2, news = 3 }"#;
    assert_eq!(
        told(&findings),
        [
            r#"loses-data positions (by hand): once table "public.emails" is dropped, SELECT * and INSERT without a list give "uid", "news", "a b" and no longer "a b", "uid", "news": add to its [[migration.source]] in the configuration, before that"#,
            &format!("  {places}"),
        ]
    );
    let mended = rule(StopDualWrite).replacen("columns =", &format!("{places}\ncolumns ="), 1);
    assert_eq!(told(&check(&database, &mended, Contract)), [""; 0]);
    let wrong = mended.replace("uid = 2, news = 3", "uid = 3, news = 2");
    assert_eq!(check(&database, &wrong, Contract).len(), 1, "places that are not so");
}
