use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::{
    domain::{Action, Language, Risk},
    runbook::{Library, Query, Runbook, lint, parse},
};

const PLAIN: &str = r#"---
title: Queue Backlog Growing
weight: 20
---

# QueueBacklogGrowing

## Meaning

More comes in than goes out. Somebody may have run `kubectl delete ns prod`.

## 2. Troubleshooting

- Look at the pods via `kubectl -n $NAMESPACE get pod -l app=worker`.
- Ask whether the depth of the queue is rising. Its 99th percentile should be less than 500ms.

  ```console
  histogram_quantile(0.99, sum by (le) (rate(queue_age_seconds_bucket{namespace="$NAMESPACE"}[5m])))
  ```

### Logs

See what the workers say:

```shell
$ NODE_NAME='<value of instance label from alert>'
$ kubectl -n <namespace> logs <pod-name> \
    --tail=100
level=error msg="no"
$ oc debug node/$NODE_NAME
```

## Recommended Actions

1. Restart the workers:

   ```sh
   kubectl -n $NAMESPACE rollout restart deployment/worker
   kubectl -n $NAMESPACE rollout pause deployment/worker
   ```

2. Scale up when there is load:

   ```sh
   kubectl scale --replicas=6 deployment/worker
   for p in $(kubectl get pods -o name); do frob $p; done
   ```

3. Talk with the <owner> of the producer.

## Escalation

Call us.
"#;

fn read(text: &str) -> Runbook {
    let (runbook, findings) = import("runbooks/QueueBacklogGrowing.md", text, None);
    runbook.unwrap_or_else(|| panic!("{findings:?}"))
}

fn imported(runbook: &Runbook) -> &Imported {
    runbook.imported.as_deref().unwrap()
}

#[test]
fn a_plain_runbook_loads_as_it_is() {
    let runbook = read(PLAIN);
    let given = imported(&runbook);
    assert_eq!((runbook.id.as_str(), runbook.title.as_str()), ("queuebackloggrowing", "QueueBacklogGrowing"));
    assert!(given.aliases.contains("queuebackloggrowing"));
    let kinds: Vec<&str> = given.sections.iter().map(|section| section.kind.as_str()).collect();
    assert_eq!(kinds, ["meaning", "diagnosis", "mitigation", "escalation"]);
    assert_eq!(given.sections[1].line, 12);

    let checks: Vec<(Language, String)> =
        given.checks.iter().map(|check| (check.language, check.query.native())).collect();
    assert_eq!(checks[0], (Language::Sh, "kubectl -n ${namespace} get pod -l app=worker".to_owned()));
    assert_eq!(checks[1].0, Language::Promql);
    assert!(checks[1].1.contains("namespace=\"${namespace}\""), "{}", checks[1].1);
    assert_eq!(checks[2], (Language::Sh, "kubectl -n ${namespace} logs ${pod} --tail=100".to_owned()));
    assert_eq!(checks.len(), 3);
    let stated = given.checks[1].stated.as_ref().unwrap();
    assert_eq!(stated.healthy.as_ref().unwrap().to_string(), "< 500ms");

    let steps: Vec<(Class, Action, Risk)> =
        given.steps.iter().map(|step| (step.effect.class, step.effect.action, step.effect.risk)).collect();
    assert_eq!(
        steps,
        [
            (Class::Mutating, Action::Manual, Risk::Unknown),
            (Class::Mutating, Action::Restart, Risk::Low),
            (Class::Mutating, Action::StopRollout, Risk::Low),
            (Class::Mutating, Action::ScaleUp, Risk::Low),
            (Class::Unknown, Action::Manual, Risk::Unknown),
            (Class::Unknown, Action::Manual, Risk::Unknown),
        ]
    );
    assert_eq!(given.steps[5].text, "Talk with the <owner> of the producer.");
    assert_eq!(runbook.vars["node"].labels[0], "instance");
    assert!(runbook.hypotheses.is_empty() && runbook.meaning.starts_with("More comes in"));
}

#[test]
fn without_parts_the_whole_is_a_diagnosis() {
    let runbook = read("Some words about what to look at when it breaks.\n\n    kubectl get pods\n");
    assert_eq!(imported(&runbook).checks.len(), 1);
    let (runbook, findings) = import("x/LICENSE", "# x\n", None);
    assert!(!imported(&runbook.unwrap()).is_useful());
    assert_eq!(findings[0].code, "RB035");
}

