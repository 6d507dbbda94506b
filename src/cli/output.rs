//! Standard output in the form that was asked for.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    args::{Global, Output},
    exit::{Failure, Result},
};

/// Where data goes.
pub(super) struct Out {
    pub format: Output,
    pub verbose: bool,
    pub quiet: bool,
    /// Columns that text may take.
    pub width: usize,
}

impl Out {
    /// Also settles whether colours are used: NO_COLOR, CLICOLOR_FORCE, TERM=dumb and --no-color.
    pub(super) fn new(global: &Global) -> Self {
        if global.no_color {
            anstream::ColorChoice::Never.write_global();
        }
        let columns = std::env::var("COLUMNS").ok();
        let terminal = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
        Self {
            format: global.output,
            verbose: global.verbose > 0,
            quiet: global.quiet,
            width: width(columns.as_deref(), terminal),
        }
    }

    /// Whether people read it.
    pub(super) fn is_for_people(&self) -> bool {
        matches!(self.format, Output::Auto | Output::Table | Output::Wide)
    }

    /// Prints text.
    pub(super) fn text(&self, text: &str) -> Result<()> {
        write(|out| out.write_all(text.as_bytes()))
    }

    /// Prints a line.
    pub(super) fn line(&self, line: &str) -> Result<()> {
        write(|out| writeln!(out, "{line}"))
    }

    /// Prints one value as JSON or YAML, as was asked for.
    pub(super) fn value(&self, value: &impl Serialize) -> Result<()> {
        match self.format {
            Output::Jsonl => self.line(&serde_json::to_string(value)?),
            Output::Yaml => {
                // By way of JSON, so that both have the same keys.
                let value = serde_json::to_value(value)?;
                let text = serde_saphyr::to_string(&value)
                    .map_err(|error| Failure::new(super::Exit::General, format!("YAML: {error}")))?;
                self.text(&text)
            }
            _ => self.line(&serde_json::to_string_pretty(value)?),
        }
    }

    /// Prints many values: one document as JSON, a line each as JSON lines.
    pub(super) fn values<T: Serialize>(&self, values: &[T]) -> Result<()> {
        match self.format {
            Output::Jsonl => values.iter().try_for_each(|value| self.value(value)),
            _ => self.value(&values),
        }
    }

    /// Says something to the person, on standard error.
    pub(super) fn say(&self, line: &str) {
        if !self.quiet {
            // Nobody reads it: nothing to do about it.
            writeln!(anstream::stderr(), "{line}").ok();
        }
    }
}

/// Columns that text may take: as many as the terminal has, or COLUMNS says; into a pipe 100. Longer lines than
/// 160 are hard to read.
fn width(columns: Option<&str>, terminal: Option<u16>) -> usize {
    let said = columns.and_then(|columns| columns.parse().ok());
    said.or_else(|| terminal.map(usize::from)).unwrap_or(100).clamp(40, 160)
}

/// Writes to standard output. A reader that went away (`| head`) ends the program quietly.
fn write(writing: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let done = writing(&mut out).and_then(|()| out.flush());
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Err(Failure::new(super::Exit::Ok, "standard output was closed"))
        }
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::width;

    #[test]
    fn the_terminal_is_used_as_far_as_lines_stay_readable() {
        for (columns, terminal, expected) in [
            (None, None, 100),
            (None, Some(80), 80),
            (None, Some(132), 132),
            (None, Some(400), 160),
            (Some("120"), Some(80), 120),
            (Some("wide"), Some(90), 90),
            (Some("3"), None, 40),
        ] {
            assert_eq!(width(columns, terminal), expected, "{columns:?} {terminal:?}");
        }
    }
}
