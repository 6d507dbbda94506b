//! Metrics: what a series measures, whether it shifted, and since when.

mod change_point;
mod healthy;
mod indicator;
mod shift;
mod shifts;
mod stats;
mod trend;

pub use change_point::{ChangePoint, change_point};
pub use healthy::{Healthy, Usual};
pub use indicator::{Reading, classify, read};
pub use shift::{Normal, Shift, shift};
pub use shifts::{figure, find};
pub use stats::{median, median_and_range, quantile};
pub use trend::find as find_growth;
