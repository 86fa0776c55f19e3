//! From numbers to statements.

use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::choices::Choices;
use super::schema::Table;
use super::scope::{Field, Level};
use super::worlds::World;
use crate::corpus::{Entry, Step};
use crate::observe::Mode;

/// Most numbers that decide about one statement.
const NUMBERS: usize = 400;

/// Makes one statement.
#[derive(Debug)]
pub(super) struct Maker<'c> {
    pub(super) world: &'static World,
    pub(super) choices: Choices<'c>,
    /// Whether literals may be parameters.
    pub(super) parameters: bool,
    /// Their values.
    pub(super) values: Vec<Option<String>>,
    /// The CTEs in sight.
    pub(super) ctes: Vec<(String, Vec<Field>)>,
    /// The query levels in sight, the innermost last.
    pub(super) levels: Vec<Level>,
    /// How many aliases there have been.
    pub(super) aliases: usize,
    /// Whether something volatile is called.
    pub(super) called: bool,
    /// Inside an aggregate, which would be an outer query's if it had that one's columns.
    pub(super) aggregating: bool,
    /// Tables that it reads, by their names.
    pub(super) read: Vec<&'static str>,
    /// The table that it inserts into.
    pub(super) into: Option<&'static Table>,
}

/// One statement and how it is sent.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) entry: Entry,
    pub(super) mode: Mode,
}

/// The statement that these numbers stand for.
pub(super) fn case(world: &'static World, numbers: &[u16]) -> Case {
    let mut maker = Maker {
        world,
        choices: Choices::new(numbers),
        parameters: false,
        values: Vec::new(),
        ctes: Vec::new(),
        levels: Vec::new(),
        aliases: 0,
        called: false,
        aggregating: false,
        read: Vec::new(),
        into: None,
    };
    let mode = *maker.choices.one_of(&Mode::ALL).unwrap_or(&Mode::Simple);
    maker.parameters = mode != Mode::Simple;
    let (sql, ordered) = maker.statement();
    let (sql, values) = numbered(&sql, &maker.values);
    let step = Step { sql, values, ordered: Some(ordered), ..Step::default() };
    // What belongs to no row yet is a row of NULLs to some phases, and none to others (`docs/split-table.md`): it is not
    // to be read.
    let first = maker.into.filter(|it| !it.first.is_empty() && !maker.read.contains(&it.name));
    let first = first.map(|it| Step { sql: it.first.to_owned(), ..Step::default() });
    let steps = first.into_iter().chain([step]).collect();
    Case { entry: Entry { steps, ..Entry::of("") }, mode }
}

/// Numbers the parameters anew: some were made for parts that were not used.
fn numbered(sql: &str, values: &[Option<String>]) -> (String, Vec<Option<String>>) {
    let mut used: Vec<usize> = Vec::new();
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let number: usize = number.parse().expect("a parameter");
        let place = used.iter().position(|it| *it == number).unwrap_or_else(|| {
            used.push(number);
            used.len() - 1
        });
        text += &format!("${}{rest}", place + 1);
    }
    let values = used.iter().filter_map(|number| values.get(number - 1).cloned());
    (text, values.collect())
}

/// The numbers of case `number` of `seed`, as a tree of simpler ones.
pub(super) fn tree(seed: u64, number: usize) -> impl ValueTree<Value = Vec<u16>> {
    let seed = [seed.to_le_bytes(), (number as u64).to_le_bytes(), [0; 8], [0; 8]].concat();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let numbers = proptest::collection::vec(any::<u16>(), 0..NUMBERS);
    numbers.new_tree(&mut runner).expect("a strategy without filters")
}
