//! Checks of a [`MetricsSource`].

use std::{any::Any, collections::BTreeSet, sync::Arc, time::Duration};

use super::Outcome;
use crate::{
    Answer, ErrorKind, MetricsSource,
    signal::{Labels, Series, Window},
    source::{Budget, Discover},
};

/// Most series whose queries are run again.
const MAX_RERUN: usize = 40;

/// A source with known content.
///
/// It holds at least three series of `service`, one of them a counter, over the whole of `window`.
pub struct MetricsFixture {
    pub source: Arc<dyn MetricsSource>,
    pub service: String,
    /// An expression that gives something within the window.
    pub expr: String,
    pub window: Window,
    /// A window in which nothing was recorded, nor in the hour before it.
    pub quiet: Window,
    pub step: Duration,
    /// What has to live as long as the source, e.g. the server behind it.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl MetricsFixture {
    fn request(&self) -> Discover {
        Discover {
            services: vec![self.service.clone()],
            labels: Labels::new(),
            expr: None,
            window: self.window,
            step: self.step,
            budget: Budget::default(),
        }
    }

    async fn discover(&self, request: &Discover) -> Result<Answer<Vec<Series>>, String> {
        self.source.discover(request).await.map_err(|error| format!("discover failed: {error}"))
    }

    async fn query(&self, expr: &str) -> Result<Answer<Vec<Series>>, String> {
        let answer = self.source.query_range(expr, self.window, self.step).await;
        answer.map_err(|error| format!("{expr} failed: {error}"))
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise()) }
}

pub async fn name_is_not_empty(fixture: &MetricsFixture) -> Outcome {
    ensure(!fixture.source.name().trim().is_empty(), || "the source has no name".into())
}

pub async fn points_ascend_and_are_finite_and_inside_the_window(fixture: &MetricsFixture) -> Outcome {
    let found = fixture.discover(&fixture.request()).await?.data;
    let asked = fixture.query(&fixture.expr).await?.data;
    ensure(found.len() >= 3, || format!("discover found {} series, expected at least 3", found.len()))?;
    ensure(!asked.is_empty(), || format!("{} gave nothing", fixture.expr))?;
    for series in found.iter().chain(&asked) {
        let who = || format!("{} {:?}", series.name, series.labels);
        ensure(!series.points.is_empty(), || format!("{} has no points", who()))?;
        ensure(series.points.is_sorted_by(|one, next| one.at < next.at), || {
            format!("points of {} do not ascend", who())
        })?;
        for point in &series.points {
            ensure(point.value.is_finite(), || format!("{} has the value {}", who(), point.value))?;
            ensure(fixture.window.contains(point.at), || {
                format!("{} has a point at {} outside the window", who(), point.at)
            })?;
        }
    }
    Ok(())
}

pub async fn service_is_under_its_label(fixture: &MetricsFixture) -> Outcome {
    for series in fixture.discover(&fixture.request()).await?.data {
        ensure(series.service() == fixture.service, || {
            format!("{} {:?} is not under service={:?}", series.name, series.labels, fixture.service)
        })?;
        ensure(!series.labels.contains_key("__name__"), || format!("{} keeps __name__", series.name))?;
    }
    Ok(())
}

pub async fn names_and_labels_tell_series_apart(fixture: &MetricsFixture) -> Outcome {
    let mut seen = BTreeSet::new();
    for series in fixture.discover(&fixture.request()).await?.data {
        ensure(!series.name.is_empty(), || format!("a series has no name: {:?}", series.labels))?;
        let key = (series.name, series.labels, series.query);
        ensure(!seen.contains(&key), || format!("{key:?} comes twice"))?;
        seen.insert(key);
    }
    Ok(())
}

/// The query of a discovered series, run by itself, gives that one series again.
pub async fn queries_give_the_numbers_they_stand_for(fixture: &MetricsFixture) -> Outcome {
    let found = fixture.discover(&fixture.request()).await?.data;
    for series in found.iter().take(MAX_RERUN) {
        let again = fixture.query(&series.query).await?.data;
        let [only] = again.as_slice() else {
            return Err(format!(
                "{} gives {} series, expected the one that it came with",
                series.query,
                again.len()
            ));
        };
        let same = only.points.len() == series.points.len()
            && only.points.iter().zip(&series.points).all(|(one, other)| {
                let near = 1e-9 * one.value.abs().max(other.value.abs()).max(1e-9);
                one.at == other.at && (one.value - other.value).abs() <= near
            });
        ensure(same, || format!("{} gives other numbers than it came with", series.query))?;
    }
    Ok(())
}

