//! Columns of a table that only another table holds: what the catalogs tell of those there is told of this one.
//!
//! Where the table itself is gone, so is its row, its oid, and whatever hung on it. Then all of it is told of
//! the other table's, under an oid of our own.

use std::collections::{BTreeMap, BTreeSet};

use super::look::Look;
use super::sql::name_literal;
use crate::catalog::{Catalog, Relation, RelationName};
use crate::lens::{Lens, LogicalColumn};
use crate::name::quoted;
use crate::system_catalog::{ObjectKind, TableObject};

/// One table whose columns another one holds, some or all.
pub(super) struct Loan {
    /// `pg_class.oid` of the table, or what stands for it.
    pub(super) table: u32,
    pub(super) relation: RelationName,
    /// Whether it is gone.
    pub(super) is_gone: bool,
    /// The other one.
    pub(super) holder: RelationName,
    pub(super) holder_oid: u32,
    /// What it holds of the table's columns.
    pub(super) columns: Vec<Lent>,
    /// Columns there that stand for some which the table has itself.
    pub(super) keys: Vec<Lent>,
    /// The column there that tells whether a row has a part of the table's.
    pub(super) present: Option<String>,
    /// The oid of a column's default follows from this one, and the column's number there.
    pub(super) defaults: u32,
    pub(super) objects: Vec<LentObject>,
}

/// A column of the other table, and what it is to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lent {
    pub(super) from: u16,
    pub(super) from_name: String,
    pub(super) to: u16,
    pub(super) to_name: String,
    /// Whether no row of the table can have NULL there, although a row of the other one can.
    pub(super) not_null: bool,
}

/// An index or constraint of the other table that shows as one of the table's.
pub(super) struct LentObject {
    pub(super) kind: ObjectKind,
    pub(super) name: String,
    pub(super) shown: String,
    pub(super) oid: Pair,
    /// The index that it is, or that is behind it.
    pub(super) index: Option<Pair>,
    /// Whether it looks only at rows that have a part of the table's.
    pub(super) is_of_part: bool,
}

/// What something is there, and what it is to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) real: u32,
    pub(super) shown: u32,
}

/// Oids of what the server does not have.
///
/// The server counts up from 16384 and comes to these after 1.9 billion; they are positive as an `int4` too. Each
/// follows from a name alone, so that every replica has the same at any time.
pub(super) struct Oids {
    taken: BTreeSet<u32>,
}

/// The first of them.
const FIRST: u32 = 0x7000_0000;

/// What a name is in between, if two exchange theirs.
const ASIDE: &str = "segue_aside";

/// What is counted from there.
const REST: u32 = 0x0fff_ffff;

impl Oids {
    /// None of those that the catalog knows.
    pub(super) fn beside(catalog: &Catalog) -> Self {
        let relations = catalog.relations.values().map(|relation| relation.oids.relation);
        let objects = catalog.system.objects.values().flatten();
        let objects = objects.flat_map(|object| [Some(object.oid), object.index]).flatten();
        Self { taken: relations.chain(objects).filter(|oid| *oid >= FIRST).collect() }
    }

    fn of(&mut self, kind: &str, relation: &RelationName, name: &str) -> u32 {
        let RelationName { schema, name: table } = relation;
        let text = [kind, schema, table, name].join("\0");
        // FNV-1a.
        let hash = text
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let mut oid = FIRST | (hash & REST);
        while !self.taken.insert(oid) {
            oid = FIRST | (oid.wrapping_add(1) & REST);
        }
        oid
    }
}

/// The loans of a table that is there, one for each table that holds columns of it.
pub(super) fn of_columns(
    lens: &Lens,
    table: &Relation,
    look: &Look,
    catalog: &Catalog,
    oids: &mut Oids,
) -> Vec<Loan> {
    let own = catalog.system.objects.get(&lens.relation).map_or(&[][..], Vec::as_slice);
    let mut loan = |(place, beside): (usize, &crate::lens::Beside)| {
        let other = catalog.relation(&beside.relation).filter(|it| it.oids.relation != 0)?;
        let held = lens.shown().filter(|column| held_in(column) == Some(place));
        let columns = held.filter_map(|column| {
            let from = other.column(&column.get.column)?;
            let to = *look.lent.get(&column.name)?;
            Some(lent((&from.name, from.number), (&column.name, to)))
        });
        let columns: Vec<Lent> = columns.collect();
        let keys = beside.key.iter().filter_map(|(own, its)| {
            let (from, to) = (other.column(its)?, table.column(own)?);
            let to_number = look.numbers.get(&to.number).copied().unwrap_or(to.number);
            Some(lent((&from.name, from.number), (&to.name, to_number)))
        });
        let keys = keys.collect();
        let loan = Loan {
            table: table.oids.relation,
            relation: lens.relation.clone(),
            is_gone: false,
            holder: beside.relation.clone(),
            holder_oid: other.oids.relation,
            columns,
            keys,
            present: None,
            defaults: oids.of("defaults", &lens.relation, &beside.relation.to_string()),
            objects: Vec::new(),
        };
        Some(loan).filter(|loan| !loan.columns.is_empty())
    };
    let mut loans: Vec<Loan> = lens.beside.iter().enumerate().filter_map(&mut loan).collect();
    for loan in &mut loans {
        loan.add_objects(lens.names.constraints(), own, catalog, oids);
    }
    loans
}

