//! What one worker knows must be in the table: its own rows, after every write that it saw
//! acknowledged.
//!
//! Each worker owns the ids that leave its number when divided by the number of workers, and names
//! that only it uses, so what it expects is exact although all of them write at once.

use std::collections::HashMap;

use super::random::Random;
use super::record::Record;

/// The rows of one worker.
#[derive(Debug)]
pub(in crate::demo) struct Model {
    rows: HashMap<i64, (Record, usize)>,
    /// The ids of `rows` in any order, to draw one; each row knows its place here.
    ids: Vec<i64>,
    next_id: i64,
    step: i64,
    worker: usize,
    names_given: u64,
}

impl Model {
    /// The rows of worker number `worker` of `workers` that the table was `filled` with.
    pub(in crate::demo) fn new(
        (worker, workers): (usize, usize),
        rows: i64,
        filled: fn(i64) -> Record,
    ) -> Self {
        let step = i64::try_from(workers).unwrap_or(1).max(1);
        let first = i64::try_from(worker).unwrap_or(0);
        // Ids start at 1; the worker's first id is the first that leaves its number.
        let first = if first == 0 { step } else { first };
        let mut model = Self {
            rows: HashMap::new(),
            ids: Vec::new(),
            next_id: first,
            step,
            worker,
            names_given: 0,
        };
        while model.next_id <= rows {
            let id = model.next_id;
            model.set(id, Some(filled(id)));
            model.next_id += step;
        }
        model
    }

    /// A row that exists, drawn at random.
    pub(super) fn draw(&self, random: &mut Random) -> Option<(i64, &Record)> {
        let id = *self.ids.get(random.place(self.ids.len()))?;
        Some((id, self.get(id)?))
    }

    /// The row with `id`.
    pub(super) fn get(&self, id: i64) -> Option<&Record> {
        self.rows.get(&id).map(|(record, _)| record)
    }

    /// An id that no row ever had.
    pub(super) fn fresh_id(&mut self) -> i64 {
        let id = self.next_id;
        self.next_id += self.step;
        id
    }

    /// A name that no row ever had.
    pub(super) fn fresh_name(&mut self) -> String {
        self.names_given += 1;
        // Quotes and letters beyond ASCII, so that no step of the way may be careless.
        let flavour = ["", "_o'hara", "_Zoë", "_名"];
        let place = usize::try_from(self.names_given % 16).unwrap_or(0);
        let flavour = flavour.get(place).copied().unwrap_or("");
        format!("w{}_{}{flavour}", self.worker, self.names_given)
    }

    /// Puts a row there, or takes it away.
    pub(super) fn set(&mut self, id: i64, record: Option<Record>) {
        match (record, self.rows.get_mut(&id)) {
            (Some(record), Some((known, _))) => *known = record,
            (Some(record), None) => {
                self.rows.insert(id, (record, self.ids.len()));
                self.ids.push(id);
            }
            (None, Some(_)) => self.remove(id),
            (None, None) => {}
        }
    }

    fn remove(&mut self, id: i64) {
        let Some((_, place)) = self.rows.remove(&id) else { return };
        self.ids.swap_remove(place);
        if let Some(moved) = self.ids.get(place)
            && let Some((_, its_place)) = self.rows.get_mut(moved)
        {
            *its_place = place;
        }
    }

    /// All rows, in any order.
    pub(in crate::demo) fn into_rows(self) -> impl Iterator<Item = (i64, Record)> {
        self.rows.into_iter().map(|(id, (record, _))| (id, record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(worker: usize, workers: usize, rows: i64) -> Model {
        Model::new((worker, workers), rows, |id| Record::new([Some(id.to_string())]))
    }

    #[test]
    fn workers_share_the_seeded_rows_without_overlap() {
        let mut all: Vec<i64> = (0..3)
            .flat_map(|worker| model(worker, 3, 10).into_rows().collect::<Vec<_>>())
            .map(|(id, _)| id)
            .collect();
        all.sort_unstable();
        assert_eq!(all, (1..=10).collect::<Vec<_>>());
        let mut fresh: Vec<i64> = (0..3).map(|worker| model(worker, 3, 10).fresh_id()).collect();
        fresh.sort_unstable();
        assert_eq!(fresh, [11, 12, 13]);
    }

    #[test]
    fn drawing_finds_exactly_the_rows_that_exist() {
        let mut model = model(0, 1, 50);
        for id in (1..=50).filter(|id| id % 5 != 0) {
            model.set(id, None);
        }
        let mut random = Random::new(1);
        let mut seen: Vec<i64> =
            (0..1_000).filter_map(|_| model.draw(&mut random)).map(|(id, _)| id).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, (1..=10).map(|n| n * 5).collect::<Vec<_>>());
        for id in &seen {
            model.set(*id, None);
        }
        assert_eq!(model.draw(&mut random), None);
    }

    #[test]
    fn names_are_never_given_twice() {
        let mut model = model(3, 8, 0);
        let names: std::collections::HashSet<String> =
            (0..1_000).map(|_| model.fresh_name()).collect();
        assert_eq!(names.len(), 1_000);
    }
}
