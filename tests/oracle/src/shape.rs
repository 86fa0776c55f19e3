//! What the migrations mean, from the rules and the catalog alone: the shape that a client speaks,
//! and what a read or a write of each of its columns must become.
//!
//! Written from the specification, not from the rewriting's lenses. A new kind of migration adds
//! its arm to [`Governed::change`]; what it reads and writes are formulas, so nothing else changes.

use std::sync::Arc;

use rewrite_rules::catalog::{Catalog, Column, ColumnDefault, Relation, RelationName, Volatility};
use rewrite_rules::rule::{AddedColumn, Change, ColumnPair};
use rewrite_rules::shape::Shape as Speaks;
use rewrite_rules::{Phase, Rule};

use crate::conversion::{Between, column_reference};
use crate::tables::{self, Joint, Place};
use crate::tree::{self, Tree};

/// The value in a formula of [`Logical::writes`].
pub const VALUE: &str = "$1";

/// The tables of a database in one phase of its migrations.
#[derive(Debug)]
pub struct Shape {
    /// The tables that a migration names.
    pub governed: Vec<Governed>,
    /// Everything that exists.
    pub catalog: Arc<Catalog>,
    /// Migrations over more than one table.
    pub joints: Vec<Joint>,
}

/// A table that a migration names.
#[derive(Debug, Clone)]
pub struct Governed {
    /// Its name.
    pub relation: RelationName,
    /// The names that a client may use: first those that `*` shows, in order.
    pub columns: Vec<Logical>,
    /// The columns that exist, in order.
    pub physical: Vec<Column>,
    /// The highest number that a column ever had.
    pub attributes: u16,
    /// Columns of unique indexes and constraints, by name.
    pub keys: Vec<(String, Vec<String>)>,
    /// The same of those that are gone, by the names of old, where a successor is declared.
    pub successors: Vec<(String, Vec<String>)>,
    /// Where its rows are read, if not in itself.
    pub place: Place,
    /// Which of [`Shape::joints`] it is a table of.
    pub joint: Option<usize>,
    /// It as it stands, where its rows are read in another table.
    pub twin: Option<usize>,
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
    /// What a write must assign.
    pub writes: Vec<Write>,
    /// Its type.
    pub type_name: String,
    /// Its type without typmod.
    pub base_type: String,
    /// What an INSERT that leaves it out stores, if not NULL, as an expression.
    pub default: Option<Tree>,
    /// That expression as text.
    pub default_text: Option<String>,
    /// Whether that may differ each time.
    pub default_varies: bool,
    /// The physical column that has this default itself.
    pub default_of: String,
}

/// What a write of a logical column assigns to one physical column.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The physical column.
    pub column: String,
    /// An expression over [`VALUE`].
    pub formula: Tree,
    /// Whether NULL gives NULL.
    pub keeps_null: bool,
}

impl Write {
    /// The value as it is.
    pub(crate) fn plain(column: &str) -> Result<Self, String> {
        let formula = tree::expression(VALUE)?;
        Ok(Self { column: column.to_owned(), formula, keeps_null: true })
    }
}

impl Logical {
    /// A column as it stands.
    pub(crate) fn plain(column: &Column) -> Result<Self, String> {
        let default = column.default.as_ref().map(|it| tree::expression(&it.expression));
        Ok(Self {
            name: column.name.clone(),
            shown: true,
            read: column_reference(&column.name)?,
            writes: vec![Write::plain(&column.name)?],
            type_name: column.type_name.clone(),
            base_type: column.base_type.clone(),
            default: default.transpose()?,
            default_text: column.default.as_ref().map(|it| it.expression.clone()),
            default_varies: varies(column.default.as_ref()),
            default_of: column.name.clone(),
        })
    }

    /// Whether it is read from one physical column as it is; gives that column's name.
    #[must_use]
    pub fn read_column(&self) -> Option<String> {
        self.read.bare_column()
    }

