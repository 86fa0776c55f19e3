//! Calls of functions about the catalog, such as `pg_get_indexdef` and `col_description`.
//!
//! Text stands around the call, or around one of its arguments, so that the client's names and
//! numbers go in and come out. Sound only where an argument may be evaluated twice, so a call with
//! anything but names, literals and casts in such a place stays as it is.

use sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, Value,
};
use sqlparser::tokenizer::Token;

use super::Rewriter;
use super::catalog_cast::is_concatenation;
use super::extent::Range;
use super::reference::Label;
use crate::catalog_lens::{ArgumentForm, ArgumentLens, CallPiece, FunctionLens};
use crate::edit::Piece;
use crate::name;
use crate::statement::{end_byte, start_byte};

/// A call that must be edited.
#[derive(Debug)]
pub(super) struct Call<'a> {
    lens: &'a FunctionLens,
    /// Bytes of the whole call.
    span: Range,
    /// Byte offset of the function's own name.
    ident: usize,
    /// Bytes of each argument.
    arguments: Vec<Range>,
    /// The arguments that stand in one of the forms that the lens knows.
    known: Vec<&'a ArgumentLens>,
    /// Output columns that are named after it.
    labels: Vec<Label>,
}

impl<'a> Rewriter<'a> {
    /// Notes a call if its function has a lens.
    pub(super) fn catalog_call(&mut self, function: &Function, list: &FunctionArgumentList) {
        let Some(lens) = self.function_lens(function, list) else { return };
        let parts = name::parts(&function.name).unwrap_or_default();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
        let open = self.lexeme_at(end_byte(last.span));
        if self.lexeme(open).is_none_or(|open| open.token != Token::LParen) {
            return;
        }
        let arguments = self.list(open + 1);
        let close = self.behind_brackets(open).checked_sub(1).and_then(|at| self.lexeme(at));
        let Some(close) = close.filter(|_| arguments.len() == list.args.len()) else { return };
        let expressions: Vec<&Expr> = list.args.iter().filter_map(plain_argument).collect();
        let stands = |place: usize, form: ArgumentForm| {
            expressions.get(place).is_some_and(|it| is_in(it, form))
        };
        let known = lens.arguments.iter().filter(|argument| {
            let beside = argument.beside.is_none_or(|(place, form)| stands(place, form));
            beside && stands(argument.place, argument.form)
        });
        let known: Vec<&ArgumentLens> = known.collect();
        let around = lens.around.iter().chain(known.iter().map(|argument| &argument.around));
        let pieces = around.flat_map(|around| around.before.iter().chain(&around.behind));
        let mut repeated = pieces.filter_map(|piece| match piece {
            CallPiece::Argument(place) => Some(*place),
            CallPiece::Text(_) => None,
        });
        let may_stand_twice = |expression: &Expr| {
            is_simple(expression) && !(lens.overloaded && is_placeholder(expression))
        };
        if !repeated.all(|place| expressions.get(place).is_some_and(|it| may_stand_twice(it))) {
            return;
        }
        let span = (start_byte(first.span), close.end);
        // What takes names of relations as well as oids takes a literal for a name.
        let tables = known.iter().filter(|it| lens.overloaded && it.form == ArgumentForm::Oid);
        for table in tables.filter_map(|argument| expressions.get(argument.place)) {
            self.catalog_argument(table);
        }
        self.calls.push(Call {
            lens,
            span,
            ident: start_byte(last.span),
            arguments,
            known,
            labels: Vec::new(),
        });
    }

