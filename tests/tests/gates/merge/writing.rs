//! Before all tables are written.

use rewrite_rules::Phase::{DualWrite, Expand};

use super::planted;

#[test]
fn the_key_of_the_new_table() {
    planted(
        "ALTER TABLE preferences DROP CONSTRAINT preferences_pkey, ADD PRIMARY KEY (user_id) DEFERRABLE",
        Expand,
        DualWrite,
        &[
            r#"not-ready unique-index: unique index "preferences_pkey" over (user_id) of "public.preferences" is DEFERRABLE: neither ON CONFLICT nor a foreign key can use it"#,
            "  CREATE UNIQUE INDEX CONCURRENTLY preferences_pkey_at_once ON public.preferences (user_id);",
            "  ALTER TABLE public.preferences DROP CONSTRAINT preferences_pkey, ADD CONSTRAINT preferences_pkey PRIMARY KEY USING INDEX preferences_pkey_at_once;",
        ],
    );
    planted(
        "ALTER TABLE preferences DROP CONSTRAINT preferences_pkey, ALTER user_id DROP NOT NULL",
        Expand,
        DualWrite,
        &[
            r#"not-ready missing-index: no unique index over (user_id) of "public.preferences" is whole and compares as the columns do: what belongs to a key could not be told"#,
            "  CREATE UNIQUE INDEX CONCURRENTLY preferences_user_id_key ON public.preferences (user_id);",
            r#"not-ready not-null: column "user_id" of "public.preferences" may be NULL, and is part of the key"#,
            "  ALTER TABLE public.preferences ADD CONSTRAINT segue_user_id_not_null CHECK (user_id IS NOT NULL) NOT VALID;",
            "  ALTER TABLE public.preferences VALIDATE CONSTRAINT segue_user_id_not_null;",
            "  ALTER TABLE public.preferences ALTER COLUMN user_id SET NOT NULL;",
            "  ALTER TABLE public.preferences DROP CONSTRAINT segue_user_id_not_null;",
        ],
    );
}

#[test]
fn columns_that_do_not_fit() {
    planted(
        "ALTER TABLE preferences DROP news",
        Expand,
        DualWrite,
        &[
            r#"not-ready missing-column: column "news" does not exist in "public.preferences", and phase "dual-write" needs it"#,
            "  ALTER TABLE public.preferences ADD COLUMN news boolean DEFAULT true NOT NULL;",
        ],
    );
    planted(
        "ALTER TABLE preferences DROP has_email",
        Expand,
        DualWrite,
        &[
            r#"not-ready missing-column: column "has_email" does not exist in "public.preferences", and phase "dual-write" needs it"#,
            "  ALTER TABLE public.preferences ADD COLUMN has_email boolean NOT NULL DEFAULT false;",
        ],
    );
    planted(
        "ALTER TABLE preferences ALTER has_email DROP NOT NULL, ALTER has_email DROP DEFAULT",
        Expand,
        DualWrite,
        &[
            r#"not-ready not-null: column "has_email" of "public.preferences" cannot tell which rows are there: it is not NOT NULL DEFAULT false"#,
            "  ALTER TABLE public.preferences ALTER COLUMN has_email SET DEFAULT false;",
            "  ALTER TABLE public.preferences ADD CONSTRAINT segue_has_email_not_null CHECK (has_email IS NOT NULL) NOT VALID;",
            "  ALTER TABLE public.preferences VALIDATE CONSTRAINT segue_has_email_not_null;",
            "  ALTER TABLE public.preferences ALTER COLUMN has_email SET NOT NULL;",
            "  ALTER TABLE public.preferences DROP CONSTRAINT segue_has_email_not_null;",
        ],
    );
}

