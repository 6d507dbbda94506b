//! Fits the map from raw score to probability on labelled answers: isotonic and Platt, chosen by
//! cross-validation over groups of like causes. Pure: answers go in, a table comes out.

mod cross;
mod fit;
mod monotone;
mod pav;
mod platt;
mod sample;

pub use fit::{Method, fit};
pub use monotone::isotonic;
pub use pav::pav;
pub use platt::{Platt, platt};
pub use sample::{Sample, samples};

#[cfg(test)]
mod tests;
