//! One YAML file, `${env:NAME}` and `${file:/path}` in any value, `--set a.b=c` on top, and errors that
//! point at file, line and column.
//!
//! References are resolved in the parsed values, never in the text, so that what an environment variable
//! holds cannot become YAML. The types of [`Config`] are plain data; `registry` and `app` make things of
//! them. It knows nothing of what is configured beyond its vendor's own configuration type.
//!
//! The server speaks plain HTTP and gRPC on one port. For TLS put a proxy in front (PagerDuty's sender
//! needs TLS 1.2 and a publicly trusted certificate); serving TLS itself is not supported.

mod de;
mod error;
mod load;
mod model;
mod reference;
mod size;
mod tree;

pub use error::{Error, Place};
pub use load::{Environment, Loaded, load, parse};
pub use model::{Config, Investigation, Otlp, Receivers, Runbooks, Server, Sources};

#[cfg(test)]
mod tests;
