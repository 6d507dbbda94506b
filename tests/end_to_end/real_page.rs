//! One page, from the fault to the all-clear.

use std::{collections::BTreeSet, fs, io::Write, time::Duration};

use quell::{
    app::{App, Builder},
    config::{self, Environment},
};
use quell_proto::v1::{Event, Investigation, investigation::Verdict};
use quell_shop::{Config as ShopConfig, Fault, Shop};
use quell_testkit::{Server, alertmanager, prometheus};
use tokio::time::{Instant, sleep};

use super::{
    ONE_AT_A_TIME,
    client::{Client, eventually, finished, http, types},
};

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// Tries to find the machine calm.
const CALM_ATTEMPTS: u32 = 4;
/// Long enough to know what normal is.
const HEALTHY: Duration = Duration::from_secs(15);
const SECOND: Duration = Duration::from_secs(1);

/// quell, the shop, and what watches over it.
struct World {
    app: App,
    shop: Shop,
    prometheus: Server,
    alertmanager: Server,
    _data: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        // each needs the address of the next: Prometheus begins without and is told later
        let prometheus = prometheus::start("scrape_configs: []").await.unwrap();
        let text = format!(
            "server: {{listen: '127.0.0.1:0'}}
data_dir: '{}'
receivers: {{events_v2: {{routing_keys: ['{KEY}']}}}}
sources: {{prometheus: [{{url: '{}'}}]}}
investigation: {{budget: 20s, lookback: 5m}}",
            data.path().display(),
            prometheus.url(),
        );
        let environment = Environment { variable: &|_| None, folder: data.path().to_owned() };
        let config = config::parse("test.yaml", &text, &[], &environment).unwrap().config;
        let app = Builder::new(config).start().await.unwrap();
        let quell = format!("http://{}", app.addr());
        let shop = Shop::start(ShopConfig {
            otlp_endpoint: Some(quell.clone()),
            change_endpoint: Some((quell.clone(), KEY.to_owned())),
            ..ShopConfig::default()
        })
        .await
        .unwrap();
        let both = quell_shop::alertmanager_config(
            &format!("{quell}/v1/webhooks/alertmanager"),
            Some((&format!("{quell}/v2/enqueue"), KEY)),
        );
        let alertmanager = alertmanager::start(&both).await.unwrap();
        let rules = prometheus.folder().join("shop.rules.yml");
        fs::write(&rules, quell_shop::alert_rules()).unwrap();
        let address = ([127, 0, 0, 1], alertmanager.port()).into();
        let scraping = quell_shop::prometheus_config(&shop, &[&rules], Some(address));
        fs::write(prometheus.folder().join("prometheus.yml"), scraping).unwrap();
        let reloaded = http().post(format!("{}/-/reload", prometheus.url())).send().await.unwrap();
        assert!(reloaded.status().is_success(), "Prometheus does not reload:\n{}", prometheus.log());
        Self { app, shop, prometheus, alertmanager, _data: data }
    }

    /// A world that was well for a while. A machine that is busy with other things makes the shop slow, which it is
    /// paged for as it should be: then there is nothing to see of a fault, and the test waits for a calmer moment.
    async fn calm() -> (Self, Client) {
        for attempt in 1..=CALM_ATTEMPTS {
            let world = Self::start().await;
            let client = Client::connect(&format!("http://{}", world.app.addr())).await;
            sleep(HEALTHY).await;
            let paged = client.list().await;
            let Some(first) = paged.first() else { return (world, client) };
            let logs = world.logs();
            assert!(attempt < CALM_ATTEMPTS, "a page while all is well: {first:?}\n{logs}");
            writeln!(
                std::io::stderr(),
                "paged before any fault ({}): is the machine busy? again",
                first.title
            )
            .unwrap();
            drop(client);
            world.stop().await;
        }
        unreachable!("the last attempt returns or fails")
    }

    /// What the neighbours said, for a test that fails.
    fn logs(&self) -> String {
        format!("Prometheus:\n{}\nAlertmanager:\n{}", self.prometheus.log(), self.alertmanager.log())
    }

    async fn stop(self) {
        self.shop.stop().await;
        self.app.stop().await.unwrap();
    }
}

