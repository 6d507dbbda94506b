//! Rates of log templates, given the work that emits them.
//!
//! A template's count is compared not per minute but per execution of the operation whose spans it is
//! logged in, so that a change of workload is not a change of behaviour. Logs without spans are held
//! against their service's spans, and where there are none either, against time.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use quell_sdk::{
    local::plan::quoted,
    signal::{LogRecord, Severity, SpanId, TraceId, UnixNanos},
};

use super::{Drain, TemplateId};
use crate::{
    analysis::{
        case::{Case, Periods},
        finding::Finding,
        significance::{decibans_of_g, rates_g},
        traces::{Side, Traced, since},
    },
    domain::{Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust},
};

#[derive(Default)]
struct Template {
    service: Arc<str>,
    severity: Option<Severity>,
    normal: f64,
    incident: f64,
    moments: Vec<UnixNanos>,
    sample: String,
    /// Operations in whose spans it is logged.
    operations: HashMap<u32, u32>,
}

/// What a template's count is held against.
struct Exposures {
    by_operation: HashMap<u32, [f64; 2]>,
    by_service: HashMap<Arc<str>, [f64; 2]>,
    seconds: [f64; 2],
}

/// Finds the templates whose conditional rate changed.
pub fn find(case: &Case, traced: &Traced<'_>, periods: &Periods) -> Vec<Finding> {
    let exposures = exposures(case, traced, periods);
    let mut drain = Drain::default();
    let templates = templates(case, traced, periods, &mut drain);
    let places = templates.len();
    let mut findings: Vec<Finding> = templates
        .into_iter()
        .filter_map(|(id, template)| finding(&drain.text(id), template, &exposures, places))
        .collect();
    findings.sort_by(|a, b| {
        b.decibans
            .total_cmp(&a.decibans)
            .then_with(|| (&a.entity, &a.indicator).cmp(&(&b.entity, &b.indicator)))
    });
    findings
}

fn exposures(case: &Case, traced: &Traced<'_>, periods: &Periods) -> Exposures {
    let mut by_operation: HashMap<u32, [f64; 2]> = HashMap::new();
    let mut by_service: HashMap<Arc<str>, [f64; 2]> = HashMap::new();
    for (forest, index, side) in traced.sided(periods) {
        let slot = usize::from(side == Side::Incident);
        if let Some(count) = by_operation.entry(forest.operation(index)).or_default().get_mut(slot) {
            *count += 1.0;
        }
        if let Some(span) = forest.spans.get(index)
            && let Some(count) = by_service.entry(span.service.clone()).or_default().get_mut(slot)
        {
            *count += 1.0;
        }
    }
    let healthy = match (case.reference.logs.first(), case.reference.logs.last()) {
        (Some(first), Some(last)) => (last.at - first.at).max(0) as f64 / 1e9,
        _ => 0.0,
    };
    Exposures {
        by_operation,
        by_service,
        seconds: [periods.seconds_before() + healthy, periods.seconds_during()],
    }
}

fn templates(
    case: &Case,
    traced: &Traced<'_>,
    periods: &Periods,
    drain: &mut Drain,
) -> BTreeMap<TemplateId, Template> {
    let mut templates: BTreeMap<TemplateId, Template> = BTreeMap::new();
    let mut groups: HashMap<Arc<str>, u32> = HashMap::new();
    let operations = span_operations(traced);
    let sided = case
        .reference
        .logs
        .iter()
        .map(|record| (record, Side::Normal))
        .chain(case.now.logs.iter().filter_map(|record| Some((record, side(record, periods)?))));
    for (record, side) in sided {
        let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        let group = *groups.entry(record.service.clone()).or_insert(next);
        let template = templates.entry(drain.learn(group, &record.body)).or_default();
        if template.sample.is_empty() || side == Side::Incident && template.incident < 0.5 {
            template.sample = record.body.chars().take(240).collect();
            template.service = record.service.clone();
        }
        template.severity = template.severity.max(Some(record.severity));
        match side {
            Side::Normal => template.normal += 1.0,
            Side::Incident => {
                template.incident += 1.0;
                template.moments.push(record.at);
            }
        }
        if let (Some(trace), Some(span)) = (record.trace_id, record.span_id)
            && let Some(operation) = operations.get(&(trace, span))
        {
            *template.operations.entry(*operation).or_default() += 1;
        }
    }
    templates
}

