//! How a figure is written down.

use std::{fmt, fs, time::Duration};

/// One measured figure.
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) measured: String,
    /// What it is held to, and whether it is met; `None` for a figure that explains another.
    pub(crate) target: Option<(String, bool)>,
    pub(crate) how: String,
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name, self.measured)?;
        if let Some((target, met)) = &self.target {
            write!(formatter, "   (target {target}: {})", if *met { "met" } else { "MISSED" })?;
        }
        write!(formatter, "\n  {}", self.how)
    }
}

/// The value below which `share` of the sorted values lie.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The middle of some numbers.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1e3)
}

/// The machine's load over 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "not known".to_owned());
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
