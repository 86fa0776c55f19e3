//! What the figures were measured on.

use std::process::Command;

use segue_bench::processor::as_f64;

/// Bytes of a gibibyte.
const GIB: f64 = 1_073_741_824.0;

/// The machine, and what ran on it.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: f64,
    kernel: String,
    /// Programs and their versions.
    programs: Vec<String>,
    /// The command that measured.
    command: String,
}

impl Machine {
    /// This one.
    pub(crate) fn here(programs: Vec<String>) -> Self {
        let first = |file: &str, key: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let memory = first("/proc/meminfo", "MemTotal");
        let kilobytes = memory.split(' ').next().and_then(|it| it.parse::<i64>().ok()).unwrap_or(0);
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        Self {
            processor: first("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_gib: (as_f64(kilobytes) * 1_024.0 / GIB).round(),
            kernel: first_line(Command::new("uname").arg("-sr")),
            programs,
            command: format!("cargo run --release -p segue-bench -- {}", arguments.join(" ")),
        }
    }

    /// One line for each thing that is known.
    pub(crate) fn lines(&self) -> Vec<String> {
        vec![
            format!("`{}`", self.command),
            format!(
                "{} cores of {}, {} GiB, {}",
                self.cores, self.processor, self.memory_gib, self.kernel
            ),
            self.programs.join(", "),
        ]
    }
}

/// The first line that a program prints; empty if it does not run.
pub(crate) fn first_line(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or_default().trim().to_owned()
}
