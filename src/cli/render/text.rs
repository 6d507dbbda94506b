//! Small pieces of text.

use jiff::Timestamp;
use quell_proto::v1::investigation::Verdict;

/// Breaks words into lines of at most `width` characters, each after `indent` spaces. Control characters of
/// hostile text are shown as `·`, so that nothing telemetry says can move the cursor.
pub(super) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let width = width.saturating_sub(indent).max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in clean(text).split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
    }
    lines.push(line);
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

/// What stands at the end of wrapped text, kept whole: on the last line where it fits, else on one of its own.
pub(super) fn tail(wrapped: &str, end: &str, width: usize, indent: usize) -> String {
    if end.is_empty() {
        return wrapped.to_owned();
    }
    let used = match wrapped.rsplit_once('\n') {
        Some((_, last)) => last.chars().count(),
        None => indent + wrapped.chars().count(),
    };
    let shown = anstream::adapter::strip_str(end).to_string().chars().count();
    if used + 1 + shown <= width {
        format!("{wrapped} {end}")
    } else {
        format!("{wrapped}\n{}{end}", " ".repeat(indent))
    }
}

/// Text on one line, without anything that moves the cursor, turns the direction of reading or cannot be seen.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => ' ',
            other if is_hidden(other) => '·',
            other => other,
        })
        .collect()
}

/// The beginning of a text, on one line, with an ellipsis where it was cut to `most` characters.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let text = clean(text);
    if text.chars().nth(most).is_none() {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The beginning of a coloured line, with an ellipsis where it was cut to `most` columns. Colours end as they would
/// have.
pub(super) fn cut(line: &str, most: usize) -> String {
    let mut kept = String::with_capacity(line.len());
    let (mut shown, mut escaped, mut is_cut) = (0, false, false);
    let total = anstream::adapter::strip_str(line).to_string().chars().count();
    for character in line.chars() {
        if escaped || character == '\u{1b}' {
            // Styles end with an m; nothing else is escaped here.
            escaped = character != 'm';
            kept.push(character);
        } else if total <= most || shown + 1 < most {
            shown += 1;
            kept.push(character);
        } else if !is_cut {
            is_cut = true;
            kept.push('…');
        }
    }
    kept
}

/// As [`clean`], for what has lines of its own, such as a script.
pub(crate) fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// Controls, and the formatting characters of Unicode with which text can pretend to be other text.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Time of day in UTC.
pub(super) fn clock(at: Option<&quell_proto::Timestamp>) -> String {
    moment(at).map_or_else(|| "-".to_owned(), |at| at.strftime("%H:%M:%S").to_string())
}

/// Date and time of day in UTC.
pub(super) fn date(at: Option<&quell_proto::Timestamp>) -> String {
    moment(at).map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// Date and time of day in UTC, to the minute.
pub(super) fn minute(at: Option<&quell_proto::Timestamp>) -> String {
    moment(at).map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

/// Day of the year and time of day in UTC, to the minute, where there is little room.
pub(super) fn short(at: Option<&quell_proto::Timestamp>) -> String {
    moment(at).map_or_else(|| "-".to_owned(), |at| at.strftime("%m-%d %H:%M").to_string())
}

/// The moment of a message.
pub(super) fn moment(at: Option<&quell_proto::Timestamp>) -> Option<Timestamp> {
    let at = at?;
    Timestamp::new(at.seconds, at.nanos).ok()
}

/// A span of time as people say it: `4m`, `1m 30s`, `120ms`.
pub(super) fn span(length: Option<&pbjson_types::Duration>) -> String {
    let Some(length) = length else { return "-".to_owned() };
    let length = std::time::Duration::new(
        u64::try_from(length.seconds).unwrap_or(0),
        u32::try_from(length.nanos).unwrap_or(0),
    );
    let rounded = if length.as_secs() >= 10 {
        std::time::Duration::from_secs(length.as_secs())
    } else {
        std::time::Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
    };
    humantime::format_duration(rounded).to_string()
}

/// A probability in whole percent; never a 100 that is not one.
pub(super) fn percent(probability: f64) -> String {
    let percent = (probability * 100.0).round();
    if percent >= 100.0 && probability < 1.0 { ">99 %".to_owned() } else { format!("{percent:.0} %") }
}

/// A verdict in words.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::CauseFound => "cause found",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NotAnIncident => "not an incident",
        Verdict::Unspecified => "no verdict",
    }
}

/// The word for a probability: likely from .7, possible from .4, else weak.
pub(super) fn confidence(probability: f64) -> &'static str {
    match probability {
        0.7.. => "likely",
        0.4.. => "possible",
        _ => "weak",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_hostile_reaches_the_terminal(text in ".{0,300}", width in 20_usize..200) {
            let shown = wrap(&text, width, 2);
            prop_assert!(!shown.chars().any(|character| is_hidden(character) && character != '\n'));
            prop_assert!(!clean(&text).chars().any(is_hidden));
        }
    }

    proptest! {
        #[test]
        fn a_cut_line_fits_and_keeps_its_colours(text in "[a-zé ]{0,80}", most in 2_usize..60) {
            let line = format!("{} {}", super::super::style::bad(&text), super::super::style::dim(&text));
            let kept = cut(&line, most);
            let shown = |line: &str| anstream::adapter::strip_str(line).to_string();
            prop_assert!(shown(&kept).chars().count() <= most);
            prop_assert_eq!(kept.matches('\u{1b}').count(), line.matches('\u{1b}').count());
            prop_assert_eq!(shown(&kept).ends_with('…'), shown(&line).chars().count() > most);
        }
    }

    #[test]
    fn an_end_that_does_not_fit_has_its_own_line() {
        assert_eq!(tail("one two", "[E1]", 16, 4), "one two [E1]");
        assert_eq!(tail("one two", "[E1]", 15, 4), "one two\n    [E1]");
        assert_eq!(tail("one two\n    three", "[E1]", 15, 4), "one two\n    three [E1]");
        assert_eq!(tail("one two", "", 4, 4), "one two");
    }

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(
            wrap("one two three four five six seven", 24, 4),
            "one two three four\n    five six seven"
        );
    }
}
