//! Runs one investigation: the one task that owns its state and puts its events in order.
//!
//! Collect, observe, propose; then one agent per hypothesis, side by side, each with its own say, until all
//! are done or time is up. A ranking goes out as soon as there is one and again whenever it changes, and
//! there is always an answer by the deadline.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Emit, Request, Sources,
    agent::{self, Desk, Word},
    board::Board,
    collect::{Collected, collect},
    imported::{self, Called},
    innocent::innocent,
    propose::{Proposal, propose},
    recover::{Context, recovery_paths},
    symptoms::{moment, observe},
    verdict::{blast_radius, next_question, verdict},
    weigh::weigh,
};
use crate::{
    domain::{
        Action, BlindSpot, Coverage, Evidence, Hypothesis, HypothesisId, Investigation, Labels, Payload,
        SignalKind, Symptom, Timings, Verdict,
    },
    runbook::Library,
};

/// Part of the budget that collecting may take; the rest is for testing.
const COLLECT_PART: f64 = 0.6;
/// Time kept back at the end to put the answer together.
const RESERVE: Duration = Duration::from_millis(300);
/// Most that is claimed before the first agent has spoken.
const UNTESTED: f64 = 0.5;
/// Symptoms that are streamed one by one; the finished answer has them all.
const STREAMED: usize = 40;
/// Hypotheses that a ranking event carries.
const RANKED: usize = 8;

/// Investigates, telling `emit` as it goes, and returns the answer. It returns within the request's budget,
/// or at once when cancelled, with what there is by then.
pub async fn investigate(
    request: Request,
    sources: Sources,
    library: Arc<Library>,
    emit: Arc<dyn Emit>,
    cancel: CancellationToken,
) -> Investigation {
    let started = Instant::now();
    let deadline = started + request.budget.saturating_sub(RESERVE.min(request.budget / 4));
    let collect_by = started + request.budget.mul_f64(COLLECT_PART);
    let collected = tokio::select! {
        collected = collect(&request, &sources, &*emit, collect_by.min(deadline)) => collected,
        () = cancel.cancelled() => return cut(&request, started, "the investigation was cancelled"),
    };
    let collect_took = started.elapsed();
    let coverage = collected.coverage.clone();
    let mut blind_spots = collected.blind_spots.clone();
    let labels: Arc<Labels> = Arc::new(labels(&request));
    let thinking = {
        let (request, library) = (request.clone(), library.clone());
        tokio::task::spawn_blocking(move || think(&request, collected, &library))
    };
    let (board, proposals) = match timeout_at(deadline, thinking).await {
        Ok(Ok(thought)) => thought,
        Ok(Err(error)) => return cut(&request, started, &format!("the analysis failed: {error}")),
        Err(_) => return cut(&request, started, "the analysis did not end within the budget"),
    };
    let board = Arc::new(board);
    for found in board.observed.symptoms.iter().take(STREAMED) {
        let evidence = board.observed.evidence.iter().find(|evidence| evidence.id == found.symptom.evidence);
        if let Some(evidence) = evidence {
            emit.emit(Payload::EvidenceFound { evidence: evidence.clone() });
        }
        emit.emit(Payload::SymptomFound { symptom: found.symptom.clone() });
    }
    for proposal in &proposals {
        emit.emit(Payload::HypothesisProposed { hypothesis: Box::new(proposal.hypothesis.clone()) });
    }
    let desk = Desk {
        board: board.clone(),
        sources: Arc::new(sources),
        labels: labels.clone(),
        window: request.window,
    };
    let mut trial = Trial::new(&request, &desk, &proposals, emit.clone(), started);
    trial.called = imported::called(&library, &request.alerts, &desk);
    let (called, next) = (trial.called.clone(), next_evidence(&board, &proposals));
    let looking = async {
        tokio::select! {
            found = timeout_at(deadline, imported::look(&called, &desk, next)) => found.unwrap_or_default(),
            () = cancel.cancelled() => Vec::new(),
        }
    };
    let ((), looked) = tokio::join!(trial.run(proposals, &desk, deadline, &cancel), looking);
    for evidence in looked {
        emit.emit(Payload::EvidenceFound { evidence: evidence.clone() });
        trial.evidence.push(evidence);
    }
    if trial.open > 0 {
        blind_spots.push(BlindSpot {
            source: "quell".to_owned(),
            signal: SignalKind::Metrics,
            because: format!("{} of {} agents did not finish", trial.open, trial.agents),
        });
    }
    let answer = trial.answer(&request, coverage, blind_spots, collect_took);
    emit.emit(Payload::InvestigationFinished { investigation: Box::new(answer.clone()) });
    // Freeing all that was collected takes a while, and nobody has to wait for it.
    tokio::task::spawn_blocking(move || drop((trial, board, desk)));
    answer
}

