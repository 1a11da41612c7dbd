//! What browsers are told to be careful about, on every answer: not to guess types, not to tell other sites where they
//! come from, not to show us inside another page, and to load nothing that an answer names. The page itself, which does
//! load things, says so and is left as it is.

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::Response,
};

use crate::auth::Auth;

/// For whatever an answer is, except the page.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // Not no-referrer, with which browsers send `Origin: null` where we ask for the origin.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// A year. Only under https: elsewhere browsers ignore it.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Middleware: adds what the handler has not set itself.
pub async fn set(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    // What follows a handshake is no page, and sockets come by the thousand.
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        add(response.headers_mut(), auth.is_https());
    }
    response
}

fn add(headers: &mut HeaderMap, is_https: bool) {
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    if is_https {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HTTPS_ONLY);
    }
}
