//! Places where a column's name shows although it is no output column: XML elements, ANALYZE.

use super::{Check, Walk};
use crate::label;
use crate::tree::{Part, Tree};

impl Walk<'_> {
    /// XMLFOREST, XMLATTRIBUTES and their like: the same names, whether written or a column's.
    pub(super) fn xml(&mut self, client: &Tree, output: &Tree) -> Check {
        let (before, after) = (client.list("named_args"), output.list("named_args"));
        if before.len() != after.len() {
            return self.fail("another number of elements", client, output);
        }
        for (one, other) in before.iter().zip(after) {
            self.equal_labels(one, other)?;
            self.fields(one, other, &["name"])?;
        }
        self.fields(client, output, &["named_args"])
    }

    fn equal_labels(&self, client: &Tree, output: &Tree) -> Check {
        match label::label(client) == label::label(output) {
            true => Ok(()),
            false => self.fail("another name of an element", client, output),
        }
    }

    /// `ANALYZE t (a, b)`.
    pub(super) fn analyzed(&mut self, client: &Tree, output: &Tree) -> Check {
        let table = client.field("relation").and_then(|range| self.governed_by(range));
        let names = client.names("va_cols").into_iter().map(|name| {
            let column = table.and_then(|table| table.column(&name));
            let reference = column.and_then(|it| it.read.nodes().find(|node| node.is("ColumnRef")));
            match reference.and_then(|it| it.column()?.pop()) {
                Some(Part::Name(physical)) => physical,
                Some(Part::Star) | None => name,
            }
        });
        let expected: Vec<String> = names.collect();
        let written = output.names("va_cols");
        let apart = client.names("va_cols").into_iter().any(|name| {
            let column = table.and_then(|table| table.column(&name));
            column.is_some_and(|column| column.read == crate::tables::elsewhere())
        });
        if let Some(joint) = table.and_then(|table| self.shape.joints.get(table.joint?)) {
            let own = client.field("relation").and_then(|range| self.of(Some(range)));
            let other = output.field("relation").and_then(|range| self.of(Some(range)));
            let Some((own, other)) = own.zip(other).filter(|(_, it)| std::ptr::eq(it.joint, joint))
            else {
                return self.fail("another table", client, output);
            };
            let held = |name: &String| match own.member.slot(name) {
                Some(slot) => other.member.column(slot).map(str::to_owned),
                None => Some(name.clone()),
            };
            let names: Option<Vec<String>> = client.names("va_cols").iter().map(held).collect();
            // Where some are in another table all of this one is analyzed.
            let all = apart && written.is_empty();
            return match all || names.as_ref() == Some(&written) {
                true => self.fields(client, output, &["va_cols", "relation"]),
                false => self.fail("other columns", &"", output),
            };
        }
        if expected != written {
            return self.fail("other columns", &expected.join(", "), &written.join(", "));
        }
        self.fields(client, output, &["va_cols"])
    }
}
