//! Whether the new table takes rows that are at their defaults: such a one is left where a table's row is deleted, and
//! made where only another table has one.

use rewrite_rules::catalog::{Column, Volatility};
use rewrite_rules::name::quoted;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::Subject;
use crate::catalog::in_time;
use crate::gate::constraints::{self, Constraint, Kind};
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;
use crate::gate::tables::alike::{condition, row_of_defaults};
use crate::gate::tables::step::{Step, Table};
use crate::gate::{answered, snapshot};

pub(super) async fn check(
    client: &mut Client,
    subject: &Subject<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, String> {
    let Some(step) = subject.steps.first() else { return Ok(Vec::new()) };
    if !matches!(step.way(), Move::WriteBoth | Move::ReadNew | Move::WriteBothAgain) {
        return Ok(Vec::new());
    }
    let all = answered(in_time(of_table(client, new.oid)).await)?;
    let blank = Blank { step, new };
    let mut findings = Vec::new();
    for column in new.relation.columns.iter().filter(|it| it.behind_domain.is_some()) {
        let is_key = step.key().any(|(_, its)| its == column.name);
        if !is_key && matches!(in_time(is_refused(client, column)).await, Ok(Ok(true))) {
            findings.push(blank.domain(column));
        }
    }
    for it in &all {
        let Some(referred) = blank.referred(it) else { continue };
        // Of a table that may not be read nothing is known.
        if let Ok(Ok(true)) = in_time(is_absent(client, referred)).await {
            findings.push(blank.reference(it));
        }
    }
    for it in all.iter().filter(|it| it.kind == Kind::Check) {
        // What the server cannot compute so, it does not refuse for sure.
        if let Ok(Ok(true)) = in_time(refuses(client, new, it)).await {
            findings.push(blank.check(it));
        }
    }
    Ok(findings)
}

/// What is in the way of such a row.
struct Blank<'a> {
    step: &'a Step<'a>,
    new: &'a Table<'a>,
}

impl Blank<'_> {
    fn loses(&self, about: About, message: String, remedy: Vec<String>) -> Finding {
        self.step.finding(Severity::LosesData, about, message, remedy)
    }

    /// Whether all of these columns have something else than NULL there, and always the same.
    fn has_values(&self, names: &[&str]) -> bool {
        names.iter().all(|name| {
            let default = self.new.relation.column(name).and_then(|it| it.default.as_ref());
            default.is_some_and(|it| {
                it.volatility != Volatility::Volatile && !it.expression.starts_with("NULL")
            })
        })
    }

    fn check(&self, it: &Constraint) -> Finding {
        let message = format!(
            "CHECK constraint \"{}\" of \"{}\" refuses a row that is at its defaults, as one is that not \
             all tables have: {}",
            it.name, self.new.name, it.definition
        );
        let drop = format!("ALTER TABLE {} DROP CONSTRAINT {};", self.new.sql, quoted(&it.name));
        self.loses(About::MissingConstraint, message, vec![drop])
    }

    fn domain(&self, column: &Column) -> Finding {
        let message = format!(
            "\"{}\" of \"{}\" is at its default in rows that not all tables have, and its type {} refuses that",
            column.name, self.new.name, column.type_name
        );
        self.loses(About::NotNull, message, Vec::new())
    }

    /// The row that a foreign key's columns refer to there, if they have values: its table's oid and columns, and those.
    fn referred<'i>(&self, it: &'i Constraint) -> Option<(u32, &'i [i16], Vec<&str>)> {
        let names: Vec<&str> =
            it.columns.iter().filter_map(|number| self.new.column(*number)).collect();
        let has_values =
            it.kind == Kind::ForeignKey && !names.is_empty() && self.has_values(&names);
        let default = |name: &&str| {
            let default = self.new.relation.column(name)?.default.as_ref()?;
            Some(default.expression.as_str())
        };
        has_values.then(|| {
            (
                it.referenced,
                it.referenced_columns.as_slice(),
                names.iter().filter_map(default).collect(),
            )
        })
    }

    fn reference(&self, it: &Constraint) -> Finding {
        let message = format!(
            "foreign key \"{}\" of \"{}\" refuses a row that is at its defaults, as one is that not all tables have: what \
             it refers to then is not there: {}",
            it.name, self.new.name, it.definition
        );
        self.loses(About::ForeignKey, message, Vec::new())
    }
}

/// Whether a table lacks the row with these values.
async fn is_absent(
    client: &mut Client,
    (table, columns, values): (u32, &[i16], Vec<&str>),
) -> Result<bool, tokio_postgres::Error> {
    let named = "SELECT $1::oid::regclass::text, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY place)
                 FROM unnest($2::int2[]) WITH ORDINALITY AS c (number, place)
                 JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = c.number)";
    let transaction = snapshot(client).await?;
    let row = transaction.query_one(named, &[&table, &columns]).await?;
    let (table, columns): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let values = values.join(", ");
    let query = format!("SELECT NOT EXISTS (SELECT FROM {table} WHERE ({columns}) = ({values}))");
    let row = transaction.query_one(&query, &[]).await?;
    transaction.commit().await?;
    row.try_get(0)
}

async fn of_table(client: &mut Client, oid: u32) -> Result<Vec<Constraint>, tokio_postgres::Error> {
    let transaction = snapshot(client).await?;
    let found = constraints::of_tables(&transaction, &[oid]).await?;
    transaction.commit().await?;
    Ok(found)
}

/// Whether a column's type refuses its default.
async fn is_refused(client: &mut Client, column: &Column) -> Result<bool, tokio_postgres::Error> {
    let default = column.default.as_ref();
    if default.is_some_and(|it| it.volatility == Volatility::Volatile) {
        return Ok(false);
    }
    let transaction = snapshot(client).await?;
    let of_domain = "SELECT typdefault IS NOT NULL FROM pg_type WHERE oid = $1::text::regtype";
    let has_own = transaction.query_one(of_domain, &[&column.type_name]).await?;
    if default.is_none() && has_own.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    let default = default.map_or("NULL", |it| &it.expression);
    let query = format!("SELECT ({default})::{}", column.type_name);
    match transaction.batch_execute(&query).await {
        Ok(()) => Ok(false),
        Err(error) => {
            let refused = [SqlState::NOT_NULL_VIOLATION, SqlState::CHECK_VIOLATION];
            let is_refused = error.code().is_some_and(|code| refused.contains(code));
            if is_refused { Ok(true) } else { Err(error) }
        }
    }
}

/// Whether a CHECK is false of a row of defaults. What is drawn anew each time is taken for NULL, and so is the key.
async fn refuses(
    client: &mut Client,
    new: &Table<'_>,
    it: &Constraint,
) -> Result<bool, tokio_postgres::Error> {
    let Some(condition) = condition(it) else { return Ok(false) };
    let row = row_of_defaults(new, |_column| true);
    let query = format!("SELECT {condition} IS FALSE FROM {row}");
    let transaction = snapshot(client).await?;
    let row = transaction.query_one(&query, &[]).await?;
    transaction.commit().await?;
    row.try_get(0)
}
