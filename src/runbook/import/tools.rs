//! Programs and words that only read, as data. Whatever does not stand here is not known to be read-only.

/// A program with verbs: read-only when its positional words begin with one of `reads` and every flag is listed.
pub(super) struct Tool {
    pub(super) names: &'static [&'static str],
    /// Word sequences; an empty one allows any positional words.
    pub(super) reads: &'static [&'static str],
    /// Flags with a value, allowed anywhere.
    pub(super) globals: &'static [&'static str],
    /// Flags without a value, allowed anywhere.
    pub(super) lead: &'static [&'static str],
    /// Flags with a value, allowed after the first positional word.
    pub(super) valued: &'static [&'static str],
    /// Flags without a value, allowed after the first positional word.
    pub(super) bare: &'static [&'static str],
    /// Positional words beyond `reads` at most.
    pub(super) most: usize,
}

const PLAIN: Tool =
    Tool { names: &[], reads: &[], globals: &[], lead: &[], valued: &[], bare: &[], most: usize::MAX };

/// Programs that only read, whatever their words.
// as a table: a word a line would be a thousand lines
#[rustfmt::skip]
pub(super) const ALWAYS: &[&str] = &[
    "arch", "basename", "cat", "cd", "cksum", "comm", "cut", "df", "diff", "dig", "dirname", "du", "echo",
    "egrep", "exit", "expr", "false", "fgrep", "findmnt", "fold", "free", "getent", "grep", "groups", "head",
    "host", "id", "iostat", "jq", "last", "ls", "lsblk", "lscpu", "lsmod", "lspci", "lsusb", "md5sum", "mpstat",
    "netstat", "nl", "nproc", "nslookup", "od", "pgrep", "pidof", "printf", "ps", "pstree", "pwd", "readlink",
    "realpath", "rev", "seq", "sha1sum", "sha256sum", "sleep", "stat", "strings", "tac", "tail", "test", "tr",
    "tracepath", "traceroute", "true", "tty", "uname", "uptime", "vmstat", "w", "wc", "whereis", "which", "who",
    "whoami", "zcat", "zgrep",
];

