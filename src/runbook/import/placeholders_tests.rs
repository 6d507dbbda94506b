use proptest::prelude::*;

use super::*;

fn native(text: &str, language: Language) -> String {
    Variables::default().read(text, language).template.native()
}

#[test]
fn spellings_become_one_variable() {
    for (text, wanted) in [
        ("kubectl -n <namespace> get pod <pod-name>", "kubectl -n ${namespace} get pod ${pod}"),
        ("kubectl -n $NAMESPACE get pod ${POD_NAME}", "kubectl -n ${namespace} get pod ${pod}"),
        ("kubectl -n ${NS} get pvc <my-pvc>", "kubectl -n ${namespace} get pvc ${pvc}"),
        ("kubectl get node $NODENAME", "kubectl get node ${node}"),
        ("kubectl logs {{ .Labels.pod }} -c {{ $labels.container }}", "kubectl logs ${pod} -c ${container}"),
        ("ls \"/host/<mountPoint>\"", "ls \"/host/${mountpoint}\""),
    ] {
        assert_eq!(native(text, Language::Sh), wanted);
    }
}

#[test]
fn what_is_the_shells_own_stays() {
    for text in [
        "awk '{ print $2, $NF }'",
        "echo $HOME $1 $? $i",
        "jq '.[] | $x'",
        "echo '$POD'",
        "a < b > c",
        "cat <in >out",
        "x <<EOF",
    ] {
        assert_eq!(native(text, Language::Sh), text);
    }
}

#[test]
fn assignments_say_where_a_value_comes_from() {
    let mut variables = Variables::default();
    variables.assign("NODE_NAME", "'<value of instance label from alert>'");
    variables.assign("NAMESPACE", "\"kube-etcd\"");
    variables.read("oc debug node/$NODE_NAME -n $NAMESPACE", Language::Sh);
    assert_eq!(variables.specs["node"].labels[0], "instance");
    assert_eq!(variables.specs["namespace"].default.as_deref(), Some("kube-etcd"));
}

#[test]
fn nothing_is_half_filled() {
    let mut variables = Variables::default();
    let template = variables.read("kubectl -n <namespace> delete pod <pod>", Language::Sh).template;
    let mut vars = Vars::new();
    vars.set("namespace", "prod");
    let shown = template.show(&vars, Language::Sh);
    assert_eq!(shown.text, "kubectl -n <namespace> delete pod <pod>");
    assert_eq!(shown.unbound.len(), 1);
    vars.set("pod", "a'; rm -rf / #");
    let shown = template.show(&vars, Language::Sh);
    assert_eq!(shown.text, "kubectl -n prod delete pod 'a'\\''; rm -rf / #'");
}

proptest! {
    #[test]
    fn text_is_kept_as_it_was(text in "[a-zA-Z$<>{}'\"\\\\. -]{0,60}") {
        let read = Variables::default().read(&text, Language::Sh);
        prop_assert_eq!(read.template.written(), text);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}", query in any::<bool>()) {
        let language = if query { Language::Promql } else { Language::Sh };
        prop_assert_eq!(Variables::default().read(&text, language).template.written(), text);
    }
}
