//! How often an action ends an incident of a class: the table that ranking starts from.
//!
//! Seeds from postmortems: pushes undone helped in 88 % of 33 config and binary pushes of 112 public
//! incidents; restart was the whole fix in 2 of 23 in which it was tried; Ghosh et al. (SoCC 2022) for the
//! mix of mitigations. Values in between are judgement, and are meant to be learned per installation.

use crate::domain::{Action, FaultClass};

/// Chance that the action ends an incident of the class; `None` when it is not worth proposing.
pub(super) fn efficacy(action: Action, fault: FaultClass) -> Option<f64> {
    use Action as A;
    use FaultClass as F;
    let chance = match (action, fault) {
        (A::RollbackCode, F::BadRelease) => 0.85,
        (A::RollbackCode, F::FailedMigration) => 0.3,
        (A::StopRollout, F::BadRelease) => 0.35,
        (A::RollForward | A::Hotfix, F::BadRelease) => 0.5,
        (A::RollbackConfig, F::BadConfig) => 0.85,
        (A::ConfigChange, F::BadConfig) => 0.5,
        (A::FeatureOff, F::FeatureFlag) => 0.8,
        (A::Restart, F::PoolExhaustion) => 0.6,
        (A::ConfigChange, F::PoolExhaustion) => 0.3,
        (A::Restart, F::MemoryLeak | F::FileDescriptors | F::ThreadStarvation) => 0.6,
        (A::Restart, F::OomKill) => 0.3,
        (A::ScaleUp, F::OomKill | F::MemoryLeak) => 0.25,
        (A::ConfigChange, F::OomKill) => 0.5,
        (A::Restart, F::Deadlock) => 0.7,
        (A::Restart, F::CrashLoop) => 0.1,
        (A::RollbackCode, F::CrashLoop) => 0.4,
        (A::ConfigChange, F::Capacity) => 0.4,
        (A::ThrottleLoadShed | A::RollbackCode, F::Capacity) => 0.2,
        (A::Restart, F::BadRelease | F::PoisonMessage | F::CodeDefect) => 0.05,
        (A::ThrottleLoadShed, F::SlowQuery) => 0.4,
        (A::Manual, F::SlowQuery) => 0.55,
        (A::ScaleUp, F::SlowQuery) => 0.1,
        (A::ScaleUp, F::CpuSaturation) => 0.55,
        (A::ThrottleLoadShed, F::CpuSaturation) => 0.45,
        (A::Restart, F::CpuSaturation) => 0.2,
        (A::Drain, F::NoisyNeighbour | F::NodeLoss | F::CpuSaturation) => 0.5,
        (A::Reroute, F::Network) => 0.5,
        (A::Drain, F::Network) => 0.4,
        (A::Restart, F::Network) => 0.15,
        (A::FreeDisk, F::DiskFull) => 0.8,
        (A::ConfigChange, F::FileDescriptors | F::Dns | F::Quota) => 0.5,
        (A::Reroute, F::Dns) => 0.4,
        (A::RotateCredentials, F::CertificateExpiry) => 0.85,
        (A::Restart, F::DependencyDown) => 0.45,
        (A::Failover, F::DependencyDown) => 0.5,
        (A::Degrade, F::DependencyDown) => 0.45,
        // A second provider or region ends it where there is one; to serve without only lessens it.
        (A::Degrade, F::ProviderOutage) => 0.35,
        (A::Escalate, F::ProviderOutage) => 0.4,
        (A::Wait, F::ProviderOutage) => 0.3,
        (A::Failover, F::ProviderOutage) => 0.55,
        (A::ThrottleLoadShed, F::RetryStorm) => 0.7,
        (A::DisableAutomation, F::RetryStorm) => 0.4,
        (A::ThrottleLoadShed, F::CacheFailure) => 0.45,
        (A::Restart, F::CacheFailure) => 0.2,
        (A::ScaleUp, F::QueueBacklog | F::ConsumerLag) => 0.5,
        (A::ThrottleLoadShed, F::QueueBacklog) => 0.4,
        (A::Quarantine, F::PoisonMessage) => 0.7,
        (A::DataRepair, F::BadData) => 0.5,
        (A::Quarantine, F::BadData) => 0.45,
        (A::ScaleUp, F::TrafficSurge) => 0.6,
        (A::ThrottleLoadShed, F::TrafficSurge) => 0.6,
        (A::Degrade, F::TrafficSurge) => 0.4,
        (A::Block, F::AbusiveClient) => 0.8,
        (A::ThrottleLoadShed, F::Quota) => 0.4,
        (A::Manual, F::LockContention) => 0.5,
        (A::Restart, F::LockContention) => 0.3,
        (A::Failover, F::NodeLoss) => 0.75,
        (A::Failover, F::ReplicationLag) => 0.2,
        (A::RollbackCode, F::CodeDefect) => 0.3,
        (A::FeatureOff, F::CodeDefect) => 0.3,
        (A::Hotfix, F::CodeDefect) => 0.4,
        (A::Restart, F::Slowdown) => 0.2,
        (A::ScaleUp, F::Slowdown) => 0.25,
        (A::RollbackCode, F::Slowdown | F::Errors) => 0.2,
        (A::Restart, F::Errors) => 0.15,
        // Somebody who owns the part is always worth calling.
        (A::Escalate, _) => 0.15,
        _ => return None,
    };
    Some(chance)
}

/// Actions worth proposing against a class, best first.
pub(super) fn actions(fault: FaultClass) -> Vec<(Action, f64)> {
    let mut actions: Vec<(Action, f64)> = Action::ALL
        .iter()
        .filter_map(|action| efficacy(*action, fault).map(|chance| (*action, chance)))
        .filter(|(_, chance)| *chance >= 0.1)
        .collect();
    actions.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    actions
}
