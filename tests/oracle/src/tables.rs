//! What `split-table` and `merge-tables` mean: which table holds what, and where the rows of each are
//! read in which phase.
//!
//! Written from the specification. A value that is in more than one table is one [`Slot`] of all of them.

mod merge;
mod split;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rewrite_rules::catalog::RelationName;
use rewrite_rules::rule::{Change, MergeTables, SplitTable};
use rewrite_rules::shape::Shape as Speaks;
use rewrite_rules::{Phase, Rule};

use crate::shape::{Shape, named};
use crate::tree::{self, Tree};

use merge::Merge;
use split::Split;

/// What a column holds, whichever table it is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The n-th column of the key.
    Key(usize),
    /// A value of the n-th part, by its name in the table that unchanged clients use.
    Value(usize, String),
    /// Whether there is a row of the n-th part.
    Present(usize),
}

/// A table of a migration over more than one.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name.
    pub relation: RelationName,
    /// Whether it is the one that the others become, or the one that columns move to.
    pub new: bool,
    /// Which part of it a row is; the new table of a merge has all of them.
    pub part: Option<usize>,
    /// What each of its columns holds.
    pub slots: Vec<(String, Slot)>,
}

impl Member {
    /// The column that holds it.
    #[must_use]
    pub fn column(&self, slot: &Slot) -> Option<&str> {
        self.slots.iter().find(|(_, held)| held == slot).map(|(name, _)| name.as_str())
    }

    /// What a column holds.
    #[must_use]
    pub fn slot(&self, column: &str) -> Option<&Slot> {
        self.slots.iter().find(|(name, _)| name == column).map(|(_, slot)| slot)
    }

    /// The columns of its key, in order.
    #[must_use]
    pub fn key(&self) -> Vec<&str> {
        let mut keys: Vec<(&Slot, &str)> = self
            .slots
            .iter()
            .filter(|(_, slot)| matches!(slot, Slot::Key(_)))
            .map(|(name, slot)| (slot, name.as_str()))
            .collect();
        keys.sort();
        keys.into_iter().map(|(_, name)| name).collect()
    }
}

/// A migration over more than one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    /// Where it stands.
    pub phase: Phase,
    /// Whether rows of several tables become those of one.
    pub merges: bool,
    /// Its tables, the new one last.
    pub members: Vec<Member>,
}

/// A query that stands in the place of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Its tree, as [`normal`] makes it.
    pub tree: Tree,
    /// What it is for.
    pub for_: Use,
}

/// What a way of reading a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Use {
    /// For rows that are not locked.
    Read,
    /// For all rows; a lock stands around it.
    #[default]
    Both,
    /// For rows that are locked, by a lock around it.
    Outside,
    /// For rows that are locked, each arm of it by its own.
    Inside,
    /// For rows that are locked, in a way that is not looked into.
    Unknown,
    /// For the rows that a write is worked out of, which needs no column of another table.
    Stays,
    /// For one half of the rows that a write is worked out of.
    Arm,
}

/// Where the rows of a table are read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// Another table that may stand in its place, under its name.
    pub other: Option<RelationName>,
    /// Queries that may.
    pub queries: Vec<Query>,
    /// What the table itself, or the other one, is for.
    pub itself: Use,
}

/// A column that is read in no table alone.
#[must_use]
pub fn elsewhere() -> Tree {
    Tree::Node("Elsewhere".to_owned(), BTreeMap::new())
}

impl Joint {
    /// What a rule means, if it is over more than one table.
    ///
    /// # Errors
    /// A table's name that PostgreSQL cannot read.
    pub fn new(rule: &Rule) -> Result<Option<Self>, String> {
        Ok(match &rule.change {
            Change::SplitTable(split) => Some(Self::split(split, rule.phase)?),
            Change::MergeTables(merge) => Some(Self::merge(merge, rule.phase)?),
            Change::RenameColumn(_)
            | Change::RenameInPlace(_)
            | Change::ChangeColumn { .. }
            | Change::BackfillColumn(_) => None,
        })
    }

    fn split(split: &SplitTable, phase: Phase) -> Result<Self, String> {
        let keys = |own: bool| {
            let pairs = split.key.pairs().enumerate();
            pairs.map(move |(at, (from, to))| {
                ((if own { from } else { to }).to_owned(), Slot::Key(at))
            })
        };
        let moved = |own: bool| {
            split.columns.pairs().map(move |(from, to)| {
                ((if own { from } else { to }).to_owned(), Slot::Value(0, from.to_owned()))
            })
        };
        let member = |table: &str, own: bool| {
            named(table).map(|relation| Member {
                relation,
                new: !own,
                part: Some(0),
                slots: keys(own).chain(moved(own)).collect(),
            })
        };
        let members = vec![member(&split.table, true)?, member(&split.into, false)?];
        Ok(Self { phase, merges: false, members })
    }

    fn merge(merge: &MergeTables, phase: Phase) -> Result<Self, String> {
        let mut members = Vec::new();
        let keys = merge.key.iter().enumerate().map(|(at, key)| (key.to_owned(), Slot::Key(at)));
        let mut all: Vec<(String, Slot)> = keys.collect();
        for (part, source) in merge.sources.iter().enumerate() {
            let keys = merge.key_of(source).enumerate();
            let keys = keys.map(|(at, (own, _))| (own.to_owned(), Slot::Key(at)));
            let value = |own: &str| Slot::Value(part, own.to_owned());
            let own = source.columns.pairs().map(|(own, _)| (own.to_owned(), value(own)));
            members.push(Member {
                relation: named(&source.table)?,
                new: false,
                part: Some(part),
                slots: keys.chain(own).collect(),
            });
            all.extend(source.columns.pairs().map(|(own, its)| (its.to_owned(), value(own))));
            all.extend(source.present.clone().map(|present| (present, Slot::Present(part))));
        }
        let relation = named(&merge.into)?;
        members.push(Member { relation, new: true, part: None, slots: all });
        Ok(Self { phase, merges: true, members })
    }