#[test]
fn types_and_values_that_do_not_fit() {
    planted(
        "ALTER TABLE preferences ALTER sms TYPE varchar",
        Expand,
        DualWrite,
        &[
            r#"not-ready definition: key "columns" of migration "m": column "sms" of "public.preferences" is character varying, "sms" of "public.notices" is text; give both the same type and collation"#,
        ],
    );
    planted(
        "ALTER TABLE preferences ALTER sms SET NOT NULL",
        Expand,
        DualWrite,
        &[
            r#"risky not-null: column "sms" of "public.preferences" is NOT NULL, and "sms" of "public.notices" is not: clients that store NULL would fail"#,
            "  ALTER TABLE public.preferences ALTER COLUMN sms DROP NOT NULL;",
        ],
    );
    planted(
        "ALTER TABLE preferences ALTER news DROP DEFAULT",
        Expand,
        DualWrite,
        &[
            r#"not-ready not-null: column "news" of "public.preferences" is NOT NULL without a default, and some table has no row for it"#,
            "  ALTER TABLE public.preferences ALTER COLUMN news SET DEFAULT true;",
            r#"risky default: column "news" of "public.emails" has the default true, and "news" of "public.preferences" has no default"#,
            "  ALTER TABLE public.preferences ALTER COLUMN news SET DEFAULT true;",
        ],
    );
    planted(
        "ALTER TABLE preferences ADD made int NOT NULL DEFAULT 1; ALTER TABLE preferences ALTER made DROP DEFAULT",
        Expand,
        DualWrite,
        &[
            r#"not-ready not-null: column "made" of "public.preferences" is NOT NULL without a default, and some table has no row for it"#,
            "  ALTER TABLE public.preferences ALTER COLUMN made DROP NOT NULL;",
        ],
    );
    planted(
        "ALTER TABLE preferences ALTER sms SET DEFAULT 'yes'",
        Expand,
        DualWrite,
        &[
            r#"risky default: column "sms" of "public.notices" has the default 'no'::text, and "sms" of "public.preferences" has the default 'yes'::text"#,
            "  ALTER TABLE public.preferences ALTER COLUMN sms SET DEFAULT 'no'::text;",
        ],
    );
    planted("ALTER TABLE emails ALTER news DROP DEFAULT", Expand, DualWrite, &[]);
    planted(
        "ALTER TABLE emails ADD other int",
        Expand,
        DualWrite,
        &[
            r#"not-ready definition: key "columns" of migration "m": column "other" of "public.emails" moves nowhere; list it, or drop it first"#,
        ],
    );
}

#[test]
fn what_the_new_table_refuses() {
    planted(
        "ALTER TABLE preferences ADD CHECK (sms <> 'x')",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: CHECK constraint "preferences_sms_check" of "public.preferences" has no equivalent in "public.notices": clients that write what it refuses would fail: CHECK ((sms <> 'x'::text))"#,
            "  ALTER TABLE public.preferences DROP CONSTRAINT preferences_sms_check;",
        ],
    );
    planted(
        "ALTER TABLE preferences ADD CHECK (news OR sms <> 'x')",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: CHECK constraint "preferences_check" of "public.preferences" is over columns that none of the merged tables has together: clients that write what it refuses would fail"#,
            "  ALTER TABLE public.preferences DROP CONSTRAINT preferences_check;",
        ],
    );
    planted(
        "ALTER TABLE preferences ADD UNIQUE (email_digest)",
        Expand,
        DualWrite,
        &[
            r#"risky unique-index: unique index "preferences_email_digest_key" of "public.preferences" has no equivalent in "public.emails": clients that write what it refuses would fail"#,
            "  ALTER TABLE public.preferences DROP CONSTRAINT preferences_email_digest_key;",
        ],
    );
    planted(
        "ALTER TABLE preferences ADD UNIQUE (email_digest, sms)",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: unique index "preferences_email_digest_sms_key" of "public.preferences" is over columns that none of the merged tables has together: clients that write what it refuses would fail"#,
            "  ALTER TABLE public.preferences DROP CONSTRAINT preferences_email_digest_sms_key;",
        ],
    );
    planted(
        "ALTER TABLE emails ADD CHECK (digest <> 'x'), ADD UNIQUE (digest), ADD CHECK (uid > 0);
         ALTER TABLE notices ADD CHECK (user_id > 0);
         ALTER TABLE preferences ADD CHECK (NOT has_email OR email_digest <> 'x'), ADD UNIQUE (email_digest),
            ADD CHECK (user_id > 0)",
        Expand,
        DualWrite,
        &[],
    );
    planted(
        "ALTER TABLE emails ADD CHECK (uid > 0); ALTER TABLE preferences ADD CHECK (user_id > 0)",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: CHECK constraint "preferences_user_id_check" of "public.preferences" has no equivalent in "public.notices": clients that write what it refuses would fail: CHECK ((user_id > 0))"#,
            "  ALTER TABLE public.preferences DROP CONSTRAINT preferences_user_id_check;",
        ],
    );
}