fn side(record: &LogRecord, periods: &Periods) -> Option<Side> {
    if periods.is_during(record.at) {
        Some(Side::Incident)
    } else if periods.is_before(record.at) {
        Some(Side::Normal)
    } else {
        None
    }
}

fn span_operations(traced: &Traced<'_>) -> HashMap<(TraceId, SpanId), u32> {
    [&traced.now, &traced.reference]
        .into_iter()
        .flat_map(|forest| {
            forest
                .spans
                .iter()
                .enumerate()
                .map(|(index, span)| ((span.trace_id, span.span_id), forest.operation(index)))
        })
        .collect()
}

impl Exposures {
    /// Executions of the operations that log it, else of its service, else seconds; with the word for it.
    fn of(&self, template: &Template) -> ([f64; 2], &'static str) {
        let logged: u32 = template.operations.values().sum();
        if f64::from(logged) >= 0.5 * (template.normal + template.incident) && logged > 0 {
            let exposure = template.operations.keys().fold([0.0, 0.0], |sum: [f64; 2], operation| {
                let of = self.by_operation.get(operation).copied().unwrap_or_default();
                [sum[0] + of[0], sum[1] + of[1]]
            });
            return (exposure, "execution");
        }
        match self.by_service.get(&template.service) {
            Some(exposure) if exposure[0] > 20.0 && exposure[1] > 5.0 => (*exposure, "span of the service"),
            _ => (self.seconds, "second"),
        }
    }
}

fn finding(text: &str, template: Template, exposures: &Exposures, places: usize) -> Option<Finding> {
    let (exposure, unit) = exposures.of(&template);
    if exposure[0] <= 0.0 || exposure[1] <= 0.0 {
        return None;
    }
    let g = rates_g(template.normal, exposure[0], template.incident, exposure[1]);
    let normal = template.normal / exposure[0];
    let observed = template.incident / exposure[1];
    let expected = normal * exposure[1];
    let is_error = template.severity.is_some_and(|severity| severity >= Severity::Warn) || sounds_wrong(text);
    let (direction, weight) = if template.incident < 0.5 && expected >= 3.0 {
        (Direction::Vanished, if is_error { 0.0 } else { 0.9 })
    } else if template.normal < 0.5 {
        (Direction::New, if is_error { 1.0 } else { 0.6 })
    } else if g < 0.0 {
        // Errors that become rare are recovery.
        (Direction::Down, if is_error { 0.0 } else { (1.0 - observed / normal).clamp(0.0, 1.0) * 0.8 })
    } else {
        (Direction::Up, if is_error { 1.0 } else { ((observed / normal - 1.0) / 4.0).clamp(0.0, 0.4) })
    };
    let decibans = decibans_of_g(g, places) * weight;
    if decibans < 1.0 {
        return None;
    }
    let service = template.service.to_string();
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
        since: since(template.moments),
        peer: None,
        language: Language::Logql,
        query: logql(&service, text),
        summary: format!(
            "{service} log \"{text}\" {verb}: {} times, {expected:.1} expected ({observed:.3} per {unit} instead of \
             {normal:.3})",
            template.incident
        ),
        numbers: vec![
            Number::new("count", template.incident, "1"),
            Number::new("expected count", expected, "1"),
            Number::new("normal rate", normal, &format!("1/{unit}")),
            Number::new("rate", observed, &format!("1/{unit}")),
        ],
        trust: Trust::Outsider,
        text: template.sample,
        indicator: text.to_owned(),
        entity: Entity::service(service),
    })
}

/// Whether a message speaks of trouble, whatever severity its logger gave it.
fn sounds_wrong(text: &str) -> bool {
    let lower = text.to_lowercase();
    [
        "error",
        "exception",
        "fail",
        "timeout",
        "timed out",
        "refused",
        "unavailable",
        "panic",
        "fatal",
        "denied",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// LogQL that selects a template: its longest constant words in order.
fn logql(service: &str, text: &str) -> String {
    let pattern: Vec<String> =
        text.split("<*>").map(|part| regex::escape(part.trim())).filter(|part| part.len() > 1).collect();
    format!("{{service={}}} |~ {}", quoted(service), quoted(&pattern.join(".*")))
}
