//! Whether a target holds.

use crate::samples::Samples;

/// A target, and the cells in which it is missed.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Verdict {
    pub(super) target: String,
    cells: usize,
    /// The cell's name, and the ratio there.
    pub(super) missed: Vec<(String, f64)>,
    /// The middle of the ratios.
    ratio: f64,
}

impl Verdict {
    /// In every cell the ratio is at most that.
    pub(crate) fn at_most(
        target: &str,
        cells: &[String],
        samples: &Samples,
        who: &str,
        to: &str,
        bound: f64,
    ) -> Option<Self> {
        Self::of(target, cells, samples, (who, to), |ratio| ratio <= bound)
    }

    /// In every cell the ratio is at least that.
    pub(crate) fn at_least(
        target: &str,
        cells: &[String],
        samples: &Samples,
        who: &str,
        to: &str,
        bound: f64,
    ) -> Option<Self> {
        Self::of(target, cells, samples, (who, to), |ratio| ratio >= bound)
    }

    /// Of one figure, that must be at most so much.
    pub(crate) fn figure(target: &str, figure: f64, bound: f64) -> Self {
        let missed =
            if figure <= bound { Vec::new() } else { vec![("measured".to_owned(), figure)] };
        Self { target: target.to_owned(), cells: 1, missed, ratio: figure }
    }

    fn of(
        target: &str,
        cells: &[String],
        samples: &Samples,
        (who, to): (&str, &str),
        holds: impl Fn(f64) -> bool,
    ) -> Option<Self> {
        let ratios = cells.iter().filter_map(|cell| {
            samples.ratio(cell, who, to).map(|ratio| (cell.clone(), ratio.middle))
        });
        let ratios: Vec<(String, f64)> = ratios.collect();
        let all: Vec<f64> = ratios.iter().map(|(_, ratio)| *ratio).collect();
        let ratio = crate::samples::Spread::of(&all)?.middle;
        let missed = ratios.into_iter().filter(|(_, ratio)| !holds(*ratio)).collect();
        Some(Self { target: target.to_owned(), cells: all.len(), missed, ratio })
    }

    pub(super) fn holds(&self) -> bool {
        self.missed.is_empty()
    }

    pub(super) fn line(&self) -> String {
        let Self { target, cells, missed, ratio } = self;
        if self.holds() {
            return format!("holds   {target}: {ratio:.2}");
        }
        let missed: Vec<String> =
            missed.iter().map(|(cell, ratio)| format!("{cell} {ratio:.2}")).collect();
        format!(
            "MISSED  {target}: {ratio:.2}, in {} of {cells}: {}",
            missed.len(),
            missed.join("; ")
        )
    }
}
