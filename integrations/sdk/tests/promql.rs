//! PromQL over memory gives what a real Prometheus server gives for the same samples.
//!
//! Samples lie between the steps, never on them, as Prometheus 2 and 3 differ in whether a range holds its
//! own start.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

mod support;

use std::time::Duration;

use jiff::Timestamp;
use quell_sdk::{
    local::promql,
    signal::{MetricKind, Point, Series, Window},
};
use support::{Server, Table, table};

const T0: i64 = 1_700_000_000;
/// Steps begin where every range lies behind the first samples, as Prometheus 2 and 3 extend a range
/// differently that reaches to before a counter began with more than zero. They end after the last sample.
const START: i64 = T0 + 1_503;
const END: i64 = START + 30 * 160;

/// Samples every 15 seconds for 90 minutes, half a second off the whole.
fn series(name: &str, labels: &[(&str, &str)], value: impl Fn(u32) -> Option<f64>) -> Series {
    let points = (0..360).filter_map(|index| {
        let at = T0 * 1_000 + i64::from(index) * 15_000 + 500;
        Some(Point { at: at * 1_000_000, value: value(index)? })
    });
    Series {
        name: name.to_owned(),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        kind: MetricKind::Unknown,
        unit: String::new(),
        points: points.collect(),
        query: String::new(),
    }
}

/// Numbers without a pattern, the same in every run.
fn noise(seed: u32, index: u32) -> f64 {
    let mixed = (seed.wrapping_mul(0x9E37_79B9) ^ index.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35);
    f64::from((mixed ^ (mixed >> 15)) % 1_000_000) / 10_000.0
}

/// A count that grows unevenly and starts again at some indices.
fn count(seed: u32, index: u32, every: u32) -> f64 {
    let begin = index - index % every;
    (begin..=index).map(|index| noise(seed, index).floor()).sum()
}

fn history() -> Vec<Series> {
    let mut history = Vec::new();
    for (number, service) in ["cart", "pay", "search"].into_iter().enumerate() {
        let number = number as u32;
        for pod in 0..2_u32 {
            let name = format!("{service}-{pod}");
            let seed = number * 10 + pod;
            history.push(series("temperature", &[("service", service), ("pod", &name)], |index| {
                // A gap of ten minutes in one of them.
                (seed != 1 || !(100..140).contains(&index)).then(|| noise(seed, index) - 40.0)
            }));
            for code in ["200", "500"] {
                let seed = seed + 100 * code.parse::<u32>().unwrap();
                // Restarts, a late start from zero, and one that ends early.
                history.push(series(
                    "requests_total",
                    &[("service", service), ("pod", &name), ("code", code)],
                    |index| match number {
                        0 => Some(count(seed, index, 97)),
                        1 => (index >= 120).then(|| count(seed, index, 1_000) - count(seed, 120, 1_000)),
                        _ => (index < 250).then(|| count(seed, index, 1_000)),
                    },
                ));
            }
        }
        history.push(series("capacity", &[("service", service)], move |_| {
            Some(f64::from(number) * 10.0 + 10.0)
        }));
        let labels = |le: &'static str| [("service", service), ("le", le)];
        let shares = [("0.1", 0.5), ("0.5", 0.8), ("2.5", 0.95), ("+Inf", 1.0)];
        for (le, share) in shares {
            history.push(series("latency_seconds_bucket", &labels(le), move |index| {
                Some((0..=index).map(|index| (noise(number + 50, index) * share).floor()).sum())
            }));
        }
        let all = move |index| (0..=index).map(|index| noise(number + 50, index).floor()).sum::<f64>();
        history.push(series("latency_seconds_count", &[("service", service)], move |index| Some(all(index))));
        history.push(series("latency_seconds_sum", &[("service", service)], move |index| {
            Some(all(index) * 0.3)
        }));
    }
    history
}

