use std::{fmt::Write, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    domain::{Action, Approval, Blast, Language, Risk},
    runbook::At,
};

const GOOD: &str = r#"---
quell: 1
id: http-5xx-after-rollout
title: HTTP 5xx after a rollout
owners: [team-checkout]
reviewed: 2026-03-01
source: https://example.org/runbooks
match:
  alerts: [HighErrorRate, "/Http5xx.*/"]
  labels: { tier: edge }
  services: [checkout]
  metrics: ['sum(rate(http_requests_total{service="$service",code=~"5.."}[5m])) > 0']
  logs: ['(?i)panic|unhandled exception']
  traces: ['{ resource.service.name = "$service" && status = error }']
vars:
  service:   { labels: [service, job, app] }
  namespace: { labels: [namespace], default: default }
hypotheses:
  bad-release:
    claim: The newest version of $service is faulty.
    prior: 0.4
    expects: { rollout-before-onset: true, db-slow: false }
    steps: [rollback, shed-load]
  slow-query:
    claim: The database behind $service is slow.
    prior: 0.2
    expects: { db-slow: true }
    steps: [shed-load]
steps:
  rollback:  { action: rollback_code, risk: low, reversible: true, undo: re-deploy, blast: service, eta: 4m, verify: errors-gone, within: 10m, approval: human }
  re-deploy: { action: roll_forward, risk: medium, reversible: true, blast: service, eta: 1m30s }
  shed-load: { action: throttle_load_shed, risk: medium, reversible: true, blast: service, eta: 2m, verify: errors-gone, needs: [flag console] }
---
# HTTP 5xx after a rollout

## Meaning

More than *5 %* of requests
answer with a `5xx`.

## Impact

Customers see failed checkouts.

## Diagnosis

### Did a rollout start just before?

Generations move with it.

```promql {"check":"rollout-before-onset","expect":"> 0","at":"onset"}
changes(kube_deployment_status_observed_generation{namespace="$namespace",deployment="$service"}[30m])
```

### Is the database slow?

```traceql {"check":"db-slow","expect":"p95 > 3x baseline"}
{ resource.service.name = "$service" && span.db.system != nil }
```

```sh
kubectl -n $namespace logs deploy/$service --since=15m | awk '{print $1}'
```

## Mitigation

### Roll back

Safe unless the release held a migration.

```sh {"step":"rollback"}
kubectl -n $namespace rollout undo deployment/$service
```

```sh {"step":"re-deploy"}
kubectl -n $namespace rollout undo deployment/$service
```

```text {"step":"shed-load"}
feature flag checkout.degrade -> on
```

## Verification

```promql {"verify":"errors-gone","expect":"< 0.01","for":"5m"}
sum(rate(http_requests_total{service="$service",code=~"5.."}[5m])) / sum(rate(http_requests_total{service="$service"}[5m]))
```
"#;

#[test]
fn reads_all_of_a_good_runbook() {
    let (runbook, findings) = parse("good.md", GOOD);
    assert_eq!(findings, []);
    let runbook = runbook.unwrap();
    assert_eq!(
        (runbook.id.as_str(), runbook.title.as_str()),
        ("http-5xx-after-rollout", "HTTP 5xx after a rollout")
    );
    assert_eq!(runbook.reviewed.as_deref(), Some("2026-03-01"));
    assert_eq!(runbook.meaning, "More than 5 % of requests answer with a 5xx.");
    assert_eq!(runbook.impact, "Customers see failed checkouts.");
    assert!(
        runbook.match_rules.alerts[1].matches("Http5xxHigh")
            && !runbook.match_rules.alerts[1].matches("xHttp5xx")
    );
    assert_eq!(runbook.vars["service"].labels, ["service", "job", "app"]);
    let first = &runbook.hypotheses[0];
    assert_eq!(first.fault, Some(FaultClass::BadRelease));
    assert_eq!(first.prior, Some(0.4));
    assert_eq!(first.expects, [("rollout-before-onset".to_owned(), true), ("db-slow".to_owned(), false)]);
    let check = &runbook.checks["rollout-before-onset"];
    assert_eq!((check.at, check.language), (At::Onset, Language::Promql));
    assert_eq!(
        (check.title.as_str(), check.text.as_str()),
        ("Did a rollout start just before?", "Generations move with it.")
    );
    assert_eq!(check.expect.to_string(), "> 0");
    let step = &runbook.steps["rollback"];
    assert_eq!((step.action, step.risk, step.blast), (Action::RollbackCode, Risk::Low, Blast::Service));
    assert_eq!((step.eta, step.within), (Duration::from_secs(240), Some(Duration::from_secs(600))));
    assert_eq!((step.undo.as_deref(), step.approval), (Some("re-deploy"), Some(Approval::Human)));
    assert_eq!(step.text, "Safe unless the release held a migration.");
    assert_eq!(step.command, "kubectl -n $namespace rollout undo deployment/$service");
    assert_eq!(runbook.steps["shed-load"].needs, ["flag console"]);
    assert_eq!(runbook.verifications["errors-gone"].hold, Duration::from_secs(300));
}

