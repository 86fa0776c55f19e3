//! COPY: a table as a query on the way out, more columns on the way in.

use super::{Check, Walk};
use crate::label;
use crate::shape::{Governed, Logical};
use crate::tree::Tree;

impl<'s> Walk<'s> {
    pub(super) fn copy(&mut self, client: &Tree, output: &Tree) -> Check {
        let Some(range) = client.field("relation") else {
            return self.fields(client, output, &[]);
        };
        let schema = match range.text("schemaname") {
            "" => "public",
            schema => schema,
        };
        let shape = self.shape;
        let table = shape.governed.iter().find(|table| {
            table.relation.schema == schema && table.relation.name == range.text("relname")
        });
        let Some(table) = table else { return self.fields(client, output, &[]) };
        self.fields(client, output, &["relation", "attlist", "query"])?;
        let columns = self.copied(client, table)?;
        match client.field("is_from") {
            Some(_) => self.copy_from(client, output, table, &columns),
            None => self.copy_to(client, output, table, &columns),
        }
    }

    fn copied(
        &self,
        client: &Tree,
        table: &'s Governed,
    ) -> Result<Vec<&'s Logical>, Box<super::Difference>> {
        let names = client.names("attlist");
        if names.is_empty() {
            let generated = |column: &Logical| {
                table.physical.iter().any(|it| it.name == column.name && it.generated)
            };
            return Ok(table.shown().filter(|column| !generated(column)).collect());
        }
        let columns: Option<Vec<&Logical>> = names.iter().map(|name| table.column(name)).collect();
        match columns {
            Some(columns) => Ok(columns),
            None => self.fail("no such column", client, &"").map(|()| Vec::new()),
        }
    }

    fn copy_to(
        &mut self,
        client: &Tree,
        output: &Tree,
        table: &Governed,
        columns: &[&Logical],
    ) -> Check {
        let Some(query) = output.field("query") else {
            // As it is: the names in the list, or everything, must mean what the client means.
            let read: Vec<Option<String>> =
                columns.iter().map(|column| column.read_column()).collect();
            let listed = output.names("attlist");
            let written: Vec<Option<String>> = match listed.is_empty() {
                true => table.physical.iter().map(|column| Some(column.name.clone())).collect(),
                false => listed.into_iter().map(Some).collect(),
            };
            return match read == written {
                true => {
                    self.equal("another table", client.field("relation"), output.field("relation"))
                }
                false => self.fail("other columns are copied", client, output),
            };
        };
        let targets = query.list("target_list");
        let plain = super::is_plain(query, &["from_clause", "target_list"])
            && output.field("relation").is_none()
            && output.field("attlist").is_none();
        let same_table = match query.list("from_clause") {
            [item] => Some(item) == client.field("relation"),
            _ => false,
        };
        let spelled = targets.len() == columns.len()
            && targets.iter().zip(columns).all(|(target, column)| {
                target.field("val") == Some(&column.read)
                    && label::label(target).as_deref() == Some(&column.name)
            });
        match plain && same_table && spelled {
            true => Ok(()),
            false => self.fail("a query that is not the old shape", client, output),
        }
    }

    /// Each field of a row goes to what the migration writes for its column; fields that the
    /// proxy appends repeat one of the client's.
    fn copy_from(
        &mut self,
        client: &Tree,
        output: &Tree,
        table: &Governed,
        columns: &[&Logical],
    ) -> Check {
        self.equal("another table", client.field("relation"), output.field("relation"))?;
        let mut written = output.names("attlist");
        if written.is_empty() {
            let exists = table.physical.iter().filter(|column| !column.generated);
            written = exists.map(|column| column.name.clone()).collect();
        }
        let repeats = self.repeats.clone().unwrap_or_default();
        if written.len() != columns.len() + repeats.len() {
            return self.fail("another number of columns is copied", client, output);
        }
        let places = (0..columns.len()).chain(repeats);
        let mut fed: Vec<(usize, String)> = places.zip(written).collect();
        let mut expected: Vec<(usize, String)> = columns
            .iter()
            .enumerate()
            .flat_map(|(place, column)| {
                column.writes.iter().map(move |it| (place, it.column.clone()))
            })
            .collect();
        fed.sort();
        expected.sort();
        if fed != expected {
            return self.fail("fields go to other columns", client, output);
        }
        for column in table.shown() {
            let copied =
                columns.iter().any(|it| it.name == column.name || it.writes == column.writes);
            let by_itself =
                column.writes.iter().all(|it| table.defaults_by_itself(column, &it.column));
            if !copied && !by_itself {
                return self.fail("a default that the server does not give", client, output);
            }
        }
        Ok(())
    }
}
