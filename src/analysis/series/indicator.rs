//! What a metric measures, told from its name, unit and labels.
//!
//! Monitoring has no shared vocabulary, but its words repeat: whoever names a metric `..._pending_requests`
//! means a queue for something. The rules look at whole words of the name in order of how telling they
//! are; a name that says nothing is [`IndicatorKind::Other`] and still counts, at less weight.

use quell_sdk::signal::Series;

use crate::domain::IndicatorKind;

/// How to read one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub kind: IndicatorKind,
    /// `Some(true)`: only a rise is bad; `Some(false)`: only a fall is bad; `None`: both are.
    pub bad_up: Option<bool>,
    /// Least step that matters, in the metric's own unit; 0 when unknown.
    pub smallest: f64,
    /// Measured about the machine under the service, not about the service.
    pub of_node: bool,
}

/// Words that a name is made of: split at `_`, `.`, `-`, `/` and between cases, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_lower = false;
    for character in name.chars() {
        let splits = !character.is_alphanumeric();
        if splits || (character.is_uppercase() && previous_lower) {
            words.push(String::new());
        }
        if !splits && let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
        previous_lower = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Reads a series: its name and unit, and where it counts by outcome, the outcome.
pub fn read(series: &Series) -> Reading {
    let counts = series.name.ends_with("_count") || series.name.ends_with("_total");
    let outcome =
        ["http_response_status_code", "status_code", "code", "status", "rpc_grpc_status_code", "grpc_code"]
            .iter()
            .find_map(|label| series.labels.get(*label));
    let named = classify(&series.name, &series.unit);
    let of_node = named.of_node;
    match outcome {
        Some(outcome) if counts && matches!(named.kind, IndicatorKind::Latency | IndicatorKind::Traffic) => {
            // gRPC counts by name or number; OK and 0 are the only success.
            let failed = outcome.starts_with('5')
                || (!outcome.starts_with(|first: char| first.is_ascii_digit())
                    && !matches!(outcome.to_ascii_lowercase().as_str(), "ok" | "success" | "200"));
            if failed {
                Reading { kind: IndicatorKind::Errors, bad_up: Some(true), smallest: 0.02, of_node }
            } else {
                Reading { kind: IndicatorKind::Traffic, bad_up: None, smallest: 0.0, of_node }
            }
        }
        // How often something was measured is traffic, whatever was measured.
        None if series.name.ends_with("_count") && named.kind == IndicatorKind::Latency => {
            Reading { kind: IndicatorKind::Traffic, bad_up: None, smallest: 0.0, of_node }
        }
        _ => named,
    }
}

/// Reads a metric's name and unit.
pub fn classify(name: &str, unit: &str) -> Reading {
    let words = words(name);
    let has = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
    let all = |every: &[&str]| every.iter().all(|word| words.iter().any(|known| known == word));
    let percent = has(&["pct", "percent", "percentage"]) || unit == "%";
    let ratio = has(&["ratio", "fraction"]);
    let of_node = words.first().is_some_and(|word| word == "node" || word == "host" || word == "machine");
    let reading = |kind, bad_up, smallest| Reading { kind, bad_up, smallest, of_node };
    let share: f64 = if percent {
        2.0
    } else if ratio {
        0.02
    } else {
        0.0
    };

    if has(&["expiry", "expiration"]) || all(&["cert", "seconds"]) || all(&["not", "after"]) {
        return reading(IndicatorKind::Certificate, Some(false), 0.0);
    }
    if has(&["oom", "restart", "restarts", "crash", "crashes", "oomkilled"]) {
        return reading(IndicatorKind::Restarts, Some(true), 0.5);
    }
    if has(&["uptime"]) {
        return reading(IndicatorKind::Restarts, Some(false), 0.0);
    }
    if has(&["success", "availability", "available", "healthy"]) && !has(&["memory", "mem", "disk"]) {
        return reading(IndicatorKind::Errors, Some(false), share.max(if ratio { 0.005 } else { 0.0 }));
    }
    if has(&["limit", "capacity", "quota", "max"]) && !has(&["exceeded", "hit", "usage", "throttled"]) {
        // A configured bound: it moves when somebody moves it, which is a change, not a symptom.
        return reading(IndicatorKind::Quota, None, 0.0);
    }
    if has(&["throttled", "throttle", "throttling", "ratelimited", "rejected"]) && !has(&["cpu", "cfs"]) {
        return reading(IndicatorKind::Quota, Some(true), share);
    }
    if has(&["pool", "connection", "connections"]) && !has(&["error", "errors", "failed", "refused"]) {
        return reading(IndicatorKind::Pool, Some(true), if share > 0.0 { share } else { 1.0 });
    }
    if has(&["retry", "retries", "attempts"]) && !has(&["exhausted", "failed"]) {
        return reading(IndicatorKind::Retries, Some(true), share);
    }
    let failing = ["error", "errors", "fail", "failed", "failure", "failures", "exception", "exceptions"];
    let status = ["5xx", "4xx", "500", "502", "503", "504", "401", "403", "429"];
    if has(&failing) || has(&status) || has(&["exhausted", "timeouts", "timeout", "aborted", "dropped"]) {
        let small = if share > 0.0 { share / 2.0 } else { 0.0 };
        return reading(IndicatorKind::Errors, Some(true), small);
    }
    if has(&["lag"]) {
        let kind = if has(&["replica", "replication", "standby"]) {
            IndicatorKind::Replication
        } else {
            IndicatorKind::Queue
        };
        return reading(kind, Some(true), 0.0);
    }
    if has(&["lock", "locks", "deadlock", "deadlocks"]) {
        return reading(IndicatorKind::Lock, Some(true), 0.0);
    }
    if has(&["latency", "duration", "elapsed", "rtt", "delay"])
        || (has(&["time"]) && has(&["request", "response"]))
    {
        return reading(IndicatorKind::Latency, Some(true), 0.0);
    }
    if has(&["cache"]) {
        let bad_up = if has(&["hit", "hits"]) {
            Some(false)
        } else if has(&["miss", "misses", "evictions", "evicted"]) {
            Some(true)
        } else {
            None
        };
        return reading(IndicatorKind::Cache, bad_up, share);
    }
    if has(&["queue", "backlog", "pending", "inflight", "waiting", "active", "concurrent"]) {
        return reading(IndicatorKind::Queue, Some(true), 0.0);
    }
    if has(&["cpu", "load1", "load5"]) {
        let smallest = if percent {
            4.0
        } else if ratio || has(&["utilization"]) {
            0.04
        } else if has(&["millicores"]) {
            20.0
        } else {
            0.0
        };
        return reading(IndicatorKind::Cpu, Some(true), smallest);
    }
    if has(&["mem", "memory", "heap", "rss", "gc"]) {
        let smallest = if percent { 4.0 } else { 0.0 };
        return reading(IndicatorKind::Memory, Some(true), smallest);
    }
    if has(&["disk", "filesystem", "fs", "inode", "inodes", "volume", "io", "iops"]) {
        let bad_up = if has(&["free", "avail", "available"]) { Some(false) } else { Some(true) };
        return reading(IndicatorKind::Disk, bad_up, share);
    }
    if has(&["fd", "fds", "descriptors"]) {
        return reading(IndicatorKind::FileDescriptors, Some(true), 0.0);
    }
    if has(&["thread", "threads", "goroutines", "workers"]) {
        return reading(IndicatorKind::Threads, Some(true), 0.0);
    }
    if has(&["net", "network", "rx", "tx", "packets", "retransmits", "bytes"]) {
        return reading(IndicatorKind::Network, None, 0.0);
    }
    if has(&[
        "requests",
        "request",
        "rps",
        "qps",
        "ops",
        "throughput",
        "calls",
        "workload",
        "count",
        "traffic",
    ]) {
        return reading(IndicatorKind::Traffic, None, 0.0);
    }
    reading(IndicatorKind::Other, None, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_several_vocabularies_are_read() {
        let kind = |name: &str| classify(name, "").kind;
        assert_eq!(kind("http_server_request_duration_seconds"), IndicatorKind::Latency);
        assert_eq!(kind("db_client_connections_pending_requests"), IndicatorKind::Pool);
        assert_eq!(kind("container_cpu_usage_seconds_total"), IndicatorKind::Cpu);
        assert_eq!(kind("container_memory_working_set_bytes"), IndicatorKind::Memory);
        assert_eq!(kind("kube_pod_container_status_restarts_total"), IndicatorKind::Restarts);
        assert_eq!(kind("search_error_rate_pct"), IndicatorKind::Errors);
        assert_eq!(kind("http_requests_total"), IndicatorKind::Traffic);
        assert_eq!(kind("availability_average"), IndicatorKind::Errors);
        assert_eq!(kind("tls_cert_seconds_until_expiry"), IndicatorKind::Certificate);
        assert_eq!(kind("go_goroutines"), IndicatorKind::Threads);
        assert_eq!(kind("queueDepth"), IndicatorKind::Queue);
        assert_eq!(kind("something_strange"), IndicatorKind::Other);
    }

    #[test]
    fn a_share_knows_its_smallest_step() {
        assert!(classify("cpu_pct", "%").smallest > 1.0);
        assert!((classify("http_5xx_ratio", "1").smallest - 0.01).abs() < 1e-9);
    }

    #[test]
    fn direction_of_bad() {
        assert_eq!(classify("success_rate_pct", "%").bad_up, Some(false));
        assert_eq!(classify("cache_hit_ratio", "").bad_up, Some(false));
        assert_eq!(classify("http_5xx_ratio", "").bad_up, Some(true));
    }
}
