//! An incident as it is worked: the lines that go by, without those that only repeat what is known.

use std::{collections::BTreeSet, fmt::Write};

use quell_proto::v1::{Event, Hypothesis, Investigation, RankingChanged, event::Payload};

use super::{
    event::{event, numbered},
    style::{dim, heading},
    text::{clean, cut, percent, span, verdict},
};

/// Places that are named of those under test.
const PLACES: usize = 6;

/// Follows one journal. With `verbose` every event has its line, in full. Without, what is under test is one
/// line, a ranking has one when its first place changes, and lines end where the terminal does.
pub(crate) struct Feed {
    verbose: bool,
    width: usize,
    /// Ids of hypotheses as they were last ranked.
    order: Vec<String>,
    /// How many there are, and the ids of those of which an agent has spoken.
    all: usize,
    tested: BTreeSet<String>,
    /// How many were proposed since the last line, at which places, and the number of the last.
    proposed: usize,
    places: Vec<String>,
    last: Event,
}

impl Feed {
    pub(crate) fn new(verbose: bool, width: usize) -> Self {
        Self {
            verbose,
            width,
            order: Vec::new(),
            all: 0,
            tested: BTreeSet::new(),
            proposed: 0,
            places: Vec::new(),
            last: Event::default(),
        }
    }

    /// The lines of the next event.
    pub(crate) fn lines(&mut self, next: &Event) -> Vec<String> {
        if self.verbose {
            return event(next, true).into_iter().collect();
        }
        let line = match next.payload.as_ref() {
            Some(Payload::Hypothesis(hypothesis)) => {
                self.propose(hypothesis);
                self.last = Event { seq: next.seq, at: next.at, ..Event::default() };
                return Vec::new();
            }
            Some(Payload::RankingChanged(ranking)) => self.first(ranking).map(|line| numbered(next, &line)),
            Some(Payload::InvestigationFinished(found)) => Some(numbered(next, &done(found))),
            Some(Payload::InvestigationStarted(_)) => {
                // Another attempt numbers its hypotheses anew.
                *self = Self::new(self.verbose, self.width);
                event(next, false)
            }
            Some(Payload::Argument(made)) => {
                self.tested.insert(made.hypothesis_id.clone());
                event(next, false)
            }
            _ => event(next, false),
        };
        let proposed = line.as_ref().and_then(|_| self.under_test()).map(|line| numbered(&self.last, &line));
        [proposed, line].into_iter().flatten().map(|line| cut(&line, self.width)).collect()
    }

    fn propose(&mut self, hypothesis: &Hypothesis) {
        self.all += 1;
        self.proposed += 1;
        let place = hypothesis.entity.as_ref().map(|entity| clean(&entity.name)).unwrap_or_default();
        if !place.is_empty() && !self.places.contains(&place) {
            self.places.push(place);
        }
    }

    /// What was proposed since the last line.
    fn under_test(&mut self) -> Option<String> {
        let (count, places) = (std::mem::take(&mut self.proposed), std::mem::take(&mut self.places));
        let explanations = match count {
            0 => return None,
            1 => "1 explanation".to_owned(),
            count => format!("{count} explanations side by side"),
        };
        let mut line = format!("test   {explanations}");
        if !places.is_empty() {
            let named: Vec<&str> = places.iter().take(PLACES).map(String::as_str).collect();
            // Writing to a string cannot fail.
            write!(line, ", at {}", named.join(", ")).ok();
        }
        if places.len() > PLACES {
            write!(line, " and {} more", places.len() - PLACES).ok();
        }
        Some(line)
    }

    /// The first place, when another hypothesis holds it than before.
    fn first(&mut self, ranking: &RankingChanged) -> Option<String> {
        let order: Vec<String> = ranking.hypotheses.iter().map(|ranked| ranked.id.clone()).collect();
        let before = std::mem::replace(&mut self.order, order);
        let first = ranking.hypotheses.first()?;
        if before.first() == Some(&first.id) {
            return None;
        }
        let place = before.iter().position(|id| *id == first.id);
        let was = match place {
            _ if before.is_empty() => String::new(),
            Some(place) => format!(" (was #{})", place + 1),
            None => format!(" (was below #{})", before.len()),
        };
        // An early first place is worth less, and is told so.
        let tested = match self.tested.len() {
            tested if tested < self.all => format!(", {tested} of {} tested", self.all),
            _ => String::new(),
        };
        let path = ranking.recovery_paths.first().map(|path| format!(" -> {}", clean(&path.title)));
        Some(format!(
            "{}  {} {} {}{was}{}{}",
            heading("first"),
            percent(first.probability),
            clean(&first.claim),
            dim(&first.id),
            dim(&tested),
            path.unwrap_or_default(),
        ))
    }
}

fn done(found: &Investigation) -> String {
    let total = found.timings.as_ref().and_then(|timings| timings.total.as_ref());
    format!("done   {} after {}", verdict(found.verdict()), span(total))
}
