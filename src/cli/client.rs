//! The client side of the public API.

use std::time::Duration;

use quell_proto::v1::{
    alert_service_client::AlertServiceClient, incident_service_client::IncidentServiceClient,
    investigation_service_client::InvestigationServiceClient,
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
    let address = global.address();
    let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(url)
        .map_err(|error| Failure::usage(format!("--server {address}: {error}")))?
        .connect_timeout(Duration::from_secs(5));
    endpoint.connect().await.map_err(|error| {
        let cause = root(&error);
        Failure::new(
            Exit::Unreachable,
            format!(
                "no server at {address}: {cause}; start one with `quell serve`, or name it with --server or QUELL_SERVER"
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

/// Where alerts are sent to.
pub(super) async fn alerts(global: &Global) -> Result<AlertServiceClient<Channel>> {
    Ok(AlertServiceClient::new(connect(global).await?))
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
