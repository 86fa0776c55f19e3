//! A table of a migration over more than one: another table in its place, or a query over both.

use rewrite_rules::Phase;

use super::{Check, Walk};
use crate::scope::{Meaning, Source, View};
use crate::shape::Governed;
use crate::tables::{Use, normal};
use crate::tree::Tree;

/// How a table of such a migration is read in a query, to be held against what that locks.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// Alias or name.
    name: String,
    /// What that way is for.
    for_: Use,
    /// The locks that it takes itself.
    locks: Vec<Tree>,
    /// How many arms it has, each of which has to lock its rows.
    arms: usize,
}

/// The query without the locks in its arms, and these.
fn unlocked(tree: &Tree, locks: &mut Vec<Tree>) -> Tree {
    match tree {
        Tree::Node(tag, fields) => {
            let mut kept = std::collections::BTreeMap::new();
            for (name, field) in fields {
                if tag == "SelectStmt" && name == "locking_clause" {
                    locks.push(field.clone());
                } else {
                    kept.insert(name.clone(), unlocked(field, locks));
                }
            }
            Tree::Node(tag.clone(), kept)
        }
        Tree::List(items) => Tree::List(items.iter().map(|it| unlocked(it, locks)).collect()),
        Tree::Leaf(leaf) => Tree::Leaf(leaf.clone()),
    }
}

impl<'s> Walk<'s> {
    /// Another table in the place of one, or a query over several; `None` if there is neither.
    pub(super) fn placed(
        &mut self,
        client: &Tree,
        output: &Tree,
        table: &'s Governed,
        source: &mut Source,
    ) -> Option<Check> {
        table.joint?;
        let shown: Vec<String> = table.shown().map(|column| column.name.clone()).collect();
        let alias = client.field("alias");
        let kept = match (alias, output.field("alias")) {
            (Some(before), Some(after)) => before == after,
            (None, Some(after)) => {
                after.text("aliasname") == client.text("relname")
                    && after.list("colnames").is_empty()
            }
            (before, None) => before.is_none(),
        };
        let schema = alias.is_none().then(|| table.relation.schema.clone());
        let name = source.name.clone();
        if output.is("RangeSubselect") && !table.place.queries.is_empty() {
            let mut locks = Vec::new();
            let found = output.field("subquery").map(|it| normal(&unlocked(it, &mut locks)));
            if kept && !locks.is_empty() && self.is_gathered(table) {
                self.claims += 1;
                source.schema = [schema, None];
                source.columns = [Some(shown.clone()), Some(shown)];
                source.derived = true;
                self.forms.push(Form { name, for_: Use::Unknown, locks, arms: 0 });
                return Some(Ok(()));
            }
            let query = table.place.queries.iter().find(|it| Some(&it.tree) == found.as_ref())?;
            if !kept || output.field_names() != ["alias", "subquery"] {
                return Some(self.fail("a derived table under another name", client, output));
            }
            source.schema = [schema, None];
            source.columns = [Some(shown.clone()), Some(shown)];
            if query.for_ == Use::Stays {
                let labels = query.tree.list("target_list").iter().map(crate::label::label);
                source.columns[1] = labels.collect();
            }
            source.derived = true;
            let arms = query.tree.nodes().filter(|node| node.is("RangeSubselect")).count();
            self.forms.push(Form { name, for_: query.for_, locks, arms });
            return Some(Ok(()));
        }
        let other = table.place.other.as_ref()?;
        let is_other = output.text("relname") == other.name
            && ["", "public"].contains(&output.text("schemaname")) == (other.schema == "public");
        if !output.is("RangeVar") || !is_other {
            return Some(self.fail("its rows are in another table", client, output));
        }
        if !kept || output.field("alias").is_some_and(|it| !it.list("colnames").is_empty()) {
            return Some(self.fail("another table under another name", client, output));
        }
        let known = self.shape.catalog.relation(other);
        let physical = known.map(|known| known.columns.iter().map(|it| it.name.clone()).collect());
        source.schema = [schema, None];
        source.columns = [Some(shown), physical];
        self.forms.push(Form { name, for_: Use::Both, locks: Vec::new(), arms: 0 });
        Some(Ok(()))
    }

