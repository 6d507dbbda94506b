//! Reads and writes PromQL.

use std::{collections::BTreeMap, time::Duration};

use promql_parser::{
    label::{MatchOp, Matcher},
    parser::{Expr, VectorSelector, parse},
};

/// Longest expression that is taken apart, and how deep its tree may get: it is walked by recursion, and
/// alerts come from outside.
const MAX_BYTES: usize = 16 * 1024;
const MAX_DEPTH: usize = 200;
/// Most parts that one rule is taken apart into.
const MAX_INDICATORS: usize = 3;

/// What an alert rule's expression says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rule {
    /// What the rule compares, without the thresholds: what to plot to see why it fires.
    pub(crate) indicators: Vec<String>,
    /// Metrics that it reads.
    pub(crate) metrics: Vec<String>,
    /// Labels that it pins to a value (`service="checkout"`).
    pub(crate) pinned: Vec<(String, String)>,
}

/// Takes an expression apart. What does not parse (a dialect, something hostile) is its own indicator
/// and says no more.
pub(crate) fn rule(text: &str) -> Rule {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_BYTES || depth(text) > MAX_DEPTH {
        return Rule::default();
    }
    let Ok(expr) = parse(text) else {
        return Rule { indicators: vec![text.to_owned()], ..Rule::default() };
    };
    let mut rule = Rule::default();
    compared(&expr, &mut |part| {
        let part = part.to_string();
        if rule.indicators.len() < MAX_INDICATORS && !rule.indicators.contains(&part) {
            rule.indicators.push(part);
        }
    });
    // Trust what was written only if it reads back as an expression.
    if rule.indicators.iter().any(|part| parse(part).is_err()) {
        rule.indicators = vec![text.to_owned()];
    }
    selectors(&expr, &mut |selector| note(selector, &mut rule));
    rule
}

/// At most how deep the tree of an expression is: brackets nest, and so do chains of operators.
fn depth(text: &str) -> usize {
    let marks = text.chars().filter(|letter| "([{+-*/%^<>=!".contains(*letter)).count();
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    let operators = ["and", "or", "unless", "atan2"];
    marks + words.filter(|word| operators.iter().any(|known| word.eq_ignore_ascii_case(known))).count()
}

/// Both sides of what is compared or combined, except plain numbers.
fn compared<'a>(expr: &'a Expr, found: &mut impl FnMut(&'a Expr)) {
    match expr {
        Expr::Paren(inner) if is_condition(&inner.expr) => compared(&inner.expr, found),
        Expr::Binary(binary) if is_condition(expr) => {
            compared(&binary.lhs, found);
            compared(&binary.rhs, found);
        }
        Expr::NumberLiteral(_) => {}
        // A signed or bracketed threshold is one too.
        Expr::Unary(unary) if matches!(*unary.expr, Expr::NumberLiteral(_)) => {}
        Expr::Paren(inner) if matches!(*inner.expr, Expr::NumberLiteral(_)) => {}
        other => found(other),
    }
}

fn is_condition(expr: &Expr) -> bool {
    match expr {
        Expr::Binary(binary) => binary.op.is_comparison_operator() || binary.op.is_set_operator(),
        Expr::Paren(inner) => is_condition(&inner.expr),
        _ => false,
    }
}

fn selectors<'a>(expr: &'a Expr, found: &mut impl FnMut(&'a VectorSelector)) {
    match expr {
        Expr::VectorSelector(selector) => found(selector),
        Expr::MatrixSelector(matrix) => found(&matrix.vs),
        Expr::Aggregate(aggregate) => {
            selectors(&aggregate.expr, found);
            if let Some(param) = &aggregate.param {
                selectors(param, found);
            }
        }
        Expr::Binary(binary) => {
            selectors(&binary.lhs, found);
            selectors(&binary.rhs, found);
        }
        Expr::Paren(inner) => selectors(&inner.expr, found),
        Expr::Unary(inner) => selectors(&inner.expr, found),
        Expr::Subquery(inner) => selectors(&inner.expr, found),
        Expr::Call(call) => call.args.args.iter().for_each(|argument| selectors(argument, found)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn note(selector: &VectorSelector, rule: &mut Rule) {
    let mut metric = |name: &str| {
        if !name.is_empty() && !rule.metrics.iter().any(|known| known == name) {
            rule.metrics.push(name.to_owned());
        }
    };
    if let Some(name) = &selector.name {
        metric(name);
    }
    for Matcher { op, name, value } in &selector.matchers.matchers {
        if *op != MatchOp::Equal || value.is_empty() {
            continue;
        }
        let pin = (name.clone(), value.clone());
        if name == "__name__" {
            metric(value);
        } else if !rule.pinned.contains(&pin) {
            rule.pinned.push(pin);
        }
    }
}

/// A set of matchers, written in order of label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector(BTreeMap<String, (bool, String)>);

impl Selector {
    /// `label="value"`, in place of what was asked of the label before.
    pub(crate) fn equal(&mut self, label: &str, value: &str) -> &mut Self {
        self.0.insert(label.to_owned(), (false, value.to_owned()));
        self
    }

    /// `label=~"one|other"`, or `=` where there is just one.
    pub(crate) fn any_of<'a>(&mut self, label: &str, values: impl IntoIterator<Item = &'a str>) -> &mut Self {
        let mut values: Vec<&str> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        match values.as_slice() {
            [only] => self.equal(label, only),
            _ => {
                let alternatives: Vec<String> = values.iter().map(|value| escape_regex(value)).collect();
                self.matching(label, &alternatives.join("|"))
            }
        }
    }

    /// `label=~"regex"`.
    pub(crate) fn matching(&mut self, label: &str, regex: &str) -> &mut Self {
        self.0.insert(label.to_owned(), (true, regex.to_owned()));
        self
    }

    /// `metric{…}`, with the name among the matchers where it is no plain identifier.
    pub(crate) fn of(&self, metric: &str) -> String {
        if is_plain(metric) {
            return format!("{metric}{self}");
        }
        let mut with_name = self.clone();
        with_name.equal("__name__", metric);
        with_name.to_string()
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("{")?;
        for (index, (label, (is_regex, value))) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let op = if *is_regex { "=~" } else { "=" };
            write!(formatter, "{comma}{}{op}{}", identifier(label), quote(value))?;
        }
        formatter.write_str("}")
    }
}

/// A label name as it stands in an expression: quoted if it is not a plain one (Prometheus 3).
pub(crate) fn identifier(label: &str) -> String {
    if is_plain(label) && !label.contains(':') { label.to_owned() } else { quote(label) }
}

fn is_plain(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == ':')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')
}

/// A string literal.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A regular expression (RE2) that matches just this text.
pub(crate) fn escape_regex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(
            letter,
            '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$'
        ) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// A duration literal, rounded up to whole seconds where it has more than one.
pub(crate) fn duration(length: Duration) -> String {
    if length < Duration::from_secs(1) {
        return format!("{}ms", length.as_millis().max(1));
    }
    let seconds = length.as_secs() + u64::from(length.subsec_nanos() > 0);
    match seconds {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
#[path = "promql_tests.rs"]
mod tests;
