use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
    thread::{self, ScopedJoinHandle},
};

use jiff::Timestamp;
use quell_sdk::{
    local::Store,
    signal::{Alert, UnixNanos, Window},
};

use super::{
    Bundle, Manifest, Recorded, Skipped, alerts, changes,
    error::{Error, Result},
    files::Files,
    manifest,
    read::{Reading, whole},
    telemetry, topology,
    unpack::Allowance,
};

/// How a bundle is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Skip bad lines, and count them, instead of failing. A decompression bomb or a path that leaves the
    /// bundle fails all the same.
    pub lenient: bool,
    pub limits: Limits,
}

/// How much a bundle may hold. Its reference is counted on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line.
    pub line_bytes: usize,
    /// Bytes of `manifest.json` and of `topology.json`.
    pub small_file_bytes: usize,
    /// Bytes that one file unpacks to.
    pub file_bytes: u64,
    /// Bytes that the whole bundle unpacks to.
    pub total_bytes: u64,
    /// Memory that the spans, and the log records, of the bundle may take.
    pub signal_bytes: usize,
    /// Most bytes that one compressed byte may unpack to, once more than `ratio_from_bytes` have.
    pub ratio: u64,
    pub ratio_from_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 32 << 20,
            small_file_bytes: 16 << 20,
            file_bytes: 1 << 30,
            total_bytes: 2 << 30,
            signal_bytes: 2 << 30,
            // Recorded telemetry unpacks to about 20 times its size.
            ratio: 500,
            ratio_from_bytes: 16 << 20,
        }
    }
}

/// Opens a bundle, a directory or a `NAME.tar.zst`, and loads all of it, with its reference.
pub fn open(path: &Path, options: Options) -> Result<Bundle> {
    load(path, options, true)
}

type Job<'scope, T> = Option<ScopedJoinHandle<'scope, Result<(T, Skipped)>>>;

pub(super) fn load(path: &Path, options: Options, with_reference: bool) -> Result<Bundle> {
    let limits = options.limits;
    let allowance = Allowance {
        file: limits.file_bytes,
        ratio: limits.ratio,
        ratio_from: limits.ratio_from_bytes,
        total: limits.total_bytes,
        given: Arc::new(AtomicU64::new(0)),
    };
    let reading = Reading {
        line_bytes: limits.line_bytes,
        signal_bytes: limits.signal_bytes,
        lenient: options.lenient,
    };
    let files = Files::at(path, &allowance)?;
    let file = |name: &str| files.open(name, &allowance);
    let named = match file("manifest.json")? {
        Some(source) => {
            let (place, bytes) = whole(source, limits.small_file_bytes)?;
            let manifest = Manifest::parse(&place, &bytes, &name_of(path))?;
            Some((manifest, place))
        }
        None => None,
    };
    let (alerts, changes, topology) = (file("alerts.jsonl")?, file("changes.jsonl")?, file("topology.json")?);
    let (metrics, logs, traces) = (file("metrics.jsonl")?, file("logs.jsonl")?, file("traces.jsonl")?);
    let recorded = Recorded {
        alerts: alerts.is_some(),
        changes: changes.is_some(),
        topology: topology.is_some(),
        metrics: metrics.is_some(),
        logs: logs.is_some(),
        traces: traces.is_some(),
    };
    if named.is_none() && recorded == Recorded::default() {
        let reason = "none of the files of a bundle is there".to_owned();
        return Err(Error::NotABundle { path: path.to_owned(), reason });
    }
    let mut skipped = Vec::new();
    let mut store = Store::default();
    let (reference, alerts) = thread::scope(|scope| -> Result<_> {
        let traces: Job<'_, _> = traces.map(|source| scope.spawn(move || telemetry::spans(source, reading)));
        let logs: Job<'_, _> = logs.map(|source| scope.spawn(move || telemetry::logs(source, reading)));
        let metrics: Job<'_, _> =
            metrics.map(|source| scope.spawn(move || telemetry::metrics(source, reading)));
        let reference = match &named {
            Some((manifest, place)) if with_reference => open_reference(path, place, manifest, options)?,
            _ => None,
        };
        let alerts = match alerts {
            Some(source) => keep(&mut skipped, alerts::read(source, reading)?),
            None => Vec::new(),
        };
        if let Some(source) = changes {
            store.changes = keep(&mut skipped, changes::read(source, reading)?);
        }
        if let Some(source) = topology {
            let (place, bytes) = whole(source, limits.small_file_bytes)?;
            store.edges = topology::parse(&place, &bytes)?;
        }
        (store.series, store.meta) = join(metrics, &mut skipped)?;
        let timeless;
        (store.logs, timeless) = join(logs, &mut skipped)?;
        store.spans = join(traces, &mut skipped)?;
        let placed = telemetry::place(timeless, &store.spans, &mut store.logs);
        if let Some(of_logs) = skipped.iter_mut().find(|skipped| skipped.is_of("logs")) {
            of_logs.dropped.merge(&placed);
        }
        Ok((reference, alerts))
    })?;
    store.sort();
    skipped.retain(|skipped| !skipped.is_empty());
    let manifest = match named {
        Some((manifest, _)) => manifest,
        None => Manifest { name: name_of(path), window: extent(path, &store, &alerts)?, reference: None },
    };
    Ok(Bundle { manifest, alerts, store: Arc::new(store), reference, recorded, skipped })
}

