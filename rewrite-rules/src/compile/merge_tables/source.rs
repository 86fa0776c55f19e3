//! What a client means by the name of one of the tables that are merged.

use std::sync::Arc;

use crate::catalog::{Column, Key, Relation, RelationName};
use crate::compile::table::key_of;
use crate::compile::{TypeName, plain, views};
use crate::lens::{Access, Among, Beside, End, Lens, LogicalColumn};
use crate::naming::{Names, TableNames, Taken};
use crate::phase::Phase;
use crate::rule::{MergeSource, MergeTables};

use super::Subject;

/// One of them beside what the catalog says of it.
pub(super) struct Source<'a> {
    merge: &'a MergeTables,
    pub(super) source: &'a MergeSource,
    pub(super) relation: RelationName,
    /// It, or what it must have been.
    pub(super) table: Relation,
    /// Whether it is still there.
    pub(super) exists: bool,
}

/// Which table is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Own,
    New,
    Both,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        merge: &'a MergeTables,
        source: &'a MergeSource,
        relation: RelationName,
        table: &Relation,
    ) -> Self {
        Self { merge, source, relation, table: table.clone(), exists: true }
    }

    /// One that is dropped: its columns are told by those of the new table.
    pub(super) fn gone(
        merge: &'a MergeTables,
        source: &'a MergeSource,
        relation: RelationName,
        new: &Relation,
    ) -> Self {
        let pairs: Vec<(&str, &str)> = merge.pairs_of(source).collect();
        let count = u16::try_from(pairs.len()).unwrap_or(u16::MAX);
        let columns = pairs.iter().zip(1..).filter_map(|((own, its), at)| {
            let number = source.positions.get(*own).copied().unwrap_or(at);
            Some(Column { name: (*own).to_owned(), number, ..new.column(its)?.clone() })
        });
        let mut columns: Vec<Column> = columns.collect();
        columns.sort_by_key(|column| column.number);
        let key = merge.key_of(source).map(|(own, _)| own.to_owned());
        let name = format!("{}_pkey", relation.name);
        let key = Key { name, primary: true, constraint: true, columns: key.collect() };
        let table = Relation {
            columns,
            attribute_count: count,
            keys: vec![key],
            building: Vec::new(),
            conditional: Vec::new(),
            children: Vec::new(),
            oids: crate::catalog::Oids::default(),
            ..new.clone()
        };
        Self { merge, source, relation, table, exists: false }
    }

    /// Each column of its key with that of the new table's.
    pub(super) fn key(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.merge.key_of(self.source)
    }

    /// Each of its columns with that of the new table.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.merge.pairs_of(self.source)
    }

    pub(super) fn lens(&self, subject: &Subject<'_>) -> Option<Lens> {
        let (into, new) = subject.into.as_ref()?;
        let (written, beside) = match subject.rule.phase {
            Phase::DualWrite => (Written::Own, vec![self.there(into)]),
            Phase::SwitchReads => (Written::Both, vec![self.back(false)]),
            Phase::StopDualWrite | Phase::Contract => (Written::New, Vec::new()),
            // The others have no such phase.
            Phase::Expand | Phase::Backfill | Phase::Enforce => return None,
        };
        let lens = Lens {
            migrations: vec![subject.rule.name.clone()],
            names: Arc::new(self.names(into, new)),
            views: views::over(&self.table, subject.catalog),
            beside,
            ..Lens::of(self.relation.clone(), self.columns(new, written))
        };
        match written {
            Written::Own => Some(lens),
            Written::New | Written::Both => Some(self.part(lens, into, new)),
        }
    }

    /// Its part of the new table.
    fn part(&self, lens: Lens, into: &RelationName, new: &Relation) -> Lens {
        let is_shown = |name: &str| self.pairs().any(|(own, its)| own == name && its == name);
        let names = new.columns.iter().map(|column| column.name.clone());
        let hidden: Vec<String> = names.filter(|name| !is_shown(name)).collect();
        let among = Among {
            relation: into.clone(),
            key: self.key().map(|(_, its)| its.to_owned()).collect(),
            part: self.source.columns.pairs().map(|(_, its)| its.to_owned()).collect(),
            present: self.source.present.clone(),
        };
        let lens = Lens { hidden_exists: !hidden.is_empty(), hidden, among: Some(among), ..lens };
        let mut columns = self.columns(new, Written::New);
        columns.extend(self.mark(new));
        let beside = lens.beside.iter().map(|_| self.back(true)).collect();
        let inserts = Box::new(Lens { columns, beside, ..lens.clone() });
        Lens { inserts: Some(inserts), ..lens }
    }

    fn columns(&self, new: &Relation, written: Written) -> Vec<LogicalColumn> {
        let its = |own: &str| self.pairs().find(|(name, _)| *name == own).map(|(_, its)| its);
        let column = |column: &Column| {
            let Some(counterpart) = its(&column.name) else {
                // Somebody has added it since: while the table itself is read it is a column as any other.
                return (written == Written::Own).then(|| plain(column));
            };
            Some(self.column(column, new.column(counterpart)?, written))
        };
        self.table.columns.iter().filter_map(column).collect()
    }

    fn column(&self, own: &Column, its: &Column, written: Written) -> LogicalColumn {
        let there = Access::plain(&its.name);
        let back = Access { beside: Some(0), ..Access::plain(&own.name) };
        let (get, put) = match written {
            Written::Own => return plain(own),
            Written::New => (there.clone(), vec![there]),
            Written::Both => (there.clone(), vec![there, back]),
        };
        let text = |column: &Column| column.default.as_ref().map(|it| it.expression.clone());
        LogicalColumn {
            get,
            put,
            default_of: its.name.clone(),
            default_is_shared: text(own) == text(its),
            ..plain(own)
        }
    }

    /// What an INSERT writes besides: no client can name it.
    fn mark(&self, new: &Relation) -> Option<LogicalColumn> {
        let column = new.column(self.source.present.as_ref()?)?;
        let default = crate::catalog::ColumnDefault {
            expression: "true".to_owned(),
            volatility: crate::catalog::Volatility::Immutable,
        };
        Some(LogicalColumn {
            name: format!("segue present {}", column.name),
            shown: false,
            get: Access::plain(&column.name),
            put: vec![Access::plain(&column.name)],
            default: Some(default),
            default_is_shared: false,
            uncut_type: TypeName::of(column).uncut(),
            ..plain(column)
        })
    }

    /// The new table, from where this one stands.
    fn there(&self, into: &RelationName) -> Beside {
        let owned = |(own, its): (&str, &str)| (own.to_owned(), its.to_owned());
        Beside {
            relation: into.clone(),
            key: self.key().map(owned).collect(),
            copies: self.source.columns.pairs().map(owned).collect(),
            is_parent: false,
            end: End::IsReset,
            mark: self.source.present.clone(),
            present: None,
        }
    }

    /// This table, from where the new one stands.
    pub(super) fn back(&self, is_carried: bool) -> Beside {
        let turned = |(own, its): (&str, &str)| (its.to_owned(), own.to_owned());
        let copies = self.source.columns.pairs().filter(|_| is_carried).map(turned);
        Beside {
            relation: self.relation.clone(),
            key: self.key().map(turned).collect(),
            copies: copies.collect(),
            is_parent: false,
            end: End::IsDeleted,
            mark: None,
            present: None,
        }
    }

    /// What is of the new table is to a client of this one.
    fn names(&self, into: &RelationName, new: &Relation) -> Names {
        let mut constraints: Vec<(String, String)> =
            (self.source.constraints.iter()).map(|(old, new)| (new.clone(), old.clone())).collect();
        if let Some(pair) = self.key_constraints(new) {
            constraints.extend(Some(pair).filter(|(its, _)| {
                !self.source.constraints.values().any(|declared| declared == its)
            }));
        }
        let part = TableNames {
            relation: into.clone(),
            client: self.relation.clone(),
            columns: self.pairs().map(|(own, its)| (its.to_owned(), own.to_owned())).collect(),
            constraints,
            key: None,
        };
        Names {
            tables: vec![TableNames::itself(&self.relation, &self.table), part],
            taken: self.taken(into, new).into_iter().collect(),
        }
    }

    /// How it shows that a row is there already.
    fn taken(&self, into: &RelationName, new: &Relation) -> Option<Taken> {
        let columns: Vec<&str> = self.key().map(|(own, _)| own).collect();
        let its: Vec<&str> = self.key().map(|(_, its)| its).collect();
        let begins = new.columns.iter().map(|column| column.name.as_str()).take(its.len()).eq(its);
        // A value of another type may have a comma in it.
        let numbers = ["integer", "bigint", "smallint", "uuid"];
        let is_told = |own: &&&str| {
            let column = self.table.column(own);
            column.is_some_and(|column| numbers.contains(&column.type_name.as_str()))
        };
        let is_told = begins && columns.iter().filter(is_told).count() == columns.len();
        Some(Taken {
            relation: into.name.clone(),
            column: self.source.present.clone()?,
            constraint: key_of(&self.table, &columns)?,
            client_schema: self.relation.schema.clone(),
            client_relation: self.relation.name.clone(),
            key: columns.into_iter().filter(|_| is_told).map(str::to_owned).collect(),
        })
    }

    /// The keys' constraints need no telling while both are there.
    pub(super) fn key_constraints(&self, new: &Relation) -> Option<(String, String)> {
        let own = key_of(&self.table, &self.key().map(|(own, _)| own).collect::<Vec<&str>>())?;
        let its = key_of(new, &self.key().map(|(_, its)| its).collect::<Vec<&str>>())?;
        Some((its, own))
    }
}
