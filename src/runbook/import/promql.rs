//! Queries recognised by parsing them.

use quell_sdk::local::promql;

use super::{
    fence,
    placeholders::{Template, Variables},
};
use crate::{
    domain::Language,
    runbook::{Vars, balance},
};

const LONGEST: usize = 4_096;
/// Texts tried per file: a parser that looks for the mistake takes its time.
const MOST_TRIED: usize = 100;

#[derive(Default)]
pub(super) struct Recogniser {
    tried: usize,
}

impl Recogniser {
    /// The query in a block; `is_said` when its fence calls it PromQL. `df -h` parses too, so that what nobody calls a
    /// query has to look like one.
    pub(super) fn query(&mut self, body: &str, is_said: bool, variables: &mut Variables) -> Option<Template> {
        let text = body.trim();
        if text.is_empty() || text.len() > LONGEST || self.tried >= MOST_TRIED {
            return None;
        }
        if !is_said {
            // a bare selector may as well be one of logs
            let looks = text.contains(['(', '{', '[']) && !text.starts_with('{');
            let prompted = text.lines().any(|line| line.trim_start().starts_with("$ "));
            let assigns =
                text.split_whitespace().next().is_some_and(|word| super::classify::assigned(word).is_some());
            if !looks || prompted || assigns || fence::begins_known(text) || text.contains("$(") {
                return None;
            }
        }
        if balance::check(text).is_err() {
            return None;
        }
        self.tried += 1;
        // names are only declared once it is known to be a query
        let mut seen = Variables::default();
        let template = seen.read(text, Language::Promql).template;
        let mut stand_ins = Vars::new();
        for name in template.names() {
            stand_ins.set(name, if name == "range" { "5m" } else { "x" });
        }
        let shown = template.show(&stand_ins, Language::Promql);
        if !shown.unbound.is_empty() || promql::check(&shown.text).is_err() {
            return None;
        }
        Some(variables.read(text, Language::Promql).template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, is_said: bool) -> Option<String> {
        Recogniser::default().query(body, is_said, &mut Variables::default()).map(|query| query.native())
    }

    #[test]
    fn queries_are_told_from_commands() {
        let query = "histogram_quantile(0.99, sum by (le) (rate(x_bucket{job=\"etcd\"}[5m])))";
        assert_eq!(read(query, false).as_deref(), Some(query));
        assert_eq!(read("node_filesystem_free_bytes", true).as_deref(), Some("node_filesystem_free_bytes"));
        for text in [
            "df -h",
            "reboot",
            "free -m",
            "$ up{a=\"b\"}",
            "kubectl get pods",
            "rm (x)",
            "foo()",
            "{not: json}",
        ] {
            assert_eq!(read(text, false), None, "{text}");
        }
        assert_eq!(read(&"(".repeat(4_000), true), None);
    }

    #[test]
    fn placeholders_become_variables() {
        let body = "node_files_free{\n instance=\"<value of instance label from alert>\", ns=\"$NAMESPACE\"}[$__rate_interval]";
        let native = read(body, true).unwrap();
        assert!(native.contains("instance=\"${instance}\"") && native.contains("${namespace}"), "{native}");
        assert!(native.contains("[${range}]"), "{native}");
    }
}
