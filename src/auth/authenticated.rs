//! Extractors: a handler that needs to know its caller takes one of these as an argument, and that is all the access
//! control there is. No list of public paths exists that could be matched by mistake.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRef, FromRequestParts},
    http::{StatusCode, request::Parts},
};
use serde::Deserialize;
use tickroom_storage::user::Role;

use super::{Auth, CookieSlot, Identity, Scope, credential, identify::Presented, is_ambient};
use crate::{error::ApiError, extract::Query, middleware::client_ip::ClientIp};

/// The caller, whose token permits this method. Without one: 401, or 403 if the token's scopes do not suffice.
///
/// An expired or missing access cookie is renewed by a good refresh cookie on the way. A method that changes something
/// takes one from the caller's budget for that, and is refused with 429 when it is spent.
#[derive(Debug)]
pub struct Authenticated(pub Identity);

/// The caller, who runs the place and whose token says so. Somebody else: 403 `forbidden`.
#[derive(Debug)]
pub struct Admin(pub Identity);

/// The caller if there is one. Stale cookies are nobody; a bad *explicit* credential is still refused, for whoever
/// shows a token wants to be told that it does not work.
#[derive(Debug)]
pub struct MaybeAuthenticated(pub Option<Identity>);

/// The caller of a WebSocket handshake: like [`Authenticated`], with the `?ticket=` considered and the `Origin` of
/// cookies checked. Renewed cookies travel in the handshake's response.
#[derive(Debug)]
pub struct SocketIdentity(pub Identity);

/// The caller of an event stream: like [`Authenticated`], with the `?ticket=` considered. A browser sends no `Origin`
/// with a stream of the page's own server, so the rule for cookies is that of methods that change something: a page of
/// elsewhere is refused, for a stream takes one of the user's places.
#[derive(Debug)]
pub struct StreamIdentity(pub Identity);

/// The caller of a WebSocket handshake that may be made by anybody, as with [`MaybeAuthenticated`].
#[derive(Debug)]
pub struct MaybeSocketIdentity(pub Option<Identity>);

impl<S: Send + Sync> FromRequestParts<S> for Authenticated
where
    Auth: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let identity = identify(parts, state).await?;
        identity.require(Scope::of_method(&parts.method))?;
        Ok(Self(identity))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin
where
    Auth: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Authenticated(identity) = Authenticated::from_request_parts(parts, state).await?;
        if identity.role != Role::Admin {
            return Err(ApiError::forbidden("forbidden", "this is for administrators"));
        }
        identity.require(Scope::Admin)?;
        Ok(Self(identity))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeAuthenticated
where
    Auth: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let identity = match identify(parts, state).await {
            Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
                if credential::is_explicit(&parts.headers) { Err(refused) } else { Ok(None) }
            }
            outcome => outcome.map(Some),
        };
        identity.map(Self)
    }
}

#[derive(Deserialize)]
struct TicketQuery {
    ticket: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for SocketIdentity
where
    Auth: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(TicketQuery { ticket }) = Query::from_request_parts(parts, state).await?;
        let presented = Presented {
            peer: peer(parts, state).await,
            headers: &parts.headers,
            ticket: ticket.as_deref(),
            is_handshake: true,
            client: client(parts),
            cookies: parts.extensions.get(),
        };
        Auth::from_ref(state).identify(presented).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for StreamIdentity
where
    Auth: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let auth = Auth::from_ref(state);
        let Query(TicketQuery { ticket }) = Query::from_request_parts(parts, state).await?;
        if ticket.is_none() && is_ambient(&parts.headers) {
            auth.origins().check_unsafe(&parts.headers)?;
        }
        let presented = Presented {
            peer: peer(parts, state).await,
            headers: &parts.headers,
            ticket: ticket.as_deref(),
            is_handshake: false,
            client: client(parts),
            cookies: parts.extensions.get(),
        };
        let identity = auth.identify(presented).await?;
        identity.require(Scope::Read)?;
        Ok(Self(identity))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeSocketIdentity
where
    Auth: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(TicketQuery { ticket }) = Query::from_request_parts(parts, state).await?;
        let identity = match SocketIdentity::from_request_parts(parts, state).await {
            Ok(SocketIdentity(identity)) => Some(identity),
            Err(refused) if refused.status() != StatusCode::UNAUTHORIZED => return Err(refused),
            Err(refused) if ticket.is_some() || credential::is_explicit(&parts.headers) => {
                return Err(refused);
            }
            Err(_stale_cookies) => None,
        };
        Ok(Self(identity))
    }
}

/// What became of this request's credential. A refresh token is good for one use, so two extractors on one handler
/// must not both try it.
#[derive(Clone)]
struct Remembered(Result<Identity, ApiError>);

async fn identify<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Identity, ApiError>
where
    Auth: FromRef<S>,
{
    if let Some(Remembered(outcome)) = parts.extensions.get() {
        return outcome.clone();
    }
    let presented = Presented {
        peer: peer(parts, state).await,
        headers: &parts.headers,
        ticket: None,
        is_handshake: false,
        client: client(parts),
        cookies: parts.extensions.get::<CookieSlot>(),
    };
    let auth = Auth::from_ref(state);
    let outcome = auth.identify(presented).await.and_then(|identity| {
        if !parts.method.is_safe() {
            auth.write_limit().take(&identity.user_id)?;
        }
        Ok(identity)
    });
    parts.extensions.insert(Remembered(outcome.clone()));
    outcome
}

async fn peer<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<IpAddr> {
    let peer = ConnectInfo::<SocketAddr>::from_request_parts(parts, state).await;
    peer.ok().map(|ConnectInfo(peer)| peer.ip())
}

/// As the middleware found it.
fn client(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get().map(|ClientIp(client)| *client)
}
