//! SET CONSTRAINTS: a name that a client has for a constraint reaches every one that stands for it. The parser does not
//! know the statement, which has no tree.

use std::sync::Arc;

use sqlparser::tokenizer::Token;

use super::Rewriter;
use crate::catalog::RelationName;
use crate::lens::Lens;
use crate::name;
use crate::statement::Lexeme;
use crate::system_catalog::TableObject;

/// A name as it is written: its parts, and its bytes.
type Written = (Vec<String>, (usize, usize));

/// Whether these are the tokens of such a statement.
pub(super) fn is_set_constraints(lexemes: &[Lexeme]) -> bool {
    match lexemes {
        [set, constraints, ..] => set.is_word("set") && constraints.is_word("constraints"),
        [] | [_] => false,
    }
}

impl<'a> Rewriter<'a> {
    /// Whether the present statement is one.
    pub(super) fn sets_constraints(&self) -> bool {
        let lexemes = self.lexemes.get(self.current.0..self.current.1);
        lexemes.is_some_and(is_set_constraints)
    }

    /// Names that no migration declares stay as they are, ALL too.
    pub(super) fn set_constraints(&mut self) {
        let lexemes = self.lexemes.get(self.current.0..self.current.1).unwrap_or_default();
        self.account_tokens(self.current.0, self.current.1);
        for (parts, (start, end)) in written(lexemes.get(2..).unwrap_or_default()) {
            let (schema, constraint) = match parts.as_slice() {
                [constraint] => (None, constraint),
                [schema, constraint] | [_, schema, constraint] => {
                    (Some(schema.as_str()), constraint)
                }
                _longer => continue,
            };
            let Some((lens, meant)) = self.meant(schema, constraint) else { continue };
            self.spoken.constraints.push((self.statement, Arc::clone(&lens.names)));
            let own = RelationName::new(&lens.relation.schema, constraint);
            if meant != [own] {
                let names: Vec<String> = meant.iter().map(sql).collect();
                self.edits.replace(start, end, vec![names.join(", ").into()]);
            }
        }
    }

    /// The constraints that stand for one of that name, each with its schema; `None` where that is not declared, or none
    /// is there.
    fn meant(&self, schema: Option<&str>, name: &str) -> Option<(&'a Lens, Vec<RelationName>)> {
        let path = &self.session.search_path.schemas;
        let in_sight = |lens: &&&Lens| match schema {
            Some(schema) => lens.relation.schema == schema,
            None => path.contains(&lens.relation.schema),
        };
        let mut lenses = self.lenses().iter().filter(|lens| in_sight(&lens));
        let declares = |lens: &&Lens| lens.names.constraints().any(|(_, client)| client == name);
        let lens = lenses.find(declares)?;
        let tables = lens.names.tables.iter().flat_map(|table| {
            let its = table.constraints.iter().filter(|(_, client)| client == name);
            its.map(|(physical, _)| (&table.relation, physical.as_str()))
        });
        let mut meant: Vec<(bool, RelationName)> = Vec::new();
        for (relation, physical) in std::iter::once((&lens.relation, name)).chain(tables) {
            let Some(object) = self.constraint(relation, physical) else { continue };
            let schema = self.carrier(object).unwrap_or(relation).schema.clone();
            let found = (object.deferrable, RelationName::new(schema, physical));
            if !meant.contains(&found) {
                meant.push(found);
            }
        }
        // One that cannot be put off would fail the statement for the others.
        if meant.iter().any(|(is_deferrable, _)| *is_deferrable) {
            meant.retain(|(is_deferrable, _)| *is_deferrable);
        }
        let meant: Vec<RelationName> = meant.into_iter().map(|(_, name)| name).collect();
        (!meant.is_empty()).then_some((lens, meant))
    }

    fn constraint(&self, relation: &RelationName, name: &str) -> Option<&'a TableObject> {
        let objects = self.generation.catalog().system.objects.get(relation)?;
        objects.iter().find(|object| object.name == name)
    }

    /// The table that has a constraint: of a foreign key, the one that refers.
    fn carrier(&self, object: &TableObject) -> Option<&'a RelationName> {
        let relations = self.generation.catalog().relations.iter();
        let mut of_oid = relations.filter(|(_, table)| table.oids.relation == object.carrier);
        of_oid.next().map(|(name, _)| name)
    }
}

/// The names that are listed, up to DEFERRED or IMMEDIATE.
fn written(lexemes: &[Lexeme]) -> Vec<Written> {
    let mut names: Vec<Written> = Vec::new();
    let mut before = &Token::Comma;
    for lexeme in lexemes {
        match (before, lexeme.name()) {
            (Token::Comma, Some(word)) => names.push((vec![word], (lexeme.start, lexeme.end))),
            (Token::Period, Some(word)) => {
                let Some((parts, (_, end))) = names.last_mut() else { break };
                parts.push(word);
                *end = lexeme.end;
            }
            // Behind the last name.
            (_, Some(_)) => break,
            (_, None) => {}
        }
        before = &lexeme.token;
    }
    names
}

fn sql(name: &RelationName) -> String {
    format!("{}.{}", name::quoted(&name.schema), name::quoted(&name.name))
}
