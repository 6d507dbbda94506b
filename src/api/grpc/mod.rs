//! The gRPC half of the port: `quell.v1`, the OTLP collector services, health and reflection.

mod alerts;
mod incidents;
mod investigations;
mod otlp;
mod query;
mod routes;
mod runbooks;
mod server;
mod watch;

pub use investigations::QUESTION;
pub(super) use routes::router;
