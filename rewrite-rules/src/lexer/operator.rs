//! Operators and punctuation.

use sqlparser::tokenizer::Token;

use super::{Cursor, Unlexable};

/// Letters of which an operator is made.
fn is_operator_part(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

/// An operator that has one of these may end in `+` or `-`.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%')
}

impl Cursor<'_> {
    pub(super) fn sign(&mut self) -> Result<Token, Unlexable> {
        let token = match (self.peek(0), self.peek(1)) {
            (Some(b':'), Some(b':')) => {
                self.at += 1;
                Token::DoubleColon
            }
            (Some(b':'), Some(b'=')) => {
                self.at += 1;
                Token::Assignment
            }
            (Some(b':'), _) => Token::Colon,
            (Some(b','), _) => Token::Comma,
            (Some(b'('), _) => Token::LParen,
            (Some(b')'), _) => Token::RParen,
            (Some(b'['), _) => Token::LBracket,
            (Some(b']'), _) => Token::RBracket,
            // `..` belongs to PL/pgSQL.
            (Some(b'.'), Some(b'.')) => return Err(Unlexable),
            (Some(b'.'), _) => Token::Period,
            (Some(b';'), _) => Token::SemiColon,
            (Some(byte), _) if is_operator_part(byte) => return Ok(self.operator()),
            _ => return Err(Unlexable),
        };
        self.at += 1;
        Ok(token)
    }

    /// The longest run of operator letters that does not begin a comment; `+` and `-` at its end
    /// belong to what follows, unless the operator could not be anything else.
    fn operator(&mut self) -> Token {
        let start = self.at;
        self.advance_while(is_operator_part);
        let run = self.since(start);
        let comment = run.find("--").into_iter().chain(run.find("/*")).min();
        let mut length = comment.unwrap_or(run.len());
        let bytes = run.as_bytes();
        while length > 1
            && matches!(bytes.get(length - 1), Some(b'+' | b'-'))
            && !bytes.iter().take(length - 1).copied().any(is_special)
        {
            length -= 1;
        }
        self.at = start + length;
        token(run.get(..length).unwrap_or_default())
    }
}

/// All operators but those that the grammar names are alike.
fn token(operator: &str) -> Token {
    match operator {
        "=" => Token::Eq,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "+" => Token::Plus,
        "-" => Token::Minus,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "^" => Token::Caret,
        "=>" => Token::RArrow,
        other => Token::CustomBinaryOperator(other.to_owned()),
    }
}
