//! Incident bundles: reading a recorded incident from disk.
//!
//! A bundle is a directory, or the same packed as `NAME.tar.zst`, with a manifest, alerts, changes, a
//! topology and OTLP/JSON files; each file may be missing, which is a blind spot and not an error. It may
//! come from anybody: sizes, times and paths are bounded, and a bad file is named with its line and leaves
//! nothing half-loaded.
//!
//! It knows nothing of hypotheses or rankings; what it gives is signals and the sources that answer
//! queries over them.

mod alerts;
mod changes;
mod error;
mod files;
mod loaded;
mod manifest;
mod open;
mod read;
mod request;
mod sources;
mod telemetry;
#[cfg(test)]
mod tests;
mod topology;
mod unpack;
mod work;

pub use error::Error;
pub use loaded::{Bundle, Recorded, Skipped};
pub use manifest::{FORMAT, Manifest};
pub use open::{Limits, Options, open};
