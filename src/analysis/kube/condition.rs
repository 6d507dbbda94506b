use quell_sdk::signal::UnixNanos;

use crate::domain::{Decibans, IndicatorKind};

macro_rules! conditions {
    ($($(#[$doc:meta])* $variant:ident = $kind:ident, $most:literal, $words:literal, $text:literal;)+) => {
        /// Something that Kubernetes says is wrong with a container, a pod, a workload or a node.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Condition {
            $($(#[$doc])* $variant,)+
        }

        impl Condition {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Class of the indicator that shows it.
            pub(super) fn kind(self) -> IndicatorKind {
                match self { $(Self::$variant => IndicatorKind::$kind,)+ }
            }

            /// Most that it may ever weigh: what comes about as the effect of something else as well counts less
            /// than what does not.
            pub(super) fn most(self) -> Decibans {
                match self { $(Self::$variant => $most,)+ }
            }

            /// Kubernetes' own word for it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $words,)+ }
            }

            /// What of a service or node is so, as the rest of a sentence.
            pub(super) fn phrase(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

conditions! {
    OomKilled = Restarts, 20.0, "OOMKilled", "has containers killed for lack of memory";
    CrashLoop = Restarts, 20.0, "CrashLoopBackOff", "has containers in a crash loop (back-off restarting failed container)";
    Restarted = Restarts, 14.0, "Restarted", "has containers that restart";
    /// Killed since it did not answer its liveness probe: as often the effect of a stall elsewhere.
    LivenessKilled = Restarts, 9.0, "LivenessKilled", "has containers killed for failing their liveness probe";
    Evicted = Restarts, 16.0, "Evicted", "has pods evicted";
    StartError = Startup, 20.0, "RunContainerError", "has containers that cannot be started";
    ImagePull = Startup, 20.0, "ImagePullBackOff", "has pods whose image cannot be pulled";
    ConfigError = Startup, 20.0, "CreateContainerConfigError", "has containers whose configuration is missing or wrong";
    MountFailed = Startup, 14.0, "FailedMount", "has pods whose volumes cannot be mounted";
    QuotaExceeded = Startup, 20.0, "FailedCreate: exceeded quota", "may not create pods: the quota is exceeded";
    Refused = Startup, 16.0, "FailedCreate", "may not create pods";
    Unschedulable = Startup, 18.0, "FailedScheduling", "has pods that fit on no node";
    Preempted = Startup, 14.0, "Preempted", "has pods that gave way to pods of higher priority";
    Pending = Startup, 10.0, "Pending", "has pods that do not start";
    RolloutStuck = Startup, 14.0, "ProgressDeadlineExceeded", "has a rollout that does not finish";
    QuotaFull = Quota, 12.0, "ResourceQuota", "lives in a namespace whose quota is used up";
    Unavailable = Replicas, 10.0, "ReplicasMissing", "has fewer replicas available than wanted";
    ProbeFailing = Replicas, 9.0, "Unhealthy", "fails its probes";
    AtMaxReplicas = Replicas, 8.0, "ScalingLimited", "is scaled to its maximum of replicas";
    Throttled = Cpu, 12.0, "CPUThrottling", "has containers throttled at their CPU limit";
    MemoryAtLimit = Memory, 12.0, "MemoryLimit", "is at its memory limit";
    NodeNotReady = Node, 20.0, "NodeNotReady", "is not ready";
    NetworkUnavailable = Node, 18.0, "NetworkUnavailable", "has no network";
    MemoryPressure = Memory, 16.0, "MemoryPressure", "is short of memory";
    DiskPressure = Disk, 16.0, "DiskPressure", "is short of disk space";
    PidPressure = Threads, 14.0, "PIDPressure", "is short of process ids";
}

impl Condition {
    /// Whether it is a node that it is said of.
    pub(super) fn is_of_node(self) -> bool {
        matches!(
            self,
            Self::NodeNotReady
                | Self::NetworkUnavailable
                | Self::MemoryPressure
                | Self::DiskPressure
                | Self::PidPressure
        )
    }

    /// Whether it is what a lost or starved node does to the pods on it.
    pub(super) fn is_done_by_nodes(self) -> bool {
        matches!(
            self,
            Self::Evicted
                | Self::Unavailable
                | Self::ProbeFailing
                | Self::Pending
                | Self::LivenessKilled
                | Self::Restarted
        )
    }

    /// Nanoseconds for which it has to hold at one object before it is more than what every start and every rollout
    /// goes through.
    pub(super) fn patience(self) -> UnixNanos {
        match self {
            Self::Pending | Self::ProbeFailing => 120_000_000_000,
            Self::Unavailable | Self::Unschedulable | Self::MountFailed => 60_000_000_000,
            _ => 0,
        }
    }

    /// By the reason of a container that waits or has ended, or of a pod.
    pub(super) fn of_reason(reason: &str) -> Option<Self> {
        Some(match reason {
            "OOMKilled" => Self::OomKilled,
            "CrashLoopBackOff" => Self::CrashLoop,
            "ImagePullBackOff"
            | "ErrImagePull"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable" => Self::ImagePull,
            "CreateContainerConfigError" => Self::ConfigError,
            "CreateContainerError"
            | "RunContainerError"
            | "StartError"
            | "ContainerCannotRun"
            | "PreStartHookError"
            | "PostStartHookError" => Self::StartError,
            "Evicted" | "NodeLost" | "NodeAffinity" | "Shutdown" | "Terminated" => Self::Evicted,
            "Preempting" | "Preempted" => Self::Preempted,
            "Pending" => Self::Pending,
            "Unschedulable" => Self::Unschedulable,
            "UnexpectedAdmissionError" | "OutOfcpu" | "OutOfmemory" | "OutOfpods" => Self::Unschedulable,
            _ => return None,
        })
    }

    /// By the reason and message of an event. `None` for what a healthy rollout does, and for reasons that are not
    /// known.
    pub(super) fn of_event(reason: &str, message: &str, of_node: bool) -> Option<Self> {
        let says = |words: &[&str]| {
            let message = message.to_ascii_lowercase();
            words.iter().any(|word| message.contains(word))
        };
        const IMAGE: &[&str] =
            &["pulling image", "pull image", "imagepull", "invalidimagename", "image pull"];
        if of_node {
            return Some(match reason {
                "NodeNotReady" | "NodeStatusUnknown" | "Rebooted" => Self::NodeNotReady,
                "NodeHasInsufficientMemory"
                | "SystemOOM"
                | "EvictionThresholdMet"
                | "NodeHasMemoryPressure" => {
                    if says(&["disk", "ephemeral", "imagefs", "nodefs"]) {
                        Self::DiskPressure
                    } else {
                        Self::MemoryPressure
                    }
                }
                "NodeHasDiskPressure" | "FreeDiskSpaceFailed" | "ImageGCFailed" => Self::DiskPressure,
                "NodeHasInsufficientPID" => Self::PidPressure,
                "NetworkUnavailable" | "NetworkNotReady" => Self::NetworkUnavailable,
                _ => return None,
            });
        }
        Some(match reason {
            "OOMKilling" | "OOMKilled" => Self::OomKilled,
            "BackOff" if says(IMAGE) => Self::ImagePull,
            "BackOff" | "CrashLoopBackOff" => Self::CrashLoop,
            "ErrImagePull" | "ImagePullBackOff" | "InspectFailed" | "ErrImageNeverPull" => Self::ImagePull,
            "Failed" | "FailedToStartContainer" | "FailedStart" => {
                if says(IMAGE) || says(&["errimage"]) {
                    Self::ImagePull
                } else if says(&[
                    "not found",
                    "couldn't find key",
                    "secret",
                    "configmap",
                    "createcontainerconfigerror",
                ]) && !says(&["executable file", "exec:"])
                {
                    Self::ConfigError
                } else {
                    Self::StartError
                }
            }
            "FailedPostStartHook" | "FailedCreatePodContainer" | "FailedCreatePodSandBox" => Self::StartError,
            "Unhealthy" | "ProbeError" => Self::ProbeFailing,
            "Killing" if says(&["failed liveness probe", "failed startup probe"]) => Self::LivenessKilled,
            "FailedScheduling" => Self::Unschedulable,
            "FailedMount" | "FailedAttachVolume" | "FailedMapVolume" => Self::MountFailed,
            "Evicted" | "TaintManagerEviction" | "NodeLost" | "NodeNotReady" => {
                if says(&["cancelling"]) {
                    return None;
                }
                Self::Evicted
            }
            "Preempted" | "Preempting" => Self::Preempted,
            "FailedCreate" | "FailedPlacement" if says(&["exceeded quota"]) => Self::QuotaExceeded,
            "FailedCreate" => Self::Refused,
            "ProgressDeadlineExceeded" | "DeploymentRolloutFailed" => Self::RolloutStuck,
            _ => return None,
        })
    }

    /// Whether an event of that reason says that it is over for its object.
    pub(super) fn is_ended_by(self, reason: &str) -> bool {
        match self {
            Self::Unschedulable | Self::Preempted => matches!(reason, "Scheduled" | "Binding"),
            Self::ImagePull => matches!(reason, "Pulled" | "Created" | "Started"),
            Self::ConfigError | Self::MountFailed | Self::StartError => {
                matches!(reason, "Created" | "Started")
            }
            Self::NodeNotReady => reason == "NodeReady",
            Self::MemoryPressure => matches!(reason, "NodeHasSufficientMemory"),
            Self::DiskPressure => reason == "NodeHasNoDiskPressure",
            Self::PidPressure => reason == "NodeHasSufficientPID",
            Self::Refused | Self::QuotaExceeded => reason == "SuccessfulCreate",
            _ => false,
        }
    }
}
