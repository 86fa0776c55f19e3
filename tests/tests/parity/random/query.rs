//! Queries whose result does not depend on a plan: what is ordered is ordered to the last column,
//! and only that is cut off.

use super::Maker;
use super::list::Items;
use super::schema::Type;
use super::scope::{Field, Level};

/// A query.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    pub(super) sql: String,
    pub(super) fields: Vec<Field>,
    /// Whether ORDER BY settles the place of every row.
    pub(super) ordered: bool,
}

/// A SELECT without ORDER BY.
#[derive(Debug, Default)]
struct Select {
    sql: String,
    fields: Vec<Field>,
    /// Whether every column has an order.
    sortable: bool,
    /// Whether its rows depend on their order.
    must_sort: bool,
    /// Expressions that go before the columns in ORDER BY.
    keys: Vec<String>,
    /// Aliases of what may be locked.
    lockable: Vec<String>,
}

/// What makes a SELECT out of rows.
#[derive(Debug, Default)]
struct Shape {
    distinct: String,
    items: Items,
    /// What follows WHERE.
    tail: String,
    must_sort: bool,
    keys: Vec<String>,
    lockable: bool,
}

impl Maker<'_> {
    /// A query whose columns have the wanted types, or any.
    pub(super) fn query(&mut self, want: Option<&[Type]>, depth: usize) -> Made {
        let before = self.ctes.len();
        let with = match depth > 0 && self.choices.chance(12) {
            true => self.with(depth - 1),
            false => String::new(),
        };
        let made = self.body(want, depth);
        self.ctes.truncate(before);
        Made { sql: format!("{with}{}", made.sql), ..made }
    }

    fn with(&mut self, depth: usize) -> String {
        let mut parts = Vec::new();
        for _ in 0..=self.choices.below(2) {
            // A CTE sees nothing of the query around it.
            let levels = std::mem::take(&mut self.levels);
            let made = self.query(None, depth);
            self.levels = levels;
            let name = match self.choices.chance(35) {
                true => self.choices.any_word(self.world.hidden).to_owned(),
                false => self.fresh("w"),
            };
            if self.ctes.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let how = self.choices.word(["", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
            parts.push(format!("{name} AS {how}({})", made.sql));
            self.ctes.push((name, made.fields));
        }
        match parts.is_empty() {
            true => String::new(),
            false => format!("WITH {} ", parts.join(", ")),
        }
    }

    /// A name that nothing has.
    pub(super) fn fresh(&mut self, prefix: &str) -> String {
        self.aliases += 1;
        format!("{prefix}{}", self.aliases)
    }

    pub(super) fn body(&mut self, want: Option<&[Type]>, depth: usize) -> Made {
        let mut select = self.select(want, depth);
        let kinds: Vec<Type> = select.fields.iter().map(|field| field.kind).collect();
        if select.sortable
            && !kinds.is_empty()
            && !kinds.contains(&Type::Other)
            && depth > 0
            && self.choices.chance(10)
        {
            select = self.combined(select, &kinds, depth);
        }
        let sorts = select.sortable && !select.fields.is_empty();
        let ordered = select.must_sort || (sorts && self.choices.chance(60));
        let mut sql = select.sql;
        if ordered {
            sql.push_str(&self.order_by(&select.keys, select.fields.len()));
            if self.choices.chance(25) {
                sql = format!("{sql} LIMIT {}", self.choices.word(["3", "1", "2", "100"]));
            }
            if self.choices.chance(10) {
                sql = format!("{sql} OFFSET {}", self.choices.word(["1", "0", "2"]));
            }
        }
        if self.levels.is_empty() && !select.lockable.is_empty() && self.choices.chance(8) {
            sql.push_str(&self.locks(&select.lockable));
        }
        Made { sql, fields: select.fields, ordered }
    }

    /// The keys, then every column: no two rows that differ are left without an order.
    fn order_by(&mut self, keys: &[String], columns: usize) -> String {
        let mut all: Vec<String> = Vec::new();
        for key in keys {
            all.push(format!("{key}{}", self.choices.word(["", " DESC", " NULLS FIRST"])));
        }
        for position in 1..=columns {
            all.push(format!("{position}{}", self.choices.word(["", "", " DESC"])));
        }
        format!(" ORDER BY {}", all.join(", "))
    }

    fn combined(&mut self, left: Select, kinds: &[Type], depth: usize) -> Select {
        let operator = self.choices.word([
            "UNION ALL",
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "EXCEPT ALL",
            "INTERSECT ALL",
        ]);
        let right = self.select(Some(kinds), depth - 1);
        let mut sides = Vec::new();
        for side in [&left, &right] {
            sides.push(match side.must_sort {
                true => format!("({}{})", side.sql, self.order_by(&side.keys, side.fields.len())),
                false => side.sql.clone(),
            });
        }
        let sql = sides.join(&format!(" {operator} "));
        Select { sql, fields: left.fields, sortable: true, ..Select::default() }
    }

    fn locks(&mut self, aliases: &[String]) -> String {
        let strength = self.choices.word(["UPDATE", "SHARE", "NO KEY UPDATE", "KEY SHARE"]);
        let of = match self.choices.one_of(aliases) {
            Some(alias) if self.choices.chance(50) => format!(" OF {alias}"),
            _ => String::new(),
        };
        format!(" FOR {strength}{of}{}", self.choices.word(["", " SKIP LOCKED", " NOWAIT"]))
    }

    fn select(&mut self, want: Option<&[Type]>, depth: usize) -> Select {
        self.levels.push(Level::default());
        let (from, lockable) = self.from(depth);
        let filter = match self.choices.chance(60) {
            true => format!(" WHERE {}", self.condition(depth.min(2))),
            false => String::new(),
        };
        let shape = match self.choices.below(100) {
            0..=64 => self.plain(want, depth),
            65..=71 => self.distinct(want, depth),
            72..=76 => self.distinct_on(want, depth),
            77..=92 => self.grouped(want),
            _ => Shape { items: self.aggregates(want), ..Shape::default() },
        };
        let Shape { distinct, items, tail, must_sort, keys, .. } = shape;
        let sql = format!("SELECT {distinct}{} FROM {from}{filter}{tail}", items.sql);
        let aliases = self.sources().iter().map(|source| source.alias.clone());
        let lockable = if lockable && shape.lockable { aliases.collect() } else { Vec::new() };
        self.levels.pop();
        Select { sql, fields: items.fields, sortable: items.sortable, must_sort, keys, lockable }
    }

    fn plain(&mut self, want: Option<&[Type]>, depth: usize) -> Shape {
        let mut items = self.items(want, depth.min(2));
        let windows = want.is_none() && self.choices.chance(15);
        if windows {
            items.extend(self.window());
        }
        let named = items.sql.contains(" OVER wd");
        let tail = match self.key().filter(|_| named) {
            Some((key, _)) => format!(" WINDOW wd AS (PARTITION BY {key})"),
            None if named => " WINDOW wd AS ()".to_owned(),
            None => String::new(),
        };
        let mut keys = Vec::new();
        if self.choices.chance(25) {
            keys.extend(self.key().map(|(key, _)| key));
        }
        Shape { items, tail, keys, lockable: !windows, ..Shape::default() }
    }

    fn distinct(&mut self, want: Option<&[Type]>, depth: usize) -> Shape {
        let items = self.items(want, depth.min(2));
        let distinct = if items.sortable { "DISTINCT " } else { "" };
        Shape { distinct: distinct.to_owned(), items, ..Shape::default() }
    }

    fn distinct_on(&mut self, want: Option<&[Type]>, depth: usize) -> Shape {
        let items = self.items(want, depth.min(2));
        match self.key() {
            Some((key, _)) if items.sortable && !items.fields.is_empty() => Shape {
                distinct: format!("DISTINCT ON ({key}) "),
                items,
                must_sort: true,
                keys: vec![key],
                ..Shape::default()
            },
            _ => Shape { items, ..Shape::default() },
        }
    }

    fn grouped(&mut self, want: Option<&[Type]>) -> Shape {
        let Some(first) = self.key() else {
            return Shape { items: self.aggregates(want), ..Shape::default() };
        };
        let mut keys = vec![first];
        if self.choices.chance(40) {
            keys.extend(self.key());
        }
        let list: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
        let list = list.join(", ");
        let mut tail = match self.choices.below(9) {
            7 => format!(" GROUP BY ROLLUP ({list})"),
            8 => format!(" GROUP BY GROUPING SETS (({list}), ())"),
            _ => format!(" GROUP BY {list}"),
        };
        if self.choices.chance(25) {
            let condition = self.choices.word(["count(*) > 0", "count(*) > 1"]);
            tail = format!("{tail} HAVING {condition}");
        }
        let items = match want {
            Some(kinds) => {
                let mut items = Items::default();
                for kind in kinds {
                    let key = keys.iter().find(|(_, of_key)| of_key == kind);
                    let key = key.filter(|_| self.choices.chance(60)).cloned();
                    let sql = key.map_or_else(|| self.aggregate(*kind), |(key, _)| key);
                    items.extend(self.labelled(sql, *kind));
                }
                items
            }
            None => {
                let mut items = Items::default();
                for (key, kind) in keys {
                    if self.choices.chance(80) {
                        items.extend(self.labelled(key, kind));
                    }
                }
                items.extend(self.aggregates(None));
                items
            }
        };
        Shape { items, tail, ..Shape::default() }
    }

    /// A scalar sub-select that gives one row or none.
    pub(super) fn scalar(&mut self, kind: Type, depth: usize) -> Option<String> {
        if kind == Type::Other {
            return None;
        }
        let by_key = self.choices.chance(50);
        // Unqualified, it might be found in the sub-select itself.
        let wanted = if by_key { self.reference(Type::Int, true) } else { None };
        let wanted = wanted.unwrap_or_else(|| "1".to_owned());
        let tables = self.world.tables.iter();
        let tables: Vec<_> = tables.filter(|it| !by_key || it.id().is_some()).collect();
        let table = *self.choices.one_of(&tables)?;
        self.levels.push(Level::default());
        let from = self.table(table);
        let alias = self.sources().first().map(|source| source.alias.clone()).unwrap_or_default();
        let named = self.sources().first().is_some_and(|source| source.table.is_some());
        let sql = match table.id() {
            Some(id) if by_key && named => {
                let value = self.expression(kind, depth);
                format!("(SELECT {value} FROM {from} WHERE {alias}.{id} = {wanted})")
            }
            _ => {
                let aggregate = self.aggregate(kind);
                format!("(SELECT {aggregate} FROM {from} WHERE {})", self.condition(depth))
            }
        };
        self.levels.pop();
        Some(sql)
    }

    /// A query of which only matters whether it has rows.
    pub(super) fn any_rows(&mut self, depth: usize) -> String {
        self.levels.push(Level::default());
        let from = self.source(0);
        let list = self.choices.word(["1", "*", "", "NULL"]);
        let condition = self.condition(depth.min(1));
        self.levels.pop();
        format!("SELECT {list} FROM {from} WHERE {condition}")
    }

    /// A query of one column.
    pub(super) fn one_column(&mut self, kind: Type, depth: usize) -> String {
        self.query(Some(&[kind]), depth.min(1)).sql
    }
}
