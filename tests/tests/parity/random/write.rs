//! Statements that write. Each row is written at most once, and what is volatile is computed in an
//! order that no plan changes.

use super::Maker;
use super::schema::{Column, Put, TABLES, Table, Type};
use super::scope::{Field, Level, Source};

/// Numbers that no row has.
const FRESH: [&str; 6] = ["1000", "1001", "1002", "1003", "1004", "1005"];

impl Maker<'_> {
    /// Any statement. Returns whether its rows come in an order of its own.
    pub(super) fn statement(&mut self) -> (String, bool) {
        match self.choices.below(100) {
            0..=57 => {
                let made = self.query(None, 3);
                (made.sql, made.ordered)
            }
            58..=71 => (self.insert().0, false),
            72..=84 => (self.update().0, false),
            85..=90 => (self.delete().0, false),
            91..=94 => (self.merge(), false),
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
        let tables: Vec<&'static Table> = TABLES.iter().filter(|it| !it.key.is_empty()).collect();
        self.choices.one_of(&tables).copied().unwrap_or(&TABLES[0])
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
        let columns = self.inserted(table);
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        // Nothing of the target is in sight of what is inserted.
        self.levels.clear();
        let source = match self.choices.below(10) {
            0..=6 => self.rows(&columns),
            _ => self.selected(&columns),
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
        self.called |= table.name == "tokens";
        let mut columns = Vec::new();
        for column in table.columns {
            let wanted = match column.put {
                Put::Key | Put::Unique | Put::Needed => true,
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

    fn rows(&mut self, columns: &[&'static Column]) -> String {
        let mut rows = Vec::new();
        let clash = self.choices.chance(25);
        let called = self.called;
        for row in 0..=self.choices.below(3) {
            let mut cells = Vec::new();
            self.called = called;
            for column in columns {
                cells.push(match column.put {
                    Put::Key if clash => (row + 1).to_string(),
                    Put::Key => FRESH.get(row).copied().unwrap_or("1009").to_owned(),
                    Put::Unique => self.unique(row),
                    Put::Free if self.choices.chance(12) => "DEFAULT".to_owned(),
                    Put::Free | Put::Needed | Put::Never => self.value(column, 1),
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
            5 => "'alice'".to_owned(),
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
        let fragile = ["user_id", "customer_id", "order_id", "manager_id", "author_id", "quantity"];
        if fragile.contains(&column.name) && self.choices.chance(80) {
            return self.choices.word(["1", "2", "3"]).to_owned();
        }
        match column.kind {
            Type::Text => match self.choices.below(10) {
                0..=5 => self.leaf(Type::Text),
                6 => self.volatile("tick()").unwrap_or_else(|| self.leaf(Type::Text)),
                _ => format!("left({}, 15)", self.expression(Type::Text, depth)),
            },
            Type::Int => match self.choices.below(10) {
                9 => self.volatile("nextval('code_seq')").unwrap_or_else(|| "3".to_owned()),
                _ => self.leaf(Type::Int),
            },
            kind => self.expression(kind, depth),
        }
    }

    /// A SELECT with one row for each of another table's, under numbers of their own.
    fn selected(&mut self, columns: &[&'static Column]) -> String {
        self.levels.push(Level::default());
        let tables: Vec<&'static Table> = TABLES.iter().filter(|it| it.id().is_some()).collect();
        let table = self.choices.one_of(&tables).copied().unwrap_or(&TABLES[0]);
        let from = self.table(table);
        let first = self.sources().first().cloned();
        let id = first.as_ref().and_then(|source| Some((source, source.fields.first()?)));
        let id = id.map(|(source, field)| format!("{}.{}", source.alias, field.name));
        let id = id.unwrap_or_else(|| "1".to_owned());
        let mut cells = Vec::new();
        for column in columns {
            cells.push(match column.put {
                Put::Key => format!("{id} + 1000"),
                Put::Unique => format!("'s' || {id}"),
                Put::Free | Put::Needed | Put::Never => match column.kind {
                    Type::Int => self.choices.word(["1", "2", "3"]).to_owned(),
                    Type::Text => format!("left({}, 15)", self.expression(Type::Text, 1)),
                    kind => self.expression(kind, 1),
                },
            });
        }
        let filter = match self.choices.chance(50) {
            true => format!(" WHERE {}", self.condition(1)),
            false => String::new(),
        };
        self.levels.pop();
        format!("SELECT {} FROM {from}{filter} ORDER BY {id}", cells.join(", "))
    }

    fn on_conflict(&mut self, table: &Table, columns: &[&Column], alias: &str) -> String {
        let arbiter = match table.columns.iter().find(|column| column.put == Put::Unique) {
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
                let value = match self.choices.below(4) {
                    0 => format!("EXCLUDED.{name}"),
                    1 => format!("coalesce({alias}.{name}, EXCLUDED.{name})"),
                    2 => "DEFAULT".to_owned(),
                    _ => format!("(SELECT EXCLUDED.{name})"),
                };
                let filter = match self.choices.chance(20) {
                    true => format!(" WHERE {alias}.{name} IS DISTINCT FROM EXCLUDED.{name}"),
                    false => String::new(),
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
        self.called |= from.is_some() || table.name == "tokens";
        let called = self.called;
        let assignments = self.assignments(table, &alias, true);
        let volatile = self.called != called;
        let mut conditions: Vec<String> = from.iter().map(|(_, matched)| matched.clone()).collect();
        let single = table.id().filter(|_| self.choices.chance(40));
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
        let tables: Vec<&'static Table> = TABLES.iter().filter(|it| it.id().is_some()).collect();
        let other = *self.choices.one_of(&tables)?;
        let fields = self.sources().first()?.fields.clone();
        let ints: Vec<Field> = fields.into_iter().filter(|it| it.kind == Type::Int).collect();
        let of_target = self.choices.one_of(&ints)?.name.clone();
        let from = self.table(other);
        let source = self.sources().last()?;
        let id = &source.fields.first()?.name;
        Some((from, format!("{}.{id} = {alias}.{of_target}", source.alias)))
    }

    fn assignments(&mut self, table: &'static Table, alias: &str, volatile: bool) -> String {
        let columns: Vec<&Column> =
            table.columns.iter().filter(|it| !matches!(it.put, Put::Key | Put::Never)).collect();
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
                Put::Free if table.name != "tokens" && self.choices.chance(10) => {
                    "DEFAULT".to_owned()
                }
                Put::Unique | Put::Needed | Put::Free | Put::Key | Put::Never => {
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
        let unfit = ["orders", "tokens"];
        let tables: Vec<&'static Table> =
            TABLES.iter().filter(|it| it.id().is_some() && !unfit.contains(&it.name)).collect();
        let table = self.choices.one_of(&tables).copied().unwrap_or(&TABLES[0]);
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
            let id = other.fields.first().map(|it| format!("{}.{}", other.alias, it.name));
            let id = id.unwrap_or_else(|| "1".to_owned());
            self.levels = vec![Level { sources: vec![other], merged: Vec::new() }];
            let mut cells = Vec::new();
            for column in &columns {
                cells.push(match column.put {
                    Put::Key => format!("{id} + 1000"),
                    Put::Unique => format!("'m' || {id}"),
                    Put::Free if self.choices.chance(15) => "DEFAULT".to_owned(),
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
