//! A lens: what one governed table means to a client, whatever exists physically.
//!
//! Rewriting knows lenses only. It never learns which kind of migration made one, nor its phase.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::{ColumnDefault, RelationName};
use crate::catalog_lens::StandIn;
use crate::name;
use crate::naming::Names;

/// One governed table as a client of one shape sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// The physical table.
    pub relation: RelationName,
    /// The logical columns in the order that `*` shows, then those that may be named but are not
    /// shown.
    pub columns: Vec<LogicalColumn>,
    /// Physical columns that a client must not see unless it names them by a logical name.
    pub hidden: Vec<String>,
    /// Whether the catalog knows one of them to exist.
    pub hidden_exists: bool,
    /// What becomes of a statement that names this table but cannot be read.
    pub opaque: OpaquePolicy,
    /// The migrations behind this lens, for messages.
    pub migrations: Vec<String>,
    /// What the server calls by names that the client does not expect.
    pub names: Arc<Names>,
    /// Views through which a write would miss a column that it must reach.
    pub views: BTreeSet<RelationName>,
    /// Views through which a new row would lack what another table holds of it.
    pub halving_views: BTreeSet<RelationName>,
    /// What stands for it wherever it is read: the lens of one of the server's catalogs.
    pub stands_as: Option<StandIn>,
    /// Other tables that hold columns of it, or are to.
    pub beside: Vec<Beside>,
    /// The table that holds its rows besides, or as yet alone.
    pub over: Option<Over>,
    /// The table that holds its rows now, each as a part of one of its own.
    pub among: Option<Among>,
    /// What an INSERT writes, and is carried from there, if that is something else.
    pub inserts: Option<Box<Lens>>,
    /// The query that stands for it wherever it is read, while other tables have its rows. It can only be read
    /// then, but for one with tables beside.
    pub read_as: Option<String>,
}

/// For a table whose rows have become parts of another one's: that other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Among {
    /// That table.
    pub relation: RelationName,
    /// Its key.
    pub key: Vec<String>,
    /// Its columns that belong to this one's rows, beside the key.
    pub part: Vec<String>,
    /// The column there that tells whether a row of it has such a part. `None`: each has.
    pub present: Option<String>,
}

/// For a table that another one's columns move to: that other one, whose columns stand for its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// That table.
    pub relation: RelationName,
    /// Which rows of it are rows of this one.
    pub rows: Rows,
    /// Columns of this table that the other one has no counterpart of.
    pub others: Vec<String>,
    /// Columns of the other table that tell whether a row of it has one here, each with what stands in it
    /// where it has none; `None` is NULL.
    pub blank: Vec<(String, Option<String>)>,
    /// Whether all columns that have moved may be NULL there.
    pub nullable: bool,
    /// The table as it is: what an INSERT writes, and is carried from there.
    pub itself: Box<Lens>,
}

/// Which rows of another table a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All of them, and they can only be read as yet.
    Read,
    /// All of them. Some may not have been copied to the table itself.
    All,
    /// Those that the table itself has too: it is read as it is unless rows are locked or written.
    Both,
}

/// Another table that has one row at most for each row of this one, and columns that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// That table.
    pub relation: RelationName,
    /// A physical column of this table, and the column there that has its value: together a key of each
    /// table.
    pub key: Vec<(String, String)>,
    /// What a write of this table writes there besides: a physical column of this table, and the one
    /// there that has its value. Nothing while only one of the two is written.
    pub copies: Vec<(String, String)>,
    /// Whether each row of this table needs one there, which is then there already.
    pub is_parent: bool,
    /// What becomes of the row there when that of this table is deleted.
    pub end: End,
    /// The column there that tells whether a row of it has a part of this table's.
    pub mark: Option<String>,
    /// The column of this table that tells whether a row of it has one there. `None`: each has.
    pub present: Option<String>,
}

/// What becomes of a row beside when the table's own row is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A foreign key sees to it.
    Cascades,
    /// Its part there goes back to the defaults: the rest is other tables'.
    IsReset,
    /// It is deleted by the same statement.
    IsDeleted,
}