    /// The table of that name.
    #[must_use]
    pub fn member(&self, relation: &RelationName) -> Option<&Member> {
        self.members.iter().find(|member| member.relation == *relation)
    }

    /// The new table.
    #[must_use]
    pub fn new_table(&self) -> Option<&Member> {
        self.members.last()
    }
}

/// Adds what `rule` means for its tables to `shape`.
///
/// # Errors
/// A table that is not there.
pub fn add(shape: &mut Shape, rule: &Rule, joint: &Joint, speaks: Speaks) -> Result<(), String> {
    for (at, member) in joint.members.iter().enumerate() {
        let catalog = &Arc::clone(&shape.catalog);
        let known = catalog.relation(&member.relation);
        let found = shape.governed.iter().position(|it| it.relation == member.relation);
        let index = match (found, known) {
            (Some(index), _) => index,
            (None, Some(known)) => shape.add(member.relation.clone(), known)?,
            // It is gone, or not there yet.
            (None, None) => shape.add_absent(member.relation.clone()),
        };
        let governed = shape.governed.get_mut(index).ok_or("no table")?;
        governed.joint = Some(shape.joints.len());
        let itself = governed.clone();
        match &rule.change {
            Change::SplitTable(split) => {
                Split { split, joint, catalog, speaks }.apply(governed, at == 0)?;
            }
            Change::MergeTables(merge) => {
                Merge { merge, joint, catalog }.apply(governed, merge.sources.get(at), at)?;
            }
            Change::RenameColumn(_)
            | Change::RenameInPlace(_)
            | Change::ChangeColumn { .. }
            | Change::BackfillColumn(_) => {}
        }
        if governed.place.other.is_some() {
            let twin = shape.governed.len();
            shape.governed.push(itself);
            if let Some(governed) = shape.governed.get_mut(index) {
                governed.twin = Some(twin);
            }
        }
    }
    shape.joints.push(joint.clone());
    Ok(())
}

thread_local! {
    /// Queries that were read already.
    static KNOWN: RefCell<HashMap<String, Tree>> = RefCell::new(HashMap::new());
}

/// A query over [`normal`] trees.
fn query(text: &str, for_: Use) -> Result<Query, String> {
    if let Some(tree) = KNOWN.with_borrow(|known| known.get(text).cloned()) {
        return Ok(Query { tree, for_ });
    }
    let statement = tree::parse(text)?.into_iter().next().ok_or("no query")?;
    let tree = normal(&statement);
    KNOWN.with_borrow_mut(|known| known.insert(text.to_owned(), tree.clone()));
    Ok(Query { tree, for_ })
}

/// A name as SQL writes it.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn range(relation: &RelationName) -> String {
    format!("{}.{}", quoted(&relation.schema), quoted(&relation.name))
}

/// `a.k = b.k AND …`.
fn joined(left: (&str, &[&str]), right: (&str, &[&str])) -> String {
    let pairs = left.1.iter().zip(right.1);
    let pairs =
        pairs.map(|(own, its)| format!("{}.{} = {}.{}", left.0, quoted(own), right.0, quoted(its)));
    pairs.collect::<Vec<_>>().join(" AND ")
}

/// A tree in which it does not show whether a schema was written, and whether a label says what the
/// column is called anyway.
#[must_use]
pub fn normal(tree: &Tree) -> Tree {
    match tree {
        Tree::Node(tag, fields) => {
            let mut fields: BTreeMap<String, Tree> =
                fields.iter().map(|(name, field)| (name.clone(), normal(field))).collect();
            if tag == "RangeVar" {
                // Nothing inherits from these tables.
                fields.insert("inh".to_owned(), Tree::Leaf(serde_json::Value::Bool(true)));
            }
            if tag == "RangeVar" && !fields.contains_key("schemaname") {
                let public = Tree::Leaf(serde_json::Value::String("public".to_owned()));
                fields.insert("schemaname".to_owned(), public);
            }
            if tag == "ResTarget" {
                let bare = fields.get("val").and_then(|value| value.column()?.pop());
                let label = fields.get("name").cloned();
                if let (Some(tree::Part::Name(bare)), Some(Tree::Leaf(label))) = (bare, label)
                    && label.as_str() == Some(&bare)
                {
                    fields.remove("name");
                }
            }
            Tree::Node(tag.clone(), fields)
        }
        Tree::List(items) => Tree::List(items.iter().map(normal).collect()),
        Tree::Leaf(leaf) => Tree::Leaf(leaf.clone()),
    }
}

/// `SELECT * FROM (…) AS segue_arm_0 UNION ALL SELECT * FROM (…) AS segue_arm_1`.
fn arms(queries: &[String]) -> String {
    let arms = queries.iter().enumerate();
    let arms = arms.map(|(at, query)| format!("SELECT * FROM ({query}) AS segue_arm_{at}"));
    arms.collect::<Vec<_>>().join(" UNION ALL ")
}
