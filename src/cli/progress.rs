//! How far a long command is, on standard error.

use std::io::{IsTerminal, Write};

use super::output::Out;

/// Tells of cases as they are done: a line that rewrites itself on a terminal, every case when more is wanted,
/// else nothing until a part is done.
pub(super) struct Progress<'a> {
    out: &'a Out,
    what: String,
    of: usize,
    done: usize,
    rewrites: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(out: &'a Out, what: impl Into<String>, of: usize) -> Self {
        let rewrites = std::io::stderr().is_terminal() && !out.quiet && !out.verbose;
        Self { out, what: what.into(), of, done: 0, rewrites }
    }

    pub(super) fn step(&mut self, case: &str, seconds: f64) {
        self.done += 1;
        let line = format!("{} {}/{} {case} {seconds:.2} s", self.what, self.done, self.of);
        if self.rewrites {
            // Nobody reads it: nothing to do about it.
            write!(anstream::stderr(), "\r\x1b[2K{line}").ok();
        } else if self.out.verbose {
            self.out.say(&line);
        }
    }

    pub(super) fn end(self) {
        if self.rewrites {
            write!(anstream::stderr(), "\r\x1b[2K").ok();
        } else {
            self.out.say(&format!("{}: {} cases answered", self.what, self.done));
        }
    }
}
