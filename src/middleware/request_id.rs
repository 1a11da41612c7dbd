//! Every request has an id: the client's or the gateway's `x-request-id` if it is sane, else one of ours. It is echoed
//! in the response, stands in every problem document and in every log line that the request causes.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use serde::Serialize;
use tracing::Instrument;

use crate::limits::REQUEST_ID_BYTES_MAX;

/// The header, in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    /// A task local, because errors become responses deep inside handlers that know nothing of headers.
    static CURRENT: RequestId;
}

/// A name for one request: letters, digits, `-`, `_` and `.` only, so that it is safe in logs and headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The inbound id, if it is one that we want to repeat.
    fn accept(value: &HeaderValue) -> Option<Self> {
        let id = value.to_str().ok()?;
        let sane = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
        let accepted = (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(sane);
        accepted.then(|| Self(id.into()))
    }

    /// Unique enough to find in a log; not a secret, so no strong randomness is spent on it.
    fn generate() -> Self {
        Self(format!("{:032x}", fastrand::u128(..)).into())
    }
}

/// The id of the request that this task answers.
#[must_use]
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(RequestId::clone).ok()
}

/// Middleware: names the request, for its logs, its errors and its sender.
pub async fn assign(request: Request, next: Next) -> Response {
    let inbound = request.headers().get(X_REQUEST_ID).and_then(RequestId::accept);
    let id = inbound.unwrap_or_else(RequestId::generate);
    let span = tracing::info_span!("request", request_id = %id.0);
    let mut response = CURRENT.scope(id.clone(), next.run(request).instrument(span)).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}
