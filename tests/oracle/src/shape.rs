//! What the migrations mean, from the rules and the catalog alone: the old shape that a client
//! speaks, and what a read or a write of each of its columns must become.
//!
//! Written from the specification, not from the rewriting's lenses. A new kind of migration adds
//! its arm to [`Governed::change`]; what it reads and writes are formulas, so nothing else changes.

use rewrite_rules::catalog::{Catalog, Column, ColumnDefault, RelationName, Volatility};
use rewrite_rules::rule::Change;
use rewrite_rules::{Phase, Rule};

use crate::tree::{self, Tree};

/// The value in a formula of [`Logical::writes`].
pub const VALUE: &str = "$1";

/// The tables of a database in one phase of its migrations.
#[derive(Debug)]
pub struct Shape<'c> {
    /// The tables that a migration names.
    pub governed: Vec<Governed>,
    /// Everything that exists.
    pub catalog: &'c Catalog,
}

/// A table that a migration names.
#[derive(Debug)]
pub struct Governed {
    /// Its name.
    pub relation: RelationName,
    /// The names that a client may use: first those that `*` shows, in order.
    pub columns: Vec<Logical>,
    /// The columns that exist, in order.
    pub physical: Vec<Column>,
    /// Columns of unique indexes and constraints, by name.
    pub keys: Vec<(String, Vec<String>)>,
}

/// A name that a client may use for a column.
#[derive(Debug, Clone)]
pub struct Logical {
    /// The name.
    pub name: String,
    /// Whether `*` shows it.
    pub shown: bool,
    /// What a read of it must be, as an expression over physical columns.
    pub read: Tree,
    /// What a write must assign: physical columns, and expressions over [`VALUE`].
    pub writes: Vec<(String, Tree)>,
    /// Its type without typmod.
    pub base_type: String,
    /// What an INSERT that leaves it out stores, if not NULL.
    pub default: Option<ColumnDefault>,
}

impl Logical {
    fn plain(column: &Column) -> Result<Self, String> {
        Ok(Self {
            name: column.name.clone(),
            shown: true,
            read: column_reference(&column.name)?,
            writes: vec![(column.name.clone(), tree::expression(VALUE)?)],
            base_type: column.base_type.clone(),
            default: column.default.clone(),
        })
    }

    /// Whether it is read from one physical column as it is; gives that column's name.
    #[must_use]
    pub fn read_column(&self) -> Option<String> {
        self.read.bare_column()
    }
}

impl Governed {
    /// The column of that name, shown or not.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Logical> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// What `*` shows.
    pub fn shown(&self) -> impl Iterator<Item = &Logical> {
        self.columns.iter().filter(|column| column.shown)
    }

    /// The DEFAULT of a physical column.
    #[must_use]
    pub fn physical_default(&self, name: &str) -> Option<&ColumnDefault> {
        self.physical.iter().find(|column| column.name == name)?.default.as_ref()
    }

    /// What writing DEFAULT to this physical column must be for `column`: nothing to spell out
    /// where the server's own default does it, and every written column gets the same.
    #[must_use]
    pub fn defaults_by_itself(&self, column: &Logical, physical: &str) -> bool {
        let own = self.physical_default(physical);
        let same = own.map(|default| &default.expression)
            == column.default.as_ref().map(|default| &default.expression);
        let repeatable =
            column.default.as_ref().is_none_or(|it| it.volatility != Volatility::Volatile);
        same && (repeatable || column.writes.len() == 1)
    }

    fn change(&mut self, change: &Change, phase: Phase) -> Result<(), String> {
        match change {
            Change::RenameColumn { from, to, position, .. } => {
                self.rename(from, to, *position, phase)
            }
        }
    }

