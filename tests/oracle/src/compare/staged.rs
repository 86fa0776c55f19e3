//! COPY FROM through a temporary table: made, filled, moved into the table with one INSERT, dropped.

use super::insert::columns_of;
use super::{Check, Walk};
use crate::shape::{Governed, Logical};
use crate::tree::{self, Tree};

/// Name of the temporary table.
const STAGING: &str = "segue_copy";

/// The client's COPY and the four statements that stand for it.
pub(super) struct Staged<'t> {
    pub(super) client: &'t Tree,
    pub(super) create: &'t Tree,
    pub(super) copy: &'t Tree,
    pub(super) insert: &'t Tree,
    pub(super) drop: &'t Tree,
}

/// Whether a statement fills the temporary table.
pub(super) fn fills_staging(statement: &Tree) -> bool {
    let relation = statement.field("relation").filter(|_| statement.is("CopyStmt"));
    relation.is_some_and(|relation| relation.text("relname") == STAGING)
}

impl<'s> Walk<'s> {
    pub(super) fn staged(&mut self, parts: &Staged<'_>) -> Check {
        let Some(table) = self.copied_table(parts.client) else {
            return self.fail("no table of the migration", parts.client, parts.copy);
        };
        let copied = self.copied(parts.client, table)?;
        let staging = self.staging_columns(parts, table, &copied)?;
        self.filled(parts, &copied)?;
        match table.joint {
            Some(_) => self.moved_on(parts, table, &staging)?,
            None => self.moved(parts, table, &staging)?,
        }
        let drop = tree::parse(&format!("DROP TABLE pg_temp.{STAGING}")).unwrap_or_default();
        self.equal("not dropped", drop.first(), Some(parts.drop))
    }

    /// The temporary table's columns: the copied ones, then others that have a default.
    fn staging_columns(
        &self,
        parts: &Staged<'_>,
        table: &'s Governed,
        copied: &[&'s Logical],
    ) -> Result<Vec<&'s Logical>, Box<super::Difference>> {
        let elements = parts.create.list("table_elts");
        let found: Option<Vec<&Logical>> =
            elements.iter().map(|element| table.column(element.text("colname"))).collect();
        let columns = found.unwrap_or_default();
        let first = columns.iter().zip(copied).filter(|(one, other)| one.name == other.name);
        if columns.len() < copied.len() || first.count() != copied.len() {
            self.fail("another temporary table", parts.client, parts.create)?;
        }
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let repeated = names.iter().enumerate().any(|(at, name)| names[..at].contains(name));
        if repeated {
            self.fail("a column twice", parts.client, parts.create)?;
        }
        // The word that stands for a default in the data needs one.
        let options = parts.client.list("options");
        let worded = options.iter().any(|option| option.text("defname") == "default");
        let mut written = Vec::new();
        for (at, (column, element)) in columns.iter().zip(elements).enumerate() {
            let name = column.name.replace('"', "\"\"");
            let default = !element.list("constraints").is_empty();
            let text = match (&column.default_text, default) {
                (Some(default), true) => {
                    format!("\"{name}\" {} DEFAULT {default}", column.type_name)
                }
                (default, _) if at < copied.len() && (default.is_none() || !worded) => {
                    format!("\"{name}\" {}", column.type_name)
                }
                _ => return self.fail("no default", parts.client, element).map(|()| Vec::new()),
            };
            written.push(text);
        }
        let expected =
            format!("CREATE TEMP TABLE pg_temp.{STAGING} ({}) ON COMMIT DROP", written.join(", "));
        let expected = tree::parse(&expected).unwrap_or_default();
        self.equal("another temporary table", expected.first(), Some(parts.create))?;
        Ok(columns)
    }

    /// The COPY itself: the same but for the table, whose name may qualify columns.
    fn filled(&self, parts: &Staged<'_>, copied: &[&Logical]) -> Check {
        let names: Vec<&str> = copied.iter().map(|column| column.name.as_str()).collect();
        if parts.copy.names("attlist") != names {
            return self.fail("other columns are copied", parts.client, parts.copy);
        }
        let staging = range_of("pg_temp", STAGING);
        self.equal("another table is filled", staging.as_ref(), parts.copy.field("relation"))?;
        let (before, after) =
            (parts.client.field("where_clause"), parts.copy.field("where_clause"));
        let range = parts.client.field("relation");
        let own = range.map_or("", |range| range.text("relname"));
        let before = before.map(|it| unqualified(it, own));
        let after = after.map(|it| unqualified(it, STAGING));
        self.equal("another condition", before.as_ref(), after.as_ref())?;
        for field in ["is_from", "is_program", "filename", "options"] {
            self.equal("another COPY", parts.client.field(field), parts.copy.field(field))?;
        }
        Ok(())
    }

