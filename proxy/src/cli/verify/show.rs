//! What a comparison looks like: a bar on a terminal, a line a second elsewhere, or JSON.

use std::fmt::Write;
use std::time::Duration;

use crate::cli::backfill::show::{Meter, time};
use crate::cli::{complain, say};
use crate::demo::format::{grouped, rate as rate_of};
use crate::journal::verification::Told;
use crate::verify::{Event, Outcome, Progress};

/// Shows events.
pub(super) struct Screen {
    json: bool,
    meter: Meter<Option<String>>,
}

impl Screen {
    pub(super) fn new(json: bool, is_terminal: bool) -> Self {
        Self { json, meter: Meter::new(is_terminal && !json) }
    }

    pub(super) fn show(&mut self, event: &Event) {
        if let Event::Progress(progress) = event
            && !self.meter.is_due(progress.reason.clone())
        {
            return;
        }
        if self.json {
            if let Ok(text) = serde_json::to_string(event) {
                say(&format!("{text}\n"));
            }
            return;
        }
        match event {
            Event::Progress(progress) => {
                self.meter.draw(progress.compared, progress.total, &told(progress));
            }
            Event::Began { migration, source, column, total, goes_on, notes } => {
                let how = if *goes_on { "goes on with" } else { "compares" };
                self.meter.beside(|| {
                    say(&format!(
                        "{how} \"{migration}\": \"{column}\" with \"{source}\", about {} rows\n",
                        grouped(*total)
                    ));
                    notes.iter().for_each(|note| complain(&format!("note: {note}")));
                });
            }
            Event::Lost { reason } => {
                self.meter.beside(|| complain(&format!("{reason}; trying again")));
            }
            // The whole of it is told in the end.
            Event::Done(_) => {}
        }
    }

    pub(super) fn clear(&self) {
        self.meter.clear();
    }
}

fn told(progress: &Progress) -> String {
    let Progress {
        compared, total, differing, rows_per_second, left_s, reason, stands_still, ..
    } = progress;
    let pace = match (rows_per_second, left_s) {
        _ if *stands_still => "  stands still".to_owned(),
        (Some(rate), Some(left)) => {
            format!("  {}/s  {} left", rate_of(*rate), time(Duration::from_secs(*left)))
        }
        _not_known => String::new(),
    };
    let differing = match differing {
        0 => String::new(),
        differing => format!("  {} differ", grouped(*differing)),
    };
    let reason = reason.as_ref().map_or(String::new(), |reason| format!("  ({reason})"));
    format!("{} of about {}{differing}{pace}{reason}", grouped(*compared), grouped(*total))
}

/// All of it, in the end.
pub(super) fn outcome(migration: &str, outcome: &Outcome) -> String {
    let Outcome { compared, differing, failed, mended, rows, alarm, .. } = outcome;
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(text, "{}", outcome.told(row));
    }
    let named = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let more = (differing + failed).saturating_sub(named);
    if named > 0 && more > 0 {
        let _ = writeln!(text, "… and {}", plural(more, "more row"));
    }
    if let Some(alarm) = alarm {
        let _ = writeln!(text, "{alarm}");
    }
    let _ = write!(text, "\"{migration}\": {} compared", plural(*compared, "row"));
    if *mended > 0 {
        let _ = write!(text, ", {} mended", grouped(*mended));
    }
    match (differing, failed) {
        (0, 0) => text.push_str(", all are equal\n"),
        (differing, failed) => {
            if *differing > 0 {
                let _ = write!(text, ", {} differ", grouped(*differing));
            }
            if *failed > 0 {
                let _ = write!(text, ", {} could not be compared", grouped(*failed));
            }
            text.push('\n');
        }
    }
    text
}

fn plural(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// The latest result of a migration, as `segue status` shows it.
pub(in crate::cli) fn result(told: &Told) -> String {
    let Told { migration, result, detail, rows, differing, who, age_ms, is_of_phase, .. } = told;
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    let what = match (result.as_str(), rows, differing) {
        ("equal", Some(rows), _) => format!("{} equal", plural(number(*rows), "row")),
        ("equal", None, _) => "all rows equal".to_owned(),
        ("different", Some(rows), Some(differing)) => {
            format!("{} of {} rows differ", grouped(number(*differing)), grouped(number(*rows)))
        }
        ("different", _, _) => "rows differ".to_owned(),
        (_unknown, _, _) => "rows could not be compared".to_owned(),
    };
    let ago = time(Duration::from_millis(number(*age_ms)));
    let who = who.as_ref().map_or(String::new(), |who| format!(" by {who}"));
    let worth = if *is_of_phase { "" } else { ", in an earlier phase" };
    let mut text = format!("verification of \"{migration}\": {what}, {ago} ago{who}{worth}\n");
    if let Some(detail) = detail {
        let _ = writeln!(text, "  {detail}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_told_in_one_line_below_the_rows() {
        let clean = Outcome { compared: 1_234, ..Outcome::default() };
        assert_eq!(outcome("m", &clean), "\"m\": 1,234 rows compared, all are equal\n");
        let rest =
            Outcome { compared: 9, differing: 2, failed: 1, mended: 3, ..Outcome::default() };
        assert_eq!(
            outcome("m", &rest),
            "\"m\": 9 rows compared, 3 mended, 2 differ, 1 could not be compared\n"
        );
    }
}
