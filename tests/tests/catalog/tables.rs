//! Tables that are split and merged: once the old columns and tables are gone, who knows them sees them as before.
//!
//! `users` moves columns to `profiles`; `accounts` and `limits` become parts of `holdings`. The new tables show to
//! everybody, so they are there in what is compared with, too.

use std::collections::BTreeMap;

use rewrite_rules::rule::{Change, KeyPair, MergeSource, MergeTables, OneOrMore, SplitTable};
use rewrite_rules::{Phase, Rule, Shape};
use segue_tests::relay::Relay;
use segue_tests::server::Database;
use segue_tests::wire::{Login, Wire};

use super::queries::{Query, difference, read, seen};
use super::stages::generation;

pub(crate) const PLAIN: &str = "
    CREATE TABLE files (id int PRIMARY KEY);
    CREATE TABLE users (
        id bigserial PRIMARY KEY,
        username varchar(50) NOT NULL DEFAULT 'nobody',
        email text,
        price numeric(10,2) DEFAULT 1 + 1,
        picture int CONSTRAINT users_picture_fkey REFERENCES files,
        note text,
        CONSTRAINT users_username_key UNIQUE (username),
        CONSTRAINT users_username_check CHECK (username <> '' AND username <> 'handle'));
    CREATE INDEX users_price_username_idx ON users (price DESC, username);
    COMMENT ON COLUMN users.username IS 'the name';
    COMMENT ON CONSTRAINT users_username_check ON users IS 'not empty';
    COMMENT ON INDEX users_price_username_idx IS 'for lookups';
    CREATE TABLE posts (
        id serial PRIMARY KEY, author varchar(50), user_id bigint REFERENCES users);
    CREATE TABLE accounts (
        id bigint PRIMARY KEY CONSTRAINT accounts_id_fkey REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        balance numeric(10,2) NOT NULL DEFAULT 0,
        note text NOT NULL,
        CONSTRAINT accounts_balance_check CHECK (balance >= 0));
    CREATE UNIQUE INDEX accounts_balance_note_key ON accounts (balance, note);
    CREATE INDEX accounts_lower_note_idx ON accounts (lower(note));
    COMMENT ON COLUMN accounts.note IS 'what for';
    CREATE TABLE limits (
        id bigint PRIMARY KEY CONSTRAINT limits_id_fkey REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        \"Most\" int DEFAULT 7, note text);
    GRANT SELECT ON users, accounts, limits TO app;";

pub(crate) const NEW: &str = "
    CREATE TABLE profiles (
        user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        cost numeric(10,2) DEFAULT 1 + 1,
        handle varchar(50) NOT NULL DEFAULT 'nobody',
        picture int CONSTRAINT profiles_picture_fkey REFERENCES files,
        CONSTRAINT profiles_handle_key UNIQUE (handle),
        CONSTRAINT profiles_handle_check CHECK (handle <> '' AND handle <> 'handle'));
    CREATE INDEX profiles_cost_handle_idx ON profiles (cost DESC, handle);
    COMMENT ON COLUMN profiles.handle IS 'the name';
    COMMENT ON CONSTRAINT profiles_handle_check ON profiles IS 'not empty';
    COMMENT ON INDEX profiles_cost_handle_idx IS 'for lookups';
    CREATE TABLE holdings (
        id bigint PRIMARY KEY CONSTRAINT holdings_id_fkey REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        has_limits boolean NOT NULL DEFAULT false, note text,
        \"Most\" int DEFAULT 7,
        has_accounts boolean NOT NULL DEFAULT false, account_note text,
        balance numeric(10,2) NOT NULL DEFAULT 0,
        CONSTRAINT holdings_balance_check CHECK (NOT has_accounts OR (balance >= 0)),
        CONSTRAINT holdings_note_not_null CHECK (NOT has_accounts OR account_note IS NOT NULL));
    CREATE UNIQUE INDEX holdings_balance_note_key ON holdings (balance, account_note) WHERE has_accounts;
    CREATE INDEX holdings_lower_note_idx ON holdings (lower(account_note));
    COMMENT ON COLUMN holdings.account_note IS 'what for';
    GRANT SELECT ON profiles, holdings TO app;";

pub(crate) const RELEASED: &str = "
    ALTER TABLE users ALTER COLUMN username DROP NOT NULL;";

pub(crate) const DROPPED: &str = "
    ALTER TABLE users DROP COLUMN username, DROP COLUMN price, DROP COLUMN picture;
    DROP TABLE accounts, limits;";

pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect()
}

/// Whether the rules say where the columns of `users` stood.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    Told,
    AsTheCatalogHasThem,
}

