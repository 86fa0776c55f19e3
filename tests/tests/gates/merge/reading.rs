//! Before the new table is read, and on the way back.

use rewrite_rules::Phase::{DualWrite, StopDualWrite, SwitchReads};

use super::planted;

#[test]
fn rows_that_differ() {
    planted(
        "UPDATE preferences SET email_digest = 'other' WHERE user_id = 7; DELETE FROM preferences WHERE user_id = 150",
        DualWrite,
        SwitchReads,
        &[
            r#"loses-data rows-differ: "public.preferences" does not hold what "public.emails, public.notices" says in 2 rows: uid = 7 of public.emails has '(f,other,t)' for '(f,digest7,t)', user_id = 150 of public.notices has no row for '(t,sms150)'"#,
            "  BEGIN; LOCK TABLE public.emails, public.notices IN SHARE MODE;",
            "  INSERT INTO public.preferences (user_id, news, email_digest, has_email) SELECT uid, news, digest, true FROM public.emails ON CONFLICT (user_id) DO UPDATE SET news = excluded.news, email_digest = excluded.email_digest, has_email = excluded.has_email;",
            "  UPDATE public.preferences AS t SET news = DEFAULT, email_digest = DEFAULT, has_email = DEFAULT WHERE NOT EXISTS (SELECT FROM public.emails AS o WHERE o.uid = t.user_id);",
            "  INSERT INTO public.preferences (user_id, push, sms) SELECT user_id, push, sms FROM public.notices ON CONFLICT (user_id) DO UPDATE SET push = excluded.push, sms = excluded.sms;",
            "  UPDATE public.preferences AS t SET push = DEFAULT, sms = DEFAULT WHERE NOT EXISTS (SELECT FROM public.notices AS o WHERE o.user_id = t.user_id);",
            "  COMMIT; -- in batches: segue backfill m",
        ],
    );
    planted(
        "UPDATE preferences SET email_digest = 'other' WHERE user_id = 7; DELETE FROM preferences WHERE user_id = 150",
        SwitchReads,
        DualWrite,
        &[
            r#"loses-data rows-differ: "public.emails, public.notices" does not hold what "public.preferences" says in 2 rows: uid = 7 of public.emails has '(f,digest7)' for '(f,other)', user_id = 150 of public.notices has '(t,sms150)' for no row"#,
            "  BEGIN; LOCK TABLE public.preferences IN SHARE MODE;",
            "  DELETE FROM public.emails AS t WHERE NOT EXISTS (SELECT FROM public.preferences AS o WHERE o.user_id = t.uid AND o.has_email);",
            "  INSERT INTO public.emails (uid, news, digest) SELECT user_id, news, email_digest FROM public.preferences WHERE true AND has_email ON CONFLICT (uid) DO UPDATE SET news = excluded.news, digest = excluded.digest;",
            "  DELETE FROM public.notices AS t WHERE NOT EXISTS (SELECT FROM public.preferences AS o WHERE o.user_id = t.user_id);",
            "  INSERT INTO public.notices (user_id, push, sms) SELECT user_id, push, sms FROM public.preferences WHERE true ON CONFLICT (user_id) DO UPDATE SET push = excluded.push, sms = excluded.sms;",
            "  COMMIT; -- in batches: segue backfill m",
        ],
    );
}

