use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use jiff::Timestamp;
use quell_sdk::signal::Change;
use serde_json::json;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Config, Error, Fault, Kind, Result, Stats,
    change::{self, Changes},
    db,
    http::Wire,
    load::{Load, Rush},
    services::{Boot, CATALOGUE, Release, Switches},
    slot::{Ground, Slot},
    stats::Monitor,
    telemetry::Outlet,
};

/// How many times the usual load a surge is.
const SURGE: u32 = 6;
/// How long the blip of [`Fault::None`] takes.
const BLIP: Duration = Duration::from_secs(3);
/// From the start of the leak to the innocent deploy of [`Fault::DecoyDeploy`].
const DECOY_AFTER: Duration = Duration::from_secs(1);

/// One part of the shop, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceInfo {
    pub name: &'static str,
    pub address: SocketAddr,
    pub kind: Kind,
}

impl ServiceInfo {
    /// Whether it serves `/metrics`; somebody else's service does not.
    pub fn scraped(&self) -> bool {
        self.kind != Kind::External
    }
}

/// A running shop. Dropping it ends everything without waiting; [`Shop::stop`] waits.
pub struct Shop {
    inner: Arc<Inner>,
}

struct Inner {
    slots: Vec<Slot>,
    ground: Ground,
    changes: Arc<Changes>,
    rush: Arc<Rush>,
    monitor: Arc<Monitor>,
    /// What is on. Held while a fault is switched, so switches happen one after the other.
    active: Mutex<Option<Active>>,
    until: CancellationToken,
    stopped: AtomicBool,
}

struct Active {
    fault: Fault,
    /// Ends what the fault still has planned.
    plan: CancellationToken,
}

impl Shop {
    /// Starts all services and their customers, and announces the routine changes of the hours before.
    ///
    /// Fails when the configuration is out of range, an address is none, or loopback has no free port.
    pub async fn start(config: Config) -> Result<Self> {
        config.check()?;
        let outlet = config.otlp_endpoint.as_deref().map(Outlet::new).transpose()?;
        let (tasks, until) = (TaskTracker::new(), CancellationToken::new());
        let changes = Changes::start(&config, &tasks, &until)?;
        let slots = CATALOGUE.iter().map(Slot::bind).collect::<Result<Vec<_>>>()?;
        let directory = slots.iter().map(|slot| (slot.spec.name, slot.address)).collect();
        let ground = Ground {
            config,
            directory: Arc::new(directory),
            switches: Arc::new(Switches::default()),
            outlet,
            tasks,
        };
        let inner = Arc::new(Inner {
            slots,
            ground,
            changes,
            rush: Arc::default(),
            monitor: Arc::default(),
            active: Mutex::new(None),
            until,
            stopped: AtomicBool::new(false),
        });
        let shop = Self { inner };
        let inner = &shop.inner;
        for slot in &inner.slots {
            let release = Release { version: slot.spec.version.to_owned(), broken: false };
            slot.roll(&inner.ground, release).await?;
        }
        for change in change::routine(inner.ground.config.seed, Timestamp::now()) {
            inner.changes.announce(change);
        }
        let load = Load {
            frontend: inner.slot("frontend")?.address,
            rps: inner.ground.config.load_rps,
            seed: inner.ground.config.seed,
            rush: inner.rush.clone(),
            monitor: inner.monitor.clone(),
            tasks: inner.ground.tasks.clone(),
        };
        inner.ground.tasks.spawn(load.run(inner.until.clone()));
        Ok(shop)
    }

    /// All parts, callees before their callers.
    pub fn services(&self) -> Vec<ServiceInfo> {
        let info =
            |slot: &Slot| ServiceInfo { name: slot.spec.name, address: slot.address, kind: slot.spec.kind };
        self.inner.slots.iter().map(info).collect()
    }

    /// The address of a part.
    pub fn address(&self, service: &str) -> Option<SocketAddr> {
        self.inner.slots.iter().find(|slot| slot.spec.name == service).map(|slot| slot.address)
    }

    /// Switches a fault on. One that is on already is cleared first.
    pub async fn inject(&self, fault: Fault) -> Result<()> {
        let mut active = self.inner.active.lock().await;
        self.inner.check_running()?;
        if let Some(before) = active.take() {
            self.inner.undo(before).await?;
        }
        let plan = self.inner.until.child_token();
        *active = Some(Active { fault, plan: plan.clone() });
        Inner::apply(&self.inner, fault, plan).await
    }

    /// Undoes the fault that is on, as its recovery would: restarts what leaked, brings the index back,
    /// rolls the release back. Does nothing when none is on.
    pub async fn clear(&self) -> Result<()> {
        let mut active = self.inner.active.lock().await;
        self.inner.check_running()?;
        match active.take() {
            Some(before) => self.inner.undo(before).await,
            None => Ok(()),
        }
    }