    /// One value under two names.
    fn rename(
        &mut self,
        from: &str,
        to: &str,
        position: Option<u16>,
        phase: Phase,
    ) -> Result<(), String> {
        let physical = |name: &str| self.physical.iter().find(|column| column.name == name);
        let (reads, writes) = match phase {
            Phase::Expand => (from, vec![from]),
            Phase::DualWrite => (from, vec![from, to]),
            Phase::SwitchReads => (to, vec![from, to]),
            Phase::StopDualWrite | Phase::Contract => (to, vec![to]),
        };
        // Its default is that of the side that a client of this phase alone would write.
        let sides = if writes.contains(&from) { [from, to] } else { [to, from] };
        let side = sides.into_iter().find_map(physical).ok_or("neither column exists")?;
        let value = tree::expression(VALUE)?;
        let old = Logical {
            name: from.to_owned(),
            read: column_reference(reads)?,
            writes: writes.into_iter().map(|name| (name.to_owned(), value.clone())).collect(),
            ..Logical::plain(side)?
        };
        self.columns.retain(|column| column.name != to);
        match self.columns.iter().position(|column| column.name == from) {
            Some(at) => self.columns.splice(at..=at, [old.clone()]).for_each(drop),
            None => {
                let shown = self.shown().count();
                let at = position.map_or(shown, |position| usize::from(position) - 1);
                self.columns.insert(at.min(shown), old.clone());
            }
        }
        self.columns.push(Logical { name: to.to_owned(), shown: false, ..old });
        Ok(())
    }
}

/// The tree of an unqualified column.
fn column_reference(name: &str) -> Result<Tree, String> {
    tree::expression(&format!("\"{}\"", name.replace('"', "\"\"")))
}

impl<'c> Shape<'c> {
    /// What `rules` mean, each in its own phase, for a database that looks like `catalog`.
    ///
    /// # Errors
    /// A rule on a table or column that is not there.
    pub fn new(rules: &[Rule], catalog: &'c Catalog) -> Result<Self, String> {
        let mut shape = Self { governed: Vec::new(), catalog };
        for rule in rules {
            let table = match &rule.change {
                Change::RenameColumn { table, .. } => named(table)?,
            };
            let found = shape.governed.iter().position(|governed| governed.relation == table);
            let index = match found {
                Some(index) => index,
                None => shape.add(table)?,
            };
            let governed = shape.governed.get_mut(index).ok_or("no table")?;
            governed.change(&rule.change, rule.phase)?;
        }
        Ok(shape)
    }

    fn add(&mut self, relation: RelationName) -> Result<usize, String> {
        let known = self.catalog.relation(&relation).ok_or("no such table")?;
        let columns: Result<Vec<Logical>, String> =
            known.columns.iter().map(Logical::plain).collect();
        self.governed.push(Governed {
            columns: columns?,
            physical: known.columns.clone(),
            keys: known.keys.iter().map(|key| (key.name.clone(), key.columns.clone())).collect(),
            relation,
        });
        Ok(self.governed.len() - 1)
    }

    /// Whether an expression gives the same however often it is evaluated in one statement.
    #[must_use]
    pub fn may_repeat(&self, expression: &Tree) -> bool {
        expression.nodes().all(|node| match node.tag() {
            "SubLink" => false,
            "FuncCall" => {
                let name = node.names("funcname").pop().unwrap_or_default();
                match self.catalog.functions.get(&name) {
                    Some(Volatility::Immutable | Volatility::Stable) => true,
                    Some(Volatility::Volatile) | None => false,
                }
            }
            _ => true,
        })
    }
}

/// The table that a rule names, read by PostgreSQL.
fn named(written: &str) -> Result<RelationName, String> {
    let statements = tree::parse(&format!("SELECT FROM {written}"))?;
    let range = statements.first().and_then(|select| select.list("from_clause").first());
    let range = range.ok_or_else(|| format!("no table: {written}"))?;
    let schema = match range.text("schemaname") {
        "" => "public",
        schema => schema,
    };
    Ok(RelationName::new(schema, range.text("relname")))
}
