//! Two trees side by side: the client's text and what PostgreSQL receives. Whatever no rule of
//! [`RULES`] allows must be equal.
//!
//! A rule is found by the kinds of the two nodes that stand in the same place. The list is the
//! whole of what a rewriting may do; to allow more, add a rule.

mod apart;
mod cells;
mod copy;
mod from;
mod insert;
mod items;
mod keys;
mod named;
mod placed;
mod query;
mod reading;
mod staged;
mod update;

use std::fmt;

use crate::scope::{Columns, Level};
use crate::shape::Shape;
use crate::tree::{self, Tree};

use placed::Form;
use staged::Staged;

/// An allowed difference between two nodes in the same place.
pub struct Rule {
    /// What it allows.
    pub allows: &'static str,
    /// Whether it is the rule for these two nodes. The first that applies decides.
    applies: fn(&Walk<'_>, &Tree, &Tree) -> bool,
    /// Whether they differ in the allowed way only.
    check: fn(&mut Walk<'_>, &Tree, &Tree) -> Check,
}

/// Everything that a rewriting may change.
pub const RULES: &[Rule] = &[
    Rule {
        allows: "in a query: a `*` spelled out; a label that keeps an output column's name; a sort \
                 or group key that names the same output column by its place; a table of the \
                 migration as a derived table, or a list of aliases, of the old shape",
        applies: |_, client, output| client.is("SelectStmt") && output.is("SelectStmt"),
        check: |walk, client, output| walk.query(client, output),
    },
    Rule {
        allows: "in an INSERT: a column list; a value repeated for a second column, if it may be \
                 evaluated twice; a default spelled out; rows wrapped in a derived table that \
                 evaluates them once; another column of ON CONFLICT",
        applies: |_, client, output| client.is("InsertStmt") && output.is("InsertStmt"),
        check: |walk, client, output| walk.insert(client, output),
    },
    Rule {
        allows: "in an UPDATE: an assignment repeated for a second column, or to both from a \
                 sub-select that evaluates the value once for each row",
        applies: |_, client, output| client.is("UpdateStmt") && output.is("UpdateStmt"),
        check: |walk, client, output| walk.update(client, output),
    },
    Rule {
        allows: "in a DELETE: what its clauses allow",
        applies: |_, client, output| client.is("DeleteStmt") && output.is("DeleteStmt"),
        check: |walk, client, output| walk.delete(client, output),
    },
    Rule {
        allows: "in a MERGE: what INSERT and UPDATE allow",
        applies: |_, client, output| client.is("MergeStmt") && output.is("MergeStmt"),
        check: |walk, client, output| walk.merge(client, output),
    },
    Rule {
        allows: "in a COPY: a table TO as a query of the old shape; columns FROM, with those that \
                 the proxy repeats in the data",
        applies: |_, client, output| client.is("CopyStmt") && output.is("CopyStmt"),
        check: |walk, client, output| walk.copy(client, output),
    },
    Rule {
        allows: "in XMLFOREST and XMLATTRIBUTES: a label that keeps an element's name",
        applies: |_, client, output| client.is("XmlExpr") && output.is("XmlExpr"),
        check: |walk, client, output| walk.xml(client, output),
    },
    Rule {
        allows: "in ANALYZE: a column by the one that is read for it",
        applies: |_, client, output| client.is("VacuumRelation") && output.is("VacuumRelation"),
        check: |walk, client, output| walk.analyzed(client, output),
    },
    Rule {
        allows: "a whole row as a sub-select of the old shape's columns",
        applies: |walk, client, output| walk.is_spelled_row(client, output),
        check: |walk, client, output| walk.spelled_row(client, output),
    },
    Rule {
        allows: "in a type's name: nothing; a modifier that looks like a column is none",
        applies: |_, client, _| client.is("TypeName"),
        check: |walk, client, output| walk.equal("another type", Some(client), Some(output)),
    },
    Rule {
        allows: "in count(t): nothing, but more columns of the row than the old shape has",
        applies: |walk, client, output| client == output && walk.is_count_of_rows(client),
        check: |_, _, _| Ok(()),
    },
    Rule {
        allows: "in ROW(t.*): the columns spelled out",
        applies: |_, client, output| client.is("RowExpr") && output.is("RowExpr"),
        check: |walk, client, output| walk.row_expression(client, output),
    },
    Rule {
        allows: "a column written as the field of a row, by what the migration reads for it",
        applies: |walk, client, _| walk.is_field_of_row(client),
        check: |walk, client, output| walk.field_of(client, output),
    },
    Rule {
        allows: "a column by what the migration reads for it, qualified or not",
        applies: |_, client, _| client.is("ColumnRef"),
        check: |walk, client, output| walk.column(client, output),
    },
];

/// A difference that no rule allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where in the trees.
    pub path: String,
    /// What is wrong there.
    pub why: String,
    /// The client's part.
    pub client: String,
    /// The output's part.
    pub output: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {}\n  client: {}\n  output: {}",
            self.why, self.path, self.client, self.output
        )
    }
}

