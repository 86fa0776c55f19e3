//! What is written of the rows that were read: each table's statement, and whether those are all.

use super::{Rows, same_names};
use crate::compare::apart::carried::equality;
use crate::compare::apart::{Group, Of, called, conditions, pair, upsert};
use crate::compare::{Check, Difference, Walk, is_plain};
use crate::tables::{Member, Slot};
use crate::tree::{Tree, expression};

/// A value that is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored {
    /// The n-th of the key.
    Key(usize),
    /// The n-th of what is to be stored.
    New(usize),
    /// NULL, or the column's default.
    Nothing,
    /// DEFAULT.
    Default,
}

/// A statement that writes one table.
pub(super) struct Effect<'s> {
    /// The CTE's name, unless it has the client's place.
    pub(super) name: Option<String>,
    pub(super) of: Of<'s>,
    /// INSERT, UPDATE or DELETE.
    pub(super) kind: &'static str,
    /// What an UPDATE, or the upsert of an INSERT, stores.
    set: Vec<(String, Stored)>,
    /// What an INSERT stores besides.
    besides: Vec<(String, Stored)>,
    /// For each column of the client's row that it gives back which of its own that is.
    pub(super) was: Vec<(usize, String)>,
}

type Found<'s> = Result<Option<Vec<Effect<'s>>>, Box<Difference>>;

