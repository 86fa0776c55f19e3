//! Numbers, times and colours as people read them.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate without decimals, grouped.
pub(crate) fn rate(per_second: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above 0")]
    let whole = per_second.round().clamp(0.0, 1e15) as u64;
    grouped(whole)
}

/// Microseconds as milliseconds, with as many decimals as are of interest.
pub(crate) fn latency(us: u64) -> String {
    duration(Duration::from_micros(us))
}

/// `0.42 ms`, `12.5 ms`, `850 ms`, `2.3 s`, `1 min 5 s`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let ms = seconds * 1e3;
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else if ms < 100.0 {
        format!("{ms:.1} ms")
    } else if ms < 1e3 {
        format!("{ms:.0} ms")
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn plural(count: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Colours, or none where the output is no terminal or NO_COLOR is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint {
    pub(super) on: bool,
}

impl Paint {
    /// What standard output wants.
    pub(super) fn for_stdout() -> Self {
        let choice = anstream::AutoStream::choice(&std::io::stdout());
        Self { on: choice != anstream::ColorChoice::Never }
    }

    pub(super) fn bold(self, text: impl std::fmt::Display) -> String {
        self.styled(Style::new().bold(), text)
    }

    pub(super) fn dim(self, text: impl std::fmt::Display) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    pub(super) fn good(self, text: impl std::fmt::Display) -> String {
        self.styled(AnsiColor::Green.on_default().bold(), text)
    }

    pub(super) fn bad(self, text: impl std::fmt::Display) -> String {
        self.styled(AnsiColor::Red.on_default().bold(), text)
    }

    pub(super) fn accent(self, text: impl std::fmt::Display) -> String {
        self.styled(AnsiColor::Cyan.on_default(), text)
    }

    fn styled(self, style: Style, text: impl std::fmt::Display) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1_000, 200_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "200,000", "1,234,567"]);
        assert_eq!((plural(1, "row"), plural(1_000, "row")), ("1 row".into(), "1,000 rows".into()));
    }

    #[test]
    fn times_have_the_decimals_that_matter() {
        let shown = [420, 12_540, 850_000, 2_340_000, 65_000_000].map(latency);
        assert_eq!(shown, ["0.42 ms", "12.5 ms", "850 ms", "2.3 s", "1 min 5 s"]);
    }
}