/// What a comparison finds.
pub type Check = Result<(), Box<Difference>>;

/// A CTE in sight: its name, and its columns in both texts.
#[derive(Debug, Clone)]
struct Cte {
    name: String,
    columns: [Columns; 2],
}

/// The walk over both trees.
pub struct Walk<'s> {
    shape: &'s Shape,
    levels: Vec<Level>,
    ctes: Vec<Cte>,
    path: Vec<String>,
    /// What is done besides to what the client sends.
    handling: Handling,
    /// How the tables of migrations over more than one are read in the present query.
    forms: Vec<Form>,
    /// How many statements were held against claims alone.
    claims: usize,
}

/// What the proxy does besides sending a text.
#[derive(Debug, Clone, Default)]
pub struct Handling {
    /// For a COPY FROM, which of the client's fields each field appended to a row repeats.
    pub repeats: Option<Vec<usize>>,
    /// For each statement whether the client did not send it. Empty: it sent all of them.
    pub injected: Vec<bool>,
}

/// How much of a statement was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// All of it, node by node.
    Whole,
    /// Parameters, constants and written tables: it is put together in a way that is not undone.
    Claims,
}

/// Compares the client's text with the one that PostgreSQL receives.
///
/// # Errors
/// The first difference that no rule allows; a text that PostgreSQL cannot read.
pub fn compare(
    shape: &Shape,
    client: &str,
    output: &str,
    handling: Handling,
) -> Result<Depth, Box<Difference>> {
    let unreadable = |why: String, text: &str| {
        Box::new(Difference {
            path: "the text".to_owned(),
            why: format!("PostgreSQL cannot read it: {why}"),
            client: client.to_owned(),
            output: text.to_owned(),
        })
    };
    let before = tree::parse(client).map_err(|why| unreadable(why, client))?;
    let after = tree::parse(output).map_err(|why| unreadable(why, output))?;
    compare_trees(shape, &before, &after, handling)
}

/// Whether a block does nothing but lock tables.
fn locks(block: &Tree) -> bool {
    let arguments = block.list("args").iter().filter_map(|it| it.field("arg"));
    let body: String = arguments.map(|it| it.text("sval")).collect();
    let body = body.strip_prefix("BEGIN ").and_then(|body| body.strip_suffix("END"));
    let mut statements = body.unwrap_or("?").split_terminator("; ");
    block.is("DoStmt")
        && statements.all(|it| {
            let locks = it.split_once(" THEN ").map_or(it, |(_, locks)| locks);
            it == "END IF"
                || (it.starts_with("IF pg_catalog.has_table_privilege(")
                    && locks.starts_with("LOCK TABLE "))
        })
}

/// The same for trees.
///
/// # Errors
/// The first difference that no rule allows.
pub fn compare_trees(
    shape: &Shape,
    client: &[Tree],
    output: &[Tree],
    handling: Handling,
) -> Result<Depth, Box<Difference>> {
    let injected = handling.injected.clone();
    let mut walk = Walk {
        shape,
        levels: Vec::new(),
        ctes: Vec::new(),
        path: Vec::new(),
        handling,
        forms: Vec::new(),
        claims: 0,
    };
    let own: Vec<usize> =
        (0..output.len()).filter(|at| !injected.get(*at).copied().unwrap_or(false)).collect();
    if own.len() != client.len() {
        walk.fail("another number of statements", client, output)?;
    }
    let mut expected = output.len();
    for (before, at) in client.iter().zip(own) {
        walk.path = vec![format!("[{at}]")];
        let around = (at.checked_sub(1).and_then(|at| output.get(at)), output.get(at..at + 3));
        match (output.get(at), around) {
            (Some(copy), (Some(create), Some([_, insert, drop])))
                if staged::fills_staging(copy) =>
            {
                walk.staged(&Staged { client: before, create, copy, insert, drop })?;
                expected -= 3;
            }
            (Some(after), (Some(waits), _)) if before.is("TruncateStmt") && locks(waits) => {
                expected -= 1;
                walk.statement(before, after)?;
            }
            (Some(after), _) => walk.statement(before, after)?,
            (None, _) => walk.fail("lost", before, &"nothing")?,
        }
    }
    if expected != client.len() {
        walk.fail("a statement besides", client, output)?;
    }
    Ok(if walk.claims == 0 { Depth::Whole } else { Depth::Claims })
}