/// Programs with verbs or with flags that change something.
#[rustfmt::skip]
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: &["kubectl", "oc"],
        reads: &[
            "get", "describe", "logs", "top", "version", "cluster-info", "api-resources", "api-versions",
            "explain", "events", "auth can-i", "auth whoami", "rollout status", "rollout history", "config view",
            "config get-contexts", "config current-context", "config get-clusters", "wait",
        ],
        globals: &[
            "-n", "--namespace", "--context", "--cluster", "--user", "-s", "--server", "--kubeconfig", "--as",
            "--as-group", "--request-timeout",
        ],
        lead: &["--insecure-skip-tls-verify"],
        valued: &[
            "-o", "--output", "-l", "--selector", "--field-selector", "--sort-by", "-c", "--container", "--since",
            "--since-time", "--tail", "--limit-bytes", "--max-log-requests", "--chunk-size", "-L",
            "--label-columns", "--template", "--for", "--timeout", "--types", "--api-group", "--verbs",
            "--revision", "--subresource", "-v",
        ],
        bare: &[
            "-A", "--all-namespaces", "-w", "--watch", "--watch-only", "--show-labels", "--no-headers", "-p",
            "--previous", "-f", "--follow", "--timestamps", "--all-containers", "--prefix", "--show-managed-fields",
            "--ignore-not-found", "--containers", "--short", "--client", "--namespaced", "--recursive",
            "--show-events", "--show-kind", "--list", "--minify", "--flatten", "--all", "--ignore-errors", "--help",
            "-h",
        ],
        ..PLAIN
    },
    // for kubectl these would be plugins, which may do anything
    Tool {
        names: &["oc"],
        reads: &["status", "whoami", "adm top", "adm node-logs"],
        globals: &["-n", "--namespace", "--context", "--kubeconfig"],
        valued: &["--role", "--path", "-u", "--unit"],
        bare: &["-A", "--all-namespaces", "-t", "--no-headers"],
        ..PLAIN
    },
    Tool {
        names: &["etcdctl"],
        reads: &[
            "version", "endpoint health", "endpoint status", "endpoint hashkv", "member list", "alarm list", "get",
            "snapshot status",
        ],
        globals: &[
            "--endpoints", "--cacert", "--cert", "--key", "--user", "--command-timeout", "--dial-timeout", "-w",
            "--write-out",
        ],
        lead: &["--insecure-skip-tls-verify", "--insecure-transport", "--cluster", "--hex"],
        valued: &["--limit", "--rev", "--order", "--sort-by"],
        bare: &["--prefix", "--keys-only", "--count-only", "--print-value-only"],
        ..PLAIN
    },
    Tool {
        names: &["systemctl"],
        reads: &[
            "status", "is-active", "is-enabled", "is-failed", "list-units", "list-unit-files", "list-timers", "show",
            "cat", "list-jobs", "list-dependencies", "is-system-running",
        ],
        globals: &["-n", "--lines", "-t", "--type", "--state", "-p", "--property", "-o", "--output"],
        lead: &["--no-pager", "-l", "--full", "-a", "--all", "--user", "--system", "-q", "--quiet", "--failed"],
        ..PLAIN
    },
    Tool {
        names: &["journalctl"],
        reads: &[""],
        globals: &[
            "-u", "--unit", "-n", "--lines", "--since", "--until", "-S", "-U", "-p", "--priority", "-o", "--output",
            "-g", "--grep", "-t", "--identifier",
        ],
        lead: &[
            "-f", "--follow", "-k", "--dmesg", "-b", "--boot", "-x", "--catalog", "-e", "--pager-end", "-r",
            "--reverse", "--no-pager", "-a", "--all", "--user", "--list-boots", "--disk-usage", "--utc", "-q",
            "--no-hostname",
        ],
        ..PLAIN
    },
    Tool {
        names: &["ceph"],
        reads: &[
            "status", "health", "df", "versions", "quorum_status", "osd tree", "osd df", "osd stat", "osd status",
            "osd perf", "osd dump", "osd pool ls", "osd pool stats", "pg stat", "pg dump", "pg dump_stuck", "pg ls",
            "mon stat", "mon dump", "mgr stat", "mgr dump", "fs status", "fs ls", "config get", "config dump",
        ],
        globals: &["-f", "--format"],
        ..PLAIN
    },
    Tool { names: &["ceph"], reads: &[""], lead: &["-s", "--status"], most: 0, ..PLAIN },
    Tool {
        names: &["docker", "podman", "nerdctl"],
        reads: &[
            "ps", "images", "logs", "inspect", "stats", "top", "version", "info", "events", "port", "history",
            "container ls", "container inspect", "container logs", "image ls", "volume ls", "volume inspect",
            "network ls", "network inspect", "system df",
        ],
        valued: &["-n", "--tail", "--since", "--until", "--format", "--filter", "--last"],
        bare: &[
            "-a", "--all", "-f", "--follow", "-t", "--timestamps", "-q", "--quiet", "--no-stream", "--no-trunc",
            "-s", "--size",
        ],
        ..PLAIN
    },
    Tool {
        names: &["crictl"],
        reads: &[
            "ps", "pods", "logs", "inspect", "inspecti", "inspectp", "images", "stats", "statsp", "info", "version",
            "imagefsinfo",
        ],
        globals: &["-r", "--runtime-endpoint"],
        valued: &["--name", "--namespace", "--label", "--state", "--tail", "--since", "-o", "--output", "--pod"],
        bare: &["-a", "--all", "-f", "--follow", "-q", "--quiet", "--latest", "-l"],
        ..PLAIN
    },
    Tool {
        names: &["helm"],
        reads: &["list", "ls", "status", "history", "version", "get"],
        globals: &["-n", "--namespace", "--kube-context", "--kubeconfig"],
        valued: &["-o", "--output", "--revision", "--max", "-m", "--filter"],
        bare: &["-A", "--all-namespaces", "-a", "--all", "--failed", "--pending", "--deployed"],
        ..PLAIN
    },
    Tool {
        names: &["promtool"],
        reads: &["query instant", "query range", "query series", "query labels", "check config", "check rules"],
        ..PLAIN
    },
    Tool {
        names: &["amtool"],
        reads: &["alert query", "silence query", "cluster show", "config show", "check-config"],
        globals: &["--alertmanager.url", "-o", "--output"],
        ..PLAIN
    },
    Tool {
        names: &["aws"],
        reads: &[
            "s3 ls", "sts get-caller-identity", "cloudwatch get-metric-data", "cloudwatch get-metric-statistics",
            "cloudwatch describe-alarms", "logs filter-log-events", "logs describe-log-groups", "ec2 describe-instances",
            "ec2 describe-instance-status", "ec2 describe-volumes", "ec2 describe-security-groups", "ec2 describe-subnets",
            "ec2 describe-vpcs", "eks describe-cluster", "eks list-clusters", "eks list-nodegroups",
            "eks describe-nodegroup", "rds describe-db-instances", "rds describe-events", "elbv2 describe-target-health",
            "elbv2 describe-load-balancers", "autoscaling describe-auto-scaling-groups",
            "autoscaling describe-scaling-activities", "cloudtrail lookup-events", "health describe-events",
        ],
        globals: &["--region", "--profile", "--output", "--query"],
        valued: &[
            "--instance-ids", "--instance-id", "--filters", "--name", "--cluster-name", "--db-instance-identifier",
            "--target-group-arn", "--log-group-name", "--filter-pattern", "--start-time", "--end-time", "--max-items",
            "--metric-name", "--namespace", "--period", "--statistics", "--dimensions", "--auto-scaling-group-name",
            "--auto-scaling-group-names", "--names", "--alarm-names", "--nodegroup-name", "--volume-ids",
        ],
        bare: &["--no-cli-pager"],
        ..PLAIN
    },
    Tool {
        names: &["gcloud"],
        reads: &[
            "container clusters list", "container clusters describe", "compute instances list",
            "compute instances describe", "logging read", "config list", "projects list", "container node-pools list",
            "container operations list", "compute disks list", "sql instances list", "sql instances describe",
        ],
        globals: &["--project", "--zone", "--region", "--format", "--filter", "--limit", "--freshness"],
        ..PLAIN
    },
    Tool {
        names: &["az"],
        reads: &["aks show", "aks list", "vm show", "vm list", "disk list", "network nsg list", "account show"],
        globals: &["-g", "--resource-group", "-n", "--name", "-o", "--output", "--query", "--subscription"],
        ..PLAIN
    },
    Tool {
        names: &["kubeadm"],
        reads: &["certs check-expiration", "version"],
        globals: &["--config"],
        ..PLAIN
    },
    Tool {
        names: &["nodetool"],
        reads: &["status", "info", "tpstats", "ring", "netstats", "compactionstats", "describecluster"],
        globals: &["-h", "-p"],
        ..PLAIN
    },
    Tool {
        names: &["rabbitmqctl"],
        reads: &["status", "list_queues", "cluster_status", "list_connections", "list_consumers", "list_channels"],
        globals: &["-n", "-p"],
        ..PLAIN
    },
    Tool {
        names: &["kafka-topics.sh", "kafka-consumer-groups.sh", "kafka-topics", "kafka-consumer-groups"],
        reads: &[""],
        globals: &["--bootstrap-server", "--topic", "--group", "--command-config", "--zookeeper"],
        lead: &[
            "--describe", "--list", "--all-groups", "--under-replicated-partitions", "--unavailable-partitions",
            "--members", "--verbose", "--state", "--offsets",
        ],
        most: 0,
        ..PLAIN
    },
    Tool {
        names: &["redis-cli"],
        reads: &[
            "info", "ping", "dbsize", "lastsave", "config get", "slowlog get", "slowlog len", "client list",
            "memory stats", "cluster info", "cluster nodes", "llen", "ttl", "type", "role",
        ],
        globals: &["-h", "-p", "-n", "-a", "--user"],
        lead: &["--no-auth-warning", "--tls"],
        ..PLAIN
    },
    Tool {
        names: &["zpool"],
        reads: &["status", "list", "iostat"],
        valued: &["-o"],
        bare: &["-v", "-x", "-H"],
        ..PLAIN
    },
    Tool { names: &["zfs"], reads: &["list", "get"], valued: &["-o", "-t"], bare: &["-H", "-r"], ..PLAIN },
    Tool {
        names: &["chronyc"],
        reads: &["tracking", "sources", "sourcestats", "activity"],
        lead: &["-n"],
        bare: &["-v"],
        ..PLAIN
    },
    Tool { names: &["timedatectl", "chronyc"], reads: &[""], most: 0, ..PLAIN },
    Tool { names: &["timedatectl"], reads: &["status", "show", "show-timesync", "timesync-status"], ..PLAIN },
    Tool { names: &["ntpq"], reads: &[""], lead: &["-p", "-n"], ..PLAIN },
    Tool { names: &["mdadm"], reads: &[""], lead: &["-D", "--detail", "--examine", "-E"], ..PLAIN },
    Tool { names: &["smartctl"], reads: &[""], lead: &["-a", "-i", "-H", "-A", "--all", "--health", "-x"], ..PLAIN },
    Tool { names: &["ethtool"], reads: &[""], lead: &["-S", "-i", "-k", "-a", "-g"], most: 1, ..PLAIN },
    Tool {
        names: &["pvs", "vgs", "lvs", "pvdisplay", "vgdisplay", "lvdisplay"],
        reads: &[""],
        globals: &["-o", "--units"],
        lead: &["-a", "-v", "--noheadings"],
        ..PLAIN
    },
    Tool {
        names: &["ping", "ping6"],
        reads: &[""],
        globals: &["-c", "-W", "-w", "-i", "-I"],
        lead: &["-4", "-6", "-n", "-q"],
        ..PLAIN
    },
    Tool {
        names: &["lsof"],
        reads: &[""],
        globals: &["-p", "-u", "-c", "-d"],
        lead: &["-n", "-P", "-i", "-t", "-a", "-l", "-U", "-b", "-w"],
        ..PLAIN
    },
    Tool {
        names: &["ss"],
        reads: &[""],
        lead: &[
            "-t", "-u", "-l", "-n", "-p", "-a", "-s", "-o", "-e", "-m", "-i", "-x", "-4", "-6", "-H", "-r",
            "--tcp", "--udp", "--listening", "--numeric", "--processes", "--summary",
        ],
        ..PLAIN
    },
    Tool {
        names: &["top"],
        reads: &[""],
        globals: &["-n", "-p", "-u", "-d", "-o"],
        lead: &["-b", "-c", "-H"],
        most: 0,
        ..PLAIN
    },
    Tool {
        names: &["dmesg"],
        reads: &[""],
        globals: &["-l", "--level", "-f", "--facility"],
        lead: &["-T", "--ctime", "-w", "--follow", "-H", "--human", "-x", "-k", "-e"],
        most: 0,
        ..PLAIN
    },
    Tool { names: &["hostname"], reads: &[""], lead: &["-f", "-i", "-I", "-s", "-d", "--fqdn"], most: 0, ..PLAIN },
    Tool { names: &["mount", "env", "printenv"], reads: &[""], most: 0, ..PLAIN },
    Tool { names: &["date"], reads: &[""], lead: &["-u", "--utc", "-R"], most: 0, ..PLAIN },
    Tool {
        names: &["sort"],
        reads: &[""],
        globals: &["-k", "-t", "--key"],
        lead: &["-n", "-r", "-u", "-h", "-V", "-f", "-b", "-s", "-g"],
        most: 0,
        ..PLAIN
    },
    Tool {
        names: &["uniq"],
        reads: &[""],
        globals: &["-f", "-s", "-w"],
        lead: &["-c", "-d", "-u", "-i"],
        most: 0,
        ..PLAIN
    },
    Tool { names: &["less", "more"], reads: &[""], lead: &["-S", "-R", "-N", "-F", "-X"], most: 0, ..PLAIN },
    Tool { names: &["column"], reads: &[""], globals: &["-s"], lead: &["-t"], ..PLAIN },
    Tool { names: &["sysctl"], reads: &[""], lead: &["-a", "-n", "-N", "-e"], ..PLAIN },
    Tool {
        names: &["find"],
        reads: &[""],
        globals: &[
            "-name", "-iname", "-type", "-size", "-mtime", "-mmin", "-maxdepth", "-mindepth", "-path", "-newer",
            "-user", "-group", "-perm",
        ],
        lead: &["-xdev", "-mount", "-empty", "-print", "-ls", "-o", "-a", "-not"],
        ..PLAIN
    },
    Tool {
        names: &["curl"],
        reads: &[""],
        globals: &["-m", "--max-time", "--connect-timeout", "-u", "--user", "--cacert", "--cert", "--key", "--retry"],
        lead: &[
            "-s", "--silent", "-S", "--show-error", "-k", "--insecure", "-v", "--verbose", "-i", "--include",
            "-I", "--head", "-f", "--fail", "--compressed", "-4", "-6",
        ],
        ..PLAIN
    },
    Tool {
        names: &["openssl"],
        reads: &["x509", "s_client"],
        valued: &["-in", "-inform", "-checkend", "-connect", "-servername", "-CAfile"],
        bare: &[
            "-noout", "-dates", "-text", "-enddate", "-startdate", "-subject", "-issuer", "-serial", "-fingerprint",
            "-showcerts", "-brief",
        ],
        most: 0,
        ..PLAIN
    },
    Tool {
        names: &["ip"],
        reads: &[
            "a show", "addr show", "address show", "link show", "route show", "route get", "rule show", "neigh show",
            "r show", "addr list", "link list", "route list",
        ],
        lead: &["-4", "-6", "-s", "-d", "-br", "-c"],
        ..PLAIN
    },
    Tool {
        names: &["git"],
        reads: &["log", "show", "status", "blame"],
        valued: &["-n", "--since", "--until", "--author"],
        bare: &["--oneline", "--stat", "-p", "--graph", "--all", "--name-only"],
        ..PLAIN
    },
];

