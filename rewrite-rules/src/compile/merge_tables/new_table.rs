//! What a client means by the name of the table that others are merged into: their rows, until it has them all.

use std::sync::Arc;

use crate::catalog::{Column, Relation, RelationName, Volatility};
use crate::compile::{plain, views};
use crate::lens::{Access, Beside, Lens, LogicalColumn};
use crate::name::quoted;
use crate::naming::{Names, TableNames};
use crate::phase::Phase;

use super::Subject;
use super::source::Source;

/// What the keys of all sources are called together, and each source.
const KEYS: &str = "segue_keys";

/// `None` where it is just what the server has.
pub(super) fn lens(subject: &Subject<'_>) -> Option<Lens> {
    let (into, new) = subject.into.as_ref()?;
    let lens = Lens {
        migrations: vec![subject.rule.name.clone()],
        names: Arc::new(Names::of(TableNames::itself(into, new))),
        views: views::over(new, subject.catalog),
        ..Lens::of(into.clone(), new.columns.iter().map(plain).collect())
    };
    match subject.rule.phase {
        Phase::Expand => Some(Lens { read_as: Some(gathered(subject, new)), ..lens }),
        Phase::DualWrite => Some(Lens {
            columns: new.columns.iter().map(|column| both(subject, column)).collect(),
            beside: beside(subject, true),
            names: Arc::new(names(subject, (into, new))),
            read_as: Some(gathered(subject, new)),
            ..lens
        }),
        Phase::SwitchReads => {
            let beside = |is_carried| beside(subject, is_carried);
            let columns = new.columns.iter().map(|column| both(subject, column)).collect();
            let inserts = Box::new(Lens { beside: beside(true), ..lens.clone() });
            Some(Lens { columns, beside: beside(false), inserts: Some(inserts), ..lens })
        }
        // The others have no such phase.
        Phase::StopDualWrite | Phase::Contract | Phase::Backfill | Phase::Enforce => None,
    }
}

/// The sources, from where it stands.
fn beside(subject: &Subject<'_>, is_carried: bool) -> Vec<Beside> {
    let of = |source: &Source<'_>| {
        let present = source.source.present.clone();
        Beside { present, ..source.back(is_carried) }
    };
    subject.sources.iter().map(of).collect()
}

/// What is of the sources is to a client of it: while they are written first, errors come from them.
fn names(subject: &Subject<'_>, (into, new): (&RelationName, &Relation)) -> Names {
    let of = |source: &Source<'_>| {
        let declared = source.source.constraints.iter();
        let declared = declared.map(|(own, its)| (own.clone(), its.clone()));
        let key = source.key_constraints(new).map(|(its, own)| (own, its));
        TableNames {
            relation: source.relation.clone(),
            client: into.clone(),
            columns: source.pairs().map(|(own, its)| (own.to_owned(), its.to_owned())).collect(),
            constraints: declared.chain(key).collect(),
            key: None,
        }
    };
    let mut names = Names::of(TableNames::itself(into, new));
    names.tables.extend(subject.sources.iter().map(of));
    names
}

/// A column that its source has too.
fn both(subject: &Subject<'_>, column: &Column) -> LogicalColumn {
    let sources = subject.sources.iter().enumerate();
    let back = sources.filter_map(|(place, source)| {
        let (own, _) = source.pairs().find(|(_, its)| *its == column.name)?;
        Some(Access { beside: Some(place), ..Access::plain(own) })
    });
    let put = std::iter::once(Access::plain(&column.name)).chain(back).collect();
    LogicalColumn { put, ..plain(column) }
}

/// The query that gives its rows from those of the sources: one for each key that some source has.
fn gathered(subject: &Subject<'_>, new: &Relation) -> String {
    let key: Vec<String> = subject.merge.key.iter().map(quoted).collect();
    let keys = subject.sources.iter().map(|source| {
        let own = source.key().map(|(own, its)| format!("{} AS {}", quoted(own), quoted(its)));
        let own: Vec<String> = own.collect();
        format!("SELECT {} FROM {}", own.join(", "), relation(&source.relation))
    });
    let keys: Vec<String> = keys.collect();
    let items = new.columns.iter().map(|column| item(subject, column));
    let items: Vec<String> = items.collect();
    let joins = subject.sources.iter().enumerate().map(|(at, source)| {
        let equal = |(own, its): (&str, &str)| {
            format!("{}.{} = {KEYS}.{}", alias(at), quoted(own), quoted(its))
        };
        let on: Vec<String> = source.key().map(equal).collect();
        format!(
            " LEFT JOIN {} AS {} ON {}",
            relation(&source.relation),
            alias(at),
            on.join(" AND ")
        )
    });
    format!(
        "SELECT {} FROM ({}) AS {KEYS} ({}){}",
        items.join(", "),
        keys.join(" UNION "),
        key.join(", "),
        joins.collect::<String>()
    )
}

/// What a column of the new table will hold.
fn item(subject: &Subject<'_>, column: &Column) -> String {
    let label = quoted(&column.name);
    if subject.merge.key.iter().any(|key| key == column.name) {
        return format!("{KEYS}.{label}");
    }
    // What has no value by then, or one that is drawn anew each time.
    let blank = column.default.as_ref().filter(|it| it.volatility != Volatility::Volatile);
    let blank = blank.map_or("NULL", |default| &default.expression);
    let blank = format!("({blank})::{}", column.type_name);
    for (at, source) in subject.sources.iter().enumerate() {
        let there = presence(at, source);
        if source.source.present.as_deref() == Some(&column.name) {
            return format!("{there} AS {label}");
        }
        let mut pairs = source.source.columns.pairs();
        if let Some((own, _)) = pairs.find(|(_, its)| *its == column.name) {
            let own = format!("{}.{}", alias(at), quoted(own));
            return format!("CASE WHEN {there} THEN {own} ELSE {blank} END AS {label}");
        }
    }
    format!("{blank} AS {label}")
}

/// Whether a source has a row of that key.
fn presence(at: usize, source: &Source<'_>) -> String {
    let key = source.key().next().map(|(own, _)| quoted(own)).unwrap_or_default();
    format!("({}.{key} IS NOT NULL)", alias(at))
}

fn alias(at: usize) -> String {
    format!("segue_{at}")
}

fn relation(name: &RelationName) -> String {
    format!("{}.{}", quoted(&name.schema), quoted(&name.name))
}
