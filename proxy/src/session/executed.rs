//! Answers to what a text executes: they must look as the statement's own outcome asks for, and
//! what is asked of a PREPARE is meant for its EXECUTE.

use std::sync::Arc;

use rewrite_rules::naming::{Mention, Mentions};
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
    pub(super) mentions: Arc<Mentions>,
}

impl Answer {
    /// As it comes.
    pub(super) fn plain(place: usize) -> Self {
        Self { place, reply: Reply::default(), mentions: Arc::default() }
    }

    fn is_plain(&self) -> bool {
        self.reply.is_plain() && self.mentions.relations.is_empty()
    }

    /// The answer to a text that only executes a statement with that outcome.
    fn of(outcome: &Outcome, place: usize) -> Self {
        match outcome {
            Outcome::Rewritten(rewritten) => {
                let own = own_statement(outcome).unwrap_or(0);
                let reply = rewritten.replies.get(own).cloned().unwrap_or_default();
                Self { place, reply, mentions: Arc::clone(&rewritten.mentions) }
            }
            Outcome::Forward | Outcome::ForwardOpaque | Outcome::Refused(_) => Self::plain(place),
        }
    }
}

/// What is asked of the answers to a text with that outcome, where some of its statements ask for
/// more than the text itself.
pub(super) fn with_answers(outcome: &Arc<Outcome>, answers: &[Answer]) -> Arc<Outcome> {
    if answers.is_empty() {
        return Arc::clone(outcome);
    }
    let mut rewritten = match &**outcome {
        Outcome::Rewritten(rewritten) => rewritten.clone(),
        // Positions stay, and nothing is sent of it.
        Outcome::Forward | Outcome::ForwardOpaque => Rewritten {
            sql: String::new(),
            positions: PositionMap::default(),
            replies: Vec::new(),
            mentions: Arc::default(),
        },
        Outcome::Refused(_) => return Arc::clone(outcome),
    };
    if answers.iter().all(Answer::is_plain) && rewritten.replies.is_empty() {
        return Arc::clone(outcome);
    }
    let mut mentioned = Mentions::clone(&rewritten.mentions);
    for Answer { place, reply, mentions } in answers {
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
        // The statement that is executed stands where the EXECUTE does.
        let its = mentions.relations.iter().cloned();
        mentioned.relations.extend(its.map(|mention| Mention { statement: *place, ..mention }));
        mentioned.words.extend_from_slice(&mentions.words);
    }
    rewritten.mentions = Arc::new(mentioned);
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
    use super::*;

    fn rewritten(replies: Vec<Reply>) -> Arc<Outcome> {
        Arc::new(Outcome::Rewritten(Rewritten {
            sql: "x".to_owned(),
            positions: PositionMap::default(),
            replies,
            mentions: Arc::default(),
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
        let mention = |statement| Mention {
            statement,
            qualifier: Some("users".to_owned()),
            is_written: true,
            names: Arc::default(),
        };
        let mentions = |statement| Mentions {
            relations: vec![mention(statement)],
            words: vec!["handle".to_owned()],
        };
        let answer = Answer { mentions: Arc::new(mentions(0)), ..Answer::plain(2) };
        let outcome = with_answers(&Arc::new(Outcome::Forward), &[answer]);
        let Outcome::Rewritten(rewritten) = &*outcome else { panic!("it is answered as it comes") };
        assert_eq!(*rewritten.mentions, mentions(2));
    }

    #[test]
    fn a_prepare_itself_is_answered_as_it_comes() {
        let outcome = with_answers(&rewritten(vec![typed()]), &[Answer::plain(0)]);
        assert_eq!(replies(&outcome), [Reply::default()]);
        let plain = Arc::new(Outcome::Forward);
        assert_eq!(with_answers(&plain, &[Answer::plain(3)]), plain);
    }
}
