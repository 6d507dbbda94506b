//! The service graph as adjacency, with the questions that explaining asks of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use quell_sdk::signal::CallEdge;

/// Who calls whom. Names are in order, so that every answer is the same every time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    callees: BTreeMap<String, BTreeSet<String>>,
    callers: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub fn new<'a>(edges: impl IntoIterator<Item = &'a CallEdge>) -> Self {
        let mut graph = Self::default();
        for edge in edges {
            graph.add(&edge.caller, &edge.callee);
        }
        graph
    }

    pub fn add(&mut self, caller: &str, callee: &str) {
        if caller != callee && !self.calls(caller, callee) {
            self.callees.entry(caller.to_owned()).or_default().insert(callee.to_owned());
            self.callers.entry(callee.to_owned()).or_default().insert(caller.to_owned());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.callees.is_empty()
    }

    pub fn contains(&self, name: &str) -> bool {
        self.callees.contains_key(name) || self.callers.contains_key(name)
    }

    pub fn calls(&self, caller: &str, callee: &str) -> bool {
        self.callees.get(caller).is_some_and(|callees| callees.contains(callee))
    }

    pub fn callees(&self, name: &str) -> impl Iterator<Item = &str> {
        self.callees.get(name).into_iter().flatten().map(String::as_str)
    }

    pub fn callers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.callers.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Services on which `name` depends, with their distance in calls; `name` itself at 0.
    pub fn below(&self, name: &str) -> BTreeMap<String, usize> {
        reach(name, &self.callees)
    }

    /// Services that depend on `name`, with their distance; `name` itself at 0.
    pub fn above(&self, name: &str) -> BTreeMap<String, usize> {
        reach(name, &self.callers)
    }

    /// A shortest chain of calls from `caller` down to `callee`, both included, through nodes that `prefer`
    /// likes where it can. Empty when there is none.
    pub fn path(&self, caller: &str, callee: &str, prefer: impl Fn(&str) -> bool) -> Vec<String> {
        let mut best: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let mut queue: VecDeque<(&str, usize)> = VecDeque::from([(caller, 0)]);
        best.insert(caller, (0, caller));
        while let Some((node, cost)) = queue.pop_front() {
            if best.get(node).is_some_and(|(known, _)| *known < cost) {
                continue;
            }
            for next in self.callees(node) {
                let step = cost + if prefer(next) { 10 } else { 15 };
                if best.get(next).is_none_or(|(known, _)| step < *known) {
                    best.insert(next, (step, node));
                    queue.push_back((next, step));
                }
            }
        }
        let mut path = Vec::new();
        let mut node = callee;
        while let Some((_, before)) = best.get(node) {
            path.push(node.to_owned());
            if node == caller {
                path.reverse();
                return path;
            }
            node = before;
        }
        Vec::new()
    }
}

fn reach(from: &str, next: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, usize> {
    let mut distances = BTreeMap::from([(from.to_owned(), 0)]);
    let mut queue = VecDeque::from([from.to_owned()]);
    while let Some(node) = queue.pop_front() {
        let distance = distances.get(&node).copied().unwrap_or(0) + 1;
        for neighbour in next.get(&node).into_iter().flatten() {
            if !distances.contains_key(neighbour) {
                distances.insert(neighbour.clone(), distance);
                queue.push_back(neighbour.clone());
            }
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        edges.iter().for_each(|(caller, callee)| graph.add(caller, callee));
        graph
    }

    #[test]
    fn distances_survive_cycles() {
        let graph = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("b", "d")]);
        assert_eq!(graph.below("a").get("d"), Some(&2));
        assert_eq!(graph.above("d").get("c"), Some(&3));
    }

    #[test]
    fn a_path_prefers_what_deviates() {
        let graph = graph(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]);
        assert_eq!(graph.path("a", "d", |node| node == "c"), ["a", "c", "d"]);
        assert!(graph.path("d", "a", |_| true).is_empty());
    }
}
