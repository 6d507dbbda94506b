//! The one door between the domain and `quell.v1`: generated types stop here.
//!
//! [`Wire::to_wire`] is total: whatever the domain holds can be sent. [`Wire::from_wire`] distrusts what
//! it gets, bounds it, and names the field that it refuses. It knows nothing of transports; `grpc` and the
//! command line's client call it.

mod check;
mod event;
mod evidence;
mod hypothesis;
mod incident;
mod investigation;
mod query;
mod recovery;
mod signal;
mod wire;

pub use investigation::investigation;
pub use query::{figure, replies};
pub(super) use signal::labels_of;
pub use signal::{MAX_ANNOTATION, MAX_LABELS, MAX_TEXT, MAX_VALUE};
pub use wire::{Invalid, Wire, duration, finite, json, span, time, timestamp};
pub(super) use wire::{list, optional_time};

#[cfg(test)]
mod tests;
