//! Long texts are compressed for clients that accept gzip. Streams of events are not: what waits in a compressor is
//! late. Nor are handshakes, which have no body, and pictures, which are compressed already.

use axum::http::{Extensions, HeaderMap, StatusCode, Version, header::CONTENT_TYPE};
use tower_http::compression::predicate::{And, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

use crate::limits::COMPRESSED_BYTES_MIN;

/// The media types worth it.
const TEXTS: [&str; 8] = [
    "application/json",
    "application/problem+json",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/plain",
];

type IsText = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// The layer that compresses.
pub fn layer() -> CompressionLayer<And<SizeAbove, IsText>> {
    let is_text: IsText = is_text;
    let predicate = SizeAbove::new(COMPRESSED_BYTES_MIN).and(is_text);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(predicate)
}

fn is_text(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    TEXTS.iter().any(|text| media_type.eq_ignore_ascii_case(text))
}
