//! Select lists: expressions, stars, whole rows, aggregates, windows, and what they are called.

use super::Maker;
use super::schema::Type;
use super::scope::Field;

/// A select list or RETURNING list.
#[derive(Debug, Clone)]
pub(super) struct Items {
    pub(super) sql: String,
    pub(super) fields: Vec<Field>,
    /// Whether every column has an order.
    pub(super) sortable: bool,
}

impl Default for Items {
    fn default() -> Self {
        Self { sql: String::new(), fields: Vec::new(), sortable: true }
    }
}

impl Items {
    pub(super) fn extend(&mut self, more: Self) {
        if !self.sql.is_empty() && !more.sql.is_empty() {
            self.sql.push_str(", ");
        }
        self.sql.push_str(&more.sql);
        self.fields.extend(more.fields);
        self.sortable &= more.sortable;
    }
}

impl Maker<'_> {
    /// Items of the wanted types, or any.
    pub(super) fn items(&mut self, want: Option<&[Type]>, depth: usize) -> Items {
        let mut items = Items::default();
        match want {
            Some(kinds) => {
                for kind in kinds {
                    let sql = self.expression(*kind, depth);
                    items.extend(self.labelled(sql, *kind));
                }
            }
            None => {
                for _ in 0..=self.choices.below(4) {
                    items.extend(self.item(depth));
                }
            }
        }
        items
    }

    fn item(&mut self, depth: usize) -> Items {
        match self.choices.below(100) {
            0..=69 => {
                let kind = self.choices.one_of(&Type::USED).copied().unwrap_or(Type::Text);
                let sql = self.expression(kind, depth);
                self.labelled(sql, kind)
            }
            70..=78 if self.levels.last().is_some_and(|level| level.merged.is_empty()) => {
                let sources = self.sources().iter();
                let fields = sources.flat_map(|source| source.fields.clone()).collect();
                Items { sql: "*".to_owned(), fields, sortable: true }
            }
            79..=88 => {
                match self.choices.one_of(self.levels.last().map_or(&[], |it| &it.sources)) {
                    Some(source) => Items {
                        sql: format!("{}.*", source.alias),
                        fields: source.fields.clone(),
                        sortable: true,
                    },
                    None => Items::default(),
                }
            }
            89..=92 => match self.some_table_alias() {
                Some(alias) => {
                    let items = self.labelled(format!("row_to_json({alias})"), Type::Other);
                    Items { sortable: false, ..items }
                }
                None => self.labelled("'x'".to_owned(), Type::Text),
            },
            _ => {
                let sql = self.leaf(Type::Text);
                self.labelled(sql, Type::Text)
            }
        }
    }

    /// An item with a label, or with the name that PostgreSQL gives it.
    pub(super) fn labelled(&mut self, sql: String, kind: Type) -> Items {
        let last = sql.rsplit_once('.').map_or(sql.as_str(), |(_, last)| last);
        let plain = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part.chars().all(|c| c.is_ascii_lowercase() || "_0123456789".contains(c))
        };
        let column = sql.split('.').all(plain) && !["true", "false"].contains(&last);
        if column && self.choices.chance(70) {
            let fields = vec![Field { name: last.to_owned(), kind }];
            return Items { sql, fields, sortable: true };
        }
        let label = match self.choices.chance(25) {
            true => self.choices.any_word(self.world.labels).to_owned(),
            false => self.fresh("c"),
        };
        let fields = vec![Field { name: label.clone(), kind }];
        Items { sql: format!("{sql} AS {label}"), fields, sortable: true }
    }

    /// A column to group or sort by, perhaps inside a function. Never a constant, which would be
    /// a position.
    pub(super) fn key(&mut self) -> Option<(String, Type)> {
        let kinds = [Type::Text, Type::Int, Type::Text, Type::State, Type::Bool, Type::Numeric];
        let kind = *self.choices.one_of(&kinds)?;
        let column = self.column(kind)?;
        Some(match (kind, self.choices.below(4)) {
            (Type::Text, 1) => (format!("upper({column})"), kind),
            (Type::Text, 2) => (format!("left({column}, 2)"), kind),
            (Type::Int, 1) => (format!("coalesce({column}, 0)"), kind),
            _ => (column, kind),
        })
    }

    /// Aggregates of the wanted types, or any.
    pub(super) fn aggregates(&mut self, want: Option<&[Type]>) -> Items {
        let mut items = Items::default();
        let kinds = match want {
            Some(kinds) => kinds.to_vec(),
            None => {
                let kinds =
                    [Type::Int, Type::Text, Type::Texts, Type::Bool, Type::Numeric, Type::Json];
                (0..=self.choices.below(2))
                    .filter_map(|_| self.choices.one_of(&kinds).copied())
                    .collect()
            }
        };
        for kind in kinds {
            let sql = self.aggregate(kind);
            items.extend(self.labelled(sql, kind));
        }
        items
    }

    /// An aggregate that does not depend on the order of its rows.
    pub(super) fn aggregate(&mut self, kind: Type) -> String {
        let outer = std::mem::replace(&mut self.aggregating, true);
        let mut aggregate = self.aggregate_of(kind);
        if self.choices.chance(15) {
            aggregate = format!("{aggregate} FILTER (WHERE {})", self.condition(1));
        }
        self.aggregating = outer;
        aggregate
    }

    fn aggregate_of(&mut self, kind: Type) -> String {
        match kind {
            Type::Int => match self.choices.below(4) {
                0 => "count(*)".to_owned(),
                1 => format!("count({})", self.expression(Type::Text, 1)),
                2 => format!("count(DISTINCT {})", self.expression(Type::Text, 1)),
                _ => format!("max({})", self.expression(Type::Int, 1)),
            },
            Type::Text | Type::Other => match self.choices.below(3) {
                0 => format!("max({})", self.expression(Type::Text, 1)),
                1 => format!("min({})", self.expression(Type::Text, 1)),
                _ => {
                    let text = self.expression(Type::Text, 1);
                    format!("string_agg({text}, ',' ORDER BY {text})")
                }
            },
            Type::Bool => format!("bool_or({})", self.condition(1)),
            Type::Numeric => format!("sum({})", self.expression(Type::Numeric, 1)),
            Type::Date => format!("max({})", self.expression(Type::Date, 1)),
            Type::State => format!("max({})", self.expression(Type::State, 1)),
            Type::Texts => {
                let text = self.operand(Type::Text, 1);
                format!("array_agg(({text})::text ORDER BY {text})")
            }
            Type::Json => match self.some_table_alias() {
                Some(alias) if self.choices.chance(50) => {
                    format!("jsonb_agg(to_jsonb({alias}) ORDER BY to_jsonb({alias}))")
                }
                _ => {
                    let text = self.expression(Type::Text, 1);
                    format!("jsonb_agg({text} ORDER BY {text})")
                }
            },
        }
    }

    /// A window function that gives rows of equal keys the same value.
    pub(super) fn window(&mut self) -> Items {
        let Some((key, _)) = self.key() else { return Items::default() };
        let partition = match self.key() {
            Some((key, _)) if self.choices.chance(40) => format!("PARTITION BY {key} "),
            _ => String::new(),
        };
        let (sql, kind) = match self.choices.below(6) {
            0 => (format!("rank() OVER ({partition}ORDER BY {key})"), Type::Int),
            1 => (format!("dense_rank() OVER ({partition}ORDER BY {key} DESC)"), Type::Int),
            2 => (format!("count(*) OVER ({partition}ORDER BY {key})"), Type::Int),
            3 => {
                let text = self.leaf(Type::Text);
                (format!("max({text}) OVER ({partition}ORDER BY {key})"), Type::Text)
            }
            4 => (format!("count({key}) OVER wd"), Type::Int),
            _ => (format!("min({key}::text) OVER (PARTITION BY {key})"), Type::Text),
        };
        self.labelled(sql, kind)
    }
}
