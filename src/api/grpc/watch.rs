//! The journal of one incident as a stream.

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use quell_proto::v1::{Event, WatchRequest};
use tonic::Status;

use crate::{
    api::{Error, convert::Wire, state::Shared},
    domain::{self, IncidentId, Payload},
    journal,
    telemetry::Watcher,
};

type Events = BoxStream<'static, journal::Result<domain::Event>>;

/// Events after `after_seq`, those stored and those to come, until the client leaves, the server stops, or
/// (when asked) the investigation is finished.
pub(super) async fn stream(
    state: &Shared,
    request: WatchRequest,
) -> Result<BoxStream<'static, Result<Event, Status>>, Error> {
    let incident = state.resolve(&request.incident_id).await?;
    let mut last = None;
    if request.until_done {
        let found = investigation(state, &incident).await?;
        if found.finished.is_some_and(|finished| finished <= request.after_seq) {
            return Ok(stream::empty().boxed());
        }
        last = Some(found.requested);
    }
    let watching = Watching {
        events: state.journal.follow(&incident, request.after_seq),
        last,
        _counted: state.metrics.watcher(),
    };
    let events = stream::unfold(Some(watching), |watching| async move {
        let mut watching = watching?;
        let event = watching.events.next().await?;
        let goes_on = event.as_ref().is_ok_and(|event| !watching.is_last(event));
        let event = event.map(|event| event.to_wire()).map_err(|error| Status::from(Error::from(error)));
        Some((event, goes_on.then_some(watching)))
    });
    Ok(events.take_until(state.shutdown.clone().cancelled_owned()).boxed())
}

struct Watching {
    events: Events,
    /// The end of an investigation requested at this number, or of a later one, is the last event.
    last: Option<u64>,
    _counted: Watcher,
}

impl Watching {
    fn is_last(&self, event: &domain::Event) -> bool {
        let ends = matches!(event.payload, Payload::InvestigationFinished { .. });
        ends && self.last.is_some_and(|requested| event.seq > requested)
    }
}

/// Where the newest investigation of an incident begins and ends in its journal.
#[derive(Default)]
struct Span {
    /// 0 when there is none.
    requested: u64,
    finished: Option<u64>,
}

async fn investigation(state: &Shared, incident: &IncidentId) -> Result<Span, Error> {
    const PAGE: usize = 1_000;
    let (mut found, mut after) = (Span::default(), 0);
    loop {
        let events = state.journal.read(incident, after, PAGE).await?;
        let Some(newest) = events.last() else { return Ok(found) };
        after = newest.seq;
        for event in &events {
            match &event.payload {
                Payload::InvestigationRequested { .. } => {
                    found = Span { requested: event.seq, finished: None };
                }
                Payload::InvestigationFinished { .. } => found.finished = Some(event.seq),
                _ => {}
            }
        }
    }
}
