//! How a value changes between an old column and a new one: `up`, `down`, casts and collations.
//!
//! A value that a client writes is first coerced as an assignment to its own column would coerce
//! it: `'abcde   '` for a varchar(5) is `abcde` on both sides, and `'abcdef'` is an error.

use super::row_value;
use crate::catalog::{Catalog, Column};
use crate::lens::Template;

/// A type as SQL writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    /// With its modifier: `character varying(50)`.
    pub(super) full: String,
    /// Without it.
    pub(super) base: String,
    /// The collation where it is not the type's own.
    pub(super) collation: Option<String>,
    /// Of a domain: the type behind it, with its modifier.
    behind: Option<String>,
}

impl TypeName {
    pub(super) fn of(column: &Column) -> Self {
        Self {
            full: column.type_name.clone(),
            base: column.base_type.clone(),
            collation: column.collation.clone(),
            behind: column.behind_domain.clone(),
        }
    }

    /// A type as an operator writes it.
    pub(super) fn written(text: &str) -> Self {
        let base = match (text.find('('), text.rfind(')')) {
            (Some(open), Some(close)) if open < close => {
                let (before, _) = text.split_at(open);
                let (_, behind) = text.split_at(close + 1);
                format!("{}{}", before.trim_end(), behind)
            }
            _ => text.to_owned(),
        };
        Self { full: text.to_owned(), base, collation: None, behind: None }
    }

    /// The type to which a value may be cast without being cut.
    pub(super) fn uncut(&self) -> String {
        match &self.behind {
            Some(behind) => bare(&Self::written(behind).base).to_owned(),
            None => self.base.clone(),
        }
    }

    /// What the column makes of a value of that type, if that may be another one.
    pub(super) fn fitted(&self) -> Option<Template> {
        (self.full != self.uncut()).then(|| self.assigned())
    }

    /// Whether it has elements that a cast cuts, and that no function can be told not to.
    pub(super) fn cuts_elements(&self) -> bool {
        let full = self.behind.as_deref().unwrap_or(&self.full);
        let element = full.strip_suffix("[]").map(Self::written);
        element.is_some_and(|element| element.checked().is_some())
    }

    /// The modifier's numbers, if there is one.
    fn modifier(&self) -> Option<i32> {
        let (_, behind) = self.full.split_once('(')?;
        behind.split_once(')')?.0.trim().parse().ok()
    }

    /// A client's value as an assignment to a column of this type stores it.
    ///
    /// A cast cuts off what is too long. The function behind the cast can be told not to.
    fn assigned(&self) -> Template {
        let behind = self.behind.as_deref().map(Self::written);
        let checked = behind.as_ref().unwrap_or(self).checked();
        match (checked, behind) {
            (Some(checked), None) => checked,
            (Some(checked), Some(_)) => template(["", &format!("::{}", self.full)]).of(&checked),
            (None, _) => template(["(", &format!(")::{}", self.full)]),
        }
    }

    /// A value of the type, or an error if it is too long; `None` where a cast cuts nothing.
    fn checked(&self) -> Option<Template> {
        let base = &self.base;
        // VARHDRSZ is part of the modifier of strings.
        let (function, modifier) = match (base.to_ascii_lowercase().as_str(), self.modifier()?) {
            ("character varying" | "varchar", length) => ("\"varchar\"", length + 4),
            ("character" | "char" | "bpchar", length) => ("bpchar", length + 4),
            ("bit" | "\"bit\"", length) => ("\"bit\"", length),
            ("bit varying" | "varbit", length) => ("varbit", length),
            _ => return None,
        };
        let behind = format!(")::{}, {modifier}, false)", bare(base));
        Some(template([&format!("pg_catalog.{function}(("), &behind]))
    }
}

/// `character` and `bit` alone mean a length of one.
fn bare(base: &str) -> &str {
    match base {
        "character" | "char" => "bpchar",
        "bit" => "\"bit\"",
        other => other,
    }
}

/// The way between both columns.
#[derive(Debug, Clone)]
pub(super) struct Conversion {
    pub(super) up: Option<Template>,
    pub(super) down: Option<Template>,
    pub(super) from: Option<TypeName>,
    pub(super) to: Option<TypeName>,
}

impl Conversion {
    /// Both columns hold the same values of the same type.
    pub(super) fn identity() -> Self {
        Self { up: None, down: None, from: None, to: None }
    }

    /// Whether a value may stand in either column as it is.
    pub(super) fn is_identity(&self) -> bool {
        self.up.is_none()
            && self.down.is_none()
            && match (&self.from, &self.to) {
                (Some(from), Some(to)) => from == to,
                _ => true,
            }
    }

    /// Whether nothing on one side is nothing on the other.
    pub(super) fn keeps_null(&self) -> bool {
        self.up.is_none() && self.down.is_none()
    }

    /// What a client of the new name reads from the old column.
    pub(super) fn up_of_column(&self) -> Option<Template> {
        (!self.is_identity()).then(|| read(self.up.as_ref(), self.from.as_ref(), self.to.as_ref()))
    }

    /// What a client of the old name reads from the new column.
    pub(super) fn down_of_column(&self) -> Option<Template> {
        (!self.is_identity())
            .then(|| read(self.down.as_ref(), self.to.as_ref(), self.from.as_ref()))
    }

    /// What a value for the old column stores in the new one.
    pub(super) fn up_of_value(&self) -> Option<Template> {
        (!self.is_identity()).then(|| write(self.up.as_ref(), self.from.as_ref(), self.to.as_ref()))
    }

