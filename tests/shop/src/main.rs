//! Runs the shop alone, with a fault after a while: something real to page about.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Parser;
use quell_shop::{Config, Fault, Shop};

/// A small shop on loopback that sends telemetry, and breaks when told to.
#[derive(Parser)]
#[command(name = "quell-shop", version)]
struct Args {
    /// Fault to switch on: none, pool-leak, slow-query, bad-release, dependency-down, traffic-surge,
    /// decoy-deploy. Without it the shop stays well.
    #[arg(long)]
    fault: Option<Fault>,
    /// Time before the fault.
    #[arg(long, default_value = "20s", value_parser = humantime::parse_duration)]
    after: Duration,
    /// Time that the fault stays on. Without it: until the end.
    #[arg(long = "for", value_parser = humantime::parse_duration)]
    lasting: Option<Duration>,
    /// Time to run. Without it: until Ctrl-C.
    #[arg(long, value_parser = humantime::parse_duration)]
    run: Option<Duration>,
    /// Decides arrivals, customers and service times.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Where to send traces, logs and metrics by OTLP over gRPC.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp: Option<String>,
    /// Requests per second.
    #[arg(long, default_value_t = 50.0)]
    rps: f64,
    /// Multiplies workers and connection pools.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Base address of what takes PagerDuty change events, e.g. `http://127.0.0.1:8080`.
    #[arg(long, requires = "routing_key")]
    changes: Option<String>,
    /// Routing key for change events.
    #[arg(long, env = "QUELL_SHOP_ROUTING_KEY", hide_env_values = true)]
    routing_key: Option<String>,
    /// Directory to write `prometheus.yml` and the rule files to.
    #[arg(long)]
    prometheus: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let config = Config {
        otlp_endpoint: args.otlp.clone(),
        change_endpoint: args.changes.clone().zip(args.routing_key.clone()),
        seed: args.seed,
        load_rps: args.rps,
        scale: args.scale,
    };
    let shop = Shop::start(config).await.context("cannot start the shop")?;
    for service in shop.services() {
        say(&format!("{:<18} http://{}", service.name, service.address))?;
    }
    if let Some(directory) = &args.prometheus {
        write_prometheus(&shop, directory)?;
    }
    let outcome = tokio::select! {
        outcome = attend(&shop, &args) => outcome,
        signal = tokio::signal::ctrl_c() => signal.context("cannot wait for Ctrl-C"),
    };
    shop.stop().await;
    outcome
}

/// Prints a line each second and switches the fault when it is time.
async fn attend(shop: &Shop, args: &Args) -> Result<()> {
    let started = Instant::now();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut due = args.fault;
    let mut until = None;
    loop {
        second.tick().await;
        let elapsed = started.elapsed();
        if args.run.is_some_and(|limit| elapsed >= limit) {
            return Ok(());
        }
        if elapsed >= args.after
            && let Some(fault) = due.take()
        {
            say(&format!("--- {fault}: {}", fault.summary()))?;
            shop.inject(fault).await?;
            until = args.lasting.map(|lasting| elapsed + lasting);
        }
        if until.is_some_and(|until| elapsed >= until) {
            until = None;
            say("--- cleared")?;
            shop.clear().await?;
        }
        let stats = shop.stats();
        say(&format!(
            "{:>4}s  {:>6.1} rps  {:>5.1} % errors  p50 {:>5} ms  p95 {:>5} ms  open {:>4}{}",
            elapsed.as_secs(),
            stats.rps,
            stats.error_rate * 100.0,
            stats.p50.as_millis(),
            stats.p95.as_millis(),
            stats.in_flight,
            if stats.changes_lost > 0 {
                format!("  change events lost {}", stats.changes_lost)
            } else {
                String::new()
            },
        ))?;
    }
}

fn write_prometheus(shop: &Shop, directory: &Path) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok::<_, anyhow::Error>(path)
    };
    std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    write("shop.rules.yml", quell_shop::alert_rules())?;
    write("sensitive.rules.yml", quell_shop::sensitive_rules())?;
    let files = [Path::new("shop.rules.yml"), Path::new("sensitive.rules.yml")];
    let config = write("prometheus.yml", &quell_shop::prometheus_config(shop, &files, None))?;
    say(&format!("{:<18} {}", "prometheus", config.display()))
}

fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").context("cannot write to standard output")
}
