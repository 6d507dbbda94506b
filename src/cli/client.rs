//! The client side of the public API.

use std::time::Duration;

use quell_proto::v1::{
    incident_service_client::IncidentServiceClient, investigation_service_client::InvestigationServiceClient,
};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

use super::{
    Exit,
    args::Global,
    exit::{Failure, Result},
};

/// Most bytes of one answer: a finished investigation with all its evidence.
const MOST: usize = 64 << 20;

/// A connection to the server of `--server`.
pub(super) async fn connect(global: &Global) -> Result<Channel> {
    let url = if global.server.contains("://") {
        global.server.clone()
    } else {
        format!("http://{}", global.server)
    };
    let endpoint = Endpoint::from_shared(url)
        .map_err(|error| Failure::usage(format!("--server {}: {error}", global.server)))?
        .connect_timeout(Duration::from_secs(5));
    endpoint.connect().await.map_err(|error| {
        let cause = root(&error);
        Failure::new(
            Exit::Unreachable,
            format!(
                "no server at {}: {cause}; start one with `quell serve`, or name it with --server or QUELL_SERVER",
                global.server
            ),
        )
    })
}

fn root(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Incidents of the server.
pub(super) async fn incidents(global: &Global) -> Result<IncidentServiceClient<Channel>> {
    Ok(IncidentServiceClient::new(connect(global).await?).max_decoding_message_size(MOST))
}

/// Investigations of the server.
pub(super) async fn investigations(global: &Global) -> Result<InvestigationServiceClient<Channel>> {
    Ok(InvestigationServiceClient::new(connect(global).await?).max_decoding_message_size(MOST))
}

/// What a refused call means for the command.
pub(super) fn failure(status: &Status) -> Failure {
    let exit = match status.code() {
        Code::NotFound => Exit::NotFound,
        Code::Unauthenticated | Code::PermissionDenied => Exit::Unauthorized,
        Code::Unavailable => Exit::Unreachable,
        Code::InvalidArgument => Exit::Usage,
        Code::DeadlineExceeded => Exit::Timeout,
        _ => Exit::General,
    };
    Failure::new(exit, status.message())
}
