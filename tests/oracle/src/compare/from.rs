//! FROM: both texts' relations in step, each with its columns in either text.

use rewrite_rules::catalog::RelationName;

use super::{Check, Walk};
use crate::scope::{Columns, Item, Level, Source, View};
use crate::tree::Tree;

/// Functions that give one column named like the alias, if each stands alone.
const ONE_COLUMN: [&str; 6] = [
    "generate_series",
    "unnest",
    "regexp_split_to_table",
    "string_to_table",
    "generate_subscripts",
    "jsonb_object_keys",
];

/// What a table's name means.
enum Found {
    Governed(usize),
    Known(RelationName, Vec<String>),
    Unknown,
}

impl<'s> Walk<'s> {
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// All items of a FROM clause, into the innermost level.
    pub(super) fn relations(&mut self, client: &[Tree], output: &[Tree]) -> Check {
        if client.len() != output.len() {
            return self.fail("another number of relations", client, output);
        }
        for (index, (before, after)) in client.iter().zip(output).enumerate() {
            self.path.push(format!("from[{index}]"));
            let mut item = None;
            self.relation(before, after, &mut item)?;
            self.level().items.extend(item);
            self.path.pop();
        }
        Ok(())
    }

    fn relation(&mut self, client: &Tree, output: &Tree, item: &mut Option<Item>) -> Check {
        match client.tag() {
            "RangeVar" => self.table(client, output, true, item),
            "RangeSubselect" if output.is("RangeSubselect") => self.derived(client, output, item),
            "JoinExpr" if output.is("JoinExpr") => self.join(client, output, item),
            "RangeTableSample" if output.is("RangeTableSample") => {
                let (before, after) = (client.field("relation"), output.field("relation"));
                if let (Some(before), Some(after)) = (before, after) {
                    self.relation(before, after, item)?;
                }
                self.fields(client, output, &["relation"])
            }
            _ => {
                self.same(client, output)?;
                let (name, columns) = function_columns(client);
                self.add(
                    Source {
                        name,
                        schema: [None, None],
                        columns: [columns.clone(), columns],
                        governed: None,
                        derived: false,
                        renamed: false,
                        may_be_missing: false,
                    },
                    item,
                );
                Ok(())
            }
        }
    }

    fn add(&mut self, source: Source, item: &mut Option<Item>) {
        let level = self.level();
        level.sources.push(source);
        *item = Some(Item::Source(level.sources.len() - 1));
    }

    /// The statement's own table: no CTE, and nothing else, can stand for it.
    pub(super) fn target(
        &mut self,
        client: &Tree,
        output: &Tree,
    ) -> Result<Option<usize>, Box<super::Difference>> {
        let ctes = std::mem::take(&mut self.ctes);
        let forms = self.forms.clone();
        let mut item = None;
        let result = match (client.field("relation"), output.field("relation")) {
            (Some(before), Some(after)) if client.is("InsertStmt") && before == after => {
                self.table(before, after, false, &mut item)
            }
            (Some(before), Some(after)) if after.is("RangeVar") || after.is("RangeSubselect") => {
                let may_change = self.of(Some(before)).is_some();
                self.table(before, after, may_change, &mut item)
            }
            (before, after) => self.fail("another target", &before, &after),
        };
        self.ctes = ctes;
        self.forms = forms;
        result?;
        self.level().items.extend(item);
        Ok(self.level().sources.last().and_then(|source| source.governed))
    }

    fn lookup(&self, range: &Tree) -> Found {
        let schema = match range.text("schemaname") {
            "" => "public",
            schema => schema,
        };
        let name = RelationName::new(schema, range.text("relname"));
        let governed = self.shape.governed.iter().position(|table| table.relation == name);
        match (governed, self.shape.catalog.relation(&name)) {
            (Some(index), _) => Found::Governed(index),
            (None, Some(known)) => {
                let columns = known.columns.iter().map(|column| column.name.clone()).collect();
                Found::Known(name, columns)
            }
            (None, None) => Found::Unknown,
        }
    }

