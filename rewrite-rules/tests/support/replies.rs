//! What is patched on the way back, as a book's `text reply` block says it.

use rewrite_rules::{CopyFormat, CopyHeader, CopyIn, CopyRows, Reply, Rewritten};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// What is said of rows that do not show.
pub const ONLY_COUNTED: &str = "rows: only counted";

/// One line for each thing that is done to an answer; `None` if all are relayed as they come.
#[must_use]
pub fn written(rewritten: &Rewritten) -> Option<String> {
    let several = rewritten.replies.len() > 1;
    let mut lines = Vec::new();
    for (index, reply) in rewritten.replies.iter().enumerate() {
        for line in lines_of(reply, rewritten.statement(Some(index))) {
            lines.push(if several { format!("statement {}: {line}", index + 1) } else { line });
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn lines_of(reply: &Reply, sql: &str) -> Vec<String> {
    let mut lines = Vec::new();
    match reply.command {
        Some(command) => {
            let count = match command {
                "INSERT" => "INSERT 0 n".to_owned(),
                "TRUNCATE TABLE" => command.to_owned(),
                _ => format!("{command} n"),
            };
            lines.push(format!("tag: {} -> {count}", tag_of(sql)));
        }
        None if reply.injected => lines.push("hidden".to_owned()),
        None if reply.silent => lines.push("tag hidden".to_owned()),
        None => {}
    }
    if reply.only_counts {
        lines.push(ONLY_COUNTED.to_owned());
    }
    match &reply.copy_in {
        Some(CopyIn::Extended(rows)) => lines.extend(copy_lines(rows)),
        Some(CopyIn::Verbatim) | None => {}
    }
    if let Some(notice) = &reply.notice {
        lines.push(format!("notice: {}", notice.message));
        lines.push(format!("hint: {}", notice.hint));
    }
    // The type's number is the catalog's.
    for (column, _) in &reply.row_types {
        lines.push(format!("column {}: a record -> the table's row type", column + 1));
    }
    lines
}

fn copy_lines(rows: &CopyRows) -> Vec<String> {
    let shown = |byte: u8| format!("\"{}\"", byte.escape_ascii());
    let format = match rows.format {
        CopyFormat::Text { delimiter: b'\t' } => "text".to_owned(),
        CopyFormat::Text { delimiter } => format!("text, delimiter {}", shown(delimiter)),
        CopyFormat::Csv { delimiter: b',', quote: b'"', escape: b'"' } => "csv".to_owned(),
        CopyFormat::Csv { delimiter, quote, escape } => format!(
            "csv, delimiter {} quote {} escape {}",
            shown(delimiter),
            shown(quote),
            shown(escape)
        ),
        CopyFormat::Binary => "binary".to_owned(),
    };
    let repeated: Vec<String> =
        rows.repeat.iter().map(|field| format!(", field {} repeated", field + 1)).collect();
    let mut lines = vec![format!("copy: {format}, {} fields{}", rows.fields, repeated.concat())];
    match &rows.header {
        CopyHeader::Absent => {}
        CopyHeader::Skipped => lines.push("header: as it comes".to_owned()),
        CopyHeader::Matched { names, added } => {
            let client: Vec<&str> = names.iter().map(|name| name.client.as_str()).collect();
            let server = names.iter().map(|name| name.server.as_str());
            let server: Vec<&str> = server.chain(added.iter().map(String::as_str)).collect();
            lines.push(format!("header: {} -> {}", client.join(", "), server.join(", ")));
        }
    }
    lines
}

/// The tag that PostgreSQL gives a statement, with `n` for its count.
fn tag_of(sql: &str) -> String {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().unwrap_or_default();
    let mut depth = 0_i32;
    for token in tokens {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            Token::Word(word) if depth == 0 => match word.value.to_ascii_uppercase().as_str() {
                "INSERT" => return "INSERT 0 n".to_owned(),
                verb @ ("SELECT" | "UPDATE" | "DELETE" | "MERGE" | "COPY") => {
                    return format!("{verb} n");
                }
                _ => {}
            },
            _ => {}
        }
    }
    "n".to_owned()
}