/// The migrations.
pub(crate) fn rules(phase: Phase, places: Places) -> Vec<Rule> {
    let one = |name: &str| OneOrMore::One(name.to_owned());
    let split = SplitTable {
        table: "users".to_owned(),
        into: "profiles".to_owned(),
        key: KeyPair { from: one("id"), to: one("user_id") },
        columns: [("username", "handle"), ("price", "cost"), ("picture", "picture")]
            .map(|(old, new)| (old.to_owned(), new.to_owned()))
            .into_iter()
            .collect(),
        positions: [("username", 2), ("price", 4), ("picture", 5)]
            .map(at)
            .into_iter()
            .filter(|_| places == Places::Told)
            .collect(),
        constraints: map(&[
            ("users_username_key", "profiles_handle_key"),
            ("users_username_check", "profiles_handle_check"),
            ("users_picture_fkey", "profiles_picture_fkey"),
            ("users_price_username_idx", "profiles_cost_handle_idx"),
        ]),
    };
    let accounts = MergeSource {
        table: "accounts".to_owned(),
        key: None,
        columns: map(&[("balance", "balance"), ("note", "account_note")]).into_iter().collect(),
        present: Some("has_accounts".to_owned()),
        positions: [("id", 1), ("balance", 2), ("note", 3)].map(at).into_iter().collect(),
        constraints: map(&[
            ("accounts_pkey", "holdings_pkey"),
            ("accounts_id_fkey", "holdings_id_fkey"),
            ("accounts_balance_check", "holdings_balance_check"),
            ("accounts_balance_note_key", "holdings_balance_note_key"),
            ("accounts_lower_note_idx", "holdings_lower_note_idx"),
        ]),
    };
    let limits = MergeSource {
        table: "limits".to_owned(),
        key: None,
        columns: map(&[("Most", "Most"), ("note", "note")]).into_iter().collect(),
        present: Some("has_limits".to_owned()),
        positions: BTreeMap::new(),
        constraints: map(&[("limits_id_fkey", "holdings_id_fkey")]),
    };
    let merge = MergeTables {
        into: "holdings".to_owned(),
        key: one("id"),
        sources: vec![accounts, limits],
    };
    [("split", Change::SplitTable(split)), ("merge", Change::MergeTables(merge))]
        .map(|(name, change)| Rule { name: name.to_owned(), change, phase })
        .into()
}

fn at((name, place): (&str, u16)) -> (String, u16) {
    (name.to_owned(), place)
}