/// The loan of a table that is gone, whose rows are parts of another one's.
pub(super) fn of_rows(lens: &Lens, catalog: &Catalog, oids: &mut Oids) -> Option<Loan> {
    let among = lens.among.as_ref()?;
    let other = catalog.relation(&among.relation).filter(|it| it.oids.relation != 0)?;
    let columns = (1..).zip(lens.shown()).filter_map(|(to, column)| {
        let from = other.column(&column.get.column)?;
        Some(lent((&from.name, from.number), (&column.name, to)))
    });
    let mut loan = Loan {
        table: oids.of("table", &lens.relation, ""),
        relation: lens.relation.clone(),
        is_gone: true,
        holder: among.relation.clone(),
        holder_oid: other.oids.relation,
        columns: columns.collect(),
        keys: Vec::new(),
        present: among.present.clone(),
        defaults: oids.of("defaults", &lens.relation, &among.relation.to_string()),
        objects: Vec::new(),
    };
    loan.note_not_null(catalog);
    loan.add_objects(lens.names.constraints(), &[], catalog, oids);
    Some(loan)
}

/// The place of the table that alone holds a column, if it is not its own.
pub(super) fn held_in(column: &LogicalColumn) -> Option<usize> {
    let first = column.put.first()?.beside;
    first.filter(|_| column.put.iter().all(|put| put.beside == first))
}

fn lent((from_name, from): (&str, u16), (to_name, to): (&str, u16)) -> Lent {
    let (from_name, to_name) = (from_name.to_owned(), to_name.to_owned());
    Lent { from, from_name, to, to_name, not_null: false }
}

impl Loan {
    /// All columns there that are some of the table's.
    pub(super) fn all(&self) -> impl Iterator<Item = &Lent> {
        self.columns.iter().chain(&self.keys)
    }

    /// How many of its constraints are CHECKs.
    pub(super) fn checks(&self) -> usize {
        self.objects.iter().filter(|object| object.kind == ObjectKind::Check).count()
    }

    /// What the other table's numbers are to the client.
    pub(super) fn numbers(&self) -> BTreeMap<u16, u16> {
        self.all().map(|lent| (lent.from, lent.to)).collect()
    }

    /// Its indexes.
    pub(super) fn indexes(&self) -> impl Iterator<Item = (&LentObject, Pair)> {
        self.objects.iter().filter_map(|object| Some((object, object.index?)))
    }

    /// Its constraints.
    pub(super) fn constraints(&self) -> impl Iterator<Item = &LentObject> {
        self.objects.iter().filter(|object| object.kind != ObjectKind::Index)
    }

    /// Columns there that have another name for the client, each with that one.
    pub(super) fn renamed(&self) -> Vec<(&str, &str)> {
        let pairs = self.all().map(|lent| (lent.from_name.as_str(), lent.to_name.as_str()));
        pairs.filter(|(from, to)| from != to).collect()
    }

    /// The same one after another: no new name is one that is still to be replaced.
    pub(super) fn renames(&self) -> Vec<(&str, &str)> {
        let mut open = self.renamed();
        let mut ordered = Vec::new();
        while !open.is_empty() {
            let is_free = |(_, to): &(&str, &str)| !open.iter().any(|(from, _)| from == to);
            match open.iter().position(is_free) {
                Some(at) => ordered.push(open.remove(at)),
                // They exchange their names.
                None => {
                    let (from, to) = open.remove(0);
                    ordered.push((from, ASIDE));
                    open.push((ASIDE, to));
                }
            }
        }
        ordered
    }

    /// `relnamespace` of what shows as the table's: an expression over a row about the other table.
    pub(super) fn namespace(&self, column: &str) -> Option<String> {
        let schema = name_literal(&self.relation.schema);
        let other = self.relation.schema != self.holder.schema;
        other.then(|| {
            format!(
                "coalesce((SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {schema}), {column})"
            )
        })
    }