impl Walk<'_> {
    /// The two parts mean the same.
    fn same(&mut self, client: &Tree, output: &Tree) -> Check {
        for rule in RULES {
            if (rule.applies)(self, client, output) {
                return (rule.check)(self, client, output);
            }
        }
        match (client, output) {
            (Tree::Node(tag, _), Tree::Node(other, _)) if tag == other => {
                self.fields(client, output, &[])
            }
            (Tree::List(items), Tree::List(others)) => self.lists(items, others),
            (Tree::Leaf(value), Tree::Leaf(other)) if value == other => Ok(()),
            _ => self.fail("not the same", client, output),
        }
    }

    /// All fields but those in `done` are the same.
    fn fields(&mut self, client: &Tree, output: &Tree, done: &[&str]) -> Check {
        let mut names = client.field_names();
        names.extend(output.field_names());
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|name| !done.contains(name)) {
            self.field(client, output, name)?;
        }
        Ok(())
    }

    /// One field is the same.
    fn field(&mut self, client: &Tree, output: &Tree, name: &str) -> Check {
        self.path.push(format!("{}.{name}", client.tag()));
        match (client.field(name), output.field(name)) {
            (None, None) => {}
            (Some(before), Some(after)) => self.same(before, after)?,
            (Some(before), None) => return self.fail("lost", before, &"nothing"),
            (None, Some(after)) => return self.fail("added", &"nothing", after),
        }
        self.path.pop();
        Ok(())
    }

    /// Lists of one length whose items are the same.
    fn lists(&mut self, client: &[Tree], output: &[Tree]) -> Check {
        if client.len() != output.len() {
            return self.fail("lists of different lengths", &client, &output);
        }
        for (index, (before, after)) in client.iter().zip(output).enumerate() {
            self.path.push(format!("[{index}]"));
            self.same(before, after)?;
            self.path.pop();
        }
        Ok(())
    }

    /// Both parts are equal, names and all.
    fn equal(&self, why: &str, client: Option<&Tree>, output: Option<&Tree>) -> Check {
        if client == output { Ok(()) } else { self.fail(why, &client, &output) }
    }

    fn fail<C: Part + ?Sized, O: Part + ?Sized>(&self, why: &str, client: &C, output: &O) -> Check {
        Err(Box::new(Difference {
            path: self.path.join(" "),
            why: why.to_owned(),
            client: client.shown(),
            output: output.shown(),
        }))
    }

    /// Tries `work`; where it fails, everything is as before.
    fn attempt(&mut self, work: impl FnOnce(&mut Self) -> Check) -> Check {
        let before =
            (self.levels.clone(), self.ctes.clone(), self.path.clone(), self.forms.clone());
        let result = work(self);
        if result.is_err() {
            (self.levels, self.ctes, self.path, self.forms) = before;
        }
        result
    }
}

/// Whether a query has these clauses and nothing else, no set operation, no WITH TIES.
fn is_plain(query: &Tree, clauses: &[&str]) -> bool {
    let limited = clauses.contains(&"limit_offset");
    let mut fields: Vec<&str> = [clauses, &["limit_option", "op"]].concat();
    fields.sort_unstable();
    query.is("SelectStmt")
        && query.field_names() == fields
        && query.number("op") == 1
        && query.number("limit_option") == if limited { 2 } else { 1 }
}

/// What a report can show.
trait Part {
    fn shown(&self) -> String;
}

impl Part for Tree {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Part for str {
    fn shown(&self) -> String {
        self.to_owned()
    }
}

impl<P: Part + ?Sized> Part for &P {
    fn shown(&self) -> String {
        (*self).shown()
    }
}

impl<P: Part> Part for Option<P> {
    fn shown(&self) -> String {
        self.as_ref().map_or_else(|| "nothing".to_owned(), Part::shown)
    }
}

impl Part for [Tree] {
    fn shown(&self) -> String {
        let items: Vec<String> = self.iter().map(Tree::to_string).collect();
        format!("[{}]", items.join(", "))
    }
}

impl Part for Vec<Tree> {
    fn shown(&self) -> String {
        self.as_slice().shown()
    }
}

impl Part for String {
    fn shown(&self) -> String {
        self.clone()
    }
}
