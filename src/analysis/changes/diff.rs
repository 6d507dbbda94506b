//! What a diff does, as far as its lines tell: what it takes away, what it loosens or tightens, whether it only
//! moves, words or formats.
//!
//! Nothing is parsed: diffs come in every language. A reviewer's first questions are asked instead. Is anything
//! gone that is not there again elsewhere? Did a number of the same name become smaller? Does anything grow
//! without a bound? Could the changed lines act at all?

use std::collections::{BTreeMap, BTreeSet};

use quell_sdk::signal::Change;

use super::identifiers;

/// What a diff does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// Decibans that this kind of edit brings for (or against) the change having broken something.
    pub decibans: f64,
    /// The reasons in words, strongest first.
    pub because: Vec<String>,
    /// It appends to something that lives on, and nothing of it bounds that.
    pub grows: bool,
}

/// Words, as [`identifiers`] gives them, of code that protects: what becomes of a system when they go is what
/// incidents are made of.
const GUARDS: &[&str] = &[
    "lock",
    "unlock",
    "mutex",
    "synchronized",
    "atomic",
    "retry",
    "attempt",
    "backoff",
    "sleep",
    "timeout",
    "deadline",
    "limit",
    "leeway",
    "tolerance",
    "skew",
    "validate",
    "check",
    "verify",
    "guard",
    "recover",
    "fallback",
    "register",
    "close",
    "release",
    "evict",
    "cap",
    "bound",
    "flush",
    "rollback",
    "commit",
    "index",
    "cache",
    "pool",
    "drain",
    "throttle",
    "semaphore",
    "circuit",
    "escape",
    "transaction",
];

/// Names of numbers that are harmful when they shrink.
const ALLOWANCES: &[&str] = &[
    "max",
    "limit",
    "timeout",
    "deadline",
    "attempt",
    "retry",
    "pool",
    "size",
    "capacity",
    "budget",
    "leeway",
    "tolerance",
    "replica",
    "thread",
    "worker",
    "connection",
    "memory",
    "cpu",
    "quota",
    "ttl",
    "buffer",
    "window",
];

/// Reads the diff of a change. No diff, no effect.
pub fn effect(change: &Change) -> Effect {
    let lines = Lines::of(&change.patch);
    let mut effect = Effect::default();
    if lines.removed.is_empty() && lines.added.is_empty() {
        return effect;
    }
    if let Some(because) = idle(change, &lines) {
        return Effect { decibans: -7.0, because: vec![because.to_owned()], grows: false };
    }
    let (removed, added) = (counts(&lines.removed), counts(&lines.added));
    let gone: BTreeSet<&str> =
        removed.keys().filter(|word| !added.contains_key(*word)).map(String::as_str).collect();
    let guards: Vec<&str> = gone.iter().copied().filter(|word| GUARDS.contains(word)).collect();
    let called = calls(&lines.removed);
    let calls_now = calls(&lines.added);
    let calls_gone: Vec<&str> =
        called.iter().filter(|call| !calls_now.contains(*call)).map(String::as_str).collect();
    let mut note = |decibans: f64, because: String| {
        effect.decibans += decibans;
        effect.because.push(because);
    };
    let kept = if removed.is_empty() { 0.0 } else { 1.0 - gone.len() as f64 / removed.len() as f64 };
    let replaces = lines.added.len() >= lines.removed.len();
    if !(guards.is_empty() || replaces && kept > 0.8) {
        note(6.0, format!("it takes away what protected: {}", guards.join(", ")));
    } else if !calls_gone.is_empty() && !replaces {
        note(5.0, format!("it no longer calls {}", calls_gone.join(", ")));
    } else if let Some(key) = key_gone(&lines) {
        note(3.0, format!("it no longer speaks of \"{key}\""));
    } else if !lines.removed.is_empty()
        && replaces
        && kept > 0.6
        && calls_gone.len() <= 1
        && literals(&lines.removed) == literals(&lines.added)
    {
        note(-4.0, "it moves code more than it changes it: what it removes is there again".to_owned());
    }
    for (name, before, now) in numbers(&lines) {
        let is_allowance = identifiers(&name).iter().any(|part| ALLOWANCES.contains(&part.as_str()));
        if is_allowance && now < before {
            note(6.0, format!("it lowers {name} from {before} to {now}"));
        } else if is_allowance {
            note(-4.0, format!("it raises {name} from {before} to {now}"));
        }
    }
    effect.grows = grows(&lines.added);
    effect.because.truncate(3);
    effect.decibans = effect.decibans.clamp(-8.0, 9.0);
    effect
}

/// Lines that a diff takes away and brings, without what cannot act.
struct Lines {
    removed: Vec<String>,
    added: Vec<String>,
    /// Changed lines that cannot act: comments, imports, blanks.
    idle: usize,
}

