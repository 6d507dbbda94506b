//! Runbooks: parse, lint, index, match, and checks evaluated against the sources.
