//! `quell bench`: answers labelled incidents and says how right the answers are.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use serde::Serialize;

use super::{
    Exit,
    args::{Answering, Bench, Output},
    exit::{Failure, Result},
    output::Out,
    progress::Progress,
    render, runbooks,
};
use crate::{
    api::convert,
    bench::{self, Answered, Breach, Dataset, Floors, Options, Perturbation, Report},
    domain::Investigation,
    runbook::Library,
};

/// One run over all datasets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Measured {
    /// The signal taken away in turn, or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<&'static str>,
    /// What was made wrong, in words; empty for nothing.
    pub perturbation: String,
    pub datasets: Vec<Report>,
    /// All datasets as one.
    pub all: Report,
}

pub(super) async fn run(args: Bench, out: &Out) -> Result<Exit> {
    let floors = args.floor.as_deref().map(Floors::load).transpose()?;
    if floors.is_some() && args.wrong.each_ablation {
        return Err(Failure::usage("--floor holds one run; leave out --each-ablation"));
    }
    let asked = args.wrong.perturbation();
    let asked =
        asked.ok_or_else(|| Failure::usage("--shift-onset is no number of seconds; write 60 or -60"))?;
    let datasets = datasets(&args.answering)?;
    let library = library(&args.answering, out);
    if args.wrong.each_ablation {
        return each_ablation(&args, asked, &datasets, &library, out).await;
    }
    let measured = measure(&args, asked, None, &datasets, &library, out).await?;
    let breaches = floors.map(|floors| breaches(&floors, &measured)).unwrap_or_default();
    print(&measured, &breaches, out)?;
    for breach in &breaches {
        Out { quiet: false, ..*out }.say(&format!("quell: below the floor: {breach}"));
    }
    Ok(if breaches.is_empty() { Exit::Ok } else { Exit::General })
}

async fn each_ablation(
    args: &Bench,
    asked: Perturbation,
    datasets: &[Dataset],
    library: &Arc<Library>,
    out: &Out,
) -> Result<Exit> {
    let mut all = vec![measure(args, asked.clone(), Some("none"), datasets, library, out).await?];
    for signal in Perturbation::SIGNALS {
        let less = Perturbation { ablate: BTreeSet::from([signal]), ..asked.clone() };
        all.push(measure(args, less, Some(signal.as_str()), datasets, library, out).await?);
    }
    match out.format {
        _ if out.is_for_people() => out.text(&render::ablations(&all, Some(out.width)))?,
        Output::Md => out.text(&render::ablations(&all, None))?,
        Output::Name => all.iter().filter_map(|one| one.without).try_for_each(|name| out.line(name))?,
        _ => out.values(&all)?,
    }
    Ok(Exit::Ok)
}

/// Opens the datasets, without their labels.
pub(super) fn datasets(args: &Answering) -> Result<Vec<Dataset>> {
    let mut names = BTreeSet::new();
    let mut datasets = Vec::new();
    for dir in &args.dirs {
        let dataset = Dataset::open(dir).map_err(Failure::usage)?;
        if !names.insert(dataset.name.clone()) {
            let name = &dataset.name;
            return Err(Failure::usage(format!("two datasets are named {name}; rename one of the folders")));
        }
        datasets.push(match args.cases {
            Some(count) => dataset.first(count),
            None => dataset,
        });
    }
    Ok(datasets)
}

pub(super) fn library(args: &Answering, out: &Out) -> Arc<Library> {
    let (library, findings) = Library::load(&args.working.runbooks, true);
    runbooks::report(&findings, out);
    Arc::new(library)
}