impl Lens {
    /// These columns of a table, of which nothing else is known: it stands alone, and who cannot be understood is refused.
    #[must_use]
    pub fn of(relation: RelationName, columns: Vec<LogicalColumn>) -> Self {
        Self {
            relation,
            columns,
            hidden: Vec::new(),
            hidden_exists: false,
            opaque: OpaquePolicy::Refuse,
            migrations: Vec::new(),
            names: Arc::default(),
            views: BTreeSet::new(),
            halving_views: BTreeSet::new(),
            stands_as: None,
            beside: Vec::new(),
            over: None,
            among: None,
            inserts: None,
            read_as: None,
        }
    }

    /// The logical column of that name, shown or not.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&LogicalColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a write of some column no longer reaches the table itself.
    #[must_use]
    pub fn is_apart(&self) -> bool {
        self.columns.iter().any(LogicalColumn::is_apart)
    }

    /// The columns whose defaults must be spelled out, since they are not those of all that is written.
    pub fn defaulted(&self) -> impl Iterator<Item = &LogicalColumn> {
        let is_shown = |column: &LogicalColumn| {
            let mut puts = self.shown().flat_map(|shown| &shown.put);
            puts.any(|put| column.put.iter().any(|own| own.column == put.column))
        };
        let meant = move |column: &&LogicalColumn| column.shown || !is_shown(column);
        self.columns.iter().filter(|column| !column.default_is_shared).filter(meant)
    }

    /// Whether a write of this column of the table itself has to reach another table too.
    #[must_use]
    pub fn is_copied(&self, column: &LogicalColumn) -> bool {
        let mut copies = self.beside.iter().flat_map(|beside| &beside.copies);
        copies
            .any(|(own, _)| column.put.iter().any(|put| put.beside.is_none() && put.column == *own))
    }

    /// The table whose columns stand for its own where rows are locked or written.
    #[must_use]
    pub fn physical(&self) -> &RelationName {
        let over = self.over.as_ref().map(|over| &over.relation);
        let among = || self.among.as_ref().map(|among| &among.relation);
        over.or_else(among).unwrap_or(&self.relation)
    }

    /// Whether what is read of it stands in other tables alone.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.read_as.is_some() || self.among.is_some()
    }

    /// Whether its rows are as yet those of the tables beside, taken together, and what is written of it is
    /// written there first.
    #[must_use]
    pub fn is_gathered(&self) -> bool {
        self.read_as.is_some() && !self.beside.is_empty()
    }

    /// Whether only a query shows its rows and no others.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.read_as.is_some() || self.among.as_ref().is_some_and(|among| among.present.is_some())
    }

    /// ` WHERE segue_own.has_email`: what tells its rows from the others of the table that holds them.
    #[must_use]
    pub fn only_present(&self, qualifier: &str) -> String {
        let present = self.among.as_ref().and_then(|among| among.present.as_ref());
        let condition = present.map(|column| format!(" WHERE {qualifier}{}", name::quoted(column)));
        condition.unwrap_or_default()
    }

    /// Whether its rows are parts of another table's, or another's of its own, or will be.
    #[must_use]
    pub fn is_merged(&self) -> bool {
        let ends = |beside: &Beside| beside.end != End::Cascades;
        self.among.is_some() || self.read_as.is_some() || self.beside.iter().any(ends)
    }

    /// The tables beside that hold what the table itself does not, by their places.
    #[must_use]
    pub fn places_apart(&self) -> Vec<usize> {
        // What stands for it in another table is no half of it.
        let puts = |column: &LogicalColumn| match self.over {
            Some(_) => column.put.first().and_then(|first| first.beside).into_iter().collect(),
            None => column.put.iter().filter_map(|it| it.beside).collect::<Vec<usize>>(),
        };
        let held = self.columns.iter().flat_map(puts);
        let mut places: Vec<usize> = held.collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The columns that `*`, whole rows and column-less INSERTs mean, in order.
    pub fn shown(&self) -> impl Iterator<Item = &LogicalColumn> {
        self.columns.iter().filter(|column| column.shown)
    }
}