/// As each row is that only another table has, and each whose part is deleted.
#[test]
fn what_a_row_of_defaults_does_not_keep_to() {
    planted(
        "UPDATE notices SET sms = 'yes' WHERE sms = 'no'; ALTER TABLE notices ADD CHECK (sms <> 'no');
         UPDATE preferences SET sms = 'yes' WHERE sms = 'no'; ALTER TABLE preferences ADD CHECK (sms <> 'no')",
        Expand,
        DualWrite,
        &[r#"loses-data missing-constraint: CHECK constraint "preferences_sms_check" of "public.preferences" refuses a row that is at its defaults, as one is that not all tables have: CHECK ((sms <> 'no'::text))"#, "  ALTER TABLE public.preferences DROP CONSTRAINT preferences_sms_check;"],
    );
    planted(
        "UPDATE preferences SET sms = user_id; UPDATE notices SET sms = user_id;
         ALTER TABLE notices ADD UNIQUE (sms); ALTER TABLE preferences ADD UNIQUE (sms)",
        Expand,
        DualWrite,
        &[
            r#"risky unique-index: unique index "preferences_sms_key" of "public.preferences" is over columns that are at their defaults in each row that is none of "public.notices": the second one would be refused"#,
            "  ALTER TABLE public.preferences DROP CONSTRAINT preferences_sms_key;",
        ],
    );
}

#[test]
fn types_and_references_that_a_row_of_defaults_does_not_keep_to() {
    planted(
        "CREATE DOMAIN set AS text CHECK (VALUE IS NOT NULL);
         ALTER TABLE emails ALTER digest TYPE set; ALTER TABLE preferences DROP email_digest, ADD email_digest set DEFAULT '';
         ALTER TABLE preferences ALTER email_digest DROP DEFAULT; UPDATE preferences p SET email_digest = e.digest FROM emails e
         WHERE e.uid = p.user_id; ANALYZE",
        Expand,
        DualWrite,
        &[r#"loses-data not-null: "email_digest" of "public.preferences" is at its default in rows that not all tables have, and its type public.set refuses that"#],
    );
    let tones =
        "CREATE TABLE tones (tone text PRIMARY KEY); INSERT INTO tones SELECT sms FROM notices;
        INSERT INTO tones VALUES ('no'); ALTER TABLE notices ADD FOREIGN KEY (sms) REFERENCES tones;
        ALTER TABLE preferences ADD FOREIGN KEY (sms) REFERENCES tones;";
    planted(tones, Expand, DualWrite, &[]);
    planted(
        &format!(
            "{tones} UPDATE preferences SET sms = 'sms51' WHERE sms = 'no'; DELETE FROM tones WHERE tone = 'no'"
        ),
        Expand,
        DualWrite,
        &[
            r#"loses-data foreign-key: foreign key "preferences_sms_fkey" of "public.preferences" refuses a row that is at its defaults, as one is that not all tables have: what it refers to then is not there: FOREIGN KEY (sms) REFERENCES public.tones(tone)"#,
        ],
    );
}

/// The new table keeps the one with which its row was made.
#[test]
fn keys_that_count_as_the_same() {
    let types = |name: &str| {
        format!(
            "ALTER TABLE emails ALTER uid TYPE {name}; ALTER TABLE notices ALTER user_id TYPE {name};
             ALTER TABLE preferences ALTER user_id TYPE {name}; ANALYZE"
        )
    };
    planted(
        &types("numeric"),
        Expand,
        DualWrite,
        &[
            r#"risky key: "user_id" of "public.preferences" is numeric, of which values that are not the same count as equal, as 1.0 and 1.00 do: rows of several tables with such keys share one of them, and an UPDATE from one to the other, or an INSERT after a DELETE, keeps the first"#,
        ],
    );
    for same in ["numeric(9,2)", "bigint", "text", "char(9)"] {
        planted(&types(same), Expand, DualWrite, &[]);
    }
}

#[test]
fn foreign_keys_of_the_keys() {
    let reference = "ADD CONSTRAINT fk FOREIGN KEY";
    planted(
        &format!(
            "ALTER TABLE preferences {reference} (user_id) REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE"
        ),
        Expand,
        DualWrite,
        &[
            r#"loses-data foreign-key: foreign key "fk" of "public.preferences" has no equivalent in "public.emails": clients that write what it refuses would fail, and by ON DELETE its rows would go there: FOREIGN KEY (user_id) REFERENCES public.users(id) ON UPDATE CASCADE ON DELETE CASCADE"#,
            "  ALTER TABLE public.preferences DROP CONSTRAINT fk;",
        ],
    );
    planted(
        &format!("ALTER TABLE emails {reference} (uid) REFERENCES users ON DELETE CASCADE"),
        Expand,
        DualWrite,
        &[
            r#"loses-data foreign-key: "public.preferences" has no equivalent of foreign key "fk" of "public.emails": what goes or changes by it stays there, and not all of the merged tables have it: give it to them, or drop it"#,
        ],
    );
    planted(
        &format!(
            "ALTER TABLE emails {reference} (uid) REFERENCES users ON DELETE CASCADE;
             ALTER TABLE notices {reference} (user_id) REFERENCES users"
        ),
        Expand,
        DualWrite,
        &[
            r#"loses-data foreign-key: "public.preferences" has no equivalent of foreign key "fk" of "public.emails": what goes or changes by it stays there"#,
            "  ALTER TABLE public.preferences ADD CONSTRAINT preferences_fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;",
            "  ALTER TABLE public.preferences VALIDATE CONSTRAINT preferences_fk;",
        ],
    );
    planted(
        &format!(
            "ALTER TABLE emails {reference} (uid) REFERENCES users; ALTER TABLE notices {reference} (user_id) REFERENCES users;
             ALTER TABLE preferences {reference} (user_id) REFERENCES users"
        ),
        Expand,
        DualWrite,
        &[r#"risky foreign-key: foreign key "fk" of "public.preferences", the equivalent of foreign key "fk" of "public.emails", is not ON DELETE CASCADE ON UPDATE CASCADE: a row of defaults, which a DELETE leaves, would keep what it refers to"#, "  ALTER TABLE public.preferences DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;", "  ALTER TABLE public.preferences VALIDATE CONSTRAINT fk;"],
    );
    planted(
        &format!(
            "ALTER TABLE emails {reference} (uid) REFERENCES users; ALTER TABLE notices {reference} (user_id) REFERENCES users;
             ALTER TABLE preferences {reference} (user_id) REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE"
        ),
        Expand,
        DualWrite,
        &[],
    );
    planted(
        &format!("ALTER TABLE notices {reference} (user_id) REFERENCES users"),
        Expand,
        DualWrite,
        &[],
    );
}

#[test]
fn other_foreign_keys() {
    let tones =
        "CREATE TABLE tones (tone text PRIMARY KEY); INSERT INTO tones SELECT sms FROM notices;
        INSERT INTO tones VALUES ('no');";
    planted(
        &format!(
            "{tones} ALTER TABLE notices ADD CONSTRAINT fk FOREIGN KEY (sms) REFERENCES tones ON DELETE SET NULL"
        ),
        Expand,
        DualWrite,
        &[
            r#"loses-data missing-constraint: "public.preferences" has no equivalent of foreign key "fk" of "public.notices": what changes by it stays there: FOREIGN KEY (sms) REFERENCES public.tones(tone) ON DELETE SET NULL"#,
            "  ALTER TABLE public.preferences ADD CONSTRAINT preferences_fk FOREIGN KEY (sms) REFERENCES public.tones(tone) ON DELETE SET NULL NOT VALID;",
            "  ALTER TABLE public.preferences VALIDATE CONSTRAINT preferences_fk;",
        ],
    );
    planted(
        &format!(
            "{tones} ALTER TABLE notices ADD CONSTRAINT fk FOREIGN KEY (sms) REFERENCES tones ON DELETE CASCADE"
        ),
        Expand,
        DualWrite,
        &[
            r#"loses-data foreign-key: foreign key "fk" of "public.notices" is ON DELETE CASCADE over columns that other tables do not have: by the same one of "public.preferences" their parts would go too, and without it this part stays"#,
            "  ALTER TABLE public.notices DROP CONSTRAINT fk;",
        ],
    );
    planted(
        "ALTER TABLE emails ADD CONSTRAINT fk FOREIGN KEY (uid) REFERENCES users ON DELETE CASCADE;
         CREATE TABLE sent (uid int REFERENCES emails)",
        Expand,
        DualWrite,
        &[
            r#"loses-data foreign-key: "public.preferences" has no equivalent of foreign key "fk" of "public.emails": what goes or changes by it stays there, and not all of the merged tables have it: give it to them, or drop it"#,
            r#"note foreign-key: foreign key sent_uid_fkey of public.sent refers to "public.emails", and keeps it from being dropped: it must refer to "preferences" before "stop-dual-write", where rows of other tables count too"#,
        ],
    );
    planted(
        "DELETE FROM notices WHERE user_id > 100; DELETE FROM preferences WHERE user_id > 100;
         ALTER TABLE notices ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES emails ON DELETE CASCADE",
        Expand,
        DualWrite,
        &[r#"loses-data foreign-key: foreign key "fk" of "public.notices" refers to a table that is merged too: what it does there to rows that follow is not done in "public.preferences""#, "  ALTER TABLE public.notices DROP CONSTRAINT fk;"],
    );
}

#[test]
fn triggers_and_rules() {
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.sms := 1; RETURN NEW; END';
         CREATE TRIGGER f BEFORE INSERT ON preferences FOR EACH ROW EXECUTE FUNCTION f();
         CREATE TRIGGER f BEFORE INSERT ON notices FOR EACH ROW EXECUTE FUNCTION f()",
        Expand,
        DualWrite,
        &[r#"risky trigger: BEFORE trigger "f" of "public.preferences": its function public.f() names "sms": see that it keeps what is carried"#, "  SELECT pg_get_functiondef('public.f()'::regprocedure);"],
    );
    planted(
        "CREATE RULE r AS ON UPDATE TO emails DO ALSO NOTHING",
        Expand,
        DualWrite,
        &[
            r#"risky rule: rule "r" of "public.emails" is for UPDATE: what the rewriting writes there would be refused, or go elsewhere"#,
            "  DROP RULE r ON public.emails;",
        ],
    );
    planted(
        "CREATE RULE r AS ON DELETE TO preferences DO INSTEAD NOTHING",
        Expand,
        DualWrite,
        &[
            r#"risky rule: rule "r" of "public.preferences" is for DELETE: what the rewriting writes there would be refused, or go elsewhere"#,
            "  DROP RULE r ON public.preferences;",
        ],
    );
}

#[test]
fn publications() {
    planted(
        "CREATE PUBLICATION p FOR TABLE emails; CREATE PUBLICATION q FOR TABLE preferences;
         CREATE PUBLICATION all_of_them FOR TABLE emails, notices, preferences",
        Expand,
        DualWrite,
        &[
            r#"note publication: publication p has "public.emails" and not "public.preferences": what is written there alone does not reach its subscribers"#,
            "  ALTER PUBLICATION p ADD TABLE public.preferences;",
        ],
    );
}
