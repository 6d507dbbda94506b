//! Takes a line of shell apart, far enough to say which programs it would start with which words. What it does not
//! follow it doubts; a doubt is never resolved in favour of the line.

/// Stands for what is only known when the line runs: a variable, a substitution, a placeholder.
pub(super) const OPAQUE: char = '\u{fffc}';
const DEEPEST: usize = 6;
const MOST_COMMANDS: usize = 200;

/// A word without its quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub(super) String);

impl Word {
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether what it becomes could begin with anything.
    pub(super) fn is_open(&self) -> bool {
        self.0.starts_with([OPAQUE, '*', '?', '['])
    }
}

/// What a text would start.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Words of every simple command, those within substitutions included, in no order that matters.
    pub(super) commands: Vec<Vec<Word>>,
    /// It holds something that is not followed here.
    pub(super) doubtful: bool,
    /// Output goes to a file.
    pub(super) writes: bool,
}

pub(super) fn parse(text: &str) -> Script {
    let mut script = Script::default();
    within(text, 0, &mut script);
    script
}

fn within(text: &str, depth: usize, script: &mut Script) {
    let strange = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || (c.is_whitespace() && !c.is_ascii()) || is_hidden(c)
    };
    script.doubtful |= text.chars().any(strange);
    let mut reader = Reader { chars: text.chars().collect(), at: 0, depth, script };
    reader.list(None);
}

/// Characters that show a person another line than the one that would run.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

struct Reader<'s> {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    script: &'s mut Script,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn second(&self) -> Option<char> {
        self.chars.get(self.at + 1).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn doubt(&mut self) {
        self.script.doubtful = true;
    }

    fn finish(&mut self, words: &mut Vec<Word>) {
        if words.is_empty() {
            return;
        }
        if self.script.commands.len() < MOST_COMMANDS {
            self.script.commands.push(std::mem::take(words));
        } else {
            words.clear();
            self.doubt();
        }
    }

    /// Commands up to `end`, which is taken.
    fn list(&mut self, end: Option<char>) {
        let mut words = Vec::new();
        loop {
            let Some(c) = self.peek() else {
                if end.is_some() {
                    self.doubt();
                }
                return self.finish(&mut words);
            };
            match c {
                ')' => {
                    self.at += 1;
                    self.finish(&mut words);
                    if end == Some(')') {
                        return;
                    }
                    self.doubt();
                }
                '\n' | ';' => {
                    self.at += 1;
                    self.finish(&mut words);
                }
                '&' if self.second() == Some('>') => {
                    self.at += 1;
                    self.output();
                }
                '&' | '|' => {
                    self.at += 1;
                    if !self.take(c) && c == '|' {
                        self.take('&');
                    }
                    self.finish(&mut words);
                }
                '>' => self.output(),
                '<' => self.input(),
                '(' => {
                    self.at += 1;
                    // after a word it defines a function
                    if !words.is_empty() {
                        self.doubt();
                    }
                    self.nested();
                }
                '#' => self.comment(),
                c if c.is_whitespace() => self.at += 1,
                _ => {
                    let word = self.word();
                    let is_descriptor = !word.0.is_empty() && word.0.chars().all(|c| c.is_ascii_digit());
                    if !(is_descriptor && matches!(self.peek(), Some('<' | '>'))) {
                        words.push(word);
                    }
                }
            }
        }
    }

