//! Who may deliver: shared secrets in the `Authorization` header, and comparing secrets.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{Rejection, Request};

/// Credentials that a sender must show. With none configured everybody may deliver.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// `Authorization: Bearer ...`
    #[serde(default)]
    pub bearer_token: Option<SecretString>,
    /// `Authorization: Basic ...`, as a user and password in the URL gives.
    #[serde(default)]
    pub basic_auth: Option<BasicAuth>,
}

/// User and password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    pub username: String,
    pub password: SecretString,
}

impl Access {
    /// Whether no credentials are asked for.
    pub fn is_open(&self) -> bool {
        self.bearer_token.is_none() && self.basic_auth.is_none()
    }

    /// Refuses a request that shows none of the configured credentials.
    pub fn check(&self, request: &Request) -> Result<(), Rejection> {
        if self.is_open() {
            return Ok(());
        }
        let Some(header) = request.header("authorization") else {
            return Err(Rejection::Unauthorized(
                "no authorization header; configure this receiver's credentials at the sender".to_owned(),
            ));
        };
        if self.accepts(header) {
            return Ok(());
        }
        Err(Rejection::Unauthorized(
            "the authorization header does not match; compare the sender's credentials with this receiver's"
                .to_owned(),
        ))
    }

    fn accepts(&self, header: &str) -> bool {
        let Some((scheme, credentials)) = header.trim().split_once(' ') else {
            return false;
        };
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.bearer_token.as_ref().is_some_and(|token| same_secret(credentials, token));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return false;
        }
        self.basic_auth.as_ref().is_some_and(|basic| {
            let pair = format!("{}:{}", basic.username, basic.password.expose_secret());
            same_bytes(credentials.as_bytes(), STANDARD.encode(pair).as_bytes())
        })
    }
}

/// Compares in a time that does not depend on where the two differ.
pub fn same_secret(given: &str, expected: &SecretString) -> bool {
    same_bytes(given.as_bytes(), expected.expose_secret().as_bytes())
}

fn same_bytes(given: &[u8], expected: &[u8]) -> bool {
    !expected.is_empty() && bool::from(given.ct_eq(expected))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use rstest::rstest;

    use super::*;

    fn access() -> Access {
        Access {
            bearer_token: Some("s3cret".to_owned().into()),
            basic_auth: Some(BasicAuth { username: "am".to_owned(), password: "pw".to_owned().into() }),
        }
    }

    fn request(authorization: &str) -> Request {
        Request {
            headers: vec![("authorization".to_owned(), authorization.to_owned())],
            body: Bytes::new(),
            received_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[rstest]
    #[case("Bearer s3cret", true)]
    #[case("bearer  s3cret ", true)]
    #[case("Basic YW06cHc=", true)]
    #[case("Bearer s3cre", false)]
    #[case("Bearer", false)]
    #[case("Bearer ", false)]
    #[case("Basic s3cret", false)]
    #[case("s3cret", false)]
    fn authorization(#[case] header: &str, #[case] allowed: bool) {
        assert_eq!(access().check(&request(header)).is_ok(), allowed);
        assert!(Access::default().check(&request(header)).is_ok());
    }

    #[test]
    fn an_empty_secret_admits_nobody() {
        let access = Access { bearer_token: Some(String::new().into()), basic_auth: None };
        assert!(access.check(&request("Bearer ")).is_err());
    }
}
