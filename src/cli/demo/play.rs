//! The course of the demo.

use std::time::Duration;

use jiff::Timestamp;
use quell_proto::v1::{Investigation, WatchRequest, incident_service_client::IncidentServiceClient};
use quell_shop::{Config as ShopConfig, Fault, Shop};
use tokio::time::Instant;

use super::rules::{Firing, Monitor};
use crate::{
    app::{App, Builder},
    cli::{
        Exit,
        args::Demo,
        client,
        exit::{Failure, Result},
        output::Out,
        render,
        serve::signal,
        show::{finished, grade, print},
    },
    config,
};

/// How long the shop is healthy first: what normal is has to be seen.
const HEALTHY: Duration = Duration::from_secs(16);
/// How long a rule may take to fire.
const PATIENCE: Duration = Duration::from_secs(40);
/// Secret between the shop and this server.
const KEY: &str = "demo";

/// Plays the demo to its end, or until Ctrl-C.
pub(crate) async fn run(args: Demo, out: &Out) -> Result<Exit> {
    let fault: Fault = args.fault.parse().map_err(|error| Failure::usage(format!("--fault: {error}")))?;
    let app = server(&args).await?;
    let shop = Shop::start(ShopConfig {
        otlp_endpoint: Some(format!("http://{}", app.addr())),
        change_endpoint: Some((format!("http://{}", app.addr()), KEY.to_owned())),
        seed: args.seed,
        ..ShopConfig::default()
    })
    .await?;
    let played = tokio::select! {
        played = play(&app, &shop, fault, out) => played,
        () = signal() => Ok(Exit::Interrupted),
    };
    shop.stop().await;
    app.stop().await?;
    played
}

async fn server(args: &Demo) -> Result<App> {
    let sets = [
        "server.listen=127.0.0.1:0",
        "receivers.events_v2.routing_keys=[demo]",
        "investigation.budget=20s",
        "investigation.lookback=5m",
    ];
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let loaded = config::load(None, &sets).map_err(|error| Failure::usage(error.to_string()))?;
    let mut configuration = loaded.config;
    configuration.data_dir.clone_from(&args.data_dir);
    let builder = Builder::new(configuration);
    let builder = if args.data_dir.is_some() { builder } else { builder.in_memory() };
    Ok(builder.start().await?)
}

async fn play(app: &App, shop: &Shop, fault: Fault, out: &Out) -> Result<Exit> {
    let services: Vec<&str> = shop.services().iter().map(|service| service.name).collect();
    out.say(&format!("quell listens on http://{}", app.addr()));
    out.say(&format!("a shop runs on loopback, customers shop: {}", services.join(", ")));
    out.say(&format!("healthy for {} s, so that normal is known ...", HEALTHY.as_secs()));
    tokio::time::sleep(HEALTHY).await;
    let stats = shop.stats();
    out.say(&format!(
        "  {:.0} requests/s, {:.1} % errors, p95 {} ms",
        stats.rps,
        stats.error_rate * 100.0,
        stats.p95.as_millis()
    ));
    shop.inject(fault).await?;
    let began = Timestamp::now();
    out.say(&match fault {
        Fault::None => "nothing breaks; a rule that is too eager watches (--fault none)".to_owned(),
        _ => format!("something breaks now (--fault {fault}); waiting for the alert rule ..."),
    });
    let page = page(app, fault).await?;
    let stats = shop.stats();
    out.say(&format!(
        "  page: {}: {}  ({:.0} % errors, p95 {} ms)",
        page.name,
        page.summary,
        stats.error_rate * 100.0,
        stats.p95.as_millis()
    ));
    let paged = Instant::now();
    deliver(app, &page).await?;
    let found = follow(app, out, paged).await?;
    if out.is_for_people() && !out.quiet {
        out.line("")?;
    }
    print(&found, out, None)?;
    out.say("");
    out.say(&match fault.truth() {
        Some(truth) => {
            format!("what really broke, at {}: {} ({})", render_time(began), fault.summary(), truth.service)
        }
        None => format!("what really broke: {}", fault.summary()),
    });
    // A server that has just started has not seen the hours before: that is no failure of the demo.
    Ok(match grade(&found) {
        Exit::Partial => Exit::Ok,
        other => other,
    })
}

fn render_time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

/// Waits for a rule to fire over the telemetry that the shop pushes.
async fn page(app: &App, fault: Fault) -> Result<Firing> {
    let metrics = app
        .sources()
        .metrics
        .first()
        .cloned()
        .ok_or_else(|| Failure::new(Exit::General, "the server has no source of metrics"))?;
    let rules: &[&str] = match fault {
        Fault::None => &[quell_shop::sensitive_rules()],
        _ => &[quell_shop::alert_rules()],
    };
    let mut monitor = Monitor::new(rules, metrics)?;
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(firing) = monitor.evaluate(Timestamp::now()).await? {
            return Ok(firing);
        }
    }
    Err(Failure::new(
        Exit::General,
        format!(
            "no alert rule fired within {} s; this machine may be too busy, try again",
            PATIENCE.as_secs()
        ),
    ))
}

/// Sends the page through the real webhook.
async fn deliver(app: &App, page: &Firing) -> Result<()> {
    let client = quell_sdk::http::client(&quell_sdk::http::HttpConfig::default())?;
    let url = format!("http://{}/v1/webhooks/alertmanager", app.addr());
    let answer = client.post(url).json(&page.webhook).send().await?;
    if answer.status() != 202 {
        return Err(Failure::new(Exit::General, format!("the webhook answered {}", answer.status())));
    }
    Ok(())
}

/// Follows the newest incident's journal until it has its answer.
async fn follow(app: &App, out: &Out, paged: Instant) -> Result<Investigation> {
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{}", app.addr()))?.connect().await?;
    let mut server = IncidentServiceClient::new(channel).max_decoding_message_size(64 << 20);
    let list = quell_proto::v1::ListIncidentsRequest { limit: 1, ..Default::default() };
    let incident = server
        .list_incidents(list)
        .await
        .map_err(|status| client::failure(&status))?
        .into_inner()
        .incidents
        .into_iter()
        .next()
        .ok_or_else(|| Failure::new(Exit::General, "the page opened no incident"))?;
    let request = WatchRequest { incident_id: incident.id, after_seq: 0, until_done: true };
    let mut events = server.watch(request).await.map_err(|status| client::failure(&status))?.into_inner();
    // With --quiet there is the answer alone.
    let is_live = out.is_for_people() && !out.quiet;
    let mut feed = render::Feed::new(out.verbose, out.width);
    let mut ranked = false;
    let mut answer = None;
    while let Some(event) = events.message().await.map_err(|status| client::failure(&status))? {
        if is_live {
            feed.lines(&event).iter().try_for_each(|line| out.line(line))?;
        }
        if matches!(event.payload, Some(quell_proto::v1::event::Payload::RankingChanged(_))) && !ranked {
            ranked = true;
            out.say(&format!("  first ranking {} ms after the page", paged.elapsed().as_millis()));
        }
        if let Some(found) = finished(event.payload.as_ref()) {
            answer = Some(found.clone());
        }
    }
    answer.ok_or_else(|| Failure::new(Exit::General, "the investigation ended without an answer"))
}
