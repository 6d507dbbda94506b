use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use quell_otlp::Window;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{Investigator, checkup::Checkup, engine::Engine, worker::Worker};
use crate::{
    api::{self, Collector, Readiness, State},
    clock::{SharedClock, SystemClock},
    config::Config,
    history::{self, History},
    intake::{self, Intake},
    investigation::Sources,
    journal::{self, Journal, Options, SqliteJournal},
    registry::{self, Registry},
    runbook::Library,
    telemetry::Metrics,
};

/// How long workers may take to give back what they hold.
const GRACE: Duration = Duration::from_secs(5);

/// How often what is too old is dropped.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen on {address}: {cause}; choose another with server.listen")]
    Listen { address: SocketAddr, cause: io::Error },
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error(transparent)]
    History(#[from] history::Error),
    #[error(transparent)]
    Registry(#[from] registry::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error(transparent)]
    Intake(#[from] intake::Error),
}

/// What a server is made of; see [`App::start`] for the usual.
pub struct Builder {
    config: Config,
    clock: SharedClock,
    data: Data,
    investigator: Option<Arc<dyn Investigator>>,
}

enum Data {
    Folder(PathBuf),
    Memory,
}

impl Builder {
    /// A server of this configuration, with the machine's clock and the configured data folder.
    pub fn new(config: Config) -> Self {
        let data = Data::Folder(config.data_dir(&|name| std::env::var(name).ok()));
        Self { config, clock: Arc::new(SystemClock), data, investigator: None }
    }

    /// Tells the time in place of the machine.
    #[must_use]
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Keeps the journal in memory: nothing outlives the server.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.data = Data::Memory;
        self
    }

    /// Answers requests in place of the engine.
    #[must_use]
    pub fn investigator(mut self, investigator: Arc<dyn Investigator>) -> Self {
        self.investigator = Some(investigator);
        self
    }

    /// Starts everything; the port is open and ready when this returns.
    pub async fn start(self) -> Result<App, Error> {
        let Self { config, clock, data, investigator } = self;
        let address = config.server.listen;
        let listen = |cause| Error::Listen { address, cause };
        // first, so that a port in use costs nothing
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let metrics = Metrics::new()?;
        let (journal, folder): (Arc<dyn Journal>, _) = match data {
            Data::Folder(folder) => {
                (Arc::new(SqliteJournal::open(&folder, Options::default())?), Some(folder))
            }
            Data::Memory => (Arc::new(SqliteJournal::in_memory()?), None),
        };
        let history = Arc::new(History::open(Arc::clone(&journal), folder.as_deref()).await?);
        let rules =
            intake::Config { investigation_budget: config.investigation.budget, ..config.intake.clone() };
        let intake = Intake::start(Arc::clone(&journal), Arc::clone(&clock), rules).await?;
        let registry = Registry::build(&config)?;
        let window = Arc::new(Window::new(registry::window(&config.otlp)));
        let sources = registry.sources(&window, intake.changes());
        let (library, findings) = Library::load(&config.runbooks.dirs, config.runbooks.embedded);
        for finding in findings.iter().filter(|finding| finding.is_error()) {
            tracing::warn!(%finding, "a runbook is left out");
        }
        let mut fixed = vec![registry::doctor::runbooks(&library, &findings)];
        fixed.extend(registry::doctor::receivers(&config));
        let library = Arc::new(library);
        let checkup = Checkup {
            fixed,
            folder,
            window: Arc::clone(&window),
            integrations: registry.integrations,
            clock: Arc::clone(&clock),
        };

        let shutdown = CancellationToken::new();
        let state = Arc::new(State {
            journal: Arc::clone(&journal),
            history: Arc::clone(&history),
            intake: intake.clone(),
            library: Arc::clone(&library),
            sources: sources.clone(),
            collector: Collector::new(Arc::clone(&window), Arc::clone(&clock), Arc::clone(&metrics)),
            receivers: registry.receivers,
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
            readiness: Readiness::default(),
            checkup: Arc::new(checkup),
            shutdown: shutdown.clone(),
        });
        let all = sources.clone();
        let investigator = investigator.unwrap_or_else(|| Arc::new(Engine { sources, library }));
        let workers = TaskTracker::new();
        for number in 1..=config.investigation.workers {
            let worker = Worker {
                name: format!("{}/{number}", std::process::id()),
                journal: Arc::clone(&journal),
                intake: intake.clone(),
                investigator: Arc::clone(&investigator),
                clock: Arc::clone(&clock),
                metrics: Arc::clone(&metrics),
                lookback: config.investigation.lookback,
            };
            workers.spawn(worker.run(shutdown.clone()));
        }
        workers.spawn(expire(window, Arc::clone(&clock), shutdown.clone()));
        workers.close();
        let (ended_sender, ended) = watch::channel(false);
        let server = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                let served = api::serve(listener, state).await;
                ended_sender.send_replace(true);
                served
            }
        });
        state.readiness.ready();
        tracing::info!(%address, "ready");
        Ok(App { _shutdown: shutdown.drop_guard(), address, state, sources: all, workers, server, ended })
    }
}

/// Frees what is too old also when nobody pushes any more.
async fn expire(window: Arc<Window>, clock: SharedClock, stop: CancellationToken) {
    while timeout(HOUSEKEEPING, stop.cancelled()).await.is_err() {
        window.expire(clock.now());
    }
}

/// A running server. Dropping it without [`App::stop`] begins the stopping and does not wait for it.
pub struct App {
    _shutdown: DropGuard,
    address: SocketAddr,
    state: Arc<State>,
    sources: Sources,
    workers: TaskTracker,
    server: JoinHandle<Result<(), api::ServeError>>,
    ended: watch::Receiver<bool>,
}

impl App {
    /// Starts a server as configured.
    pub async fn start(config: Config, clock: SharedClock) -> Result<Self, Error> {
        Builder::new(config).clock(clock).start().await
    }

    /// Where it listens; the port is the one taken when 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.state.journal
    }

    /// What its investigations ask.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    pub fn history(&self) -> &Arc<History> {
        &self.state.history
    }

    /// Returns when the server has ended by itself, which is a failure that [`App::stop`] names.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        // an error means that the sender is gone, and so the server
        drop(ended.wait_for(|ended| *ended).await);
    }

    /// Stops: no new work, streams end, unfinished investigations are given back for the next start, and
    /// what is acknowledged is on disk.
    pub async fn stop(self) -> Result<(), api::ServeError> {
        let Self { state, workers, server, .. } = self;
        state.shutdown.cancel();
        if timeout(GRACE, workers.wait()).await.is_err() {
            tracing::warn!("investigations did not end in time; their claims are free at the next start");
        }
        let served = match server.await {
            Ok(served) => served,
            Err(error) => {
                tracing::error!(%error, "server failed");
                Ok(())
            }
        };
        state.intake.close().await;
        state.journal.close().await;
        tracing::info!("stopped");
        served
    }
}
