//! Names that PostgreSQL would cut.

use super::{GOOD, HEAD, check};

/// A report without the places.
fn told(report: &str) -> Vec<String> {
    let faults = report.lines().filter(|line| !line.starts_with("  hint: "));
    let faults = faults.filter_map(|line| line.split_once(": "));
    faults.map(|(_, fault)| fault.to_owned()).collect()
}

#[test]
fn names_of_more_bytes_than_postgresql_keeps() {
    let fits = "é".repeat(31) + "x";
    let longer = "é".repeat(32);
    let what = "has 64 bytes, and PostgreSQL keeps 63 of a name";
    let text = GOOD.replace("\"handle\"", &format!("\"{fits}\""));
    assert!(!check(&text).contains("bytes"), "{fits}");
    let text = text.replace("\"username\"", &format!("\"{longer}\""));
    assert_eq!(
        check(&text),
        format!(
            "segue.toml:10: migration \"rename-username\", key \"from\": \"{longer}\" {what}\n  \
             hint: use a shorter one, or the part that is kept if there is one of that name"
        )
    );
    let text = format!(
        "{HEAD}[[migration]]\nname = \"m\"\nkind = \"split-table\"\ntable = \"users\"\ninto = '\"{longer}\"'\n\
         key = {{ from = \"id\", to = \"id\" }}\ncolumns = [\"{longer}\"]\nphase = \"expand\"\n"
    );
    assert_eq!(
        told(&check(&text)),
        ["into", "columns"]
            .map(|key| format!("migration \"m\", key \"{key}\": \"{longer}\" {what}"))
    );
    let text = format!(
        "{HEAD}[[migration]]\nname = \"m\"\nkind = \"merge-tables\"\ninto = \"p\"\nkey = \"id\"\nphase = \"expand\"\n\
         [[migration.source]]\ntable = \"a\"\ncolumns = [\"b\"]\npresent = \"{longer}\"\n\
         [[migration.source]]\ntable = \"c\"\ncolumns = [\"d\"]\n"
    );
    assert_eq!(
        told(&check(&text)),
        [format!("migration \"m\", key \"source.present\": \"{longer}\" {what}")]
    );
}