/// The first number of evidence that no agent will use.
fn next_evidence(board: &Board, proposals: &[Proposal]) -> u32 {
    let known = board.observed.evidence.iter().map(|evidence| evidence.id.0).max().unwrap_or(0);
    let checks = proposals.iter().map(|proposal| {
        let checks = proposal.runbook.as_ref().map_or(0, |(_, claimed)| claimed.expects.len());
        proposal.first_check.saturating_add(u32::try_from(checks).unwrap_or(u32::MAX))
    });
    checks.max().unwrap_or(0).max(known.saturating_add(1))
}

/// Labels that all alerts share, and the service.
fn labels(request: &Request) -> Labels {
    let mut labels: Labels = request.alerts.first().map(|alert| alert.labels.clone()).unwrap_or_default();
    for alert in request.alerts.iter().skip(1) {
        labels.retain(|name, value| alert.labels.get(name) == Some(value));
    }
    if !request.service.is_empty() {
        labels.entry("service".to_owned()).or_insert_with(|| request.service.clone());
    }
    labels
}

fn think(request: &Request, collected: Collected, library: &Library) -> (Board, Vec<Proposal>) {
    let observed = observe(&collected, request.window, request.at, request.onset_shift);
    let text: Vec<&str> = request
        .alerts
        .iter()
        .flat_map(|alert| alert.annotations.values().chain(alert.labels.get("alertname")))
        .map(String::as_str)
        .collect();
    let board = Board::new(collected.case, observed, collected.seen, text.join("\n").to_lowercase());
    let proposals = propose(&board, library, &request.alerts);
    (board, proposals)
}

/// The hypotheses on trial.
struct Trial {
    hypotheses: Vec<Hypothesis>,
    /// Evidence that agents brought.
    evidence: Vec<Evidence>,
    runbooks: BTreeMap<
        u32,
        (Arc<crate::runbook::Runbook>, crate::runbook::RunbookHypothesis, crate::runbook::Vars),
    >,
    /// Plain runbooks that the alerts call.
    called: Vec<Called>,
    board: Arc<Board>,
    labels: Arc<Labels>,
    emit: Arc<dyn Emit>,
    started: Instant,
    first_ranking: Option<Duration>,
    shown: Vec<(HypothesisId, i64)>,
    agents: usize,
    /// Agents that have not finished.
    open: usize,
    id: String,
}

impl Trial {
    fn new(
        request: &Request,
        desk: &Desk,
        proposals: &[Proposal],
        emit: Arc<dyn Emit>,
        started: Instant,
    ) -> Self {
        let runbooks = proposals
            .iter()
            .filter_map(|proposal| {
                let (runbook, claimed) = proposal.runbook.as_ref()?;
                let vars = agent::vars(proposal, desk, runbook);
                Some((proposal.hypothesis.id.0, (runbook.clone(), claimed.clone(), vars)))
            })
            .collect();
        Self {
            hypotheses: proposals.iter().map(|proposal| proposal.hypothesis.clone()).collect(),
            evidence: Vec::new(),
            runbooks,
            called: Vec::new(),
            board: desk.board.clone(),
            labels: desk.labels.clone(),
            emit,
            started,
            first_ranking: None,
            shown: Vec::new(),
            agents: proposals.len(),
            open: proposals.len(),
            id: request.id.clone(),
        }
    }