impl Lines {
    fn of(patch: &str) -> Self {
        let mut lines = Self { removed: Vec::new(), added: Vec::new(), idle: 0 };
        for line in
            patch.lines().take(4000).filter(|line| !line.starts_with("+++") && !line.starts_with("---"))
        {
            let (side, rest) = match (line.strip_prefix('-'), line.strip_prefix('+')) {
                (Some(rest), _) => (&mut lines.removed, rest),
                (_, Some(rest)) => (&mut lines.added, rest),
                _ => continue,
            };
            if acts(rest) {
                side.push(rest.to_owned());
            } else {
                lines.idle += 1;
            }
        }
        lines
    }
}

/// Whether a line of code could do anything at run time.
fn acts(line: &str) -> bool {
    let line = line.trim();
    let idle = ["//", "#", "*", "/*", "--", "import ", "from ", "use ", "package ", "<!--"];
    !line.is_empty()
        && !idle.iter().any(|start| line.starts_with(start))
        && line.chars().any(char::is_alphanumeric)
}

/// Why a change cannot have broken a server, if so.
fn idle(change: &Change, lines: &Lines) -> Option<&'static str> {
    let ends = |path: &String, ends: &[&str]| ends.iter().any(|end| path.to_ascii_lowercase().ends_with(end));
    let all = |of: &[&str]| !change.files.is_empty() && change.files.iter().all(|path| ends(path, of));
    if all(&[".css", ".scss", ".less", ".svg", ".png"]) {
        return Some("it changes only how a page looks");
    }
    let both = || lines.removed.iter().chain(&lines.added);
    let speaks = |line: &String| {
        let line = line.to_ascii_lowercase();
        [
            "log.",
            "log(",
            "log_",
            "logger",
            "printf",
            "print(",
            "println",
            "slog.",
            "tracing::",
            "debug!",
            "info!",
        ]
        .iter()
        .any(|word| line.contains(word))
    };
    if both().next().is_some() && both().all(speaks) {
        return Some("it changes only what is logged");
    }
    let without = |lines: &[String]| lines.iter().map(|line| unquoted(line)).collect::<Vec<_>>();
    if !lines.removed.is_empty() && without(&lines.removed) == without(&lines.added) && !has_keys(lines) {
        return Some("it changes only the wording of messages");
    }
    None
}

/// A line without the contents of its string literals, and what was added beside them in the same braces.
fn unquoted(line: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    for character in line.chars() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => quote = Some(character),
            None if !character.is_whitespace() => out.push(character),
            None => {}
        }
    }
    out
}

/// Whether the literals that differ are keys rather than messages: one word, no space.
fn has_keys(lines: &Lines) -> bool {
    let (removed, added) = (quoted(&lines.removed), quoted(&lines.added));
    removed.symmetric_difference(&added).any(|literal| !literal.contains(' '))
}

/// A key that was there and is not any more: a field, a column, a header, a topic.
fn key_gone(lines: &Lines) -> Option<String> {
    let added = quoted(&lines.added);
    let is_key =
        |word: &String| word.len() >= 3 && word.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    quoted(&lines.removed).into_iter().find(|literal| is_key(literal) && !added.contains(literal))
}

/// Contents of the string literals.
fn quoted(lines: &[String]) -> BTreeSet<String> {
    lines.iter().flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// The bare numbers, sorted.
fn literals(lines: &[String]) -> Vec<String> {
    let words = lines.iter().flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '.')));
    let mut numbers: Vec<String> =
        words.filter(|word| word.parse::<f64>().is_ok()).map(str::to_owned).collect();
    numbers.sort();
    numbers
}

fn counts(lines: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in lines.iter().flat_map(|line| identifiers(line)) {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// Names that are called.
fn calls(lines: &[String]) -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for line in lines {
        let mut word = String::new();
        for character in line.chars() {
            if character.is_alphanumeric() || character == '_' {
                word.push(character);
            } else {
                if character == '(' && word.len() >= 3 {
                    calls.insert(word.clone());
                }
                word.clear();
            }
        }
    }
    calls
}

/// Numbers that changed under the same name and in the same unit: name, before, now.
fn numbers(lines: &Lines) -> Vec<(String, f64, f64)> {
    let before = named(&lines.removed);
    let now = named(&lines.added);
    before
        .into_iter()
        .filter_map(|((name, unit), before)| {
            let now = *now.get(&(name.clone(), unit))?;
            ((now - before).abs() > f64::EPSILON).then_some((name, before, now))
        })
        .collect()
}

/// `name: 8`, `name = 30`, `"name": 5 * time.Second`: by name and unit.
fn named(lines: &[String]) -> BTreeMap<(String, String), f64> {
    let mut named = BTreeMap::new();
    for line in lines {
        let mut name = String::new();
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '=' | '*');
        let tokens =
            line.split(|c: char| !is_part(c)).flat_map(|token| token.split_inclusive([':', '=', '*']));
        let mut tokens = tokens.filter(|token| !token.is_empty()).peekable();
        while let Some(token) = tokens.next() {
            let word = token.trim_matches(|c: char| matches!(c, ':' | '=' | '.' | '*'));
            match word.parse::<f64>() {
                Ok(number) if !name.is_empty() => {
                    let times =
                        tokens.next_if(|next| next.starts_with('*')).is_some() || token.ends_with('*');
                    let unit =
                        tokens.peek().filter(|_| times).map(|unit| (*unit).to_owned()).unwrap_or_default();
                    named.entry((std::mem::take(&mut name), unit)).or_insert(number);
                }
                _ if word.chars().any(char::is_alphabetic) => word.clone_into(&mut name),
                _ => {}
            }
        }
    }
    named
}

