//! Alerts taken per second: quell, on disk, beside Alertmanager, in memory.

use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use quell_testkit::alertmanager;

use crate::{
    report::{Figure, median},
    senders::{DIFFERENT, Form, SENDERS, SERVICES, bodies, send},
    server::{Quell, counter},
};

/// Turns of each program at each size of batch.
const TURNS: usize = 5;
const BATCHES: [usize; 2] = [100, 500];
const TARGET: f64 = 2.0;
const TOTAL: usize = 2 * DIFFERENT;

/// Takes what comes, and tells nobody within the time of this bench.
const CONFIGURATION: &str = "
route: {receiver: nobody, group_by: [service], group_wait: 1h, group_interval: 1h, repeat_interval: 1h}
receivers: [{name: nobody}]
";

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for batch in BATCHES {
        let (mut of_quell, mut of_alertmanager) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            of_alertmanager.push(rate(alertmanager(batch).await?));
            of_quell.push(rate(quell(batch).await?));
        }
        let rates =
            |rates: &[f64]| rates.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(" ");
        let turns = format!("quell {}; alertmanager {}", rates(&of_quell), rates(&of_alertmanager));
        let (of_quell, of_alertmanager) = (median(of_quell), median(of_alertmanager));
        let ratio = of_quell / of_alertmanager;
        figures.push(Figure {
            name: format!("alerts per second in batches of {batch}"),
            measured: format!(
                "quell {of_quell:.0} on disk, alertmanager {of_alertmanager:.0} in memory, ratio {ratio:.2}"
            ),
            target: Some((format!(">= {TARGET}"), ratio >= TARGET)),
            how: format!(
                "{TOTAL} alerts, the second half repeats of the first, about {SERVICES} services and so in \
                 {SERVICES} groups; {SENDERS} senders with a connection each, a batch after the answer to the \
                 one before; {TURNS} turns each, alternating, fresh servers, median; quell at its webhook, then \
                 killed with SIGKILL, and after a restart found to hold every alert once; \
                 alertmanager at /api/v2/alerts; by turn: {turns}"
            ),
        });
    }
    Ok(figures)
}

fn rate(took: Duration) -> f64 {
    TOTAL as f64 / took.as_secs_f64()
}

async fn alertmanager(batch: usize) -> Result<Duration> {
    let bodies = bodies(Form::Alerts, batch, Timestamp::now());
    let server = alertmanager::start(CONFIGURATION).await?;
    let took = send(&format!("{}/api/v2/alerts", server.url()), bodies).await?;
    let taken = counter(server.url(), "alertmanager_alerts_received_total", "firing").await?;
    ensure!(taken as usize == TOTAL, "alertmanager took {taken} of {TOTAL} alerts");
    Ok(took)
}

async fn quell(batch: usize) -> Result<Duration> {
    let bodies = bodies(Form::Webhook, batch, Timestamp::now());
    let folder = tempfile::tempdir()?;
    let server = Quell::start(folder.path()).await?;
    let took = send(&format!("{}/v1/webhooks/alertmanager", server.url()), bodies).await?;
    let taken = counter(server.url(), "quell_alerts_received_total", "alertmanager").await?;
    let known = counter(server.url(), "quell_alerts_duplicate_total", "").await?;
    ensure!(
        (taken as usize, known as usize) == (TOTAL, DIFFERENT),
        "quell took {taken} of {TOTAL} alerts, {known} of them as known"
    );
    drop(server);
    // what was acknowledged is there after a kill
    let server = Quell::start(folder.path()).await?;
    let incidents = server.incidents().await?;
    let alerts: usize = incidents.iter().map(|incident| incident.alerts.len()).sum();
    ensure!(alerts == DIFFERENT, "quell has {alerts} of {DIFFERENT} alerts after it was killed");
    ensure!(incidents.len() == SERVICES, "quell made {} incidents of {SERVICES} groups", incidents.len());
    Ok(took)
}
