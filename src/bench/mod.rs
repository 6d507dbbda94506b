//! Accuracy, measured: labelled incidents are investigated in this process, and the answers compared with what
//! is known to be true.
//!
//! [`dataset`](Dataset) names the cases, [`run`] answers them, and only then are labels read and [`Report`]s
//! made: no label is in memory while an answer is. [`Perturbation`]s take something away first, [`Floors`] hold
//! what was reached, and [`calibrate`] fits the map from raw score to probability. The room prints nothing and
//! knows nothing of how the engine comes to its answers.

mod answer;
pub mod calibrate;
mod dataset;
mod draw;
mod error;
mod figures;
mod floor;
mod labels;
mod outcome;
mod perturb;
mod reliability;
mod report;
mod run;
mod svg;
mod wilson;

pub use answer::{Answer, Answered, Named};
pub use dataset::Dataset;
pub use error::Error;
pub use figures::{Commits, Confidence, Figures, Ranking, Retrieval, Seconds};
pub use floor::{Breach, Floors};
pub use labels::{Label, Labels};
pub use outcome::{CommitOutcome, Outcome};
pub use perturb::{Perturbation, Share};
pub use reliability::{BINS, Bin, Reliability};
pub use report::{ByFault, Report};
pub use run::{Options, Watch, run};
pub use svg::reliability_svg;
pub use wilson::{Interval, interval};

#[cfg(test)]
mod perturb_tests;
#[cfg(test)]
mod score_tests;
