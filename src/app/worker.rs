//! Takes investigations off the queue, one at a time per worker.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{investigator::Investigator, scribe};
use crate::{
    api::QUESTION,
    clock::SharedClock,
    domain::{Alert, Completeness, Incident, IncidentId, Investigation, Payload, Timings, Verdict, Window},
    intake::Intake,
    investigation::{Emit, Request},
    journal::{self, Claim, Journal},
    telemetry::Metrics,
};

/// How long a claim holds without being renewed.
const LEASE: Duration = Duration::from_secs(15);
/// How far past its budget an investigation may run before it is given up.
const GRACE: Duration = Duration::from_secs(10);
/// Attempts that may fail before the answer is that there is none.
const ATTEMPTS: u32 = 3;
/// How long to wait after the journal failed.
const PAUSE: Duration = Duration::from_secs(1);
/// An alert older than this tells nothing about when the incident began.
const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);
const PAGE: usize = 1_000;

/// What every worker needs.
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) intake: Intake,
    pub(super) investigator: Arc<dyn Investigator>,
    pub(super) clock: SharedClock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) lookback: Duration,
}

/// How one claim ended.
enum Outcome {
    Answered(Box<Investigation>),
    /// Somebody else has the claim now.
    Lost,
    /// The program stops.
    Stopped,
    Failed(String),
}

