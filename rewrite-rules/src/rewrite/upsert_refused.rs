//! The rows that an upsert gives, held against the constraints of tables that may get nothing of them: PostgreSQL looks
//! at those of a row whose key is taken too, though nothing of it is stored.
//!
//! `segue_refused_0 AS (INSERT INTO profiles (user_id, bio) SELECT … FROM segue_row_0 WHERE segue_new_1 IS NULL OR …)`: of
//! the client's rows those that the table refuses, so nothing is ever stored by it.

use super::Rewriter;
use super::apart::Apart;
use super::apart_upsert::default_text_of;
use super::gathered::Belongs;
use super::gathered_insert::given_name;
use super::insert_rows::is_volatile_default;
use crate::catalog::{Relation, RelationName};
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;
use crate::system_catalog::{ObjectKind, TableObject};

/// What a table would get of a row.
struct Given {
    /// Its column.
    column: String,
    value: String,
    may_be_null: bool,
}

impl<'a> Rewriter<'a> {
    /// Of a table whose rows are gathered: name and text of the CTE.
    pub(super) fn refused_gathered(
        &self,
        apart: &Apart<'a>,
        columns: &[&LogicalColumn],
    ) -> Option<(String, String)> {
        let row = apart.row();
        let held = apart.belongings().filter(|(.., belongs)| *belongs != Belongs::Here);
        let given = held.map(|(at, column, belongs)| Given {
            column: column.name.clone(),
            value: format!("{row}.{}", given_name(at)),
            // A row without a key is a new one.
            may_be_null: belongs != Belongs::Key && may_be_null(column, columns),
        });
        let given: Vec<Given> = given.collect();
        let text = self.refused(apart, (None, apart.lens.physical()), &given)?;
        Some((format!("segue_refused_{}", apart.number), text))
    }

    /// Of the tables that hold what has moved: `, segue_refused_0_0 AS (…)` for each.
    pub(super) fn refused_apart(&self, apart: &Apart<'a>, columns: &[&'a LogicalColumn]) -> String {
        let lens: &'a Lens = apart.lens;
        let row = apart.row();
        let catalog = self.generation.catalog();
        let of = |place: usize| {
            let name = &lens.beside.get(place)?.relation;
            let table = catalog.relation(name)?;
            let makes_good = |its: &str| table.column(its).is_some_and(|it| it.default.is_some());
            let keys = apart.key_of(Some(place)).into_iter().enumerate();
            let keys = keys.map(|(at, its)| Given {
                column: its.to_owned(),
                value: format!("{row}.{}", Apart::key(at)),
                may_be_null: false,
            });
            let own = lens.shown().filter_map(|column| {
                let put = column.put.iter().find(|put| put.beside == Some(place))?;
                let value = match columns.iter().position(|it| it.name == column.name) {
                    Some(at) => format!("{row}.{}", Apart::value(at)),
                    // It would be drawn again, or is not what is stored.
                    None if is_volatile_default(column) => return None,
                    None if column.default.is_none() && makes_good(&put.column) => return None,
                    None => format!("({})::{}", default_text_of(column), column.type_name),
                };
                Some(Given {
                    column: put.column.clone(),
                    value: put.written(&value),
                    may_be_null: may_be_null(column, columns),
                })
            });
            let given: Vec<Given> = keys.chain(own).collect();
            let text = self.refused(apart, (Some(place), name), &given)?;
            Some(format!(", segue_refused_{}_{place} AS ({text})", apart.number))
        };
        lens.places_apart().into_iter().filter_map(of).collect()
    }

    /// Of the table that columns move to, whose rows are given as `value` says of each column's place: what is true of
    /// a row that it refuses.
    pub(super) fn refused_half(
        &self,
        itself: &Lens,
        columns: &[&LogicalColumn],
        value: &dyn Fn(usize, &LogicalColumn) -> String,
    ) -> Option<String> {
        let is_key = |column: &LogicalColumn| {
            let mut key = itself.beside.iter().flat_map(|beside| &beside.key);
            key.any(|(its, _)| *its == column.name)
        };
        let given = itself.shown().filter_map(|column| {
            let value = match columns.iter().position(|it| it.name == column.name) {
                Some(at) => value(at, column),
                None if is_volatile_default(column) => return None,
                None => format!("({})::{}", default_text_of(column), column.type_name),
            };
            // Nothing is there of a row without a key.
            let may_be_null = !is_key(column) && may_be_null(column, columns);
            Some(Given { column: column.name.clone(), value, may_be_null })
        });
        self.conditions(&itself.relation, &given.collect::<Vec<Given>>())
    }

    /// What is true of a row that a table refuses by itself. `None`: it refuses none.
    fn conditions(&self, name: &RelationName, given: &[Given]) -> Option<String> {
        let catalog = self.generation.catalog();
        // What a trigger makes of a row before it is looked at is not known.
        let table = catalog.relation(name).filter(|it| it.before_row_triggers.is_empty())?;
        let objects = catalog.system.objects.get(name).map_or(&[][..], Vec::as_slice);
        let mut conditions = null(table, given);
        conditions.extend(unchecked(table, (name, objects), given));
        Some(conditions.join(" OR ")).filter(|conditions| !conditions.is_empty())
    }

    /// The INSERT of the rows that a table refuses, each by itself. `None`: it refuses none.
    fn refused(
        &self,
        apart: &Apart<'a>,
        (place, name): (Option<usize>, &RelationName),
        given: &[Given],
    ) -> Option<String> {
        let conditions = self.conditions(name, given)?;
        let (into, from): (Vec<String>, Vec<&str>) =
            given.iter().map(|it| (quoted(&it.column), it.value.as_str())).unzip();
        let select = format!(
            "SELECT {} FROM {} WHERE {} ON CONFLICT DO NOTHING",
            from.join(", "),
            apart.row(),
            conditions
        );
        Some(apart.insert(place, &into, &select))
    }
}

