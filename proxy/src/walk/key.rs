//! Keys in their text form, stretches of them, and the SQL that names them over the alias `t`.

use std::fmt::Write as _;

use rewrite_rules::name::quoted;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

/// A column of a key, with its type as SQL writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// Name, unquoted.
    pub name: String,
    /// Type without its modifier, for example `bigint` or `character varying`.
    pub type_name: String,
}

/// A key's values in their text form, one for each column of the key.
pub type Key = Vec<String>;

/// A stretch of keys, `after < key <= up_to`; no bound is no limit on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch<'a> {
    /// Excluded lower bound.
    pub after: Option<&'a Key>,
    /// Included upper bound.
    pub up_to: Option<&'a Key>,
}

impl<'a> Stretch<'a> {
    /// The values for [`Columns::within`]'s parameters.
    #[must_use]
    pub fn parameters(self) -> Vec<&'a (dyn ToSql + Sync)> {
        let bounds = [self.after, self.up_to].into_iter().flatten().flatten();
        bounds.map(|value| value as &(dyn ToSql + Sync)).collect()
    }
}

/// The columns of a key, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns(pub Vec<KeyColumn>);

impl Columns {
    /// The place of a row, for a table that has no key.
    #[must_use]
    pub fn place() -> Self {
        Self(vec![KeyColumn { name: "ctid".to_owned(), type_name: "tid".to_owned() }])
    }

    /// `t."a" DESC, t."b" DESC` with `" DESC"` as `direction`.
    #[must_use]
    pub fn order(&self, direction: &str) -> String {
        self.order_of("t", direction)
    }

    fn order_of(&self, alias: &str, direction: &str) -> String {
        self.list(|column| format!("{alias}.{}{direction}", quoted(&column.name)))
    }

    /// The key in text form, as a select list.
    #[must_use]
    pub fn as_text(&self) -> String {
        self.list(|column| format!("t.{}::text", quoted(&column.name)))
    }

    /// The key's values as an array of texts.
    #[must_use]
    pub fn as_array(&self) -> String {
        format!("ARRAY[{}]", self.as_text())
    }

    /// The condition that a row lies in a stretch with such bounds; lower bounds take the parameters
    /// from `first` on, upper bounds those after them.
    #[must_use]
    pub fn within(&self, stretch: Stretch<'_>, first: usize) -> String {
        self.within_of("t", stretch, first)
    }

    /// The same over another alias.
    #[must_use]
    pub fn within_of(&self, alias: &str, stretch: Stretch<'_>, first: usize) -> String {
        let key = self.order_of(alias, "");
        let mut text = String::from("true");
        let mut parameter = first;
        let bounds = [(">", stretch.after), ("<=", stretch.up_to)];
        for (operator, _) in bounds.iter().filter(|(_, bound)| bound.is_some()) {
            let values = self.list(|column| {
                let value = format!("${parameter}::text::{}", column.type_name);
                parameter += 1;
                value
            });
            let _ = write!(text, " AND ({key}) {operator} ({values})");
        }
        text
    }

    /// `id = 1, tenant = 2`, for humans.
    #[must_use]
    pub fn told(&self, key: &Key) -> String {
        let parts = self.0.iter().zip(key);
        let parts = parts.map(|(column, value)| format!("{} = {value}", quoted(&column.name)));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn list(&self, item: impl FnMut(&KeyColumn) -> String) -> String {
        self.0.iter().map(item).collect::<Vec<_>>().join(", ")
    }
}

/// The key in the columns of a row that was selected with [`Columns::as_text`], after `skip` others.
///
/// # Errors
/// The row has other columns.
pub fn key_of(row: &Row, skip: usize) -> Result<Key, Error> {
    (skip..row.len()).map(|column| row.try_get(column)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        let column = |name: &str, type_name: &str| KeyColumn {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
        };
        Columns(vec![column("Tenant", "uuid"), column("id", "bigint")])
    }

    #[test]
    fn composite_keys_are_compared_as_rows() {
        let key = vec!["a".to_owned(), "1".to_owned()];
        let both = Stretch { after: Some(&key), up_to: Some(&key) };
        assert_eq!(
            columns().within(both, 1),
            "true AND (t.\"Tenant\", t.id) > ($1::text::uuid, $2::text::bigint) \
             AND (t.\"Tenant\", t.id) <= ($3::text::uuid, $4::text::bigint)"
        );
        assert_eq!(both.parameters().len(), 4);
        let upper = Stretch { after: None, up_to: Some(&key) };
        assert_eq!(
            columns().within(upper, 3),
            "true AND (t.\"Tenant\", t.id) <= ($3::text::uuid, $4::text::bigint)"
        );
        assert_eq!(columns().within(Stretch::default(), 1), "true");
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(columns().order(" DESC"), "t.\"Tenant\" DESC, t.id DESC");
        assert_eq!(columns().as_text(), "t.\"Tenant\"::text, t.id::text");
        assert_eq!(columns().told(&vec!["x".to_owned(), "7".to_owned()]), "\"Tenant\" = x, id = 7");
    }
}
