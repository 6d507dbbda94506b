//! A whole investigation of a large bundle.

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use quell::{
    bundle::{Options, open},
    domain::Payload,
    investigation::investigate,
    runbook::Library,
};
use serde_json::Value;
use tokio::{task::spawn_blocking, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    bundle::{self, FAULTY},
    report::{Figure, median},
};

const RUNS: usize = 5;
const TARGET: f64 = 2.0;

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let bytes = bundle::write(folder.path())?;
    let (mut whole, mut loading, mut investigating) = (Vec::new(), Vec::new(), Vec::new());
    let mut answer = String::new();
    for _ in 0..RUNS {
        let (took, said) = program(folder.path())?;
        whole.push(took.as_secs_f64());
        answer = said;
        let (load, investigation) = in_process(folder.path()).await?;
        loading.push(load.as_secs_f64());
        investigating.push(investigation.as_secs_f64());
    }
    let wall = median(whole);
    Ok(vec![
        Figure {
            name: "whole investigation of a bundle".to_owned(),
            measured: format!("{wall:.2} s"),
            target: Some((format!("< {TARGET} s"), wall < TARGET)),
            how: format!(
                "wall time of `quell investigate --local --bundle DIR -o json`, loading included, median of {RUNS}; \
                 {} spans, {} log lines, {} series with a point each {} s over 1 h, 20 services, {:.0} MB of \
                 OTLP/JSON; it answers {answer}, broken is {FAULTY}",
                bundle::SPANS,
                bundle::LOGS,
                bundle::SERIES,
                bundle::STEP_SECONDS,
                bytes as f64 / 1e6,
            ),
        },
        Figure {
            name: "its parts, in process".to_owned(),
            measured: format!("load {:.2} s, investigate {:.2} s", median(loading), median(investigating)),
            target: None,
            how: format!("bundle::open, then investigation::investigate, medians of {RUNS}"),
        },
    ])
}

/// The program as people run it, and what it answers.
fn program(bundle: &Path) -> Result<(Duration, String)> {
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_quell"))
        .args(["investigate", "--local", "--exit-zero", "-o", "json", "--bundle"])
        .arg(bundle)
        .output()?;
    let took = began.elapsed();
    if !output.status.success() {
        bail!("quell investigate: {}", String::from_utf8_lossy(&output.stderr));
    }
    let answer: Value = serde_json::from_slice(&output.stdout).context("its output is JSON")?;
    let cause = answer["hypotheses"][0]["entity"]["service"].as_str().unwrap_or("nobody");
    let verdict = answer["verdict"].as_str().unwrap_or("no verdict");
    Ok((took, format!("{verdict}, {cause}")))
}

async fn in_process(path: &Path) -> Result<(Duration, Duration)> {
    let began = Instant::now();
    let owned = path.to_owned();
    let bundle = spawn_blocking(move || open(&owned, Options::default())).await??;
    let load = began.elapsed();
    let store = &bundle.store;
    ensure!(
        (store.spans.len(), store.logs.len(), store.series.len())
            == (bundle::SPANS, bundle::LOGS, bundle::SERIES),
        "the bundle holds {} spans, {} log lines and {} series",
        store.spans.len(),
        store.logs.len(),
        store.series.len()
    );
    let request = bundle
        .request("", None, Duration::from_secs(60))
        .context("the bundle has an alert that names a service")?;
    let (library, _) = Library::load(&[], true);
    let began = Instant::now();
    let running = investigate(
        request,
        bundle.sources(),
        Arc::new(library),
        Arc::new(|_: Payload| {}),
        CancellationToken::new(),
    );
    drop(tokio::spawn(running).await?);
    Ok((load, began.elapsed()))
}
