//! One line per request. It names the route, not the URL: paths and query strings carry names, tickets and tokens.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};

/// Middleware: logs method, route, status and duration.
pub async fn record(route: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let response = next.run(request).await;
    tracing::info!(
        %method,
        path = route.as_ref().map_or("unmatched", MatchedPath::as_str),
        status = response.status().as_u16(),
        duration_ms = started.elapsed().as_secs_f64() * 1e3,
        "request served"
    );
    response
}
