//! Is the syntax tree about this text? Two lexers must agree on words and comments.
//!
//! Whatever is misread shifts the boundaries of words or comments, so comparing these with a second
//! lexer, written by others for PostgreSQL alone, finds it. What both cannot know is told to the
//! second: literals whose backslashes escape because of a setting, or of an `E` on another line,
//! are replaced by ones of the same length that mean the same to both.

use std::borrow::Cow;
use std::ops::Range;

use squawk_lexer::TokenKind;

use crate::lexer::Lexed;

/// Whether both lexers see the same words and comments at the same places.
pub(crate) fn lexers_agree(text: &str, lexed: &Lexed) -> bool {
    let text = without_escapes(text, &lexed.escaped);
    let mut theirs = second_opinion(&text);
    lexed.marks.iter().all(|mark| theirs.next() == Some(Some(mark.clone())))
        && theirs.next().is_none()
}

/// The text with every letter of the given literals replaced.
fn without_escapes<'t>(text: &'t str, literals: &[Range<usize>]) -> Cow<'t, str> {
    if literals.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut at = 0;
    for literal in literals {
        plain.push_str(text.get(at..literal.start).unwrap_or_default());
        plain.extend(std::iter::repeat_n('x', literal.len()));
        at = literal.end;
    }
    plain.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(plain)
}

/// Ranges of words and comments; `None` for a token that PostgreSQL would not accept.
fn second_opinion(text: &str) -> impl Iterator<Item = Option<Range<usize>>> + '_ {
    let mut at = 0_usize;
    squawk_lexer::tokenize(text).filter_map(move |token| {
        let start = at;
        at = at.saturating_add(usize::try_from(token.len).unwrap_or(usize::MAX));
        match token.kind {
            TokenKind::Ident | TokenKind::LineComment => Some(Some(start..at)),
            TokenKind::BlockComment { terminated } | TokenKind::QuotedIdent { terminated, .. } => {
                Some(terminated.then_some(start..at))
            }
            TokenKind::Unknown => Some(None),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::lex;

    /// Whether the text may be believed; texts that cannot be lexed may not.
    fn believed(text: &str, standard_conforming_strings: bool) -> bool {
        lex(text, standard_conforming_strings).is_ok_and(|lexed| lexers_agree(text, &lexed))
    }

    #[test]
    fn the_lexers_agree_about_what_postgresql_reads() {
        for text in [
            "SELECT 1",
            "SELECT a/* /* b */ c */FROM \"T\" -- d",
            "SELECT $$a -- b$$, E'\\'', U&'\\0061' UESCAPE '!', 'a'\n'b' -- c",
            "SELECT E'\\''\n'\\'' AS a",
            "SELECT U&\"!0061\" UESCAPE '!', a@-1, a*-- b\n1, $1, 1.5e3, b'01'",
            "SELECT \u{e4}\u{20ac}1 FROM \"\u{1F418}\"",
        ] {
            assert!(believed(text, true), "{text}");
        }
        assert!(believed(r"SELECT '\' -- ', a", false));
        assert!(believed("SELECT '\\''\n'\\' b', a", false));
    }

    #[test]
    fn a_misread_text_is_not_believed() {
        let misread = |text: &str, as_if: &str| {
            lex(as_if, true).is_ok_and(|lexed| !lexers_agree(text, &lexed))
        };
        assert!(misread("a -- b", "a  - b"));
        assert!(misread("a + b/*c*/", "a + b  c  "));
        assert!(misread("$$a$$ b", "  a   b"));
        assert!(misread("'a' b'c", "'a  b'c"));
        assert!(misread("a", "a b"));
        assert!(misread("a b", "a"));
    }
}