/// One name that a client may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalColumn {
    /// The name as the client writes it.
    pub name: String,
    /// Whether `*`, whole rows and column-less INSERTs include it.
    pub shown: bool,
    /// What a read of it reads.
    pub get: Access,
    /// What is read instead where a row is locked or written, if that is something else: another
    /// table's row would be seen as it was when the statement began.
    pub held: Option<Access>,
    /// What a write of it writes, in the order it is written. The first stands where the client
    /// wrote the column's name.
    pub put: Vec<Access>,
    /// `format_type`, with its modifier.
    pub type_name: String,
    /// `format_type` without typmod, for casts that keep a parameter's type.
    pub base_type: String,
    /// The type to which any value may be cast before it is stored: a cast to a domain over
    /// `varchar(3)` would cut what the column refuses.
    pub uncut_type: String,
    /// What makes of a value what the column stores, where a value of that type may be another one: it is
    /// rounded, loses blanks, or is too long.
    pub fitted: Option<Template>,
    /// What an INSERT that leaves it out stores, if not NULL.
    pub default: Option<ColumnDefault>,
    /// The physical column that has this default itself.
    pub default_of: String,
    /// Whether all columns in `put` have that default themselves, so leaving it out is enough.
    pub default_is_shared: bool,
    /// `GENERATED ALWAYS AS (…) STORED`: COPY without a column list leaves it out.
    pub generated: bool,
    /// An identity column: its default cannot be written as an expression.
    pub identity: bool,
    /// The migration that governs this column, if any.
    pub migration: Option<String>,
}

impl LogicalColumn {
    /// Whether only another table holds it.
    #[must_use]
    pub fn is_apart(&self) -> bool {
        self.put.iter().any(|access| access.beside.is_some())
    }

    /// The physical column that holds it in a table beside, by that one's place, or in the table itself.
    #[must_use]
    pub fn in_table(&self, beside: Option<usize>) -> Option<&str> {
        let found = self.put.iter().find(|access| access.beside == beside);
        found.map(|access| access.column.as_str())
    }

    /// Whether both are names of one value, which a table holds once or in several columns.
    #[must_use]
    pub fn is_one_with(&self, other: &Self) -> bool {
        let is_put = |put: &Access| {
            let mut all = other.put.iter();
            all.any(|its| (its.beside, &its.column) == (put.beside, &put.column))
        };
        self.name == other.name || self.put.iter().any(is_put)
    }

    /// A value that is written by this name, as it is read by another one.
    #[must_use]
    pub fn read_as(&self, other: &Self, value: &str) -> String {
        let own = other.own();
        let mut puts = self.put.iter();
        let put = puts.find(|put| (put.beside, &put.column) == (own.beside, &own.column));
        let Some(put) = put.filter(|_| self.name != other.name) else { return value.to_owned() };
        let stored = put.written(value);
        match &own.through {
            Some(through) => through.around(&format!("({stored})")),
            None => stored,
        }
    }

    /// A value of the client's as the column stores it: rounded, padded, or an error where it is too long.
    #[must_use]
    pub fn stores(&self, value: &str) -> String {
        match &self.fitted {
            Some(fitted) => format!("({})", fitted.around(value)),
            None => format!("({value})::{}", self.uncut_type),
        }
    }

    /// How often a value that is written to it stands in what is stored.
    #[must_use]
    pub fn uses(&self) -> usize {
        self.put.iter().map(Access::uses).sum()
    }

    /// What is read of the table itself, where it is written too.
    #[must_use]
    pub fn own(&self) -> &Access {
        self.held.as_ref().unwrap_or(&self.get)
    }

    /// Whether the name and the one physical column behind it are the same for reads and writes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.get.is(&self.name) && matches!(self.put.as_slice(), [only] if only.is(&self.name))
    }
}

