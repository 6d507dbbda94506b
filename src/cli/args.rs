//! What can be typed.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::shell::quoted;
use crate::{
    bench::{Perturbation, Share},
    domain::SignalKind,
};

/// Where a server listens when nothing is said.
const SERVER: &str = "http://127.0.0.1:7777";
/// Time until there must be an answer when nothing is said.
const BUDGET: Duration = Duration::from_secs(60);

/// On-call copilot: a page becomes ranked, evidenced ways to recover.
#[derive(Debug, Parser)]
#[command(name = "quell", version, arg_required_else_help = true, max_term_width = 120)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of all commands.
#[derive(Clone, Debug, Args)]
pub(super) struct Global {
    /// Form of the output.
    #[arg(short, long, global = true, value_enum, default_value = "auto")]
    pub output: Output,
    /// Address of the server; http://127.0.0.1:7777 when left out.
    #[arg(long, global = true, env = "QUELL_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// Nothing on standard error but errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More: arguments of every hypothesis, and what quell itself does.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No colours; as does NO_COLOR.
    #[arg(long, global = true)]
    pub no_color: bool,
    /// End with 0 whatever the answer.
    #[arg(long, global = true)]
    pub exit_zero: bool,
}

impl Global {
    /// Where the server is.
    pub(super) fn address(&self) -> &str {
        self.server.as_deref().unwrap_or(SERVER)
    }

    /// A command that asks the same server, as a shell reads it.
    pub(super) fn command(&self, words: &str) -> String {
        // What the environment says holds for the next command as well.
        let from_environment = || std::env::var("QUELL_SERVER").ok();
        match self.server.as_ref().filter(|server| Some(*server) != from_environment().as_ref()) {
            Some(server) => format!("quell --server {} {words}", quoted(server)),
            None => format!("quell {words}"),
        }
    }
}

/// Forms of output. JSON keys are those of quell.v1 and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Auto,
    Table,
    /// Table with more columns.
    Wide,
    /// One JSON document: canonical proto3 JSON.
    Json,
    /// One JSON document per line.
    Jsonl,
    Yaml,
    /// Markdown.
    Md,
    /// Identifiers only, one per line.
    Name,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server: takes alerts and telemetry, investigates, streams.
    Serve(Serve),
    /// See it work: a small shop breaks, and quell finds out why.
    Demo(Demo),
    /// Investigate a service, an alert, or a recorded incident.
    Investigate(Investigate),
    /// Follow an incident as it is worked.
    Watch(Watch),
    /// List incidents.
    #[command(visible_aliases = ["inc", "ls"])]
    Incidents(Incidents),
    /// Show an incident: the answer, or one part of it.
    Show(Show),
    /// Run a query: one that evidence shows, to see its numbers for yourself, or your own.
    Query(Query),
    /// Runbooks: list, match, lint, import.
    #[command(subcommand)]
    Runbook(Runbook),
    /// Measure accuracy on labelled incidents: docs/accuracy.md.
    Bench(Box<Bench>),
    /// Fit confidence to labelled incidents, and write the table.
    Calibrate(Calibrate),
    /// Check that everything quell needs is there, and say what to do where it is not.
    Doctor(Configured),
    /// Print a completion script.
    Completion {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Version of the program and of its interfaces.
    Version,
    /// `quell INC-7` is `quell show INC-7`.
    #[command(external_subcommand)]
    Other(Vec<String>),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Configured {
    /// Configuration file (YAML).
    #[arg(short, long, env = "QUELL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Overrides one value, e.g. --set server.listen=127.0.0.1:0
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub configured: Configured,
    /// Log lines as JSON.
    #[arg(long)]
    pub log_json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// What breaks.
    #[arg(long, default_value = "pool-leak", value_name = "NAME",
          help = format!("What breaks: {}", quell_shop::Fault::names()))]
    pub fault: String,
    /// Seed of everything random in the shop.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Keep the journal here instead of in memory.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// An incident to look at: a recorded one, or where and when to look.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Scope {
    /// Recorded incident: a folder or NAME.tar.zst.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Skip bad lines of a bundle, and say how many.
    #[arg(long)]
    pub lenient: bool,
    /// Service to look at; the one that the alerts name when left out.
    #[arg(long)]
    pub service: Option<String>,
    /// When it was noticed: 15m ago ("15m", "now-15m"), "14:05", or RFC 3339. In a bundle, now is its end.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How far back to look.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
}

/// How the engine works, wherever it runs in this process.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Working {
    /// Time until there must be an answer; what is configured when left out, else 60s.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub budget: Option<Duration>,
    /// Folder with runbooks of your own.
    #[arg(long, value_name = "DIR")]
    pub runbooks: Vec<PathBuf>,
}

impl Working {
    pub(super) fn budget(&self) -> Duration {
        self.budget.unwrap_or(BUDGET)
    }
}

#[derive(Debug, Default, Args)]
pub(super) struct Investigate {
    /// Incident (INC-7), alert ('HighErrorRate{service="checkout"}'), service, or - for an Alertmanager
    /// webhook on standard input.
    pub target: Option<String>,
    /// In this process, without a server.
    #[arg(long)]
    pub local: bool,
    #[command(flatten)]
    pub scope: Scope,
    /// Label of the alert.
    #[arg(short, long = "label", value_name = "KEY=VALUE")]
    pub labels: Vec<String>,
    #[command(flatten)]
    pub working: Working,
    /// Print events while it runs.
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    pub configured: Configured,
}

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Incident, e.g. INC-7; the newest open one when left out.
    pub id: Option<String>,
    /// Start after this event instead of where the last watch ended.
    #[arg(long)]
    pub after: Option<u64>,
    /// End when the investigation is done.
    #[arg(long)]
    pub until_done: bool,
}