/// The top of a ranking with its arguments, for a test that fails.
fn ranking(found: &Investigation) -> String {
    let mut text = format!("{:?}: {}\n", found.verdict(), found.because);
    for (rank, hypothesis) in found.hypotheses.iter().take(3).enumerate() {
        let entity = hypothesis.entity.clone().unwrap_or_default();
        text += &format!(
            "{}. {:.2} {} at {} {} ({}), prior {:.1} dB: {}\n",
            rank + 1,
            hypothesis.probability,
            hypothesis.fault,
            entity.kind,
            entity.name,
            entity.service,
            hypothesis.prior,
            hypothesis.claim
        );
        for argument in &hypothesis.arguments {
            text += &format!("     {:+.1} dB {}: {}\n", argument.decibans, argument.test, argument.text);
        }
    }
    for blind in &found.blind_spots {
        text += &format!("blind: {} {}: {}\n", blind.source, blind.signal, blind.because);
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn real_page() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let (world, client) = World::calm().await;

    world.shop.inject(Fault::PoolLeak).await.unwrap();
    let broken = Instant::now();
    let opened = eventually(30 * SECOND, async || client.list().await.into_iter().next()).await;
    let opened = opened.unwrap_or_else(|| panic!("no page within 30 s of the fault\n{}", world.logs()));
    println!("paged {:.1} s after the fault: {}", broken.elapsed().as_secs_f64(), opened.title);
    let id = opened.id;

    let events = client.watch(&id, 0, 40 * SECOND).await;
    println!("answered {:.1} s after the fault", broken.elapsed().as_secs_f64());
    numbered(&events, 0);
    let found = finished(&events);
    println!("{}", ranking(found));
    resumes(&client, &id, &events).await;

    // both ways have told of it, and it is one incident
    let ways = eventually(15 * SECOND, async || {
        let webhooks = client.metric("quell_alerts_received_total{receiver=\"alertmanager\"}").await;
        let events = client.metric("quell_alerts_received_total{receiver=\"events-v2\"}").await;
        (webhooks > 0.0 && events > 0.0).then_some((webhooks, events))
    });
    let ways = ways.await;
    assert!(ways.is_some(), "not both ways delivered\n{}\n{}", metrics(&client).await, world.logs());
    assert_eq!(client.list().await.len(), 1, "one page, one incident");

    right(found);
    recoverable(found);

    world.shop.clear().await.unwrap();
    let cleared = Instant::now();
    let resolved = eventually(45 * SECOND, async || {
        let incident = client.get(&id).await;
        (incident.status == "resolved").then_some(incident)
    });
    let resolved = resolved.await;
    let resolved = resolved.unwrap_or_else(|| panic!("not resolved within 45 s\n{}", world.logs()));
    println!("resolved {:.1} s after the repair", cleared.elapsed().as_secs_f64());
    assert!(resolved.alerts.iter().all(|alert| alert.status == "resolved"), "{:?}", resolved.alerts);
    assert!(resolved.resolved_at.is_some());

    // what the slower of the two ways still has to say opens nothing
    sleep(6 * SECOND).await;
    let all = client.list().await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].status, "resolved");
    let whole = client.journal(&id, 0, client.get(&id).await.last_seq).await;
    numbered(&whole, 0);
    let requests = whole.iter().filter(|event| event.r#type == "investigation_requested").count();
    assert_eq!(requests, 1, "{:?}", types(&whole));
    world.stop().await;
}

/// Numbers without gap or repeat.
fn numbered(events: &[Event], after: u64) {
    let expected: Vec<u64> = (after + 1..).take(events.len()).collect();
    let found: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(found, expected);
}

/// A second watch goes on where the first was cut off.
async fn resumes(client: &Client, id: &str, events: &[Event]) {
    let last = events.last().unwrap().seq;
    for after in [1, last / 2, last - 1] {
        let rest = client.watch(id, after, 5 * SECOND).await;
        let expected: Vec<&Event> = events.iter().filter(|event| event.seq > after).collect();
        assert_eq!(rest.len(), expected.len(), "after {after}");
        for (again, first) in rest.iter().zip(expected) {
            assert_eq!(again, first, "after {after}");
        }
    }
    assert!(client.watch(id, last, 5 * SECOND).await.is_empty());
}

async fn metrics(client: &Client) -> String {
    let (_, text) = client.get_text("/metrics").await;
    text.lines().filter(|line| line.starts_with("quell_")).collect::<Vec<_>>().join("\n")
}

/// The true cause comes first, on evidence of both sources.
fn right(found: &Investigation) {
    let truth = Fault::PoolLeak.truth().unwrap();
    let first = found.hypotheses.first().expect("a hypothesis");
    let entity = first.entity.as_ref().expect("a suspect");
    assert_eq!(entity.service, truth.service, "{}", ranking(found));
    let faults: Vec<&str> = std::iter::once(truth.class).chain(truth.also.iter().copied()).collect();
    assert!(faults.contains(&first.fault.as_str()), "{}", ranking(found));
    assert_eq!(found.verdict(), Verdict::CauseFound, "{}", ranking(found));

    let sources: BTreeSet<&str> = found.evidence.iter().map(|evidence| evidence.source.as_str()).collect();
    assert!(sources.contains("otlp") && sources.contains("prometheus"), "evidence is from {sources:?} only");
    let known: BTreeSet<&str> = found.evidence.iter().map(|evidence| evidence.id.as_str()).collect();
    assert!(!first.evidence.is_empty());
    for id in found.hypotheses.iter().flat_map(|hypothesis| hypothesis.evidence.iter()) {
        assert!(known.contains(id.as_str()), "evidence {id} is named and not there");
    }
}

/// At least one way out that a person can take: what to type, how to see that it worked, when to stop.
fn recoverable(found: &Investigation) {
    let usable = found.recovery_paths.iter().any(|path| {
        let command = path.steps.iter().any(|step| !step.command.is_empty());
        let verified = path
            .verification
            .as_ref()
            .is_some_and(|verification| !verification.query.is_empty() && !verification.expect.is_empty());
        command && verified && !path.stop_rule.is_empty()
    });
    assert!(usable, "{:#?}", found.recovery_paths);
}
