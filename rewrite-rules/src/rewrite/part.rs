//! Assignments to parts of a column: `SET a[1] = e`, `SET a.field = e`, `INSERT INTO t (a[1])`.
//!
//! Sound where each physical column stores the value as it is: the parts of equal values are equal,
//! so the same part of each is assigned.

use sqlparser::ast::{Expr, Ident};
use sqlparser::tokenizer::Token;

use super::extent::Range;
use super::insert::{Target, Value};
use super::{Rewriter, Walk};
use crate::edit::Piece;
use crate::lens::LogicalColumn;
use crate::name;
use crate::refusal::Construct;
use crate::statement::{end_byte, start_byte};

impl Rewriter<'_> {
    /// Bytes of the subscripts and fields behind an assigned column's name.
    pub(super) fn part_behind(&self, ident: &Ident) -> Range {
        let start = end_byte(ident.span);
        let mut at = self.lexeme_at(start);
        let mut end = start;
        while let Some(lexeme) = self.lexeme(at) {
            at = match lexeme.token {
                Token::LBracket => self.behind_brackets(at),
                Token::Period => at + 2,
                _ => break,
            };
            end = self.lexeme(at.saturating_sub(1)).map_or(end, |last| last.end);
        }
        (start, end)
    }

    /// Whether an assignment is to all of the column, not to a part of it.
    pub(super) fn is_all_of(&self, ident: &Ident) -> bool {
        let (start, end) = self.part_behind(ident);
        start == end
    }

    /// `tags[1] = e` → `tags[1] = e, labels[1] = e`.
    pub(super) fn assign_part(
        &mut self,
        ident: &Ident,
        logical: &LogicalColumn,
        value: &Expr,
        part: Range,
        extent: Range,
    ) -> Walk<()> {
        let Some((main, more)) = logical.put.split_first() else { return Ok(()) };
        let Some(start) = self.value_start(part.1) else {
            return self.refuse(Construct::Unreadable);
        };
        let subscripts = self.pieces(part.0, part.1).flat_map(|piece| &piece.expressions);
        let repeatable = subscripts.chain([value]).all(|it| self.may_repeat(it));
        let plain = logical.put.iter().all(|access| access.through.is_none());
        if !plain || (!more.is_empty() && !repeatable) {
            return self.refuse_at(Construct::ColumnPart, start_byte(ident.span));
        }
        self.rename(ident, main);
        for access in more {
            let pieces = vec![
                Piece::Text(format!(", {}", name::quoted(&access.column))),
                Piece::Copy(part.0, part.1),
                " = ".into(),
                Piece::Copy(start, extent.1),
            ];
            self.edits.insert(extent.1, pieces);
        }
        Ok(())
    }

    /// In a list of columns that get values only one that is stored as it is may come in parts.
    pub(super) fn listed_part(&self, ident: &Ident, logical: &LogicalColumn) -> Walk<()> {
        let part = self.part_behind(ident);
        if part.0 < part.1 && logical.put.iter().any(|access| access.through.is_some()) {
            return self.refuse_at(Construct::ColumnPart, start_byte(ident.span));
        }
        Ok(())
    }

    /// `, labels[1], handle`: the columns that an INSERT with a list of columns writes besides.
    pub(super) fn added_columns(&self, target: &Target<'_>) -> Vec<Piece> {
        let parts = self.listed_parts(target);
        let mut pieces = Vec::new();
        for extra in &target.extras {
            pieces.push(Piece::Text(format!(", {}", name::quoted(&extra.access.column))));
            if let Value::Copy(index, _) = extra.value
                && let Some((start, end)) = parts.get(index).filter(|part| part.0 < part.1)
            {
                pieces.push(Piece::Copy(*start, *end));
            }
        }
        pieces
    }

    /// Bytes of what stands behind each column's name in an INSERT's list.
    pub(super) fn listed_parts(&self, target: &Target<'_>) -> Vec<Range> {
        let Some(open) = target.open_list else { return Vec::new() };
        let items = self.list(open + 1).into_iter();
        items
            .map(|(start, end)| {
                let name = self.lexeme(self.lexeme_at(start)).map_or(end, |name| name.end);
                (name, end)
            })
            .collect()
    }

    /// In a list that a row is assigned to only a column that is stored once, and as it is, may
    /// come in parts.
    pub(super) fn whole_or_single(&self, ident: &Ident, logical: &LogicalColumn) -> Walk<()> {
        let part = self.part_behind(ident);
        let single = matches!(logical.put.as_slice(), [only] if only.through.is_none());
        if part.0 < part.1 && !single {
            return self.refuse_at(Construct::ColumnPart, start_byte(ident.span));
        }
        Ok(())
    }
}
