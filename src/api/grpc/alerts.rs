use quell_proto::v1::{
    SendAlertsRequest, SendAlertsResponse, SendChangesRequest, SendChangesResponse,
    alert_service_server::AlertService,
};
use quell_sdk::{
    Received,
    signal::{Alert, Change},
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::{
    Error, Kind,
    convert::{self, Wire},
    state::Shared,
};

/// Receiver name of what comes in over gRPC.
pub(super) const RECEIVER: &str = "grpc";
/// Alerts, or changes, in one call.
const MOST: usize = 10_000;

pub(super) struct Alerts(pub(super) Shared);

#[async_trait]
impl AlertService for Alerts {
    async fn send_alerts(
        &self,
        request: Request<SendAlertsRequest>,
    ) -> Result<Response<SendAlertsResponse>, Status> {
        self.0.refuse_unless_ready()?;
        let mut alerts: Vec<Alert> = list("alerts", request.into_inner().alerts)?;
        for alert in alerts.iter_mut().filter(|alert| alert.source.is_empty()) {
            RECEIVER.clone_into(&mut alert.source);
        }
        let accepted = self.0.accept(RECEIVER, Received { alerts, ..Received::default() }).await?;
        Ok(Response::new(SendAlertsResponse {
            incident_ids: accepted.incidents.into_iter().map(|id| id.0).collect(),
            duplicates: accepted.duplicates,
        }))
    }

    async fn send_changes(
        &self,
        request: Request<SendChangesRequest>,
    ) -> Result<Response<SendChangesResponse>, Status> {
        self.0.refuse_unless_ready()?;
        let changes: Vec<Change> = list("changes", request.into_inner().changes)?;
        self.0.accept(RECEIVER, Received { changes, ..Received::default() }).await?;
        Ok(Response::new(SendChangesResponse {}))
    }
}

fn list<T: Wire>(field: &str, messages: Vec<T::Message>) -> Result<Vec<T>, Error> {
    if messages.len() > MOST {
        let message = format!("{field}: {} entries, at most {MOST} are taken at once", messages.len());
        return Err(Error { kind: Kind::Invalid, message, field: Some(field.to_owned()) });
    }
    Ok(convert::list(field, messages)?)
}
