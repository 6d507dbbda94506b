//! Commands that change something, with what they risk when nobody knows better, as data.

use crate::domain::{Action, Blast, Risk};

/// Commands whose words begin with these.
pub(super) struct Change {
    pub(super) names: &'static [&'static str],
    /// Alternatives of word sequences; an empty one is any use of the program.
    pub(super) words: &'static [&'static str],
    pub(super) action: Action,
    pub(super) risk: Risk,
    pub(super) reversible: bool,
    pub(super) blast: Blast,
    pub(super) minutes: u64,
}

const KUBECTL: &[&str] = &["kubectl", "oc"];

const fn change(
    names: &'static [&'static str],
    words: &'static [&'static str],
    action: Action,
    (risk, reversible, blast, minutes): (Risk, bool, Blast, u64),
) -> Change {
    Change { names, words, action, risk, reversible, blast, minutes }
}

/// The first that fits counts, so the special stands before the general.
pub(super) const CHANGES: &[Change] = &[
    change(KUBECTL, &["rollout undo"], Action::RollbackCode, (Risk::Low, true, Blast::Service, 4)),
    change(KUBECTL, &["rollout restart"], Action::Restart, (Risk::Low, true, Blast::Service, 3)),
    change(KUBECTL, &["rollout pause"], Action::StopRollout, (Risk::Low, true, Blast::Service, 1)),
    change(KUBECTL, &["rollout resume"], Action::RollForward, (Risk::Medium, true, Blast::Service, 4)),
    change(KUBECTL, &["scale"], Action::ScaleUp, (Risk::Medium, true, Blast::Service, 2)),
    change(KUBECTL, &["cordon", "adm cordon"], Action::Quarantine, (Risk::Low, true, Blast::Node, 1)),
    change(KUBECTL, &["uncordon", "adm uncordon"], Action::RollForward, (Risk::Low, true, Blast::Node, 1)),
    change(KUBECTL, &["drain", "adm drain"], Action::Drain, (Risk::Medium, true, Blast::Node, 10)),
    change(KUBECTL, &["taint", "adm taint"], Action::Quarantine, (Risk::Medium, true, Blast::Node, 2)),
    change(KUBECTL, &["delete pod", "delete pods", "delete po"], Action::Restart, (Risk::Low, true, Blast::Pod, 2)),
    change(
        KUBECTL,
        &[
            "delete pvc", "delete persistentvolumeclaim", "delete pv", "delete persistentvolume", "delete namespace",
            "delete ns", "delete project", "delete node", "delete nodes", "delete crd", "delete crds",
            "delete statefulset", "delete sts", "delete volumesnapshot",
        ],
        Action::Manual,
        (Risk::High, false, Blast::Data, 5),
    ),
    change(KUBECTL, &["delete"], Action::Manual, (Risk::High, false, Blast::Service, 5)),
    change(KUBECTL, &["set env", "set image", "set resources"], Action::ConfigChange, (Risk::Medium, false, Blast::Service, 5)),
    change(
        KUBECTL,
        &["patch", "edit", "apply", "set", "replace", "label", "annotate", "autoscale", "create", "expose", "adm", "certificate"],
        Action::ConfigChange,
        (Risk::Medium, false, Blast::Service, 5),
    ),
    change(KUBECTL, &["debug", "run", "cp"], Action::Manual, (Risk::Unknown, false, Blast::Node, 5)),
    change(&["etcdctl"], &["defrag"], Action::DataRepair, (Risk::Medium, false, Blast::Zone, 5)),
    change(&["etcdctl"], &["compact", "compaction"], Action::FreeDisk, (Risk::Medium, false, Blast::Data, 5)),
    change(&["etcdctl"], &["alarm disarm"], Action::Manual, (Risk::Medium, false, Blast::Cluster, 1)),
    change(&["etcdctl"], &["snapshot restore"], Action::DataRestore, (Risk::High, false, Blast::Data, 30)),
    change(&["etcdctl"], &["move-leader"], Action::Failover, (Risk::Medium, true, Blast::Cluster, 1)),
    change(
        &["etcdctl"],
        &["member", "del", "put", "txn", "snapshot", "auth", "user", "role", "lease", "alarm"],
        Action::Manual,
        (Risk::High, false, Blast::Data, 5),
    ),
    change(&["systemctl"], &["restart", "reload", "reload-or-restart", "start", "try-restart"], Action::Restart, (Risk::Low, true, Blast::Node, 3)),
    change(&["systemctl"], &["reboot", "poweroff", "halt", "kexec"], Action::Restart, (Risk::Medium, false, Blast::Node, 10)),
    change(
        &["systemctl"],
        &["stop", "kill", "disable", "enable", "mask", "unmask", "daemon-reload", "isolate", "reset-failed", "edit", "set-property", "revert"],
        Action::Manual,
        (Risk::Medium, true, Blast::Node, 3),
    ),
    change(&["service"], &[""], Action::Restart, (Risk::Medium, true, Blast::Node, 3)),
    change(&["reboot", "shutdown", "poweroff", "halt", "init"], &[""], Action::Restart, (Risk::Medium, false, Blast::Node, 10)),
    change(&["journalctl"], &["--vacuum-size", "--vacuum-time", "--vacuum-files", "--rotate"], Action::FreeDisk, (Risk::Medium, false, Blast::Node, 1)),
    change(&["docker", "podman", "nerdctl", "crictl"], &["restart"], Action::Restart, (Risk::Low, true, Blast::Pod, 2)),
    change(&["docker", "podman", "nerdctl", "crictl"], &["system prune", "image prune", "volume prune", "rmi"], Action::FreeDisk, (Risk::High, false, Blast::Node, 5)),
    change(
        &["docker", "podman", "nerdctl", "crictl"],
        &["rm", "rmp", "stop", "stopp", "kill", "start", "run", "pause", "unpause", "update"],
        Action::Manual,
        (Risk::Medium, false, Blast::Pod, 3),
    ),
    change(&["helm"], &["rollback"], Action::RollbackCode, (Risk::Low, true, Blast::Service, 5)),
    change(&["helm"], &["uninstall", "delete"], Action::Manual, (Risk::High, false, Blast::Service, 5)),
    change(&["helm"], &["upgrade", "install"], Action::RollForward, (Risk::Medium, true, Blast::Service, 5)),
    change(&["ceph"], &["osd", "pg", "mon", "mgr", "config set", "fs", "auth"], Action::Manual, (Risk::High, false, Blast::Data, 10)),
    change(&["rm", "shred", "truncate", "unlink", "rmdir"], &[""], Action::FreeDisk, (Risk::High, false, Blast::Data, 2)),
    change(&["dd", "mkfs", "fdisk", "parted", "wipefs", "lvremove", "vgremove", "pvremove", "mdadm", "zpool", "zfs"], &[""], Action::Manual, (Risk::High, false, Blast::Data, 10)),
    change(&["mv", "cp", "ln", "install", "tee", "touch", "mkdir", "chmod", "chown", "chattr", "umount", "mount", "tar", "unzip", "gzip", "rsync", "scp"], &[""], Action::Manual, (Risk::Medium, false, Blast::Node, 3)),
    change(&["lvextend", "resize2fs", "xfs_growfs", "growpart", "fsck", "xfs_repair"], &[""], Action::DataRepair, (Risk::Medium, false, Blast::Data, 10)),
    change(&["kill", "pkill", "killall", "skill"], &[""], Action::Restart, (Risk::Medium, false, Blast::Pod, 2)),
    change(&["iptables", "ip6tables", "nft", "ufw", "firewall-cmd"], &[""], Action::Block, (Risk::Medium, true, Blast::Node, 2)),
    change(&["sysctl"], &["-w", "-p", "--write", "--system"], Action::ConfigChange, (Risk::Medium, true, Blast::Node, 1)),
    change(&["apt", "apt-get", "yum", "dnf", "apk", "snap", "pip", "npm"], &[""], Action::ConfigChange, (Risk::Medium, false, Blast::Node, 10)),
    change(&["ntpdate", "hwclock", "timedatectl"], &[""], Action::ConfigChange, (Risk::Medium, false, Blast::Node, 1)),
    change(&["crontab", "useradd", "userdel", "usermod", "passwd", "modprobe", "rmmod", "swapoff", "swapon", "conntrack", "logrotate"], &[""], Action::ConfigChange, (Risk::Medium, false, Blast::Node, 2)),
    change(&["redis-cli"], &["flushall", "flushdb"], Action::Manual, (Risk::High, false, Blast::Data, 1)),
    change(&["redis-cli"], &["del", "set", "config set", "client kill", "debug", "shutdown", "cluster failover", "unlink", "expire"], Action::Manual, (Risk::Medium, false, Blast::Data, 1)),
    change(&["amtool"], &["silence add", "silence expire"], Action::Manual, (Risk::Low, true, Blast::Service, 1)),
    change(&["nodetool"], &["repair", "cleanup", "drain", "decommission", "removenode", "flush", "compact", "scrub"], Action::DataRepair, (Risk::Medium, false, Blast::Data, 30)),
    change(&["rabbitmqctl"], &["purge_queue", "delete_queue", "reset", "force_reset", "stop_app", "forget_cluster_node"], Action::Manual, (Risk::High, false, Blast::Data, 2)),
    change(&["gcloud", "az"], &["delete"], Action::Manual, (Risk::High, false, Blast::Data, 5)),
    change(&["aws"], &["ec2 reboot-instances", "rds reboot-db-instance"], Action::Restart, (Risk::Medium, false, Blast::Node, 10)),
    change(&["aws"], &["ec2 terminate-instances", "s3 rm", "s3 rb"], Action::Manual, (Risk::High, false, Blast::Data, 5)),
    change(&["vi", "vim", "nano", "emacs"], &[""], Action::ConfigChange, (Risk::Medium, false, Blast::Node, 5)),
    change(&["sed", "perl"], &["-i"], Action::ConfigChange, (Risk::Medium, false, Blast::Node, 2)),
    change(&["find"], &["-delete", "-exec", "-execdir", "-ok"], Action::FreeDisk, (Risk::High, false, Blast::Data, 2)),
    change(&["terraform"], &["apply", "destroy"], Action::ConfigChange, (Risk::High, false, Blast::Cluster, 20)),
];
