//! Investigates in this process: a bundle, or the configured sources without a server.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio_util::sync::CancellationToken;

use super::{
    Exit,
    args::{Investigate, Scope},
    exit::{Failure, Result},
    investigate::{Target, alerts_of},
    moments,
    output::Out,
    render, runbooks,
    shell::Line,
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

pub(super) async fn run(args: Investigate, target: Target, out: &Out) -> Result<Exit> {
    if target.incident.is_some() {
        return Err(Failure::usage("an incident lives on a server; leave out --local, or use --bundle DIR"));
    }
    let (request, sources, dirs, embedded) = match &args.scope.bundle {
        Some(path) => {
            let bundle = open(path, args.scope.lenient, out).await?;
            let request = of_bundle(&args.scope, &target.service, args.working.budget(), &bundle)?;
            (request, bundle.sources(), args.working.runbooks.clone(), true)
        }
        None => of_configuration(&args, &target)?,
    };
    let (library, findings) = Library::load(&dirs, embedded);
    runbooks::report(&findings, out);
    let emit = watcher(args.follow && out.is_for_people(), out);
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
    let ask = ask(&args, &target.service);
    let exit = print(&convert::investigation(&found, None), out, ask.as_deref())?;
    Ok(if cancel.is_cancelled() { Exit::Interrupted } else { exit })
}

/// The command that runs the query of evidence of this investigation, but for its id: all that settles what the
/// evidence is goes with it. `None` where there is no bundle, as what was asked of live sources is not kept.
fn ask(args: &Investigate, service: &str) -> Option<String> {
    let Investigate { scope, working, .. } = args;
    let bundle = scope.bundle.as_ref()?.display().to_string();
    let budget = working.budget.map(|budget| humantime::format_duration(budget).to_string());
    let line = Line::new("quell query")
        .flag("--bundle", Some(&bundle))
        .switch("--lenient", scope.lenient)
        .flag("--service", Some(service).filter(|service| !service.is_empty()))
        .flag("--at", scope.at.as_deref())
        .flag("--since", scope.since.as_deref())
        .flag("--budget", budget.as_deref());
    let folders = working.runbooks.iter().map(|folder| folder.display().to_string());
    Some(folders.fold(line, |line, folder| line.flag("--runbooks", Some(&folder))).end())
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

/// What is asked about a bundle: what its alerts name, unless the command line says otherwise. Times count from
/// its end.
pub(super) fn of_bundle(scope: &Scope, service: &str, budget: Duration, bundle: &Bundle) -> Result<Request> {
    let end = bundle.manifest.window.end;
    let moment = |text: &String| moments::parse(text, end, &TimeZone::system());
    let at = scope.at.as_ref().map(moment).transpose()?;
    let mut request = bundle.request(service, at, budget).ok_or_else(|| {
        Failure::usage(
            "the bundle has no alert that names a service; say what to look at with --service and --at",
        )
    })?;
    if let Some(since) = &scope.since {
        let window = request.window;
        request.window = Window { start: moment(since)?.max(window.start), ..window };
    }
    Ok(request)
}

/// What is asked of the configured sources, with the folders of runbooks and whether the shipped ones count.
fn of_configuration(args: &Investigate, target: &Target) -> Result<(Request, Sources, Vec<PathBuf>, bool)> {
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
        Some(body) => alerts_of(body, target, now)?,
        None => Vec::new(),
    };
    let service =
        if target.service.is_empty() { Request::service_of(&alerts) } else { target.service.clone() };
    let moment = |text: &String| moments::parse(text, now, &TimeZone::system());
    let at = args.scope.at.as_ref().map(moment).transpose()?;
    let at = at.or_else(|| alerts.iter().map(|alert| alert.starts_at).min()).unwrap_or(now);
    if service.is_empty() && target.alertname.is_empty() && alerts.is_empty() {
        return Err(Failure::usage(
            "nothing to investigate; name a service or an alert, or use --bundle DIR",
        ));
    }
    if alerts.is_empty() && !target.alertname.is_empty() {
        alerts.push(alert_of(target, at));
    }
    let investigation = &loaded.config.investigation;
    let start = match &args.scope.since {
        Some(since) => moment(since)?,
        None => Window::ending_at(at, investigation.lookback).start,
    };
    let request = Request {
        id: "inv_local".to_owned(),
        service,
        alerts,
        at,
        window: Window::new(start, now),
        budget: args.working.budget.unwrap_or(investigation.budget),
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
    let runbooks = &loaded.config.runbooks;
    let dirs = args.working.runbooks.iter().chain(&runbooks.dirs).cloned().collect();
    Ok((request, sources, dirs, runbooks.embedded))
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

/// Prints events as they come, where that was asked for.
fn watcher(show: bool, out: &Out) -> Arc<dyn Emit> {
    let feed = Mutex::new((0, render::Feed::new(out.verbose, out.width)));
    Arc::new(move |payload: Payload| {
        if !show {
            return;
        }
        let mut feed = feed.lock().unwrap_or_else(PoisonError::into_inner);
        let (seq, feed) = &mut *feed;
        *seq += 1;
        let (at, incident) = (Timestamp::now(), IncidentId("local".to_owned()));
        for line in feed.lines(&Event { seq: *seq, at, incident, payload }.to_wire()) {
            anstream::println!("{line}");
        }
    })
}
