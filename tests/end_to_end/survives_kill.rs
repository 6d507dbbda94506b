//! What was acknowledged is there after `kill -9`, and what was being done is taken up again.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    path::Path,
    time::Duration,
};

use quell_proto::v1::Incident;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    ONE_AT_A_TIME,
    client::{Client, eventually, http, types, webhook},
    program::Serving,
};

/// How often it is killed. What was begun five times and never finished is begun again after a pause only.
const ROUNDS: u32 = 4;
/// Services that page; each is one incident of many alerts.
const SERVICES: usize = 6;
/// Senders at the same time.
const SENDERS: usize = 3;

/// A Prometheus that takes connections and never answers keeps investigations unfinished until a query
/// times out.
fn hanging() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!(
        "sources: {{prometheus: [{{url: 'http://{}', timeout: 6s}}]}}\ninvestigation: {{budget: 8s}}",
        listener.local_addr().unwrap()
    );
    (listener, config)
}

/// Posts alerts until the server is gone; gives the names of those that it has acknowledged.
async fn post_until_killed(url: String, round: u32, sender: usize) -> Vec<String> {
    let http = http();
    let mut acknowledged = Vec::new();
    for number in 0_usize.. {
        let name = format!("Alert-{round}-{sender}-{number}");
        let service = format!("service-{}", number % SERVICES);
        let body = webhook(&json!({"alertname": name, "service": service, "severity": "critical"}));
        let sent = http.post(format!("{url}/v1/webhooks/alertmanager")).body(body).send().await;
        match sent {
            Ok(answer) if answer.status() == 202 => acknowledged.push(name),
            Ok(answer) => panic!("{name}: {}: {}", answer.status(), answer.text().await.unwrap()),
            Err(_) => break,
        }
    }
    acknowledged
}

/// All incidents with their alerts.
async fn incidents(client: &Client) -> Vec<Incident> {
    let mut all = Vec::new();
    for incident in client.list().await {
        all.push(client.get(&incident.id).await);
    }
    all
}

/// Fails unless every acknowledged alert is there, and exactly once.
fn complete(incidents: &[Incident], acknowledged: &BTreeSet<String>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for alert in incidents.iter().flat_map(|incident| &incident.alerts) {
        *counts.entry(alert.labels["alertname"].as_str()).or_default() += 1;
    }
    let lost: Vec<&String> = acknowledged.iter().filter(|name| !counts.contains_key(name.as_str())).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged alerts are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
    let repeated: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
}

/// How often the investigations that are under way were begun.
fn running(incidents: &[Incident]) -> BTreeMap<String, u32> {
    let running = incidents.iter().filter(|incident| incident.investigation_status == "running");
    running.map(|incident| (incident.id.clone(), incident.attempts)).collect()
}

/// Fails unless all of these are begun once more, or done, within five seconds.
async fn taken_up(client: &Client, before: &BTreeMap<String, u32>) {
    let started = Instant::now();
    for (id, attempts) in before {
        let left = Duration::from_secs(5).saturating_sub(started.elapsed());
        let again = eventually(left, async || {
            let incident = client.get(id).await;
            let goes_on = incident.attempts > *attempts && incident.investigation_status == "running";
            (goes_on || incident.investigation_status == "done").then_some(())
        });
        if again.await.is_none() {
            let incident = client.get(id).await;
            let events = client.journal(id, 0, incident.last_seq).await;
            panic!("{id} waits since the restart, {attempts} attempts before: {:?}", types(&events));
        }
    }
}

async fn start(folder: &Path, config: &str) -> (Serving, Client) {
    let server = Serving::start(folder, config).await;
    let client = server.client().await;
    (server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_kill() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let (_listener, config) = hanging();
    let mut acknowledged = BTreeSet::new();
    let mut before = BTreeMap::new();
    let mut taken_up_again = 0;
    for round in 0..ROUNDS {
        let (mut server, client) = start(folder.path(), &config).await;
        complete(&incidents(&client).await, &acknowledged);
        taken_up(&client, &before).await;
        taken_up_again += before.len();

        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| tokio::spawn(post_until_killed(server.url.clone(), round, sender)))
            .collect();
        let moment = Duration::from_millis(rand_between(200, 900));
        sleep(moment).await;
        before = running(&client.list().await);
        server.kill();
        let mut taken = 0;
        for sender in senders {
            let names = sender.await.unwrap();
            taken += names.len();
            acknowledged.extend(names);
        }
        println!("killed after {moment:?}: {taken} acknowledged, {} under way", before.len());
    }
    assert!(acknowledged.len() > 50, "only {} alerts were acknowledged", acknowledged.len());
    assert!(taken_up_again > 0, "nothing was under way at any kill");

    let (mut server, client) = start(folder.path(), &config).await;
    let all = incidents(&client).await;
    complete(&all, &acknowledged);
    taken_up(&client, &before).await;
    assert_eq!(all.len(), SERVICES, "one incident per service");
    for incident in &all {
        let events = client.journal(&incident.id, 0, incident.last_seq).await;
        let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (1..=incident.last_seq).collect::<Vec<_>>(), "{}", incident.id);
    }
    // and all of them end, though their source hangs
    let ended = eventually(Duration::from_secs(40), async || {
        let open = client.list().await.iter().filter(|one| one.investigation_status != "done").count();
        (open == 0).then_some(())
    });
    assert!(ended.await.is_some(), "investigations do not end\n{}", server.log());
    assert!(server.is_running());
    println!("{} alerts, {taken_up_again} investigations taken up again", acknowledged.len());
}

fn rand_between(least: u64, most: u64) -> u64 {
    let nanos = jiff::Timestamp::now().subsec_nanosecond().unsigned_abs();
    least + u64::from(nanos) % (most - least)
}
