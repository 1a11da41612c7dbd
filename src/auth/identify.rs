//! From what a request shows to who sent it. One way for requests and sockets, so that what is refused here is
//! refused everywhere.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, StatusCode};

use super::{
    Auth, CookieSlot, Identity, Scopes, access_token::TokenError, cookie::LoginCookies,
    credential::Credential, token_expired, token_invalid, token_revoked, unauthenticated,
};
use crate::error::ApiError;

/// All of a request that bears on who sent it.
pub(super) struct Presented<'a> {
    pub(super) headers: &'a HeaderMap,
    /// The other end of the connection; unknown, it is trusted with nothing.
    pub(super) peer: Option<IpAddr>,
    /// `?ticket=` of a handshake.
    pub(super) ticket: Option<&'a str>,
    /// A WebSocket handshake, which CORS does not protect.
    pub(super) is_handshake: bool,
    /// Where the client is, for what is limited by that; trusted proxies tell.
    pub(super) client: Option<IpAddr>,
    /// Where renewed cookies can be left. Without it nothing is renewed: the new refresh token would be lost.
    pub(super) cookies: Option<&'a CookieSlot>,
}

impl Auth {
    /// Who opens a socket. Contradicting credentials are refused as `credential.rs` says; cookies count only with an
    /// allowed `Origin` and while the access token lasts. To have it renewed during the handshake, let the handler
    /// take a [`SocketIdentity`](super::SocketIdentity) instead.
    ///
    /// # Errors
    ///
    /// 401 for nobody, 403 for cookies from elsewhere, 400 for contradictions.
    pub async fn identify_socket(
        &self,
        headers: &HeaderMap,
        peer: SocketAddr,
        ticket: Option<&str>,
    ) -> Result<Identity, ApiError> {
        let peer = Some(peer.ip());
        let presented = Presented { headers, peer, ticket, is_handshake: true, client: peer, cookies: None };
        self.identify(presented).await
    }

    pub(super) async fn identify(&self, presented: Presented<'_>) -> Result<Identity, ApiError> {
        let may_claim = presented.peer.is_some_and(|peer| self.0.identity_gateways.contains(peer));
        match Credential::read(presented.headers, presented.ticket, may_claim)? {
            Credential::Bearer(token) => self.by_access_token(token).await,
            Credential::Ticket(ticket) => self.by_ticket(ticket).await,
            Credential::Claim(user) => self.by_claim(user).await,
            Credential::Cookies(cookies) if cookies.are_absent() => Err(unauthenticated()),
            Credential::Cookies(cookies) => {
                if presented.is_handshake {
                    self.0.origins.check_handshake(presented.headers)?;
                }
                self.by_cookies(cookies, presented.cookies, presented.client).await
            }
        }
    }

    /// Whom an access token stands for that came by another way than a header: over a socket.
    ///
    /// # Errors
    ///
    /// 401 `token_expired`, or another 401 for a token that is no good.
    pub async fn by_access_token(&self, token: &str) -> Result<Identity, ApiError> {
        let identity = self.0.access_tokens.verify(token, self.now())?;
        self.still_live(identity).await
    }

    async fn by_ticket(&self, ticket: &str) -> Result<Identity, ApiError> {
        let identity = self.0.tickets.redeem(ticket, self.now());
        let identity = identity.ok_or_else(|| {
            ApiError::unauthorized("token_invalid", "this ticket was never given, or used, or is too old")
        })?;
        self.still_live(identity).await
    }

    /// A gateway vouches for the user, and for nothing else: no login stands behind it, and no scope of administrators
    /// comes with it, because a forgotten header at the gateway must not hand over the place.
    async fn by_claim(&self, user: &str) -> Result<Identity, ApiError> {
        let id = user.parse().map_err(|_not_an_id| token_invalid())?;
        let user = self.living(id).await?.filter(|user| user.suspended_at.is_none());
        let user = user.ok_or_else(token_invalid)?;
        let identity = self.identity_of(&user, None, self.now());
        Ok(Identity { scopes: Scopes::USER, ..identity })
    }

    async fn by_cookies(
        &self,
        cookies: LoginCookies,
        slot: Option<&CookieSlot>,
        client: Option<IpAddr>,
    ) -> Result<Identity, ApiError> {
        let access = cookies.access.ok_or(TokenError::Expired);
        let refused = match access.and_then(|token| self.0.access_tokens.verify(&token, self.now())) {
            Ok(identity) => return self.still_live(identity).await,
            Err(refused) => refused,
        };
        match (cookies.refresh, slot) {
            (Some(refresh_token), Some(slot)) => {
                if let Some(client) = client {
                    self.0.refresh_limit.take(client)?;
                }
                self.renew(&refresh_token, slot).await
            }
            _ => Err(refused.into()),
        }
    }

    /// Refreshes on the way. A refresh token that is no good any more is taken off the browser's hands.
    async fn renew(&self, refresh_token: &str, slot: &CookieSlot) -> Result<Identity, ApiError> {
        match self.refresh(refresh_token).await {
            Ok(grant) => {
                slot.fill(self.set_cookies(&grant)?);
                Ok(grant.identity)
            }
            Err(refused) => {
                if refused.status() == StatusCode::UNAUTHORIZED {
                    slot.fill(self.clear_cookies()?);
                }
                Err(refused)
            }
        }
    }

    /// The same identity under the name and picture that the user has now, if the login still stands.
    async fn still_live(&self, identity: Identity) -> Result<Identity, ApiError> {
        let Some(family) = identity.family else {
            return Ok(identity);
        };
        let holder = self.0.families.holder(family, self.now()).await?.ok_or_else(token_revoked)?;
        let (name, profile_url) = (holder.name.as_str().into(), holder.avatar_url.as_deref().map(Into::into));
        Ok(Identity { name, profile_url, ..identity })
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => token_expired(),
            TokenError::Invalid => token_invalid(),
        }
    }
}
