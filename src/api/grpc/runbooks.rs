use std::sync::Arc;

use quell_proto::v1::{
    LintFinding, LintRunbookRequest, LintRunbookResponse, ListRunbooksRequest, ListRunbooksResponse,
    MatchRunbooksRequest, MatchRunbooksResponse, RunbookMatch, RunbookSummary,
    runbook_service_server::RunbookService,
};
use quell_sdk::signal::{Alert, AlertStatus};
use tonic::{Request, Response, Status, async_trait};

use super::alerts::RECEIVER;
use crate::{
    api::{Error, Kind, convert, state::Shared},
    runbook::{self, Query, Runbook},
};

/// Matches when the client does not say.
const DEFAULT: u32 = 5;
/// Matches at most.
const MOST: u32 = 100;
/// Longest text to match, in bytes.
const TEXT: usize = 64 * 1024;

pub(super) struct Runbooks(pub(super) Shared);

#[async_trait]
impl RunbookService for Runbooks {
    async fn list_runbooks(
        &self,
        _request: Request<ListRunbooksRequest>,
    ) -> Result<Response<ListRunbooksResponse>, Status> {
        let runbooks = self.0.library.runbooks().iter().map(|runbook| summary(runbook)).collect();
        Ok(Response::new(ListRunbooksResponse { runbooks }))
    }

    async fn match_runbooks(
        &self,
        request: Request<MatchRunbooksRequest>,
    ) -> Result<Response<MatchRunbooksResponse>, Status> {
        let MatchRunbooksRequest { labels, text, limit } = request.into_inner();
        if text.len() > TEXT {
            let message = format!("text: {} bytes, at most {TEXT} are taken", text.len());
            return Err(Error { kind: Kind::Invalid, message, field: Some("text".to_owned()) }.into());
        }
        let labels = convert::labels_of("labels", labels).map_err(Error::from)?;
        let service = labels.get("service").cloned().unwrap_or_default();
        let alert = Alert {
            source: RECEIVER.to_owned(),
            status: AlertStatus::Firing,
            labels,
            annotations: Default::default(),
            starts_at: self.0.clock.now(),
            ends_at: None,
            generator_url: None,
            fingerprint: String::new(),
            group_key: None,
        };
        let limit = if limit == 0 { DEFAULT } else { limit.min(MOST) } as usize;
        let library = Arc::clone(&self.0.library);
        let found = tokio::task::spawn_blocking(move || {
            let alerts = [alert];
            library.matching(&Query { alerts: &alerts, service: &service, faults: &[], text: &text, limit })
        });
        let found = found.await.map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        let matches = found
            .into_iter()
            .map(|found| RunbookMatch {
                runbook: Some(summary(&found.runbook)),
                score: convert::finite(found.score),
                because: found.because,
            })
            .collect();
        Ok(Response::new(MatchRunbooksResponse { matches }))
    }

    async fn lint_runbook(
        &self,
        request: Request<LintRunbookRequest>,
    ) -> Result<Response<LintRunbookResponse>, Status> {
        let LintRunbookRequest { file, text } = request.into_inner();
        let findings = tokio::task::spawn_blocking(move || runbook::lint(&file, &text));
        let findings = findings.await.map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        Ok(Response::new(LintRunbookResponse { findings: findings.into_iter().map(finding).collect() }))
    }
}

fn summary(runbook: &Runbook) -> RunbookSummary {
    RunbookSummary {
        id: runbook.id.clone(),
        title: runbook.title.clone(),
        alerts: runbook.match_rules.alerts.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
        owners: runbook.owners.clone(),
        hypotheses: runbook.hypotheses.iter().map(|hypothesis| hypothesis.key.clone()).collect(),
        file: runbook.file.clone(),
        format: runbook.format().to_owned(),
    }
}

fn finding(finding: runbook::Finding) -> LintFinding {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    LintFinding {
        severity: finding.severity.as_str().to_owned(),
        code: finding.code.to_owned(),
        message: finding.message,
        file: finding.file,
        line: count(finding.line),
        column: count(finding.column),
    }
}
