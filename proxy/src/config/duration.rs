//! Times with a unit, as the file and the command line write them.

use std::time::Duration;

/// Reads a time with its unit.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match text.trim_start_matches(digits) {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _other => return Err("must be a number with a unit: ms, s, m or h".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "must begin with a whole number".to_owned())?;
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| "is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("30s", Ok(30_000)),
            ("500ms", Ok(500)),
            ("5m", Ok(300_000)),
            ("1h", Ok(3_600_000)),
            ("0s", Ok(0)),
            ("30", Err("must be a number with a unit: ms, s, m or h")),
            ("s", Err("must begin with a whole number")),
            ("-1s", Err("must begin with a whole number")),
            ("99999999999999999h", Err("is too long")),
        ] {
            let expected = expected.map(Duration::from_millis).map_err(str::to_owned);
            assert_eq!(duration(text), expected, "{text}");
        }
    }
}
