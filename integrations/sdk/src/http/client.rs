//! Builds clients.

use std::{path::Path, sync::Arc};

use reqwest::{
    Client,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
    redirect::{Attempt, Policy},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::ExposeSecret;

use super::{Auth, HttpConfig, Proxy};
use crate::{Error, ErrorKind, Result};

const ORIGIN: &str = "http client";
const MAX_REDIRECTS: usize = 3;

/// Builds a client.
///
/// TLS is rustls with ring, given explicitly, so it needs no process-wide provider. Credentials and
/// headers go with every request. Redirects are followed on the same host and port only: a source that
/// sends elsewhere (to a login page, say) answers with the redirect itself.
///
/// # Errors
/// [`ErrorKind::BadRequest`] when the CA file cannot be read or holds no certificate, or a header or
/// credential holds characters that HTTP does not allow.
#[expect(clippy::disallowed_methods, reason = "the one place that builds HTTP clients")]
pub fn client(config: &HttpConfig) -> Result<Client> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls(config.ca_file.as_deref())?)
        .default_headers(headers(config)?)
        .user_agent(config.user_agent.as_str())
        .timeout(config.timeout)
        .connect_timeout(config.connect_timeout)
        .gzip(true)
        .redirect(Policy::custom(same_host));
    if config.proxy == Proxy::None {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|cause| bad("cannot be built").because(cause))
}

fn tls(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        add_authorities(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| bad("no TLS version in common with ring").because(cause))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

fn add_authorities(roots: &mut RootCertStore, path: &Path) -> Result<()> {
    let shown = path.display();
    let unreadable = |cause| bad(format!("ca_file {shown} cannot be read as PEM")).because(cause);
    let mut added = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|cause| bad(format!("ca_file {shown} holds a bad certificate")).because(cause))?;
        added += 1;
    }
    if added == 0 {
        return Err(bad(format!(
            "ca_file {shown} holds no certificate; give it a PEM file with BEGIN CERTIFICATE"
        )));
    }
    Ok(())
}

fn headers(config: &HttpConfig) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|cause| bad(format!("header name {name:?} is not valid")).because(cause))?;
        headers.insert(key, secret(value.expose_secret(), name)?);
    }
    match &config.auth {
        Auth::None => {}
        Auth::Basic { username, password } => {
            let pair = format!("{username}:{}", password.expose_secret());
            headers.insert(AUTHORIZATION, secret(&format!("Basic {}", base64(pair.as_bytes())), "auth")?);
        }
        Auth::Bearer { token } => {
            let text = format!("Bearer {}", token.expose_secret().trim());
            headers.insert(AUTHORIZATION, secret(&text, "auth")?);
        }
    }
    Ok(headers)
}

// The cause is left out: it would quote the value.
fn secret(text: &str, name: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| bad(format!("value of {name} holds a character that a header cannot")))?;
    value.set_sensitive(true);
    Ok(value)
}

fn same_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let same = attempt.previous().last().is_some_and(|from| {
        let to = attempt.url();
        from.host() == to.host()
            && from.port_or_known_default() == to.port_or_known_default()
            && from.scheme() == to.scheme()
    });
    if same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadRequest, ORIGIN, message)
}

/// Base64 with padding (RFC 4648), for basic authentication.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| {
        usize::try_from(bits & 63).ok().and_then(|at| ALPHABET.get(at)).map_or('=', |byte| char::from(*byte))
    };
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.push(digit(bits >> 18));
        text.push(digit(bits >> 12));
        text.push(if chunk.len() > 1 { digit(bits >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { digit(bits) } else { '=' });
    }
    text
}
