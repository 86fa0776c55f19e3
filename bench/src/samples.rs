//! Figures of several rounds, and what can be said of them.

use std::collections::BTreeMap;

/// The middle of some figures, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Spread {
    pub(crate) middle: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// `None` of none.
    pub(crate) fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let upper = *sorted.get(half)?;
        let lower = if sorted.len().is_multiple_of(2) { *sorted.get(half - 1)? } else { upper };
        Some(Self { middle: f64::midpoint(lower, upper), least, most })
    }
}

/// One figure of each round, by what was measured and by whom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    figures: BTreeMap<(String, String), Vec<f64>>,
}

impl Samples {
    pub(crate) fn add(&mut self, cell: &str, target: &str, figure: f64) {
        self.figures.entry((cell.to_owned(), target.to_owned())).or_default().push(figure);
    }

    pub(crate) fn spread(&self, cell: &str, target: &str) -> Option<Spread> {
        Spread::of(self.of(cell, target))
    }

    /// How a target compares to another, round by round: those of one round were measured side by side.
    pub(crate) fn ratio(&self, cell: &str, target: &str, to: &str) -> Option<Spread> {
        let pairs = self.of(cell, target).iter().zip(self.of(cell, to));
        let ratios: Vec<f64> =
            pairs.filter(|(_, to)| **to > 0.0).map(|(figure, to)| figure / to).collect();
        Spread::of(&ratios)
    }

    fn of(&self, cell: &str, target: &str) -> &[f64] {
        let key = (cell.to_owned(), target.to_owned());
        self.figures.get(&key).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_each_round() {
        let mut samples = Samples::default();
        for (one, other) in [(10.0, 20.0), (40.0, 40.0), (30.0, 40.0)] {
            samples.add("cell", "one", one);
            samples.add("cell", "other", other);
        }
        let spread = |middle, least, most| Some(Spread { middle, least, most });
        assert_eq!(samples.ratio("cell", "one", "other"), spread(0.75, 0.5, 1.0));
        assert_eq!(samples.spread("cell", "one"), spread(30.0, 10.0, 40.0));
        assert_eq!(samples.spread("cell", "nobody"), None);
        assert_eq!(Spread::of(&[1.0, 2.0]), spread(1.5, 1.0, 2.0));
    }
}
