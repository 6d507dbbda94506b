use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// `caller` calls `callee`: an edge of the service graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallEdge {
    pub caller: Arc<str>,
    pub callee: Arc<str>,
}
