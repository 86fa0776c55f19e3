//! Type names: from how SQL may write them to how `format_type` prints them.

/// The type as `format_type(oid, typmod)` prints it.
#[must_use]
pub fn format_type(written: &str) -> String {
    let written = written.trim();
    if let Some(element) = written.strip_suffix("[]") {
        return format!("{}[]", format_type(element));
    }
    let lower = if written.contains('"') { written.to_owned() } else { written.to_lowercase() };
    let (head, typmod, tail) = match (lower.find('('), lower.find(')')) {
        (Some(open), Some(close)) => (
            lower.get(..open).unwrap_or_default().trim(),
            lower.get(open..=close).unwrap_or_default().replace(", ", ","),
            lower.get(close + 1..).unwrap_or_default().trim(),
        ),
        _ => (lower.as_str(), String::new(), ""),
    };
    let plain = match head {
        "int" | "int4" | "integer" => "integer",
        "int8" | "bigint" => "bigint",
        "int2" | "smallint" => "smallint",
        "bool" | "boolean" => "boolean",
        "float4" | "real" => "real",
        "float8" | "float" | "double precision" => "double precision",
        "varchar" | "character varying" => "character varying",
        "decimal" | "dec" | "numeric" => "numeric",
        "char" | "character" if typmod.is_empty() => return "character(1)".to_owned(),
        "char" | "character" => "character",
        "timestamptz" | "timestamp with time zone" => {
            return format!("timestamp{typmod} with time zone");
        }
        "timestamp" | "timestamp without time zone" if tail != "with time zone" => {
            return format!("timestamp{typmod} without time zone");
        }
        "timetz" | "time with time zone" => return format!("time{typmod} with time zone"),
        "time" | "time without time zone" if tail != "with time zone" => {
            return format!("time{typmod} without time zone");
        }
        "varbit" => "bit varying",
        other => other,
    };
    let tail = if tail.is_empty() { String::new() } else { format!(" {tail}") };
    format!("{plain}{typmod}{tail}")
}

/// The type as `format_type(oid, -1)` prints it: the same without its modifier.
#[must_use]
pub fn without_typmod(type_name: &str) -> String {
    if let Some(element) = type_name.strip_suffix("[]") {
        return format!("{}[]", without_typmod(element));
    }
    // `character` without a modifier would mean character(1), and likewise `bit`.
    match type_name.split_once('(') {
        Some(("character", _)) => "bpchar".to_owned(),
        Some(("bit", _)) => "\"bit\"".to_owned(),
        Some((head, rest)) => {
            let tail = rest.split_once(')').map(|(_, tail)| tail).unwrap_or_default();
            format!("{head}{tail}")
        }
        None => type_name.to_owned(),
    }
}