/// Answers all datasets, and only then reads their labels.
pub(super) async fn answer(
    datasets: &[Dataset],
    options: &Options,
    library: &Arc<Library>,
    keep: Option<&Path>,
    out: &Out,
) -> Result<Vec<(Report, Vec<Answered>)>> {
    let mut answers = Vec::new();
    for dataset in datasets {
        let phrase = options.perturbation.phrase();
        let name = &dataset.name;
        let what = if phrase.is_empty() { name.clone() } else { format!("{name}, {phrase}") };
        let mut progress = Progress::new(out, what, dataset.selected().len());
        // Two datasets may have cases of one name.
        let several = datasets.len() > 1;
        let folder = keep.map(|keep| if several { keep.join(name) } else { keep.to_owned() });
        let mut kept = Ok(());
        let mut watch = |case: &Answered, found: Option<&Investigation>| {
            progress.step(&case.case, case.seconds);
            if let (Some(folder), Some(found), Ok(())) = (&folder, found, &kept) {
                kept = write(folder, &case.case, found);
            }
        };
        answers.push(bench::run(dataset, options, library, &mut watch).await);
        progress.end();
        kept?;
    }
    let mut reports = Vec::new();
    for (dataset, answers) in datasets.iter().zip(answers) {
        let report = Report::of(dataset, &answers)?;
        for (case, why) in report.failures() {
            out.say(&format!("{}: {case}: no answer: {why}", report.dataset));
        }
        for case in &report.unlabelled {
            out.say(&format!("{}: {case}: a bundle without a label, not scored", report.dataset));
        }
        reports.push((report, answers));
    }
    Ok(reports)
}

async fn measure(
    args: &Bench,
    perturbation: Perturbation,
    without: Option<&'static str>,
    datasets: &[Dataset],
    library: &Arc<Library>,
    out: &Out,
) -> Result<Measured> {
    let keep = args.keep.as_ref().map(|folder| match without {
        Some(signal) => folder.join(format!("without-{signal}")),
        None => folder.clone(),
    });
    let phrase = perturbation.phrase();
    let options =
        Options { jobs: args.answering.jobs, budget: args.answering.working.budget(), perturbation };
    let reports = answer(datasets, &options, library, keep.as_deref(), out).await?;
    let datasets: Vec<Report> = reports.into_iter().map(|(report, _)| report).collect();
    let all = Report::pooled(&datasets);
    if let (Some(file), None | Some("none")) = (&args.svg, without) {
        let reliability = all.reliability.as_ref();
        let reliability =
            reliability.ok_or_else(|| Failure::new(Exit::General, "no answer has a confidence to draw"))?;
        let names: Vec<&str> = datasets.iter().map(|report| report.dataset.as_str()).collect();
        let svg =
            bench::reliability_svg(&format!("Reliability of quell on {}", names.join(", ")), reliability);
        std::fs::write(file, svg)
            .map_err(|error| Failure::new(Exit::General, format!("{}: {error}", file.display())))?;
    }
    Ok(Measured { without, perturbation: phrase, datasets, all })
}

/// Writes an answer as `investigate -o json` prints it.
fn write(folder: &Path, case: &str, found: &Investigation) -> Result<()> {
    let file = folder.join(format!("{case}.json"));
    let fail =
        |error: &dyn std::fmt::Display| Failure::new(Exit::General, format!("{}: {error}", file.display()));
    std::fs::create_dir_all(folder).map_err(|error| fail(&error))?;
    let text = serde_json::to_string_pretty(&convert::investigation(found, None))?;
    std::fs::write(&file, text).map_err(|error| fail(&error))
}

fn breaches(floors: &Floors, measured: &Measured) -> Vec<Breach> {
    let mut breaches = floors.breaches(&measured.datasets);
    if floors.knows(&measured.all.dataset) {
        breaches.extend(floors.breaches(std::slice::from_ref(&measured.all)));
    }
    breaches
}

fn print(measured: &Measured, breaches: &[Breach], out: &Out) -> Result<()> {
    /// The run, and what fell below its floor.
    #[derive(Serialize)]
    struct Document<'a> {
        version: &'static str,
        #[serde(flatten)]
        measured: &'a Measured,
        breaches: &'a [Breach],
    }
    match out.format {
        _ if out.is_for_people() => out.text(&render::bench(measured, Some(out.width), out.verbose)),
        Output::Md => out.text(&render::bench(measured, None, out.verbose)),
        Output::Name => {
            let outcomes = measured.datasets.iter().flat_map(|report| &report.outcomes);
            outcomes.filter(|outcome| !outcome.right).try_for_each(|outcome| out.line(&outcome.case))
        }
        Output::Jsonl => out.values(&measured.datasets),
        _ => out.value(&Document { version: env!("CARGO_PKG_VERSION"), measured, breaches }),
    }
}
