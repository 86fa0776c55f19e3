//! The command line of the demo.

use std::path::PathBuf;

use super::scenario::Scenario;

/// Migrate a live database under load, and prove that nothing was lost.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Arguments {
    /// What is migrated
    #[arg(long, value_enum, default_value_t)]
    pub scenario: Scenario,
    /// Rows in the table
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(i64).range(1_000..=50_000_000))]
    pub rows: i64,
    /// Requests per second that the application sends
    #[arg(long, default_value_t = 1_200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// Connections of the application
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=90))]
    pub connections: u16,
    /// Seconds that the application runs in each phase, beside the work done there
    #[arg(long, value_name = "S", default_value_t = 7.0, value_parser = seconds)]
    pub seconds_per_phase: f64,
    /// Number that the choice of statements starts from; the same number gives the same statements
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// File for the report in HTML
    #[arg(long, value_name = "FILE", default_value = "segue-demo.html")]
    pub report: PathBuf,
    /// Print one line a second instead of a live view
    #[arg(long)]
    pub plain: bool,
    /// A short run for CI: 20000 rows, 1.5 seconds per phase
    #[arg(long, conflicts_with_all = ["rows", "seconds_per_phase"])]
    pub fast: bool,
}

/// Rows of a short run.
const FAST_ROWS: i64 = 20_000;

/// Seconds in each phase of a short run.
const FAST_SECONDS: f64 = 1.5;

/// Longest stay in a phase: a day. Unit: seconds.
const MOST_SECONDS: f64 = 86_400.0;

impl Arguments {
    /// Rows that the table gets.
    #[must_use]
    pub fn effective_rows(&self) -> i64 {
        if self.fast { FAST_ROWS } else { self.rows }
    }

    /// How long each phase lasts beside the work done in it.
    #[must_use]
    pub fn stay(&self) -> std::time::Duration {
        let seconds = if self.fast { FAST_SECONDS } else { self.seconds_per_phase };
        std::time::Duration::from_secs_f64(seconds)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=MOST_SECONDS).contains(&seconds) => Ok(seconds),
        Ok(_) => Err(format!("must be between 0 and {MOST_SECONDS}")),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        demo: Arguments,
    }

    #[test]
    fn short_runs_cannot_be_given_a_length() {
        let fast = Line::try_parse_from(["segue", "--fast"]).unwrap().demo;
        assert_eq!((fast.effective_rows(), fast.stay().as_millis()), (20_000, 1_500));
        assert!(Line::try_parse_from(["segue", "--fast", "--rows", "5000"]).is_err());
        for wrong in ["-1", "nan", "inf", "x"] {
            let option = format!("--seconds-per-phase={wrong}");
            let line = ["segue", option.as_str()];
            assert!(Line::try_parse_from(line).is_err(), "{wrong}");
        }
    }
}
