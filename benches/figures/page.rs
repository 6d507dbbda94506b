//! From the webhook to the first ranked recovery path, on the demo's shop.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use quell::{
    app::{App, Builder},
    config,
};
use quell_proto::v1::{WatchRequest, event::Payload, incident_service_client::IncidentServiceClient};
use quell_shop::{Config as ShopConfig, Fault, Shop};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, Endpoint};

use crate::{
    report::{Figure, milliseconds, quantile},
    server::http,
};

const PAGES: usize = 20;
/// What normal is has to be seen, and then customers have to suffer; as in the demo.
const HEALTHY: Duration = Duration::from_secs(16);
const BROKEN: Duration = Duration::from_secs(14);
const PATIENCE: Duration = Duration::from_secs(60);
const FAULT: Fault = Fault::PoolLeak;

/// What came of one page.
struct Answer {
    first_path: Duration,
    whole: Duration,
    /// The service that the final answer holds to be the cause.
    cause: String,
}

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let sets = [
        "server.listen=127.0.0.1:0",
        "receivers.events_v2.routing_keys=[bench]",
        "investigation.budget=20s",
        "investigation.lookback=5m",
        // each page opens an incident
        "intake.correlation_window=0s",
    ];
    let loaded = config::load(None, &sets.map(str::to_owned))?;
    let app = Builder::new(loaded.config).in_memory().start().await?;
    let base = format!("http://{}", app.addr());
    let shop = Shop::start(ShopConfig {
        otlp_endpoint: Some(base.clone()),
        change_endpoint: Some((base.clone(), "bench".to_owned())),
        ..ShopConfig::default()
    })
    .await?;
    sleep(HEALTHY).await;
    shop.inject(FAULT).await?;
    sleep(BROKEN).await;
    let answers = answers(&base).await;
    shop.stop().await;
    stop(app).await?;
    report(answers?)
}

async fn stop(app: App) -> Result<()> {
    app.stop().await?;
    Ok(())
}

async fn answers(base: &str) -> Result<Vec<Answer>> {
    let (http, channel) = (http()?, Endpoint::from_shared(base.to_owned())?.connect().await?);
    let mut answers = Vec::with_capacity(PAGES);
    for number in 0..PAGES {
        let answer = tokio::time::timeout(PATIENCE, one(&http, &channel, base, number)).await;
        answers.push(answer.with_context(|| format!("page {number} got no answer in time"))??);
    }
    Ok(answers)
}

async fn one(http: &reqwest::Client, channel: &Channel, base: &str, number: usize) -> Result<Answer> {
    let body = page(number).to_string();
    let began = Instant::now();
    let response = http.post(format!("{base}/v1/webhooks/alertmanager")).body(body).send().await?;
    let reply: Value = response.error_for_status()?.json().await?;
    let [Value::String(incident)] = reply["incidents"].as_array().map(Vec::as_slice).unwrap_or_default()
    else {
        bail!("page {number} opened no incident of its own: {reply}");
    };
    let request = WatchRequest { incident_id: incident.clone(), after_seq: 0, until_done: true };
    let mut service = IncidentServiceClient::new(channel.clone()).max_decoding_message_size(64 << 20);
    let mut events = service.watch(request).await?.into_inner();
    let (mut first_path, mut cause) = (None, None);
    while let Some(event) = events.next().await {
        match event?.payload {
            Some(Payload::RankingChanged(ranking)) if !ranking.recovery_paths.is_empty() => {
                first_path.get_or_insert_with(|| began.elapsed());
            }
            Some(Payload::InvestigationFinished(found)) => {
                let first = found.hypotheses.into_iter().next();
                cause = Some(first.and_then(|first| first.entity).map(|entity| entity.service));
            }
            _ => {}
        }
    }
    let first_path = first_path.with_context(|| format!("page {number} got no recovery path"))?;
    let cause = cause.with_context(|| format!("page {number} got no answer"))?.unwrap_or_default();
    Ok(Answer { first_path, whole: began.elapsed(), cause })
}

/// The page of the demo, as one more installation of the rule would send it.
fn page(number: usize) -> Value {
    let labels = json!({
        "alertname": "FrontendHighErrorRate", "service": "frontend", "severity": "critical",
        "replica": number.to_string(),
    });
    let annotations = json!({ "summary": "requests to frontend fail" });
    json!({
        "version": "4", "groupKey": format!("{{}}:{{replica=\"{number}\"}}"), "truncatedAlerts": 0,
        "status": "firing", "receiver": "quell", "groupLabels": { "replica": number.to_string() },
        "commonLabels": labels, "commonAnnotations": annotations, "externalURL": "http://bench.invalid",
        "alerts": [{
            "status": "firing", "labels": labels, "annotations": annotations,
            "startsAt": jiff::Timestamp::now().to_string(), "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "", "fingerprint": "",
        }],
    })
}

fn report(answers: Vec<Answer>) -> Result<Vec<Figure>> {
    let mut first: Vec<Duration> = answers.iter().map(|answer| answer.first_path).collect();
    let mut whole: Vec<Duration> = answers.iter().map(|answer| answer.whole).collect();
    first.sort_unstable();
    whole.sort_unstable();
    let truth = FAULT.truth().context("the fault has a cause")?.service;
    let right = answers.iter().filter(|answer| answer.cause == truth).count();
    let p95 = quantile(&first, 0.95);
    let spread = |sorted: &[Duration]| {
        let [p50, p95, max] = [0.5, 0.95, 1.0].map(|share| milliseconds(quantile(sorted, share)));
        format!("p50 {p50}, p95 {p95}, max {max}")
    };
    Ok(vec![
        Figure {
            name: "webhook to first ranked recovery path".to_owned(),
            measured: spread(&first),
            target: Some(("p95 < 1 s".to_owned(), p95 < Duration::from_secs(1))),
            how: format!(
                "{} pages one after the other, each an incident of its own, over the live telemetry of the \
                 demo's shop with {FAULT}; from the POST to the first RankingChanged with a path at a gRPC \
                 watcher, shop and server in one process",
                answers.len()
            ),
        },
        Figure {
            name: "webhook to the final answer".to_owned(),
            measured: spread(&whole),
            target: None,
            how: format!("the same pages; {right} of {} answers blame {truth}, which it is", answers.len()),
        },
    ])
}