    /// The table of the migration that a name means where no CTE can be meant.
    pub(super) fn governed_by(&self, range: &Tree) -> Option<&'s crate::shape::Governed> {
        let shape = self.shape;
        match self.lookup(range) {
            Found::Governed(index) => shape.governed.get(index),
            Found::Known(..) | Found::Unknown => None,
        }
    }

    fn table(
        &mut self,
        client: &Tree,
        output: &Tree,
        may_change: bool,
        item: &mut Option<Item>,
    ) -> Check {
        let alias = client.field("alias");
        let name = alias.map_or(client.text("relname"), |alias| alias.text("aliasname")).to_owned();
        let mut source = Source {
            name,
            schema: [None, None],
            columns: [None, None],
            governed: None,
            derived: false,
            renamed: false,
            may_be_missing: false,
        };
        let cte = client
            .text("schemaname")
            .is_empty()
            .then(|| self.ctes.iter().rev().find(|cte| cte.name == client.text("relname")))
            .flatten();
        let mut renamed = alias.map(|alias| alias.names("colnames")).unwrap_or_default();
        if let Some(cte) = cte {
            source.columns = cte.columns.clone();
            self.equal("another table", Some(client), Some(output))?;
        } else {
            match self.lookup(client) {
                Found::Unknown => self.equal("another table", Some(client), Some(output))?,
                Found::Known(found, columns) => {
                    source.columns = [Some(columns.clone()), Some(columns)];
                    let schema = alias.is_none().then_some(found.schema);
                    source.schema = [schema.clone(), schema];
                    self.equal("another table", Some(client), Some(output))?;
                }
                Found::Governed(index) => {
                    source.governed = Some(index);
                    self.governed(client, output, may_change, &mut source)?;
                    source.renamed = !renamed.is_empty();
                    if output.is("RangeVar") && output.field("alias") != alias {
                        // The list of aliases gave the columns their names already.
                        renamed = Vec::new();
                    }
                }
            }
        }
        source.columns = source.columns.map(|columns| rename(columns, &renamed));
        source.renamed |= !renamed.is_empty();
        self.add(source, item);
        Ok(())
    }

    /// A table of the migration: as it is, as a derived table, or under a list of aliases.
    fn governed(
        &mut self,
        client: &Tree,
        output: &Tree,
        may_change: bool,
        source: &mut Source,
    ) -> Check {
        let shape = self.shape;
        let Some(mut table) = source.governed.and_then(|index| shape.governed.get(index)) else {
            return Ok(());
        };
        if let (false, Some(twin)) = (may_change, table.twin) {
            source.governed = Some(twin);
            table = shape.governed.get(twin).unwrap_or(table);
        }
        if may_change && let Some(found) = self.placed(client, output, table, source) {
            return found;
        }
        self.in_itself(table, &source.name);
        let shown: Vec<String> = table.shown().map(|column| column.name.clone()).collect();
        let physical: Vec<String> =
            table.physical.iter().map(|column| column.name.clone()).collect();
        let schema = client.field("alias").is_none().then(|| table.relation.schema.clone());
        if may_change && output.is("RangeSubselect") {
            source.schema = [schema, None];
            source.columns = [Some(shown.clone()), Some(shown)];
            source.derived = true;
            return self.old_shape(client, output, table);
        }
        source.schema = [schema.clone(), schema];
        if may_change && client != output {
            return self.alias_list(client, output, source, (shown, physical));
        }
        self.equal("another table", Some(client), Some(output))?;
        let renamed = client.field("alias").is_some_and(|it| !it.list("colnames").is_empty());
        let as_named =
            |column: &crate::shape::Logical| column.read_column().as_ref() == Some(&column.name);
        if renamed && !(shown == physical && table.shown().all(as_named)) {
            return self.fail("an alias may name another column", client, output);
        }
        source.columns = [Some(shown), Some(physical)];
        Ok(())
    }

    /// `(SELECT a, c AS b FROM t) AS t`: the old shape's columns, and nothing else.
    fn old_shape(&mut self, client: &Tree, output: &Tree, table: &crate::shape::Governed) -> Check {
        let (Some(query), Some(alias)) = (output.field("subquery"), output.field("alias")) else {
            return self.fail("a derived table without a query or a name", client, output);
        };
        let kept = match client.field("alias") {
            Some(before) => before == alias,
            None => {
                alias.text("aliasname") == client.text("relname")
                    && alias.list("colnames").is_empty()
            }
        };
        let plain = super::is_plain(query, &["from_clause", "target_list"])
            && output.field_names() == ["alias", "subquery"];
        let [inner] = query.list("from_clause") else {
            return self.fail("a derived table of more than one", client, output);
        };
        let same_table = inner.is("RangeVar")
            && inner.field("alias").is_none()
            && ["catalogname", "schemaname", "relname", "inh", "relpersistence"]
                .iter()
                .all(|field| inner.field(field) == client.field(field));
        let columns: Vec<_> = table.shown().collect();
        let targets = query.list("target_list");
        let spelled = columns.len() == targets.len()
            && columns.iter().zip(targets).all(|(column, target)| {
                target.field("val") == Some(&column.read)
                    && crate::label::label(target).as_deref() == Some(&column.name)
            });
        if kept && plain && same_table && spelled {
            Ok(())
        } else {
            self.fail("a derived table that is not the old shape", client, output)
        }
    }

    /// `t AS t(a, hidden, b)`: every physical column has its logical name, or an unused one.
    fn alias_list(
        &mut self,
        client: &Tree,
        output: &Tree,
        source: &mut Source,
        (shown, physical): (Vec<String>, Vec<String>),
    ) -> Check {
        let shape = self.shape;
        let table = source.governed.and_then(|index| shape.governed.get(index));
        let (Some(table), Some(alias)) = (table, output.field("alias")) else {
            return self.fail("another table", client, output);
        };
        let before = client.field("alias");
        let names = alias.names("colnames");
        let same_table = ["catalogname", "schemaname", "relname", "inh", "relpersistence"]
            .iter()
            .all(|field| output.field(field) == client.field(field));
        let own = before.map(|before| before.names("colnames")).unwrap_or_default();
        let shown = rename(Some(shown), &own).unwrap_or_default();
        let kept = alias.text("aliasname") == source.name;
        let named = names.len() == physical.len()
            && names.iter().zip(&physical).all(|(name, physical)| {
                let read = |column: &crate::shape::Logical| {
                    column.read_column().as_ref() == Some(physical)
                };
                match table.shown().position(read) {
                    Some(at) => shown.get(at) == Some(name),
                    None => table.column(name).is_none() && !shown.contains(name),
                }
            });
        source.columns = [Some(shown), Some(names)];
        source.derived = true;
        if same_table && kept && named {
            Ok(())
        } else {
            self.fail("a list of aliases that is not the old shape", client, output)
        }
    }

    /// A sub-select in FROM.
    fn derived(&mut self, client: &Tree, output: &Tree, item: &mut Option<Item>) -> Check {
        let (Some(before), Some(after)) = (client.field("subquery"), output.field("subquery"))
        else {
            return self.fail("not a sub-select", client, output);
        };
        // Only LATERAL sees its neighbours.
        let lateral = client.field("lateral").is_some();
        let own = if lateral { None } else { self.levels.pop() };
        self.path.push("subquery".to_owned());
        let columns = self.query_columns(before, after)?;
        self.path.pop();
        self.levels.extend(own);
        self.fields(client, output, &["subquery"])?;
        let alias = client.field("alias");
        let names = alias.map(|alias| alias.names("colnames")).unwrap_or_default();
        self.add(
            Source {
                name: alias.map_or("", |alias| alias.text("aliasname")).to_owned(),
                schema: [None, None],
                columns: columns.map(|columns| rename(columns, &names)),
                governed: None,
                derived: false,
                renamed: false,
                may_be_missing: false,
            },
            item,
        );
        Ok(())
    }

    fn join(&mut self, client: &Tree, output: &Tree, item: &mut Option<Item>) -> Check {
        let mut sides = [None, None];
        for (side, name) in sides.iter_mut().zip(["larg", "rarg"]) {
            match (client.field(name), output.field(name)) {
                (Some(before), Some(after)) => self.relation(before, after, side)?,
                (before, after) => return self.fail("a join without a side", &before, &after),
            }
        }
        let [Some(left), Some(right)] = sides else {
            return self.fail("a join without a side", client, output);
        };
        let merged = match client.field("is_natural") {
            Some(_) => self.natural(&left, &right),
            None => Some(client.names("using_clause")),
        };
        self.join_merges(&left, &right, merged.as_ref(), client, output)?;
        let joined = Item::Join { left: Box::new(left), right: Box::new(right), merged };
        let seen = joined.sources();
        let outside = self.level().visible.replace(seen.clone());
        self.field(client, output, "quals")?;
        self.level().visible = outside;
        self.may_be_missing(client, &joined);
        self.fields(client, output, &["larg", "rarg", "quals"])?;
        match client.field("alias") {
            None => *item = Some(joined),
            Some(alias) => self.named_join(&joined, alias, item),
        }
        Ok(())
    }

    /// The columns that both sides have; `None` where one is not known.
    fn natural(&self, left: &Item, right: &Item) -> Columns {
        let left = self.item_columns(left, View::Client)?;
        let right = self.item_columns(right, View::Client)?;
        Some(left.into_iter().filter(|name| right.contains(name)).collect())
    }

    /// A merged column must be the same column by the same name in both texts, and no other may
    /// be merged.
    fn join_merges(
        &mut self,
        left: &Item,
        right: &Item,
        merged: Option<&Vec<String>>,
        client: &Tree,
        output: &Tree,
    ) -> Check {
        let natural = client.field("is_natural").is_some();
        let sources = [left.sources(), right.sources()].concat();
        let shape = self.shape;
        let level = self.level();
        let plain = sources.iter().filter_map(|at| level.sources.get(*at)).all(|source| {
            let table = source.governed.and_then(|index| shape.governed.get(index));
            let Some(table) = table.filter(|_| !source.derived) else { return true };
            let read_as_named = |name: &String| {
                let read = table.column(name).map(|column| column.read_column());
                read.is_none_or(|read| read.as_ref() == Some(name))
            };
            let shows_more = source.columns[0] != source.columns[1];
            !(natural && shows_more) && merged.into_iter().flatten().all(read_as_named)
        });
        match merged {
            Some(names) => level.merged.extend(names.iter().cloned()),
            None => level.merges_unknown = true,
        }
        if plain { Ok(()) } else { self.fail("other columns are merged", client, output) }
    }

    /// Marks the relations that an outer join may leave out of a row.
    fn may_be_missing(&mut self, client: &Tree, joined: &Item) {
        let Item::Join { left, right, .. } = joined else { return };
        // LEFT, FULL and RIGHT in pg_query's numbering.
        let missing = match client.number("jointype") {
            2 => right.sources(),
            3 => joined.sources(),
            4 => left.sources(),
            _ => Vec::new(),
        };
        let level = self.level();
        for (at, source) in level.sources.iter_mut().enumerate() {
            source.may_be_missing |= missing.contains(&at);
        }
    }

    /// `(a JOIN b …) AS alias` hides a and b.
    fn named_join(&mut self, joined: &Item, alias: &Tree, item: &mut Option<Item>) {
        let views = [View::Client, View::Output].map(|view| self.item_columns(joined, view));
        let names = alias.names("colnames");
        let first = joined.sources().into_iter().min().unwrap_or(0);
        self.level().sources.truncate(first);
        self.add(
            Source {
                name: alias.text("aliasname").to_owned(),
                schema: [None, None],
                columns: views.map(|columns| rename(columns, &names)),
                governed: None,
                derived: false,
                renamed: false,
                may_be_missing: false,
            },
            item,
        );
    }

    /// The names of an item's columns, as `*` shows them.
    pub(super) fn item_columns(&self, item: &Item, view: View) -> Columns {
        let level = self.levels.last()?;
        match item {
            Item::Source(at) => level.sources.get(*at)?.columns(view).map(<[String]>::to_vec),
            Item::Join { left, right, merged } => {
                let merged = merged.clone()?;
                let mut columns = merged.clone();
                for side in [left, right] {
                    let side = self.item_columns(side, view)?;
                    columns.extend(side.into_iter().filter(|name| !merged.contains(name)));
                }
                Some(columns)
            }
        }
    }
}

