//! A text as PostgreSQL's scanner sees it.

use pg_query::protobuf::{KeywordKind, Token};

/// What a token is, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword.
    Word,
    /// A string constant of any kind.
    Text,
    /// A comment.
    Comment,
    /// A character that no statement can have there, such as `{` or a lonely `$`.
    Stray,
    /// Anything else.
    Other,
}

/// A token and where it stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// Byte offset of its first byte.
    pub start: usize,
    /// Byte offset behind its last byte.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
}

/// The tokens of a text.
///
/// # Errors
/// PostgreSQL's own lexical error.
pub fn scan(text: &str) -> Result<Vec<Scanned>, String> {
    let scanned = pg_query::scan(text).map_err(|error| error.to_string())?;
    let place = |at: i32| usize::try_from(at).map_err(|error| error.to_string());
    let mut tokens: Vec<Scanned> = Vec::with_capacity(scanned.tokens.len());
    for token in &scanned.tokens {
        let kind = match token.token() {
            Token::Ident | Token::Uident => Kind::Word,
            Token::Sconst | Token::Usconst | Token::Bconst | Token::Xconst => Kind::Text,
            Token::SqlComment | Token::CComment => Kind::Comment,
            Token::Nul | Token::Ascii36 | Token::Ascii92 => Kind::Stray,
            _ if token.keyword_kind() != KeywordKind::NoKeyword => Kind::Word,
            _ => Kind::Other,
        };
        let next = Scanned { start: place(token.start)?, end: place(token.end)?, kind };
        match tokens.last_mut() {
            // N'…' is the keyword NCHAR and a string to it, written as one.
            Some(n) if next.kind == Kind::Text && n.end == next.start && is_n(text, *n) => {
                *n = Scanned { start: n.start, ..next };
            }
            // PostgreSQL 15 and later refuse `1a` and `$1a`; this scanner does as the older ones.
            Some(number)
                if number.end == next.start
                    && is_number(text, *number)
                    && text.get(next.start..).is_some_and(starts_identifier) =>
            {
                number.kind = Kind::Stray;
            }
            _ => match escaped(text, &tokens, next).or_else(|| first_line(text, &tokens, next)) {
                Some(first) => {
                    tokens.truncate(first + 1);
                    tokens[first].end = next.end;
                }
                None => tokens.push(next),
            },
        }
    }
    Ok(tokens)
}

/// The name or string whose escape character `next` says, as in `U&'!0061' UESCAPE '!'`: one
/// token to the parser.
fn escaped(text: &str, tokens: &[Scanned], next: Scanned) -> Option<usize> {
    let before =
        |at: usize| tokens.get(..at)?.iter().rposition(|token| token.kind != Kind::Comment);
    let uescape = before(tokens.len())?;
    let word = tokens.get(uescape).and_then(|it| text.get(it.start..it.end))?;
    let first = before(uescape)?;
    let unicode = tokens.get(first).and_then(|it| text.get(it.start..it.start + 2))?;
    let both = word.eq_ignore_ascii_case("uescape") && unicode.eq_ignore_ascii_case("u&");
    (both && next.kind == Kind::Text).then_some(first)
}

/// The string that `next` goes on in another line, with comments between them. PostgreSQL reads
/// them as one; `pg_query`, which reports comments, does not.
fn first_line(text: &str, tokens: &[Scanned], next: Scanned) -> Option<usize> {
    let first = tokens.iter().rposition(|token| token.kind != Kind::Comment)?;
    let string = tokens.get(first).filter(|it| it.kind == Kind::Text && next.kind == it.kind)?;
    let quoted =
        text.get(..string.end)?.ends_with('\'') && text.get(next.start..)?.starts_with('\'');
    let mut comments = tokens.get(first + 1..)?.iter();
    let lines = comments.all(|it| text.get(it.start..).is_some_and(|it| it.starts_with("--")));
    let broken = text.get(string.end..next.start)?.contains(['\n', '\r']);
    (quoted && lines && broken).then_some(first)
}

fn is_n(text: &str, token: Scanned) -> bool {
    token.kind == Kind::Word
        && text.get(token.start..token.end).is_some_and(|word| word.eq_ignore_ascii_case("n"))
}

fn is_number(text: &str, token: Scanned) -> bool {
    let written = text.get(token.start..token.end).unwrap_or_default();
    let digits = written.trim_start_matches(['$', '.']);
    token.kind == Kind::Other && digits.starts_with(|c: char| c.is_ascii_digit())
}

fn starts_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
}
