//! Answers to what a text executes: they must look as the statement's own outcome asks for, and
//! what is asked of a PREPARE is meant for its EXECUTE.

use std::sync::Arc;

use rewrite_rules::lens::Names;
use rewrite_rules::{Outcome, PositionMap, Reply, Rewritten};

use super::conversation::Conversation;
use super::plan::own_statement;
use super::sql_prepared::{Effect, Effects};

/// What the answer to one of the client's statements must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Which statement of its text, counted from 0.
    pub(super) place: usize,
    pub(super) reply: Reply,
    /// What errors may call by names that the client does not expect.
    pub(super) names: Names,
}

impl Answer {
    /// As it comes.
    pub(super) fn plain(place: usize) -> Self {
        Self { place, reply: Reply::default(), names: Names::default() }
    }

    fn is_plain(&self) -> bool {
        self.reply.is_plain() && self.names.is_empty()
    }

    /// The answer to a text that only executes a statement with that outcome.
    fn of(outcome: &Outcome, place: usize) -> Self {
        match outcome {
            Outcome::Rewritten(rewritten) => {
                let own = own_statement(outcome).unwrap_or(0);
                let reply = rewritten.replies.get(own).cloned().unwrap_or_default();
                Self { place, reply, names: rewritten.names.clone() }
            }
            Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => Self::plain(place),
        }
    }
}

/// What is asked of the answers to a text with that outcome, where some of its statements ask for
/// more than the text itself.
pub(super) fn with_answers(outcome: &Arc<Outcome>, answers: &[Answer]) -> Arc<Outcome> {
    let mut rewritten = match &**outcome {
        Outcome::Rewritten(rewritten) => rewritten.clone(),
        // Positions stay, and nothing is sent of it.
        Outcome::Forward | Outcome::ForwardOpaque => Rewritten {
            sql: String::new(),
            positions: PositionMap::default(),
            replies: Vec::new(),
            names: Names::default(),
        },
        Outcome::Refused(_) => return Arc::clone(outcome),
    };
    if answers.iter().all(Answer::is_plain) && rewritten.replies.is_empty() {
        return Arc::clone(outcome);
    }
    for Answer { place, reply, names } in answers {
        let mut own = rewritten.replies.iter().enumerate().filter(|(_, reply)| !reply.injected);
        let index = match own.nth(*place) {
            Some((index, _)) => index,
            // There are as many as statements, or none.
            None => {
                let length = place.saturating_add(1);
                rewritten.replies.resize_with(length, Reply::default);
                *place
            }
        };
        if let Some(slot) = rewritten.replies.get_mut(index) {
            *slot = Reply { start: slot.start, ..reply.clone() };
        }
        rewritten.names.columns.extend_from_slice(&names.columns);
        rewritten.names.constraints.extend_from_slice(&names.constraints);
        rewritten.names.relations.extend_from_slice(&names.relations);
        rewritten.names.taken.extend_from_slice(&names.taken);
    }
    Arc::new(Outcome::Rewritten(rewritten))
}

/// Whether rows come that are to be counted, all of them: the client expects none, so a limit of rows that it
/// sends means nothing.
pub(super) fn only_counts(outcome: Option<&Arc<Outcome>>) -> bool {
    match outcome.map(|outcome| &**outcome) {
        Some(Outcome::Rewritten(rewritten)) => rewritten.replies.iter().any(|it| it.only_counts),
        Some(Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_)) | None => false,
    }
}

impl Conversation {
    /// What a text with these effects asks of its answers, as the statements stand now.
    pub(super) fn answered(&self, outcome: &Arc<Outcome>, effects: &Effects) -> Arc<Outcome> {
        let Effects::Read(effects) = effects else { return Arc::clone(outcome) };
        let answers: Vec<Answer> =
            effects.iter().filter_map(|effect| self.answer_to(effect)).collect();
        with_answers(outcome, &answers)
    }

    /// What an effect asks of the answer to its statement, as the statements stand now.
    pub(super) fn answer_to(&self, effect: &Effect) -> Option<Answer> {
        match effect {
            Effect::Makes { place, .. } => Some(Answer::plain(*place)),
            Effect::Runs { name, place, alone: true, .. } => {
                let standing = self.statements.latest(name)?.standing.as_ref()?;
                Some(Answer::of(&standing.outcome, *place))
            }
            Effect::Runs { .. } | Effect::Drops(_) | Effect::DropsAll => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rewrite_rules::lens::Taken;

    use super::*;

    fn rewritten(replies: Vec<Reply>) -> Arc<Outcome> {
        Arc::new(Outcome::Rewritten(Rewritten {
            sql: "x".to_owned(),
            positions: PositionMap::default(),
            replies,
            names: Names::default(),
        }))
    }

    fn typed() -> Reply {
        Reply { row_types: vec![(0, 16_400)], ..Reply::default() }
    }

    fn replies(outcome: &Outcome) -> &[Reply] {
        match outcome {
            Outcome::Rewritten(rewritten) => &rewritten.replies,
            Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => &[],
        }
    }

    #[test]
    fn what_is_executed_is_answered_in_its_place() {
        let executed = Answer::of(&rewritten(vec![typed()]), 1);
        let outcome = with_answers(&Arc::new(Outcome::Forward), std::slice::from_ref(&executed));
        assert_eq!(replies(&outcome), [Reply::default(), typed()]);
        let hidden = Reply { injected: true, ..Reply::default() };
        let text = rewritten(vec![hidden.clone(), Reply::default(), hidden.clone(), typed()]);
        let outcome = with_answers(&text, &[executed.clone(), Answer::plain(0)]);
        assert_eq!(replies(&outcome), [hidden.clone(), Reply::default(), hidden, typed()]);
        assert_eq!(replies(&with_answers(&rewritten(Vec::new()), &[executed])).len(), 2);
    }

    #[test]
    fn what_is_executed_is_reported_by_its_own_names() {
        let pair = || vec![("its".to_owned(), "own".to_owned())];
        let taken = Taken {
            relation: "user_preferences".to_owned(),
            column: "has_email".to_owned(),
            constraint: "email_preferences_pkey".to_owned(),
            client_schema: "public".to_owned(),
            client_relation: "email_preferences".to_owned(),
            key: vec!["user_id".to_owned()],
        };
        let names =
            Names { columns: pair(), constraints: pair(), relations: pair(), taken: vec![taken] };
        let answer = Answer { names: names.clone(), ..Answer::plain(0) };
        let outcome = with_answers(&Arc::new(Outcome::Forward), &[answer]);
        assert!(matches!(&*outcome, Outcome::Rewritten(rewritten) if rewritten.names == names));
    }

    #[test]
    fn a_prepare_itself_is_answered_as_it_comes() {
        let outcome = with_answers(&rewritten(vec![typed()]), &[Answer::plain(0)]);
        assert_eq!(replies(&outcome), [Reply::default()]);
        let plain = Arc::new(Outcome::Forward);
        assert_eq!(with_answers(&plain, &[Answer::plain(3)]), plain);
    }
}