    /// What a write of it assigns to that physical column.
    #[must_use]
    pub fn write(&self, physical: &str) -> Option<&Write> {
        self.writes.iter().find(|write| write.column == physical)
    }

    /// What stands for DEFAULT where it must be spelled out: its tree, or NULL's.
    #[must_use]
    pub fn default_value(&self) -> Option<Tree> {
        self.default.clone().or_else(|| tree::expression("NULL").ok())
    }
}

fn varies(default: Option<&ColumnDefault>) -> bool {
    default.is_some_and(|default| default.volatility == Volatility::Volatile)
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

    fn physical_column(&self, name: &str) -> Option<&Column> {
        self.physical.iter().find(|column| column.name == name)
    }

    /// Whether this physical column gets what it should for `column` if nothing is written to it.
    #[must_use]
    pub fn defaults_by_itself(&self, column: &Logical, physical: &str) -> bool {
        if column.default_varies && column.writes.len() > 1 {
            return false;
        }
        if physical == column.default_of {
            return true;
        }
        let own = self.physical_column(physical).and_then(|column| column.default.as_ref());
        let own = own.and_then(|default| tree::expression(&default.expression).ok());
        let Some(write) = column.write(physical) else { return true };
        match write.formula.is("ParamRef") {
            true => own == column.default,
            false => own.is_none() && column.default.is_none() && write.keeps_null,
        }
    }

    fn change(&mut self, change: &Change, phase: Phase, speaks: Speaks) -> Result<(), String> {
        if let Change::BackfillColumn(added) = change {
            self.added(added, speaks);
        }
        let Some(pair) = change.pair() else { return Ok(()) };
        let (from, to) =
            (self.physical_column(&pair.from).cloned(), self.physical_column(&pair.to).cloned());
        match change {
            Change::BackfillColumn(_) | Change::SplitTable(_) | Change::MergeTables(_) => Ok(()),
            Change::RenameColumn(pair) | Change::RenameInPlace(pair) => {
                let between = Between::same(pair)?;
                self.pair(pair, &between, (from.as_ref(), to.as_ref()), phase, speaks)
            }
            Change::ChangeColumn { columns, up, down, from_type } => {
                let sides = (from.as_ref(), to.as_ref());
                let between = Between::new(
                    columns,
                    sides,
                    [up, down].map(|it| it.as_deref()),
                    from_type.as_deref(),
                )?;
                self.pair(columns, &between, sides, phase, speaks)
            }
        }
    }

    /// A column that a client of the old shape does not know, unless it names it.
    fn added(&mut self, added: &AddedColumn, speaks: Speaks) {
        let at = self.columns.iter().position(|column| column.name == added.column);
        // Before it is there the name means nothing.
        let Some(at) = at.filter(|_| speaks == Speaks::Old) else { return };
        let column = self.columns.remove(at);
        self.columns.push(Logical { shown: false, ..column });
    }

    /// One value in two columns: section 4 of the specification.
    fn pair(
        &mut self,
        pair: &ColumnPair,
        between: &Between,
        (from, to): (Option<&Column>, Option<&Column>),
        phase: Phase,
        speaks: Speaks,
    ) -> Result<(), String> {
        let (old, new) = (Write::plain(&pair.from)?, Write::plain(&pair.to)?);
        let up = Write {
            column: pair.to.clone(),
            formula: between.up_of_value.clone(),
            keeps_null: between.keeps_null,
        };
        let down = Write {
            column: pair.from.clone(),
            formula: between.down_of_value.clone(),
            keeps_null: between.keeps_null,
        };
        let reads_old = phase < Phase::SwitchReads;
        let writes_old = phase < Phase::StopDualWrite;
        let writes_new = phase > Phase::Expand;
        let written = |own: Write, other: Write, both: bool| match both {
            true => vec![own, other],
            false => vec![own],
        };
        let both = writes_old && writes_new;
        let old_writes = if writes_old { written(old, up, both) } else { vec![up] };
        let new_writes = if writes_new { written(new, down, both) } else { vec![down] };
        // What is left out has the default of the side that is the truth.
        let side = if writes_old { from.or(to) } else { to.or(from) };
        let side = side.ok_or("neither column exists")?;
        let own = side.default.as_ref().map(|it| tree::expression(&it.expression)).transpose()?;
        let of_other = |formula: &Tree| own.as_ref().map(|it| tree::with_columns(formula, it));
        let (old_default, new_default) = match writes_old {
            true => (own.clone(), of_other(&between.up_of_column)),
            false => (of_other(&between.down_of_column), own.clone()),
        };
        let logical = |name: &str, read: Tree, writes, default, base_type: &str| Logical {
            type_name: base_type.to_owned(),
            default_text: side.default.as_ref().map(|it| it.expression.clone()),
            name: name.to_owned(),
            shown: false,
            read,
            writes,
            base_type: base_type.to_owned(),
            default,
            default_varies: varies(side.default.as_ref()),
            default_of: if writes_old { pair.from.clone() } else { pair.to.clone() },
        };
        let present = side.base_type.as_str();
        let from_base = from.map(|it| it.base_type.as_str()).or(between.from_base.as_deref());
        let to_base = to.map(|it| it.base_type.as_str());
        let (from_read, to_read) = match reads_old {
            true => (column_reference(&pair.from)?, between.up_of_column.clone()),
            false => (between.down_of_column.clone(), column_reference(&pair.to)?),
        };
        let from_base = from_base.unwrap_or(present);
        let old = logical(&pair.from, from_read, old_writes, old_default, from_base);
        let new = logical(&pair.to, to_read, new_writes, new_default, to_base.unwrap_or(present));
        let full = |column: Option<&Column>, known: Option<&str>| {
            let known = known.unwrap_or(&side.type_name).to_owned();
            column.map_or(known, |column| column.type_name.clone())
        };
        let old = Logical { type_name: full(from, between.from_full.as_deref()), ..old };
        let new = Logical { type_name: full(to, None), ..new };
        self.place(pair, old, new, speaks);
        Ok(())
    }

    /// Puts both names where `*` shows them to a client of that shape, or hides them.
    fn place(&mut self, pair: &ColumnPair, old: Logical, new: Logical, speaks: Speaks) {
        let at = |columns: &[Logical], name: &str| {
            let shown = columns.iter().take_while(|column| column.shown);
            shown.enumerate().find(|(_, column)| column.name == name).map(|(at, _)| at)
        };
        let (shown, hidden) = match speaks {
            Speaks::Old => (old, new),
            Speaks::New => (new, old),
        };
        let own = at(&self.columns, &shown.name);
        self.columns.retain(|column| column.name != hidden.name && column.name != shown.name);
        let count = self.shown().count();
        let place = match speaks {
            Speaks::New => own.map(|at| self.before(&pair.to).unwrap_or(at)),
            Speaks::Old => pair
                .position
                .map(|position| usize::from(position) - 1)
                .or_else(|| own.map(|at| self.before(&pair.from).unwrap_or(at)))
                .or_else(|| self.gap()),
        };
        let place = place.unwrap_or(count).min(count);
        self.columns.insert(place, Logical { shown: true, ..shown });
        self.columns.push(Logical { shown: false, ..hidden });
    }

    /// How many of the shown columns stand before an existing one.
    fn before(&self, name: &str) -> Option<usize> {
        let own = self.physical_column(name)?.number;
        Some(self.before_number(own))
    }

    /// How many of the shown columns stand before the one dropped column.
    fn gap(&self) -> Option<usize> {
        match self.missing().as_slice() {
            [gap] => Some(self.before_number(*gap)),
            _ => None,
        }
    }

    /// For each dropped column how many stand before it, dropped ones included.
    pub(crate) fn gaps(&self) -> Vec<usize> {
        let place = |number: &u16| usize::from(*number) - 1;
        self.missing().iter().map(place).collect()
    }

    /// The numbers of dropped columns.
    fn missing(&self) -> Vec<u16> {
        let taken: Vec<u16> = self.physical.iter().map(|column| column.number).collect();
        (1..=self.attributes).filter(|number| !taken.contains(number)).collect()
    }

    fn before_number(&self, number: u16) -> usize {
        let earlier = |column: &&Logical| {
            self.physical_column(&column.name).is_some_and(|it| it.number < number)
        };
        self.shown().filter(earlier).count()
    }
}

