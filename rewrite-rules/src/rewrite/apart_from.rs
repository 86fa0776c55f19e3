//! What RETURNING shows of the relations in FROM or USING, beside a table that is taken apart.
//!
//! Their columns go along with the rows that are worked out first. Behind the target, as both tables have stored
//! it, each relation stands again under its name, with the columns that went along:
//! `(…) AS u CROSS JOIN LATERAL (SELECT segue_from_0_0 AS title FROM segue_one_0 WHERE segue_key_0 = u.id) AS p`.
//!
//! Sound: one of several matches was taken for each row, and the key is the row's own, so each row is found
//! once, with the match that its values came from.

use sqlparser::tokenizer::Token;

use super::apart::Apart;
use super::occurrence::Need;
use super::{Rewriter, Walk};
use crate::name::quoted;
use crate::refusal::Construct;
use crate::scope::{Columns, SYSTEM_COLUMNS};

/// A relation of FROM.
pub(super) struct FromItem {
    /// How the client's text refers to it.
    reference: String,
    columns: Vec<String>,
}

impl FromItem {
    fn carried(number: usize, at: usize) -> String {
        format!("segue_from_{number}_{at}")
    }
}

/// The columns that go along: their names among the rows, and their texts.
pub(super) fn carried(items: &[FromItem]) -> Vec<(String, String)> {
    let of = |(number, item): (usize, &FromItem)| {
        let column = |(at, name): (usize, &String)| {
            (FromItem::carried(number, at), format!("{}.{}", item.reference, quoted(name)))
        };
        item.columns.iter().enumerate().map(column).collect::<Vec<_>>()
    };
    items.iter().enumerate().flat_map(of).collect()
}

impl Apart<'_> {
    /// The relations again, behind the target; `rows` has what went along. `moves`: the target's rows got new keys.
    pub(super) fn beside_target(&self, items: &[FromItem], rows: &str, moves: bool) -> String {
        let own_rows = self.stored(None);
        let key = |(at, own): (usize, &str)| {
            let mut shown = self.lens.shown().enumerate();
            let column = shown.find(|(_, column)| column.own().is(own));
            let name = column.map_or(own, |(_, it)| &it.name);
            let its = match column.filter(|_| moves) {
                Some((shown, _)) => format!("{own_rows}.{}", Self::was(shown)),
                None => format!("{rows}.{}", Self::key(at)),
            };
            format!("{its} = {}.{}", self.reference, quoted(name))
        };
        let same: Vec<String> = self.key_columns().into_iter().enumerate().map(key).collect();
        let both = |at: usize| format!("{own_rows}.{0} = {rows}.{0}", Self::key(at));
        let from = match moves {
            true => {
                let on: Vec<String> = (0..same.len()).map(both).collect();
                format!("{rows} JOIN {own_rows} ON {}", on.join(" AND "))
            }
            false => rows.to_owned(),
        };
        let of = |(number, item): (usize, &FromItem)| {
            let column = |(at, name): (usize, &String)| {
                format!("{rows}.{} AS {}", FromItem::carried(number, at), quoted(name))
            };
            let columns: Vec<String> = item.columns.iter().enumerate().map(column).collect();
            format!(
                " CROSS JOIN LATERAL (SELECT {} FROM {from} WHERE {}) AS {}",
                columns.join(", "),
                same.join(" AND "),
                item.reference
            )
        };
        items.iter().enumerate().map(of).collect()
    }
}

impl Rewriter<'_> {
    /// The relations beside the target, which is occurrence `at` of a statement that begins at byte `start`.
    pub(super) fn items_beside(&mut self, at: usize, start: usize) -> Walk<Vec<FromItem>> {
        let Some(level) = self.levels.last() else { return self.refuse(Construct::Unreadable) };
        let is_merged = level.merges_unknown || !level.merged.is_empty();
        let others = level.sources.iter().filter(|source| source.occurrence != Some(at));
        let mut items = Vec::new();
        let mut governed = Vec::new();
        for source in others {
            let Columns::Known(columns) = &source.columns else {
                return self.refuse_at(Construct::MovedReturning, start);
            };
            let is_row = self.returns_more_than_columns(start, &source.name, columns);
            let is_twice = |name: &String| columns.iter().filter(|it| *it == name).count() > 1;
            if is_merged || is_row || columns.is_empty() || columns.iter().any(is_twice) {
                return self.refuse_at(Construct::MovedReturning, start);
            }
            governed.extend(source.occurrence);
            let (reference, columns) = (source.reference.clone(), columns.clone());
            items.push(FromItem { reference, columns });
        }
        for other in governed {
            self.need(other, Need::Shaped, "RETURNING over several relations");
        }
        Ok(items)
    }

    /// Whether RETURNING may show a whole row of a relation, or a system column: no row of ours has those.
    fn returns_more_than_columns(&self, start: usize, name: &str, columns: &[String]) -> bool {
        let first = self.lexeme_at(start) + 1;
        let Some(returning) = self.keyword_behind(first, "returning") else { return true };
        let is_point = |at: usize| self.lexeme(at).is_some_and(|it| it.token == Token::Period);
        let mut words = (returning + 1..self.statement_end(first)).filter_map(|at| {
            let word = self.lexeme(at)?.name()?;
            Some((at, word))
        });
        words.any(|(at, word)| {
            let is_row = word == name && !is_point(at + 1) && !columns.contains(&word);
            is_row || SYSTEM_COLUMNS.contains(&word.as_str())
        })
    }
}
