//! Who is told to have lost what, from a latency and a traffic of each service.

use quell_sdk::signal::CallEdge;

use super::{Excess, Graph, find_excess};
use crate::{
    analysis::{
        Case, Periods,
        fixture::{SECOND, series},
    },
    domain::IndicatorKind,
};

const SAMPLES: i64 = 60;
const ONSET: i64 = 40;

/// Latencies around 0.1 s with a little noise, plus what a fault adds at a minute.
fn latency(added: impl Fn(i64) -> f64) -> Vec<f64> {
    (0..SAMPLES).map(|minute| 0.1 + 0.002 * ((minute * 7) % 5) as f64 + added(minute)).collect()
}

fn during(minute: i64) -> f64 {
    if minute >= ONSET { 1.0 } else { 0.0 }
}

/// A shop that calls a cart and a mailer, with what a fault adds to the latency of each.
fn excess(shop: fn(i64) -> f64, cart: fn(i64) -> f64, mailer: fn(i64) -> f64) -> Excess {
    let mut case = Case { service: "shop".to_owned(), ..Case::default() };
    for (service, added) in [("shop", shop), ("cart", cart), ("mailer", mailer)] {
        case.now.series.push(series("request_latency_average", service, latency(added)));
        case.now.series.push(series("requests", service, vec![100.0; SAMPLES as usize]));
    }
    let edge = |callee: &str| CallEdge { caller: "shop".into(), callee: callee.into() };
    let graph = Graph::new(&[edge("cart"), edge("mailer")]);
    let (onset, end) = (ONSET * 60 * SECOND, SAMPLES * 60 * SECOND);
    find_excess(&case, &graph, &Periods { start: 0, onset, end, guard: 0 })
}

fn share(excess: &Excess, service: &str) -> f64 {
    excess.share(IndicatorKind::Latency, service, "shop").expect("latency was attributed")
}

#[test]
fn what_a_callee_lost_is_not_its_callers_own() {
    let found = excess(during, during, |_| 0.0);
    assert!(share(&found, "cart") > 0.8, "{:?}", found.shares);
    assert!(share(&found, "shop") < 0.1, "{:?}", found.shares);
    assert_eq!(found.findings.first().map(|finding| finding.entity.name.as_str()), Some("cart"));
}

#[test]
fn what_no_callee_lost_is_in_part_the_services_own() {
    let found = excess(during, |_| 0.0, |_| 0.0);
    assert!((0.3..=0.5).contains(&share(&found, "shop")), "{:?}", found.shares);
    assert!(share(&found, "cart") < 0.05, "{:?}", found.shares);
}

#[test]
fn a_leaf_whose_trouble_nobody_felt_explains_little() {
    // As much as the cart in all, but half of it when the shop was well.
    let in_step = share(&excess(during, |_| 0.0, during), "mailer");
    let now_and_then = |minute: i64| if minute >= 20 && minute % 2 == 0 { 1.5 } else { 0.0 };
    let out_of_step = excess(during, during, now_and_then);
    assert!(in_step > 0.8, "{in_step}");
    assert!(share(&out_of_step, "mailer") < in_step / 2.0, "{:?}", out_of_step.shares);
    assert!(share(&out_of_step, "mailer") < share(&out_of_step, "cart"), "{:?}", out_of_step.shares);
}

#[test]
fn nothing_is_attributed_while_the_alerted_service_is_well() {
    let found = excess(|_| 0.0, during, |_| 0.0);
    assert_eq!(found.shares.get(&IndicatorKind::Latency).map_or(0.0, |shares| shares["cart"]), 0.0);
}

#[test]
fn the_stated_level_is_the_worst_of_all() {
    let found = excess(during, |minute| if minute == 45 { 3.0 } else { during(minute) }, |_| 0.0);
    let cart = found.findings.iter().find(|finding| finding.entity.name == "cart").expect("cart lost time");
    let stated = cart.numbers.iter().find(|number| number.name == "worst sample").expect("a worst sample");
    assert!((stated.value - 3.1).abs() < 0.01, "{}", stated.value);
}