/// One side of a logical column: a physical column, and how a value changes on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The physical column.
    pub column: String,
    /// The table beside that has it, by its place in [`Lens::beside`]. `None`: the table itself.
    pub beside: Option<usize>,
    /// What becomes of the value: of the physical column's in a read, of the client's in a write.
    /// `None`: nothing.
    pub through: Option<Template>,
    /// What becomes of a parameter instead, which has the client's own type already.
    pub of_parameter: Option<Template>,
}

impl Access {
    /// The column as it is.
    pub fn plain(column: impl Into<String>) -> Self {
        Self { column: column.into(), beside: None, through: None, of_parameter: None }
    }

    /// Whether it is this column of the table itself as it is.
    #[must_use]
    pub fn is(&self, column: &str) -> bool {
        self.beside.is_none() && self.through.is_none() && self.column == column
    }

    /// SQL text of what is stored for `value`, a text that can stand between brackets.
    #[must_use]
    pub fn written(&self, value: &str) -> String {
        self.through.as_ref().map_or_else(|| value.to_owned(), |through| through.around(value))
    }

    /// How often the value stands in what is stored.
    #[must_use]
    pub fn uses(&self) -> usize {
        self.through.as_ref().map_or(1, |through| through.parts.len().saturating_sub(1))
    }

    /// SQL text that reads it; `qualifier` ends with a dot or is empty.
    #[must_use]
    pub fn read(&self, qualifier: &str) -> String {
        let column = format!("{qualifier}{}", name::quoted(&self.column));
        self.through.as_ref().map_or_else(|| column.clone(), |through| through.around(&column))
    }
}

/// An SQL expression over one value, which stands in it once or several times.
///
/// Sound: it is deterministic, needs no brackets around it but before `.` and `[`, and means the
/// same under every search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The text before the value, between its uses, and behind it.
    parts: Vec<String>,
}

impl Template {
    /// The expression whose text is `parts`, with the value between each two of them.
    #[must_use]
    pub fn new(parts: Vec<String>) -> Self {
        Self { parts }
    }

    /// The text before the value, between its uses, and behind it.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The expression over `value`, a text that can stand between brackets.
    #[must_use]
    pub fn around(&self, value: &str) -> String {
        self.parts.join(value)
    }

    /// This expression over the result of `inner`.
    #[must_use]
    pub fn of(&self, inner: &Self) -> Self {
        let (Some((first, rest)), Some((last, begin))) =
            (inner.parts.split_first(), inner.parts.split_last())
        else {
            return self.clone();
        };
        let mut parts: Vec<String> = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            if index == 0 {
                parts.push(part.clone());
                continue;
            }
            if let Some(open) = parts.last_mut() {
                open.push_str(first);
            }
            if begin.is_empty() {
                // It does not use its value: one text.
                if let Some(open) = parts.last_mut() {
                    open.push_str(part);
                }
                continue;
            }
            parts.extend(rest.iter().take(rest.len().saturating_sub(1)).cloned());
            parts.push(format!("{last}{part}"));
        }
        Self { parts }
    }
}

/// What becomes of a statement that names a governed table but cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpaquePolicy {
    /// It can do no harm: send it as it is, and count it.
    Forward,
    /// It could read or write the wrong side: refuse it.
    Refuse,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(parts: &[&str]) -> Template {
        Template::new(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    #[test]
    fn a_template_of_another_puts_it_at_each_use() {
        let lower = template(&["lower(", ")"]);
        let twice = template(&["", " || ", ""]);
        assert_eq!(lower.of(&twice).around("x"), "lower(x || x)");
        assert_eq!(twice.of(&lower).around("x"), "lower(x) || lower(x)");
        assert_eq!(twice.of(&twice).around("x"), "x || x || x || x");
        assert_eq!(lower.of(&template(&["1"])).around("x"), "lower(1)");
        assert_eq!(template(&["1"]).of(&lower).around("x"), "1");
    }
}
