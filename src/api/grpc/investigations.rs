use std::time::Duration;

use jiff::Timestamp;
use quell_proto::v1::{
    self, GetInvestigationRequest, InvestigateRequest, InvestigateResponse,
    investigation_service_server::InvestigationService,
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::{
    Error, Kind, Question,
    convert::{self, Invalid, optional_time, span},
    state::Shared,
};

pub(super) struct Investigations(pub(super) Shared);

#[async_trait]
impl InvestigationService for Investigations {
    async fn investigate(
        &self,
        request: Request<InvestigateRequest>,
    ) -> Result<Response<InvestigateResponse>, Status> {
        self.0.refuse_unless_ready()?;
        let ask = question(request.into_inner(), self.0.clock.now())?;
        let opened = self.0.ask(ask).await?;
        Ok(Response::new(InvestigateResponse { number: opened.short_name(), incident_id: opened.id.0 }))
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

/// Shortest and longest time that an investigation may be given.
const BUDGET: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
/// Longest name of a service or an alert, in bytes.
const NAME: usize = 512;

fn question(request: InvestigateRequest, now: Timestamp) -> Result<Question, Error> {
    let InvestigateRequest { service, at, labels, alertname, budget } = request;
    for (field, text) in [("service", &service), ("alertname", &alertname)] {
        if text.len() > NAME {
            return Err(Invalid::new(field, format!("more than {NAME} bytes")).into());
        }
    }
    if service.is_empty() {
        return Err(Invalid::new("service", "missing; name the service at which to look").into());
    }
    let at = optional_time("at", at)?.unwrap_or(now);
    if at > now {
        return Err(Invalid::new("at", "in the future; give a moment at which it was noticed").into());
    }
    let budget = match budget {
        None => None,
        given => Some(span("budget", given)?),
    };
    if budget.is_some_and(|budget| !BUDGET.contains(&budget)) {
        return Err(Invalid::new("budget", "not between 1s and 600s").into());
    }
    Ok(Question { service, at, labels: convert::labels_of("labels", labels)?, alertname, budget })
}
