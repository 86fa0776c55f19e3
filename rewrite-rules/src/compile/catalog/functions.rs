//! The functions that take or give the names and numbers of physical columns.

use std::collections::BTreeMap;

use super::borrowed;
use super::identifier::{NEVER, Place, escaped, pattern};
use super::objects::Renaming;
use super::sql::{is_one_of, literal};
use super::{Picture, Tables};
use crate::catalog_lens::{ArgumentForm, ArgumentLens, Around, CallPiece, FunctionLens};
use crate::name;
use crate::system_catalog::ObjectKind::{
    self, Check, ForeignKey, Index, Key, NotNull, Statistics, Trigger,
};

/// Functions that give an object's definition by its oid: their arities, and the object's kinds.
pub(super) const DEFINITIONS: [(&str, &[usize], &[ObjectKind]); 6] = [
    ("pg_get_indexdef", &[1, 3], &[Index]),
    ("pg_get_constraintdef", &[1, 2], &[Key, Check, NotNull, ForeignKey]),
    ("pg_get_triggerdef", &[1, 2], &[Trigger]),
    ("pg_get_statisticsobjdef", &[1], &[Statistics]),
    ("pg_get_statisticsobjdef_columns", &[1], &[Statistics]),
    ("pg_get_statisticsobjdef_expressions", &[1], &[]),
];

/// Functions that give an expression over a table's columns: arity, and which argument is the
/// table's oid.
const EXPRESSIONS: [(&str, usize, usize); 3] =
    [("pg_get_expr", 2, 1), ("pg_get_expr", 3, 1), ("pg_get_partkeydef", 1, 0)];

/// A function that takes a column of a table.
pub(super) struct OfColumn {
    pub(super) name: &'static str,
    pub(super) arity: usize,
    /// Which argument is the table.
    pub(super) table: usize,
    /// How an oid is made of it.
    oid: &'static str,
    /// Which argument is the column.
    pub(super) column: usize,
    /// The type of its number, if it may be one.
    pub(super) number: Option<&'static str>,
    /// Whether it may be a name.
    pub(super) by_name: bool,
}

pub(super) const OID: &str = "::pg_catalog.oid";
/// Of a regclass, of an oid, and of a name.
pub(super) const REGCLASS: &str = "::pg_catalog.regclass::pg_catalog.oid";
const NAME: &str = "::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid";

pub(super) const COLUMNS: [OfColumn; 5] = [
    OfColumn {
        name: "col_description",
        arity: 2,
        table: 0,
        oid: OID,
        column: 1,
        number: Some("int4"),
        by_name: false,
    },
    OfColumn {
        name: "pg_column_is_updatable",
        arity: 3,
        table: 0,
        oid: REGCLASS,
        column: 1,
        number: Some("int2"),
        by_name: false,
    },
    OfColumn {
        name: "has_column_privilege",
        arity: 3,
        table: 0,
        oid: REGCLASS,
        column: 1,
        number: Some("int2"),
        by_name: true,
    },
    OfColumn {
        name: "has_column_privilege",
        arity: 4,
        table: 1,
        oid: REGCLASS,
        column: 2,
        number: Some("int2"),
        by_name: true,
    },
    OfColumn {
        name: "pg_get_serial_sequence",
        arity: 2,
        table: 0,
        oid: NAME,
        column: 1,
        number: None,
        by_name: true,
    },
];

