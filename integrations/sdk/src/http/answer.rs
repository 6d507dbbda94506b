//! Reads answers, bounded, and turns what went wrong into [`Error`]s.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::fmt::rfc2822;
use reqwest::{
    Response, StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use crate::{Error, ErrorKind, Result};

/// Largest body that a source may answer with, in bytes, after decompression.
pub const MAX_BODY: usize = 64 * 1024 * 1024;

/// Most characters of another side's text that an error message quotes.
const MAX_QUOTE: usize = 300;

/// Reads a body of at most `max_bytes`, measured after decompression.
///
/// # Errors
/// [`ErrorKind::BadAnswer`] when there is more, or the body breaks off; [`ErrorKind::Timeout`] when the
/// client's time is up.
pub async fn read_limited(origin: &str, mut response: Response, max_bytes: usize) -> Result<Bytes> {
    let too_large =
        || Error::new(ErrorKind::BadAnswer, origin, format!("answer is larger than {max_bytes} bytes"));
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > max_bytes {
        return Err(too_large());
    }
    let mut body = BytesMut::with_capacity(announced.min(1024 * 1024));
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(body.freeze()),
            Err(cause) => {
                let kind = if cause.is_timeout() { ErrorKind::Timeout } else { ErrorKind::BadAnswer };
                let message = format!("answer broke off after {} bytes: {}", body.len(), root(&cause));
                return Err(Error::new(kind, origin, message).because(cause.without_url()));
            }
        };
        if body.len() + chunk.len() > max_bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
}

/// What a request that got no answer means.
pub fn request_error(origin: &str, cause: &reqwest::Error) -> Error {
    let (kind, what) = if cause.is_timeout() {
        (ErrorKind::Timeout, "no answer in time")
    } else if cause.is_connect() {
        (ErrorKind::Unavailable, "cannot connect")
    } else if cause.is_builder() {
        (ErrorKind::BadRequest, "request cannot be built")
    } else if cause.is_body() || cause.is_decode() {
        (ErrorKind::BadAnswer, "answer cannot be read")
    } else {
        (ErrorKind::Unavailable, "connection broke")
    };
    // Only the innermost cause is kept: the others quote the URL, which may hold a password.
    Error::new(kind, origin, format!("{what}: {}", root(cause)))
}

/// What an answer that is not a success means; `said` is what its body says, shortened here.
pub fn status_error(origin: &str, status: StatusCode, headers: &HeaderMap, said: &str) -> Error {
    let kind = match status.as_u16() {
        400 | 405 | 406 | 411..=417 | 422 => ErrorKind::BadRequest,
        401 | 403 | 407 => ErrorKind::Unauthorized,
        404 | 410 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        429 | 503 => ErrorKind::Overloaded,
        501 => ErrorKind::Unsupported,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::BadAnswer,
    };
    let quote = quote(said);
    let separator = if quote.is_empty() { "" } else { ": " };
    Error::new(kind, origin, format!("answered {}{separator}{quote}", status.as_u16()))
        .retry_after(retry_after(headers))
}

/// How long the other side asks to be left alone: seconds, or a date, which is read against the answer's
/// own `Date` so that clocks need not agree.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?;
    let now = rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(until.timestamp().duration_since(now.timestamp()).try_into().unwrap_or(Duration::ZERO))
}

/// The first line of what the other side said, without control characters, bounded.
fn quote(said: &str) -> String {
    said.trim()
        .chars()
        .take_while(|letter| *letter != '\n')
        .filter(|letter| !letter.is_control())
        .take(MAX_QUOTE)
        .collect()
}

/// The innermost cause, which is what a person can act on (`connection refused`).
fn root(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    quote(&inner.to_string())
}