/// The good runbook with one thing changed.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

fn bomb() -> String {
    let mut yaml = String::from("bomb:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let before = level - 1;
        let all = vec![format!("*a{before}"); 9].join(", ");
        writeln!(yaml, "  a{level}: &a{level} [{all}]").unwrap();
    }
    with("quell: 1\n", &format!("quell: 1\n{yaml}"))
}

/// Every way of being wrong that a person is likely to meet, as they would see it.
#[test]
fn says_what_is_wrong_and_where() {
    let shed = "verify: errors-gone, needs: [flag console] }";
    let cases: Vec<(&str, String)> = vec![
        ("plain", "# HighErrorRate\n\n## Diagnosis\n\nLook at the logs.\n".to_owned()),
        ("hugo", "---\ntitle: HighErrorRate\nweight: 20\n---\n\n# HighErrorRate\n".to_owned()),
        ("other-version", with("quell: 1", "quell: 2")),
        ("empty", String::new()),
        ("never-ends", "---\nquell: 1\nid: x\n".to_owned()),
        ("not-yaml", with("owners: [team-checkout]", "owners: [team-checkout")),
        ("yaml-bomb", bomb()),
        ("deep", with("owners: [team-checkout]", &format!("owners: {}{}", "[".repeat(100), "]".repeat(100)))),
        ("unknown-variable", with("deploy/$service --since", "deploy/$servce --since")),
        ("unknown-variable-in-claim", with("version of $service is", "version of $deployment is")),
        ("missing-undo", with("undo: re-deploy, ", "")),
        ("unknown-undo", with("undo: re-deploy", "undo: redeploy")),
        (
            "irreversible-low-risk",
            with("risk: low, reversible: true, undo: re-deploy", "risk: low, reversible: false"),
        ),
        ("bad-eta", with("eta: 4m", "eta: 4 parsecs")),
        ("eta-a-number", with("eta: 4m", "eta: 4")),
        ("endless-eta", with("eta: 4m", "eta: 900000000000000000y")),
        ("unknown-check", with("expects: { db-slow: true }", "expects: { db-sloww: true }")),
        ("yes-for-true", with("expects: { db-slow: true }", "expects: { db-slow: yes }")),
        ("unknown-step", with("steps: [rollback, shed-load]", "steps: [roll-back, shed-load]")),
        ("step-without-block", with("```text {\"step\":\"shed-load\"}", "```text")),
        ("step-not-described", with("```text {\"step\":\"shed-load\"}", "```text {\"step\":\"shed\"}")),
        ("unknown-verification", with(shed, "verify: error-gone, needs: [flag console] }")),
        ("no-verification", with(shed, "needs: [flag console] }")),
        ("broken-promql", with("[30m])\n```", "[30m]\n```")),
        ("promql-of-nonsense", with("changes(kube", "chnges(kube")),
        ("broken-promql-in-match", with("code=~\"5..\"}[5m])) > 0'", "code=~\"5..\"}[5m]))) > 0'")),
        ("broken-traceql", with("span.db.system != nil }", "span.db.system != nil")),
        (
            "duplicate-ids",
            with("```traceql {\"check\":\"db-slow\"", "```traceql {\"check\":\"rollout-before-onset\""),
        ),
        ("duplicate-keys", with("title: HTTP 5xx after a rollout\n", "title: One\ntitle: Two\n")),
        ("unknown-key", with("owners: [team-checkout]", "owner: [team-checkout]")),
        ("unknown-key-in-step", with("within: 10m", "whithin: 10m")),
        ("unknown-action", with("action: rollback_code", "action: rollback-code")),
        ("unknown-blast", with("blast: service, eta: 4m", "blast: planet, eta: 4m")),
        ("bad-id", with("id: http-5xx-after-rollout", "id: HTTP 5xx")),
        ("bad-date", with("reviewed: 2026-03-01", "reviewed: last spring")),
        ("no-id", with("id: http-5xx-after-rollout\n", "")),
        ("no-expect", with(",\"expect\":\"p95 > 3x baseline\"", "")),
        ("bad-expect", with("p95 > 3x baseline", "p95 is slow")),
        ("bad-regex-in-expect", with("\"expect\":\"> 0\"", "\"expect\":\"matches /(/\"")),
        ("bad-at", with("\"at\":\"onset\"", "\"at\":\"yesterday\"")),
        ("bad-for", with("\"for\":\"5m\"", "\"for\":\"a while\"")),
        ("bad-fence", with("{\"step\":\"shed-load\"}", "{step: shed-load}")),
        ("two-links", with("{\"step\":\"shed-load\"}", "{\"step\":\"shed-load\",\"check\":\"x\"}")),
        ("unknown-fence-key", with("\"expect\":\"> 0\"", "\"expects\":\"> 0\"")),
        ("bad-alert-regex", with("/Http5xx.*/", "/Http5xx(/")),
        ("bad-log-regex", with("(?i)panic|unhandled exception", "(?i)panic|(")),
        ("prior-out-of-range", with("prior: 0.4", "prior: 1.4")),
        ("prior-not-a-number", with("prior: 0.4", "prior: likely")),
        ("priors-above-one", with("prior: 0.2", "prior: 0.7")),
        (
            "unused-check",
            with("expects: { rollout-before-onset: true, db-slow: false }", "expects: { db-slow: false }"),
        ),
        ("no-fault-class", with("bad-release:", "bad-deploy:")),
        ("unknown-language", with("```traceql", "```tracesql")),
        ("later-language", with("```traceql", "```es")),
        ("step-in-promql", with("```text {\"step\"", "```promql {\"step\"")),
        ("no-section", with("## Impact", "## Consequences")),
        (
            "no-match",
            with(
                "match:\n  alerts: [HighErrorRate, \"/Http5xx.*/\"]\n  labels: { tier: edge }\n  services: [checkout]\n",
                "match:\n",
            ),
        ),
        ("numbers-for-text", with("labels: { tier: edge }", "labels: { tier: 1 }")),
        ("list-for-map", with("labels: { tier: edge }", "labels: [tier]")),
        ("crlf-and-mark", format!("\u{feff}{}", with("eta: 4m", "eta: soon").replace('\n', "\r\n"))),
    ];
    let mut shown = String::new();
    for (name, text) in &cases {
        let (runbook, findings) = parse(&format!("{name}.md"), text);
        assert!(!findings.is_empty(), "{name} has no findings");
        assert_eq!(runbook.is_none(), findings.iter().any(Finding::is_error), "{name}");
        for finding in findings {
            writeln!(shown, "{finding}").unwrap();
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let (runbook, findings) = parse("big.md", &"x".repeat(LARGEST + 1));
    assert!(runbook.is_none());
    assert_eq!(
        findings[0].to_string(),
        "big.md: error RB012: it has 1048577 bytes, more than 1048576; split it"
    );
    let many = format!("{GOOD}{}", "\n```sh\nls\n```\n".repeat(600));
    let findings = lint("many.md", &many);
    assert!(
        findings.iter().any(|finding| finding.message.contains("more than 500 fenced blocks")),
        "{findings:?}"
    );
    let long = with("feature flag checkout", &"long ".repeat(4_000));
    assert!(lint("long.md", &long).iter().any(|finding| finding.message.contains("longer than 16384 bytes")));
}

#[test]
fn deep_queries_do_not_reach_a_parser_that_recurses() {
    for query in
        ["(".repeat(5_000), "-".repeat(8_000), format!("1{}", "+1".repeat(4_000)), "a{".repeat(4_000)]
    {
        let text = with(
            "changes(kube_deployment_status_observed_generation{namespace=\"$namespace\",deployment=\"$service\"}[30m])",
            &query,
        );
        parse("deep.md", &text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn never_panics_on_text(text in "\\PC{0,300}") {
        parse("any.md", &text);
        parse("any.md", &format!("---\nquell: 1\n{text}\n---\n{text}"));
    }

    /// Real runbooks that a bad merge or a bad hand has been at.
    #[test]
    fn never_panics_on_a_damaged_runbook(
        at in 0..GOOD.len(),
        length in 0_usize..60,
        put in prop_oneof!["[ -~\n]{0,20}", prop::sample::select(vec!["---\n", "```", "{\"", "&a [*a]", "\u{feff}", "\r\n", "é", "\0", "<!--"]).prop_map(str::to_owned)],
    ) {
        let start = (0..=at).rev().find(|at| GOOD.is_char_boundary(*at)).unwrap();
        let end = (start + length).min(GOOD.len());
        let end = (end..=GOOD.len()).find(|at| GOOD.is_char_boundary(*at)).unwrap();
        let mut text = GOOD.to_owned();
        text.replace_range(start..end, &put);
        let lines = text.lines().count();
        let (runbook, findings) = parse("damaged.md", &text);
        prop_assert_eq!(runbook.is_none(), findings.iter().any(Finding::is_error));
        for finding in findings {
            prop_assert!(finding.line <= lines + 1, "{}", finding);
        }
    }
}
