//! Alerts become incidents: fingerprint, de-duplicate, group, correlate, flap, resolve.
