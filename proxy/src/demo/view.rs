//! The live view: a panel that is redrawn on a terminal, one line a second elsewhere.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rewrite_rules::Phase;

use super::format::{Paint, duration, grouped, latency, plural, rate};
use super::recorder::Pulse;
use crate::backfill::Progress;

/// Length of the backfill's bar. Unit: characters.
const BAR: u64 = 28;

/// Points of the small latency curve. Unit: characters.
const CURVE: usize = 48;

/// How often the spinner turns. Unit: milliseconds.
const SPIN_MS: u64 = 100;

/// Room for the name of a step. Unit: characters.
const NAME: usize = 24;

/// Between two lines of the plain view. Unit: milliseconds.
const PLAIN_MS: u64 = 1_000;

/// Shows what goes on. All of its methods may be called from any task.
#[derive(Debug)]
pub(super) struct View {
    paint: Paint,
    panel: Option<Panel>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct Panel {
    all: MultiProgress,
    step: ProgressBar,
    rail: ProgressBar,
    pulse: ProgressBar,
    curve: ProgressBar,
}

#[derive(Debug)]
struct State {
    started: Instant,
    step: String,
    step_started: Instant,
    detail: String,
    phase: Option<Phase>,
    last_line: Option<Instant>,
    curve: VecDeque<u64>,
}

impl View {
    /// A panel, or with `plain` one line a second.
    pub(super) fn new(plain: bool) -> Self {
        let now = Instant::now();
        Self {
            paint: Paint::for_stdout(),
            panel: (!plain).then(Panel::new),
            state: Mutex::new(State {
                started: now,
                step: String::new(),
                step_started: now,
                detail: String::new(),
                phase: None,
                last_line: None,
                curve: VecDeque::with_capacity(CURVE),
            }),
        }
    }

    /// A line that stays.
    pub(super) fn line(&self, text: &str) {
        match &self.panel {
            // A terminal that is gone needs no lines.
            Some(panel) => panel.all.println(text).ok(),
            None => writeln!(std::io::stdout(), "{text}").ok(),
        };
    }

    /// A step begins.
    pub(super) fn begin(&self, step: &str, detail: &str) {
        {
            let mut state = self.state();
            step.clone_into(&mut state.step);
            state.step_started = Instant::now();
            detail.clone_into(&mut state.detail);
        }
        if let Some(panel) = &self.panel {
            panel.step.set_message(self.step_line(step, detail));
        }
    }

    fn step_line(&self, step: &str, detail: &str) -> String {
        if step.is_empty() {
            return detail.to_owned();
        }
        format!("{} {detail}", self.paint.bold(named(step)))
    }

    /// What the running step is doing or waiting for.
    pub(super) fn detail(&self, detail: &str) {
        let step = {
            let mut state = self.state();
            detail.clone_into(&mut state.detail);
            state.step.clone()
        };
        if let Some(panel) = &self.panel {
            panel.step.set_message(self.step_line(&step, detail));
        }
    }

    /// How far the backfill is.
    pub(super) fn backfill(&self, progress: &Progress) {
        let bar = if self.panel.is_some() {
            let filled = (progress.passed * BAR).checked_div(progress.total).unwrap_or(BAR);
            let filled = usize::try_from(filled.min(BAR)).unwrap_or(0);
            let rest = usize::try_from(BAR).unwrap_or(0).saturating_sub(filled);
            let (full, empty) = ("█".repeat(filled), "░".repeat(rest));
            format!("{}{} ", self.paint.accent(full), self.paint.dim(empty))
        } else {
            String::new()
        };
        let percent = (progress.passed * 100).checked_div(progress.total).unwrap_or(100).min(100);
        let counted = format!("{percent} % of {}", plural(progress.total, "row"));
        let pace = match (progress.rows_per_second, progress.remaining()) {
            _ if progress.reason.is_some() => {
                format!("  {}", progress.reason.as_deref().unwrap_or_default())
            }
            (Some(speed), Some(left)) => {
                format!("  {}/s  ETA {}", rate(speed), duration(left))
            }
            _not_known_yet => String::new(),
        };
        self.detail(&format!("{bar}{counted}{pace}"));
    }

    /// The running step is done.
    pub(super) fn done(&self, detail: &str) {
        self.ended(&self.paint.good("✓"), detail);
    }

    /// The running step failed.
    pub(super) fn failed(&self, detail: &str) {
        self.ended(&self.paint.bad("✗"), detail);
    }

