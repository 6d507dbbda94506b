use quell_proto::v1::{
    self, GetInvestigationRequest, InvestigateRequest, InvestigateResponse,
    investigation_service_server::InvestigationService,
};
use tonic::{Request, Response, Status, async_trait};

use crate::{
    api::{
        Error, Kind,
        convert::{self, optional_time, span},
        state::Shared,
    },
    domain::Labels,
    intake::Ask,
};

pub(super) struct Investigations(pub(super) Shared);

#[async_trait]
impl InvestigationService for Investigations {
    async fn investigate(
        &self,
        request: Request<InvestigateRequest>,
    ) -> Result<Response<InvestigateResponse>, Status> {
        self.0.refuse_unless_ready()?;
        let opened = self.0.ask(ask(request.into_inner())?).await?;
        Ok(Response::new(InvestigateResponse { incident_id: opened.id.0.clone(), number: opened.short_name() }))
    }

    /// The finished answer, or what is known of a running one.
    async fn get_investigation(
        &self,
        request: Request<GetInvestigationRequest>,
    ) -> Result<Response<v1::Investigation>, Status> {
        let incident = self.0.find(&request.into_inner().incident_id).await?;
        let Some(found) = &incident.investigation else {
            let status = incident.investigation_status.as_str();
            let message = format!("{} has no answer yet: investigation {status}", incident.short_name());
            return Err(Error::new(Kind::NotFound, message).into());
        };
        Ok(Response::new(convert::investigation(found, Some(&incident.id))))
    }
}
