//! Rows of the catalogs about another table's columns, that show once more as rows about the table whose columns
//! they are to the client.

use std::collections::BTreeMap;

use super::bodies::{CATALOG, Rows, is_of, oid, renumbered, renumbered_list};
use super::loan::{Lent, Loan, Pair};
use super::sql::{choice_of, is_one_of, name_literal, number};
use crate::system_catalog::ObjectKind;

pub(super) fn attribute(loan: &Loan) -> Vec<Rows> {
    let by_number = |arms: Vec<(String, String)>, column: &str| {
        let otherwise = format!("{CATALOG}.{column}");
        choice_of(&format!("{CATALOG}.attnum"), arms.into_iter(), &otherwise)
    };
    let name = |lent: &Lent| (lent.from.to_string(), name_literal(&lent.to_name));
    let names = loan.columns.iter().filter(|lent| lent.from_name != lent.to_name).map(name);
    let not_null = loan.columns.iter().filter(|lent| lent.not_null);
    let not_null = not_null.map(|lent| (lent.from.to_string(), "true".to_owned()));
    let of_table = Rows {
        columns: vec![
            ("attrelid", oid(loan.table)),
            ("attname", by_number(names.collect(), "attname")),
            ("attnum", renumbered(&columns(loan), "attnum")),
            ("attnotnull", by_number(not_null.collect(), "attnotnull")),
        ],
        condition: format!("{} AND {}", of_holder(loan, "attrelid"), is_column(loan, "attnum")),
    };
    let indexes = pairs(loan.indexes().map(|(_, index)| index));
    let renames = loan.renamed().into_iter();
    let arms = renames.map(|(from, to)| (name_literal(from), name_literal(to)));
    let attname = format!("{CATALOG}.attname");
    let of_indexes = Rows {
        columns: vec![
            ("attrelid", shown(&indexes, "attrelid")),
            ("attname", choice_of(&attname, arms, &attname)),
        ],
        condition: real(&indexes, "attrelid"),
    };
    some(vec![(true, of_table), (!indexes.is_empty(), of_indexes)])
}

pub(super) fn attrdef(loan: &Loan) -> Vec<Rows> {
    let rows = Rows {
        columns: vec![
            ("oid", default_of(loan, &format!("{CATALOG}.adnum"))),
            ("adrelid", oid(loan.table)),
            ("adnum", renumbered(&columns(loan), "adnum")),
        ],
        condition: format!("{} AND {}", of_holder(loan, "adrelid"), is_column(loan, "adnum")),
    };
    vec![rows]
}

pub(super) fn class(loan: &Loan) -> Vec<Rows> {
    let namespace = || {
        let value = loan.namespace(&format!("{CATALOG}.relnamespace"));
        value.map(|value| ("relnamespace", value))
    };
    let mut table = Rows {
        columns: vec![
            ("oid", oid(loan.table)),
            ("relname", name_literal(&loan.relation.name)),
            ("reltype", oid(0)),
            ("relnatts", format!("{}::pg_catalog.int2", loan.columns.len())),
            ("relchecks", format!("{}::pg_catalog.int2", loan.checks())),
        ],
        condition: of_holder(loan, "oid"),
    };
    table.columns.extend(namespace());
    let indexes = pairs(loan.indexes().map(|(_, index)| index));
    let mut of_indexes = Rows {
        columns: vec![
            ("oid", shown(&indexes, "oid")),
            ("relname", {
                let arms = loan
                    .indexes()
                    .map(|(object, index)| (oid(index.real), name_literal(&object.shown)));
                choice_of(&format!("{CATALOG}.oid"), arms, &format!("{CATALOG}.relname"))
            }),
        ],
        condition: real(&indexes, "oid"),
    };
    of_indexes.columns.extend(namespace());
    some(vec![(loan.is_gone, table), (!indexes.is_empty(), of_indexes)])
}

pub(super) fn index(loan: &Loan) -> Vec<Rows> {
    let indexes = pairs(loan.indexes().map(|(_, index)| index));
    let of_part = loan.indexes().filter(|(object, _)| object.is_of_part);
    let arms = of_part.map(|(_, index)| (oid(index.real), "NULL".to_owned()));
    let predicate =
        choice_of(&format!("{CATALOG}.indexrelid"), arms, &format!("{CATALOG}.indpred"));
    let rows = Rows {
        columns: vec![
            ("indexrelid", shown(&indexes, "indexrelid")),
            ("indrelid", oid(loan.table)),
            ("indkey", renumbered_list(&loan.numbers(), "indkey", true)),
            ("indpred", predicate),
        ],
        condition: real(&indexes, "indexrelid"),
    };
    some(vec![(!indexes.is_empty(), rows)])
}

