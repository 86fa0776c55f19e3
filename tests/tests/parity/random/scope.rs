//! What a statement has in sight at some place, and references to it.

use super::Maker;
use super::schema::{Table, Type};

/// A column of a relation in sight.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// As SQL writes it.
    pub(super) name: String,
    pub(super) kind: Type,
}

/// A relation in sight.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// What qualifies its columns, as SQL writes it.
    pub(super) alias: String,
    pub(super) fields: Vec<Field>,
    /// The table that it is, if it is one.
    pub(super) table: Option<&'static Table>,
}

impl Source {
    /// The columns that a name finds: a sub-select may have several of one name.
    pub(super) fn nameable(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| {
            self.fields.iter().filter(|it| same_name(&it.name, &field.name)).count() == 1
        })
    }
}

/// The relations of one query level.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) sources: Vec<Source>,
    /// Columns that JOIN … USING made one.
    pub(super) merged: Vec<String>,
}

impl Level {
    /// How many columns of that name an unqualified reference would find.
    pub(super) fn count(&self, name: &str) -> usize {
        let all = self.sources.iter().flat_map(|source| &source.fields);
        let count = all.filter(|field| same_name(&field.name, name)).count();
        if self.merged.iter().any(|merged| merged == name) { count.min(1) } else { count }
    }
}

/// Whether two names, as SQL writes them, are one.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    let folded = |name: &str| match name.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_lowercase(),
    };
    folded(one) == folded(other)
}

impl Maker<'_> {
    /// A reference to a column of that type, if one is in sight.
    pub(super) fn column(&mut self, kind: Type) -> Option<String> {
        let qualified = self.choices.chance(50);
        self.reference(kind, qualified)
    }

    /// The same, qualified where that is wanted or needed.
    pub(super) fn reference(&mut self, kind: Type, qualified: bool) -> Option<String> {
        let outside = self.levels.len() > 1 && !self.aggregating;
        let outward = usize::from(outside && self.choices.chance(15));
        let mut found = Vec::new();
        let at = self.levels.len().checked_sub(1 + outward)?;
        let level = self.levels.get(at)?;
        for source in &level.sources {
            for field in source.nameable().filter(|field| field.kind == kind) {
                found.push((source.alias.clone(), field.name.clone()));
            }
        }
        let (alias, name) = self.choices.one_of(&found)?.clone();
        let inner = self.levels.iter().skip(at + 1).all(|level| level.count(&name) == 0);
        let alone = self.levels.get(at).is_some_and(|level| level.count(&name) == 1);
        Some(if alone && inner && !qualified { name } else { format!("{alias}.{name}") })
    }

    /// The innermost level's relations.
    pub(super) fn sources(&self) -> &[Source] {
        self.levels.last().map_or(&[], |level| &level.sources)
    }

    /// An alias that nothing in sight has.
    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        let number = self.aliases;
        let odd = self.world.aliases;
        let wanted = if self.choices.chance(12) { self.choices.any_word(odd) } else { "" };
        let taken = |name: &str| {
            self.levels.iter().flat_map(|level| &level.sources).any(|it| it.alias == name)
        };
        if wanted.is_empty() || taken(wanted) { format!("t{number}") } else { wanted.to_owned() }
    }
}