/// A list of column aliases renames the first columns.
pub(super) fn rename(columns: Columns, names: &[String]) -> Columns {
    let columns = columns?;
    let rest = columns.into_iter().skip(names.len());
    Some(names.iter().cloned().chain(rest).collect())
}

/// The alias of a function in FROM, or its name, and its columns where they are known.
fn function_columns(item: &Tree) -> (String, Columns) {
    let alias = item.field("alias");
    if item.is("RangeTableFunc") {
        let columns = item.list("columns").iter().map(|it| it.text("colname").to_owned()).collect();
        let names = alias.map(|alias| alias.names("colnames")).unwrap_or_default();
        let name = alias.map_or("xmltable", |alias| alias.text("aliasname"));
        return (name.to_owned(), rename(Some(columns), &names));
    }
    let parts: Vec<&Tree> = item.list("functions").iter().collect();
    let function = match parts.as_slice() {
        [part] => part.list("items").first().filter(|call| call.is("FuncCall")),
        _ => None,
    };
    let called = function.and_then(|call| call.names("funcname").pop()).unwrap_or_default();
    let name = alias.map_or(called.clone(), |alias| alias.text("aliasname").to_owned());
    let defined: Vec<String> =
        item.list("coldeflist").iter().map(|column| column.text("colname").to_owned()).collect();
    if !defined.is_empty() {
        return (name, Some(defined));
    }
    let one = ONE_COLUMN.contains(&called.as_str()) && item.field("ordinality").is_none();
    let names = alias.map(|alias| alias.names("colnames")).unwrap_or_default();
    let columns = one.then(|| names.first().cloned().unwrap_or_else(|| name.clone()));
    (name, columns.map(|column| vec![column]))
}
