//! Incident bundles: reading a recorded incident from disk.
