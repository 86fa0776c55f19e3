//! Tables whose rows are parts of one table's: what all statements over them share.

use sqlparser::ast::{CascadeOption, Truncate, TruncateIdentityOption};

use super::apart::Apart;
use super::joined::relation;
use super::{Relation, Rewriter, Walk};
use crate::catalog::RelationName;
use crate::edit::Piece;
use crate::lens::{Among, Lens};
use crate::name::{self, quoted};
use crate::outcome::{Outcome, Raised, Reply};
use crate::refusal::{Construct, Refusal};

/// The tag of a TRUNCATE, which has no count.
const TRUNCATED: &str = "TRUNCATE TABLE";

impl Rewriter<'_> {
    /// Two parts of one row that one statement writes: the second write would be lost.
    pub(super) fn check_parts(&self) -> Walk<()> {
        let merged = self.written.iter().filter(|(_, lens, _)| lens.is_merged());
        for (statement, lens, start) in merged {
            let others = self.written.iter().filter(|(number, other, _)| {
                number == statement && other.relation != lens.relation
            });
            let own = tables(lens);
            if others.flat_map(|(_, other, _)| tables(other)).any(|table| own.contains(&table)) {
                return self.refuse_half(Construct::MergedParts, lens, *start);
            }
        }
        self.check_moved()
    }

    /// A row that gets a new key is found again by what it was before.
    fn check_moved(&self) -> Walk<()> {
        for (statement, lens, start) in &self.moved {
            let writes = self.written.iter().filter(|(number, other, _)| {
                number == statement && other.relation == lens.relation
            });
            if writes.count() > 1 {
                return self.refuse_half(Construct::MergedKeyAgain, lens, *start);
            }
        }
        Ok(())
    }
}

/// All that a write of a table reaches.
fn tables(lens: &Lens) -> Vec<&RelationName> {
    let beside = lens.beside.iter().map(|beside| &beside.relation);
    std::iter::once(lens.physical()).chain(beside).collect()
}

impl<'a> Rewriter<'a> {
    /// The merged table that a TRUNCATE empties, if it does nothing else.
    pub(super) fn truncates_merged(&mut self, truncate: &Truncate) -> Option<&'a Lens> {
        let [only] = truncate.table_names.as_slice() else { return None };
        let parts = name::parts(&only.name)?;
        let Relation::Governed(lens) = self.written_relation(&parts) else { return None };
        let reaches_more = matches!(truncate.cascade, Some(CascadeOption::Cascade))
            || matches!(truncate.identity, Some(TruncateIdentityOption::Restart));
        let is_plain = !reaches_more && truncate.partitions.is_none();
        (lens.is_merged() && is_plain).then_some(lens)
    }

    /// A part of a table cannot be truncated: its rows are deleted, where PostgreSQL would truncate it, once nobody
    /// else is at them.
    pub(super) fn empty_merged(&mut self, lens: &Lens) -> Walk<()> {
        let (may, raised) = may_truncate(lens);
        let delete = format!("DELETE FROM {} WHERE {may}", relation(&lens.relation));
        let (sql, only_counts) = match super::rewrite(self.generation, &delete, self.session) {
            Outcome::Rewritten(rewritten) => {
                let only_counts = rewritten.replies.iter().any(|reply| reply.only_counts);
                (rewritten.sql, only_counts)
            }
            Outcome::Refused(refusal) => {
                return Err(Box::new(Refusal { position: None, ..refusal }));
            }
            Outcome::Forward | Outcome::ForwardOpaque => {
                return self.refuse(Construct::MergedCommand);
            }
        };
        let last = self.current.1.checked_sub(1).and_then(|last| self.lexeme(last));
        let (Some(first), Some(last)) = (self.lexeme(self.current.0), last) else {
            return self.refuse(Construct::Unreadable);
        };
        let (start, end) = (first.start, last.end);
        self.edits.replace(start, end, vec![Piece::Hidden(alone(lens)), sql.into()]);
        let injected = Reply { injected: true, ..Reply::default() };
        self.around.insert(self.statement, (vec![injected], Vec::new()));
        let reply = self.replies.entry(self.statement).or_default();
        (reply.command, reply.only_counts) = (Some(TRUNCATED), only_counts);
        reply.raised.extend(raised);
        Ok(())
    }
}

