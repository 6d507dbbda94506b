use std::collections::BTreeSet;

use promql_parser::parser::parse;
use quell_sdk::signal::Labels;

use super::*;
use crate::{Config, kinds::Catalogue, labels::Naming};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn carriers(names: &[(&str, &[&str])]) -> Vec<Carrier> {
    let carrier = |(label, values): &(&str, &[&str])| Carrier {
        label: (*label).into(),
        values: values.iter().map(|value| (*value).into()).collect(),
    };
    names.iter().map(carrier).collect()
}

fn inventory(series: &[&[(&str, &str)]]) -> Inventory {
    let suspects = ["web".to_owned(), "db".to_owned()];
    let series = series.iter().map(|pairs| labels(pairs)).collect();
    Inventory::new(
        carriers(&[("service", &["web", "db"]), ("job", &["db"])]),
        &suspects,
        series,
        &Labels::new(),
    )
}

fn read(inventory: &Inventory, catalogue: &str, preferred: &[&str]) -> Vec<Item> {
    let catalogue: Catalogue = serde_json::from_str(catalogue).unwrap();
    let naming = Naming::new(&Config::new("http://p".parse().unwrap()));
    let preferred: Vec<String> = preferred.iter().map(|name| (*name).into()).collect();
    items(inventory, &catalogue, &naming, &preferred)
}

fn expressions(inventory: &Inventory, items: &[Item]) -> Vec<String> {
    items.iter().map(|item| item.expression(&inventory.selector(item.carrier), "1m")).collect()
}

fn large() -> Allowance {
    Allowance { queries: 50, series: 10_000, samples: 1_000_000 }
}

