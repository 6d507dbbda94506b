//! The life of one alert: it fires, it is resolved, it may fire again. Several receivers may tell of it,
//! each in its own time, and some without saying which firing they mean.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Alert, AlertStatus};

/// Receivers remembered per alert; there are a handful.
const MAX_VIEWS: usize = 8;

/// What one delivery says about the alert.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) source: &'a str,
    pub(super) firing: bool,
    pub(super) starts_at: Timestamp,
    /// Whether `starts_at` is the sender's, and so tells one firing from the next.
    pub(super) dated: bool,
    pub(super) now: Timestamp,
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Nothing: it is known, or it is about an earlier firing.
    Known,
    /// The alert fires anew.
    Fired,
    /// The alert is over.
    Resolved,
}

/// The newest word of one receiver.
#[derive(Clone, Debug)]
struct View {
    source: Box<str>,
    episode: u32,
    firing: bool,
    starts_at: Option<Timestamp>,
}

/// The alert's newest firing, until it fires anew.
#[derive(Clone, Debug)]
pub(super) struct Episode {
    number: u32,
    firing: bool,
    /// Start as a sender gave it.
    began: Option<Timestamp>,
    /// The latest start of earlier firings: whoever names it, or one before it, is late.
    past: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    views: Vec<View>,
}

impl Episode {
    /// The first firing that anybody tells of.
    pub(super) fn first(said: Said<'_>) -> Self {
        let began = said.dated.then_some(said.starts_at);
        let mut episode =
            Self { number: 1, firing: true, began, past: None, resolved_at: None, views: Vec::new() };
        episode.hear(said);
        episode
    }

    pub(super) fn is_firing(&self) -> bool {
        self.firing
    }

    /// Whether this receiver has told of the present firing.
    pub(super) fn heard_from(&self, source: &str) -> bool {
        self.view(source).is_some_and(|view| view.episode == self.number)
    }

    /// As a stored alert has it, from which no other receiver's word can be told.
    pub(super) fn restore(&mut self, alert: &Alert, at: Timestamp) {
        let firing = alert.status == AlertStatus::Firing;
        if firing && !self.firing {
            self.number += 1;
            self.resolved_at = None;
        }
        if firing {
            self.begin(Some(alert.starts_at));
        } else if self.firing {
            self.resolved_at = Some(at);
        }
        self.firing = firing;
        self.hear(Said { source: &alert.source, firing, starts_at: alert.starts_at, dated: true, now: at });
    }

    /// Takes in what a receiver says.
    pub(super) fn judge(&mut self, said: Said<'_>, settle: Duration) -> Judgement {
        if said.dated && self.past.is_some_and(|past| said.starts_at <= past) {
            return Judgement::Known;
        }
        match (said.firing, self.firing) {
            (true, true) => self.fires_on(said),
            (true, false) => self.fires_again(said, settle),
            (false, true) => self.ends(said),
            (false, false) => {
                self.learn(said);
                self.hear(said);
                Judgement::Known
            }
        }
    }

    fn fires_on(&mut self, said: Said<'_>) -> Judgement {
        if said.dated && self.began.is_some_and(|began| said.starts_at < began) {
            return Judgement::Known;
        }
        let before = self.view(said.source).filter(|view| view.episode == self.number);
        // The same receiver names a later start: the end in between never reached us.
        let anew = said.dated
            && before.and_then(|view| view.starts_at).is_some_and(|starts_at| said.starts_at > starts_at);
        if anew {
            self.begin(Some(said.starts_at));
        } else {
            self.learn(said);
        }
        // Until it has told of the end of an earlier firing, an undated word may be a repeat of that one.
        if !said.dated && self.owes_an_end(said.source) {
            return Judgement::Known;
        }
        self.hear(said);
        if anew { Judgement::Fired } else { Judgement::Known }
    }

    fn fires_again(&mut self, said: Said<'_>, settle: Duration) -> Judgement {
        let late = if said.dated {
            match (self.began, self.resolved_at) {
                (Some(began), _) => said.starts_at <= began,
                (None, Some(resolved_at)) => said.starts_at <= resolved_at,
                (None, None) => false,
            }
        } else {
            // Who said that it ended and now says that it fires means a new firing. Anybody else may
            // still be telling of the old one.
            let ended_it =
                self.view(said.source).is_some_and(|view| view.episode == self.number && !view.firing);
            !ended_it
                && self.resolved_at.is_some_and(|at| said.now.duration_since(at).unsigned_abs() <= settle)
        };
        if late {
            self.learn(said);
            if !self.heard_from(said.source) {
                self.hear(said);
            }
            return Judgement::Known;
        }
        self.number += 1;
        self.firing = true;
        self.begin(said.dated.then_some(said.starts_at));
        self.resolved_at = None;
        self.hear(said);
        Judgement::Fired
    }

    fn ends(&mut self, said: Said<'_>) -> Judgement {
        let about_this_one = said.dated && self.began.is_some_and(|began| said.starts_at >= began);
        if said.dated && self.began.is_some() && !about_this_one {
            return Judgement::Known;
        }
        let number = self.number;
        let view = self.views.iter_mut().find(|view| *view.source == *said.source);
        if !about_this_one
            && let Some(view) = view.filter(|view| view.episode < number)
            && (view.firing || !said.dated)
        {
            // The end of an earlier firing, which it still owed us, or once more.
            view.firing = false;
            if said.dated {
                self.past = self.past.max(Some(said.starts_at));
            }
            return Judgement::Known;
        }
        self.firing = false;
        self.resolved_at = Some(said.now);
        self.hear(said);
        Judgement::Resolved
    }

    /// Whether this receiver's last word is that an earlier firing goes on.
    fn owes_an_end(&self, source: &str) -> bool {
        self.view(source).is_some_and(|view| view.episode < self.number && view.firing)
    }

    /// Takes the start from a receiver that has one, if the first that told of it had none.
    fn learn(&mut self, said: Said<'_>) {
        if said.dated && self.began.is_none() {
            self.began = Some(said.starts_at);
        }
    }

    fn begin(&mut self, at: Option<Timestamp>) {
        if self.began != at {
            self.past = self.past.max(self.began);
        }
        self.began = at;
    }

    fn view(&self, source: &str) -> Option<&View> {
        self.views.iter().find(|view| *view.source == *source)
    }

    fn hear(&mut self, said: Said<'_>) {
        let starts_at = said.dated.then_some(said.starts_at);
        if let Some(view) = self.views.iter_mut().find(|view| *view.source == *said.source) {
            let earlier = if view.episode == self.number { view.starts_at } else { None };
            view.starts_at = starts_at.or(earlier);
            view.episode = self.number;
            view.firing = said.firing;
            return;
        }
        if self.views.len() >= MAX_VIEWS {
            self.views.remove(0);
        }
        let (episode, firing) = (self.number, said.firing);
        self.views.push(View { source: said.source.into(), episode, firing, starts_at });
    }
}

#[cfg(test)]
#[path = "episode_tests.rs"]
mod tests;
