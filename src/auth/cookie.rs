//! The two cookies of a browser's login, and how they are set.
//!
//! `HttpOnly` keeps them from scripts, `SameSite=Lax` from other sites' forms, `Secure` (off only for plain http on
//! one's own machine) from the wire. Both are sent to every path: a page, an API call and a handshake may each be
//! the first request after the access token has expired.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponseParts, ResponseParts},
};
use axum_extra::extract::CookieJar;

use super::Grant;
use crate::error::ApiError;

/// The cookie of the access token.
pub const ACCESS_TOKEN: &str = "ACCESS_TOKEN";
/// The cookie of the refresh token.
pub const REFRESH_TOKEN: &str = "REFRESH_TOKEN";

/// The login cookies that a browser sent.
#[derive(Clone, Default)]
pub(super) struct LoginCookies {
    pub(super) access: Option<String>,
    pub(super) refresh: Option<String>,
}

impl LoginCookies {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let jar = CookieJar::from_headers(headers);
        let value = |name| jar.get(name).map(|cookie| cookie.value().to_owned());
        Self { access: value(ACCESS_TOKEN), refresh: value(REFRESH_TOKEN) }
    }

    pub(super) fn are_absent(&self) -> bool {
        self.access.is_none() && self.refresh.is_none()
    }
}

/// `Set-Cookie` headers, to be put in front of a response's body.
#[derive(Debug, Clone)]
pub struct SetCookies(Vec<HeaderValue>);

impl SetCookies {
    /// Adds them to a response.
    pub fn write(&self, headers: &mut HeaderMap) {
        for cookie in &self.0 {
            headers.append(header::SET_COOKIE, cookie.clone());
        }
    }
}

impl IntoResponseParts for SetCookies {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.write(parts.headers_mut());
        Ok(parts)
    }
}

/// Makes cookies as the configuration wants them.
#[derive(Debug, Clone)]
pub(super) struct CookieMaker {
    pub(super) secure: bool,
    pub(super) access_ttl: Duration,
    pub(super) refresh_ttl: Duration,
}

impl CookieMaker {
    /// The cookies that bring `grant` to the browser. They go when their tokens do.
    pub(super) fn set(&self, grant: &Grant) -> Result<SetCookies, ApiError> {
        let mut cookies = vec![self.cookie(ACCESS_TOKEN, &grant.access_token, self.access_ttl)?];
        if let Some(refresh_token) = &grant.refresh_token {
            cookies.push(self.cookie(REFRESH_TOKEN, refresh_token, self.refresh_ttl)?);
        }
        Ok(SetCookies(cookies))
    }

    /// The cookies that make the browser forget.
    pub(super) fn clear(&self) -> Result<SetCookies, ApiError> {
        let clear = |name| self.cookie(name, "", Duration::ZERO);
        Ok(SetCookies(vec![clear(ACCESS_TOKEN)?, clear(REFRESH_TOKEN)?]))
    }

    /// Tokens consist of base64url and dots, so no value needs quoting.
    fn cookie(&self, name: &str, value: &str, max_age: Duration) -> Result<HeaderValue, ApiError> {
        let secure = if self.secure { "; Secure" } else { "" };
        let max_age_s = max_age.as_secs();
        let cookie = format!("{name}={value}; Max-Age={max_age_s}; Path=/; HttpOnly; SameSite=Lax{secure}");
        let mut cookie = HeaderValue::try_from(cookie).map_err(ApiError::internal)?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }
}

/// Where an extractor leaves cookies for the response, which only the [`session`](crate::middleware::session)
/// middleware gets to see. It is filled at most once per request.
#[derive(Debug, Clone, Default)]
pub struct CookieSlot(Arc<OnceLock<SetCookies>>);

impl CookieSlot {
    pub(super) fn fill(&self, cookies: SetCookies) {
        // A request is identified once, so nothing is lost when the slot is full.
        let _already_filled = self.0.set(cookies);
    }

    /// What has been left there.
    #[must_use]
    pub fn get(&self) -> Option<&SetCookies> {
        self.0.get()
    }
}
