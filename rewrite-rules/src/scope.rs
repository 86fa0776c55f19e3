//! Names to relations: aliases, CTEs, laterals, merged columns, output labels.
//!
//! Resolution follows PostgreSQL's: levels from the innermost query outwards, columns before
//! whole rows. It asks first what the *old shape* would say, and only if that knows no such
//! column, whether a new name was meant.

use std::ops::Range;

use crate::lens::Lens;

/// Columns that every table has.
pub(crate) const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// What a relation in FROM offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Exactly these names, in order.
    Known(Vec<String>),
    /// A function's result, a system view, a table made since the catalog was read.
    Unknown,
}

/// One relation of a query level.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Alias or table name, folded.
    pub(crate) name: String,
    /// Schema, if it can be referred to as `schema.table.column`.
    pub(crate) schema: Option<String>,
    /// Columns a client of the old shape knows it to have.
    pub(crate) columns: Columns,
    /// Index of the governed occurrence behind it.
    pub(crate) occurrence: Option<usize>,
    /// How SQL text refers to it.
    pub(crate) reference: String,
    /// Whether a list of column aliases gave its columns other names: then it is a derived table,
    /// and its columns have no names but these.
    pub(crate) renamed: bool,
    /// Columns of a sub-select or CTE that hold whole rows.
    pub(crate) rows: Vec<PassedRow>,
}

/// An output column that holds a whole row of a governed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PassedRow {
    /// Its place among the columns, counted from 0.
    pub(crate) place: usize,
    /// The occurrence whose row it is.
    pub(crate) occurrence: usize,
}

/// A CTE that is visible.
#[derive(Debug, Clone)]
pub(crate) struct Cte {
    pub(crate) name: String,
    pub(crate) columns: Columns,
    /// Columns that hold whole rows.
    pub(crate) rows: Vec<PassedRow>,
}

/// One query level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Level {
    pub(crate) sources: Vec<Source>,
    /// First source that names may refer to; more than 0 inside a join's ON.
    pub(crate) visible_from: usize,
    /// Columns merged by USING or NATURAL: an unqualified use is not ambiguous.
    pub(crate) merged: Vec<String>,
    /// Whether a NATURAL join merges columns that were not worked out.
    pub(crate) merges_unknown: bool,
    /// Sub-selects in FROM by their aliases, each with the occurrences inside it.
    pub(crate) inside: Vec<(String, Range<usize>)>,
}

impl Level {
    pub(crate) fn visible(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().skip(self.visible_from)
    }
}

/// Where an occurrence's lens can be found.
pub(crate) trait Lenses {
    fn lens(&self, occurrence: usize) -> &Lens;
}

/// What an unqualified name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A logical column of a governed occurrence. `deep` is how many levels out.
    /// `qualify`: some other relation has a hidden physical column of that name.
    Governed { occurrence: usize, deep: usize, qualify: bool },
    /// A column of an ungoverned relation, which a hidden physical column of a governed one
    /// would make ambiguous or capture: it must be qualified like this.
    Qualify { reference: String },
    /// Several relations of one level have it.
    Ambiguous,
    /// It may belong to a relation whose columns are not known, or else to these occurrences:
    /// PostgreSQL must decide, over derived tables.
    Uncertain { occurrences: Vec<usize> },
    /// A whole row of a governed occurrence. The captors have a hidden column of that name.
    WholeRow { occurrence: usize, captors: Vec<usize> },
    /// A system column, of one of these occurrences.
    System { occurrences: Vec<usize> },
    /// Nothing governed.
    Other,
    /// No relation has it.
    Nothing,
}

/// Resolves an unqualified name. `levels` from outermost to innermost.
pub(crate) fn unqualified(levels: &[Level], lenses: &impl Lenses, name: &str) -> Meaning {
    // A client of the old shape may well call a relation what the column will be called: to it,
    // the name alone is a whole row.
    old_shape(levels, lenses, name)
        .or_else(|| whole_row(levels, lenses, name))
        .or_else(|| new_name(levels, lenses, name))
        .unwrap_or_else(|| {
            let mut sources = levels.iter().flat_map(Level::visible);
            match sources.any(|source| source.columns == Columns::Unknown) {
                true => Meaning::Other,
                false => Meaning::Nothing,
            }
        })
}

