//! COPY: a table as a query on the way out, more columns on the way in.

use super::{Check, Walk};
use crate::label;
use crate::scope::Level;
use crate::shape::{Governed, Logical};
use crate::tree::Tree;

impl<'s> Walk<'s> {
    pub(super) fn copy(&mut self, client: &Tree, output: &Tree) -> Check {
        let table = self.copied_table(client);
        let Some(table) = table else { return self.fields(client, output, &[]) };
        self.fields(client, output, &["relation", "attlist", "query", "options", "where_clause"])?;
        let names = client.names("attlist");
        if let Some(unknown) = names.iter().find(|name| table.column(name).is_none()) {
            // PostgreSQL says so, as long as it hears of it.
            let mut said = output.names("attlist");
            said.extend(output.nodes().filter_map(Tree::bare_column));
            return match said.contains(unknown) {
                true => Ok(()),
                false => self.fail("an error is gone", client, output),
            };
        }
        let columns = self.copied(client, table)?;
        match client.field("is_from") {
            Some(_) => {
                self.options(client, output, table)?;
                self.condition(client, output)?;
                self.copy_from(client, output, table, &columns)
            }
            None => {
                self.field(client, output, "options")?;
                self.copy_to(client, output, table, &columns)
            }
        }
    }

    /// Options that list columns list what is written for them.
    fn options(&mut self, client: &Tree, output: &Tree, table: &Governed) -> Check {
        let (before, after) = (client.list("options"), output.list("options"));
        if before.len() != after.len() {
            return self.fail("another number of options", before, after);
        }
        for (one, other) in before.iter().zip(after) {
            let listed = one.field("arg").filter(|arg| arg.is("List"));
            let (Some(listed), true) = (listed, one.text("defname").starts_with("force_")) else {
                self.same(one, other)?;
                continue;
            };
            self.fields(one, other, &["arg"])?;
            let mut expected: Vec<String> = listed
                .names("items")
                .iter()
                .flat_map(|name| match table.column(name) {
                    Some(column) => column.writes.iter().map(|it| it.column.clone()).collect(),
                    None => vec![name.clone()],
                })
                .collect();
            let mut found = other.field("arg").map(|arg| arg.names("items")).unwrap_or_default();
            expected.sort();
            found.sort();
            if expected != found {
                return self.fail("an option lists other columns", one, other);
            }
        }
        Ok(())
    }

    /// WHERE of a COPY FROM sees the table alone.
    fn condition(&mut self, client: &Tree, output: &Tree) -> Check {
        self.levels.push(Level::default());
        self.target(client, output)?;
        self.field(client, output, "where_clause")?;
        self.levels.pop();
        Ok(())
    }

    /// The table that a COPY names, if a migration does too.
    pub(super) fn copied_table(&self, client: &Tree) -> Option<&'s Governed> {
        let range = client.field("relation")?;
        let schema = match range.text("schemaname") {
            "" => "public",
            schema => schema,
        };
        let shape = self.shape;
        shape.governed.iter().find(|table| {
            table.relation.schema == schema && table.relation.name == range.text("relname")
        })
    }

    pub(super) fn copied(
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
        // A COPY of a table leaves its children out.
        let same_table = match (query.list("from_clause"), client.field("relation")) {
            ([item], Some(range)) => {
                item.is("RangeVar")
                    && item.field("inh").is_none()
                    && item.field("alias").is_none()
                    && item.text("relname") == range.text("relname")
                    && item.text("schemaname") == range.text("schemaname")
                    && item.field("relpersistence") == range.field("relpersistence")
            }
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
        if client.list("options").iter().any(is_refused) && self.handling.repeats.is_none() {
            // No row is read.
            return Ok(());
        }
        let mut written = output.names("attlist");
        if written.is_empty() {
            let exists = table.physical.iter().filter(|column| !column.generated);
            written = exists.map(|column| column.name.clone()).collect();
        }
        let repeats = self.handling.repeats.clone().unwrap_or_default();
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

/// Whether PostgreSQL parses the option, but does not take it.
fn is_refused(option: &Tree) -> bool {
    let value = option.field("arg").map(|arg| match arg.tag() {
        "String" => arg.text("sval").to_owned(),
        _ => arg.integer().map(|number| number.to_string()).unwrap_or_default(),
    });
    match (option.text("defname"), value.as_deref()) {
        ("header", Some(value)) => {
            let value = value.to_ascii_lowercase();
            !["true", "false", "on", "off", "1", "0", "match"].contains(&value.as_str())
        }
        ("format", value) => !matches!(value, Some("text" | "csv" | "binary")),
        ("delimiter" | "quote" | "escape", value) => value.is_none_or(|value| value.len() != 1),
        _ => false,
    }
}
