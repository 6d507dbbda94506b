//! Opening bundles, from the outside.

mod bad;
mod good;
mod hostile;
mod shared;

use std::{io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const MANIFEST: &str = r#"{"format":"quell.bundle/1","name":"night","window":{"start":"2024-01-01T00:00:00Z","end":"2024-01-01T01:00:00Z"}}"#;

/// A second of the recorded hour, in nanoseconds.
fn nanos(second: i64) -> i64 {
    (1_704_067_200 + second) * 1_000_000_000
}

fn resource(service: &str) -> String {
    format!(r#"{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}}"#)
}

fn log_line(service: &str, second: i64, body: &str) -> String {
    format!(
        r#"{{"resourceLogs":[{{"resource":{},"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"{}","severityNumber":17,"body":{{"stringValue":"{body}"}}}}]}}]}}]}}"#,
        resource(service),
        nanos(second)
    )
}

fn span_line(service: &str, id: u64, parent: u64, second: i64) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{},"scopeSpans":[{{"spans":[{{"traceId":"a1","spanId":"{id:x}","parentSpanId":"{parent:x}","name":"op","startTimeUnixNano":"{}","endTimeUnixNano":"{}"}}]}}]}}]}}"#,
        resource(service),
        nanos(second),
        nanos(second + 1)
    )
}

fn metric_line(service: &str, second: i64, value: f64) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"resource":{},"scopeMetrics":[{{"metrics":[{{"name":"cpu.load","gauge":{{"dataPoints":[{{"timeUnixNano":"{}","asDouble":{value}}}]}}}}]}}]}}]}}"#,
        resource(service),
        nanos(second)
    )
}

/// Writes files into a directory of that name under `root`.
fn write(root: &Path, name: &str, files: &[(&str, &[u8])]) -> std::path::PathBuf {
    let bundle = root.join(name);
    std::fs::create_dir_all(&bundle).unwrap();
    for (name, bytes) in files {
        std::fs::write(bundle.join(name), bytes).unwrap();
    }
    bundle
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn header(size: usize, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_entry_type(kind);
    header
}

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = header(bytes.len(), tar::EntryType::Regular);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    zstd(&archive.into_inner().unwrap())
}

fn strict(path: &Path) -> Result<Bundle, Error> {
    open(path, Options::default())
}

fn lenient(path: &Path) -> Result<Bundle, Error> {
    open(path, Options { lenient: true, ..Options::default() })
}
