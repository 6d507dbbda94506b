//! The edge: gRPC and HTTP on one port, and the door between the domain and the wire.
//!
//! Here and in the command line's client only are tonic and axum named.

mod collector;
pub mod convert;
mod error;
mod gate;
mod grpc;
mod http;
mod server;
mod state;

pub use collector::Collector;
pub use error::{Error, Kind};
pub use grpc::QUESTION;
pub use server::{Error as ServeError, serve};
pub use state::{Checkup, Readiness, Receivers, State};