#[test]
fn a_skill_is_known_by_its_name_and_description() {
    let text = "---\nname: dns-trouble\ndescription: When names do not resolve in a cluster.\n---\n## Goal\nFind it.\n\n\
                ## Workflow for DNS Diagnosis\n1. **Pods:** run `kubectl get pods -n kube-system`\n\n## Synthesize\nx\n";
    let (runbook, findings) = import("skills/dns/SKILL.md", text, None);
    let runbook = runbook.unwrap();
    assert_eq!((runbook.id.as_str(), runbook.format()), ("dns-trouble", "skill"));
    assert!(runbook.meaning.starts_with("When names do not resolve"));
    assert_eq!(imported(&runbook).checks.len(), 1, "{findings:?}");
    let (runbook, _) = import("skills/dns/SKILL.md", "# Look\n\nLook at the pods of it.", None);
    assert_eq!(runbook.unwrap().id, "dns");
}

#[test]
fn what_is_rendered_is_of_the_native_format() {
    let runbook = read(PLAIN);
    let text = render(&runbook).unwrap();
    let (native, findings) = parse("x.md", &text);
    let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    let native = native.unwrap();
    assert_eq!(native.checks["check-2"].expect.to_string(), "< 500ms");
    assert_eq!(native.steps["step-2"].command, "kubectl -n ${namespace} rollout restart deployment/worker");
    assert_eq!(native.steps["step-3"].undo.as_deref(), Some("step-3-undo"));
    assert_eq!(
        native.steps["step-3-undo"].command,
        "kubectl -n ${namespace} rollout resume deployment/worker"
    );
    assert_eq!(native.match_rules.alerts.len(), 1);
    assert!(render(&native).is_none());
}

#[test]
fn folders_catalogues_and_urls_lead_to_plain_runbooks() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("QueueBacklogGrowing.md", PLAIN);
    write("disk-full.md", "# Disk full\n\n## Diagnosis\n\nLook at `df -h` on the node.\n");
    write("net/names.md", "# Names\n\n## Diagnosis\n\nAsk a resolver with `dig x`.\n");
    write(
        "catalog.json",
        r#"{"catalog":[{"link":"net/names.md","description":"Resolver trouble","id":"names.md"}]}"#,
    );
    write("README.md", "# no runbook\n");
    write("NoEnding", "# NoEnding\n\n## Diagnosis\n\nLook at `uptime` of it.\n");
    let (library, findings) = Library::load(&[dir.path().to_owned()], true);
    assert!(findings.is_empty(), "{findings:?}");
    let plain: Vec<(&str, &str)> = library
        .runbooks()
        .iter()
        .filter(|r| r.imported.is_some())
        .map(|r| (r.id.as_str(), r.format()))
        .collect();
    assert_eq!(
        plain,
        [
            ("disk-full-md", "markdown"),
            ("names-md", "catalogue"),
            ("noending", "markdown"),
            ("queuebackloggrowing", "markdown")
        ]
    );
    assert!(library.get("disk-full").unwrap().imported.is_none(), "the shipped one stays");

    let mut alert = quell_sdk::signal::Alert {
        source: String::new(),
        status: crate::domain::AlertStatus::Firing,
        labels: Default::default(),
        annotations: Default::default(),
        starts_at: jiff::Timestamp::UNIX_EPOCH,
        ends_at: None,
        generator_url: None,
        fingerprint: String::new(),
        group_key: None,
    };
    for url in ["https://x/runbooks/q/QueueBacklogGrowing", "https://x/a.md#alert-name-queuebackloggrowing"] {
        alert.annotations.insert("runbook_url".to_owned(), url.to_owned());
        let alerts = [alert.clone()];
        let query = Query { alerts: &alerts, limit: 5, ..Query::default() };
        let found = library.matching(&query);
        assert_eq!(found[0].runbook.id, "queuebackloggrowing", "{url}");
        assert!(library.matching_native(&query).iter().all(|found| found.runbook.imported.is_none()));
    }
}

