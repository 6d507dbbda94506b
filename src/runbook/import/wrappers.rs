//! Programs that run another one: what they run decides.

use super::shell::{OPAQUE, Word};

/// What a program would run.
pub(super) enum Inner {
    /// It runs nothing else.
    None,
    /// It runs something, and what is not known.
    Unknown,
    Words(Vec<Word>),
    /// A line for a shell.
    Line(String),
    /// These words, and something more besides.
    Floor(Vec<Word>),
}

pub(super) fn unwrap(name: &str, words: &[Word]) -> Inner {
    match name {
        "sudo" => after_flags(words, &["-n", "-E", "-H"], &["-u", "-g"]),
        "time" => after_flags(words, &["-p"], &[]),
        "nice" => after_flags(words, &[], &["-n"]),
        "command" => match words.first().map(Word::text) {
            Some("-v" | "-V") => Inner::Words(vec![Word("true".to_owned())]),
            _ => after_flags(words, &[], &[]),
        },
        "timeout" => match after_flags(words, &["--foreground"], &["-s", "-k", "--signal", "--kill-after"]) {
            // the first word is how long
            Inner::Words(words) if words.len() > 1 => Inner::Words(words.into_iter().skip(1).collect()),
            _ => Inner::Unknown,
        },
        // it writes its output to a file when there is no other place for it
        "nohup" => Inner::Floor(words.to_vec()),
        "env" if words.is_empty() => Inner::None,
        "env" => after_flags(words, &[], &[]),
        "watch" => match after_flags(words, &["-d", "-t", "-e", "-c", "--color"], &["-n", "--interval"]) {
            Inner::Words(words) => joined(&words),
            _ => Inner::Unknown,
        },
        "xargs" => xargs(words),
        "bash" | "sh" | "zsh" | "dash" | "ash" => match words {
            [flag, line] if flag.text() == "-c" => Inner::Line(line.text().to_owned()),
            _ => Inner::Unknown,
        },
        "ssh" => match after_flags(words, &["-t", "-q", "-4", "-6"], &["-l", "-p"]) {
            Inner::Words(words) if words.len() > 1 => joined(words.get(1..).unwrap_or_default()),
            _ => Inner::Unknown,
        },
        "kubectl" | "oc" | "docker" | "podman" | "nerdctl" | "crictl" => exec(name, words),
        "awk" | "gawk" => awk(words),
        "sed" => sed(words),
        "psql" | "mysql" => sql(words),
        _ => Inner::None,
    }
}

/// Lines that a shell reads once more: what was quoted is so no longer.
fn joined(words: &[Word]) -> Inner {
    let texts: Vec<&str> = words.iter().map(Word::text).collect();
    // its value would be read as shell
    if texts.iter().any(|text| text.starts_with(OPAQUE)) && texts.len() == 1 {
        return Inner::Unknown;
    }
    Inner::Line(texts.join(" "))
}

/// What follows flags that are all known.
fn after_flags(words: &[Word], bare: &[&str], valued: &[&str]) -> Inner {
    let mut rest = words;
    while let Some((first, after)) = rest.split_first() {
        let text = first.text();
        if bare.contains(&text) {
            rest = after;
        } else if valued.contains(&text) {
            rest = after.get(1..).unwrap_or_default();
        } else if text.starts_with('-') {
            return Inner::Unknown;
        } else {
            return Inner::Words(rest.to_vec());
        }
    }
    Inner::Unknown
}

/// Words from standard input are added, or stand where a mark does.
fn xargs(words: &[Word]) -> Inner {
    const VALUED: &[&str] = &["-n", "-L", "-P", "-d", "-I", "--max-args", "--max-procs"];
    let marker = words.iter().position(|word| word.text().starts_with("-I")).map(|at| {
        let attached = words.get(at).and_then(|word| word.text().strip_prefix("-I")).unwrap_or_default();
        if attached.is_empty() { words.get(at + 1).map_or("", Word::text) } else { attached }
    });
    if marker.is_some_and(|marker| !matches!(marker, "{}" | "%" | "@")) {
        return Inner::Unknown;
    }
    let flags = ["-r", "-0", "-t", "--null", "--no-run-if-empty", "-I{}", "-I%", "-n1", "-P1"];
    let Inner::Words(mut inner) = after_flags(words, &flags, VALUED) else { return Inner::Unknown };
    match marker {
        Some(marker) => {
            for word in &mut inner {
                if word.text().contains(marker) {
                    word.0 = word.0.replace(marker, &OPAQUE.to_string());
                }
            }
        }
        None => inner.push(Word(OPAQUE.to_string())),
    }
    Inner::Words(inner)
}

