//! What a backfill looks like: a bar on a terminal, a line a second elsewhere, or JSON.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::backfill::{Event, Progress};
use crate::cli::{complain, say};
use crate::demo::format::{grouped, rate as rate_of};
use crate::journal::backfill::{Failure, Job, Standing, Wish};

/// Between two lines where there is no bar. Unit: milliseconds.
const LINE_MS: u64 = 1_000;

/// A runner that was not heard of for so long is gone, most likely. Unit: milliseconds.
const SILENT_MS: i64 = 15_000;

/// A bar on a terminal, a line a second elsewhere. `N` is what makes a line due at once.
pub(in crate::cli) struct Meter<N> {
    bar: Option<ProgressBar>,
    told_at: Option<Instant>,
    told: Option<N>,
}

impl<N: PartialEq> Meter<N> {
    pub(in crate::cli) fn new(is_terminal: bool) -> Self {
        let bar = is_terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:28} {percent:>3} %  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar, told_at: None, told: None }
    }

    /// A bar shows all; a line is written once a second, and when something else is to be said.
    pub(in crate::cli) fn is_due(&mut self, now: N) -> bool {
        let is_news = self.told.as_ref() != Some(&now);
        let is_time = self.told_at.is_none_or(|at| at.elapsed() >= Duration::from_millis(LINE_MS));
        if self.bar.is_none() && !is_news && !is_time {
            return false;
        }
        (self.told, self.told_at) = (Some(now), Some(Instant::now()));
        true
    }

    /// So much of `total` is done.
    pub(in crate::cli) fn draw(&self, done: u64, total: u64, told: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(done.min(total));
                bar.set_message(told.to_owned());
            }
            None => say(&format!("{:>3} %  {told}\n", percent(done, total))),
        }
    }

    /// Says something else.
    pub(in crate::cli) fn beside(&self, say: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    pub(in crate::cli) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows events.
pub(super) struct Screen {
    json: bool,
    meter: Meter<(i32, Option<String>)>,
}

impl Screen {
    pub(super) fn new(json: bool, is_terminal: bool) -> Self {
        Self { json, meter: Meter::new(is_terminal && !json) }
    }

    pub(super) fn show(&mut self, event: &Event) {
        if let Event::Progress(progress) = event
            && !self.meter.is_due((progress.pass, progress.reason.clone()))
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
                self.meter.draw(progress.passed, progress.total, &told(progress));
            }
            event => self.meter.beside(|| tell(event)),
        }
    }

    pub(super) fn clear(&self) {
        self.meter.clear();
    }
}

fn tell(event: &Event) {
    match event {
        Event::Began { migration, column, total, goes_on, notes } => {
            let how = if *goes_on { "goes on with" } else { "begins" };
            say(&format!(
                "{how} \"{migration}\": fills \"{column}\", about {} rows\n",
                grouped(*total)
            ));
            notes.iter().for_each(|note| complain(&format!("note: {note}")));
        }
        Event::Failed(failure_of_row) => complain(&failure(failure_of_row)),
        Event::Lost { reason } => complain(&format!("{reason}; trying again")),
        Event::Done(progress) => say(&format!(
            "done: {} rows changed{}{}\n",
            grouped(progress.changed),
            counted(progress.retries, "gave way", "times"),
            counted(progress.failures, "could not copy", "rows"),
        )),
        Event::Progress(_) => {}
    }
}

fn counted(number: u64, what: &str, of: &str) -> String {
    if number == 0 { String::new() } else { format!(", {what} {} {of}", grouped(number)) }
}

/// One row that could not be copied.
pub(super) fn failure(failure: &Failure) -> String {
    let Failure { part, key, sqlstate, message } = failure;
    format!("not copied: {part}, {key}: {message} (SQLSTATE {sqlstate})")
}

fn percent(done: u64, total: u64) -> u64 {
    (done.min(total) * 100).checked_div(total).unwrap_or(100)
}

fn told(progress: &Progress) -> String {
    let Progress {
        pass_name, passed, total, rows_per_second, left_s, reason, stands_still, ..
    } = progress;
    let pace = match (rows_per_second, left_s) {
        _ if *stands_still => "  stands still".to_owned(),
        (Some(rate), Some(left)) => {
            format!("  {}/s  {} left", rate_of(*rate), time(Duration::from_secs(*left)))
        }
        _not_known => String::new(),
    };
    let reason = reason.as_ref().map_or(String::new(), |reason| format!("  ({reason})"));
    format!("{pass_name}: {} of about {}{pace}{reason}", grouped(*passed), grouped(*total))
}

/// As `segue status` and `segue backfill --status` show it.
pub(in crate::cli) fn job(job: &Job) -> String {
    let number = |number: i64| grouped(u64::try_from(number).unwrap_or(0));
    let share = (job.passed * 100).checked_div(job.total).unwrap_or(100).clamp(0, 100);
    let age = |ms: i64| time(Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
    let how = match (job.standing, job.wish) {
        (Standing::Done, _) => format!("done {} ago", age(job.silent_ms)),
        (Standing::Failed, _) => format!("failed {} ago", age(job.silent_ms)),
        (Standing::Cancelled, _) => format!("cancelled {} ago", age(job.silent_ms)),
        (Standing::Running, _) if job.silent_ms > SILENT_MS => {
            format!("broken off, last heard of {} ago", age(job.silent_ms))
        }
        (Standing::Running, Some(Wish::Cancel)) => "ending".to_owned(),
        (Standing::Running, Some(Wish::Pause)) => "paused".to_owned(),
        (Standing::Running, None) => "running".to_owned(),
    };
    let mut text = format!(
        "backfill of \"{}\" (fills \"{}\"): {how}, {} rows changed\n",
        job.migration,
        job.target,
        number(job.changed)
    );
    if job.standing != Standing::Done {
        let rate = job.rate.map_or(String::new(), |rate| format!(", {rate:.0} rows/s"));
        text.push_str(&format!(
            "  {}: {share} %, {} of about {} rows{rate}; by {}\n",
            job.pass_name,
            number(job.passed),
            number(job.total),
            job.who
        ));
    }
    if job.failures > 0 {
        text.push_str(&format!("  rows that could not be copied: {}\n", number(job.failures)));
    }
    if let Some(reason) = job.reason.as_ref().filter(|_| job.standing != Standing::Done) {
        text.push_str(&format!("  {reason}\n"));
    }
    text
}

/// `2 h 5 min`, `3 min 20 s` or `7 s`.
pub(in crate::cli) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        assert_eq!(time(Duration::from_secs(7)), "7 s");
        assert_eq!(time(Duration::from_secs(7_500)), "2 h 5 min");
    }

    #[test]
    fn a_line_tells_the_pace_and_what_slows_it() {
        let progress = Progress {
            pass_name: "all rows".to_owned(),
            passed: 1_500,
            total: 6_000,
            rows_per_second: Some(750.4),
            left_s: Some(6),
            reason: Some("a standby is 3 s behind".to_owned()),
            ..Progress::default()
        };
        assert_eq!(
            told(&progress),
            "all rows: 1,500 of about 6,000  750/s  6 s left  (a standby is 3 s behind)"
        );
        assert_eq!(percent(progress.passed, progress.total), 25);
    }
}
