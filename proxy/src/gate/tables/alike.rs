//! Rows that leave columns to their defaults: whether they are in the way of each other, and whether a CHECK takes
//! them. The server is asked what it makes of such a row, since nobody else reads expressions as it does.

use rewrite_rules::catalog::{Column, ColumnDefault, Volatility};
use rewrite_rules::compile::renamed;
use rewrite_rules::name::quoted;
use tokio_postgres::{Error, Row, Transaction};

use super::step::{Step, Table};
use crate::gate::constraints::Constraint;
use crate::gate::indexes::Index;

/// Whether the CHECK `$2` of the table `$1` calls what may be another one each time.
const IS_VOLATILE: &str = "
    SELECT EXISTS (SELECT FROM pg_constraint k
                   CROSS JOIN regexp_matches(k.conbin::text, ':(?:funcid|opfuncid) (\\d+)', 'g') m
                   JOIN pg_proc p ON p.oid = m[1]::oid
                   WHERE k.conrelid = $1 AND k.conname = $2 AND p.provolatile = 'v')";

/// What becomes of rows that have in common what nobody gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gate) enum Verdict {
    /// They are taken.
    Taken,
    /// They are refused: of a key all but the first.
    Refused,
    /// That hangs on what is not known here, or may not be computed.
    Unclear,
}

/// Rows of a table as far as they are alike.
pub(in crate::gate) struct Alike<'a> {
    table: &'a Table<'a>,
    /// The columns that nobody gives a value.
    left: Vec<&'a str>,
    key: Vec<&'a str>,
}

impl<'a> Alike<'a> {
    /// Rows of the old table without what moves.
    pub(in crate::gate) fn of_old(step: &'a Step<'a>) -> Self {
        Self {
            table: &step.old,
            left: step.moved().map(|(from, _)| from).collect(),
            key: step.key().map(|(from, _)| from).collect(),
        }
    }

    /// Rows of the new table that have no part of the old one's.
    pub(in crate::gate) fn of_new(step: &Step<'a>, new: &'a Table<'a>) -> Self {
        Self {
            table: new,
            left: step.moved().map(|(_, to)| to).chain(step.present()).collect(),
            key: step.key().map(|(_, to)| to).collect(),
        }
    }

    /// Whether a column has the same in all of them.
    fn has_one_value(&self, column: &Column) -> bool {
        self.left.contains(&column.name.as_str()) && !varies(column)
    }

    /// Whether a text is over columns that may have another value in each of them.
    fn is_over_others(&self, text: &str) -> bool {
        let mut others = self.table.relation.columns.iter().filter(|it| !self.has_one_value(it));
        // No column's name is empty.
        others.any(|column| renamed(text, &column.name, "") != text)
    }

    /// Whether the keys of an index make rows differ by themselves: they hold the table's whole key, or
    /// what is drawn anew for each row.
    fn makes_differ(&self, keys: &[Compared<'_>]) -> bool {
        let has = |name: &str| keys.iter().any(|key| key.is_column(name));
        let is_drawn =
            |column: &&Column| self.left.contains(&column.name.as_str()) && varies(column);
        let mut drawn = self.table.relation.columns.iter().filter(is_drawn);
        self.key.iter().all(|name| has(name)) || drawn.any(|column| has(&column.name))
    }

    /// What a unique index or an exclusion constraint makes of them.
    pub(in crate::gate) async fn under(
        &self,
        transaction: &Transaction<'_>,
        index: &Index,
    ) -> Result<Verdict, Error> {
        let keys = compared(index);
        if self.makes_differ(&keys) {
            return Ok(Verdict::Taken);
        }
        // Of a part of the key rows may have the same too.
        let is_part = |key: &Compared<'_>| self.key.iter().any(|name| key.is_column(name));
        let (unknown, known): (Vec<&Compared<'_>>, Vec<&Compared<'_>>) =
            keys.iter().filter(|key| !is_part(key)).partition(|key| self.is_over_others(key.text));
        let predicate = index.predicate.as_deref();
        let is_selected = predicate.filter(|it| !self.is_over_others(it));
        let conditions = known.iter().map(|key| key.is_equal_to_itself(index));
        let conditions = conditions.chain(is_selected.map(str::to_owned));
        let conditions: Vec<String> = conditions.map(|it| format!("({it}) IS TRUE")).collect();
        let all = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        let is_known = unknown.is_empty() && is_selected == predicate;
        Ok(match self.computed(transaction, &all).await? {
            None => Verdict::Unclear,
            Some(Some(true)) if is_known => Verdict::Refused,
            Some(Some(true)) => Verdict::Unclear,
            Some(_) => Verdict::Taken,
        })
    }

    /// What a CHECK makes of them.
    pub(in crate::gate) async fn under_check(
        &self,
        transaction: &Transaction<'_>,
        it: &Constraint,
    ) -> Result<Verdict, Error> {
        let Some(condition) = condition(it) else { return Ok(Verdict::Taken) };
        let row = transaction.query_one(IS_VOLATILE, &[&self.table.oid, &it.name]).await?;
        if row.try_get(0)? {
            return Ok(Verdict::Unclear);
        }
        let is_known = !self.is_over_others(condition);
        Ok(match self.computed(transaction, condition).await? {
            // NULL is none that a CHECK refuses; of what is not known it says nothing.
            Some(Some(true)) => Verdict::Taken,
            Some(None) if is_known => Verdict::Taken,
            Some(Some(false)) if is_known => Verdict::Refused,
            Some(_) | None => Verdict::Unclear,
        })
    }

    /// A condition's value for such a row. Outer `None`: it cannot be computed.
    async fn computed(
        &self,
        transaction: &Transaction<'_>,
        condition: &str,
    ) -> Result<Option<Option<bool>>, Error> {
        let given = |column: &Column| self.has_one_value(column);
        let query = format!("SELECT {condition} FROM {}", row_of_defaults(self.table, given));
        let row = tried(transaction, &query).await?;
        row.map(|row| row.try_get(0)).transpose()
    }
}

/// One key of an index, and how it is compared.
struct Compared<'i> {
    text: &'i str,
    /// Of an exclusion constraint.
    operator: Option<&'i str>,
}

