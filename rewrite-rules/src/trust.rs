//! Is the syntax tree about this text? Two lexers must agree on identifiers and comments.
//!
//! sqlparser silently misreads a few texts (a comment opener swallowed by an operator, an eaten
//! character). All of them shift the boundaries of identifiers or comments, so comparing these
//! with a second lexer, made for PostgreSQL alone, finds them.

use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};
use squawk_lexer::TokenKind;

use crate::name::CLAUSE_STARTS;
use crate::statement::{end_byte, start_byte};

/// Whether both lexers see the same identifiers and comments at the same places.
pub(crate) fn tokens_agree(text: &str, tokens: &[TokenWithSpan]) -> bool {
    if tokens.iter().any(|token| takes_more(text, token)) || collates_by_clause(tokens) {
        return false;
    }
    let mut theirs = squawk_ranges(text);
    let ours = tokens.iter().filter(|token| is_compared(&token.token));
    let mut ours = ours.map(|token| (start_byte(token.span), end_byte(token.span)));
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some(a), Some(Some(b))) if a == b => {}
            (Some((start, end)), Some(Some((other, other_end)))) => {
                // A line comment's end of line belongs to it in one lexer only.
                let tail = text.get(other_end.min(end)..other_end.max(end)).unwrap_or("x");
                if start != other || !tail.chars().all(|c| c == '\n' || c == '\r') {
                    return false;
                }
            }
            (Some(_), None | Some(None)) | (None, Some(_)) => return false,
        }
    }
}

/// The parser's `&>` takes the character behind it along, which may be the letter or the quote that
/// a string begins with. White space is no loss.
fn takes_more(text: &str, token: &TokenWithSpan) -> bool {
    let operator = matches!(token.token, Token::AmpersandRightAngleBracket);
    let written = || text.get(start_byte(token.span)..end_byte(token.span)).unwrap_or("x");
    operator && written().trim_end() != "&>"
}

/// `SELECT a COLLATE FROM t` has a label; the parser takes FROM for the name of a collation.
fn collates_by_clause(tokens: &[TokenWithSpan]) -> bool {
    let bare = tokens.iter().filter_map(|token| match &token.token {
        Token::Whitespace(_) => None,
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_lowercase()),
        _ => Some(String::new()),
    });
    let mut after_collate = false;
    for word in bare {
        if after_collate && CLAUSE_STARTS.contains(&word.as_str()) {
            return true;
        }
        after_collate = word == "collate";
    }
    false
}

fn is_compared(token: &Token) -> bool {
    match token {
        Token::Word(_) => true,
        Token::Whitespace(space) => match space {
            Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_) => true,
            Whitespace::Space | Whitespace::Newline | Whitespace::Tab => false,
        },
        _ => false,
    }
}

/// Ranges of identifiers and comments; `None` for a token that PostgreSQL would not accept.
fn squawk_ranges(text: &str) -> impl Iterator<Item = Option<(usize, usize)>> + '_ {
    let mut at = 0_usize;
    squawk_lexer::tokenize(text).filter_map(move |token| {
        let start = at;
        at = at.saturating_add(usize::try_from(token.len).unwrap_or(usize::MAX));
        match token.kind {
            TokenKind::Ident | TokenKind::LineComment => Some(Some((start, at))),
            TokenKind::BlockComment { terminated } => Some(terminated.then_some((start, at))),
            TokenKind::QuotedIdent { terminated, uescape } => {
                Some((terminated && !uescape).then_some((start, at)))
            }
            TokenKind::Unknown => Some(None),
            _ => None,
        }
    })
}
