//! The chart of the page: latency and throughput over the same time, phases and flips marked.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::time::Duration;

use crate::demo::format::{duration, latency, rate};
use crate::demo::recorder::{Activity, Moment, Recording};

/// The drawing's size and where its parts are. Unit: SVG user units, about a pixel.
const WIDTH: f64 = 1080.0;
const HEIGHT: f64 = 524.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 1066.0;
const STRIP: f64 = 8.0;
const STRIP_HEIGHT: f64 = 24.0;
const LATENCY: (f64, f64) = (72.0, 262.0);
const WORK: f64 = 280.0;
const WORK_HEIGHT: f64 = 8.0;
const WORK_LABELS: usize = 3;
const WORK_LABEL_HEIGHT: f64 = 13.0;
const THROUGHPUT: (f64, f64) = (370.0, 490.0);

/// Average width of a letter of the strip's labels. Unit: SVG user units.
const LETTER: f64 = 6.4;

/// Candidates for the step between two marks of the time axis. Unit: seconds.
const TIME_STEPS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 1_800.0];

/// Most marks on the time axis.
const TIME_MARKS: f64 = 14.0;

/// Marks of the latency axis. Unit: microseconds.
const LATENCY_MARKS: [u64; 7] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 60_000_000];

/// Draws everything that was recorded until `end`.
pub(super) fn draw(recording: &Recording, end: Duration) -> String {
    let seconds = end.as_secs_f64().max(0.001);
    let mut chart = Chart { svg: String::new(), seconds };
    write!(
        chart.svg,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"latency and throughput \
         over time, with the flips marked\">"
    )
    .ok();
    chart.time_axis();
    chart.latency(&recording.moments);
    chart.throughput(&recording.moments);
    chart.phases(recording);
    chart.work(recording);
    chart.hits(recording);
    chart.svg.push_str("</svg>");
    chart.svg
}

struct Chart {
    svg: String,
    seconds: f64,
}

impl Chart {
    fn x(&self, at: Duration) -> f64 {
        LEFT + (RIGHT - LEFT) * (at.as_secs_f64() / self.seconds).clamp(0.0, 1.0)
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        self.svg.write_fmt(element).ok();
    }

    fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = super::escaped(text);
        self.element(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    fn horizontal(&mut self, class: &str, y: f64) {
        self.element(format_args!(
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
        ));
    }

    fn time_axis(&mut self) {
        let step = TIME_STEPS
            .into_iter()
            .find(|step| self.seconds / step <= TIME_MARKS)
            .unwrap_or(self.seconds);
        let mut at = 0.0;
        while at <= self.seconds {
            let x = self.x(Duration::from_secs_f64(at));
            self.text("", (x, HEIGHT - 14.0), "middle", &format!("{at:.0} s"));
            at += step;
        }
    }

    /// Latency on a logarithmic scale: medians and their outliers on one picture.
    fn latency(&mut self, moments: &[Moment]) {
        let (top, bottom) = LATENCY;
        let most = moments.iter().map(|moment| moment.max_us).max().unwrap_or(0);
        let ceiling = LATENCY_MARKS.into_iter().find(|mark| *mark >= most).unwrap_or(most.max(1));
        let least = moments.iter().map(|moment| moment.p50_us).filter(|us| *us > 0).min();
        let floor = LATENCY_MARKS
            .into_iter()
            .rev()
            .find(|mark| *mark <= least.unwrap_or(100) && *mark < ceiling)
            .unwrap_or(10);
        let log = |us: u64| f64::from(u32::try_from(us.max(1)).unwrap_or(u32::MAX)).log10();
        let y = |us: u64| {
            let share = (log(us) - log(floor)) / (log(ceiling) - log(floor));
            bottom - (bottom - top) * share.clamp(0.0, 1.0)
        };
        self.text("head", (LEFT, top - 14.0), "start", "Latency");
        self.legend(top - 14.0);
        for mark in LATENCY_MARKS.into_iter().filter(|mark| (floor..=ceiling).contains(mark)) {
            self.horizontal("grid", y(mark));
            self.text("", (LEFT - 8.0, y(mark) + 4.0), "end", &round_latency(mark));
        }
        for moment in moments.iter().filter(|moment| moment.max_us > 0) {
            let (x, y) = (self.x(moment.at), y(moment.max_us));
            self.element(format_args!(
                "<circle class=\"max\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.4\"/>"
            ));
        }
        let at = |pick: fn(&Moment) -> u64| {
            let points = moments.iter().filter(|moment| moment.max_us > 0);
            points.map(|moment| (self.x(moment.at), y(pick(moment)))).collect::<Vec<_>>()
        };
        let (p50, p99) = (at(|moment| moment.p50_us), at(|moment| moment.p99_us));
        self.curve("p50", &p50);
        self.curve("p99", &p99);
    }

    fn legend(&mut self, y: f64) {
        let mut x = LEFT + 74.0;
        for (class, name) in
            [("key-p50", "p50"), ("key-p99", "p99"), ("key-max", "slowest of each half second")]
        {
            let middle = y - 4.0;
            self.element(format_args!(
                "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"4\"/>"
            ));
            self.text("", (x + 9.0, y), "start", name);
            x += 58.0;
        }
    }

    fn throughput(&mut self, moments: &[Moment]) {
        let (top, bottom) = THROUGHPUT;
        let most = moments.iter().map(|moment| moment.rate).fold(1.0, f64::max);
        let ceiling = round_up(most);
        let y = |rate: f64| bottom - (bottom - top) * (rate / ceiling).clamp(0.0, 1.0);
        self.text("head", (LEFT, top - 12.0), "start", "Requests per second");
        for share in [0.0, 0.5, 1.0] {
            let class = if share > 0.0 { "grid" } else { "axis" };
            self.horizontal(class, y(ceiling * share));
            self.text("", (LEFT - 8.0, y(ceiling * share) + 4.0), "end", &rate(ceiling * share));
        }
        let points: Vec<(f64, f64)> =
            moments.iter().map(|moment| (self.x(moment.at), y(moment.rate))).collect();
        if let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) {
            let path = path_of(&points);
            self.element(format_args!(
                "<path class=\"area\" d=\"{path} L{last:.1} {bottom} L{first:.1} {bottom} Z\"/>"
            ));
        }
        self.curve("rate", &points);
        for moment in moments.iter().filter(|moment| moment.errors > 0) {
            let x = self.x(moment.at) - 2.0;
            self.element(format_args!(
                "<rect class=\"errors\" x=\"{x:.1}\" y=\"{top}\" width=\"4\" height=\"{}\">\
                 <title>{} errors</title></rect>",
                bottom - top,
                moment.errors,
            ));
        }
    }

    fn curve(&mut self, class: &str, points: &[(f64, f64)]) {
        let path = path_of(points);
        self.element(format_args!("<path class=\"curve {class}\" d=\"{path}\"/>"));
    }

    /// The strip of phases on top, and a line down from each flip.
    fn phases(&mut self, recording: &Recording) {
        let ends = recording.chapters.iter().skip(1).map(|chapter| chapter.from);
        let ends: Vec<Duration> = ends.chain([Duration::from_secs_f64(self.seconds)]).collect();
        for (chapter, end) in recording.chapters.iter().zip(ends) {
            let (from, to) = (self.x(chapter.from), self.x(end));
            let (phase, width) = (chapter.phase, (to - from).max(0.0));
            let inner = (width - 2.0).max(0.0);
            self.element(format_args!(
                "<rect class=\"{phase}\" x=\"{:.1}\" y=\"{STRIP}\" width=\"{inner:.1}\" \
                 height=\"{STRIP_HEIGHT}\" rx=\"5\"><title>{phase}</title></rect>",
                from + 1.0,
            ));
            let name = phase.name();
            if letters(name) * LETTER < width {
                self.text("phase", (f64::midpoint(from, to), STRIP + 16.0), "middle", name);
            }
            if chapter.from > Duration::ZERO {
                self.element(format_args!(
                    "<line class=\"flip\" x1=\"{from:.1}\" x2=\"{from:.1}\" y1=\"{}\" y2=\"{}\"/>",
                    STRIP + STRIP_HEIGHT,
                    THROUGHPUT.1,
                ));
            }
        }
    }

