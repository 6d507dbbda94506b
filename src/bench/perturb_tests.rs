//! What perturbations do to a bundle, and what they leave alone.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use quell_sdk::{
    local::Store,
    signal::{
        Alert, AlertStatus, CallEdge, Change, ChangeKind, Labels, LogRecord, MetricKind, Point, Series,
        Severity, Span, SpanId, SpanKind, SpanStatus, TraceId, Window,
    },
};

use super::*;
use crate::{
    bundle::{Bundle, Manifest, Recorded},
    domain::SignalKind,
};

const START: i64 = 1_704_067_200_000_000_000;
const SERVICES: [&str; 4] = ["web", "cart", "db", "cache"];

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(START + second * 1_000_000_000)).expect("a moment")
}

fn store() -> Store {
    let mut store = Store::default();
    for number in 0..400_u16 {
        let service: Arc<str> = SERVICES[usize::from(number) % 4].into();
        let when = START + i64::from(number) * 1_000_000_000;
        store.series.push(Series {
            name: format!("m{number}"),
            labels: Labels::from([("service".to_owned(), service.to_string())]),
            kind: MetricKind::Gauge,
            unit: String::new(),
            points: vec![Point { at: when, value: 1.0 }],
            query: String::new(),
        });
        let mut trace = [1; 16];
        trace[..2].copy_from_slice(&(number / 4).to_be_bytes());
        let mut id = [1; 8];
        id[..2].copy_from_slice(&number.to_be_bytes());
        store.spans.push(Span {
            trace_id: TraceId(trace),
            span_id: SpanId(id),
            parent: None,
            service: service.clone(),
            pod: "".into(),
            operation: "op".into(),
            kind: SpanKind::Server,
            start: when,
            end: when + 5_000_000,
            status: SpanStatus::Ok,
            message: "".into(),
            attributes: Vec::new(),
        });
        store.logs.push(LogRecord {
            at: when,
            service,
            pod: "".into(),
            severity: Severity::Info,
            body: "hello".into(),
            trace_id: None,
            span_id: None,
            attributes: Vec::new(),
        });
    }
    store.edges.push(CallEdge { caller: "web".into(), callee: "db".into() });
    store.changes.push(Change {
        kind: ChangeKind::Deploy,
        id: "d1".to_owned(),
        service: "db".to_owned(),
        at: at(10),
        title: String::new(),
        author: String::new(),
        version_from: String::new(),
        version_to: String::new(),
        commits: Vec::new(),
        files: Vec::new(),
        patch: String::new(),
        url: String::new(),
    });
    store.sort();
    store
}

fn bundle() -> Bundle {
    let of = |reference| Bundle {
        manifest: Manifest { name: "n".to_owned(), window: Window::new(at(0), at(500)), reference: None },
        alerts: vec![Alert {
            source: "test".to_owned(),
            status: AlertStatus::Firing,
            labels: Labels::from([("service".to_owned(), "web".to_owned())]),
            annotations: Labels::new(),
            starts_at: at(300),
            ends_at: Some(at(400)),
            generator_url: None,
            fingerprint: String::new(),
            group_key: None,
        }],
        store: Arc::new(store()),
        reference,
        recorded: Recorded {
            alerts: true,
            changes: true,
            topology: true,
            metrics: true,
            logs: true,
            traces: true,
        },
        skipped: Vec::new(),
    };
    of(Some(Box::new(of(None))))
}

fn applied(perturbation: &Perturbation) -> Bundle {
    let mut bundle = bundle();
    perturbation.apply(&mut bundle);
    bundle
}

fn same(one: &Store, other: &Store) -> bool {
    one.series == other.series
        && one.spans == other.spans
        && one.logs == other.logs
        && one.edges == other.edges
        && one.changes == other.changes
}

#[test]
fn nothing_changes_nothing() {
    let none = Perturbation::default();
    assert!(none.is_none() && none.phrase().is_empty());
    assert!(same(&applied(&none).store, &store()));
    assert_eq!(applied(&none).alerts, bundle().alerts);
}

#[test]
fn an_ablated_signal_is_a_blind_spot_and_the_others_are_whole() {
    for signal in Perturbation::SIGNALS {
        let without = Perturbation { ablate: BTreeSet::from([signal]), ..Perturbation::default() };
        let bundle = applied(&without);
        let whole = store();
        for store in [&bundle.store, &bundle.reference.as_ref().expect("a reference").store] {
            let kept = [
                (SignalKind::Metrics, store.series == whole.series, store.series.is_empty()),
                (SignalKind::Logs, store.logs == whole.logs, store.logs.is_empty()),
                (SignalKind::Traces, store.spans == whole.spans, store.spans.is_empty()),
                (SignalKind::Changes, store.changes == whole.changes, store.changes.is_empty()),
                (SignalKind::Topology, store.edges == whole.edges, store.edges.is_empty()),
            ];
            for (kind, is_whole, is_empty) in kept {
                assert_eq!(
                    (is_whole, is_empty),
                    (kind != signal, kind == signal),
                    "{kind:?} without {signal:?}"
                );
            }
        }
        let sources = bundle.sources();
        let absent: Vec<SignalKind> = sources.absent.iter().map(|(kind, _)| *kind).collect();
        // Calls are still known from traces.
        let expected = if signal == SignalKind::Topology { Vec::new() } else { vec![signal] };
        assert_eq!(absent, expected);
        assert!(without.phrase().contains(signal.as_str()));
    }
    let both = BTreeSet::from([SignalKind::Traces, SignalKind::Topology]);
    let bundle = applied(&Perturbation { ablate: both, ..Perturbation::default() });
    assert_eq!(bundle.sources().absent.len(), 2);
}

