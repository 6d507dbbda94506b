//! The one place that builds HTTP clients: rustls with ring, proxies from the environment, private CAs.
