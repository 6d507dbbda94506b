use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Said<QueryData>> {
    answer("p", StatusCode::OK, &HeaderMap::new(), text.as_bytes())
}

fn window(start: i64, end: i64) -> Window {
    let at = |second| jiff::Timestamp::from_second(second).unwrap();
    Window::new(at(start), at(end))
}

#[test]
fn milliseconds_are_exact_and_the_window_is_half_open() {
    let text = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"b":"1"},
        "values":[[1435781430.781,"1"],[1435781445.781,"1e+00"],[1435781460,"-2.5"]]}]}}"#;
    let matrix = read(text).unwrap().data.matrix(Some(window(1_435_781_430, 1_435_781_460)));
    let points: Vec<(i64, f64)> = matrix.series[0].1.iter().map(|point| (point.at, point.value)).collect();
    assert_eq!(points, [(1_435_781_430_781_000_000, 1.0), (1_435_781_445_781_000_000, 1.0)]);
}

#[test]
fn series_are_in_order_whatever_the_server_says() {
    let text = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"a":"2"},"value":[1,"1"]},{"metric":{"a":"1"},"value":[1,"0"]}]}}"#;
    let matrix = read(text).unwrap().data.matrix(None);
    assert_eq!(matrix.series.iter().map(|(labels, _)| labels["a"].as_str()).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn a_list_keeps_so_many_and_counts_the_rest() {
    let text = format!("[{}0]", "0,".repeat(MAX_LIST + 4));
    let list: List<u8> = serde_json::from_str(&text).unwrap();
    assert_eq!((list.items.len(), list.more), (MAX_LIST, 5));
}

proptest! {
    #[test]
    fn no_body_breaks_the_reader(body in proptest::collection::vec(any::<u8>(), 0..300), status in 100_u16..600) {
        let status = StatusCode::from_u16(status).unwrap();
        let said: Result<Said<QueryData>> = answer("p", status, &HeaderMap::new(), &body);
        prop_assert!(said.is_err());
    }

    #[test]
    fn points_ascend_and_are_finite_whatever_comes(
        samples in proptest::collection::vec((any::<f64>(), prop_oneof![
            any::<f64>().prop_map(|value| value.to_string()),
            Just("+Inf".to_owned()),
            Just("NaN".to_owned()),
        ]), 0..50),
    ) {
        let values: Vec<String> = samples
            .iter()
            .map(|(at, value)| format!("[{},\"{value}\"]", if at.is_finite() { *at } else { 0.0 }))
            .collect();
        let text = format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{}},"values":[{}]}}]}}}}"#,
            values.join(",")
        );
        let matrix = read(&text).unwrap().data.matrix(None);
        for (_, points) in &matrix.series {
            prop_assert!(points.is_sorted_by(|one, next| one.at < next.at));
            prop_assert!(points.iter().all(|point| point.value.is_finite()));
        }
        prop_assert_eq!(matrix.not_finite, samples.iter().filter(|(_, value)| {
            !value.parse::<f64>().unwrap().is_finite()
        }).count());
    }
}
