//! PagerDuty, as a sender and as a protocol.
//!
//! [`WebhookReceiver`] takes PagerDuty's own webhooks (V3, signed; V2 as far as they still come). Their
//! bodies carry title, service and urgency of an incident but not the labels of its alerts.
//! [`EventsReceiver`] and [`ChangesReceiver`] speak the Events API v2 from the other side, so that any
//! tool that can page PagerDuty can page quell by a change of URL.

mod change;
mod details;
mod enqueue;
mod json;
mod legacy;
mod routing;
mod signature;
mod v3;
mod webhook;

pub use change::ChangesReceiver;
pub use enqueue::EventsReceiver;
pub use routing::{EventsConfig, invalid_event};
pub use webhook::{WebhookConfig, WebhookReceiver};
