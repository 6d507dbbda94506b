//! Pulls what was planned, and puts it together.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, stream};
use quell_sdk::{
    ErrorKind, Result,
    signal::{Labels, MetricKind, Series},
    source::Budget,
};

use super::run::Run;
use crate::{
    decode::{Matrix, Said},
    labels::suspect,
    plan::{Batch, Inventory, KEY},
    promql::Rule,
};

/// Series collected so far, within the budget.
#[derive(Debug)]
pub(super) struct Pulled {
    /// With its place in the answer; nothing: first of all.
    series: Vec<(Option<usize>, Series)>,
    seen: BTreeSet<(String, Labels, String)>,
    budget: Budget,
    samples: usize,
    over_budget: usize,
    not_finite: usize,
    left_out: usize,
    histograms: usize,
}

impl Pulled {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            series: Vec::new(),
            seen: BTreeSet::new(),
            budget,
            samples: 0,
            over_budget: 0,
            not_finite: 0,
            left_out: 0,
            histograms: 0,
        }
    }

    pub(super) fn series_left(&self) -> usize {
        self.budget.series.saturating_sub(self.series.len())
    }

    pub(super) fn samples_left(&self) -> usize {
        self.budget.samples.saturating_sub(self.samples)
    }

    fn add(&mut self, place: Option<usize>, series: Series) {
        let key = (series.name.clone(), series.labels.clone(), series.query.clone());
        if self.seen.contains(&key) {
            return;
        }
        if self.series_left() == 0 || self.samples_left() < series.points.len() {
            self.over_budget += 1;
            return;
        }
        self.seen.insert(key);
        self.samples += series.points.len();
        self.series.push((place, series));
    }

    fn count(&mut self, matrix: &Matrix) {
        self.not_finite += matrix.not_finite;
        self.left_out += matrix.left_out;
        self.histograms += matrix.histograms;
    }

    /// The series, what matters most first; what they lack is noted.
    pub(super) fn finish(mut self, notes: &mut Vec<String>) -> Vec<Series> {
        for (count, what) in [
            (self.over_budget, "series left out: budget"),
            (self.not_finite, "samples left out: not a finite number"),
            (self.left_out, "series left out: too many, or labels too large"),
            (self.histograms, "series hold native histograms, which are not read as they are"),
        ] {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        }
        self.series.sort_by_key(|(place, _)| *place);
        self.series.into_iter().map(|(_, series)| series).collect()
    }
}

impl Run<'_> {
    /// The alert's own expression, without its thresholds.
    pub(super) async fn pull_rule(&mut self, rule: &Rule, step: Duration, pulled: &mut Pulled) -> Result<()> {
        // A service that the rule pins is that of its series, which may have lost the label.
        let naming = self.source.naming();
        let pinned: Labels = rule.pinned.iter().cloned().collect();
        let service = naming.service_of(&pinned).or_else(|| naming.service_of(&self.request.labels));
        for expr in &rule.indicators {
            // Something must be left for the search.
            if (self.spend.used() > 0 && self.spend.left() <= 3) || !self.spend.take() {
                self.notes.push("part of the alert's expression was not run: budget".into());
                break;
            }
            let client = self.source.client();
            let limit = pulled.series_left().max(1);
            let said = client.range(self.spend.until(), expr, self.request.window, step, limit).await;
            let said = match said {
                Ok(said) => said,
                // Written for another dialect, perhaps; the search may still succeed.
                Err(error) if error.kind == ErrorKind::BadRequest => {
                    self.notes.push(format!("the alert's expression was refused: {}", error.message));
                    continue;
                }
                Err(error) => return Err(error),
            };
            pulled.count(&said.data);
            for series in self.source.series_of(expr, said.data, service.as_deref()) {
                pulled.add(None, series);
            }
            self.note("alert's expression", said.warnings);
        }
        Ok(())
    }

    /// All batches, a few at a time.
    pub(super) async fn pull(
        &mut self,
        batches: Vec<Batch>,
        inventory: &Inventory,
        suspects: &[String],
        range: &str,
        step: Duration,
        pulled: &mut Pulled,
    ) {
        let mut waiting = batches;
        let (mut failed, mut asked) = (0, 0);
        while !waiting.is_empty() {
            let jobs = waiting.drain(..).map(|batch| self.fetch(batch, inventory, range, step));
            let done: Vec<_> = stream::iter(jobs.collect::<Vec<_>>())
                .buffered(self.source.client().concurrency())
                .collect()
                .await;
            for (batch, result) in done {
                let Some(result) = result else {
                    self.notes.push(format!("{} series left out: no query was left", batch.series()));
                    continue;
                };
                asked += 1;
                match result {
                    Ok(said) => {
                        self.note("query", said.warnings);
                        self.collect(&batch, said.data, inventory, suspects, range, pulled);
                    }
                    // Too many samples at once, or one bad part: smaller pieces may do.
                    Err(error) if error.kind == ErrorKind::BadRequest && batch.items.len() > 1 => {
                        waiting.extend(batch.halves().into_iter().flatten());
                    }
                    Err(error) => {
                        failed += 1;
                        self.went_wrong(error);
                    }
                }
            }
        }
        if failed > 0 {
            self.notes.push(format!("{failed} of {asked} queries failed"));
        }
        self.notes.dedup();
    }

    /// Pulls one batch; nothing if the budget has no query left.
    async fn fetch(
        &self,
        batch: Batch,
        inventory: &Inventory,
        range: &str,
        step: Duration,
    ) -> (Batch, Option<Result<Said<Matrix>>>) {
        if !self.spend.take() {
            return (batch, None);
        }
        let expr = batch.expression(inventory, range);
        // Series may have come since the survey: ask for a little more than it saw.
        let limit = batch.series().saturating_mul(2).saturating_add(100);
        let client = self.source.client();
        let result = client.range(self.spend.until(), &expr, self.request.window, step, limit).await;
        (batch, Some(result))
    }

    fn collect(
        &self,
        batch: &Batch,
        matrix: Matrix,
        inventory: &Inventory,
        suspects: &[String],
        range: &str,
        pulled: &mut Pulled,
    ) {
        let undefined = batch.items.iter().all(|item| item.may_be_undefined());
        pulled.count(&Matrix {
            not_finite: if undefined { 0 } else { matrix.not_finite },
            ..Matrix { left_out: matrix.left_out, histograms: matrix.histograms, ..Matrix::default() }
        });
        for (mut labels, points) in matrix.series {
            let Some(item) = batch.item_of(&labels) else { continue };
            labels.remove(KEY);
            labels.remove("__name__");
            let selector = item.narrowed(&inventory.selector(item.carrier), &labels);
            let carried = labels.get(inventory.label(item.carrier)).cloned().unwrap_or_default();
            let service = suspect(&carried, suspects).unwrap_or(&carried).to_owned();
            pulled.add(
                Some(item.order),
                Series {
                    name: item.name.clone(),
                    query: item.expression(&selector, range),
                    labels: self.source.naming().translate(labels, Some(&service)),
                    kind: MetricKind::Gauge,
                    unit: item.unit.clone(),
                    points,
                },
            );
        }
    }
}