    /// Lets every agent speak until all are done, time is up, or the investigation is cancelled.
    async fn run(
        &mut self,
        proposals: Vec<Proposal>,
        desk: &Desk,
        deadline: Instant,
        cancel: &CancellationToken,
    ) {
        let (out, mut words) = mpsc::unbounded_channel();
        // Dropped at the end, which ends the agents that are still at work.
        let mut agents = JoinSet::new();
        for proposal in proposals {
            agents.spawn(agent::test(proposal, desk.clone(), out.clone()));
        }
        drop(out);
        loop {
            let word = tokio::select! {
                word = timeout_at(deadline, words.recv()) => word,
                () = cancel.cancelled() => return,
            };
            match word {
                Ok(Some(word)) => self.hear(word),
                // All have spoken; one that panicked is still open, and is told as unfinished.
                Ok(None) => break,
                Err(_) => break,
            }
            while let Ok(word) = words.try_recv() {
                self.hear(word);
            }
            self.rank();
        }
        self.rank();
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Arguments { hypothesis, arguments, propagation } => {
                for argument in &arguments {
                    self.emit.emit(Payload::ArgumentMade { hypothesis, argument: argument.clone() });
                }
                if let Some(known) = self.find(hypothesis) {
                    known.arguments.extend(arguments);
                    known.propagation = propagation;
                }
            }
            Word::Checked { hypothesis, argument, evidence } => {
                if let Some(evidence) = evidence {
                    self.emit.emit(Payload::EvidenceFound { evidence: (*evidence).clone() });
                    self.evidence.push(*evidence);
                }
                self.emit.emit(Payload::ArgumentMade { hypothesis, argument: argument.clone() });
                if let Some(known) = self.find(hypothesis) {
                    known.arguments.push(argument);
                }
            }
            Word::Done => self.open = self.open.saturating_sub(1),
        }
    }

    fn find(&mut self, id: HypothesisId) -> Option<&mut Hypothesis> {
        self.hypotheses.iter_mut().find(|hypothesis| hypothesis.id == id)
    }

    /// Weighs, and tells of the ranking when it changed.
    fn rank(&mut self) {
        weigh(&mut self.hypotheses, &self.board.seen);
        let tested = self.agents.saturating_sub(self.open) as f64 / self.agents.max(1) as f64;
        if self.open > 0 {
            // What was not tested yet may still be the better explanation.
            let most = UNTESTED + (1.0 - UNTESTED) * tested;
            for hypothesis in &mut self.hypotheses {
                hypothesis.probability = hypothesis.probability.min(most);
            }
        }
        let order: Vec<(HypothesisId, i64)> = self
            .hypotheses
            .iter()
            .take(RANKED)
            .map(|hypothesis| (hypothesis.id, (hypothesis.probability * 200.0).round() as i64))
            .collect();
        if order == self.shown || order.is_empty() {
            return;
        }
        self.shown = order;
        self.first_ranking.get_or_insert_with(|| self.started.elapsed());
        self.emit.emit(Payload::RankingChanged {
            hypotheses: self.hypotheses.iter().take(RANKED).cloned().collect(),
            recovery_paths: self.paths(),
        });
    }

    fn paths(&self) -> Vec<crate::domain::RecoveryPath> {
        let signals = [SignalKind::Metrics, SignalKind::Logs, SignalKind::Traces, SignalKind::Changes];
        let context = Context {
            board: &self.board,
            labels: &self.labels,
            runbooks: &self.runbooks,
            called: &self.called,
            signals_seen: signals.iter().filter(|signal| self.board.seen.contains(signal)).count(),
        };
        recovery_paths(&self.hypotheses, &context)
    }

    fn answer(
        &self,
        request: &Request,
        coverage: Vec<Coverage>,
        mut blind_spots: Vec<BlindSpot>,
        collect: Duration,
    ) -> Investigation {
        blind_spots.sort();
        blind_spots.dedup();
        let (verdict, because) = verdict(&self.board, &self.hypotheses);
        let is_incident = verdict != Verdict::NotAnIncident;
        let mut evidence = self.board.observed.evidence.clone();
        evidence.extend(self.evidence.iter().cloned());
        evidence.sort_by_key(|evidence| evidence.id);
        let symptoms: Vec<Symptom> =
            self.board.observed.symptoms.iter().map(|found| found.symptom.clone()).collect();
        let total = self.started.elapsed();
        Investigation {
            id: self.id.clone(),
            service: request.service.clone(),
            window: request.window,
            verdict,
            because,
            onset: is_incident.then(|| moment(self.board.observed.onset.since.at)),
            hypotheses: self.hypotheses.clone(),
            recovery_paths: match (is_incident, self.board.observed.is_seen) {
                (true, true) => self.paths(),
                // What nobody looked at nobody should restart.
                (true, false) => {
                    self.paths().into_iter().filter(|path| path.action == Action::Escalate).collect()
                }
                (false, _) => Vec::new(),
            },
            blast_radius: if is_incident { blast_radius(&self.board, &self.hypotheses) } else { Vec::new() },
            innocent: innocent(&self.board, &self.hypotheses),
            blind_spots,
            symptoms,
            evidence,
            coverage,
            next_question: if is_incident { next_question(&self.hypotheses) } else { String::new() },
            timings: Timings {
                collect,
                first_ranking: self.first_ranking.unwrap_or(total),
                total,
                deadline_hit: self.open > 0,
            },
        }
    }
}

/// The answer when there was no time for one.
fn cut(request: &Request, started: Instant, because: &str) -> Investigation {
    Investigation {
        id: request.id.clone(),
        service: request.service.clone(),
        window: request.window,
        verdict: Verdict::Inconclusive,
        because: because.to_owned(),
        onset: None,
        hypotheses: Vec::new(),
        recovery_paths: Vec::new(),
        blast_radius: Vec::new(),
        innocent: Vec::new(),
        blind_spots: vec![BlindSpot {
            source: "quell".to_owned(),
            signal: SignalKind::Metrics,
            because: because.to_owned(),
        }],
        symptoms: Vec::new(),
        evidence: Vec::new(),
        coverage: Vec::new(),
        next_question: String::new(),
        timings: Timings { total: started.elapsed(), deadline_hit: true, ..Timings::default() },
    }
}
