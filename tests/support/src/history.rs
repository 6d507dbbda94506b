//! Made-up pasts of metrics, as OpenMetrics text and as blocks that a Prometheus starts with.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use quell_sdk::signal::Window;

use crate::process::Program;

const PROMTOOL: Program = Program { name: "promtool", variable: "QUELL_PROMTOOL", package: "prometheus" };

/// A past: series sampled at regular moments of one window.
///
/// What a series does is given by a function of the seconds since the window's start; `None` is a
/// missing sample, as of a scrape that failed.
#[derive(Clone, Debug)]
pub struct History {
    window: Window,
    step: Duration,
    families: BTreeMap<String, Family>,
}

#[derive(Clone, Debug)]
struct Family {
    kind: &'static str,
    /// Text after the family's name (`_total{a="b"}`) to samples.
    series: BTreeMap<String, Vec<(f64, f64)>>,
}

impl History {
    /// An empty past of this window, sampled every `step`.
    pub fn new(window: Window, step: Duration) -> Self {
        Self { window, step, families: BTreeMap::new() }
    }

    /// One gauge `up` that is 1 for an hour.
    pub fn example() -> Self {
        let start = jiff::Timestamp::UNIX_EPOCH + Duration::from_secs(1_767_600_000);
        let window = Window::new(start, start + Duration::from_secs(3600));
        let mut history = Self::new(window, Duration::from_secs(15));
        history.gauge("up", &[("job", "example")], |_| Some(1.0));
        history
    }

    pub fn window(&self) -> Window {
        self.window
    }

    /// A level over time.
    pub fn gauge(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: impl Fn(f64) -> Option<f64>,
    ) -> &mut Self {
        let samples = self.moments().filter_map(|(at, t)| Some((at, value(t)?))).collect();
        self.add(name, "gauge", "", labels, samples)
    }

    /// A count that grows by `per_second`. Its name ends in `_total`, given or not.
    pub fn counter(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        per_second: impl Fn(f64) -> Option<f64>,
    ) -> &mut Self {
        let samples = self.counted(per_second);
        let family = name.strip_suffix("_total").unwrap_or(name);
        self.add(family, "counter", "_total", labels, samples)
    }

    /// A histogram of `per_second` observations a second, all of the value `each` gives. `bounds`
    /// ascend, without the infinite one.
    pub fn histogram(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        bounds: &[f64],
        per_second: impl Fn(f64) -> Option<f64>,
        each: impl Fn(f64) -> f64,
    ) -> &mut Self {
        for bound in bounds.iter().copied().chain([f64::INFINITY]) {
            let within = |t| per_second(t).map(|rate| if each(t) <= bound { rate } else { 0.0 });
            let samples = self.counted(within);
            let le = if bound.is_finite() { bound.to_string() } else { "+Inf".into() };
            let mut labels = labels.to_vec();
            labels.push(("le", &le));
            self.add(name, "histogram", "_bucket", &labels, samples);
        }
        self.sum_and_count(name, "histogram", labels, per_second, each)
    }

    /// A summary without quantiles: sum and count of `per_second` observations a second of the value
    /// `each` gives.
    pub fn summary(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        per_second: impl Fn(f64) -> Option<f64>,
        each: impl Fn(f64) -> f64,
    ) -> &mut Self {
        self.sum_and_count(name, "summary", labels, per_second, each)
    }

    fn sum_and_count(
        &mut self,
        name: &str,
        kind: &'static str,
        labels: &[(&str, &str)],
        per_second: impl Fn(f64) -> Option<f64>,
        each: impl Fn(f64) -> f64,
    ) -> &mut Self {
        let (sum, count) = (self.counted(|t| Some(per_second(t)? * each(t))), self.counted(&per_second));
        self.add(name, kind, "_sum", labels, sum);
        self.add(name, kind, "_count", labels, count)
    }

    /// The whole past as OpenMetrics text.
    pub fn to_openmetrics(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.families {
            text.push_str(&format!("# TYPE {name} {}\n", family.kind));
            for (rest, samples) in &family.series {
                for (at, value) in samples {
                    text.push_str(&format!("{name}{rest} {value} {at}\n"));
                }
            }
        }
        text.push_str("# EOF\n");
        text
    }

    /// Writes the past as blocks into the (not yet existing) data folder of a Prometheus.
    ///
    /// # Errors
    /// When `promtool` is not installed or refuses the text; the message holds what it says.
    pub fn write_blocks(&self, data: &Path) -> Result<()> {
        fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
        let text = data.with_extension("om");
        fs::write(&text, self.to_openmetrics())
            .with_context(|| format!("{} cannot be written", text.display()))?;
        let output = Command::new(PROMTOOL.path()?)
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
            .args([&text, data])
            .stdin(Stdio::null())
            .output()
            .context("promtool cannot be run")?;
        if !output.status.success() {
            bail!("promtool refuses the history: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    fn add(
        &mut self,
        family: &str,
        kind: &'static str,
        suffix: &str,
        labels: &[(&str, &str)],
        samples: Vec<(f64, f64)>,
    ) -> &mut Self {
        let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
        self.families
            .entry(family.to_owned())
            .or_insert_with(|| Family { kind, series: BTreeMap::new() })
            .series
            .insert(format!("{suffix}{{{}}}", pairs.join(",")), samples);
        self
    }

    /// Unix seconds and seconds since the start of every sample.
    fn moments(&self) -> impl Iterator<Item = (f64, f64)> + use<> {
        let step = self.step.as_secs_f64().max(0.001);
        let start = self.window.start.as_duration().as_secs_f64();
        let count = (self.window.length().as_secs_f64() / step).ceil();
        (0_u32..).map(f64::from).take_while(move |index| *index < count).map(move |index| {
            let t = index * step;
            (start + t, t)
        })
    }

    fn counted(&self, per_second: impl Fn(f64) -> Option<f64>) -> Vec<(f64, f64)> {
        let step = self.step.as_secs_f64();
        let mut total = 0.0;
        self.moments()
            .filter_map(|(at, t)| {
                total += per_second(t)? * step;
                Some((at, total))
            })
            .collect()
    }
}