const SAME: &[&str] = &[
    "temperature",
    r#"temperature{service=~"c.*|pay",pod!="pay-1"}"#,
    r#"{__name__=~"temp.*",service!~"cart|pay"}"#,
    "temperature offset 10m",
    "requests_total offset -2m",
    "temperature @ 1700002000.25",
    "rate(requests_total[1m])",
    "rate(requests_total[5m])",
    "rate(requests_total[37s])",
    "irate(requests_total[2m])",
    "increase(requests_total[10m])",
    "delta(temperature[3m])",
    "idelta(temperature[3m])",
    "deriv(temperature[5m])",
    "predict_linear(temperature[5m], 3600)",
    "changes(temperature[5m])",
    "resets(requests_total[40m])",
    "avg_over_time(temperature[5m])",
    "min_over_time(temperature[5m]) + max_over_time(temperature[5m])",
    "sum_over_time(temperature[5m])",
    "count_over_time(temperature[20m])",
    "stddev_over_time(temperature[5m])",
    "stdvar_over_time(temperature[5m])",
    "quantile_over_time(0.9, temperature[5m])",
    "last_over_time(temperature[8m])",
    "present_over_time(temperature[20s])",
    "absent_over_time(requests_total{service=\"search\"}[4m])",
    "absent(temperature{pod=\"cart-1\"})",
    "absent(sum(nosuch))",
    "sum by (service) (rate(requests_total[5m]))",
    "sum without (pod, code) (rate(requests_total[5m]))",
    "avg by (code) (requests_total)",
    "min(temperature) by (service)",
    "max without (pod) (temperature)",
    "count by (code) (requests_total)",
    "group by (service) (temperature)",
    "stddev(temperature)",
    "stdvar by (service) (temperature)",
    "topk(2, temperature)",
    "bottomk by (service) (1, temperature)",
    "quantile(0.75, temperature)",
    "quantile by (service) (0.1, temperature)",
    "count_values(\"capacity\", capacity)",
    "sum by (__name__) (capacity)",
    "histogram_quantile(0.95, sum by (le, service) (rate(latency_seconds_bucket[5m])))",
    "histogram_quantile(0.5, rate(latency_seconds_bucket[2m]))",
    "histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m])))",
    "rate(latency_seconds_sum[5m]) / rate(latency_seconds_count[5m])",
    r#"sum by (service) (rate(requests_total{code="500"}[5m])) / sum by (service) (rate(requests_total[5m]))"#,
    r#"sum by (service) (rate(requests_total{code="500"}[5m])) / ignoring (code) sum by (service) (rate(requests_total[5m])) > 0.5"#,
    "temperature * on (service) group_left capacity",
    "capacity - on (service) group_right temperature",
    "capacity / on (service) avg by (service) (temperature)",
    "temperature > 20",
    "30 < temperature",
    "temperature > bool 20",
    "temperature == temperature",
    "temperature != bool 0",
    "capacity > on (service) avg by (service) (temperature)",
    "temperature and on (pod) requests_total",
    "temperature unless on (service) (capacity > 10)",
    "temperature > 30 or temperature < -30",
    "capacity or temperature",
    "-temperature ^ 2 % 7",
    "2 ^ 3 ^ 2 + capacity",
    "(1 + 2 * 3) >= bool 7",
    "abs(temperature)",
    "ceil(temperature) - floor(temperature) + round(temperature, 5)",
    "clamp(temperature, -10, 10) + clamp_min(temperature, 0) - clamp_max(temperature, 5)",
    "exp(temperature / 100) + sqrt(abs(temperature)) + sgn(temperature)",
    "ln(capacity) + log2(capacity) + log10(capacity)",
    "scalar(capacity{service=\"pay\"}) * temperature",
    "vector(time())",
    "time() - timestamp(temperature)",
    "timestamp(temperature + 0)",
    "sort_desc(capacity)",
    r#"label_replace(temperature, "zone", "$2-$1", "pod", "(.*)-(.*)")"#,
    r#"label_join(capacity, "both", "/", "service", "nosuch", "service")"#,
    "max_over_time(rate(requests_total[2m])[20m:1m])",
    "avg_over_time(sum(temperature)[10m:])",
    "min_over_time(temperature[5m:30s] offset 5m)",
    "sum(temperature) by (nosuch) * 1e3",
];

const REFUSED: &[&str] = &[
    "temperature * on (service) capacity",
    "capacity * on (service) temperature",
    r#"rate({__name__=~"latency_seconds_(count|sum)"}[5m])"#,
    "1 > 2",
    "rate(temperature)",
    "temperature[5m]",
    "sum(temperature",
    r#"temperature{service=~"("}"#,
    "{}",
    "temperature and 5",
];

#[test]
fn real_prometheus_gives_the_same() {
    let history = history();
    let types = [
        ("temperature", "gauge"),
        ("requests", "counter"),
        ("capacity", "gauge"),
        ("latency_seconds", "histogram"),
    ];
    let server = Server::start(&history, &types);
    let window = Window::new(
        Timestamp::from_second(START).unwrap(),
        // A window does not hold its end, a range of Prometheus does.
        Timestamp::from_second(END + 1).unwrap(),
    );
    let step = Duration::from_secs(30);
    let mut wrong = Vec::new();
    let mut points = 0;
    for expr in SAME {
        let theirs = server.range(expr, START, END, 30);
        let ours = promql::range(&history, expr, window, step);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                points += theirs.values().map(|values| values.len()).sum::<usize>();
                wrong.extend(difference(&table(&ours), &theirs).map(|told| format!("{expr}: {told}")));
            }
            (ours, theirs) => wrong.push(format!("{expr}: {:?}, theirs {:?}", ours.err(), theirs.err())),
        }
    }
    for expr in REFUSED {
        let theirs = server.range(expr, START, END, 30);
        if let (Ok(ours), _) | (Err(_), Ok(ours)) =
            (promql::range(&history, expr, window, step).map(|ours| table(&ours)), theirs)
        {
            wrong.push(format!("{expr} should be refused, and gave {} series", ours.len()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), SAME.len(), wrong.join("\n"));
    assert!(points > 50_000, "only {points} points were compared");
}

/// The first difference between two tables.
fn difference(ours: &Table, theirs: &Table) -> Option<String> {
    let missing = |one: &Table, other: &Table| one.keys().find(|name| !other.contains_key(*name)).cloned();
    if let Some(name) = missing(ours, theirs) {
        return Some(format!("only ours has {name}"));
    }
    if let Some(name) = missing(theirs, ours) {
        return Some(format!("only theirs has {name}"));
    }
    for (name, values) in ours {
        let other = &theirs[name];
        for at in values.keys().chain(other.keys()) {
            match (values.get(at), other.get(at)) {
                (Some(one), Some(other)) if close(*one, *other) => {}
                (one, other) => {
                    return Some(format!("{name} at {}: ours {one:?}, theirs {other:?}", at / 1_000 - T0));
                }
            }
        }
    }
    None
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1e-3)
}
