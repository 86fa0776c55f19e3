//! PostgreSQL's expressions for the parser, through the hooks that it has for dialects.
//!
//! What the tree is for: to find names, what they name, and at which level of query. So a construct
//! that the parser does not know may come as a call with the same operands in it; it must never
//! lose one, nor take a word for a name that is none.

mod call;
mod infix;
mod literal;
mod prefix;
mod utility;
mod xml;

use std::any::TypeId;
use std::collections::HashSet;

use sqlparser::ast::{Expr, Ident, ObjectName, Statement};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::keyword::{self, Known};
use crate::lexer::start_byte;

/// What a hook parsed.
type Parsed<T> = Result<T, ParserError>;

/// The dialect for one text.
#[derive(Debug, Default)]
pub(crate) struct Postgres {
    /// Byte offsets of brackets that hold a query and nothing else, where its first word does not
    /// say so.
    pub(crate) query_brackets: HashSet<usize>,
}

impl Postgres {
    fn opens_query(&self, token: &TokenWithSpan) -> bool {
        self.query_brackets.contains(&start_byte(token.span))
    }
}

/// The keyword that was read last.
fn current(parser: &Parser<'_>) -> Option<&'static Known> {
    match &parser.get_current_token().token {
        Token::Word(word) if word.quote_style.is_none() => keyword::find(&word.value),
        _ => None,
    }
}

/// Whether `token` is that unquoted word.
fn is_word(token: &TokenWithSpan, wanted: &str) -> bool {
    matches!(&token.token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

/// Reads one of these words, and says which.
fn take_word<'w>(parser: &mut Parser<'_>, wanted: &[&'w str]) -> Option<&'w str> {
    let token = parser.peek_token_ref();
    let found = wanted.iter().copied().find(|word| is_word(token, word));
    if found.is_some() {
        parser.advance_token();
    }
    found
}

fn take_words(parser: &mut Parser<'_>, wanted: &[&str]) -> bool {
    let found = wanted
        .iter()
        .enumerate()
        .all(|(ahead, word)| is_word(parser.peek_nth_token_ref(ahead), word));
    if found {
        wanted.iter().for_each(|_| parser.advance_token());
    }
    found
}

/// Reads this word or fails.
fn expect_word(parser: &mut Parser<'_>, wanted: &str) -> Parsed<()> {
    match take_word(parser, &[wanted]) {
        Some(_) => Ok(()),
        None => parser.expected_ref(wanted, parser.peek_token_ref()),
    }
}

/// The word that was read last, as the name of a call.
fn name_of(parser: &Parser<'_>, called: &str) -> ObjectName {
    ObjectName::from(vec![Ident::with_span(parser.get_current_token().span, called)])
}

/// The type that `COLLATE` casts to; no client can mean it.
pub(crate) const COLLATED: &str = "collated";

const PERIOD: u8 = 200;
const CAST: u8 = 140;
const SUBSCRIPT: u8 = 130;
const AT_TIME_ZONE: u8 = 110;
const POWER: u8 = 100;
const PRODUCT: u8 = 90;
const SUM: u8 = 80;
const OTHER_OPERATOR: u8 = 70;
const MATCH: u8 = 60;
const COMPARISON: u8 = 50;
const IS: u8 = 40;
const NOT: u8 = 30;
const AND: u8 = 20;
const OR: u8 = 10;

impl Dialect for Postgres {
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('"')
    }

    // The lexer is ours: these two are never asked.
    fn is_identifier_start(&self, letter: char) -> bool {
        letter.is_alphabetic() || letter == '_'
    }

    fn is_identifier_part(&self, letter: char) -> bool {
        letter.is_alphanumeric() || letter == '_' || letter == '$'
    }

    fn parse_statement(&self, parser: &mut Parser<'_>) -> Option<Parsed<Statement>> {
        let own = ["fetch", "move", "cluster", "reindex", "analyze", "analyse", "vacuum"];
        match take_word(parser, &own)? {
            "fetch" | "move" => Some(utility::fetch(parser)),
            "cluster" | "reindex" => Some(Ok(utility::cluster(parser))),
            _ => Some(utility::analyze(parser)),
        }
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Parsed<Expr>> {
        self.prefix(parser)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Parsed<u8>> {
        Some(Ok(infix::next_precedence(parser)))
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        match precedence {
            Precedence::Period => PERIOD,
            Precedence::DoubleColon => CAST,
            Precedence::AtTz => AT_TIME_ZONE,
            Precedence::Caret => POWER,
            Precedence::MulDivModOp => PRODUCT,
            Precedence::PlusMinus => SUM,
            Precedence::Xor | Precedence::Ampersand | Precedence::Pipe | Precedence::PgOther => {
                OTHER_OPERATOR
            }
            Precedence::Between | Precedence::Like => MATCH,
            Precedence::Eq => COMPARISON,
            Precedence::Is => IS,
            Precedence::UnaryNot => NOT,
            Precedence::And => AND,
            Precedence::Or => OR,
            // No operator: it parts the bounds of a slice.
            Precedence::Colon => self.prec_unknown(),
        }
    }

    fn is_reserved_for_identifier(&self, _keyword: Keyword) -> bool {
        true
    }

    fn is_select_item_alias(&self, explicit: bool, _: &Keyword, parser: &mut Parser<'_>) -> bool {
        explicit || current(parser).is_none_or(|known| known.bare_label)
    }

    fn is_column_alias(&self, _: &Keyword, parser: &mut Parser<'_>) -> bool {
        current(parser).is_none_or(|known| known.bare_label)
    }

    fn is_table_alias(&self, _: &Keyword, parser: &mut Parser<'_>) -> bool {
        // UPDATE t SET: a table of which SET is the alias needs AS.
        current(parser).is_none_or(|it| it.names_relation() && it.keyword != Keyword::SET)
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_listen_notify(&self) -> bool {
        true
    }

    fn supports_comment_on(&self) -> bool {
        true
    }

    fn supports_load_extension(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_colon_operator(&self) -> bool {
        true
    }

    fn supports_empty_projections(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_order_by_using_operator(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_set_names(&self) -> bool {
        true
    }

    fn supports_insert_table_alias(&self) -> bool {
        true
    }

    fn supports_left_associative_joins_without_parens(&self) -> bool {
        false
    }

    // Definitions: the texts beside a statement that matters.

    fn supports_alter_user_as_alter_role(&self) -> bool {
        true
    }

    fn supports_create_index_with_clause(&self) -> bool {
        true
    }

    fn supports_exclude_constraint(&self) -> bool {
        true
    }

    fn supports_alter_column_type_using(&self) -> bool {
        true
    }

    fn supports_create_table_like_parenthesized(&self) -> bool {
        true
    }
}
