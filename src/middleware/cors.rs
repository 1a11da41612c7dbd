//! Which other pages' scripts may read our answers: those of the configured origins, with cookies, and nobody else.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{origin::Origins, request_id::X_REQUEST_ID};

/// Browsers ask again after this long; Chromium never remembers a preflight for longer than two hours.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3600);

/// The layer that answers preflights and marks responses. Every method that the API has is listed: a forgotten
/// `PATCH` works everywhere but in browsers.
pub fn layer(origins: &Origins) -> CorsLayer {
    let origins = origins.clone();
    let allowed = move |origin: &HeaderValue, request: &axum::http::request::Parts| {
        origins.allow(origin, &request.headers)
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            X_REQUEST_ID,
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("idempotency-replayed"),
            X_REQUEST_ID,
        ])
        .max_age(PREFLIGHT_MAX_AGE)
}
