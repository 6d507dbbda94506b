//! Commands as a shell reads them back.

/// A word of a command line: as it is where it is plain, else between quotes.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Flags and their values after a command.
#[derive(Debug)]
pub(super) struct Line(String);

impl Line {
    pub(super) fn new(command: &str) -> Self {
        Self(command.to_owned())
    }

    /// A flag without a value, where it is set.
    #[must_use]
    pub(super) fn switch(mut self, name: &str, on: bool) -> Self {
        if on {
            self.0.push(' ');
            self.0.push_str(name);
        }
        self
    }

    /// A flag with a value, where there is one.
    #[must_use]
    pub(super) fn flag(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            // A value that begins with a dash would be taken for a flag.
            let between = if value.starts_with('-') { '=' } else { ' ' };
            self.0.push_str(&format!(" {name}{between}{}", quoted(value)));
        }
        self
    }

    pub(super) fn end(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plain_is_quoted() {
        let line = Line::new("quell query")
            .flag("--bundle", Some("my incidents/it's one"))
            .flag("--at", Some("2026-03-01T14:05:00Z"))
            .flag("--since", None)
            .flag("--service", Some("-odd"))
            .switch("--lenient", true)
            .switch("--never", false);
        assert_eq!(
            line.end(),
            r"quell query --bundle 'my incidents/it'\''s one' --at 2026-03-01T14:05:00Z --service=-odd --lenient"
        );
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$(rm)"), "'$(rm)'");
    }
}
