use crate::{Error, Result};

/// What a shop is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where traces, logs and metrics go by OTLP over gRPC, e.g. `http://127.0.0.1:4317`. `None` keeps
    /// them inside; `/metrics` is served in any case.
    pub otlp_endpoint: Option<String>,
    /// Base address and routing key of what takes PagerDuty change events: each change is posted to
    /// `{base}/v2/change/enqueue`. Plain http only.
    pub change_endpoint: Option<(String, String)>,
    /// Decides arrivals, customers, routine changes and service times.
    pub seed: u64,
    /// Requests per second of the customers, 0 to 2000; 0 means no customers.
    pub load_rps: f64,
    /// Multiplies capacity (render workers, connection pools), 0.1 to 50. At 1, the shop is at ease with
    /// 40 to 80 requests per second.
    pub scale: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { otlp_endpoint: None, change_endpoint: None, seed: 7, load_rps: 50.0, scale: 1.0 }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<()> {
        if !(0.0..=2000.0).contains(&self.load_rps) {
            return Err(Error::Config(format!("load_rps is {}, give 0 to 2000", self.load_rps)));
        }
        if !(0.1..=50.0).contains(&self.scale) {
            return Err(Error::Config(format!("scale is {}, give 0.1 to 50", self.scale)));
        }
        Ok(())
    }

    /// A limit that grows with the scale, at least 1.
    pub(crate) fn capacity(&self, at_one: u32) -> usize {
        (f64::from(at_one) * self.scale).round().max(1.0) as usize
    }
}
