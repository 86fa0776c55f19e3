//! What stands in quotes: literals and identifiers.

use sqlparser::tokenizer::Token;

use super::{Cursor, Lexed, Unlexable, unicode, word};

/// Whether a backslash escapes in a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backslash {
    /// It is an ordinary character.
    Plain,
    /// In `E'…'`.
    Escapes,
    /// In `'…'` while `standard_conforming_strings` is off.
    EscapesHere,
}

impl Backslash {
    pub(super) fn of(standard_conforming_strings: bool) -> Self {
        if standard_conforming_strings { Self::Plain } else { Self::EscapesHere }
    }
}

impl Cursor<'_> {
    /// A literal, whose parts may stand on several lines; the cursor is at its quote.
    pub(super) fn string(
        &mut self,
        lexed: &mut Lexed,
        backslash: Backslash,
    ) -> Result<Token, Unlexable> {
        let body = self.at + 1;
        let marks = lexed.marks.len();
        let mut value = String::new();
        let mut lines = 0_usize;
        loop {
            let part = self.string_part(backslash)?;
            match backslash {
                Backslash::Plain => value.push_str(&part.replace("''", "'")),
                Backslash::Escapes | Backslash::EscapesHere => unescape(part, &mut value),
            }
            lines += 1;
            if !self.continues(lexed) {
                break;
            }
        }
        let body = body..self.at.saturating_sub(1);
        let escapes = match backslash {
            Backslash::Plain => false,
            Backslash::Escapes => lines > 1,
            Backslash::EscapesHere => true,
        };
        if escapes && self.text.get(body.clone()).is_some_and(|body| body.contains('\\')) {
            lexed.unsettled |= backslash == Backslash::EscapesHere;
            lexed.escaped.push(body);
            lexed.marks.truncate(marks);
        }
        Ok(Token::EscapedStringLiteral(value))
    }

    /// The text between two quotes.
    fn string_part(&mut self, backslash: Backslash) -> Result<&str, Unlexable> {
        self.at += 1;
        let start = self.at;
        loop {
            self.advance_while(|byte| byte != b'\'' && byte != b'\\');
            match (self.peek(0), self.peek(1)) {
                (Some(b'\''), Some(b'\'')) => self.at += 2,
                (Some(b'\''), _) => break,
                (Some(b'\\'), Some(_)) if backslash != Backslash::Plain => self.at += 2,
                (Some(_), _) => self.at += 1,
                (None, _) => return Err(Unlexable),
            }
        }
        self.at += 1;
        self.text.get(start..self.at - 1).ok_or(Unlexable)
    }

    /// Whether the literal goes on in another line, with nothing but line comments between; moves
    /// to the quote there.
    fn continues(&mut self, lexed: &mut Lexed) -> bool {
        let (start, marks) = (self.at, lexed.marks.len());
        let mut line_end = false;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'\n' | b'\r'), _) => {
                    line_end = true;
                    self.at += 1;
                }
                (Some(b' ' | b'\t' | 0x0B | 0x0C), _) => self.at += 1,
                (Some(b'-'), Some(b'-')) => {
                    let comment = self.at;
                    self.line_comment();
                    lexed.marks.push(comment..self.at);
                }
                (Some(b'\''), _) if line_end => return true,
                _ => {
                    self.at = start;
                    lexed.marks.truncate(marks);
                    return false;
                }
            }
        }
    }

    /// `"…"`, undoubled.
    pub(super) fn quoted_identifier(&mut self) -> Result<String, Unlexable> {
        self.at += 1;
        let start = self.at;
        loop {
            self.advance_while(|byte| byte != b'"');
            match (self.peek(0), self.peek(1)) {
                (Some(_), Some(b'"')) => self.at += 2,
                (Some(_), _) => break,
                (None, _) => return Err(Unlexable),
            }
        }
        let name = self.since(start).replace("\"\"", "\"");
        self.at += 1;
        if name.is_empty() { Err(Unlexable) } else { Ok(name) }
    }

    /// `U&"…" [UESCAPE '…']`: the name that the escapes spell.
    pub(super) fn unicode_identifier(&mut self, lexed: &mut Lexed) -> Result<Token, Unlexable> {
        let start = self.at - 2;
        let body = self.quoted_identifier()?;
        lexed.marks.push(start..self.at);
        let escape = self.uescape(lexed)?;
        let name = unicode::decoded(&body, escape).ok_or(Unlexable)?;
        Ok(Token::Word(word(name, Some('"'))))
    }

    /// `U&'…' [UESCAPE '…']`.
    pub(super) fn unicode_string(&mut self, lexed: &mut Lexed) -> Result<Token, Unlexable> {
        let token = self.string(lexed, Backslash::Plain)?;
        let escape = self.uescape(lexed)?;
        match token {
            Token::EscapedStringLiteral(body) => {
                let value = unicode::decoded(&body, escape).ok_or(Unlexable)?;
                Ok(Token::EscapedStringLiteral(value))
            }
            other => Ok(other),
        }
    }

    /// The escape character: what UESCAPE says, or a backslash.
    fn uescape(&mut self, lexed: &mut Lexed) -> Result<char, Unlexable> {
        let (start, marks) = (self.at, lexed.marks.len());
        self.skip_space(lexed)?;
        let keyword = self.at;
        self.advance_while(super::is_identifier_part);
        if !self.since(keyword).eq_ignore_ascii_case("uescape") {
            self.at = start;
            lexed.marks.truncate(marks);
            return Ok('\\');
        }
        lexed.marks.push(keyword..self.at);
        self.skip_space(lexed)?;
        if self.peek(0) != Some(b'\'') {
            return Err(Unlexable);
        }
        let mut letters = self.string_part(Backslash::Plain)?.chars();
        match (letters.next(), letters.next()) {
            (Some(escape), None) if unicode::may_escape(escape) => Ok(escape),
            _ => Err(Unlexable),
        }
    }

    /// White space and comments.
    fn skip_space(&mut self, lexed: &mut Lexed) -> Result<(), Unlexable> {
        loop {
            let start = self.at;
            match (self.peek(0), self.peek(1)) {
                (Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C), _) => {
                    self.at += 1;
                    continue;
                }
                (Some(b'-'), Some(b'-')) => self.line_comment(),
                (Some(b'/'), Some(b'*')) => self.block_comment()?,
                _ => return Ok(()),
            }
            lexed.marks.push(start..self.at);
        }
    }
}

/// The value that escapes spell. Bytes beyond ASCII stay as they are written: such a literal
/// is nothing that anybody looks at (options of COPY are).
fn unescape(part: &str, value: &mut String) {
    let mut letters = part.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                letters.next();
                value.push('\'');
            }
            '\\' => {
                let Some(escaped) = letters.next() else { return };
                match escaped {
                    'b' => value.push('\u{8}'),
                    'f' => value.push('\u{c}'),
                    'n' => value.push('\n'),
                    'r' => value.push('\r'),
                    't' => value.push('\t'),
                    'x' => number(&mut letters, 16, 2, None, value),
                    'u' => number(&mut letters, 16, 4, None, value),
                    'U' => number(&mut letters, 16, 8, None, value),
                    '0'..='7' => number(&mut letters, 8, 2, escaped.to_digit(8), value),
                    other => value.push(other),
                }
            }
            other => value.push(other),
        }
    }
}

fn number(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    radix: u32,
    most: usize,
    first: Option<u32>,
    value: &mut String,
) {
    let mut code = first.unwrap_or(0);
    for _ in 0..most {
        let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(radix)) else { break };
        code = code.wrapping_mul(radix).wrapping_add(digit);
        letters.next();
    }
    value.extend(char::from_u32(code));
}