impl Shape {
    /// What `rules` mean, each in its own phase, for a database that looks like `catalog`, to a
    /// client that speaks one of the shapes.
    ///
    /// # Errors
    /// A rule on a table or column that is not there.
    pub fn new(rules: &[Rule], catalog: &Arc<Catalog>, speaks: Speaks) -> Result<Self, String> {
        let mut shape =
            Self { governed: Vec::new(), catalog: Arc::clone(catalog), joints: Vec::new() };
        for rule in rules {
            if let Some(joint) = Joint::new(rule)? {
                tables::add(&mut shape, rule, &joint, speaks)?;
                continue;
            }
            let tables = rule.change.tables().into_iter().map(named);
            let mut tables = tables.collect::<Result<Vec<_>, String>>()?;
            // What a table's children inherit is migrated with it.
            let mut at = 0;
            while let Some(table) = tables.get(at).cloned() {
                let known = catalog.relation(&table).ok_or("no such table")?;
                tables.extend(known.children.iter().cloned());
                let found = shape.governed.iter().position(|it| it.relation == table);
                let index = match found {
                    Some(index) => index,
                    None => shape.add(table, known)?,
                };
                let governed = shape.governed.get_mut(index).ok_or("no table")?;
                governed.change(&rule.change, rule.phase, speaks)?;
                let pair = rule.change.pair();
                for (gone, successor) in pair.into_iter().flat_map(|pair| &pair.constraints) {
                    let key = |name: &String| known.keys.iter().find(|key| key.name == *name);
                    if let (None, Some(key)) = (key(gone), key(successor)) {
                        governed.successors.push((gone.clone(), key.columns.clone()));
                    }
                }
                at += 1;
            }
        }
        Ok(shape)
    }