    /// What the operator did between flips: bars, and under them the names that find room, those
    /// of the longest first.
    fn work(&mut self, recording: &Recording) {
        let mut rows: [Vec<(f64, f64)>; WORK_LABELS] = [const { Vec::new() }; WORK_LABELS];
        let mut longest: Vec<&Activity> = recording.activities.iter().collect();
        longest.sort_by_key(|activity| Reverse(activity.to.saturating_sub(activity.from)));
        for activity in longest {
            let (from, to) = (self.x(activity.from), self.x(activity.to));
            let width = (to - from - 1.0).max(2.5);
            let took = duration(activity.to.saturating_sub(activity.from));
            self.element(format_args!(
                "<rect class=\"bar\" x=\"{from:.1}\" y=\"{WORK}\" width=\"{width:.1}\" \
                 height=\"{WORK_HEIGHT}\" rx=\"2\"><title>{}: {took}</title></rect>",
                activity.name,
            ));
            let length = letters(&activity.name) * LETTER;
            let (x, anchor) = if from + length < RIGHT { (from, "start") } else { (RIGHT, "end") };
            let start = if anchor == "start" { x } else { x - length };
            let span = (start - LETTER, start + length + LETTER);
            let free = |row: &Vec<(f64, f64)>| {
                row.iter().all(|taken| span.1 <= taken.0 || taken.1 <= span.0)
            };
            let mut y = WORK + WORK_HEIGHT;
            for row in &mut rows {
                y += WORK_LABEL_HEIGHT;
                if free(row) {
                    row.push(span);
                    self.text("work", (x, y), anchor, &activity.name);
                    break;
                }
            }
        }
    }

    /// Invisible columns that tell the figures of their half second.
    fn hits(&mut self, recording: &Recording) {
        let mut from = LEFT;
        for moment in &recording.moments {
            let to = self.x(moment.at);
            let phase = recording
                .chapters
                .iter()
                .rfind(|chapter| chapter.from < moment.at)
                .map_or("", |chapter| chapter.phase.name());
            self.element(format_args!(
                "<rect class=\"hit\" x=\"{from:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\">\
                 <title>{:.1} s, {phase}\n{} requests/s, {} errors\np50 {}\np99 {}\nslowest {}\
                 </title></rect>",
                LATENCY.0,
                (to - from).max(0.0),
                THROUGHPUT.1 - LATENCY.0,
                moment.at.as_secs_f64(),
                rate(moment.rate),
                moment.errors,
                latency(moment.p50_us),
                latency(moment.p99_us),
                latency(moment.max_us),
            ));
            from = to;
        }
    }
}

fn letters(text: &str) -> f64 {
    f64::from(u32::try_from(text.chars().count()).unwrap_or(0))
}

fn path_of(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        let command = if at == 0 { 'M' } else { 'L' };
        write!(path, "{command}{x:.1} {y:.1}").ok();
    }
    path
}

/// `100000` as `100 ms`.
fn round_latency(us: u64) -> String {
    match us {
        ..1_000 => format!("{} ms", f64::from(u32::try_from(us).unwrap_or(0)) / 1e3),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _seconds => format!("{} s", us / 1_000_000),
    }
}

/// The next number of the form 1, 1.5, 2, 3, 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 1.5, 2.0, 3.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|candidate| *candidate >= value)
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_numbers() {
        let rounded = [0.3, 1.0, 1_204.0, 1_600.0, 9_000.0].map(round_up);
        assert_eq!(rounded, [1.0, 1.0, 1_500.0, 2_000.0, 10_000.0]);
        let shown = [100, 1_000, 100_000, 10_000_000].map(round_latency);
        assert_eq!(shown, ["0.1 ms", "1 ms", "100 ms", "10 s"]);
    }
}
