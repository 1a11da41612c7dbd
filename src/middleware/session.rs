//! Carries renewed or cleared login cookies from the extractor that made them to the response.

use axum::{extract::Request, http::header::SET_COOKIE, middleware::Next, response::Response};

use crate::auth::CookieSlot;

/// Middleware: gives the request a [`CookieSlot`] and the response what was left there.
///
/// A handler that sets cookies itself, such as login and logout, knows better: then the slot's are dropped.
pub async fn deliver(mut request: Request, next: Next) -> Response {
    let slot = CookieSlot::default();
    request.extensions_mut().insert(slot.clone());
    let mut response = next.run(request).await;
    if let Some(cookies) = slot.get()
        && !response.headers().contains_key(SET_COOKIE)
    {
        cookies.write(response.headers_mut());
    }
    response
}
