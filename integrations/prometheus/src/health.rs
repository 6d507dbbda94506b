//! Finds out whether the other side is a usable Prometheus, and says what to do if not.

use std::time::Duration;

use jiff::Timestamp;
use quell_sdk::{Error, ErrorKind, Health};
use tokio::time::Instant;

use crate::source::Prometheus;

/// Clocks further apart than this make the edges of a window doubtful.
const MAX_SKEW_SECONDS: f64 = 5.0;
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn health(source: &Prometheus) -> Health {
    let until = Instant::now() + PATIENCE;
    let client = source.client();
    let before = Timestamp::now();
    // The one question that every product with this API answers.
    let time = match client.instant(until, "vector(time())", None).await {
        Ok(said) => said,
        Err(error) => {
            return Health { ok: false, next_action: next_action(&error), found: error.to_string() };
        }
    };
    let after = Timestamp::now();
    let mut found = vec![product(source, until).await];
    let mut advice = Vec::new();

    match client.targets(until).await {
        Ok(said) => {
            let targets = said.data.active.items;
            let down = targets.iter().filter(|target| target.health == "down").count();
            let up = targets.iter().filter(|target| target.health == "up").count();
            found.push(format!("{up} targets up, {down} down"));
            if let Some(interval) =
                targets.first().map(|target| &target.scrape_interval).filter(|it| !it.is_empty())
            {
                found.push(format!("scrape interval {interval}"));
            }
            if targets.is_empty() {
                advice.push(
                    "it scrapes nothing: check scrape_configs, or whether data is pushed to it".to_owned(),
                );
            } else if up == 0 {
                advice.push("no target is up: look at its /targets page".to_owned());
            }
        }
        // Mimir and Thanos keep no list of targets.
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unsupported) => {
            found.push("keeps no list of targets".into());
        }
        Err(error) => found.push(format!("targets cannot be read: {}", error.message)),
    }

    // The moment of evaluation, not the value: VictoriaMetrics evaluates half a minute in the past.
    let point = time.data.series.first().and_then(|(_, points)| points.first());
    let theirs = point.map(|point| point.at as f64 / 1e9);
    if let Some(skew) = theirs.map(|theirs| skew(theirs, before, after)) {
        found.push(format!("clock {skew:+.1} s from ours"));
        if skew.abs() > MAX_SKEW_SECONDS {
            advice.push(format!("its clock and ours are {:.0} s apart: set both by NTP", skew.abs()));
        }
    }
    Health { ok: true, found: found.join(", "), next_action: advice.join("; ") }
}

async fn product(source: &Prometheus, until: Instant) -> String {
    match source.client().build_info(until).await {
        Ok(said) => {
            let info = said.data;
            let name = if info.application.is_empty() { "Prometheus" } else { info.application.as_str() };
            format!(
                "{name} {}",
                if info.version.is_empty() { "of unknown version" } else { info.version.as_str() }
            )
        }
        Err(_) => "something that answers PromQL but does not say its version".into(),
    }
}

/// Seconds that their clock is ahead of ours, as far as it lies outside the time the question took.
fn skew(theirs: f64, before: Timestamp, after: Timestamp) -> f64 {
    let (before, after) = (before.as_duration().as_secs_f64(), after.as_duration().as_secs_f64());
    // They round to milliseconds.
    let slack = 0.001;
    if theirs > after + slack {
        theirs - after
    } else if theirs < before - slack {
        theirs - before
    } else {
        0.0
    }
}

fn next_action(error: &Error) -> String {
    match error.kind {
        ErrorKind::Unavailable if error.message.contains("cannot connect") => {
            "check url, and that this machine may reach it (DNS, firewall, proxy; for TLS: ca_file)"
        }
        ErrorKind::Unavailable => "it answers, but fails: look at its log",
        ErrorKind::Unauthorized => "check auth (basic or bearer), tenant and headers",
        ErrorKind::NotFound => {
            "nothing answers the query API there: url may lack a path prefix such as /prometheus"
        }
        ErrorKind::BadAnswer => {
            "url does not lead to a Prometheus query API: check it, and any login page before it"
        }
        ErrorKind::Timeout => "it is too slow or out of reach: raise timeout, or look at its load",
        ErrorKind::Overloaded => "it asks for patience: try again later, or look at its load",
        ErrorKind::Refused => "it failed several times just now: fix the failure named here, then try again",
        ErrorKind::BadRequest | ErrorKind::Unsupported => {
            "url does not lead to a Prometheus query API, or tenant is missing"
        }
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_is_what_the_round_trip_does_not_explain() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        for (theirs, expected) in [(105.0, 0.0), (100.0, 0.0), (110.0, 0.0), (113.5, 3.5), (40.0, -60.0)] {
            assert!((skew(theirs, at(100), at(110)) - expected).abs() < 1e-9);
        }
    }
}
