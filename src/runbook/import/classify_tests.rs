use proptest::prelude::*;

use super::*;
use crate::runbook::import::classify as class_of;

fn class(line: &str) -> Option<Class> {
    class_of(line).map(|effect| effect.class)
}

#[test]
fn what_only_reads_is_known() {
    for line in [
        "kubectl get pods -n $NAMESPACE -o wide | grep <pod> | head -20",
        "kubectl -n <namespace> describe pod <pod-name>",
        "kubectl -n kube-system logs -l 'component=kube-apiserver' --tail=100 2>/dev/null",
        "kubectl get pod ${POD} -ojson | jq -r '.items[].metadata.name'",
        "kubectl get storageclass `kubectl -n <my-namespace> get pvc <my-pvc> -ojson | jq -r '.spec.storageClassName'`",
        "kubectl rollout status deployment/<name> && kubectl rollout history deployment/x",
        "kubectl get events --field-selector involvedObject.kind=Pod --sort-by='.lastTimestamp'",
        "kubectl top pods --containers; df -h; uptime",
        "kubectl exec -n etcd -c etcdctl etcd-0 -- etcdctl endpoint status -w table",
        "sudo -u root journalctl -u kubelet.service -f --no-pager -n50",
        "ETCDCTL_API=3 etcdctl member list -w table",
        "etcdctl endpoint health --cluster",
        "time watch -n 2 'kubectl get pods | wc -l'",
        "bash -c 'df -h; free -m'",
        "ss -tlnp",
        "systemctl status kubelet --no-pager",
        "cat /proc/mdstat",
        "ceph -s",
        "ceph health detail",
        "kubectl get po -l app=etcd -oname | awk -F\"/\" 'NR==1{ print $2 }'",
        "kubectl get pods -o name | xargs -n1 kubectl describe",
        "curl -s http://localhost:9090/metrics",
        "helm history <release> -n <namespace>",
        "ls 2>&1",
        "/usr/bin/df -hi \"/host/$MOUNT_POINT\"",
        "ssh node-1 'df -h'",
        "psql -c 'SHOW max_connections'",
        "sed -n '/error/p' /var/log/messages",
    ] {
        assert_eq!(class(line), Some(Class::ReadOnly), "{line}");
    }
}

#[test]
fn what_changes_something_is_known_with_its_risk() {
    for (line, action, risk) in [
        ("kubectl rollout undo deployment/<name>", Action::RollbackCode, Risk::Low),
        ("kubectl -n x rollout restart deploy/y", Action::Restart, Risk::Low),
        ("kubectl cordon <node>", Action::Quarantine, Risk::Low),
        ("kubectl drain <node> --ignore-daemonsets", Action::Drain, Risk::Medium),
        ("kubectl -n <ns> delete pod <pod>", Action::Restart, Risk::Low),
        ("kubectl delete pods --all -n x", Action::Restart, Risk::Medium),
        ("kubectl delete pod/x", Action::Restart, Risk::Low),
        ("kubectl delete pod/x pvc/y", Action::Manual, Risk::High),
        ("kubectl delete pvc x", Action::Manual, Risk::High),
        ("kubectl delete -f x.yaml", Action::Manual, Risk::High),
        ("kubectl -n <my-namespace> edit pvc <my-pvc>", Action::ConfigChange, Risk::Medium),
        ("kubectl scale --replicas=0 deploy/x", Action::ScaleDownToKnownGood, Risk::Medium),
        ("etcdctl defrag", Action::DataRepair, Risk::Medium),
        ("sudo systemctl restart kubelet", Action::Restart, Risk::Low),
        ("kubectl get pods -o name | xargs kubectl delete", Action::Manual, Risk::High),
        ("df -h && rm -rf /var/log/*", Action::FreeDisk, Risk::High),
        ("kubectl exec pod -- rm -rf /data", Action::FreeDisk, Risk::High),
    ] {
        let effect = class_of(line).unwrap();
        assert_eq!((effect.class, effect.action, effect.risk), (Class::Mutating, action, risk), "{line}");
        assert!(effect.reversible || effect.risk > Risk::Low, "{line}");
    }
}

