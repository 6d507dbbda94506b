//! Decides what to pull: which series exist, how each metric is to be read, in which order, in how few
//! queries. Pure: no IO and no clock.
//!
//! Gauges of one service label go into one query with `{__name__=~"a|b"}`, which keeps names apart.
//! Rates and quantiles lose the name, so two of them in one query would collide (or be dropped by `or`,
//! which ignores the name as well). Each is therefore given a label of its own by `label_replace`, and
//! several are joined with `or`. The server computes them, so the numbers are exactly those of the plain
//! expression that stands in [`Series::query`](quell_sdk::signal::Series), at a tenth of the queries.

mod batch;
mod inventory;
mod item;

pub(crate) use batch::{Allowance, Batch, KEY, plan};
pub(crate) use inventory::{Carrier, Inventory};
pub(crate) use item::{Item, items};

#[cfg(test)]
mod tests;
