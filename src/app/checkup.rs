use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use quell_otlp::Window;
use quell_sdk::Integration;

use crate::{api, clock::SharedClock, domain::Check, registry::doctor};

/// What a running server says of itself.
pub(super) struct Checkup {
    /// Of what does not change while it runs.
    pub(super) fixed: Vec<Check>,
    /// Folder of the journal, unless that is in memory.
    pub(super) folder: Option<PathBuf>,
    pub(super) window: Arc<Window>,
    pub(super) integrations: Vec<Arc<dyn Integration>>,
    pub(super) clock: SharedClock,
}

#[async_trait]
impl api::Checkup for Checkup {
    async fn checks(&self) -> Vec<Check> {
        let now = self.clock.now();
        self.window.expire(now);
        let mut found: Vec<Check> = self.folder.iter().map(|folder| doctor::data_folder(folder)).collect();
        found.extend(self.fixed.iter().cloned());
        found.push(doctor::pushed(&self.window.stats(), now));
        found.extend(doctor::sources(&self.integrations).await);
        found
    }
}