    fn ended(&self, sign: &str, detail: &str) {
        let (step, took) = {
            let mut state = self.state();
            state.detail.clear();
            (state.step.clone(), state.step_started.elapsed())
        };
        let took = self.paint.dim(format!("{:>9}", duration(took)));
        self.line(&format!("  {sign} {took}  {} {detail}", named(&step)));
        if let Some(panel) = &self.panel {
            panel.step.set_message(self.paint.dim("the application runs on"));
        }
    }

    /// A phase is in force.
    pub(super) fn phase(&self, phase: Phase) {
        self.state().phase = Some(phase);
        let Some(panel) = &self.panel else { return };
        let rail: Vec<String> = Phase::TWO_SIDED
            .into_iter()
            .map(|each| match each.cmp(&phase) {
                std::cmp::Ordering::Less => self.paint.dim(each),
                std::cmp::Ordering::Equal => {
                    self.paint.bold(self.paint.accent(format!("● {each}")))
                }
                std::cmp::Ordering::Greater => self.paint.dim(each),
            })
            .collect();
        panel.rail.set_message(rail.join(&self.paint.dim(" ─ ")));
    }

    /// What the last second looked like.
    pub(super) fn pulse(&self, pulse: &Pulse) {
        let faults = pulse.errors + pulse.wrong;
        let faults = if faults == 0 {
            self.paint.good("0 errors")
        } else {
            self.paint.bad(plural(faults, "error"))
        };
        let figures = format!(
            "{} requests/s   {faults}   p50 {}   p99 {}",
            self.paint.bold(rate(pulse.rate)),
            latency(pulse.p50_us),
            latency(pulse.p99_us),
        );
        let mut state = self.state();
        if state.curve.len() == CURVE {
            state.curve.pop_front();
        }
        state.curve.push_back(pulse.p99_us);
        if let Some(panel) = &self.panel {
            let total = self.paint.dim(format!("{} in total", grouped(pulse.requests)));
            panel.pulse.set_message(format!("{figures}   {total}"));
            let curve = sparkline(&state.curve);
            panel.curve.set_message(format!(
                "{} {}",
                self.paint.dim("p99"),
                self.paint.accent(curve)
            ));
            return;
        }
        let interval = Duration::from_millis(PLAIN_MS);
        // The ticker is a little early now and then.
        let due = |last: Instant| last.elapsed() + Duration::from_millis(SPIN_MS) >= interval;
        if state.last_line.is_none_or(due) {
            state.last_line = Some(Instant::now());
            let at = state.started.elapsed().as_secs();
            let phase = state.phase.map_or("", Phase::name);
            let doing = if state.detail.is_empty() {
                String::new()
            } else {
                let colon = if state.step.is_empty() { "" } else { ": " };
                format!("   {}{colon}{}", state.step, state.detail)
            };
            drop(state);
            self.line(&format!("{at:>5} s  {phase:<15} {figures}{doing}"));
        }
    }

    /// Takes the panel away; lines stay.
    pub(super) fn finish(&self) {
        if let Some(panel) = &self.panel {
            for bar in [&panel.step, &panel.rail, &panel.pulse, &panel.curve] {
                bar.finish_and_clear();
            }
            // A terminal that is gone needs no clearing.
            panel.all.clear().ok();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is shown may be stale after a panic elsewhere, no worse.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Panel {
    fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let plain = |template: &str| {
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_refused| ProgressStyle::default_spinner())
        };
        let bar = |style: ProgressStyle| all.add(ProgressBar::new_spinner().with_style(style));
        let step = bar(plain("\n  {spinner:.cyan} {wide_msg}").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        let pulse = bar(plain("    {wide_msg}"));
        let curve = bar(plain("    {wide_msg}"));
        let rail = bar(plain("    {wide_msg}"));
        step.enable_steady_tick(Duration::from_millis(SPIN_MS));
        Self { all, step, rail, pulse, curve }
    }
}

fn named(step: &str) -> String {
    format!("{step:<NAME$}")
}

/// A curve of block characters from nothing to the greatest value.
fn sparkline(values: &VecDeque<u64>) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    values
        .iter()
        .map(|value| {
            let at = usize::try_from(value * 7 / most).unwrap_or(0);
            BLOCKS.get(at).copied().unwrap_or('█')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_from_low_to_high() {
        assert_eq!(sparkline(&VecDeque::from([0, 50, 100])), "▁▄█");
        assert_eq!(sparkline(&VecDeque::from([0, 0])), "▁▁");
    }
}
