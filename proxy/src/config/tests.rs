//! Whole files and the whole reports on them.

mod length;
mod merge;
mod threads;
mod twice;

use std::path::Path;

use rewrite_rules::rule::Change;

use super::*;

/// The report on `text`, or what was read from it.
fn check(text: &str) -> String {
    match Draft::parse(Path::new("segue.toml"), text).finish() {
        Ok(config) => format!("{config:#?}"),
        Err(report) => report.to_string(),
    }
}

const GOOD: &str = r#"
listen   = "127.0.0.1:6432"
upstream = "postgres://127.0.0.1:5432"
control  = "postgres://segue@127.0.0.1:5432/app"

[[migration]]
name  = "rename-username"
kind  = "rename-column"
table = "users"
from  = "username"
to    = "handle"
phase = "dual-write"
"#;

#[test]
fn a_good_file_is_read() {
    let config = Draft::parse(Path::new("/etc/segue/segue.toml"), GOOD).finish().unwrap();
    assert_eq!(config.listen, "127.0.0.1:6432".parse().unwrap());
    assert_eq!(config.upstream.address.to_string(), "127.0.0.1:5432");
    assert_eq!(config.control.database, "app");
    assert_eq!(config.admin_socket, Path::new("/etc/segue/segue.toml.sock"));
    assert_eq!(config.rules.len(), 1);
    assert_eq!(config.rules[0].phase.name(), "dual-write");
}

#[test]
fn every_fault_of_a_file_is_reported_at_once() {
    let text = r#"listen   = "localhost"
upstream = "postgres://me@127.0.0.1:5432"
controll = "postgres://segue@127.0.0.1:5432/app"
tls_key  = "key.pem"

[[migration]]
name  = "rename-username"
kind  = "rename-colum"
table = "users"
from  = "username"
to    = "handle"
phase = "dual_write"

[[migration]]
name  = "rename-username"
kind  = "rename-column"
table = "public.Users"
from  = "username"
to    = 5
phase = "later"
admin_socket = "x.sock"

[[migration]]
kind  = "rename-column"
table = "a b"
form  = "x"
to    = ""
position = 0
"#;
    let expected = r##"segue.toml: key "control": is missing
segue.toml:1: key "listen": "localhost" is not an address to listen on
  hint: write an IP address and a port, like "127.0.0.1:6432" or "[::]:6432"
segue.toml:2: key "upstream": must not name a user: clients bring their own
  hint: keep only postgres://host:port; segue's own login belongs in "control"
segue.toml:3: key "controll": unknown key
  hint: did you mean "control"?
segue.toml:4: key "tls_key": needs "tls_certificate" beside it
  hint: add tls_certificate = "file.pem"
segue.toml:8: migration "rename-username", key "kind": unknown kind "rename-colum"
  hint: did you mean "rename-column"?
segue.toml:12: migration "rename-username", key "phase": unknown phase "dual_write"
  hint: did you mean "dual-write"?
segue.toml:15: migration "rename-username", key "name": another migration has this name, in line 7
segue.toml:18: migration "rename-username", key "from": column "username" of table "public.users" is already part of migration "rename-username", in line 6
segue.toml:19: migration "rename-username", key "to": must be a string, but is of type integer
segue.toml:20: migration "rename-username", key "phase": unknown phase "later"
  hint: use one of "expand", "dual-write", "switch-reads", "stop-dual-write", "contract"
segue.toml:21: migration "rename-username", key "admin_socket": unknown key
  hint: "admin_socket" belongs above the first [[migration]]
segue.toml:23: migration "#3", key "name": is missing
segue.toml:23: migration "#3", key "from": is missing
segue.toml:23: migration "#3", key "phase": is missing
segue.toml:25: migration "#3", key "table": "a b" is not a table's name as SQL writes it
  hint: write table, schema.table or "Schema"."Table"
segue.toml:26: migration "#3", key "form": unknown key
  hint: did you mean "from"?
segue.toml:27: migration "#3", key "to": is empty
segue.toml:28: migration "#3", key "position": 0 is not the place of a column
  hint: columns are counted from 1"##;
    assert_eq!(check(text), expected);
}

#[test]
fn syntax_errors_are_told_beside_the_others() {
    let text = "listen = \"127.0.0.1:6432\nupstream = \"db\"\ncontrol = = 3\n\n\
                [[migration]]\nname = \"a\"\nname = \"b\"\nphase = \"expandd\"\n";
    let expected = r#"segue.toml:1: TOML syntax: invalid basic string, expected `"`
segue.toml:2: key "upstream": is not a server URL
  hint: write it as postgres://host:port, or postgres://%2Fdirectory:port for a Unix socket
segue.toml:3: TOML syntax: extra `=`, expected nothing
segue.toml:7: TOML syntax: duplicate key
segue.toml:8: migration "a", key "phase": unknown phase "expandd"
  hint: did you mean "expand"?"#;
    assert_eq!(check(text), expected);
}

