//! What is copied: a table, its key, the old column and the new one, and the SQL that names them.

use std::fmt::Write as _;

use tokio_postgres::Client;

use super::BackfillError;

/// A column of a unique key, with its type as SQL writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// Name, unquoted.
    pub name: String,
    /// Type, for example `bigint` or `character varying(20)`.
    pub type_name: String,
}

/// A table whose column `from` is to be equal to its column `to`. All names are unquoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Schema of the table.
    pub schema: String,
    /// Name of the table.
    pub table: String,
    /// The key by which the table is walked through: unique, not null, indexed.
    pub key: Vec<KeyColumn>,
    /// The column that is read.
    pub from: String,
    /// The column that is written.
    pub to: String,
}

/// A key's values in their text form, one for each column of the key.
pub type Key = Vec<String>;

/// A stretch of the key, `after < key <= up_to`; no bound is no limit on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range<'a> {
    /// Excluded lower bound.
    pub after: Option<&'a Key>,
    /// Included upper bound.
    pub up_to: Option<&'a Key>,
}

impl Columns {
    /// Describes `schema.table` with its primary key, read from the catalog.
    ///
    /// Cancel safe: only reads.
    ///
    /// # Errors
    /// [`BackfillError::NoKey`] when the table does not exist or has no primary key.
    pub async fn with_primary_key(
        client: &Client,
        schema: &str,
        table: &str,
        from: &str,
        to: &str,
    ) -> Result<Self, BackfillError> {
        let rows = client
            .query(
                "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod) \
                 FROM pg_catalog.pg_index i \
                 JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place) \
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
                 WHERE n.nspname = $1 AND c.relname = $2 AND i.indisprimary \
                 ORDER BY k.place",
                &[&schema, &table],
            )
            .await?;
        let key = rows
            .iter()
            .map(|row| Ok(KeyColumn { name: row.try_get(0)?, type_name: row.try_get(1)? }))
            .collect::<Result<Vec<_>, tokio_postgres::Error>>()?;
        if key.is_empty() {
            return Err(BackfillError::NoKey {
                schema: schema.to_owned(),
                table: table.to_owned(),
            });
        }
        let [schema, table, from, to] = [schema, table, from, to].map(str::to_owned);
        Ok(Self { schema, table, key, from, to })
    }

    /// `"schema"."table"`.
    #[must_use]
    pub fn relation(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.table))
    }

    /// The condition that the two columns differ, byte by byte: equality of the type would take
    /// `1.0` for `1.00`, and some types have none.
    #[must_use]
    pub fn differ(&self) -> String {
        let (from, to) = (quoted(&self.from), quoted(&self.to));
        format!("pg_catalog.record_image_ne(ROW({from}), ROW({to}))")
    }

    /// `t."a" DESC, t."b" DESC` with `" DESC"` as `direction`, for the table under the alias `t`:
    /// a bare name would mean the select list's text form of the key, in another order.
    #[must_use]
    pub fn order(&self, direction: &str) -> String {
        self.list(|column| format!("t.{}{direction}", quoted(&column.name)))
    }

    /// The key in text form, as a select list.
    #[must_use]
    pub fn key_as_text(&self) -> String {
        self.list(|column| format!("{}::text", quoted(&column.name)))
    }

    /// The condition that a row lies in a range with the given bounds; lower bounds take the first
    /// parameters, upper bounds those after them.
    #[must_use]
    pub fn within(&self, range: Range<'_>) -> String {
        let key = self.list(|column| quoted(&column.name));
        let mut text = String::from("true");
        let mut parameter = 0;
        let bounds = [(">", range.after), ("<=", range.up_to)];
        for (operator, _) in bounds.iter().filter(|(_, bound)| bound.is_some()) {
            let values = self.list(|column| {
                parameter += 1;
                format!("${parameter}::text::{}", column.type_name)
            });
            write!(text, " AND ({key}) {operator} ({values})").ok();
        }
        text
    }

    fn list(&self, item: impl FnMut(&KeyColumn) -> String) -> String {
        self.key.iter().map(item).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Range<'a> {
    /// The values for [`Columns::within`]'s parameters.
    #[must_use]
    pub fn parameters(self) -> Vec<&'a (dyn tokio_postgres::types::ToSql + Sync)> {
        [self.after, self.up_to]
            .into_iter()
            .flatten()
            .flatten()
            .map(|value| value as &(dyn tokio_postgres::types::ToSql + Sync))
            .collect()
    }
}

/// Quotes an identifier, whatever it contains.
#[must_use]
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// The key in the columns of a row that was selected with [`Columns::key_as_text`], after `skip`
/// other columns.
pub(crate) fn key_of(row: &tokio_postgres::Row, skip: usize) -> Result<Key, tokio_postgres::Error> {
    (skip..row.len()).map(|column| row.try_get(column)).collect()
}

/// The key `rows` rows further on in `range`, and the number of rows up to there; at the end of
/// the range its own upper bound and however many rows were left.
pub(crate) async fn step(
    client: &Client,
    columns: &Columns,
    range: Range<'_>,
    rows: u64,
) -> Result<(Option<Key>, u64), tokio_postgres::Error> {
    let (relation, within) = (columns.relation(), columns.within(range));
    let sql = format!(
        "SELECT {} FROM {relation} AS t WHERE {within} ORDER BY {} OFFSET {} LIMIT 1",
        columns.key_as_text(),
        columns.order(""),
        rows.saturating_sub(1),
    );
    if let Some(row) = client.query_opt(&sql, &range.parameters()).await? {
        return Ok((Some(key_of(&row, 0)?), rows));
    }
    let sql = format!("SELECT count(*) FROM {relation} WHERE {within}");
    let left: i64 = client.query_one(&sql, &range.parameters()).await?.try_get(0)?;
    Ok((None, u64::try_from(left).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        let column = |name: &str, type_name: &str| KeyColumn {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
        };
        Columns {
            schema: "public".to_owned(),
            table: "odd\"name".to_owned(),
            key: vec![column("Tenant", "uuid"), column("id", "bigint")],
            from: "username".to_owned(),
            to: "handle".to_owned(),
        }
    }

    #[test]
    fn composite_keys_are_compared_as_rows() {
        let key = vec!["a".to_owned(), "1".to_owned()];
        let both = Range { after: Some(&key), up_to: Some(&key) };
        assert_eq!(
            columns().within(both),
            "true AND (\"Tenant\", \"id\") > ($1::text::uuid, $2::text::bigint) \
             AND (\"Tenant\", \"id\") <= ($3::text::uuid, $4::text::bigint)"
        );
        assert_eq!(both.parameters().len(), 4);
        let upper = Range { after: None, up_to: Some(&key) };
        assert_eq!(
            columns().within(upper),
            "true AND (\"Tenant\", \"id\") <= ($1::text::uuid, $2::text::bigint)"
        );
        assert_eq!(columns().within(Range { after: None, up_to: None }), "true");
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(columns().relation(), "\"public\".\"odd\"\"name\"");
        assert_eq!(columns().order(" DESC"), "t.\"Tenant\" DESC, t.\"id\" DESC");
        assert_eq!(columns().key_as_text(), "\"Tenant\"::text, \"id\"::text");
    }
}
