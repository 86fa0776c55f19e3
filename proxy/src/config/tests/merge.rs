//! `merge-tables` as it is read, and what is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;

use rewrite_rules::rule::{Change, MergeSource};

use super::{Draft, HEAD, check};

const MERGE: &str = r#"[[migration]]
name    = "merge-preferences"
kind    = "merge-tables"
into    = "user_preferences"
key     = "user_id"
phase   = "dual-write"
[[migration.source]]
table   = "email_preferences"
key     = "uid"
columns = { updated_at = "email_updated_at", digest = "digest" }
present = "has_email"
positions = { digest = 2 }
constraints = { email_preferences_pkey = "user_preferences_pkey" }
[[migration.source]]
table   = "notification_preferences"
columns = ["push", "sms"]
"#;

#[test]
fn a_merge_is_read() {
    let text = format!("{HEAD}{MERGE}[migration.backfill]\nmax_rate = 7\n");
    let config = Draft::parse(Path::new("segue.toml"), &text).finish().unwrap();
    let Change::MergeTables(merge) = &config.rules.first().unwrap().change else { panic!() };
    assert_eq!(merge.into, "user_preferences");
    let told = |source: &MergeSource| {
        let pairs = merge.pairs_of(source).map(|(own, its)| format!("{own} {its}"));
        (source.table.clone(), pairs.collect::<Vec<_>>(), source.present.clone())
    };
    let told: Vec<_> = merge.sources.iter().map(told).collect();
    let owned = |pairs: [&str; 3]| pairs.map(str::to_owned).to_vec();
    assert_eq!(
        told,
        [
            // In the order of the file, which is not that of the alphabet.
            (
                "email_preferences".to_owned(),
                owned(["uid user_id", "updated_at email_updated_at", "digest digest"]),
                Some("has_email".to_owned())
            ),
            (
                "notification_preferences".to_owned(),
                owned(["user_id user_id", "push push", "sms sms"]),
                None
            ),
        ]
    );
    let first = merge.sources.first().unwrap();
    assert_eq!(first.positions, BTreeMap::from([("digest".to_owned(), 2)]));
    let names = ("email_preferences_pkey".to_owned(), "user_preferences_pkey".to_owned());
    assert_eq!(first.constraints, BTreeMap::from([names]));
    assert_eq!(config.backfills["merge-preferences"].max_rate, Some(7));
    let several = text.replace("= \"user_id\"", "= [\"tenant\", \"user_id\"]");
    let several = several.replace("= \"uid\"", "= [\"tenant\", \"uid\"]");
    let rules = Draft::parse(Path::new("segue.toml"), &several).finish().unwrap().rules;
    let Change::MergeTables(merge) = &rules.first().unwrap().change else { panic!() };
    let key = merge.key_of(merge.sources.first().unwrap()).collect::<Vec<_>>();
    assert_eq!(key, [("tenant", "tenant"), ("uid", "user_id")]);
}

/// Where the report on this file points.
fn at(line: usize, key: &str) -> String {
    format!("segue.toml:{line}: migration \"merge-preferences\", key \"{key}\": ")
}

/// How the sources are written.
const SOURCES: &str = "\n  hint: write [[migration.source]] for each table, with its keys below";

/// Each with something else in the place of something, and what is said of that.
#[track_caller]
fn told(cases: &[(&str, &str, String)]) {
    for (from, to, expected) in cases {
        assert_eq!(check(&format!("{HEAD}{}", MERGE.replacen(from, to, 1))), *expected, "{to}");
    }
}