    /// The same of a parameter, where that is another expression.
    pub(super) fn up_of_parameter(&self) -> Option<Template> {
        let from = self.from.as_ref().filter(|from| from.behind.is_some())?;
        let typed = TypeName { behind: None, ..from.clone() };
        (!self.is_identity()).then(|| write(self.up.as_ref(), Some(&typed), self.to.as_ref()))
    }

    /// The same of a parameter, where that is another expression.
    pub(super) fn down_of_parameter(&self) -> Option<Template> {
        let to = self.to.as_ref().filter(|to| to.behind.is_some())?;
        let typed = TypeName { behind: None, ..to.clone() };
        (!self.is_identity()).then(|| write(self.down.as_ref(), Some(&typed), self.from.as_ref()))
    }

    /// What a value for the new column stores in the old one.
    pub(super) fn down_of_value(&self) -> Option<Template> {
        (!self.is_identity())
            .then(|| write(self.down.as_ref(), self.to.as_ref(), self.from.as_ref()))
    }
}

/// The expression over a column of type `from`, of exactly type `to`.
fn read(through: Option<&Template>, from: Option<&TypeName>, to: Option<&TypeName>) -> Template {
    let value = through.cloned().unwrap_or_else(|| template(["", ""]));
    let Some(to) = to else { return enclosed(&value) };
    let same_type = through.is_none() && from.is_some_and(|from| from.full == to.full);
    let cast = match (same_type, through) {
        (true, _) => value,
        (false, None) => template(["", &format!("::{}", to.full)]),
        (false, Some(_)) => template(["(", &format!(")::{}", to.full)]).of(&value),
    };
    let from_collation = from.and_then(|from| from.collation.as_deref());
    if to.collation.as_deref() == from_collation {
        return cast;
    }
    let collation = to.collation.as_deref().unwrap_or("pg_catalog.\"default\"");
    template(["(", &format!(" COLLATE {collation})")]).of(&cast)
}

/// The expression over a client's value for a column of type `from`, to be assigned to one of `to`.
fn write(through: Option<&Template>, from: Option<&TypeName>, to: Option<&TypeName>) -> Template {
    let assigned = from.map_or_else(|| template(["(", ")"]), TypeName::assigned);
    match (through, to) {
        (Some(through), _) => through.of(&assigned),
        (None, Some(to)) if from.is_none_or(|from| from.base != to.base) => {
            template(["", &format!("::{}", bare(&to.base))]).of(&assigned)
        }
        (None, _) => assigned,
    }
}

fn template(parts: [&str; 2]) -> Template {
    Template::new(parts.into_iter().map(str::to_owned).collect())
}

fn enclosed(value: &Template) -> Template {
    template(["(", ")"]).of(value)
}

/// Reads `up` or `down`: an expression in which only `column` may be named.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(text: &str, column: &str, catalog: &Catalog) -> Result<Template, String> {
    let may_name = format!("column \"{column}\"");
    let only = |name: &str| match name == column {
        true => Ok(()),
        false => Err(format!("names \"{name}\", but may name only {may_name}")),
    };
    let value = row_value::read(text, &may_name, &only, catalog)?;
    match value.is_volatile() {
        true => Err("calls a function that is volatile or not known to the catalog".to_owned()),
        false => Ok(value.into_template()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Volatility;

    fn catalog() -> Catalog {
        let functions = [("lower", Volatility::Immutable), ("random", Volatility::Volatile)];
        Catalog {
            functions: functions.into_iter().map(|(name, v)| (name.to_owned(), v)).collect(),
            ..Catalog::default()
        }
    }

    #[test]
    fn an_expression_has_its_column_in_any_number_of_places() {
        let around = |text: &str| parse(text, "a", &catalog()).map(|it| it.around("t.x"));
        assert_eq!(around("lower(a)"), Ok("lower(t.x)".to_owned()));
        assert_eq!(around(" A || '-' || \"a\" "), Ok(" t.x || '-' || t.x".to_owned()));
        assert_eq!(around("a[1] + 1"), Ok("(t.x)[1] + 1".to_owned()));
        assert_eq!(around("'constant'"), Ok("'constant'".to_owned()));
        assert_eq!(around("CASE WHEN a THEN 'y' ELSE 'n' END").map(|it| it.len()), Ok(35));
        for wrong in
            ["", "lower(b)", "a, a", "t.a", "(SELECT a)", "random()", "a AS b", "$1", "a -- x"]
        {
            assert!(around(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_assigned_before_they_are_converted() {
        let conversion = |from: &str, to: &str, up: Option<&str>| Conversion {
            up: up.map(|up| parse(up, "a", &catalog()).unwrap()),
            down: None,
            from: Some(TypeName::written(from)),
            to: Some(TypeName::written(to)),
        };
        let value = |it: Conversion| it.up_of_value().map(|up| up.around("$1"));
        let column = |it: Conversion| it.up_of_column().map(|up| up.around("a"));
        let wide = || conversion("integer", "bigint", None);
        assert_eq!(value(wide()), Some("($1)::integer::bigint".to_owned()));
        assert_eq!(column(wide()), Some("a::bigint".to_owned()));
        let lowered = || conversion("varchar(5)", "text", Some("lower(a)"));
        let expected = "lower(pg_catalog.\"varchar\"(($1)::varchar, 9, false))";
        assert_eq!(value(lowered()), Some(expected.to_owned()));
        assert_eq!(column(lowered()), Some("(lower(a))::text".to_owned()));
        assert_eq!(value(conversion("text", "text", None)), None);
        assert_eq!(
            TypeName::written("timestamp(3) with time zone").base,
            "timestamp with time zone"
        );
    }
}
