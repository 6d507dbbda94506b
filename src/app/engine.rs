use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::Investigator;
use crate::{
    domain::Investigation,
    investigation::{Emit, Request, Sources, investigate},
    runbook::Library,
};

/// The engine over the configured sources.
pub(super) struct Engine {
    pub(super) sources: Sources,
    pub(super) library: Arc<Library>,
}

#[async_trait]
impl Investigator for Engine {
    async fn investigate(
        &self,
        request: Request,
        emit: Arc<dyn Emit>,
        cancel: CancellationToken,
    ) -> Investigation {
        let (sources, library) = (self.sources.clone(), Arc::clone(&self.library));
        // its state is large; on the heap it does not grow the tasks that wait for it
        Box::pin(investigate(request, sources, library, emit, cancel)).await
    }
}