    /// An INSERT of a client's, with all that stands for it.
    fn moved_on(&mut self, parts: &Staged<'_>, table: &Governed, staging: &[&Logical]) -> Check {
        let names: Vec<String> =
            staging.iter().map(|column| crate::tables::quoted(&column.name)).collect();
        let (names, relation) = (names.join(", "), &table.relation);
        let text = format!(
            "INSERT INTO {}.{} ({names}) SELECT {names} FROM pg_temp.{STAGING}",
            crate::tables::quoted(&relation.schema),
            crate::tables::quoted(&relation.name)
        );
        let client = tree::parse(&text).unwrap_or_default();
        match client.first() {
            Some(client) => self.statement(client, parts.insert),
            None => self.fail("no INSERT", parts.client, parts.insert),
        }
    }

    /// The INSERT: every column of the temporary table to everything that must be written.
    fn moved(&self, parts: &Staged<'_>, table: &'s Governed, staging: &[&Logical]) -> Check {
        let insert = parts.insert;
        let relation = &table.relation;
        let target = range_of(&relation.schema, &relation.name);
        self.equal("moved to another table", target.as_ref(), insert.field("relation"))?;
        // Not said, or OVERRIDING SYSTEM VALUE, in pg_query's numbering: COPY writes identities.
        if ![1, 3].contains(&insert.number("override")) {
            return self.fail("another INSERT", parts.client, insert);
        }
        let mut fields = insert.field_names();
        fields.retain(|field| *field != "override");
        let select = insert.field("select_stmt");
        let plain = select.is_some_and(|it| super::is_plain(it, &["from_clause", "target_list"]));
        if !plain || fields != ["cols", "relation", "select_stmt"] {
            return self.fail("another INSERT", parts.client, insert);
        }
        let source = match select.map(|it| it.list("from_clause")) {
            Some([source]) => Some(source),
            Some(_) | None => None,
        };
        self.equal("moved from another table", source, parts.copy.field("relation"))?;
        let columns = columns_of(table, &[], insert.list("cols"));
        let names = staging.iter().map(|column| column.name.clone()).collect();
        let target = super::insert::Target { columns: names, listed: true, ..columns };
        if let Err(why) = target.complete(staging.len(), &target.physical) {
            return self.fail(&why, parts.client, insert);
        }
        let targets = select.map(|it| it.list("target_list")).unwrap_or_default();
        if targets.len() != target.physical.len() {
            return self.fail("another number of columns", parts.client, insert);
        }
        for (physical, written) in target.physical.iter().zip(targets) {
            let cell = staging.iter().find_map(|column| {
                let write = column.write(physical)?;
                let value = crate::conversion::column_reference(&column.name).ok()?;
                Some(tree::with_parameters(&write.formula, &value))
            });
            if cell.is_none() || cell.as_ref() != written.field("val") {
                return self.fail("another value is moved", physical, written);
            }
        }
        Ok(())
    }
}

/// A table in FROM, without an alias.
fn range_of(schema: &str, name: &str) -> Option<Tree> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let select = tree::parse(&format!("SELECT FROM {}.{}", quoted(schema), quoted(name))).ok()?;
    select.first()?.list("from_clause").first().cloned()
}

/// An expression with every column of a table by its own name alone.
fn unqualified(expression: &Tree, table: &str) -> Tree {
    match expression {
        node if node.is("ColumnRef") => match node.list("fields") {
            [.., qualifier, column] if qualifier.text("sval") == table => {
                node.with_list("fields", vec![column.clone()])
            }
            _ => node.clone(),
        },
        Tree::Node(tag, fields) => {
            let fields = fields.iter().map(|(name, it)| (name.clone(), unqualified(it, table)));
            Tree::Node(tag.clone(), fields.collect())
        }
        Tree::List(items) => Tree::List(items.iter().map(|it| unqualified(it, table)).collect()),
        Tree::Leaf(leaf) => Tree::Leaf(leaf.clone()),
    }
}
