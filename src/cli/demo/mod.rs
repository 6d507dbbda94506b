//! `quell demo`: a small shop breaks for real, its alert rule fires, and quell works the page.
//!
//! Nothing is staged beyond the fault: telemetry goes over OTLP into quell's own port, the rule is evaluated
//! over it, the page goes through the webhook, and the terminal follows the journal like any other client.

mod play;
mod rules;

pub(super) use play::run;