#[test]
fn one_bracket_too_few() {
    let text = GOOD.replace("[[migration]]", "[migration]");
    let expected = "segue.toml:6: key \"migration\": must be an array of tables, but is a table\n  \
                    hint: write [[migration]] with two brackets";
    assert_eq!(check(&text), expected);
}

#[test]
fn what_the_compiler_finds_is_put_at_its_line() {
    let mut draft = Draft::parse(Path::new("segue.toml"), GOOD);
    draft.add_control_fault("database \"app\" could not be reached".to_owned(), None);
    draft.add_rule_faults(vec![rewrite_rules::Fault {
        rule: 0,
        key: "to",
        message: "column \"handel\" does not exist in table \"public.users\"".to_owned(),
        hint: Some("did you mean \"handle\"?".to_owned()),
    }]);
    let expected = r#"segue.toml:4: key "control": database "app" could not be reached
segue.toml:11: migration "rename-username", key "to": column "handel" does not exist in table "public.users"
  hint: did you mean "handle"?"#;
    assert_eq!(draft.finish().unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn a_missing_file_is_one_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("segue.toml");
    let report = Draft::read(&path).await.finish().unwrap_err();
    let expected = format!("{}: could not be read: no such file or directory", path.display());
    assert_eq!(report.to_string(), expected);
}

#[test]
fn passwords_are_never_repeated() {
    for url in ["postgres://u:hunter2@:x/app", "postgres://u:hunter2@h/app?hunter2=1x", "hunter2"] {
        let text = GOOD.replace("postgres://segue@127.0.0.1:5432/app", url);
        let told = check(&text).replace("unknown option \"hunter2\"", "");
        assert!(told.contains("key \"control\"") && !told.contains("hunter2"), "{told}");
    }
}

const HEAD: &str = r#"listen   = "127.0.0.1:6432"
upstream = "postgres://127.0.0.1:5432"
control  = "postgres://segue@127.0.0.1:5432/app"
"#;

fn backfill(rest: &str) -> String {
    format!(
        "{HEAD}[[migration]]\nname = \"seen\"\nkind = \"backfill-column\"\ntable = \"users\"\n\
         column = \"seen_at\"\nvalue = \"coalesce(a, b)\"\nphase = \"backfill\"\n{rest}"
    )
}

#[test]
fn a_backfill_is_read_with_its_plan() {
    let text = backfill(
        r#"not_null = true
verify_every = "10m"

[migration.backfill]
max_rate = 2000
workers  = 2
on_error = "skip"

[[migration.backfill.step]]
where = "a > now() - interval '7 days'"

[[migration.backfill.step]]
where = "a IS NOT NULL"

[[migration]]
name  = "rename-username"
kind  = "rename-column"
table = "users"
from  = "username"
to    = "handle"
phase = "dual-write"

[migration.backfill]
max_rate = 1
"#,
    );
    let config = Draft::parse(Path::new("segue.toml"), &text).finish().unwrap();
    let seen = rewrite_rules::rule::AddedColumn {
        table: "users".to_owned(),
        column: "seen_at".to_owned(),
        value: "coalesce(a, b)".to_owned(),
        not_null: true,
    };
    assert_eq!(config.rules[0].change, rewrite_rules::rule::Change::BackfillColumn(seen));
    let plan = BackfillPlan {
        steps: vec!["a > now() - interval '7 days'".to_owned(), "a IS NOT NULL".to_owned()],
        max_rate: Some(2000),
        workers: Some(2),
        on_error: OnError::Skip,
        verify_every: Some(Duration::from_secs(600)),
    };
    let of_rename = BackfillPlan { max_rate: Some(1), ..BackfillPlan::default() };
    let expected = [("rename-username".to_owned(), of_rename), ("seen".to_owned(), plan)];
    assert_eq!(config.backfills, expected.into());
}

#[test]
fn a_file_that_says_nothing_of_a_backfill_has_no_plan_of_one() {
    let config = Draft::parse(Path::new("segue.toml"), &backfill("")).finish().unwrap();
    assert_eq!(config.backfills, BTreeMap::new());
}

#[test]
fn how_a_backfill_goes_is_no_part_of_what_the_migration_is() {
    let rules =
        |rest| Draft::parse(Path::new("segue.toml"), &backfill(rest)).finish().unwrap().rules;
    assert_eq!(rules(""), rules("verify_every = \"1h\"\n[migration.backfill]\nworkers = 3\n"));
}

#[test]
fn each_kind_has_keys_of_its_own() {
    let text = format!(
        "{HEAD}{}",
        r#"[[migration]]
name  = "seen"
kind  = "backfill-column"
table = "users"
from  = "a"
up    = "b"
colum = "seen_at"
not_null = "yes"
phase = "dual-write"

[[migration]]
name  = "rename-username"
kind  = "rename-column"
table = "users"
from  = "username"
to    = "handle"
value = "x"
up    = "y"
phase = "enforce"

[[migration]]
name     = "widen"
kind     = "change-column"
strategy = "metadata"
table    = "users"
from     = "n"
to       = "m"
not_null = true
phase    = "expand"

[[migration]]
name   = "again"
kind   = "backfill-column"
table  = "public.users"
column = "username"
value  = ""
phase  = "enforced"

[[migration]]
name  = "odd"
kind  = "backfil-column"
table = "users"
phase = "back"
"#
    );
    let expected = r#"segue.toml:4: migration "seen", key "column": is missing
segue.toml:4: migration "seen", key "value": is missing
segue.toml:8: migration "seen", key "from": is not for kind "backfill-column"
  hint: it is a key of "rename-column" and "change-column"
segue.toml:9: migration "seen", key "up": is not for kind "backfill-column"
  hint: it is a key of "change-column"
segue.toml:10: migration "seen", key "colum": unknown key
  hint: did you mean "column"?
segue.toml:11: migration "seen", key "not_null": must be a boolean, but is of type string
  hint: write not_null = true
segue.toml:20: migration "rename-username", key "value": is not for kind "rename-column"
  hint: it is a key of "backfill-column"
segue.toml:21: migration "rename-username", key "up": is not for kind "rename-column"
  hint: it is a key of "change-column"
segue.toml:22: migration "rename-username", key "phase": kind "rename-column" has no phase "enforce"
  hint: use "expand", "dual-write", "switch-reads", "stop-dual-write" or "contract"
segue.toml:27: migration "widen", key "strategy": is not for kind "change-column"
  hint: it is a key of "rename-column"
segue.toml:31: migration "widen", key "not_null": is not for kind "change-column"
  hint: it is a key of "backfill-column"
segue.toml:38: migration "again", key "column": column "username" of table "public.users" is already part of migration "rename-username", in line 14
segue.toml:39: migration "again", key "value": is empty
segue.toml:40: migration "again", key "phase": unknown phase "enforced"
  hint: did you mean "enforce"?
segue.toml:44: migration "odd", key "kind": unknown kind "backfil-column"
  hint: did you mean "backfill-column"?
segue.toml:46: migration "odd", key "phase": unknown phase "back"
  hint: did you mean "backfill"?"#;
    assert_eq!(check(&text), expected);
    let wrong_phase = backfill("").replace("phase = \"backfill\"", "phase = \"contract\"");
    assert_eq!(
        check(&wrong_phase),
        "segue.toml:10: migration \"seen\", key \"phase\": kind \"backfill-column\" has no phase \
         \"contract\"\n  hint: use \"expand\", \"backfill\" or \"enforce\""
    );
}

#[test]
fn what_is_wrong_with_a_plan_is_told_at_its_line() {
    let text = backfill(
        r#"verify_every = "10"

[migration.backfill]
max_rat  = 5
max_rate = 0
workers  = 65
on_error = "skp"
to       = "x"

[[migration.backfill.step]]
were = "a"

[[migration.backfill.step]]
where = 5

[[migration.backfill.step]]
where = " "
"#,
    );
    let expected = r#"segue.toml:11: migration "seen", key "verify_every": must be a number with a unit: ms, s, m or h
  hint: write it as "10m"
segue.toml:14: migration "seen", key "backfill.max_rat": unknown key
  hint: did you mean "max_rate"?
segue.toml:15: migration "seen", key "backfill.max_rate": must be at least 1
segue.toml:16: migration "seen", key "backfill.workers": must be at most 64
segue.toml:17: migration "seen", key "backfill.on_error": unknown value "skp"
  hint: did you mean "skip"?
segue.toml:18: migration "seen", key "backfill.to": unknown key
  hint: "to" belongs above [migration.backfill]
segue.toml:20: migration "seen", key "backfill.step.where": is missing
  hint: write where = "…", a condition over the row's columns
segue.toml:21: migration "seen", key "backfill.step.were": unknown key
  hint: did you mean "where"?
segue.toml:24: migration "seen", key "backfill.step.where": must be a string, but is of type integer
segue.toml:27: migration "seen", key "backfill.step.where": is empty"#;
    assert_eq!(check(&text), expected);
    for (rest, expected) in [
        (
            "backfill = true\n",
            "backfill\": must be a table, but is of type boolean\n  hint: write \
          [migration.backfill], with its keys below",
        ),
        (
            "backfill = { step = \"a\" }\n",
            "backfill.step\": must be an array of tables, but is of type \
          string\n  hint: write each step below its own [[migration.backfill.step]]",
        ),
        (
            "backfill = { step = [5] }\n",
            "backfill.step\": must be a table, but is of type integer\n  \
          hint: write each step below its own [[migration.backfill.step]]",
        ),
        (
            "backfill = { workers = \"2\" }\n",
            "backfill.workers\": must be an integer, but is of type string",
        ),
        ("backfill = { max_rate = -1 }\n", "backfill.max_rate\": must be at least 1"),
        (
            "backfill = { on_error = 1 }\n",
            "backfill.on_error\": must be a string, but is of type integer",
        ),
        (
            "verify_every = 10\n",
            "verify_every\": must be a string, but is of type integer\n  hint: \
          write it as \"10m\"",
        ),
        (
            "verify_every = \"0s\"\n",
            "verify_every\": must be at least 1s\n  hint: write it as \"10m\"",
        ),
    ] {
        let expected = format!("segue.toml:11: migration \"seen\", key \"{expected}");
        assert_eq!(check(&backfill(rest)), expected, "{rest}");
    }
}

const SPLIT: &str = r#"[[migration]]
name    = "split-profiles"
kind    = "split-table"
table   = "users"
into    = "user_profiles"
key     = { from = "id", to = "user_id" }
columns = { last_name = "family_name", bio = "bio" }
positions = { bio = 4 }
phase   = "dual-write"
"#;

#[test]
fn a_split_is_read() {
    let text = format!("{HEAD}{SPLIT}");
    let rules = Draft::parse(Path::new("segue.toml"), &text).finish().unwrap().rules;
    let Change::SplitTable(split) = &rules.first().unwrap().change else { panic!("{rules:?}") };
    assert_eq!((split.table.as_str(), split.into.as_str()), ("users", "user_profiles"));
    assert_eq!(split.key.pairs().collect::<Vec<_>>(), [("id", "user_id")]);
    // In the order of the file, which is not that of the alphabet.
    let columns = split.columns.pairs().collect::<Vec<_>>();
    assert_eq!(columns, [("last_name", "family_name"), ("bio", "bio")]);
    assert_eq!(split.positions, BTreeMap::from([("bio".to_owned(), 4)]));
}

#[test]
fn what_is_wrong_with_a_split_is_told_at_its_line() {
    let replace = |from, to| check(&format!("{HEAD}{}", SPLIT.replace(from, to)));
    let at =
        |line, key| format!("segue.toml:{line}: migration \"split-profiles\", key \"{key}\": ");
    let key = "\n  hint: write key = { from = \"id\", to = \"user_id\" }";
    let columns = "\n  hint: write columns = [\"bio\", \"settings\"], or columns = { bio = \"about\" } to \
                   rename them on the way";
    let positions = "\n  hint: write positions = { bio = 3, settings = 7 }, counted from 1";
    let whole_key = "{ from = \"id\", to = \"user_id\" }";
    let cases = [
        (whole_key, "\"id\"", at(9, "key") + "must be a table, but is of type string" + key),
        (whole_key, "{ from = \"id\" }", at(9, "key") + "\"to\" is missing" + key),
        ("to = \"user_id\" }", "to = [\"a\", \"\"] }", at(9, "key") + "names nothing" + key),
        (
            "to = \"user_id\" }",
            "to = \"user_id\", on = \"x\" }",
            at(9, "key") + "has an unknown key \"on\"" + key,
        ),
        (
            "{ last_name = \"family_name\", bio = \"bio\" }",
            "[\"bio\", 5]",
            at(10, "columns") + "must name columns, but has a value of type integer" + columns,
        ),
        (
            "{ bio = 4 }",
            "{ bio = 0 }",
            at(11, "positions") + "\"bio\" has no place of a column" + positions,
        ),
        ("into    = \"user_profiles\"\n", "", at(4, "into") + "is missing"),
        (
            "\"user_profiles\"",
            "\"a.b.c\"",
            at(8, "into")
                + "\"a.b.c\" is not a table's name as SQL writes it\n  hint: write table, schema.table or \
                   \"Schema\".\"Table\"",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(replace(from, to), expected, "{to}");
    }
    let twice = format!("{HEAD}{SPLIT}{}", SPLIT.replace("split-profiles", "again"));
    assert_eq!(
        check(&twice).lines().next().unwrap(),
        "segue.toml:19: migration \"again\", key \"columns\": column \"last_name\" of table \"public.users\" \
         is already part of migration \"split-profiles\", in line 4"
    );
}