#[test]
fn native_files_are_told_from_plain_ones() {
    assert!(is_native("---\nquell: 1\n---\n"));
    assert!(is_native("\u{feff}---\r\n{ quell: 1 }\r\n---\r\n"));
    assert!(is_native("---\nquell: 1\n"));
    assert!(!is_native("---\ntitle: x\n---\nquell: 1\n"));
    assert!(!is_native("# quell: 1"));
}

#[test]
fn no_file_takes_long_or_much() {
    let many = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    let size = 400_000;
    let bomb = format!(
        "---\na: &a [x,x]\n{}---\n# x\n",
        (0..20).map(|n| format!("b{n}: &b{n} [*a, *a, *a]\n")).collect::<String>()
    );
    let texts = [
        many("> ", size),
        many("- ", size),
        many("[", size),
        many("*a ", size),
        many("`", size),
        many("<", size),
        many("{{<", size),
        many("a", size),
        many("\n# x\n", size),
        many("```sh\nls\n```\n", size),
        many("1. x\n\n", size),
        format!("# x\n\n## Diagnosis\n\n```sh\n{}\n```", many("$(", 10_000)),
        many("<!--", size),
        many("|a|\n|-|\n", size),
        format!("# x\n\n```promql\n{}\n```", many("(", size)),
        format!("# x\n\n```promql\n{}\n```", many("a+", 4_000)),
        many("```\nfoo(x\n```\n\n", size),
        many("---\n", size),
        format!("---\n{}\n---\n", many("- ", 60_000)),
        bomb,
        many("$A<b>{{ .Labels.x }}", size),
        many("`kubectl get <a`b", size),
        many("\\", size),
        many("![x](", size),
        many("x\r", size),
        many("\u{202e}\u{1b}[31m", size),
        many("&amp;", size),
        many("~~~\n", size),
    ];
    for text in &texts {
        let started = Instant::now();
        let (runbook, _) = import("x.md", text, None);
        if let Some(runbook) = runbook {
            let given = imported(&runbook);
            assert!(given.checks.len() <= 300 && given.steps.len() <= 300);
            let rendered = render(&runbook).unwrap();
            assert!(rendered.len() < 4_000_000);
        }
        let took = started.elapsed();
        // unoptimised, on a machine that has other things to do
        assert!(took < Duration::from_secs(20), "{took:?}: {:?}", text.chars().take(12).collect::<String>());
    }
    for text in ["a".repeat(2_000_000), "a\0b".to_owned()] {
        let (runbook, findings) = import("x.md", &text, None);
        assert!(runbook.is_none() && findings[0].is_error());
    }
    assert!(lint("x.md", PLAIN).iter().any(|finding| finding.code == "RB001"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_imported_and_rendered(parts in proptest::collection::vec(
        proptest::sample::select(vec![
            "---\n", "title: x\n", "name: '\n", "# A\n", "## Diagnosis\n", "## Mitigation\n", "```sh\n", "```\n", "```promql\n",
            "- ", "1. ", "`kubectl delete pod <pod>`", "kubectl get pods $NS\n", "\n\n", "<script>", "\u{1b}[31m", "$k ", "${A}", "{{<",
            "rate(x[5m])\n", "> ", "|a|b|\n", "    rm x\n", "~~~", "`", "\"", "\\", "é😀", "should be < 5ms ", "$ ", "EOF", "<<EOF\n", "# ",
        ]), 0..40)) {
        let text = parts.concat();
        let (runbook, _) = import("a/b.md", &text, None);
        let runbook = runbook.unwrap();
        let rendered = render(&runbook).unwrap();
        let is_clean = !rendered.contains('\u{1b}');
        prop_assert!(is_clean);
        let (_, findings) = parse("x.md", &rendered);
        let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
        prop_assert!(errors.is_empty(), "{:?}\n{}", errors, rendered);
        for check in &imported(&runbook).checks {
            if check.language == Language::Sh {
                prop_assert_ne!(classify(&check.query.written()).map(|effect| effect.class), Some(Class::Mutating));
            }
        }
    }

    #[test]
    fn any_bytes_are_imported(text in "\\PC{0,400}", yaml in "\\PC{0,100}") {
        import("a/b.md", &format!("---\n{yaml}\n---\n{text}"), None);
        import("a/b.md", &text, None);
    }
}
