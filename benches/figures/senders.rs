//! The same alerts for Alertmanager and for quell, and what sends them.

use std::{ops::Range, time::Duration};

use anyhow::{Result, bail};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::server::http;

pub(crate) const SENDERS: usize = 4;
/// Services that the alerts are about, each of which is one group, and so one incident.
pub(crate) const SERVICES: usize = 10;
/// Different alerts; each is sent twice.
pub(crate) const DIFFERENT: usize = 25_000;

/// Whose words the bodies are in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Alertmanager's own API: a list of alerts.
    Alerts,
    /// The webhook that Alertmanager sends.
    Webhook,
}

/// Bodies for each sender: all alerts, then all of them again.
pub(crate) fn bodies(form: Form, batch: usize, started: Timestamp) -> Vec<Vec<Bytes>> {
    let mut senders: Vec<Vec<Bytes>> = (0..SENDERS).map(|_| Vec::new()).collect();
    for _ in 0..2 {
        for (number, first) in (0..DIFFERENT).step_by(batch).enumerate() {
            let alerts = first..(first + batch).min(DIFFERENT);
            // a delivery of a webhook is of one group
            let body = body(form, number % SERVICES, alerts, started);
            if let Some(sender) = senders.get_mut(number % SENDERS) {
                sender.push(body.to_string().into());
            }
        }
    }
    senders
}

fn body(form: Form, service: usize, alerts: Range<usize>, started: Timestamp) -> Value {
    let service = format!("service-{service}");
    let alerts = alerts.map(|number| {
        let mut alert = json!({
            "labels": {
                "alertname": "HighLatencyP95", "service": service, "instance": format!("10.0.0.0:{number}"),
                "cluster": "demo", "severity": "warning",
            },
            "annotations": { "summary": "p95 is 421 ms, was 80 ms" },
            "startsAt": started.to_string(),
            "generatorURL": "http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        });
        if form == Form::Webhook {
            alert["status"] = "firing".into();
            alert["endsAt"] = "0001-01-01T00:00:00Z".into();
            alert["fingerprint"] = format!("{number:016x}").into();
        }
        alert
    });
    let alerts: Value = alerts.collect();
    match form {
        Form::Alerts => alerts,
        Form::Webhook => json!({
            "version": "4", "groupKey": format!("{{}}:{{service=\"{service}\"}}"), "truncatedAlerts": 0,
            "status": "firing", "receiver": "quell", "groupLabels": { "service": service },
            "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager:9093",
            "alerts": alerts,
        }),
    }
}

/// Posts all bodies, each sender over a connection of its own that it keeps, each body after the answer
/// to the one before. Gives the wall time.
pub(crate) async fn send(url: &str, senders: Vec<Vec<Bytes>>) -> Result<Duration> {
    let clients = senders.iter().map(|_| http()).collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    let tasks: Vec<_> = clients
        .into_iter()
        .zip(senders)
        .map(|(client, bodies)| tokio::spawn(deliver(client, url.to_owned(), bodies)))
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(began.elapsed())
}

async fn deliver(client: reqwest::Client, url: String, bodies: Vec<Bytes>) -> Result<()> {
    for body in bodies {
        let request = client.post(&url).header("content-type", "application/json").body(body);
        let response = request.send().await?;
        let status = response.status();
        // read to its end, so that the connection is free for the next
        let text = response.text().await?;
        if !status.is_success() {
            bail!("{url} answered {status}: {text}");
        }
    }
    Ok(())
}
