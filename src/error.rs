//! What a client reads when a request fails: one RFC 9457 problem document, whatever went wrong.
//!
//! Handlers return [`ApiError`]; its constructors are the complete list of statuses the API uses. A client branches
//! on `code`, which is stable; `title` and `detail` are for people. The `cause` of a 5xx is logged here, once, and
//! never leaves the server.

mod violation;

use std::{borrow::Cow, error::Error, sync::Arc, time::Duration};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tickroom_storage::{ErrorKind, StorageError};
use utoipa::ToSchema;

use crate::middleware::request_id;

pub use violation::{Violation, Violations};

/// A failed request: what is answered, and what is logged.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    #[source]
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// One field of the input that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it stands in the input, in JSON's spelling: `email`, `tags[2]`.
    #[schema(value_type = String, example = "email")]
    pub field: Cow<'static, str>,
    /// What is wrong, for programs: `too_short`, `taken`.
    #[schema(value_type = String, example = "too_short")]
    pub code: &'static str,
    /// What is wrong, for people.
    #[schema(value_type = String)]
    pub detail: Cow<'static, str>,
}

/// The document itself, in the order in which a reader wants it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>)]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    request_id: Option<request_id::RequestId>,
}

/// The media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

impl ApiError {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self { status, code, detail, fields: Vec::new(), retry_after: None, cause: None }
    }

    /// 400: the request is not even well formed.
    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: nobody, or nobody we believe, sent this. Carries `WWW-Authenticate`.
    pub fn unauthorized(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 403: we know who sent this, and they may not do it.
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: there is no such `noun`.
    #[must_use]
    pub fn not_found(noun: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {noun}"))
    }

    /// 405: the URL exists, the method does not. The router adds `Allow`.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let detail = "this resource does not know the method; see the Allow header";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    /// 408: the body took too long to arrive.
    #[must_use]
    pub fn body_too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body took too long to arrive")
    }

    /// 409: true now, and in the way.
    pub fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 409 because another record already holds the value of `field`.
    #[must_use]
    pub fn taken(field: &'static str) -> Self {
        let detail = format!("this {field} is already in use");
        let taken = FieldError { field: field.into(), code: "taken", detail: detail.clone().into() };
        Self { fields: vec![taken], ..Self::conflict("taken", detail) }
    }

    /// 413: the body is larger than this resource reads.
    #[must_use]
    pub fn body_too_large() -> Self {
        let detail = "the body is larger than this resource accepts";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// 415: the body is of another type than `expected`.
    #[must_use]
    pub fn unsupported_media_type(expected: &str) -> Self {
        let detail = format!("the Content-Type must be {expected}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 415: whatever the body is called, what is in it is not what this resource takes.
    pub fn unsupported_content(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 422: well formed as a whole, and still nothing that can be done.
    pub fn unprocessable(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 422: well formed, but these fields are wrong. Give all of them: nobody likes to correct a form five times.
    #[must_use]
    pub fn validation(fields: Vec<FieldError>) -> Self {
        let detail = "one or more fields are not acceptable";
        let error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail);
        Self { fields, ..error }
    }

    /// 429: welcome again after `retry_after`.
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        let error =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests of this kind");
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 429: as many sockets as one user may have. Time does not help, closing one does, so there is no `Retry-After`.
    #[must_use]
    pub fn too_many_sockets() -> Self {
        let detail = "this user has as many sockets open as one may; close one first";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_sockets", detail)
    }

    /// 503: a queue is full. Nothing is broken, so nothing is logged.
    #[must_use]
    pub fn busy() -> Self {
        Self::busy_for(RETRY_SOON)
    }

    /// 503 where we know how long it will last.
    #[must_use]
    pub fn busy_for(retry_after: Duration) -> Self {
        let detail = "the server is busy; try again shortly";
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 503: more mail waits than we have room for, so what would send one is not done.
    #[must_use]
    pub fn mail_busy() -> Self {
        let detail = "too much mail is waiting to be sent; try again in a minute";
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "mail_busy", detail);
        Self { retry_after: Some(Duration::from_secs(60)), ..error }
    }

    /// 503: something that we depend on does not answer.
    pub fn unavailable(cause: impl Error + Send + Sync + 'static) -> Self {
        let detail = "a service that this needs does not answer; try again shortly";
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Self { retry_after: Some(RETRY_SOON), cause: Some(Arc::new(cause)), ..error }
    }

    /// 500: our fault, and the client learns no more than that.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..Self::panicked() }
    }

    /// 500 after a panic, which the panic hook has already reported.
    #[must_use]
    pub fn panicked() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on the server")
    }

    /// The status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Reports why it is our fault, if it is. Answering with an error does this by itself.
    pub(crate) fn log_cause(&self) {
        if let Some(cause) = &self.cause {
            let cause: &(dyn Error + 'static) = cause.as_ref();
            tracing::error!(error = cause, code = self.code, "request failed");
        }
    }

    fn write_headers(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, whole_seconds(wait).into());
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
    }

    /// RFC 6750 section 3: no `error` unless a token was presented, else why it was refused.
    fn challenge(&self) -> Option<&'static str> {
        match (self.status, self.code) {
            (StatusCode::UNAUTHORIZED, code) if code.starts_with("token_") => {
                Some(r#"Bearer realm="tickroom", error="invalid_token""#)
            }
            (StatusCode::UNAUTHORIZED, _) => Some(r#"Bearer realm="tickroom""#),
            (StatusCode::FORBIDDEN, "insufficient_scope") => {
                Some(r#"Bearer realm="tickroom", error="insufficient_scope""#)
            }
            _ => None,
        }
    }
}

/// What a client is told to wait when we do not know better.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// `Retry-After` knows whole seconds only. Rounded up, and never 0: whoever waits that long shall be let in.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match (error.kind(), error.field()) {
            (ErrorKind::Conflict, Some(field)) => Self::taken(field),
            (ErrorKind::NotFound, _) => Self::new(StatusCode::NOT_FOUND, "not_found", error.to_string()),
            (ErrorKind::Unavailable, _) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log_cause();
        let problem = Problem {
            kind: format!("urn:tickroom:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            errors: &self.fields,
            request_id: request_id::current(),
        };
        let mut response = (self.status, axum::Json(problem)).into_response();
        self.write_headers(response.headers_mut());
        response
    }
}
