//! How a connection to another system is configured.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// Settings of one HTTP client.
///
/// An integration that spells these out in its own configuration builds this from it; others embed it
/// whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// How to prove who is asking.
    pub auth: Auth,
    /// PEM file of authorities to trust beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// Headers sent with every request. Values may be secrets and are never shown.
    pub headers: BTreeMap<String, SecretString>,
    /// Longest time for a whole request, body included.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Longest time until the connection stands.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    pub proxy: Proxy,
    pub user_agent: String,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            auth: Auth::None,
            ca_file: None,
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            proxy: Proxy::System,
            user_agent: concat!("quell/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// How to prove who is asking.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    #[default]
    None,
    Basic {
        username: String,
        password: SecretString,
    },
    Bearer {
        token: SecretString,
    },
}

/// Which proxy requests go through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proxy {
    /// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    System,
    /// None, whatever the environment says.
    None,
}

impl Proxy {
    /// What suits an address: this machine is never reached through a proxy.
    pub fn suiting(url: &Url) -> Self {
        if is_loopback(url) { Self::None } else { Self::System }
    }
}

/// Whether a URL points at this machine.
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
