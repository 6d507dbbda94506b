use futures::stream::BoxStream;
use quell_proto::v1::{
    self, Event, GetIncidentRequest, ListIncidentsRequest, ListIncidentsResponse, WatchRequest,
    incident_service_server::IncidentService,
};
use tonic::{Request, Response, Status, async_trait};

use super::watch;
use crate::{
    api::{
        Error, Kind,
        convert::{Wire, optional_time},
        state::Shared,
    },
    domain::{Incident, IncidentStatus},
    history::Filter,
};

/// Incidents in a list when the client does not say.
const DEFAULT: u32 = 100;
/// Incidents in a list at most.
const MOST: u32 = 1_000;

pub(super) struct Incidents(pub(super) Shared);

#[async_trait]
impl IncidentService for Incidents {
    async fn list_incidents(
        &self,
        request: Request<ListIncidentsRequest>,
    ) -> Result<Response<ListIncidentsResponse>, Status> {
        let found = self.0.list(filter(request.into_inner())?).await?;
        let incidents =
            found.iter().map(|incident| v1::Incident { investigation: None, ..incident.to_wire() }).collect();
        Ok(Response::new(ListIncidentsResponse { incidents }))
    }

    async fn get_incident(
        &self,
        request: Request<GetIncidentRequest>,
    ) -> Result<Response<v1::Incident>, Status> {
        let incident: Incident = self.0.find(&request.into_inner().id).await?;
        Ok(Response::new(incident.to_wire()))
    }

    type WatchStream = BoxStream<'static, Result<Event, Status>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(watch::stream(&self.0, request.into_inner()).await?))
    }
}

fn filter(request: ListIncidentsRequest) -> Result<Filter, Error> {
    let status = match request.status.as_str() {
        "" => None,
        "open" => Some(IncidentStatus::Open),
        "resolved" => Some(IncidentStatus::Resolved),
        _ => {
            return Err(Error {
                kind: Kind::Invalid,
                message: "status: neither open nor resolved; leave it empty for all".to_owned(),
                field: Some("status".to_owned()),
            });
        }
    };
    let limit = if request.limit == 0 { DEFAULT } else { request.limit.min(MOST) };
    Ok(Filter {
        status,
        since: optional_time("since", request.since)?,
        service: Some(request.service).filter(|service| !service.is_empty()),
        limit: limit as usize,
    })
}