    /// Adds a table that does not exist.
    pub(crate) fn add_absent(&mut self, relation: RelationName) -> usize {
        self.governed.push(Governed {
            relation,
            columns: Vec::new(),
            physical: Vec::new(),
            attributes: 0,
            keys: Vec::new(),
            successors: Vec::new(),
            place: Place::default(),
            joint: None,
            twin: None,
        });
        self.governed.len() - 1
    }

    /// Adds a table as it stands.
    pub(crate) fn add(
        &mut self,
        relation: RelationName,
        known: &Relation,
    ) -> Result<usize, String> {
        let columns: Result<Vec<Logical>, String> =
            known.columns.iter().map(Logical::plain).collect();
        self.governed.push(Governed {
            columns: columns?,
            physical: known.columns.clone(),
            attributes: known.attribute_count,
            keys: known.keys.iter().map(|key| (key.name.clone(), key.columns.clone())).collect(),
            successors: Vec::new(),
            place: Place::default(),
            joint: None,
            twin: None,
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
pub(crate) fn named(written: &str) -> Result<RelationName, String> {
    let statements = tree::parse(&format!("SELECT FROM {written}"))?;
    let range = statements.first().and_then(|select| select.list("from_clause").first());
    let range = range.ok_or_else(|| format!("no table: {written}"))?;
    let schema = match range.text("schemaname") {
        "" => "public",
        schema => schema,
    };
    Ok(RelationName::new(schema, range.text("relname")))
}
