use super::{event::is_event, names::is_state};
use crate::analysis::Telemetry;

/// Takes the states and events of Kubernetes out of the series and logs: they come under the name of an exporter
/// or of none, and are told of what they are about.
pub fn apart(mut telemetry: Telemetry) -> Telemetry {
    let (states, series) = telemetry.series.into_iter().partition(|series| is_state(&series.name));
    telemetry.series = series;
    telemetry.states = states;
    if telemetry.logs.iter().any(is_event) {
        let (events, logs) = telemetry.logs.into_iter().partition(is_event);
        telemetry.logs = logs;
        telemetry.events = events;
    }
    telemetry
}
