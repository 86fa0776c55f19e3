//! Figures in rows and columns.

use crate::samples::{Samples, Spread};

/// A table: a row for each cell, a column for each target.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Table {
    pub(super) title: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Digits behind the point.
    #[serde(skip)]
    digits: usize,
}

#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    figures: Vec<Option<Spread>>,
}

impl Table {
    /// The figures themselves.
    pub(crate) fn of(
        title: &str,
        cells: &[String],
        targets: &[String],
        samples: &Samples,
        digits: usize,
    ) -> Self {
        Self::with(title, cells, targets, digits, |cell, target| samples.spread(cell, target))
    }

    /// Beside those of another target.
    pub(crate) fn ratios(
        title: &str,
        cells: &[String],
        targets: &[String],
        samples: &Samples,
        to: &str,
    ) -> Self {
        Self::with(title, cells, targets, 2, |cell, target| samples.ratio(cell, target, to))
    }

    fn with(
        title: &str,
        cells: &[String],
        targets: &[String],
        digits: usize,
        figure: impl Fn(&str, &str) -> Option<Spread>,
    ) -> Self {
        let rows = cells.iter().map(|cell| Row {
            name: cell.clone(),
            figures: targets.iter().map(|target| figure(cell, target)).collect(),
        });
        Self { title: title.to_owned(), columns: targets.to_vec(), rows: rows.collect(), digits }
    }

    /// What is shown of a row.
    pub(super) fn shown(&self, row: &Row) -> Vec<String> {
        let digits = self.digits;
        let shown = |figure: &Option<Spread>| match figure {
            Some(Spread { middle, least, most }) if least == most => format!("{middle:.digits$}"),
            Some(Spread { middle, least, most }) => {
                format!("{middle:.digits$} ({least:.digits$}–{most:.digits$})")
            }
            None => "–".to_owned(),
        };
        row.figures.iter().map(shown).collect()
    }

    pub(super) fn markdown(&self) -> String {
        let mut lines = vec![
            format!("| {} | {} |", self.title, self.columns.join(" | ")),
            format!("| --- |{}", " ---: |".repeat(self.columns.len())),
        ];
        for row in &self.rows {
            lines.push(format!("| {} | {} |", row.name, self.shown(row).join(" | ")));
        }
        lines.join("\n")
    }
}
