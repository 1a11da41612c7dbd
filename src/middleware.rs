//! What happens to every request before its handler and to every response after it, one concern a file.
//!
//! [`apply`] puts them in their only sensible order, outermost first:
//!
//! 1. [`request_id`]: everything below may log and fail, so the id comes first.
//! 2. [`access_log`]: sees the final status, also of panics and refusals.
//! 3. [`mod@panic`]: a handler that panics costs its own request a 500 and nobody else anything.
//! 4. [`security_headers`]: on whatever is answered below.
//! 5. [`cors`]: answers preflights, which carry no credentials and must not be refused for that.
//! 6. [`client_ip`]: decides what the peer may say about others, before anyone believes a header.
//! 7. [`origin`]: refuses forged cross-site requests before they cost anything.
//! 8. [`session`]: brings renewed cookies to the browser.
//! 9. [`compression`]: makes long answers short, for clients that can read it.

pub mod access_log;
pub mod client_ip;
pub mod compression;
pub mod cors;
pub mod origin;
pub mod panic;
pub mod rate_limit;
pub mod request_id;
pub mod security_headers;
pub mod session;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};

use crate::{auth::Auth, error::ApiError};

/// Wraps all routes that `router` has by now, and gives it problem documents for unknown URLs and methods.
pub fn apply<S: Clone + Send + Sync + 'static>(router: Router<S>, auth: &Auth) -> Router<S> {
    router
        .fallback(async || ApiError::not_found("resource"))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(compression::layer())
        .layer(from_fn(session::deliver))
        .layer(from_fn_with_state(auth.clone(), origin::guard))
        .layer(from_fn_with_state(auth.clone(), client_ip::resolve))
        .layer(cors::layer(auth.origins()))
        .layer(from_fn_with_state(auth.clone(), security_headers::set))
        .layer(from_fn(panic::catch))
        .layer(from_fn(access_log::record))
        .layer(from_fn(request_id::assign))
}
