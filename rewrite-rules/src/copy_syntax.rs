//! COPY's own grammar, read from tokens.
//!
//! The parser knows half of the options and no WHERE, and takes what stands behind
//! `COPY … FROM STDIN;` for data. So it is shown no COPY: of a table's it sees a SELECT with the
//! same condition, of a query's the query alone. No token moves, so every place stays what it was.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::lexer::{byte_span, word};
use crate::statement::Lexeme;

/// One COPY statement. Numbers are indices of tokens, white space and comments not counted.
#[derive(Debug)]
pub(crate) struct CopySyntax {
    /// The word COPY.
    pub(crate) first: usize,
    /// Behind the last token.
    pub(crate) end: usize,
    /// BINARY before the table's name.
    pub(crate) binary: Option<usize>,
    pub(crate) source: Source,
    /// TO; else FROM.
    pub(crate) to: bool,
    /// STDIN or STDOUT, either of which means the client; else a file or program of the server's.
    pub(crate) stream: bool,
    /// The file, program, STDIN or STDOUT.
    pub(crate) target: usize,
    /// The first token of `[USING] DELIMITERS '…'`, and its literal.
    pub(crate) delimiters: Option<(usize, usize)>,
    /// WITH before the options.
    pub(crate) with: Option<usize>,
    /// The bracket before a list of options.
    pub(crate) bracket: Option<usize>,
    pub(crate) options: Vec<CopyOption>,
    /// WHERE.
    pub(crate) condition: Option<usize>,
}

/// What is copied.
#[derive(Debug)]
pub(crate) enum Source {
    /// A table, and the listed columns with the bracket that closes the list.
    Table { name: Vec<Ident>, columns: Vec<Ident>, close: Option<usize> },
    /// A query; the bracket behind it.
    Query { close: usize },
}

/// An option under its name in lower case, whichever syntax it was written in.
#[derive(Debug)]
pub(crate) struct CopyOption {
    pub(crate) name: String,
    pub(crate) value: Argument,
}

/// What an option is set to.
#[derive(Debug)]
pub(crate) enum Argument {
    Absent,
    /// A word, folded, or the text of a literal; `None` for a literal that is not read here.
    Text(Option<String>),
    Star,
    Columns(Vec<Listed>),
}

/// A column's name in an option.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// Bytes.
    pub(crate) span: (usize, usize),
}

impl CopySyntax {
    /// What an option is set to; PostgreSQL refuses one that is given twice.
    pub(crate) fn option(&self, name: &str) -> Option<&Argument> {
        self.options.iter().find(|option| option.name == name).map(|option| &option.value)
    }
}

/// Finds the COPY statements of a text and hides them from the parser.
pub(crate) fn hide(
    text: &str,
    lexemes: &[Lexeme],
    tokens: &mut Vec<TokenWithSpan>,
) -> Vec<CopySyntax> {
    let mut copies = Vec::new();
    let (mut depth, mut begins) = (0_usize, true);
    for (index, lexeme) in lexemes.iter().enumerate() {
        if begins && lexeme.is_word("copy") {
            copies.extend(read(text, lexemes, index));
        }
        match lexeme.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        begins = depth == 0 && lexeme.token == Token::SemiColon;
    }
    if copies.is_empty() {
        return copies;
    }
    let mut at = 0;
    tokens.retain_mut(|token| {
        at += 1;
        shown(&copies, at - 1, token)
    });
    copies
}

/// Whether the parser is shown the token at `at`, and as what.
fn shown(copies: &[CopySyntax], at: usize, token: &mut TokenWithSpan) -> bool {
    let behind = copies.partition_point(|copy| copy.first <= at);
    let Some(copy) = behind.checked_sub(1).and_then(|index| copies.get(index)) else { return true };
    match copy.source {
        _ if at >= copy.end => true,
        Source::Table { .. } if at == copy.first => {
            token.token = Token::Word(word("SELECT".to_owned(), None));
            true
        }
        Source::Table { .. } if at == copy.first + 1 => {
            token.token = Token::Number("1".to_owned(), false);
            true
        }
        Source::Table { .. } => copy.condition.is_some_and(|condition| at >= condition),
        Source::Query { close } => at > copy.first && at <= close,
    }
}