/// All of them.
pub(super) fn lenses(picture: &Picture) -> Vec<FunctionLens> {
    let mut lenses = Vec::new();
    for (name, arities, kinds) in DEFINITIONS {
        let around = definition(picture, kinds);
        let of = |arity: &usize| FunctionLens {
            schema: "pg_catalog",
            name,
            arity: *arity,
            overloaded: false,
            around: around.clone(),
            arguments: Vec::new(),
        };
        lenses.extend(arities.iter().map(of));
    }
    for (name, arity, table) in EXPRESSIONS {
        let around = expression(picture, table);
        let arguments = Vec::new();
        let schema = "pg_catalog";
        let lens = FunctionLens { schema, name, arity, overloaded: false, around, arguments };
        lenses.push(lens);
    }
    lenses.extend(COLUMNS.iter().map(|function| of_column(picture, function)));
    lenses.push(FunctionLens {
        schema: "information_schema",
        name: "_pg_index_position",
        arity: 2,
        overloaded: false,
        around: Vec::new(),
        arguments: index_number(picture).into_iter().collect(),
    });
    borrowed::extend(picture, &mut lenses);
    lenses.retain(|lens| !lens.around.is_empty() || !lens.arguments.is_empty());
    lenses
}

fn of_column(picture: &Picture, function: &OfColumn) -> FunctionLens {
    let by_number = function.number.and_then(|int| column_number(picture, function, int));
    let by_name = function.by_name.then(|| column_name(picture, function)).flatten();
    FunctionLens {
        schema: "pg_catalog",
        name: function.name,
        arity: function.arity,
        overloaded: function.number.is_some() && function.by_name,
        around: Vec::new(),
        arguments: by_number.into_iter().chain(by_name).collect(),
    }
}

/// The result with what `pattern` finds replaced, where the argument at `place` is one of `oids`.
/// `replacement` is an expression.
pub(super) fn replaced(place: usize, oids: &[u32], pattern: &str, replacement: &str) -> Around {
    let this = is_one_of(")::pg_catalog.oid", oids);
    Around {
        before: vec!["pg_catalog.regexp_replace(".into()],
        behind: vec![
            ", CASE WHEN (".into(),
            CallPiece::Argument(place),
            format!("{this} THEN {pattern} ELSE {NEVER} END, {replacement}, 'g')").into(),
        ],
    }
}

/// What stands around a function that gives definitions of objects of these kinds.
fn definition(picture: &Picture, kinds: &[ObjectKind]) -> Vec<Around> {
    let mut around = Vec::new();
    for texts in kinds.iter().filter_map(|kind| picture.objects.texts.get(kind)) {
        for (Renaming { from, to, place, .. }, oids) in texts {
            let oids: Vec<u32> = oids.iter().copied().collect();
            around.push(replaced(0, &oids, &pattern(from, *place), &identifier(to)));
        }
    }
    for kind in kinds {
        // What is before an object's own name in its definition, and behind it.
        let (before, behind) = match kind {
            Index => ("(?<=INDEX )", "(?= ON )"),
            Trigger => ("(?<=TRIGGER )", "(?= )"),
            Statistics => ("(?<=STATISTICS .*[.])", "(?= )"),
            Key | Check | NotNull | ForeignKey => continue,
        };
        for (oid, object) in picture.objects.names.get(kind).into_iter().flatten() {
            let name = escaped(&name::quoted(&object.physical));
            let pattern = literal(&format!("{before}{name}{behind}"));
            around.push(replaced(0, &[*oid], &pattern, &identifier(&object.shown)));
        }
    }
    around
}

/// The name as the server writes it, and with backslashes that mean themselves.
pub(super) fn identifier(name: &str) -> String {
    format!("pg_catalog.quote_ident({})", literal(&name.replace('\\', "\\\\")))
}

/// What stands around a function that gives an expression over the columns of a table.
fn expression(picture: &Picture, table: usize) -> Vec<Around> {
    let mut around = Vec::new();
    for Tables { oids, look, .. } in &picture.tables {
        for (from, to) in &look.renames {
            around.push(replaced(table, oids, &pattern(from, Place::Anywhere), &identifier(to)));
        }
    }
    around
}

/// The text before an argument that may be replaced by `instead`, and behind it.
pub(super) fn either(place: usize, form: ArgumentForm, instead: Vec<CallPiece>) -> ArgumentLens {
    let before = [vec!["coalesce(CASE ".into()], instead, vec![" END, ".into()]].concat();
    ArgumentLens { place, form, beside: None, around: Around { before, behind: vec![")".into()] } }
}