/// Words that may follow `ip` alone.
pub(super) const IP_OBJECTS: &[&str] = &["a", "addr", "address", "link", "route", "r", "rule", "neigh"];

/// Paths that every server answers to GET without doing anything.
pub(super) const PATHS: &[&str] = &[
    "/metrics",
    "/health",
    "/healthz",
    "/readyz",
    "/livez",
    "/ready",
    "/live",
    "/-/healthy",
    "/-/ready",
    "/version",
    "/debug/vars",
    "/api/v1/targets",
    "/api/v1/alerts",
    "/api/v1/rules",
    "/api/v1/query",
    "/api/v2/alerts",
    "/api/v2/status",
    "/api/v1/status/tsdb",
    "/_cluster/health",
    "/_cat/indices",
    "/_cat/nodes",
    "/_cat/shards",
];

/// Variables before a command that change nothing of what it does.
pub(super) const HARMLESS: &[&str] = &[
    "ETCDCTL_API",
    "ETCDCTL_ENDPOINTS",
    "ETCDCTL_CACERT",
    "ETCDCTL_CERT",
    "ETCDCTL_KEY",
    "LANG",
    "LC_ALL",
    "TZ",
    "NO_COLOR",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
];

/// Programs that run another one, and such as change or may change something: known, so that a line which begins
/// with one is taken for a command.
#[rustfmt::skip]
pub(super) const OTHERS: &[&str] = &[
    "sudo", "time", "timeout", "nice", "nohup", "watch", "xargs", "env", "bash", "sh", "zsh", "ssh", "exec", "eval",
    "su", "chroot", "nsenter", "awk", "gawk", "sed", "psql", "mysql", "mongo", "mongosh", "scp", "rsync",
    "wget", "nc", "telnet",
    "source", "export", "alias", "set", "unset", "parallel", "command", "python", "python3", "perl", "ruby", "node",
    "terraform", "ansible", "ansible-playbook", "make", "istioctl", "linkerd", "cilium", "velero", "argocd", "flux",
    "vault", "consul", "nomad", "virtctl", "eksctl", "kops", "for", "while", "if", "until", "tcpdump", "strace",
    "lsattr", "sar", "iotop", "file", "yq", "tree", "nvidia-smi", "resize2fs", "xfs_growfs",
];
