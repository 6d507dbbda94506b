//! `quell calibrate`: fits confidence to labelled incidents.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Exit,
    args::Calibrate,
    bench,
    exit::{Failure, Result},
    output::Out,
    render::table,
};
use crate::{
    bench::{Answered, Options, Perturbation, calibrate},
    domain::{CalibrationDataset, CalibrationTable},
};

pub(super) async fn run(args: Calibrate, out: &Out) -> Result<Exit> {
    let datasets = bench::datasets(&args.answering)?;
    let library = bench::library(&args.answering, out);
    let conditions =
        if args.as_recorded { vec![Perturbation::default()] } else { Perturbation::conditions() };
    let (mut samples, mut fitted_on, mut newest) = (Vec::new(), Vec::new(), None);
    for perturbation in &conditions {
        let options = Options {
            jobs: args.answering.jobs,
            budget: args.answering.working.budget(),
            perturbation: perturbation.clone(),
        };
        for (report, answers) in bench::answer(&datasets, &options, &library, None, out).await? {
            let of_dataset = calibrate::samples(&report, conditions.len());
            if perturbation.is_none() {
                fitted_on.push(CalibrationDataset { name: report.dataset.clone(), cases: of_dataset.len() });
                newest = newest.max(answers.iter().filter_map(end).max());
            }
            samples.extend(of_dataset);
        }
    }
    let date = match args.date {
        Some(date) => date,
        None => newest
            .ok_or_else(|| Failure::new(Exit::General, "no case was answered; see above"))?
            .to_zoned(TimeZone::UTC)
            .date(),
    };
    let conditions = conditions.iter().map(Perturbation::words).collect();
    let table = calibrate::fit(&samples, fitted_on, conditions, &date.to_string())?;
    let mut text = serde_json::to_string_pretty(&table)?;
    text.push('\n');
    std::fs::write(&args.out, text)
        .map_err(|error| Failure::new(Exit::General, format!("{}: {error}", args.out.display())))?;
    print(&table, out)?;
    out.say(&format!("written to {}", args.out.display()));
    Ok(Exit::Ok)
}

fn end(case: &Answered) -> Option<Timestamp> {
    Some(case.answer.as_ref().ok()?.end)
}

fn print(table_: &CalibrationTable, out: &Out) -> Result<()> {
    if !out.is_for_people() {
        return out.value(table_);
    }
    let from = &table_.provenance;
    let rows = [("as it was", from.before), ("isotonic", from.isotonic), ("platt", from.platt)];
    let rows = rows.map(|(name, figures)| {
        vec![
            name.to_owned(),
            format!("{:.4}", figures.brier),
            format!("{:.4}", figures.ece),
            format!("{:.4}", figures.log_loss),
            if name == from.method { "chosen".to_owned() } else { String::new() },
        ]
    });
    out.text(&table(&["CONFIDENCE", "BRIER", "ECE", "LOG LOSS", ""], rows.to_vec(), out.width))?;
    out.line(&format!(
        "{} cases of {} different causes; isotonic and platt by leaving one cause out; {} points",
        from.cases,
        from.groups,
        table_.points().len()
    ))
}
