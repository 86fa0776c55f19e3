//! Processor time, which a busy machine distorts less than time on the clock.

/// Processor time of a process, its children, and those that have ended. Unit: seconds.
#[must_use]
pub fn cpu(server: u32) -> f64 {
    /// Clock ticks a second, on every Linux of today.
    const TICKS: f64 = 100.0;
    let mut ticks = 0;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name is between brackets, and may contain anything.
        let Some((pid, rest)) = stat.split_once(" (") else { continue };
        let Some((_, rest)) = rest.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |at: usize| fields.get(at).and_then(|it| it.parse::<i64>().ok()).unwrap_or(0);
        let is_server = pid.parse() == Ok(server);
        if is_server || number(1) == i64::from(server) {
            ticks += number(11) + number(12);
        }
        if is_server {
            ticks += number(13) + number(14);
        }
    }
    as_f64(ticks) / TICKS
}

/// For what is shown.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "what is shown needs no more than 53 bits")]
pub fn as_f64(number: i64) -> f64 {
    number as f64
}

/// What a process has used since it began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor time of all its threads. Unit: seconds.
    pub cpu: f64,
    /// How often one of its threads went to sleep and was woken.
    pub wakeups: f64,
    /// Memory that it holds. Unit: bytes.
    pub memory: f64,
}

impl Usage {
    /// Of that process. Threads that have ended are not counted.
    #[must_use]
    pub fn of(process: u32) -> Self {
        let folder = std::path::PathBuf::from(format!("/proc/{process}"));
        let mut usage = Self::default();
        for thread in std::fs::read_dir(folder.join("task")).into_iter().flatten().flatten() {
            let read = |file: &str| std::fs::read_to_string(thread.path().join(file));
            let ran = read("schedstat").unwrap_or_default();
            usage.cpu += ran.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0.0) / 1e9;
            usage.wakeups += field(&read("status").unwrap_or_default(), "voluntary_ctxt_switches:");
        }
        let status = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
        // What is only mapped, and the same in every process, is not counted.
        usage.memory = field(&status, "RssAnon:") * 1_024.0;
        usage
    }

    /// What was used since `before`; memory is what it holds now.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu - before.cpu,
            wakeups: self.wakeups - before.wakeups,
            memory: self.memory,
        }
    }
}

fn field(status: &str, key: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(0.0)
}
