//! Numbers.

use sqlparser::tokenizer::Token;

use super::{Cursor, Unlexable, is_identifier_start};

impl Cursor<'_> {
    /// `1`, `1.5`, `.5`, `1.`, `1e-3`; and of later versions `1_000` and `0xFF`.
    pub(super) fn number(&mut self) -> Result<Token, Unlexable> {
        let start = self.at;
        let radix = match (self.peek(0), self.peek(1)) {
            (Some(b'0'), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B')) => {
                self.at += 2;
                true
            }
            _ => false,
        };
        if radix {
            self.advance_while(|byte| byte.is_ascii_hexdigit());
        } else {
            self.digits();
            if self.peek(0) == Some(b'.') && self.peek(1) != Some(b'.') {
                self.at += 1;
                self.digits();
            }
            self.exponent();
        }
        // Junk behind a number is an error since PostgreSQL 15, and was another token before.
        if self.peek(0).is_some_and(is_identifier_start) {
            return Err(Unlexable);
        }
        Ok(Token::Number(self.since(start).to_owned(), false))
    }

    /// An underscore may stand between two digits.
    fn digits(&mut self) {
        self.advance_while(|byte| byte.is_ascii_digit());
        while self.peek(0) == Some(b'_') && self.peek(1).is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
            self.advance_while(|byte| byte.is_ascii_digit());
        }
    }

    fn exponent(&mut self) {
        if !matches!(self.peek(0), Some(b'e' | b'E')) {
            return;
        }
        let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
        if self.peek(1 + sign).is_some_and(|digit| digit.is_ascii_digit()) {
            self.at += 1 + sign;
            self.digits();
        }
    }
}