/// Reads the COPY statement at `first`; `None` for what PostgreSQL's grammar does not have.
fn read(text: &str, lexemes: &[Lexeme], first: usize) -> Option<CopySyntax> {
    let end = statement_end(lexemes, first);
    let mut reader = Reader { text, lexemes: lexemes.get(..end)?, at: first + 1 };
    let open = reader.sign(&Token::LParen);
    let binary = (!open).then(|| reader.word("binary")).flatten();
    let source = if open {
        let close = closing(reader.lexemes, reader.at)?;
        reader.at = close + 1;
        Source::Query { close }
    } else {
        reader.table()?
    };
    let to = reader.word("to").is_some();
    if !to {
        reader.word("from")?;
    }
    let program = reader.word("program").is_some();
    let target = reader.at;
    let stream = !program && (reader.word("stdin").or_else(|| reader.word("stdout"))).is_some();
    if !stream {
        reader.literal()?;
    }
    let delimiters = reader.old_delimiters();
    let with = reader.word("with");
    let bracket = reader.at;
    let bracketed = reader.sign(&Token::LParen);
    let mut options = if bracketed { reader.listed_options()? } else { reader.old_options()? };
    let old = |name: &str, value| CopyOption { name: name.to_owned(), value };
    if binary.is_some() {
        options.push(old("format", Argument::Text(Some("binary".to_owned()))));
    }
    if let Some((_, literal)) = delimiters {
        options.push(old("delimiter", Argument::Text(reader.text_at(literal))));
    }
    let condition = reader.word("where");
    (condition.is_some() || reader.at == end).then_some(CopySyntax {
        first,
        end,
        binary,
        source,
        to,
        stream,
        target,
        delimiters,
        with,
        bracket: bracketed.then_some(bracket),
        options,
        condition,
    })
}

/// Index of the semicolon behind the statement.
fn statement_end(lexemes: &[Lexeme], first: usize) -> usize {
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate().skip(first) {
        match lexeme.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::SemiColon if depth == 0 => return index,
            _ => {}
        }
    }
    lexemes.len()
}

/// The bracket that closes the one before `from`.
fn closing(lexemes: &[Lexeme], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate().skip(from) {
        match lexeme.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return Some(index),
            Token::RParen => depth -= 1,
            _ => {}
        }
    }
    None
}

struct Reader<'a> {
    text: &'a str,
    lexemes: &'a [Lexeme],
    at: usize,
}

impl Reader<'_> {
    fn next(&self) -> Option<&Lexeme> {
        self.lexemes.get(self.at)
    }

    fn sign(&mut self, sign: &Token) -> bool {
        let found = self.next().is_some_and(|next| next.token == *sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, keyword: &str) -> Option<usize> {
        self.next().is_some_and(|next| next.is_word(keyword)).then(|| {
            self.at += 1;
            self.at - 1
        })
    }

    fn identifier(&mut self) -> Option<Ident> {
        let next = self.next()?;
        let Token::Word(word) = &next.token else { return None };
        let (value, quote_style) = (word.value.clone(), word.quote_style);
        let span = byte_span(next.start, next.end);
        self.at += 1;
        Some(Ident { value, quote_style, span })
    }

    /// Index of a literal.
    fn literal(&mut self) -> Option<usize> {
        let found = self.next().is_some_and(|next| is_literal(&next.token));
        found.then(|| {
            self.at += 1;
            self.at - 1
        })
    }

    /// The text of a literal; `None` for escapes whose meaning may depend on the encoding.
    fn text_at(&self, index: usize) -> Option<String> {
        let lexeme = self.lexemes.get(index)?;
        let Token::EscapedStringLiteral(value) = &lexeme.token else { return None };
        let source = self.text.get(lexeme.start..lexeme.end)?;
        (value.is_ascii() || !source.contains('\\')).then(|| value.clone())
    }

    fn table(&mut self) -> Option<Source> {
        let mut name = vec![self.identifier()?];
        while self.sign(&Token::Period) {
            name.push(self.identifier()?);
        }
        if !self.sign(&Token::LParen) {
            return Some(Source::Table { name, columns: Vec::new(), close: None });
        }
        let mut columns = vec![self.identifier()?];
        while self.sign(&Token::Comma) {
            columns.push(self.identifier()?);
        }
        let close = self.at;
        self.sign(&Token::RParen).then_some(Source::Table { name, columns, close: Some(close) })
    }

    /// `[USING] DELIMITERS '…'`, from before PostgreSQL 7.3.
    fn old_delimiters(&mut self) -> Option<(usize, usize)> {
        let start = self.at;
        self.word("using");
        let found = self.word("delimiters").and_then(|_| self.literal());
        if found.is_none() {
            self.at = start;
        }
        found.map(|literal| (start, literal))
    }

    /// The options of a list in brackets, behind the opening one.
    fn listed_options(&mut self) -> Option<Vec<CopyOption>> {
        let mut options = Vec::new();
        loop {
            let name = self.next()?.name()?;
            self.at += 1;
            options.push(CopyOption { name, value: self.argument()? });
            if self.sign(&Token::RParen) {
                return Some(options);
            }
            if !self.sign(&Token::Comma) {
                return None;
            }
        }
    }

    fn argument(&mut self) -> Option<Argument> {
        if self.sign(&Token::LParen) {
            let columns = self.columns(true)?;
            return self.sign(&Token::RParen).then_some(Argument::Columns(columns));
        }
        if self.sign(&Token::Mul) {
            return Some(Argument::Star);
        }
        let signed = self.sign(&Token::Minus) || self.sign(&Token::Plus);
        let next = self.next()?;
        let value = match &next.token {
            Token::Comma | Token::RParen if !signed => return Some(Argument::Absent),
            Token::Number(digits, _) => Some(digits.clone()),
            Token::Word(_) if !signed => next.name(),
            literal if !signed && is_literal(literal) => self.text_at(self.at),
            _ => return None,
        };
        self.at += 1;
        Some(Argument::Text(value))
    }

    /// Names between commas, which a list in brackets may give as literals too.
    fn columns(&mut self, bracketed: bool) -> Option<Vec<Listed>> {
        let mut columns = Vec::new();
        loop {
            let next = self.next()?;
            let literal = bracketed && is_literal(&next.token);
            let name = if literal { self.text_at(self.at)? } else { next.name()? };
            columns.push(Listed { name, span: (next.start, next.end) });
            self.at += 1;
            if !self.sign(&Token::Comma) {
                return Some(columns);
            }
        }
    }

    /// The options of the syntax from before PostgreSQL 9.0.
    fn old_options(&mut self) -> Option<Vec<CopyOption>> {
        let mut options = Vec::new();
        while let Some(keyword) = self.next().and_then(Lexeme::keyword) {
            if keyword == "where" {
                break;
            }
            self.at += 1;
            let (name, value) = match keyword.as_str() {
                "binary" | "csv" => ("format", Argument::Text(Some(keyword))),
                "header" | "freeze" => (keyword.as_str(), Argument::Absent),
                "delimiter" | "null" | "quote" | "escape" | "encoding" => {
                    self.word("as");
                    let literal = self.literal()?;
                    (keyword.as_str(), Argument::Text(self.text_at(literal)))
                }
                "force" => self.forced()?,
                _ => return None,
            };
            options.push(CopyOption { name: name.to_owned(), value });
        }
        Some(options)
    }

    /// What stands behind FORCE.
    fn forced(&mut self) -> Option<(&'static str, Argument)> {
        if self.word("quote").is_some() {
            if self.sign(&Token::Mul) {
                return Some(("force_quote", Argument::Star));
            }
            return Some(("force_quote", Argument::Columns(self.columns(false)?)));
        }
        let not = self.word("not").is_some();
        self.word("null")?;
        let name = if not { "force_not_null" } else { "force_null" };
        Some((name, Argument::Columns(self.columns(false)?)))
    }
}

