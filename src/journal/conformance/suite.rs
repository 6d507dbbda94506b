use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use tokio::time::timeout;

use crate::{
    domain::{Event, IncidentId, Payload},
    journal::{Append, Journal, Result},
};

pub(crate) type Shared = Arc<dyn Journal>;

pub(crate) const LEASE: Duration = Duration::from_secs(60);
pub(crate) const SOON: Duration = Duration::from_secs(10);

macro_rules! conformance {
    ($module:ident, $open:expr) => {
        mod $module {
            $crate::journal::conformance::conformance!(@tests $open; log:
                numbers_run_per_incident
                append_at_the_wrong_end_conflicts
                repeated_message_changes_nothing
                append_all_is_all_or_none
                append_all_sees_its_own_writes
                unreadable_payload_is_refused
                reading_pages
                the_end_is_that_of_the_last_append
                numbers_are_never_given_twice
                closed_journal_refuses);
            $crate::journal::conformance::conformance!(@tests $open; follow:
                follow_gives_stored_then_new
                follow_all_gives_every_incident
                followers_see_each_event_once);
            $crate::journal::conformance::conformance!(@tests $open; work:
                two_workers_never_share_work
                claim_waits_for_work
                claims_come_oldest_first
                ended_lease_frees_work
                renewed_lease_holds
                released_work_is_free
                finished_work_is_gone
                abandoned_claim_is_given_back);
        }
    };
    (@tests $open:expr; $part:ident: $($test:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (journal, _keep) = $open;
                $crate::journal::conformance::$part::$test(journal).await;
            }
        )+
    };
}
pub(crate) use conformance;

pub(crate) fn incident(name: &str) -> IncidentId {
    IncidentId(format!("inc_{name}"))
}

pub(crate) fn note(text: &str) -> Payload {
    Payload::NoteAdded { author: "suite".to_owned(), text: text.to_owned() }
}

pub(crate) fn append(id: &IncidentId, payloads: Vec<Payload>) -> Append {
    Append { incident: id.clone(), expected: None, at: at(), payloads, message_id: None }
}

pub(crate) fn at() -> Timestamp {
    "2026-11-22T10:00:00.123456789Z".parse().unwrap()
}

pub(crate) fn requested(investigation: &str) -> Payload {
    Payload::InvestigationRequested { investigation: investigation.to_owned(), budget_seconds: 60 }
}

/// An `InvestigationFinished` of that id.
pub(crate) fn finished(investigation: &str) -> Payload {
    let investigation = crate::domain::Investigation {
        id: investigation.to_owned(),
        service: "checkout".to_owned(),
        window: crate::domain::Window { start: at(), end: at() },
        verdict: crate::domain::Verdict::Inconclusive,
        because: "a test".to_owned(),
        onset: None,
        hypotheses: Vec::new(),
        recovery_paths: Vec::new(),
        blast_radius: Vec::new(),
        innocent: Vec::new(),
        blind_spots: Vec::new(),
        symptoms: Vec::new(),
        evidence: Vec::new(),
        coverage: Vec::new(),
        next_question: String::new(),
        timings: crate::domain::Timings::default(),
    };
    Payload::InvestigationFinished { investigation: Box::new(investigation) }
}

pub(crate) async fn request(journal: &Shared, name: &str) {
    let id = incident(name);
    journal.append(append(&id, vec![requested(&format!("inv_{name}"))])).await.unwrap();
}

pub(crate) async fn take(
    stream: &mut (impl StreamExt<Item = Result<Event>> + Unpin),
    count: usize,
) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(timeout(SOON, stream.next()).await.expect("an event in time").unwrap().unwrap());
    }
    events
}
