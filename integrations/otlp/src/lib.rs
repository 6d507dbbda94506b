//! OTLP: decoding, and the bounded in-memory window of what services push.
//!
//! [`decode`] turns OTLP requests, as protobuf messages or as OTLP/JSON text, into the signal types of the
//! SDK. [`series`] merges data points into series. [`window`] holds what was pushed lately and answers
//! queries over it.
//!
//! It knows nothing of bundles, incidents or servers: bytes or messages come in, signals go out. It never
//! reads the clock.

pub mod decode;
pub mod series;
pub mod size;
pub mod window;

pub use decode::{Decoder, Dropped, JsonError, Limits, Reason};
pub use series::SeriesSet;
pub use window::{Config, Pushed, Stats, Window};