pub(super) fn constraint(loan: &Loan) -> Vec<Rows> {
    let oids = pairs(loan.constraints().map(|object| object.oid));
    let names =
        loan.constraints().map(|object| (oid(object.oid.real), name_literal(&object.shown)));
    let name = choice_of(&format!("{CATALOG}.oid"), names, &format!("{CATALOG}.conname"));
    let mut rows = Rows {
        columns: vec![
            ("oid", shown(&oids, "oid")),
            ("conname", name),
            ("conrelid", oid(loan.table)),
            ("conindid", shown(&pairs(loan.indexes().map(|(_, index)| index)), "conindid")),
            ("conkey", keys(loan)),
        ],
        condition: real(&oids, "oid"),
    };
    // A tree has the other table's numbers in it.
    let tree = (!loan.is_gone).then(|| ("conbin", "NULL::pg_catalog.pg_node_tree".to_owned()));
    rows.columns.extend(tree);
    let namespace = loan.namespace(&format!("{CATALOG}.connamespace"));
    rows.columns.extend(namespace.map(|value| ("connamespace", value)));
    some(vec![(!oids.is_empty(), rows)])
}

/// `conkey`, without the column that tells whether there is a row.
fn keys(loan: &Loan) -> String {
    let list = renumbered_list(&loan.numbers(), "conkey", false);
    let of_part: Vec<u32> =
        loan.constraints().filter(|it| it.is_of_part).map(|it| it.oid.real).collect();
    if of_part.is_empty() {
        return list;
    }
    let known: Vec<String> = loan.all().map(|lent| lent.from.to_string()).collect();
    let arms = loan.all().map(|lent| (lent.from.to_string(), number(lent.to)));
    let element = choice_of("n.number", arms, "n.number");
    let this = is_one_of(&format!("{CATALOG}.oid"), &of_part);
    format!(
        "CASE WHEN {this} THEN (SELECT pg_catalog.array_agg({element} ORDER BY n.place) \
         FROM pg_catalog.unnest({CATALOG}.conkey) WITH ORDINALITY AS n(number, place) \
         WHERE n.number IN ({})) ELSE {list} END",
        known.join(", ")
    )
}

pub(super) fn description(loan: &Loan) -> Vec<Rows> {
    let of_columns = Rows {
        columns: vec![
            ("objoid", oid(loan.table)),
            ("objsubid", {
                let arms = loan.columns.iter();
                let arms = arms.map(|lent| (lent.from.to_string(), lent.to.to_string()));
                let number = format!("{CATALOG}.objsubid");
                choice_of(&number, arms, &number)
            }),
        ],
        condition: format!(
            "{} AND {} AND {}",
            is_of("classoid", "pg_class"),
            of_holder(loan, "objoid"),
            is_column(loan, "objsubid")
        ),
    };
    let of_objects = |catalog: &str, objects: &[Pair]| Rows {
        columns: vec![("objoid", shown(objects, "objoid"))],
        condition: format!("{} AND {}", is_of("classoid", catalog), real(objects, "objoid")),
    };
    let indexes = pairs(loan.indexes().map(|(_, index)| index));
    let constraints = pairs(loan.constraints().map(|object| object.oid));
    some(vec![
        (true, of_columns),
        (!indexes.is_empty(), of_objects("pg_class", &indexes)),
        (!constraints.is_empty(), of_objects("pg_constraint", &constraints)),
    ])
}

/// The oid that shows for the default of a column of that number there.
fn default_of(loan: &Loan, number: &str) -> String {
    format!("({} + {number})::pg_catalog.oid", loan.defaults)
}

