//! What a bench found out: tables, plots, and which targets hold. In a terminal, as JSON, and as one HTML file.

mod page;
mod plot;
mod table;
mod verdict;

use std::path::Path;

pub(crate) use plot::{Curve, Lines};
pub(crate) use table::Table;
pub(crate) use verdict::Verdict;

use crate::fault::Fault;
use crate::machine::Machine;
use crate::samples::Samples;

/// A report that grows.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Report {
    title: String,
    machine: Machine,
    notes: Vec<String>,
    verdicts: Vec<Verdict>,
    tables: Vec<Table>,
    #[serde(skip)]
    plots: Vec<String>,
}

impl Report {
    pub(crate) fn new(title: &str, machine: Machine) -> Self {
        Self {
            title: title.to_owned(),
            machine,
            notes: Vec::new(),
            verdicts: Vec::new(),
            tables: Vec::new(),
            plots: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// A target, unless nothing was measured that it is about.
    pub(crate) fn verdict(&mut self, verdict: Option<Verdict>) {
        self.verdicts.extend(verdict);
    }

    /// Ratios as dots, a line for each cell.
    pub(crate) fn dots(
        &mut self,
        title: &str,
        cells: &[String],
        targets: &[String],
        samples: &Samples,
        to: &str,
    ) {
        self.plots.extend(plot::dots(title, cells, targets, samples, to));
    }

    pub(crate) fn lines(&mut self, lines: &Lines) {
        self.plots.extend(plot::lines(lines));
    }

    /// Prints it, and writes it as HTML and, beside that, as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Fault> {
        for table in &self.tables {
            println!("\n{}", table.markdown());
        }
        println!();
        for verdict in &self.verdicts {
            println!("{}", verdict.line());
        }
        let figures = serde_json::to_string_pretty(self).map_err(Fault::of)?;
        std::fs::write(path, page::html(self))?;
        let json = path.with_extension("json");
        std::fs::write(&json, figures)?;
        println!("\nThe report: {}; its figures: {}", path.display(), json.display());
        Ok(())
    }
}
