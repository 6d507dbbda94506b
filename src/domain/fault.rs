use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($variant:ident = $word:literal, $phrase:literal;)+) => {
        /// Class of a fault: what kind of thing went wrong, which decides what helps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum FaultClass {
            $(#[serde(rename = $word)] $variant,)+
        }

        impl FaultClass {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for it over the API, e.g. `pool_exhaustion`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The words for it in a sentence, e.g. `connection pool exhausted`.
            pub fn phrase(self) -> &'static str {
                match self { $(Self::$variant => $phrase,)+ }
            }

            /// The class of that name (`pool_exhaustion` or `pool-exhaustion`), if there is one.
            pub fn parse(word: &str) -> Option<Self> {
                let word = word.replace('-', "_");
                Self::ALL.iter().copied().find(|fault| fault.as_str() == word)
            }
        }
    };
}

faults! {
    BadRelease = "bad_release", "a faulty release";
    BadConfig = "bad_config", "a faulty configuration";
    FeatureFlag = "feature_flag", "a feature flag";
    CodeDefect = "code_defect", "a defect in the code path that now fails";
    PoolExhaustion = "pool_exhaustion", "connection pool exhausted";
    SlowQuery = "slow_query", "slow queries";
    CpuSaturation = "cpu_saturation", "CPU saturated";
    MemoryLeak = "memory_leak", "memory leak";
    OomKill = "oom_kill", "killed for lack of memory";
    DiskFull = "disk_full", "disk full";
    FileDescriptors = "file_descriptors", "out of file descriptors";
    ThreadStarvation = "thread_starvation", "threads starved";
    Network = "network", "network delay or loss";
    Dns = "dns", "name resolution failing";
    CertificateExpiry = "certificate_expiry", "certificate expired";
    DependencyDown = "dependency_down", "down or refusing calls";
    ProviderOutage = "provider_outage", "outage of an external provider";
    RetryStorm = "retry_storm", "retry storm";
    CacheFailure = "cache_failure", "cache cold or failing";
    QueueBacklog = "queue_backlog", "queue backlog";
    ConsumerLag = "consumer_lag", "consumers lag";
    TrafficSurge = "traffic_surge", "more traffic than it can take";
    AbusiveClient = "abusive_client", "one client sends too much";
    NoisyNeighbour = "noisy_neighbour", "a neighbour takes the node's resources";
    NodeLoss = "node_loss", "node lost";
    Quota = "quota", "quota or rate limit reached";
    Capacity = "capacity", "no room for its pods";
    ReplicationLag = "replication_lag", "replication lags";
    LockContention = "lock_contention", "lock contention";
    Deadlock = "deadlock", "deadlock";
    PoisonMessage = "poison_message", "poison message";
    BadData = "bad_data", "bad data";
    CrashLoop = "crash_loop", "crash loop";
    FailedMigration = "failed_migration", "failed migration";
    ClockSkew = "clock_skew", "clock skew";
    Slowdown = "slowdown", "slow of itself, reason not visible";
    Errors = "errors", "failing of itself, reason not visible";
}
