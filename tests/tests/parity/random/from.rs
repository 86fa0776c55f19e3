//! FROM: tables, CTEs, derived tables, functions, and how they are joined.

use super::Maker;
use super::schema::{Table, Type};
use super::scope::{Field, Source, same_name};

impl Maker<'_> {
    /// The FROM list of the innermost level, which is empty so far. Also says whether its tables
    /// may be locked.
    pub(super) fn from(&mut self, depth: usize) -> (String, bool) {
        let mut text = self.source(depth);
        let mut lockable = self.sources().iter().all(|source| source.table.is_some());
        let more = [0, 0, 0, 1, 1, 1, 1, 2, 2, 3];
        let more = self.choices.one_of(&more).copied().unwrap_or(0);
        let commas = self.choices.chance(25);
        for _ in 0..more {
            if commas {
                let lateral = depth > 0 && self.choices.chance(25);
                let next = if lateral { self.lateral(depth) } else { self.source(depth) };
                text = format!("{text}, {next}");
            } else {
                let (joined, inner) = self.join(&text, depth);
                text = joined;
                lockable &= inner;
            }
            lockable &= self.sources().iter().all(|source| source.table.is_some());
        }
        (text, lockable)
    }

    fn join(&mut self, left: &str, depth: usize) -> (String, bool) {
        if depth > 0 && self.choices.chance(8) {
            let lateral = self.lateral(depth);
            return (format!("{left} CROSS JOIN {lateral}"), false);
        }
        let kind = self.choices.word(["JOIN", "LEFT JOIN", "JOIN", "RIGHT JOIN", "FULL JOIN"]);
        let before = self.sources().len();
        let right = self.source(depth);
        let inner = kind == "JOIN";
        if self.choices.chance(12)
            && let Some(shared) = self.shared(before)
        {
            if let Some(level) = self.levels.last_mut() {
                level.merged.push(shared.clone());
            }
            return (format!("{left} {kind} {right} USING ({shared})"), inner);
        }
        let condition = self.pair(before).unwrap_or_else(|| "true".to_owned());
        // PostgreSQL joins fully on equality only.
        let condition = match kind {
            "FULL JOIN" if condition == "true" => {
                return (format!("{left} CROSS JOIN {right}"), inner);
            }
            "FULL JOIN" => condition,
            _ if self.choices.chance(20) => format!("{condition} AND {}", self.condition(1)),
            _ => condition,
        };
        (format!("{left} {kind} {right} ON {condition}"), inner)
    }

    /// `a.x = b.y` over the relations before and from `before` on.
    fn pair(&mut self, before: usize) -> Option<String> {
        let mut pairs = Vec::new();
        let (old, new) = self.sources().split_at_checked(before)?;
        for one in old {
            for other in new {
                for a in one.nameable().filter(|it| matches!(it.kind, Type::Int | Type::Text)) {
                    for b in other.nameable().filter(|it| it.kind == a.kind) {
                        let (left, right) = (&one.alias, &other.alias);
                        pairs.push(format!("{left}.{} = {right}.{}", a.name, b.name));
                    }
                }
            }
        }
        self.choices.one_of(&pairs).cloned()
    }

    /// A column that both sides have once, for USING.
    fn shared(&mut self, before: usize) -> Option<String> {
        let (old, new) = self.sources().split_at_checked(before)?;
        let count = |sources: &[Source], name: &str| {
            let fields = sources.iter().flat_map(|source| &source.fields);
            fields.filter(|field| same_name(&field.name, name)).count()
        };
        let fields = new.iter().flat_map(|source| &source.fields);
        let shared: Vec<String> = fields
            .filter(|field| matches!(field.kind, Type::Int | Type::Text))
            .filter(|it| count(new, &it.name) == 1 && count(old, &it.name) == 1)
            .map(|field| field.name.clone())
            .collect();
        self.choices.one_of(&shared).cloned()
    }

    /// Adds a relation to the innermost level.
    pub(super) fn source(&mut self, depth: usize) -> String {
        if !self.ctes.is_empty() && self.choices.chance(45) {
            return self.common_table();
        }
        match self.choices.below(if depth == 0 { 80 } else { 100 }) {
            0..=74 => {
                let Some(table) = self.choices.one_of(self.world.tables) else {
                    return String::new();
                };
                self.table(table)
            }
            75..=76 => {
                let alias = self.alias();
                self.push(&alias, vec![("g".to_owned(), Type::Int)], None);
                format!("generate_series(1, 3) AS {alias} (g)")
            }
            77..=78 => {
                let alias = self.alias();
                let (function, fields) = self.world.function;
                let fields =
                    fields.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
                self.push(&alias, fields, None);
                format!("{function}(1) AS {alias}")
            }
            79 => {
                let (alias, name) = (self.alias(), self.world.values);
                let fields = vec![(name.to_owned(), Type::Text), ("n".to_owned(), Type::Int)];
                self.push(&alias, fields, None);
                let taken = self.world.taken;
                format!("(VALUES ('{taken}', 1), ('zed', 2)) AS {alias} ({name}, n)")
            }
            _ => self.derived(depth),
        }
    }

    fn push(&mut self, alias: &str, fields: Vec<(String, Type)>, table: Option<&'static Table>) {
        let fields = fields.into_iter().map(|(name, kind)| Field { name, kind }).collect();
        if let Some(level) = self.levels.last_mut() {
            level.sources.push(Source { alias: alias.to_owned(), fields, table });
        }
    }

    /// A table by its name, under an alias or none.
    pub(super) fn table(&mut self, table: &'static Table) -> String {
        self.read.push(table.name);
        let hidden = self.ctes.iter().any(|(name, _)| name == table.name);
        let spelled = self.choices.chance(12);
        let name = match hidden || spelled || table.schema != "public" {
            true => format!("{}.{}", table.schema, table.name),
            false => table.name.to_owned(),
        };
        let mut fields: Vec<(String, Type)> =
            table.columns.iter().map(|it| (it.name.to_owned(), it.kind)).collect();
        let taken =
            self.levels.iter().flat_map(|level| &level.sources).any(|it| it.alias == table.name);
        if !taken && self.choices.chance(30) {
            self.push(table.name, fields, Some(table));
            return name;
        }
        let alias = self.alias();
        if self.choices.chance(5) {
            let count = 1 + self.choices.below(fields.len());
            let names: Vec<String> = (1..=count).map(|n| format!("{alias}_{n}")).collect();
            let names: Vec<String> = names.iter().map(|it| it.replace('"', "")).collect();
            for (field, name) in fields.iter_mut().zip(&names) {
                field.0.clone_from(name);
            }
            self.push(&alias, fields, None);
            return format!("{name} AS {alias} ({})", names.join(", "));
        }
        self.push(&alias, fields, Some(table));
        let as_ = self.choices.word([" AS ", " "]);
        format!("{name}{as_}{alias}")
    }

    fn common_table(&mut self) -> String {
        let Some((name, fields)) = self.choices.one_of(&self.ctes).cloned() else {
            return String::new();
        };
        let fields = fields.into_iter().map(|field| (field.name, field.kind)).collect();
        let alias = self.alias();
        self.push(&alias, fields, None);
        format!("{name} AS {alias}")
    }

    /// A sub-select that sees nothing of its neighbours.
    fn derived(&mut self, depth: usize) -> String {
        let level = self.levels.pop();
        let made = self.query(None, depth - 1);
        self.levels.extend(level);
        let alias = self.alias();
        let fields = made.fields.into_iter().map(|field| (field.name, field.kind)).collect();
        self.push(&alias, fields, None);
        format!("({}) AS {alias}", made.sql)
    }

    /// A sub-select that sees them.
    fn lateral(&mut self, depth: usize) -> String {
        let kinds = [Type::Text, Type::Int];
        let made = self.query(Some(&kinds), depth - 1);
        let alias = self.alias();
        let fields = made.fields.into_iter().map(|field| (field.name, field.kind)).collect();
        self.push(&alias, fields, None);
        format!("LATERAL ({}) AS {alias}", made.sql)
    }
}