#[test]
fn what_the_old_tables_promise() {
    planted(
        "UPDATE emails SET digest = 'd'; ALTER TABLE emails ALTER digest SET NOT NULL, ADD CHECK (digest <> '');
         UPDATE preferences SET email_digest = 'd' WHERE has_email; ANALYZE",
        DualWrite,
        SwitchReads,
        &[r#"risky missing-constraint: "public.preferences" has no equivalent of CHECK constraint "emails_digest_check" of "public.emails": CHECK ((digest <> ''::text))"#, "  ALTER TABLE public.preferences ADD CONSTRAINT preferences_email_digest_check CHECK (((NOT has_email) OR (email_digest <> ''::text))) NOT VALID;", "  ALTER TABLE public.preferences VALIDATE CONSTRAINT preferences_email_digest_check;", r#"risky not-null: column "email_digest" of "public.preferences" may be NULL, and "digest" of "public.emails" may not"#, "  ALTER TABLE public.preferences ADD CONSTRAINT preferences_email_digest_not_null CHECK (((NOT has_email) OR (email_digest IS NOT NULL))) NOT VALID;", "  ALTER TABLE public.preferences VALIDATE CONSTRAINT preferences_email_digest_not_null;"],
    );
    planted(
        "UPDATE notices SET sms = 'd'; ALTER TABLE notices ALTER sms SET NOT NULL, ALTER sms DROP DEFAULT, ADD CHECK (sms <> '');
         UPDATE preferences SET sms = 'd' WHERE sms <> 'no'; ALTER TABLE preferences ALTER sms DROP DEFAULT; UPDATE preferences SET sms = NULL WHERE sms = 'no'; ANALYZE",
        DualWrite,
        SwitchReads,
        &[r#"risky missing-constraint: "public.preferences" has no equivalent of CHECK constraint "notices_sms_check" of "public.notices": CHECK ((sms <> ''::text))"#, "  ALTER TABLE public.preferences ADD CONSTRAINT preferences_sms_check CHECK ((sms <> ''::text)) NOT VALID;", "  ALTER TABLE public.preferences VALIDATE CONSTRAINT preferences_sms_check;", r#"risky not-null: column "sms" of "public.preferences" may be NULL, and "sms" of "public.notices" may not"#],
    );
    planted(
        "CREATE INDEX emails_digest_idx ON emails (digest); CREATE UNIQUE INDEX emails_low_key ON emails (lower(digest));
         CREATE INDEX ON notices (user_id, sms)",
        DualWrite,
        SwitchReads,
        &[r#"risky missing-index: "public.preferences" has no equivalent of index "emails_digest_idx" of "public.emails""#, "  CREATE INDEX CONCURRENTLY preferences_email_digest_idx ON public.preferences USING btree (email_digest);", r#"risky missing-index: "public.preferences" has no equivalent of unique index "emails_low_key" of "public.emails""#, "  CREATE UNIQUE INDEX CONCURRENTLY preferences_low_key ON public.preferences USING btree (lower(email_digest));", r#"risky missing-index: "public.preferences" has no equivalent of index "notices_user_id_sms_idx" of "public.notices""#, "  CREATE INDEX CONCURRENTLY preferences_user_id_sms_idx ON public.preferences USING btree (user_id, sms);"],
    );
    // Of a column with a default all rows that are none of the table's have the same.
    planted(
        "ALTER TABLE emails ALTER digest SET DEFAULT 'x'; ALTER TABLE preferences ALTER email_digest SET DEFAULT 'x';
         UPDATE preferences SET email_digest = 'x' WHERE NOT has_email;
         CREATE UNIQUE INDEX emails_digest_key ON emails (digest) WHERE news AND digest <> 'y'; ANALYZE",
        DualWrite,
        SwitchReads,
        &[r#"risky missing-index: "public.preferences" has no equivalent of unique index "emails_digest_key" of "public.emails""#, "  CREATE UNIQUE INDEX CONCURRENTLY preferences_email_digest_key ON public.preferences USING btree (email_digest) WHERE (has_email AND (news AND (email_digest <> 'y'::text)));"],
    );
    planted(
        "UPDATE notices SET sms = user_id; ALTER TABLE notices ADD UNIQUE (sms);
         UPDATE preferences p SET sms = n.sms FROM notices n WHERE n.user_id = p.user_id; ANALYZE",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-index: "public.preferences" has no equivalent of unique index "notices_sms_key" of "public.notices", nor can it have: it would refuse rows that are none of "public.notices", as they all have the defaults there; declare "present", or drop it from "public.notices""#,
        ],
    );
    planted(
        "ALTER TABLE emails ADD CONSTRAINT fk FOREIGN KEY (uid) REFERENCES users; ALTER TABLE notices ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users",
        DualWrite,
        SwitchReads,
        &[
            r#"risky foreign-key: "public.preferences" has no equivalent of foreign key "fk" of "public.emails""#,
            "  ALTER TABLE public.preferences ADD CONSTRAINT preferences_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;",
            "  ALTER TABLE public.preferences VALIDATE CONSTRAINT preferences_fk;",
        ],
    );
}

/// No row of another table need keep to what only one asks of its keys.
#[test]
fn what_one_table_asks_of_its_keys() {
    planted(
        "ALTER TABLE emails ADD CHECK (uid > 0)",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-constraint: "public.preferences" has no equivalent of CHECK constraint "emails_uid_check" of "public.emails": CHECK ((uid > 0))"#,
            "  ALTER TABLE public.preferences ADD CONSTRAINT preferences_uid_check CHECK (((NOT has_email) OR (user_id > 0))) NOT VALID;",
            "  ALTER TABLE public.preferences VALIDATE CONSTRAINT preferences_uid_check;",
        ],
    );
    planted(
        "ALTER TABLE notices ADD CHECK (user_id > 0)",
        DualWrite,
        SwitchReads,
        &[
            r#"risky missing-constraint: CHECK constraint "notices_user_id_check" of "public.notices" is over the key, and not all of the merged tables have it: "preferences" cannot refuse what it does: CHECK ((user_id > 0))"#,
        ],
    );
    planted(
        "ALTER TABLE emails ADD CHECK (uid > 0); ALTER TABLE notices ADD CHECK (user_id > 0);
         ALTER TABLE preferences ADD CHECK (user_id > 0)",
        DualWrite,
        SwitchReads,
        &[],
    );
}

#[test]
fn defaults() {
    planted(
        "ALTER TABLE notices ALTER sms SET DEFAULT 'yes'",
        DualWrite,
        SwitchReads,
        &[
            r#"risky default: column "sms" of "public.notices" has the default 'yes'::text, and "sms" of "public.preferences" has the default 'no'::text"#,
            "  ALTER TABLE public.preferences ALTER COLUMN sms SET DEFAULT 'yes'::text;",
        ],
    );
    planted(
        "ALTER TABLE notices ALTER sms DROP DEFAULT",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data default: column "sms" of "public.notices" has no default, and "sms" of "public.preferences" has the default 'no'::text"#,
            "  ALTER TABLE public.preferences ALTER COLUMN sms DROP DEFAULT;",
        ],
    );
    planted(
        "ALTER TABLE preferences ALTER sms DROP DEFAULT",
        StopDualWrite,
        SwitchReads,
        &[
            r#"loses-data default: column "sms" of "public.notices" has the default 'no'::text, and "sms" of "public.preferences" has no default"#,
            "  ALTER TABLE public.notices ALTER COLUMN sms DROP DEFAULT;",
        ],
    );
}

#[test]
fn statistics() {
    planted(
        "DELETE FROM pg_statistic WHERE starelid = 'preferences'::regclass",
        DualWrite,
        SwitchReads,
        &[
            r#"risky not-analyzed: "public.preferences" has no statistics: "news", "email_digest""#,
            "  ANALYZE public.preferences;",
            r#"risky not-analyzed: "public.preferences" has no statistics: "push", "sms""#,
            "  ANALYZE public.preferences;",
        ],
    );
    planted(
        "CREATE STATISTICS st ON push, sms FROM notices; ANALYZE",
        DualWrite,
        SwitchReads,
        &[
            r#"risky statistics: "public.preferences" has no equivalent of statistics object "st" of "public.notices""#,
            "  CREATE STATISTICS public.preferences_st ON push, sms FROM public.preferences;",
            "  ANALYZE public.preferences;",
        ],
    );
}

/// A row is stored in the new table before it comes to the old one.
#[test]
fn triggers_of_the_old_tables() {
    let trigger = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.sms := 1; RETURN NEW; END';
        CREATE TRIGGER f BEFORE INSERT OR UPDATE ON notices FOR EACH ROW EXECUTE FUNCTION f()";
    planted(
        trigger,
        DualWrite,
        SwitchReads,
        &[
            r#"loses-data trigger: BEFORE trigger "f" of "public.notices": in phase "switch-reads" its function public.f() comes after "preferences" was written: what it changes, or keeps from being done, is not so there"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
    planted(
        trigger,
        StopDualWrite,
        SwitchReads,
        &[
            r#"loses-data trigger: BEFORE trigger "f" of "public.notices": in phase "switch-reads" its function public.f() comes after "preferences" was written: what it changes, or keeps from being done, is not so there"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
}

#[test]
fn the_way_back() {
    planted(
        "ALTER TABLE emails ADD UNIQUE (digest); ALTER TABLE preferences ADD UNIQUE (email_digest)",
        StopDualWrite,
        SwitchReads,
        &[
            r#"loses-data unique-index: unique index "emails_digest_key" of "public.emails" has values of moved columns from before "stop-dual-write": writes would fail on what another row has now; build it again before "dual-write""#,
            "  ALTER TABLE public.emails DROP CONSTRAINT emails_digest_key;",
        ],
    );
    planted(
        "ALTER TABLE preferences ADD UNIQUE (email_digest)",
        SwitchReads,
        DualWrite,
        &[
            r#"risky missing-index: "public.emails" has no equivalent of unique index "preferences_email_digest_key" of "public.preferences""#,
            "  CREATE UNIQUE INDEX CONCURRENTLY emails_email_digest_key ON public.emails USING btree (digest);",
        ],
    );
}