impl Worker {
    /// Works until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        loop {
            let claim = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                claim = self.journal.claim(&self.name, LEASE) => claim,
            };
            let ended = match claim {
                Ok(claim) => self.take(&claim, &stop).await,
                Err(error) => Err(error),
            };
            match ended {
                Ok(()) => {}
                Err(journal::Error::Closed) => return,
                Err(error) => {
                    tracing::error!(%error, worker = self.name, "worker cannot use the journal");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn take(&self, claim: &Claim, stop: &CancellationToken) -> journal::Result<()> {
        let Some(incident) = self.incident(&claim.incident).await? else {
            tracing::error!(incident = %claim.incident, "claimed work of an incident that does not open");
            sleep(PAUSE).await;
            return self.journal.release(claim, &self.name).await;
        };
        let started = Instant::now();
        let request = self.request(claim, &incident);
        let fallback = request.clone();
        tracing::info!(incident = %claim.incident, attempt = claim.attempt, "investigation started");
        let found = match self.work(claim, request, stop).await? {
            Outcome::Answered(found) => found,
            Outcome::Lost => {
                tracing::warn!(incident = %claim.incident, "investigation was taken over");
                return Ok(());
            }
            Outcome::Stopped => return self.journal.release(claim, &self.name).await,
            Outcome::Failed(because) if claim.attempt < ATTEMPTS => {
                tracing::error!(incident = %claim.incident, because, "investigation failed, trying again");
                sleep(PAUSE).await;
                return self.journal.release(claim, &self.name).await;
            }
            Outcome::Failed(because) => {
                tracing::error!(incident = %claim.incident, because, "investigation failed for good");
                Box::new(unanswered(&fallback, &because, started.elapsed()))
            }
        };
        self.count(&found, started.elapsed());
        let finished = vec![Payload::InvestigationFinished { investigation: found }];
        scribe::write(&*self.journal, &self.clock, &claim.incident, finished).await?;
        self.close_question(&claim.incident).await
    }

    /// Ends an incident that is a question and nothing else: no monitor will ever say that it is over.
    async fn close_question(&self, id: &IncidentId) -> journal::Result<()> {
        let asked = |alert: &Alert| alert.source == QUESTION;
        let incident = self.incident(id).await?;
        if incident.is_some_and(|incident| incident.is_open() && incident.alerts.iter().all(asked))
            && let Err(error) = self.intake.resolve(id, "the question is answered").await
        {
            tracing::warn!(incident = %id, %error, "an answered question stays open");
        }
        Ok(())
    }

    /// Runs the engine beside the pen that writes and the watch that renews the claim.
    async fn work(
        &self,
        claim: &Claim,
        request: Request,
        stop: &CancellationToken,
    ) -> journal::Result<Outcome> {
        let cancel = CancellationToken::new();
        let _cancelled = cancel.clone().drop_guard();
        let journal = Arc::clone(&self.journal);
        let (pen, scribe) = scribe::pair(journal, Arc::clone(&self.clock), claim.incident.clone());
        let first = Payload::InvestigationStarted {
            investigation: claim.investigation.clone(),
            attempt: claim.attempt,
        };
        let enough = CancellationToken::new();
        let mut writing = tokio::spawn(scribe.run(first, enough.clone()));
        let deadline = request.budget + GRACE;
        let (investigator, token) = (Arc::clone(&self.investigator), cancel.clone());
        // one pen is kept here, so that the writing ends early only when it fails
        let pen: Arc<dyn Emit> = pen;
        let engines = Arc::clone(&pen);
        let mut working =
            tokio::spawn(async move { investigator.investigate(request, engines, token).await });
        let mut written = None;
        let outcome = tokio::select! {
            biased;
            () = stop.cancelled() => Ok(Outcome::Stopped),
            lost = self.hold(claim) => lost,
            early = &mut writing => {
                written = Some(early);
                Ok(Outcome::Failed("the writing ended early".to_owned()))
            }
            ended = timeout(deadline, &mut working) => Ok(match ended {
                Ok(Ok(found)) => Outcome::Answered(Box::new(found)),
                Ok(Err(error)) => Outcome::Failed(format!("the engine failed: {error}")),
                Err(_) => Outcome::Failed(format!("no answer within {deadline:?}")),
            }),
        };
        cancel.cancel();
        working.abort();
        enough.cancel();
        drop(pen);
        if matches!(outcome, Ok(Outcome::Lost)) {
            // the journal of this incident is somebody else's now
            writing.abort();
            return outcome;
        }
        let written = match written {
            Some(written) => written,
            None => writing.await,
        };
        written.unwrap_or_else(|error| Err(broken(&error)))?;
        outcome
    }

    /// Renews the claim until it is lost.
    async fn hold(&self, claim: &Claim) -> journal::Result<Outcome> {
        let mut ticks = interval(LEASE / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if !self.journal.renew(claim, &self.name, LEASE).await? {
                return Ok(Outcome::Lost);
            }
        }
    }

    async fn incident(&self, id: &IncidentId) -> journal::Result<Option<Incident>> {
        let mut incident: Option<Incident> = None;
        loop {
            let after = incident.as_ref().map_or(0, |incident| incident.last_seq);
            let events = self.journal.read(id, after, PAGE).await?;
            for event in &events {
                match &mut incident {
                    Some(incident) => {
                        incident.apply(event);
                    }
                    None => incident = Incident::open(event),
                }
            }
            if events.len() < PAGE || incident.is_none() {
                return Ok(incident);
            }
        }
    }

    fn request(&self, claim: &Claim, incident: &Incident) -> Request {
        let now = self.clock.now();
        let oldest = before(now, OLDEST);
        let first = incident.alerts.iter().map(|alert| alert.starts_at).filter(|at| *at >= oldest).min();
        let at = first.unwrap_or(incident.opened_at).min(now);
        Request {
            id: claim.investigation.clone(),
            service: incident.service.clone(),
            alerts: incident.alerts.clone(),
            at,
            window: Window { start: before(at, self.lookback), end: now },
            budget: claim.budget,
            onset_shift: SignedDuration::ZERO,
        }
    }

    fn count(&self, found: &Investigation, took: Duration) {
        self.metrics.investigated(found.verdict, took);
        for coverage in &found.coverage {
            let outcome = match &coverage.completeness {
                Completeness::Full => "full",
                Completeness::Partial { .. } => "partial",
                Completeness::Missing { .. } => "missing",
            };
            self.metrics.source_queries(&coverage.source, outcome, coverage.queries);
        }
    }
}

fn broken(error: &tokio::task::JoinError) -> journal::Error {
    journal::Error::Storage { path: "investigation".to_owned(), message: format!("writing failed: {error}") }
}

fn before(at: Timestamp, length: Duration) -> Timestamp {
    at.saturating_sub(length).unwrap_or(Timestamp::MIN)
}

/// The answer when there is none: nothing is known, and why is said.
fn unanswered(request: &Request, because: &str, took: Duration) -> Investigation {
    Investigation {
        id: request.id.clone(),
        service: request.service.clone(),
        window: request.window,
        verdict: Verdict::Inconclusive,
        because: format!("the investigation failed {ATTEMPTS} times and was given up: {because}"),
        onset: None,
        hypotheses: Vec::new(),
        recovery_paths: Vec::new(),
        blast_radius: Vec::new(),
        innocent: Vec::new(),
        blind_spots: Vec::new(),
        symptoms: Vec::new(),
        evidence: Vec::new(),
        coverage: Vec::new(),
        next_question: String::new(),
        timings: Timings { total: took, ..Timings::default() },
    }
}
