//! Maps by ids and names, which most of the arithmetic spends its time in.
//!
//! What is hashed comes from outside, so every map has a seed of its own that nobody outside can know; it is far
//! quicker than the standard library's hash, whose strength is not needed where the hash itself is never shown.

use foldhash::fast::RandomState;

pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
pub(crate) type HashSet<K> = std::collections::HashSet<K, RandomState>;
