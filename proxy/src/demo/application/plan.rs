//! Decides what a worker asks next, and what the answer must be.

use std::collections::BTreeMap;

use super::model::Model;
use super::random::Random;
use super::record::Record;
use super::statement::{self, Statement, Value};
use super::turn::{Act, Ask, Behaviour, Call, Expected, Turn};

/// A statement with its parameters and the answer that it must get.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) statement: &'static Statement,
    pub(super) values: Vec<Value>,
    pub(super) expected: Expected,
}

/// How a unit is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// The simple query protocol, values in the text.
    Simple,
    /// A statement prepared when the connection opened.
    Prepared,
    /// An unnamed statement, parsed for this one execution.
    Unnamed,
    /// Several prepared statements without waiting for the answers in between.
    Pipelined,
    /// A transaction of prepared statements.
    Transaction,
}

/// What is sent before the answers are awaited.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) style: Style,
    pub(super) requests: Vec<Request>,
    /// Each row that the unit writes, with every state that it may be found in should the unit
    /// fail half-way; the first is that before the unit.
    pub(super) touched: BTreeMap<i64, Vec<Option<Record>>>,
}

const STYLES: [(u64, Style); 5] = [
    (24, Style::Simple),
    (36, Style::Prepared),
    (16, Style::Unnamed),
    (6, Style::Pipelined),
    (4, Style::Transaction),
];

/// Fewest and most statements of a pipeline.
const PIPELINE: (u64, u64) = (3, 8);

/// One transaction in this many is rolled back.
const ROLLBACK_ONE_IN: u64 = 5;

/// Chooses the next unit and carries it out on the model, as if it had succeeded.
pub(super) fn next_unit(behaviour: &Behaviour, model: &mut Model, random: &mut Random) -> Unit {
    let style = random.weighted(&STYLES).unwrap_or(Style::Simple);
    let mut unit = Unit::new(style);
    match style {
        Style::Simple | Style::Prepared | Style::Unnamed => unit.ask(behaviour, model, random),
        Style::Pipelined => {
            let (fewest, most) = PIPELINE;
            for _ in 0..fewest + random.below(most - fewest + 1) {
                unit.ask(behaviour, model, random);
            }
        }
        Style::Transaction => unit.ask_in_transaction(behaviour, model, random),
    }
    unit
}

impl Unit {
    /// Nothing yet.
    pub(super) fn new(style: Style) -> Self {
        Self { style, requests: Vec::new(), touched: BTreeMap::new() }
    }

    fn ask(&mut self, behaviour: &Behaviour, model: &mut Model, random: &mut Random) {
        let chosen = random.weighted(behaviour.acts);
        let known = model.draw(random).map(|(id, record)| (id, record.clone()));
        // A worker whose rows are all deleted can only make some.
        let makes = |act: &Act| matches!(act.ask, Ask::New(_));
        let act = match known {
            Some(_) => chosen,
            None => behaviour.acts.iter().map(|(_, act)| *act).find(makes),
        };
        if let Some(act) = act {
            self.say(act, known, model, random);
        }
    }

    /// What is done to one row in a transaction, and the end.
    fn ask_in_transaction(
        &mut self,
        behaviour: &Behaviour,
        model: &mut Model,
        random: &mut Random,
    ) {
        let Some((id, _)) = model.draw(random) else {
            return self.ask(behaviour, model, random);
        };
        self.requests.push(plain(&statement::BEGIN));
        for act in behaviour.transaction {
            let known = model.get(id).map(|record| (id, record.clone()));
            self.say(*act, known, model, random);
        }
        if random.below(ROLLBACK_ONE_IN) != 0 {
            return self.requests.push(plain(&statement::COMMIT));
        }
        for (id, states) in &self.touched {
            model.set(*id, states.first().cloned().flatten());
        }
        self.requests.push(plain(&statement::ROLLBACK));
    }

    /// One statement, about a row that exists if it is about one.
    fn say(
        &mut self,
        Act { statement, ask }: Act,
        known: Option<(i64, Record)>,
        model: &mut Model,
        random: &mut Random,
    ) {
        let mut turn = Turn { model, random, touched: &mut self.touched };
        let Call { values, expected } = match (ask, known) {
            (Ask::New(ask), _) => ask(&mut turn),
            (Ask::Of(ask), Some((id, record))) => ask(&mut turn, id, record),
            (Ask::Of(_), None) => return,
        };
        self.requests.push(Request { statement, values, expected });
    }
}

/// A statement without parameters that answers with its tag only.
fn plain(statement: &'static Statement) -> Request {
    Request { statement, values: Vec::new(), expected: Expected::Count(0) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::statement::ROLLBACK;
    use super::*;
    use crate::demo::scenario::Scenario;

    fn every() -> impl Iterator<Item = &'static Behaviour> {
        Scenario::ALL.iter().map(|scenario| &scenario.script().application)
    }

    #[test]
    fn a_rolled_back_transaction_leaves_the_model_as_it_was() {
        for behaviour in every() {
            let mut model = Model::new((0, 1), 20, behaviour.filled);
            let mut random = Random::new(3);
            let mut rolled_back = 0;
            for _ in 0..200 {
                let mut unit = Unit::new(Style::Transaction);
                unit.ask_in_transaction(behaviour, &mut model, &mut random);
                let (id, states) = unit.touched.first_key_value().unwrap();
                let back = unit.requests.last().unwrap().statement.text == ROLLBACK.text;
                let expected = if back { states.first() } else { states.last() };
                rolled_back += usize::from(back);
                assert_eq!(model.get(*id), expected.unwrap().as_ref());
                assert_ne!(states.first(), states.last(), "a transaction writes");
            }
            assert!((10..100).contains(&rolled_back));
        }
    }

    #[test]
    fn every_statement_and_style_occurs() {
        for behaviour in every() {
            let mut model = Model::new((0, 1), 1_000, behaviour.filled);
            let mut random = Random::new(5);
            let mut statements = HashSet::new();
            let mut styles = Vec::new();
            for _ in 0..3_000 {
                let unit = next_unit(behaviour, &mut model, &mut random);
                if !styles.contains(&unit.style) {
                    styles.push(unit.style);
                }
                for request in unit.requests {
                    let (values, types) =
                        (request.values.len(), request.statement.parameters.len());
                    assert_eq!(values, types, "{request:?}");
                    statements.insert(request.statement.text);
                }
            }
            let prepared: HashSet<&str> = behaviour.prepared().map(|it| it.text).collect();
            assert_eq!((statements.len(), styles.len()), (prepared.len() + 3, 5));
        }
    }

    #[test]
    fn who_has_no_rows_left_makes_some() {
        for behaviour in every() {
            let mut model = Model::new((0, 1), 0, behaviour.filled);
            let mut random = Random::new(1);
            let unit = next_unit(behaviour, &mut model, &mut random);
            assert!(!unit.touched.is_empty(), "{unit:?}");
        }
    }
}
