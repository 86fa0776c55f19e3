//! Token pre-pass: constructs that sqlparser misreads become ones that it reads right.
//!
//! Only the parser's copy of the tokens is changed, and no token moves, so every byte position in
//! the tree still points into the client's text. What was dropped is returned, since the
//! rewriting may have to know.

use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

/// Blanks `ONLY` before a table's name in FROM, UPDATE and DELETE, which sqlparser would take for
/// the table. Returns the byte offsets of the names it stood before.
pub(crate) fn only(tokens: &mut [TokenWithSpan]) -> Vec<usize> {
    let mut found = Vec::new();
    let significant: Vec<usize> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)))
        .map(|(index, _)| index)
        .collect();
    for triple in significant.windows(3) {
        let &[before, only, after] = triple else { continue };
        let (Some(before), Some(word), Some(next)) =
            (tokens.get(before), tokens.get(only), tokens.get(after))
        else {
            continue;
        };
        let opens = is_keyword(before, "from")
            || is_keyword(before, "update")
            || is_keyword(before, "join")
            || is_keyword(before, "using")
            || before.token == Token::Comma;
        if opens && is_keyword(word, "only") && matches!(next.token, Token::Word(_)) {
            found.push(crate::statement::start_byte(next.span));
            if let Some(token) = tokens.get_mut(only) {
                token.token = Token::Whitespace(Whitespace::Space);
            }
        }
    }
    found
}

fn is_keyword(token: &TokenWithSpan, keyword: &str) -> bool {
    matches!(&token.token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
}
