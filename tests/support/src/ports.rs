//! Free ports on loopback.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// A port on 127.0.0.1 that was free a moment ago.
///
/// Another process may take it before the caller does; who starts a server should be ready to try again.
pub fn free() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on loopback")?;
    Ok(listener.local_addr().context("a bound socket has no address")?.port())
}
