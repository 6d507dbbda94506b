//! The steps in order, and what becomes of those that fail.

use quell_sdk::{
    Answer, Completeness, Error, Result,
    signal::{Labels, Series},
    source::Discover,
};
use tokio::time::Instant;

use super::{pull::Pulled, spend::Spend};
use crate::{
    client::widen,
    plan::{Allowance, items, plan},
    promql::{self, Rule},
    source::Prometheus,
};

/// Queries that finding out what exists may take beside the pulling: labels, series, metadata, targets
/// and the scrape interval. With fewer than twice as many, the cheaper ways are taken.
pub(super) const OVERHEAD: u32 = 6;

pub(crate) async fn discover(source: &Prometheus, request: &Discover) -> Result<Answer<Vec<Series>>> {
    let begin = Instant::now();
    let spend = Spend::new(request.budget.queries, begin + source.discover_timeout());
    let mut run = Run { source, request, spend, notes: Vec::new(), error: None };
    let data = run.series().await;
    let Run { spend, notes, error, .. } = run;
    let mut completeness = match notes.join("; ") {
        nothing if nothing.is_empty() => Completeness::Full,
        reason => Completeness::partial(reason),
    };
    if let Some(error) = error {
        if data.0.is_empty() {
            return Err(error);
        }
        completeness = completeness.and(Completeness::partial(error.to_string()));
    }
    if request.budget.queries == 0 {
        completeness = Completeness::missing("no query is allowed");
    }
    Ok(Answer {
        data: data.0,
        completeness,
        query: data.1,
        window: request.window,
        queries: spend.used(),
        took: begin.elapsed(),
    })
}

/// One discovery under way.
pub(super) struct Run<'a> {
    pub(super) source: &'a Prometheus,
    pub(super) request: &'a Discover,
    pub(super) spend: Spend,
    /// What the answer lacks.
    pub(super) notes: Vec<String>,
    /// The first thing that went wrong.
    pub(super) error: Option<Error>,
}

impl Run<'_> {
    /// The series, and a query that a person would start from.
    pub(super) async fn series(&mut self) -> (Vec<Series>, String) {
        let rule = self.rule().await;
        let suspects = self.suspects(&rule);
        let step = widen(self.request.step, self.request.window);
        let points = points(self.request.window.length(), step);

        let mut pulled = Pulled::new(self.request.budget);
        let shown = rule.indicators.first().cloned().unwrap_or_default();
        let alert = self.pull_rule(&rule, step, &mut pulled).await;
        if let Err(error) = alert {
            self.went_wrong(error);
        }
        let Some(inventory) = self.survey(&rule, &suspects).await else {
            return (pulled.finish(&mut self.notes), shown);
        };
        let shown = if inventory.carriers.is_empty() { shown } else { inventory.selector(0).to_string() };
        if inventory.metrics.is_empty() {
            return (pulled.finish(&mut self.notes), shown);
        }

        let catalogue = self.catalogue().await;
        let targets = self.targets(&inventory).await;
        let interval = self.interval(&inventory, &targets).await;
        let range = promql::duration((interval * 4).max(step + interval));
        let allowance = Allowance {
            queries: self.spend.left() as usize,
            series: pulled.series_left(),
            samples: pulled.samples_left(),
        };
        let items = items(&inventory, &catalogue, self.source.naming(), &rule.metrics);
        let plan = plan(items, points, allowance);
        if plan.left_out.1 > 0 {
            let (series, metrics) = plan.left_out;
            self.notes.push(format!("{series} series of {metrics} metrics left out: budget"));
        }
        self.pull(plan.batches, &inventory, &suspects, &range, step, &mut pulled).await;
        let series = pulled.finish(&mut self.notes);
        self.silent_exporters(&series, &targets);
        (series, shown)
    }

    /// What the alert's rule says: from the alert itself, else from the server, which knows its rules.
    pub(super) async fn rule(&mut self) -> Rule {
        if let Some(expr) = self.request.expr.as_deref() {
            return promql::rule(expr);
        }
        let labels = &self.request.labels;
        let Some(name) = labels.get("alertname").filter(|name| !name.is_empty()) else {
            return Rule::default();
        };
        if self.spend.left() <= 2 * OVERHEAD || !self.spend.take() {
            return Rule::default();
        }
        match self.source.client().rules(self.spend.until(), name, labels).await {
            Ok(found) => found.first().map(|expr| promql::rule(expr)).unwrap_or_default(),
            // The rule may live elsewhere; nothing is missing from the series.
            Err(error) => {
                tracing::debug!(%error, "rules cannot be read");
                Rule::default()
            }
        }
    }

    /// Whom it is about: the services asked for, else those that the alert or its rule name.
    pub(super) fn suspects(&self, rule: &Rule) -> Vec<String> {
        let mut suspects: Vec<String> =
            self.request.services.iter().filter(|name| !name.is_empty()).cloned().collect();
        if self.request.services.is_empty() {
            let naming = self.source.naming();
            let pinned: Labels = rule.pinned.iter().cloned().collect();
            suspects.extend(naming.service_of(&self.request.labels).or_else(|| naming.service_of(&pinned)));
        }
        let mut seen = std::collections::BTreeSet::new();
        suspects.retain(|name| seen.insert(name.clone()));
        suspects
    }

    pub(super) fn went_wrong(&mut self, error: Error) {
        match &self.error {
            None => self.error = Some(error),
            Some(first) if first.to_string() == error.to_string() => {}
            Some(_) => self.notes.push(error.to_string()),
        }
    }

    pub(super) fn note(&mut self, what: &str, warnings: Vec<String>) {
        for warning in warnings {
            self.notes.push(format!("{what}: {warning}"));
        }
    }
}

/// Samples of one series.
fn points(length: std::time::Duration, step: std::time::Duration) -> usize {
    (length.as_secs_f64() / step.as_secs_f64()).ceil() as usize + 1
}