/// What indexes, constraints and defaults rest on.
pub(super) fn depend(loan: &Loan) -> Vec<Rows> {
    let indexes = pairs(loan.indexes().map(|(_, index)| index));
    let constraints = pairs(loan.constraints().map(|object| object.oid));
    let all: Vec<Pair> = indexes.iter().chain(&constraints).copied().collect();
    let of_class = is_of("refclassid", "pg_class");
    let referenced = format!("{CATALOG}.refobjid");
    let holder = is_one_of(&referenced, &[loan.holder_oid]);
    let known: Vec<String> = loan.all().map(|lent| lent.from.to_string()).collect();
    let numbers = loan.all().map(|lent| (lent.from.to_string(), lent.to.to_string()));
    let number = format!("{CATALOG}.refobjsubid");
    let arms = all.iter().map(|pair| (oid(pair.real), oid(pair.shown)));
    let arms = arms.chain([(oid(loan.holder_oid), oid(loan.table))]);
    let columns = vec![
        ("objid", shown(&all, "objid")),
        ("refobjid", choice_of(&referenced, arms, &referenced)),
        ("refobjsubid", {
            let new = choice_of(&number, numbers, &number);
            format!("CASE WHEN {of_class} AND {holder} THEN {new} ELSE {number} END")
        }),
    ];
    // Nothing shows that tells whether there is a row.
    let is_shown =
        format!("(NOT ({of_class} AND {holder}) OR {number} IN (0, {}))", known.join(", "));
    let of = |catalog: &str, objects: &[Pair]| Rows {
        columns: columns.clone(),
        condition: format!(
            "{} AND {} AND {is_shown}",
            is_of("classid", catalog),
            real(objects, "objid")
        ),
    };
    some(vec![
        (!indexes.is_empty(), of("pg_class", &indexes)),
        (!constraints.is_empty(), of("pg_constraint", &constraints)),
        (true, of_defaults(loan, &columns)),
    ])
}

/// The same of defaults: a dump makes the sequence before the table that draws from it.
fn of_defaults(loan: &Loan, columns: &[(&'static str, String)]) -> Rows {
    let default = format!(
        "FROM pg_catalog.pg_attrdef AS d WHERE d.oid = {CATALOG}.objid AND d.adrelid = {} AND {}",
        oid(loan.holder_oid),
        is_column(loan, "adnum").replace(&format!("{CATALOG}."), "d."),
    );
    let rest = columns.iter().filter(|(name, _)| *name != "objid").cloned();
    let objid = format!("(SELECT {} {default})", default_of(loan, "d.adnum"));
    Rows {
        columns: std::iter::once(("objid", objid)).chain(rest).collect(),
        condition: format!("{} AND EXISTS (SELECT {default})", is_of("classid", "pg_attrdef")),
    }
}

/// Of each with whether it is needed, those that are.
fn some(rows: Vec<(bool, Rows)>) -> Vec<Rows> {
    rows.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, rows)| rows).collect()
}

/// What the other table's numbers are to the client, of the columns that it holds.
fn columns(loan: &Loan) -> BTreeMap<u16, u16> {
    loan.columns.iter().map(|lent| (lent.from, lent.to)).collect()
}

/// Each pair once.
fn pairs(all: impl Iterator<Item = Pair>) -> Vec<Pair> {
    all.collect()
}

fn of_holder(loan: &Loan, column: &str) -> String {
    is_one_of(&format!("{CATALOG}.{column}"), &[loan.holder_oid])
}

/// Whether a number is that of a column which is lent, or a system column of a table that is gone.
fn is_column(loan: &Loan, column: &str) -> String {
    let list: Vec<String> = loan.columns.iter().map(|lent| lent.from.to_string()).collect();
    let lent = format!("{CATALOG}.{column} IN ({})", list.join(", "));
    match loan.is_gone {
        true => format!("({lent} OR {CATALOG}.{column} < 0)"),
        false => lent,
    }
}

/// The oid that shows for the one in `column`.
fn shown(pairs: &[Pair], column: &str) -> String {
    let arms = pairs.iter().map(|pair| (oid(pair.real), oid(pair.shown)));
    let column = format!("{CATALOG}.{column}");
    choice_of(&column, arms, &column)
}

/// Whether the oid in `column` is one of those of the other table's.
fn real(pairs: &[Pair], column: &str) -> String {
    let oids: Vec<u32> = pairs.iter().map(|pair| pair.real).collect();
    is_one_of(&format!("{CATALOG}.{column}"), &oids)
}

/// Which constraints of a kind are lent.
pub(super) fn of_kinds(loan: &Loan, kinds: &[ObjectKind]) -> Vec<Pair> {
    let index = kinds.contains(&ObjectKind::Index);
    let indexes = loan.indexes().filter(|_| index).map(|(_, pair)| pair);
    let others = loan.constraints().filter(|object| kinds.contains(&object.kind));
    indexes.chain(others.map(|object| object.oid)).collect()
}
