use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::Investigation,
    investigation::{Emit, Request},
};

/// Answers a request: the engine as the workers see it.
#[async_trait]
pub trait Investigator: Send + Sync {
    /// Investigates until there is an answer, within the request's budget; sends what it finds on the way
    /// to `emit`, in order. Ends soon after `cancel`, with whatever it has.
    async fn investigate(
        &self,
        request: Request,
        emit: Arc<dyn Emit>,
        cancel: CancellationToken,
    ) -> Investigation;
}
