//! Which table a report speaks of, and what a name in it is to the client.
//!
//! Two tables may have columns of one name, and only one of them may be called otherwise. So a name is looked for in
//! the table that the report's fields or its words tell; where they do not, all tables that the statement names
//! must agree on it, or those at least whose name for it the client has written.

use std::ops::RangeInclusive;

use rewrite_rules::catalog::RelationName;
use rewrite_rules::lens::Lens;
use rewrite_rules::naming::{Mention, TableNames, Taken, agreed};
use rewrite_rules::{Outcome, Rewritten};

use crate::wire::reply;

/// How a report begins whose table refers to the one that it is about.
const REFERENCED: &str = "update or delete on table \"";

/// What the names in one report may stand for.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    /// The relations that the statement names, those first that it writes.
    relations: Vec<&'a Mention>,
    /// What the client's text says itself.
    words: &'a [String],
    /// The tables under migration, as clients of the shape know them.
    lenses: &'a [Lens],
    about: About<'a>,
    /// The table to whose rows that one refers, where the key in the detail is its.
    referenced: Option<&'a str>,
}

/// Whose names the report's fields are.
#[derive(Debug, Clone, Copy, Default)]
enum About<'a> {
    /// They do not say.
    #[default]
    Unknown,
    /// Those of a type: no table's.
    Type,
    /// Those of this table; `None`: one that the client knows as it is.
    Table(Option<&'a TableNames>),
}