fn is_literal(token: &Token) -> bool {
    matches!(token, Token::EscapedStringLiteral(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Option<String> {
        let parsed = crate::statement::read(text, true).ok()?;
        let copy = parsed.copies.first()?;
        let options = copy.options.iter().map(|CopyOption { name, value }| match value {
            Argument::Absent => name.clone(),
            Argument::Text(text) => format!("{name}={}", text.as_deref().unwrap_or("?")),
            Argument::Star => format!("{name}=*"),
            Argument::Columns(columns) => {
                let names: Vec<&str> = columns.iter().map(|listed| listed.name.as_str()).collect();
                format!("{name}=({})", names.join(","))
            }
        });
        Some(options.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn options_are_the_same_in_every_syntax() {
        for (text, expected) in [
            ("copy t from stdin", ""),
            ("copy t from stdin with (format csv, quote '\"')", "format=csv quote=\""),
            ("copy t from stdin (header match, null 'NULL')", "header=match null=NULL"),
            ("copy t from stdin (header 1, freeze)", "header=1 freeze"),
            ("copy t from stdin (force_null (a, \"B\", 'c'))", "force_null=(a,B,c)"),
            ("copy t to stdout (format csv, force_quote *)", "format=csv force_quote=*"),
            ("copy t to 'f' csv header force quote a, b", "format=csv header force_quote=(a,b)"),
            ("copy t from program 'x' with delimiter as '|'", "delimiter=|"),
            ("copy t from 'x' csv force not null a", "format=csv force_not_null=(a)"),
            ("copy binary s.t (a) from stdin where a > 1", "format=binary"),
            ("copy t from stdin using delimiters E'\\t' null '-'", "null=- delimiter=\t"),
            ("copy (select 1) to stdout (null E'\\xe4', quote U&'\\0041')", "null=? quote=A"),
        ] {
            assert_eq!(options(text).as_deref(), Some(expected), "{text}");
        }
        for wrong in [
            "copy t from",
            "copy t from stdin (",
            "copy t from stdin csv nonsense",
            "copy t from program stdin",
            "copy (select 1 to stdout",
            "copy t () from stdin",
        ] {
            assert_eq!(options(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_stands_behind_a_copy_is_read_too() {
        let text = "copy t from stdin; select ';'; copy u to stdout;;select 2";
        let parsed = crate::statement::read(text, true).unwrap();
        let places: Vec<(usize, usize)> =
            parsed.copies.iter().map(|copy| (copy.first, copy.end)).collect();
        assert_eq!((places, parsed.statements.len()), (vec![(0, 4), (8, 12)], 4));
    }
}
