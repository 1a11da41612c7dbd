//! The limits and faults at the HTTP door, for REST calls and handshakes alike.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::exchange::Hall;
use crate::limit::{Admission, Group};

/// What the exchange says about its limits with every answer that it gives.
pub(crate) type LimitHeaders = [(&'static str, String); 2];

/// Counts a request of `group`, or of the browsers' group if it has an `Origin`.
pub(crate) fn admit(hall: &Hall, group: Group, headers: &HeaderMap) -> Result<LimitHeaders, StatusCode> {
    let group = if headers.contains_key(header::ORIGIN) { Group::Origin } else { group };
    match hall.gate.lock().admit(group, hall.now()) {
        Admission::Admitted { left } => {
            Ok([("remaining-req", group.remaining_req(left)), ("limit-by-ip", "Yes".to_owned())])
        }
        Admission::TooMany => Err(StatusCode::TOO_MANY_REQUESTS),
        Admission::Blocked => Err(StatusCode::IM_A_TEAPOT),
    }
}

/// An answer of `status` without content of its own. 429 is plain text where everything else is JSON.
pub(crate) fn refusal(status: StatusCode) -> Response {
    match status {
        StatusCode::TOO_MANY_REQUESTS => (status, "Too many API requests.").into_response(),
        StatusCode::IM_A_TEAPOT => status.into_response(),
        _ => error(status, status.canonical_reason().unwrap_or_default()),
    }
}

/// The error body of quotation calls, whose name is a number.
pub(crate) fn error(status: StatusCode, message: &str) -> Response {
    let body = format!(r#"{{"error":{{"name":{},"message":"{message}"}}}}"#, status.as_u16());
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
}

/// The middleware before each group of REST paths.
pub(crate) async fn rest(
    State((hall, group)): State<(Arc<Hall>, Group)>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(status) = hall.faults.refused_rest() {
        return refusal(status);
    }
    match admit(&hall, group, request.headers()) {
        Ok(limits) => (limits, next.run(request).await).into_response(),
        Err(status) => refusal(status),
    }
}