    /// The lens of the function that is called.
    fn function_lens(
        &self,
        function: &Function,
        list: &FunctionArgumentList,
    ) -> Option<&'a FunctionLens> {
        let parts = name::parts(&function.name)?;
        let names: Vec<String> = parts.iter().map(|part| name::folded(part)).collect();
        let (schema, called) = match names.as_slice() {
            [called] => ("pg_catalog", called),
            [schema, called] => (schema.as_str(), called),
            _ => return None,
        };
        let plain = list.duplicate_treatment.is_none()
            && list.clauses.is_empty()
            && function.filter.is_none()
            && function.over.is_none()
            && function.within_group.is_empty()
            && list.args.iter().all(|argument| plain_argument(argument).is_some());
        let mut lenses = self.catalogs?.functions.iter();
        lenses.find(|lens| {
            plain && lens.name == called && lens.schema == schema && lens.arity == list.args.len()
        })
    }

    /// If a call names this output column, what stands around it must not rename it.
    pub(super) fn call_label(&mut self, expression: &Expr, end: usize) {
        let Some(called) = super::label::function(expression) else { return };
        let ident = start_byte(called.span);
        let name = name::folded(called);
        if let Some(call) = self.calls.iter_mut().find(|call| call.ident == ident) {
            call.labels.push(Label { ident, name, end });
        }
    }

    /// Puts the text around calls and arguments.
    pub(super) fn emit_calls(&mut self) {
        for call in std::mem::take(&mut self.calls) {
            let pieces = |pieces: &[CallPiece]| -> Vec<Piece> {
                let piece = |piece: &CallPiece| match piece {
                    CallPiece::Text(text) => Some(Piece::Text(text.clone())),
                    CallPiece::Argument(place) => {
                        call.arguments.get(*place).map(|(start, end)| Piece::Copy(*start, *end))
                    }
                };
                pieces.iter().filter_map(piece).collect()
            };
            for around in call.lens.around.iter().rev() {
                self.edits.insert(call.span.0, pieces(&around.before));
            }
            for argument in &call.known {
                let Some((start, end)) = call.arguments.get(argument.place) else { continue };
                self.edits.insert(*start, pieces(&argument.around.before));
                self.edits.insert(*end, pieces(&argument.around.behind));
            }
            for around in &call.lens.around {
                self.edits.insert(call.span.1, pieces(&around.behind));
            }
            for Label { name, end, .. } in
                call.labels.iter().filter(|_| !call.lens.around.is_empty())
            {
                let label = format!(" AS {}", name::quoted(name));
                self.edits.insert(*end, vec![label.into()]);
            }
        }
    }
}

fn plain_argument(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
        FunctionArg::Unnamed(_) | FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => None,
    }
}

/// Whether an expression can stand twice, and costs nothing.
fn is_simple(expression: &Expr) -> bool {
    match expression {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { .. }
        | Expr::Value(_) => true,
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, kind: CastKind::DoubleColon | CastKind::Cast, .. } => {
            is_simple(inner)
        }
        Expr::BinaryOp { left, op, right } => {
            is_concatenation(op) && is_simple(left) && is_simple(right)
        }
        // As a view of information_schema has it.
        Expr::Function(function) => match &function.args {
            FunctionArguments::List(list) => {
                let called = name::single(&function.name).map(name::folded);
                called.as_deref() == Some("coalesce")
                    && list
                        .args
                        .iter()
                        .all(|argument| plain_argument(argument).is_some_and(is_simple))
            }
            FunctionArguments::None | FunctionArguments::Subquery(_) => false,
        },
        _ => false,
    }
}

/// Whether a type is `oid` or `regclass`.
pub(super) fn names_oid(written: &ObjectName) -> bool {
    let parts = name::parts(written).unwrap_or_default();
    let called = parts.last().map(|last| name::folded(last)).unwrap_or_default();
    matches!(called.as_str(), "oid" | "regclass")
}

fn is_placeholder(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_placeholder(inner),
        Expr::Value(value) => matches!(value.value, Value::Placeholder(_)),
        _ => false,
    }
}

/// Whether an argument names a column in this form, as far as can be told without its type.
fn is_in(expression: &Expr, form: ArgumentForm) -> bool {
    match expression {
        Expr::Cast { data_type: DataType::Regclass, .. } => form == ArgumentForm::Oid,
        Expr::Cast { data_type: DataType::Custom(written, _), .. } if names_oid(written) => {
            form == ArgumentForm::Oid
        }
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_in(inner, form),
        Expr::Value(value) => match value.value {
            Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_) => {
                form != ArgumentForm::Number
            }
            Value::Number(..) | Value::Placeholder(_) => form != ArgumentForm::Name,
            _ => false,
        },
        Expr::Identifier(ident) => named_in(ident, form),
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|last| named_in(last, form)),
        // A field, as of `_pg_expandarray`: the views of information_schema have numbers so.
        Expr::CompoundFieldAccess { .. } => form == ArgumentForm::Number,
        _ => false,
    }
}

/// The same of a column that is called so.
fn named_in(ident: &Ident, form: ArgumentForm) -> bool {
    let called = name::folded(ident);
    let is_name = ["attname", "column_name", "colname", "column"].contains(&called.as_str());
    match form {
        ArgumentForm::Name => is_name,
        ArgumentForm::Number => !is_name,
        ArgumentForm::Oid => called.ends_with("id"),
    }
}
