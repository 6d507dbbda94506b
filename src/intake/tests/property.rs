//! Whatever the order in which receivers tell of a few alerts: one incident per episode at most, and no
//! firing alert is lost.

use proptest::prelude::*;
use tokio::runtime;

use super::*;

const ALERTS: usize = 3;

/// One receiver's account of one alert: transitions 0 fires, 1 ends, 2 fires again, ...
#[derive(Clone, Copy, Debug)]
struct Step {
    alert: usize,
    receiver: usize,
    repeat: bool,
    restart: bool,
    pause: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..ALERTS, 0_usize..2, any::<bool>(), prop::bool::weighted(0.05), 0_u64..20).prop_map(
        |(alert, receiver, repeat, restart, pause)| Step { alert, receiver, repeat, restart, pause },
    );
    prop::collection::vec(step, 1..60)
}

/// What happened to an alert, and what each receiver has told of it.
#[derive(Default)]
struct Truth {
    times: Vec<Timestamp>,
    told: [usize; 2],
}

/// How receivers behave.
#[derive(Clone, Copy)]
struct Manner {
    /// Whether the second gives start times and fingerprints, as the first does.
    second_dated: bool,
    /// Transitions by which one may be ahead of the other.
    lead: usize,
    restarts: bool,
}

async fn run(steps: Vec<Step>, manner: Manner) -> Result<(), TestCaseError> {
    // Without start times nothing tells a late word from a new one but the time that has passed.
    let config = Config { settle_window: Duration::from_secs(3_600), ..Config::default() };
    let mut world = World::with(config).await;
    let mut truths: Vec<Truth> = (0..ALERTS).map(|_| Truth::default()).collect();
    for step in &steps {
        world.pass(step.pause + 1);
        if step.restart && manner.restarts {
            world.restart().await;
        }
        tell(&world, &mut truths, *step, manner).await;
    }
    // Both tell the rest.
    for alert in 0..ALERTS {
        for receiver in [0, 1, 0, 1, 0, 1, 0, 1, 0, 1] {
            let truth = &truths[alert];
            if truth.told[receiver] < truth.times.len() {
                world.pass(1);
                let step = Step { alert, receiver, repeat: false, restart: false, pause: 0 };
                tell(&world, &mut truths, step, manner).await;
            }
        }
    }
    check(&world.incidents().await, &truths)
}

async fn tell(world: &World, truths: &mut [Truth], step: Step, manner: Manner) {
    let truth = &mut truths[step.alert];
    let (mine, theirs) = (truth.told[step.receiver], truth.told[1 - step.receiver]);
    let next = if (step.repeat && mine > 0) || mine >= theirs + manner.lead {
        mine.checked_sub(1)
    } else {
        Some(mine)
    };
    let Some(transition) = next else { return };
    if transition == truth.times.len() {
        // It happened a while before anybody told of it.
        let earliest = truth.times.last().map_or(Timestamp::MIN, |last| *last + Duration::from_secs(1));
        truth.times.push((world.now() - Duration::from_secs(step.pause)).max(earliest));
    }
    truth.told[step.receiver] = mine.max(transition + 1);
    let fires = transition % 2 == 0;
    let started = truth.times[transition - transition % 2];
    let name = format!("A{}", step.alert);
    let dated = step.receiver == 0 || manner.second_dated;
    let mut alert = plain("one", &[("alertname", &name), ("service", "checkout")]).grouped("g");
    if step.receiver == 1 {
        "two".clone_into(&mut alert.source);
    }
    if dated {
        alert.fingerprint = format!("fp-{name}");
        alert = alert.started(started);
    } else {
        alert = alert.started(world.now());
    }
    let alert = if fires { alert } else { alert.resolved() };
    if dated {
        world.send([alert]).await
    } else {
        world.send_undated([alert]).await
    };
}

fn check(incidents: &[Incident], truths: &[Truth]) -> Result<(), TestCaseError> {
    let episodes: usize = truths.iter().map(|truth| truth.times.len().div_ceil(2)).sum();
    prop_assert!(incidents.len() <= episodes, "{} incidents of {episodes} episodes", incidents.len());
    prop_assert_eq!(incidents.is_empty(), episodes == 0);
    for (number, truth) in truths.iter().enumerate() {
        let name = format!("A{number}");
        let firing: Vec<&Incident> = incidents
            .iter()
            .filter(|incident| incident.is_open())
            .filter(|incident| incident.alerts.iter().any(|alert| alert.name() == name && alert.is_firing()))
            .collect();
        let fires = truth.times.len() % 2 == 1;
        prop_assert_eq!(firing.len(), usize::from(fires), "{} {:?} {:#?}", name, truth.times, incidents);
        let known = incidents.iter().any(|incident| incident.alerts.iter().any(|alert| alert.name() == name));
        prop_assert_eq!(known, !truth.times.is_empty());
    }
    let open = incidents.iter().filter(|incident| incident.is_open()).count();
    let any_fires = truths.iter().any(|truth| truth.times.len() % 2 == 1);
    prop_assert_eq!(open, usize::from(any_fires));
    Ok(())
}

fn block(steps: Vec<Step>, manner: Manner) -> Result<(), TestCaseError> {
    let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(run(steps, manner))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn two_receivers_that_give_start_times(steps in steps()) {
        block(steps, Manner { second_dated: true, lead: 4, restarts: true })?;
    }

    #[test]
    fn one_of_them_gives_none(steps in steps()) {
        block(steps, Manner { second_dated: false, lead: 2, restarts: false })?;
    }
}