/// The statement before it, that waits for all who write the rows, as TRUNCATE does; who reads them goes on, and sees
/// them until this is committed. In a block, since a client that begins no transaction has one for its whole batch all
/// the same, in which LOCK TABLE by itself is refused. Who may not lock a table, having privileges on columns alone, is
/// told nothing of it: it is not that table that the client named.
fn alone(lens: &Lens) -> String {
    let beside: Vec<&RelationName> = lens.beside.iter().map(|beside| &beside.relation).collect();
    let is_written = lens.physical() == &lens.relation || beside.contains(&&lens.relation);
    let locked = match (lens.is_gathered(), is_written) {
        (true, _) => [beside, vec![&lens.relation]].concat(),
        (false, true) => vec![&lens.relation],
        (false, false) => vec![lens.physical()],
    };
    let locks = locked.into_iter().map(|table| {
        let table = relation(table);
        let named = table.replace('\'', "''");
        format!(
            "IF pg_catalog.has_table_privilege('{named}', 'UPDATE, DELETE, TRUNCATE') THEN \
             LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE; END IF; "
        )
    });
    format!("DO $segue$BEGIN {}END$segue$; ", locks.collect::<String>())
}

/// The condition that PostgreSQL would truncate the table, by which the statement ends itself otherwise: a DELETE goes
/// on to the rows of other tables that refer to it, needs another privilege, and leaves what a policy hides.
fn may_truncate(lens: &Lens) -> (String, [Raised; 3]) {
    let table = |name: &RelationName| {
        format!("pg_catalog.to_regclass('{}')", relation(name).replace('\'', "''"))
    };
    let own = table(&lens.relation);
    let beside: Vec<String> = lens.beside.iter().map(|beside| table(&beside.relation)).collect();
    // Of the other tables a client of the old shape deletes no rows.
    let emptied = match lens.is_gathered() {
        true => std::iter::once(&own).chain(&beside).cloned().collect::<Vec<_>>().join(", "),
        false => own.clone(),
    };
    let all = [own.clone(), table(lens.physical())].into_iter().chain(beside);
    let hidden: Vec<String> =
        all.map(|table| format!("pg_catalog.row_security_active({table})")).collect();
    let raised = Raised::not_truncated(lens);
    let [denied, hides, referenced] = raised.each_ref().map(|raised| {
        format!(
            "CAST(pg_catalog.concat('{} ', pg_catalog.pg_backend_pid()) AS boolean)",
            raised.word
        )
    });
    let condition = format!(
        "CASE WHEN NOT pg_catalog.has_table_privilege({own}, 'TRUNCATE') THEN {denied} WHEN {} THEN {hides} \
         WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS segue_reference WHERE segue_reference.contype = 'f' \
         AND segue_reference.confrelid IN ({emptied}) AND segue_reference.conrelid NOT IN ({emptied})) \
         THEN {referenced} ELSE true END",
        hidden.join(" OR "),
    );
    (condition, raised)
}

impl Apart<'_> {
    /// Puts the part of the rows of the CTE `rows` back to the defaults: the rest of each is other tables'.
    pub(super) fn reset(&self, among: &Among, rows: &str) -> String {
        let columns = among.part.iter().chain(&among.present);
        let set = columns.map(|column| format!("{} = DEFAULT", quoted(column)));
        format!(
            "UPDATE {} AS {} SET {} FROM {rows} WHERE {}",
            self.table(None),
            self.target,
            set.collect::<Vec<String>>().join(", "),
            self.same_key(None, rows)
        )
    }
}