    /// Whether its rows are gathered from the tables that are merged, which are all locked in turn.
    fn is_gathered(&self, table: &Governed) -> bool {
        let joint = table.joint.and_then(|joint| self.shape.joints.get(joint));
        joint.is_some_and(|joint| {
            let new = joint.new_table().is_some_and(|new| new.relation == table.relation);
            joint.merges && new && joint.phase == Phase::DualWrite
        })
    }

    /// A table of such a migration that is read as it is.
    pub(super) fn in_itself(&mut self, table: &Governed, name: &str) {
        if table.joint.is_some() {
            let for_ = table.place.itself;
            self.forms.push(Form { name: name.to_owned(), for_, locks: Vec::new(), arms: 0 });
        }
    }

    /// The same rows are locked, each table's in the way that is for it.
    pub(super) fn locks(&mut self, client: &Tree, output: &Tree, forms: &[Form]) -> Check {
        let before = client.list("locking_clause");
        let names = |clause: &Tree| -> Vec<String> {
            let name = |range: &Tree| range.text("relname").to_owned();
            clause.list("locked_rels").iter().map(name).collect()
        };
        for form in forms {
            let own = before.iter().filter(|clause| {
                let names = names(clause);
                names.is_empty() || names.contains(&form.name)
            });
            let own: Vec<Tree> =
                own.map(|clause| clause.with_list("locked_rels", vec![])).collect();
            let fits = match form.for_ {
                Use::Read => own.is_empty(),
                Use::Both => true,
                Use::Outside | Use::Unknown => !own.is_empty(),
                Use::Inside => {
                    let locks = |found: &Tree| match found {
                        Tree::List(found) => {
                            found
                                .iter()
                                .map(|it| it.with_list("locked_rels", vec![]))
                                .eq(own.clone())
                                && found.iter().all(|it| it.list("locked_rels").is_empty())
                        }
                        Tree::Node(..) | Tree::Leaf(_) => false,
                    };
                    !own.is_empty() && form.locks.len() == form.arms && form.locks.iter().all(locks)
                }
                Use::Arm | Use::Stays => false,
            };
            let own_locks = matches!(form.for_, Use::Inside | Use::Unknown);
            if !fits || (!own_locks && !form.locks.is_empty()) {
                let why = format!("{} is not for this lock: {:?}", form.name, form.for_);
                return self.fail(&why, client, output);
            }
        }
        let inside = |name: &String| {
            forms
                .iter()
                .any(|form| matches!(form.for_, Use::Inside | Use::Unknown) && form.name == *name)
        };
        if !forms.iter().any(|form| inside(&form.name)) {
            return self.field(client, output, "locking_clause");
        }
        // What a query locks itself is not locked around it once more.
        let alone = self
            .levels
            .last()
            .is_some_and(|level| level.sources.iter().all(|source| inside(&source.name)));
        let mut rest = Vec::new();
        for clause in before {
            let listed = clause.list("locked_rels");
            let kept = listed.iter().filter(|it| !inside(&it.text("relname").to_owned()));
            let kept: Vec<Tree> = kept.cloned().collect();
            if listed.is_empty() && !alone {
                rest.push(clause.clone());
            } else if !kept.is_empty() {
                rest.push(clause.with_list("locked_rels", kept));
            }
        }
        match rest == output.list("locking_clause") {
            true => Ok(()),
            false => self.fail("other locks", client, output),
        }
    }

    /// Whether a key behind those of GROUP BY is a column that the grouped key determines, but not in a
    /// derived table.
    pub(super) fn is_determined(&self, client: &[Tree], extra: &Tree) -> bool {
        let Some(Meaning::Column { level, source, name }) = self.meaning(View::Output, extra)
        else {
            return false;
        };
        let found = self.levels.get(level).and_then(|it| it.sources.get(source));
        let table =
            found.filter(|it| it.derived).and_then(|it| self.shape.governed.get(it.governed?));
        let member =
            table.and_then(|table| self.shape.joints.get(table.joint?)?.member(&table.relation));
        let own = |key: &&str| {
            client.iter().any(|client| {
                self.meaning(View::Client, client)
                    == Some(Meaning::Column { level, source, name: (*key).to_owned() })
            })
        };
        let shown = table.is_some_and(|table| table.shown().any(|column| column.name == name));
        shown && member.is_some_and(|member| member.key().iter().all(own))
    }
}
