use std::{collections::HashSet, sync::Arc};

use foldhash::fast::RandomState;

/// Longest text that is shared. Longer ones are rarely the same twice.
const MAX_TEXT: usize = 64;
/// Texts held before it starts anew: an endless stream of new words must not fill memory.
const MAX_TEXTS: usize = 16_384;

/// Gives equal short texts one allocation.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: HashSet<Arc<str>, RandomState>,
    /// What most optional texts are.
    empty: Arc<str>,
}

impl Interner {
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if text.is_empty() {
            return Arc::clone(&self.empty);
        }
        if text.len() > MAX_TEXT {
            return Arc::from(text);
        }
        if let Some(found) = self.texts.get(text) {
            return Arc::clone(found);
        }
        if self.texts.len() >= MAX_TEXTS {
            self.texts.clear();
        }
        let fresh: Arc<str> = Arc::from(text);
        self.texts.insert(Arc::clone(&fresh));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_short_texts_share_memory_and_long_ones_do_not_stay() {
        let mut interner = Interner::default();
        assert!(Arc::ptr_eq(&interner.get("checkout"), &interner.get("checkout")));
        let long = "x".repeat(MAX_TEXT + 1);
        assert_eq!(&*interner.get(&long), long);
        assert!(!interner.texts.contains(long.as_str()));
    }

    #[test]
    fn an_endless_stream_of_words_stays_bounded() {
        let mut interner = Interner::default();
        for number in 0..MAX_TEXTS * 2 {
            interner.get(&number.to_string());
        }
        assert!(interner.texts.len() <= MAX_TEXTS);
    }
}
