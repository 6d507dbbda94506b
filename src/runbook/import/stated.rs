//! What the sentence beside a query says of its number: "should be less than 10ms".

use crate::runbook::Expect;

/// A sentence about a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// The sentence.
    pub text: String,
    /// What healthy is, where the sentence can be read in one way only.
    pub healthy: Option<Expect>,
}

const LONGEST: usize = 300;
/// Words for a comparison, longer ones first.
const COMPARISONS: &[(&str, &str)] = &[
    ("less than or equal to", "<="),
    ("greater than or equal to", ">="),
    ("no more than", "<="),
    ("not exceed", "<="),
    ("at most", "<="),
    ("no less than", ">="),
    ("at least", ">="),
    ("less than", "<"),
    ("lower than", "<"),
    ("smaller than", "<"),
    ("below", "<"),
    ("under", "<"),
    ("greater than", ">"),
    ("higher than", ">"),
    ("more than", ">"),
    ("above", ">"),
    ("over", ">"),
    ("equal to", "=="),
    ("<=", "<="),
    (">=", ">="),
    ("<", "<"),
    (">", ">"),
];
/// Words that make what follows the healthy state.
const SHOULD: &[&str] = &[
    "should be",
    "must be",
    "should stay",
    "must stay",
    "should remain",
    "is expected to be",
    "should not exceed",
    "must not exceed",
];
/// Words with which a sentence says more than one thing.
const BRANCHES: &[&str] = &[" or ", " unless ", " between ", " except ", " not be ", " if ", " when "];

/// The last sentence of the text that holds a number which is compared with something.
pub(super) fn stated(text: &str) -> Option<Stated> {
    sentences(text).into_iter().rev().find_map(|sentence| {
        let lower = sentence.to_lowercase();
        let compares =
            COMPARISONS.iter().any(|(words, _)| lower.contains(words)) || lower.contains("should be");
        if !compares || numbers(&lower).next().is_none() {
            return None;
        }
        let text: String = sentence.chars().take(LONGEST).collect();
        Some(Stated { text, healthy: healthy(&lower) })
    })
}

fn sentences(text: &str) -> Vec<&str> {
    text.split(". ")
        .flat_map(|part| part.split(['\n', '!', '?', ';']))
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .collect()
}

/// `10ms`, `0.5`, `80%`; not `99th` and not parts of names.
fn numbers(lower: &str) -> impl Iterator<Item = &str> {
    lower.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '`' | '"' | '*')).filter(
        |word| {
            word.starts_with(|c: char| c.is_ascii_digit())
                && !["st", "nd", "rd", "th"].iter().any(|ordinal| word.ends_with(ordinal))
        },
    )
}

fn healthy(lower: &str) -> Option<Expect> {
    let padded = format!(" {lower} ");
    if BRANCHES.iter().any(|word| padded.contains(word)) || numbers(lower).count() != 1 {
        return None;
    }
    let mut said = SHOULD.iter().filter(|words| lower.contains(*words));
    let words = said.next()?;
    let (_, after) = lower.split_once(words)?;
    let after = if words.ends_with("exceed") { format!("not exceed{after}") } else { after.to_owned() };
    let (comparison, op) = COMPARISONS.iter().find(|(words, _)| after.contains(words))?;
    let (_, rest) = after.split_once(comparison)?;
    let number = numbers(rest).next()?.trim_end_matches(['.', ':']);
    let unit = rest.split_once(number)?.1.split_whitespace().next().unwrap_or_default().trim_end_matches('.');
    let unit = match unit {
        "" => "",
        "ms" | "milliseconds" => "ms",
        "s" | "second" | "seconds" => "s",
        "minutes" | "minute" => "m",
        "%" | "percent" => "%",
        // words go on, and a unit may be among them
        _ if number.ends_with(|c: char| c.is_ascii_digit()) => return None,
        _ => "",
    };
    Expect::parse(&format!("{op} {number}{unit}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_sentence_says_what_healthy_is() {
        let read =
            |text: &str| stated(text).and_then(|stated| stated.healthy).map(|expect| expect.to_string());
        let long = "To rule out a slow disk, 99th percentile of the `x_bucket` should be less than 10ms. Query in the UI:";
        assert_eq!(read(long).as_deref(), Some("< 10ms"));
        assert_eq!(read("Usage must be below 80 %").as_deref(), Some("< 80%"));
        assert_eq!(read("It should not exceed 5 seconds.").as_deref(), Some("<= 5s"));
        assert_eq!(read("The queue should be at most 100").as_deref(), Some("<= 100"));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_only_quoted() {
        for text in [
            "It should be less than 10ms or more than 20ms",
            "If it should be above 5 something is wrong",
            "It should be less than 10 elephants",
            "Latency above 20ms is bad",
            "It should be between 1 and 5, less than 5",
            "It should not be less than 5",
        ] {
            let stated = stated(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(stated.healthy, None, "{text}");
        }
        assert_eq!(stated("Look at the disk"), None);
        assert_eq!(stated("The 99th percentile is above normal"), None);
    }
}
