//! Investigates in this process: a bundle, or the configured sources without a server.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio_util::sync::CancellationToken;

use super::{
    Exit,
    args::Investigate,
    exit::{Failure, Result},
    investigate::Target,
    moments,
    output::Out,
    render, runbooks,
    show::print,
};
use crate::{
    api::convert::{self, Wire},
    bundle::{self, Bundle},
    config,
    domain::{Alert, AlertStatus, Event, IncidentId, Payload, SignalKind, Window},
    investigation::{self, Emit, Request, Sources},
    registry::Registry,
    runbook::Library,
};

/// How far back to look when nothing says so.
const LOOKBACK: Duration = Duration::from_secs(2 * 3600);

pub(super) async fn run(args: Investigate, target: Target, out: &Out) -> Result<Exit> {
    if target.incident.is_some() {
        return Err(Failure::usage("an incident lives on a server; leave out --local, or use --bundle DIR"));
    }
    let (library, findings) = Library::load(&args.runbooks, true);
    runbooks::report(&findings, out);
    let (request, sources) = match &args.bundle {
        Some(path) => {
            let bundle = open(path, args.lenient, out).await?;
            (of_bundle(&args, &target, &bundle)?, bundle.sources())
        }
        None => of_configuration(&args, &target)?,
    };
    let emit = watcher(args.follow && out.is_for_people(), out.verbose);
    let cancel = CancellationToken::new();
    let running = investigation::investigate(request, sources, Arc::new(library), emit, cancel.clone());
    let mut running = Box::pin(running);
    let found = tokio::select! {
        found = &mut running => found,
        () = super::serve::signal() => {
            out.say("stopping; press Ctrl-C again to leave without an answer");
            cancel.cancel();
            tokio::select! {
                found = &mut running => found,
                () = super::serve::signal() => return Ok(Exit::Interrupted),
            }
        }
    };
    let ask = args.bundle.as_ref().map(|path| format!("quell query --bundle {}", quoted(path)));
    let exit = print(&convert::investigation(&found, None), out, ask.as_deref())?;
    Ok(if cancel.is_cancelled() { Exit::Interrupted } else { exit })
}

/// A path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
    if path.bytes().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Opens a bundle, and says what was skipped of it.
pub(super) async fn open(path: &Path, lenient: bool, out: &Out) -> Result<Bundle> {
    let options = bundle::Options { lenient, ..bundle::Options::default() };
    let path = path.to_owned();
    let bundle = tokio::task::spawn_blocking(move || bundle::open(&path, options)).await??;
    say_skipped(&bundle, out);
    Ok(bundle)
}

fn say_skipped(bundle: &Bundle, out: &Out) {
    for skipped in bundle.skipped.iter().filter(|skipped| skipped.lines > 0) {
        let first = skipped.first.as_ref().map(|(line, why)| format!("; first line {line}: {why}"));
        out.say(&format!(
            "{}: {} bad lines skipped{}",
            skipped.file,
            skipped.lines,
            first.unwrap_or_default()
        ));
    }
}

/// What is asked about a bundle: what its alerts name, unless the command line says otherwise.
pub(super) fn of_bundle(args: &Investigate, target: &Target, bundle: &Bundle) -> Result<Request> {
    let mut request = bundle.request(&target.service, target.at, args.budget).ok_or_else(|| {
        Failure::usage(
            "the bundle has no alert that names a service; say what to look at with --service and --at",
        )
    })?;
    if let Some(since) = &args.since {
        let window = request.window;
        request.window = Window {
            start: moments::parse(since, window.end, &TimeZone::system())?.max(window.start),
            ..window
        };
    }
    Ok(request)
}

fn of_configuration(args: &Investigate, target: &Target) -> Result<(Request, Sources)> {
    let loaded = config::load(args.configured.config.as_deref(), &args.configured.sets)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let registry = Registry::build(&loaded.config)?;
    if loaded.config.sources.prometheus.is_empty() {
        return Err(Failure::usage(
            "no source is configured; name one with --config or --set, or use --bundle DIR",
        ));
    }
    let now = Timestamp::now();
    let mut alerts = match &target.webhook {
        Some(body) => alerts_of(body, now)?,
        None => Vec::new(),
    };
    let service =
        if target.service.is_empty() { Request::service_of(&alerts) } else { target.service.clone() };
    let at = target.at.or_else(|| alerts.iter().map(|alert| alert.starts_at).min()).unwrap_or(now);
    if service.is_empty() && target.alertname.is_empty() && alerts.is_empty() {
        return Err(Failure::usage(
            "nothing to investigate; name a service or an alert, or use --bundle DIR",
        ));
    }
    if alerts.is_empty() && !target.alertname.is_empty() {
        alerts.push(alert_of(target, at));
    }
    let start = match &args.since {
        Some(since) => moments::parse(since, now, &TimeZone::system())?,
        None => Window::ending_at(at, LOOKBACK).start,
    };
    let request = Request {
        id: "inv_local".to_owned(),
        service,
        alerts,
        at,
        window: Window::new(start, now),
        budget: args.budget,
        onset_shift: SignedDuration::ZERO,
    };
    let mut sources = Sources::default();
    registry.add_to(&mut sources);
    for (signal, lacking) in [
        (SignalKind::Logs, sources.logs.is_empty()),
        (SignalKind::Traces, sources.traces.is_empty()),
        (SignalKind::Changes, sources.changes.is_empty()),
    ] {
        if lacking {
            sources.absent.push((signal, "no source is configured for it".to_owned()));
        }
    }
    Ok((request, sources))
}

fn alert_of(target: &Target, at: Timestamp) -> Alert {
    let mut labels = target.labels.clone();
    labels.insert("alertname".to_owned(), target.alertname.clone());
    Alert {
        source: "cli".to_owned(),
        status: AlertStatus::Firing,
        labels,
        annotations: crate::domain::Labels::new(),
        starts_at: at,
        ends_at: None,
        generator_url: None,
        fingerprint: String::new(),
        group_key: None,
    }
}

/// The alerts of an Alertmanager webhook.
fn alerts_of(body: &[u8], now: Timestamp) -> Result<Vec<Alert>> {
    use quell_sdk::AlertReceiver;
    let receiver = quell_alertmanager::Receiver::new(Default::default());
    let request = quell_sdk::Request { headers: Vec::new(), body: body.to_vec().into(), received_at: now };
    Ok(receiver.receive(&request).map_err(|error| Failure::usage(format!("standard input: {error}")))?.alerts)
}

/// Prints events as they come, where that was asked for.
fn watcher(show: bool, verbose: bool) -> Arc<dyn Emit> {
    let seq = std::sync::atomic::AtomicU64::new(0);
    Arc::new(move |payload: Payload| {
        if !show {
            return;
        }
        let event = Event {
            seq: seq.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1,
            at: Timestamp::now(),
            incident: IncidentId("local".to_owned()),
            payload,
        };
        if let Some(line) = render::event(&event.to_wire(), verbose) {
            anstream::println!("{line}");
        }
    })
}
