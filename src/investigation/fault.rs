//! What each class of fault predicts: the signature that an agent tests.
//!
//! A prediction names an indicator, a direction and where it should show; seen, it speaks for the class,
//! not seen where it could have been, against it. Words are those that operating systems, runtimes,
//! drivers and protocols print for the condition, whatever the service.

pub(super) use super::sign::{Prediction, Sign, Signature, predict};
use crate::domain::{
    Direction::{Down, New, Up, Vanished},
    EntityKind, FaultClass,
    IndicatorKind::{self, *},
};

/// How common the classes are, in decibans against an even share: postmortems name pushes of code and
/// configuration for two thirds of incidents (SRE Workbook, appendix C), the rest for the many others.
/// Classes that need a change get their recency bonus by the change itself.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        fault: FaultClass::PoolExhaustion,
        prior: -2.0,
        predictions: &[
            predict("pool-up", Sign::Own(&[Pool], &[Up, New]), 8.0, -5.0),
            predict(
                "says-pool",
                Sign::Says(&[
                    "pool",
                    "timed out waiting for a connection",
                    "too many connections",
                    "no available connection",
                    "connection acquire",
                    "acquire timeout",
                    "remaining connection slots",
                ]),
                9.0,
                -2.0,
            ),
            predict("callee-slow", Sign::AtCallees(&[SelfTime], &[Up]), -7.0, 0.0),
            predict("more-requests", Sign::MoreRequests, -4.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::SlowQuery,
        prior: -3.0,
        predictions: &[
            predict("database", Sign::Is(EntityKind::Database), 5.0, 0.0),
            predict("self-time-up", Sign::Own(&[SelfTime], &[Up]), 5.0, -6.0),
            predict(
                "says-query",
                Sign::Says(&[
                    "slow query",
                    "seq scan",
                    "sequential scan",
                    "full scan",
                    "missing index",
                    "statement timeout",
                    "query took",
                    "full table scan",
                ]),
                8.0,
                -5.0,
            ),
            predict("pool-up-at-callers", Sign::AtCallers(&[Pool], &[Up]), 2.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::CpuSaturation,
        prior: -2.0,
        predictions: &[
            predict("cpu-up", Sign::Own(&[Cpu], &[Up]), 8.0, -6.0),
            predict("self-time-up", Sign::Own(&[SelfTime, Latency], &[Up]), 2.0, -1.0),
            predict("more-requests", Sign::MoreRequests, -3.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::MemoryLeak,
        prior: -2.0,
        predictions: &[
            predict("memory-up", Sign::Own(&[Memory], &[Up]), 7.0, -6.0),
            predict(
                "says-memory",
                Sign::Says(&["gc pause", "heap", "out of memory", "oom", "outofmemory", "memory pressure"]),
                5.0,
                -1.0,
            ),
        ],
    },
    Signature {
        fault: FaultClass::OomKill,
        prior: -2.0,
        predictions: &[
            predict(
                "says-oom",
                Sign::Says(&["oomkilled", "oom-kill", "out of memory: kill", "exceeded memory limit"]),
                9.0,
                -6.0,
            ),
            predict("restarts-up", Sign::Own(&[Restarts], &[Up, New]), 5.0, -3.0),
            predict("memory", Sign::Own(&[Memory], &[Up, Down]), 3.0, 0.0),
            // Then it is the requests that need the memory.
            predict("more-requests", Sign::MoreRequests, -3.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::CrashLoop,
        prior: -3.0,
        predictions: &[
            predict("restarts-up", Sign::Own(&[Restarts], &[Up, Down, New]), 6.0, -5.0),
            predict(
                "says-crash",
                Sign::Says(&["crashloop", "back-off restarting", "panic", "segfault", "exited with"]),
                5.0,
                -2.0,
            ),
        ],
    },
    Signature {
        fault: FaultClass::DiskFull,
        prior: -3.0,
        predictions: &[
            predict(
                "says-disk",
                Sign::Says(&[
                    "no space left on device",
                    "disk full",
                    "enospc",
                    "disk quota exceeded",
                    "diskpressure",
                ]),
                12.0,
                -4.0,
            ),
            predict("disk", Sign::Own(&[Disk], &[Up, Down]), 5.0, -4.0),
        ],
    },
    Signature {
        fault: FaultClass::FileDescriptors,
        prior: -4.0,
        predictions: &[
            predict("says-files", Sign::Says(&["too many open files", "emfile"]), 13.0, -5.0),
            predict("descriptors-up", Sign::Own(&[IndicatorKind::FileDescriptors], &[Up]), 5.0, -3.0),
        ],
    },
    Signature {
        fault: FaultClass::ThreadStarvation,
        prior: -3.0,
        predictions: &[
            predict("threads", Sign::Own(&[Threads], &[Up, Down]), 5.0, -5.0),
            predict(
                "says-threads",
                Sign::Says(&["thread pool", "rejectedexecution", "no available threads", "worker exhausted"]),
                8.0,
                -4.0,
            ),
        ],
    },
    Signature {
        fault: FaultClass::Network,
        prior: -2.0,
        predictions: &[
            predict("gap-up", Sign::Own(&[NetworkGap], &[Up]), 9.0, -6.0),
            predict("bytes-down", Sign::Own(&[IndicatorKind::Network], &[Down]), 2.0, 0.0),
            predict(
                "says-network",
                Sign::Says(&[
                    "connection reset",
                    "broken pipe",
                    "no route to host",
                    "network is unreachable",
                    "retransmi",
                ]),
                4.0,
                0.0,
            ),
            predict("cpu-up", Sign::Own(&[Cpu], &[Up]), -3.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::Dns,
        prior: -4.0,
        predictions: &[predict(
            "says-dns",
            Sign::Says(&[
                "no such host",
                "nxdomain",
                "servfail",
                "name resolution",
                "getaddrinfo",
                "dns lookup",
            ]),
            14.0,
            -6.0,
        )],
    },
    Signature {
        fault: FaultClass::CertificateExpiry,
        prior: -4.0,
        predictions: &[
            predict(
                "says-certificate",
                Sign::Says(&[
                    "certificate has expired",
                    "certificate expired",
                    "x509",
                    "cert expired",
                    "certificate is not yet valid",
                ]),
                14.0,
                -6.0,
            ),
            predict("countdown-over", Sign::AtCallees(&[Certificate], &[Down]), 5.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::DependencyDown,
        prior: -2.0,
        predictions: &[
            predict("silent", Sign::Silent, 4.0, 0.0),
            predict(
                "callers-refused",
                Sign::CallersSay(&[
                    "connection refused",
                    "unavailable",
                    "503",
                    "no healthy upstream",
                    "connection reset",
                    "unreachable",
                ]),
                6.0,
                -2.0,
            ),
            predict("errors-begin", Sign::Own(&[Errors], &[Up, New]), 3.0, -4.0),
            predict("calls-gone", Sign::Own(&[Structure], &[Vanished]), 3.0, 0.0),
            predict("self-time-up", Sign::Own(&[SelfTime], &[Up]), -2.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::ProviderOutage,
        prior: -1.0,
        predictions: &[
            predict("external", Sign::Is(EntityKind::External), 5.0, -12.0),
            predict(
                "callers-say",
                Sign::CallersSay(&[
                    "503",
                    "unavailable",
                    "502",
                    "504",
                    "slowdown",
                    "timeout",
                    "connection refused",
                    "deadline",
                ]),
                5.0,
                -3.0,
            ),
            predict("errors-begin", Sign::Own(&[Errors, SelfTime], &[Up, New]), 3.0, -3.0),
        ],
    },
    Signature {
        fault: FaultClass::TrafficSurge,
        prior: -1.0,
        predictions: &[
            predict("more-requests", Sign::MoreRequests, 10.0, -10.0),
            predict(
                "says-overload",
                Sign::Says(&[
                    "overload",
                    "shed",
                    "too many requests",
                    "queue full",
                    "concurrency limit",
                    "429",
                    "at capacity",
                    "scalinglimited",
                ]),
                5.0,
                0.0,
            ),
            predict("queue-up", Sign::Own(&[Queue, Pool, Threads, Cpu], &[Up]), 2.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::RetryStorm,
        prior: -4.0,
        predictions: &[
            predict("retries-up", Sign::Own(&[Retries], &[Up]), 8.0, -5.0),
            predict("calls-up", Sign::AtCallers(&[Structure], &[Up]), 4.0, -1.0),
            predict("says-retry", Sign::Says(&["retrying", "retry attempt", "retry storm"]), 3.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::CacheFailure,
        prior: -2.0,
        predictions: &[
            predict("cache", Sign::Own(&[Cache], &[Up, Down]), 8.0, -6.0),
            predict(
                "says-cache",
                Sign::Says(&["cache miss", "cache unavailable", "evicted", "cache cold"]),
                4.0,
                -1.0,
            ),
            predict("is-cache", Sign::Is(EntityKind::Cache), 4.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::QueueBacklog,
        prior: -3.0,
        predictions: &[predict("queue-up", Sign::Own(&[Queue], &[Up]), 7.0, -6.0)],
    },
    Signature {
        fault: FaultClass::ReplicationLag,
        prior: -4.0,
        predictions: &[predict("lag-up", Sign::Own(&[Replication], &[Up]), 10.0, -7.0)],
    },
    Signature {
        fault: FaultClass::LockContention,
        prior: -3.0,
        predictions: &[
            predict("locks-up", Sign::Own(&[Lock], &[Up]), 7.0, -4.0),
            predict(
                "says-lock",
                Sign::Says(&["lock wait", "could not obtain lock", "lock acquire timed out", "lock timeout"]),
                8.0,
                -4.0,
            ),
        ],
    },
    Signature {
        fault: FaultClass::Deadlock,
        prior: -5.0,
        predictions: &[predict("says-deadlock", Sign::Says(&["deadlock"]), 13.0, -6.0)],
    },
    Signature {
        fault: FaultClass::Quota,
        prior: -3.0,
        predictions: &[
            predict(
                "says-quota",
                Sign::Says(&[
                    "quota exceeded",
                    "exceeded quota",
                    "rate limit",
                    "ratelimit",
                    "throttl",
                    "limit exceeded",
                ]),
                9.0,
                -4.0,
            ),
            predict("quota-up", Sign::Own(&[IndicatorKind::Quota], &[Up, New]), 5.0, -2.0),
        ],
    },
    Signature {
        fault: FaultClass::Capacity,
        prior: -3.0,
        predictions: &[
            predict(
                "says-no-room",
                Sign::Says(&["failedscheduling", "unschedulable", "nodes are available", "preempted"]),
                9.0,
                -6.0,
            ),
            predict("does-not-start", Sign::Own(&[Startup], &[Up, New]), 4.0, -4.0),
        ],
    },
    Signature {
        fault: FaultClass::BadRelease,
        prior: -3.0,
        predictions: &[
            predict(
                "says-no-image",
                Sign::Says(&["imagepullbackoff", "errimagepull", "invalidimagename", "runcontainererror"]),
                9.0,
                -6.0,
            ),
            predict("does-not-start", Sign::Own(&[Startup], &[Up, New]), 4.0, -4.0),
        ],
    },
    Signature {
        fault: FaultClass::BadConfig,
        prior: -3.0,
        predictions: &[
            predict(
                "says-configuration",
                Sign::Says(&["createcontainerconfigerror", "failedmount", "couldn't find key"]),
                9.0,
                -6.0,
            ),
            predict("does-not-start", Sign::Own(&[Startup], &[Up, New]), 4.0, -4.0),
        ],
    },
    Signature {
        fault: FaultClass::NodeLoss,
        prior: -2.0,
        predictions: &[
            predict("node", Sign::Own(&[IndicatorKind::Node], &[Up, New]), 12.0, -8.0),
            predict("is-node", Sign::Is(EntityKind::Node), 3.0, -6.0),
        ],
    },
    Signature {
        fault: FaultClass::NoisyNeighbour,
        prior: -4.0,
        predictions: &[
            predict("says-pressure", Sign::Says(&["memorypressure", "pidpressure"]), 9.0, -6.0),
            predict("is-node", Sign::Is(EntityKind::Node), 3.0, -6.0),
        ],
    },
    Signature {
        fault: FaultClass::CodeDefect,
        prior: -1.0,
        predictions: &[
            predict("path-changed", Sign::Own(&[Structure], &[Vanished, Down, New, Up]), 5.0, -1.0),
            predict("log-vanished", Sign::Own(&[Log], &[Vanished, Down]), 4.0, 0.0),
            predict(
                "says-exception",
                Sign::Says(&[
                    "exception",
                    "error: ",
                    "panic",
                    "traceback",
                    "nullpointer",
                    "undefined",
                    "unhandled",
                    "fatal error",
                    "typeerror",
                ]),
                6.0,
                -1.0,
            ),
            predict("self-time-up", Sign::Own(&[SelfTime], &[Up]), -3.0, 0.0),
            predict("gap-up", Sign::Own(&[NetworkGap], &[Up]), -4.0, 0.0),
            predict("changed", Sign::Changed, -2.0, 0.0),
            // Code that does not run has no defects.
            predict("does-not-start", Sign::Own(&[Startup], &[Up, New]), -6.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::Slowdown,
        prior: -2.0,
        predictions: &[
            predict("self-time-up", Sign::Own(&[SelfTime], &[Up]), 4.0, -5.0),
            predict("errors-begin", Sign::Own(&[Errors], &[Up, New]), -2.0, 0.0),
        ],
    },
    Signature {
        fault: FaultClass::Errors,
        prior: -3.0,
        predictions: &[predict("errors-begin", Sign::Own(&[Errors, Log], &[Up, New]), 4.0, -5.0)],
    },
];

/// The predictions of a class that needs a change: what speaks for or against it beside the change itself.
pub(super) const OF_CHANGES: &[Prediction] = &[
    predict("errors-begin", Sign::Own(&[Errors], &[Up, New]), 3.0, 0.0),
    predict("path-changed", Sign::Own(&[Structure, Log], &[Vanished, Down, New, Up]), 3.0, -1.0),
    predict("does-not-start", Sign::Own(&[Startup, Restarts], &[New]), 5.0, 0.0),
];

/// Whether a class may be claimed with no sign of it seen yet: what a change brings about needs the change, and what
/// only Kubernetes sees needs Kubernetes to say so.
pub(super) fn stands_alone(fault: FaultClass) -> bool {
    let needs = [
        FaultClass::BadRelease,
        FaultClass::BadConfig,
        FaultClass::Capacity,
        FaultClass::NodeLoss,
        FaultClass::NoisyNeighbour,
    ];
    signature(fault).is_some() && !needs.contains(&fault)
}

/// The signature of a class, if it has one of its own.
pub(super) fn signature(fault: FaultClass) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| signature.fault == fault)
}