/// Always true of a row, unless one of its columns does not take what `row` gives for it, which is the statement's error:
/// PostgreSQL makes it the column's before it looks for a row that is there. `None`: they take anything of their type.
pub(super) fn is_taken<'c>(
    columns: impl Iterator<Item = (usize, &'c &'c LogicalColumn)>,
    row: &str,
) -> Option<String> {
    let cut = columns.filter(|(_, column)| column.fitted.is_some());
    let stored = cut.map(|(at, column)| column.stores(&format!("{row}.{}", Apart::value(at))));
    let stored: Vec<String> = stored.collect();
    let text = || format!("pg_catalog.num_nulls({}) >= 0", stored.join(", "));
    (!stored.is_empty()).then(text)
}

fn may_be_null(column: &LogicalColumn, columns: &[&LogicalColumn]) -> bool {
    columns.iter().any(|given| given.name == column.name) || column.default.is_none()
}

/// Conditions, each true of a row that has NULL where the table refuses it.
fn null(table: &Relation, given: &[Given]) -> Vec<String> {
    let refuses = |it: &&Given| {
        it.may_be_null && table.column(&it.column).is_some_and(|column| column.not_null)
    };
    given.iter().filter(refuses).map(|it| format!("{} IS NULL", it.value)).collect()
}

/// Conditions, each true of a row that a CHECK constraint refuses.
fn unchecked(
    table: &Relation,
    (name, objects): (&RelationName, &[TableObject]),
    given: &[Given],
) -> Vec<String> {
    let number = |it: &Given| table.column(&it.column).map(|column| column.number);
    let numbers: Vec<u16> = given.iter().filter_map(number).collect();
    // As the column stores them: a row is stored whose value is refused only before it is rounded.
    let items = given.iter().filter_map(|it| {
        let type_name = &table.column(&it.column)?.type_name;
        Some(format!("({})::{type_name} AS {}", it.value, quoted(&it.column)))
    });
    let items = items.collect::<Vec<String>>().join(", ");
    objects
        .iter()
        .filter(|object| object.columns.iter().all(|column| numbers.contains(column)))
        .filter_map(checked)
        .map(|condition| {
            format!("(SELECT NOT ({condition}) FROM (SELECT {items}) AS {})", quoted(&name.name))
        })
        .collect()
}

/// The condition of a CHECK constraint, out of its definition.
fn checked(object: &TableObject) -> Option<&str> {
    let definition = Some(object).filter(|it| it.kind == ObjectKind::Check)?.definition.as_str();
    let body = definition.strip_prefix("CHECK (")?;
    let body = body.strip_suffix(" NOT VALID").unwrap_or(body);
    body.strip_suffix(" NO INHERIT").unwrap_or(body).strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_taken_out_of_its_definition() {
        let object = |kind, definition: &str| TableObject {
            kind,
            oid: 1,
            name: "c".to_owned(),
            index: None,
            carrier: 2,
            refers_to: None,
            columns: vec![1],
            deferrable: false,
            definition: definition.to_owned(),
        };
        for (definition, expected) in [
            ("CHECK ((a > 0))", Some("(a > 0)")),
            ("CHECK (((a > 0) OR (b IS NULL))) NOT VALID", Some("((a > 0) OR (b IS NULL))")),
            ("CHECK (f(a)) NO INHERIT", Some("f(a)")),
            ("CHECK (f(a)) NO INHERIT NOT VALID", Some("f(a)")),
            ("something else", None),
        ] {
            assert_eq!(checked(&object(ObjectKind::Check, definition)), expected, "{definition}");
        }
        assert_eq!(checked(&object(ObjectKind::Trigger, "CHECK (true)")), None);
    }
}
