//! Findings with the query that shows them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use quell_sdk::{
    local::{logql, plan::quoted},
    signal::{Point, Window},
};

use super::{
    Cluster, Condition,
    counters::restarts,
    event::Event,
    find::Found,
    states::{Throttle, series_of},
    story::{From, Story},
};
use crate::{
    analysis::{
        case::{Case, Periods},
        finding::{Finding, Since},
        series::{Shift, figure, median},
    },
    domain::{Direction, Entity, Language, Number, SignalKind, Trust},
};

/// Most objects that a query names, and that a summary does.
const NAMED: usize = 20;
const TOLD: usize = 2;

pub(super) fn of_story(
    cluster: &Cluster,
    case: &Case,
    periods: &Periods,
    found: &Found<'_>,
) -> Option<Finding> {
    let (key, measured) = (found.key, &found.measured);
    let story = cluster.stories.get(key)?;
    let condition = key.condition;
    let minutes = [periods.seconds_before() / 60.0, periods.seconds_during() / 60.0];
    let (baseline, observed, unit) = if measured.by_share {
        (measured.shares[0], measured.shares[1], "1")
    } else {
        let rate = |side: usize| match (measured.counts.get(side), minutes.get(side)) {
            (Some(count), Some(minutes)) if *minutes > 0.0 => count / minutes,
            _ => 0.0,
        };
        (rate(0), rate(1), "1/min")
    };
    let is_new = baseline * minutes[0].max(1.0) < 0.5;
    let shown = match measured.source {
        From::Series(index) => of_series(case, story, condition, index, periods)?,
        From::Event(index) => of_event(cluster, case, found, index, periods)?,
    };
    let mut numbers = shown.numbers;
    if measured.by_share {
        numbers.push(Number::new("share of the time before", measured.shares[0], "1"));
        numbers.push(Number::new("share of the time since", measured.shares[1], "1"));
    } else {
        numbers.push(Number::new("times before", measured.counts[0], "1"));
        numbers.push(Number::new("times since", measured.counts[1], "1"));
    }
    let name = &key.entity.name;
    let how = if measured.by_share {
        format!(
            "{:.0} % of the time since, {:.0} % before",
            measured.shares[1] * 100.0,
            measured.shares[0] * 100.0
        )
    } else {
        format!("{} times since, {} before", figure(measured.counts[1], ""), figure(measured.counts[0], ""))
    };
    let mut summary = format!("{name} {}: {how}", condition.phrase());
    let others = measured.objects.len().saturating_sub(TOLD);
    let told: Vec<&str> =
        measured.objects.iter().map(|object| &**object).filter(|object| object != name).take(TOLD).collect();
    if !told.is_empty() {
        let more = if others > 0 { format!(" and {others} more") } else { String::new() };
        summary.push_str(&format!(" ({}{more})", told.join(", ")));
    }
    if !shown.says.is_empty() {
        summary.push_str(&format!(", \"{}\"", shown.says));
    }
    if let Some(why) = &found.explained {
        summary.push_str(&format!("; {why}, so this counts less"));
    }
    Some(Finding {
        entity: key.entity.clone(),
        signal: key.signal,
        kind: condition.kind(),
        indicator: shown.indicator,
        direction: if is_new { Direction::New } else { Direction::Up },
        baseline,
        observed,
        unit: unit.to_owned(),
        decibans: measured.decibans,
        share: None,
        since: Some(Since {
            at: measured.first,
            earliest: measured.first - shown.slack.clamp(0, 300_000_000_000),
            latest: measured.first,
        }),
        divided_at: None,
        normal_until: None,
        peer: None,
        language: shown.language,
        query: shown.query,
        summary,
        numbers,
        trust: shown.trust,
        text: format!("{}: {}", condition.word(), shown.text),
    })
}

/// What a query shows.
struct Shown {
    indicator: String,
    language: Language,
    query: String,
    numbers: Vec<Number>,
    trust: Trust,
    /// Words of an event, for the summary, and the text that words are looked for in.
    says: String,
    text: String,
    /// How much earlier it may have begun than it was seen.
    slack: i64,
}

