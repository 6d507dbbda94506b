//! Recovery paths without a runbook: the generic mitigations, for a service on Kubernetes.
//!
//! "A generic mitigation is useful for many outages; you don't need to fully understand your outage to use
//! it" (J. Mace, Generic Mitigations, 2020). Commands are for `kubectl`, since that is where most services
//! run; the words beside them say what to do elsewhere.

use std::time::Duration;

use crate::domain::{Action, Approval, Blast, Entity, EntityKind, Language, Risk, Step, StepKind};

/// What a generic mitigation is made of.
pub(super) struct Generic {
    pub title: String,
    pub steps: Vec<Step>,
    pub risk: Risk,
    pub reversible: bool,
    pub blast: Blast,
    pub eta: Duration,
    pub approval: Approval,
}

/// What the text and commands are filled with.
pub(super) struct Fill<'a> {
    pub entity: &'a Entity,
    pub namespace: &'a str,
    /// The change at fault, in words.
    pub change: Option<&'a str>,
}

/// The mitigation for an action against an entity.
pub(super) fn generic(action: Action, fill: &Fill<'_>) -> Generic {
    let name = word(&fill.entity.name);
    let service = word(&fill.entity.service);
    let namespace = word(fill.namespace);
    let change = fill.change.unwrap_or("the last change");
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let is_ours = !matches!(fill.entity.kind, EntityKind::External);
    let made = |title: String, risk, reversible, blast, eta, steps: Vec<Step>| Generic {
        title,
        steps,
        risk,
        reversible,
        blast,
        eta,
        approval: if risk == Risk::High { Approval::TwoHumans } else { Approval::Human },
    };
    match action {
        Action::RollbackCode => made(
            format!("Roll {service} back to before {change}"),
            Risk::Low,
            true,
            Blast::Service,
            minutes(4),
            vec![
                sh(StepKind::Check, "Which revision runs now, and which before it", format!("kubectl -n {namespace} rollout history deployment/{service}")),
                sh(StepKind::Act, "Back to the revision before", format!("kubectl -n {namespace} rollout undo deployment/{service}")),
                sh(StepKind::Undo, "Forward again (a second undo returns to the newer revision)", format!("kubectl -n {namespace} rollout undo deployment/{service}")),
            ],
        ),
        Action::StopRollout => made(
            format!("Pause the rollout of {service}"),
            Risk::Low,
            true,
            Blast::Service,
            Duration::from_secs(30),
            vec![
                sh(StepKind::Act, "Keep the old pods that are left", format!("kubectl -n {namespace} rollout pause deployment/{service}")),
                sh(StepKind::Undo, "Go on with it", format!("kubectl -n {namespace} rollout resume deployment/{service}")),
            ],
        ),
        Action::RollbackConfig => made(
            format!("Take back {change}"),
            Risk::Low,
            true,
            Blast::Service,
            minutes(4),
            vec![
                text(StepKind::Act, format!("Revert {change} where it was made, and let {service} load it")),
                sh(StepKind::Act, "Where configuration is read at start only", format!("kubectl -n {namespace} rollout restart deployment/{service}")),
                text(StepKind::Undo, format!("Apply {change} again")),
            ],
        ),
        Action::FeatureOff => made(
            format!("Switch off {change}"),
            Risk::Low,
            true,
            Blast::Service,
            minutes(1),
            vec![text(StepKind::Act, format!("Set {change} back in the flag console")), text(StepKind::Undo, "Switch it on again".to_owned())],
        ),
        Action::Restart => made(
            format!("Restart {name}, one pod first"),
            Risk::Low,
            true,
            Blast::Service,
            minutes(3),
            vec![
                sh(StepKind::Capture, "Keep what a restart destroys", format!("kubectl -n {namespace} logs deployment/{service} --since=30m --all-containers > {service}.log")),
                sh(StepKind::Act, "One pod first: does it stay well for two minutes?", format!("kubectl -n {namespace} delete pod \"$(kubectl -n {namespace} get pod -l app={service} -o name | head -n 1 | cut -d/ -f2)\"")),
                sh(StepKind::Widen, "Then all, rolling", format!("kubectl -n {namespace} rollout restart deployment/{service}")),
                text(StepKind::Undo, "Nothing to take back: pods come up as they were configured".to_owned()),
            ],
        ),
        Action::ScaleUp => made(
            format!("Add capacity to {name}"),
            Risk::Low,
            true,
            Blast::Service,
            minutes(2),
            vec![
                sh(StepKind::Check, "How many there are, and whether anything below them is full", format!("kubectl -n {namespace} get deployment/{service} -o wide")),
                sh(StepKind::Check, "Keep how many there are, for the next commands in this terminal", format!("before=$(kubectl -n {namespace} get deployment/{service} -o jsonpath='{{.spec.replicas}}'); echo \"$before\"")),
                sh(StepKind::Act, "Half as many again", format!("kubectl -n {namespace} scale deployment/{service} --replicas=$(( before + (before + 1) / 2 ))")),
                sh(StepKind::Undo, "Back to what it was", format!("kubectl -n {namespace} scale deployment/{service} --replicas=\"$before\"")),
            ],
        ),
        Action::ThrottleLoadShed => made(
            format!("Shed load in front of {name}"),
            Risk::Medium,
            true,
            Blast::Service,
            minutes(2),
            vec![
                text(StepKind::Act, format!("Lower the rate limit in front of {name}, or turn on load shedding: unimportant requests first")),
                text(StepKind::Undo, "Set the limit back".to_owned()),
            ],
        ),
        Action::Degrade => made(
            format!("Serve without {name}"),
            Risk::Medium,
            true,
            Blast::Service,
            minutes(2),
            vec![
                text(StepKind::Act, format!("Turn on the fallback of the callers of {name} (cached answer, queue for later, feature hidden)")),
                text(StepKind::Undo, "Turn the fallback off".to_owned()),
            ],
        ),
        Action::Failover => made(
            format!("Fail {name} over to its standby"),
            Risk::Medium,
            true,
            Blast::Zone,
            minutes(10),
            vec![
                text(StepKind::Check, "The standby has headroom (below 80 % with the load of both) and no replication lag".to_owned()),
                text(StepKind::Act, format!("Point the callers of {name} at its standby, or promote it")),
                text(StepKind::Undo, "Point them back once it is well".to_owned()),
            ],
        ),
        Action::Drain if fill.entity.kind == EntityKind::Node => made(
            format!("Drain {name}"),
            Risk::Medium,
            true,
            Blast::Node,
            minutes(10),
            vec![
                sh(StepKind::Check, "What runs there, and what it says of itself", format!("kubectl describe node {name}")),
                sh(StepKind::Act, "No new pods there, then move the old ones", format!("kubectl cordon {name} && kubectl drain {name} --ignore-daemonsets --delete-emptydir-data")),
                sh(StepKind::Undo, "Use it again", format!("kubectl uncordon {name}")),
            ],
        ),
        Action::Drain => made(
            format!("Drain the node under {name}"),
            Risk::Medium,
            true,
            Blast::Node,
            minutes(10),
            vec![
                sh(StepKind::Check, "Which nodes its pods are on", format!("kubectl -n {namespace} get pod -l app={service} -o wide")),
                sh(StepKind::Check, "Keep the node of the first of them, for the next commands in this terminal", format!("node=$(kubectl -n {namespace} get pod -l app={service} -o jsonpath='{{.items[0].spec.nodeName}}'); echo \"$node\"")),
                sh(StepKind::Act, "No new pods there, then move the old ones", "kubectl cordon \"$node\" && kubectl drain \"$node\" --ignore-daemonsets --delete-emptydir-data".to_owned()),
                sh(StepKind::Undo, "Use it again", "kubectl uncordon \"$node\"".to_owned()),
            ],
        ),
        Action::RotateCredentials => made(
            format!("Renew the certificate of {name}"),
            Risk::Low,
            true,
            Blast::Service,
            minutes(10),
            vec![
                sh(StepKind::Check, "When it expires", format!("kubectl -n {namespace} get secret {service}-tls -o jsonpath='{{.data.tls\\.crt}}' | base64 -d | openssl x509 -noout -enddate")),
                text(StepKind::Act, format!("Issue a new certificate for {name} and load it (cert-manager: delete the Certificate's Secret, it is issued anew)")),
                text(StepKind::Undo, "Keep the old secret's copy; putting it back restores the old state".to_owned()),
            ],
        ),
        Action::FreeDisk => made(
            format!("Free disk under {name}"),
            Risk::Medium,
            false,
            Blast::Node,
            minutes(5),
            vec![
                sh(StepKind::Check, "What is full", format!("kubectl -n {namespace} exec deployment/{service} -- df -h")),
                text(StepKind::Act, "Remove rotated logs and temporary files, or grow the volume; never data files".to_owned()),
            ],
        ),
        Action::Block => made(
            format!("Block the client that overloads {name}"),
            Risk::Medium,
            true,
            Blast::Service,
            minutes(2),
            vec![text(StepKind::Act, "Block its key or address at the edge".to_owned()), text(StepKind::Undo, "Remove the rule".to_owned())],
        ),
        Action::Reroute => made(
            format!("Send traffic around {name}"),
            Risk::Medium,
            true,
            Blast::Zone,
            minutes(5),
            vec![
                text(StepKind::Check, "Where it goes instead has room for it (below 80 % with both)".to_owned()),
                text(StepKind::Act, format!("Move the route or DNS weight away from {name}")),
                text(StepKind::Undo, "Move it back".to_owned()),
            ],
        ),
        Action::Quarantine => made(
            format!("Set aside what {name} chokes on"),
            Risk::Medium,
            true,
            Blast::Service,
            minutes(5),
            vec![
                text(StepKind::Capture, "Keep a copy of the message or record".to_owned()),
                text(StepKind::Act, "Move it to the dead-letter queue".to_owned()),
                text(StepKind::Undo, "Put it back".to_owned()),
            ],
        ),
        Action::DataRepair | Action::DataRestore => made(
            format!("Repair the data that {name} reads"),
            Risk::High,
            false,
            Blast::Data,
            minutes(45),
            vec![text(StepKind::Capture, "Take a backup first".to_owned()), text(StepKind::Act, "Correct or restore the rows, smallest set first".to_owned())],
        ),
        Action::ConfigChange => made(
            format!("Raise the limit that {name} hits"),
            Risk::Medium,
            true,
            Blast::Service,
            minutes(5),
            vec![
                text(StepKind::Check, "What is behind the limit can take more".to_owned()),
                text(StepKind::Act, format!("Raise it in the configuration of {name} and let it load that")),
                text(StepKind::Undo, "Set it back".to_owned()),
            ],
        ),
        Action::DisableAutomation => made(
            format!("Stop what acts on {name} by itself"),
            Risk::Medium,
            true,
            Blast::Service,
            minutes(2),
            vec![text(StepKind::Act, "Pause the autoscaler, job or retrying client".to_owned()), text(StepKind::Undo, "Let it run again".to_owned())],
        ),
        Action::Hotfix | Action::RollForward => made(
            format!("Ship a fix for {name}"),
            Risk::Medium,
            true,
            Blast::Service,
            minutes(30),
            vec![text(StepKind::Act, "Fix forward, through the usual pipeline".to_owned()), text(StepKind::Undo, "Roll it back".to_owned())],
        ),
        Action::Wait => made(
            format!("Wait for {name} to recover"),
            Risk::None,
            true,
            Blast::Pod,
            minutes(30),
            vec![text(StepKind::Act, format!("Watch the status page of {name}; tell users"))],
        ),
        Action::Escalate => made(
            if is_ours { format!("Call who owns {name}") } else { format!("Open a case with {name}") },
            Risk::None,
            true,
            Blast::Pod,
            minutes(15),
            vec![text(StepKind::Act, format!("Page the owners of {name} with the evidence below"))],
        ),
        Action::Manual | Action::ScaleDownToKnownGood => made(
            format!("Find and end what slows {name}"),
            Risk::Medium,
            true,
            Blast::Service,
            minutes(10),
            vec![
                text(StepKind::Check, format!("List the longest running statements and sessions of {name}")),
                text(StepKind::Act, "End the one that holds the others up; restore the index or plan that it lacks".to_owned()),
                text(StepKind::Undo, "Statements that were ended can be started again".to_owned()),
            ],
        ),
    }
}

fn sh(kind: StepKind, text: &str, command: String) -> Step {
    Step { kind, text: text.to_owned(), language: Language::Sh, command }
}

fn text(kind: StepKind, text: String) -> Step {
    Step { kind, text, language: Language::Text, command: String::new() }
}

/// A name that goes into a command: names come from telemetry, which anybody may have written, so whatever
/// a shell could read as more than a word is left out.
fn word(name: &str) -> String {
    let word: String = name
        .chars()
        .filter(|character| {
            character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '/' | ':')
        })
        .take(128)
        .collect();
    if word.is_empty() || word.starts_with('-') { "<name>".to_owned() } else { word }
}
