//! What the metrics of kube-state-metrics, cAdvisor and OpenTelemetry's cluster and kubelet receivers tell.

use super::Condition;

/// What one sample of a metric says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tells {
    /// How often something happened so far.
    Count(Condition),
    /// A condition holds while the value is so.
    While(Condition, Value),
    /// A condition that a label names holds while the value is 1.
    Reason(&'static str),
    /// Why the container ended last. It stays so until it ends again.
    LastReason,
    /// A condition of a node, by its labels `condition` and `status`.
    NodeCondition,
    /// Why a pod is gone, as a number.
    PodReason,
    /// How much there is of what [`Tells::Whole`] gives the bound of.
    Part(Pair),
    Whole(Pair),
    /// Who owns what, and where it runs.
    Belongs,
}

/// Values at which a condition holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Positive,
    Zero,
    /// Anything but 1: a node's readiness may be unknown (-1).
    NotOne,
    Is(f64),
    AtLeast(f64),
}

impl Value {
    pub(super) fn holds(self, value: f64) -> bool {
        match self {
            Self::Positive => value > 0.0,
            Self::Zero => value == 0.0,
            Self::NotOne => value != 1.0,
            Self::Is(wanted) => (value - wanted).abs() < 0.5,
            Self::AtLeast(bound) => value >= bound,
        }
    }

    /// Whether low values are the bad ones.
    pub(super) fn is_low(self) -> bool {
        matches!(self, Self::Zero | Self::NotOne)
    }
}

/// Two metrics of one thing that only say something together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pair {
    /// Replicas available, and wanted.
    Replicas,
    /// Replicas that an autoscaler set, and most that it may set.
    Autoscaler,
    /// Used of a quota, and its hard limit, by resource.
    Quota,
    /// Periods in which a container was throttled, and all.
    Throttling,
    /// Working set of a container, and its limit.
    Memory,
}

/// Part of its memory limit from which on a container is at it.
const AT_LIMIT: f64 = 0.95;

impl Pair {
    /// The condition that holds when the part is so much of the whole; `None` for shares that are compared as
    /// levels.
    pub(super) fn condition(self) -> Option<Condition> {
        Some(match self {
            Self::Replicas => Condition::Unavailable,
            Self::Autoscaler => Condition::AtMaxReplicas,
            Self::Quota => Condition::QuotaFull,
            Self::Memory => Condition::MemoryAtLimit,
            Self::Throttling => return None,
        })
    }

    pub(super) fn holds(self, part: f64, whole: f64) -> bool {
        match self {
            Self::Replicas => part < whole,
            Self::Autoscaler | Self::Quota => whole > 0.0 && part >= whole,
            Self::Memory => whole > 0.0 && part >= AT_LIMIT * whole,
            Self::Throttling => false,
        }
    }
}

/// What a metric of that name tells; `None` for one that is no state of Kubernetes, or none that matters.
pub(super) fn tells(name: &str) -> Option<Tells> {
    use Condition as C;
    use Tells::{Belongs, Count, LastReason, NodeCondition, Part, PodReason, Reason, While, Whole};
    Some(match name {
        "kube_pod_container_status_restarts_total"
        | "kube_pod_init_container_status_restarts_total"
        | "k8s_container_restarts"
        | "k8s_container_restart_count" => Count(C::Restarted),
        "container_oom_events_total" => Count(C::OomKilled),
        "kube_pod_container_status_last_terminated_reason" => LastReason,
        "kube_pod_container_status_waiting_reason"
        | "kube_pod_init_container_status_waiting_reason"
        | "kube_pod_container_status_terminated_reason"
        | "kube_pod_init_container_status_terminated_reason"
        | "kube_pod_status_reason" => Reason("reason"),
        "k8s_container_status_reason" => Reason("k8s_container_status_reason"),
        "k8s_pod_status_reason" => PodReason,
        "kube_pod_status_phase" => Reason("phase"),
        "k8s_pod_phase" => While(C::Pending, Value::Is(1.0)),
        "kube_pod_status_unschedulable" => While(C::Unschedulable, Value::Positive),
        "kube_pod_container_status_ready" | "k8s_container_ready" => While(C::Unavailable, Value::Zero),
        "kube_deployment_status_replicas_unavailable" | "kube_daemonset_status_number_unavailable" => {
            While(C::Unavailable, Value::Positive)
        }
        "kube_deployment_status_replicas_available"
        | "kube_statefulset_status_replicas_ready"
        | "k8s_deployment_available"
        | "k8s_statefulset_ready_pods"
        | "k8s_daemonset_ready_nodes" => Part(Pair::Replicas),
        "kube_deployment_spec_replicas"
        | "kube_statefulset_replicas"
        | "k8s_deployment_desired"
        | "k8s_statefulset_desired_pods"
        | "k8s_daemonset_desired_scheduled_nodes" => Whole(Pair::Replicas),
        "kube_deployment_status_condition" => Reason("condition"),
        "kube_node_status_condition" => NodeCondition,
        "k8s_node_condition" => Reason("condition"),
        "k8s_node_condition_ready" => While(C::NodeNotReady, Value::NotOne),
        "k8s_node_condition_memory_pressure" => While(C::MemoryPressure, Value::Is(1.0)),
        "k8s_node_condition_disk_pressure" => While(C::DiskPressure, Value::Is(1.0)),
        "k8s_node_condition_pid_pressure" => While(C::PidPressure, Value::Is(1.0)),
        "k8s_node_condition_network_unavailable" => While(C::NetworkUnavailable, Value::Is(1.0)),
        "kube_resourcequota" => Part(Pair::Quota),
        "k8s_resource_quota_used" => Part(Pair::Quota),
        "k8s_resource_quota_hard_limit" => Whole(Pair::Quota),
        "kube_horizontalpodautoscaler_status_current_replicas" | "k8s_hpa_current_replicas" => {
            Part(Pair::Autoscaler)
        }
        "kube_horizontalpodautoscaler_spec_max_replicas" | "k8s_hpa_max_replicas" => Whole(Pair::Autoscaler),
        "container_cpu_cfs_throttled_periods_total" => Part(Pair::Throttling),
        "container_cpu_cfs_periods_total" => Whole(Pair::Throttling),
        "container_memory_working_set_bytes" => Part(Pair::Memory),
        "container_spec_memory_limit_bytes"
        | "kube_pod_container_resource_limits"
        | "k8s_container_memory_limit_bytes" => Whole(Pair::Memory),
        "k8s_container_memory_limit_utilization" | "k8s_pod_memory_limit_utilization" => {
            While(C::MemoryAtLimit, Value::AtLeast(AT_LIMIT))
        }
        "kube_pod_info" | "kube_pod_labels" | "kube_pod_owner" | "kube_replicaset_owner" => Belongs,
        _ => return None,
    })
}

/// Whether a metric is a state of Kubernetes, which is told here and is no indicator like others: that of an
/// exporter, under whose name it comes, least of all.
pub(super) fn is_state(name: &str) -> bool {
    name.starts_with("kube_")
        // A level that counts in its own right as well.
        || (name != "container_memory_working_set_bytes" && !name.ends_with("_limit_utilization") && tells(name).is_some())
}
