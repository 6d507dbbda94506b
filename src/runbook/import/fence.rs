//! Which lines of a block are commands, and which are prompts, output and remarks.

use super::{classify, shell};

const MOST_LINES: usize = 200;

/// A command with its lines joined, and whether an earlier line changed what it means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) altered: bool,
}

/// Commands of a block. `is_shell`: its fence says so, and a first line that begins with an unknown word is one too.
pub(super) fn commands(body: &str, is_shell: bool) -> Vec<Line> {
    let body = body.replace("\r\n", "\n");
    let has_prompts = body.lines().any(|line| prompt(line).is_some());
    let mut found: Vec<Line> = Vec::new();
    let (mut altered, mut in_output) = (false, false);
    let mut lines = body.lines().take(MOST_LINES);
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            in_output = false;
            continue;
        }
        let (mut text, prompted) = match (prompt(line), root_prompt(trimmed)) {
            (Some(text), _) => (text.trim().to_owned(), true),
            (None, Some(text)) => (text.to_owned(), true),
            (None, None) if trimmed.starts_with('#') => continue,
            (None, None) => (trimmed.to_owned(), false),
        };
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let known = begins_known(&text);
        let is_command =
            prompted || (!has_prompts && (known || (is_shell && !in_output && is_plausible(&text))));
        if !is_command {
            in_output = true;
            continue;
        }
        // an ending here-document, a quote or a backslash makes the next lines part of this one
        let end = here_document(&text);
        let mut joined = 0;
        while joined < MOST_LINES && (end.is_some() || goes_on(&text)) {
            let Some(next) = lines.next() else { break };
            let next = next.strip_prefix("> ").unwrap_or(next);
            joined += 1;
            if text.ends_with('\\') && end.is_none() {
                text.pop();
                // as a shell joins them: what is not apart becomes one word
                if next.starts_with(char::is_whitespace) {
                    text.truncate(text.trim_end().len());
                    text.push(' ');
                }
                text.push_str(next.trim());
            } else {
                text.push('\n');
                text.push_str(next);
            }
            if end.as_deref() == Some(next.trim()) {
                break;
            }
        }
        let alters = classify::alters(&text);
        found.push(Line { text, altered });
        altered |= alters;
    }
    found
}

/// What follows `$ `, `% ` or `> `, also after `user@host:~`.
fn prompt(line: &str) -> Option<&str> {
    let line = line.trim_start();
    for sign in ["$ ", "% ", "> "] {
        if let Some(rest) = line.strip_prefix(sign) {
            return Some(rest);
        }
        if let Some((before, rest)) = line.split_once(sign)
            && before.contains('@')
            && !before.contains(char::is_whitespace)
        {
            return Some(rest);
        }
    }
    None
}

/// `# df -h` is root's prompt when a program follows, and a remark otherwise.
fn root_prompt(line: &str) -> Option<&str> {
    line.strip_prefix("# ").map(str::trim).filter(|rest| begins_known(rest) && !reads_as_prose(rest))
}

/// Sentences begin with words that are programs too: "which pod is it", "time of the alert".
fn reads_as_prose(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "which", "time", "last", "watch", "test", "who", "w", "find", "sort", "set", "install", "file",
        "cut", "column", "touch", "kill", "host", "mount", "for", "if", "while", "until", "head", "make",
        "top", "service", "node", "flux", "free", "export",
    ];
    let mut words = text.split_whitespace();
    words.next().is_some_and(|first| WORDS.contains(&first))
        && words.next().is_none_or(|second| second.chars().all(char::is_alphabetic))
}

/// Whether a line begins with a program known here, assignments aside.
pub(super) fn begins_known(text: &str) -> bool {
    let mut words = text.split_whitespace().skip_while(|word| classify::assigned(word).is_some());
    match words.next() {
        Some(first) => classify::is_known(first.trim_start_matches(['(', '!'])),
        // an assignment alone
        None => classify::assigned(text).is_some(),
    }
}

fn is_plausible(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    first
        .starts_with(|c: char| c.is_ascii_lowercase() || matches!(c, '.' | '/' | '~' | '`' | '$' | '{' | '('))
        && !first.ends_with([':', ','])
        && !first.contains('=')
        && first != "..."
}

fn here_document(text: &str) -> Option<String> {
    let (_, after) = text.split_once("<<")?;
    if after.starts_with('<') {
        return None;
    }
    let word = after.trim_start_matches('-').split_whitespace().next()?;
    let word: String = word.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// Whether a line is not yet whole.
fn goes_on(text: &str) -> bool {
    if text.ends_with('\\') {
        return true;
    }
    let trimmed = text.trim_end();
    if trimmed.ends_with("&&") || trimmed.ends_with('|') {
        return true;
    }
    let (mut single, mut double, mut escaped) = (false, false, false);
    for c in text.chars() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' if !single => escaped = true,
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            _ => {}
        }
    }
    (single || double) && text.len() < 8_192 && !text.contains(shell::OPAQUE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str, is_shell: bool) -> Vec<String> {
        commands(body, is_shell).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn prompts_are_dropped_and_output_is_left() {
        let body = "$ kubectl get pod -o wide | grep am\n\nam-0   5/5   Running   0\n# df -h\n# a remark\nroot@x:~$ ls\n";
        assert_eq!(texts(body, true), ["kubectl get pod -o wide | grep am", "df -h", "ls"]);
        let body = "kubectl get pod -l app=x\n\nNAMESPACE   NAME\ndefault     am-0\n";
        assert_eq!(texts(body, true), ["kubectl get pod -l app=x"]);
        assert_eq!(texts("frobctl reset --all\n", true), ["frobctl reset --all"]);
        assert_eq!(texts("frobctl reset --all\nkind: Pod\n", false), Vec::<String>::new());
    }

    #[test]
    fn lines_that_go_on_are_joined() {
        assert_eq!(texts("cat\\\nastrophe x\n", true), ["catastrophe x"]);
        assert_eq!(texts("$ kubectl get \\\n   pods\n", true), ["kubectl get pods"]);
        assert_eq!(
            texts("cat <<EOF | kubectl apply -f -\nkind: Pod\nEOF\nls\n", true),
            ["cat <<EOF | kubectl apply -f -\nkind: Pod\nEOF", "ls"]
        );
        assert_eq!(texts("echo 'a\nb'\nls", true), ["echo 'a\nb'", "ls"]);
    }

    #[test]
    fn what_an_alias_changes_is_remembered() {
        let lines = commands("alias kubectl=rm\nkubectl get pods\n", true);
        assert!(!lines[0].altered && lines[1].altered);
    }
}
