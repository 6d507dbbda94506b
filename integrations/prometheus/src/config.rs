//! Configuration of one Prometheus.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use quell_sdk::{
    Error, ErrorKind, Result,
    http::{Auth, HttpConfig, Proxy},
};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// Settings of one Prometheus. Only `url` is required.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where its API is, without `/api/v1`: `http://prometheus:9090`, or with the prefix of a product
    /// that has one (`https://mimir/prometheus`, `http://vmselect:8481/select/0/prometheus`).
    pub url: Url,
    #[serde(default)]
    pub auth: Auth,
    /// PEM file of authorities to trust beside the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Headers sent with every request. Values may be secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretString>,
    /// Sent as `X-Scope-OrgID` to products that hold many tenants.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Longest time for one query, its retry included.
    #[serde(default = "default_timeout", with = "humantime_serde")]
    pub timeout: Duration,
    /// Longest time for finding and pulling all series of a suspect.
    #[serde(default = "default_discover_timeout", with = "humantime_serde")]
    pub discover_timeout: Duration,
    /// Labels that may name a service, the most trusted first.
    #[serde(default = "default_service_labels")]
    pub service_labels: Vec<String>,
    /// Labels that may name one running instance of a service, the most trusted first.
    #[serde(default = "default_pod_labels")]
    pub pod_labels: Vec<String>,
    /// Labels that may name a machine, the most trusted first.
    #[serde(default = "default_node_labels")]
    pub node_labels: Vec<String>,
}

fn default_timeout() -> Duration {
    Duration::from_secs(5)
}

fn default_discover_timeout() -> Duration {
    Duration::from_secs(15)
}

fn default_service_labels() -> Vec<String> {
    strings(&["service", "service_name", "app", "job", "app_kubernetes_io_name", "deployment", "container"])
}

fn default_pod_labels() -> Vec<String> {
    strings(&["pod", "instance"])
}

fn default_node_labels() -> Vec<String> {
    strings(&["node", "kubernetes_node", "nodename"])
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Config {
    /// The defaults, for the Prometheus at `url`.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            auth: Auth::None,
            ca_file: None,
            headers: BTreeMap::new(),
            tenant: None,
            timeout: default_timeout(),
            discover_timeout: default_discover_timeout(),
            service_labels: default_service_labels(),
            pod_labels: default_pod_labels(),
            node_labels: default_node_labels(),
        }
    }

    /// What a person must change before it can be used, if anything.
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        let wrong = |message: String| Err(Error::new(ErrorKind::BadRequest, name, message));
        if !matches!(self.url.scheme(), "http" | "https") || self.url.host_str().is_none() {
            return wrong(format!("url {} is not http:// or https:// with a host", self.url.scheme()));
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return wrong("url holds credentials; move them to auth: { basic: … }".into());
        }
        if self.timeout.is_zero() || self.discover_timeout.is_zero() {
            return wrong("timeout and discover_timeout must be longer than 0 s".into());
        }
        if self.service_labels.is_empty() {
            return wrong("service_labels is empty; name the label that holds the service".into());
        }
        for label in self.service_labels.iter().chain(&self.pod_labels).chain(&self.node_labels) {
            if label.is_empty() || label.starts_with("__") {
                return wrong(format!("{label:?} cannot be the name of a label"));
            }
        }
        Ok(())
    }

    pub(crate) fn http(&self) -> HttpConfig {
        let mut headers = self.headers.clone();
        if let Some(tenant) = &self.tenant {
            headers.insert("X-Scope-OrgID".into(), SecretString::from(tenant.as_str()));
        }
        HttpConfig {
            auth: self.auth.clone(),
            ca_file: self.ca_file.clone(),
            headers,
            timeout: self.timeout,
            proxy: Proxy::suiting(&self.url),
            ..HttpConfig::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, serde_saphyr::Error> {
        serde_saphyr::from_str(text)
    }

    #[test]
    fn only_the_url_is_required() {
        let config = parse("url: http://prometheus:9090").unwrap();
        config.check("prometheus").unwrap();
        assert_eq!(config.timeout, Duration::from_secs(5));
        assert_eq!(config.service_labels.first().map(String::as_str), Some("service"));
        assert!(parse("timeout: 3s").is_err());
        assert!(parse("url: http://p:9090\nurll: x").is_err());
    }

    #[test]
    fn a_tenant_is_a_header_and_this_machine_is_reached_without_a_proxy() {
        let config = parse("{ url: 'http://127.0.0.1:9090/prometheus', tenant: team-a }").unwrap();
        assert_eq!(config.http().proxy, Proxy::None);
        assert!(config.http().headers.contains_key("X-Scope-OrgID"));
    }

    #[test]
    fn what_cannot_work_is_refused_before_the_first_query() {
        for (text, said) in [
            ("url: file:///etc/passwd", "http://"),
            ("url: http://ann:hush@prometheus:9090", "auth"),
            ("{ url: 'http://p', timeout: 0s }", "timeout"),
            ("{ url: 'http://p', service_labels: [] }", "service_labels"),
            ("{ url: 'http://p', pod_labels: [__name__] }", "__name__"),
        ] {
            let error = parse(text).unwrap().check("prom").unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("hush"), "{text}: {error}");
        }
    }
}
