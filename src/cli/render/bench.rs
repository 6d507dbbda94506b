//! What a measurement came to, for the terminal and as Markdown.

use std::fmt::Write;

use super::{
    bench_sections::{self, Section, sections},
    style::{dim, heading},
    table,
    text::clean,
};
use crate::{
    bench::{Bin, Reliability},
    cli::bench::Measured,
};

/// Wrong answers that are listed unless all are asked for.
const WRONG: usize = 20;
/// Columns of a bar from 0 to 1.
const BAR: usize = 40;

/// A run. With a width it is for the terminal, without one it is Markdown.
pub(crate) fn bench(measured: &Measured, width: Option<usize>, verbose: bool) -> String {
    let mut text = String::new();
    if !measured.perturbation.is_empty() {
        writeln!(text, "Made wrong: {}\n", measured.perturbation).ok();
    }
    for section in sections(measured) {
        put(&mut text, &section, width);
    }
    if let Some(reliability) = &measured.all.reliability {
        diagram(&mut text, reliability, width);
    }
    // A page of figures does not need them; who runs it does.
    if let (Some(mut wrong), Some(_)) = (bench_sections::wrong(&measured.datasets), width) {
        let more = wrong.rows.len().saturating_sub(WRONG);
        if !verbose {
            wrong.rows.truncate(WRONG);
        }
        put(&mut text, &wrong, width);
        if !verbose && more > 0 {
            writeln!(text, "{}", dim(&format!("and {more} more: -v"))).ok();
        }
    }
    text
}

/// Runs without each signal. With a width it is for the terminal, without one it is Markdown.
pub(crate) fn ablations(all: &[Measured], width: Option<usize>) -> String {
    let mut text = String::new();
    for section in bench_sections::ablations(all) {
        put(&mut text, &section, width);
    }
    text
}

fn put(text: &mut String, section: &Section, width: Option<usize>) {
    match width {
        Some(width) => {
            writeln!(text, "{}", heading(&section.title.to_uppercase())).ok();
            let names: Vec<&str> = section.heading.iter().map(String::as_str).collect();
            text.push_str(&table(&names, section.rows.clone(), width));
            text.push('\n');
        }
        None => {
            let row = |cells: &[String]| {
                let cells: Vec<String> =
                    cells.iter().map(|cell| clean(cell).replace('|', "\\|").replace('\n', " ")).collect();
                format!("| {} |", cells.join(" | "))
            };
            writeln!(text, "**{}**\n\n{}", section.title, row(&section.heading)).ok();
            writeln!(text, "|{}", " --- |".repeat(section.heading.len())).ok();
            for cells in &section.rows {
                writeln!(text, "{}", row(cells)).ok();
            }
            text.push('\n');
        }
    }
}

/// Confidence against truth: `#` up to the share of right answers, `|` at the confidence.
fn diagram(text: &mut String, reliability: &Reliability, width: Option<usize>) {
    let title = "Reliability: # right, | said";
    match width {
        Some(_) => writeln!(text, "{}", heading(&title.to_uppercase())).ok(),
        None => writeln!(text, "**{title}**\n\n```text").ok(),
    };
    for bin in reliability.bins.iter().filter(|bin| bin.cases > 0) {
        let (said, share) = (bin.said.unwrap_or_default(), bin.share().unwrap_or_default());
        let interval = bin.interval.map_or((0.0, 1.0), |interval| (interval.low, interval.high));
        writeln!(
            text,
            "{:.1}-{:.1}  {:>4} cases  {}  said {said:.2}  right {share:.2} ({:.2}-{:.2})",
            bin.from,
            bin.to,
            bin.cases,
            bar(bin),
            interval.0,
            interval.1,
        )
        .ok();
    }
    let end = if width.is_some() { "\n" } else { "```\n\n" };
    text.push_str(end);
}

fn bar(bin: &Bin) -> String {
    let column = |value: f64| ((value * BAR as f64) as usize).min(BAR - 1);
    let (said, share) = (bin.said.unwrap_or_default(), bin.share().unwrap_or_default());
    let filled = (share * BAR as f64).round() as usize;
    (0..BAR)
        .map(|place| match place {
            place if place == column(said) => '|',
            place if place < filled => '#',
            _ => '.',
        })
        .collect()
}
