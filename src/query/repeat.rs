use std::time::Duration;

use jiff::Timestamp;
use quell_sdk::{
    Result,
    local::promql,
    signal::{Point, Series, UnixNanos, Window},
};

use super::{Data, Figure, Limits, Question, Reply, figures, of_evidence, run};
use crate::{
    domain::{Evidence, Language},
    investigation::Sources,
};

/// Most steps at which samples are looked for; a Prometheus takes 11,000.
const STEPS: u64 = 10_000;

/// A piece of evidence whose query was run again.
#[derive(Clone, Debug)]
pub struct Repeat {
    pub question: Question,
    pub replies: Vec<Reply>,
    /// The numbers that it states, beside what its query gives.
    pub figures: Vec<Figure>,
}

/// Runs the query of a piece of evidence over its window again. `onset` is when its incident began: most
/// numbers are about the time after it. Takes as long as the sources take.
///
/// # Errors
/// As [`run`].
pub async fn repeat(sources: &Sources, evidence: &Evidence, onset: Option<Timestamp>) -> Result<Repeat> {
    let question = of_evidence(evidence);
    let replies = run(sources, &question).await?;
    if evidence.language != Language::Promql || super::figures::of_check(evidence) {
        let figures = figures(evidence, &replies, &[], onset);
        return Ok(Repeat { question, replies, figures });
    }
    // The healthy recording has sources of other names. What it does not hold leaves the baseline to the time
    // before the onset.
    let mut normal = Vec::new();
    if let Some(reference) = &sources.reference {
        let question = Question {
            window: reference.window,
            sources: Vec::new(),
            step: Some(crate::investigation::step(reference.window)),
            ..question.clone()
        };
        normal = levels(&reference.sources, &question).await.unwrap_or_default();
    }
    let figures = figures(evidence, &levels(sources, &question).await?, &normal, onset);
    Ok(Repeat { question, replies, figures })
}

/// The points that the analysis looks at: of a computed expression its steps, of a plain selector the samples
/// themselves. PromQL repeats a sample at every step until the next one comes, so each is put where
/// `timestamp()` says that it was taken.
async fn levels(sources: &Sources, question: &Question) -> Result<Vec<Reply>> {
    if !promql::is_plain(&question.query) {
        return run(sources, question).await;
    }
    let seconds = question.window.length().as_secs().div_ceil(STEPS).max(1);
    let fine = Question {
        step: Some(Duration::from_secs(seconds)),
        limits: Limits::WHOLE,
        // The last sample is taken at a step after it.
        window: Window {
            end: question
                .window
                .end
                .saturating_add(Duration::from_secs(seconds))
                .unwrap_or(question.window.end),
            ..question.window
        },
        ..question.clone()
    };
    let taken = Question { query: format!("timestamp({})", fine.query), ..fine.clone() };
    let (mut values, times) = (run(sources, &fine).await?, run(sources, &taken).await?);
    for reply in &mut values {
        let Data::Series { series, .. } = &mut reply.data else { continue };
        let times = times.iter().filter(|times| times.source == reply.source);
        let times: Vec<&Series> = times.flat_map(|times| times.data.series()).collect();
        for series in series {
            if let Some(times) = times.iter().find(|times| times.labels == series.labels) {
                series.points = samples(&series.points, &times.points, question.window);
            }
        }
    }
    Ok(values)
}

/// Each sample once, at its own time.
fn samples(values: &[Point], times: &[Point], window: Window) -> Vec<Point> {
    let mut samples: Vec<Point> = values
        .iter()
        .zip(times)
        .map(|(value, time)| Point { at: (time.value * 1e9).round() as UnixNanos, value: value.value })
        .filter(|sample| window.contains(sample.at))
        .collect();
    samples.dedup_by_key(|sample| sample.at);
    samples
}
