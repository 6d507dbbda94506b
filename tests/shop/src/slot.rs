use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use opentelemetry::logs::Severity;
use tokio::{sync::Mutex, task::JoinHandle};
use tokio_util::task::TaskTracker;

use crate::{
    Config, Error, Result,
    http::{Ending, serve},
    services::{Boot, Directory, Kind, Release, Spec, Switches},
    telemetry::{Identity, Outlet, Telemetry},
};

/// Time that an instance gets to end its open requests.
const DRAIN: Duration = Duration::from_secs(3);

/// Time between the last connection that an instance takes and the end of its idle ones.
const HAND_OVER: Duration = Duration::from_millis(250);

/// What all slots share.
pub(crate) struct Ground {
    pub(crate) config: Config,
    pub(crate) directory: Arc<Directory>,
    pub(crate) switches: Arc<Switches>,
    pub(crate) outlet: Option<Outlet>,
    pub(crate) tasks: TaskTracker,
}

/// The place of one service: a port that stays open while instances behind it come and go.
pub(crate) struct Slot {
    pub(crate) spec: &'static Spec,
    pub(crate) address: SocketAddr,
    state: Mutex<State>,
    starts: AtomicU32,
}

struct State {
    /// `None` once the shop is stopped.
    listener: Option<TcpListener>,
    running: Option<Instance>,
}

struct Instance {
    release: Release,
    telemetry: Arc<Telemetry>,
    ending: Ending,
    server: JoinHandle<std::io::Result<()>>,
}

impl Slot {
    /// Takes a free port on loopback.
    pub(crate) fn bind(spec: &'static Spec) -> Result<Self> {
        let fail = |cause| Error::Listen { service: spec.name, cause };
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let state = Mutex::new(State { listener: Some(listener), running: None });
        Ok(Self { spec, address, state, starts: AtomicU32::new(0) })
    }

    /// Starts an instance of a release and retires the one before it, as a rolling deploy does: the
    /// port never closes. Answers the version that ran before.
    pub(crate) async fn roll(&self, ground: &Ground, release: Release) -> Result<Option<String>> {
        let mut state = self.state.lock().await;
        let fail = |cause| Error::Listen { service: self.spec.name, cause };
        let listener = state.listener.as_ref().ok_or(Error::Stopped)?.try_clone().map_err(fail)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(fail)?;
        let external = self.spec.kind == Kind::External;
        let outlet = ground.outlet.as_ref().filter(|_| !external);
        let telemetry = Telemetry::start(self.identity(ground, &release), outlet)?;
        let boot = Boot {
            service: self.spec.name,
            telemetry: telemetry.clone(),
            directory: ground.directory.clone(),
            switches: ground.switches.clone(),
            release: release.clone(),
            config: ground.config.clone(),
            wire: Boot::wire(),
        };
        let routes = (self.spec.routes)(&boot);
        let ending = Ending::default();
        if let Some(before) = &state.running {
            before.ending.accepting.cancel();
        }
        let server = serve(listener, routes, ending.clone());
        let ready = format!("{} {} ready, listening on {}", self.spec.name, release.version, self.address);
        telemetry.log(Severity::Info, None, ready, Vec::new());
        let before = state.running.replace(Instance { release, telemetry, ending, server });
        drop(state);
        Ok(before.map(|instance| {
            let version = instance.release.version.clone();
            ground.tasks.spawn(instance.hand_over());
            version
        }))
    }

    /// A new instance of the release that runs, which forgets all it held.
    pub(crate) async fn restart(&self, ground: &Ground) -> Result<()> {
        let release = self.state.lock().await.running.as_ref().map(|instance| instance.release.clone());
        self.roll(ground, release.ok_or(Error::Stopped)?).await.map(|_| ())
    }

    /// Ends the instance and frees the port.
    pub(crate) async fn stop(&self) {
        let running = {
            let mut state = self.state.lock().await;
            state.listener = None;
            state.running.take()
        };
        if let Some(instance) = running {
            instance.retire().await;
        }
    }

    /// Tells the instance to end, without waiting for it.
    pub(crate) fn abandon(&self) {
        if let Ok(mut state) = self.state.try_lock() {
            state.listener = None;
            if let Some(instance) = &state.running {
                instance.ending.serving.cancel();
            }
        }
    }

    fn identity(&self, ground: &Ground, release: &Release) -> Identity {
        let start = self.starts.fetch_add(1, Ordering::Relaxed);
        let template = suffix(&[self.spec.name, &release.version], 9);
        let pod = suffix(&[self.spec.name, &start.to_string(), &ground.config.seed.to_string()], 5);
        Identity {
            service: self.spec.name,
            version: release.version.clone(),
            pod: format!("{}-{template}-{pod}", self.spec.name),
        }
    }
}

impl Instance {
    /// Retires once the connections that were just accepted have sent their first request.
    async fn hand_over(self) {
        tokio::time::sleep(HAND_OVER).await;
        self.retire().await;
    }

    async fn retire(mut self) {
        self.ending.serving.cancel();
        if tokio::time::timeout(DRAIN, &mut self.server).await.is_err() {
            self.server.abort();
        }
        let telemetry = self.telemetry;
        // The exporters' threads are waited for, which must not hold up the runtime.
        let flushed = tokio::task::spawn_blocking(move || telemetry.shut_down()).await;
        drop(flushed);
    }
}

/// Letters as in the names that Kubernetes gives pods, the same for the same parts.
fn suffix(parts: &[&str], length: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash = parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let mut name = String::with_capacity(length);
    for _ in 0..length {
        hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let letter = usize::try_from(hash >> 33).unwrap_or_default() % LETTERS.len();
        name.push(LETTERS.get(letter).map_or('x', |letter| char::from(*letter)));
    }
    name
}
