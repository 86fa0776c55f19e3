//! `'email_preferences'::regclass`, where the server has no such table any more: the number that shows as its oid in
//! place of the name, or what chooses it where only the server knows the name.
//!
//! Sound: the server takes any number for a `regclass`. Left alone is what need not be a name: a parameter, a column.

use sqlparser::ast::{BinaryOperator, CastKind, DataType, Expr, Function, Value, ValueWithSpan};
use sqlparser::tokenizer::Token;

use super::Rewriter;
use super::catalog_call::names_oid;
use super::extent::Range;
use crate::catalog::RelationName;
use crate::name;
use crate::statement::{end_byte, start_byte};

/// Functions that give text.
const TEXTS: [&str; 4] = ["quote_ident", "format", "concat", "concat_ws"];

impl Rewriter<'_> {
    /// A cast to `regclass` of what may be the name of a table that is gone.
    pub(super) fn catalog_cast(&mut self, operand: &Expr, kind: &CastKind, data_type: &DataType) {
        if !is_regclass(data_type) {
            return;
        }
        match operand {
            Expr::Nested(inner) => match text_start(inner) {
                Some((first, depth)) if *kind == CastKind::DoubleColon => {
                    let leaf = self.lexeme_at(first);
                    let open = leaf.checked_sub(depth + 1);
                    let inside = open.and_then(|open| self.inside_brackets(open));
                    self.choose_oid(inside, "", "");
                }
                Some(_) | None => self.catalog_cast(inner, kind, data_type),
            },
            Expr::Value(value) => self.catalog_literal(value, data_type),
            Expr::Function(function) if is_text(function) && *kind == CastKind::DoubleColon => {
                let range = self.call_range(function);
                self.choose_oid(range, "(", ")");
            }
            _ => {}
        }
    }

    /// Puts an oid in the place of the name of a table that is gone.
    pub(super) fn catalog_literal(&mut self, literal: &ValueWithSpan, data_type: &DataType) {
        if is_regclass(data_type) {
            self.gone_literal(literal, "");
        }
    }

    /// The same where a name may stand for a relation without being cast to one.
    pub(super) fn catalog_argument(&mut self, argument: &Expr) {
        if let Expr::Value(value) = argument {
            self.gone_literal(value, "::pg_catalog.regclass");
        }
    }

    fn gone_literal(&mut self, literal: &ValueWithSpan, cast: &str) {
        let (Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text)) = &literal.value
        else {
            return;
        };
        let Some(oid) = self.gone_table(text) else { return };
        let lexeme = self.lexeme(self.lexeme_at(start_byte(literal.span)));
        let is_it = |token: &Token| match token {
            Token::SingleQuotedString(it) | Token::EscapedStringLiteral(it) => it == text,
            _ => false,
        };
        let found = lexeme.filter(|found| is_it(&found.token));
        if let Some((start, end)) = found.map(|found| (found.start, found.end)) {
            self.edits.replace(start, end, vec![format!("'{oid}'{cast}").into()]);
        }
    }

    /// The oid of the table that a text names as SQL does, if it is gone.
    fn gone_table(&self, text: &str) -> Option<u32> {
        let gone = &self.catalogs?.gone;
        let parts = identifiers(text);
        let found = match parts.as_slice() {
            [table] => self.search(table)?,
            [schema, table] => RelationName::new(schema, table),
            _ => return None,
        };
        gone.iter().find(|table| table.relation == found).map(|table| table.oid)
    }

    /// Makes a text the `regclass` of the table that it names.
    fn choose_oid(&mut self, range: Option<Range>, before: &str, behind: &str) {
        let chosen = self.catalogs.and_then(|catalogs| catalogs.chosen.as_ref());
        let (Some((start, end)), Some((select, from))) = (range, chosen) else { return };
        self.edits.insert(start, vec![format!("{before}{select}").into()]);
        self.edits.insert(end, vec![format!("{from}{behind}").into()]);
    }

    /// The bytes between a bracket and the one that closes it.
    fn inside_brackets(&self, open: usize) -> Option<Range> {
        let first = self.lexeme(open).filter(|it| it.token == Token::LParen)?;
        let last = self.lexeme(self.behind_brackets(open).checked_sub(1)?)?;
        Some((first.end, last.start))
    }

    fn call_range(&self, function: &Function) -> Option<Range> {
        let parts = name::parts(&function.name)?;
        let (first, last) = (parts.first()?, parts.last()?);
        let open = self.lexeme_at(end_byte(last.span));
        self.lexeme(open).filter(|it| it.token == Token::LParen)?;
        let close = self.lexeme(self.behind_brackets(open).checked_sub(1)?)?;
        Some((start_byte(first.span), close.end))
    }
}

/// Whether it is `||`.
pub(super) fn is_concatenation(operator: &BinaryOperator) -> bool {
    match operator {
        BinaryOperator::StringConcat => true,
        BinaryOperator::Custom(name) => name == "||",
        _ => false,
    }
}

fn is_regclass(data_type: &DataType) -> bool {
    match data_type {
        DataType::Regclass => true,
        DataType::Custom(written, _) => names_oid(written),
        _ => false,
    }
}

fn is_text(function: &Function) -> bool {
    let parts = name::parts(&function.name).unwrap_or_default();
    parts.last().is_some_and(|last| TEXTS.contains(&name::folded(last).as_str()))
}

/// Where an expression that gives text begins: the byte of its first name or literal, and how many brackets stand
/// before that.
fn text_start(expression: &Expr) -> Option<(usize, usize)> {
    match expression {
        Expr::BinaryOp { left, op, .. } if is_concatenation(op) => start(left),
        Expr::Function(function) if is_text(function) => start(expression),
        _ => None,
    }
}

fn start(expression: &Expr) -> Option<(usize, usize)> {
    match expression {
        Expr::Nested(inner) => start(inner).map(|(at, depth)| (at, depth + 1)),
        Expr::BinaryOp { left, .. } => start(left),
        Expr::Cast { expr, kind: CastKind::DoubleColon, .. } => start(expr),
        Expr::Value(value) => Some((start_byte(value.span), 0)),
        Expr::Identifier(ident) => Some((start_byte(ident.span), 0)),
        Expr::CompoundIdentifier(parts) => Some((start_byte(parts.first()?.span), 0)),
        Expr::Function(function) => {
            Some((start_byte(name::parts(&function.name)?.first()?.span), 0))
        }
        _ => None,
    }
}

/// The identifiers of a dotted name.
fn identifiers(text: &str) -> Vec<String> {
    let mut in_quotes = false;
    let dots = text.split(|letter: char| {
        in_quotes ^= letter == '"';
        letter == '.' && !in_quotes
    });
    dots.map(|part| name::folded_source(part.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::identifiers;

    #[test]
    fn a_name_is_read_as_regclass_reads_it() {
        assert_eq!(identifiers("public.Mail"), ["public", "mail"]);
        assert_eq!(identifiers("\"a.b\".\"C \"\"d\"\"\""), ["a.b", "C \"d\""]);
        assert_eq!(identifiers(" mail "), ["mail"]);
    }
}
