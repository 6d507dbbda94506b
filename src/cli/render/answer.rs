//! An investigation's answer, the most urgent first.

use std::{collections::BTreeMap, fmt::Write};

use quell_proto::v1::{Evidence, Hypothesis, Investigation, investigation::Verdict};

use super::{
    path::paths,
    style::{bad, bold, dim, good, heading, warn},
    text::{clean, clock, confidence, percent, span, tail, wrap},
};

/// Evidence lines per hypothesis, rivals, and innocent changes that are shown unless all are asked for.
const LINES: usize = 4;
const RIVALS: usize = 3;
const INNOCENT: usize = 5;

/// The whole answer. `ask` is the command that runs the query of evidence, but for its id.
pub(crate) fn answer(found: &Investigation, width: usize, verbose: bool, ask: Option<&str>) -> String {
    let mut text = String::new();
    verdict(&mut text, found, width);
    if let Some(first) = found.hypotheses.first().filter(|_| found.verdict() != Verdict::NotAnIncident) {
        text.push('\n');
        if found.verdict() != Verdict::CauseFound {
            let (sure, likely) = (percent(first.probability), confidence(first.probability));
            let line = format!("{likely}, {sure}: {} {}", first.claim, first.id);
            writeln!(text, "   {}", wrap(&line, width, 6)).ok();
        }
        text.push_str(&reasons(first, &found.evidence, width, if verbose { usize::MAX } else { LINES }));
    }
    if !found.next_question.is_empty() {
        writeln!(text, "\n{}", heading("ASK FIRST")).ok();
        writeln!(text, "   {}", wrap(&found.next_question, width, 3)).ok();
    }
    if !found.recovery_paths.is_empty() {
        writeln!(text, "\n{}", heading("WAYS TO RECOVER")).ok();
        let shown = if verbose { found.recovery_paths.len() } else { 4 };
        let first: Vec<_> = found.recovery_paths.iter().take(shown).cloned().collect();
        text.push_str(&paths(&first, width, verbose));
        if found.recovery_paths.len() > shown {
            writeln!(text, "   {}", dim(&format!("and {} more: -v", found.recovery_paths.len() - shown)))
                .ok();
        }
    }
    if found.verdict() != Verdict::NotAnIncident {
        text.push_str(&rivals(found, width, verbose));
    }
    text.push_str(&innocent(found, width, verbose));
    text.push_str(&blind_spots(found, width));
    text.push_str(&footer(found, width, ask));
    text
}

fn verdict(text: &mut String, found: &Investigation, width: usize) {
    let (word, colour): (_, fn(&str) -> String) = match found.verdict() {
        Verdict::CauseFound => ("CAUSE FOUND", bad),
        Verdict::Inconclusive => ("INCONCLUSIVE", warn),
        Verdict::NotAnIncident => ("NOT AN INCIDENT", good),
        Verdict::Unspecified => ("NO VERDICT", str::to_owned),
    };
    let first = found.hypotheses.first().filter(|_| found.verdict() == Verdict::CauseFound);
    let said = first.map_or(&found.because, |first| &first.claim);
    // The word has a colour of its own, and counts in the length of the line.
    let lines = wrap(&format!("{word} {said}"), width.saturating_sub(1), 3);
    let said = lines.strip_prefix(word).unwrap_or(&lines).trim_start_matches(' ');
    let said = if first.is_some() { bold(said) } else { said.to_owned() };
    writeln!(text, "{}  {said}", colour(word)).ok();
    if let Some(first) = first {
        let suffering = if found.blast_radius.is_empty() {
            String::new()
        } else {
            format!(" · suffering: {}", found.blast_radius.join(", "))
        };
        let line = format!(
            "{}, {} · since {} UTC{suffering}",
            confidence(first.probability),
            percent(first.probability),
            clock(found.onset.as_ref().or(first.onset.as_ref()))
        );
        writeln!(text, "   {}", wrap(&line, width, 3)).ok();
    }
}

/// Whether a hypothesis only names another kind of fault where the first one is.
fn is_nested(rival: &Hypothesis, found: &Investigation) -> bool {
    found
        .hypotheses
        .first()
        .is_some_and(|first| first.entity == rival.entity && first.change_id == rival.change_id)
}

/// A hypothesis's strongest arguments, both ways.
fn reasons(hypothesis: &Hypothesis, evidence: &[Evidence], width: usize, most: usize) -> String {
    let mut text = String::new();
    let mut arguments: Vec<_> = hypothesis.arguments.iter().collect();
    arguments.sort_by(|a, b| b.decibans.abs().total_cmp(&a.decibans.abs()));
    let known: BTreeMap<&str, &Evidence> = evidence.iter().map(|item| (item.id.as_str(), item)).collect();
    let mut shown = std::collections::BTreeSet::new();
    for (word, sign) in [("for", 1.0), ("against", -1.0)] {
        let side = arguments.iter().filter(|argument| argument.decibans * sign > 0.0);
        let mut count = 0;
        for argument in side {
            if count >= most {
                break;
            }
            // Two tests may rest on one fact: it is told once.
            if !shown.insert(argument.text.as_str()) && most != usize::MAX {
                continue;
            }
            count += 1;
            let ids = argument.evidence.join(" ");
            let ids = if ids.is_empty() { ids } else { dim(&format!("[{ids}]")) };
            writeln!(
                text,
                "   {:<8}{:>+6.1}  {}",
                if count == 1 { word } else { "" },
                argument.decibans,
                tail(&wrap(&argument.text, width, 18), &ids, width, 18),
            )
            .ok();
            if most == usize::MAX {
                for item in argument.evidence.iter().filter_map(|id| known.get(id.as_str())) {
                    writeln!(
                        text,
                        "                  {}",
                        dim(&format!("{} {}: {}", item.id, clean(&item.source), clean(&item.query)))
                    )
                    .ok();
                }
            }
        }
    }
    if let (Some(first), Some(_)) = (hypothesis.propagation.first(), hypothesis.propagation.last()) {
        let chain: Vec<&str> = std::iter::once(first.callee.as_str())
            .chain(hypothesis.propagation.iter().map(|hop| hop.caller.as_str()))
            .collect();
        writeln!(text, "   {:<8}        {}", "path", clean(&chain.join(" -> "))).ok();
    }
    text
}

