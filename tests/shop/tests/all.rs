//! The shop through its public face: HTTP, `/metrics`, OTLP, change events.

#[cfg(test)]
mod suite;