/// What runs inside a container.
fn exec(name: &str, words: &[Word]) -> Inner {
    let is_kubectl = matches!(name, "kubectl" | "oc");
    let is_exec = |word: &Word| matches!(word.text(), "exec" | "rsh");
    let verb = match verb(words) {
        Some(at) if words.get(at).is_some_and(is_exec) => at,
        // something else with a pod or a namespace of that name
        Some(_) => return Inner::None,
        None if words.iter().any(is_exec) => return Inner::Unknown,
        None => return Inner::None,
    };
    if !is_kubectl || words.get(verb).is_some_and(|word| word.text() == "rsh") {
        return Inner::Unknown;
    }
    let Some(dashes) = words.iter().position(|word| word.text() == "--") else { return Inner::Unknown };
    let known = words.get(verb + 1..dashes).unwrap_or_default().iter().all(|word| {
        let text = word.text();
        !text.starts_with('-')
            || matches!(
                text,
                "-n" | "-c" | "-i" | "-t" | "-it" | "-ti" | "--stdin" | "--tty" | "-q" | "--quiet"
            )
            || ["--namespace", "--container", "--context"].iter().any(|flag| text.starts_with(flag))
    });
    let inner = words.get(dashes + 1..).unwrap_or_default().to_vec();
    if !known || dashes < verb || inner.is_empty() {
        return Inner::Floor(inner);
    }
    Inner::Words(inner)
}

/// Where the verb stands; `None` when a flag before it is not known, or there is none.
fn verb(words: &[Word]) -> Option<usize> {
    const VALUED: &[&str] = &["-n", "--namespace", "--context", "--cluster", "--kubeconfig", "--user"];
    let mut at = 0;
    loop {
        let text = words.get(at)?.text();
        let (name, has_value) = text.split_once('=').map_or((text, false), |(name, _)| (name, true));
        if !text.starts_with('-') {
            return Some(at);
        }
        if !VALUED.contains(&name) {
            return None;
        }
        at += if has_value { 1 } else { 2 };
    }
}

/// A script that picks fields; one that runs or writes something is not followed.
fn awk(words: &[Word]) -> Inner {
    let mut script = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text();
        if text == "-F" {
            words.next();
        } else if script.is_none() && !text.starts_with('-') {
            script = Some(text);
        } else if !text.starts_with("-F") && (text.starts_with('-') || text.contains('=')) {
            return Inner::Unknown;
        }
    }
    let safe = |script: &str| {
        !script.contains(['|', '>', '@', '`', OPAQUE])
            && ["system", "getline", "close", "fflush", "print >"].iter().all(|word| !script.contains(word))
    };
    reads_if(script.is_some_and(safe))
}

fn sed(words: &[Word]) -> Inner {
    let flags = ["-n", "-E", "-r"];
    let mut scripts = words.iter().map(Word::text).filter(|text| !flags.contains(text));
    let Some(script) = scripts.next() else { return Inner::Unknown };
    let prints = script.strip_suffix('p').is_some_and(|address| {
        let lines = address.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '$'));
        let pattern = address.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        lines || pattern.is_some_and(|pattern| !pattern.contains(['/', '\n', ';', '{', OPAQUE]))
    });
    let replaces = script.strip_prefix("s/").is_some_and(|rest| {
        let parts: Vec<&str> = rest.split('/').collect();
        let harmless = |flags: &str| flags.chars().all(|c| matches!(c, 'g' | 'i' | 'I' | '0'..='9'));
        matches!(parts.as_slice(), [_, _, flags] if harmless(flags)) && !rest.contains(['\n', OPAQUE])
    });
    reads_if((prints || replaces) && scripts.all(|file| !file.starts_with('-') && !file.starts_with(OPAQUE)))
}

/// `SHOW` reads; what else SQL does is not followed, functions included.
fn sql(words: &[Word]) -> Inner {
    let mut shows = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.text() {
            "-c" | "-e" => {
                let statement = words.next().map_or("", Word::text).trim().trim_end_matches(';');
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '%' | '\'' | '.');
                if !statement.to_ascii_lowercase().starts_with("show ") || !statement.chars().all(plain) {
                    return Inner::Unknown;
                }
                shows = true;
            }
            "-h" | "-U" | "-u" | "-d" | "-p" | "-P" => {
                words.next();
            }
            text if text.starts_with('-') => return Inner::Unknown,
            _ => {}
        }
    }
    reads_if(shows)
}

fn reads_if(reads: bool) -> Inner {
    if reads { Inner::Words(vec![Word("true".to_owned())]) } else { Inner::Unknown }
}
