//! The last look at a rewritten text, before it is sent.

use std::collections::HashSet;

use sqlparser::tokenizer::Token;

use crate::statement::{self, Parsed};

/// The result is read again: as many statements as before, and the same placeholders.
pub(super) fn check_result(before: &Parsed, after: &str, plain: bool) -> Result<(), &'static str> {
    let Ok(after) = statement::read(after, plain) else {
        return Err("the result cannot be read");
    };
    if before.statements.len() != after.statements.len() {
        return Err("the number of statements changed");
    }
    let mut pairs = before.statements.iter().zip(&after.statements);
    if pairs.any(|(before, after)| before.is_ok() && after.is_err()) {
        return Err("the result cannot be read");
    }
    let placeholders = |parsed: &Parsed| -> HashSet<String> {
        let tokens = parsed.lexemes.iter();
        tokens
            .filter_map(|lexeme| match &lexeme.token {
                Token::Placeholder(placeholder) => Some(placeholder.clone()),
                _ => None,
            })
            .collect()
    };
    if placeholders(before) != placeholders(&after) {
        return Err("a placeholder was lost");
    }
    Ok(())
}
