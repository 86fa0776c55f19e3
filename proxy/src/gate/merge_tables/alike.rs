//! Keys that count as the same and are not: the row of the new table keeps the one with which it was made.

use tokio_postgres::{Error, Transaction};

use super::Subject;
use crate::gate::finding::{About, Finding, Severity};
use crate::gate::step::Move;
use crate::gate::tables::step::Table;

/// Columns among those with the numbers `$2` of the table `$1` of which equal values may look different: their type's
/// operators do not promise that equal values are the same (`btequalimage`), or their collation does not. A modifier makes numbers of
/// one scale.
const UNLIKE: &str = "
    SELECT DISTINCT a.attname::text, format_type(a.atttypid, a.atttypmod)
    FROM pg_index i
    CROSS JOIN generate_series(0, i.indnkeyatts - 1) place
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place]
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_opclass o ON o.oid = i.indclass[place]
    LEFT JOIN pg_collation c ON c.oid = i.indcollation[place]
    WHERE i.indrelid = $1 AND i.indisunique AND a.attnum = ANY ($2::int2[])
      AND (NOT coalesce(c.collisdeterministic, true)
           OR NOT EXISTS (SELECT FROM pg_amproc p
                          WHERE p.amprocfamily = o.opcfamily AND p.amprocnum = 4
                            AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype)
              AND (CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END < 0
                   OR o.opcintype <> 'numeric'::regtype))
    ORDER BY 1";

pub(super) async fn check(
    transaction: &Transaction<'_>,
    subject: &Subject<'_>,
    new: &Table<'_>,
) -> Result<Vec<Finding>, Error> {
    let Some(step) = subject.steps.first() else { return Ok(Vec::new()) };
    if !matches!(step.way(), Move::WriteBoth | Move::ReadNew) {
        return Ok(Vec::new());
    }
    let numbers = new.numbers(subject.merge.key.iter());
    let rows = transaction.query(UNLIKE, &[&new.oid, &numbers]).await?;
    let finding = |row: &tokio_postgres::Row| {
        let (name, type_name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let message = format!(
            "\"{name}\" of \"{}\" is {type_name}, of which values that are not the same count as equal, as 1.0 and 1.00 do: \
             rows of several tables with such keys share one of them, and an UPDATE from one to the other, or an INSERT \
             after a DELETE, keeps the first",
            new.name
        );
        Ok(step.finding(Severity::Risky, About::Key, message, None))
    };
    rows.iter().map(finding).collect()
}
