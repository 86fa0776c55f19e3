//! Select lists and RETURNING: every `*` spelled out on both sides, then item by item.

use super::{Check, Walk};
use crate::label;
use crate::scope::{self, Columns, Item, Meaning, View};
use crate::tree::{Part, Tree};

/// An output column.
#[derive(Debug, Clone)]
pub(super) struct Output<'t> {
    /// Its name; `None` for the columns of an unknown relation.
    pub(super) label: Option<String>,
    pub(super) value: Value<'t>,
}

/// What an output column gives.
#[derive(Debug, Clone)]
pub(super) enum Value<'t> {
    Expression(&'t Tree),
    /// A column that a `*` stands for.
    Column(Meaning),
    /// All columns of a relation that is not known.
    All(usize, usize),
}

/// `(u).*` is `u.*`, where `u` is a relation.
fn whole_row(value: &Tree) -> Option<Vec<Part>> {
    let is_star = |parts: &[Tree]| matches!(parts, [only] if only.is("AStar"));
    let is_row = value.is("AIndirection") && is_star(value.list("indirection"));
    let row = value.field("arg").filter(|_| is_row)?.bare_column()?;
    Some(vec![Part::Name(row), Part::Star])
}

impl Walk<'_> {
    /// The output columns of a list.
    pub(super) fn outputs<'t>(&self, view: View, targets: &'t [Tree]) -> Vec<Output<'t>> {
        targets.iter().flat_map(|target| self.spelled_out(view, target)).collect()
    }

    fn spelled_out<'t>(&self, view: View, target: &'t Tree) -> Vec<Output<'t>> {
        let Some(value) = target.field("val") else { return Vec::new() };
        let as_it_is =
            vec![Output { label: label::label(target), value: Value::Expression(value) }];
        match value.column().or_else(|| whole_row(value)).as_deref() {
            Some([Part::Star]) => {
                let Some(level) = self.levels.last() else { return as_it_is };
                level.items.iter().flat_map(|item| self.item_outputs(view, item)).collect()
            }
            Some([schema @ .., Part::Name(table), Part::Star]) => {
                let schema = schema.iter().rev().find_map(|part| match part {
                    Part::Name(name) => Some(name.as_str()),
                    Part::Star => None,
                });
                match scope::relation(&self.levels, view, schema, table) {
                    Some((level, source)) => self.source_outputs(view, level, source),
                    None => as_it_is,
                }
            }
            _ => as_it_is,
        }
    }

    fn source_outputs<'t>(&self, view: View, level: usize, source: usize) -> Vec<Output<'t>> {
        let found = self.levels.get(level).and_then(|scope| scope.sources.get(source));
        match found.and_then(|found| found.columns(view)) {
            None => vec![Output { label: None, value: Value::All(level, source) }],
            Some(columns) => columns
                .iter()
                .map(|name| Output {
                    label: Some(name.clone()),
                    value: Value::Column(Meaning::Column { level, source, name: name.clone() }),
                })
                .collect(),
        }
    }

    fn item_outputs<'t>(&self, view: View, item: &Item) -> Vec<Output<'t>> {
        let level = self.levels.len().saturating_sub(1);
        match item {
            Item::Source(source) => self.source_outputs(view, level, *source),
            Item::Join { left, right, merged: None } => {
                // Which columns merge is unknown: leave both sides as they are.
                [left, right].into_iter().flat_map(|side| self.item_outputs(view, side)).collect()
            }
            Item::Join { left, right, merged: Some(merged) } => {
                let first = merged.iter().map(|name| Output {
                    label: Some(name.clone()),
                    value: Value::Column(Meaning::Merged { level, name: name.clone() }),
                });
                let rest = [left, right].into_iter().flat_map(|side| self.item_outputs(view, side));
                let rest = rest.filter(|output| {
                    output.label.as_ref().is_none_or(|label| !merged.contains(label))
                });
                first.chain(rest).collect()
            }
        }
    }

    /// The same output columns under the same names; returns the names in both texts.
    pub(super) fn targets(
        &mut self,
        client: &[Tree],
        output: &[Tree],
    ) -> Result<[Columns; 2], Box<super::Difference>> {
        let before = self.outputs(View::Client, client);
        let after = self.outputs(View::Output, output);
        if before.len() != after.len() {
            self.fail("another number of output columns", client, output)?;
        }
        for (index, (one, other)) in before.iter().zip(&after).enumerate() {
            self.path.push(format!("target[{index}]"));
            if one.label != other.label {
                self.fail("another label", &one.label, &other.label)?;
            }
            self.output(one, other)?;
            self.path.pop();
        }
        let names = |outputs: &[Output<'_>]| outputs.iter().map(|it| it.label.clone()).collect();
        Ok([names(&before), names(&after)])
    }

    /// `ROW(t.*, x)`: a `*` in it stands for columns, like one in a select list.
    pub(super) fn row_expression(&mut self, client: &Tree, output: &Tree) -> Check {
        self.fields(client, output, &["args"])?;
        let as_targets = |tree: &Tree| -> Vec<Tree> {
            let target = |value: &Tree| {
                let fields = [("val".to_owned(), value.clone())];
                Tree::Node("ResTarget".to_owned(), fields.into())
            };
            tree.list("args").iter().map(target).collect()
        };
        let (before, after) = (as_targets(client), as_targets(output));
        let (ours, theirs) =
            (self.outputs(View::Client, &before), self.outputs(View::Output, &after));
        if ours.len() != theirs.len() {
            return self.fail("a row of another width", client, output);
        }
        ours.iter().zip(&theirs).try_for_each(|(one, other)| self.output(one, other))
    }

    /// Both output columns give the same.
    pub(super) fn output(&mut self, client: &Output<'_>, output: &Output<'_>) -> Check {
        match (&client.value, &output.value) {
            (Value::Expression(before), Value::Expression(after)) => self.same(before, after),
            (Value::Column(meaning), Value::Expression(after)) => {
                self.read_of(meaning, after, after)
            }
            (Value::Column(meaning), Value::Column(found)) => {
                if self.expected(meaning).as_ref() == Some(found) {
                    return Ok(());
                }
                self.fail("another column of `*`", &client.label, &format!("{found:?}"))
            }
            (Value::All(level, source), Value::All(other_level, other))
                if (level, source) == (other_level, other) =>
            {
                Ok(())
            }
            _ => self.fail("another output column", &client.label, &output.label),
        }
    }
}
