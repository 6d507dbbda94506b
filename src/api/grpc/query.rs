//! Queries over the server's sources.

use std::{sync::Arc, time::Duration};

use quell_proto::v1::{QueryRequest, QueryResponse};
use quell_sdk::{ErrorKind, signal::Window};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    api::{
        Error, Kind,
        convert::{self, Invalid, Wire, span},
        state::Shared,
    },
    domain::Evidence,
    investigation::Sources,
    query::{self, Limits, Question},
};

/// How long the sources may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Queries at once: they run beside investigations, which matter more.
const AT_ONCE: usize = 4;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);
/// The window when none is given.
const LOOKBACK: Duration = Duration::from_secs(3600);
/// Lines, spans or changes when the client does not say, and at most.
const DEFAULT: usize = 100;
const MOST: usize = 1_000;

pub(super) async fn query(state: &Shared, request: QueryRequest) -> Result<QueryResponse, Error> {
    state.refuse_unless_ready()?;
    let limits = limits(request.limit);
    if request.incident_id.is_empty() && request.evidence_id.is_empty() {
        let question = question(request, state.clock.now())?;
        let sources = state.sources.clone();
        let asked = question.clone();
        let replies = in_turn(async move { query::run(&sources, &asked).await }).await?;
        return Ok(convert::replies(&question, replies, limits));
    }
    let (evidence, onset) = evidence(state, &request).await?;
    repeat(state.sources.clone(), evidence, onset, limits).await
}

async fn repeat(
    sources: Sources,
    evidence: Evidence,
    onset: Option<jiff::Timestamp>,
    limits: Limits,
) -> Result<QueryResponse, Error> {
    let evidence = Arc::new(evidence);
    let asked = Arc::clone(&evidence);
    let found = in_turn(async move { query::repeat(&sources, &asked, onset).await }).await?;
    Ok(QueryResponse {
        evidence: Some(evidence.to_wire()),
        figures: found.figures.iter().map(convert::figure).collect(),
        ..convert::replies(&found.question, found.replies, limits)
    })
}

/// Runs it when it is its turn. One that takes too long is not waited for, yet keeps its turn to its end, so
/// that the impatient do not pile up work.
async fn in_turn<T: Send + 'static>(
    work: impl Future<Output = quell_sdk::Result<T>> + Send + 'static,
) -> Result<T, Error> {
    let turn = TURNS.try_acquire().map_err(|_| {
        Error::new(Kind::Overloaded, format!("{AT_ONCE} queries are running already; try again"))
    })?;
    let task = tokio::spawn(async move {
        let done = work.await;
        drop(turn);
        done
    });
    match timeout(PATIENCE, task).await {
        Ok(Ok(done)) => done.map_err(refused),
        Ok(Err(lost)) => Err(Error::new(Kind::Internal, format!("the query was lost: {lost}"))),
        Err(_) => {
            let message = format!(
                "no answer within {} s; ask for a shorter window or a wider step",
                PATIENCE.as_secs()
            );
            Err(Error::new(Kind::Timeout, message))
        }
    }
}

fn question(request: QueryRequest, now: jiff::Timestamp) -> Result<Question, Error> {
    let limits = limits(request.limit);
    let QueryRequest { language, query, window, step, source, .. } = request;
    let language = match language.as_str() {
        "" if query.trim().is_empty() => {
            return Err(Invalid::new("query", "missing; write PromQL, LogQL or TraceQL").into());
        }
        "" => query::guess(&query).map_err(refused)?,
        name => query::parse(name)
            .ok_or_else(|| Invalid::new("language", "none of promql, logql, traceql, changes"))?,
    };
    let window = match window {
        Some(window) => Window::from_wire(window).map_err(|invalid| invalid.within("window"))?,
        None => Window::ending_at(now, LOOKBACK),
    };
    let step = match step {
        None => None,
        given => Some(span("step", given)?),
    };
    let sources = Some(source).filter(|source| !source.is_empty()).into_iter().collect();
    Ok(Question { language, query, window, step, sources, limits })
}

fn limits(asked: u32) -> Limits {
    let items = if asked == 0 { DEFAULT } else { (asked as usize).min(MOST) };
    Limits { items, ..Limits::default() }
}

/// Evidence of an incident, and when that incident began.
async fn evidence(
    state: &Shared,
    request: &QueryRequest,
) -> Result<(Evidence, Option<jiff::Timestamp>), Error> {
    for (field, text) in [("incident_id", &request.incident_id), ("evidence_id", &request.evidence_id)] {
        if text.is_empty() {
            return Err(Invalid::new(field, "missing; evidence is named by its incident and its id").into());
        }
    }
    let incident = state.find(&request.incident_id).await?;
    let name = incident.short_name();
    let found = incident.investigation.as_ref().ok_or_else(|| {
        let status = incident.investigation_status.as_str();
        Error::new(Kind::NotFound, format!("{name} has no answer yet: investigation {status}"))
    })?;
    let wanted = request.evidence_id.to_ascii_uppercase();
    let evidence = found.evidence.iter().find(|evidence| evidence.id.to_string() == wanted);
    let evidence = evidence.ok_or_else(|| {
        let wanted: String = wanted.chars().take(20).collect();
        Error::new(
            Kind::NotFound,
            format!("{name} has no evidence `{wanted}`; `quell show {name} --evidence` lists it"),
        )
    })?;
    Ok((evidence.clone(), found.onset))
}

/// A source's refusal, as this server's.
fn refused(error: quell_sdk::Error) -> Error {
    let kind = match error.kind {
        ErrorKind::BadRequest | ErrorKind::Unsupported => Kind::Invalid,
        ErrorKind::NotFound => Kind::NotFound,
        ErrorKind::Timeout => Kind::Timeout,
        ErrorKind::Overloaded | ErrorKind::Refused => Kind::Overloaded,
        ErrorKind::Unauthorized | ErrorKind::Unavailable | ErrorKind::BadAnswer => Kind::Unavailable,
    };
    Error::new(kind, error.to_string())
}
