//! Which calls a code path makes: child calls per parent operation.
//!
//! Fewer calls in total is workload mix; fewer calls *per execution of the same parent* is a code path
//! that ends early or takes another branch. The complete disappearance of a call that was expected three
//! times or more is near proof. (After Nezha, Yu et al., FSE 2023, which compares event patterns before
//! and after; here as conditional Poisson rates.)

use quell_sdk::signal::UnixNanos;

use super::traced::{Side, Traced, since, traceql};
use crate::{
    analysis::{
        case::Periods,
        finding::Finding,
        hash::{HashMap, HashSet},
        logs::Mined,
        significance::{binomial_g, decibans_of_g, rates_g, rule},
    },
    domain::{Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// Executions, normally and in the incident.
#[derive(Clone, Copy, Default)]
struct Executions {
    normal: f64,
    incident: f64,
    /// Those of the incident that were cut short, and are not among the above.
    disturbed: f64,
}

/// Calls of one child: executions that made at least one, and all calls.
#[derive(Clone, Copy, Default)]
struct Calls {
    made: Executions,
    normal: f64,
    incident: f64,
}

impl Executions {
    fn add(&mut self, side: Side) {
        match side {
            Side::Normal => self.normal += 1.0,
            Side::Incident => self.incident += 1.0,
        }
    }
}

impl Calls {
    fn add(&mut self, side: Side, calls: usize) {
        self.made.add(side);
        match side {
            Side::Normal => self.normal += calls as f64,
            Side::Incident => self.incident += calls as f64,
        }
    }
}

/// Normal executions below which nothing is known of a path.
const FEWEST: f64 = 4.0;
/// Part of the executions that a call must be made in to be a rule of the code path, not a choice.
const RULE: f64 = 0.9;
/// Weight of a change in an operation that does one thing or another: its workload may have changed.
const CHOICE: f64 = 0.3;

/// Finds parents that call their children more or less often than they used to. Executions that
/// failed with an error that is normal here say nothing.
pub fn find(traced: &Traced<'_>, periods: &Periods, mined: &Mined<'_>) -> Vec<Finding> {
    let mut parents: HashMap<u32, Executions> = HashMap::default();
    let mut children: HashMap<(u32, u32), Calls> = HashMap::default();
    let mut moments: HashMap<u32, Vec<UnixNanos>> = HashMap::default();
    let mut made: Vec<u32> = Vec::new();
    let mut outgoing: HashSet<u32> = HashSet::default();
    for (forest, index, side) in traced.sided(periods) {
        let parent = forest.operation(index);
        if mined.is_disturbed(std::ptr::eq(forest, &raw const traced.reference), index) {
            if side == Side::Incident {
                parents.entry(parent).or_default().disturbed += 1.0;
            }
            continue;
        }
        parents.entry(parent).or_default().add(side);
        if side == Side::Incident
            && let Some(span) = forest.spans.get(index)
        {
            moments.entry(parent).or_default().push(span.start);
        }
        if traced.is_caller_half(forest, index) {
            outgoing.insert(parent);
        }
        made.clear();
        made.extend(forest.children(index).map(|child| forest.operation(child)));
        made.sort_unstable();
        for repeated in made.chunk_by(|a, b| a == b) {
            if let Some(child) = repeated.first() {
                let calls = children.entry((parent, *child)).or_default();
                calls.add(side, repeated.len());
            }
        }
    }
    let places = children.len();
    let mut children: Vec<((u32, u32), Calls)> = children.into_iter().collect();
    children.sort_unstable_by_key(|(path, _)| *path);
    // Operations that always make some call follow a path; others dispatch.
    let follows: HashSet<u32> = children
        .iter()
        .filter(|((parent, _), calls)| {
            parents.get(parent).is_some_and(|of| calls.made.normal >= RULE * of.normal)
        })
        .map(|((parent, _), _)| *parent)
        .collect();
    let mut findings: Vec<Finding> = children
        .into_iter()
        .filter_map(|((parent, child), calls)| {
            let of = parents.get(&parent).copied()?;
            let since = || since(moments.get(&parent)?.clone());
            let is_outgoing = outgoing.contains(&parent);
            finding(traced, (parent, of, is_outgoing), (child, calls), follows.contains(&parent), places)
                .map(|found| Finding { since: since(), ..found })
        })
        .collect();
    findings.sort_by(|a, b| {
        b.decibans
            .total_cmp(&a.decibans)
            .then_with(|| (&a.entity, &a.indicator).cmp(&(&b.entity, &b.indicator)))
    });
    findings
}

fn finding(
    traced: &Traced<'_>,
    (parent, of, is_outgoing): (u32, Executions, bool),
    (child, calls): (u32, Calls),
    follows: bool,
    places: usize,
) -> Option<Finding> {
    if of.normal < FEWEST || of.incident < 2.0 {
        return None;
    }
    let normal = calls.normal / of.normal;
    let observed = calls.incident / of.incident;
    let in_all = binomial_g(calls.made.normal, of.normal, calls.made.incident, of.incident);
    let g = if observed > 1.5 * normal.max(1.0) {
        rates_g(calls.normal, of.normal, calls.incident, of.incident)
    } else {
        in_all
    };
    let made = calls.made.normal / of.normal;
    let expected = normal * of.incident;
    let rule = rule(made);
    let (direction, weight) = if calls.incident < 0.5 && (expected >= 3.0 || made >= RULE) {
        (Direction::Vanished, rule.max(CHOICE))
    } else if calls.normal < 0.5 {
        (Direction::New, if follows { 0.8 } else { CHOICE })
    } else if g < 0.0 {
        (Direction::Down, rule * ((normal - observed) / normal).clamp(0.0, 1.0).sqrt())
    } else {
        let more = ((observed - normal) / normal.max(0.05) / 2.0).clamp(0.0, 0.6);
        // More calls in each execution is a loop; more executions with the call is another workload.
        (Direction::Up, if observed > 1.5 { more } else { more * CHOICE })
    };
    let (service, parent_name) = traced.operations.name(parent);
    let (callee, child_name) = traced.operations.name(child);
    let handles_errors =
        ["error", "exception", "fallback"].iter().any(|word| child_name.to_lowercase().contains(word));
    if handles_errors && matches!(direction, Direction::Vanished | Direction::Down) {
        return None; // errors that are no longer handled are recovery
    }
    let decibans = decibans_of_g(g, places) * weight;
    if decibans < 1.0 {
        return None;
    }
    // Calls that go out and are no longer served: it is the callee that went silent.
    let unanswered =
        is_outgoing && callee != service && matches!(direction, Direction::Vanished | Direction::Down);
    let entity = Entity::service(if unanswered { callee } else { service });
    let mut numbers = vec![
        Number::new("normal calls per execution", normal, "1"),
        Number::new("calls per execution", observed, "1"),
        Number::new("executions", of.incident + of.disturbed, "1"),
        Number::new("expected calls", expected, "1"),
    ];
    if of.disturbed > 0.0 {
        numbers.push(Number::new("executions cut short by a usual error", of.disturbed, "1"));
    }
    Some(Finding {
        peer: (callee != service).then(|| if unanswered { service } else { callee }.to_owned()),
        signal: SignalKind::Traces,
        kind: IndicatorKind::Structure,
        indicator: format!("{parent_name} -> {callee}:{child_name}"),
        direction,
        baseline: normal,
        observed,
        unit: "calls per execution".to_owned(),
        decibans,
        share: None,
        since: None,
        language: Language::Traceql,
        query: traceql(&entity, service, parent_name),
        summary: format!(
            "{service} {parent_name} made {observed:.2} calls of {callee} {child_name} per execution instead of \
             {normal:.2} ({} in {} executions, {expected:.1} expected)",
            calls.incident, of.incident
        ),
        numbers,
        trust: Trust::Service,
        divided_at: None,
        normal_until: None,
        text: String::new(),
        entity,
    })
}