/// Whether what is added appends to something that outlives the request, and nothing bounds it.
fn grows(added: &[String]) -> bool {
    let lower: Vec<String> = added.iter().map(|line| line.to_ascii_lowercase()).collect();
    let has = |words: &[&str]| lower.iter().any(|line| words.iter().any(|word| line.contains(word)));
    let appends = has(&["append(", ".push(", ".add(", ".put(", ".extend(", ".insert("]);
    let lives_on = added.iter().any(|line| {
        let starts = ["var ", "static ", "global ", "let ", "private static", "public static"];
        starts.iter().any(|start| line.starts_with(start)) || line.contains("static ")
    });
    let bounded =
        has(&["lru", "evict", "max", "limit", "cap(", "bounded", "trim", "ttl", "expire", "truncate"]);
    appends && lives_on && !bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(patch: &str) -> Change {
        Change {
            kind: quell_sdk::signal::ChangeKind::Commit,
            id: "c1".to_owned(),
            service: String::new(),
            at: jiff::Timestamp::UNIX_EPOCH,
            title: String::new(),
            author: String::new(),
            version_from: String::new(),
            version_to: String::new(),
            commits: Vec::new(),
            files: Vec::new(),
            patch: patch.to_owned(),
            url: String::new(),
        }
    }

    #[test]
    fn taking_a_guard_away_speaks_for_a_change() {
        let found = effect(&change(
            "-    with self.lock:\n-        self.check_balance(order)\n     self.book(order)\n",
        ));
        assert!(found.decibans > 3.0, "{found:?}");
    }

    #[test]
    fn lowering_an_allowance_speaks_for_a_change_and_raising_it_against() {
        let lowered = effect(&change("-  pool_size: 40\n+  pool_size: 4\n"));
        let raised = effect(&change("-  pool_size: 4\n+  pool_size: 40\n"));
        assert!(lowered.decibans > 3.0, "{lowered:?}");
        assert!(raised.decibans < 0.0, "{raised:?}");
    }

    #[test]
    fn allowances_are_known_in_the_plural() {
        let found = effect(&change("-  worker_threads: 16\n+  worker_threads: 2\n"));
        assert!(found.because.iter().any(|because| because.contains("lowers")), "{found:?}");
    }

    #[test]
    fn another_unit_is_another_number() {
        let found = effect(&change("-  timeout = 30 * SECOND\n+  timeout = 5 * MINUTE\n"));
        assert!(!found.because.iter().any(|because| because.contains("lowers")), "{found:?}");
        let found = effect(&change("-  timeout = 30 * SECOND\n+  timeout = 5 * SECOND\n"));
        assert!(found.because.iter().any(|because| because.contains("lowers")), "{found:?}");
    }

    #[test]
    fn moving_code_speaks_against_a_change() {
        let patch = "-    total = sum(line.price for line in lines)\n-    return round(total)\n\
                     +    return total_of(lines)\n+def total_of(lines):\n\
                     +    total = sum(line.price for line in lines)\n+    return round(total)\n";
        assert!(effect(&change(patch)).decibans < 0.0);
    }

    #[test]
    fn words_alone_break_nothing() {
        let patch = "-    logger.info(\"booked\")\n+    logger.debug(\"booked {}\", order)\n";
        assert!(effect(&change(patch)).decibans < -5.0);
        let patch = "-  raise Refused(\"no such user\")\n+  raise Refused(\"no such user, sorry\")\n";
        assert!(effect(&change(patch)).decibans < -5.0);
    }

    #[test]
    fn a_renamed_key_is_not_wording() {
        let found =
            effect(&change("-  row[\"city\"] = text(\"plain\")\n+  row[\"town\"] = text(\"plain\")\n"));
        assert!(found.decibans > -5.0, "{found:?}");
    }

    #[test]
    fn what_grows_without_a_bound_is_seen() {
        let grows = "+static seen = List()\n+\n+fn note(visit) {\n+    seen.push(visit)\n+}\n";
        let bounded = "+static seen = Lru(1000)\n+\n+fn note(visit) {\n+    seen.push(visit)\n+}\n";
        assert!(effect(&change(grows)).grows);
        assert!(!effect(&change(bounded)).grows);
    }

    #[test]
    fn a_diff_of_nothing_has_no_effect() {
        assert_eq!(effect(&change("")), Effect::default());
    }
}