#[test]
fn the_page_is_shifted_and_nothing_that_was_recorded() {
    let late = Perturbation { onset_shift: SignedDuration::from_secs(-60), ..Perturbation::default() };
    let bundle = applied(&late);
    assert_eq!((bundle.alerts[0].starts_at, bundle.alerts[0].ends_at), (at(240), Some(at(340))));
    assert!(same(&bundle.store, &store()));
    assert_eq!(bundle.request("", None, Duration::from_secs(1)).expect("a request").at, at(240));
}

#[test]
fn traces_are_kept_whole_and_series_are_missing_on_every_day() {
    let thin = Perturbation {
        traces: "50%".parse().expect("a share"),
        drop: "10%".parse().expect("a share"),
        ..Perturbation::default()
    };
    let bundle = applied(&thin);
    let mut kept = std::collections::BTreeMap::<TraceId, usize>::new();
    bundle.store.spans.iter().for_each(|span| *kept.entry(span.trace_id).or_default() += 1);
    assert!((35..=65).contains(&kept.len()), "{} of 100 traces", kept.len());
    assert!(kept.values().all(|spans| *spans == 4), "a trace is kept whole or not at all");
    assert!((335..=385).contains(&bundle.store.series.len()), "{} of 400 series", bundle.store.series.len());
    assert_eq!(bundle.store.series, bundle.reference.as_ref().expect("a reference").store.series);
    assert_eq!(bundle.store.logs, store().logs);
}

#[test]
fn each_service_has_one_wrong_clock() {
    let skewed = Perturbation { skew: Duration::from_secs(2), ..Perturbation::default() };
    let bundle = applied(&skewed);
    let mut offsets = Vec::new();
    for service in SERVICES {
        let of = |store: &Store| -> Vec<(i64, i64)> {
            let spans = store.spans.iter().filter(|span| &*span.service == service);
            spans.map(|span| (span.start, span.end)).collect()
        };
        let moved: BTreeSet<i64> = of(&bundle.store)
            .iter()
            .zip(of(&store()))
            .flat_map(|(now, was)| [now.0 - was.0, now.1 - was.1])
            .collect();
        let logs = |store: &Store| -> Vec<i64> {
            store.logs.iter().filter(|log| &*log.service == service).map(|log| log.at).collect()
        };
        let moved_logs: BTreeSet<i64> =
            logs(&bundle.store).iter().zip(logs(&store())).map(|(now, was)| now - was).collect();
        assert_eq!(moved.len(), 1, "{service}");
        assert_eq!(moved, moved_logs, "{service}");
        offsets.extend(moved);
    }
    assert!(offsets.iter().all(|offset| offset.abs() <= 2_000_000_000), "{offsets:?}");
    assert!(offsets.iter().collect::<BTreeSet<_>>().len() == 4, "{offsets:?}");
    assert!(bundle.store.spans.is_sorted_by_key(|span| span.start), "queries rely on the order");
    assert_eq!(bundle.store.series, store().series);
}

proptest! {
    #[test]
    fn one_seed_does_one_thing(seed in any::<u64>(), share in 0.0_f64..=1.0, seconds in 0_u64..100) {
        let share: Share = share.to_string().parse().expect("a share");
        let wrong = Perturbation {
            drop: share,
            traces: share,
            skew: Duration::from_secs(seconds),
            seed,
            ..Perturbation::default()
        };
        prop_assert!(same(&applied(&wrong).store, &applied(&wrong).store));
    }

    #[test]
    fn a_larger_share_drops_what_a_smaller_one_drops(one in 0.0_f64..=1.0, two in 0.0_f64..=1.0) {
        let names = |share: f64| -> BTreeSet<String> {
            let drop = share.to_string().parse().expect("a share");
            let bundle = applied(&Perturbation { drop, ..Perturbation::default() });
            bundle.store.series.iter().map(|series| series.name.clone()).collect()
        };
        prop_assert!(names(one.max(two)).is_subset(&names(one.min(two))));
    }
}

#[test]
fn shares_are_read() {
    let read = |text: &str| text.parse::<Share>().map(Share::get).ok();
    assert_eq!(
        [read("10%"), read("0.25"), read(" 100 % "), read("0")],
        [Some(0.1), Some(0.25), Some(1.0), Some(0.0)]
    );
    assert_eq!([read("10"), read("-1%"), read("120%"), read("half"), read("NaN")], [None; 5]);
    assert!(Perturbation::signal("logs").is_ok() && Perturbation::signal("smells").is_err());
}
