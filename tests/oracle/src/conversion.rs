//! What a value goes through between an old column and a new one, as formulas.
//!
//! A value that a client writes is first what an assignment to its own column would make of it.

use rewrite_rules::catalog::Column;
use rewrite_rules::rule::ColumnPair;

use crate::shape::VALUE;
use crate::tree::{self, Tree};

/// Types whose cast cuts off what is too long, where an assignment is an error; the function behind
/// the cast, which can be told to be as strict; and what its length is counted from.
const STRICT: [(&str, &str, i64); 4] = [
    ("character varying", "\"varchar\"", 4),
    ("bpchar", "bpchar", 4),
    ("bit", "\"bit\"", 0),
    ("bit varying", "varbit", 0),
];

/// The way between both columns.
#[derive(Debug, Clone)]
pub struct Between {
    /// A client of the new name reads this from the old column.
    pub up_of_column: Tree,
    /// A client of the old name reads this from the new column.
    pub down_of_column: Tree,
    /// A value for the old column stores this in the new one.
    pub up_of_value: Tree,
    /// A value for the new column stores this in the old one.
    pub down_of_value: Tree,
    /// Whether NULL on one side is NULL on the other.
    pub keeps_null: bool,
    /// The old column's type without modifier, where the rule tells it.
    pub from_base: Option<String>,
    /// The same with its modifier.
    pub from_full: Option<String>,
}

/// A type: with modifier, without, and the collation that is not its own.
#[derive(Debug, Clone, PartialEq)]
struct Type {
    full: String,
    base: String,
    collation: Option<String>,
}

impl Type {
    fn of(column: &Column) -> Self {
        Self {
            full: column.type_name.clone(),
            base: column.base_type.clone(),
            collation: column.collation.clone(),
        }
    }

    fn written(text: &str) -> Self {
        let base = match text.split_once('(') {
            Some((before, behind)) => {
                let behind = behind.split_once(')').map_or("", |(_, behind)| behind);
                format!("{}{behind}", before.trim_end())
            }
            None => text.to_owned(),
        };
        Self { full: text.to_owned(), base, collation: None }
    }

    /// What an assignment to a column of this type makes of a value.
    fn assigned(&self) -> String {
        let length = self.full.split_once('(').and_then(|(_, behind)| {
            behind.split_once(')').and_then(|(length, _)| length.trim().parse::<i64>().ok())
        });
        let strict = STRICT.iter().find(|(name, _, _)| *name == self.base);
        match (strict, length) {
            (Some((base, function, header)), Some(length)) => {
                let base = if *base == "bit" { "\"bit\"" } else { base };
                format!("pg_catalog.{function}(({VALUE})::{base}, {}, false)", length + header)
            }
            _ => format!("({VALUE})::{}", self.full),
        }
    }
}

impl Between {
    /// Both columns hold the same values.
    ///
    /// # Errors
    /// Never for names of columns.
    pub fn same(pair: &ColumnPair) -> Result<Self, String> {
        let value = tree::expression(VALUE)?;
        Ok(Self {
            up_of_column: column_reference(&pair.from)?,
            down_of_column: column_reference(&pair.to)?,
            up_of_value: value.clone(),
            down_of_value: value,
            keeps_null: true,
            from_base: None,
            from_full: None,
        })
    }

    /// By the rule's expressions, or by casts.
    ///
    /// # Errors
    /// An expression that PostgreSQL cannot read.
    pub fn new(
        pair: &ColumnPair,
        (from, to): (Option<&Column>, Option<&Column>),
        [up, down]: [Option<&str>; 2],
        from_type: Option<&str>,
    ) -> Result<Self, String> {
        let old = from.map(Type::of).or_else(|| from_type.map(Type::written));
        let new = to.map(Type::of);
        if up.is_none() && down.is_none() && (old.is_none() || new.is_none() || old == new) {
            let (full, base) = old.map(|old| (old.full, old.base)).unzip();
            return Ok(Self { from_base: base, from_full: full, ..Self::same(pair)? });
        }
        let (up, down) =
            (up.map(tree::expression).transpose()?, down.map(tree::expression).transpose()?);
        Ok(Self {
            up_of_column: read(up.as_ref(), &pair.from, old.as_ref(), new.as_ref())?,
            down_of_column: read(down.as_ref(), &pair.to, new.as_ref(), old.as_ref())?,
            up_of_value: write(up.as_ref(), old.as_ref(), new.as_ref())?,
            down_of_value: write(down.as_ref(), new.as_ref(), old.as_ref())?,
            keeps_null: up.is_none() && down.is_none(),
            from_full: old.as_ref().map(|old| old.full.clone()),
            from_base: old.map(|old| old.base),
        })
    }
}

/// What is read of `column` as the type `to`.
fn read(
    through: Option<&Tree>,
    column: &str,
    from: Option<&Type>,
    to: Option<&Type>,
) -> Result<Tree, String> {
    let value = match through {
        Some(through) => through.clone(),
        None => column_reference(column)?,
    };
    let Some(to) = to else { return Ok(value) };
    let same_type = through.is_none() && from.is_some_and(|from| from.full == to.full);
    let cast = match same_type {
        true => value,
        false => {
            tree::with_parameters(&tree::expression(&format!("({VALUE})::{}", to.full))?, &value)
        }
    };
    let from_collation = from.and_then(|from| from.collation.as_deref());
    if to.collation.as_deref() == from_collation {
        return Ok(cast);
    }
    let collation = to.collation.as_deref().unwrap_or("pg_catalog.\"default\"");
    let collated = tree::expression(&format!("{VALUE} COLLATE {collation}"))?;
    Ok(tree::with_parameters(&collated, &cast))
}

/// What is stored for a client's value for a column of type `from` in one of type `to`.
fn write(through: Option<&Tree>, from: Option<&Type>, to: Option<&Type>) -> Result<Tree, String> {
    let assigned = match from {
        Some(from) => tree::expression(&from.assigned())?,
        None => tree::expression(VALUE)?,
    };
    match (through, to) {
        (Some(through), _) => Ok(tree::with_columns(through, &assigned)),
        (None, Some(to)) if from.is_none_or(|from| from.base != to.base) => {
            let base = if to.base == "bit" { "\"bit\"" } else { &to.base };
            let cast = tree::expression(&format!("({VALUE})::{base}"))?;
            Ok(tree::with_parameters(&cast, &assigned))
        }
        (None, _) => Ok(assigned),
    }
}

/// The tree of an unqualified column.
///
/// # Errors
/// Never for a name of a column.
pub fn column_reference(name: &str) -> Result<Tree, String> {
    tree::expression(&format!("\"{}\"", name.replace('"', "\"\"")))
}