fn of_series(
    case: &Case,
    story: &Story,
    condition: Condition,
    index: usize,
    periods: &Periods,
) -> Option<Shown> {
    let all = series_of(&case.now);
    let series = *all.get(index)?;
    let points = || series.points.iter().filter(|point| point.value.is_finite() && point.at < periods.end);
    let values = |keep: &dyn Fn(&Point) -> bool| -> Vec<f64> {
        points().filter(|point| keep(point)).map(|point| point.value).collect()
    };
    let all = values(&|_| true);
    let is_count = story.happened.iter().any(|happened| happened.from == From::Series(index));
    let is_low = story.held.iter().any(|held| held.series == index && held.low);
    let counts = restarts(&series.query, &series.points, periods.onset, periods.end);
    let numbers = if is_count && counts > 0.0 {
        vec![Number::new("restarts", counts, "1")]
    } else if is_low {
        let lowest = all.iter().copied().min_by(f64::total_cmp)?;
        match median(&values(&|point| periods.is_before(point.at))) {
            Some(usual) if lowest < usual => {
                vec![Number::new("normal median", usual, ""), Number::new("worst sample", lowest, "")]
            }
            _ => vec![Number::new("lowest", lowest, "")],
        }
    } else {
        vec![Number::new("highest", all.iter().copied().max_by(f64::total_cmp)?, &series.unit)]
    };
    let gap = series.points.windows(2).next().map_or(0, |pair| match pair {
        [one, next] => next.at - one.at,
        _ => 0,
    });
    Some(Shown {
        indicator: format!("{} {}", series.name, condition.word()),
        language: Language::Promql,
        query: series.query.clone(),
        numbers,
        trust: Trust::Platform,
        says: String::new(),
        text: condition.phrase().to_owned(),
        slack: gap,
    })
}

fn of_event(
    cluster: &Cluster,
    case: &Case,
    found: &Found<'_>,
    index: usize,
    periods: &Periods,
) -> Option<Shown> {
    let event = cluster.events.get(&index)?;
    let record = case.now.events.get(index)?;
    let query = logql_of(event, &record.attributes, &found.measured.objects);
    let window = Window::new(moment(periods.onset)?, moment(periods.end)?);
    // The very evaluator that a person's query goes through, so that its count is the count that is stated.
    let count = logql::select(&case.now.events, &query, window, 0).map(|selected| selected.total).ok()?;
    let says: String =
        event.message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
    Some(Shown {
        indicator: format!("event {} {}", event.reason, found.key.condition.word()),
        language: Language::Logql,
        query,
        numbers: vec![Number::new("count", count as f64, "1")],
        trust: Trust::Service,
        text: format!("{} {} {}", found.key.condition.phrase(), event.reason, event.message),
        says: format!("{}: {says}", event.reason),
        slack: 0,
    })
}

fn moment(at: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(at)).ok()
}

/// LogQL for the events of one reason about these objects.
fn logql_of(
    event: &Event,
    attributes: &quell_sdk::signal::Attributes,
    objects: &[std::sync::Arc<str>],
) -> String {
    let names: BTreeSet<String> = objects.iter().take(NAMED).map(|name| regex::escape(name)).collect();
    let names: Vec<String> = names.into_iter().collect();
    let has = |name: &str| attributes.iter().any(|(key, value)| &**key == name && !value.is_empty());
    let place = if has("k8s.namespace.name") && !event.is_json {
        format!("k8s_namespace_name={}", quoted(&event.namespace))
    } else if has("k8s.resource.name") {
        "k8s_resource_name=\"events\"".to_owned()
    } else {
        "severity=~\".+\"".to_owned()
    };
    if event.is_json {
        let reason = format!("\"reason\":\\s*\"{}\"", regex::escape(&event.reason));
        let about = format!("\"name\":\\s*\"({})\"", names.join("|"));
        return format!("{{{place}}} |~ {} |~ {}", quoted(&reason), quoted(&about));
    }
    let by = if has("k8s.object.name") { "k8s_object_name" } else { "pod" };
    let by = if event.kind == "Node" && !has("k8s.object.name") { "k8s_node_name" } else { by };
    format!("{{{place}}} | k8s_event_reason={} | {by}=~{}", quoted(&event.reason), quoted(&names.join("|")))
}

pub(super) fn of_throttle(throttle: &Throttle, found: &Shift, decibans: f64, periods: &Periods) -> Finding {
    let first = throttle.points.iter().find(|point| {
        point.at >= periods.onset && point.value - found.baseline >= 0.5 * (found.observed - found.baseline)
    });
    Finding {
        entity: Entity::service(&*throttle.service),
        signal: SignalKind::Metrics,
        kind: Condition::Throttled.kind(),
        indicator: "throttled periods of its CPU limit".to_owned(),
        direction: Direction::Up,
        baseline: found.baseline,
        observed: found.observed,
        unit: "1".to_owned(),
        decibans,
        share: None,
        since: first.map(|point| Since { at: point.at, earliest: point.at, latest: point.at }),
        divided_at: None,
        normal_until: None,
        peer: None,
        language: Language::Promql,
        query: throttle.query.clone(),
        summary: format!(
            "{} {}: {:.0} % of the periods, {:.0} % before ({})",
            throttle.service,
            Condition::Throttled.phrase(),
            found.observed * 100.0,
            found.baseline * 100.0,
            throttle.pod
        ),
        numbers: vec![
            Number::new("baseline", found.baseline, "1"),
            Number::new("observed", found.observed, "1"),
            Number::new("robust z", found.z, "sigma"),
        ],
        trust: Trust::Platform,
        text: Condition::Throttled.word().to_owned(),
    }
}
