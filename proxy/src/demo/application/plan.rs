//! Decides what a worker asks next, and what the answer must be.

use std::collections::BTreeMap;

use super::model::{Model, Record};
use super::random::Random;
use super::statement::{Statement, Value};

/// One cell of an answer in text form; `None` is NULL.
pub(super) type Cell = Option<String>;

/// What an answer must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// Exactly these rows. A row may be shorter than the answer's: the rest is not compared.
    Rows(Vec<Vec<Cell>>),
    /// This many rows written.
    Count(u64),
}

/// A statement with its parameters and the answer that it must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) statement: Statement,
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
#[derive(Debug, Clone, PartialEq, Eq)]
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

const STATEMENTS: [(u64, Statement); 12] = [
    (32, Statement::ReadById),
    (20, Statement::ReadByName),
    (10, Statement::ReadStar),
    (4, Statement::ReadSorted),
    (5, Statement::Insert),
    (3, Statement::InsertReturning),
    (7, Statement::Rename),
    (4, Statement::RenameReturning),
    (5, Statement::Touch),
    (6, Statement::Upsert),
    (2, Statement::Delete),
    (2, Statement::DeleteReturning),
];

/// Fewest and most statements of a pipeline.
const PIPELINE: (u64, u64) = (3, 8);

/// One transaction in this many is rolled back.
const ROLLBACK_ONE_IN: u64 = 5;

/// One upsert in this many meets no row and inserts one.
const UPSERT_INSERTS_ONE_IN: u64 = 3;

/// Chooses the next unit and carries it out on the model, as if it had succeeded.
pub(super) fn next_unit(model: &mut Model, random: &mut Random) -> Unit {
    let style = random.weighted(&STYLES).unwrap_or(Style::Simple);
    let mut unit = Unit { style, requests: Vec::new(), touched: BTreeMap::new() };
    match style {
        Style::Simple | Style::Prepared | Style::Unnamed => unit.ask(model, random),
        Style::Pipelined => {
            let (fewest, most) = PIPELINE;
            for _ in 0..fewest + random.below(most - fewest + 1) {
                unit.ask(model, random);
            }
        }
        Style::Transaction => unit.ask_in_transaction(model, random),
    }
    unit
}

impl Unit {
    fn ask(&mut self, model: &mut Model, random: &mut Random) {
        let statement = random.weighted(&STATEMENTS).unwrap_or(Statement::ReadById);
        let known = model.draw(random).map(|(id, record)| (id, record.clone()));
        // A worker whose rows are all deleted can only insert.
        let request = match known {
            Some((id, record)) => self.about(statement, id, record, model, random),
            None => self.insert(Statement::Insert, model),
        };
        self.requests.push(request);
    }

    /// A write, a read of what was written, and the end.
    fn ask_in_transaction(&mut self, model: &mut Model, random: &mut Random) {
        let Some((id, record)) = model.draw(random).map(|(id, record)| (id, record.clone())) else {
            return self.ask(model, random);
        };
        let rename = self.about(Statement::Rename, id, record.clone(), model, random);
        let renamed = model.get(id).cloned().unwrap_or_else(|| record.clone());
        let read = self.about(Statement::ReadById, id, renamed.clone(), model, random);
        let read_by_name = self.about(Statement::ReadByName, id, renamed, model, random);
        let back = random.below(ROLLBACK_ONE_IN) == 0;
        let end = if back { Statement::Rollback } else { Statement::Commit };
        if back {
            model.set(id, Some(record));
        }
        self.requests.extend([plain(Statement::Begin), rename, read, read_by_name, plain(end)]);
    }

    /// `statement` about one existing row.
    fn about(
        &mut self,
        statement: Statement,
        id: i64,
        record: Record,
        model: &mut Model,
        random: &mut Random,
    ) -> Request {
        match statement {
            Statement::ReadById | Statement::ReadStar => read_row(statement, id, record),
            Statement::ReadByName => read_by_name(id, record),
            Statement::ReadSorted => read_sorted(id, record, model, random),
            Statement::Insert | Statement::InsertReturning => self.insert(statement, model),
            Statement::Upsert => self.upsert(id, record, model, random),
            Statement::Rename => self.rename(id, record, model),
            Statement::RenameReturning => self.rename_returning(id, record, model),
            Statement::Touch => self.touch(id, record, model),
            Statement::Delete => self.delete(id, record, model),
            Statement::DeleteReturning => self.delete_returning(id, record, model),
            Statement::Begin | Statement::Commit | Statement::Rollback => plain(statement),
        }
    }

    fn insert(&mut self, statement: Statement, model: &mut Model) -> Request {
        let id = model.fresh_id();
        let username = model.fresh_name();
        let with_bio = statement == Statement::InsertReturning;
        let record = Record {
            email: format!("{id}@new.example.com"),
            bio: with_bio.then(|| format!("new as {username}")),
            username,
            updates: 0,
        };
        self.write(model, id, Some(record.clone()));
        let mut values = vec![
            Value::Number(id),
            Value::Text(record.username.clone()),
            Value::Text(record.email),
        ];
        if !with_bio {
            return request(statement, values, Expected::Count(1));
        }
        values.extend(record.bio.map(Value::Text));
        let row = vec![Some(id.to_string()), Some(record.username), Some("0".to_owned())];
        request(statement, values, Expected::Rows(vec![row]))
    }