    fn nested(&mut self) {
        if self.depth >= DEEPEST {
            self.doubt();
            self.at = self.chars.len();
            return;
        }
        self.depth += 1;
        self.list(Some(')'));
        self.depth -= 1;
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn output(&mut self) {
        self.at += 1;
        if self.take('(') {
            self.doubt();
            return self.nested();
        }
        let duplicates = !self.take('>') && !self.take('|') && self.take('&');
        self.blanks();
        let target = self.word().0;
        let is_descriptor =
            target == "-" || (target.len() == 1 && target.chars().all(|c| c.is_ascii_digit()));
        if target != "/dev/null" && !(duplicates && is_descriptor) {
            self.script.writes = true;
        }
    }

    fn input(&mut self) {
        self.at += 1;
        match self.peek() {
            // a here-document: what follows is data for whatever reads it
            Some('<') => {
                self.doubt();
                self.at += 1;
            }
            Some('(') => {
                self.at += 1;
                self.nested();
            }
            Some('>') => {
                self.at += 1;
                self.script.writes = true;
            }
            _ => {
                self.take('&');
                self.blanks();
                self.word();
            }
        }
    }

    /// Some interactive shells know no comments, so what would be a command in one is doubted.
    fn comment(&mut self) {
        while let Some(c) = self.peek().filter(|c| *c != '\n') {
            if matches!(c, ';' | '|' | '&' | '$' | '`' | '<' | '>' | '(' | ')') {
                self.doubt();
            }
            self.at += 1;
        }
    }

    fn word(&mut self) -> Word {
        let mut text = String::new();
        let (mut brace, mut expands) = (false, false);
        while let Some(c) = self.peek() {
            match c {
                '\'' => {
                    self.at += 1;
                    loop {
                        match self.peek() {
                            None => {
                                self.doubt();
                                break;
                            }
                            Some('\'') => {
                                self.at += 1;
                                break;
                            }
                            Some(c) => {
                                self.at += 1;
                                text.push(c);
                            }
                        }
                    }
                }
                '"' => {
                    self.at += 1;
                    self.double(&mut text);
                }
                '\\' => {
                    self.at += 1;
                    match self.peek() {
                        Some('\n') => self.at += 1,
                        Some(c) => {
                            self.at += 1;
                            text.push(c);
                        }
                        None => self.doubt(),
                    }
                }
                '$' => self.expansion(&mut text),
                '`' => self.backticks(&mut text),
                c if c.is_whitespace() || matches!(c, ';' | '&' | '|' | '<' | '>' | '(' | ')') => break,
                c => {
                    self.bang(c);
                    brace |= c == '{';
                    expands |= c == ',' || (c == '.' && text.ends_with('.'));
                    self.at += 1;
                    text.push(c);
                }
            }
        }
        // {a,b} becomes several words
        if brace && expands {
            self.doubt();
        }
        Word(text)
    }

    fn double(&mut self, text: &mut String) {
        loop {
            match self.peek() {
                None => return self.doubt(),
                Some('"') => {
                    self.at += 1;
                    return;
                }
                Some('\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some('\n') => self.at += 1,
                        Some(c) => {
                            if !matches!(c, '"' | '\\' | '$' | '`') {
                                text.push('\\');
                            }
                            self.at += 1;
                            text.push(c);
                        }
                        None => {}
                    }
                }
                Some('$') => self.expansion(text),
                Some('`') => self.backticks(text),
                Some(c) => {
                    self.bang(c);
                    self.at += 1;
                    text.push(c);
                }
            }
        }
    }

    /// `!x` calls up an earlier line.
    fn bang(&mut self, c: char) {
        if c == '!'
            && self.second().is_some_and(|c| !c.is_whitespace() && !matches!(c, '=' | '"' | ')' | '~'))
        {
            self.doubt();
        }
    }

    fn expansion(&mut self, text: &mut String) {
        self.at += 1;
        match self.peek() {
            Some('(') => {
                self.at += 1;
                self.nested();
                text.push(OPAQUE);
            }
            Some('{') => {
                self.at += 1;
                let from = self.at;
                while self.peek().is_some_and(|c| c != '}') {
                    self.at += 1;
                }
                let name = self.chars.get(from..self.at).unwrap_or_default();
                let plain = !name.is_empty() && name.iter().all(|c| c.is_ascii_alphanumeric() || *c == '_');
                if !self.take('}') || !plain {
                    self.doubt();
                }
                text.push(OPAQUE);
            }
            Some('\'' | '"') => self.doubt(),
            Some(c) if c.is_ascii_alphanumeric() || c == '_' => {
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.at += 1;
                }
                text.push(OPAQUE);
            }
            Some('@' | '*' | '#' | '?' | '$' | '!' | '-') => {
                self.at += 1;
                text.push(OPAQUE);
            }
            Some('[') => {
                self.doubt();
                text.push('$');
            }
            _ => text.push('$'),
        }
    }

    fn backticks(&mut self, text: &mut String) {
        self.at += 1;
        let mut inner = String::new();
        loop {
            match self.peek() {
                None => {
                    self.doubt();
                    break;
                }
                Some('`') => {
                    self.at += 1;
                    break;
                }
                Some('\\') if matches!(self.second(), Some('`' | '\\' | '$')) => {
                    inner.extend(self.second());
                    self.at += 2;
                }
                Some(c) => {
                    inner.push(c);
                    self.at += 1;
                }
            }
        }
        if self.depth >= DEEPEST {
            self.doubt();
        } else {
            within(&inner, self.depth + 1, self.script);
        }
        text.push(OPAQUE);
    }
}
