//! Cross-site request forgery: a page elsewhere makes a browser send a request, and the browser adds our cookies.
//!
//! The rule, for requests that depend on cookies (a Bearer token or a ticket is never sent by accident):
//!
//! - A method that changes something (not GET, HEAD, OPTIONS, TRACE) needs an allowed `Origin`. If there is none, a
//!   browser's `Sec-Fetch-Site` must say `same-origin` or `none`. If that is missing, too, it was no browser: all
//!   of them send `Origin` with such methods.
//! - A WebSocket handshake needs an allowed `Origin`, always: it is a GET, but CORS does not protect it.
//!
//! Allowed are the configured origins, the public URL's, and the one that the request itself was sent to. The last
//! cannot be forged by a page, for it does not choose `Host`. Where cookies are `Secure` it must be https.

use std::{collections::HashSet, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::{
    auth::{Auth, is_ambient},
    config::{self, WebOrigin},
    error::ApiError,
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The pages that may act with their visitors' cookies.
#[derive(Debug, Clone)]
pub struct Origins {
    configured: Arc<HashSet<WebOrigin>>,
    https_only: bool,
}

impl Origins {
    /// Those of the configuration.
    #[must_use]
    pub fn new(server: &config::Server, https_only: bool) -> Self {
        let all = server.allowed_origins.iter().chain([&server.public_url]);
        Self { configured: Arc::new(all.cloned().collect()), https_only }
    }

    /// Whether a page of `origin` may send the request with these `headers`.
    #[must_use]
    pub fn allow(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        // `null`, which sandboxed frames and local files send, is no origin.
        let Some(origin) = origin.to_str().ok().and_then(|text| text.parse().ok()) else {
            return false;
        };
        self.configured.contains(&origin) || self.is_our_own(&origin, headers)
    }

    fn is_our_own(&self, origin: &WebOrigin, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let scheme = origin.as_str().split(':').next();
        let (Some(host), Some(scheme)) = (host, scheme) else {
            return false;
        };
        let ours = format!("{scheme}://{host}").parse::<WebOrigin>();
        ours.is_ok_and(|ours| ours == *origin) && (scheme == "https" || !self.https_only)
    }

    /// The rule for methods that change something.
    ///
    /// # Errors
    ///
    /// 403 `origin_forbidden`.
    pub fn check_unsafe(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let allowed = match headers.get(header::ORIGIN) {
            Some(origin) => self.allow(origin, headers),
            None => headers.get(SEC_FETCH_SITE).is_none_or(|site| site == "same-origin" || site == "none"),
        };
        if allowed { Ok(()) } else { Err(forbidden()) }
    }

    /// The rule for WebSocket handshakes.
    ///
    /// # Errors
    ///
    /// 403 `origin_forbidden`.
    pub fn check_handshake(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let allowed = headers.get(header::ORIGIN).is_some_and(|origin| self.allow(origin, headers));
        if allowed { Ok(()) } else { Err(forbidden()) }
    }
}

fn forbidden() -> ApiError {
    ApiError::forbidden("origin_forbidden", "pages of this origin may not act for their visitors here")
}

/// Middleware: applies the rule for methods that change something. Handshakes are checked where they are identified.
///
/// # Errors
///
/// 403 `origin_forbidden`.
pub async fn guard(State(auth): State<Auth>, request: Request, next: Next) -> Result<Response, ApiError> {
    if !request.method().is_safe() && is_ambient(request.headers()) {
        auth.origins().check_unsafe(request.headers())?;
    }
    Ok(next.run(request).await)
}
