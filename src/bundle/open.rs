use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use jiff::Timestamp;
use quell_sdk::{
    local::Store,
    signal::{Alert, Span, UnixNanos, Window},
};

use super::{
    Bundle, Manifest, Recorded, Skipped, alerts, changes,
    error::{Error, Result},
    files::Files,
    manifest,
    read::{Reading, Source, whole},
    telemetry, topology,
    unpack::Allowance,
    work::{Pending, Work},
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

pub(super) fn load(path: &Path, options: Options, with_reference: bool) -> Result<Bundle> {
    let mut opened = Opened::at(path, options)?;
    let reference = opened.reference(with_reference)?;
    let mut reference = reference.map(|path| Opened::at(&path, options)).transpose()?;
    let mut work = Work::default();
    let read = opened.read(&mut work);
    let of_reference = reference.as_mut().map(|reference| reference.read(&mut work));
    work.run();
    let reference = match reference.zip(of_reference) {
        Some((reference, read)) => Some(Box::new(reference.bundle(read, None)?)),
        None => None,
    };
    opened.bundle(read, reference)
}

/// A bundle whose files are open and not read yet.
struct Opened {
    path: PathBuf,
    options: Options,
    named: Option<(Manifest, PathBuf)>,
    recorded: Recorded,
    alerts: Option<Source>,
    changes: Option<Source>,
    topology: Option<Source>,
    metrics: Option<Source>,
    logs: Option<Source>,
    traces: Option<Source>,
}

/// What is being read from the large files.
struct Read {
    metrics: Option<Slot<telemetry::Metrics>>,
    logs: Option<Slot<telemetry::Logs>>,
    spans: Option<Slot<Vec<Span>>>,
}

type Slot<T> = Pending<Result<(T, Skipped)>>;

impl Opened {
    fn at(path: &Path, options: Options) -> Result<Self> {
        let limits = options.limits;
        let allowance = Allowance {
            file: limits.file_bytes,
            ratio: limits.ratio,
            ratio_from: limits.ratio_from_bytes,
            total: limits.total_bytes,
            given: Arc::new(AtomicU64::new(0)),
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
        let (alerts, changes, topology) =
            (file("alerts.jsonl")?, file("changes.jsonl")?, file("topology.json")?);
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
        let path = path.to_owned();
        Ok(Self { path, options, named, recorded, alerts, changes, topology, metrics, logs, traces })
    }

    /// Where its reference lies.
    fn reference(&self, is_wanted: bool) -> Result<Option<PathBuf>> {
        let Some((manifest, place)) = self.named.as_ref().filter(|_| is_wanted) else { return Ok(None) };
        let Some(reference) = &manifest.reference else { return Ok(None) };
        manifest::reference(place, &directory_of(&self.path)?, reference).map(Some)
    }

    fn reading(&self) -> Reading {
        let Limits { line_bytes, signal_bytes, .. } = self.options.limits;
        Reading { line_bytes, signal_bytes, lenient: self.options.lenient }
    }

    /// Puts the reading of the large files on the list.
    fn read(&mut self, work: &mut Work<'_>) -> Read {
        let reading = self.reading();
        let metrics = self.metrics.take();
        let (logs, traces) = (self.logs.take(), self.traces.take());
        Read {
            metrics: metrics.map(|file| work.add(file.size, move || telemetry::metrics(file, reading))),
            logs: logs.map(|file| work.add(file.size, move || telemetry::logs(file, reading))),
            spans: traces.map(|file| work.add(file.size, move || telemetry::spans(file, reading))),
        }
    }

    /// Puts together what was read, with the small files.
    fn bundle(self, read: Read, reference: Option<Box<Bundle>>) -> Result<Bundle> {
        let (reading, mut skipped) = (self.reading(), Vec::new());
        let alerts = match self.alerts {
            Some(source) => keep(&mut skipped, alerts::read(source, reading)?),
            None => Vec::new(),
        };
        let mut store = Store::default();
        if let Some(source) = self.changes {
            store.changes = keep(&mut skipped, changes::read(source, reading)?);
        }
        if let Some(source) = self.topology {
            let (place, bytes) = whole(source, self.options.limits.small_file_bytes)?;
            store.edges = topology::parse(&place, &bytes)?;
        }
        (store.series, store.meta) = taken(read.metrics, &mut skipped)?;
        let timeless;
        (store.logs, timeless) = taken(read.logs, &mut skipped)?;
        store.spans = taken(read.spans, &mut skipped)?;
        let placed = telemetry::place(timeless, &store.spans, &mut store.logs);
        if let Some(of_logs) = skipped.iter_mut().find(|skipped| skipped.is_of("logs")) {
            of_logs.dropped.merge(&placed);
        }
        store.sort();
        skipped.retain(|skipped| !skipped.is_empty());
        let manifest = match self.named {
            Some((manifest, _)) => manifest,
            None => Manifest {
                name: name_of(&self.path),
                window: extent(&self.path, &store, &alerts)?,
                reference: None,
            },
        };
        Ok(Bundle { manifest, alerts, store: Arc::new(store), reference, recorded: self.recorded, skipped })
    }
}

fn keep<T>(skipped: &mut Vec<Skipped>, (data, left_out): (T, Skipped)) -> T {
    skipped.push(left_out);
    data
}

fn taken<T: Default>(slot: Option<Slot<T>>, skipped: &mut Vec<Skipped>) -> Result<T> {
    match slot.and_then(Pending::take) {
        None => Ok(T::default()),
        Some(read) => Ok(keep(skipped, read?)),
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
