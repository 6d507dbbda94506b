//! The shop through its public face: HTTP, `/metrics`, OTLP, change events.

mod suite;
