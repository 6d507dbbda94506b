//! Alerts taken per second: quell, on disk, beside Alertmanager, in memory.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use jiff::Timestamp;
use quell_testkit::alertmanager;

use crate::{
    cpu,
    report::{Figure, median},
    senders::{DIFFERENT, Form, SENDERS, SERVICES, bodies, send},
    server::{Quell, counter},
};

/// Turns of each program at each size of batch.
const TURNS: usize = 7;
const BATCHES: [usize; 2] = [100, 500];
const TARGET: f64 = 2.0;
const TOTAL: usize = 2 * DIFFERENT;

/// Takes what comes, and tells nobody within the time of this bench.
const CONFIGURATION: &str = "
route: {receiver: nobody, group_by: [service], group_wait: 1h, group_interval: 1h, repeat_interval: 1h}
receivers: [{name: nobody}]
";

/// What one turn took.
struct Turn {
    wall: Duration,
    /// Of the server.
    processor: Duration,
}

impl Turn {
    async fn measure(url: &str, bodies: Vec<Vec<Bytes>>) -> Result<Self> {
        let before = cpu::of_children()?;
        let wall = send(url, bodies).await?;
        Ok(Self { wall, processor: cpu::of_children()?.saturating_sub(before) })
    }

    fn rate(&self) -> f64 {
        TOTAL as f64 / self.wall.as_secs_f64()
    }

    fn microseconds(&self) -> f64 {
        self.processor.as_secs_f64() * 1e6 / TOTAL as f64
    }
}

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for batch in BATCHES {
        let (mut of_quell, mut of_alertmanager) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            of_alertmanager.push(alertmanager(batch).await?);
            of_quell.push(quell(batch).await?);
        }
        // each turn beside the one before it: the machine may have other work, and more of it at times
        let ratios = of_quell.iter().zip(&of_alertmanager).map(|(one, other)| one.rate() / other.rate());
        let ratios: Vec<f64> = ratios.collect();
        let all = |turns: &[Turn]| {
            turns.iter().map(|turn| format!("{:.0}", turn.rate())).collect::<Vec<_>>().join(" ")
        };
        let turns = format!("quell {}; alertmanager {}", all(&of_quell), all(&of_alertmanager));
        let rate = |turns: &[Turn]| median(turns.iter().map(Turn::rate).collect());
        let processor = |turns: &[Turn]| median(turns.iter().map(Turn::microseconds).collect());
        let ratio = median(ratios);
        figures.push(Figure {
            name: format!("alerts per second in batches of {batch}"),
            measured: format!(
                "quell {:.0} on disk, alertmanager {:.0} in memory, ratio {ratio:.2}; processor time per alert \
                 {:.1} us and {:.1} us",
                rate(&of_quell),
                rate(&of_alertmanager),
                processor(&of_quell),
                processor(&of_alertmanager)
            ),
            target: Some((format!(">= {TARGET}"), ratio >= TARGET)),
            how: format!(
                "{TOTAL} alerts, the second half repeats of the first, about {SERVICES} services and so in \
                 {SERVICES} groups; {SENDERS} senders with a connection each that they keep, a batch after the \
                 answer to the one before; {TURNS} turns each, alternating, fresh servers, medians of the rates \
                 and of the ratios turn by turn; quell at its webhook, then killed with SIGKILL, and after a \
                 restart found to hold every alert once; alertmanager at /api/v2/alerts; by turn: {turns}"
            ),
        });
    }
    Ok(figures)
}

async fn alertmanager(batch: usize) -> Result<Turn> {
    let bodies = bodies(Form::Alerts, batch, Timestamp::now());
    let server = alertmanager::start(CONFIGURATION).await?;
    let turn = Turn::measure(&format!("{}/api/v2/alerts", server.url()), bodies).await?;
    let taken = counter(server.url(), "alertmanager_alerts_received_total", "firing").await?;
    ensure!(taken as usize == TOTAL, "alertmanager took {taken} of {TOTAL} alerts");
    Ok(turn)
}

async fn quell(batch: usize) -> Result<Turn> {
    let bodies = bodies(Form::Webhook, batch, Timestamp::now());
    let folder = tempfile::tempdir()?;
    let server = Quell::start(folder.path()).await?;
    let turn = Turn::measure(&format!("{}/v1/webhooks/alertmanager", server.url()), bodies).await?;
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
    Ok(turn)
}
