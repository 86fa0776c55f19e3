//! What names mean, in both texts side by side: the client's under the old shape, the output's
//! under what exists.
//!
//! The comparison walks both FROM clauses in step, so every relation has one place in a level and
//! two lists of columns. A reference is right if it leads to the same relation in both texts, and
//! there to what the migration says of the column.

/// Columns that every table has.
pub const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Which text, and with it which columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The client's text, under the old shape.
    Client,
    /// The text that PostgreSQL receives, under what exists.
    Output,
}

/// Columns of a relation, `None` where they cannot be known.
pub type Columns = Option<Vec<String>>;

/// A relation in FROM.
#[derive(Debug, Clone)]
pub struct Source {
    /// Alias or name.
    pub name: String,
    /// Its schema in either text, where it may be written.
    pub schema: [Option<String>; 2],
    /// Its columns in either text.
    pub columns: [Columns; 2],
    /// Index of the governed table.
    pub governed: Option<usize>,
    /// Whether the output has a derived table of the old shape in its place.
    pub derived: bool,
    /// Whether a list of column aliases gave its columns other names, in both texts.
    pub renamed: bool,
    /// Whether an outer join may leave it out of a row.
    pub may_be_missing: bool,
}

impl Source {
    /// Its columns in one text.
    #[must_use]
    pub fn columns(&self, view: View) -> Option<&[String]> {
        self.columns[view as usize].as_deref()
    }

    fn has(&self, view: View, name: &str) -> bool {
        self.columns(view).is_some_and(|columns| columns.iter().any(|column| column == name))
    }
}

/// The shape of FROM.
#[derive(Debug, Clone)]
pub enum Item {
    /// A relation, by its place in the level.
    Source(usize),
    /// A join.
    Join {
        /// What stands left of it.
        left: Box<Item>,
        /// What stands right of it.
        right: Box<Item>,
        /// The columns that USING or NATURAL merges; `None` where they cannot be known.
        merged: Columns,
    },
}

impl Item {
    /// The places of its relations, in order.
    #[must_use]
    pub fn sources(&self) -> Vec<usize> {
        match self {
            Self::Source(place) => vec![*place],
            Self::Join { left, right, .. } => [left.sources(), right.sources()].concat(),
        }
    }
}

/// One query level.
#[derive(Debug, Clone, Default)]
pub struct Level {
    /// Its relations.
    pub sources: Vec<Source>,
    /// Those that can be seen; all if `None`.
    pub visible: Option<Vec<usize>>,
    /// FROM, item by item.
    pub items: Vec<Item>,
    /// Columns that joins merge.
    pub merged: Vec<String>,
    /// Whether a join merges columns that cannot be known.
    pub merges_unknown: bool,
}

impl Level {
    fn visible(&self) -> impl Iterator<Item = (usize, &Source)> {
        let seen = |place: usize| self.visible.as_ref().is_none_or(|seen| seen.contains(&place));
        self.sources.iter().enumerate().filter(move |(place, _)| seen(*place))
    }
}

/// What a name means. Levels are counted from the outermost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A column of a relation.
    Column {
        /// The query level.
        level: usize,
        /// The relation's place there.
        source: usize,
        /// The column's name.
        name: String,
    },
    /// A column that a join merges.
    Merged {
        /// The query level.
        level: usize,
        /// The column's name.
        name: String,
    },
    /// A column that every table has.
    System {
        /// The query level.
        level: usize,
        /// The relation's place there, if the name was qualified.
        source: Option<usize>,
        /// The column's name.
        name: String,
    },
    /// A whole row.
    Row {
        /// The query level.
        level: usize,
        /// The relation's place there.
        source: usize,
    },
    /// A relation with unknown columns may have it; if not, it means this.
    Unsure(Option<Box<Meaning>>),
    /// Two relations have it.
    Ambiguous,
    /// Nobody has it.
    Nothing,
}

/// Names that a client may use besides those that `*` shows: those of a source, by its table.
pub type Hidden<'h> = &'h dyn Fn(&Source, &str) -> bool;

/// What an unqualified name means.
#[must_use]
pub fn unqualified(levels: &[Level], view: View, name: &str, hidden: Hidden<'_>) -> Meaning {
    if let Some(found) = column_in_sight(levels, view, name) {
        return found;
    }
    if let Some((level, source)) = relation(levels, view, None, name) {
        return Meaning::Row { level, source };
    }
    let unknown = |level: &Level| level.visible().any(|(_, source)| source.columns(view).is_none());
    if levels.iter().any(unknown) {
        return Meaning::Unsure(None);
    }
    if view == View::Client {
        for (level, scope) in levels.iter().enumerate().rev() {
            let mut having = scope.visible().filter(|(_, source)| hidden(source, name));
            match (having.next(), having.next()) {
                (Some((source, _)), None) => {
                    return Meaning::Column { level, source, name: name.to_owned() };
                }
                (Some(_), Some(_)) => return Meaning::Ambiguous,
                (None, _) => {}
            }
        }
    }
    Meaning::Nothing
}

fn column_in_sight(levels: &[Level], view: View, name: &str) -> Option<Meaning> {
    let mut unsure = false;
    for (level, scope) in levels.iter().enumerate().rev() {
        let unknown = scope.visible().any(|(_, source)| source.columns(view).is_none());
        let having: Vec<usize> = scope
            .visible()
            .filter(|(_, source)| source.has(view, name))
            .map(|(at, _)| at)
            .collect();
        let merged = scope.merged.iter().any(|merged| merged == name)
            || (scope.merges_unknown && !having.is_empty());
        let found = match having.as_slice() {
            _ if merged => Meaning::Merged { level, name: name.to_owned() },
            [] if SYSTEM_COLUMNS.contains(&name) && !scope.sources.is_empty() => {
                return Some(Meaning::System { level, source: None, name: name.to_owned() });
            }
            [] => {
                unsure |= unknown;
                continue;
            }
            [source] => Meaning::Column { level, source: *source, name: name.to_owned() },
            [_, _, ..] => return Some(Meaning::Ambiguous),
        };
        return Some(match unsure || unknown {
            true => Meaning::Unsure(Some(Box::new(found))),
            false => found,
        });
    }
    None
}

/// What a name qualified by a relation's means.
#[must_use]
pub fn qualified(
    levels: &[Level],
    view: View,
    (schema, table): (Option<&str>, &str),
    name: &str,
    hidden: Hidden<'_>,
) -> Meaning {
    let Some((level, place)) = relation(levels, view, schema, table) else {
        return Meaning::Nothing;
    };
    let source = levels.get(level).and_then(|scope| scope.sources.get(place));
    let column = Meaning::Column { level, source: place, name: name.to_owned() };
    match source {
        Some(source) if source.has(view, name) => column,
        Some(source) if view == View::Client && hidden(source, name) => column,
        Some(_) if SYSTEM_COLUMNS.contains(&name) => {
            Meaning::System { level, source: Some(place), name: name.to_owned() }
        }
        Some(source) if source.columns(view).is_none() => column,
        Some(_) | None => Meaning::Nothing,
    }
}

/// The level and place of the relation that a qualifier names.
#[must_use]
pub fn relation(
    levels: &[Level],
    view: View,
    schema: Option<&str>,
    name: &str,
) -> Option<(usize, usize)> {
    levels.iter().enumerate().rev().find_map(|(level, scope)| {
        let mut visible = scope.visible();
        let found = visible.find(|(_, source)| {
            let in_schema = source.schema[view as usize].as_deref();
            source.name == name && schema.is_none_or(|schema| in_schema == Some(schema))
        });
        found.map(|(place, _)| (level, place))
    })
}
