use std::{fmt, str::FromStr};

use crate::Error;

/// A fault that can be switched on. Each is a true mechanism with one true cause, except
/// [`Fault::None`], which has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing breaks; the payment provider is a little slower for three seconds, as happens all day.
    None,
    /// `orders` does not give back the connection of its coupon lookup.
    PoolLeak,
    /// The index that `orders` reads by is dropped in `orders-db`.
    SlowQuery,
    /// A release of `payments` throws for every currency but the euro.
    BadRelease,
    /// The payment provider answers 503.
    DependencyDown,
    /// Six times the customers: the render workers of `frontend` cannot keep up.
    TrafficSurge,
    /// A pool leak in `orders`, and one second later an innocent release of `frontend`.
    DecoyDeploy,
}

/// The one true cause of a fault, to grade an answer against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// The service, database or provider at fault.
    pub service: &'static str,
    /// Class of the fault, by its word.
    pub class: &'static str,
    /// Other words that a fair grader takes for right.
    pub also: &'static [&'static str],
}

impl Fault {
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::PoolLeak,
        Self::SlowQuery,
        Self::BadRelease,
        Self::DependencyDown,
        Self::TrafficSurge,
        Self::DecoyDeploy,
    ];

    /// Its name, e.g. `pool-leak`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PoolLeak => "pool-leak",
            Self::SlowQuery => "slow-query",
            Self::BadRelease => "bad-release",
            Self::DependencyDown => "dependency-down",
            Self::TrafficSurge => "traffic-surge",
            Self::DecoyDeploy => "decoy-deploy",
        }
    }

    /// All names, for help and error texts.
    pub fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// What breaks, in a sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Self::None => "nothing is broken; the payment provider is a little slow for three seconds",
            Self::PoolLeak => "orders does not give back the connections of its coupon lookups",
            Self::SlowQuery => "the index on orders.customer_id is gone, each lookup reads the whole table",
            Self::BadRelease => "payments 3.8.0 throws for every currency but the euro",
            Self::DependencyDown => "the payment provider answers 503",
            Self::TrafficSurge => "six times the customers, more than the render workers of frontend take",
            Self::DecoyDeploy => "orders leaks connections; the frontend release at that time is innocent",
        }
    }

    /// The true cause; `None` when nothing is broken.
    pub fn truth(self) -> Option<Truth> {
        let (service, class, also): (_, _, &[_]) = match self {
            Self::None => return None,
            Self::PoolLeak | Self::DecoyDeploy => ("orders", "pool_exhaustion", &["code_defect"]),
            Self::SlowQuery => ("orders-db", "slow_query", &["slowdown"]),
            Self::BadRelease => ("payments", "bad_release", &[]),
            Self::DependencyDown => ("payment-provider", "provider_outage", &["dependency_down"]),
            Self::TrafficSurge => ("frontend", "traffic_surge", &[]),
        };
        Some(Truth { service, class, also })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Fault {
    type Err = Error;

    /// From its name; `_` is as good as `-`.
    fn from_str(name: &str) -> Result<Self, Error> {
        let wanted = name.replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|fault| fault.as_str() == wanted)
            .ok_or_else(|| Error::UnknownFault(name.to_owned()))
    }
}
