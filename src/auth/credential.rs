//! What a request shows to say who sent it, and which of it counts.
//!
//! Three credentials are *explicit*, somebody put them there for this request: a Bearer token, a ticket, and the
//! claim of a trusted gateway. Cookies are *ambient*, a browser sends them along whether its user means to or not.
//!
//! - Two explicit credentials contradict each other: 400, whatever they say.
//! - One explicit credential counts alone. If it is bad the request is refused; cookies never stand in for it.
//! - Without one, the cookies count.

use axum::http::{HeaderMap, header};

use super::cookie::LoginCookies;
use crate::{error::ApiError, middleware::client_ip::X_CLAIM_USER_ID};

/// The one thing by which a request is judged.
pub(super) enum Credential<'a> {
    Bearer(&'a str),
    Ticket(&'a str),
    Claim(&'a str),
    Cookies(LoginCookies),
}

impl<'a> Credential<'a> {
    /// The credential that counts. `may_claim`: the request comes from a trusted gateway.
    pub(super) fn read(
        headers: &'a HeaderMap,
        ticket: Option<&'a str>,
        may_claim: bool,
    ) -> Result<Self, ApiError> {
        let bearers = bearers(headers).map(Self::Bearer);
        let tickets = ticket.into_iter().map(Self::Ticket);
        let claims = headers.get_all(X_CLAIM_USER_ID).into_iter().filter(|_| may_claim);
        let claims = claims.map(|claim| Self::Claim(claim.to_str().unwrap_or_default()));

        let mut explicit = bearers.chain(tickets).chain(claims);
        match (explicit.next(), explicit.next()) {
            (Some(_), Some(_)) => Err(ambiguous()),
            (Some(credential), None) => Ok(credential),
            (None, _) => Ok(Self::Cookies(LoginCookies::read(headers))),
        }
    }
}

/// Whether the request shows something that somebody put there on purpose.
pub(super) fn is_explicit(headers: &HeaderMap) -> bool {
    bearers(headers).next().is_some() || headers.contains_key(X_CLAIM_USER_ID)
}

/// Whether the request depends on cookies, which another site's page could have made the browser send.
pub(crate) fn is_ambient(headers: &HeaderMap) -> bool {
    bearers(headers).next().is_none() && !LoginCookies::read(headers).are_absent()
}

/// Bearer tokens. Other schemes are none of our business: a proxy in front of us may want `Basic`.
pub(super) fn bearers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::AUTHORIZATION).into_iter().filter_map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
    })
}

fn ambiguous() -> ApiError {
    ApiError::bad_request("ambiguous_credentials", "send one of: a Bearer token, a ticket, a gateway's claim")
}
