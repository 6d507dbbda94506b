//! Compiles `quell/v1/*.proto` without protoc and generates messages, services and the JSON mapping.
use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=quell");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let files = [
        "quell/v1/signal.proto",
        "quell/v1/investigation.proto",
        "quell/v1/incident.proto",
        "quell/v1/query.proto",
        "quell/v1/service.proto",
    ];
    let descriptors = protox::compile(files, ["."])?;
    let encoded = descriptors.encode_to_vec();
    std::fs::write(out.join("quell.v1.bin"), &encoded)?;
    tonic_prost_build::configure()
        .extern_path(".google.protobuf", "::pbjson_types")
        .extern_path(".google.protobuf.Timestamp", "crate::Timestamp")
        .compile_well_known_types(true)
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .extern_path(".google.protobuf.Timestamp", "crate::Timestamp")
        .ignore_unknown_fields()
        .build(&[".quell.v1"])?;
    Ok(())
}
