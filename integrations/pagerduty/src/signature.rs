//! `X-PagerDuty-Signature: v1=<hex>[,v1=<hex>...]`: HMAC-SHA256 over the raw body, one per secret while
//! secrets rotate.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Signatures looked at in one header; a rotation sends two.
const MAX_SIGNATURES: usize = 16;

/// Whether any signature of version 1 is that of the body under any of the secrets.
pub(crate) fn verify(header: &str, body: &[u8], secrets: &[SecretString]) -> bool {
    let given: Vec<Vec<u8>> = header
        .split(',')
        .filter_map(|part| part.trim().strip_prefix("v1="))
        .take(MAX_SIGNATURES)
        .filter_map(|digits| hex::decode(digits.trim()).ok())
        .collect();
    if given.is_empty() {
        return false;
    }
    // No early end: the time taken must not tell which secret or signature matched.
    let mut matched = false;
    for secret in secrets {
        // The key is the secret's bytes as given: it looks like base64 but is not to be decoded.
        let key = secret.expose_secret().as_bytes();
        if key.is_empty() {
            continue;
        }
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            continue;
        };
        mac.update(body);
        for signature in &given {
            matched |= mac.clone().verify_slice(signature).is_ok();
        }
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;

    // Computed with: printf body | openssl dgst -sha256 -hmac c2VjcmV0
    const OF_BODY: &str = "2c1ea2391b91a160782d0a1212fce9d2431540afd44a10b2303381ca97a71172";

    fn secrets(words: &[&str]) -> Vec<SecretString> {
        words.iter().map(|word| (*word).to_owned().into()).collect()
    }

    #[test]
    fn any_signature_under_any_secret() {
        let wrong = "0".repeat(64);
        let secrets = secrets(&["other", "c2VjcmV0"]);
        assert!(verify(&format!("v1={OF_BODY}"), b"body", &secrets));
        assert!(verify(&format!("v1={wrong}, v1={OF_BODY}"), b"body", &secrets));
        assert!(!verify(&format!("v2={OF_BODY}"), b"body", &secrets));
        assert!(!verify(&format!("v1={OF_BODY}"), b"body ", &secrets));
        assert!(!verify(&format!("v1={OF_BODY}"), b"body", &secrets[..1]));
        assert!(!verify("v1=,v1=zz,", b"body", &secrets));
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let mac = Hmac::<Sha256>::new_from_slice(b"").expect("any key length");
        let digits = hex::encode(mac.finalize().into_bytes());
        assert!(!verify(&format!("v1={digits}"), b"", &secrets(&[""])));
    }
}
