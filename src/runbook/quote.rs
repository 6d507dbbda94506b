use crate::domain::Language;

/// Why a value cannot stand where its variable stands.
pub(super) type Unfit = &'static str;

const STRICT: Unfit = "may here only hold letters, digits and . _ : / @ -";

/// Follows a template and quotes values for the place that they land in, so that none ends its string, its
/// word or its command.
pub(super) enum Quoter {
    Plain,
    Shell(Shell),
    Query(Query),
}

impl Quoter {
    pub(super) fn new(language: Language) -> Self {
        match language {
            Language::Sh => Self::Shell(Shell::default()),
            Language::Promql | Language::Logql | Language::Traceql => Self::Query(Query::default()),
            Language::Change | Language::Text | Language::None => Self::Plain,
        }
    }

    pub(super) fn literal(&mut self, text: &str) {
        match self {
            Self::Plain => {}
            Self::Shell(shell) => text.chars().for_each(|c| shell.step(c)),
            Self::Query(query) => text.chars().for_each(|c| query.step(c)),
        }
    }

    pub(super) fn quote(&mut self, value: &str) -> Result<String, Unfit> {
        match self {
            Self::Plain => Ok(value.to_owned()),
            Self::Shell(shell) => shell.quote(value),
            Self::Query(query) => query.quote(value),
        }
    }
}

fn is_safe(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/@-".contains(&byte))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Words,
    Single,
    Double,
    Comment,
}

/// Quotes of a POSIX shell. It need not know all of the language: where it meets a construct whose quoting
/// is its own (backticks, `$'…'`, here-documents, `${…}`), it lets only harmless characters through from
/// there on.
pub(super) struct Shell {
    stack: Vec<Inside>,
    last: char,
    escaped: bool,
    /// Nothing but quotes stands in the current word yet.
    word_empty: bool,
    strict: bool,
}

impl Default for Shell {
    fn default() -> Self {
        Self { stack: vec![Inside::Words], last: '\n', escaped: false, word_empty: true, strict: false }
    }
}

impl Shell {
    fn inside(&self) -> Inside {
        self.stack.last().copied().unwrap_or(Inside::Words)
    }

    fn open_words(&mut self) {
        self.stack.push(Inside::Words);
        self.word_empty = true;
    }

    fn step(&mut self, c: char) {
        let last = std::mem::replace(&mut self.last, c);
        if std::mem::take(&mut self.escaped) {
            self.word_empty = false;
            return;
        }
        match (self.inside(), c) {
            (Inside::Comment, '\n') | (Inside::Single, '\'') | (Inside::Double, '"') => {
                self.stack.pop();
            }
            (Inside::Comment, _) => return,
            (Inside::Single, _) => self.word_empty = false,
            (Inside::Words | Inside::Double, '\\') => self.escaped = true,
            (Inside::Words | Inside::Double, '`') => self.strict = true,
            (Inside::Words | Inside::Double, '{') if last == '$' => self.strict = true,
            (Inside::Double, '(') if last == '$' => self.open_words(),
            (Inside::Double, _) => self.word_empty = false,
            (Inside::Words, '(') => self.open_words(),
            (Inside::Words, ')') if self.stack.len() > 1 => {
                self.stack.pop();
                self.word_empty = false;
            }
            (Inside::Words, '\'' | '"') => {
                self.strict |= last == '$';
                self.stack.push(if c == '"' { Inside::Double } else { Inside::Single });
            }
            (Inside::Words, '#') if self.word_empty => self.stack.push(Inside::Comment),
            (Inside::Words, '<') if last == '<' => self.strict = true,
            (Inside::Words, c) => self.word_empty = c.is_whitespace() || matches!(c, ';' | '|' | '&'),
        }
        if self.inside() == Inside::Words && c == '\n' {
            self.word_empty = true;
        }
    }

    fn quote(&mut self, value: &str) -> Result<String, Unfit> {
        if self.word_empty && value.starts_with('-') {
            return Err("must not begin with - where it would be read as an option");
        }
        let strict = self.strict || self.escaped || self.last == '$';
        (self.escaped, self.word_empty, self.last) = (false, false, 'x');
        if is_safe(value) {
            return Ok(value.to_owned());
        }
        if strict {
            return Err(STRICT);
        }
        let inner = value.replace('\'', r"'\''");
        match self.inside() {
            Inside::Words => Ok(format!("'{inner}'")),
            Inside::Single => Ok(inner),
            // leaves the double quotes, in which `!`, `$` and backticks keep their meaning
            Inside::Double => Ok(format!("\"'{inner}'\"")),
            Inside::Comment => Err(STRICT),
        }
    }
}

/// Strings of PromQL, LogQL and TraceQL.
#[derive(Default)]
pub(super) struct Query {
    /// The quote that the open string began with.
    open: Option<char>,
    escaped: bool,
    comment: bool,
    /// The open string is a regular expression.
    regex: bool,
    /// The last two characters outside strings other than blanks.
    before: (char, char),
}

impl Query {
    fn step(&mut self, c: char) {
        if self.comment {
            self.comment = c != '\n';
            return;
        }
        match self.open {
            Some(_) if std::mem::take(&mut self.escaped) => {}
            Some(quote) if c == '\\' && quote != '`' => self.escaped = true,
            Some(quote) if c == quote => self.open = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => {
                self.open = Some(c);
                self.regex = matches!(self.before, ('=' | '!' | '|', '~'));
            }
            None if c == '#' => self.comment = true,
            None if c.is_whitespace() => {}
            None => self.before = (self.before.1, c),
        }
    }

    fn quote(&mut self, value: &str) -> Result<String, Unfit> {
        if self.comment {
            return if is_safe(value) { Ok(value.to_owned()) } else { Err(STRICT) };
        }
        let Some(quote) = self.open else {
            self.before = (self.before.1, 'x');
            return if is_bare(value) {
                Ok(value.to_owned())
            } else {
                Err("may outside a string only be a name, a number or a duration")
            };
        };
        if std::mem::take(&mut self.escaped) {
            return Err("must not follow a backslash");
        }
        let value = if self.regex { escape_regex(value) } else { value.to_owned() };
        if quote == '`' {
            return if value.contains('`') { Err("must not hold a backtick here") } else { Ok(value) };
        }
        let mut out = String::with_capacity(value.len());
        for c in value.chars() {
            if c == '\\' || c == quote {
                out.push('\\');
            }
            out.push(c);
        }
        Ok(out)
    }
}

/// A name, a number or a duration, and no word that PromQL gives a meaning.
fn is_bare(value: &str) -> bool {
    const WORDS: [&str; 14] = [
        "and",
        "or",
        "unless",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "offset",
        "bool",
        "atan2",
        "inf",
        "nan",
    ];
    !WORDS.contains(&value.to_ascii_lowercase().as_str())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
}

/// As RE2 wants it, and no more than needed, so that names stay readable.
fn escape_regex(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
