//! Column references: where each leads, and what the migration reads there.

use super::{Check, Walk};
use crate::scope::{self, Meaning, Source, View};
use crate::tree::{Part, Tree};

/// The database that the texts are sent to.
const DATABASE: &str = "postgres";

impl Walk<'_> {
    /// What a column reference means in one text; `None` for a `*`.
    pub(super) fn meaning(&self, view: View, reference: &Tree) -> Option<Meaning> {
        if reference.is("AIndirection") {
            return self.field_of_row(view, reference);
        }
        let parts = reference.column()?;
        let names: Vec<&str> = parts
            .iter()
            .map(|part| match part {
                Part::Name(name) => Some(name.as_str()),
                Part::Star => None,
            })
            .collect::<Option<_>>()?;
        let hidden = |source: &Source, name: &str| self.is_hidden(source, name);
        let levels = &self.levels;
        Some(match names.as_slice() {
            [name] => scope::unqualified(levels, view, name, &hidden),
            [table, name] => scope::qualified(levels, view, (None, table), name, &hidden),
            // PostgreSQL allows the present database's name before the schema's.
            [schema, table, name] | [DATABASE, schema, table, name] => {
                scope::qualified(levels, view, (Some(schema), table), name, &hidden)
            }
            _ => Meaning::Nothing,
        })
    }

    /// `(u).username` is a column of the relation.
    fn field_of_row(&self, view: View, reference: &Tree) -> Option<Meaning> {
        let [field] = reference.list("indirection") else { return None };
        let row = reference.field("arg").filter(|arg| arg.is("ColumnRef"))?;
        match (self.meaning(view, row)?, field.text("sval")) {
            (Meaning::Row { .. }, "") => None,
            (Meaning::Row { level, source }, name) => {
                let found = self.source(level, source)?;
                let has = found.columns(view)?.iter().any(|column| column == name);
                (has || self.is_hidden(found, name)).then(|| Meaning::Column {
                    level,
                    source,
                    name: name.to_owned(),
                })
            }
            _ => None,
        }
    }

    /// Whether it is a column written as the field of a row.
    pub(super) fn is_field_of_row(&self, client: &Tree) -> bool {
        client.is("AIndirection") && self.field_of_row(View::Client, &first_field(client)).is_some()
    }

    /// Whether a client may use this name of a source's table although `*` does not show it.
    fn is_hidden(&self, source: &Source, name: &str) -> bool {
        let table = source.governed.and_then(|index| self.shape.governed.get(index));
        let table = table.filter(|_| !source.renamed);
        table.and_then(|table| table.column(name)).is_some_and(|column| !column.shown)
    }

    fn source(&self, level: usize, source: usize) -> Option<&Source> {
        self.levels.get(level)?.sources.get(source)
    }

    /// What the migration reads for a column of a source, as an expression over the columns that
    /// the source has in the output.
    fn reads(&self, source: &Source, name: &str) -> Option<Tree> {
        let table = self.shape.governed.get(source.governed.filter(|_| !source.renamed)?)?;
        let column = table.column(name)?;
        if !source.derived {
            return Some(column.read.clone());
        }
        // The derived table shows the old shape: the same value under its old name.
        let elsewhere = column.read == crate::tables::elsewhere();
        let own = table.shown().find(|old| old.name == name);
        let same = table.shown().find(|old| old.read == column.read).filter(|_| !elsewhere);
        let shown = own.or(same)?;
        crate::tree::expression(&format!("\"{}\"", shown.name.replace('"', "\"\""))).ok()
    }

    /// The column that a column becomes, if it is read as it is.
    pub(super) fn expected(&self, meaning: &Meaning) -> Option<Meaning> {
        let Meaning::Column { level, source, name } = meaning else { return Some(meaning.clone()) };
        let found = self.source(*level, *source)?;
        match self.reads(found, name) {
            None => Some(meaning.clone()),
            Some(formula) => {
                let name = formula.bare_column()?;
                Some(Meaning::Column { level: *level, source: *source, name })
            }
        }
    }

    /// The same for `(u).username`, with what may be taken of it in turn.
    pub(super) fn field_of(&mut self, client: &Tree, output: &Tree) -> Check {
        let (ours, theirs) = (client.list("indirection"), output.list("indirection"));
        let [_, rest @ ..] = ours else { return self.column(client, output) };
        if rest.is_empty() {
            return self.column(client, output);
        }
        let head = match theirs.strip_suffix(rest) {
            Some([]) => output.field("arg").cloned(),
            Some([first]) => Some(output.with_list("indirection", vec![first.clone()])),
            Some(_) | None => None,
        };
        match head {
            Some(head) => self.column(&first_field(client), &head),
            None => self.fail("another field", client, output),
        }
    }

    /// The output is what the migration reads for the client's column.
    pub(super) fn column(&mut self, client: &Tree, output: &Tree) -> Check {
        match self.meaning(View::Client, client) {
            Some(meaning) => self.read_of(&meaning, client, output),
            // `t.*` as a value: a whole row.
            None => self.whole_row_star(client, output),
        }
    }

    /// The output is what the migration reads for what the client means.
    pub(super) fn read_of(&mut self, meaning: &Meaning, client: &Tree, output: &Tree) -> Check {
        match meaning {
            Meaning::Column { level, source, name } => {
                let found = self.source(*level, *source);
                let formula = found.and_then(|found| self.reads(found, name));
                match formula {
                    Some(formula) => self.formula(&formula, (*level, *source), client, output),
                    None => self.leads_to(meaning, client, output),
                }
            }
            Meaning::Unsure(Some(inner)) => match inner.as_ref() {
                // It must stay as unsure as it was, which only the same name can.
                Meaning::Column { level, source, name } => {
                    let found = self.source(*level, *source);
                    let formula = found.and_then(|found| self.reads(found, name));
                    let kept = formula
                        .is_none_or(|formula| formula.bare_column().as_deref() == Some(name));
                    if !kept {
                        return self.fail("it may belong to another relation", client, output);
                    }
                    self.leads_to(meaning, client, output)
                }
                _ => self.leads_to(meaning, client, output),
            },
            Meaning::Row { level, source } => {
                let shows_more = self.source(*level, *source).is_some_and(|found| {
                    found.columns(View::Client) != found.columns(View::Output)
                });
                if shows_more {
                    return self.fail("the row shows more than the old shape", client, output);
                }
                self.leads_to(meaning, client, output)
            }
            Meaning::Merged { .. } | Meaning::System { .. } => {
                self.leads_to(meaning, client, output)
            }
            Meaning::Ambiguous | Meaning::Nothing | Meaning::Unsure(None) => {
                self.equal("a name that nobody has changed", Some(client), Some(output))?;
                self.leads_to(meaning, client, output)
            }
        }
    }

    /// The output is a reference with exactly this meaning.
    fn leads_to(&self, meaning: &Meaning, client: &Tree, output: &Tree) -> Check {
        match self.meaning(View::Output, output) {
            Some(found) if found == *meaning => Ok(()),
            found => {
                self.fail(&format!("it should lead to {meaning:?}, not {found:?}"), client, output)
            }
        }
    }

    /// The output is an expression in which every column leads to `place`.
    fn formula(
        &self,
        formula: &Tree,
        place: (usize, usize),
        client: &Tree,
        output: &Tree,
    ) -> Check {
        if let Some(name) = formula.bare_column() {
            let (level, source) = place;
            return self.leads_to(&Meaning::Column { level, source, name }, client, output);
        }
        match (formula, output) {
            (Tree::Node(tag, fields), Tree::Node(other, others))
                if tag == other && fields.len() == others.len() =>
            {
                fields.iter().try_for_each(|(name, field)| match others.get(name) {
                    Some(other) => self.formula(field, place, client, other),
                    None => self.fail("another expression is read", client, output),
                })
            }
            (Tree::List(items), Tree::List(others)) if items.len() == others.len() => items
                .iter()
                .zip(others)
                .try_for_each(|(item, other)| self.formula(item, place, client, other)),
            (Tree::Leaf(value), Tree::Leaf(other)) if value == other => Ok(()),
            _ => self.fail("another expression is read", client, output),
        }
    }

    /// The relation in `t.*` and `schema.t.*`.
    fn starred_relation(&self, parts: &[Part]) -> Option<(usize, usize)> {
        match parts {
            [Part::Name(table), Part::Star] => {
                scope::relation(&self.levels, View::Client, None, table)
            }
            [.., Part::Name(schema), Part::Name(table), Part::Star] => {
                scope::relation(&self.levels, View::Client, Some(schema), table)
            }
            _ => None,
        }
    }

    /// `t.*` where a value stands.
    fn whole_row_star(&mut self, client: &Tree, output: &Tree) -> Check {
        self.equal("another row", Some(client), Some(output))?;
        let row = client.column().and_then(|parts| self.starred_relation(&parts));
        match row {
            Some((level, source)) => {
                let meaning = Meaning::Row { level, source };
                let found = self.source(level, source);
                let same = found
                    .is_none_or(|found| found.columns(View::Client) == found.columns(View::Output));
                let why = format!("{meaning:?} shows more than the old shape");
                if same { Ok(()) } else { self.fail(&why, client, output) }
            }
            None => Ok(()),
        }
    }

    /// Whether a whole row became `(SELECT s FROM (SELECT t.a, t.b AS c) s)`.
    pub(super) fn is_spelled_row(&self, client: &Tree, output: &Tree) -> bool {
        output.is("SubLink") && client.is("ColumnRef") && self.row_place(client).is_some()
    }

    /// Whether it is `count(t)`, which shows nothing of the row.
    pub(super) fn is_count_of_rows(&self, client: &Tree) -> bool {
        match client.list("args") {
            [row] => {
                client.names("funcname") == ["count"]
                    && client.field("agg_distinct").is_none()
                    && client.field("agg_filter").is_none()
                    && client.field("agg_order").is_none()
                    && client.field("over").is_none()
                    && self.row_place(row).is_some()
            }
            _ => false,
        }
    }

    fn row_place(&self, client: &Tree) -> Option<(usize, usize)> {
        match (self.meaning(View::Client, client), client.column()?.as_slice()) {
            (Some(Meaning::Row { level, source }), _) => Some((level, source)),
            (None, parts) => self.starred_relation(parts),
            _ => None,
        }
    }

    /// A row spelled out: exactly the old shape's columns under their names, of that relation.
    pub(super) fn spelled_row(&mut self, client: &Tree, output: &Tree) -> Check {
        let place = self.row_place(client);
        let name = place.and_then(|(level, source)| self.source(level, source));
        let missing = name.is_some_and(|source| source.may_be_missing);
        let name = name.map(|source| source.name.clone()).unwrap_or_default();
        let parts = place.zip(spelled_parts(output, &name, missing));
        let Some(((level, source), columns)) = parts else {
            return self.fail("not a row spelled out", client, output);
        };
        let found = self.source(level, source).cloned();
        let shown = found.as_ref().and_then(|found| found.columns(View::Client));
        let (Some(found), Some(shown)) = (&found, shown) else {
            return self.fail("a row of unknown columns spelled out", client, output);
        };
        if shown.len() != columns.len() {
            return self.fail("a row of another width", client, output);
        }
        for (name, column) in shown.iter().zip(columns) {
            if crate::label::label(column).as_deref() != Some(name) {
                return self.fail("a row's column has another name", name, column);
            }
            let value = column.field("val").unwrap_or(column);
            match self.reads(found, name) {
                Some(formula) => self.formula(&formula, (level, source), client, value)?,
                None => {
                    let meaning = Meaning::Column { level, source, name: name.clone() };
                    self.leads_to(&meaning, client, value)?;
                }
            }
        }
        Ok(())
    }
}

