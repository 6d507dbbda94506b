use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// Environment variable with the log filter, e.g. `quell=debug,tower_http=info`.
const FILTER: &str = "QUELL_LOG";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{FILTER}: {0}; write it like quell=debug,info")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logging: {0}")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends log lines to standard error. `default` is the filter where `QUELL_LOG` is not set; `colour` is for a
/// terminal, as in a file escapes are noise.
pub fn init(format: Format, default: &str, colour: bool) -> Result<(), Error> {
    let filter = match std::env::var(FILTER) {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(text)?,
        _ => EnvFilter::try_new(default)?,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colour);
    let lines = match format {
        Format::Text => lines.with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    Ok(())
}
