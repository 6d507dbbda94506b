//! The edge: gRPC and HTTP on one port, and the door between the domain and the wire.
//!
//! Here and in the command line's client only are tonic and axum named.

pub mod convert;
mod error;

pub use error::{Error, Kind};
