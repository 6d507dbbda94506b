//! Request bodies: bounded before and after decompression.

use std::io::Read;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header::CONTENT_ENCODING, header::CONTENT_LENGTH};

use crate::api::{Error, Kind};

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Error> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    to_bytes(body, limit).await.map_err(|error| match is_limit(&error) {
        true => too_large(limit),
        false => Error::new(Kind::Invalid, format!("the body broke off: {error}")),
    })
}

/// The body as it was before its `Content-Encoding`, at most `limit` bytes.
pub(super) fn decoded(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Error> {
    match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase()).as_deref() {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip" | b"x-gzip") => gunzip(&body, limit),
        Some(_) => Err(Error::new(Kind::Unsupported, "content-encoding is not taken; use gzip or none")),
    }
}

fn gunzip(body: &[u8], limit: usize) -> Result<Bytes, Error> {
    let mut plain = Vec::new();
    let mut reader = MultiGzDecoder::new(body).take(limit as u64 + 1);
    reader
        .read_to_end(&mut plain)
        .map_err(|error| Error::new(Kind::Invalid, format!("the body is not whole gzip: {error}")))?;
    if plain.len() > limit {
        return Err(too_large(limit));
    }
    Ok(plain.into())
}

fn too_large(limit: usize) -> Error {
    Error::new(Kind::TooLarge, format!("the body is over the limit of {limit} bytes; send less at once"))
}

fn is_limit(error: &dyn std::error::Error) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // the type is in a crate that axum does not show
        if error.to_string() == "length limit exceeded" {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use http::HeaderValue;

    use super::*;

    fn gzip(plain: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap().into()
    }

    fn encoding(name: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(name))])
    }

    #[test]
    fn gzip_is_taken_and_bombs_are_not() {
        assert_eq!(decoded(&encoding("gzip"), gzip(b"abc"), 10).unwrap(), "abc");
        assert_eq!(decoded(&encoding("GZIP"), gzip(&[0; 10]), 10).unwrap().len(), 10);
        let bomb = gzip(&vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000);
        assert_eq!(decoded(&encoding("gzip"), bomb, 1 << 20).unwrap_err().kind, Kind::TooLarge);
    }

    #[test]
    fn what_is_not_gzip_is_said() {
        let cut = gzip(b"abcdefgh").slice(..12);
        assert_eq!(decoded(&encoding("gzip"), cut, 99).unwrap_err().kind, Kind::Invalid);
        assert_eq!(decoded(&encoding("zstd"), Bytes::new(), 99).unwrap_err().kind, Kind::Unsupported);
        assert_eq!(decoded(&HeaderMap::new(), Bytes::from_static(b"x"), 0).unwrap(), "x");
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let read = |body: &'static str, limit| read_all(Body::from(body), limit);
        assert_eq!(read("abc", 3).await.unwrap(), "abc");
        assert_eq!(read("abcd", 3).await.unwrap_err().kind, Kind::TooLarge);
        let endless = Body::from_stream(futures::stream::repeat_with(|| {
            Ok::<_, std::convert::Infallible>(Bytes::from_static(&[0; 1024]))
        }));
        assert_eq!(read_all(endless, 1 << 20).await.unwrap_err().kind, Kind::TooLarge);
    }

    async fn read_all(body: Body, limit: usize) -> Result<Bytes, Error> {
        read(&HeaderMap::new(), body, limit).await
    }
}