#[test]
fn what_is_wrong_with_a_merge_is_told_at_its_line() {
    let key = "\n  hint: write key = \"user_id\", or key = [\"tenant\", \"user_id\"]";
    told(&[
        ("into    = \"user_preferences\"\n", "", at(4, "into") + "is missing"),
        ("key     = \"user_id\"\n", "", at(4, "key") + "is missing"),
        (
            "\"user_id\"",
            "{ from = \"id\", to = \"user_id\" }",
            at(8, "key") + "must name columns, but has a value of type table" + key,
        ),
        ("\"user_id\"", "[]", at(8, "key") + "names nothing" + key),
        (
            "key     = \"user_id\"",
            "key     = \"user_id\"\ntable = \"t\"",
            at(9, "table")
                + "is not for kind \"merge-tables\"\n  hint: \"table\" belongs below each [[migration.source]]",
        ),
        (
            "key     = \"user_id\"",
            "key     = \"user_id\"\nfrom = \"a\"",
            at(9, "from")
                + "is not for kind \"merge-tables\"\n  hint: it is a key of \"rename-column\" and \
                   \"change-column\"",
        ),
        (
            "key     = \"user_id\"",
            "key     = \"user_id\"\nsources = 1",
            at(9, "sources") + "unknown key\n  hint: did you mean \"source\"?",
        ),
    ]);
}

#[test]
fn what_is_wrong_with_a_source_is_told_at_its_line() {
    let own_key = "\n  hint: write key = \"uid\", or a list in the order of the other one";
    let columns = "\n  hint: write columns = [\"bio\", \"settings\"], or columns = { bio = \"about\" } to \
                   rename them on the way";
    let present =
        "\n  hint: write present = \"has_email_preferences\", a boolean column of the new table";
    let first = "[[migration.source]]\ntable   = \"email_preferences\"";
    told(&[
        ("= \"email_preferences\"", "= \" \"", at(11, "source.table") + "is empty" + SOURCES),
        (
            "= \"email_preferences\"",
            "= \"a.b.c\"",
            at(11, "source.table")
                + "\"a.b.c\" is not a table's name as SQL writes it\n  hint: write table, schema.table or \
                   \"Schema\".\"Table\"",
        ),
        (first, "[[migration.source]]", at(10, "source.table") + "is missing"),
        ("columns = [\"push\", \"sms\"]\n", "", at(17, "source.columns") + "is missing"),
        (
            "[\"push\", \"sms\"]",
            "[\"push\", 5]",
            at(19, "source.columns")
                + "must name columns, but has a value of type integer"
                + columns,
        ),
        (
            "= \"uid\"",
            "= 5",
            at(12, "source.key") + "must name columns, but has a value of type integer" + own_key,
        ),
        (
            "\"has_email\"",
            "true",
            at(14, "source.present")
                + "must name columns, but has a value of type boolean"
                + present,
        ),
        (
            "present =",
            "presents =",
            at(14, "source.presents") + "unknown key\n  hint: did you mean \"present\"?",
        ),
        (
            "present = \"has_email\"",
            "phase = \"expand\"",
            at(14, "source.phase")
                + "unknown key\n  hint: \"phase\" belongs above the first [[migration.source]]",
        ),
        (
            "{ email_preferences_pkey = \"user_preferences_pkey\" }",
            "5",
            at(16, "source.constraints")
                + "must be a table, but is of type integer\n  hint: write constraints = { old_name = \
                   \"new_name\" }",
        ),
    ]);
}

#[test]
fn sources_are_tables_of_one_migration() {
    let head = MERGE.split_once("[[migration.source]]").unwrap().0;
    assert_eq!(
        check(&format!("{HEAD}{head}source = \"t\"\n")),
        at(10, "source") + "must be an array of tables, but is of type string" + SOURCES
    );
    assert_eq!(check(&format!("{HEAD}{head}")), at(4, "source") + "is missing");
    assert_eq!(
        check(&format!("{HEAD}{head}source = [7]\n")),
        at(10, "source") + "must be a table, but is of type integer" + SOURCES
    );
    let split = MERGE.replace("\"merge-tables\"", "\"split-table\"");
    assert!(check(&format!("{HEAD}{split}")).contains(
        "key \"source\": is not for kind \"split-table\"\n  hint: it is a key of \"merge-tables\""
    ));
    let twice = format!("{HEAD}{MERGE}{}", MERGE.replace("merge-preferences", "again"));
    assert_eq!(
        check(&twice).lines().next().unwrap(),
        "segue.toml:29: migration \"again\", key \"source.columns\": column \"uid\" of table \
         \"public.email_preferences\" is already part of migration \"merge-preferences\", in line 4"
    );
}
