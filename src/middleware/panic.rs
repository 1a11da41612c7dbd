//! A panic in a handler is a bug, and still the client deserves an answer: a 500 problem with the request's id, beside
//! which the panic hook's report stands in the log.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;

use crate::error::ApiError;

/// Middleware: answers for a handler that panicked.
///
/// Unwind safety is asserted because nothing of the request outlives it: what handlers share guards itself.
pub async fn catch(request: Request, next: Next) -> Response {
    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    outcome.unwrap_or_else(|_panic| ApiError::panicked().into_response())
}
