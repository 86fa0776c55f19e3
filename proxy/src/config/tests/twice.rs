//! Columns that a rule means twice.

use super::{HEAD, check};

#[test]
fn a_split_names_each_column_of_the_new_table_once() {
    let split = |key: &str, columns: &str| {
        check(&format!(
            "{HEAD}[[migration]]\nname = \"m\"\nkind = \"split-table\"\ntable = \"users\"\ninto = \"notes\"\n\
             key = {key}\nphase = \"expand\"\ncolumns = {columns}\n"
        ))
    };
    let key = "{ from = \"id\", to = \"user_id\" }";
    let hint = "\n  hint: rename it on the way: columns = { old = \"new\" }";
    let twice = |key: &str, line: usize, column: &str, first: &str| {
        format!(
            "segue.toml:{line}: migration \"m\", key \"{key}\": column \"{column}\" of the new table is meant \
             twice, before by {first}"
        )
    };
    for columns in ["{ ref = \"user_id\", a = \"a\" }", "[\"a\", \"user_id\"]"] {
        let expected = twice("columns", 11, "user_id", "\"key\" in line 9");
        assert_eq!(split(key, columns), expected + hint, "{columns}");
    }
    let expected = twice("columns", 11, "b", "\"columns\" in line 11");
    assert_eq!(split(key, "{ a = \"b\", b = \"b\" }"), expected + hint);
    let expected = twice("key", 9, "x", "\"key\" in line 9");
    let columns = "[\"a\"]";
    assert_eq!(
        split("{ from = [\"t\", \"id\"], to = [\"x\", \"x\"] }", columns),
        expected + "\n  hint: name each column of the key once"
    );
    // The other way round they are columns of two tables.
    assert!(!split(key, "{ user_id = \"id\" }").contains("twice"));
}

#[test]
fn a_merge_names_each_column_of_the_new_table_once() {
    let merge = |first: &str, second: &str| {
        check(&format!(
            "{HEAD}[[migration]]\nname = \"m\"\nkind = \"merge-tables\"\ninto = \"m\"\nkey = \"k\"\n\
             phase = \"expand\"\n[[migration.source]]\ntable = \"m1\"\nkey = \"k1\"\n{first}\n\
             [[migration.source]]\ntable = \"m2\"\n{second}\n"
        ))
    };
    let twice = |line: usize, key: &str, column: &str, first: &str| {
        let hint = match key {
            "source.present" => "name a column that nothing else is moved to",
            _columns => "rename it on the way: columns = { old = \"new\" }",
        };
        format!(
            "segue.toml:{line}: migration \"m\", key \"{key}\": column \"{column}\" of the new table is meant \
             twice, before by {first}\n  hint: {hint}"
        )
    };
    let columns = "columns = [\"x\"]";
    let present = |it: &str, of: &str| format!("columns = [\"{of}\"]\npresent = \"{it}\"");
    let source = "\"source.columns\" in line 13";
    for (first, second, expected) in [
        (columns, columns, twice(16, "source.columns", "x", source)),
        (columns, &*present("x", "y"), twice(17, "source.present", "x", source)),
        (
            &*present("h", "x"),
            &*present("h", "y"),
            twice(18, "source.present", "h", "\"source.present\" in line 14"),
        ),
        (
            columns,
            "columns = { y = \"k\" }",
            twice(16, "source.columns", "k", "\"key\" in line 8"),
        ),
        (
            "columns = [\"x\", \"k1\"]",
            "columns = [\"y\"]",
            "segue.toml:13: migration \"m\", key \"source.columns\": column \"k1\" is part of the key\n  hint: \
             leave it out of \"columns\": each row keeps its key"
                .to_owned(),
        ),
    ] {
        assert_eq!(merge(first, second), expected, "{first}\n{second}");
    }
}
