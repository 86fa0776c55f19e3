//! Before both tables are written.

use rewrite_rules::Phase::{DualWrite, Expand, StopDualWrite, SwitchReads};

use super::planted;

#[test]
fn the_foreign_key() {
    planted(
        "ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_user_id_fkey",
        Expand,
        DualWrite,
        &[
            r#"loses-data foreign-key: no foreign key (user_id) of "public.user_profiles" refers to (id) of "public.users": a DELETE and a new key would not reach it"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT user_profiles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;",
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT user_profiles_user_id_fkey;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_user_id_fkey",
        SwitchReads,
        StopDualWrite,
        &[
            r#"loses-data foreign-key: no foreign key (user_id) of "public.user_profiles" refers to (id) of "public.users": a DELETE and a new key would not reach it"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT user_profiles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;",
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT user_profiles_user_id_fkey;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_user_id_fkey, ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE",
        Expand,
        DualWrite,
        &[
            r#"loses-data foreign-key: foreign key "k" of "public.user_profiles" to "public.users" is not ON DELETE CASCADE ON UPDATE CASCADE: a DELETE and a new key would not reach it, or fail"#,
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT k, ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID;",
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT k;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_user_id_fkey, ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE NOT VALID",
        Expand,
        DualWrite,
        &[
            r#"risky unvalidated-constraint: foreign key "k" of "public.user_profiles" is NOT VALID: rows may be there that no row of "public.users" belongs to, in the way of those that will"#,
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT k;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_user_id_fkey, ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE",
        Expand,
        DualWrite,
        &[
            r#"risky foreign-key: foreign key "k" of "public.user_profiles" is DEFERRABLE: a row that no row of "public.users" belongs to may be refused as late as at COMMIT"#,
            "  ALTER TABLE public.user_profiles ALTER CONSTRAINT k NOT DEFERRABLE;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES users",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: foreign key "k" of "public.user_profiles" has no equivalent in "public.users": clients that write what it refuses would fail: FOREIGN KEY (user_id) REFERENCES public.users(id)"#,
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT k;",
        ],
    );
}

#[test]
fn the_key_of_the_halves() {
    planted(
        "ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_pkey, ADD PRIMARY KEY (user_id) DEFERRABLE",
        Expand,
        DualWrite,
        &[
            r#"not-ready unique-index: unique index "user_profiles_pkey" over (user_id) of "public.user_profiles" is DEFERRABLE: neither ON CONFLICT nor a foreign key can use it"#,
            "  CREATE UNIQUE INDEX CONCURRENTLY user_profiles_pkey_at_once ON public.user_profiles (user_id);",
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT user_profiles_pkey, ADD CONSTRAINT user_profiles_pkey PRIMARY KEY USING INDEX user_profiles_pkey_at_once;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_pkey, ALTER user_id DROP NOT NULL",
        Expand,
        DualWrite,
        &[
            r#"not-ready missing-index: no unique index over (user_id) of "public.user_profiles" is whole and compares as the columns do: what belongs to a key could not be told"#,
            "  CREATE UNIQUE INDEX CONCURRENTLY user_profiles_user_id_key ON public.user_profiles (user_id);",
            r#"not-ready not-null: column "user_id" of "public.user_profiles" may be NULL, and is part of the key"#,
            "  ALTER TABLE public.user_profiles ADD CONSTRAINT segue_user_id_not_null CHECK (user_id IS NOT NULL) NOT VALID;",
            "  ALTER TABLE public.user_profiles VALIDATE CONSTRAINT segue_user_id_not_null;",
            "  ALTER TABLE public.user_profiles ALTER COLUMN user_id SET NOT NULL;",
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT segue_user_id_not_null;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_pkey;
         CREATE UNIQUE INDEX odd ON user_profiles (user_id) WHERE user_id > 0",
        Expand,
        DualWrite,
        &[
            r#"not-ready missing-index: no unique index over (user_id) of "public.user_profiles" is whole and compares as the columns do: what belongs to a key could not be told"#,
            "  CREATE UNIQUE INDEX CONCURRENTLY user_profiles_user_id_key ON public.user_profiles (user_id);",
        ],
    );
}

#[test]
fn columns_that_do_not_fit() {
    planted(
        "ALTER TABLE user_profiles DROP bio",
        Expand,
        DualWrite,
        &[
            r#"not-ready missing-column: column "bio" does not exist in "public.user_profiles", and phase "dual-write" needs it"#,
            "  ALTER TABLE public.user_profiles ADD COLUMN bio text;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ALTER bio TYPE varchar",
        Expand,
        DualWrite,
        &[
            r#"not-ready definition: key "columns" of migration "m": column "bio" of "public.user_profiles" is character varying, "bio" is text; give both the same type and collation: split first, change the type then"#,
        ],
    );
    planted(
        "ALTER TABLE user_profiles ALTER bio SET NOT NULL",
        Expand,
        DualWrite,
        &[
            r#"risky not-null: column "bio" of "public.user_profiles" is NOT NULL, and "bio" of "public.users" is not: clients that store NULL would fail"#,
            "  ALTER TABLE public.user_profiles ALTER COLUMN bio DROP NOT NULL;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ADD made int NOT NULL DEFAULT 1;
         ALTER TABLE user_profiles ALTER made DROP DEFAULT",
        Expand,
        DualWrite,
        &[
            r#"not-ready definition: key "into" of migration "m": column "made" of "public.user_profiles" is NOT NULL, and nothing is moved to it"#,
            "  ALTER TABLE public.user_profiles ALTER COLUMN made DROP NOT NULL;",
        ],
    );
}

#[test]
fn what_the_new_table_refuses() {
    planted(
        "ALTER TABLE user_profiles ADD CHECK (bio <> 'x')",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: CHECK constraint "user_profiles_bio_check" of "public.user_profiles" has no equivalent in "public.users": clients that write what it refuses would fail: CHECK ((bio <> 'x'::text))"#,
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT user_profiles_bio_check;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ADD UNIQUE (given_name)",
        Expand,
        DualWrite,
        &[
            r#"risky unique-index: unique index "user_profiles_given_name_key" of "public.user_profiles" has no equivalent in "public.users": clients that write what it refuses would fail"#,
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT user_profiles_given_name_key;",
        ],
    );
    planted(
        "ALTER TABLE user_profiles ADD EXCLUDE USING hash (bio WITH =)",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: exclusion constraint "user_profiles_bio_excl" of "public.user_profiles" has no equivalent in "public.users": clients that write what it refuses would fail: EXCLUDE USING hash (bio WITH =)"#,
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT user_profiles_bio_excl;",
        ],
    );
    planted(
        "CREATE TABLE names (name text PRIMARY KEY);
         INSERT INTO names SELECT first_name FROM users;
         ALTER TABLE user_profiles ADD FOREIGN KEY (given_name) REFERENCES names",
        Expand,
        DualWrite,
        &[
            r#"risky missing-constraint: foreign key "user_profiles_given_name_fkey" of "public.user_profiles" has no equivalent in "public.users": clients that write what it refuses would fail: FOREIGN KEY (given_name) REFERENCES public.names(name)"#,
            "  ALTER TABLE public.user_profiles DROP CONSTRAINT user_profiles_given_name_fkey;",
        ],
    );
    planted(
        "CREATE TABLE names (name text PRIMARY KEY);
         INSERT INTO names SELECT first_name FROM users;
         ALTER TABLE users ADD FOREIGN KEY (first_name) REFERENCES names, ADD CHECK (bio <> 'x'), ADD UNIQUE (first_name), ADD EXCLUDE USING hash (bio WITH =);
         ALTER TABLE user_profiles ADD FOREIGN KEY (given_name) REFERENCES names, ADD CHECK (bio <> 'x'), ADD UNIQUE (given_name), ADD EXCLUDE USING hash (bio WITH =)",
        Expand,
        DualWrite,
        &[],
    );
}

#[test]
fn a_part_of_another_table() {
    planted(
        "CREATE TABLE everybody (id int); ALTER TABLE users INHERIT everybody",
        Expand,
        DualWrite,
        &[
            r#"loses-data definition: "public.users" belongs to "public.everybody": what is written through that is not carried to "user_profiles""#,
        ],
    );
}

#[test]
fn triggers_of_the_new_table() {
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.bio := 1; RETURN NEW;
         END'; CREATE TRIGGER f BEFORE INSERT ON user_profiles FOR EACH ROW EXECUTE FUNCTION f()",
        Expand,
        DualWrite,
        &[
            r#"risky trigger: BEFORE trigger "f" of "public.user_profiles": its function public.f() names "bio": see that it keeps what is carried"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TRIGGER f BEFORE UPDATE ON user_profiles FOR EACH ROW EXECUTE FUNCTION f()",
        Expand,
        DualWrite,
        &[
            r#"note trigger: BEFORE trigger "f" of "public.user_profiles": its function public.f() names no column that moves"#,
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER f BEFORE DELETE ON user_profiles FOR EACH ROW EXECUTE FUNCTION f()",
        Expand,
        DualWrite,
        &[
            r#"risky trigger: BEFORE trigger "f" of "public.user_profiles": its function public.f() is called before a row goes: see that it lets it go"#,
            "  SELECT pg_get_functiondef('public.f()'::regprocedure);",
        ],
    );
    planted(
        "CREATE TRIGGER f BEFORE UPDATE ON user_profiles FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        Expand,
        DualWrite,
        &[
            r#"risky trigger: BEFORE trigger "f" of "public.user_profiles": its function suppress_redundant_updates_trigger() is written in language internal: nobody can tell whether it keeps what is carried"#,
        ],
    );
    planted(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.bio := 1; RETURN NEW;
         END';
         CREATE TRIGGER f BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f();
         CREATE TRIGGER g AFTER INSERT ON user_profiles FOR EACH ROW EXECUTE FUNCTION f()",
        Expand,
        DualWrite,
        &[],
    );
}

#[test]
fn rules() {
    planted(
        "CREATE RULE r AS ON UPDATE TO users DO ALSO NOTHING",
        Expand,
        DualWrite,
        &[
            r#"risky rule: rule "r" of "public.users" is for UPDATE: what the rewriting writes there would be refused, or go elsewhere"#,
            "  DROP RULE r ON public.users;",
        ],
    );
    planted(
        "CREATE RULE r AS ON DELETE TO user_profiles DO INSTEAD NOTHING",
        Expand,
        DualWrite,
        &[
            r#"risky rule: rule "r" of "public.user_profiles" is for DELETE: what the rewriting writes there would be refused, or go elsewhere"#,
            "  DROP RULE r ON public.user_profiles;",
        ],
    );
}

#[test]
fn publications() {
    planted(
        "CREATE PUBLICATION p FOR TABLE users; CREATE PUBLICATION q FOR TABLE user_profiles;
         CREATE PUBLICATION both_of_them FOR TABLE users, user_profiles",
        Expand,
        DualWrite,
        &[
            r#"note publication: publication p has "public.users" and not "public.user_profiles": its subscribers get one half of the rows"#,
            "  ALTER PUBLICATION p ADD TABLE public.user_profiles;",
            r#"note publication: publication q has "public.user_profiles" and not "public.users": its subscribers get one half of the rows"#,
            "  ALTER PUBLICATION q ADD TABLE public.users;",
        ],
    );
    let half = r#"its subscribers get one half of the rows"#;
    let kept = |name: &str, what: &str| {
        format!(
            r#"note publication: publication {name} has "public.users" and not "public.user_profiles": {half}; of "public.users" it has only {what}, so what it is to have of "public.user_profiles" is for you to say"#
        )
    };
    planted(
        "CREATE PUBLICATION p FOR TABLE users (id, email, first_name) WHERE (id > 7);
         CREATE PUBLICATION q FOR TABLE users (id, email);
         CREATE PUBLICATION r FOR TABLE users WHERE (bio <> 'x');
         CREATE PUBLICATION s FOR TABLE user_profiles WHERE (user_id > 7)",
        Expand,
        DualWrite,
        &[
            &format!(
                r#"note publication: publication p has "public.users" and not "public.user_profiles": {half}"#
            ),
            "  ALTER PUBLICATION p ADD TABLE public.user_profiles (user_id, given_name) WHERE (user_id > 7);",
            &kept("q", "columns id, email"),
            &kept("r", "rows WHERE (bio <> 'x'::text)"),
            &format!(
                r#"note publication: publication s has "public.user_profiles" and not "public.users": {half}; of "public.user_profiles" it has only rows WHERE (user_id > 7), so what it is to have of "public.users" is for you to say"#
            ),
        ],
    );
    planted(
        "CREATE PUBLICATION p FOR TABLE users",
        SwitchReads,
        StopDualWrite,
        &[
            r#"risky publication: publication p has "public.users" and not "public.user_profiles": its subscribers get one half of the rows"#,
            "  ALTER PUBLICATION p ADD TABLE public.user_profiles;",
        ],
    );
    planted(
        "CREATE PUBLICATION p FOR TABLE users, user_profiles;
         ALTER TABLE user_profiles DROP CONSTRAINT user_profiles_pkey;
         CREATE UNIQUE INDEX k ON user_profiles (user_id);
         ALTER TABLE user_profiles ALTER user_id SET NOT NULL",
        Expand,
        DualWrite,
        &[
            r#"risky replica-identity: "public.user_profiles" is published and has no replica identity: an UPDATE of it would fail"#,
            "  ALTER TABLE public.user_profiles REPLICA IDENTITY USING INDEX k;",
        ],
    );
}