fn rivals(found: &Investigation, width: usize, verbose: bool) -> String {
    let skip = usize::from(found.verdict() == Verdict::CauseFound || !found.hypotheses.is_empty());
    let most = if verbose { usize::MAX } else { RIVALS };
    let rivals: Vec<_> = found
        .hypotheses
        .iter()
        .skip(skip)
        // What else it may be at the same place is no other explanation, and its figure is part of the first one's.
        .filter(|rival| verbose || !is_nested(rival, found))
        .filter(|rival| verbose || rival.probability >= 0.005)
        .take(most)
        .collect();
    if rivals.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", heading("OTHER EXPLANATIONS"));
    for rival in rivals {
        let claim = wrap(&rival.claim, width, 10);
        let claim = tail(&claim, &dim(&rival.id), width, 10);
        writeln!(text, "   {:>5}  {claim}", percent(rival.probability)).ok();
        if verbose {
            text.push_str(&reasons(rival, &found.evidence, width, usize::MAX));
            continue;
        }
        let against = rival.arguments.iter().min_by(|a, b| a.decibans.total_cmp(&b.decibans));
        if let Some(against) = against.filter(|argument| argument.decibans < 0.0) {
            writeln!(text, "          {}", dim(&wrap(&format!("but {}", against.text), width, 10))).ok();
        }
    }
    text
}

fn innocent(found: &Investigation, width: usize, verbose: bool) -> String {
    if found.innocent.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", heading("NOT TO BLAME"));
    // Those nearest to the onset look most guilty, and are told first.
    let onset = found.onset.as_ref().map_or(i64::MAX, |onset| onset.seconds);
    let mut changes: Vec<_> = found.innocent.iter().collect();
    changes.sort_by_key(|change| change.at.as_ref().map_or(i64::MAX, |at| (at.seconds - onset).abs()));
    let most = if verbose { usize::MAX } else { INNOCENT };
    for change in changes.iter().take(most) {
        let name = if change.title.is_empty() { &change.change_id } else { &change.title };
        let line = format!("{} {name}: {}", clock(change.at.as_ref()), change.because);
        writeln!(text, "   {}", wrap(&line, width, 12)).ok();
    }
    if changes.len() > most {
        let more = match changes.len() - most {
            1 => "and 1 other change".to_owned(),
            more => format!("and {more} other changes"),
        };
        writeln!(text, "   {}", dim(&more)).ok();
    }
    text
}

fn blind_spots(found: &Investigation, width: usize) -> String {
    if found.blind_spots.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", heading("NOT SEEN"));
    for spot in &found.blind_spots {
        let source = if spot.source == "-" { String::new() } else { format!(" from {}", spot.source) };
        let line = format!("{}{source}: {}", spot.signal, spot.because);
        writeln!(text, "   {}", wrap(&line, width, 6)).ok();
    }
    text
}

fn footer(found: &Investigation, width: usize, ask: Option<&str>) -> String {
    let items: Vec<String> = found
        .coverage
        .iter()
        .filter(|coverage| coverage.items > 0)
        .map(|coverage| {
            let unit = match coverage.signal.as_str() {
                "metrics" => "series",
                "logs" => "log lines",
                "traces" => "spans",
                "topology" => "call edges",
                other => other,
            };
            format!("{} {unit}", coverage.items)
        })
        .collect();
    let timings = found.timings.as_ref();
    let first = span(timings.and_then(|timings| timings.first_ranking.as_ref()));
    let total = span(timings.and_then(|timings| timings.total.as_ref()));
    let read = if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
    let mut text = String::from("\n");
    if let (Some(ask), Some(first)) = (ask, found.evidence.first()) {
        // On a line of its own and never broken, to be copied.
        writeln!(text, "{}", dim(&format!("numbers in doubt? This runs the query of {}:", first.id))).ok();
        writeln!(text, "{} {}", clean(ask), first.id).ok();
    }
    let read = format!(
        "read {read}; first ranking after {first}, done after {total}; quell shows commands and never runs them"
    );
    writeln!(text, "{}", dim(&wrap(&read, width, 0))).ok();
    text
}

/// All hypotheses with their arguments.
pub(crate) fn hypotheses(found: &Investigation, width: usize) -> String {
    let mut text = String::new();
    for hypothesis in &found.hypotheses {
        let claim = bold(&wrap(&hypothesis.claim, width, 7));
        writeln!(text, "{:>5}  {claim} {}", percent(hypothesis.probability), dim(&hypothesis.id)).ok();
        text.push_str(&reasons(hypothesis, &found.evidence, width, usize::MAX));
    }
    text
}

/// All evidence, with its queries, and for each the command that runs it.
pub(crate) fn evidence(found: &Investigation, width: usize, run: &dyn Fn(&str) -> String) -> String {
    let mut text = String::new();
    for item in &found.evidence {
        writeln!(text, "{} {}", bold(&format!("{:<5}", item.id)), wrap(&item.summary, width, 6)).ok();
        writeln!(
            text,
            "      {}",
            dim(&format!("{} ({}): {}", clean(&item.source), item.language, clean(&item.query)))
        )
        .ok();
        writeln!(text, "      {}", run(&item.id)).ok();
    }
    text
}
