//! Statements that write. Each row is written at most once, and what is volatile is computed in an
//! order that no plan changes.

use super::Maker;
use super::schema::{Column, Put, Table, Type};
use super::scope::{Field, Level, Source};

impl Maker<'_> {
    /// Any statement. Returns whether its rows come in an order of its own.
    pub(super) fn statement(&mut self) -> (String, bool) {
        let drawn = self.choices.below(100);
        let Some(write) = drawn.checked_sub(self.world.queries) else {
            let made = self.query(None, 3);
            return (made.sql, made.ordered);
        };
        match write * 100 / (100 - self.world.queries) {
            0..=33 => (self.insert().0, false),
            34..=64 => (self.update().0, false),
            65..=78 => (self.delete().0, false),
            79..=88 => (self.merge(), false),
            _ => self.modifying_cte(),
        }
    }

    fn modifying_cte(&mut self) -> (String, bool) {
        let (write, fields) = match self.choices.below(3) {
            0 => self.update(),
            1 => self.delete(),
            _ => self.insert(),
        };
        self.levels.clear();
        if fields.is_empty() {
            return (format!("WITH w AS ({write}) SELECT 1"), true);
        }
        self.ctes.push(("w".to_owned(), fields));
        let made = self.body(None, 1);
        (format!("WITH w AS ({write}) {}", made.sql), made.ordered)
    }

    fn writable(&mut self) -> &'static Table {
        self.one_of(|it| !it.key.is_empty())
    }

    /// One of the tables that are such.
    fn one_of(&mut self, is_such: impl Fn(&Table) -> bool) -> &'static Table {
        let tables = self.world.tables.iter();
        let tables: Vec<&'static Table> = tables.filter(|it| is_such(it)).collect();
        self.choices.one_of(&tables).copied().expect("a table")
    }

    /// The statement's own table, alone in sight under an alias or its name.
    fn target(&mut self, table: &'static Table) -> (String, String) {
        let plain = table.schema == "public";
        let name = match plain && !self.choices.chance(10) {
            true => table.name.to_owned(),
            false => format!("{}.{}", table.schema, table.name),
        };
        let alias = if self.choices.chance(40) { self.alias() } else { table.name.to_owned() };
        let fields = table.columns.iter();
        let fields = fields.map(|it| Field { name: it.name.to_owned(), kind: it.kind }).collect();
        let source = Source { alias: alias.clone(), fields, table: Some(table) };
        self.levels = vec![Level { sources: vec![source], merged: Vec::new() }];
        match alias == table.name {
            true => (name, alias),
            false => (format!("{name} AS {alias}"), alias),
        }
    }

    fn returning(&mut self) -> (String, Vec<Field>) {
        if !self.choices.chance(60) {
            return (String::new(), Vec::new());
        }
        let items = self.items(None, 1);
        match items.sql.is_empty() {
            true => (String::new(), Vec::new()),
            false => (format!(" RETURNING {}", items.sql), items.fields),
        }
    }

    fn insert(&mut self) -> (String, Vec<Field>) {
        let table = self.writable();
        self.into = Some(table);
        let columns = self.inserted(table);
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        // Nothing of the target is in sight of what is inserted.
        self.levels.clear();
        let source = match self.choices.below(10) {
            0..=6 => self.rows(table, &columns),
            _ => self.selected(table, &columns),
        };
        let (target, alias) = self.target(table);
        let conflict = self.on_conflict(table, &columns, &alias);
        let (returning, fields) = self.returning();
        let list = names.join(", ");
        (format!("INSERT INTO {target} ({list}) {source}{conflict}{returning}"), fields)
    }

    /// Every column that must be given, and some that may.
    fn inserted(&mut self, table: &'static Table) -> Vec<&'static Column> {
        // Its default is volatile already.
        self.called |= table.draws;
        let mut columns = Vec::new();
        for column in table.columns {
            let wanted = match column.put {
                Put::Key | Put::Unique | Put::Needed | Put::Present => true,
                Put::Free => self.choices.chance(50),
                Put::Never => false,
            };
            if wanted {
                columns.push(column);
            }
        }
        if self.choices.chance(20) {
            columns.reverse();
        }
        columns
    }

    fn rows(&mut self, table: &Table, columns: &[&'static Column]) -> String {
        let mut rows = Vec::new();
        let clash = self.choices.chance(25);
        let called = self.called;
        let more = table.fresh.len().min(4) - 1;
        for row in 0..=self.choices.below(more) {
            let mut cells = Vec::new();
            self.called = called;
            for column in columns {
                cells.push(match column.put {
                    Put::Key if clash => (row + 1).to_string(),
                    Put::Key => table.fresh.get(row).copied().unwrap_or("1009").to_owned(),
                    Put::Unique => self.unique(row),
                    Put::Free if self.choices.chance(12) => "DEFAULT".to_owned(),
                    Put::Free | Put::Needed | Put::Present | Put::Never => self.value(column, 1),
                });
            }
            rows.push(format!("({})", cells.join(", ")));
        }
        format!("VALUES {}", rows.join(", "))
    }

    /// A text that no row has, unless it is meant to clash.
    fn unique(&mut self, row: usize) -> String {
        match self.choices.below(10) {
            0..=4 => format!("'fresh-{row}'"),
            5 => format!("'{}'", self.world.taken),
            6 => self.volatile("tick()").unwrap_or_else(|| format!("'once-{row}'")),
            7 if self.parameters => {
                self.values.push(Some(format!("given-{row}")));
                format!("${}", self.values.len())
            }
            _ => format!("'u' || {row} || left({}, 5)", self.operand(Type::Text, 1)),
        }
    }

    /// A call that gives another value each time, if there is none in the statement yet: in which
    /// order PostgreSQL computes several is nobody's promise.
    fn volatile(&mut self, call: &str) -> Option<String> {
        (!std::mem::replace(&mut self.called, true)).then(|| call.to_owned())
    }

    /// A value for a column, often one that its constraints allow.
    fn value(&mut self, column: &Column, depth: usize) -> String {
        if self.world.fragile.contains(&column.name) && self.choices.chance(80) {
            return self.choices.word(["1", "2", "3"]).to_owned();
        }
        if column.put == Put::Present && self.choices.chance(75) {
            return self.choices.word(["true", "true", "true", "false"]).to_owned();
        }
        match column.kind {
            Type::Text => match self.choices.below(10) {
                0..=5 => self.leaf(Type::Text),
                6 => self.volatile("tick()").unwrap_or_else(|| self.leaf(Type::Text)),
                _ => self.cut(depth),
            },
            Type::Int => match self.choices.below(10) {
                9 => self.volatile("nextval('code_seq')").unwrap_or_else(|| "3".to_owned()),
                _ => self.leaf(Type::Int),
            },
            kind => self.expression(kind, depth),
        }
    }

    /// A text that is not longer than any column takes.
    fn cut(&mut self, depth: usize) -> String {
        let text = self.expression(Type::Text, depth);
        format!("left({text}, {})", self.world.longest)
    }

    /// A SELECT with one row for each of another table's, under numbers of their own.
    fn selected(&mut self, table: &Table, columns: &[&'static Column]) -> String {
        self.levels.push(Level::default());
        let other = self.one_of(|it| it.id_at() == Some(0));
        let from = self.table(other);
        let id = self.sources().first().and_then(|it| number_of(it, other));
        let id = id.unwrap_or_else(|| "1".to_owned());
        let (limit, shift) = table.shift;
        let mut cells = Vec::new();
        for column in columns {
            cells.push(match column.put {
                Put::Key => format!("{id} + {shift}"),
                Put::Unique => format!("'s' || {id}"),
                Put::Present => self.value(column, 1),
                Put::Free | Put::Needed | Put::Never => match column.kind {
                    Type::Int => self.choices.word(["1", "2", "3"]).to_owned(),
                    Type::Text => self.cut(1),
                    kind => self.expression(kind, 1),
                },
            });
        }
        let mut conditions: Vec<String> =
            limit.iter().map(|limit| format!("{id} < {limit}")).collect();
        if self.choices.chance(50) {
            conditions.push(self.condition(1));
        }
        let filter = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        self.levels.pop();
        format!("SELECT {} FROM {from}{filter} ORDER BY {id}", cells.join(", "))
    }

    fn on_conflict(&mut self, table: &Table, columns: &[&Column], alias: &str) -> String {
        let unique: Vec<&Column> =
            table.columns.iter().filter(|column| column.put == Put::Unique).collect();
        let arbiter = match self.choices.one_of(&unique) {
            Some(unique) if table.key.len() == 1 && self.choices.chance(40) => {
                unique.name.to_owned()
            }
            _ => table.key.join(", "),
        };
        match self.choices.below(10) {
            0..=5 => String::new(),
            6 => " ON CONFLICT DO NOTHING".to_owned(),
            7 => format!(" ON CONFLICT ({arbiter}) DO NOTHING"),
            _ => {
                let free: Vec<&&Column> =
                    columns.iter().filter(|it| matches!(it.put, Put::Free | Put::Needed)).collect();
                let Some(column) = self.choices.one_of(&free) else { return String::new() };
                let name = column.name;
                let alike: Vec<&Column> =
                    table.columns.iter().filter(|it| it.kind == column.kind).collect();
                let other = self.choices.one_of(&alike).map_or(name, |it| it.name);
                let value = match self.choices.below(6) {
                    0 => format!("EXCLUDED.{name}"),
                    1 => format!("coalesce({alias}.{name}, EXCLUDED.{name})"),
                    2 => "DEFAULT".to_owned(),
                    3 => format!("coalesce({alias}.{other}, EXCLUDED.{name})"),
                    4 => format!("coalesce(EXCLUDED.{other}, {alias}.{name})"),
                    _ => format!("(SELECT EXCLUDED.{name})"),
                };
                let filter = match self.choices.below(10) {
                    0 | 1 => format!(" WHERE {alias}.{name} IS DISTINCT FROM EXCLUDED.{name}"),
                    2 => format!(" WHERE {alias}.{other} IS NOT NULL"),
                    _ => String::new(),
                };
                format!(" ON CONFLICT ({arbiter}) DO UPDATE SET {name} = {value}{filter}")
            }
        }
    }

    fn update(&mut self) -> (String, Vec<Field>) {
        let table = self.writable();
        let (target, alias) = self.target(table);
        let from = match self.choices.chance(25) {
            true => self.matched(&alias),
            false => None,
        };
        // Several rows under a plan that may change: their order is not to show.
        let single = table.id().filter(|_| self.choices.chance(40));
        let in_order = self.world.keeps_order || single.is_some();
        self.called |= from.is_some() || table.draws || !in_order;
        let called = self.called;
        let assignments = self.assignments(table, &alias, true);
        let volatile = self.called != called;
        let mut conditions: Vec<String> = from.iter().map(|(_, matched)| matched.clone()).collect();
        conditions.extend(single.map(|id| format!("{alias}.{id} = {}", self.leaf_number())));
        if self.choices.chance(40) && !volatile {
            conditions.push(self.condition(2));
        }
        let from = from.map(|(from, _)| format!(" FROM {from}")).unwrap_or_default();
        let filter = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let (returning, fields) = self.returning();
        (format!("UPDATE {target} SET {assignments}{from}{filter}{returning}"), fields)
    }

    fn leaf_number(&mut self) -> &'static str {
        self.choices.word(["1", "2", "3", "77"])
    }

    /// Another table, of which at most one row belongs to each of the target's.
    fn matched(&mut self, alias: &str) -> Option<(String, String)> {
        let other = self.one_of(|it| it.id().is_some());
        let fields = self.sources().first()?.fields.clone();
        let ints: Vec<Field> = fields.into_iter().filter(|it| it.kind == Type::Int).collect();
        let of_target = self.choices.one_of(&ints)?.name.clone();
        let from = self.table(other);
        let source = self.sources().last()?;
        let id = number_of(source, other)?;
        Some((from, format!("{id} = {alias}.{of_target}")))
    }

    fn assignments(&mut self, table: &'static Table, alias: &str, volatile: bool) -> String {
        let with_key = self.choices.chance(15) || table.columns.len() == table.key.len();
        let is_assigned = |it: &&Column| {
            !matches!(it.put, Put::Key | Put::Never) && (with_key || !table.key.contains(&it.name))
        };
        let columns: Vec<&Column> = table.columns.iter().filter(is_assigned).collect();
        let start = self.choices.below(columns.len());
        let count = 1 + self.choices.below(3);
        let chosen: Vec<&Column> =
            columns.iter().cycle().skip(start).take(count.min(columns.len())).copied().collect();
        let mut values = Vec::new();
        for column in &chosen {
            let key = table.key.last().copied().unwrap_or_default();
            values.push(match column.put {
                Put::Unique if self.choices.chance(90) => {
                    let own = format!("left({alias}.{}, 10) || '-' || {alias}.{key}", column.name);
                    let call = volatile && self.choices.chance(20);
                    call.then(|| self.volatile("tick()")).flatten().unwrap_or(own)
                }
                Put::Free if !table.draws && self.choices.chance(10) => "DEFAULT".to_owned(),
                Put::Unique | Put::Needed | Put::Free | Put::Present | Put::Key | Put::Never => {
                    self.called |= !volatile;
                    self.value(column, 2)
                }
            });
        }
        if chosen.len() > 1 && self.choices.chance(20) {
            let names: Vec<&str> = chosen.iter().map(|column| column.name).collect();
            let (names, values) = (names.join(", "), values.join(", "));
            return match values.contains("DEFAULT") || self.choices.chance(60) {
                true => format!("({names}) = ({values})"),
                false => format!("({names}) = (SELECT {values})"),
            };
        }
        let pairs: Vec<String> = chosen
            .iter()
            .zip(values)
            .map(|(column, value)| format!("{} = {value}", column.name))
            .collect();
        pairs.join(", ")
    }

    fn delete(&mut self) -> (String, Vec<Field>) {
        let table = self.writable();
        let (target, alias) = self.target(table);
        let using = match self.choices.chance(25) {
            true => self.matched(&alias),
            false => None,
        };
        let mut conditions: Vec<String> =
            using.iter().map(|(_, matched)| matched.clone()).collect();
        if conditions.is_empty() || self.choices.chance(60) {
            conditions.push(self.condition(2));
        }
        let using = using.map(|(using, _)| format!(" USING {using}")).unwrap_or_default();
        let (returning, fields) = self.returning();
        let filter = conditions.join(" AND ");
        (format!("DELETE FROM {target}{using} WHERE {filter}{returning}"), fields)
    }

    fn merge(&mut self) -> String {
        // One gives its own numbers, the other has a volatile default.
        let table = self.one_of(|it| it.id().is_some() && !it.draws);
        let (target, alias) = self.target(table);
        let Some((source, matched)) = self.matched(&alias) else { return "SELECT 1".to_owned() };
        let Some(other) = self.sources().last().cloned() else { return "SELECT 1".to_owned() };
        let update = self.assignments(table, &alias, false);
        let mut text = format!("MERGE INTO {target} USING {source} ON {matched}");
        if self.choices.chance(30) {
            text = format!("{text} WHEN MATCHED AND {} THEN DELETE", self.condition(1));
        }
        text = format!("{text} WHEN MATCHED THEN UPDATE SET {update}");
        if self.choices.chance(60) {
            // An INSERT action sees the source only.
            let columns = self.inserted(table);
            // Its number is what the condition begins with.
            let id = matched.split(" = ").next().unwrap_or("1").to_owned();
            let (_, shift) = table.shift;
            self.levels = vec![Level { sources: vec![other], merged: Vec::new() }];
            let mut cells = Vec::new();
            for column in &columns {
                cells.push(match column.put {
                    Put::Key => format!("{id} + {shift}"),
                    Put::Unique => format!("'m' || {id}"),
                    Put::Free if self.choices.chance(15) => "DEFAULT".to_owned(),
                    Put::Present => self.value(column, 1),
                    Put::Free | Put::Needed | Put::Never => match column.kind {
                        Type::Int => self.choices.word(["1", "2", "3"]).to_owned(),
                        kind => self.leaf(kind),
                    },
                });
            }
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            let (names, cells) = (names.join(", "), cells.join(", "));
            text = format!("{text} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({cells})");
        }
        text
    }
}

/// The number of a row of that table, which is in sight as `source`.
fn number_of(source: &Source, table: &Table) -> Option<String> {
    let field = source.fields.get(table.id_at()?)?;
    Some(format!("{}.{}", source.alias, field.name))
}