    /// The fault that is on.
    pub async fn active(&self) -> Option<Fault> {
        self.inner.active.lock().await.as_ref().map(|active| active.fault)
    }

    /// Calls back for each change: first those so far, then each at the time it happens.
    pub fn on_change(&self, callback: impl Fn(&Change) + Send + Sync + 'static) {
        self.inner.changes.listen(Box::new(callback));
    }

    /// All changes announced so far, the oldest first.
    pub fn changes(&self) -> Vec<Change> {
        self.inner.changes.all()
    }

    pub fn stats(&self) -> Stats {
        self.inner.monitor.stats(self.inner.changes.lost())
    }

    /// Ends customers and services, and sends what telemetry is left; a few seconds at most. All ports are
    /// free afterwards. A second call does nothing.
    pub async fn stop(&self) {
        let inner = &self.inner;
        if inner.stopped.swap(true, Ordering::SeqCst) {
            return;
        }
        inner.until.cancel();
        let _no_switching_now = inner.active.lock().await;
        futures::future::join_all(inner.slots.iter().map(Slot::stop)).await;
        inner.ground.tasks.close();
        inner.ground.tasks.wait().await;
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.inner.until.cancel();
        self.inner.slots.iter().for_each(Slot::abandon);
    }
}

impl Inner {
    fn slot(&self, name: &'static str) -> Result<&Slot> {
        let slot = self.slots.iter().find(|slot| slot.spec.name == name);
        slot.ok_or_else(|| Error::Config(format!("the shop has no {name}")))
    }

    fn check_running(&self) -> Result<()> {
        if self.stopped.load(Ordering::SeqCst) { Err(Error::Stopped) } else { Ok(()) }
    }

    async fn apply(inner: &Arc<Self>, fault: Fault, plan: CancellationToken) -> Result<()> {
        let switches = &inner.ground.switches;
        match fault {
            Fault::None => {
                Switches::turn(&switches.provider_slow, true);
                let switches = switches.clone();
                inner.ground.tasks.spawn(async move {
                    plan.run_until_cancelled(tokio::time::sleep(BLIP)).await;
                    Switches::turn(&switches.provider_slow, false);
                });
            }
            Fault::PoolLeak => Switches::turn(&switches.leak, true),
            Fault::SlowQuery => inner.alter_schema(&format!("DROP INDEX {}", db::INDEX)).await?,
            Fault::BadRelease => inner.deploy("payments", "3.8.0", true, "jonas").await?,
            Fault::DependencyDown => Switches::turn(&switches.provider_down, true),
            Fault::TrafficSurge => inner.rush.set(SURGE),
            Fault::DecoyDeploy => {
                Switches::turn(&switches.leak, true);
                let shop = inner.clone();
                inner.ground.tasks.spawn(async move {
                    if plan.run_until_cancelled(tokio::time::sleep(DECOY_AFTER)).await.is_some() {
                        // Only a stop can fail it, and then nobody is left to deceive.
                        drop(shop.deploy("frontend", "5.13.1", false, "mira").await);
                    }
                });
            }
        }
        Ok(())
    }

    async fn undo(&self, active: Active) -> Result<()> {
        active.plan.cancel();
        let switches = &self.ground.switches;
        match active.fault {
            Fault::None => Switches::turn(&switches.provider_slow, false),
            Fault::PoolLeak | Fault::DecoyDeploy => {
                Switches::turn(&switches.leak, false);
                self.slot("orders")?.restart(&self.ground).await?;
            }
            Fault::SlowQuery => {
                self.alter_schema(&format!("CREATE INDEX {} ON orders (customer_id)", db::INDEX)).await?;
            }
            Fault::BadRelease => self.deploy("payments", "3.7.2", false, "jonas").await?,
            Fault::DependencyDown => Switches::turn(&switches.provider_down, false),
            Fault::TrafficSurge => self.rush.set(1),
        }
        Ok(())
    }

    async fn deploy(&self, service: &'static str, version: &str, broken: bool, author: &str) -> Result<()> {
        let release = Release { version: version.to_owned(), broken };
        let before = self.slot(service)?.roll(&self.ground, release).await?.unwrap_or_default();
        self.changes.announce(change::deploy(service, &before, version, author));
        Ok(())
    }

    /// Sends a statement to the database, as an operator would.
    async fn alter_schema(&self, statement: &str) -> Result<()> {
        let fail = |cause: String| Error::Database { statement: statement.to_owned(), cause };
        let address = self.slot("orders-db")?.address;
        let body = Body::from(json!({ "text": statement }).to_string());
        let request = ::http::Request::post(Wire::uri(address, "/query"))
            .header(::http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|cause| fail(cause.to_string()))?;
        let answer = Boot::wire().send(request).await.map_err(|cause| fail(cause.to_string()))?;
        if answer.0.is_success() { Ok(()) } else { Err(fail(answer.1.to_string())) }
    }
}
