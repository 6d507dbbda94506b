//! What the team's own plain runbook, called by the alert, asks to look at: evidence beside the hypotheses, and no
//! argument for any, since it says of no cause what its answers would be.

use std::{sync::Arc, time::Duration};

use super::agent::{Desk, times, vars_of};
use crate::{
    domain::{Evidence, EvidenceId, Language, SignalKind, Trust},
    runbook::{
        self, At, Check, CheckTimes, Expect, Library, Op, Runbook, Truth, Vars, import::ImportedCheck,
    },
};

/// Queries of a runbook that are asked, and how long one may take.
const MOST: usize = 8;
const PATIENCE: Duration = Duration::from_secs(5);

/// A plain runbook that the alerts call, with its variables bound to the incident.
#[derive(Clone)]
pub(super) struct Called {
    pub runbook: Arc<Runbook>,
    pub vars: Vars,
}

pub(super) fn called(library: &Library, alerts: &[crate::domain::Alert], desk: &Desk) -> Vec<Called> {
    let called = library.called(alerts).into_iter().map(|runbook| {
        let service = desk.board.case.service.clone();
        Called { vars: vars_of(&service, None, desk, &runbook), runbook }
    });
    called.collect()
}

/// Asks the sources, and numbers what they say from `first` on. What gives no number is left out.
pub(super) async fn look(called: &[Called], desk: &Desk, first: u32) -> Vec<Evidence> {
    let times = times(desk);
    let asked = called.iter().flat_map(|called| {
        let checks = called.runbook.imported.iter().flat_map(|imported| &imported.checks);
        let queries = checks.filter(|check| !matches!(check.language, Language::Sh | Language::Text));
        queries.take(MOST).map(move |check| ask(called, check, desk, times))
    });
    let found = futures::future::join_all(asked).await;
    (first..)
        .zip(found.into_iter().flatten())
        .map(|(id, evidence)| Evidence { id: EvidenceId(id), ..evidence })
        .collect()
}

async fn ask(called: &Called, given: &ImportedCheck, desk: &Desk, times: CheckTimes) -> Option<Evidence> {
    let healthy = given.stated.as_ref().and_then(|stated| stated.healthy.clone());
    // one series that is not as it should be is enough to say so
    let unhealthy = healthy.as_ref().and_then(opposite);
    let check = Check {
        id: given.id.clone(),
        language: given.language,
        query: given.query.native(),
        expect: unhealthy.clone().unwrap_or(Expect::Present),
        at: At::Now,
        title: given.title.clone(),
        text: given.text.clone(),
    };
    let outcome =
        tokio::time::timeout(PATIENCE, runbook::evaluate(&check, &called.vars, &desk.sources, times));
    let outcome = outcome
        .await
        .ok()
        .filter(|outcome| outcome.truth != Truth::Unknown && !outcome.observed.is_empty())?;
    let numbers = outcome.observed.iter().map(|number| format!("{} {}", number.name, short(number.value)));
    let mut summary =
        format!("runbook {}, {}: {}", called.runbook.id, given.id, numbers.collect::<Vec<_>>().join(", "));
    if let Some(stated) = &given.stated {
        let verdict = match (&healthy, outcome.truth) {
            (Some(healthy), Truth::True) if unhealthy.is_some() => format!(" ({healthy}: it is not)"),
            (Some(healthy), Truth::False) if unhealthy.is_some() => format!(" ({healthy}: it is)"),
            _ => String::new(),
        };
        summary.push_str(&format!("; text says: {}{verdict}", stated.text));
    }
    Some(Evidence {
        id: EvidenceId(0),
        signal: match given.language {
            Language::Logql => SignalKind::Logs,
            Language::Traceql => SignalKind::Traces,
            _ => SignalKind::Metrics,
        },
        source: outcome.source,
        language: outcome.language,
        query: outcome.query,
        window: outcome.window,
        divided_at: Some(times.onset),
        normal_until: Some(times.baseline.end),
        completeness: outcome.completeness,
        summary,
        numbers: outcome.observed,
        link: None,
        trust: Trust::Service,
    })
}

fn opposite(expect: &Expect) -> Option<Expect> {
    let Expect::Compare { quantile, op, bound } = expect else { return None };
    let op = match op {
        Op::Greater => Op::LessOrEqual,
        Op::GreaterOrEqual => Op::Less,
        Op::Less => Op::GreaterOrEqual,
        Op::LessOrEqual => Op::Greater,
        Op::Equal => Op::NotEqual,
        Op::NotEqual => Op::Equal,
    };
    Some(Expect::Compare { quantile: *quantile, op, bound: *bound })
}

/// Four significant digits.
fn short(value: f64) -> String {
    if value == 0.0 || (1e-4..1e9).contains(&value.abs()) {
        let digits = (3 - value.abs().max(1e-4).log10().floor() as i32).clamp(0, 8);
        let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        format!("{value:.3e}")
    }
}
