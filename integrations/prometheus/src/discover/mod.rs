//! Finds what exists for the suspects and pulls it, within a budget of queries, series and samples.
//!
//! 1. the alert's own expression, without its thresholds: the symptom as the rule sees it;
//! 2. which labels carry the suspects, and with which values (`locate`);
//! 3. which series they have, of which kind, how often scraped (`survey`);
//! 4. the plan (`crate::plan`), pulled a few queries at a time (`pull`).
//!
//! Every step that fails or is cut lowers the completeness of the answer; only when nothing at all came
//! back is the answer an error.

mod locate;
mod pull;
mod run;
mod spend;
mod survey;

pub(crate) use run::discover;
