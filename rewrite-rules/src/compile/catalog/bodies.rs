//! The queries that stand for the catalogs that tell of columns, or of what hangs on them.
//!
//! Each shows all the columns of its catalog, in order and of the same types; only rows and values
//! of governed tables differ. The conditions are on oids, so a client's own conditions are pushed
//! down to the catalog's indexes as before.

use std::collections::BTreeMap;

use super::lent;
use super::loan::Loan;
use super::look::Look;
use super::sql::{Choice, choice_of, is_one_of, name_literal, number};
use super::{Picture, Tables, columns};
use crate::catalog::RelationName;
use crate::catalog_lens::{Select, StandIn};
use crate::lens::{Access, Lens, LogicalColumn, OpaquePolicy};
use crate::name;
use crate::system_catalog::{ObjectKind, SystemCatalog};

/// The catalog's name inside the query that stands for it.
pub(super) const CATALOG: &str = "c";

/// What a query changes of a catalog.
#[derive(Default)]
pub(super) struct Body {
    /// Columns that show something else, and what.
    columns: Vec<(&'static str, String)>,
    /// Conditions under which a row does not show.
    hidden: Vec<String>,
    /// A column by which rows are looked for, what it shows, and the oids of the rows where that is
    /// something else. They are read apart, so that an index on it serves for the others.
    names: Option<(&'static str, String, Vec<u32>)>,
    /// Whether it stands for a view, which has no system columns.
    is_view: bool,
    /// Rows that show once more as others.
    lent: Vec<Rows>,
}

/// Rows of a catalog that meet a condition, and what some of their columns show then.
pub(super) struct Rows {
    pub(super) columns: Vec<(&'static str, String)>,
    pub(super) condition: String,
}

impl Body {
    pub(super) fn column(&mut self, column: &'static str, choice: &Choice) {
        if !choice.is_empty() {
            self.columns.push((column, choice.otherwise(&format!("{CATALOG}.{column}"))));
        }
    }

    pub(super) fn lend(&mut self, rows: impl IntoIterator<Item = Rows>) {
        self.lent.extend(rows);
    }

    pub(super) fn hide(&mut self, condition: String) {
        self.hidden.push(condition);
    }

    /// Shows objects of these kinds under their other names.
    pub(super) fn names(&mut self, column: &'static str, picture: &Picture, kinds: &[ObjectKind]) {
        let named = kinds.iter().filter_map(|kind| picture.objects.names.get(kind)).flatten();
        let named: Vec<(u32, String)> =
            named.map(|(oid, name)| (*oid, name_literal(&name.shown))).collect();
        if !named.is_empty() {
            let arms = named.iter().map(|(oid, name)| (oid.to_string(), name.clone()));
            let value = choice_of(&format!("{CATALOG}.oid"), arms, &format!("{CATALOG}.{column}"));
            self.names = Some((column, value, named.iter().map(|(oid, _)| *oid).collect()));
        }
    }

    /// Hides rows that are about one of these.
    pub(super) fn hide_oids(&mut self, column: &str, oids: &[u32]) {
        if !oids.is_empty() {
            self.hide(is_one_of(&format!("{CATALOG}.{column}"), oids));
        }
    }
}

/// The lenses of all catalogs that show something else than what is in them.
pub(super) fn lenses(
    picture: &Picture,
    system: &SystemCatalog,
    migrations: &[String],
) -> Vec<Lens> {
    let bodies = [
        ("pg_attribute", with(picture, columns::attribute(picture), lent::attribute)),
        ("pg_attrdef", with(picture, columns::attrdef(picture), lent::attrdef)),
        ("pg_class", with(picture, class(picture), lent::class)),
        ("pg_index", with(picture, index(picture), lent::index)),
        ("pg_constraint", with(picture, constraint(picture), lent::constraint)),
        ("pg_description", with(picture, description(picture), lent::description)),
        ("pg_depend", with(picture, depend(picture), lent::depend)),
        ("pg_trigger", trigger(picture)),
        ("pg_statistic_ext", statistics(picture)),
        ("pg_stats", stats(picture)),
    ];
    let shown = bodies.into_iter().filter_map(|(name, body)| {
        let relation = RelationName::new("pg_catalog", name);
        let columns = &system.relations.get(&relation)?.columns;
        let query = query(&relation, columns, &body)?;
        Some(lens(relation, columns, query, migrations))
    });
    shown.collect()
}

/// With what is lent of other tables.
fn with(picture: &Picture, mut body: Body, lent: fn(&Loan) -> Vec<Rows>) -> Body {
    body.lend(picture.loans.iter().flat_map(lent));
    body
}

/// The lens of a catalog or system view: every column as it is, over another query.
pub(super) fn lens(
    relation: RelationName,
    columns: &[String],
    query: StandIn,
    migrations: &[String],
) -> Lens {
    let column = |name: &String| LogicalColumn {
        name: name.clone(),
        shown: true,
        get: Access::plain(name),
        held: None,
        put: vec![Access::plain(name)],
        type_name: String::new(),
        base_type: String::new(),
        uncut_type: String::new(),
        fitted: None,
        default: None,
        default_of: name.clone(),
        default_is_shared: true,
        generated: false,
        identity: false,
        migration: None,
    };
    Lens {
        opaque: OpaquePolicy::Forward,
        migrations: migrations.to_vec(),
        stands_as: Some(query),
        ..Lens::of(relation, columns.iter().map(column).collect())
    }
}

fn query(relation: &RelationName, columns: &[String], body: &Body) -> Option<StandIn> {
    let is_plain = body.columns.is_empty() && body.hidden.is_empty() && body.names.is_none();
    if is_plain && body.lent.is_empty() {
        return None;
    }
    let list = |changed: &[(&str, &String)]| {
        let items = columns.iter().map(|column| {
            match changed.iter().find(|(changed, _)| changed == column) {
                Some((_, value)) => format!("{value} AS {}", name::quoted(column)),
                None => format!("{CATALOG}.{}", name::quoted(column)),
            }
        });
        format!("SELECT {}", items.collect::<Vec<String>>().join(", "))
    };
    let from = format!(" FROM {}.{} AS {CATALOG}", relation.schema, relation.name);
    let select = |named: Option<&(&str, String, Vec<u32>)>, besides: Option<String>| {
        let named = named.map(|(column, value, _)| (*column, value));
        let changed = body.columns.iter().map(|(column, value)| (*column, value)).chain(named);
        let changed: Vec<(&str, &String)> = changed.collect();
        let shown = body.hidden.iter().map(|it| format!("NOT ({it})")).chain(besides);
        let conditions: Vec<String> = shown.collect();
        let filter = match conditions.as_slice() {
            [] => String::new(),
            conditions => format!(" WHERE {}", conditions.join(" AND ")),
        };
        Select { list: list(&changed), rest: format!("{from}{filter}") }
    };
    let mut selects = match &body.names {
        None => vec![select(None, None)],
        Some((_, _, oids)) => {
            let these = is_one_of(&format!("{CATALOG}.oid"), oids);
            let others = format!("NOT ({these})");
            vec![select(None, Some(others)), select(body.names.as_ref(), Some(these))]
        }
    };
    selects.extend(body.lent.iter().map(|rows| {
        let changed: Vec<(&str, &String)> =
            rows.columns.iter().map(|(column, value)| (*column, value)).collect();
        Select { list: list(&changed), rest: format!("{from} WHERE {}", rows.condition) }
    }));
    Some(StandIn { selects, alias: (!body.is_view).then(|| CATALOG.to_owned()) })
}

/// A choice by the table whose oid is in `of`; `value` gives what shows there, if it is another.
pub(super) fn by_table(
    picture: &Picture,
    of: &str,
    value: impl Fn(&Look) -> Option<String>,
) -> Choice {
    let mut choice = Choice::default();
    for Tables { oids, look, .. } in &picture.tables {
        if let Some(value) = value(look) {
            choice.when(&is_one_of(&format!("{CATALOG}.{of}"), oids), &value);
        }
    }
    choice
}

/// The client's number of the physical one in `column`.
fn numbered(look: &Look, column: &str) -> Option<String> {
    (!look.numbers.is_empty()).then(|| renumbered(&look.numbers, column))
}

/// Another number for each that has one.
pub(super) fn renumbered(numbers: &BTreeMap<u16, u16>, column: &str) -> String {
    let column = format!("{CATALOG}.{column}");
    let arms = numbers.iter().map(|(from, to)| (from.to_string(), number(*to)));
    choice_of(&column, arms, &column)
}

/// The same for an array of numbers, or a vector of them.
fn numbered_list(look: &Look, column: &str, vector: bool) -> Option<String> {
    (!look.numbers.is_empty()).then(|| renumbered_list(&look.numbers, column, vector))
}

/// The same of other numbers.
pub(super) fn renumbered_list(numbers: &BTreeMap<u16, u16>, column: &str, vector: bool) -> String {
    let arms = numbers.iter().map(|(from, to)| (from.to_string(), number(*to)));
    let element = choice_of("n.number", arms, "n.number");
    let from =
        format!("FROM pg_catalog.unnest({CATALOG}.{column}) WITH ORDINALITY AS n(number, place)");
    match vector {
        true => format!(
            "(SELECT coalesce(pg_catalog.string_agg(({element})::pg_catalog.text, ' ' \
             ORDER BY n.place), '')::pg_catalog.int2vector {from})"
        ),
        false => {
            format!("(SELECT pg_catalog.array_agg({element} ORDER BY n.place) {from})")
        }
    }
}

/// Whether `column` is one of these numbers.
fn is_number<'n>(column: &str, numbers: impl Iterator<Item = &'n u16>) -> Option<String> {
    let list: Vec<String> = numbers.map(u16::to_string).collect();
    (!list.is_empty()).then(|| format!("{CATALOG}.{column} IN ({})", list.join(", ")))
}

/// Hides rows about columns that do not show.
pub(super) fn hide_numbers(
    picture: &Picture,
    body: &mut Body,
    of: &str,
    column: &str,
    besides: &str,
    which: impl Fn(&Look) -> Vec<u16>,
) {
    for Tables { oids, look, .. } in &picture.tables {
        if let Some(numbers) = is_number(column, which(look).iter()) {
            let table = is_one_of(&format!("{CATALOG}.{of}"), oids);
            body.hide(format!("{table}{besides} AND {numbers}"));
        }
    }
}

fn class(picture: &Picture) -> Body {
    let mut body = Body::default();
    body.names("relname", picture, &[ObjectKind::Index]);
    let attributes = by_table(picture, "oid", |look| look.attributes.map(number));
    body.column("relnatts", &attributes);
    let mut checks = Choice::default();
    for Tables { oids, look, .. } in &picture.tables {
        let (hidden, lent) = (look.hidden_checks, picture.lent_checks(oids));
        if hidden + lent > 0 {
            let count =
                format!("pg_catalog.int2(greatest({CATALOG}.relchecks - {hidden}, 0) + {lent})");
            checks.when(&is_one_of(&format!("{CATALOG}.oid"), oids), &count);
        }
    }
    body.column("relchecks", &checks);
    body.hide_oids("oid", &picture.objects.hidden(ObjectKind::Index));
    body
}

fn index(picture: &Picture) -> Body {
    let mut body = Body::default();
    let keys = by_table(picture, "indrelid", |look| numbered_list(look, "indkey", true));
    body.column("indkey", &keys);
    body.hide_oids("indexrelid", &picture.objects.hidden(ObjectKind::Index));
    body
}

fn constraint(picture: &Picture) -> Body {
    use ObjectKind::{Check, ForeignKey, Key, NotNull};
    let mut body = Body::default();
    body.names("conname", picture, &[Key, Check, NotNull, ForeignKey]);
    for (column, table) in
        [("conkey", "conrelid"), ("confkey", "confrelid"), ("confdelsetcols", "conrelid")]
    {
        body.column(column, &by_table(picture, table, |look| numbered_list(look, column, false)));
    }
    // A foreign key that shows as one to the shown column rests on an index of that one.
    let mut indexes = Choice::default();
    for ((kind, hidden), shown) in &picture.objects.counterparts {
        if *kind == ObjectKind::Index {
            let hidden = is_one_of(&format!("{CATALOG}.conindid"), &[*hidden]);
            indexes.when(&hidden, &oid(*shown));
        }
    }
    body.column("conindid", &indexes);
    body.hide_oids("oid", &picture.objects.hidden_constraints());
    body
}

pub(super) fn oid(oid: u32) -> String {
    format!("{oid}::pg_catalog.oid")
}

/// The catalog that objects of a kind are in.
fn catalog_of(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Index => "pg_class",
        ObjectKind::Key | ObjectKind::Check | ObjectKind::NotNull | ObjectKind::ForeignKey => {
            "pg_constraint"
        }
        ObjectKind::Trigger => "pg_trigger",
        ObjectKind::Statistics => "pg_statistic_ext",
    }
}

/// Whether `column` says that an oid beside it is of that catalog.
pub(super) fn is_of(column: &str, catalog: &str) -> String {
    format!("{CATALOG}.{column} = 'pg_catalog.{catalog}'::pg_catalog.regclass")
}

fn description(picture: &Picture) -> Body {
    let mut body = Body::default();
    let columns = ["classoid", "objoid", "objsubid"];
    numbered_object(picture, &mut body, columns);
    hide_columns(picture, &mut body, columns);
    hide_objects(picture, &mut body, ["classoid", "objoid"], |_, _| true);
    body
}

fn depend(picture: &Picture) -> Body {
    let mut body = Body::default();
    let (object, referenced) =
        (["classid", "objid", "objsubid"], ["refclassid", "refobjid", "refobjsubid"]);
    numbered_object(picture, &mut body, object);
    numbered_object(picture, &mut body, referenced);
    hide_columns(picture, &mut body, object);
    hide_objects(picture, &mut body, ["classid", "objid"], |_, _| true);
    let counterparts = &picture.objects.counterparts;
    let alone = |kind, oid| !counterparts.contains_key(&(kind, oid));
    hide_objects(picture, &mut body, ["refclassid", "refobjid"], alone);
    // What shows although it depends on a hidden object depends on that one's counterpart.
    let mut choice = Choice::default();
    for ((kind, hidden), shown) in counterparts {
        let this = is_one_of(&format!("{CATALOG}.refobjid"), &[*hidden]);
        choice
            .when(&format!("{} AND {this}", is_of("refclassid", catalog_of(*kind))), &oid(*shown));
    }
    body.column("refobjid", &choice);
    // A default that does not show depends on nothing.
    let of_default = format!(" AND {}", is_of("classid", "pg_attrdef"));
    hide_numbers(picture, &mut body, "refobjid", "refobjsubid", &of_default, |look| {
        look.hidden_defaults.iter().copied().collect()
    });
    body
}

/// The client's numbers of columns, in rows about an object: catalog, oid and number.
fn numbered_object(picture: &Picture, body: &mut Body, [class, object, sub]: [&'static str; 3]) {
    let of_table = is_of(class, "pg_class");
    let mut choice = Choice::default();
    for Tables { oids, look, .. } in &picture.tables {
        let table = is_one_of(&format!("{CATALOG}.{object}"), oids);
        if let Some(numbers) = numbered(look, sub) {
            choice.when(&format!("{of_table} AND {table}"), &numbers);
        }
    }
    body.column(sub, &choice);
}

/// Hides rows about columns that do not show.
fn hide_columns(picture: &Picture, body: &mut Body, [class, object, sub]: [&'static str; 3]) {
    let of_table = format!(" AND {}", is_of(class, "pg_class"));
    hide_numbers(picture, body, object, sub, &of_table, |look| {
        look.hidden.iter().copied().collect()
    });
}

/// Hides rows about those objects that do not show which `which` picks.
fn hide_objects(
    picture: &Picture,
    body: &mut Body,
    [class, object]: [&'static str; 2],
    which: impl Fn(ObjectKind, u32) -> bool,
) {
    let mut by_catalog: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (kind, oids) in &picture.objects.hidden {
        let wanted = oids.iter().copied().filter(|oid| which(*kind, *oid));
        by_catalog.entry(catalog_of(*kind)).or_default().extend(wanted);
    }
    for (catalog, oids) in by_catalog.iter().filter(|(_, oids)| !oids.is_empty()) {
        let hidden = is_one_of(&format!("{CATALOG}.{object}"), oids);
        body.hide(format!("{} AND {hidden}", is_of(class, catalog)));
    }
}

fn trigger(picture: &Picture) -> Body {
    let mut body = Body::default();
    let columns = by_table(picture, "tgrelid", |look| numbered_list(look, "tgattr", true));
    body.column("tgattr", &columns);
    body.names("tgname", picture, &[ObjectKind::Trigger]);
    body.hide_oids("oid", &picture.objects.hidden(ObjectKind::Trigger));
    body.hide_oids("tgconstraint", &picture.objects.hidden_constraints());
    body
}

fn statistics(picture: &Picture) -> Body {
    let mut body = Body::default();
    let columns = by_table(picture, "stxrelid", |look| numbered_list(look, "stxkeys", true));
    body.column("stxkeys", &columns);
    body.names("stxname", picture, &[ObjectKind::Statistics]);
    body.hide_oids("oid", &picture.objects.hidden(ObjectKind::Statistics));
    body
}

/// By names: the view has no oids, and what it reads may not be read by all.
fn stats(picture: &Picture) -> Body {
    let mut body = Body { is_view: true, ..Body::default() };
    let mut choice = Choice::default();
    for Tables { names, look, .. } in &picture.tables {
        let tables: Vec<String> = names
            .iter()
            .map(|name| format!("({}, {})", name_literal(&name.schema), name_literal(&name.name)))
            .collect();
        let table =
            format!("({CATALOG}.schemaname, {CATALOG}.tablename) IN ({})", tables.join(", "));
        for (from, to) in &look.renames {
            let this = format!("{table} AND {CATALOG}.attname = {}", name_literal(from));
            match look.stand_ins.iter().any(|(shown, _)| shown == to) {
                true => choice.when(&this, &name_literal(to)),
                false => body.hide(this),
            }
        }
    }
    body.column("attname", &choice);
    body
}
