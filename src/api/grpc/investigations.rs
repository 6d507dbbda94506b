use std::time::Duration;

use jiff::Timestamp;
use quell_proto::v1::{
    self, GetInvestigationRequest, InvestigateRequest, InvestigateResponse,
    investigation_service_server::InvestigationService,
};
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use crate::{
    api::{
        Error, Kind,
        convert::{self, Invalid, optional_time, span},
        state::Shared,
    },
    domain::{Alert, AlertStatus, Labels},
    intake::Asked,
};

/// Source of the alert that stands for a question.
pub const QUESTION: &str = "question";

pub(super) struct Investigations(pub(super) Shared);

#[async_trait]
impl InvestigationService for Investigations {
    async fn investigate(
        &self,
        request: Request<InvestigateRequest>,
    ) -> Result<Response<InvestigateResponse>, Status> {
        self.0.refuse_unless_ready()?;
        let asked = question(request.into_inner(), self.0.clock.now())?;
        let opened = self.0.intake.open(asked).await.map_err(Error::from)?;
        let number = format!("INC-{}", opened.number);
        Ok(Response::new(InvestigateResponse { incident_id: opened.incident.0, number }))
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

    async fn query(&self, request: Request<v1::QueryRequest>) -> Result<Response<v1::QueryResponse>, Status> {
        Ok(Response::new(super::query::query(&self.0, request.into_inner()).await?))
    }
}

/// Shortest and longest time that an investigation may be given.
const BUDGET: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
/// Longest name of a service or an alert, in bytes.
const NAME: usize = 512;

/// The question as an incident to open. An alert stands for it, so that the engine sees its time and
/// labels.
fn question(request: InvestigateRequest, now: Timestamp) -> Result<Asked, Error> {
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
    let mut labels = convert::labels_of("labels", labels)?;
    labels.insert("service".to_owned(), service.clone());
    let title = if alertname.is_empty() {
        format!("what is wrong with {service}?")
    } else {
        labels.insert("alertname".to_owned(), alertname.clone());
        alertname
    };
    let severity = labels.get("severity").cloned().unwrap_or_default();
    let alert = Alert {
        source: QUESTION.to_owned(),
        status: AlertStatus::Firing,
        labels,
        annotations: Labels::new(),
        starts_at: at,
        ends_at: None,
        generator_url: None,
        fingerprint: Uuid::now_v7().simple().to_string(),
        group_key: None,
    };
    Ok(Asked { title, service, severity, alerts: vec![alert], budget })
}
