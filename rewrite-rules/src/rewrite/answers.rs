//! What the answers to the statements of the result must look like.

use super::Rewriter;
use crate::outcome::{Reply, Rewritten};
use crate::statement;

impl Rewriter<'_> {
    /// One for each statement of the result, in order; empty if all are relayed as they come.
    pub(super) fn all_replies(&mut self) -> Vec<Reply> {
        let mut own = std::mem::take(&mut self.replies);
        let mut around = std::mem::take(&mut self.around);
        let mut replies = Vec::new();
        for statement in 0..=self.statement {
            let (before, behind) = around.remove(&statement).unwrap_or_default();
            replies.extend(before);
            replies.push(own.remove(&statement).unwrap_or_default());
            replies.extend(behind);
        }
        if replies.iter().all(Reply::is_plain) { Vec::new() } else { replies }
    }
}

/// Notes where the statements begin whose answers need something.
pub(super) fn place(rewritten: &mut Rewritten) -> Result<(), &'static str> {
    if rewritten.replies.is_empty() {
        return Ok(());
    }
    let starts = statement::starts(&rewritten.sql);
    if starts.len() != rewritten.replies.len() {
        return Err("the number of answers differs from that of the statements");
    }
    for (reply, start) in rewritten.replies.iter_mut().zip(starts) {
        reply.start = start;
    }
    Ok(())
}
