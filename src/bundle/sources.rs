use std::sync::Arc;

use quell_sdk::{
    Completeness,
    local::{BySignal, StoreSource},
};

use super::Bundle;
use crate::{
    domain::SignalKind,
    investigation::{Reference, Sources},
};

/// Why a signal is absent.
const NOT_RECORDED: &str = "not recorded in the bundle";

impl Bundle {
    /// Sources that answer from this bundle, for the signals that it recorded.
    pub fn sources(&self) -> Sources {
        let recorded = self.recorded;
        let completeness = BySignal {
            metrics: self.completeness("metrics", recorded.metrics),
            logs: self.completeness("logs", recorded.logs),
            traces: self.completeness("traces", recorded.traces),
            changes: self.completeness("changes", recorded.changes),
            topology: Completeness::Full,
        };
        let source = Arc::new(StoreSource::new("bundle", Arc::clone(&self.store), completeness));
        let mut sources = Sources::default();
        let mut absent = |kind| sources.absent.push((kind, NOT_RECORDED.to_owned()));
        if recorded.metrics {
            sources.metrics.push(source.clone());
        } else {
            absent(SignalKind::Metrics);
        }
        if recorded.logs {
            sources.logs.push(source.clone());
        } else {
            absent(SignalKind::Logs);
        }
        if recorded.traces {
            sources.traces.push(source.clone());
        } else {
            absent(SignalKind::Traces);
        }
        if recorded.changes {
            sources.changes.push(source.clone());
        } else {
            absent(SignalKind::Changes);
        }
        // Spans show call edges as well.
        if recorded.topology || recorded.traces {
            sources.topology.push(source);
        } else {
            absent(SignalKind::Topology);
        }
        sources.reference = self.reference.as_ref().map(|reference| Reference {
            sources: Box::new(reference.sources()),
            window: reference.manifest.window,
        });
        sources
    }

    fn completeness(&self, stem: &str, recorded: bool) -> Completeness {
        if !recorded {
            return Completeness::missing(NOT_RECORDED);
        }
        match self.skipped.iter().find(|skipped| skipped.is_of(stem)) {
            Some(skipped) if skipped.lines > 0 || skipped.dropped.items() > 0 => {
                let (lines, dropped) = (skipped.lines, &skipped.dropped);
                let detail = if dropped.is_empty() { String::new() } else { format!(" ({dropped})") };
                let items = dropped.items();
                Completeness::partial(format!(
                    "{lines} lines and {items} records left out of the {stem} file{detail}"
                ))
            }
            _ => Completeness::Full,
        }
    }
}
