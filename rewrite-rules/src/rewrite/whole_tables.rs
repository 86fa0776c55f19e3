//! TRUNCATE and LOCK TABLE: they reach the tables beside too, behind the table itself, in the order in which
//! every other statement locks them.

use sqlparser::ast::ObjectName;
use sqlparser::tokenizer::Token;

use super::joined::relation;
use super::{Relation, Rewriter, Walk};
use crate::name;
use crate::refusal::{Construct, Refusal};
use crate::statement::end_byte;

impl Rewriter<'_> {
    /// The tables that such a statement names.
    pub(super) fn whole_tables<'n>(
        &mut self,
        names: impl Iterator<Item = &'n ObjectName>,
    ) -> Walk<()> {
        let names: Vec<Vec<&sqlparser::ast::Ident>> = names.filter_map(name::parts).collect();
        let found: Vec<_> = names.iter().filter_map(|parts| self.found(parts)).collect();
        for parts in &names {
            let Relation::Governed(lens) = self.written_relation(parts) else { continue };
            if lens.over.is_some() {
                return Err(Box::new(Refusal::construct(Construct::HalfCommand, lens)));
            }
            let Some(last) = parts.last() else { continue };
            let missing = lens.beside.iter().filter(|beside| !found.contains(&beside.relation));
            let text: String =
                missing.map(|beside| format!(", {}", relation(&beside.relation))).collect();
            let end = end_byte(last.span);
            let star = self.lexeme(self.lexeme_at(end)).filter(|it| it.token == Token::Mul);
            let end = star.map_or(end, |star| star.end);
            if !text.is_empty() {
                self.edits.insert(end, vec![text.into()]);
            }
        }
        Ok(())
    }
}