#[test]
fn each_kind_is_read_its_own_way() {
    let inventory = inventory(&[
        &[("__name__", "hits_total"), ("service", "web")],
        &[("__name__", "took_seconds_bucket"), ("service", "web"), ("code", "200"), ("le", "1")],
        &[("__name__", "took_seconds_bucket"), ("service", "web"), ("code", "200"), ("le", "+Inf")],
        &[("__name__", "took_seconds_sum"), ("service", "web"), ("code", "200")],
        &[("__name__", "took_seconds_count"), ("service", "web"), ("code", "200")],
        &[("__name__", "wait_seconds_sum"), ("job", "db")],
        &[("__name__", "wait_seconds_count"), ("job", "db")],
        &[("__name__", "replica_count"), ("service", "web")],
        &[("__name__", "native_seconds"), ("service", "web"), ("pod", "web-1")],
        &[("__name__", "hits_created"), ("service", "web")],
        &[("__name__", "ALERTS"), ("service", "web")],
    ]);
    let found = read(&inventory, r#"{"native_seconds":[{"type":"histogram"}]}"#, &["replica_count"]);
    let expected = [
        // What the alert's rule reads comes first.
        r#"replica_count{service=~"db|web"}"#,
        r#"rate(hits_total{service=~"db|web"}[1m])"#,
        r#"histogram_quantile(0.95, sum by (pod, service) (rate(native_seconds{service=~"db|web"}[1m])))"#,
        r#"histogram_quantile(0.95, sum by (service, le) (rate(took_seconds_bucket{service=~"db|web"}[1m])))"#,
        r#"rate(took_seconds_count{service=~"db|web"}[1m])"#,
        r#"rate(wait_seconds_sum{job="db"}[1m]) / rate(wait_seconds_count{job="db"}[1m])"#,
        r#"rate(wait_seconds_count{job="db"}[1m])"#,
    ];
    let mut all = expressions(&inventory, &found);
    let native = all.iter().position(|text| text.starts_with("histogram_count")).map(|at| all.remove(at));
    assert_eq!(native.unwrap(), r#"histogram_count(rate(native_seconds{service=~"db|web"}[1m]))"#);
    assert_eq!(all.first().map(String::as_str), Some(expected[0]));
    assert_eq!(all.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected.into_iter().collect());
}

#[test]
fn too_many_series_of_a_rate_are_summed_but_outcomes_stay_apart() {
    let many: Vec<Labels> = (0..300)
        .map(|index| {
            let (route, code) = (format!("/r{index}"), if index % 3 == 0 { "500" } else { "200" });
            labels(&[
                ("__name__", "hits_total"),
                ("service", "web"),
                ("pod", "web-1"),
                ("route", &route),
                ("code", code),
            ])
        })
        .collect();
    let inventory = Inventory::new(carriers(&[("service", &["web"])]), &["web".into()], many, &Labels::new());
    let found = read(&inventory, "{}", &[]);
    assert_eq!(
        expressions(&inventory, &found),
        [r#"sum by (code, pod, service) (rate(hits_total{service="web"}[1m]))"#]
    );
    assert_eq!(found[0].series, 2);
    // One group by itself.
    let selector = found[0].narrowed(&inventory.selector(0), &labels(&[("service", "web"), ("code", "500")]));
    assert_eq!(
        found[0].expression(&selector, "1m"),
        r#"sum by (code, pod, service) (rate(hits_total{code="500",pod="",service="web"}[1m]))"#
    );
}

#[test]
fn few_queries_hold_many_metrics_and_each_answer_finds_its_item() {
    let names: Vec<String> = (0..25).map(|index| format!("m{index}_total")).collect();
    let series: Vec<Labels> = names
        .iter()
        .map(|name| labels(&[("__name__", name), ("service", "web")]))
        .chain((0..30).map(|index| labels(&[("__name__", &format!("g{index}")), ("service", "web")])))
        .collect();
    let inventory =
        Inventory::new(carriers(&[("service", &["web"])]), &["web".into()], series, &Labels::new());
    let plan = plan(read(&inventory, "{}", &[]), 100, large());
    assert_eq!((plan.batches.len(), plan.left_out), (4, (0, 0)));
    for batch in &plan.batches {
        let text = batch.expression(&inventory, "1m");
        assert!(parse(&text).is_ok(), "{text}");
    }
    let joined = plan.batches.iter().find(|batch| batch.items.len() == 5).unwrap();
    assert!(joined.expression(&inventory, "1m").contains(r#""quell_part", "4", "", "")"#));
    assert_eq!(joined.item_of(&labels(&[(KEY, "4")])), joined.items.get(4));
    assert_eq!(joined.item_of(&labels(&[(KEY, "5")])), None);
    assert_eq!(joined.item_of(&labels(&[(KEY, "x")])), None);
    let levels = plan.batches.iter().find(|batch| batch.items.len() == 30).unwrap();
    assert_eq!(levels.item_of(&labels(&[("__name__", "g7")])).unwrap().name, "g7");
    let [one, other] = levels.clone().halves().unwrap();
    assert_eq!((one.items.len(), other.items.len()), (15, 15));
}

#[test]
fn a_budget_keeps_what_matters_most() {
    let inventory = inventory(&[
        &[("__name__", "go_info"), ("service", "web")],
        &[("__name__", "colour"), ("service", "web")],
        &[("__name__", "http_requests_total"), ("service", "web")],
        &[("__name__", "db_pool_in_use"), ("service", "web")],
    ]);
    let kept = |allowance| {
        let plan = plan(read(&inventory, "{}", &[]), 10, allowance);
        let names: Vec<String> =
            plan.batches.iter().flat_map(|batch| batch.items.iter().map(|item| item.name.clone())).collect();
        (names, plan.left_out)
    };
    assert_eq!(
        kept(Allowance { series: 2, ..large() }),
        (vec!["http_requests_total".into(), "db_pool_in_use".into()], (2, 2))
    );
    assert_eq!(kept(Allowance { queries: 1, ..large() }), (vec!["http_requests_total".into()], (3, 3)));
    assert_eq!(kept(Allowance { samples: 19, ..large() }), (vec!["http_requests_total".into()], (3, 3)));
    assert_eq!(kept(Allowance { queries: 0, ..large() }).1, (4, 4));
}

#[test]
fn a_service_stays_in_the_place_of_the_alert_if_it_has_one_there() {
    let series = [
        [("__name__", "g"), ("service", "web"), ("namespace", "prod")],
        [("__name__", "g"), ("service", "web"), ("namespace", "test")],
        [("__name__", "g"), ("service", "db"), ("namespace", "data")],
    ];
    let suspects = ["web".to_owned(), "db".to_owned()];
    let all: Vec<Labels> = series.iter().map(|pairs| labels(pairs)).collect();
    let places = labels(&[("namespace", "prod"), ("pod", "web-1")]);
    let inventory = Inventory::new(carriers(&[("service", &["web", "db"])]), &suspects, all, &places);
    assert_eq!(inventory.metrics[&("g".into(), 0)].len(), 2);
    assert_eq!(inventory.selector(0).to_string(), r#"{namespace=~"|data|prod",service=~"db|web"}"#);
}
