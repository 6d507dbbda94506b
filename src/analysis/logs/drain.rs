//! Log templates, mined as in Drain (He et al., ICWS 2017): lines of one length whose first tokens agree
//! are compared token by token with the templates of that leaf, and join the most similar one.
//!
//! A line that names its place in the code goes by that place alone: logger and line number are a better
//! key than any similarity.

use std::fmt::Write;

use super::mask::{WILDCARD, is_location, mask_onto};
use crate::analysis::hash::HashMap;

/// Number of a template within its miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateId(pub u32);

/// Longest line looked at, in tokens. What tells two messages apart stands at their beginning.
const TOKENS: usize = 32;
/// Share of equal tokens from which on a line belongs to a template.
const SIMILAR: f64 = 0.5;
/// Templates per leaf and in all; what comes after joins the catch-all template of its leaf.
const PER_LEAF: usize = 64;
const MOST: usize = 20_000;

/// A miner of templates.
#[derive(Debug, Default)]
pub struct Drain {
    templates: Vec<Vec<String>>,
    leaves: HashMap<Leaf, Vec<TemplateId>>,
    /// Groups and whole lines seen before: most lines repeat exactly once masked.
    known: HashMap<String, TemplateId>,
    /// The line at hand.
    line: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Leaf {
    Location(u32, String),
    Shape(u32, usize, String, String),
    Overflow(u32),
}

impl Drain {
    /// The template of a line. `group` keeps apart what must not share templates: services.
    pub fn learn(&mut self, group: u32, line: &str) -> TemplateId {
        self.line.clear();
        let _never_fails = write!(self.line, "{group}");
        mask_onto(line, TOKENS, &mut self.line);
        if let Some(id) = self.known.get(&self.line) {
            return *id;
        }
        let line = std::mem::take(&mut self.line);
        let tokens: Vec<&str> = line.split(' ').skip(1).collect();
        let id = self.place(leaf(group, &tokens), group, &tokens);
        if self.known.len() < 4 * MOST {
            self.known.insert(line, id);
        }
        id
    }

    fn place(&mut self, leaf: Leaf, group: u32, tokens: &[&str]) -> TemplateId {
        let by_location = matches!(leaf, Leaf::Location(..));
        let candidates = self.leaves.get(&leaf).map_or(&[][..], Vec::as_slice);
        let best = candidates
            .iter()
            .filter_map(|id| Some((*id, similarity(self.templates.get(id.0 as usize)?, tokens))))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        match best {
            Some((id, similar)) if by_location || similar >= SIMILAR || candidates.len() >= PER_LEAF => {
                self.widen(id, tokens);
                id
            }
            _ if self.templates.len() >= MOST => {
                let leaf = Leaf::Overflow(group);
                if let Some(id) = self.leaves.get(&leaf).and_then(|ids| ids.first()) {
                    return *id;
                }
                self.add(leaf, &[WILDCARD])
            }
            _ => self.add(leaf, tokens),
        }
    }

    fn add(&mut self, leaf: Leaf, tokens: &[&str]) -> TemplateId {
        let id = TemplateId(u32::try_from(self.templates.len()).unwrap_or(u32::MAX));
        self.templates.push(tokens.iter().map(|token| (*token).to_owned()).collect());
        self.leaves.entry(leaf).or_default().push(id);
        id
    }

    fn widen(&mut self, id: TemplateId, tokens: &[&str]) {
        let Some(template) = self.templates.get_mut(id.0 as usize) else { return };
        template.truncate(tokens.len());
        for (known, token) in template.iter_mut().zip(tokens) {
            if *known != **token {
                WILDCARD.clone_into(known);
            }
        }
    }

    /// Text of a template, wildcards as `<*>`.
    pub fn text(&self, id: TemplateId) -> String {
        self.templates.get(id.0 as usize).map(|tokens| tokens.join(" ")).unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.templates.len()
    }

    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }
}

fn leaf(group: u32, tokens: &[&str]) -> Leaf {
    if let Some(location) = tokens.iter().take(6).find(|token| is_location(token)) {
        return Leaf::Location(group, (*location).to_owned());
    }
    let token = |index: usize| tokens.get(index).map(|token| (*token).to_owned()).unwrap_or_default();
    Leaf::Shape(group, tokens.len(), token(0), token(1))
}

fn similarity(template: &[String], tokens: &[&str]) -> f64 {
    let equal = template.iter().zip(tokens).filter(|(known, token)| *known == **token).count();
    equal as f64 / template.len().max(tokens.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_that_differ_in_values_share_a_template() {
        let mut drain = Drain::default();
        let one = drain.learn(0, "order 1234 accepted for user 17 in 12.5ms");
        let two = drain.learn(0, "order 9876 accepted for user 23 in 99.1ms");
        assert_eq!(one, two);
        assert_eq!(drain.text(one), "order <*> accepted for user <*> in <*>");
    }

    #[test]
    fn words_that_differ_become_wildcards_while_most_agree() {
        let mut drain = Drain::default();
        let one = drain.learn(0, "connection to host alpha closed by peer");
        let two = drain.learn(0, "connection to host beta closed by peer");
        assert_eq!(one, two);
        assert_eq!(drain.text(one), "connection to host <*> closed by peer");
    }

    #[test]
    fn services_do_not_share_templates() {
        let mut drain = Drain::default();
        assert_ne!(drain.learn(0, "started"), drain.learn(1, "started"));
    }

    #[test]
    fn a_place_in_the_code_is_the_key() {
        let mut drain = Drain::default();
        let one = drain.learn(0, "12:00:01 INFO o.Service#12 [find][none]");
        let two = drain.learn(0, "12:00:02 INFO o.Service#12 [find][found: 3 of a kind]");
        let other = drain.learn(0, "12:00:02 INFO o.Service#15 [find][none]");
        assert_eq!(one, two);
        assert_ne!(one, other);
    }

    proptest! {
        #[test]
        fn any_lines_are_taken_and_repeat_alike(lines in prop::collection::vec(".{0,200}", 1..60)) {
            let mut drain = Drain::default();
            let first: Vec<_> = lines.iter().map(|line| drain.learn(0, line)).collect();
            prop_assert!(drain.len() <= lines.len());
            let again: Vec<_> = lines.iter().map(|line| drain.learn(0, line)).collect();
            prop_assert_eq!(first, again);
        }
    }
}
