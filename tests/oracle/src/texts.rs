//! Every statement that the project's tests know: the golden books, the corpus and the coverage
//! corpus.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rewrite_rules::catalog::Catalog;
use rewrite_rules::shape::Shape as Speaks;
use rewrite_rules::{CopyIn, Generation, Outcome, Phase, Rewritten, Rule, SearchPath, SessionView};

use crate::compare::Handling;
use crate::golden;
use crate::schemas::{self, Schema};
use crate::shape::Shape;
use crate::{stage, tree};

/// One statement and the database that it is sent to.
#[derive(Debug, Clone)]
pub struct Text {
    /// File and line.
    pub place: String,
    /// What the client sends.
    pub sql: String,
    /// Which shape the client speaks.
    pub speaks: Speaks,
    /// Which of [`Texts::databases`].
    pub database: usize,
}

/// A database and its migrations, in each phase.
#[derive(Debug)]
pub struct Database {
    /// One for each phase of its migrations; `None` where the phase cannot be entered.
    pub phases: Vec<Option<Stage>>,
}

/// A database in one phase.
#[derive(Debug)]
pub struct Stage {
    /// The phase.
    pub phase: Phase,
    /// The rules in this phase.
    pub rules: Vec<Rule>,
    /// What exists.
    pub catalog: Arc<Catalog>,
    /// The compiled rules.
    pub generation: Generation,
    /// What they mean to a client of the old shape, and of the new one.
    shapes: (OnceShape, OnceShape),
}

/// It takes long to work out, so it is done once.
type OnceShape = OnceLock<Result<Shape, String>>;

/// All statements.
#[derive(Debug, Default)]
pub struct Texts {
    /// The statements.
    pub texts: Vec<Text>,
    /// Their databases.
    pub databases: Vec<Database>,
}

impl Stage {
    fn new(phase: Phase, rules: Vec<Rule>, schema: &str) -> Result<Option<Self>, String> {
        let catalog = Arc::new(golden::schema::catalog_of(schema)?);
        let generation = rewrite_rules::compile(1, &rules, Arc::clone(&catalog)).ok();
        Ok(generation.map(|generation| Self {
            phase,
            rules,
            catalog,
            generation,
            shapes: (OnceLock::new(), OnceLock::new()),
        }))
    }
}

/// What PostgreSQL receives.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The text.
    pub sql: String,
    /// What is done besides.
    pub handling: Handling,
}

/// What the proxy does besides sending a rewritten text.
#[must_use]
pub fn handling(rewritten: &Rewritten) -> Handling {
    let repeats = rewritten.replies.iter().find_map(|reply| match &reply.copy_in {
        Some(CopyIn::Extended(rows)) => Some(rows.repeat.clone()),
        Some(CopyIn::Verbatim) | None => None,
    });
    Handling { repeats, injected: rewritten.replies.iter().map(|reply| reply.injected).collect() }
}

impl Stage {
    /// What PostgreSQL receives for a client's text; nothing if it is refused, or forwarded
    /// because it cannot be read.
    #[must_use]
    pub fn send(&self, client: &str, speaks: Speaks) -> Option<Sent> {
        match self.rewrite(client, speaks) {
            Outcome::Forward => {
                Some(Sent { sql: client.to_owned(), handling: Handling::default() })
            }
            Outcome::ForwardOpaque | Outcome::Refused(_) => None,
            Outcome::Rewritten(rewritten) => {
                let handling = handling(&rewritten);
                Some(Sent { sql: rewritten.sql, handling })
            }
        }
    }

    /// What becomes of a client's text.
    #[must_use]
    pub fn rewrite(&self, client: &str, speaks: Speaks) -> Outcome {
        let path = SearchPath::default();
        let session = SessionView { shape: speaks, ..SessionView::usual(&path) };
        self.generation.rewrite(client, session)
    }

    /// What the migrations mean here.
    ///
    /// # Errors
    /// A rule on a table or column that is not there.
    pub fn shape(&self, speaks: Speaks) -> Result<&Shape, String> {
        let shape = match speaks {
            Speaks::Old => &self.shapes.0,
            Speaks::New => &self.shapes.1,
        };
        let made = shape.get_or_init(|| Shape::new(&self.rules, &self.catalog, speaks));
        made.as_ref().map_err(Clone::clone)
    }
}

impl Text {
    /// Whether it is about tables that are split or merged.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        ["split", "merge/", "merge_tables"].iter().any(|it| self.place.starts_with(it))
    }
}

impl Texts {
    /// Reads the books and all corpora.
    ///
    /// # Errors
    /// A file that cannot be read, a schema that the catalog's reader does not know.
    pub fn read() -> Result<Self, String> {
        let mut texts = Self::default();
        texts.read_books()?;
        for schema in [&schemas::COLUMNS, &schemas::SPLIT, &schemas::MERGE] {
            texts.read_corpus(schema)?;
        }
        texts.read_coverage()?;
        Ok(texts)
    }

