//! Lines of a file, bounded.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
};

use serde::de::DeserializeOwned;

use super::{
    error::{Error, Result, json},
    loaded::Skipped,
    unpack::exceeded,
};

/// A file of the bundle, open for reading.
pub(super) struct Source {
    /// For messages.
    pub(super) path: PathBuf,
    /// Bytes on disk.
    pub(super) size: u64,
    pub(super) reader: Box<dyn Read + Send>,
}

/// How lines are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) line_bytes: usize,
    /// Memory that the spans or the log records may take.
    pub(super) signal_bytes: usize,
    /// Skip bad lines instead of failing.
    pub(super) lenient: bool,
}

/// One line, or why there is none.
enum Line {
    End,
    Read,
    TooLong,
}

/// Gives every line that is not blank to `take`, which says what is wrong with it. Returns what was skipped.
pub(super) fn each_line(
    source: Source,
    reading: Reading,
    mut take: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<Skipped> {
    let path = source.path;
    let mut reader = BufReader::with_capacity(128 * 1024, source.reader);
    let mut buffer = Vec::new();
    let mut skipped = Skipped::new(&path);
    let mut number = 0;
    loop {
        number += 1;
        let found = match next(&mut reader, &mut buffer, reading.line_bytes) {
            Ok(found) => found,
            Err(error) => {
                if let Some(exceeded) = exceeded(&error) {
                    return Err(Error::TooLarge { file: path, line: number, message: exceeded.to_string() });
                }
                let message = format!("cannot be read to its end: {error}");
                if !reading.lenient {
                    return Err(Error::line(&path, number, message));
                }
                skipped.line(number, message);
                return Ok(skipped);
            }
        };
        let problem = match found {
            Line::End => return Ok(skipped),
            Line::TooLong => Err(format!("is longer than {} bytes", reading.line_bytes)),
            Line::Read => match text(&buffer, number) {
                [] => continue,
                text => take(text),
            },
        };
        if let Err(message) = problem {
            if !reading.lenient {
                return Err(Error::line(&path, number, message));
            }
            skipped.line(number, message);
        }
    }
}

/// Reads a JSON document from every line, which `record` makes a record of or says what is wrong with.
pub(super) fn records<W: DeserializeOwned, T>(
    source: Source,
    reading: Reading,
    record: impl Fn(W) -> Result<T, String>,
) -> Result<(Vec<T>, Skipped)> {
    let mut records = Vec::new();
    let skipped = each_line(source, reading, |line| {
        let wire = serde_json::from_slice(line).map_err(|error| {
            let (message, _, column) = json(&error);
            format!("{message}, at byte {column}")
        })?;
        records.push(record(wire)?);
        Ok(())
    })?;
    Ok((records, skipped))
}

/// Reads the next line into the buffer; of a line that is too long, nothing.
fn next(reader: &mut impl BufRead, buffer: &mut Vec<u8>, limit: usize) -> io::Result<Line> {
    buffer.clear();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let count = reader.by_ref().take(most).read_until(b'\n', buffer)?;
    if count == 0 {
        return Ok(Line::End);
    }
    if buffer.last() != Some(&b'\n') && buffer.len() > limit {
        buffer.clear();
        reader.skip_until(b'\n')?;
        return Ok(Line::TooLong);
    }
    Ok(Line::Read)
}

fn text(line: &[u8], number: u64) -> &[u8] {
    let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
    line.trim_ascii()
}

/// The whole of a small file.
pub(super) fn whole(source: Source, limit: usize) -> Result<(PathBuf, Vec<u8>)> {
    let path = source.path;
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match source.reader.take(most).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() > limit => {
            Err(Error::TooLarge { file: path, line: 1, message: format!("is longer than {limit} bytes") })
        }
        Ok(_) => Ok((path, bytes)),
        Err(error) => match exceeded(&error) {
            Some(exceeded) => Err(Error::TooLarge { file: path, line: 1, message: exceeded.to_string() }),
            None => Err(Error::file(&path, format!("cannot be read to its end: {error}"))),
        },
    }
}
