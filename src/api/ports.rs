use async_trait::async_trait;
use quell_sdk::Received;

use super::Error;

/// What became of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Ids of the incidents that its alerts belong to.
    pub incidents: Vec<String>,
    /// Alerts that were known already.
    pub duplicates: usize,
}

/// The intake as the edge sees it.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Takes a delivery; what it held is on disk when this returns.
    async fn accept(&self, received: Received) -> Result<Accepted, Error>;
}
