//! The functions about tables whose columns another table holds: they are asked about that one, and what they say is
//! said in the client's names.

use std::collections::BTreeMap;

use super::functions::{
    COLUMNS, DEFINITIONS, OID, OfColumn, REGCLASS, either, identifier, replaced, when_table,
};
use super::identifier::{Place, escaped, pattern};
use super::lent::of_kinds;
use super::loan::{LentObject, Loan};
use super::sql::{is_one_of, literal};
use super::{Picture, Tables};
use crate::catalog_lens::{ArgumentForm, ArgumentLens, Around, CallPiece, FunctionLens};
use crate::name::quoted;
use crate::system_catalog::ObjectKind::{self, Check, ForeignKey, Index, Key};

/// A function that takes a table: its arity, which argument that is, how an oid is made of it, and whether the
/// function takes arguments of several types.
const TABLES: [(&str, usize, usize, &str, bool); 6] = [
    ("pg_get_expr", 2, 1, OID, false),
    ("pg_get_expr", 3, 1, OID, false),
    ("has_table_privilege", 2, 0, REGCLASS, true),
    ("has_table_privilege", 3, 1, REGCLASS, true),
    ("has_any_column_privilege", 2, 0, REGCLASS, true),
    ("has_any_column_privilege", 3, 1, REGCLASS, true),
];

/// Something for tables, each some that look alike, by their oids.
type OfTables<T> = Vec<(Vec<u32>, T)>;

/// Adds them to those that are about columns of the tables themselves.
pub(super) fn extend(picture: &Picture, lenses: &mut Vec<FunctionLens>) {
    for loan in &picture.loans {
        for (name, arities, kinds) in DEFINITIONS {
            for arity in arities {
                at(lenses, (name, *arity, false), |lens| {
                    lens.around.extend(definition(loan, kinds));
                    lens.arguments.extend(object(loan, kinds));
                });
            }
        }
        at(lenses, ("obj_description", 2, false), |lens| {
            lens.arguments.extend(object(loan, &[Index, Key, Check, ForeignKey]));
        });
    }
    for function in &COLUMNS {
        at(lenses, (function.name, function.arity, false), |lens| {
            let by_number = function.number.and_then(|int| column(picture, function, Some(int)));
            let is_privilege = function.number.is_some() && function.by_name;
            let by_name = is_privilege.then(|| column(picture, function, None)).flatten();
            lens.arguments.extend(by_number.into_iter().chain(by_name));
        });
    }
    if let Some(visible) = visible(&picture.loans) {
        at(lenses, ("pg_table_is_visible", 1, false), |lens| lens.around.push(visible));
    }
    let gone: Vec<&Loan> = picture.loans.iter().filter(|loan| loan.is_gone).collect();
    if gone.is_empty() {
        return;
    }
    for (name, arity, place, made, overloaded) in TABLES {
        at(lenses, (name, arity, overloaded), |lens| {
            lens.arguments.extend(table(&gone, place, made));
        });
    }
    for arity in [2, 3] {
        at(lenses, ("pg_get_expr", arity, false), |lens| {
            lens.around.extend(gone.iter().flat_map(|loan| expression(loan)));
        });
    }
    at(lenses, ("to_regclass", 1, false), |lens| lens.around.push(found(&gone)));
}