    fn upsert(
        &mut self,
        id: i64,
        mut record: Record,
        model: &mut Model,
        random: &mut Random,
    ) -> Request {
        if random.below(UPSERT_INSERTS_ONE_IN) == 0 {
            let mut inserted = self.insert(Statement::Insert, model);
            inserted.statement = Statement::Upsert;
            return inserted;
        }
        let unused_id = model.fresh_id();
        record.email = format!("{unused_id}@upsert.example.com");
        record.updates += 1;
        let values = vec![
            Value::Number(unused_id),
            Value::Text(record.username.clone()),
            Value::Text(record.email.clone()),
        ];
        self.write(model, id, Some(record));
        request(Statement::Upsert, values, Expected::Count(1))
    }

    fn touch(&mut self, id: i64, mut record: Record, model: &mut Model) -> Request {
        let bio = format!("touched by {}", model.fresh_name());
        let values = vec![Value::Text(record.username.clone()), Value::Text(bio.clone())];
        record.bio = Some(bio);
        record.updates += 1;
        self.write(model, id, Some(record));
        request(Statement::Touch, values, Expected::Count(1))
    }

    fn rename(&mut self, id: i64, mut record: Record, model: &mut Model) -> Request {
        record.username = model.fresh_name();
        record.updates += 1;
        let values = vec![Value::Number(id), Value::Text(record.username.clone())];
        self.write(model, id, Some(record));
        request(Statement::Rename, values, Expected::Count(1))
    }

    fn rename_returning(&mut self, id: i64, mut record: Record, model: &mut Model) -> Request {
        let name = model.fresh_name();
        let before = std::mem::replace(&mut record.username, name.clone());
        record.updates += 1;
        let row = vec![Some(name.clone()), Some(record.updates.to_string())];
        self.write(model, id, Some(record));
        let values = vec![Value::Text(before), Value::Text(name)];
        request(Statement::RenameReturning, values, Expected::Rows(vec![row]))
    }

    fn delete(&mut self, id: i64, record: Record, model: &mut Model) -> Request {
        self.write(model, id, None);
        let values = vec![Value::Text(record.username)];
        request(Statement::Delete, values, Expected::Count(1))
    }

    fn delete_returning(&mut self, id: i64, record: Record, model: &mut Model) -> Request {
        self.write(model, id, None);
        let rows = vec![vec![Some(record.username)]];
        request(Statement::DeleteReturning, vec![Value::Number(id)], Expected::Rows(rows))
    }

    /// Changes the model, and remembers what the row was and may be.
    fn write(&mut self, model: &mut Model, id: i64, record: Option<Record>) {
        let before = model.get(id).cloned();
        let states = self.touched.entry(id).or_insert_with(|| vec![before]);
        states.push(record.clone());
        model.set(id, record);
    }
}

fn request(statement: Statement, values: Vec<Value>, expected: Expected) -> Request {
    Request { statement, values, expected }
}

/// A statement without parameters that answers with its tag only.
fn plain(statement: Statement) -> Request {
    request(statement, Vec::new(), Expected::Count(0))
}

/// `SELECT *` also gives created_at, which the server filled in and nobody compares.
fn read_row(statement: Statement, id: i64, record: Record) -> Request {
    let updates = Some(record.updates.to_string());
    let row =
        vec![Some(id.to_string()), Some(record.username), Some(record.email), record.bio, updates];
    request(statement, vec![Value::Number(id)], Expected::Rows(vec![row]))
}

fn read_by_name(id: i64, record: Record) -> Request {
    let values = vec![Value::Text(record.username.clone())];
    let row = vec![Some(id.to_string()), Some(record.username), Some(record.email)];
    request(Statement::ReadByName, values, Expected::Rows(vec![row]))
}

/// Three rows, or fewer where one is drawn twice.
fn read_sorted(id: i64, record: Record, model: &Model, random: &mut Random) -> Request {
    let mut ids = vec![id];
    let mut names = vec![record.username];
    for _ in 0..2 {
        let (other, record) = model.draw(random).unzip();
        let other = other.unwrap_or(id);
        if !ids.contains(&other) {
            names.extend(record.map(|record| record.username.clone()));
        }
        ids.push(other);
    }
    // The demo's database sorts by bytes.
    names.sort_unstable_by(|a, b| b.cmp(a));
    let rows = names.into_iter().map(|name| vec![Some(name)]).collect();
    let values = ids.into_iter().map(Value::Number).collect();
    request(Statement::ReadSorted, values, Expected::Rows(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rolled_back_transaction_leaves_the_model_as_it_was() {
        let mut model = Model::seeded(0, 1, 20);
        let mut random = Random::new(3);
        let mut rolled_back = 0;
        for _ in 0..200 {
            let mut unit =
                Unit { style: Style::Transaction, requests: Vec::new(), touched: BTreeMap::new() };
            unit.ask_in_transaction(&mut model, &mut random);
            let (id, states) = unit.touched.first_key_value().unwrap();
            let last = unit.requests.last().unwrap().statement;
            let expected = if last == Statement::Rollback { &states[0] } else { &states[1] };
            rolled_back += usize::from(last == Statement::Rollback);
            assert_eq!(model.get(*id), expected.as_ref());
        }
        assert!((10..100).contains(&rolled_back));
    }

    #[test]
    fn every_statement_and_style_occurs() {
        let mut model = Model::seeded(0, 1, 1_000);
        let mut random = Random::new(5);
        let mut statements = std::collections::HashSet::new();
        let mut styles = Vec::new();
        for _ in 0..3_000 {
            let unit = next_unit(&mut model, &mut random);
            if !styles.contains(&unit.style) {
                styles.push(unit.style);
            }
            for request in unit.requests {
                let values = request.values.len();
                assert_eq!(values, request.statement.parameters().len(), "{request:?}");
                statements.insert(request.statement);
            }
        }
        assert_eq!((statements.len(), styles.len()), (Statement::PREPARED.len() + 3, 5));
    }
}