    fn read_books(&mut self) -> Result<(), String> {
        let mut known: Vec<(String, String, usize)> = Vec::new();
        for path in files("../../rewrite-rules/tests/golden", "md")? {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let book = golden::book::Book::parse(path, &text);
            for case in &book.cases {
                if shares_a_table(&case.rules_in(case.phases()[0])?) {
                    continue;
                }
                let same = known
                    .iter()
                    .find(|(schema, rules, _)| *schema == case.schema && *rules == case.rules);
                let database = match same {
                    Some((_, _, database)) => *database,
                    None => {
                        let stages = case
                            .phases()
                            .iter()
                            .map(|&phase| Stage::new(phase, case.rules_in(phase)?, &case.schema));
                        let phases = stages.collect::<Result<_, String>>()?;
                        self.databases.push(Database { phases });
                        let database = self.databases.len() - 1;
                        known.push((case.schema.clone(), case.rules.clone(), database));
                        database
                    }
                };
                self.texts.push(Text {
                    place: format!("{}:{}", book.file_name(), case.line),
                    sql: case.client.clone(),
                    speaks: case.shape,
                    database,
                });
            }
        }
        Ok(())
    }

    fn read_corpus(&mut self, schema: &Schema) -> Result<(), String> {
        let stages = Phase::TWO_SIDED
            .into_iter()
            .map(|phase| Stage::new(phase, (schema.rules)(phase), &schema_in(schema, phase)?));
        let phases = stages
            .collect::<Result<_, String>>()
            .map_err(|why| format!("the corpus of {}: {why}", schema.name))?;
        self.databases.push(Database { phases });
        let database = self.databases.len() - 1;
        let before = self.texts.len();
        for path in files(&format!("../{}", schema.folder), "sql")? {
            let file = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&path);
            let file = file.to_string_lossy().replace("../corpus/", "");
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let mut line = 1;
            for paragraph in text.split("\n\n") {
                // What comes before the statement says what the differential tests do with it.
                let statement =
                    paragraph.lines().skip_while(|line| line.is_empty() || line.starts_with("--"));
                let sql = statement.collect::<Vec<_>>().join("\n");
                // A conversation is several messages, each with lines about it.
                for sql in sql.split("\n--;") {
                    let lines = sql.lines().filter(|line| !line.starts_with("--"));
                    let sql = lines.collect::<Vec<_>>().join("\n");
                    if !sql.is_empty() {
                        let (place, speaks) = (format!("{file}:{line}"), Speaks::Old);
                        self.texts.push(Text { place, sql, speaks, database });
                    }
                }
                line += paragraph.matches('\n').count() + 2;
            }
        }
        match self.texts.len() - before {
            few if few < schema.fewest => Err(format!("only {few} statements of {}", schema.name)),
            _ => Ok(()),
        }
    }

    fn read_coverage(&mut self) -> Result<(), String> {
        let schema = coverage_file("schema.sql")? + &coverage_file("columns.sql")?;
        let stages = Phase::TWO_SIDED
            .into_iter()
            .map(|phase| Stage::new(phase, golden::coverage::rules(phase)?, &schema));
        let phases = stages.collect::<Result<_, String>>()?;
        self.databases.push(Database { phases });
        let database = self.databases.len() - 1;
        for class in golden::coverage::classes().map_err(|error| error.to_string())? {
            self.texts.extend(class.statements.into_iter().map(|entry| Text {
                place: entry.place,
                sql: entry.text,
                speaks: Speaks::Old,
                database,
            }));
        }
        Ok(())
    }
}

/// What makes tables; rows, rights and whatever looks at tables say nothing about statements.
const OF_TABLES: [&str; 4] = ["CreateStmt", "IndexStmt", "AlterTableStmt", "CreateFunctionStmt"];

/// Changes of keys that the reader of schemas does not know.
const UNKNOWN: [&str; 2] = ["DROP CONSTRAINT", "KEY USING INDEX"];

/// The tables of a corpus in a phase.
fn schema_in(schema: &Schema, phase: Phase) -> Result<String, String> {
    let whole = format!("{}\n{}", schema.plain, (schema.ddl)(stage::Shape::In(phase)));
    let statements = pg_query::split_with_parser(&whole).map_err(|error| error.to_string())?;
    let mut tables = String::new();
    for statement in statements {
        let of_tables = tree::parse(statement)?.iter().any(|it| OF_TABLES.contains(&it.tag()));
        let of_keys = UNKNOWN.iter().any(|words| statement.contains(words));
        if of_tables && !of_keys {
            tables.push_str(statement);
            tables.push_str(";\n");
        }
    }
    Ok(tables)
}

/// Whether a table that is split or merged is in another migration too: beyond this model. A database that
/// was never migrated is asked what those texts mean.
fn shares_a_table(rules: &[Rule]) -> bool {
    let tables = |rule: &Rule| -> Vec<String> {
        let own = rule.change.tables().into_iter().chain(rule.change.into_table());
        own.map(str::to_owned).collect()
    };
    rules.iter().enumerate().filter(|(_, rule)| rule.change.into_table().is_some()).any(
        |(at, rule)| {
            let own = tables(rule);
            let others = rules.iter().enumerate().filter(|(other, _)| *other != at);
            others.flat_map(|(_, other)| tables(other)).any(|table| own.contains(&table))
        },
    )
}

/// A file of the coverage corpus.
fn coverage_file(name: &str) -> Result<String, String> {
    golden::coverage::file(name).map_err(|error| error.to_string())
}

/// The files of a folder of this project that end so, in order.
fn files(folder: &str, extension: &str) -> Result<Vec<PathBuf>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}
