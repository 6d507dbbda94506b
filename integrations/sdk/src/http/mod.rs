//! The one place that builds HTTP clients: rustls with ring, proxies from the environment, private CAs.
//!
//! Everything that speaks HTTP to another system goes through [`client`], so that TLS, proxies, time
//! limits and redirects behave alike everywhere, and through [`read_limited`], so that no answer can
//! exhaust memory. It knows no vendor and no URL.

mod answer;
mod client;
mod config;

pub use answer::{MAX_BODY, read_limited};
pub use answer::{request_error, retry_after, status_error};
pub use client::client;
pub use config::{Auth, HttpConfig, Proxy, is_loopback};

#[cfg(test)]
mod tests;
