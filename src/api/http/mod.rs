//! The HTTP half of the port: deliveries of alerts, OTLP, health and metrics.

mod body;
mod events_v2;
mod health;
mod layers;
mod otlp;
mod routes;
mod webhooks;

pub(super) use routes::{not_found, router};