/// What only somebody asks who knows these tables.
const QUERIES: [(&str, &str); 26] = [
    (
        "by name",
        "SELECT relname, relkind, relnatts, relchecks, relhasindex FROM pg_class WHERE oid = 'accounts'::regclass",
    ),
    (
        "by a cast",
        "SELECT attname, attnum FROM pg_attribute WHERE attrelid = CAST('public.accounts' AS regclass) ORDER BY attnum",
    ),
    (
        "by a typed string",
        "SELECT attname FROM pg_attribute WHERE attrelid = regclass '\"limits\"' AND attnum > 0 ORDER BY attnum",
    ),
    (
        "by another cast",
        "SELECT conname, contype, conkey FROM pg_constraint WHERE conrelid = 'accounts'::pg_catalog.regclass::oid ORDER BY 1",
    ),
    (
        "is there",
        "SELECT to_regclass('accounts') IS NOT NULL, to_regclass('\"public\".limits') IS NOT NULL, to_regclass('nothing')",
    ),
    ("is there not", "SELECT to_regclass('elsewhere.accounts'), to_regclass('Accounts_')"),
    (
        "tables",
        "SELECT table_schema, table_name, table_type, is_insertable_into FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 2",
    ),
    (
        "pg_tables",
        "SELECT tablename, tableowner, hasindexes FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    ),
    (
        "columns",
        "SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length, numeric_scale, is_updatable \
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3",
    ),
    (
        "keys",
        "SELECT constraint_name, table_name, column_name, ordinal_position FROM information_schema.key_column_usage ORDER BY 2, 1, 4",
    ),
    (
        "constraints",
        "SELECT constraint_name, table_name, constraint_type FROM information_schema.table_constraints WHERE table_schema = 'public' AND constraint_name NOT LIKE '%not_null' ORDER BY 2, 1",
    ),
    (
        "checks",
        "SELECT constraint_name, check_clause FROM information_schema.check_constraints WHERE constraint_schema = 'public' AND constraint_name LIKE '%_check' ORDER BY 1",
    ),
    (
        "references",
        "SELECT constraint_name, unique_constraint_name, update_rule, delete_rule FROM information_schema.referential_constraints ORDER BY 1, 2",
    ),
    (
        "usage",
        "SELECT table_name, column_name, constraint_name FROM information_schema.constraint_column_usage WHERE constraint_name NOT LIKE 'holdings%' ORDER BY 1, 2, 3",
    ),
    (
        "privileges",
        "SELECT grantee, table_name, privilege_type FROM information_schema.table_privileges WHERE table_schema = 'public' ORDER BY 1, 2, 3",
    ),
    (
        "indexes",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE 'limits%' ORDER BY 1, 2",
    ),
    (
        "definitions",
        "SELECT c.relname, pg_get_indexdef(i.indexrelid), pg_get_indexdef(i.indexrelid, 0, true), pg_get_indexdef(i.indexrelid, 1, true), i.indisunique, i.indkey, \
        pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid) \
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid WHERE t.relname IN ('accounts', 'users') ORDER BY 1",
    ),
    (
        "of constraints",
        "SELECT t.relname, k.conname, k.conkey, k.confkey, pg_get_constraintdef(k.oid), pg_get_constraintdef(k.oid, true), i.relname, obj_description(k.oid, 'pg_constraint') \
        FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid LEFT JOIN pg_class i ON i.oid = k.conindid WHERE t.relname IN ('accounts', 'limits', 'users', 'posts') ORDER BY 1, 2",
    ),
    (
        "conditions",
        "SELECT k.conname, pg_get_expr(k.conbin, k.conrelid), pg_get_expr(k.conbin, k.conrelid, true) FROM pg_constraint k WHERE k.conname = 'accounts_balance_check'",
    ),
    (
        "defaults and comments",
        "SELECT c.relname, a.attname, a.attnum, a.attnotnull, a.atthasdef, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum), \
        format_type(a.atttypid, a.atttypmod), has_column_privilege('app', a.attrelid, a.attnum, 'SELECT'), has_column_privilege('app', a.attrelid, a.attname, 'SELECT') \
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
        WHERE c.relname IN ('accounts', 'limits', 'users') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 3",
    ),
    (
        "visible",
        "SELECT relname FROM pg_class WHERE pg_table_is_visible(oid) AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'limits_pkey' ORDER BY 1",
    ),
    (
        "described",
        "SELECT c.relname, d.objsubid, d.description FROM pg_description d JOIN pg_class c ON c.oid = d.objoid WHERE d.classoid = 'pg_class'::regclass AND c.relnamespace = 'public'::regnamespace ORDER BY 1, 2",
    ),
    (
        "privilege",
        "SELECT relname, has_table_privilege('app', oid, 'SELECT'), has_any_column_privilege('app', oid, 'SELECT') FROM pg_class WHERE relname IN ('accounts', 'users') ORDER BY 1",
    ),
    (
        "system columns",
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'accounts'::regclass AND attnum < 0",
    ),
    (
        "by a name that is put together",
        "SELECT c.relname, ('\"' || n.nspname || '\".\"' || c.relname || '\"')::regclass = c.oid, format('%I.%I', n.nspname, c.relname)::regclass = c.oid, \
        quote_ident(c.relname)::regclass = c.oid, ((quote_ident(n.nspname) || '.') || quote_ident(c.relname))::regclass::oid = c.oid \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND relkind = 'r' ORDER BY 1",
    ),
    (
        "by a name in a call",
        "SELECT has_table_privilege('app', 'accounts', 'SELECT'), has_table_privilege('public.limits', 'INSERT'), has_column_privilege('accounts', 'note', 'SELECT'), \
        has_column_privilege('app', 'users', 'username', 'SELECT'), col_description('accounts'::regclass, 3), pg_column_is_updatable('accounts'::regclass, 2::int2, false)",
    ),
];

/// A database whose migrations are as far as that.
pub(crate) fn database(steps: &[&str]) -> Database {
    Database::create("catalog", &steps.concat())
}

pub(crate) fn connect(relay: &Relay, database: &Database, shape: Shape) -> Wire {
    let login = Login::at(relay.port, database.superuser(), &database.name);
    login.with("segue.shape", shape.name()).connect()
}

fn queries() -> Vec<Query> {
    let own = QUERIES.map(|(title, sql)| Query { title: title.to_owned(), sql: sql.to_owned() });
    let mut queries: Vec<Query> = read();
    queries.extend(own);
    queries
}

/// What shows otherwise once the tables are gone, as docs/limits.md says.
const OTHERWISE: [&str; 7] = [
    // Their row types.
    "drivers: the fields of row types, as for a driver that loads types",
    // The order of oids.
    "drivers: column metadata of results, as for a .NET driver",
    // The tree of a condition over another table's columns.
    "orms: check constraints with their expressions",
    // A number where the server writes a name.
    "orms: unique constraints with the columns they have",
    "psql: foreign keys that refer to a table",
    // The triggers behind foreign keys.
    "psql: triggers of foreign keys (same)",
    "psql: which constraint each trigger is of",
];

/// What differs from what a client of the old tables saw, query by query.
fn differences(steps: &[&str], places: Places) -> BTreeMap<String, String> {
    let queries = queries();
    let mut wire = database(&[PLAIN, NEW]).connect();
    let expected: Vec<Vec<String>> = queries.iter().map(|it| seen(&mut wire, it, false)).collect();
    let database = database(steps);
    let rules = rules(Phase::Contract, places);
    let relay = Relay::start(&database, generation(1, &database, &rules));
    let mut report = BTreeMap::new();
    for extended in [false, true] {
        let mut wire = connect(&relay, &database, Shape::Old);
        for (query, expected) in queries.iter().zip(&expected) {
            let found = seen(&mut wire, query, extended);
            if found != *expected {
                report.insert(query.title.clone(), difference(expected, &found));
            }
        }
    }
    let counters = relay.counters();
    assert_eq!((counters.opaque, counters.refused), (0, 0));
    relay.stop();
    report
}

#[test]
fn who_knows_the_old_tables_sees_them_while_they_are_there() {
    let report = differences(&[PLAIN, NEW, RELEASED], Places::Told);
    assert!(report.is_empty(), "{report:#?}");
}

#[test]
fn who_knows_the_old_tables_sees_them_after_they_are_dropped() {
    for places in [Places::Told, Places::AsTheCatalogHasThem] {
        let report = differences(&[PLAIN, NEW, RELEASED, DROPPED], places);
        let differs: Vec<&str> = report.keys().map(String::as_str).collect();
        let mut expected = OTHERWISE.to_vec();
        expected.sort_unstable();
        let text: Vec<String> = report.iter().map(|(title, it)| format!("{title}\n{it}")).collect();
        assert!(differs == expected, "{}", text.join("\n"));
    }
}

/// Whoever may see the tables that hold their columns now.
#[test]
fn another_role_sees_them_as_before() {
    let of_role = ["columns", "tables", "privilege", "defaults and comments"];
    let seen_by_role = |wire: &mut Wire| -> Vec<Vec<String>> {
        wire.script("SET ROLE app");
        let asked = queries().into_iter().filter(|query| of_role.contains(&query.title.as_str()));
        asked.map(|query| seen(wire, &query, false)).collect()
    };
    let expected = seen_by_role(&mut database(&[PLAIN, NEW]).connect());
    assert!(expected.iter().all(|lines| lines.len() > 2), "{expected:#?}");
    let database = database(&[PLAIN, NEW, RELEASED, DROPPED]);
    let rules = rules(Phase::Contract, Places::Told);
    let relay = Relay::start(&database, generation(1, &database, &rules));
    assert_eq!(seen_by_role(&mut connect(&relay, &database, Shape::Old)), expected);
    relay.stop();
}

/// A client of the new tables never knew the old ones.
#[test]
fn who_knows_the_new_tables_does_not_see_the_old_ones() {
    let database = database(&[PLAIN, NEW, RELEASED, DROPPED]);
    let rules = rules(Phase::Contract, Places::Told);
    let relay = Relay::start(&database, generation(1, &database, &rules));
    let (mut plain, mut wire) = (database.connect(), connect(&relay, &database, Shape::New));
    for query in queries() {
        assert_eq!(
            seen(&mut wire, &query, false),
            seen(&mut plain, &query, false),
            "{}",
            query.title
        );
    }
    relay.stop();
}

/// Two proxies, or one that was started again, tell the same oids; and one that is asked for by its number is found.
#[test]
fn an_oid_stays_the_same() {
    let oids = || {
        let database = database(&[PLAIN, NEW, RELEASED, DROPPED]);
        let rules = rules(Phase::Contract, Places::Told);
        let relay = Relay::start(&database, generation(1, &database, &rules));
        let mut wire = connect(&relay, &database, Shape::Old);
        let found = wire.rows(
            "SELECT c.relname, c.oid FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid \
             WHERE 'accounts'::regclass IN (c.oid, i.indrelid) ORDER BY 1",
        );
        for line in &found {
            let (name, oid) = line.split_once('|').expect("two columns");
            let by_number = format!("SELECT relname FROM pg_class WHERE oid = '{oid}'::regclass");
            assert_eq!(wire.rows(&by_number), [name]);
        }
        relay.stop();
        found
    };
    let first = oids();
    assert_eq!(first.len(), 4, "{first:?}");
    assert_eq!(oids(), first);
}