#[derive(Debug, Args)]
pub(super) struct Incidents {
    /// `list` is understood and may be left out.
    #[arg(hide = true, value_parser = ["list"])]
    pub list: Option<String>,
    /// Open ones only.
    #[arg(long)]
    pub open: bool,
    /// open or resolved.
    #[arg(short, long, value_parser = ["open", "resolved"])]
    pub status: Option<String>,
    #[arg(long)]
    pub service: Option<String>,
    /// Opened since, e.g. 24h.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    #[arg(long, default_value_t = 100)]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Incident, e.g. INC-7.
    pub id: String,
    /// Recovery paths only.
    #[arg(long)]
    pub paths: bool,
    /// Hypotheses only.
    #[arg(long)]
    pub hypotheses: bool,
    /// Evidence only.
    #[arg(long)]
    pub evidence: bool,
    /// All events, oldest first.
    #[arg(long)]
    pub timeline: bool,
}

#[derive(Debug, Default, Args)]
pub(super) struct Query {
    /// PromQL, LogQL or TraceQL; or evidence: `INC-7 E12`, and with --bundle `E12`.
    #[arg(required = true, num_args = 1..=2, value_name = "QUERY|INC E12")]
    pub what: Vec<String>,
    /// Language of the query; told from the query when left out.
    #[arg(long, value_parser = ["promql", "logql", "traceql", "changes"])]
    pub language: Option<String>,
    /// From when: "15m", "now-15m", "14:05", or RFC 3339; else --since, an hour ago, or the whole of a bundle.
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Until when; now, or the end of the bundle.
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,
    /// Distance of points, e.g. 30s; about 240 points when left out.
    #[arg(long, value_parser = humantime::parse_duration)]
    pub step: Option<std::time::Duration>,
    /// Source to ask; all when left out.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Most lines, spans or changes, the newest.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    // As they were for the investigation that showed the evidence: they settle its numbers.
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub working: Working,
}

#[derive(Debug, Subcommand)]
pub(super) enum Runbook {
    /// Check runbooks; ends with 1 when there are errors.
    Lint {
        /// Files and folders; the shipped runbooks when left out.
        paths: Vec<PathBuf>,
    },
    /// What plain Markdown runbooks give as they are: checks, steps with their risk, variables. Folders named by
    /// --runbooks or in the configuration are read the same way.
    Import {
        /// Markdown files, folders of them, SKILL.md, catalog.json.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Also write each in the native format to this folder, to go on with.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Which runbooks an alert calls for.
    Match {
        /// Name of the alert.
        alert: String,
        /// Label of the alert.
        #[arg(short, long = "label", value_name = "KEY=VALUE")]
        labels: Vec<String>,
        /// Folder with runbooks of your own.
        #[arg(long, value_name = "DIR")]
        runbooks: Vec<PathBuf>,
    },
    /// All runbooks.
    List {
        /// Folder with runbooks of your own.
        #[arg(long, value_name = "DIR")]
        runbooks: Vec<PathBuf>,
    },
}

/// How labelled incidents are answered.
#[derive(Debug, Args)]
pub(super) struct Answering {
    /// Datasets: folders with labels.json and one bundle per case.
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Only the first N cases of each.
    #[arg(long, value_name = "N")]
    pub cases: Option<usize>,
    /// Cases at a time; times per case are only worth something with one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
    #[command(flatten)]
    pub working: Working,
}

#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(flatten)]
    pub answering: Answering,
    /// Write each answer to DIR/CASE.json; to DIR/DATASET/CASE.json when there are several datasets.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// End with 1 when a figure falls below its floor in this JSON file.
    #[arg(long, value_name = "FILE")]
    pub floor: Option<PathBuf>,
    /// Write a reliability diagram over all datasets.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub wrong: Wrong,
}

/// What is made wrong first, to see how answers bear it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Perturbations")]
pub(super) struct Wrong {
    /// Signals taken away: metrics, logs, traces, changes, topology.
    #[arg(long, value_name = "SIGNAL,...", value_delimiter = ',', value_parser = Perturbation::signal)]
    pub ablate: Vec<SignalKind>,
    /// Once with all signals, and once without each.
    #[arg(long, conflicts_with = "ablate")]
    pub each_ablation: bool,
    /// Page and onset that much later; earlier when negative.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, allow_hyphen_values = true)]
    pub shift_onset: f64,
    /// Share of metric series that are missing, e.g. 10%.
    #[arg(long, value_name = "SHARE", default_value = "0%")]
    pub drop: Share,
    /// Share of traces that are kept, e.g. 50%.
    #[arg(long, value_name = "SHARE", default_value = "100%")]
    pub sample_traces: Share,
    /// Each service's clock is wrong by up to this much, e.g. 2s.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub skew: Duration,
    /// Seed of everything drawn for these.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
}

impl Wrong {
    /// All but what `--each-ablation` takes away in turn. `None` when the shift of the onset is no length of
    /// time.
    pub(super) fn perturbation(&self) -> Option<Perturbation> {
        Some(Perturbation {
            ablate: self.ablate.iter().copied().collect::<BTreeSet<_>>(),
            onset_shift: SignedDuration::try_from_secs_f64(self.shift_onset).ok()?,
            drop: self.drop,
            traces: self.sample_traces,
            skew: self.skew,
            seed: self.seed,
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct Calibrate {
    #[command(flatten)]
    pub answering: Answering,
    /// Where the table goes.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Fit on the incidents as they were recorded alone, not also on sampled, incomplete and late versions of them.
    #[arg(long)]
    pub as_recorded: bool,
    /// Day of the fit; the newest incident's when left out, so that the same incidents give the same table.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<jiff::civil::Date>,
}