/// The reference's own reference is of no interest.
fn open_reference(
    path: &Path,
    place: &Path,
    manifest: &Manifest,
    options: Options,
) -> Result<Option<Box<Bundle>>> {
    let Some(reference) = &manifest.reference else { return Ok(None) };
    let path = manifest::reference(place, &directory_of(path)?, reference)?;
    Ok(Some(Box::new(load(&path, options, false)?)))
}

fn keep<T>(skipped: &mut Vec<Skipped>, (data, left_out): (T, Skipped)) -> T {
    skipped.push(left_out);
    data
}

fn join<T: Default>(job: Job<'_, T>, skipped: &mut Vec<Skipped>) -> Result<T> {
    match job.map(ScopedJoinHandle::join) {
        None => Ok(T::default()),
        Some(Ok(loaded)) => Ok(keep(skipped, loaded?)),
        Some(Err(panic)) => std::panic::resume_unwind(panic),
    }
}

/// The directory that the bundle is, or would be if it were unpacked where it lies.
fn directory_of(path: &Path) -> Result<PathBuf> {
    let real = path.canonicalize().map_err(|source| Error::io(path, source))?;
    if real.is_dir() {
        return Ok(real);
    }
    Ok(real.with_file_name(name_of(path)))
}

fn name_of(path: &Path) -> String {
    let real = path.canonicalize();
    let name = real.as_deref().unwrap_or(path).file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".tar.zst").unwrap_or(&name).to_owned()
}

/// The time that the recorded data covers, for a bundle without a manifest, as a collector writes it.
fn extent(path: &Path, store: &Store, alerts: &[Alert]) -> Result<Window> {
    let points =
        store.series.iter().flat_map(|series| [series.points.first(), series.points.last()]).flatten();
    let telemetry = points
        .map(|point| point.at)
        .chain(store.logs.iter().map(|record| record.at))
        .chain(store.spans.iter().flat_map(|span| [span.start, span.end]))
        .filter_map(moment);
    let moments = telemetry.chain(alerts.iter().map(|alert| alert.starts_at));
    let ends = moments.map(|at| (at, at)).reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    let Some((start, end)) = ends else {
        let reason = "it has no manifest.json, and no data to tell its time from".to_owned();
        return Err(Error::NotABundle { path: path.to_owned(), reason });
    };
    // The end of a window is not part of it.
    Ok(Window::new(start, end.saturating_add(std::time::Duration::from_nanos(1)).unwrap_or(end)))
}

fn moment(at: UnixNanos) -> Option<Timestamp> {
    Timestamp::from_nanosecond(at.into()).ok()
}
