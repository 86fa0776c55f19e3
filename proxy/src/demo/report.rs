//! The report at the end: figures per phase, and the two numbers that must be 0.

use std::fmt::Write as _;
use std::time::Duration;

use super::format::{Paint, duration, grouped, latency, plural};
use super::proof::Proof;
use super::recorder::{Fault, Recording};
use super::scenario::Words;
use rewrite_rules::Phase;

/// Everything that the report tells.
#[derive(Debug, Clone)]
pub(super) struct Report {
    /// What was migrated.
    pub(super) words: &'static Words,
    /// The server's version.
    pub(super) server: String,
    /// Rows at the start.
    pub(super) rows: i64,
    /// Requests per second that were asked for.
    pub(super) rate: u32,
    /// Connections of the application.
    pub(super) connections: u16,
    /// What the choice of statements started from.
    pub(super) seed: u64,
    /// How long the application ran.
    pub(super) length: Duration,
    /// What happened.
    pub(super) recording: Recording,
    /// The rows against the application's knowledge; `None` if they could not be read.
    pub(super) proof: Option<Proof>,
    /// Why the walk ended early, if it did, with the next step.
    pub(super) stopped: Option<(String, &'static str)>,
    /// Rows whose two sides differed when the walk verified.
    pub(super) sides_differ: u64,
}

impl Report {
    /// Requests that ended in an error.
    pub(super) fn errors(&self) -> u64 {
        self.recording.error_count()
    }

    /// Rows or answers that were not what the application knew they must be.
    pub(super) fn diverged(&self) -> u64 {
        let rows = self.proof.as_ref().map_or(0, Proof::bad);
        rows + self.sides_differ + self.recording.wrong_count()
    }

    /// Did everything go as promised, to the end?
    pub(super) fn is_good(&self) -> bool {
        let proved = self.proof.as_ref().is_some_and(|proof| proof.undecided == 0);
        proved && self.stopped.is_none() && self.errors() == 0 && self.diverged() == 0
    }

    /// Requests that were answered or ended in an error.
    pub(super) fn requests(&self) -> u64 {
        self.recording.chapters.iter().map(|chapter| chapter.latency.len()).sum()
    }

    /// The report as text for a terminal.
    pub(super) fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        self.table(&mut text, paint);
        self.flips(&mut text, paint);
        self.faults(&mut text, paint);
        self.verdict(&mut text, paint);
        text
    }

    fn table(&self, text: &mut String, paint: Paint) {
        let heads = format!(
            "  {:<17}{:>10}{:>9}{:>12}{:>12}{:>12}{:>12}",
            "phase", "requests", "errors", "p50", "p99", "p99.9", "max"
        );
        writeln!(text, "\n{}", paint.bold(heads)).ok();
        for chapter in &self.recording.chapters {
            let at = |quantile| latency(chapter.latency.value_at_quantile(quantile));
            let bad = chapter.errors + chapter.wrong;
            let errors = format!("{:>9}", grouped(bad));
            let errors = if bad == 0 { errors } else { paint.bad(errors) };
            writeln!(
                text,
                "  {:<17}{:>10}{errors}{:>12}{:>12}{:>12}{:>12}",
                chapter.phase.name(),
                grouped(chapter.latency.len()),
                at(0.5),
                at(0.99),
                at(0.999),
                latency(chapter.latency.max()),
            )
            .ok();
        }
        let all = self.recording.all_latencies();
        let at = |quantile| latency(all.value_at_quantile(quantile));
        let sum = format!(
            "  {:<17}{:>10}{:>9}{:>12}{:>12}{:>12}{:>12}",
            "all",
            grouped(all.len()),
            grouped(self.errors() + self.recording.wrong_count()),
            at(0.5),
            at(0.99),
            at(0.999),
            latency(all.max()),
        );
        writeln!(text, "{}", paint.dim(sum)).ok();
    }

    fn flips(&self, text: &mut String, paint: Paint) {
        if self.recording.flips.is_empty() {
            return;
        }
        let head = format!("  {:<36}{:>22}", "flip", "swapped to drained");
        writeln!(text, "\n{}", paint.bold(head)).ok();
        for flip in &self.recording.flips {
            let way = format!("{} → {}", flip.from, flip.to);
            writeln!(text, "  {way:<36}{:>22}", duration(flip.drain)).ok();
        }
    }

    fn faults(&self, text: &mut String, paint: Paint) {
        let lists = [
            ("first errors", &self.recording.errors),
            ("first wrong answers", &self.recording.wrong),
        ];
        for (head, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            writeln!(text, "\n{}", paint.bad(format!("  {head}"))).ok();
            for (phase, fault) in list {
                writeln!(text, "  {}", fault_line(*phase, fault)).ok();
                writeln!(text, "      {}", paint.dim(fault.statement)).ok();
            }
        }
        let samples = self.proof.iter().flat_map(|proof| &proof.samples);
        let samples: Vec<&String> = samples.collect();
        if !samples.is_empty() {
            writeln!(text, "\n{}", paint.bad("  first rows that are not as they must be")).ok();
            for sample in samples {
                writeln!(text, "  {sample}").ok();
            }
        }
        if let Some((why, hint)) = &self.stopped {
            writeln!(text, "\n  {} {why}\n  HINT: {hint}", paint.bad("stopped:")).ok();
        }
    }

    fn verdict(&self, text: &mut String, paint: Paint) {
        let sign = if self.is_good() { paint.good("✓") } else { paint.bad("✗") };
        let coloured = |count: u64, what: String| {
            if count == 0 { paint.good(what) } else { paint.bad(what) }
        };
        let errors = coloured(self.errors(), plural(self.errors(), "error"));
        let rows = plural(self.diverged(), "lost or diverged row");
        let rows = coloured(self.diverged(), rows);
        writeln!(
            text,
            "\n  {sign} {} in {}: {errors}, {rows}",
            plural(self.requests(), "request"),
            duration(self.length),
        )
        .ok();
        let proved = match &self.proof {
            Some(proof) if proof.undecided > 0 => format!(
                "{} compared with every acknowledged write, {} left out as undecided",
                plural(proof.found, "row"),
                grouped(proof.undecided),
            ),
            Some(proof) => {
                format!("{} compared with every acknowledged write", plural(proof.found, "row"))
            }
            None => "the rows could not be compared with the acknowledged writes".to_owned(),
        };
        writeln!(text, "    {}", paint.dim(proved)).ok();
    }
}

/// One fault as a line.
pub(super) fn fault_line(phase: Phase, fault: &Fault) -> String {
    let code = fault.sqlstate.as_ref().map_or(String::new(), |code| format!("{code} "));
    let times =
        if fault.times == 1 { String::new() } else { format!(" ({} times)", grouped(fault.times)) };
    format!("{phase}: {code}{}{times}", fault.message)
}
