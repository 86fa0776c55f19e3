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
