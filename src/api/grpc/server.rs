//! The server about itself.

use quell_proto::v1::{self, GetServerRequest, server_service_server::ServerService};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, async_trait};

use crate::api::{Error, Kind, convert::Wire, state::Shared};

/// At once: each asks every source.
const AT_ONCE: usize = 2;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

pub(super) struct Server(pub(super) Shared);

#[async_trait]
impl ServerService for Server {
    /// Answers whether or not the server is ready: that is what it tells.
    async fn get_server(&self, _: Request<GetServerRequest>) -> Result<Response<v1::Server>, Status> {
        let _turn = TURNS.try_acquire().map_err(|_| {
            Error::new(Kind::Overloaded, format!("{AT_ONCE} checks are running already; try again"))
        })?;
        let checks = self.0.checkup.checks().await;
        Ok(Response::new(v1::Server {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state: self.0.readiness.word().to_owned(),
            checks: checks.iter().map(Wire::to_wire).collect(),
        }))
    }
}
