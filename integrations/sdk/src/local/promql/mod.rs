//! PromQL over series held in memory, with the semantics of Prometheus 3: a lookback of five minutes,
//! ranges open on the left, rates extrapolated and corrected for counter resets.
//!
//! Expressions may come from an alert, so they are hostile: length, nesting, regexes, steps and the
//! samples touched are all bounded. Nothing here knows of incidents or of a store's layout; it reads
//! [`Series`](crate::signal::Series) and gives [`Series`](crate::signal::Series).

mod aggregate;
mod binary;
mod eval;
mod functions;
mod histogram;
mod matching;
mod over_time;
mod parse;
mod range;
mod rate;
mod relabel;
mod select;
mod value;

pub use parse::check;
pub use range::{is_plain, range};

pub(crate) use aggregate::{Aggregator, Grouping, Parameter, aggregate};
pub(crate) use histogram::{Bucket, parse_bound, quantile_of};
pub(crate) use range::{finish, grid};
pub(crate) use rate::Counter;
pub(crate) use select::spans_of;
pub(crate) use value::{Column, Grid, unite};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