/// `(u).a` of `(u).a.b`.
fn first_field(reference: &Tree) -> Tree {
    let first = reference.list("indirection").iter().take(1).cloned().collect();
    reference.with_list("indirection", first)
}

/// The columns of `(SELECT s FROM (SELECT …) s)`, if it is that and nothing more. Where the row may
/// be missing from a join, a condition on it keeps the record NULL.
fn spelled_parts<'t>(output: &'t Tree, row_of: &str, missing: bool) -> Option<&'t [Tree]> {
    let select = output.field("subselect")?;
    let [item] = select.list("from_clause") else { return None };
    let [target] = select.list("target_list") else { return None };
    let alias = item.field("alias")?.text("aliasname");
    let inner = item.field("subquery")?;
    let there = format!("\"{}\".tableoid IS NOT NULL", row_of.replace('"', "\"\""));
    let there = crate::tree::expression(&there).ok()?;
    let conditioned = super::is_plain(inner, &["target_list", "where_clause"])
        && inner.field("where_clause") == Some(&there);
    let plain = super::is_plain(select, &["from_clause", "target_list"])
        && ((super::is_plain(inner, &["target_list"]) && !missing) || conditioned)
        && item.field_names() == ["alias", "subquery"]
        && item.field("alias")?.field_names() == ["aliasname"]
        && output.field_names() == ["sub_link_type", "subselect"]
        && output.number("sub_link_type") == 5
        && target.text("name").is_empty();
    let row = target.field("val")?.bare_column()?;
    (plain && row == alias).then(|| inner.list("target_list"))
}