#[test]
fn what_is_not_known_is_not_read_only() {
    for line in [
        "frobctl status",
        "./kubectl get pods",
        "/tmp/kubectl get pods",
        "kubectl frobnicate get",
        "kubectl whoami",
        "kubectl get pods --profile-output=/etc/passwd",
        "kubectl --unknown get pods",
        "kubectl $VERB pods",
        "$KUBECTL get pods",
        "`cat cmd` get",
        "kubectl get pods > /tmp/x",
        "kubectl get pods >> x",
        "cat a >| b",
        "cat a &> b",
        "cat <in> out",
        "cat <in >out",
        "cat <<EOF\nx\nEOF",
        "bash <<< 'rm x'",
        "cat x | bash",
        "cat x | sh -",
        "echo $(rm x)",
        "echo \"$(rm x)\"",
        "echo `rm x`",
        "ls & rm x",
        "ls || rm x",
        "ls\nrm x",
        "FOO=1 rm x",
        "PATH=/tmp kubectl get pods",
        "LD_PRELOAD=x df",
        "PATH=/tmp",
        "bash -c 'ls; rm x'",
        "bash -c \"ls $X\"",
        "bash script.sh",
        "watch rm x",
        "watch 'ls; rm x'",
        "nohup kubectl get pods",
        "sudo -i",
        "sudo rm x",
        "sudo -s kubectl get pods",
        "time rm x",
        "xargs rm",
        "ls | xargs",
        "ls | xargs -I get kubectl get x",
        "ls | xargs -I{} sh -c '{}'",
        "ls | xargs kubectl",
        "kubectl exec -it pod -- bash",
        "kubectl exec pod ls",
        "kubectl -n exec delete pod x -- df",
        "kubectl delete exec -- df",
        "echo -delete | xargs find",
        "echo --vacuum-size=1 | xargs journalctl",
        "curl $URL/metrics",
        "kubectl exec -- rm x",
        "kubectl debug node/x",
        "find / -delete",
        "find / -exec rm {} ;",
        "find . $X",
        "sort -o x y",
        "sed -i s/a/b/ x",
        "sed 's/a/b/e'",
        "sed -n '1w x'",
        "awk '{system(\"rm x\")}'",
        "awk '{print > \"x\"}' y",
        "curl -X POST http://x/metrics",
        "curl http://x/quit",
        "curl -o x http://x/metrics",
        "curl -d a http://x/metrics",
        "wget http://x",
        "tee x",
        "dd if=a of=b",
        "sysctl kernel.panic=1",
        "sysctl -w a=b",
        "journalctl --vacuum-size=1M",
        "journalctl --cursor-file=x",
        "hostname x",
        "date -s now",
        "dmesg -C",
        "ss -K dst x",
        "ip link set eth0 down",
        "systemctl stop x",
        "less +!rm",
        "psql -c 'select pg_terminate_backend(1)'",
        "psql -c 'show x; drop table y'",
        "redis-cli flushall",
        "for p in $(kubectl get pods -o name); do kubectl delete $p; done",
        "kubectl() { rm -rf /; }",
        "eval ls",
        "exec ls",
        ". x",
        "!rm",
        "echo !rm",
        "ls # ; rm x",
        "ls {a,-la}",
        "ls\u{200b}",
        "ls\u{1b}[0m",
        "ls\u{a0}x",
        "ls \u{202e}x",
        "ls\rrm x",
        "echo $'\\x41'",
        "echo ${X:=1}",
        "echo ${X@P}",
        "diff <(rm x) y",
        "ls >(rm x)",
        "ls 'unclosed",
        "ls )",
        "ssh host",
        "ssh host rm x",
        "ssh -o ProxyCommand=x host ls",
        "env -S 'rm x'",
        "env X=1 rm y",
        "command rm x",
        "timeout 5 rm x",
        "nice rm x",
        "aws s3 rm x",
        "aws ec2 describe-frobs",
        "gcloud compute instances delete x",
        "docker exec x ls",
        "git -c core.pager=x log",
        "kafka-topics.sh --describe --delete --topic x",
    ] {
        assert_ne!(class(line), Some(Class::ReadOnly), "{line}");
    }
    assert_eq!(class("NAMESPACE=kube-etcd"), None);
    assert_eq!(class("# only a remark"), None);
    assert_eq!(class(""), None);
    let deep = "sudo ".repeat(3_000);
    assert_ne!(class(&deep), Some(Class::ReadOnly));
    let nested = format!("{}ls{}", "$(".repeat(5_000), ")".repeat(5_000));
    assert_ne!(class(&nested), Some(Class::ReadOnly));
}

