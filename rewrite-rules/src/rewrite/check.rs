//! The last look at a text: that each of its names was understood, and at the result before it is sent.

use std::collections::HashSet;

use sqlparser::tokenizer::Token;

use super::{Lens, Refusal, Rewriter, Walk};
use crate::refusal::{Construct, Missing};
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

impl Rewriter<'_> {
    /// Every identifier that could be a governed name must have been understood.
    pub(super) fn check_places(&self) -> Walk<()> {
        let mut in_use: Vec<&Lens> = Vec::new();
        for occurrence in &self.occurrences {
            if !in_use.iter().any(|lens| std::ptr::eq(*lens, occurrence.lens)) {
                in_use.push(occurrence.lens);
            }
        }
        let changes = |lens: &Lens, word: &str| {
            lens.column(word).is_some_and(|column| !column.is_plain() || !column.shown)
        };
        let is_governed = |word: &str| in_use.iter().any(|lens| changes(lens, word));
        // PostgreSQL would not find it either. Or the parser saw less than PostgreSQL does, and took
        // the table itself for something else.
        let is_hidden = |column: &String| {
            let mut halves =
                in_use.iter().filter(|lens| lens.over.is_some() || lens.among.is_some());
            halves.any(|lens| lens.hidden.contains(column))
        };
        for (byte, column, missing) in &self.unresolved {
            // Another relation has taken the table's place, which PostgreSQL would not know.
            let is_aliased = matches!(missing, Missing::Reference(_));
            let is_known = self.lenses().iter().any(|lens| changes(lens, column));
            if is_aliased || is_known || is_hidden(column) {
                let position = self.position(*byte);
                let refusal = Refusal::unresolved(column, missing);
                return Err(Box::new(refusal.at(position)));
            }
        }
        let mut before = None;
        for lexeme in self.lexemes {
            let before = before.replace(&lexeme.token);
            let Token::Word(_) = lexeme.token else { continue };
            // A column called "order" is not meant by ORDER BY. It is by `u.order`.
            let is_keyword = lexeme.is_reserved() && before != Some(&Token::Period);
            if self.accounted.contains(&lexeme.start) || is_keyword {
                continue;
            }
            let Some(word) = lexeme.name() else { continue };
            let governed_table = self.lenses().iter().any(|lens| lens.relation.name == word);
            if is_governed(&word) || governed_table {
                return self.refuse_at(Construct::UnknownPlace, lexeme.start);
            }
        }
        Ok(())
    }
}