/// Whose a name is, as far as the words around it tell.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner<'t> {
    /// This table's, as the server calls it.
    Table(&'t str),
    /// Of what goes by that name in the statement.
    Qualifier(&'t str),
    /// The table's that is written.
    Target,
    /// They do not tell.
    Untold,
}

impl<'a> Scope<'a> {
    /// Of a report with these fields on one of the `statements` of a text that became `outcome`.
    pub(super) fn new(
        lenses: &'a [Lens],
        outcome: &'a Outcome,
        statements: &RangeInclusive<usize>,
        fields: &[(u8, &'a [u8])],
    ) -> Self {
        let mut scope = Self { lenses, ..Self::default() };
        if let Outcome::Rewritten(Rewritten { mentions, .. }) = outcome {
            let its = |mention: &&Mention| statements.contains(&mention.statement);
            scope.relations = mentions.relations.iter().filter(its).collect();
            scope.words = &mentions.words;
        }
        let text = |code| std::str::from_utf8(reply::field(fields, code)?).ok();
        let message = text(b'M').filter(|_| text(b'C') == Some("23503"));
        let behind = message.and_then(|message| message.strip_prefix(REFERENCED));
        scope.referenced = behind.and_then(|it| it.split_once("\" violates")).map(|it| it.0);
        scope.about = match (text(b's'), text(b't'), text(b'd')) {
            (Some(schema), Some(table), _) => {
                let knows = |names: &TableNames| {
                    let has = |code, find: &dyn Fn(&str) -> bool| text(code).is_none_or(find);
                    has(b'c', &|column| names.column(column).is_some())
                        && has(b'n', &|constraint| names.constraint(constraint).is_some())
                };
                About::Table(scope.table(Some(schema), table, knows))
            }
            (_, None, Some(_)) => About::Type,
            _ => About::Unknown,
        };
        scope
    }

    /// The same where the statement `checks` what was put off, and names no table. Who knows the constraint as another
    /// table's knows that one.
    pub(super) fn of_check(mut self, checks: bool, fields: &[(u8, &'a [u8])]) -> Self {
        let text = |code| std::str::from_utf8(reply::field(fields, code)?).ok();
        let told = (text(b's'), text(b't'), text(b'n'));
        if let (true, About::Table(None), (Some(schema), Some(table), Some(constraint))) =
            (checks, self.about, told)
        {
            let relation = RelationName::new(schema, table);
            let is_own = |lens: &&Lens| lens.relation == relation;
            let all = self.lenses.iter().flat_map(|lens| &lens.names.tables);
            let is_it =
                |it: &&TableNames| it.relation == relation && it.constraint(constraint).is_some();
            let mut known = all.filter(is_it);
            let first = known.next().filter(|_| !self.lenses.iter().any(|lens| is_own(&lens)));
            // Of several it might be anybody's.
            self.about = About::Table(first.filter(|it| known.all(|its| its.client == it.client)));
        }
        self
    }

    /// A table of the server's, by what the statement names or else by the migrations. Of several that it may be
    /// to the client, one that `knows`.
    fn table(
        &self,
        schema: Option<&str>,
        name: &str,
        knows: impl Fn(&TableNames) -> bool,
    ) -> Option<&'a TableNames> {
        let is_it = |table: &TableNames| {
            let relation = &table.relation;
            relation.name == name && schema.is_none_or(|schema| relation.schema == schema)
        };
        let said = self.says(name);
        let named = || {
            let tables = self.relations.iter().flat_map(|mention| {
                // Which the client names is itself, unless another one is written by way of it.
                let is_meant =
                    move |it: &&TableNames| it.is_itself() || mention.is_written || !said;
                mention.names.tables.iter().filter(is_meant)
            });
            tables.filter(|table| is_it(table))
        };
        if let Some(found) = named().find(|table| knows(table)).or_else(|| named().next()) {
            return Some(found);
        }
        let own = |lens: &'a Lens| lens.names.tables.iter().find(|it| it.relation == lens.relation);
        let mut governed = self.lenses.iter().filter_map(own).filter(|table| is_it(table));
        // Without its schema it may be either of two.
        governed.next().filter(|_| governed.next().is_none())
    }

    fn says(&self, word: &str) -> bool {
        self.words.iter().any(|said| said == word)
    }

    /// Every table that the statement may speak of.
    fn tables(&self) -> impl Iterator<Item = &'a TableNames> {
        self.relations.iter().flat_map(|mention| &mention.names.tables)
    }

    /// The table that the fields name: its schema and its name.
    pub(super) fn itself(&self) -> Option<(&'a str, &'a str)> {
        match self.about {
            About::Table(table) => {
                table.map(|it| (it.client.schema.as_str(), it.client.name.as_str()))
            }
            About::Type | About::Unknown => None,
        }
    }

    /// Whose the columns are that a detail tells the values of.
    pub(super) fn key_owner(&self) -> Owner<'a> {
        self.referenced.map_or(Owner::Untold, Owner::Table)
    }

    /// What a table is called.
    pub(super) fn relation(&self, name: &str) -> Option<&'a str> {
        self.owner_named(name, |_| true).map(|table| table.client.name.as_str())
    }

    /// The table of that name, first of all the one that the fields name.
    fn owner_named(
        &self,
        name: &str,
        knows: impl Fn(&TableNames) -> bool,
    ) -> Option<&'a TableNames> {
        match self.about {
            About::Table(Some(table)) if table.relation.name == name => Some(table),
            About::Table(_) | About::Type | About::Unknown => self.table(None, name, knows),
        }
    }

    /// What a column is called.
    pub(super) fn column(&self, owner: Owner<'_>, name: &str) -> Option<&'a str> {
        let unsaid = |found: &&str| !self.says(name) || *found == name;
        match (owner, self.about) {
            (Owner::Table(table), about) => {
                let table = self.owner_named(table, |it| it.column(name).is_some())?;
                let is_sure = matches!(about, About::Table(_));
                table.column(name).filter(|found| is_sure || unsaid(found))
            }
            (Owner::Qualifier(qualifier), _) => self.qualified(qualifier, name),
            (Owner::Target | Owner::Untold, About::Table(table)) => table?.column(name),
            (Owner::Target | Owner::Untold, About::Type) => None,
            (Owner::Target, About::Unknown) if self.relations.iter().any(|it| it.is_written) => {
                let written = self.relations.iter().filter(|it| it.is_written);
                let tables = written.flat_map(|it| &it.names.tables);
                agreed(tables.filter_map(|table| table.column(name))).filter(unsaid)
            }
            (Owner::Target | Owner::Untold, About::Unknown) => self.untold(name).filter(unsaid),
        }
    }

    /// What a column is called of which nothing tells whose it is. Its name came to stand where the client has
    /// written another one.
    fn untold(&self, name: &str) -> Option<&'a str> {
        let all = || self.tables().filter_map(|table| table.column(name));
        agreed(all()).or_else(|| agreed(all().filter(|client| self.says(client))))
    }

    /// What the column of something is called that the statement gives a name.
    fn qualified(&self, qualifier: &str, name: &str) -> Option<&'a str> {
        let of_it = |mention: &&&Mention| mention.qualifier.as_deref() == Some(qualifier);
        let tables = self.relations.iter().filter(of_it).flat_map(|it| &it.names.tables);
        let found = agreed(tables.filter_map(|table| table.column(name)))?;
        // The bare word is another table's column, where one has it.
        let is_bare = || self.says(name) && !self.tables().any(|it| it.column(name) == Some(name));
        let is_said = self.says(&format!("{qualifier}.{name}")) || is_bare();
        Some(found).filter(|_| !is_said)
    }

    /// What a constraint or an index is called.
    pub(super) fn constraint(&self, owner: Owner<'_>, name: &str) -> Option<&'a str> {
        match (owner, self.about) {
            (Owner::Table(table), _) => {
                self.owner_named(table, |it| it.constraint(name).is_some())?.constraint(name)
            }
            (_, About::Table(table)) => table?.constraint(name),
            (_, About::Type) => None,
            (_, About::Unknown) => agreed(self.tables().filter_map(|it| it.constraint(name))),
        }
    }

    /// How reports tell that a key is taken: of what is written, since a client of the new table may read an old one.
    pub(super) fn taken(&self) -> impl Iterator<Item = &'a Taken> {
        let written = self.relations.iter().filter(|mention| mention.is_written);
        written.flat_map(|mention| &mention.names.taken)
    }
}
