//! ORDER BY, DISTINCT ON and GROUP BY, where a bare name or a number may mean an output column.

use super::items::{Output, Value};
use super::{Check, Walk};
use crate::scope::View;
use crate::tree::Tree;

/// Which names come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// ORDER BY and DISTINCT ON: output columns.
    Order,
    /// GROUP BY: the columns of FROM.
    Group,
}

/// The output columns of a query in both texts.
pub(super) struct Both<'t> {
    pub(super) client: Vec<Output<'t>>,
    pub(super) output: Vec<Output<'t>>,
    /// For each of the output's columns the client's that it gives, if the list was extended.
    pub(super) places: Option<Vec<Option<usize>>>,
}

impl Walk<'_> {
    /// The lists of keys mean the same.
    pub(super) fn keys(
        &mut self,
        kind: Kind,
        client: &[Tree],
        output: &[Tree],
        both: &Both<'_>,
    ) -> Check {
        let more = output.get(client.len()..).unwrap_or_default();
        let determined = kind == Kind::Group
            && more.iter().all(|extra| self.is_determined(&grouped_by(client, both), extra));
        if client.len() > output.len() || !determined && !more.is_empty() {
            return self.fail("another number of keys", client, output);
        }
        for (index, (before, after)) in client.iter().zip(output).enumerate() {
            self.path.push(format!("key[{index}]"));
            self.key(kind, before, after, both)?;
            self.path.pop();
        }
        Ok(())
    }

    fn key(&mut self, kind: Kind, client: &Tree, output: &Tree, both: &Both<'_>) -> Check {
        let wrapped = match client.tag() {
            "SortBy" if output.is("SortBy") => {
                self.fields(client, output, &["node"])?;
                client.field("node").zip(output.field("node"))
            }
            "GroupingSet" if output.is("GroupingSet") => {
                self.fields(client, output, &["content"])?;
                return self.keys(kind, client.list("content"), output.list("content"), both);
            }
            // One element of ROLLUP or CUBE that is a list of columns.
            "RowExpr" if kind == Kind::Group && output.is("RowExpr") => {
                self.fields(client, output, &["args"])?;
                return self.keys(kind, client.list("args"), output.list("args"), both);
            }
            _ => None,
        };
        let (before, after) = wrapped.unwrap_or((client, output));
        let ours = self.place(kind, View::Client, before, &both.client);
        let theirs = self.place(kind, View::Output, after, &both.output);
        let theirs_for_client = theirs.and_then(|place| match &both.places {
            None => Some(place),
            Some(places) => places.get(place).copied().flatten(),
        });
        if ours.is_some() && ours == theirs_for_client {
            return Ok(());
        }
        let value = |place: Option<usize>, outputs: &[Output<'_>], key: &Tree| match place {
            Some(place) => outputs.get(place).map(|output| output.value.clone()).map(owned),
            None => Some(Owned::Expression(key.clone())),
        };
        let ours = value(ours, &both.client, before);
        let theirs = value(theirs, &both.output, after);
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                let (ours, theirs) = (ours.borrowed(), theirs.borrowed());
                let output = |value| Output { label: None, value };
                self.output(&output(ours), &output(theirs))
            }
            _ => self.fail("a key of no output column", before, after),
        }
    }

    /// The output column that a key names.
    fn place(&self, kind: Kind, view: View, key: &Tree, outputs: &[Output<'_>]) -> Option<usize> {
        if let Some(number) = key.integer() {
            return usize::try_from(number - 1).ok();
        }
        let name = key.bare_column()?;
        let labelled = outputs.iter().position(|output| output.label.as_ref() == Some(&name));
        let is_input = kind == Kind::Group
            && self.levels.last().is_some_and(|level| {
                level.sources.iter().any(|source| {
                    source.columns(view).is_none_or(|columns| columns.contains(&name))
                })
            });
        labelled.filter(|_| !is_input)
    }
}

/// The keys of GROUP BY, each by what its number or label says.
fn grouped_by(keys: &[Tree], both: &Both<'_>) -> Vec<Tree> {
    let named = |key: &Tree| {
        let at = key.integer().and_then(|number| usize::try_from(number - 1).ok());
        let name = key.bare_column();
        let labelled = both.client.iter().position(|it| name.is_some() && it.label == name);
        match at.or(labelled).and_then(|at| both.client.get(at)).map(|it| &it.value) {
            Some(Value::Expression(value)) => (*value).clone(),
            _ => key.clone(),
        }
    };
    keys.iter().map(named).collect()
}

/// A value that lives on its own.
enum Owned {
    Expression(Tree),
    Other(Value<'static>),
}

fn owned(value: Value<'_>) -> Owned {
    match value {
        Value::Expression(tree) => Owned::Expression(tree.clone()),
        Value::Column(meaning) => Owned::Other(Value::Column(meaning)),
        Value::All(level, source) => Owned::Other(Value::All(level, source)),
    }
}

impl Owned {
    fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Expression(tree) => Value::Expression(tree),
            Self::Other(value) => value.clone(),
        }
    }
}