pub async fn a_bad_expression_is_a_bad_request(fixture: &MetricsFixture) -> Outcome {
    for expr in ["sum(", "up{", "rate(up)", ""] {
        match fixture.source.query_range(expr, fixture.window, fixture.step).await {
            Ok(_) => return Err(format!("{expr:?} was accepted")),
            Err(error) => ensure(error.kind == ErrorKind::BadRequest, || {
                format!("{expr:?} gave {:?}: {error}", error.kind)
            })?,
        }
    }
    Ok(())
}

pub async fn an_unknown_service_is_an_empty_full_answer(fixture: &MetricsFixture) -> Outcome {
    let services = vec!["no-such-service-anywhere".to_owned()];
    let answer = fixture.discover(&Discover { services, ..fixture.request() }).await?;
    ensure(answer.data.is_empty(), || format!("{} series of an unknown service", answer.data.len()))?;
    ensure(answer.completeness.is_full(), || format!("not full: {:?}", answer.completeness))
}

pub async fn a_window_with_nothing_is_empty(fixture: &MetricsFixture) -> Outcome {
    let answer = fixture.discover(&Discover { window: fixture.quiet, ..fixture.request() }).await?;
    ensure(answer.data.is_empty(), || format!("{} series in a quiet window", answer.data.len()))?;
    ensure(answer.completeness.is_full(), || format!("not full: {:?}", answer.completeness))?;
    let asked = fixture.source.query_range(&fixture.expr, fixture.quiet, fixture.step).await;
    let asked = asked.map_err(|error| format!("quiet window: {error}"))?;
    ensure(asked.data.is_empty() && asked.completeness.is_full(), || {
        format!("{} series, {:?}", asked.data.len(), asked.completeness)
    })
}

pub async fn a_budget_is_kept_and_what_it_cost_is_said(fixture: &MetricsFixture) -> Outcome {
    let all = fixture.discover(&fixture.request()).await?;
    ensure(all.completeness.is_full(), || format!("not full with a large budget: {:?}", all.completeness))?;
    let longest = all.data.iter().map(|series| series.points.len()).max().unwrap_or(0);
    for budget in [
        Budget { queries: 1, ..Budget::default() },
        Budget { series: 1, ..Budget::default() },
        Budget { series: 0, ..Budget::default() },
        // Rates may miss the first point of their window.
        Budget { samples: longest + 2, ..Budget::default() },
    ] {
        let answer = fixture.discover(&Discover { budget, ..fixture.request() }).await?;
        let samples: usize = answer.data.iter().map(|series| series.points.len()).sum();
        ensure(answer.queries <= budget.queries, || format!("{} queries for {budget:?}", answer.queries))?;
        ensure(answer.data.len() <= budget.series, || {
            format!("{} series for {budget:?}", answer.data.len())
        })?;
        ensure(samples <= budget.samples, || format!("{samples} samples for {budget:?}"))?;
        let cut = answer.data.len() < all.data.len();
        ensure(!cut || !answer.completeness.is_full(), || {
            format!("{budget:?} cut the answer without a word")
        })?;
        ensure(budget.queries == 1 || cut, || format!("{budget:?} cut nothing"))?;
    }
    Ok(())
}

pub async fn answers_are_the_same_each_time(fixture: &MetricsFixture) -> Outcome {
    let (one, other) =
        (fixture.discover(&fixture.request()).await?, fixture.discover(&fixture.request()).await?);
    ensure(one.data == other.data, || "discover gave other series or another order".into())?;
    ensure(one.completeness == other.completeness, || {
        format!("{:?}, then {:?}", one.completeness, other.completeness)
    })?;
    ensure(one.query == other.query, || format!("{}, then {}", one.query, other.query))?;
    let (one, other) = (fixture.query(&fixture.expr).await?, fixture.query(&fixture.expr).await?);
    ensure(one.data == other.data, || format!("{} gave other series or another order", fixture.expr))
}
