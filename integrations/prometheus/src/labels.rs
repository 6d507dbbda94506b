//! Translates label names: whatever a system calls them, a service is under `service`, a pod under
//! `pod`, a node under `node`.

use quell_sdk::signal::Labels;

use crate::Config;

/// Prefix that Prometheus itself gives to labels which it has to move out of the way.
const EXPORTED: &str = "exported_";

/// Which labels mean what.
#[derive(Clone, Debug)]
pub(crate) struct Naming {
    pub(crate) service: Vec<String>,
    pub(crate) pod: Vec<String>,
    node: Vec<String>,
}

impl Naming {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            service: config.service_labels.clone(),
            pod: config.pod_labels.clone(),
            node: config.node_labels.clone(),
        }
    }

    /// The labels with `service`, `pod` and `node` filled in, the original ones kept. A `service` that is
    /// known already wins; an original label that has to give way stays as `exported_…`.
    pub(crate) fn translate(&self, mut labels: Labels, service: Option<&str>) -> Labels {
        labels.remove("__name__");
        let named = service.map(str::to_owned).or_else(|| self.service_of(&labels));
        let pod = first(&labels, &self.pod).map(str::to_owned);
        let node = first(&labels, &self.node).map(str::to_owned);
        for (name, value) in [("service", named), ("pod", pod), ("node", node)] {
            let Some(value) = value else { continue };
            if let Some(original) = labels.insert(name.into(), value.clone())
                && original != value
                && !original.is_empty()
            {
                labels.entry(format!("{EXPORTED}{name}")).or_insert(original);
            }
        }
        labels
    }

    /// The service that labels name by themselves.
    pub(crate) fn service_of(&self, labels: &Labels) -> Option<String> {
        let label = self.service.iter().find(|label| labels.get(*label).is_some_and(|v| !v.is_empty()))?;
        let value = labels.get(label)?;
        // OpenTelemetry joins namespace and name in `job`.
        let name = if label == "job" { value.rsplit('/').next().unwrap_or(value) } else { value };
        Some(if name.is_empty() { value } else { name }.to_owned())
    }
}

/// The suspect that a label's value names: itself, or with a namespace before it (`shop/checkout`).
pub(crate) fn suspect<'a>(value: &str, suspects: &'a [String]) -> Option<&'a str> {
    suspects
        .iter()
        .find(|name| {
            !name.is_empty()
                && value
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        })
        .map(String::as_str)
}

fn first<'a>(labels: &'a Labels, names: &[String]) -> Option<&'a str> {
    names.iter().filter_map(|name| labels.get(name)).map(String::as_str).find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn naming() -> Naming {
        Naming::new(&Config::new("http://p:9090".parse().unwrap()))
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[rstest]
    #[case(&[("app", "cart"), ("job", "pods")], None, &[("service", "cart")])]
    #[case(&[("job", "shop/cart"), ("instance", "10.0.0.1:80")], None, &[("service", "cart"), ("pod", "10.0.0.1:80")])]
    #[case(&[("job", "shop/cart")], Some("shop/cart"), &[("service", "shop/cart"), ("job", "shop/cart")])]
    #[case(&[("service", "kubelet"), ("container", "cart")], Some("cart"), &[("service", "cart"), ("exported_service", "kubelet")])]
    #[case(&[("pod", "cart-7d"), ("instance", "10.0.0.1:80"), ("kubernetes_node", "n1")], None, &[("pod", "cart-7d"), ("node", "n1")])]
    #[case(&[("service", ""), ("app", "cart")], None, &[("service", "cart")])]
    fn labels_are_translated_and_kept(
        #[case] from: &[(&str, &str)],
        #[case] known: Option<&str>,
        #[case] expected: &[(&str, &str)],
    ) {
        let translated = naming().translate(labels(from), known);
        for (name, value) in expected {
            assert_eq!(translated.get(*name).map(String::as_str), Some(*value), "{name} in {translated:?}");
        }
        for name in from.iter().map(|(name, _)| *name).filter(|name| *name != "service") {
            assert!(translated.contains_key(name), "{name} is lost: {translated:?}");
        }
    }

    #[test]
    fn a_series_without_a_service_gets_none() {
        let translated = naming().translate(labels(&[("__name__", "up"), ("zone", "a")]), None);
        assert_eq!(translated, labels(&[("zone", "a")]));
    }

    #[test]
    fn a_suspect_is_found_behind_its_namespace_only() {
        let suspects = ["cart".to_owned(), String::new()];
        assert_eq!(suspect("cart", &suspects), Some("cart"));
        assert_eq!(suspect("shop/cart", &suspects), Some("cart"));
        assert_eq!(suspect("shopcart", &suspects), None);
        assert_eq!(suspect("cart/web", &suspects), None);
        assert_eq!(suspect("", &suspects), None);
    }
}