/// Changes the lens of a function, which is made if there is none.
fn at(
    lenses: &mut Vec<FunctionLens>,
    (name, arity, overloaded): (&'static str, usize, bool),
    change: impl FnOnce(&mut FunctionLens),
) {
    if let Some(known) = lenses.iter_mut().find(|it| it.name == name && it.arity == arity) {
        return change(known);
    }
    let (around, arguments) = (Vec::new(), Vec::new());
    let mut lens =
        FunctionLens { schema: "pg_catalog", name, arity, overloaded, around, arguments };
    change(&mut lens);
    lenses.push(lens);
}

/// For each table the physical numbers of columns that have another one for the client.
pub(super) fn numbers(picture: &Picture) -> OfTables<BTreeMap<u16, u16>> {
    let of_table = |Tables { oids, look, .. }: &Tables| {
        let mut numbers = look.physical.clone();
        let loans = picture.loans.iter().filter(|loan| oids.contains(&loan.table));
        let lent = loans.flat_map(|loan| &loan.columns);
        numbers.extend(lent.map(|lent| (lent.to, lent.from)));
        (oids.clone(), numbers)
    };
    let gone = picture.loans.iter().filter(|loan| loan.is_gone).map(|loan| {
        let numbers = loan.columns.iter().map(|lent| (lent.to, lent.from));
        (vec![loan.table], numbers.collect())
    });
    let all = picture.tables.iter().map(of_table).chain(gone);
    all.filter(|(_, numbers): &(_, BTreeMap<u16, u16>)| !numbers.is_empty()).collect()
}

/// For each table the client's names that no column of it has, with the physical ones.
pub(super) fn names(picture: &Picture, function: &OfColumn) -> OfTables<Vec<(String, String)>> {
    // One that takes names alone wants the table itself.
    let asks_the_other = function.number.is_some();
    let renamed = |loan: &Loan| -> Vec<(String, String)> {
        let lent = loan.columns.iter().filter(|lent| lent.from_name != lent.to_name);
        lent.map(|lent| (lent.to_name.clone(), lent.from_name.clone())).collect()
    };
    let of_table = |Tables { oids, look, .. }: &Tables| {
        let mut names = look.stand_ins.clone();
        let loans = picture.loans.iter().filter(|loan| oids.contains(&loan.table));
        names.extend(loans.filter(|_| asks_the_other).flat_map(renamed));
        (oids.clone(), names)
    };
    let gone = picture.loans.iter().filter(|loan| loan.is_gone && asks_the_other);
    let gone = gone.map(|loan| (vec![loan.table], renamed(loan)));
    let all = picture.tables.iter().map(of_table).chain(gone);
    all.filter(|(_, names)| !names.is_empty()).collect()
}

/// Where the table is another one for some columns it must be known which it is.
pub(super) fn beside(picture: &Picture, function: &OfColumn) -> Option<(usize, ArgumentForm)> {
    let is_known = !picture.loans.is_empty() && function.number.is_some();
    is_known.then_some((function.table, ArgumentForm::Oid))
}

/// The other table for the client's, where it holds the column in another argument. `number` is the type of its
/// number; `None`: by its name.
fn column(picture: &Picture, function: &OfColumn, number: Option<&str>) -> Option<ArgumentLens> {
    let mut instead = Vec::new();
    for loan in &picture.loans {
        instead.extend(when_table(function, &[loan.table]));
        if !loan.is_gone {
            let list = loan.columns.iter().map(|lent| match number {
                Some(_) => lent.to.to_string(),
                None => literal(&lent.to_name),
            });
            let list: Vec<String> = list.collect();
            instead.extend([
                " AND (".into(),
                CallPiece::Argument(function.column),
                format!(")::pg_catalog.{} IN ({})", number.unwrap_or("text"), list.join(", "))
                    .into(),
            ]);
        }
        instead.push(format!(" THEN {}", relation(loan.holder_oid, function.by_name)).into());
    }
    let form = if number.is_some() { ArgumentForm::Number } else { ArgumentForm::Name };
    (!instead.is_empty()).then(|| ArgumentLens {
        beside: Some((function.column, form)),
        ..either(function.table, ArgumentForm::Oid, instead)
    })
}

/// An oid; of a relation as far as the name of one may stand there too.
fn relation(oid: u32, or_name: bool) -> String {
    let regclass = if or_name { "::pg_catalog.regclass" } else { "" };
    format!("{oid}::pg_catalog.oid{regclass}")
}

/// The other table for one that is gone.
fn table(gone: &[&Loan], place: usize, made: &str) -> Option<ArgumentLens> {
    let arms = gone.iter().flat_map(|loan| {
        let this = is_one_of(&format!("){made}"), &[loan.table]);
        let then = relation(loan.holder_oid, made == REGCLASS);
        [" WHEN (".into(), CallPiece::Argument(place), format!("{this} THEN {then}").into()]
    });
    let arms: Vec<CallPiece> = arms.collect();
    (!arms.is_empty()).then(|| either(place, ArgumentForm::Oid, arms))
}

/// The other table's index or constraint for the one that shows.
fn object(loan: &Loan, kinds: &[ObjectKind]) -> Option<ArgumentLens> {
    let arms: String = of_kinds(loan, kinds)
        .iter()
        .map(|pair| format!(" WHEN {} THEN {}::pg_catalog.oid", pair.shown, pair.real))
        .collect();
    (!arms.is_empty()).then(|| {
        let instead =
            vec!["(".into(), CallPiece::Argument(0), format!(")::pg_catalog.oid{arms}").into()];
        either(0, ArgumentForm::Oid, instead)
    })
}

/// What becomes of the definitions of objects of these kinds.
fn definition(loan: &Loan, kinds: &[ObjectKind]) -> Vec<Around> {
    let mut around = Vec::new();
    for kind in kinds {
        let oids: Vec<u32> = of_kinds(loan, &[*kind]).iter().map(|pair| pair.shown).collect();
        if oids.is_empty() {
            continue;
        }
        let replace = |pattern: &str, by: &str| -> Around { replaced(0, &oids, pattern, by) };
        around.extend(guards(loan, *kind).iter().map(|guard| replace(guard, "''")));
        let place = match kind {
            Index => Place::Index,
            ForeignKey => Place::Referencing,
            Key | Check | ObjectKind::NotNull | ObjectKind::Trigger | ObjectKind::Statistics => {
                Place::Anywhere
            }
        };
        for (from, to) in loan.renames() {
            around.push(replace(&pattern(from, place), &identifier(to)));
        }
        if *kind == Index {
            around.push(replace(&holder(loan), &own(loan)));
            let objects = loan.indexes().map(|(object, index)| (object, index.shown));
            around.extend(objects.map(|(object, oid)| index_name(object, oid)));
        }
    }
    around
}

fn index_name(object: &LentObject, oid: u32) -> Around {
    let physical = escaped(&quoted(&object.name));
    let pattern = literal(&format!("(?<=INDEX ){physical}(?= ON )"));
    replaced(0, &[oid], &pattern, &identifier(&object.shown))
}

/// Finds the other table's name in the definition of an index of it.
fn holder(loan: &Loan) -> String {
    let schema = escaped(&quoted(&loan.holder.schema));
    let name = escaped(&quoted(&loan.holder.name));
    match loan.holder.schema == loan.relation.schema {
        true => literal(&format!("(?<= ON |[.]){name}(?= USING )")),
        false => literal(&format!("(?<= ON )(?:{schema}[.])?{name}(?= USING )")),
    }
}

/// What stands for it.
fn own(loan: &Loan) -> String {
    let name = identifier(&loan.relation.name);
    match loan.holder.schema == loan.relation.schema {
        true => name,
        false => format!("{} || '.' || {name}", identifier(&loan.relation.schema)),
    }
}

/// Finds what limits an index or constraint to rows that have a part of the table's.
fn guards(loan: &Loan, kind: ObjectKind) -> Vec<String> {
    let Some(present) = loan.present.as_deref().map(|it| escaped(&quoted(it))) else {
        return Vec::new();
    };
    match kind {
        Index => vec![literal(&format!(" WHERE {present}$"))],
        Check => bracketed(&present, "CHECK [(]", "[)]"),
        Key | ForeignKey | ObjectKind::NotNull | ObjectKind::Trigger | ObjectKind::Statistics => {
            Vec::new()
        }
    }
}

/// The same in a condition, between what stands before it and behind it: `((NOT there) OR …)`, or without brackets.
fn bracketed(present: &str, before: &str, behind: &str) -> Vec<String> {
    let open = format!("[(][(]NOT {present}[)] OR ");
    let close = format!("(?<=^{before}{open}.*)[)](?={behind}$)");
    vec![
        literal(&format!("(?:(?<=^{before}){open}|{close})")),
        literal(&format!("(?<=^{before})NOT {present} OR ")),
    ]
}

/// What becomes of an expression over the columns of a table that is gone.
fn expression(loan: &Loan) -> Vec<Around> {
    let guards = loan.present.as_deref().map(|it| bracketed(&escaped(&quoted(it)), "", ""));
    let guards = guards.into_iter().flatten().map(|guard| (guard, "''".to_owned()));
    let renames = loan.renames().into_iter();
    let renames = renames.map(|(from, to)| (pattern(from, Place::Anywhere), identifier(to)));
    guards.chain(renames).map(|(pattern, by)| replaced(1, &[loan.table], &pattern, &by)).collect()
}

/// Whether a session finds a table that is gone, or an index that another table has, without its schema.
fn visible(loans: &[Loan]) -> Option<Around> {
    let mut before: Vec<CallPiece> = Vec::new();
    for loan in loans {
        let indexes = loan.indexes().map(|(_, index)| index.shown);
        let oids: Vec<u32> =
            loan.is_gone.then_some(loan.table).into_iter().chain(indexes).collect();
        if oids.is_empty() {
            continue;
        }
        let first = if before.is_empty() { "coalesce(CASE" } else { "" };
        before.extend([
            format!("{first} WHEN (").into(),
            CallPiece::Argument(0),
            format!("{} THEN {}", is_one_of(")::pg_catalog.oid", &oids), is_on_path(loan)).into(),
        ]);
    }
    (!before.is_empty()).then(|| {
        before.push(" END, ".into());
        Around { before, behind: vec![")".into()] }
    })
}

fn is_on_path(loan: &Loan) -> String {
    let schema = literal(&loan.relation.schema);
    format!("{schema} = ANY (pg_catalog.current_schemas(true))")
}

/// The oid of a table that is gone, by its name.
fn found(gone: &[&Loan]) -> Around {
    let mut behind: Vec<CallPiece> = vec![", CASE".into()];
    for loan in gone {
        let [qualified, plain] = names_of(loan);
        behind.extend([
            " WHEN (".into(),
            CallPiece::Argument(0),
            format!(")::pg_catalog.text IN ({qualified}) OR (").into(),
            CallPiece::Argument(0),
            format!(")::pg_catalog.text IN ({plain}) AND {}", is_on_path(loan)).into(),
            format!(" THEN {}", regclass(loan)).into(),
        ]);
    }
    behind.push(" END)".into());
    Around { before: vec!["coalesce(".into()], behind }
}

/// The sub-select that gives any table's `regclass` by its name.
pub(super) fn chosen(picture: &Picture) -> Option<(String, String)> {
    let gone = picture.loans.iter().filter(|loan| loan.is_gone);
    let arms: String = gone
        .map(|loan| {
            let ([qualified, plain], then) = (names_of(loan), regclass(loan));
            let on_path = is_on_path(loan);
            format!(
                " WHEN n.name IN ({qualified}) OR n.name IN ({plain}) AND {on_path} THEN {then}"
            )
        })
        .collect();
    // Some write the database's name before the schema's.
    let database = "pg_catalog.concat(pg_catalog.quote_ident(pg_catalog.current_database()), '.')";
    let quoted = "pg_catalog.concat('\"', pg_catalog.current_database(), '\".')";
    let name = |from: &str, what: &str| format!("pg_catalog.replace({from}, {what}, '')");
    (!arms.is_empty()).then(|| {
        let select = format!(
            "SELECT CASE{arms} ELSE n.written::pg_catalog.regclass END FROM (SELECT t.written, {} AS name \
             FROM (SELECT ",
            name(&name("t.written", quoted), database)
        );
        (select, "::pg_catalog.text AS written) AS t) AS n".to_owned())
    })
}

/// Lists of the names that a table has with its schema, and without.
fn names_of(loan: &Loan) -> [String; 2] {
    let (schemas, names) = (spellings(&loan.relation.schema), spellings(&loan.relation.name));
    let qualified = schemas
        .iter()
        .flat_map(|schema| names.iter().map(move |name| literal(&format!("{schema}.{name}"))));
    let qualified: Vec<String> = qualified.collect();
    let plain: Vec<String> = names.iter().map(|name| literal(name)).collect();
    [qualified.join(", "), plain.join(", ")]
}

fn regclass(loan: &Loan) -> String {
    format!("'{}'::pg_catalog.regclass", loan.table)
}

/// How a name may be written: bare if it can be, and in quotes.
fn spellings(name: &str) -> Vec<String> {
    let (bare, in_quotes) = (quoted(name), format!("\"{}\"", name.replace('"', "\"\"")));
    let same = bare == in_quotes;
    std::iter::once(bare).chain(Some(in_quotes).filter(|_| !same)).collect()
}
