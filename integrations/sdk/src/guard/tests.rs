use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rstest::rstest;
use tokio::time::{Instant, sleep};

use super::*;
use crate::{Error, ErrorKind};

fn guard() -> Guard {
    Guard::new("prom", Limits::default())
}

fn failure(kind: ErrorKind) -> Error {
    Error::new(kind, "prom", "connection refused")
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Asks something that fails with `kind` and says how often it was really asked.
async fn fail(guard: &Guard, kind: ErrorKind) -> (u32, Error) {
    let asked = AtomicU32::new(0);
    let error = guard
        .run("test", || async {
            asked.fetch_add(1, Ordering::Relaxed);
            Err::<(), Error>(failure(kind))
        })
        .await
        .unwrap_err();
    (asked.into_inner(), error)
}

#[tokio::test(start_paused = true)]
async fn an_answer_passes_through_and_is_counted() {
    let guard = guard();
    assert_eq!(guard.run("test", || async { Ok(7) }).await.unwrap(), 7);
    assert_eq!(guard.stats(), GuardStats { queries: 1, ..GuardStats::default() });
}

#[tokio::test(start_paused = true)]
async fn time_runs_out_at_the_deadline() {
    let guard = guard();
    let begin = Instant::now();
    let error = guard
        .run("test", || async {
            sleep(seconds(60)).await;
            Ok(())
        })
        .await
        .unwrap_err();
    assert_eq!(begin.elapsed(), seconds(5));
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert_eq!(guard.stats().failed(ErrorKind::Timeout), 1);
    assert_eq!(guard.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_deadline_of_the_caller_wins_and_a_later_one_does_not() {
    let guard = guard();
    for (given, taken) in [(seconds(2), seconds(2)), (seconds(60), seconds(5))] {
        let begin = Instant::now();
        let forever = || async {
            sleep(seconds(600)).await;
            Ok(())
        };
        let error = guard.run_until(begin + given, "test", forever).await.unwrap_err();
        assert_eq!((begin.elapsed(), error.kind), (taken, ErrorKind::Timeout));
    }
}

#[rstest]
#[case(ErrorKind::Overloaded, 2)]
#[case(ErrorKind::Unavailable, 2)]
#[case(ErrorKind::Timeout, 1)]
#[case(ErrorKind::BadRequest, 1)]
#[case(ErrorKind::Unauthorized, 1)]
#[case(ErrorKind::NotFound, 1)]
#[case(ErrorKind::BadAnswer, 1)]
#[case(ErrorKind::Unsupported, 1)]
#[tokio::test(start_paused = true)]
async fn only_what_may_pass_is_tried_again_and_only_once(#[case] kind: ErrorKind, #[case] asks: u32) {
    let guard = guard();
    let (asked, error) = fail(&guard, kind).await;
    assert_eq!((asked, error.kind), (asks, kind));
    let stats = guard.stats();
    assert_eq!((stats.queries, stats.retries, stats.failed(kind)), (1, u64::from(asks - 1), 1));
}

#[tokio::test(start_paused = true)]
async fn the_retry_waits_as_long_as_the_source_asks() {
    let guard = guard();
    let begin = Instant::now();
    let asked = AtomicU32::new(0);
    let answer = guard
        .run("test", || async {
            match asked.fetch_add(1, Ordering::Relaxed) {
                0 => Err(failure(ErrorKind::Overloaded).retry_after(Some(seconds(3)))),
                _ => Ok("at last"),
            }
        })
        .await;
    assert_eq!(answer.unwrap(), "at last");
    assert_eq!(begin.elapsed(), seconds(3));
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let guard = guard();
    let begin = Instant::now();
    for wait in [seconds(5), seconds(3600), Duration::MAX] {
        let error = guard
            .run("test", || async {
                Err::<(), Error>(failure(ErrorKind::Overloaded).retry_after(Some(wait)))
            })
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.retry_after), (ErrorKind::Overloaded, Some(wait)));
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(guard.stats().retries, 0);
}

#[tokio::test(start_paused = true)]
async fn at_most_so_many_are_asked_at_once() {
    let guard = Arc::new(guard());
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let begin = Instant::now();
    let asks = (0..10).map(|_| {
        let (guard, now, most) = (Arc::clone(&guard), Arc::clone(&now), Arc::clone(&most));
        tokio::spawn(async move {
            guard
                .run("test", || async {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    sleep(seconds(1)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                })
                .await
        })
    });
    for answer in futures::future::join_all(asks).await {
        answer.unwrap().unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert_eq!(begin.elapsed(), seconds(3));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_counts_against_the_deadline_but_not_against_the_source() {
    let guard = Guard::new("prom", Limits { concurrency: 1, failures: 1, ..Limits::default() });
    let hold = guard.run("test", || async {
        sleep(seconds(4)).await;
        Ok(())
    });
    let queue = guard.run_until(Instant::now() + seconds(2), "test", || async { Ok(()) });
    let (held, queued) = tokio::join!(hold, queue);
    held.unwrap();
    assert_eq!(queued.unwrap_err().kind, ErrorKind::Timeout);
    assert!(!guard.stats().open);
}

#[tokio::test(start_paused = true)]
async fn the_breaker_opens_after_five_failures_and_probes_after_ten_seconds() {
    let guard = guard();
    for _ in 0..5 {
        assert!(!guard.stats().open);
        fail(&guard, ErrorKind::Timeout).await;
    }
    let (asked, error) = fail(&guard, ErrorKind::Timeout).await;
    assert_eq!((asked, error.kind), (0, ErrorKind::Refused));
    assert_eq!(error.retry_after, Some(seconds(10)));
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert_eq!(guard.stats().refused, 1);

    // The probe fails: closed to everyone for another ten seconds.
    sleep(seconds(10)).await;
    assert_eq!(fail(&guard, ErrorKind::BadAnswer).await.0, 1);
    sleep(Duration::from_millis(9_999)).await;
    assert_eq!(fail(&guard, ErrorKind::BadAnswer).await.0, 0);

    // The probe succeeds: open to everyone, and the count begins anew.
    sleep(Duration::from_millis(1)).await;
    guard.run("test", || async { Ok(()) }).await.unwrap();
    for _ in 0..4 {
        assert_eq!(fail(&guard, ErrorKind::Unauthorized).await.0, 1);
    }
    assert!(!guard.stats().open);
}

#[tokio::test(start_paused = true)]
async fn only_one_probe_at_a_time() {
    let guard = Guard::new("prom", Limits { failures: 1, ..Limits::default() });
    fail(&guard, ErrorKind::Timeout).await;
    sleep(seconds(10)).await;
    let probe = guard.run("test", || async {
        sleep(seconds(1)).await;
        Ok(())
    });
    let (probed, (asked, _)) = tokio::join!(probe, fail(&guard, ErrorKind::Timeout));
    probed.unwrap();
    assert_eq!(asked, 0);
    assert!(!guard.stats().open);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_leaves_room_for_the_next() {
    let guard = Guard::new("prom", Limits { failures: 1, ..Limits::default() });
    fail(&guard, ErrorKind::Timeout).await;
    sleep(seconds(10)).await;
    let probe = guard.run("test", || async {
        sleep(seconds(3)).await;
        Ok(())
    });
    assert!(tokio::time::timeout(seconds(1), probe).await.is_err());
    assert_eq!(guard.stats().in_flight, 0);
    guard.run("test", || async { Ok(()) }).await.unwrap();
    assert!(!guard.stats().open);
}

#[tokio::test(start_paused = true)]
async fn questions_that_the_source_dislikes_do_not_open_the_breaker() {
    let guard = guard();
    for kind in [ErrorKind::BadRequest, ErrorKind::NotFound, ErrorKind::Unsupported] {
        for _ in 0..10 {
            assert_eq!(fail(&guard, kind).await.0, 1);
        }
    }
    assert!(!guard.stats().open);
}