/// The physical number for the client's, where the table is the one in another argument.
fn column_number(picture: &Picture, function: &OfColumn, int: &str) -> Option<ArgumentLens> {
    let mut instead: Vec<CallPiece> = Vec::new();
    for (oids, numbers) in borrowed::numbers(picture) {
        instead.extend(is_table(function, &oids));
        instead.extend(number_of(function.column, numbers.iter(), int));
    }
    (!instead.is_empty()).then(|| ArgumentLens {
        beside: borrowed::beside(picture, function),
        ..either(function.column, ArgumentForm::Number, instead)
    })
}

/// `WHEN … THEN`, where the table is one of these.
fn is_table(function: &OfColumn, oids: &[u32]) -> Vec<CallPiece> {
    let mut pieces = when_table(function, oids);
    pieces.push(" THEN ".into());
    pieces
}

/// `WHEN`, where the table is one of these.
pub(super) fn when_table(function: &OfColumn, oids: &[u32]) -> Vec<CallPiece> {
    vec![
        " WHEN (".into(),
        CallPiece::Argument(function.table),
        format!("){}", is_one_of(function.oid, oids)).into(),
    ]
}

/// `CASE … END` with the number for the one in the argument at `column`.
fn number_of<'n>(
    column: usize,
    numbers: impl Iterator<Item = (&'n u16, &'n u16)>,
    int: &str,
) -> Vec<CallPiece> {
    let arms: String =
        numbers.map(|(from, to)| format!(" WHEN {from} THEN {to}::pg_catalog.{int}")).collect();
    let arms = format!(")::pg_catalog.{int}{arms} END");
    vec!["CASE (".into(), CallPiece::Argument(column), arms.into()]
}

/// The physical name for the client's.
fn column_name(picture: &Picture, function: &OfColumn) -> Option<ArgumentLens> {
    let mut instead: Vec<CallPiece> = Vec::new();
    for (oids, names) in borrowed::names(picture, function) {
        instead.extend(is_table(function, &oids));
        let arms = names.iter();
        let arms: String = arms
            .map(|(shown, other)| format!(" WHEN {} THEN {}", literal(shown), text(other)))
            .collect();
        instead.extend([
            "CASE (".into(),
            CallPiece::Argument(function.column),
            format!(")::pg_catalog.text{arms} END").into(),
        ]);
    }
    (!instead.is_empty()).then(|| ArgumentLens {
        beside: borrowed::beside(picture, function),
        ..either(function.column, ArgumentForm::Name, instead)
    })
}

fn text(value: &str) -> String {
    format!("{}::pg_catalog.text", literal(value))
}

/// The physical number for the client's, where the table is that of an index.
fn index_number(picture: &Picture) -> Option<ArgumentLens> {
    let mut instead: Vec<CallPiece> = Vec::new();
    let mut add = |indexes: Vec<u32>, numbers: &BTreeMap<u16, u16>| {
        if !numbers.is_empty() && !indexes.is_empty() {
            instead.extend([
                " WHEN (".into(),
                CallPiece::Argument(0),
                format!("{} THEN ", is_one_of(")::pg_catalog.oid", &indexes)).into(),
            ]);
            instead.extend(number_of(1, numbers.iter(), "int2"));
        }
    };
    for (numbers, indexes) in &picture.objects.lent {
        add(indexes.iter().copied().collect(), numbers);
    }
    for Tables { oids, look, .. } in &picture.tables {
        let indexes = oids.iter().filter_map(|oid| picture.objects.indexes.get(oid));
        add(indexes.flatten().copied().collect(), &look.physical);
    }
    (!instead.is_empty()).then(|| either(1, ArgumentForm::Number, instead))
}