fn compared(index: &Index) -> Vec<Compared<'_>> {
    let keys = index.columns.iter().take(index.keys).enumerate();
    keys.map(|(place, text)| Compared {
        text,
        operator: index.operators.get(place).map(String::as_str),
    })
    .collect()
}

impl Compared<'_> {
    /// Whether it is a column by itself, of which other values are not in the way.
    fn is_column(&self, name: &str) -> bool {
        self.text == quoted(name) && self.operator.is_none_or(|it| it.ends_with(".=)"))
    }

    /// That two rows with this value are in each other's way.
    fn is_equal_to_itself(&self, index: &Index) -> String {
        let text = self.text;
        match self.operator {
            Some(operator) => format!("({text}) {operator} ({text})"),
            None if index.nulls_are_distinct() => format!("num_nulls({text}) = 0"),
            None => "true".to_owned(),
        }
    }
}

/// What a CHECK wants, if it is in force.
pub(in crate::gate) fn condition(it: &Constraint) -> Option<&str> {
    let condition = it.definition.strip_prefix("CHECK ")?;
    if condition.ends_with(" NOT ENFORCED") {
        return None;
    }
    Some(condition.strip_suffix(" NO INHERIT").unwrap_or(condition))
}

/// Whether a column is given another value in each row.
fn varies(column: &Column) -> bool {
    column.identity.is_some() || column.default.as_ref().is_some_and(|it| !is_steady(it))
}

fn is_steady(default: &ColumnDefault) -> bool {
    default.volatility != Volatility::Volatile
}

/// A relation of one row of a table, which has the defaults in the columns that are `given`, and NULL in all others:
/// what is drawn anew for each row is not drawn here.
pub(in crate::gate) fn row_of_defaults(
    table: &Table<'_>,
    given: impl Fn(&Column) -> bool,
) -> String {
    let columns = table.relation.columns.iter().map(|column| {
        let name = quoted(&column.name);
        let default = column.default.as_ref().filter(|it| is_steady(it) && given(column));
        // Its type is that of the column.
        default.map_or_else(
            || format!("segue_typed.{name}"),
            |it| format!("coalesce({}, segue_typed.{name}) AS {name}", it.expression),
        )
    });
    let columns: Vec<String> = columns.collect();
    format!(
        "(SELECT {} FROM (SELECT (NULL::{}).*) AS segue_typed) AS segue_blank",
        columns.join(", "),
        table.sql
    )
}

/// What a query answers that the server may not be able to compute, in which case the transaction goes on.
async fn tried(transaction: &Transaction<'_>, query: &str) -> Result<Option<Row>, Error> {
    transaction.batch_execute("SAVEPOINT segue_tried").await?;
    match transaction.query_one(query, &[]).await {
        Ok(row) => {
            transaction.batch_execute("RELEASE segue_tried").await?;
            Ok(Some(row))
        }
        Err(error) if error.as_db_error().is_some() => {
            transaction.batch_execute("ROLLBACK TO segue_tried; RELEASE segue_tried").await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
