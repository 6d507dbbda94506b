//! What a metric is, and how much it matters.

use std::collections::BTreeMap;

use quell_sdk::signal::MetricKind;

use crate::decode::{List, Metadata};

/// What the server says about metrics, by name.
pub(crate) type Catalogue = BTreeMap<String, List<Metadata>>;

/// The kind of a metric by what the server says of it, else by its name's ending.
pub(crate) fn kind(name: &str, catalogue: &Catalogue) -> MetricKind {
    match said(name, catalogue).map(|(kind, _)| kind) {
        None | Some(MetricKind::Unknown) => by_name(name),
        Some(kind) => kind,
    }
}

/// The kind by the name's ending alone: Prometheus' own rules of naming.
pub(crate) fn by_name(name: &str) -> MetricKind {
    if base(name) == name { MetricKind::Gauge } else { MetricKind::Counter }
}

/// The unit (UCUM) as the server gives it, else by the name's ending.
pub(crate) fn unit(name: &str, catalogue: &Catalogue) -> String {
    const WORDS: [(&str, &str); 6] = [
        ("milliseconds", "ms"),
        ("seconds", "s"),
        ("bytes", "By"),
        ("percent", "%"),
        ("ratio", "1"),
        ("celsius", "Cel"),
    ];
    let code = |word: &str| WORDS.iter().find(|(long, _)| *long == word).map(|(_, code)| (*code).to_owned());
    if let Some((_, unit)) = said(name, catalogue).filter(|(_, unit)| !unit.is_empty()) {
        return code(&unit).unwrap_or(unit);
    }
    let base = base(name);
    base.rsplit_once('_').and_then(|(_, word)| code(word)).unwrap_or_default()
}

/// The name without the ending that says which part of a metric it is.
pub(crate) fn base(name: &str) -> &str {
    ["_total", "_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// What all entries of a metric agree on. OpenMetrics names a counter without `_total`.
fn said(name: &str, catalogue: &Catalogue) -> Option<(MetricKind, String)> {
    let entries = catalogue
        .get(name)
        .or_else(|| catalogue.get(name.strip_suffix("_total")?))
        .filter(|entries| !entries.items.is_empty())?;
    let mut kinds = entries.items.iter().map(|entry| match entry.kind.as_str() {
        "counter" => MetricKind::Counter,
        "gauge" | "info" | "stateset" => MetricKind::Gauge,
        "histogram" => MetricKind::Histogram,
        "summary" => MetricKind::Summary,
        _ => MetricKind::Unknown,
    });
    let first = kinds.next()?;
    let kind = if kinds.all(|kind| kind == first) { first } else { MetricKind::Unknown };
    Some((kind, entries.items.first()?.unit.clone()))
}

/// Metrics that describe the machinery, not the service.
pub(crate) fn is_noise(name: &str) -> bool {
    matches!(name, "ALERTS" | "ALERTS_FOR_STATE" | "") || name.ends_with("_created")
}

/// Rank of a metric when not all can be had: 0 first.
pub(crate) fn rank(name: &str) -> u8 {
    const RUNTIME: [&str; 3] = ["go_goroutines", "go_memstats_heap_inuse_bytes", "go_gc_duration_seconds"];
    const CHATTER: [&str; 7] =
        ["go_", "python_", "promhttp_", "scrape_", "prometheus_sd_", "process_start_", "nodejs_version"];
    const TRAFFIC: [&str; 16] = [
        "request",
        "http",
        "rpc",
        "error",
        "fail",
        "exception",
        "latency",
        "duration",
        "response",
        "timeout",
        "retries",
        "retry",
        "reject",
        "refused",
        "dropped",
        "5xx",
    ];
    const SATURATION: [&str; 31] = [
        "cpu",
        "memory",
        "mem_",
        "heap",
        "rss",
        "resident",
        "pool",
        "queue",
        "conn",
        "thread",
        "goroutine",
        "gc_",
        "fds",
        "disk",
        "filesystem",
        "throttl",
        "inflight",
        "in_flight",
        "active",
        "pending",
        "lag",
        "backlog",
        "saturation",
        "limit",
        "restart",
        "oom",
        "evict",
        "cache",
        "lock",
        "wait",
        "utili",
    ];
    let lower = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if name == "up" {
        0
    } else if RUNTIME.contains(&name) {
        2
    } else if name.ends_with("_info") || CHATTER.iter().any(|start| name.starts_with(start)) {
        4
    } else if has(&TRAFFIC) {
        1
    } else if has(&SATURATION) {
        2
    } else {
        3
    }
}

/// Labels that tell how a request ended.
pub(crate) fn is_outcome(label: &str) -> bool {
    const OUTCOMES: [&str; 16] = [
        "code",
        "status",
        "status_code",
        "http_status_code",
        "http_response_status_code",
        "response_code",
        "grpc_code",
        "grpc_status",
        "rpc_grpc_status_code",
        "error",
        "error_type",
        "exception",
        "exception_type",
        "outcome",
        "result",
        "success",
    ];
    OUTCOMES.contains(&label)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn catalogue() -> Catalogue {
        let text = r#"{
            "jobs": [{"type":"counter","unit":"","help":""}],
            "odd_total": [{"type":"gauge","unit":"","help":""}],
            "torn_total": [{"type":"gauge"},{"type":"counter"}],
            "took_seconds": [{"type":"histogram","unit":"seconds"}],
            "untyped_thing": [{"type":"unknown"}]
        }"#;
        serde_json::from_str(text).unwrap()
    }

    #[rstest]
    #[case("jobs", MetricKind::Counter)]
    #[case("jobs_total", MetricKind::Counter)]
    #[case("odd_total", MetricKind::Gauge)]
    #[case("torn_total", MetricKind::Counter)]
    #[case("took_seconds", MetricKind::Histogram)]
    #[case("untyped_thing", MetricKind::Gauge)]
    #[case("hits_total", MetricKind::Counter)]
    #[case("took_seconds_bucket", MetricKind::Counter)]
    #[case("pool_in_use", MetricKind::Gauge)]
    fn the_server_knows_best_then_the_name(#[case] name: &str, #[case] expected: MetricKind) {
        assert_eq!(kind(name, &catalogue()), expected);
    }

    #[test]
    fn what_people_look_at_first_comes_first() {
        let mut names = [
            "go_info",
            "build_info",
            "orders_placed_total",
            "db_pool_in_use",
            "http_requests_total",
            "up",
            "go_memstats_mallocs_total",
        ];
        names.sort_by_key(|name| rank(name));
        assert_eq!(
            names.get(..4),
            Some(&["up", "http_requests_total", "db_pool_in_use", "orders_placed_total"][..])
        );
    }

    #[rstest]
    #[case("took_seconds_bucket", "s")]
    #[case("took_seconds", "s")]
    #[case("took_milliseconds_sum", "ms")]
    #[case("sent_bytes_total", "By")]
    #[case("up", "")]
    fn units_come_from_the_server_or_the_name(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(unit(name, &catalogue()), expected);
    }
}
