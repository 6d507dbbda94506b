//! The public contract of quell: the messages and services of `quell.v1`, their canonical proto3 JSON
//! mapping, and the descriptor set for reflection.
//!
//! Generated code, and the one well-known type whose JSON form is written here. The domain never sees these types: `quell::api::convert` is their one door.

mod timestamp;

pub use timestamp::Timestamp;

/// Package `quell.v1`.
pub mod v1 {
    #![allow(clippy::all, clippy::allow_attributes, unreachable_pub, missing_docs, reason = "generated")]
    tonic::include_proto!("quell.v1");
    include!(concat!(env!("OUT_DIR"), "/quell.v1.serde.rs"));

    /// Encoded `FileDescriptorSet` of the package and what it imports.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/quell.v1.bin"));
}
