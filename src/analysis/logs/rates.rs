//! Rates of log templates, given the work that emits them.
//!
//! A template's count is compared not per minute but per execution of the operation whose spans it is
//! logged in, so that a change of workload is not a change of behaviour. Logs without spans are held
//! against their service's spans, and where there are none either, against time.

use std::{collections::BTreeMap, sync::Arc};

use quell_sdk::{local::plan::quoted, signal::UnixNanos};

use super::{
    Mined, TemplateId,
    mined::{Line, Template},
};
use crate::{
    analysis::{
        case::Periods,
        finding::Finding,
        hash::HashMap,
        significance::{binomial_g, decibans_of_g, rates_g, rule},
        traces::{Side, Traced, since},
    },
    domain::{Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// Lines per execution from which on their number says more than their presence.
const REPEATED: f64 = 1.5;

/// Weight of a line that comes and goes.
const CHOICE: f64 = 0.4;
/// Weight of a line that is new or more frequent and no error.
const NEWS: f64 = 0.25;

/// Weight of an error that a healthy recording has too.
const NOISE: f64 = 0.25;

/// How often a template was logged on each side of the onset.
#[derive(Default)]
struct Counted {
    /// All lines, normally and in the incident, of executions that no usual error cut short.
    lines: [f64; 2],
    /// Lines of the incident of those that were cut short.
    disturbed: f64,
    /// Executions with at least one.
    executions: [f64; 2],
    moments: Vec<UnixNanos>,
    sample: String,
}

/// What a template's count is held against.
struct Exposures {
    by_operation: HashMap<u32, [f64; 2]>,
    by_service: HashMap<Arc<str>, [f64; 2]>,
    seconds: [f64; 2],
}

/// Finds the templates whose conditional rate changed.
pub fn find(mined: &Mined<'_>, traced: &Traced<'_>, periods: &Periods) -> Vec<Finding> {
    let exposures = exposures(mined, traced, periods);
    let counted = count(mined, periods);
    let places = counted.len();
    let mut findings: Vec<Finding> = counted
        .into_iter()
        .filter_map(|(id, counted)| finding(mined.templates.get(&id)?, counted, &exposures, places))
        .collect();
    findings.sort_by(|a, b| {
        b.decibans
            .total_cmp(&a.decibans)
            .then_with(|| (&a.entity, &a.indicator).cmp(&(&b.entity, &b.indicator)))
    });
    findings
}

fn exposures(mined: &Mined<'_>, traced: &Traced<'_>, periods: &Periods) -> Exposures {
    let mut by_operation: HashMap<u32, [f64; 2]> = HashMap::default();
    let mut by_service: HashMap<Arc<str>, [f64; 2]> = HashMap::default();
    for (forest, index, side) in traced.sided(periods) {
        let slot = usize::from(side == Side::Incident);
        let is_disturbed = mined.is_disturbed(std::ptr::eq(forest, &raw const traced.reference), index);
        if !is_disturbed
            && let Some(count) = by_operation.entry(forest.operation(index)).or_default().get_mut(slot)
        {
            *count += 1.0;
        }
        if let Some(span) = forest.spans.get(index)
            && let Some(count) = by_service.entry(span.service.clone()).or_default().get_mut(slot)
        {
            *count += 1.0;
        }
    }
    let healthy = match (mined.reference.first(), mined.reference.last()) {
        (Some(first), Some(last)) => (last.at - first.at).max(0) as f64 / 1e9,
        _ => 0.0,
    };
    Exposures {
        by_operation,
        by_service,
        seconds: [periods.seconds_before() + healthy, periods.seconds_during()],
    }
}

fn count(mined: &Mined<'_>, periods: &Periods) -> BTreeMap<TemplateId, Counted> {
    let mut counts: BTreeMap<TemplateId, Counted> = BTreeMap::new();
    let mut disturbed: HashMap<TemplateId, f64> = HashMap::default();
    for line in &mined.lines {
        let Some(side) = side(line, periods) else { continue };
        let is_chronic = mined.templates.get(&line.template).is_some_and(|template| template.is_chronic);
        if line.is_disturbed && !is_chronic || mined.is_sampled_away(line) {
            if side == Side::Incident {
                *disturbed.entry(line.template).or_default() += 1.0;
            }
            continue;
        }
        let count = counts.entry(line.template).or_default();
        let slot = usize::from(side == Side::Incident);
        if count.sample.is_empty() || side == Side::Incident && count.lines[1] < 0.5 {
            count.sample =
                mined.record(line).map(|record| record.body.chars().take(240).collect()).unwrap_or_default();
        }
        count.lines[slot] += 1.0;
        if line.is_first {
            count.executions[slot] += 1.0;
        }
        if side == Side::Incident {
            count.moments.push(line.at);
        }
    }
    for (template, count) in &mut counts {
        count.disturbed = disturbed.get(template).copied().unwrap_or_default();
    }
    counts
}

fn side(line: &Line, periods: &Periods) -> Option<Side> {
    if line.is_reference || periods.is_before(line.at) {
        Some(Side::Normal)
    } else {
        periods.is_during(line.at).then_some(Side::Incident)
    }
}

impl Exposures {
    /// Executions of the operations that log it, else of its service, else seconds; with the word for it.
    fn of(&self, template: &Template) -> ([f64; 2], &'static str) {
        if let Some(operations) = template.emitters().filter(|_| !template.is_chronic) {
            let exposure = operations.iter().fold([0.0, 0.0], |sum: [f64; 2], operation| {
                let of = self.by_operation.get(operation).copied().unwrap_or_default();
                [sum[0] + of[0], sum[1] + of[1]]
            });
            return (exposure, EXECUTION);
        }
        match self.by_service.get(&template.service) {
            Some(exposure) if exposure[0] > 20.0 && exposure[1] > 5.0 => (*exposure, "span of the service"),
            _ => (self.seconds, "second"),
        }
    }
}

const EXECUTION: &str = "execution";
/// The number of lines that count among all, but not in the rate.
pub const CUT_SHORT: &str = "lines of executions cut short by a usual error";

fn finding(template: &Template, counted: Counted, exposures: &Exposures, places: usize) -> Option<Finding> {
    let text = template.text.as_str();
    let (exposure, unit) = exposures.of(template);
    if exposure[0] <= 0.0 || exposure[1] <= 0.0 {
        return None;
    }
    let lines = counted.lines;
    let normal = lines[0] / exposure[0];
    let observed = lines[1] / exposure[1];
    let expected = normal * exposure[1];
    let g = if unit == EXECUTION && normal.max(observed) < REPEATED {
        binomial_g(counted.executions[0], exposure[0], counted.executions[1], exposure[1])
    } else {
        rates_g(lines[0], exposure[0], lines[1], exposure[1])
    };
    let is_error = template.is_error;
    // What every execution logs follows from the code path; what some log may depend on what is asked for, and
    // news that nobody calls an error is news only.
    let rule = if unit == EXECUTION { rule(normal) } else { CHOICE };
    let (direction, weight) = if lines[1] < 0.5 && (expected >= 3.0 || rule > 0.5) {
        (Direction::Vanished, if is_error { 0.0 } else { rule.max(CHOICE) })
    } else if lines[0] < 0.5 {
        (Direction::New, if is_error { 1.0 } else { NEWS })
    } else if g < 0.0 {
        // Errors that become rare are recovery.
        (
            Direction::Down,
            if is_error { 0.0 } else { (1.0 - observed / normal).clamp(0.0, 1.0).sqrt() * rule },
        )
    } else {
        (Direction::Up, if is_error { 1.0 } else { ((observed / normal - 1.0) / 4.0).clamp(0.0, 1.0) * NEWS })
    };
    let decibans = decibans_of_g(g, places) * weight * if template.is_chronic { NOISE } else { 1.0 };
    if decibans < 1.0 {
        return None;
    }
    let service = template.service.to_string();
    let mut numbers = vec![
        Number::new("count", lines[1] + counted.disturbed, "1"),
        Number::new("expected count", expected, "1"),
        Number::new("normal rate", normal, &format!("1/{unit}")),
        Number::new("rate", observed, &format!("1/{unit}")),
    ];
    if counted.disturbed > 0.0 {
        numbers.push(Number::new(CUT_SHORT, counted.disturbed, "1"));
    }
    let verb = match direction {
        Direction::New => "is new",
        Direction::Vanished => "no longer appears",
        Direction::Down => "became rarer",
        Direction::Up => "became more frequent",
    };
    Some(Finding {
        signal: SignalKind::Logs,
        kind: IndicatorKind::Log,
        direction,
        baseline: normal,
        observed,
        unit: format!("per {unit}"),
        decibans,
        share: None,
        since: since(counted.moments),
        peer: None,
        language: Language::Logql,
        query: logql(&service, template),
        summary: format!(
            "{service} log \"{text}\" {verb}: {} times, {expected:.1} expected ({observed:.3} per {unit} instead of \
             {normal:.3})",
            lines[1]
        ),
        numbers,
        trust: Trust::Outsider,
        divided_at: None,
        normal_until: None,
        text: counted.sample,
        indicator: text.to_owned(),
        entity: Entity::service(service),
    })
}

/// LogQL that selects a template: its longest constant words in order.
fn logql(service: &str, template: &Template) -> String {
    let parts = template.text.split("<*>").map(|part| regex::escape(part.trim()));
    let pattern = parts.filter(|part| part.len() > 1).collect::<Vec<_>>().join(".*");
    // Columns and line breaks are single spaces in the text.
    let pattern = if template.is_ragged { format!("(?s){}", pattern.replace(' ', r"\s+")) } else { pattern };
    format!("{{service={}}} |~ {}", quoted(service), quoted(&pattern))
}
