//! OpenTelemetry of one service: its own providers and resource, no global state.
//!
//! [`Telemetry`] belongs to one running instance of a service and goes down with it, so a new release
//! has a new version, a new pod and counters that start at zero. [`Call`] is one operation in progress:
//! a span, and the logs written under it.

mod call;
mod instruments;
mod provider;

pub(crate) use call::Call;
pub(crate) use instruments::{Instruments, seconds};
pub(crate) use provider::{Identity, Outlet, Telemetry};