    /// Notes which columns a constraint keeps from being NULL in rows of the table.
    fn note_not_null(&mut self, catalog: &Catalog) {
        let Some(present) = &self.present else { return };
        let objects = catalog.system.objects.get(&self.holder).into_iter().flatten();
        let checks: Vec<&str> = objects
            .filter(|object| object.kind == ObjectKind::Check)
            .map(|object| object.definition.as_str())
            .collect();
        let there = quoted(present);
        for lent in &mut self.columns {
            let column = quoted(&lent.from_name);
            let check = format!("CHECK (((NOT {there}) OR ({column} IS NOT NULL)))");
            lent.not_null = checks.contains(&check.as_str());
        }
    }

    /// Adds the declared indexes and constraints there that the table does not have itself.
    fn add_objects<'n>(
        &mut self,
        declared: impl Iterator<Item = &'n (String, String)>,
        own: &[TableObject],
        catalog: &Catalog,
        oids: &mut Oids,
    ) {
        let (Some(objects), Some(holder)) =
            (catalog.system.objects.get(&self.holder), catalog.relation(&self.holder))
        else {
            return;
        };
        let names: BTreeMap<&str, &str> =
            declared.map(|(its, own)| (its.as_str(), own.as_str())).collect();
        let number = |name: &String| holder.column(name).map(|column| column.number);
        let mut known: BTreeSet<u16> = self.all().map(|lent| lent.from).collect();
        let present = self.present.as_ref().and_then(number);
        known.extend(present);
        for object in objects {
            let Some(shown) = names.get(object.name.as_str()) else { continue };
            let is_own = own.iter().any(|it| it.name == *shown);
            let is_its = object.carrier == self.holder_oid
                && object.columns.iter().all(|column| known.contains(column));
            let is_of_part = self.is_of_part(object);
            let names_present = present.is_some_and(|number| object.columns.contains(&number));
            if is_own || !is_its || names_present != is_of_part || !self.can_lend(object) {
                continue;
            }
            let mut pair =
                |kind: &str, real| Pair { real, shown: oids.of(kind, &self.relation, shown) };
            let (oid, index) = match object.kind {
                ObjectKind::Index => {
                    let index = pair("index", object.oid);
                    (index, Some(index))
                }
                ObjectKind::Key => {
                    (pair("constraint", object.oid), object.index.map(|index| pair("index", index)))
                }
                ObjectKind::Check | ObjectKind::ForeignKey => {
                    (pair("constraint", object.oid), None)
                }
                ObjectKind::NotNull | ObjectKind::Trigger | ObjectKind::Statistics => continue,
            };
            let (name, shown) = (object.name.clone(), (*shown).to_owned());
            self.objects.push(LentObject {
                kind: object.kind,
                name,
                shown,
                oid,
                index,
                is_of_part,
            });
        }
    }

    /// Whether an index or constraint is what one of the table itself would be, but that it looks at rows which
    /// have a part of the table's alone.
    fn is_of_part(&self, object: &TableObject) -> bool {
        let Some(present) = self.present.as_deref().map(quoted) else { return false };
        let definition = &object.definition;
        definition.ends_with(&format!(" WHERE {present}"))
            || definition.starts_with(&format!("CHECK (((NOT {present}) OR "))
    }

    /// An index over expressions, or of some rows, has trees of the other table's numbers in it, that nothing
    /// can tell from those of the table itself while that is there.
    fn can_lend(&self, object: &TableObject) -> bool {
        let is_index = matches!(object.kind, ObjectKind::Index | ObjectKind::Key);
        let is_plain = || {
            let (_, behind) = object.definition.split_once(" USING ").unwrap_or_default();
            let list = behind.split_once('(').map_or("", |(_, list)| list);
            !list.contains('(') && !behind.contains(" WHERE ")
        };
        self.is_gone || !is_index || is_plain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oid_follows_from_the_name_and_is_nobody_elses() {
        let mut oids = Oids::beside(&Catalog::default());
        let table = RelationName::new("public", "mail");
        let first = oids.of("table", &table, "");
        assert_eq!(Oids::beside(&Catalog::default()).of("table", &table, ""), first);
        let again = oids.of("table", &table, "");
        assert_ne!(again, first);
        for oid in [first, again, oids.of("index", &table, "mail_pkey")] {
            assert!((FIRST..0x8000_0000).contains(&oid), "{oid}");
        }
    }
}
