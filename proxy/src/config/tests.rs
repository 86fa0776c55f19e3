//! Whole files and the whole reports on them.

use std::path::Path;

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
