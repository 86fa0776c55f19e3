//! What the server calls by names that a client does not expect: the names of each of its tables, and which of
//! them a text names.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::{Relation, RelationName};

/// How a client knows the tables behind one of its own: that table itself, and others that hold rows of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// One for each table that the server may speak of.
    pub tables: Vec<TableNames>,
    /// Columns of such tables whose refusal of a NULL means that a key is taken.
    pub taken: Vec<Taken>,
}

impl Names {
    /// Those of one table.
    #[must_use]
    pub fn of(table: TableNames) -> Self {
        Self { tables: vec![table], taken: Vec::new() }
    }

    /// Every constraint with the name that the client knows for it.
    pub fn constraints(&self) -> impl Iterator<Item = &(String, String)> {
        self.tables.iter().flat_map(|table| &table.constraints)
    }

    /// What a column is called, if all of the tables that have one of that name call it the same.
    #[must_use]
    pub fn column(&self, physical: &str) -> Option<&str> {
        agreed(self.tables.iter().filter_map(|table| table.column(physical)))
    }

    /// Columns that the client calls otherwise.
    fn renamed(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = self.tables.iter().flat_map(|table| &table.columns);
        let columns = columns.map(|(physical, client)| (physical.as_str(), client.as_str()));
        columns.filter(|(physical, client)| physical != client)
    }

    /// Tables that the client knows as another one.
    fn other_relations(&self) -> impl Iterator<Item = &str> {
        let others = self.tables.iter().filter(|table| !table.is_itself());
        others.map(|table| table.relation.name.as_str())
    }
}

/// Names of one of the server's tables, each with the one that the client knows for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// The table as the server has it.
    pub relation: RelationName,
    /// The one that the client knows it as.
    pub client: RelationName,
    /// Columns, also those that are called alike.
    pub columns: Vec<(String, String)>,
    /// Constraints and indexes, as far as a migration declares them.
    pub constraints: Vec<(String, String)>,
    /// That of the key, which corresponds to the client's own without being declared.
    pub key: Option<(String, String)>,
}

impl TableNames {
    /// A table that the client knows as it is.
    #[must_use]
    pub fn itself(relation: &RelationName, table: &Relation) -> Self {
        Self::renamed(relation, table, Vec::new())
    }

    /// The same, but for these columns.
    pub(crate) fn renamed(
        relation: &RelationName,
        table: &Relation,
        mut columns: Vec<(String, String)>,
    ) -> Self {
        for column in &table.columns {
            if !columns.iter().any(|(physical, _)| *physical == column.name) {
                columns.push((column.name.clone(), column.name.clone()));
            }
        }
        let (relation, client) = (relation.clone(), relation.clone());
        Self { relation, client, columns, constraints: Vec::new(), key: None }
    }

    /// Whether it is the client's own table.
    #[must_use]
    pub fn is_itself(&self) -> bool {
        self.relation == self.client
    }

    /// What a column is called.
    #[must_use]
    pub fn column(&self, physical: &str) -> Option<&str> {
        client_name(&self.columns, physical)
    }

    /// What a constraint or an index is called, if that is declared or the key's.
    #[must_use]
    pub fn constraint(&self, physical: &str) -> Option<&str> {
        let key = self.key.as_ref().filter(|(its, _)| its == physical);
        client_name(&self.constraints, physical).or(key.map(|(_, client)| client.as_str()))
    }
}

fn client_name<'p>(pairs: &'p [(String, String)], wanted: &str) -> Option<&'p str> {
    pairs.iter().find(|(physical, _)| physical == wanted).map(|(_, client)| client.as_str())
}

/// The one that all of them are.
pub fn agreed<'n>(mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let first = names.next()?;
    names.all(|name| name == first).then_some(first)
}

/// A column that is set to NULL, which it refuses, where a row is there that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Name of its table.
    pub relation: String,
    /// Its name.
    pub column: String,
    /// The constraint that the client's own table has on its key.
    pub constraint: String,
    /// Schema of the client's own table.
    pub client_schema: String,
    /// Its name.
    pub client_relation: String,
    /// Columns of the key as the client knows them, where the table begins with it: a failing row is shown
    /// from its first column on.
    pub key: Vec<String>,
}

/// What tells which table a report about a text speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mentions {
    /// The relations that its statements name, those first that are written.
    pub relations: Vec<Mention>,
    /// Words of it that are names which differ, the server's or the client's, with what qualifies them: `u.handle`.
    pub words: Vec<String>,
}

/// A relation that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Which of its statements does, counted from 0.
    pub statement: usize,
    /// What its columns are qualified by, if they are called there as the server has them.
    pub qualifier: Option<String>,
    /// Whether the statement writes it.
    pub is_written: bool,
    /// What the server may call it.
    pub names: Arc<Names>,
}

/// A relation that no migration governs, beside one that it does.
#[derive(Debug)]
pub(crate) struct Bystander {
    pub(crate) statement: usize,
    pub(crate) qualifier: String,
    pub(crate) is_written: bool,
    pub(crate) relation: RelationName,
    pub(crate) columns: Vec<String>,
}

impl Mentions {
    /// Adds relations as they are; of their columns only those matter that have a name of another one's.
    pub(crate) fn add_bystanders(&mut self, bystanders: Vec<Bystander>) {
        let named: Vec<Arc<Names>> =
            self.relations.iter().map(|it| Arc::clone(&it.names)).collect();
        let renamed = named.iter().flat_map(|names| names.renamed());
        let unexpected: BTreeSet<&str> = renamed.map(|(physical, _)| physical).collect();
        for Bystander { statement, qualifier, is_written, relation, columns } in bystanders {
            let same = columns.into_iter().filter(|name| unexpected.contains(name.as_str()));
            let columns: Vec<(String, String)> = same.map(|name| (name.clone(), name)).collect();
            if columns.is_empty() && !is_written {
                continue;
            }
            let client = relation.clone();
            let constraints = Vec::new();
            let table = TableNames { relation, client, columns, constraints, key: None };
            let names = Arc::new(Names::of(table));
            self.relations.push(Mention {
                statement,
                qualifier: Some(qualifier),
                is_written,
                names,
            });
        }
        self.relations.sort_by_key(|mention| !mention.is_written);
    }

    /// Keeps the words that are names which differ, the server's or the client's: each with its qualifier.
    pub(crate) fn add_words(&mut self, words: impl Iterator<Item = (Option<String>, String)>) {
        let all = || self.relations.iter().map(|mention| &mention.names);
        let columns = all().flat_map(|names| names.renamed());
        let columns = columns.flat_map(|(physical, client)| [physical, client]);
        let relations = all().flat_map(|names| names.other_relations());
        let names: BTreeSet<&str> = columns.chain(relations).collect();
        let kept = words.filter(|(_, word)| names.contains(word.as_str()));
        let written = kept.map(|(qualifier, word)| match qualifier {
            Some(qualifier) => format!("{qualifier}.{word}"),
            None => word,
        });
        let written: BTreeSet<String> = written.collect();
        self.words = written.into_iter().collect();
    }
}