impl<'s> Walk<'s> {
    pub(super) fn effects(
        &self,
        rows: &Rows<'s, '_>,
        group: &Group<'_>,
        parts: &[&Tree],
    ) -> Found<'s> {
        let mut effects = Vec::new();
        let named =
            parts.iter().filter_map(|it| Some((Some(it.text("ctename")), it.field("ctequery")?)));
        let main = (!group.holder.is("SelectStmt")).then_some((None, &group.holder));
        let mut sources = vec![rows.name.clone()];
        for (name, statement) in named.chain(main) {
            if name.is_some_and(|it| {
                !["segue_own_", "segue_beside_"].iter().any(|own| it.starts_with(own))
            }) {
                return Ok(None);
            }
            let Some(of) = self.of(statement.field("relation")) else {
                self.fail("another table is written", group.client, statement)?;
                return Ok(None);
            };
            if !std::ptr::eq(of.joint, rows.of.joint) {
                self.fail("a table of another migration is written", group.client, statement)?;
            }
            effects.push(self.effect(rows, of, (name, statement), &mut sources)?);
        }
        Ok(Some(effects))
    }

    fn effect(
        &self,
        rows: &Rows<'s, '_>,
        of: Of<'s>,
        (name, statement): (Option<&str>, &Tree),
        sources: &mut Vec<String>,
    ) -> Result<Effect<'s>, Box<Difference>> {
        let target = statement.field("relation").map(called).unwrap_or_default();
        let mut effect = Effect {
            name: name.map(str::to_owned),
            of,
            kind: "",
            set: Vec::new(),
            besides: Vec::new(),
            was: Vec::new(),
        };
        match statement.tag() {
            "UpdateStmt" => {
                effect.kind = "UPDATE";
                for set in statement.list("target_list") {
                    let value = set.field("val").and_then(|it| stored(it, &rows.name));
                    let Some(value) = value else {
                        self.fail("another value is stored", &rows.name, set)?;
                        continue;
                    };
                    effect.set.push((set.text("name").to_owned(), value));
                }
                self.of_its_row(rows, &effect, statement, "from_clause", sources)?;
            }
            "DeleteStmt" => {
                effect.kind = "DELETE";
                self.of_its_row(rows, &effect, statement, "using_clause", sources)?;
            }
            "InsertStmt" => {
                effect.kind = "INSERT";
                self.inserted(rows, &mut effect, (statement, sources))?;
            }
            _ => self.fail("another statement", &rows.name, statement)?,
        }
        let mut has_key = false;
        for back in statement.list("returning_list") {
            let value = back.field("val").and_then(pair);
            let label = crate::label::label(back).unwrap_or_default();
            let at = label.strip_prefix("segue_was_").and_then(|at| at.parse::<usize>().ok());
            let key = label.strip_prefix("segue_key_").and_then(|at| at.parse::<usize>().ok());
            match (at, key, value) {
                (Some(at), _, Some((table, column))) if table == target => {
                    effect.was.push((at, column))
                }
                (_, Some(at), Some((table, column))) if table == target => {
                    if of.member.key().get(at) != Some(&column.as_str()) {
                        self.fail("not its key", &rows.name, back)?;
                    }
                    has_key = true;
                }
                (_, Some(at), Some((table, column)))
                    if sources.contains(&table) && column == format!("segue_key_{at}") =>
                {
                    has_key = true;
                }
                _ => self.fail("it gives back something else", &rows.name, back)?,
            }
        }
        if has_key {
            sources.extend(effect.name.clone());
        }
        Ok(effect)
    }

    /// A statement about the rows of that key, and no others.
    fn of_its_row(
        &self,
        rows: &Rows<'s, '_>,
        effect: &Effect<'s>,
        statement: &Tree,
        others: &str,
        sources: &[String],
    ) -> Check {
        let source = match statement.list(others) {
            [source] if source.field("alias").is_none() => source.text("relname").to_owned(),
            _ => return self.fail("not of the rows that were read", &rows.name, statement),
        };
        let target = statement.field("relation").map(called).unwrap_or_default();
        let keys = effect.of.member.key();
        let mut found = Vec::new();
        for condition in conditions(statement.field("where_clause")) {
            let sides = equality(&condition).map(|(left, right)| (pair(left), pair(right)));
            match sides {
                Some((Some((own, column)), Some((from, key))))
                    if own == target && from == source =>
                {
                    found.push((column, key));
                }
                _ => return self.fail("another condition", &rows.name, &condition),
            }
        }
        let expected: Vec<(String, String)> = keys
            .iter()
            .enumerate()
            .map(|(at, key)| ((*key).to_owned(), format!("segue_key_{at}")))
            .collect();
        let fields: Vec<&str> = statement
            .field_names()
            .into_iter()
            .filter(|it| !["returning_list", "target_list"].contains(it))
            .collect();
        let mut plain = [others, "relation", "where_clause"];
        plain.sort_unstable();
        match found == expected && sources.contains(&source) && fields == plain {
            true => Ok(()),
            false => self.fail("other rows are written", &rows.name, statement),
        }
    }

    /// Nothing, or that a table of the same rows was written before: `(row.key) IN (SELECT key FROM written)`.
    fn is_of_written(
        rows: &Rows<'s, '_>,
        keys: usize,
        condition: Option<&Tree>,
        sources: &[String],
    ) -> bool {
        let Some(condition) = condition else { return true };
        let keys = |before: &str| {
            let keys = (0..keys).map(|at| format!("{before}segue_key_{at}"));
            keys.collect::<Vec<_>>().join(", ")
        };
        let read = keys(&format!("{}.", rows.name));
        let is_it = |source: &&String| {
            let formula = format!("({read}) IN (SELECT {} FROM {source})", keys(""));
            expression(&formula).is_ok_and(|formula| formula == *condition)
        };
        sources.iter().filter(|source| **source != rows.name).any(|source| is_it(&source))
    }

    /// An upsert without the condition that what it meets was there when the statement began, behind DO UPDATE: where it
    /// is not true the statement ends.
    fn where_it_was_seen(member: &Member, insert: &Tree) -> Tree {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let target = insert.field("relation").map(called).unwrap_or_default();
        let own = |key: &str| format!("{}.{}", quoted(&target), quoted(key));
        let same = |key: &&str| format!("segue_seen.{} = {}", quoted(key), own(key));
        let keys = member.key();
        let formula = format!(
            "CASE WHEN EXISTS (SELECT 1 FROM {}.{} AS segue_seen WHERE {}) THEN true \
             ELSE CAST(pg_catalog.concat('segue_again ', {}) AS boolean) END",
            quoted(&member.relation.schema),
            quoted(&member.relation.name),
            keys.iter().map(same).collect::<Vec<_>>().join(" AND "),
            keys.first().map(|key| own(key)).unwrap_or_default(),
        );
        let clause = insert.field("on_conflict_clause");
        let condition = clause.and_then(|it| it.field("where_clause"));
        let is_it = condition.is_some_and(|it| expression(&formula).is_ok_and(|own| own == *it));
        match clause.filter(|_| is_it) {
            Some(clause) => insert.with("on_conflict_clause", clause.without("where_clause")),
            None => insert.clone(),
        }
    }

    /// `INSERT … SELECT row.key, row.new, … FROM row [WHERE …] ON CONFLICT (key) DO UPDATE SET a = excluded.a`.
    fn inserted(
        &self,
        rows: &Rows<'s, '_>,
        effect: &mut Effect<'s>,
        (insert, sources): (&Tree, &[String]),
    ) -> Check {
        let select = insert.field("select_stmt");
        let from = match select.map(|it| it.list("from_clause")) {
            Some([from]) => from.text("relname") == rows.name && from.field("alias").is_none(),
            _ => false,
        };
        let count = effect.of.member.key().len();
        let plain = select.is_some_and(|it| {
            is_plain(&it.without("where_clause"), &["from_clause", "target_list"])
                && Self::is_of_written(rows, count, it.field("where_clause"), sources)
        });
        let insert = &Self::where_it_was_seen(effect.of.member, insert);
        let Some((keys, set)) = upsert(insert).filter(|_| from && plain) else {
            return self.fail("not an upsert of the rows that were read", &rows.name, insert);
        };
        let values = select.map(|it| it.list("target_list")).unwrap_or_default();
        let cols: Vec<&str> = insert.list("cols").iter().map(|it| it.text("name")).collect();
        if cols.len() != values.len() {
            return self.fail("another number of columns than values", &rows.name, insert);
        }
        let own = effect.of.member.key();
        let mut inserted = Vec::new();
        for (column, value) in cols.iter().zip(values) {
            let Some(value) = value.field("val").and_then(|it| stored(it, &rows.name)) else {
                return self.fail("another value is stored", column, insert);
            };
            match value {
                Stored::Key(at) if own.get(at) == Some(column) => {
                    inserted.push((*column).to_owned())
                }
                Stored::Key(_) => return self.fail("another key", column, insert),
                value if set.iter().any(|it| it == column) => {
                    effect.set.push(((*column).to_owned(), value));
                }
                value => effect.besides.push(((*column).to_owned(), value)),
            }
        }
        let own: Vec<String> = own.iter().map(|it| (*it).to_owned()).collect();
        let mut fields = insert.field_names();
        fields.retain(|field| *field != "returning_list");
        let plain = fields == ["cols", "on_conflict_clause", "override", "relation", "select_stmt"];
        let whole = same_names(&inserted, &own) && same_names(&keys, &own);
        match whole && plain && set.len() == effect.set.len() {
            true => Ok(()),
            false => self.fail("another key, or more than is inserted", &rows.name, insert),
        }
    }

    /// The tables that the phase says are written, each with all that the client assigns of it.
    pub(super) fn wanted(
        &self,
        rows: &Rows<'s, '_>,
        effects: &[Effect<'s>],
        client: &Tree,
    ) -> Check {
        let deletes = client.is("DeleteStmt");
        for member in &rows.of.joint.members {
            let mine = effects.iter().filter(|it| it.of.member.relation == member.relation);
            let mine: Vec<&Effect<'s>> = mine.collect();
            let wants = match deletes {
                true => self.deleted_in(rows.of, member),
                false => self.updated_in(rows.of, member, &rows.assigned),
            };
            let (Some((kind, columns)), [effect]) = (&wants, mine.as_slice()) else {
                if wants.is_none() && mine.is_empty() {
                    continue;
                }
                let why = format!("{} is written {} times", member.relation, mine.len());
                return self.fail(&why, client, &format!("{wants:?}"));
            };
            let mut set: Vec<(String, Stored)> = effect.set.clone();
            let mut expected: Vec<(String, Stored)> = columns
                .iter()
                .map(|(name, at)| (name.clone(), at.map_or(Stored::Nothing, Stored::New)))
                .collect();
            // DEFAULT that the client says itself, of a column that the server computes.
            let defaults = super::assignments(client).unwrap_or_default();
            let says_default =
                |at: usize| defaults.get(at).is_some_and(|(_, value)| value.is("SetToDefault"));
            for (name, value) in set.iter_mut().filter(|(_, value)| *value == Stored::Default) {
                let is_it = |(column, wanted): &(String, Stored)| {
                    column == name && matches!(wanted, Stored::New(at) if says_default(*at))
                };
                match expected.iter().position(is_it).and_then(|at| expected.get_mut(at)) {
                    Some((_, wanted)) => *wanted = Stored::Default,
                    None => *value = Stored::Nothing,
                }
            }
            set.sort_by(|one, other| one.0.cmp(&other.0));
            expected.sort_by(|one, other| one.0.cmp(&other.0));
            if effect.kind != *kind || set != expected {
                return self.fail(
                    &format!("{} gets something else", member.relation),
                    &format!("{kind} {expected:?}"),
                    &format!("{} {set:?}", effect.kind),
                );
            }
            for (column, value) in &effect.besides {
                let slot = member.slot(column);
                let kept = match value {
                    Stored::Nothing | Stored::Default => slot.is_some(),
                    Stored::Key(_) => false,
                    Stored::New(at) => self.is_what_was(rows, *at, slot),
                };
                if !kept {
                    return self.fail("another value is inserted", column, &format!("{value:?}"));
                }
            }
        }
        Ok(())
    }

    /// Whether the n-th of what is to be stored is what was there in that column.
    fn is_what_was(&self, rows: &Rows<'s, '_>, at: usize, slot: Option<&Slot>) -> bool {
        let own = rows.new.get(at).and_then(|it| pair(it));
        let own = own.filter(|(table, _)| *table == rows.alias && at >= rows.assigned.len());
        slot.is_some()
            && own.and_then(|(_, column)| rows.of.member.slot(&column).cloned()).as_ref() == slot
    }
}

/// A value over the rows that were read.
fn stored(value: &Tree, rows: &str) -> Option<Stored> {
    if value.is("SetToDefault") {
        return Some(Stored::Default);
    }
    if let Some((table, column)) = pair(value) {
        let number = |prefix: &str| column.strip_prefix(prefix)?.parse::<usize>().ok();
        let found = number("segue_key_").map(Stored::Key).or(number("segue_new_").map(Stored::New));
        return found.filter(|_| table == rows);
    }
    // NULL and defaults, with a cast; nothing of any row.
    let constant =
        value.nodes().all(|node| !["ColumnRef", "ParamRef", "SubLink"].contains(&node.tag()));
    constant.then_some(Stored::Nothing)
}