fn old_shape(levels: &[Level], lenses: &impl Lenses, name: &str) -> Option<Meaning> {
    let mut maybe_elsewhere = false;
    // Occurrences whose physical table has a hidden column of this name.
    let mut captors: Vec<usize> = Vec::new();
    for (deep, level) in levels.iter().rev().enumerate() {
        let matches: Vec<&Source> = level.visible().filter(|source| has(source, name)).collect();
        let unknown = level.visible().any(|source| source.columns == Columns::Unknown);
        captors.extend(level.visible().filter_map(|source| {
            source
                .occurrence
                .filter(|&index| lenses.lens(index).hidden.iter().any(|hidden| hidden == name))
        }));
        let governed: Vec<usize> = matches.iter().filter_map(|source| source.occurrence).collect();
        let merged = level.merges_unknown || level.merged.iter().any(|column| column == name);
        match matches.as_slice() {
            [] if SYSTEM_COLUMNS.contains(&name) => {
                let occurrences: Vec<usize> =
                    level.visible().filter_map(|source| source.occurrence).collect();
                if !level.sources.is_empty() {
                    return Some(Meaning::System { occurrences });
                }
            }
            [] => maybe_elsewhere |= unknown,
            _ if merged => return Some(uncertain(lenses, joined(governed, captors), name)),
            // PostgreSQL says so itself, or finds it in a relation further in.
            [_, _, ..] if maybe_elsewhere || (governed.is_empty() && captors.is_empty()) => {
                return Some(uncertain(lenses, joined(governed, captors), name));
            }
            [_, _, ..] => return Some(Meaning::Ambiguous),
            [source] => {
                if unknown || maybe_elsewhere {
                    return Some(uncertain(lenses, joined(governed, captors), name));
                }
                let renamed = |&index: &usize| {
                    lenses.lens(index).column(name).is_some_and(|column| !column.get.is(name))
                };
                if is_shadowed(levels, deep, &source.name)
                    && (!captors.is_empty() || governed.iter().any(renamed))
                {
                    // It cannot be qualified: PostgreSQL must find it by its own name.
                    return Some(Meaning::Uncertain { occurrences: joined(governed, captors) });
                }
                return Some(match source.occurrence.filter(|_| !source.renamed) {
                    Some(occurrence) => {
                        Meaning::Governed { occurrence, deep, qualify: !captors.is_empty() }
                    }
                    None if captors.is_empty() => Meaning::Other,
                    None => Meaning::Qualify { reference: source.reference.clone() },
                });
            }
        }
    }
    // A name that only an unknown relation could have: keep the hidden columns out of its way.
    (maybe_elsewhere && !captors.is_empty()).then_some(Meaning::Uncertain { occurrences: captors })
}

/// A name that PostgreSQL must resolve. It does so rightly over the tables as they are where it
/// stands for the same column in each of them.
fn uncertain(lenses: &impl Lenses, occurrences: Vec<usize>, name: &str) -> Meaning {
    match occurrences.iter().all(|&index| is_plain(lenses.lens(index), name)) {
        true => Meaning::Other,
        false => Meaning::Uncertain { occurrences },
    }
}

/// Whether a relation further in has the same name, so that a qualified name would find that one.
fn is_shadowed(levels: &[Level], deep: usize, relation: &str) -> bool {
    find(levels, None, relation).is_some_and(|(_, found)| found < deep)
}

fn new_name(levels: &[Level], lenses: &impl Lenses, name: &str) -> Option<Meaning> {
    for (deep, level) in levels.iter().rev().enumerate() {
        let occurrences: Vec<usize> = level
            .visible()
            .filter(|source| !source.renamed)
            .filter_map(|source| source.occurrence)
            .filter(|&index| lenses.lens(index).column(name).is_some())
            .collect();
        match occurrences.as_slice() {
            [] => {}
            [occurrence] => {
                let source = level.visible().find(|source| source.occurrence == Some(*occurrence));
                if source.is_some_and(|source| is_shadowed(levels, deep, &source.name)) {
                    return Some(Meaning::Ambiguous);
                }
                return Some(Meaning::Governed { occurrence: *occurrence, deep, qualify: false });
            }
            [_, _, ..] => return Some(Meaning::Ambiguous),
        }
    }
    None
}

fn whole_row(levels: &[Level], lenses: &impl Lenses, name: &str) -> Option<Meaning> {
    let source = find(levels, None, name)?.0;
    // PostgreSQL prefers a column at any level to a whole row, a hidden one too.
    let governed = levels.iter().flat_map(Level::visible).filter_map(|source| source.occurrence);
    let captors = governed
        .filter(|&index| lenses.lens(index).hidden.iter().any(|hidden| hidden == name))
        .collect::<Vec<usize>>();
    Some(match source.occurrence {
        Some(occurrence) => Meaning::WholeRow { occurrence, captors },
        None if captors.is_empty() => Meaning::Other,
        None => Meaning::Uncertain { occurrences: captors },
    })
}

/// The relation that a qualifier names, and how many levels out it is.
pub(crate) fn find<'l>(
    levels: &'l [Level],
    schema: Option<&str>,
    name: &str,
) -> Option<(&'l Source, usize)> {
    levels.iter().rev().enumerate().find_map(|(deep, level)| {
        level
            .visible()
            .find(|source| {
                source.name == name && schema.is_none_or(|s| source.schema.as_deref() == Some(s))
            })
            .map(|source| (source, deep))
    })
}

fn has(source: &Source, name: &str) -> bool {
    match &source.columns {
        Columns::Known(columns) => columns.iter().any(|column| column == name),
        Columns::Unknown => false,
    }
}

fn is_plain(lens: &Lens, name: &str) -> bool {
    lens.column(name).is_none_or(|column| column.shown && column.is_plain())
        && !lens.hidden.iter().any(|hidden| hidden == name)
}

fn joined(mut a: Vec<usize>, b: Vec<usize>) -> Vec<usize> {
    a.extend(b);
    a.sort_unstable();
    a.dedup();
    a
}