/// Commands that change something, however they are written.
fn mutating() -> impl Strategy<Value = String> {
    let commands = vec![
        "rm -rf /data",
        "kubectl delete pod x",
        "kubectl -n prod scale deploy/x --replicas=0",
        "kubectl drain n1",
        "kubectl --context c -n x patch svc y -p z",
        "systemctl stop etcd",
        "etcdctl defrag",
        "reboot",
        "kubectl rollout undo deploy/x",
        "kubectl apply -f x",
        "helm uninstall x",
        "docker rm -f x",
        "tee /etc/x",
        "kubectl exec x -- rm y",
        "kubectl -n a exec -it x -c y -- sh -c 'rm z'",
        "mkfs.ext4 /dev/sda",
        "dd of=/dev/sda",
        "frobnicate --hard",
        "kubectl myplugin get pods",
        "oc adm drain n1",
        "kill -9 1",
        "mv a b",
        "truncate -s0 x",
        "kubectl edit cm x",
        "kubectl set image deploy/x y=z",
        "kubectl label node x a=b",
        "kubectl replace -f x",
        "aws ec2 terminate-instances --instance-ids i",
        "redis-cli flushall",
        "iptables -F",
        "sed -i s/a/b/ f",
        "find / -delete",
        "crictl rm x",
        "journalctl --vacuum-time=1s",
        "sysctl -w a=1",
        "\"rm\" x",
        "r\\m x",
        "'kubectl' \"delete\" ns x",
        "python -c 'import os'",
        "curl -XDELETE http://x/metrics",
        "npm i",
        "kubectl create ns x",
        "terraform destroy",
    ];
    proptest::sample::select(commands).prop_map(str::to_owned)
}

fn reading() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "kubectl get pods",
        "df -h",
        "echo ok",
        "cat x",
        "kubectl -n a logs b",
        "true",
        "grep -r x .",
    ])
    .prop_map(str::to_owned)
}

/// Ways to have one command run as part of a line.
fn hidden() -> impl Strategy<Value = String> {
    (mutating(), reading(), 0..30_usize).prop_map(|(act, read, way)| {
        let single = act.replace('\'', "'\\''");
        match way {
            0 => format!("{read} && {act}"),
            1 => format!("{read}; {act}"),
            2 => format!("{read} || {act}"),
            3 => format!("{read} | {act}"),
            4 => format!("{read} & {act}"),
            5 => format!("{act} | {read}"),
            6 => format!("{read} $({act})"),
            7 => format!("echo \"x $({act})\""),
            8 => format!("{read} `{act}`"),
            9 => format!("sudo {act}"),
            10 => format!("sudo -u root {act}"),
            11 => format!("{read} | xargs {act}"),
            12 => format!("{read} | xargs -I{{}} {act} {{}}"),
            13 => format!("FOO=1 {act}"),
            14 => format!("ETCDCTL_API=3 {act}"),
            15 => format!("bash -c '{single}'"),
            16 => format!("sh -c '{read}; {single}'"),
            17 => format!("watch '{single}'"),
            18 => format!("watch -n 1 {act}"),
            19 => format!("time {act}"),
            20 => format!("nohup {act} &"),
            21 => format!("{act} <<EOF\n{read}\nEOF"),
            22 => format!("{read}\n{act}"),
            23 => format!("({act})"),
            24 => format!("{{ {act}; }}"),
            25 => format!("if {read}; then {act}; fi"),
            26 => format!("kubectl exec p -- {act}"),
            27 => format!("{read} > /etc/x"),
            28 => format!("timeout 5 {act}"),
            _ => format!("diff <({act}) <({read})"),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_that_changes_something_is_read_only(line in hidden(), more in reading(), nested in any::<bool>()) {
        prop_assert_ne!(class(&line), Some(Class::ReadOnly), "{}", line);
        let line = if nested { format!("sudo {more} | {line}") } else { format!("{line} && {more}") };
        prop_assert_ne!(class(&line), Some(Class::ReadOnly), "{}", line);
    }

    #[test]
    fn adding_anything_never_hides_a_change(line in mutating(), noise in "[ -~\n]{0,20}") {
        // a comment or an open quote may swallow what comes after, never what comes before
        prop_assert_ne!(class(&format!("{line} ; {noise}")), Some(Class::ReadOnly));
    }

    #[test]
    fn any_text_is_classified(line in "\\PC{0,200}") {
        class(&line);
    }

    #[test]
    fn shell_like_text_is_classified(line in "[a-z$(){}<>|&;`'\"\\\\#!= \n-]{0,80}") {
        class(&line);
    }

    #[test]
    fn unknown_programs_are_never_read_only(name in "[a-z]{3,10}x", rest in "[a-z -]{0,20}") {
        prop_assume!(!is_known(&name));
        prop_assert_ne!(class(&format!("{name} {rest}")), Some(Class::ReadOnly));
    }

    #[test]
    fn unknown_verbs_are_never_read_only(verb in "[a-z][a-z-]{2,11}", tool in proptest::sample::select(vec!["kubectl", "etcdctl", "systemctl", "helm", "docker", "ceph"])) {
        let known = TOOLS.iter().filter(|t| t.names.contains(&tool)).flat_map(|t| t.reads).any(|r| r.split(' ').next() == Some(verb.as_str()));
        prop_assume!(!known && !verb.starts_with('-'));
        let line = format!("{tool} {verb} x");
        prop_assert_ne!(class(&line), Some(Class::ReadOnly), "{}", line);
    }
}
